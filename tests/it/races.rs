//! Two replicas at once. Each race is set up, not hoped for: the test holds the row that one side needs and lets go when
//! the other is known to wait.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::rt::task::JoinHandle;
use keyharbor::crypto::Ring;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::DeviceId;
use keyharbor::domain::integrity::Attested;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{EventKind, SecretKind, Serial};
use keyharbor::service::custody::open_ring;
use keyharbor::service::trail::{Verdict, verify};
use keyharbor::store::Engine;

use crate::sqltrace::Capture;
use crate::world::{KEY, MAC, OTHER_KEY, World, token_id};

/// Starts it beside the test.
pub fn aside<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    actix_web::rt::spawn(future)
}

/// Until a session of this database waits for a lock, or the task is done without having waited.
pub async fn until_it_waits<T>(world: &World, task: &JoinHandle<T>) {
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect(&world.fresh.url).await.unwrap();
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !task.is_finished() && sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut conn).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

pub async fn ring(world: &World) -> Ring {
    open_ring(&world.fresh.store, &world.root, false).await.unwrap()
}

pub async fn whole(world: &World) {
    let verdict = verify(&world.fresh.store, &ring(world).await, None).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict:?}");
}

async fn device_of(world: &World) -> DeviceId {
    DeviceId::parse(&world.device_id(MAC).await).unwrap()
}

/// Between the first judgement and the transaction of the grant, on either engine.
#[actix_web::test]
async fn s43_an_owner_who_goes_between_judgement_and_grant_gets_none() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        astrid.get("/help").await;
        let mut away = world.fresh.store.write().await.unwrap();
        for owner in away.owners(device_of(&world).await).await.unwrap() {
            assert!(away.delete_owner(owner.parts().0.id).await.unwrap());
        }
        // Another replica, since on SQLite one process has one writer.
        astrid.app = world.replica().await.1;
        let capture = Arc::new(Capture::new());
        let (running, id) = (capture.clone(), device.clone());
        let press = aside(async move { running.of(astrid.reveal(&id)).await });
        // The judgement's last statement: it still saw the owner.
        while capture.count("FROM login_bindings") == 0 && !press.is_finished() {
            tokio::task::yield_now().await;
        }
        if !world.fresh.url.starts_with("sqlite") {
            until_it_waits(&world, &press).await;
        }
        away.commit_unrecorded().await.unwrap();
        let answer = press.await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.location());
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
        let last = world.last().await.event;
        assert_eq!((last.kind, last.detail.as_str()), (EventKind::AccessRefused, "reveal"));
        assert_eq!(last.device.map(|d| d.to_string()), Some(device));
        assert_eq!(world.sql("UPDATE quotas SET n = n").await, 3, "it was past the judgement, and counted");
    }
}

#[actix_web::test]
async fn s43_a_grant_holds_the_owner_until_it_is_committed() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    astrid.get("/help").await;
    // The head is the last lock of a grant: while the test holds it, the grant stands with all its other locks.
    let mut head = world.fresh.store.write().await.unwrap();
    let mut event = world.last().await.event;
    event.id = keyharbor::domain::ids::EventId::new(&world.env);
    let pending = head.audit_append(&[event], &ring(&world).await).await.unwrap();
    let press = aside(async move { astrid.reveal(&device).await });
    until_it_waits(&world, &press).await;
    let probe = "SELECT id FROM device_owners FOR UPDATE NOWAIT";
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect(&world.fresh.url).await.unwrap();
    assert!(sqlx::query(probe).fetch_all(&mut conn).await.is_err(), "the owner cannot be taken away now");
    head.commit(pending).await.unwrap();
    assert_eq!(press.await.unwrap().status, StatusCode::SEE_OTHER);
    assert!(sqlx::query(probe).fetch_all(&mut conn).await.is_ok());
    whole(&world).await;
}

#[actix_web::test]
async fn s43_a_reveal_and_a_deposit_never_wait_for_each_other() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let id = device_of(&world).await;
    let mut astrid = world.signed_in("astrid").await;
    astrid.get("/help").await;
    // A deposit that has the device and has not yet come to its versions.
    let mut deposit = world.fresh.store.write().await.unwrap();
    deposit.device_by_serial_locked(&Serial::parse(MAC).unwrap()).await.unwrap().unwrap();
    let capture = Arc::new(Capture::new());
    let running = capture.clone();
    let press = aside(async move { running.of(astrid.reveal(&device)).await });
    until_it_waits(&world, &press).await;
    let version = deposit.versions(id, SecretKind::RecoveryKey, 100).await.unwrap().remove(0);
    deposit.confirm_versions(&[(version.parts().0.id, world.env.now().plus_seconds(1))]).await.unwrap();
    deposit.commit_unrecorded().await.unwrap();
    assert_eq!(press.await.unwrap().status, StatusCode::SEE_OTHER);
    assert_eq!(capture.count("INTO quotas"), 3, "the reveal's transaction ran once: no deadlock ended it");
}

