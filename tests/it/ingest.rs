//! Taking keys in, on both engines: one key is one version (S62), shapes (S63), planted keys (S78).

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::DeviceId;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{Device, EventKind, Serial, Timestamp};
use serde_json::{Value, json};

use crate::fixed::START;
use crate::probe::{census, holds, number, rows, stolen, token};
use crate::races::{aside, ring, until_it_waits};
use crate::world::{Answer, KEY, MAC, OTHER_KEY, World};

const THIRD_KEY: &str = "NNNN-PPPP-QQQQ-RRRR-TTTT-UUU4";

/// A deposit at a time of the source's own.
async fn deposit_at(world: &World, key: &str, trust: Trust, at: Timestamp) -> Value {
    let token = world.token(&[Scope::EscrowWrite], Door::Header, trust).await;
    let body = json!({ "serial": MAC, "recovery_key": key, "escrowed_at": at.rfc3339() });
    world.api(Method::POST, "/api/v1/deposits", &token, Some(body)).await.json()
}

async fn status(world: &World) -> Value {
    let token = world.token(&[Scope::StatusRead], Door::Header, Trust::Observed).await;
    world.api(Method::GET, &format!("/api/v1/devices/{MAC}/escrow-status"), &token, None).await.json()
}

/// (status, version, current, contested) of a deposit.
fn outline(answer: &Value) -> (String, i64, bool, bool) {
    let flag = |name: &str| answer[name].as_bool().unwrap();
    (answer["status"].as_str().unwrap().to_owned(), answer["version"].as_i64().unwrap(), flag("current"), flag("contested"))
}

fn is(status: &str, version: i64, current: bool, contested: bool) -> (String, i64, bool, bool) {
    (status.to_owned(), version, current, contested)
}

#[actix_web::test]
async fn s62_the_same_key_twice_is_one_version() {
    for world in World::both().await {
        let first = world.deposit(MAC, KEY, Trust::Observed).await;
        assert_eq!((first.status, outline(&first.json())), (StatusCode::CREATED, is("new", 1, true, false)));
        for form in [KEY, "aaaa-bbbb-cccc-dddd-eeee-fff2", " AAAABBBBCCCCDDDDEEEEFFF2 ", "AAAA BBBB CCCC DDDD EEEE FFF2"] {
            let again = world.deposit(&MAC.to_lowercase(), form, Trust::Observed).await;
            assert_eq!((again.status, outline(&again.json())), (StatusCode::OK, is("same", 1, true, false)), "{form}");
        }
        let path = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        assert_eq!(world.check_in(&path, MAC, KEY).await.json()["new_secret_escrowed"], false);
        assert_eq!((rows(&world, "key_versions").await, rows(&world, "devices").await), (1, 1));
        assert_eq!((world.count(EventKind::DepositNew).await, world.count(EventKind::DepositSame).await), (1, 5));
        assert_eq!(world.deposit("C02TEST00002", KEY, Trust::Observed).await.json()["status"], "new", "another Mac's key is its own");
    }
}

#[actix_web::test]
async fn s62_a_lower_trust_never_hides_a_higher_one() {
    for world in World::both().await {
        world.own(MAC, "astrid").await;
        assert_eq!(outline(&world.deposit(MAC, KEY, Trust::Proven).await.json()), is("new", 1, true, false));
        world.clock.advance_seconds(60);
        assert_eq!(outline(&world.deposit(MAC, OTHER_KEY, Trust::Observed).await.json()), is("new", 2, false, false));
        world.clock.advance_seconds(60);
        assert_eq!(outline(&world.deposit(MAC, THIRD_KEY, Trust::Typed).await.json()), is("new", 3, false, false));
        world.clock.advance_seconds(60);
        assert_eq!(outline(&world.deposit(MAC, OTHER_KEY, Trust::Observed).await.json()), is("same", 2, false, false));
        let now = status(&world).await;
        assert_eq!((&now["version"], &now["versions"], &now["trust"]), (&json!(1), &json!(3), &json!("proven")));
        let device = world.device_id(MAC).await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await;
        assert_eq!(astrid.get(grant.location()).await.key().as_deref(), Some(KEY), "the proven key is the one that is offered");

        // Handed in by the MDM too, the second key is as good as the first, and newer.
        assert_eq!(outline(&world.deposit(MAC, OTHER_KEY, Trust::Proven).await.json()), is("promoted", 2, true, false));
        assert_eq!(status(&world).await["trust"], "proven");
    }
}

