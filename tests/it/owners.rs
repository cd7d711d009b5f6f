//! The operator's list of owners: shown first, then applied; replacing takes away; bad lines are named and harm nothing.

use keyharbor::domain::EventKind;
use keyharbor::formats::owners::{FileError, read};
use keyharbor::service::owners::OwnersReport;

use crate::probe::{census, rows};
use crate::world::{KEY, MAC, World};

async fn import(world: &World, csv: &str, apply: bool, replace: bool) -> OwnersReport {
    let (lines, _) = read(csv.as_bytes()).unwrap();
    world.service.import_owners(&lines, apply, replace).await.unwrap()
}

fn report(set: u64, same: u64, removed: u64, new_devices: u64) -> OwnersReport {
    OwnersReport { set, same, removed, new_devices, unverified: 0, bent_devices: 0 }
}

#[actix_web::test]
async fn a_dry_run_counts_and_writes_nothing() {
    for world in World::both().await {
        let csv = "serial,login\nC02TEST00001,astrid\nC02TEST00002,berit\nc02test00001,Astrid\n";
        let (before, trail) = (census(&world).await, world.trail().await.len());
        assert_eq!(import(&world, csv, false, false).await, report(2, 0, 0, 2));
        assert_eq!((census(&world).await, world.trail().await.len()), (before, trail));
        assert_eq!(import(&world, csv, true, false).await, report(2, 0, 0, 2));
        assert_eq!(import(&world, csv, true, false).await, report(0, 2, 0, 0), "again is harmless");
        assert_eq!((rows(&world, "device_owners").await, world.count(EventKind::OwnerSet).await), (2, 2));
        let mut astrid = world.signed_in("astrid").await;
        assert!(astrid.get("/devices").await.text.contains(MAC) || astrid.get("/").await.location().starts_with("/devices/"));
    }
}

#[actix_web::test]
async fn replacing_takes_away_what_the_list_does_not_name() {
    for world in World::both().await {
        world.deposit(MAC, KEY, keyharbor::domain::escrow::Trust::Observed).await;
        world.own("C02OTHER", "berit").await;
        import(&world, "serial,login\nC02TEST00001,astrid\nC02TEST00001,berit\n", true, false).await;
        assert_eq!(import(&world, "serial,login\nC02TEST00001,eva\n", true, false).await, report(1, 0, 0, 0), "adding takes nothing away");
        let list = "serial,login\nC02TEST00001,berit\n";
        assert_eq!(import(&world, list, false, true).await, report(0, 1, 2, 0));
        assert_eq!(import(&world, list, true, true).await, report(0, 1, 2, 0));
        assert_eq!(rows(&world, "device_owners").await, 2, "a Mac that is not listed keeps its owner");
        assert_eq!(world.count(EventKind::OwnerRemoved).await, 2);
        let device = world.device_id(MAC).await;
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(astrid.get(&format!("/devices/{device}")).await.status.as_u16(), 404);
        let list = astrid.get("/devices").await;
        assert!(list.text.contains("No longer on your account") && list.text.contains(MAC), "S40: the old owner sees the change");
        let mut berit = world.signed_in("berit").await;
        assert!(!berit.get("/devices").await.text.contains("No longer on your account"), "who owns it still is told nothing");
        import(&world, "serial,login\nC02TEST00001,astrid\n", true, false).await;
        assert!(!astrid.get("/devices").await.text.contains("No longer on your account"), "it came back");
    }
}

#[actix_web::test]
async fn lists_as_spreadsheets_write_them_are_read_and_bad_lines_are_named() {
    let (good, bad) =
        read(b"\xEF\xBB\xBFLogin;Department;SERIAL\r\n\"astrid\";x;C02A\r\n;x;C02B\r\nberit;x;\r\nkim;x;C\xC3\xA52\r\neva;x\r\n").unwrap();
    assert_eq!(good.iter().map(|l| (l.number, l.serial.as_str(), l.login.as_str())).collect::<Vec<_>>(), [(2, "C02A", "astrid")]);
    assert_eq!(bad.iter().map(|b| b.number).collect::<Vec<_>>(), [3, 4, 5, 6]);
    for wrong in ["", "serial\nC02\n", "login,device\na,b\n"] {
        assert_eq!(read(wrong.as_bytes()), Err(FileError::Heading), "{wrong:?}");
    }
    assert!(matches!(read(b"serial,login\nC02A,astrid\nC02B,\xFF\xFE\n"), Err(FileError::NotCsv(3))));
    let (_, bad) = read(format!("serial,login\n{KEY},astrid\n").as_bytes()).unwrap();
    assert_eq!(bad.len(), 1);
    assert!(!bad[0].why.contains("AAAA"), "{}", bad[0].why);
}

#[actix_web::test]
async fn owners_of_an_earlier_provider_are_not_taken_for_todays() {
    for world in World::both().await {
        let list = "serial,login\nC02TEST00001,astrid\n";
        import(&world, list, true, false).await;
        let old = world.idp.issuer().to_owned();
        let root = keyharbor::crypto::RootKey::parse(&world.root.text()).unwrap();
        let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &root, false).await.unwrap();
        let world = world.restarted(|c| c.oidc.issuer = "https://id.new.example".into(), keyharbor::service::custody::Custody::open(ring));
        assert_eq!(import(&world, list, true, false).await, report(1, 0, 0, 0), "set for the new provider");
        assert_eq!(import(&world, list, true, true).await, report(0, 1, 1, 0), "and the old one's row goes with --replace");
        assert_ne!(old, world.service.rules().config.oidc.issuer);
    }
}

#[actix_web::test]
async fn a_bent_device_is_passed_over_and_the_rest_is_imported() {
    for world in World::both().await {
        import(&world, "serial,login\nC02TEST00001,astrid\n", true, false).await;
        world.sql("UPDATE devices SET ownership = 'personal'").await;
        let done = import(&world, "serial,login\nC02TEST00001,berit\nC02TEST00002,berit\n", true, false).await;
        assert_eq!((done.set, done.bent_devices, world.count(EventKind::IntegrityFailure).await), (1, 1, 1));
    }
}

#[actix_web::test]
async fn a_forged_owner_is_replaced_by_a_true_one_and_recorded() {
    for world in World::both().await {
        import(&world, "serial,login\nC02TEST00001,astrid\n", true, false).await;
        world.sql("UPDATE device_owners SET login = 'berit'").await;
        let done = import(&world, "serial,login\nC02TEST00001,astrid\n", true, false).await;
        assert_eq!((done.set, done.unverified), (1, 1));
        assert_eq!((rows(&world, "device_owners").await, world.count(EventKind::IntegrityFailure).await), (1, 1));
    }
}
