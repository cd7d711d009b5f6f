//! Lists for programs: the devices that a token covers, and the trail, in parts that follow one another.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope, Scopes};
use keyharbor::domain::{EventKind, Serial};
use keyharbor::formats::trail::{Check, Format, line};
use serde_json::{Value, json};

use crate::probe::token as made;
use crate::world::{Answer, KEY, MAC, ORIGIN, World};

async fn get(world: &World, token: &str, path: &str) -> Answer {
    world.api(Method::GET, path, token, None).await
}

/// Every part, from an address to the end.
async fn walk(world: &World, token: &str, path: &str, of: &str) -> Vec<Value> {
    let (mut path, mut all) = (path.to_owned(), Vec::new());
    for _ in 0..50 {
        let part = get(world, token, &path).await;
        assert_eq!(part.status, StatusCode::OK, "{}", part.text);
        let body = part.json();
        all.extend(body[of].as_array().unwrap().iter().cloned());
        let next = body["next"].as_str();
        assert_eq!(part.header("link"), next.filter(|_| body["more"] != false).map(|n| format!("<{n}>; rel=\"next\"")).as_deref());
        match next.and_then(|next| next.strip_prefix(ORIGIN)).filter(|_| body["more"] != false) {
            Some(next) => path = next.to_owned(),
            None => return all,
        }
    }
    panic!("the list does not end");
}