#[actix_web::test]
async fn s62_the_first_key_of_a_new_device_from_two_replicas_at_once() {
    for keys in [[KEY, KEY], [KEY, OTHER_KEY]] {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let world = World::on(engine, |_| {}).await;
            let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
            let app = world.replica().await.1;
            let mut tasks = Vec::new();
            for (app, key) in [(world.app.clone(), keys[0]), (app, keys[1])] {
                let mut agent = world.browser();
                agent.app = app;
                agent.headers.push(("authorization".into(), format!("Bearer {token}")));
                let body = serde_json::json!({"serial": MAC, "recovery_key": key}).to_string();
                tasks.push(aside(async move {
                    let headers = [("content-type", "application/json")];
                    agent.request(actix_web::http::Method::POST, "/api/v1/deposits", &headers, body).await.json()
                }));
            }
            let mut states = Vec::new();
            for task in tasks {
                let answer = task.await.unwrap();
                states.push((answer["version"].as_i64().unwrap(), answer["status"].as_str().unwrap().to_owned()));
            }
            states.sort();
            let second = if keys[0] == keys[1] { (1, "same".to_owned()) } else { (2, "new".to_owned()) };
            assert_eq!(states, [(1, "new".to_owned()), second]);
            whole(&world).await;
        }
    }
}

#[actix_web::test]
async fn s62_a_change_of_the_device_is_not_undone_by_a_deposit_that_read_before_it() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    world.astrids_mac().await;
    let serial = Serial::parse(MAC).unwrap();
    let mut change = world.fresh.store.write().await.unwrap();
    let mut device = change.device_by_serial_locked(&serial).await.unwrap().unwrap();
    device.ownership = keyharbor::domain::device::Ownership::Personal;
    device.host_name = Some("Renamed".into());
    let ring = ring(&world).await;
    assert!(change.update_device(&device.signed(&ring)).await.unwrap());
    let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let mut agent = world.browser();
    // It writes both hints, and names one of them.
    let body = format!("serial={MAC}&recovery_password={KEY}&username=new-hint");
    let path = format!("/compat/crypt/{crypt}/checkin/");
    let check_in = aside(async move {
        agent.request(actix_web::http::Method::POST, &path, &[("content-type", "application/x-www-form-urlencoded")], body).await
    });
    until_it_waits(&world, &check_in).await;
    change.commit_unrecorded().await.unwrap();
    assert_eq!(check_in.await.unwrap().status, StatusCode::OK);
    let now = world.fresh.store.read().await.unwrap().device_by_serial(&serial).await.unwrap().unwrap();
    assert_eq!(now.ownership, keyharbor::domain::device::Ownership::Personal, "the desk must not see it again");
    assert_eq!((now.host_name.as_deref(), now.user_hint.as_deref()), (Some("Renamed"), Some("new-hint")));
}

#[actix_web::test]
async fn s52_a_revocation_that_meets_another_change_reads_again() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let text = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let id = token_id(&text).to_owned();
    let ring = ring(&world).await;
    let mut change = world.fresh.store.write().await.unwrap();
    let row = change.token(&id).await.unwrap().unwrap();
    let old = row.mac().to_vec();
    let mut token = row.check(&ring).unwrap();
    token.name = "renamed".into();
    assert!(change.replace_token(&id, &old, &Attested::sign(token, &ring)).await.unwrap());
    let (service, wanted) = (world.replica().await.0, id.clone());
    let revoke = aside(async move { service.revoke_token(&wanted, Actor::Operator).await });
    until_it_waits(&world, &revoke).await;
    change.commit_unrecorded().await.unwrap();
    assert!(revoke.await.unwrap().unwrap(), "revoked at the second reading");
    let row = world.fresh.store.read().await.unwrap().token(&id).await.unwrap().unwrap().check(&ring).unwrap();
    assert!(row.revoked_at.is_some() && row.name == "renamed", "no change is lost, the MAC fits");
    assert_eq!(world.count(EventKind::TokenRevoked).await, 1);
}

