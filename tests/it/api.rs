//! The JSON API: deposits one by one and in bulk, devices, escrow status, and what bad input gets.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use serde_json::{Value, json};

use crate::probe::{census, rows, token};
use crate::world::{Answer, KEY, MAC, OTHER_KEY, World, token_id};

const DEPOSITS: &str = "/api/v1/deposits";

async fn all_scopes(world: &World) -> String {
    let scopes = [Scope::EscrowWrite, Scope::DevicesRead, Scope::DevicesWrite, Scope::StatusRead];
    world.token(&scopes, Door::Header, Trust::Observed).await
}

fn problem(answer: &Answer) -> (u16, Value, Value) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["status"], answer.status.as_u16());
    (answer.status.as_u16(), body["code"].clone(), body["field"].clone())
}

#[actix_web::test]
async fn one_deposit_or_many_with_one_answer_each() {
    for world in World::both().await {
        let text = all_scopes(&world).await;
        let one = world.api(Method::POST, DEPOSITS, &text, Some(json!({ "serial": MAC, "recovery_key": KEY }))).await;
        assert_eq!(one.status, StatusCode::CREATED);
        assert_eq!(
            one.json(),
            json!({ "serial": MAC, "status": "new", "version": 1, "current": true, "contested": false, "rotation_required": false, "warnings": [] })
        );
        let many = json!([
            { "serial": "C02ZZZ", "recovery_key": KEY, "hostname": "zed", "user": "astrid", "kind": "recovery_key" },
            { "serial": MAC, "recovery_key": KEY },
            { "serial": "C02AAA", "recovery_key": "ZQCN" },
            "no object",
            { "serial": "C02AAA", "recovery_key": OTHER_KEY, "escrowed_at": "2026-01-02T03:04:05+01:00" },
            { "serial": "C02AAA", "recovery_key": OTHER_KEY },
            { "serial": "", "recovery_key": KEY },
        ]);
        let answer = world.api(Method::POST, DEPOSITS, &text, Some(many)).await;
        assert_eq!(answer.status, StatusCode::OK);
        let results = answer.json()["results"].as_array().unwrap().clone();
        let outline: Vec<_> = results.iter().map(|r| (r["status"].as_str().unwrap(), r["serial"].as_str(), r["field"].as_str())).collect();
        assert_eq!(
            outline,
            [
                ("new", Some("C02ZZZ"), None),
                ("same", Some(MAC), None),
                ("refused", None, Some("recovery_key")),
                ("refused", None, Some("deposit")),
                ("new", Some("C02AAA"), None),
                ("same", Some("C02AAA"), None),
                ("refused", None, Some("serial")),
            ]
        );
        assert!(!answer.text.contains("ZQCN") && !answer.text.contains("AAAA"));
        assert_eq!((rows(&world, "devices").await, rows(&world, "key_versions").await), (3, 3));
        assert_eq!(world.count(EventKind::DepositRefused).await, 3);
        assert_eq!(rows(&world, "device_owners").await, 0, "a user is a hint and owns nothing");
        assert_eq!(world.api(Method::POST, DEPOSITS, &text, Some(json!([]))).await.json(), json!({ "results": [] }));
    }
}

#[actix_web::test]
async fn a_thousand_deposits_at_once_and_not_one_more() {
    for world in World::both().await {
        let text = all_scopes(&world).await;
        let batch =
            |n: usize| Value::from((0..n).map(|i| json!({ "serial": format!("C02BULK{i:04}"), "recovery_key": KEY })).collect::<Vec<_>>());
        let over = world.api(Method::POST, DEPOSITS, &text, Some(batch(1001))).await;
        assert_eq!(problem(&over), (422, "invalid_field".into(), "deposits".into()));
        assert_eq!((rows(&world, "devices").await, world.count(EventKind::DepositRefused).await), (0, 1));
        let all = world.api(Method::POST, DEPOSITS, &text, Some(batch(1000))).await;
        assert_eq!(all.status, StatusCode::OK, "{}", all.text);
        let results = all.json()["results"].as_array().unwrap().clone();
        assert!(results.iter().enumerate().all(|(i, r)| r["serial"] == format!("C02BULK{i:04}") && r["status"] == "new"));
        assert_eq!((rows(&world, "devices").await, rows(&world, "key_versions").await), (1000, 1000));
    }
}

