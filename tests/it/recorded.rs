//! What the trail keeps: every field of every act, every refusal of somebody known, and no flood of the unknown.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::audit::{Actor, TrailRow};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{EventKind, Outcome};

use crate::probe::Logs;
use crate::sqltrace::traced;
use crate::world::{Browser, KEY, MAC, World, token_id};

const AGENT: &str = "Mozilla/5.0 (Test)";

async fn of(world: &World, kind: EventKind) -> TrailRow {
    world.trail().await.into_iter().rev().find(|r| r.event.kind == kind).unwrap_or_else(|| panic!("no {kind:?}"))
}

async fn with_agent(world: &World, login: &str) -> Browser {
    let mut browser = world.signed_in(login).await;
    browser.headers.push(("user-agent".into(), AGENT.into()));
    browser
}

/// Actor, address, user agent, time and request: of every row of a person's.
fn person(world: &World, row: &TrailRow, login: &str, role: &str, outcome: Outcome) {
    let e = &row.event;
    let issuer = world.idp.issuer();
    assert_eq!(e.actor.columns(), (issuer, format!("sub-{login}").as_str()), "{:?}", e.kind);
    assert_eq!((e.actor.kind(), e.role.as_str(), e.outcome), ("person", role, outcome), "{:?}", e.kind);
    assert_eq!(e.personal.login.as_deref(), Some(login));
    assert_eq!(e.personal.address.as_deref(), Some("192.0.2.10"));
    assert_eq!(e.personal.user_agent.as_deref(), Some(AGENT));
    assert_eq!(e.at, world.env.now());
    assert!(e.request.is_some_and(|id| !id.is_nil()), "{:?}", e.kind);
}

#[actix_web::test]
async fn s47_the_owners_reveal_with_every_field() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = with_agent(&world, "astrid").await;
        world.clock.advance_seconds(7);
        let grant = astrid.reveal(&device).await.location().to_owned();
        world.clock.advance_seconds(7);
        let mut seen = Vec::new();
        let granted = of(&world, EventKind::RevealGranted).await;
        assert_eq!(granted.event.at.plus_seconds(7), world.env.now(), "the time of the act");
        astrid.get(&grant).await;
        let next = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
        astrid.post(&format!("{next}/hide"), &[]).await;
        for (kind, at) in [(EventKind::RevealViewed, &grant), (EventKind::RevealRenewed, &next), (EventKind::RevealHidden, &next)] {
            let row = of(&world, kind).await;
            person(&world, &row, "astrid", "owner", Outcome::Ok);
            assert_eq!(row.event.device.map(|d| d.to_string()).as_deref(), Some(device.as_str()));
            assert_eq!(row.event.serial.as_deref(), Some(MAC));
            assert!(row.event.version.is_some() && row.event.version == granted.event.version);
            assert_eq!(row.event.grant.map(|g| format!("/reveals/{g}")).as_ref(), Some(at));
            seen.push(row.event.request);
        }
        seen.push(granted.event.request);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4, "each request has its own id");
    }
}

#[actix_web::test]
async fn s47_the_desks_reveal_keeps_its_reason() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut kim = with_agent(&world, "kim").await;
        let form = [("ticket", "INC0042"), ("reason", "other"), ("reason_text", "locked\u{202e} out"), ("identity", "called back")];
        let answer = kim.desk_reveal(&device, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let row = of(&world, EventKind::RevealGranted).await;
        person(&world, &row, "kim", "helpdesk", Outcome::Ok);
        let p = &row.event.personal;
        assert_eq!(
            (p.ticket.as_deref(), p.reason.as_deref(), p.identity.as_deref()),
            (Some("INC0042"), Some("other: locked out"), Some("called back"))
        );
        assert!(row.event.version.is_some() && row.event.serial.as_deref() == Some(MAC));
    }
}

#[actix_web::test]
async fn s47_every_refusal_of_a_known_person_is_a_row() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let grant = world.signed_in("astrid").await.reveal(&device).await.location().to_owned();
        let mut berit = with_agent(&world, "berit").await;
        berit.get("/help").await;
        // Twenty of each: nothing of these is throttled.
        for round in 0..20 {
            let before = world.trail().await.len();
            berit.get(&format!("/devices/{device}")).await;
            berit.reveal(&device).await;
            berit.get("/devices/nonsense").await;
            berit.get(&grant).await;
            berit.get("/desk").await;
            berit.get("/trail").await;
            berit.get("/trail?before=x").await;
            berit.post(&format!("/devices/{device}/reveal"), &[("which", "nonsense")]).await;
            berit.post(&format!("/desk/devices/{device}/reveal"), &[("version", "nonsense")]).await;
            berit.post_raw(&format!("/devices/{device}/reveal"), "csrf=wrong".into()).await;
            let foreign = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
            let crossed = berit.request(Method::POST, &format!("/devices/{device}/reveal"), &foreign, String::new()).await;
            assert_eq!(crossed.status, StatusCode::FORBIDDEN);
            let rows = world.trail().await.split_off(before);
            let details: Vec<&str> = rows.iter().map(|r| r.event.detail.as_str()).collect();
            let wanted = [
                "view_device",
                "reveal",
                "view_device",
                "reveal",
                "search_devices",
                "read_trail",
                "read_trail",
                "reveal",
                "desk_reveal",
                "csrf",
                "cross_site",
            ];
            assert_eq!(details, wanted, "round {round}");
            for row in &rows {
                assert_eq!(row.event.kind, EventKind::AccessRefused);
                person(&world, row, "berit", "employee", Outcome::Refused);
            }
            assert!(rows[0].event.serial.as_deref() == Some(MAC) && rows[1].event.device.is_some(), "which device was tried");
            assert!(rows[3].event.grant.is_some() && rows[3].event.device.is_some(), "which grant was tried");
        }
    }
}

