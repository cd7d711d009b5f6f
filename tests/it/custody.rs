//! Who holds the database without the root key, or the root key's place, holds nothing: S51 through the database, S57.

use std::os::unix::fs::PermissionsExt as _;

use actix_web::http::{Method, StatusCode};
use keyharbor::config::{self, Secret};
use keyharbor::crypto::RootKey;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::custody::{Custody, CustodyError, confirm_ring, create_ring, open_ring, root_key};
use serde_json::json;

use crate::fixed::START;
use crate::probe::{census, form, part, text};
use crate::world::{KEY, MAC, OTHER_KEY, World};

const OF_MAC: &str = "device = (SELECT id FROM devices WHERE serial = 'C02TEST00001')";

/// Astrid's Mac with two versions, and another Mac of hers.
async fn two_macs(world: &World) -> String {
    let device = world.astrids_mac().await;
    world.clock.advance_seconds(1);
    world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
    world.deposit("C02OTHER", "GGGG-HHHH-JJJJ-KKKK-LLLL-MMM9", Trust::Observed).await;
    device
}

#[actix_web::test]
async fn s51_a_sealed_value_from_elsewhere_shows_no_key() {
    let sealed_of = |serial: &str, version: i64| {
        format!(
            "(SELECT s.sealed FROM key_versions s JOIN devices d ON d.id = s.device WHERE d.serial = '{serial}' AND s.version = {version})"
        )
    };
    for world in World::both().await {
        let device = two_macs(&world).await;
        let mut astrid = world.signed_in("astrid").await;
        let good = astrid.reveal(&device).await.location().to_owned();
        assert_eq!(astrid.get(&good).await.key().as_deref(), Some(OTHER_KEY));
        for (n, sealed) in [sealed_of("C02OTHER", 1), sealed_of(MAC, 1), "substr(sealed, 1, 40)".into(), "substr(sealed, 2)".into()]
            .into_iter()
            .enumerate()
        {
            assert_eq!(world.sql(&format!("UPDATE key_versions SET sealed = {sealed} WHERE {OF_MAC} AND version = 2")).await, 1);
            let before = world.count(EventKind::IntegrityFailure).await;
            let grant = astrid.reveal(&device).await;
            assert_eq!(grant.status, StatusCode::SEE_OTHER);
            for address in [grant.location(), &good] {
                let page = astrid.get(address).await;
                assert_eq!((page.status, page.key()), (StatusCode::OK, None), "{n}");
                assert!(page.text.contains("did not pass our check"), "{n}: {}", page.text);
                for part in ["AAAA", "GGGG", "MMM9"] {
                    assert!(!page.text.contains(part), "{n}: {part}");
                }
            }
            let failures: Vec<_> = world.trail().await.into_iter().filter(|r| r.event.kind == EventKind::IntegrityFailure).collect();
            assert_eq!(failures.len(), before + 2);
            let last = &failures[failures.len() - 1].event;
            assert_eq!((last.detail.as_str(), last.device.map(|d| d.to_string())), ("key_versions", Some(device.clone())));
        }
    }
}

#[actix_web::test]
async fn s53_a_damaged_stored_value_shows_no_key_and_is_no_500() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let good = astrid.reveal(&device).await.location().to_owned();
        let hex = if world.fresh.url.starts_with("sqlite") { "hex(sealed)" } else { "encode(sealed, 'hex')" };
        let blob = text(&world.fresh.url, &format!("SELECT {hex} FROM key_versions")).await.to_lowercase();
        assert!(blob.starts_with("0100000001") && blob.len() == 2 * (65 + KEY.len()), "version 1, KEK 1");
        let zeros = "00".repeat(blob.len() / 2);
        let rest = part(&blob, 10..);
        for (why, damaged) in [
            ("empty", String::new()),
            ("one byte", "01".into()),
            ("the version alone changed", format!("02{}", part(&blob, 2..))),
            ("version 0", format!("00{}", part(&blob, 2..))),
            ("another KEK in the head", format!("0100000002{rest}")),
            ("the root key's number in the head", format!("0100000000{rest}")),
            ("a KEK beyond all", format!("01ffffffff{rest}")),
            ("a last byte more", format!("{blob}00")),
            (
                "the last bit",
                format!("{}{:02x}", part(&blob, ..blob.len() - 2), u8::from_str_radix(part(&blob, blob.len() - 2..), 16).unwrap() ^ 1),
            ),
            ("nothing but zeros", zeros),
        ] {
            let literal = crate::forged_rows::bytes(&world, &damaged);
            assert_eq!(world.sql(&format!("UPDATE key_versions SET sealed = {literal}")).await, 1);
            let before = world.count(EventKind::IntegrityFailure).await;
            // Ten presses a minute are the most.
            world.clock.advance_seconds(15);
            let grant = astrid.reveal(&device).await;
            assert_eq!(grant.status, StatusCode::SEE_OTHER, "{why}");
            for address in [grant.location(), &good] {
                let page = astrid.get(address).await;
                assert_eq!((page.status, page.key()), (StatusCode::OK, None), "{why}");
                assert!(page.text.contains("did not pass our check") && !page.text.contains("AAAA"), "{why}");
            }
            assert_eq!(world.count(EventKind::IntegrityFailure).await, before + 2, "{why}");
            // Handed in again it is still known by its fingerprint, and no page fails.
            assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.status, StatusCode::OK, "{why}");
            assert_eq!(astrid.get(&format!("/devices/{device}")).await.status, StatusCode::OK, "{why}");
        }
        let literal = crate::forged_rows::bytes(&world, &blob);
        world.sql(&format!("UPDATE key_versions SET sealed = {literal}")).await;
        assert_eq!(astrid.get(&good).await.key().as_deref(), Some(KEY), "put back, it opens");
    }
}

