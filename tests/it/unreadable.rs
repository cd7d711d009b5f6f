//! Values that no version of ours writes, put into the database behind the server's back. Such a row counts like any other
//! that was edited: absent and recorded, and its neighbours are not harmed.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};

use crate::world::{KEY, MAC, OTHER_KEY, World};

async fn failures(world: &World, table: &str) -> usize {
    let rows = world.trail().await;
    rows.iter().filter(|r| r.event.kind == EventKind::IntegrityFailure && r.event.detail == table).count()
}

#[actix_web::test]
async fn s52_a_value_that_nobody_of_ours_wrote_counts_like_an_edited_one() {
    for edit in ["trust = 9", "kek_id = -1", "unseen_letters = 2", "kind = 'password'"] {
        for world in World::both().await {
            let device = world.astrids_mac().await;
            world.own("C02OTHER0001", "astrid").await;
            world.deposit("C02OTHER0001", OTHER_KEY, Trust::Proven).await;
            let mut astrid = world.signed_in("astrid").await;
            let grant = astrid.reveal(&device).await.location().to_owned();
            let number = world.sql(&format!("UPDATE key_versions SET {edit} WHERE version = 1 AND trust = 2")).await;
            assert_eq!(number, 1, "{edit}");

            let open = astrid.get(&grant).await;
            assert!(open.status == StatusCode::OK && open.key().is_none(), "{edit}: {}", open.status);
            assert!(failures(&world, "key_versions").await >= 1, "{edit}: the open grant");
            let before = failures(&world, "key_versions").await;
            let press = astrid.reveal(&device).await;
            assert!(press.status == StatusCode::OK && press.text.contains("did not pass"), "{edit}: {}", press.text);
            assert!(failures(&world, "key_versions").await > before, "{edit}: the press");
            let list = astrid.get("/devices").await;
            assert!(list.status == StatusCode::OK && list.text.contains("C02OTHER0001"), "{edit}: the other Mac is still there");
            let again = world.deposit(MAC, KEY, Trust::Observed).await;
            assert_eq!(again.json()["status"], "new", "{edit}: the true key is taken in again");
            assert_eq!(again.json()["version"], 2, "{edit}");
        }
    }
}

#[actix_web::test]
async fn s52_an_owner_a_binding_and_a_device_with_strange_values_decide_nothing() {
    for (table, edit) in [
        ("device_owners", "UPDATE device_owners SET login = 'ASTRID'"),
        ("login_bindings", "UPDATE login_bindings SET login = 'Astrid' WHERE login = 'astrid'"),
        ("devices", "UPDATE devices SET ownership = 'x'"),
        ("devices", "UPDATE devices SET serial = 'c02 small'"),
        ("devices", "UPDATE devices SET state = 'x'"),
    ] {
        for world in World::both().await {
            let device = world.astrids_mac().await;
            let mut astrid = world.signed_in("astrid").await;
            let mut kim = world.signed_in("kim").await;
            assert_eq!(world.sql(edit).await, 1);
            assert_eq!(astrid.reveal(&device).await.status, StatusCode::NOT_FOUND, "{edit}");
            assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "{edit}");
            assert_eq!(kim.get("/desk?q=C02").await.status, StatusCode::OK, "{edit}");
            if table == "devices" {
                assert!(failures(&world, table).await >= 1, "{edit}");
            }
            assert_eq!(world.count(EventKind::RevealGranted).await, 0, "{edit}");
        }
    }
}

#[actix_web::test]
async fn a_bent_device_refuses_its_own_deposit_and_no_other_of_the_batch() {
    for world in World::both().await {
        world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite, Scope::StatusRead, Scope::DevicesRead], Door::Header, Trust::Observed).await;
        world.sql("UPDATE devices SET ownership = 'personal'").await;
        let batch = serde_json::json!([
            { "serial": MAC, "recovery_key": OTHER_KEY },
            { "serial": "C02OTHER0001", "recovery_key": OTHER_KEY },
        ]);
        let answer = world.api(Method::POST, "/api/v1/deposits", &token, Some(batch)).await;
        let results = &answer.json()["results"];
        assert_eq!((results[0]["code"].as_str(), results[1]["status"].as_str()), (Some("integrity"), Some("new")), "{}", answer.text);
        assert!(failures(&world, "devices").await == 1, "recorded in the transaction that took the other in");
        for path in [format!("/api/v1/devices/{MAC}"), format!("/api/v1/devices/{MAC}/escrow-status")] {
            let before = failures(&world, "devices").await;
            let answer = world.api(Method::GET, &path, &token, None).await;
            assert_eq!((answer.status, failures(&world, "devices").await), (StatusCode::NOT_FOUND, before + 1), "{path}");
        }
    }
}

#[actix_web::test]
async fn a_row_of_a_newer_version_hides_no_other_of_the_trail() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        astrid.reveal(&device).await;
        let mut eva = world.signed_in("eva").await;
        assert_eq!(world.sql("UPDATE audit_events SET kind = 'rotation.asked', outcome = 'perhaps' WHERE kind = 'deposit.new'").await, 1);
        let page = eva.get("/trail").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("Entry of another version") && page.text.contains("Viewing granted"), "{}", page.text);
    }
}
