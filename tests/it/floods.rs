//! One token that hands in nonsense without end, or two keys in turn: each is answered, and the trail stays readable.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::RequestInfo;
use keyharbor::service::escrow::{Became, Deposit, Full, Hints, Refused};
use keyharbor::store::Engine;
use serde_json::{Value, json};

use crate::probe::{number, rows};
use crate::process::Home;
use crate::streaming::{Sender, line, lines, stream};
use crate::together::{one, put, source};
use crate::world::{KEY, MAC, OTHER_KEY, World, token_id};

const SUMMARY: &str = "deposits, more refusals: recovery_key 5, unreadable 455";

async fn deposits(world: &World, token: &str, items: &[Value]) -> crate::world::Answer {
    world.api(Method::POST, "/api/v1/deposits", token, Some(Value::Array(items.to_vec()))).await
}

fn code(result: &Value) -> &str {
    result["code"].as_str().or(result["status"].as_str()).unwrap()
}

async fn summaries(world: &World, token: &str) -> Vec<String> {
    let of_token = world.trail().await.into_iter().filter(|r| r.event.kind == EventKind::RefusedSummary);
    of_token
        .map(|r| {
            assert_eq!(r.event.actor, Actor::Token(token_id(token).to_owned()));
            r.event.detail
        })
        .collect()
}

/// A minute after the next beat, as a running server lives it.
async fn a_minute_later(world: &World) {
    world.clock.advance_seconds(60);
    world.service.sweep_throttle().await;
}

#[actix_web::test]
async fn s47_junk_is_twenty_rows_a_minute_and_one_with_its_number() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let junk = "{\n".repeat(475) + &line(MAC, "?").repeat(25) + &"x".repeat(70_000) + "\n" + &line(MAC, KEY);
        let answers = lines(&stream(&world, &token, &junk).await);
        assert_eq!(answers.len(), 502, "each line has its answer");
        assert_eq!(
            (code(&answers[474]), code(&answers[499]), code(&answers[500]), code(&answers[501])),
            ("json", "invalid_field", "too_large", "new")
        );
        assert_eq!(world.count(EventKind::DepositRefused).await, 20 + 20 + 1, "each reason has rows of its own");
        assert!(summaries(&world, &token).await.is_empty(), "the minute runs");
        a_minute_later(&world).await;
        assert_eq!(summaries(&world, &token).await, [SUMMARY]);
        // The next minute is a new one, for arrays and single ones as well; another token has its own.
        let items: Vec<_> = (0..30).map(|n| json!({ "serial": format!("C02JUNK{n}"), "recovery_key": "?" })).collect();
        assert_eq!(deposits(&world, &token, &items).await.json()["results"].as_array().map(Vec::len), Some(30));
        let single = world.api(Method::POST, "/api/v1/deposits", &token, Some(json!({}))).await;
        assert_eq!(single.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(world.count(EventKind::DepositRefused).await, 41 + 20 + 1);
        let other = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        world.api(Method::POST, "/api/v1/deposits", &other, Some(json!({}))).await;
        assert_eq!(world.count(EventKind::DepositRefused).await, 41 + 20 + 1 + 1);
        world.service.finish_throttle().await;
        assert_eq!(summaries(&world, &token).await, [SUMMARY, "deposits, more refusals: recovery_key 10"]);
        let counted = format!("SELECT refused FROM sources WHERE token = '{}'", token_id(&token));
        assert_eq!(number(&world.fresh.url, &counted).await, 500 + 31 + 1, "those who run it see them all");
    }
}

#[actix_web::test]
async fn s47_lines_that_a_token_may_not_hand_in_are_no_flood_either() {
    let world = World::new().await;
    let (_, narrow) = crate::probe::token(&world, |t| t.device_pattern = Some("C02TEST*".into())).await;
    let answers = lines(&stream(&world, &narrow, &line("FVFOTHER0001", KEY).repeat(300)).await);
    assert!(answers.len() == 300 && answers.iter().all(|a| code(a) == "forbidden"));
    a_minute_later(&world).await;
    assert_eq!(world.count(EventKind::DepositRefused).await, 20);
    assert_eq!(summaries(&world, &narrow).await, ["deposits, more refusals: out_of_scope 280"]);
}

#[test]
fn s47_junk_of_a_client_that_breaks_off_is_counted() {
    let home = Home::ready("http://127.0.0.1:9");
    let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    let server = home.serve();
    let mut sender = Sender::open(&home, &token);
    for _ in 0..50 {
        sender.chunk("{\n");
        assert_eq!(sender.answer()["code"], "json");
    }
    drop(sender);
    server.end_by_term();
    let trail = home.run(&["audit", "export", "--format", "jsonl"]).ok().out;
    let details = |kind: &str| -> Vec<String> {
        let rows = trail.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
        rows.filter(|r| r["kind"] == kind).map(|r| r["detail"].as_str().unwrap().to_owned()).collect()
    };
    let own = details("deposit.refused");
    // The minute may have changed on the way.
    assert!((20..=40).contains(&own.len()) && own.iter().all(|d| d == "unreadable"), "{own:?}");
    let summaries = details("access.refused_summary");
    let counted = summaries.iter().map(|d| d.strip_prefix("deposits, more refusals: unreadable ").unwrap().parse::<usize>().unwrap());
    assert_eq!(own.len() + counted.sum::<usize>(), 50);
}

