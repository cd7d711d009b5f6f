//! Crypt clients' own protocol: what counts as success for them, and what must never look like it.

use actix_web::http::{Method, StatusCode};
use base64::Engine as _;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope, Scopes};

use crate::probe::{FORM, census, form, masked, rows, token};
use crate::world::{Answer, KEY, MAC, OTHER_KEY, World};

const GOOD: [(&str, &str); 4] = [("macname", "Test’s Mac & Co\n"), ("recovery_password", KEY), ("serial", MAC), ("username", "user1")];

async fn path_token(world: &World) -> String {
    world.token(&[Scope::EscrowWrite, Scope::StatusRead], Door::CryptPath, Trust::Observed).await
}

fn rotation(answer: &Answer) -> bool {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["rotation_required"].as_bool().unwrap()
}

#[actix_web::test]
async fn a_check_in_is_200_and_json_with_and_without_the_last_slash_and_never_a_redirect() {
    for world in World::both().await {
        let path = path_token(&world).await;
        let (_, header) = token(&world, |_| {}).await;
        let bearer = format!("Bearer {header}");
        let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("crypt:{header}")));
        let doors = [
            (format!("/compat/crypt/{path}/checkin/"), None),
            (format!("/compat/crypt/{path}/checkin"), None),
            ("/compat/crypt/checkin/".to_owned(), Some(&bearer)),
            ("/compat/crypt/checkin".to_owned(), Some(&bearer)),
            ("/compat/crypt/checkin/".to_owned(), Some(&basic)),
        ];
        for (n, (door, authorization)) in doors.iter().enumerate() {
            let headers: Vec<(&str, &str)> = authorization.iter().map(|a| ("authorization", a.as_str())).collect();
            let answer = form(&world, door, &headers, &GOOD).await;
            let new = n == 0;
            assert_eq!(answer.status, StatusCode::OK, "{door}: {}", answer.text);
            assert_eq!(
                answer.text,
                format!(r#"{{"serial":"{MAC}","username":"user1","rotation_required":false,"new_secret_escrowed":{new}}}"#)
            );
            assert_eq!((answer.header("content-type"), answer.header("cache-control")), (Some("application/json"), Some("no-store")));
            assert_eq!((answer.header("location"), answer.header("set-cookie")), (None, None));
        }
        assert_eq!(rows(&world, "key_versions").await, 1);
        let mut tx = world.fresh.store.read().await.unwrap();
        let device = tx.device_by_serial(&keyharbor::domain::Serial::parse(MAC).unwrap()).await.unwrap().unwrap();
        assert_eq!((device.host_name.as_deref(), device.user_hint.as_deref()), (Some("Test’s Mac & Co"), Some("user1")));
        drop(tx);
        assert_eq!(rows(&world, "device_owners").await, 0, "a user is a hint and owns nothing");
    }
}