#[actix_web::test]
async fn s51_a_version_of_another_device_kind_or_kek_counts_as_absent() {
    for change in [
        "UPDATE key_versions SET kek_id = 2",
        "UPDATE key_versions SET device = (SELECT id FROM devices WHERE serial = 'C02TEST00001')",
        "UPDATE key_versions SET trust = 3",
    ] {
        for world in World::both().await {
            world.own(MAC, "astrid").await;
            world.deposit("C02OTHER", KEY, Trust::Observed).await;
            world.own("C02OTHER", "astrid").await;
            world.sql(change).await;
            let mut astrid = world.signed_in("astrid").await;
            for serial in [MAC, "C02OTHER"] {
                let page = astrid.reveal(&world.device_id(serial).await).await;
                assert_eq!((page.status, page.key()), (StatusCode::OK, None), "{change}");
                assert!(!page.text.contains("AAAA"));
            }
            assert_eq!(world.count(EventKind::RevealGranted).await, 0, "{change}");
            assert!(world.count(EventKind::IntegrityFailure).await >= 1, "{change}");
            // The forged row is named at the next check-in too, and stands in nobody's way.
            let status = world.deposit("C02OTHER", KEY, Trust::Observed).await;
            assert!(status.status.is_success(), "{change}: {}", status.text);
        }
    }
}

async fn asked(world: &World, path: &str) -> (u16, String) {
    let answer = world.raw(Method::GET, path, &[], "").await;
    assert!(answer.header("content-security-policy").is_some());
    (answer.status.as_u16(), answer.text)
}

/// Everything but health and static files says 503, and nothing is kept.
async fn is_sealed(world: &World, token: &str, path_token: &str) {
    let before = census(world).await;
    assert_eq!(asked(world, "/healthz").await, (200, "ok\n".into()));
    assert_eq!(asked(world, "/readyz").await, (503, "sealed\n".into()));
    assert_eq!(asked(world, "/static/nothing").await.0, 404);
    let sheet = asked(world, &keyharbor::web::assets::asset("app.css")).await;
    assert!(sheet.0 == 200 && sheet.1.contains('{'), "static files are served: {}", sheet.0);
    for path in ["/", "/status", "/sign-in", "/devices", "/desk", "/trail", "/nowhere"] {
        let (status, text) = asked(world, path).await;
        assert!(status == 503 && text.contains("<h1"), "{path}: a page says so: {text}");
    }
    let body = json!({ "serial": MAC, "recovery_key": KEY });
    let deposit = world.api(Method::POST, "/api/v1/deposits", token, Some(body)).await;
    assert_eq!((deposit.status.as_u16(), deposit.json()["code"].as_str()), (503, Some("sealed")));
    let check_in = world.check_in(path_token, MAC, KEY).await;
    assert_eq!((check_in.status.as_u16(), check_in.text.as_str()), (503, "Service Unavailable\n"));
    let bearer = format!("Bearer {token}");
    let fields = [("serial", MAC), ("recovery_password", KEY)];
    assert_eq!(form(world, "/compat/crypt/checkin/", &[("authorization", &bearer)], &fields).await.status.as_u16(), 503);
    assert_eq!(census(world).await, before, "nothing is stored while sealed");
}

