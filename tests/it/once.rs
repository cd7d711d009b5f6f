//! `Idempotency-Key`: the first answer again, and nothing twice; also after a restart, on another replica, and when two come at
//! a time. What is kept gives nothing away.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::custody::{Custody, open_ring};
use keyharbor::store::Engine;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::probe::{holds, rows, stolen};
use crate::world::{Answer, HOST, KEY, MAC, OTHER_KEY, World, send};

async fn token(world: &World) -> String {
    world.token(&[Scope::EscrowWrite, Scope::DevicesWrite], Door::Header, Trust::Observed).await
}

async fn sent(world: &World, token: &str, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
    world.raw(Method::POST, "/api/v1/deposits", &headers, body.to_string()).await
}

fn one(serial: &str, key: &str) -> Value {
    json!({ "serial": serial, "recovery_key": key })
}

/// Answers are equal but for what belongs to each request.
fn same(a: &Answer, b: &Answer) {
    assert_eq!((a.status, &a.text, a.header("content-type")), (b.status, &b.text, b.header("content-type")));
}

#[actix_web::test]
async fn the_first_answer_is_given_again_and_nothing_is_done_twice() {
    for world in World::both().await {
        let token = token(&world).await;
        let first = sent(&world, &token, "a-1", &one(MAC, KEY)).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (StatusCode::CREATED, None), "{}", first.text);
        // Without the key it would be "same" now, and after another key "promoted".
        sent(&world, &token, "a-2", &one(MAC, OTHER_KEY)).await;
        let trail = world.trail().await.len();
        for key in ["a-1", "\"a-1\"", " a-1 "] {
            let again = sent(&world, &token, key, &one(MAC, KEY)).await;
            same(&again, &first);
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        assert_eq!((world.trail().await.len(), rows(&world, "key_versions").await), (trail, 2));
        // Another token's key is another key.
        let other = sent(&world, &self::token(&world).await, "a-1", &one(MAC, KEY)).await;
        assert_eq!((other.status, other.header("idempotent-replayed")), (StatusCode::OK, None));
    }
}