#[actix_web::test]
async fn s62_an_older_time_never_displaces_the_newest() {
    let world = World::new().await;
    let ago = |seconds: i64| START.plus_seconds(-seconds);
    assert_eq!(outline(&deposit_at(&world, KEY, Trust::Observed, ago(60)).await), is("new", 1, true, false));
    assert_eq!(outline(&deposit_at(&world, OTHER_KEY, Trust::Observed, ago(3600)).await), is("new", 2, false, false));
    assert_eq!(
        outline(&deposit_at(&world, OTHER_KEY, Trust::Observed, ago(120)).await),
        is("same", 2, false, false),
        "late, and still older"
    );
    let id = DeviceId::parse(&world.device_id(MAC).await).unwrap();
    let rows = world.fresh.store.read().await.unwrap().versions(id, keyharbor::domain::SecretKind::RecoveryKey, 1).await.unwrap();
    assert_eq!(rows[0].parts().0.promoted_at, ago(3600), "it keeps its place among the older ones");
    let now = status(&world).await;
    assert_eq!((&now["version"], &now["escrowed_at"]), (&json!(1), &json!(ago(60).rfc3339())));
    // A time that has not come yet is taken as now: nobody can be ahead of what comes later.
    assert_eq!(outline(&deposit_at(&world, THIRD_KEY, Trust::Observed, START.plus_seconds(86400)).await), is("new", 3, true, false));
    assert_eq!(status(&world).await["escrowed_at"], json!(START.rfc3339()));
    world.clock.advance_seconds(1);
    assert_eq!(outline(&world.deposit(MAC, KEY, Trust::Observed).await.json()), is("promoted", 1, true, true));
}

#[actix_web::test]
async fn s62_a_superseded_key_is_current_again_and_two_that_alternate_are_contested() {
    for world in World::both().await {
        for (key, expected) in [
            (KEY, is("new", 1, true, false)),
            (OTHER_KEY, is("new", 2, true, false)),
            (KEY, is("promoted", 1, true, true)),
            (OTHER_KEY, is("promoted", 2, true, true)),
            (OTHER_KEY, is("same", 2, true, true)),
            (THIRD_KEY, is("new", 3, true, false)),
        ] {
            assert_eq!(outline(&world.deposit(MAC, key, Trust::Observed).await.json()), expected);
            world.clock.advance_seconds(120);
        }
        let typed = world.deposit(MAC, KEY, Trust::Typed).await.json();
        assert_eq!(outline(&typed), is("same", 1, false, false), "a source of less trust promotes nothing");
        assert_eq!(status(&world).await["version"], 3);
        assert_eq!(rows(&world, "key_versions").await, 3, "a repeat deletes nothing");
        assert_eq!(world.count(EventKind::DepositPromoted).await, 2);
    }
}

