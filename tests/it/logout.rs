//! Back-channel logout through the whole application: S17, and its part of S42.

use actix_web::http::{Method, StatusCode};
use actix_web::{test, web};
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::person::LogoutRow;
use keyharbor::service::custody::Custody;
use keyharbor::store::Engine;
use keyharbor::web::App;
use serde_json::{Map, Value, json};

use crate::idp::keys::{FORGERIES, Sign};
use crate::idp::logout::EVENT;
use crate::idp::wire::Trouble;
use crate::probe::rows;
use crate::races::{aside, until_it_waits, whole};
use crate::reveal_order::refuse_rows;
use crate::world::{Answer, HOST, KEY, World, send};

const DOOR: &str = "/auth/backchannel-logout";
/// Claims and header.
type Parts = (Map<String, Value>, Map<String, Value>);
type Fault = Box<dyn Fn(&mut Parts)>;

/// As the provider posts it: no cookie, no Origin, no Fetch metadata.
pub async fn post(app: &web::Data<App>, token: &str) -> Answer {
    let request = test::TestRequest::with_uri(DOOR)
        .method(Method::POST)
        .peer_addr("203.0.113.9:443".parse().unwrap())
        .insert_header(("host", HOST))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(format!("logout_token={token}"));
    send(app, request).await
}

