//! Who can write the database writes himself in: as owner, into a session, a token, a grant. Such a row counts as absent
//! and is recorded.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};

use crate::world::{KEY, MAC, OTHER_KEY, World, token_id};

/// Ids and bytes as the engine writes them.
fn hex(world: &World, id: &str) -> String {
    let digits = id.replace('-', "");
    if world.fresh.url.starts_with("sqlite") { format!("x'{digits}'") } else { format!("'{id}'::uuid") }
}

pub fn bytes(world: &World, digits: &str) -> String {
    if world.fresh.url.starts_with("sqlite") { format!("x'{digits}'") } else { format!("'\\x{digits}'::bytea") }
}

async fn one_more(world: &World, before: usize, table: &str) {
    let rows = world.trail().await;
    let found: Vec<_> = rows.iter().filter(|r| r.event.kind == EventKind::IntegrityFailure).skip(before).collect();
    assert!(!found.is_empty(), "{table}: no integrity_failure");
    assert!(found.iter().all(|r| r.event.detail == table), "{table}: {:?}", found[0].event.detail);
}

async fn failures(world: &World) -> usize {
    world.count(EventKind::IntegrityFailure).await
}

#[actix_web::test]
async fn s52_an_owner_written_into_the_database_owns_nothing() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut berit = world.signed_in("berit").await;
        let mut astrid = world.signed_in("astrid").await;
        // With the MAC of a true row beside it.
        let new = hex(&world, "01981c5e-7c00-7000-8000-0000000000ff");
        let copy = format!(
            "INSERT INTO device_owners (id, device, issuer, login, source, assigned_at, row_mac) \
             SELECT {new}, device, issuer, 'berit', source, assigned_at, row_mac FROM device_owners"
        );
        assert_eq!(world.sql(&copy).await, 1);
        let before = failures(&world).await;
        assert_eq!(berit.reveal(&device).await.status, StatusCode::NOT_FOUND);
        one_more(&world, before, "device_owners").await;
        assert_eq!(berit.get(&format!("/devices/{device}")).await.status, StatusCode::NOT_FOUND);
        let before = failures(&world).await;
        assert!(!berit.get("/devices").await.text.contains(&device), "not in the list either");
        one_more(&world, before, "device_owners").await;
        let page = astrid.get(&format!("/devices/{device}")).await;
        assert!(page.status == StatusCode::OK, "the true owner is not harmed");

        world.sql(&format!("DELETE FROM device_owners WHERE id = {new}")).await;
        assert_eq!(world.sql("UPDATE device_owners SET login = 'berit'").await, 1);
        let before = failures(&world).await;
        assert_eq!(berit.reveal(&device).await.status, StatusCode::NOT_FOUND, "an edited row");
        one_more(&world, before, "device_owners").await;
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
    }
}

#[actix_web::test]
async fn s52_an_owner_edited_while_a_grant_is_open_ends_it() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        for (edit, table) in [
            ("UPDATE device_owners SET assigned_at = assigned_at + 1", "device_owners"),
            ("UPDATE login_bindings SET bound_at = bound_at + 1", "login_bindings"),
        ] {
            world.sql(edit).await;
            for (method, path) in [(Method::GET, grant.clone()), (Method::POST, format!("{grant}/renew"))] {
                let before = failures(&world).await;
                let answer = if method == Method::GET { astrid.get(&path).await } else { astrid.post(&path, &[]).await };
                assert!(answer.status == StatusCode::NOT_FOUND && answer.key().is_none(), "{table} {path}");
                one_more(&world, before, table).await;
            }
            world.sql(&edit.replace("+ 1", "- 1")).await;
            assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY), "put back, it fits again");
        }
    }
}

#[actix_web::test]
async fn s52_a_binding_pointed_at_oneself_binds_nothing() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        world.idp.person("mallory", &[]);
        assert_eq!(world.sql("UPDATE login_bindings SET subject = 'sub-mallory' WHERE login = 'astrid'").await, 1);
        let before = failures(&world).await;
        let mut mallory = world.signed_in("mallory").await;
        one_more(&world, before, "login_bindings").await;
        assert_eq!(mallory.reveal(&device).await.status, StatusCode::NOT_FOUND);
        // Nor does calling himself astrid at the provider help.
        world.idp.claim("mallory", "preferred_username", "astrid".into());
        let mut mallory = world.signed_in("mallory").await;
        assert_eq!(mallory.reveal(&device).await.status, StatusCode::NOT_FOUND);
        let before = failures(&world).await;
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::NOT_FOUND, "absent for the rightful one too");
        one_more(&world, before, "login_bindings").await;
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
    }
}