#[actix_web::test]
async fn s52_a_promotion_that_meets_another_change_reads_again() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    world.astrids_mac().await;
    world.clock.advance_seconds(10);
    world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
    world.clock.advance_seconds(10);
    let (id, ring) = (device_of(&world).await, ring(&world).await);
    // Another replica raises the trust of the superseded first key; meanwhile it is posted again by a fleet's token.
    let mut change = world.fresh.store.write().await.unwrap();
    change.device_by_serial_locked(&Serial::parse(MAC).unwrap()).await.unwrap();
    let row = change.versions(id, SecretKind::RecoveryKey, 100).await.unwrap().into_iter().find(|v| v.parts().0.version == 1).unwrap();
    let (first, old) = (row.parts().0.id, row.mac().to_vec());
    let mut raised = row.check(&ring).unwrap();
    raised.trust = Trust::Proven;
    assert!(change.replace_version(first, &old, &Attested::sign(raised, &ring)).await.unwrap());
    let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let mut agent = world.browser();
    agent.app = world.replica().await.1;
    let path = format!("/compat/crypt/{token}/checkin/");
    let body = format!("serial={MAC}&recovery_password={KEY}&username=&macname=m");
    let again = aside(async move {
        agent.request(actix_web::http::Method::POST, &path, &[("content-type", "application/x-www-form-urlencoded")], body).await
    });
    until_it_waits(&world, &again).await;
    change.commit_unrecorded().await.unwrap();
    assert_eq!(again.await.unwrap().status, StatusCode::OK);
    let rows = world.fresh.store.read().await.unwrap().versions(id, SecretKind::RecoveryKey, 100).await.unwrap();
    for row in rows {
        let version = row.check(&ring).expect("no broken MAC");
        assert!(version.version != 1 || version.trust == Trust::Proven, "the other replica's change stays");
    }
    whole(&world).await;
}

#[actix_web::test]
async fn s52_two_replicas_move_one_session_and_both_go_on() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    // Stale for a reveal (and `last_seen` a minute old), so that the press leads to a step-up.
    world.clock.advance_seconds(300);
    let page = astrid.reveal(&device).await;
    let url = crate::world::link_to_provider(&page, world.idp.issuer());
    let back = world.idp.authorize(&url, "astrid");
    world.clock.advance_seconds(30);
    let ring = ring(&world).await;
    let mut tab = world.fresh.store.write().await.unwrap();
    let hash = session_hash(&ring, &astrid.jar["__Host-keyharbor"]);
    let row = tab.session_by_hash(&hash).await.unwrap().unwrap();
    let (session_id, old) = (row.parts().0.id, row.mac().to_vec());
    let mut moved = row.check(&ring).unwrap();
    moved.last_seen = world.env.now();
    assert!(tab.replace_session(session_id, &old, &Attested::sign(moved, &ring)).await.unwrap());
    astrid.app = world.replica().await.1;
    let path = crate::world::path_of(&back).to_owned();
    let callback = aside(async move {
        let answer = astrid.get(&path).await;
        (answer, astrid)
    });
    until_it_waits(&world, &callback).await;
    tab.commit_unrecorded().await.unwrap();
    let (answer, mut astrid) = callback.await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "the step-up reads again: {}", answer.text);
    let granted = astrid.reveal(&device).await;
    assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
    assert!(granted.location().starts_with("/reveals/"));
    assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);

    // A plain request that loses the race to move `last_seen` goes on with the row that won.
    world.clock.advance_seconds(61);
    let hash = session_hash(&ring, &astrid.jar["__Host-keyharbor"]);
    let mut tab = world.fresh.store.write().await.unwrap();
    let row = tab.session_by_hash(&hash).await.unwrap().unwrap();
    let old = row.mac().to_vec();
    let mut moved = row.check(&ring).unwrap();
    moved.last_seen = world.env.now();
    assert!(tab.replace_session(session_id, &old, &Attested::sign(moved.clone(), &ring)).await.unwrap());
    let request = aside(async move { astrid.get("/devices").await.status });
    until_it_waits(&world, &request).await;
    tab.commit_unrecorded().await.unwrap();
    assert_eq!(request.await.unwrap(), StatusCode::OK);
    let row = world.fresh.store.read().await.unwrap().session_by_hash(&hash).await.unwrap().unwrap();
    assert_eq!(row.check(&ring).expect("no broken MAC"), moved);
}

fn session_hash(ring: &Ring, cookie: &str) -> Vec<u8> {
    ring.token_hash(keyharbor::crypto::Purpose::Session, cookie.as_bytes())
}

#[actix_web::test]
async fn s64_a_double_press_is_two_grants_two_rows_two_counts() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut one = world.signed_in("astrid").await;
        one.get("/help").await;
        let mut two = world.browser();
        (two.jar, two.app) = (one.jar.clone(), world.replica().await.1);
        two.get("/devices").await;
        let (a, b) = tokio::join!(one.reveal(&device), two.reveal(&device));
        assert_eq!((a.status, b.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER), "{} {}", a.text, b.text);
        assert_ne!(a.location(), b.location());
        assert_eq!(world.count(EventKind::RevealGranted).await, 2);
        assert_eq!(world.sql("UPDATE quotas SET n = n WHERE n = 2").await, 3);
        // "Five more minutes", pressed twice at once: one grant, at one address.
        let path = format!("{}/renew", a.location());
        let (a, b) = tokio::join!(one.post(&path, &[]), two.post(&path, &[]));
        assert!(a.status == StatusCode::SEE_OTHER && a.location() == b.location(), "{} {}", a.location(), b.location());
        assert_eq!(world.count(EventKind::RevealRenewed).await, 1);
        whole(&world).await;
    }
}