/// The word a token is refused for; "" when it is not.
async fn refusal(world: &World, token: &str) -> String {
    let answer = post(&world.app, token).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    if answer.status == StatusCode::OK {
        return String::new();
    }
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    answer.json()["error_description"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn s17_s42_full_session_only_and_person_only_tokens_end_sessions_and_grants_on_both_replicas() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let (_, other) = world.replica().await;
        for left_out in ["", "sub", "sid"] {
            world.clock.advance_seconds(1);
            let (mut astrid, mut berit) = (world.signed_in("astrid").await, world.signed_in("berit").await);
            let grant = astrid.reveal(&device).await.location().to_owned();
            assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
            let before = world.trail().await.len();
            let answer = post(&other, &world.idp.logout_token("astrid", |claims, _| drop(claims.remove(left_out)))).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            for app in [&world.app, &other] {
                astrid.app = app.clone();
                let shown = astrid.get(&grant).await;
                assert_eq!((shown.status, shown.key()), (StatusCode::UNAUTHORIZED, None), "without {left_out:?}");
                assert_eq!(astrid.reveal(&device).await.status, StatusCode::UNAUTHORIZED);
            }
            assert_eq!(berit.get("/devices").await.status, StatusCode::OK, "nobody else is signed out");
            let ended = world.trail().await.split_off(before).remove(0).event;
            assert_eq!((ended.kind, ended.role.as_str()), (EventKind::SessionEnded, "employee"));
            assert!(matches!(&ended.actor, Actor::Person(who) if who.subject == "sub-astrid"));
            assert!(ended.detail.starts_with("backchannel_logout line "), "{}", ended.detail);
            assert_eq!((ended.personal.login.as_deref(), ended.personal.name.as_deref()), (Some("astrid"), Some("astrid Test")));
            assert_eq!(ended.personal.address.as_deref(), Some("203.0.113.9"));
        }
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s17_a_person_only_token_ends_every_session_of_the_person_and_a_session_only_one_those_of_the_session() {
    for world in World::both().await {
        let mut first = world.signed_in("astrid").await;
        world.idp.claim("astrid", "sid", json!("another"));
        let mut second = world.signed_in("astrid").await;
        assert_eq!(refusal(&world, &world.idp.logout_token("astrid", |_, _| {})).await, "");
        assert_eq!(first.get("/devices").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(second.get("/devices").await.status, StatusCode::OK, "another session at the provider");
        // A session and a person that do not belong together end nothing.
        let odd = world.idp.logout_token("berit", |claims, _| drop(claims.insert("sid".into(), json!("another"))));
        assert_eq!(refusal(&world, &odd).await, "");
        assert_eq!(second.get("/devices").await.status, StatusCode::OK);
        world.signed_in("astrid").await;
        assert_eq!(refusal(&world, &world.idp.logout_token("astrid", |claims, _| drop(claims.remove("sid")))).await, "");
        assert_eq!((second.get("/devices").await.status, rows(&world, "sessions").await), (StatusCode::UNAUTHORIZED, 0));
        assert_eq!(world.count(EventKind::SessionEnded).await, 3, "one row for each session that ended, none for nothing");
    }
}

/// What is wrong with a token, and the word it is refused for.
fn faults(now: i64) -> Vec<(&'static str, Fault)> {
    fn set(part: usize, name: &'static str, value: Option<Value>) -> Fault {
        Box::new(move |parts| {
            let map = if part == 0 { &mut parts.0 } else { &mut parts.1 };
            match &value {
                Some(value) => drop(map.insert(name.into(), value.clone())),
                None => drop(map.remove(name)),
            }
        })
    }
    let claim = |name, value| set(0, name, Some(value));
    let header = |name, value| set(1, name, Some(value));
    vec![
        ("events", set(0, "events", None)),
        ("events", claim("events", json!({}))),
        ("events", claim("events", json!({ EVENT: "yes" }))),
        ("events", claim("events", json!([EVENT]))),
        ("nonce", claim("nonce", json!("n"))),
        ("nonce", claim("nonce", Value::Null)),
        ("sub", Box::new(|parts| parts.0.retain(|name, _| name != "sub" && name != "sid"))),
        ("sub", claim("sub", json!(7))),
        ("sub", claim("sub", json!(""))),
        ("sid", claim("sid", json!(["sid-astrid"]))),
        ("sid", claim("sid", json!("s".repeat(256)))),
        ("jti", set(0, "jti", None)),
        ("jti", claim("jti", json!(""))),
        ("jti", claim("jti", json!(1))),
        ("iss", claim("iss", json!("https://else.example"))),
        ("iss", set(0, "iss", None)),
        ("aud", claim("aud", json!("another"))),
        ("aud", claim("aud", json!(["keyharbor", "another"]))),
        ("aud", claim("aud", json!([]))),
        ("aud", set(0, "aud", None)),
        ("exp", set(0, "exp", None)),
        ("exp", claim("exp", json!(now - 61))),
        ("exp", claim("exp", json!("2030-01-01T00:00:00Z"))),
        ("iat", set(0, "iat", None)),
        ("iat", claim("iat", json!(now - 181))),
        ("iat", claim("iat", json!(now + 61))),
        ("nbf", claim("nbf", json!(now + 61))),
        ("typ", set(1, "typ", None)),
        ("typ", header("typ", json!("JWT"))),
        ("typ", header("typ", json!("at+jwt"))),
        ("crit", header("crit", json!(["b64"]))),
        ("alg", header("alg", json!("none"))),
        ("alg", header("alg", json!("HS256"))),
        ("alg", header("alg", json!("RS512"))),
        ("kid", header("alg", json!("ES256"))),
        ("kid", header("kid", json!("nobody's"))),
        ("kid", header("kid", json!(1))),
    ]
}

fn bent(world: &World, fault: &dyn Fn(&mut Parts)) -> String {
    world.idp.logout_token("astrid", |claims, header| {
        let mut parts = (std::mem::take(claims), std::mem::take(header));
        fault(&mut parts);
        (*claims, *header) = parts;
    })
}

#[actix_web::test]
async fn s17_a_token_with_a_fault_is_refused_and_the_session_lives() {
    let world = World::new().await;
    let mut astrid = world.signed_in("astrid").await;
    let now = world.env.now().seconds();
    let before = world.trail().await.len();
    for (at, (word, fault)) in faults(now).into_iter().enumerate() {
        assert_eq!(refusal(&world, &bent(&world, &*fault)).await, word, "fault {at}");
    }
    for (sign, word) in FORGERIES {
        world.idp.set(|b| b.sign = sign);
        assert_eq!(refusal(&world, &world.idp.logout_token("astrid", |_, _| {})).await, word, "{sign:?}");
    }
    world.idp.set(|b| b.sign = Sign::Rs256);
    for text in ["", "x", "a.b.c", "e30.e30.", "%00"] {
        assert_eq!(refusal(&world, text).await, if text == "e30.e30." { "alg" } else { "shape" }, "{text}");
    }
    assert_eq!(refusal(&world, "a.b.c&logout_token=d").await, "shape", "one token, not two");
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
    let refused: Vec<_> = world.trail().await.split_off(before);
    assert_eq!(refused.len(), 5, "of one network and minute five are rows");
    assert!(refused.iter().all(
        |r| r.event.actor == Actor::Anonymous && (r.event.kind, r.event.detail.as_str()) == (EventKind::AccessRefused, "logout_token")
    ));
    assert_eq!(rows(&world, "logout_tokens").await, 0);
    // The edges that are good.
    for (name, value) in [("iat", now - 180), ("iat", now + 60), ("exp", now - 59), ("nbf", now + 60)] {
        assert_eq!(
            refusal(&world, &world.idp.logout_token("nobody", |c, _| drop(c.insert(name.into(), json!(value))))).await,
            "",
            "{name}"
        );
    }
    let several = world.idp.logout_token("astrid", |c, _| drop(c.insert("aud".into(), json!(["keyharbor"]))));
    assert_eq!(refusal(&world, &several).await, "");
    assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED, "the token without a fault does what it says");
}

#[actix_web::test]
async fn s17_an_id_token_is_no_logout_token() {
    for old in [false, true] {
        let world = World::with(|c| c.oidc.old_logout_tokens = old).await;
        let mut astrid = world.signed_in("astrid").await;
        let id_token = world.idp.issued().pop().unwrap();
        assert_eq!(refusal(&world, &id_token).await, if old { "events" } else { "typ" });
        // Even one into which somebody got the event written.
        world.idp.token_claim("events", Some(json!({ EVENT: {} })));
        world.idp.token_claim("jti", Some(json!("j")));
        world.signed_in("berit").await;
        assert_eq!(refusal(&world, &world.idp.issued().pop().unwrap()).await, if old { "nonce" } else { "typ" });
        assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
    }
}

#[actix_web::test]
async fn s17_the_same_token_twice_is_obeyed_once_on_whichever_replica() {
    for world in World::both().await {
        let (_, other) = world.replica().await;
        let token = world.idp.logout_token("astrid", |claims, _| drop(claims.remove("sid")));
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(post(&world.app, &token).await.status, StatusCode::OK);
        assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
        world.clock.advance_seconds(1);
        astrid.sign_in(&world, "astrid").await;
        for app in [&world.app, &other] {
            assert_eq!(post(app, &token).await.status, StatusCode::OK, "answered alike");
        }
        assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "the session begun since then lives on");
        assert_eq!(world.count(EventKind::SessionEnded).await, 1);
        // It is remembered for as long as a sign-in that was open may last, which is longer than it could be good.
        world.clock.advance_seconds(658);
        world.service.sweep().await.unwrap();
        assert_eq!((rows(&world, "logout_tokens").await, refusal(&world, &token).await), (1, "iat".to_owned()));
        world.clock.advance_seconds(1);
        world.service.sweep().await.unwrap();
        assert_eq!((rows(&world, "logout_tokens").await, refusal(&world, &token).await), (0, "iat".to_owned()));
    }
}

/// A token that is obeyed now.
pub fn row(world: &World, jti: &str, sid: Option<&str>, subject: Option<&str>) -> LogoutRow {
    let [sid, subject] = [sid, subject].map(|text| text.map(str::to_owned));
    let (issuer, now) = (world.idp.issuer().to_owned(), world.env.now());
    LogoutRow { issuer, jti: jti.to_owned(), sid, subject, obeyed_at: now, expires_at: now.plus_seconds(60) }
}

#[actix_web::test]
async fn s17_two_replicas_with_one_token_at_once_wait_for_each_other() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let mut astrid = world.signed_in("astrid").await;
    let token = world.idp.logout_token("astrid", |claims, _| drop(claims.insert("jti".into(), json!("held"))));
    let mut held = world.fresh.store.write().await.unwrap();
    assert!(held.insert_logout(&row(&world, "held", None, None)).await.unwrap());
    let (_, other) = world.replica().await;
    let second = aside(async move { post(&other, &token).await });
    until_it_waits(&world, &second).await;
    // The first gives up: the second does what the token says.
    drop(held);
    assert_eq!(second.await.unwrap().status, StatusCode::OK);
    assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn s17_tokens_of_earlier_drafts_pass_with_the_setting_and_with_nothing_else_amiss() {
    let world = World::with(|c| c.oidc.old_logout_tokens = true).await;
    for typ in [Some("JWT"), None] {
        world.clock.advance_seconds(1);
        let mut astrid = world.signed_in("astrid").await;
        let now = world.env.now().seconds();
        let old = |fault: &dyn Fn(&mut Parts)| {
            bent(&world, &|parts: &mut Parts| {
                parts.0.remove("exp");
                match typ {
                    Some(typ) => drop(parts.1.insert("typ".into(), json!(typ))),
                    None => drop(parts.1.remove("typ")),
                }
                fault(parts);
            })
        };
        for (word, fault) in faults(now).into_iter().filter(|(word, _)| !["typ", "exp"].contains(word)) {
            assert_eq!(refusal(&world, &old(&*fault)).await, word);
        }
        assert_eq!(refusal(&world, &old(&|p| drop(p.1.insert("typ".into(), json!("at+jwt"))))).await, "typ");
        assert_eq!(refusal(&world, &old(&|p| drop(p.0.insert("exp".into(), json!(now - 61))))).await, "exp", "one that is there holds");
        assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
        assert_eq!(refusal(&world, &old(&|_| {})).await, "");
        assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn s17_s23_a_token_under_a_new_key_asks_for_the_keys_once() {
    let world = World::new().await;
    let mut astrid = world.signed_in("astrid").await;
    world.idp.rotate();
    let before = world.idp.fetches("/jwks");
    assert_eq!(refusal(&world, &world.idp.logout_token("astrid", |_, _| {})).await, "");
    assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
    for n in 0..20 {
        let bogus = world.idp.logout_token("astrid", |_, header| drop(header.insert("kid".into(), json!(format!("k{n}")))));
        assert_eq!(refusal(&world, &bogus).await, "kid");
    }
    assert_eq!(world.idp.fetches("/jwks"), before + 1);
}

#[actix_web::test]
async fn s17_what_cannot_be_obeyed_now_is_503_and_can_be_obeyed_later() {
    let world = World::new().await;
    let mut astrid = world.signed_in("astrid").await;
    let token = world.idp.logout_token("astrid", |_, _| {});
    refuse_rows(&world, "session.ended", "").await;
    let answer = post(&world.app, &token).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("trail_unavailable")));
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "no row, no sign-out");
    world.sql("DROP TRIGGER no_rows").await;
    // A server that has not met its provider yet cannot judge a token.
    world.idp.trouble_discovery(Some(Trouble::Status(500)));
    let (_, fresh) = world.replica().await;
    let answer = post(&fresh, &token).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("provider_unreachable")));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(post(&world.app, &token).await.status, StatusCode::OK, "the same token, still unused");
    assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
    let now = world.env.now();
    let sealed = world.restarted(|_| {}, Custody::sealed(now));
    let answer = post(&sealed.app, &token).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("sealed")));
}

#[actix_web::test]
async fn s17_the_door_takes_a_form_by_post_and_nothing_more() {
    let world = World::new().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let got = world.raw(Method::GET, DOOR, &[], "").await;
    assert_eq!((got.status, got.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    let json = world.raw(Method::POST, DOOR, &[("content-type", "application/json")], r#"{"logout_token":"x"}"#).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = world.raw(Method::POST, DOOR, &[form], "logout_token=".to_owned() + &"a".repeat(70_000)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let elsewhere = world.raw(Method::POST, DOOR, &[form, ("host", "evil.example")], "logout_token=x").await;
    assert_eq!(elsewhere.status, StatusCode::MISDIRECTED_REQUEST);
    assert!([got, json, large, elsewhere].iter().all(|a| a.header("cache-control") == Some("no-store")));
}
