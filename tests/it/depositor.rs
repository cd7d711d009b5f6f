//! A token that was let in before is let in without a look-up of its own; the transaction that stores what it brings looks at it
//! again (S61). Whatever became of it meanwhile: one 401, nothing stored, and a row that says why.

use actix_web::http::{Method, StatusCode};
use keyharbor::crypto::keyring::Use;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::ids::Timestamp;
use keyharbor::domain::token::Door;
use serde_json::json;

use crate::fixed::START;
use crate::probe::{form, masked, part, rows, token};
use crate::rotation::{retired, rewrapped, rotated};
use crate::world::{Answer, KEY, OTHER_KEY, World, token_id};

const DEPOSITS: &str = "/api/v1/deposits";

async fn deposit(world: &World, token: &str, serial: &str) -> Answer {
    world.api(Method::POST, DEPOSITS, token, Some(json!({ "serial": serial, "recovery_key": KEY }))).await
}

/// Both doors of a fleet with a token each that has been let in, and a Mac of theirs.
async fn used(world: &World, expires_at: Option<Timestamp>) -> (String, String) {
    let (_, header) = token(world, |t| t.expires_at = expires_at).await;
    let (_, path) = token(world, |t| (t.door, t.expires_at) = (Door::CryptPath, expires_at)).await;
    for serial in ["C02USED1", "C02USED2"] {
        assert!(deposit(world, &header, serial).await.status.is_success());
        assert_eq!(world.check_in(&path, serial, OTHER_KEY).await.status, StatusCode::OK);
    }
    (header, path)
}

/// All that may be sent with a token.
const SENT: [&str; 8] =
    ["a deposit", "several", "one that cannot be read", "no JSON", "none", "an empty stream", "a check-in", "a check-in without a key"];

async fn send(world: &World, what: &str, (header, path): (&str, &str)) -> Answer {
    let bearer = format!("Bearer {header}");
    let typed = |media_type| [("authorization", bearer.as_str()), ("content-type", media_type)];
    let crypt = format!("/compat/crypt/{path}/checkin/");
    let json = |body| world.api(Method::POST, DEPOSITS, header, Some(body));
    match what {
        "a deposit" => deposit(world, header, "C02LATER").await,
        "several" => json(json!([{ "serial": "C02LATER", "recovery_key": KEY }])).await,
        "one that cannot be read" => json(json!({ "serial": "C02LATER" })).await,
        "no JSON" => world.raw(Method::POST, DEPOSITS, &typed("text/plain"), "junk".to_owned()).await,
        "none" => json(json!([])).await,
        "an empty stream" => world.raw(Method::POST, DEPOSITS, &typed("application/x-ndjson"), String::new()).await,
        "a check-in" => world.check_in(path, "C02LATER", KEY).await,
        "a check-in without a key" => form(world, &crypt, &[], &[("serial", "C02LATER")]).await,
        _ => panic!("what is {what}?"),
    }
}

/// Whatever is sent with tokens that have been let in, and that something befell then, is one 401, that of a token that never
/// was, and leaves nothing. Each is sent with tokens of its own: what one refusal teaches the process would refuse the next.
async fn nobody(world: &World, seconds: Option<i64>, befalls: impl AsyncFn(&str, &str), trail: (EventKind, &str)) {
    let (kind, detail) = trail;
    for (sent, what) in SENT.into_iter().enumerate() {
        let (header, path) = used(world, seconds.map(|seconds| world.env.now().plus_seconds(seconds))).await;
        befalls(&header, &path).await;
        let before = (rows(world, "devices").await, rows(world, "key_versions").await, rows(world, "sources").await);
        let answer = send(world, what, (&header, &path)).await;
        let stranger = send(world, what, ("nobody", "nobody")).await;
        assert_eq!((answer.status, masked(&answer)), (StatusCode::UNAUTHORIZED, masked(&stranger)), "{what}");
        assert_eq!((rows(world, "devices").await, rows(world, "key_versions").await, rows(world, "sources").await), before, "{what}");
        let told = world.trail().await.iter().filter(|row| row.event.kind == kind && row.event.detail == detail).count();
        assert_eq!(told, sent + 1, "{what} is recorded as {detail}");
    }
    assert_eq!(world.count(EventKind::DepositRefused).await, 0, "none is counted as a deposit that was refused");
}

#[actix_web::test]
async fn s61_a_token_that_was_revoked_since_it_was_let_in_stores_nothing() {
    for world in World::both().await {
        let revoked = async |header: &str, path: &str| {
            for token in [header, path] {
                assert!(world.service.revoke_token(token_id(token), Actor::Operator).await.unwrap());
            }
        };
        nobody(&world, None, revoked, (EventKind::AccessRefused, "token_ended")).await;
    }
}

#[actix_web::test]
async fn s61_a_token_that_expired_since_it_was_let_in_stores_nothing() {
    for world in World::both().await {
        let expired = async |header: &str, _: &str| {
            world.clock.advance_seconds(89);
            assert!(deposit(&world, header, "C02USED1").await.status.is_success());
            world.clock.advance_seconds(1);
        };
        nobody(&world, Some(90), expired, (EventKind::AccessRefused, "token_ended")).await;
    }
}

