//! Tokens (S61): one 401 for everything that is no token, one door each, a keyed hash in the database and nothing else.

use actix_web::http::{Method, StatusCode};
use base64::Engine as _;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope, Scopes};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::fixed::START;
use crate::probe::{Logs, form, holds, masked, part, rows, stolen, token};
use crate::world::{Answer, KEY, MAC, World};

/// The same token with another last character of its secret.
fn altered(token: &str) -> String {
    let (head, last) = token.split_at(token.len() - 1);
    format!("{head}{}", if last == "0" { '1' } else { '0' })
}

/// Everything that is not a live token of the header door.
async fn bad_tokens(world: &World) -> Vec<(&'static str, String)> {
    let (_, good) = token(world, |_| {}).await;
    let (revoked, revoked_text) = token(world, |_| {}).await;
    assert!(world.service.revoke_token(&revoked.id, Actor::Operator).await.unwrap());
    let (_, expired) = token(world, |t| t.expires_at = Some(START.plus_seconds(60))).await;
    let (_, path) = token(world, |t| t.door = Door::CryptPath).await;
    let (id, secret) = good.strip_prefix("kh_").unwrap().split_once('_').unwrap();
    vec![
        ("no token", String::new()),
        ("no form", "hunter2".to_owned()),
        ("unknown id", format!("kh_0123456789abcdef_{secret}")),
        ("wrong secret", altered(&good)),
        ("secret of another", format!("kh_{id}_{}", revoked_text.rsplit('_').next().unwrap())),
        ("id in capitals", format!("kh_{}_{secret}", id.to_uppercase())),
        ("a character more", format!("{good}0")),
        ("revoked", revoked_text),
        ("expired", expired),
        ("a path's token", path),
    ]
}

#[actix_web::test]
async fn s61_everything_that_is_no_token_is_one_401() {
    for world in World::both().await {
        let bad = bad_tokens(&world).await;
        world.clock.advance_seconds(60);
        let body = json!({ "serial": MAC, "recovery_key": KEY });
        let mut api: Vec<(&str, Answer)> = Vec::new();
        let mut crypt: Vec<(&str, Answer)> = Vec::new();
        for (what, text) in &bad {
            api.push((what, world.api(Method::POST, "/api/v1/deposits", text, Some(body.clone())).await));
            let bearer = format!("Bearer {text}");
            let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("user:{text}")));
            for authorization in [&bearer, &basic] {
                let headers = [("authorization", authorization.as_str())];
                crypt.push((what, form(&world, "/compat/crypt/checkin/", &headers, &[("serial", MAC), ("recovery_password", KEY)]).await));
            }
            if !text.is_empty() && *what != "a path's token" {
                crypt.push((what, world.check_in(text, MAC, KEY).await));
            }
        }
        let (_, header) = token(&world, |_| {}).await;
        crypt.push(("a header's token in the path", world.check_in(&header, MAC, KEY).await));
        for answers in [api, crypt] {
            let (_, first) = &answers[0];
            assert_eq!((first.status, first.header("www-authenticate")), (StatusCode::UNAUTHORIZED, Some("Bearer")));
            for (what, answer) in &answers {
                assert_eq!(masked(answer), masked(first), "{what}");
            }
        }
        assert_eq!((rows(&world, "devices").await, rows(&world, "key_versions").await), (0, 0));
        let details: Vec<_> = world.trail().await.into_iter().filter(|r| r.event.kind == EventKind::AccessRefused).collect();
        for why in ["token", "token_ended", "wrong_door"] {
            assert!(details.iter().any(|r| r.event.detail == why), "{why} is recorded");
        }
        assert!(details.iter().filter(|r| r.event.detail != "token").all(|r| matches!(r.event.actor, Actor::Token(_))));
    }
}