#[actix_web::test]
async fn s57_without_the_right_root_key_nothing_is_shown_or_acknowledged() {
    for engine in [keyharbor::store::Engine::Sqlite, keyharbor::store::Engine::Postgres] {
        let world = World::on(engine, |_| {}).await;
        let device = world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let path_token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        let jar = world.signed_in("astrid").await.jar;
        let right = world.root.text().as_str().to_owned();
        let wrong = RootKey::generate(world.env.entropy.as_ref()).text().as_str().to_owned();
        let mut world = world;
        for key in [None, Some(wrong), Some(part(&right, ..40).to_owned()), Some(String::new())] {
            world = world.restarted(
                |c| c.custody = config::Custody { key: key.map(Secret::from).unwrap_or_default(), ..config::Custody::default() },
                Custody::sealed(START),
            );
            assert!(world.service.try_unseal().await.is_err());
            is_sealed(&world, &token, &path_token).await;
            let mut astrid = world.browser();
            astrid.jar = jar.clone();
            assert_eq!(astrid.reveal(&device).await.status, StatusCode::SERVICE_UNAVAILABLE);
        }
        world.clock.advance_seconds(90);
        let world = world.restarted(|c| c.custody.key = Secret::from(right), Custody::sealed(START));
        world.service.try_unseal().await.unwrap();
        let row = world.last().await.event;
        assert_eq!((row.kind, row.detail.as_str()), (EventKind::Sealed, "from 2026-11-22T07:30:00.000000Z to 2026-11-22T07:31:30.000000Z"));
        assert_eq!(asked(&world, "/readyz").await.0, 200);
        world.service.try_unseal().await.unwrap();
        assert_eq!(world.count(EventKind::Sealed).await, 1, "once");
        assert_eq!(world.check_in(&path_token, MAC, KEY).await.status, StatusCode::OK);
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await;
        assert_eq!(astrid.get(grant.location()).await.key().as_deref(), Some(KEY));
    }
}

#[actix_web::test]
async fn s57_a_sealed_time_that_cannot_be_recorded_stays_sealed() {
    let world = World::new().await;
    let world = world.restarted(|_| {}, Custody::sealed(START));
    world.sql("ALTER TABLE audit_head RENAME TO away").await;
    assert!(world.service.try_unseal().await.is_err());
    assert!(world.service.is_sealed());
    world.sql("ALTER TABLE away RENAME TO audit_head").await;
    world.service.try_unseal().await.unwrap();
    assert_eq!(world.count(EventKind::Sealed).await, 1);
}

#[actix_web::test]
async fn s57_a_key_file_that_others_can_read_is_refused() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("root.key");
    let custody = config::Custody { key_file: Some(file.clone()), ..config::Custody::default() };
    assert!(matches!(root_key(&custody), Err(CustodyError::NotThere { .. })));
    std::fs::write(&file, format!("{}\n", world.root.text().as_str())).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o620, 0o601, 0o777] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(root_key(&custody), Err(CustodyError::TooOpen { mode: m, .. }) if m == mode), "{mode:o}");
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(root_key(&custody).unwrap().name(), world.root.name(), "{mode:o}");
    }
    for bad in ["", "khroot1_", "khroot1_00", part(world.root.text().as_str(), 8..), &world.root.text().replace("khroot1_", "khroot2_")] {
        std::fs::write(&file, bad).unwrap();
        let error = root_key(&custody).err().unwrap().to_string();
        assert!(bad.len() < 20 || !error.contains(part(bad, 9..)), "no error repeats a root key");
    }
}

#[actix_web::test]
async fn s57_a_ring_is_made_once_and_never_beside_data() {
    for world in World::both().await {
        world.deposit(MAC, KEY, Trust::Observed).await;
        let store = &world.fresh.store;
        let other = RootKey::generate(world.env.entropy.as_ref());
        assert!(matches!(create_ring(store, &other, false, &world.env).await, Err(CustodyError::AlreadyThere)));
        assert!(matches!(create_ring(store, &world.root, false, &world.env).await, Err(CustodyError::AlreadyThere)));
        assert!(open_ring(store, &world.root, false).await.is_ok(), "the first one still opens");
        assert!(matches!(open_ring(store, &other, false).await, Err(CustodyError::Ring(_))));
        assert!(confirm_ring(store, &other, &world.env).await.is_err());
        assert!(confirm_ring(store, &world.root, &world.env).await.unwrap());
        assert!(!confirm_ring(store, &world.root, &world.env).await.unwrap(), "noted once");
        assert!(open_ring(store, &world.root, false).await.unwrap().is_confirmed());
        // An older ring put back, or one of another generation, does not open.
        world.sql("UPDATE key_ring SET generation = 1").await;
        assert!(matches!(open_ring(store, &world.root, false).await, Err(CustodyError::Ring(_))));
        world.sql("DELETE FROM key_ring").await;
        assert!(matches!(open_ring(store, &world.root, false).await, Err(CustodyError::NoRing)));
        assert!(matches!(create_ring(store, &other, false, &world.env).await, Err(CustodyError::DataWithoutRing)));
        assert_eq!(census(&world).await.into_iter().find(|(t, _)| *t == "key_ring"), Some(("key_ring", 0)));
    }
}

#[actix_web::test]
async fn s57_the_demos_ring_is_refused() {
    for fresh in crate::engines::both().await {
        let (_, env) = crate::fixed::env(9);
        let root = RootKey::generate(env.entropy.as_ref());
        create_ring(&fresh.store, &root, true, &env).await.unwrap();
        assert!(matches!(open_ring(&fresh.store, &root, false).await, Err(CustodyError::DemoRing)));
        assert!(open_ring(&fresh.store, &root, true).await.unwrap().is_demo());
    }
}
