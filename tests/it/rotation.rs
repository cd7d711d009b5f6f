//! Keys of the ring come and go while servers serve: nothing is lost, every key opens, and the trail says so.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use actix_web::web::Data;
use keyharbor::crypto::keyring::Use;
use keyharbor::crypto::token::beginning;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{EventKind, RecoveryKey, SecretKind, Serial, Trust};
use keyharbor::service::RequestInfo;
use keyharbor::service::break_glass::{BreakGlass, break_glass};
use keyharbor::service::custody::CustodyError;
use keyharbor::service::custody::rewrap::{Rewrapped, rewrap};
use keyharbor::service::custody::rotate::{activate, add_key, retire};
use keyharbor::service::escrow::{Deposit, Full, Hints, Keep, Source};
use keyharbor::service::once::{Done, Once};
use keyharbor::store::Engine;
use keyharbor::web::App;
use sqlx::Connection as _;

use crate::probe::{new_token, number, token};
use crate::races::{aside, ring, until_it_waits, whole};
use crate::world::{Answer, HOST, KEY, MAC, OTHER_KEY, World, path_of, send, token_id};

pub const OTHER_MAC: &str = "C02TEST00002";

pub async fn under(world: &World, kek: u32) -> i64 {
    world.fresh.store.read().await.unwrap().under_kek(kek).await.unwrap()
}

async fn added(world: &World, purpose: Use) -> u32 {
    add_key(&world.fresh.store, &world.root, &world.env, purpose).await.unwrap()
}

async fn in_use(world: &World, purpose: Use, id: u32) {
    activate(&world.fresh.store, &world.root, &world.env, purpose, id).await.unwrap();
}

/// Both steps at once; no server has looked in between.
pub async fn rotated(world: &World, purpose: Use) {
    let id = added(world, purpose).await;
    assert_eq!(added(world, purpose).await, id, "one that was cut off goes on");
    in_use(world, purpose, id).await;
    in_use(world, purpose, id).await;
}

pub async fn rewrapped(world: &World) -> Rewrapped {
    rewrap(&world.fresh.store, &world.root, &world.env, &mut |_, _| ()).await.unwrap()
}

pub async fn retired(world: &World, purpose: Use, id: u32) -> Result<(), CustodyError> {
    retire(&world.fresh.store, &world.root, &world.env, purpose, id).await
}

/// A deposit through another replica.
pub async fn deposit_at(app: &Data<App>, token: &str, serial: &str, key: &str) -> Answer {
    let body = serde_json::json!({ "serial": serial, "recovery_key": key });
    let ask = TestRequest::post().uri("/api/v1/deposits").peer_addr("192.0.2.20:50000".parse().unwrap()).insert_header(("host", HOST));
    send(app, ask.insert_header(("authorization", format!("Bearer {token}"))).set_json(body)).await
}