/// Keys that differ.
fn key(n: usize) -> String {
    let letter = |n: usize| char::from(b"ABCDEFGHJKLMNPQRSTUVWXYZ"[n % 24]);
    format!("AAAA-BBBB-CCCC-DDDD-EEEE-{}{}F2", letter(n / 24), letter(n))
}

#[actix_web::test]
async fn s47_a_token_changes_a_mac_twenty_times_a_minute() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let many: String = (0..300).map(|n| line(MAC, &key(n))).collect();
        let answers = lines(&stream(&world, &token, &many).await);
        let told = |word: &str| answers.iter().filter(|a| code(a) == word).count();
        assert_eq!((told("new"), told("too_many_requests")), (20, 280), "each line has its answer");
        assert_eq!((rows(&world, "key_versions").await, world.count(EventKind::DepositRefused).await), (20, 20));
        // By any other door it is the same Mac and the same minute; the key that is current is welcome, another Mac is not held.
        let one = |key: &str| json!({ "serial": MAC, "recovery_key": key });
        let three = [one(&key(0)), one(&key(19)), json!({ "serial": "C02OTHER0001", "recovery_key": KEY })];
        let three = deposits(&world, &token, &three).await.json();
        assert_eq!(three["results"].as_array().unwrap().iter().map(code).collect::<Vec<_>>(), ["too_many_requests", "same", "new"]);
        let single = world.api(Method::POST, "/api/v1/deposits", &token, Some(one(&key(0)))).await;
        assert_eq!((single.status, single.json()["code"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("too_many_requests")));
        assert!(single.header("retry-after").is_some());
        let other = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &other, Some(one(&key(300)))).await.json()["status"], "new");
        a_minute_later(&world).await;
        assert_eq!(summaries(&world, &token).await, ["deposits, more refusals: too_many_changes 262"]);
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &token, Some(one(&key(301)))).await.json()["status"], "new");
    }
}

#[actix_web::test]
async fn s47_two_keys_in_turn_are_changes_as_well() {
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    world.clock.advance_seconds(60 - world.env.now().seconds().rem_euclid(60));
    let mut told = Vec::new();
    for n in 0..30 {
        let turn = line(MAC, if n % 2 == 0 { KEY } else { OTHER_KEY });
        told.extend(lines(&stream(&world, &token, &turn).await).iter().map(|a| code(a).to_owned()));
        world.clock.advance_seconds(1);
    }
    let count = |word: &str| told.iter().filter(|t| *t == word).count();
    // After the twentieth change one of the two stays: it is the same whenever it comes.
    assert_eq!((count("new"), count("promoted"), count("same"), count("too_many_requests")), (2, 18, 5, 5));
    assert_eq!(rows(&world, "key_versions").await, 2, "both are here");
}

#[actix_web::test]
async fn an_array_that_was_held_back_is_tried_anew_under_its_idempotency_key() {
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    lines(&stream(&world, &token, &(0..20).map(|n| line(MAC, &key(n))).collect::<String>()).await);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
    let body = json!([{ "serial": MAC, "recovery_key": KEY }]).to_string();
    let ask = async || world.raw(Method::POST, "/api/v1/deposits", &headers, body.clone()).await.json()["results"][0].clone();
    assert_eq!(code(&ask().await), "too_many_requests");
    world.clock.advance_seconds(60);
    assert_eq!(code(&ask().await), "new");
}

#[actix_web::test]
async fn s47_each_line_counts_like_a_request_and_the_stream_says_where_to_go_on() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::on(engine, |c| c.api.requests_per_minute = 5).await;
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        world.clock.advance_seconds(20 - world.env.now().seconds().rem_euclid(60));
        let serial = |n: usize| format!("C02PACE{n:04}");
        let from = |n: usize| (n..12).map(|n| line(&serial(n), KEY)).collect::<String>();
        let answers = lines(&stream(&world, &token, &from(0)).await);
        assert_eq!(answers.iter().map(code).collect::<Vec<_>>(), ["new", "new", "new", "new", "new", "too_many_requests"]);
        let last = answers.last().unwrap();
        assert_eq!((&last["line"], &last["status"], &last["detail"]), (&6.into(), &"aborted".into(), &"go on in 40 seconds".into()));
        assert_eq!(rows(&world, "key_versions").await, 5, "what is acknowledged is there");
        assert_eq!(stream(&world, &token, &from(5)).await.status, StatusCode::TOO_MANY_REQUESTS);
        world.clock.advance_seconds(40);
        assert_eq!(lines(&stream(&world, &token, &from(5)).await).len(), 6);
        world.clock.advance_seconds(60);
        assert!(lines(&stream(&world, &token, &from(10)).await).iter().all(|a| code(a) == "new"));
        assert_eq!(rows(&world, "key_versions").await, 12);
    }
}