#[actix_web::test]
async fn s61_a_token_works_at_its_own_door_only() {
    let world = World::new().await;
    let (_, header) = token(&world, |_| {}).await;
    let (_, path) = token(&world, |t| t.door = Door::CryptPath).await;
    let body = json!({ "serial": MAC, "recovery_key": KEY });
    let fields = [("serial", MAC), ("recovery_password", KEY)];
    let (header_bearer, path_bearer) = (format!("Bearer {header}"), format!("Bearer {path}"));
    assert_eq!(world.api(Method::POST, "/api/v1/deposits", &header, Some(body.clone())).await.status, StatusCode::CREATED);
    assert_eq!(world.api(Method::POST, "/api/v1/deposits", &path, Some(body)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.check_in(&path, MAC, KEY).await.status, StatusCode::OK);
    assert_eq!(world.check_in(&header, MAC, KEY).await.status, StatusCode::UNAUTHORIZED);
    let at = async |door: &str, bearer: &str| form(&world, door, &[("authorization", bearer)], &fields).await.status;
    assert_eq!(at("/compat/crypt/checkin/", &header_bearer).await, StatusCode::OK);
    assert_eq!(at("/compat/crypt/checkin/", &path_bearer).await, StatusCode::UNAUTHORIZED);
    let in_path = format!("/compat/crypt/{}/checkin/", altered(&path));
    assert_eq!(at(&in_path, &header_bearer).await, StatusCode::UNAUTHORIZED, "a good header does not mend a bad path");
    // The API knows Bearer only.
    let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("user:{header}")));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
    assert_eq!(world.raw(Method::POST, "/api/v1/deposits", &headers, "{}").await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn s61_a_token_in_a_query_is_401_and_is_not_logged() {
    let world = World::new().await;
    let (logs, _guard) = Logs::start();
    let (_, header) = token(&world, |t| t.scopes = t.scopes.with(Scope::DevicesRead)).await;
    let (_, path) = token(&world, |t| t.door = Door::CryptPath).await;
    for text in [&header, &path] {
        for name in ["token", "access_token", "api_key", "authorization"] {
            for (method, address) in [
                (Method::POST, "/api/v1/deposits"),
                (Method::GET, "/api/v1/devices/C02TEST00001"),
                (Method::POST, "/compat/crypt/checkin/"),
                (Method::GET, "/compat/crypt/verify/C02TEST00001/recovery_key"),
            ] {
                let answer = world.raw(method, &format!("{address}?{name}={text}"), &[], "{}").await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
                assert!(!answer.text.contains(text.as_str()));
            }
        }
    }
    world.check_in(&path, MAC, KEY).await;
    world.check_in(&altered(&path), MAC, KEY).await;
    let text = logs.text();
    assert!(text.contains(r#""route":"/compat/crypt/{token}/checkin/""#), "{text}");
    for secret in [&header, &path, &altered(&path)] {
        assert!(!text.contains(secret.rsplit('_').next().unwrap()), "the log holds a token");
    }
}

#[actix_web::test]
async fn s61_the_database_holds_a_keyed_hash_only() {
    for world in World::both().await {
        let (made, text) = token(&world, |_| {}).await;
        let secret = text.rsplit('_').next().unwrap();
        assert_eq!((text.len(), part(&text, ..3), made.id.len(), secret.len()), (63, "kh_", 16, 43));
        let stolen = stolen(&world);
        assert!(holds(&stolen, &made.id), "the search finds what is there");
        assert!(!holds(&stolen, secret));
        let sha = |text: &str| Sha256::digest(text.as_bytes()).to_vec();
        for bare in [sha(&text), sha(secret), sha(&format!("{}_{secret}", made.id))] {
            let hex: String = bare.iter().map(|b| format!("{b:02x}")).collect();
            assert!(!stolen.windows(32).any(|w| w == bare) && !holds(&stolen, &hex), "a bare hash can be guessed against");
        }
        assert_eq!((made.secret_hash.len(), made.secret_hash[0]), (37, 1));
    }
}

#[actix_web::test]
async fn s61_scopes_are_what_was_given() {
    let world = World::new().await;
    world.deposit(MAC, KEY, Trust::Observed).await;
    let doors = [
        (Scope::EscrowWrite, Method::POST, "/api/v1/deposits".to_owned(), json!({ "serial": MAC, "recovery_key": KEY })),
        (Scope::DevicesRead, Method::GET, format!("/api/v1/devices/{MAC}"), json!(null)),
        (Scope::DevicesWrite, Method::PUT, format!("/api/v1/devices/{MAC}"), json!({ "name": "x" })),
        (Scope::StatusRead, Method::GET, format!("/api/v1/devices/{MAC}/escrow-status"), json!(null)),
    ];
    for scope in Scope::ALL {
        let (_, text) = token(&world, |t| t.scopes = Scopes::default().with(scope)).await;
        for (wanted, method, path, body) in &doors {
            let answer = world.api(method.clone(), path, &text, Some(body.clone())).await;
            let expected = if *wanted == scope { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, expected, "{} at {path}: {}", scope.code(), answer.text);
            assert!(!answer.text.contains("AAAA"), "no answer holds a key");
        }
    }
    // What a token may not do is said before what is wrong with its request.
    let (_, owners) = token(&world, |t| t.scopes = Scopes::default().with(Scope::OwnersWrite)).await;
    let bad = world.api(Method::PUT, &format!("/api/v1/devices/{MAC}"), &owners, Some(json!({ "nonsense": 1 }))).await;
    assert_eq!(bad.status, StatusCode::FORBIDDEN);
    // Made, changed and ended tokens are in the trail, without their secret.
    assert!(world.count(EventKind::TokenCreated).await >= 8);
}

#[actix_web::test]
async fn a_token_for_no_device_at_all_is_not_one_for_all() {
    let world = World::new().await;
    let new = |pattern: &str| keyharbor::service::tokens::NewToken {
        name: "x".into(),
        scopes: Scopes::default().with(Scope::EscrowWrite),
        door: Door::Header,
        device_pattern: Some(pattern.to_owned()),
        trust: Trust::Observed,
        expires_at: None,
    };
    for empty in ["", "  "] {
        let error = world.service.create_token(new(empty), Actor::Operator).await.err().unwrap();
        assert!(error.to_string().starts_with("devices"), "{error}");
    }
    assert_eq!(rows(&world, "api_tokens").await, 0);
    let (made, _) = world.service.create_token(new(" c02* "), Actor::Operator).await.unwrap();
    assert_eq!(made.device_pattern.as_deref(), Some("C02*"));
}