fn serials(list: &[Value]) -> Vec<&str> {
    list.iter().map(|d| d["serial"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn devices_are_listed_in_parts_each_once() {
    for world in World::both().await {
        let writer = world.token(&[Scope::EscrowWrite, Scope::DevicesWrite], Door::Header, Trust::Observed).await;
        let reader = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
        assert_eq!(get(&world, &reader, "/api/v1/devices").await.json(), json!({ "devices": [], "next": null }));
        let deposits: Vec<_> = (0..7).map(|n| json!({ "serial": format!("C02 L/{n}"), "recovery_key": KEY })).collect();
        world.api(Method::POST, "/api/v1/deposits", &writer, Some(json!(deposits))).await;
        for n in 0..5 {
            world.api(Method::PUT, &format!("/api/v1/devices/FVF{n}"), &writer, Some(json!({ "name": "x" }))).await;
        }
        let all = walk(&world, &reader, "/api/v1/devices", "devices").await;
        let names: Vec<_> = (0..7).map(|n| format!("C02 L/{n}")).chain((0..5).map(|n| format!("FVF{n}"))).collect();
        assert_eq!(serials(&all), names.iter().map(String::as_str).collect::<Vec<_>>());
        for limit in [1, 2, 3, 4, 6, 11, 12, 500] {
            assert_eq!(walk(&world, &reader, &format!("/api/v1/devices?limit={limit}"), "devices").await, all, "{limit}");
        }
        assert!(all.iter().all(|d| d["has_key"] == d["serial"].as_str().unwrap().starts_with("C02") && d["contested"] == false));
        let with = walk(&world, &reader, "/api/v1/devices?has_key=true&limit=3", "devices").await;
        let without = walk(&world, &reader, "/api/v1/devices?limit=3&has_key=false", "devices").await;
        assert_eq!((serials(&with), serials(&without)), (serials(&all[..7]), serials(&all[7..])));
        // What comes between two parts hides nothing that was there.
        let first = get(&world, &reader, "/api/v1/devices?limit=2").await.json();
        world.api(Method::PUT, "/api/v1/devices/A00", &writer, Some(json!({}))).await;
        let rest = walk(&world, &reader, first["next"].as_str().unwrap().strip_prefix(ORIGIN).unwrap(), "devices").await;
        assert_eq!(serials(&rest), serials(&all[2..]));
        let text = get(&world, &reader, "/api/v1/devices").await.text;
        assert!(!text.contains("AAAA"), "never a key");
    }
}

#[actix_web::test]
async fn a_token_lists_what_its_pattern_covers_and_no_more() {
    for world in World::both().await {
        for serial in ["C02", "C02A", "C02A 1", "C02AB", "C02B", "C03A"] {
            world.deposit(serial, KEY, Trust::Observed).await;
        }
        let patterns: BTreeMap<&str, &[&str]> = BTreeMap::from([
            ("*", &["C02", "C02A", "C02A 1", "C02AB", "C02B", "C03A"][..]),
            ("C02A*", &["C02A", "C02A 1", "C02AB"]),
            ("C02A", &["C02A"]),
            ("X*", &[]),
        ]);
        for (pattern, wanted) in patterns {
            let scopes = Scopes::default().with(Scope::DevicesRead);
            let (token, text) = made(&world, |t| (t.scopes, t.device_pattern) = (scopes, Some(pattern.to_owned()))).await;
            for path in ["/api/v1/devices", "/api/v1/devices?limit=1", "/api/v1/devices?has_key=true"] {
                let list = walk(&world, &text, path, "devices").await;
                assert_eq!(serials(&list), wanted, "{pattern} {path}");
                assert!(serials(&list).iter().all(|s| token.covers(&Serial::parse(s).unwrap())));
            }
            // Another token's cursor begins somewhere, and opens nothing.
            let everything = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
            let next = get(&world, &everything, "/api/v1/devices?limit=1").await.json()["next"].as_str().unwrap().to_owned();
            let list = walk(&world, &text, next.strip_prefix(ORIGIN).unwrap(), "devices").await;
            assert!(serials(&list).iter().all(|s| wanted.contains(s)), "{pattern}");
        }
    }
}

#[actix_web::test]
async fn a_long_list_is_looked_through_in_bounded_steps() {
    let world = World::with(|c| c.api.requests_per_minute = 0).await;
    let writer = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    for thousand in 0..3 {
        let deposits: Vec<_> = (0..1000).map(|n| json!({ "serial": format!("M{thousand}{n:03}"), "recovery_key": KEY })).collect();
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &writer, Some(json!(deposits))).await.status, StatusCode::OK);
    }
    world.own("Z-WITHOUT", "astrid").await;
    let reader = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
    let first = get(&world, &reader, "/api/v1/devices?has_key=false").await.json();
    assert_eq!((first["devices"].as_array().unwrap().len(), first["next"].is_string()), (0, true), "empty, and more follow");
    assert_eq!(serials(&walk(&world, &reader, "/api/v1/devices?has_key=false", "devices").await), ["Z-WITHOUT"]);
    assert_eq!(walk(&world, &reader, "/api/v1/devices?limit=500", "devices").await.len(), 3001);
}

#[actix_web::test]
async fn s52_a_device_that_was_edited_is_in_no_list_and_hides_no_other() {
    for world in World::both().await {
        for serial in ["C02A", "C02B", "C02C"] {
            world.deposit(serial, KEY, Trust::Observed).await;
        }
        world.sql("UPDATE devices SET ownership = 'personal' WHERE serial = 'C02A'").await;
        world.sql("UPDATE devices SET serial = 'c02 bent ' WHERE serial = 'C02C'").await;
        let reader = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
        for limit in [1, 2, 10] {
            assert_eq!(serials(&walk(&world, &reader, &format!("/api/v1/devices?limit={limit}"), "devices").await), ["C02B"]);
        }
    }
}

#[actix_web::test]
async fn parameters_that_are_wrong_are_422_and_named() {
    let world = World::new().await;
    let token = world.token(&[Scope::DevicesRead, Scope::AuditRead], Door::Header, Trust::Observed).await;
    for list in ["/api/v1/devices", "/api/v1/events"] {
        // The other list's, cut short, with another letter case, with what no serial number or row number holds.
        let bad =
            if list.ends_with("devices") { ["e1", "d4", "d4A", "d00", "d7f"] } else { ["d41", "e", "e-1", "e+1", "e99999999999999999999"] };
        for cursor in bad {
            let answer = get(&world, &token, &format!("{list}?after={cursor}")).await;
            assert_eq!((answer.status.as_u16(), answer.json()["field"].as_str()), (422, Some("after")), "{list} {cursor}");
        }
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=+5", "limit"),
            ("limit=", "limit"),
            ("limit=5&limit=6", "limit"),
            ("after=", "after"),
            ("after=%00", "after"),
            ("page=2", "page"),
            (&*format!("{KEY}=2"), "(unknown)"),
        ] {
            let answer = get(&world, &token, &format!("{list}?{query}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}?{query}: {}", answer.text);
            assert_eq!(answer.json()["field"], field, "{list}?{query}");
            assert!(!answer.text.contains("AAAA"));
        }
    }
    let answer = get(&world, &token, "/api/v1/devices?has_key=yes").await;
    assert_eq!(answer.json()["field"], "has_key");
}

#[actix_web::test]
async fn the_trail_is_read_in_parts_as_the_portal_shows_it() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        astrid.reveal(&device).await;
        let reader = world.token(&[Scope::AuditRead], Door::Header, Trust::Observed).await;
        let rows = world.trail().await;
        let events = walk(&world, &reader, "/api/v1/events?limit=4", "events").await;
        assert!(events.len() >= rows.len());
        // A row is what the export makes of it; whether it verifies is the export's and `audit verify`'s to say.
        for (row, event) in rows.iter().zip(&events) {
            let mut wanted: Value = serde_json::from_slice(&line(Format::JsonLines, row, Check::Sound)).unwrap();
            wanted.as_object_mut().unwrap().remove("verified");
            assert_eq!(*event, wanted);
        }
        let granted = events.iter().find(|e| e["kind"] == "reveal.granted").unwrap();
        assert_eq!((&granted["login"], &granted["actor_kind"]), (&"astrid".into(), &"person".into()));
        assert!(!events.iter().any(|e| e.to_string().contains("AAAA")), "never a key");
        // Erased fields are gone here as well.
        world.sql("UPDATE audit_events SET personal = NULL, salt = NULL WHERE kind = 'reveal.granted'").await;
        let again = get(&world, &reader, "/api/v1/events?limit=500").await.json();
        assert!(
            again["events"]
                .as_array()
                .unwrap()
                .iter()
                .any(|e| e["kind"] == "reveal.granted" && e["erased"] == true && e["login"].is_null())
        );
    }
}

#[actix_web::test]
async fn reading_the_trail_is_recorded_and_ones_own_reading_is_no_news() {
    for world in World::both().await {
        let reader = world.token(&[Scope::AuditRead], Door::Header, Trust::Observed).await;
        let ask = async |path: &str| get(&world, &reader, path).await.json();
        let first = ask("/api/v1/events").await;
        assert_eq!((world.count(EventKind::TrailRead).await, first["more"].as_bool()), (1, Some(false)));
        let read = world.last().await;
        assert_eq!((read.event.detail.as_str(), read.event.role.as_str()), ("after 0", "audit:read"));
        assert!(matches!(read.event.actor, Actor::Token(id) if reader.contains(&id)));
        let mut next = first["next"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
        for wanted in [1, 0, 0] {
            let part = ask(&next).await;
            assert_eq!(part["events"].as_array().unwrap().len(), wanted, "its own reading, then nothing");
            next = part["next"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
        }
        assert_eq!(world.count(EventKind::TrailRead).await, 1);
        world.deposit(MAC, KEY, Trust::Observed).await;
        let part = ask(&next).await;
        let kinds: Vec<_> = part["events"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["token.created", "deposit.new"]);
        assert_eq!(world.count(EventKind::TrailRead).await, 2);
    }
}