#[actix_web::test]
async fn s47_an_array_is_taken_whole_and_counts_with_all_it_holds() {
    let world = World::with(|c| c.api.requests_per_minute = 5).await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let items = |n: usize| (0..n).map(|n| json!({ "serial": format!("C02ARR{n:04}"), "recovery_key": KEY })).collect::<Vec<_>>();
    let answer = deposits(&world, &token, &items(3)).await;
    assert!(answer.header("ratelimit").unwrap().starts_with("\"token\";r=2;"), "{:?}", answer.header("ratelimit"));
    let answer = deposits(&world, &token, &items(40)).await;
    assert_eq!(answer.json()["results"].as_array().map(Vec::len), Some(40), "no array is too long for every minute");
    assert!(answer.header("ratelimit").unwrap().starts_with("\"token\";r=0;"));
    assert_eq!(deposits(&world, &token, &items(1)).await.status, StatusCode::TOO_MANY_REQUESTS);
    world.clock.advance_seconds(60);
    assert_eq!(deposits(&world, &token, &items(1)).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_serial_number_that_no_mac_has_is_refused_and_one_of_a_virtual_mac_is_kept() {
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite, Scope::DevicesWrite], Door::Header, Trust::Observed).await;
    let agent = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    for serial in ["=CMD()", "@X", "<B>", "C02\"X"] {
        let one = json!({ "serial": serial, "recovery_key": KEY });
        let answer = world.api(Method::POST, "/api/v1/deposits", &token, Some(one)).await;
        assert_eq!((answer.status, answer.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("serial")), "{serial}");
        assert!(!answer.text.contains(serial) && answer.json()["detail"].as_str().unwrap().starts_with("must not begin with ="));
        assert_eq!(world.check_in(&agent, serial, KEY).await.status, StatusCode::BAD_REQUEST, "{serial}");
    }
    assert_eq!(world.api(Method::PUT, "/api/v1/devices/=CMD()", &token, Some(json!({}))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rows(&world, "devices").await, 0);
    assert!(world.trail().await.iter().all(|r| r.event.serial.is_none()), "nothing of it comes into the trail");
    for serial in ["VMqF3+X/9Kz=", "Parallels-1A 2B 3C", "System Serial#"] {
        assert_eq!(world.check_in(&agent, serial, KEY).await.status, StatusCode::OK, "{serial}");
    }
}

/// A fleet's token lies on every Mac: whoever took it from one hands in false keys for another, as fast as that goes.
#[actix_web::test]
async fn s78_false_keys_of_a_stolen_token_keep_no_mac_from_handing_in_its_own() {
    for world in World::both().await {
        let source = source(&world, None).await;
        put(&world, &source, one(MAC, KEY)).await.unwrap();
        world.clock.advance_seconds(1);
        let thief = RequestInfo { address: "198.51.100.66".parse().ok(), ..RequestInfo::none(&world.env) };
        let many: Vec<_> = (0..40).map(|n| one(MAC, &key(n))).collect();
        let answers = world.service.deposit(&source, many, Full::Refuse, &thief).await.unwrap();
        assert_eq!(answers.iter().filter(|a| **a == Err(Refused::TooManyChanges)).count(), 20);
        world.clock.advance_seconds(1);
        let mac = RequestInfo { address: "203.0.113.5".parse().ok(), ..RequestInfo::none(&world.env) };
        for key in [KEY, OTHER_KEY] {
            let answer = world.service.deposit(&source, vec![one(MAC, key)], Full::Refuse, &mac).await.unwrap().remove(0).unwrap();
            assert!(answer.current && answer.became != Became::Same, "{answer:?}");
        }
        let device = world.fresh.store.read().await.unwrap().device_by_serial(&one(MAC, KEY).serial).await.unwrap().unwrap();
        let lie = Deposit { hints: Hints { host_name: Some("lie".into()), user: Some("lie".into()) }, ..one(MAC, &key(39)) };
        assert_eq!(world.service.deposit(&source, vec![lie], Full::Refuse, &thief).await.unwrap(), [Err(Refused::TooManyChanges)]);
        let after = world.fresh.store.read().await.unwrap().device_by_serial(&device.serial).await.unwrap();
        assert_eq!(after, Some(device), "what is refused leaves no hint");
    }
}

#[actix_web::test]
async fn s47_junk_hides_no_other_refusal() {
    let world = World::new().await;
    let narrow = source(&world, Some("C02X*")).await;
    let info = RequestInfo::none(&world.env);
    world.service.refuse_deposits(&narrow, &vec![(None, "unreadable"); 90], &info).await.unwrap();
    world.service.deposit(&narrow, vec![one("C02FOREIGN", KEY)], Full::Refuse, &info).await.unwrap()[0].clone().unwrap_err();
    let last = world.last().await.event;
    assert_eq!((last.detail.as_str(), last.serial.as_deref()), ("out_of_scope", Some("C02FOREIGN")));
}
