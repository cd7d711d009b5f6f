//! The trail: whole, changed, cut, and rows of other tables that it does not account for.

use actix_web::http::Method;
use keyharbor::crypto::Ring;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::custody::open_ring;
use keyharbor::service::trail::{AtLeast, Verdict, verify};

use crate::world::World;

async fn ring(world: &World) -> Ring {
    open_ring(&world.fresh.store, &world.root, false).await.unwrap()
}

async fn verdict(world: &World) -> Verdict {
    verify(&world.fresh.store, &ring(world).await, None).await.unwrap()
}

async fn lived_in() -> [World; 2] {
    let worlds = World::both().await;
    for world in &worlds {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        astrid.get(&grant).await;
    }
    worlds
}

#[actix_web::test]
async fn s48_a_changed_row_a_removed_row_and_changed_words_are_named() {
    for (change, want) in [
        ("UPDATE audit_events SET detail = 'x' WHERE seq = 4", 4),
        ("UPDATE audit_events SET outcome = 'refused' WHERE seq = 2", 2),
        ("DELETE FROM audit_events WHERE seq = 3", 3),
        ("UPDATE audit_events SET personal = '{\"login\":\"kim\"}' WHERE seq = 5", 5),
        ("UPDATE audit_events SET seq = 1000 WHERE seq = 2", 2),
        ("UPDATE audit_head SET seq = 99", 0),
    ] {
        for world in lived_in().await {
            assert!(matches!(verdict(&world).await, Verdict::Whole { .. }));
            world.sql(change).await;
            match verdict(&world).await {
                Verdict::Broken { seq, .. } => assert!(want == 0 || seq == want, "{change}: row {seq}"),
                other => panic!("{change}: {other:?}"),
            }
        }
    }
}

#[actix_web::test]
async fn s48_a_cut_tail_is_found_with_a_checkpoint() {
    for world in lived_in().await {
        let Verdict::Whole { seq, mac, .. } = verdict(&world).await else { panic!("not whole") };
        let checkpoint: AtLeast = format!("{seq}:{mac}").parse().unwrap();
        let kept = world.trail().await;
        let before = &kept[kept.len() - 2];
        world.sql(&format!("DELETE FROM audit_events WHERE seq = {seq}")).await;
        let hex: String = before.mac.iter().map(|b| format!("{b:02x}")).collect();
        let literal = if world.fresh.url.starts_with("sqlite") { format!("x'{hex}'") } else { format!("'\\x{hex}'") };
        world.sql(&format!("UPDATE audit_head SET seq = {}, mac = {literal}", before.seq)).await;
        assert!(matches!(verdict(&world).await, Verdict::Whole { .. }), "without a checkpoint a clean cut shows nothing");
        let found = verify(&world.fresh.store, &ring(&world).await, Some(&checkpoint)).await.unwrap();
        assert!(matches!(found, Verdict::Short { .. }), "{found:?}");
    }
}

#[actix_web::test]
async fn s48_erased_personal_fields_leave_the_chain_valid() {
    for world in lived_in().await {
        world.sql("UPDATE audit_events SET personal = NULL, salt = NULL WHERE seq = 5").await;
        let Verdict::Whole { erased, .. } = verdict(&world).await else { panic!("not whole") };
        assert_eq!(erased, (1, Some(5)), "counted, and the first one named");
        assert!(world.trail().await.iter().any(|r| r.erased));
    }
}

#[actix_web::test]
async fn a_row_that_was_true_once_and_is_put_back_is_named() {
    for world in lived_in().await {
        world.sql("CREATE TABLE kept AS SELECT * FROM device_owners").await;
        let line = keyharbor::formats::owners::Line {
            number: 2,
            serial: keyharbor::domain::Serial::parse(crate::world::MAC).unwrap(),
            login: keyharbor::domain::Login::parse("berit").unwrap(),
        };
        world.service.import_owners(&[line], true, true).await.unwrap();
        assert!(matches!(verdict(&world).await, Verdict::Whole { .. }));
        world.sql("INSERT INTO device_owners SELECT * FROM kept").await;
        let Verdict::Unaccounted(row) = verdict(&world).await else { panic!("not noticed") };
        assert_eq!(row[0].table, "device_owners");
    }
}