#[actix_web::test]
async fn the_same_key_with_another_request_is_422_and_recorded() {
    for world in World::both().await {
        let token = token(&world).await;
        assert_eq!(sent(&world, &token, "k", &one(MAC, KEY)).await.status, StatusCode::CREATED);
        let trail = world.trail().await.len();
        let other = sent(&world, &token, "k", &one(MAC, OTHER_KEY)).await;
        assert_eq!((other.status, &other.json()["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &"idempotency_key_reused".into()));
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
        let path = format!("/api/v1/devices/{MAC}");
        let elsewhere = world.raw(Method::PUT, &path, &headers, one(MAC, KEY).to_string().replace("recovery_key", "name")).await;
        assert_eq!(elsewhere.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", elsewhere.text);
        let put = world.raw(Method::PUT, &path, &headers, json!({ "model": "M" }).to_string()).await;
        assert_eq!(put.json()["code"], "idempotency_key_reused", "{}", put.text);
        assert_eq!((world.trail().await.len(), rows(&world, "key_versions").await), (trail + 2, 1));
        assert_eq!(world.last().await.event.detail, "idempotency_key");
    }
}

#[actix_web::test]
async fn a_device_is_written_once() {
    for world in World::both().await {
        let token = token(&world).await;
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
        let put = async |path: &str, body: Value| world.raw(Method::PUT, path, &headers, body.to_string()).await;
        let path = format!("/api/v1/devices/{MAC}");
        let first = put(&path, json!({ "name": "A" })).await;
        assert_eq!(first.status, StatusCode::CREATED);
        let plain = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        world.raw(Method::PUT, &path, &plain, json!({ "name": "B" }).to_string()).await;
        let again = put(&path.to_lowercase(), json!({ "name": "A" })).await;
        same(&again, &first);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(world.count(EventKind::DeviceChanged).await, 1, "the name stays B");
        // A change that changes nothing is an answer as well.
        let headers = [headers[0], headers[1], ("idempotency-key", "k2")];
        for replayed in [None, Some("true")] {
            let answer = world.raw(Method::PUT, &path, &headers, json!({ "name": "B" }).to_string()).await;
            assert_eq!((answer.status, answer.header("idempotent-replayed")), (StatusCode::OK, replayed));
        }
    }
}

#[actix_web::test]
async fn the_answer_survives_a_restart_and_is_every_replicas() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::on(engine, |_| {}).await;
        let token = token(&world).await;
        let many: Vec<_> = (0..250).map(|n| one(&format!("C02MANY{n:05}"), KEY)).chain([one("", KEY)]).collect();
        let many = json!(many);
        let first = sent(&world, &token, "m", &many).await;
        assert_eq!((first.status, first.json()["results"].as_array().map(Vec::len)), (StatusCode::OK, Some(251)));
        let (_, app) = world.replica().await;
        let request = TestRequest::post().uri("/api/v1/deposits").insert_header(("host", HOST)).set_payload(many.to_string());
        let request = request.insert_header(("authorization", format!("Bearer {token}"))).insert_header(("idempotency-key", "m"));
        same(&send(&app, request.insert_header(("content-type", "application/json"))).await, &first);
        let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        let world = world.restarted(|_| {}, Custody::open(ring));
        let again = sent(&world, &token, "m", &many).await;
        same(&again, &first);
        assert_eq!((again.header("idempotent-replayed"), world.count(EventKind::DepositSame).await), (Some("true"), 0));
    }
}

#[actix_web::test]
async fn of_many_at_a_time_one_acts() {
    for world in World::both().await {
        let token = token(&world).await;
        let body = one(MAC, KEY);
        let answers = futures_util::future::join_all((0..8).map(|_| sent(&world, &token, "k", &body))).await;
        let acted: Vec<_> = answers.iter().filter(|a| a.header("idempotent-replayed").is_none()).collect();
        assert_eq!(acted.len(), 1);
        for answer in &answers {
            same(answer, acted[0]);
        }
        assert_eq!(world.count(EventKind::DepositNew).await + world.count(EventKind::DepositSame).await, 1);
    }
}

#[actix_web::test]
async fn what_came_to_nothing_is_not_kept_and_an_answer_ends_after_a_day() {
    for world in World::both().await {
        let token = token(&world).await;
        assert_eq!(sent(&world, &token, "k", &one(MAC, "nonsense")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let mended = sent(&world, &token, "k", &one(MAC, KEY)).await;
        assert_eq!(mended.status, StatusCode::CREATED, "the same key carries the mended request");
        world.clock.advance_seconds(24 * 3600 - 1);
        world.service.sweep().await.unwrap();
        same(&sent(&world, &token, "k", &one(MAC, KEY)).await, &mended);
        world.clock.advance_seconds(1);
        let late = sent(&world, &token, "k", &one(MAC, OTHER_KEY)).await;
        assert_eq!((late.status, late.header("idempotent-replayed")), (StatusCode::CREATED, None), "it is free again, swept or not");
        world.clock.advance_seconds(24 * 3600 + 1);
        world.service.sweep().await.unwrap();
        assert_eq!(rows(&world, "idempotency_keys").await, 0);
    }
}

#[actix_web::test]
async fn a_key_that_is_none_is_400() {
    let world = World::new().await;
    let token = token(&world).await;
    let long = "k".repeat(201);
    for key in ["", "\"\"", long.as_str(), "å"] {
        let answer = sent(&world, &token, key, &one(MAC, KEY)).await;
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::BAD_REQUEST, &"idempotency_key".into()), "{key}");
    }
    let bearer = format!("Bearer {token}");
    let twice =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "b")];
    let answer = world.raw(Method::POST, "/api/v1/deposits", &twice, one(MAC, KEY).to_string()).await;
    assert_eq!(answer.json()["code"], "idempotency_key");
    assert_eq!((rows(&world, "key_versions").await, rows(&world, "idempotency_keys").await), (0, 0));
}

#[actix_web::test]
async fn s52_an_answer_written_or_edited_in_the_database_acknowledges_nothing() {
    for world in World::both().await {
        let token = token(&world).await;
        let first = sent(&world, &token, "k", &one(MAC, KEY)).await;
        // A thief of writing would have a source believe that its key is escrowed.
        assert_eq!(world.sql(r#"UPDATE idempotency_keys SET answer = '{"status":"new","version":7}'"#).await, 1);
        let again = sent(&world, &token, "k", &one(MAC, KEY)).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::OK, None), "it was done anew");
        assert_eq!((again.json()["status"].as_str(), first.json()["status"].as_str()), (Some("same"), Some("new")));
        let bent: Vec<_> = world.trail().await.into_iter().filter(|r| r.event.kind == EventKind::IntegrityFailure).collect();
        assert_eq!(bent.iter().map(|r| r.event.detail.as_str()).collect::<Vec<_>>(), ["idempotency_keys"]);
        same(&sent(&world, &token, "k", &one(MAC, KEY)).await, &again);
    }
}

#[actix_web::test]
async fn s58_what_is_kept_holds_neither_the_key_nor_anything_to_guess_it_by() {
    for world in World::both().await {
        let token = token(&world).await;
        let body = one(MAC, KEY).to_string();
        sent(&world, &token, "tell-tale-key", &one(MAC, KEY)).await;
        let stolen = stolen(&world);
        assert!(holds(&stolen, MAC), "the search finds what is there");
        assert!(!holds(&stolen, KEY) && !holds(&stolen, "tell-tale-key"));
        for text in [KEY, body.as_str(), "tell-tale-key"] {
            let bare = Sha256::digest(text.as_bytes()).to_vec();
            let hex: String = bare.iter().map(|b| format!("{b:02x}")).collect();
            assert!(!stolen.windows(32).any(|w| w == bare) && !holds(&stolen, &hex), "a bare hash can be guessed against");
        }
    }
}