#[actix_web::test]
async fn a_check_in_takes_an_empty_user_another_case_and_older_clients_order() {
    let world = World::new().await;
    let door = format!("/compat/crypt/{}/checkin/", path_token(&world).await);
    let fields =
        [("serial", " c02test00001 "), ("recovery_password", "aaaa-bbbb-cccc-dddd-eeee-fff2"), ("username", ""), ("macname", "mac\n")];
    let answer = form(&world, &door, &[], &fields).await;
    assert_eq!(answer.json()["username"], "");
    assert_eq!(answer.json()["serial"], MAC);
    let again = form(&world, &door, &[], &[("serial", MAC), ("recovery_password", KEY), ("secret_type", "recovery_key")]).await;
    assert_eq!(again.json()["new_secret_escrowed"], false, "the same Mac, the same key");
    assert_eq!(rows(&world, "devices").await, 1);
    let charset = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let body = format!("serial={MAC}&recovery_password={KEY}");
    assert_eq!(world.raw(Method::POST, &door, &charset, body).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn s63_a_bad_check_in_is_a_400_that_names_the_field_and_repeats_nothing() {
    for world in World::both().await {
        let door = format!("/compat/crypt/{}/checkin/", path_token(&world).await);
        let before = census(&world).await;
        let cases: [(&str, &[(&str, &str)]); 12] = [
            ("serial", &[("recovery_password", KEY)]),
            ("serial", &[("serial", "  "), ("recovery_password", KEY)]),
            ("serial", &[("serial", "C02\u{7}X"), ("recovery_password", KEY)]),
            ("serial", &[("serial", "C02\u{e5}"), ("recovery_password", KEY)]),
            ("recovery_password", &[("serial", MAC)]),
            ("recovery_password", &[("serial", MAC), ("recovery_password", "")]),
            ("recovery_password", &[("serial", MAC), ("recovery_password", "ZQCN-CANARY")]),
            ("recovery_password", &[("serial", MAC), ("recovery_password", "ZQCN-ZQCN-ZQCN-ZQCN-ZQCN-ZQC!")]),
            ("recovery_password", &[("serial", MAC), ("recovery_password", "XXXX-XXXX-XXXX-XXXX-XXXX-XXXX")]),
            ("recovery_password", &[("serial", MAC), ("recovery_password", KEY), ("recovery_password", OTHER_KEY)]),
            ("secret_type", &[("serial", MAC), ("recovery_password", KEY), ("secret_type", "unlock_pin")]),
            ("serial", &[("serial", MAC), ("serial", "C02TEST00002"), ("recovery_password", KEY)]),
        ];
        for (n, (field, fields)) in cases.iter().enumerate() {
            let answer = form(&world, &door, &[], fields).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{n}");
            assert!(answer.text.starts_with(field), "{n}: {}", answer.text);
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            assert!(!["ZQCN", "AAAA", "XXXX", "C02", "unlock"].iter().any(|v| answer.text.contains(v)), "{n}: {}", answer.text);
        }
        let long = format!("serial={}&recovery_password={KEY}", "C".repeat(201));
        assert!(world.raw(Method::POST, &door, &[FORM], long).await.text.starts_with("serial"));
        let json = format!(r#"{{"serial":"{MAC}","recovery_password":"{KEY}"}}"#);
        let typed = world.raw(Method::POST, &door, &[("content-type", "application/json")], json).await;
        assert_eq!(typed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let large = format!("serial={MAC}&recovery_password={KEY}&x={}", "x".repeat(64 * 1024));
        assert_eq!(world.raw(Method::POST, &door, &[FORM], large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(census(&world).await, before, "nothing half written");
        assert_eq!(world.count(EventKind::DepositRefused).await, cases.len() + 3, "a known token's bad post is a row");
        assert!(world.trail().await.iter().all(|r| !r.event.detail.contains("ZQCN")));
    }
}

#[actix_web::test]
async fn s63_letters_never_seen_in_keys_are_taken_at_the_door_of_agents_too() {
    for world in World::both().await {
        let door = format!("/compat/crypt/{}/checkin/", path_token(&world).await);
        world.own(MAC, "astrid").await;
        let mut astrid = world.signed_in("astrid").await;
        for (n, letter) in ['I', 'S', '0', '1'].into_iter().enumerate() {
            let key = format!("AAA{letter}-BBBB-CCCC-DDDD-EEEE-FFF2");
            let answer = form(&world, &door, &[], &[("serial", MAC), ("recovery_password", &key)]).await;
            assert_eq!((answer.status, &answer.json()["new_secret_escrowed"]), (StatusCode::OK, &true.into()), "{letter}");
            let grant = astrid.reveal(&world.device_id(MAC).await).await;
            assert_eq!(astrid.get(grant.location()).await.key().as_deref(), Some(key.as_str()), "kept as it came");
            assert_eq!(rows(&world, "key_versions").await, n as i64 + 1);
            world.clock.advance_seconds(1);
        }
        assert_eq!(rows(&world, "key_versions WHERE unseen_letters = 0").await, 0);
    }
}

#[actix_web::test]
async fn a_key_in_the_query_is_not_read_and_other_methods_are_405() {
    let world = World::new().await;
    let path = path_token(&world).await;
    let query = format!("?serial={MAC}&recovery_password={KEY}");
    for door in [format!("/compat/crypt/{path}/checkin/"), format!("/compat/crypt/{path}/checkin"), "/compat/crypt/checkin/".to_owned()] {
        if door.contains(&path) {
            let answer = form(&world, &format!("{door}{query}"), &[], &[("username", "user1")]).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = world.raw(method, &format!("{door}{query}"), &[], "").await;
            assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
            assert!(!answer.text.contains('{'), "never JSON: a client would take it for success");
        }
    }
    assert_eq!(rows(&world, "key_versions").await, 0);
}

#[actix_web::test]
async fn nothing_under_the_doors_redirects() {
    let world = World::new().await;
    let path = path_token(&world).await;
    let mut doors = vec!["/compat/crypt".to_owned(), "/compat/crypt/".to_owned(), "/compat/crypt//checkin/".to_owned()];
    for base in ["/compat/crypt", &format!("/compat/crypt/{path}"), "/compat/crypt/nobody"] {
        for tail in ["", "/", "/checkin", "/checkin/", "/checkin//", "/CHECKIN/", &format!("/verify/{MAC}/recovery_key"), "/verify//", "/x"]
        {
            doors.push(format!("{base}{tail}"));
        }
    }
    for door in doors {
        for method in [Method::GET, Method::POST] {
            let answer = world.raw(method, &door, &[FORM], "").await;
            assert!(!answer.status.is_redirection() && !answer.status.is_success(), "{door}: {}", answer.status);
            assert_eq!(answer.header("location"), None, "{door}");
        }
    }
}

#[actix_web::test]
async fn rotation_is_due_from_a_reveal_until_a_different_key_of_no_lower_trust() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let path = path_token(&world).await;
        assert!(!rotation(&world.check_in(&path, MAC, KEY).await));
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
        // Rule 1: the key that was shown is due until it goes.
        assert!(rotation(&world.check_in(&path, MAC, KEY).await));
        assert!(rotation(&world.check_in(&path, MAC, KEY).await));
        // Rule 3, lower trust: both stay, and the first stays due.
        world.clock.advance_seconds(60);
        let typed = token(&world, |t| t.trust = Trust::Typed).await.1;
        let typed = format!("Bearer {typed}");
        let fields = [("serial", MAC), ("recovery_password", "TTTT-UUUU-VVVV-WWWW-XXXX-YYY5")];
        assert!(!rotation(&form(&world, "/compat/crypt/checkin/", &[("authorization", &typed)], &fields).await));
        assert!(rotation(&world.check_in(&path, MAC, KEY).await));
        // Rule 3, equal trust: a new key is not due, and becomes current.
        world.clock.advance_seconds(60);
        let new = world.check_in(&path, MAC, OTHER_KEY).await;
        assert!(!rotation(&new) && new.json()["new_secret_escrowed"] == true);
        assert!(!rotation(&world.check_in(&path, MAC, OTHER_KEY).await));
        // Rule 2: the superseded key was shown once; it comes back, and is due.
        world.clock.advance_seconds(60);
        let back = world.check_in(&path, MAC, KEY).await;
        assert!(rotation(&back) && back.json()["new_secret_escrowed"] == false);
        let (_, header) = token(&world, |t| t.scopes = Scopes::default().with(Scope::StatusRead)).await;
        let status = world.api(Method::GET, &format!("/api/v1/devices/{MAC}/escrow-status"), &header, None).await.json();
        assert_eq!((&status["version"], &status["contested"], &status["rotation_required"]), (&1.into(), &true.into(), &true.into()));
        // Rule 4: the one that was never shown is not due, whichever leads.
        world.clock.advance_seconds(60);
        assert!(!rotation(&world.check_in(&path, MAC, OTHER_KEY).await));
    }
}

#[actix_web::test]
async fn verify_says_since_when_and_nothing_more() {
    for world in World::both().await {
        let path = path_token(&world).await;
        let (_, header) = token(&world, |t| t.scopes = Scopes::default().with(Scope::StatusRead).with(Scope::DevicesWrite)).await;
        let bearer = format!("Bearer {header}");
        world.check_in(&path, MAC, KEY).await;
        world.deposit("A+B/C%", KEY, Trust::Observed).await;
        let put = world.api(Method::PUT, "/api/v1/devices/C02EMPTY", &header, Some(serde_json::json!({}))).await;
        assert_eq!(put.status, StatusCode::CREATED);
        for (door, headers) in
            [(format!("/compat/crypt/{path}"), vec![]), ("/compat/crypt".to_owned(), vec![("authorization", bearer.as_str())])]
        {
            for slash in ["", "/"] {
                let ask = async |serial: &str, kind: &str| {
                    world.raw(Method::GET, &format!("{door}/verify/{serial}/{kind}{slash}"), &headers, "").await
                };
                for serial in [MAC, "c02test00001"] {
                    assert_eq!(ask(serial, "recovery_key").await.text, r#"{"escrowed":true,"date_escrowed":"2026-11-22T07:30:00.000Z"}"#);
                }
                assert_eq!(ask("C02EMPTY", "recovery_key").await.text, r#"{"escrowed":false}"#);
                assert!(ask("A%2BB%2FC%25", "recovery_key").await.text.contains("true"), "what is escaped in the path is read");
                for unknown in ["C02NOBODY", "C02%07", "%20"] {
                    assert_eq!(ask(unknown, "recovery_key").await.status, StatusCode::NOT_FOUND, "{unknown}");
                }
                assert_eq!(ask(MAC, "password").await.status, StatusCode::BAD_REQUEST);
            }
        }
    }
}

#[actix_web::test]
async fn a_door_opens_for_its_scope_and_its_devices_only() {
    for world in World::both().await {
        world.deposit(MAC, KEY, Trust::Observed).await;
        let path = |scope, pattern: Option<&str>| {
            let pattern = pattern.map(str::to_owned);
            token(&world, move |t| {
                (t.scopes, t.door, t.device_pattern) = (Scopes::default().with(scope), Door::CryptPath, pattern);
            })
        };
        let (_, write) = path(Scope::EscrowWrite, Some("c02other*")).await;
        let (_, read) = path(Scope::StatusRead, Some("C02OTHER*")).await;
        let verify = |token: &str, serial: &str| format!("/compat/crypt/{token}/verify/{serial}/recovery_key/");
        let before = rows(&world, "key_versions").await;
        assert_eq!(world.check_in(&write, MAC, OTHER_KEY).await.status, StatusCode::FORBIDDEN, "outside its pattern");
        assert_eq!(world.check_in(&read, "C02OTHER1", OTHER_KEY).await.status, StatusCode::FORBIDDEN, "status:read hands nothing in");
        for asked in [MAC, "C02OTHER1", "C02%07"] {
            let answer = world.raw(Method::GET, &verify(&write, asked), &[], "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "escrow:write reads nothing");
        }
        assert_eq!(rows(&world, "key_versions").await, before);
        assert_eq!(world.check_in(&write, "C02OTHER1", OTHER_KEY).await.status, StatusCode::OK);
        let outside = world.raw(Method::GET, &verify(&read, MAC), &[], "").await;
        let unknown = world.raw(Method::GET, &verify(&read, "C02NOBODY"), &[], "").await;
        assert_eq!((outside.status, masked(&outside)), (StatusCode::NOT_FOUND, masked(&unknown)), "no oracle for serial numbers");
        assert_eq!(world.raw(Method::GET, &verify(&read, "C02OTHER1"), &[], "").await.status, StatusCode::OK);
        assert_eq!(world.count(EventKind::DepositRefused).await, 1);
        assert!(world.count(EventKind::AccessRefused).await >= 6, "refusals of known tokens are rows");
    }
}