#[actix_web::test]
async fn s56_replicas_with_the_old_and_the_new_ring_both_serve_and_nothing_stays_on_the_old_kek() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(added(&world, Use::Kek).await, 2);
        // One replica knows the key that waits, the other does not yet: both write under the old one.
        let (_, ahead) = world.replica().await;
        assert_eq!(deposit_at(&ahead, &token, OTHER_MAC, KEY).await.status, StatusCode::CREATED);
        let behind = world.replica().await.1;
        assert_eq!((under(&world, 1).await, under(&world, 2).await), (2, 0));
        in_use(&world, Use::Kek, 2).await;
        assert_eq!(deposit_at(&ahead, &token, MAC, OTHER_KEY).await.status, StatusCode::CREATED);
        assert_eq!(under(&world, 2).await, 1, "the next request already");
        let page = astrid.reveal(&device).await;
        assert_eq!(astrid.get(page.location()).await.key().as_deref(), Some(OTHER_KEY), "so does a server that has not looked since");
        let done = rewrapped(&world).await;
        assert_eq!((done.sealed, done.signed, done.broken_count), (2, 0, 0));
        assert_eq!(number(&world.fresh.url, "SELECT COUNT(*) FROM key_versions WHERE kek_id <> 2").await, 0);
        assert_eq!(rewrapped(&world).await, Rewrapped::default(), "there is nothing more to do");
        assert_eq!(deposit_at(&behind, &token, OTHER_MAC, KEY).await.status, StatusCode::OK);
        let again = astrid.reveal(&device).await;
        assert_eq!(astrid.get(again.location()).await.key().as_deref(), Some(OTHER_KEY));
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);
        assert_eq!((world.count(EventKind::RewrapBegun).await, world.count(EventKind::RewrapDone).await), (2, 2));
        let kinds: Vec<_> = world.trail().await.iter().map(|row| row.event.kind).filter(|k| k.code().starts_with("key_ring.")).collect();
        assert_eq!(kinds.get(1..3), Some(&[EventKind::KeyAdded, EventKind::KeyActivated][..]));
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s56_a_server_that_looked_long_ago_finds_sessions_tokens_and_keys_of_every_new_key() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let (ahead, ahead_app) = world.replica().await;
        // One for each kind of caller: the first request brings the ring up to date.
        let behind = world.replica().await.1;
        for purpose in [Use::Kek, Use::Audit, Use::Token, Use::Row] {
            rotated(&world, purpose).await;
        }
        ahead.follow_ring().await;
        // A session and a token that the other replica makes under the new keys, and old rows brought under them.
        let mut astrid = world.browser();
        astrid.app = ahead_app;
        assert_eq!(astrid.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
        let (_, token) = ahead.create_token(new_token(), Actor::Operator).await.unwrap();
        rewrapped(&world).await;
        assert_eq!(deposit_at(&behind, &token, MAC, OTHER_KEY).await.status, StatusCode::CREATED);
        astrid.app = world.app.clone();
        let page = astrid.reveal(&device).await;
        assert_eq!(astrid.get(page.location()).await.key().as_deref(), Some(OTHER_KEY));
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);
        whole(&world).await;
    }
}

/// Its token was looked at before the keys changed, and nothing was read of the new ones since.
#[actix_web::test]
async fn s56_a_source_that_was_let_in_before_every_key_changed_goes_on() {
    for world in World::both().await {
        let (_, token) = token(&world, |_| {}).await;
        let behind = world.replica().await.1;
        assert_eq!(deposit_at(&behind, &token, MAC, KEY).await.status, StatusCode::CREATED);
        for purpose in [Use::Kek, Use::Audit, Use::Token, Use::Row] {
            rotated(&world, purpose).await;
        }
        rewrapped(&world).await;
        assert_eq!(deposit_at(&behind, &token, MAC, OTHER_KEY).await.status, StatusCode::CREATED);
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);
        whole(&world).await;
    }
}

/// Half-way through its transaction when the keys change, with the rows it needs already under the new ones: a key waits in the
/// ring first, so that such a request knows it.
#[actix_web::test]
async fn s56_a_request_under_way_knows_the_keys_that_come_into_use_meanwhile() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    astrid.get("/help").await;
    let ids = [added(&world, Use::Kek).await, added(&world, Use::Row).await];
    world.service.follow_ring().await;
    let mut conn = sqlx::PgConnection::connect(&world.fresh.url).await.unwrap();
    let mut held = conn.begin().await.unwrap();
    sqlx::query("SELECT id FROM sessions FOR UPDATE").execute(&mut *held).await.unwrap();
    let press = aside(async move {
        let answer = astrid.reveal(&device).await;
        (astrid, answer)
    });
    until_it_waits(&world, &press).await;
    in_use(&world, Use::Kek, ids[0]).await;
    in_use(&world, Use::Row, ids[1]).await;
    assert_eq!((rewrapped(&world).await.sealed, under(&world, 1).await), (1, 0));
    held.rollback().await.unwrap();
    let (mut astrid, answer) = press.await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(astrid.get(answer.location()).await.key().as_deref(), Some(KEY));
    assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);
}