#[actix_web::test]
async fn s61_a_token_whose_row_was_edited_since_it_was_let_in_stores_nothing() {
    for world in World::both().await {
        let edited = async |_: &str, _: &str| assert_eq!(world.sql("UPDATE api_tokens SET trust = 3 WHERE trust <> 3").await, 2);
        nobody(&world, None, edited, (EventKind::IntegrityFailure, "api_tokens")).await;
    }
}

#[actix_web::test]
async fn s61_a_token_whose_row_is_gone_since_it_was_let_in_stores_nothing() {
    for world in World::both().await {
        let (header, path) = used(&world, None).await;
        assert_eq!(world.sql("DELETE FROM api_tokens").await, 2);
        for (what, answer) in [("api", deposit(&world, &header, "C02LATER").await), ("crypt", world.check_in(&path, "C02LATER", KEY).await)]
        {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        }
        assert_eq!(rows(&world, "devices").await, 2);
        let told = world.trail().await.iter().filter(|row| row.event.detail == "token_ended").count();
        assert_eq!(told, 2);
    }
}

#[actix_web::test]
async fn s61_a_token_that_was_let_in_lets_in_nobody_without_its_secret_and_at_no_other_door() {
    for world in World::both().await {
        let (header, path) = used(&world, None).await;
        let altered = |text: &str| format!("{}{}", part(text, ..text.len() - 1), if text.ends_with('0') { '1' } else { '0' });
        let answers = [
            deposit(&world, &altered(&header), "C02LATER").await,
            deposit(&world, &path, "C02LATER").await,
            world.check_in(&altered(&path), "C02LATER", KEY).await,
            world.check_in(&header, "C02LATER", KEY).await,
        ];
        assert!(answers.iter().all(|answer| answer.status == StatusCode::UNAUTHORIZED));
        assert!(deposit(&world, &header, "C02USED1").await.status.is_success(), "the token itself goes on");
        assert_eq!(rows(&world, "devices").await, 2);
    }
}

#[actix_web::test]
async fn s61_what_was_answered_to_a_token_is_not_told_after_its_end() {
    for world in World::both().await {
        let (_, text) = token(&world, |_| {}).await;
        let bearer = format!("Bearer {text}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "one")];
        let body = json!({ "serial": "C02USED1", "recovery_key": KEY }).to_string();
        let send = || world.raw(Method::POST, DEPOSITS, &headers, body.clone());
        assert_eq!(send().await.status, StatusCode::CREATED);
        let again = send().await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::CREATED, Some("true")));
        assert!(world.service.revoke_token(token_id(&text), Actor::Operator).await.unwrap());
        assert_eq!(send().await.status, StatusCode::UNAUTHORIZED);
    }
}

/// Somebody puts the row of before the rotation back: content and MAC as this process has once seen them.
#[actix_web::test]
async fn s61_what_was_believed_under_a_key_that_is_gone_is_not_believed_again() {
    for world in World::both().await {
        let (_, text) = token(&world, |_| {}).await;
        assert!(deposit(&world, &text, "C02USED1").await.status.is_success());
        world.sql("CREATE TABLE kept AS SELECT id, row_mac FROM api_tokens").await;
        rotated(&world, Use::Row).await;
        rewrapped(&world).await;
        world.clock.advance_seconds(7200);
        retired(&world, Use::Row, 1).await.unwrap();
        world.sql("UPDATE api_tokens SET row_mac = (SELECT row_mac FROM kept WHERE kept.id = api_tokens.id)").await;
        assert_eq!(deposit(&world, &text, "C02LATER").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(world.last().await.event.kind, EventKind::IntegrityFailure);
    }
}

#[actix_web::test]
async fn s61_a_token_that_has_ended_is_told_of_no_limit() {
    let world = World::with(|c| (c.api.requests_per_minute, c.api.agent_requests_per_minute) = (3, 3)).await;
    let (header, path) = used(&world, None).await;
    let send = async || (deposit(&world, &header, "C02USED1").await.status, world.check_in(&path, "C02USED1", KEY).await.status);
    assert!(send().await.0.is_success());
    assert_eq!(send().await, (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS));
    for token in [&header, &path] {
        assert!(world.service.revoke_token(token_id(token), Actor::Operator).await.unwrap());
    }
    assert_eq!(send().await, (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
}

#[actix_web::test]
async fn that_a_token_is_in_use_is_written_down_once_a_minute() {
    for world in World::both().await {
        let (_, text) = token(&world, |_| {}).await;
        let last_used = async || {
            let row = world.fresh.store.read().await.unwrap().token(token_id(&text)).await.unwrap().unwrap();
            row.parts().0.last_used.unwrap()
        };
        let mut at = Vec::new();
        for wait in [0, 59, 1, 30, 30] {
            world.clock.advance_seconds(wait);
            assert!(deposit(&world, &text, "C02USED1").await.status.is_success());
            at.push(last_used().await.seconds_since(START));
        }
        assert_eq!(at, [0, 0, 60, 60, 120]);
    }
}