#[actix_web::test]
async fn s47_every_refusal_of_a_known_token_is_a_row() {
    for world in World::both().await {
        world.astrids_mac().await;
        let revoked = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
        world.service.revoke_token(token_id(&revoked), Actor::Operator).await.unwrap();
        let path = world.token(&[Scope::DevicesRead], Door::CryptPath, Trust::Observed).await;
        let narrow = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        world.api(Method::GET, "/api/v1/devices/X", &narrow, None).await;
        let cases = [(&revoked, 401, "token_ended"), (&path, 401, "wrong_door"), (&narrow, 403, "read_device")];
        for _ in 0..20 {
            for (token, status, detail) in cases {
                let before = world.trail().await.len();
                assert_eq!(world.api(Method::GET, &format!("/api/v1/devices/{MAC}"), token, None).await.status, status);
                let rows = world.trail().await.split_off(before);
                assert_eq!(rows.len(), 1, "{detail}");
                let e = &rows[0].event;
                assert_eq!((&e.actor, e.detail.as_str(), e.outcome), (&Actor::Token(token_id(token).to_owned()), detail, Outcome::Refused));
                assert_eq!(e.personal.address.as_deref(), Some("192.0.2.20"));
                assert!(e.request.is_some());
            }
        }
        // Deposits that cannot be read, and one with no key in it.
        for body in [serde_json::json!({"serial": MAC, "recovery_key": "no"}), serde_json::json!("text")] {
            let before = world.count(EventKind::DepositRefused).await;
            let answer = world.api(Method::POST, "/api/v1/deposits", &narrow, Some(body)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(world.count(EventKind::DepositRefused).await, before + 1);
        }
    }
}

async fn knock(world: &World, peer: &str, path: &str) {
    let mut stranger = world.browser();
    stranger.peer = peer.parse().unwrap();
    let answer = stranger.get(path).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

fn rows_of<'a>(rows: &'a [TrailRow], kind: EventKind, address: &'a str) -> impl Iterator<Item = &'a TrailRow> + 'a {
    rows.iter().filter(move |r| r.event.kind == kind && r.event.personal.address.as_deref().is_some_and(|a| a.starts_with(address)))
}

#[actix_web::test]
async fn s47_strangers_get_five_rows_a_network_and_minute_and_one_summary() {
    for world in World::both().await {
        for n in 0..12 {
            // A page, the API and an agent's door share the count of the network.
            let path = ["/devices", "/api/v1/devices/X", "/compat/crypt/kh_x/verify/X/recovery_key/"][n % 3];
            knock(&world, &format!("198.51.100.{n}:999"), path).await;
        }
        for n in 0..7 {
            knock(&world, &format!("[2001:db8:0:{n}::1]:999"), "/devices").await;
        }
        knock(&world, "198.51.101.1:999", "/devices").await;
        knock(&world, "[2001:db8:0:100::1]:999", "/devices").await;
        let rows = world.trail().await;
        let count = |address| rows_of(&rows, EventKind::AccessRefused, address).count();
        assert_eq!(count("198.51.100."), 5, "a /24");
        assert_eq!(count("198.51.101."), 1, "the next one has its own");
        assert_eq!(count("2001:db8::") + count("2001:db8:0:"), 5 + 1, "a /56, and another");
        assert_eq!(rows_of(&rows, EventKind::RefusedSummary, "").count(), 0);
        for row in rows_of(&rows, EventKind::AccessRefused, "198.51.100.") {
            assert_eq!((&row.event.actor, row.event.outcome), (&Actor::Anonymous, Outcome::Refused));
            assert!(row.event.request.is_some());
        }
        world.clock.advance_seconds(60);
        world.service.sweep_throttle().await;
        let rows = world.trail().await;
        let summaries: Vec<(&str, &str)> = rows_of(&rows, EventKind::RefusedSummary, "")
            .map(|r| (r.event.personal.address.as_deref().unwrap(), r.event.detail.as_str()))
            .collect();
        assert_eq!(summaries.len(), 2, "{summaries:?}");
        assert!(summaries.contains(&("198.51.100.0/24", "7 more refusals")), "{summaries:?}");
        assert!(summaries.contains(&("2001:db8::/56", "2 more refusals")), "{summaries:?}");
        knock(&world, "198.51.100.3:999", "/devices").await;
        let rows = world.trail().await;
        assert_eq!(rows_of(&rows, EventKind::AccessRefused, "198.51.100.").count(), 6, "a new minute");
    }
}

#[actix_web::test]
async fn s47_what_strangers_ask_after_the_fifth_time_never_reaches_the_database() {
    for world in World::both().await {
        let cross = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
        for (n, (method, path)) in [
            (Method::GET, "/devices".to_owned()),
            (Method::GET, "/trail".to_owned()),
            (Method::POST, "/sign-out".to_owned()),
            (Method::GET, format!("/api/v1/devices/{MAC}")),
            (Method::GET, format!("/compat/crypt/kh_x/verify/{MAC}/recovery_key/")),
        ]
        .into_iter()
        .enumerate()
        {
            let mut stranger = world.browser();
            stranger.peer = format!("198.51.{n}.7:999").parse().unwrap();
            for round in 0..8 {
                let (answer, statements) = traced(stranger.request(method.clone(), &path, &cross, String::new())).await;
                assert!([401, 403].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
                let rows = statements.iter().filter(|s| s.contains("INSERT INTO audit_events")).count();
                assert_eq!(rows, usize::from(round < 5), "{path}, round {round}");
                assert!(round < 5 || statements.is_empty(), "{path}, round {round}: {statements:?}");
            }
        }
        // A token of the right form has to be looked up, and that is all.
        let unknown = format!("kh_{}_{}", "0".repeat(16), "a".repeat(43));
        for round in 0..8 {
            let (answer, statements) = traced(world.api(Method::GET, "/api/v1/devices/X", &unknown, None)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            // A connection that is opened, or made sure of, says so, too.
            let opens = |s: &str| ["SHOW", "PRAGMA", "SELECT set_config"].iter().any(|word| s.starts_with(word));
            let looked_up = |s: &str| s.starts_with("SELECT") && (s.contains("api_tokens") || s.contains("key_ring"));
            assert!(round < 5 || statements.iter().all(|s| opens(s) || looked_up(s)), "{statements:?}");
        }
    }
}

#[actix_web::test]
async fn s47_the_granted_row_with_every_field_and_the_requests_id() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = with_agent(&world, "astrid").await;
        astrid.get("/help").await;
        let (logs, guard) = Logs::start();
        let answer = astrid.reveal(&device).await;
        drop(guard);
        let row = of(&world, EventKind::RevealGranted).await;
        person(&world, &row, "astrid", "owner", Outcome::Ok);
        let id = keyharbor::domain::ids::DeviceId::parse(&device).unwrap();
        let versions = world.fresh.store.read().await.unwrap().versions(id, keyharbor::domain::SecretKind::RecoveryKey, 100).await.unwrap();
        let e = &row.event;
        assert_eq!((e.device, e.serial.as_deref(), e.version), (Some(id), Some(MAC), Some(versions[0].parts().0.id)));
        assert_eq!(e.grant.map(|g| format!("/reveals/{g}")).as_deref(), Some(answer.location()));
        assert_eq!((e.detail.as_str(), &e.personal.reason, &e.personal.ticket), ("offered", &None, &None));
        let lines: Vec<serde_json::Value> = logs.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let line = lines.iter().find(|l| l["route"] == "/devices/{id}/reveal").unwrap();
        assert_eq!(line["request"].as_str().map(str::to_owned), e.request.map(|r| r.to_string()), "the log names the same request");
    }
}

#[actix_web::test]
async fn s47_a_refused_machine_is_told_the_request_that_the_trail_names() {
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let body = serde_json::json!({ "serial": MAC, "recovery_key": "no" });
    for (method, path, body, status) in
        [(Method::POST, "/api/v1/deposits", Some(body), 422), (Method::GET, "/api/v1/devices/C02TEST00001", None, 403)]
    {
        let answer = world.api(method, path, &token, body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let row = world.last().await.event;
        assert_eq!((row.actor, row.outcome), (Actor::Token(token_id(&token).to_owned()), Outcome::Refused));
        assert_eq!(answer.json()["request_id"].as_str().map(str::to_owned), row.request.map(|r| r.to_string()));
    }
}

#[actix_web::test]
async fn s47_a_failed_sign_in_and_a_cross_site_post_of_strangers_are_throttled_too() {
    let world = World::new().await;
    let mut stranger = world.browser();
    for _ in 0..8 {
        assert_eq!(stranger.get("/auth/callback?code=x&state=y").await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.count(EventKind::SignInFailed).await, 5);
    stranger.peer = "203.0.113.9:1".parse().unwrap();
    for _ in 0..8 {
        assert_eq!(stranger.request(Method::POST, "/sign-out", &[], String::new()).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.count(EventKind::AccessRefused).await, 5);
    assert!(world.trail().await.iter().all(|r| r.personal_text.as_deref().is_none_or(|t| !t.contains(KEY))));
}