#[actix_web::test]
async fn s62_deposits_on_two_replicas_come_into_one_order() {
    let world = World::on(keyharbor::store::Engine::Postgres, |_| {}).await;
    let (_, second) = world.replica().await;
    let text = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let bearer = format!("Bearer {text}");
    let post = |n: usize| {
        // Two keys, each ten times, by turns of two at either replica.
        let key = if n % 4 < 2 { KEY } else { OTHER_KEY };
        let request = actix_web::test::TestRequest::post()
            .uri("/api/v1/deposits")
            .insert_header(("host", crate::world::HOST))
            .insert_header(("authorization", bearer.as_str()))
            .insert_header(("content-type", "application/json"))
            .set_payload(json!({ "serial": MAC, "recovery_key": key }).to_string());
        let app = if n.is_multiple_of(2) { world.app.clone() } else { second.clone() };
        async move { crate::world::send(&app, request).await }
    };
    let answers: Vec<Answer> = futures_util::future::join_all((0..20).map(post)).await;
    assert!(answers.iter().all(|a| a.status.is_success()), "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    let new = answers.iter().filter(|a| a.status == StatusCode::CREATED).count();
    assert_eq!((new, rows(&world, "key_versions").await, rows(&world, "devices").await), (2, 2, 1));
    let versions = number(&world.fresh.url, "SELECT sum(version)::bigint FROM key_versions").await;
    assert_eq!(versions, 3, "versions one and two, each once");
    assert_eq!(world.count(EventKind::DepositNew).await + world.count(EventKind::DepositSame).await, 20);
}

#[actix_web::test]
async fn a_deposit_undoes_no_change_made_meanwhile() {
    let world = World::on(keyharbor::store::Engine::Postgres, |_| {}).await;
    world.deposit(MAC, KEY, Trust::Observed).await;
    let (_, second) = world.replica().await;
    let (_, writer) = token(&world, |t| t.scopes = t.scopes.with(Scope::DevicesWrite)).await;
    // A check-in that began before must not write back what it read.
    let mut lock = <sqlx::PgConnection as sqlx::Connection>::connect(&world.fresh.url).await.unwrap();
    for statement in ["BEGIN", "UPDATE devices SET asset_tag = 'AC-9', user_hint = 'theirs'"] {
        sqlx::query(statement).execute(&mut lock).await.unwrap();
    }
    let request = actix_web::test::TestRequest::post()
        .uri("/api/v1/deposits")
        .insert_header(("host", crate::world::HOST))
        .insert_header(("authorization", format!("Bearer {writer}")))
        .insert_header(("content-type", "application/json"))
        .set_payload(json!({ "serial": MAC, "recovery_key": KEY, "hostname": "renamed" }).to_string());
    let release = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while number(&world.fresh.url, waits).await == 0 {}
        sqlx::query("COMMIT").execute(&mut lock).await.unwrap();
    };
    let (answer, ()) = tokio::join!(crate::world::send(&second, request), release);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    // The deposit writes both hints, and names one of them.
    let both = "SELECT count(*) FROM devices WHERE asset_tag = 'AC-9' AND user_hint = 'theirs' AND host_name = 'renamed'";
    assert_eq!(number(&world.fresh.url, both).await, 1);
}

#[actix_web::test]
async fn a_device_made_by_two_replicas_at_once_is_one_device() {
    let world = World::on(keyharbor::store::Engine::Postgres, |_| {}).await;
    let (_, text) = token(&world, |t| t.scopes = t.scopes.with(Scope::DevicesWrite)).await;
    let theirs = Device::new(DeviceId::new(&world.env), Serial::parse(MAC).unwrap(), world.env.now()).signed(&ring(&world).await);
    let mut other = world.fresh.store.write().await.unwrap();
    assert!(other.insert_device(&theirs).await.unwrap());
    let put = actix_web::test::TestRequest::put()
        .uri(&format!("/api/v1/devices/{MAC}"))
        .insert_header(("host", crate::world::HOST))
        .insert_header(("authorization", format!("Bearer {text}")))
        .insert_header(("content-type", "application/json"))
        .set_payload(json!({ "name": "two" }).to_string());
    let app = world.app.clone();
    let waits = aside(async move { crate::world::send(&app, put).await });
    until_it_waits(&world, &waits).await;
    other.commit_unrecorded().await.unwrap();
    let answer = waits.await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "it was there by then: {}", answer.text);
    let device = world.fresh.store.read().await.unwrap().device(theirs.id).await.unwrap().unwrap();
    assert_eq!((device.name.as_deref(), rows(&world, "devices").await), (Some("two"), 1));
}

#[actix_web::test]
async fn s63_letters_never_seen_in_keys_bring_a_warning_and_nothing_else() {
    let world = World::new().await;
    world.own(MAC, "astrid").await;
    for (n, key) in
        ["AAAI-BBBB-CCCC-DDDD-EEEE-FFF2", "AAAS-BBBB-CCCC-DDDD-EEEE-FFF2", "AAA0-BBBB-CCCC-DDDD-EEEE-FFF2", "AAA1-BBBB-CCCC-DDDD-EEEE-FFF2"]
            .into_iter()
            .enumerate()
    {
        let answer = world.deposit(MAC, key, Trust::Observed).await;
        assert_eq!((answer.status, &answer.json()["warnings"]), (StatusCode::CREATED, &json!(["unseen_letters"])), "{n}");
        world.clock.advance_seconds(1);
    }
    assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.json()["warnings"], json!([]));
    let device = world.device_id(MAC).await;
    let mut kim = world.signed_in("kim").await;
    let oldest = oldest_version(&world, &device).await;
    let grant = kim.desk_reveal(&device, &[("version", &oldest)]).await;
    assert_eq!(kim.get(grant.location()).await.key().as_deref(), Some("AAAI-BBBB-CCCC-DDDD-EEEE-FFF2"), "kept as it came");
}