#[actix_web::test]
async fn s63_bad_deposits_name_the_field_repeat_nothing_and_write_nothing() {
    for world in World::both().await {
        let text = all_scopes(&world).await;
        let before = census(&world).await;
        let good = |field: &str, value: Value| {
            let mut body = json!({ "serial": MAC, "recovery_key": KEY });
            body[field] = value;
            body
        };
        let cases = [
            ("serial", good("serial", json!(""))),
            ("serial", good("serial", json!(null))),
            ("serial", good("serial", json!(7))),
            ("serial", good("serial", json!("C02\u{0}"))),
            ("serial", good("serial", json!("C".repeat(201)))),
            ("serial", json!({ "recovery_key": KEY })),
            ("recovery_key", json!({ "serial": MAC })),
            ("recovery_key", good("recovery_key", json!(["AAAA"]))),
            ("recovery_key", good("recovery_key", json!("ZQCN-ZQCN-ZQCN-ZQCN-ZQCN"))),
            ("recovery_key", good("recovery_key", json!("ZQCN-ZQCN-ZQCN-ZQCN-ZQCN-ZQCÅ"))),
            ("recovery_key", good("recovery_key", json!("0000-0000-0000-0000-0000-0000"))),
            ("kind", good("kind", json!("password"))),
            ("escrowed_at", good("escrowed_at", json!("yesterday"))),
            ("escrowed_at", good("escrowed_at", json!("2026-11-22 07:30:00"))),
            ("escrowed_at", good("escrowed_at", json!("1969-12-31T23:59:59Z"))),
            ("escrowed_at", good("escrowed_at", json!(1_795_332_600))),
            ("hostname", good("hostname", json!({}))),
            ("user", good("user", json!(1))),
            ("owner", good("owner", json!("astrid"))),
            ("role", good("role", json!("admin"))),
            ("created_at", good("created_at", json!("2026-11-22T07:30:00Z"))),
            ("trust", good("trust", json!("proven"))),
            ("(unknown)", good(KEY, json!(1))),
            ("(unknown)", good("zqcnzqcnzqcnzqcnzqcnzqcn", json!(1))),
        ];
        for (field, body) in &cases {
            let answer = world.api(Method::POST, DEPOSITS, &text, Some(body.clone())).await;
            assert_eq!(problem(&answer), (422, "invalid_field".into(), (*field).into()), "{body}");
            for part in ["AAAA", "ZQCN", "zqcn", "0000-", "C02", "astrid"] {
                assert!(!answer.text.contains(part), "{field}: {}", answer.text);
            }
        }
        let raw = async |kind: &str, body: &str| {
            let bearer = format!("Bearer {text}");
            world.raw(Method::POST, DEPOSITS, &[("authorization", &bearer), ("content-type", kind)], body.to_owned()).await
        };
        // Two readers would not agree which of the two counts.
        let twice = format!(r#"{{"serial":"C02TWICE0001","serial":"{MAC}","recovery_key":"{KEY}"}}"#);
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in ["", "ZQCN", "{", "\"text\"", "7", "null", r#"{"serial":"C02","recovery_key":"ZQCN"}x"#, &twice, &nested] {
            let answer = raw("application/json", body).await;
            assert!([400, 422].contains(&answer.status.as_u16()), "{}", answer.status);
            assert!(!answer.text.contains("ZQCN"));
        }
        let good = format!(r#"{{"serial":"{MAC}","recovery_key":"{KEY}"}}"#);
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
            assert_eq!(problem(&raw(kind, &good).await).0, 415, "{kind}");
        }
        let large = format!(r#"{{"serial":"{MAC}","recovery_key":"{KEY}","user":"{}"}}"#, "x".repeat(64 * 1024));
        assert_eq!(problem(&raw("application/json", &large).await).0, 413);
        assert_eq!(problem(&raw("application/json", &format!("[{large}{}]", " ".repeat(1024 * 1024))).await).0, 413);
        assert_eq!(census(&world).await, before, "nothing half written");
        assert!(world.trail().await.iter().all(|r| !format!("{:?}", r.event).contains("ZQCN")));
        assert!(world.count(EventKind::DepositRefused).await >= cases.len(), "a known token's bad deposit is a row");
    }
}

#[actix_web::test]
async fn devices_are_made_changed_and_read() {
    for world in World::both().await {
        let text = all_scopes(&world).await;
        let path = "/api/v1/devices/c02test00001";
        assert_eq!(problem(&world.api(Method::GET, path, &text, None).await).0, 404);
        let body = json!({ "name": "Lab\u{202E} Mac", "model": "Mac mini", "asset_tag": "AC-1", "ownership": "personal", "state": "key_elsewhere" });
        let made = world.api(Method::PUT, path, &text, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let changed = world.api(Method::PUT, path, &text, Some(json!({ "os_version": "15.7" }))).await;
        assert_eq!(changed.status, StatusCode::OK);
        let read = world.api(Method::GET, path, &text, None).await.json();
        assert_eq!(read, changed.json());
        assert_eq!(
            read,
            json!({ "serial": MAC, "name": "Lab Mac", "hostname": null, "model": "Mac mini", "os_version": "15.7", "asset_tag": "AC-1",
                    "device_key": null, "udid": null, "ownership": "personal", "state": "key_elsewhere", "user_hint": null, "last_seen": null })
        );
        world.api(Method::PUT, path, &text, Some(json!({ "os_version": "15.7" }))).await;
        assert_eq!((world.count(EventKind::DeviceCreated).await, world.count(EventKind::DeviceChanged).await), (1, 1), "no change, no row");
        for (field, value) in [
            ("ownership", json!("mine")),
            ("state", json!("lost")),
            ("name", json!(5)),
            ("owner", json!("astrid")),
            ("serial", json!("C02")),
            ("last_seen", json!("2026-11-22T07:30:00Z")),
            ("user_hint", json!("astrid")),
            ("recovery_key", json!(KEY)),
            ("body", Value::Null),
        ] {
            let body = if field == "body" { json!([1]) } else { json!({ field: value }) };
            let answer = world.api(Method::PUT, path, &text, Some(body)).await;
            assert_eq!(problem(&answer), (422, "invalid_field".into(), field.into()));
        }
        assert_eq!(world.api(Method::GET, path, &text, None).await.json(), read, "nothing half written");
        assert_eq!(problem(&world.api(Method::PUT, "/api/v1/devices/C02%01", &text, Some(json!({}))).await).2, json!("serial"));
        let methods = world.api(Method::DELETE, path, &text, None).await;
        assert_eq!((problem(&methods).0, methods.header("allow")), (405, Some("GET, PUT")));
    }
}

#[actix_web::test]
async fn null_and_an_empty_text_clear_a_field_and_what_is_left_out_stays() {
    for world in World::both().await {
        let text = all_scopes(&world).await;
        let path = "/api/v1/devices/c02test00001";
        let made = json!({ "name": "Lab Mac", "model": "Mac mini", "asset_tag": "AC-1", "device_key": "DK-1" });
        world.api(Method::PUT, path, &text, Some(made)).await;
        let changed = world.api(Method::PUT, path, &text, Some(json!({ "name": null, "device_key": "" }))).await.json();
        assert_eq!((&changed["name"], &changed["device_key"]), (&Value::Null, &Value::Null));
        assert_eq!((&changed["model"], &changed["asset_tag"]), (&json!("Mac mini"), &json!("AC-1")));
    }
}

#[actix_web::test]
async fn whether_a_token_may_ask_is_judged_before_what_it_asks() {
    for world in World::both().await {
        let writer = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        for path in ["/api/v1/devices/C02%01", "/api/v1/devices/C02%01/escrow-status"] {
            let before = world.count(EventKind::AccessRefused).await;
            assert_eq!(problem(&world.api(Method::GET, path, &writer, None).await).0, 403, "{path}");
            assert_eq!(world.count(EventKind::AccessRefused).await, before + 1, "{path}");
        }
        let id = token_id(&writer).to_owned();
        assert!(world.service.revoke_token(&id, keyharbor::domain::audit::Actor::Operator).await.unwrap());
        // What the body looks like is nobody's business before it is known who sends it.
        let bearer = format!("Bearer {writer}");
        for header in [("content-encoding", "gzip"), ("content-length", "99999999")] {
            let before = world.count(EventKind::AccessRefused).await;
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), header];
            let answer = world.raw(Method::POST, DEPOSITS, &headers, "{}").await;
            assert_eq!((answer.status, world.count(EventKind::AccessRefused).await), (StatusCode::UNAUTHORIZED, before + 1), "{header:?}");
            assert_eq!(world.last().await.event.detail, "token_ended");
        }
    }
}

#[actix_web::test]
async fn escrow_status_says_how_things_stand() {
    for world in World::both().await {
        let text = all_scopes(&world).await;
        let ask = async |serial: &str| world.api(Method::GET, &format!("/api/v1/devices/{serial}/escrow-status"), &text, None).await;
        assert_eq!(problem(&ask(MAC).await).0, 404);
        world.api(Method::PUT, &format!("/api/v1/devices/{MAC}"), &text, Some(json!({}))).await;
        let nothing = ask(MAC).await.json();
        assert_eq!((&nothing["escrowed"], &nothing["version"], &nothing["versions"]), (&json!(false), &json!(null), &json!(0)));
        world.deposit(MAC, KEY, Trust::Proven).await;
        world.clock.advance_seconds(90);
        world.deposit(MAC, KEY, Trust::Observed).await;
        let answer = ask(MAC).await;
        assert_eq!(
            answer.json(),
            json!({ "serial": MAC, "escrowed": true, "version": 1, "versions": 1, "trust": "proven", "source": "test",
                    "escrowed_at": "2026-11-22T07:30:00.000000Z", "confirmed_at": "2026-11-22T07:31:30.000000Z", "contested": false,
                    "rotation_required": false })
        );
        assert!(!answer.text.contains("AAAA"));
    }
}

#[actix_web::test]
async fn a_tokens_pattern_bounds_all_it_does() {
    for world in World::both().await {
        world.deposit(MAC, KEY, Trust::Observed).await;
        let scopes = [Scope::DevicesRead, Scope::DevicesWrite, Scope::StatusRead];
        let (_, text) = token(&world, |t| {
            t.device_pattern = Some("lab*".into());
            t.scopes = scopes.into_iter().fold(t.scopes, keyharbor::domain::token::Scopes::with);
        })
        .await;
        let deposit = |serial: &str| json!({ "serial": serial, "recovery_key": OTHER_KEY });
        let outside = world.api(Method::POST, DEPOSITS, &text, Some(deposit(MAC))).await;
        assert_eq!(problem(&outside), (403, "forbidden".into(), json!(null)));
        let results = world.api(Method::POST, DEPOSITS, &text, Some(json!([deposit("Lab-1"), deposit(MAC), deposit("XLAB")]))).await.json();
        let codes: Vec<_> = results["results"].as_array().unwrap().iter().map(|r| (r["status"].clone(), r["code"].clone())).collect();
        let forbidden = (json!("refused"), json!("forbidden"));
        assert_eq!(codes, [(json!("new"), json!(null)), forbidden.clone(), forbidden]);
        for path in [format!("/api/v1/devices/{MAC}"), format!("/api/v1/devices/{MAC}/escrow-status")] {
            let hidden = world.api(Method::GET, &path, &text, None).await;
            let unknown = world.api(Method::GET, &path.replace(MAC, "C02NOBODY"), &text, None).await;
            assert_eq!(hidden.status, StatusCode::NOT_FOUND);
            assert_eq!(crate::probe::masked(&hidden), crate::probe::masked(&unknown), "no oracle for serial numbers");
            assert_eq!(world.api(Method::GET, &path.replace(MAC, "LAB-1"), &text, None).await.status, StatusCode::OK);
        }
        let put = world.api(Method::PUT, "/api/v1/devices/C02NOBODY", &text, Some(json!({ "name": "x" }))).await;
        assert_eq!(put.status, StatusCode::NOT_FOUND);
        let (_, one) = token(&world, |t| t.device_pattern = Some(MAC.into())).await;
        assert_eq!(world.api(Method::POST, DEPOSITS, &one, Some(deposit(&format!("{MAC}X")))).await.status, StatusCode::FORBIDDEN);
        assert_eq!(world.api(Method::POST, DEPOSITS, &one, Some(deposit(MAC))).await.status, StatusCode::CREATED);
        assert_eq!((rows(&world, "devices").await, rows(&world, "key_versions").await), (2, 3));
    }
}