#[actix_web::test]
async fn s56_a_key_is_retired_when_nothing_needs_it_and_every_server_knows_the_next() {
    for world in World::both().await {
        world.astrids_mac().await;
        world.signed_in("astrid").await;
        assert!(matches!(retired(&world, Use::Kek, 1).await, Err(CustodyError::Rotation(_))), "it is active");
        for purpose in [Use::Kek, Use::Row, Use::Token, Use::Audit] {
            rotated(&world, purpose).await;
            assert!(matches!(retired(&world, purpose, 1).await, Err(CustodyError::Rotation(_))), "the next one is too young");
        }
        world.clock.advance_seconds(600);
        assert!(matches!(retired(&world, Use::Kek, 1).await, Err(CustodyError::StillNeeded { needed: 1 })));
        assert!(matches!(retired(&world, Use::Kek, 2).await, Err(CustodyError::Rotation(_))));
        assert!(matches!(retired(&world, Use::Kek, 3).await, Err(CustodyError::Rotation(_))));
        rewrapped(&world).await;
        retired(&world, Use::Kek, 1).await.unwrap();
        assert!(matches!(retired(&world, Use::Kek, 1).await, Err(CustodyError::Rotation(_))), "it is gone");
        assert_eq!(ring(&world).await.keys().iter().filter(|k| k.purpose == Use::Kek).map(|k| k.id).collect::<Vec<_>>(), [2]);
        assert_eq!(world.count(EventKind::KeyRetired).await, 1);
        // The session needs the row key and the token key, and the trail its first key for ever.
        assert!(matches!(retired(&world, Use::Row, 1).await, Err(CustodyError::StillNeeded { needed: 1 })));
        assert!(matches!(retired(&world, Use::Token, 1).await, Err(CustodyError::StillNeeded { .. })));
        assert!(matches!(retired(&world, Use::Audit, 1).await, Err(CustodyError::StillNeeded { .. })));
        world.clock.advance_seconds(24 * 3600);
        world.service.sweep().await.unwrap();
        retired(&world, Use::Row, 1).await.unwrap();
        assert!(matches!(retired(&world, Use::Token, 1).await, Err(CustodyError::StillNeeded { needed: 1 })), "the API token");
        world.sql("DELETE FROM sign_ins").await;
        let mut astrid = world.signed_in("astrid").await;
        let page = astrid.reveal(&world.device_id(MAC).await).await;
        assert_eq!(astrid.get(page.location()).await.key().as_deref(), Some(KEY));
        assert!(matches!(add_key(&world.fresh.store, &world.root, &world.env, Use::Fingerprint).await, Err(CustodyError::Rotation(_))));
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s56_new_audit_and_token_keys_end_no_session_no_token_no_form_and_no_trail() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        let mut astrid = world.signed_in("astrid").await;
        let form = astrid.get(&format!("/devices/{device}")).await.csrf();
        // A sign-in that began under the old key.
        let mut berit = world.browser();
        let leave = berit.get("/sign-in").await;
        for purpose in [Use::Audit, Use::Token] {
            rotated(&world, purpose).await;
        }
        assert_eq!(astrid.get(&format!("/devices/{device}")).await.csrf(), form, "a form on the screen still counts");
        let page = astrid.reveal(&device).await;
        assert_eq!(astrid.get(page.location()).await.key().as_deref(), Some(KEY));
        assert_eq!(world.check_in(&token, MAC, OTHER_KEY).await.status, StatusCode::OK);
        let begun = world.count(EventKind::SignIn).await;
        let back = world.idp.authorize(leave.location(), "berit");
        berit.get(path_of(&back)).await;
        assert_eq!(world.count(EventKind::SignIn).await, begun + 1);
        whole(&world).await;
        let mut tx = world.fresh.store.read().await.unwrap();
        for id in [1, 2] {
            assert!(tx.under_audit_key(&beginning(id)).await.unwrap() > 0 && tx.under_token_key(&beginning(id)).await.unwrap() > 0);
        }
    }
}