pub async fn oldest_version(world: &World, device: &str) -> String {
    let mut tx = world.fresh.store.read().await.unwrap();
    let id = DeviceId::parse(device).unwrap();
    let rows = tx.versions(id, keyharbor::domain::SecretKind::RecoveryKey, 100).await.unwrap();
    rows.last().unwrap().parts().0.id.to_string()
}

#[actix_web::test]
async fn s63_a_key_in_the_wrong_field_is_kept_nowhere_in_clear() {
    for world in World::both().await {
        let before = census(&world).await;
        let text = world.token(&[Scope::EscrowWrite, Scope::DevicesWrite, Scope::StatusRead], Door::Header, Trust::Observed).await;
        let before = before.into_iter().map(|(t, n)| (t, n + i64::from(t == "api_tokens"))).collect::<Vec<_>>();
        // Swapped fields: the key stands where a serial number should, and a serial number is recorded in clear.
        let swapped = world.api(Method::POST, "/api/v1/deposits", &text, Some(json!({ "serial": KEY, "recovery_key": MAC }))).await;
        assert_eq!((swapped.status.as_u16(), &swapped.json()["field"]), (422, &json!("serial")));
        let path = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        assert_eq!(world.check_in(&path, KEY, MAC).await.status, StatusCode::BAD_REQUEST);
        let put = world.api(Method::PUT, &format!("/api/v1/devices/{KEY}"), &text, Some(json!({ "name": "x" }))).await;
        assert_eq!((put.status.as_u16(), &put.json()["field"]), (422, &json!("serial")));
        for (n, field) in ["name", "hostname", "model", "asset_tag", "device_key", "udid", "os_version"].into_iter().enumerate() {
            let put = world.api(Method::PUT, &format!("/api/v1/devices/C02{n}"), &text, Some(json!({ field: KEY }))).await;
            assert_eq!((put.status.as_u16(), &put.json()["field"]), (422, &json!(field)));
        }
        let after: Vec<_> = census(&world).await.into_iter().map(|(t, n)| (t, n - i64::from(t == "api_tokens"))).collect();
        assert_eq!(after, before, "nothing half written");
        // A hint is dropped, the deposit is not.
        let hinted = json!({ "serial": MAC, "recovery_key": KEY, "hostname": KEY, "user": KEY.to_lowercase() });
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &text, Some(hinted)).await.status, StatusCode::CREATED);
        let fields = [("serial", MAC), ("recovery_password", KEY), ("macname", KEY), ("username", KEY)];
        let hinted = crate::probe::form(&world, &format!("/compat/crypt/{path}/checkin/"), &[], &fields).await;
        assert_eq!((hinted.status, hinted.json()["username"].as_str()), (StatusCode::OK, Some("")));
        assert!(!holds(&stolen(&world), KEY), "a key lies in the database in clear");
    }
}