#[actix_web::test]
async fn a_revoked_token_and_an_ended_session_that_are_put_back_are_named() {
    for table in ["api_tokens", "sessions"] {
        for world in lived_in().await {
            world.sql(&format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
            let tokens = world.service.tokens().await.unwrap().0;
            for token in tokens {
                world.service.revoke_token(&token.id, keyharbor::domain::audit::Actor::Operator).await.unwrap();
            }
            let mut astrid = world.signed_in("astrid").await;
            world.sql("INSERT INTO kept SELECT * FROM kept WHERE 1 = 0").await;
            if table == "sessions" {
                world.sql("DELETE FROM kept").await;
                world.sql("INSERT INTO kept SELECT * FROM sessions").await;
            }
            assert_eq!(astrid.post("/sign-out", &[]).await.location(), "/signed-out");
            assert!(matches!(verdict(&world).await, Verdict::Whole { .. }));
            world.sql(&format!("DELETE FROM {table}")).await;
            world.sql(&format!("INSERT INTO {table} SELECT * FROM kept")).await;
            let Verdict::Unaccounted(row) = verdict(&world).await else { panic!("{table}: not noticed") };
            assert_eq!(row[0].table, table);
        }
    }
}

#[actix_web::test]
async fn a_row_that_was_deleted_behind_the_servers_back_is_named() {
    for (table, change) in [
        ("device_owners", "DELETE FROM device_owners"),
        ("login_bindings", "DELETE FROM login_bindings"),
        ("key_versions", "DELETE FROM reveal_grants; DELETE FROM key_versions"),
    ] {
        for world in lived_in().await {
            for one in change.split("; ") {
                world.sql(one).await;
            }
            let Verdict::Unaccounted(row) = verdict(&world).await else { panic!("{table}: not noticed") };
            assert_eq!(row[0].table, table);
        }
    }
}

/// The tables that the verdict names, each once.
async fn named(world: &World) -> Vec<&'static str> {
    let mut tables: Vec<_> = match verdict(world).await {
        Verdict::Unaccounted(rows) => rows.into_iter().map(|r| r.table).collect(),
        other => panic!("{other:?}"),
    };
    tables.sort();
    tables.dedup();
    tables
}

#[actix_web::test]
async fn every_row_that_was_edited_is_named_not_only_the_first() {
    for world in lived_in().await {
        world.signed_in("astrid").await;
        for change in [
            "UPDATE device_owners SET login = 'berit'",
            "UPDATE login_bindings SET bound_at = bound_at + 1",
            "UPDATE sessions SET roles = 3",
            "UPDATE key_versions SET promoted_at = promoted_at + 1",
            "UPDATE reveal_grants SET valid_until = valid_until + 1",
            "UPDATE api_tokens SET trust = 3 WHERE trust = 2",
            "UPDATE devices SET ownership = 'personal'",
        ] {
            assert!(world.sql(change).await >= 1, "{change}");
        }
        let tables = ["api_tokens", "device_owners", "devices", "key_versions", "login_bindings", "reveal_grants", "sessions"];
        assert_eq!(named(&world).await, tables);
    }
}

#[actix_web::test]
async fn an_earlier_state_of_a_mac_and_of_its_key_that_is_put_back_is_named() {
    for world in lived_in().await {
        let device = world.device_id(crate::world::MAC).await;
        let token = world.token(&[Scope::DevicesWrite, Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        world.deposit(crate::world::MAC, "NNNN-PPPP-QQQQ-RRRR-TTTT-UUU4", Trust::Proven).await;
        world.sql("CREATE TABLE kept_devices AS SELECT * FROM devices").await;
        world.sql("CREATE TABLE kept_versions AS SELECT * FROM key_versions").await;
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(astrid.reveal(&device).await.status.as_u16(), 303);
        let personal = serde_json::json!({ "ownership": "personal" });
        world.api(Method::PUT, &format!("/api/v1/devices/{}", crate::world::MAC), &token, Some(personal)).await;
        assert!(matches!(verdict(&world).await, Verdict::Whole { .. }));
        // As they were before: their MACs fit.
        let old = |table: &str, column: &str| format!("(SELECT {column} FROM kept_{table} k WHERE k.id = t.id)");
        let devices =
            format!("UPDATE devices AS t SET ownership = {}, row_mac = {}", old("devices", "ownership"), old("devices", "row_mac"));
        world.sql(&devices).await;
        assert_eq!(named(&world).await, ["devices"]);
        let versions = format!(
            "UPDATE key_versions AS t SET revealed_at = {}, row_mac = {}",
            old("versions", "revealed_at"),
            old("versions", "row_mac")
        );
        world.sql(&versions).await;
        assert_eq!(named(&world).await, ["devices", "key_versions"]);
    }
}

#[actix_web::test]
async fn a_running_server_notices_that_its_trail_was_cut() {
    for world in lived_in().await {
        let mut astrid = world.signed_in("astrid").await;
        let kept = world.trail().await;
        let (last, before) = (kept[kept.len() - 1].seq, &kept[kept.len() - 2]);
        let hex: String = before.mac.iter().map(|b| format!("{b:02x}")).collect();
        let literal = if world.fresh.url.starts_with("sqlite") { format!("x'{hex}'") } else { format!("'\\x{hex}'") };
        world.sql(&format!("DELETE FROM audit_events WHERE seq = {last}")).await;
        world.sql(&format!("UPDATE audit_head SET seq = {}, mac = {literal}", before.seq)).await;
        let device = world.device_id(crate::world::MAC).await;
        let answer = astrid.reveal(&device).await;
        assert_eq!(answer.status, actix_web::http::StatusCode::SERVICE_UNAVAILABLE);
    }
}