#[actix_web::test]
async fn s56_an_answer_left_under_a_former_token_key_is_given_again() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let bearer = format!("Bearer {token}");
        let sent = async |key: &str| {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "a-1")];
            let body = serde_json::json!({ "serial": MAC, "recovery_key": key }).to_string();
            world.raw(Method::POST, "/api/v1/deposits", &headers, body).await
        };
        let first = sent(KEY).await;
        assert_eq!(first.status, StatusCode::CREATED);
        rotated(&world, Use::Token).await;
        let rows = world.trail().await.len();
        let again = sent(KEY).await;
        assert_eq!((again.status, &again.text, again.header("idempotent-replayed")), (StatusCode::CREATED, &first.text, Some("true")));
        assert_eq!(world.trail().await.len(), rows, "nothing was done");
        assert_eq!(sent(OTHER_KEY).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        // One that came before the first was answered looks again in its transaction.
        let token = world.service.tokens().await.unwrap().0.remove(0);
        let body = serde_json::json!({ "serial": MAC, "recovery_key": KEY }).to_string();
        let once = Once::new(&token, "a-1", "POST /api/v1/deposits", body.as_bytes());
        let keep = Keep { once: Arc::new(once), answer: Arc::new(|_| None) };
        let deposit = Deposit {
            serial: Serial::parse(MAC).unwrap(),
            kind: SecretKind::RecoveryKey,
            key: RecoveryKey::parse(KEY).unwrap(),
            escrowed_at: None,
            hints: Hints::default(),
        };
        let request = RequestInfo::none(&world.env);
        let done = world.service.deposit_once(&Source::answered_for(&token), vec![deposit], Some(keep), Full::Refuse, &request).await;
        assert!(matches!(done, Ok(Done::Before(answer)) if answer.body == first.text));
    }
}

/// Between the rotation and the rewrap, rows under the former row key are read, changed and compared by the MAC that they have.
#[actix_web::test]
async fn s56_rows_under_a_former_row_key_are_believed_and_changed() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        let mut astrid = world.signed_in("astrid").await;
        rotated(&world, Use::Row).await;
        let page = astrid.reveal(&device).await;
        assert_eq!(astrid.get(page.location()).await.key().as_deref(), Some(KEY), "the first showing is noted in the key's row");
        world.clock.advance_seconds(1);
        world.check_in(&token, MAC, OTHER_KEY).await;
        rotated(&world, Use::Row).await;
        world.clock.advance_seconds(1);
        let back = world.check_in(&token, MAC, KEY).await;
        assert_eq!((back.status, &back.json()["rotation_required"]), (StatusCode::OK, &true.into()), "{}", back.text);
        assert_eq!(world.count(EventKind::DepositPromoted).await, 1, "its row says so");
        rotated(&world, Use::Row).await;
        let ask = BreakGlass::new(MAC, Some(2), "Ingrid", "the provider is down").unwrap();
        let opened = break_glass(&world.fresh.store, &ring(&world).await, &world.env, &ask).await.unwrap();
        assert_eq!(opened.key.expose(), OTHER_KEY);
        world.clock.advance_seconds(90);
        assert_eq!(astrid.get("/help").await.status, StatusCode::OK, "the session moves");
        assert!(world.service.revoke_token(token_id(&token), Actor::Operator).await.unwrap());
        rewrapped(&world).await;
        let mut tx = world.fresh.store.read().await.unwrap();
        for id in [1, 2, 3] {
            assert_eq!(tx.under_row_key(&beginning(id)).await.unwrap(), 0, "row key {id}");
        }
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);
        whole(&world).await;
    }
}