#[actix_web::test]
async fn s78_a_planted_key_does_not_displace_a_proven_one() {
    for world in World::both().await {
        world.own(MAC, "astrid").await;
        world.deposit(MAC, KEY, Trust::Proven).await;
        world.clock.advance_seconds(3600);
        world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
        let device = world.device_id(MAC).await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await;
        let page = astrid.get(grant.location()).await;
        assert_eq!(page.key().as_deref(), Some(KEY));
        assert!(page.text.contains(r#"name="which" value="other""#), "the other one is offered");
        assert_eq!(status(&world).await["contested"], false);
        // Beside the proven key the other one is there to be tried.
        let other = astrid.post(&format!("/devices/{device}/reveal"), &[("which", "other")]).await;
        assert_eq!(other.status, StatusCode::SEE_OTHER, "{}", other.text);
        let page = astrid.get(other.location()).await;
        assert_eq!(page.key().as_deref(), Some(OTHER_KEY));
        assert!(!page.text.contains(r#"name="which" value="other""#), "this is the other one");
        let last = world.trail().await.into_iter().rfind(|r| r.event.kind == EventKind::RevealGranted).unwrap().event;
        assert_eq!(last.detail, "version 2", "the trail says which");
    }
}

#[actix_web::test]
async fn s78_the_real_macs_next_check_in_by_its_agent_makes_its_key_current_again() {
    for world in World::both().await {
        let agent = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        world.own(MAC, "astrid").await;
        assert_eq!(world.check_in(&agent, MAC, KEY).await.status, StatusCode::OK);
        world.clock.advance_seconds(600);
        // Somebody who holds a token of the fleet hands in a key of his own making.
        world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
        let device = world.device_id(MAC).await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await;
        assert_eq!(astrid.get(grant.location()).await.key().as_deref(), Some(OTHER_KEY));
        world.clock.advance_seconds(60);
        let answer = world.check_in(&agent, MAC, KEY).await;
        assert_eq!((answer.status, &answer.json()["new_secret_escrowed"]), (StatusCode::OK, &json!(false)));
        let now = status(&world).await;
        assert_eq!((&now["version"], &now["contested"], &now["versions"]), (&json!(1), &json!(true), &json!(2)));
        let grant = astrid.reveal(&device).await;
        assert_eq!(astrid.get(grant.location()).await.key().as_deref(), Some(KEY));
        assert_eq!(world.count(EventKind::DepositPromoted).await, 1);
    }
}

#[actix_web::test]
async fn s78_the_desk_opens_any_version_and_the_one_it_names() {
    for world in World::both().await {
        let keys = [KEY, OTHER_KEY, "NNNN-PPPP-QQQQ-RRRR-TTTT-UUU4"];
        for key in keys {
            assert_eq!(world.deposit(MAC, key, Trust::Observed).await.status, StatusCode::CREATED);
            world.clock.advance_seconds(60);
        }
        let device = world.device_id(MAC).await;
        let mut kim = world.signed_in("kim").await;
        let id = DeviceId::parse(&device).unwrap();
        let versions = world.fresh.store.read().await.unwrap().versions(id, keyharbor::domain::SecretKind::RecoveryKey, 100).await.unwrap();
        let page = kim.get(&format!("/desk/devices/{device}")).await.text;
        for row in &versions {
            let (number, version) = (row.parts().0.version, row.parts().0.id.to_string());
            // The current one is chosen by naming none.
            assert_eq!(page.contains(&version), number != 3, "version {number} is there to be chosen");
            let grant = kim.desk_reveal(&device, &[("version", &version)]).await;
            assert_eq!(kim.get(grant.location()).await.key().as_deref(), Some(keys[number as usize - 1]), "version {number}");
            let last = world.trail().await.into_iter().rfind(|r| r.event.kind == EventKind::RevealGranted).unwrap().event;
            assert_eq!((last.version, last.detail), (Some(row.parts().0.id), format!("version {number}")));
        }
        // A version of another Mac is none of this one's.
        world.deposit("C02OTHER0001", KEY, Trust::Observed).await;
        let foreign = oldest_version(&world, &world.device_id("C02OTHER0001").await).await;
        let before = world.count(EventKind::RevealGranted).await;
        let refused = kim.desk_reveal(&device, &[("version", &foreign)]).await;
        assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.key().is_none(), "its form again: {}", refused.status);
        assert_eq!(world.count(EventKind::RevealGranted).await, before);
    }
}

#[actix_web::test]
async fn s78_an_observed_key_is_current_again_at_the_real_macs_next_check_in() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        world.clock.advance_seconds(600);
        world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
        assert_eq!(status(&world).await["version"], 2);
        world.clock.advance_seconds(600);
        world.deposit(MAC, KEY, Trust::Observed).await;
        let now = status(&world).await;
        assert_eq!((&now["version"], &now["contested"], &now["versions"]), (&json!(1), &json!(true), &json!(2)));

        let mut kim = world.signed_in("kim").await;
        let desk = kim.get(&format!("/desk/devices/{device}")).await;
        assert!(desk.text.contains("Contested"), "the desk is told");
        let mut astrid = world.signed_in("astrid").await;
        let first = astrid.reveal(&device).await.location().to_owned();
        assert_eq!(astrid.get(&first).await.key().as_deref(), Some(KEY));
        let other = astrid.post(&format!("/devices/{device}/reveal"), &[("which", "other")]).await.location().to_owned();
        assert_ne!(other, first, "a new grant");
        assert_eq!(astrid.get(&other).await.key().as_deref(), Some(OTHER_KEY));
        assert_eq!((world.count(EventKind::RevealGranted).await, rows(&world, "key_versions").await), (2, 2));

        let oldest = oldest_version(&world, &device).await;
        let refused = kim.desk_reveal(&device, &[("version", &oldest), ("reason", "")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "any version, but with a reason");
        let shown = kim.desk_reveal(&device, &[("version", &oldest)]).await;
        assert_eq!(kim.get(shown.location()).await.key().as_deref(), Some(KEY));
    }
}