#[actix_web::test]
async fn s52_a_session_edited_or_written_is_nobodys() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        for edit in [
            "UPDATE sessions SET roles = 3",
            "UPDATE sessions SET roles = 31",
            "UPDATE sessions SET login = 'ASTRID'",
            "UPDATE sessions SET subject = 'sub-astrid'",
            "UPDATE sessions SET login = 'astrid'",
            "UPDATE sessions SET auth_time = auth_time + 3600000000",
            "UPDATE sessions SET last_seen = last_seen + 1",
            "UPDATE sessions SET created_at = created_at + 1",
            "UPDATE sessions SET acr = 'high'",
            "UPDATE sessions SET sid = NULL",
        ] {
            world.sql("DELETE FROM sessions").await;
            let mut berit = world.signed_in("berit").await;
            assert_eq!(berit.get("/devices").await.status, StatusCode::OK);
            assert_eq!(world.sql(edit).await, 1);
            let before = failures(&world).await;
            assert_eq!(berit.get("/devices").await.status, StatusCode::UNAUTHORIZED, "{edit}");
            one_more(&world, before, "sessions").await;
            assert_eq!(berit.post(&format!("/devices/{device}/reveal"), &[]).await.status, StatusCode::UNAUTHORIZED);
        }
        // Astrid's row, put under Berit's cookie.
        world.sql("DELETE FROM sessions").await;
        let _astrid = world.signed_in("astrid").await;
        let mut berit = world.signed_in("berit").await;
        let other = bytes(&world, &"00".repeat(37));
        let mine = "(SELECT secret_hash FROM sessions WHERE subject = 'sub-berit')";
        world.sql(&format!("CREATE TABLE kept AS SELECT {mine} AS h")).await;
        world.sql(&format!("UPDATE sessions SET secret_hash = {other} WHERE subject = 'sub-berit'")).await;
        assert_eq!(world.sql("UPDATE sessions SET secret_hash = (SELECT h FROM kept) WHERE subject = 'sub-astrid'").await, 1);
        let before = failures(&world).await;
        assert_eq!(berit.get("/devices").await.status, StatusCode::UNAUTHORIZED);
        one_more(&world, before, "sessions").await;
    }
}

#[actix_web::test]
async fn s52_a_token_widened_lengthened_or_brought_back_is_dead() {
    for world in World::both().await {
        world.astrids_mac().await;
        let path = format!("/api/v1/devices/{MAC}");
        for edit in [
            "UPDATE api_tokens SET scopes = 63",
            "UPDATE api_tokens SET scopes = 4095",
            "UPDATE api_tokens SET trust = 9",
            "UPDATE api_tokens SET expires_at = 9000000000000000",
            "UPDATE api_tokens SET trust = 3",
            "UPDATE api_tokens SET device_pattern = 'C02*'",
            "UPDATE api_tokens SET name = 'other'",
            "UPDATE api_tokens SET door = 'header'",
            "UPDATE api_tokens SET revoked_at = NULL",
        ] {
            world.sql("DELETE FROM api_tokens").await;
            let door = if edit.contains("door") { Door::CryptPath } else { Door::Header };
            let token = world.token(&[Scope::EscrowWrite, Scope::DevicesRead], door, Trust::Observed).await;
            if edit.contains("revoked") {
                world.service.revoke_token(token_id(&token), keyharbor::domain::audit::Actor::Operator).await.unwrap();
            }
            assert_eq!(world.sql(edit).await, 1);
            let before = failures(&world).await;
            let answer = world.api(Method::GET, &path, &token, None).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{edit}");
            one_more(&world, before, "api_tokens").await;
        }
        world.sql("DELETE FROM api_tokens").await;
        let token = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
        world.sql("UPDATE api_tokens SET last_used = 1").await;
        assert_eq!(world.api(Method::GET, &path, &token, None).await.status, StatusCode::OK, "last_used decides nothing");
    }
}

#[actix_web::test]
async fn s52_a_grant_bent_towards_oneself_opens_nothing() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        world.own("C02BERIT0001", "berit").await;
        world.deposit("C02BERIT0001", OTHER_KEY, Trust::Observed).await;
        let berits = world.device_id("C02BERIT0001").await;
        let mut berit = world.signed_in("berit").await;
        let grant = berit.reveal(&berits).await.location().to_owned();
        let id = hex(&world, grant.trim_start_matches("/reveals/"));
        let (target, own) = (hex(&world, &device), hex(&world, &berits));
        let version = |device: &str| format!("(SELECT id FROM key_versions WHERE device = {device})");
        let line = format!("line = {}", hex(&world, "01981c5e-7c00-7000-8000-0000000000ff"));
        let edits = [
            (line, "line = (SELECT line FROM sessions WHERE subject = 'sub-berit')".into()),
            (format!("version = {}", version(&target)), format!("version = {}", version(&own))),
            (format!("device = {target}"), format!("device = {own}")),
            (format!("device = {target}, version = {}", version(&target)), format!("device = {own}, version = {}", version(&own))),
            ("valid_until = valid_until + 3600000000".into(), "valid_until = valid_until - 3600000000".into()),
            ("valid_from = valid_from - 1".into(), "valid_from = valid_from + 1".into()),
            ("basis = 'desk'".into(), "basis = 'owner'".into()),
            ("basis = 'all'".into(), "basis = 'owner'".into()),
            ("renewal = -9".into(), "renewal = 0".into()),
        ];
        for (edit, back) in edits {
            assert_eq!(world.sql(&format!("UPDATE reveal_grants SET {edit} WHERE id = {id}")).await, 1);
            for path in [grant.clone(), format!("{grant}/renew"), format!("{grant}/hide")] {
                let before = failures(&world).await;
                let answer = if path == grant { berit.get(&path).await } else { berit.post(&path, &[]).await };
                assert!(answer.status == StatusCode::NOT_FOUND && answer.key().is_none(), "{edit} {path}");
                one_more(&world, before, "reveal_grants").await;
            }
            world.sql(&format!("UPDATE reveal_grants SET {back} WHERE id = {id}")).await;
        }
        assert_eq!(berit.get(&grant).await.key().as_deref(), Some(OTHER_KEY), "all put back");
        // Astrid's grant, written over to Berit and her session line.
        let theirs = astrid.reveal(&device).await.location().to_owned();
        let id = hex(&world, theirs.trim_start_matches("/reveals/"));
        let line = "line = (SELECT line FROM sessions WHERE subject = 'sub-berit')";
        assert_eq!(world.sql(&format!("UPDATE reveal_grants SET subject = 'sub-berit', {line} WHERE id = {id}")).await, 1);
        let before = failures(&world).await;
        assert_eq!(berit.get(&theirs).await.status, StatusCode::NOT_FOUND);
        one_more(&world, before, "reveal_grants").await;
    }
}

#[actix_web::test]
async fn s52_an_edited_key_version_is_not_shown_and_always_recorded() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        let raise = "UPDATE key_versions SET trust = 3 WHERE version = 1";
        world.sql(raise).await;
        let before = failures(&world).await;
        let answer = astrid.reveal(&device).await;
        assert!(answer.status == StatusCode::OK && answer.location().is_empty(), "a page that says why: {}", answer.status);
        one_more(&world, before, "key_versions").await;
        let before = failures(&world).await;
        assert_eq!(astrid.get(&grant).await.key(), None, "nor through a grant that was open");
        one_more(&world, before, "key_versions").await;
        let before = failures(&world).await;
        astrid.post(&format!("{grant}/renew"), &[]).await;
        one_more(&world, before, "key_versions").await;
        assert_eq!(world.count(EventKind::RevealRenewed).await, 0);
        // The agent hands in the next key: that one is shown, and the edited row still speaks up at each press.
        world.clock.advance_seconds(10);
        let before = failures(&world).await;
        assert_eq!(world.deposit(MAC, OTHER_KEY, Trust::Observed).await.status, StatusCode::CREATED);
        one_more(&world, before, "key_versions").await;
        let before = failures(&world).await;
        let granted = astrid.reveal(&device).await;
        one_more(&world, before, "key_versions").await;
        assert_eq!(astrid.get(granted.location()).await.key().as_deref(), Some(OTHER_KEY));
        let last = world.trail().await.into_iter().rev().find(|r| r.event.kind == EventKind::RevealGranted).unwrap();
        assert_eq!(last.event.detail, "offered");
    }
}

#[actix_web::test]
async fn s52_a_key_version_moved_to_ones_own_device_is_absent_there() {
    for world in World::both().await {
        world.astrids_mac().await;
        world.own("C02BERIT0001", "berit").await;
        let berits = world.device_id("C02BERIT0001").await;
        assert_eq!(world.sql(&format!("UPDATE key_versions SET device = {}", hex(&world, &berits))).await, 1);
        let mut berit = world.signed_in("berit").await;
        let before = failures(&world).await;
        let answer = berit.reveal(&berits).await;
        assert!(answer.location().is_empty() && !answer.text.contains(KEY));
        one_more(&world, before, "key_versions").await;
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
    }
}

#[actix_web::test]
async fn s52_a_superseded_key_that_was_promoted_by_hand_is_not_offered() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        world.clock.advance_seconds(10);
        world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
        assert_eq!(world.sql("UPDATE key_versions SET promoted_at = promoted_at + 3600000000 WHERE version = 1").await, 1);
        let (mut astrid, mut kim) = (world.signed_in("astrid").await, world.signed_in("kim").await);
        let before = failures(&world).await;
        let grant = astrid.reveal(&device).await;
        one_more(&world, before, "key_versions").await;
        let page = astrid.get(grant.location()).await;
        assert_eq!(page.key().as_deref(), Some(OTHER_KEY));
        assert!(!page.text.contains(r#"name="which" value="other""#), "nor is it the other one");
        let id = crate::ingest::oldest_version(&world, &device).await;
        let before = failures(&world).await;
        let desk = kim.desk_reveal(&device, &[("version", &id)]).await;
        assert!(desk.status == StatusCode::UNPROCESSABLE_ENTITY && desk.key().is_none(), "the desk does not get it either: its form again");
        one_more(&world, before, "key_versions").await;
    }
}
