//! Who may know what: strangers' devices answer like unknown ones, roles reveal nothing by themselves, an owner is set by
//! the operator alone.

use actix_web::http::{Method, StatusCode};
use futures_util::future::join_all;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::Engine;
use keyharbor::web::ROUTES;
use serde_json::json;

use crate::sqltrace::traced;
use crate::world::{Answer, Browser, KEY, MAC, OTHER_KEY, World};

const UNKNOWN: &str = "01981c5e-7c00-7000-8000-000000000000";
const MALFORMED: &str = "no-such-thing";

/// Status, headers and body, but for the reference and for what the caller himself wrote into the address.
fn masked(answer: &Answer, id: &str) -> String {
    let mut headers: Vec<String> =
        answer.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).filter(|h| !h.starts_with("date:")).collect();
    // Requests are counted, whatever they ask for.
    for left in headers.iter_mut().filter(|h| h.starts_with("ratelimit: ")) {
        *left = "ratelimit: masked".into();
    }
    headers.sort();
    let mut text = answer.text.replace(id, "ID");
    if let Some((before, rest)) = text.clone().split_once(r#"<dd class="mono" translate="no">"#) {
        text = format!("{before}REFERENCE{}", rest.split_once("</dd>").unwrap().1);
    }
    if let Some((before, rest)) = text.clone().split_once(r#""request_id":""#) {
        text = format!("{before}REQUEST{}", rest.split_once('"').unwrap().1);
    }
    format!("{}\n{}\n{text}", answer.status, headers.join("\n"))
}

async fn ask(browser: &mut Browser, method: &Method, path: &str) -> Answer {
    match method {
        &Method::GET => browser.get(path).await,
        _ if path.starts_with("/desk") => {
            let id = path.trim_start_matches("/desk/devices/").trim_end_matches("/reveal").to_owned();
            browser.desk_reveal(&id, &[]).await
        }
        _ => browser.post(path, &[]).await,
    }
}

/// The three of them answer alike and cost alike.
async fn alike(browser: &mut Browser, method: Method, route: &str, foreign: &str) {
    // A page before, so that neither csrf nor `last_seen` cost the first one more.
    browser.get("/help").await;
    let mut first: Option<(String, Vec<String>)> = None;
    for id in [foreign, UNKNOWN, MALFORMED] {
        let (answer, statements) = traced(ask(browser, &method, &route.replace("{id}", id))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {route} {id}");
        assert!(!statements.is_empty() && answer.text.len() > 200, "{method} {route}");
        let found = (masked(&answer, id), statements);
        match &first {
            None => first = Some(found),
            Some(first) => {
                assert_eq!(first.0, found.0, "{method} {route} {id}");
                assert_eq!(first.1, found.1, "the same statements: {method} {route} {id}");
            }
        }
    }
}

#[actix_web::test]
async fn s38_a_strangers_an_unknown_and_a_malformed_id_are_one_404_at_one_cost() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().trim_start_matches("/reveals/").to_owned();
        let mut berit = world.signed_in("berit").await;
        let before = world.count(EventKind::AccessRefused).await;
        alike(&mut berit, Method::GET, "/devices/{id}", &device).await;
        alike(&mut berit, Method::POST, "/devices/{id}/reveal", &device).await;
        alike(&mut berit, Method::GET, "/reveals/{id}", &grant).await;
        alike(&mut berit, Method::POST, "/reveals/{id}/renew", &grant).await;
        alike(&mut berit, Method::POST, "/reveals/{id}/hide", &grant).await;
        assert_eq!(world.count(EventKind::AccessRefused).await, before + 15, "each is recorded");
        assert_eq!(astrid.get(&format!("/reveals/{grant}")).await.key().as_deref(), Some(KEY), "a stranger's press hides nothing");
    }
}

#[actix_web::test]
async fn s38_a_personal_device_does_not_exist_for_the_desk() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let writer = world.token(&[Scope::DevicesWrite], Door::Header, Trust::Observed).await;
        world.api(Method::PUT, &format!("/api/v1/devices/{MAC}"), &writer, Some(json!({"ownership": "personal"}))).await;
        let mut kim = world.signed_in("kim").await;
        alike(&mut kim, Method::GET, "/desk/devices/{id}", &device).await;
        alike(&mut kim, Method::POST, "/desk/devices/{id}/reveal", &device).await;
        assert!(!kim.get(&format!("/desk?q={MAC}")).await.text.contains(&device));
        assert_eq!(world.signed_in("astrid").await.get(&format!("/devices/{device}")).await.status, StatusCode::OK);
    }
}

#[actix_web::test]
async fn s38_a_device_beyond_a_tokens_pattern_is_unknown_to_it() {
    for world in World::both().await {
        world.astrids_mac().await;
        let scopes = [Scope::DevicesRead, Scope::StatusRead];
        let token = patterned(&world, &scopes, "C02ELSE*").await;
        // From now on there are connections enough.
        join_all((0..4).map(|_| world.api(Method::GET, "/api/v1/devices/C02ELSE1", &token, None))).await;
        for path in ["/api/v1/devices/{id}", "/api/v1/devices/{id}/escrow-status"] {
            let (foreign, one) = traced(world.api(Method::GET, &path.replace("{id}", MAC), &token, None)).await;
            let (unknown, two) = traced(world.api(Method::GET, &path.replace("{id}", "C02ELSE00001"), &token, None)).await;
            assert_eq!(foreign.status, StatusCode::NOT_FOUND);
            assert_eq!(masked(&foreign, MAC), masked(&unknown, "C02ELSE00001"));
            assert_eq!(one, two, "{path}");
        }
    }
}

async fn patterned(world: &World, scopes: &[Scope], pattern: &str) -> String {
    use keyharbor::domain::audit::Actor;
    use keyharbor::domain::token::Scopes;
    let new = keyharbor::service::tokens::NewToken {
        name: "patterned".into(),
        scopes: scopes.iter().copied().fold(Scopes::default(), Scopes::with),
        door: Door::Header,
        device_pattern: Some(pattern.into()),
        trust: Trust::Observed,
        expires_at: None,
    };
    world.service.create_token(new, Actor::Operator).await.unwrap().1.as_str().to_owned()
}

#[actix_web::test]
async fn s40_auditor_and_admin_reveal_nothing_but_their_own() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    for (login, serial) in [("eva", "C02EVA000001"), ("ola", "C02OLA000001")] {
        world.own(serial, login).await;
        world.deposit(serial, OTHER_KEY, Trust::Observed).await;
        let own = world.device_id(serial).await;
        let mut browser = world.signed_in(login).await;
        assert_eq!(browser.reveal(&device).await.status, StatusCode::NOT_FOUND, "{login}");
        assert_eq!(browser.desk_reveal(&device, &[]).await.status, StatusCode::FORBIDDEN, "{login}");
        assert_eq!(browser.desk_reveal(&own, &[]).await.status, StatusCode::FORBIDDEN, "not by the role, not even the own one");
        assert_eq!(world.count(EventKind::RevealGranted).await, usize::from(login == "ola"));
        let granted = browser.reveal(&own).await;
        assert_eq!(browser.get(granted.location()).await.key().as_deref(), Some(OTHER_KEY), "the owner relation, as everyone's");
    }
}

#[actix_web::test]
async fn s40_helpdesk_cannot_read_the_trail_and_only_auditors_can() {
    let world = World::new().await;
    for (login, status) in [("astrid", 403), ("kim", 403), ("ola", 403), ("eva", 200)] {
        let before = world.count(EventKind::AccessRefused).await;
        assert_eq!(world.signed_in(login).await.get("/trail").await.status, status, "{login}");
        assert_eq!(world.count(EventKind::AccessRefused).await - before, usize::from(status == 403), "{login}");
    }
    assert_eq!(world.count(EventKind::TrailRead).await, 1);
}

#[actix_web::test]
async fn s40_an_owner_is_set_by_the_operator_alone() {
    for world in World::both().await {
        world.deposit(MAC, KEY, Trust::Proven).await;
        let device = world.device_id(MAC).await;
        // The check-in names Astrid (see `World::check_in`), a deposit names Berit: hints, both of them.
        let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Proven).await;
        assert_eq!(world.check_in(&crypt, MAC, KEY).await.status, StatusCode::OK);
        let escrow = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Proven).await;
        let body = json!({"serial": MAC, "recovery_key": KEY, "user": "berit"});
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &escrow, Some(body)).await.status, StatusCode::OK);
        for login in ["astrid", "berit"] {
            assert_eq!(world.signed_in(login).await.reveal(&device).await.status, StatusCode::NOT_FOUND, "{login}");
        }
        assert_eq!(world.count(EventKind::OwnerSet).await, 0);

        // The scope for owners opens no door of the API, and every other scope together sets none either.
        assert!(ROUTES.iter().all(|r| !r.path.contains("owner") && !r.path.contains("login") && !r.path.contains("bind")));
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|s| *s != Scope::OwnersWrite).collect();
        let (owners, rest) = (
            world.token(&[Scope::OwnersWrite], Door::Header, Trust::Proven).await,
            world.token(&others, Door::Header, Trust::Proven).await,
        );
        let path = format!("/api/v1/devices/{MAC}");
        assert_eq!(world.api(Method::PUT, &path, &owners, Some(json!({"name": "x"}))).await.status, StatusCode::FORBIDDEN);
        assert_eq!(world.api(Method::GET, &path, &owners, None).await.status, StatusCode::FORBIDDEN);
        for field in ["owner", "owners", "login", "role", "created_at", "trust", "source"] {
            let put = world.api(Method::PUT, &path, &rest, Some(json!({field: "berit"}))).await;
            assert_eq!(put.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        }
        assert_eq!(world.count(EventKind::OwnerSet).await, 0);
    }
}

#[actix_web::test]
async fn s40_fields_that_are_not_the_callers_to_set_are_422() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let (mut astrid, mut kim) = (world.signed_in("astrid").await, world.signed_in("kim").await);
    for field in ["owner", "role", "created_at"] {
        let one = json!({"serial": MAC, "recovery_key": KEY, field: "ola"});
        let answer = world.api(Method::POST, "/api/v1/deposits", &token, Some(one.clone())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(answer.json()["field"], field);
        let bulk = world.api(Method::POST, "/api/v1/deposits", &token, Some(json!([one]))).await;
        assert_eq!(bulk.json()["results"][0]["field"], field);
        let own = astrid.post(&format!("/devices/{device}/reveal"), &[(field, "x")]).await;
        assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(kim.desk_reveal(&device, &[(field, "x")]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
    assert_eq!(world.count(EventKind::RevealGranted).await, 0);
}

#[actix_web::test]
async fn s40_an_owner_change_is_a_row_and_shown_to_old_and_new_owner() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    world.clock.advance_seconds(60);
    world.own(MAC, "berit").await;
    let last = world.last().await;
    assert_eq!((last.event.kind, last.event.personal.login.as_deref()), (EventKind::OwnerSet, Some("berit")));
    for login in ["astrid", "berit"] {
        let page = world.signed_in(login).await.get(&format!("/devices/{device}")).await;
        assert!(page.status == StatusCode::OK && page.text.contains("berit"), "{login}: {}", page.text);
    }
}

#[actix_web::test]
async fn s40_a_token_that_hands_keys_in_reads_nothing() {
    let world = World::with(|_| {}).await;
    world.astrids_mac().await;
    let header = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let path = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let auth = format!("Bearer {header}");
    for (url, token) in [
        (format!("/api/v1/devices/{MAC}"), &header),
        (format!("/api/v1/devices/{MAC}/escrow-status"), &header),
        (format!("/compat/crypt/verify/{MAC}/recovery_key/"), &header),
        (format!("/compat/crypt/{path}/verify/{MAC}/recovery_key/"), &path),
    ] {
        let answer = world.raw(Method::GET, &url, &[("authorization", &auth)], "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{url}");
        let last = world.last().await.event;
        assert_eq!(last.kind, EventKind::AccessRefused);
        assert!(token.contains(last.actor.columns().1), "{url}");
    }
    let reader = world.token(&[Scope::StatusRead], Door::CryptPath, Trust::Observed).await;
    let verified = world.raw(Method::GET, &format!("/compat/crypt/{reader}/verify/{MAC}/recovery_key/"), &[], "").await;
    assert_eq!(verified.json()["escrowed"], true);
    assert!(!verified.text.contains("AAAA"));
}

#[actix_web::test]
async fn s39_exclusive_roles_together_leave_the_lesser_one_and_a_warning() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::on(engine, |_| {}).await;
        let device = world.astrids_mac().await;
        for (login, group, keeps) in [("adam", "mac-admin", "admin"), ("aud", "mac-auditor", "auditor")] {
            world.idp.person(login, &["mac-helpdesk", group]);
            let mut both = world.signed_in(login).await;
            let rows = world.trail().await;
            let warning = rows.iter().rev().find(|r| r.event.kind == EventKind::RolesReduced).unwrap();
            assert_eq!(warning.event.detail, "helpdesk", "what was taken away");
            assert_eq!(warning.event.actor.columns().1, format!("sub-{login}"));
            assert_eq!(world.last().await.event.role, format!("employee {keeps}"));
            assert_eq!(both.get("/desk").await.status, StatusCode::FORBIDDEN);
            assert_eq!(both.desk_reveal(&device, &[]).await.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(world.count(EventKind::RolesReduced).await, 2);
        world.signed_in("kim").await;
        assert_eq!(world.count(EventKind::RolesReduced).await, 2, "one role alone is no matter");
    }
}

#[actix_web::test]
async fn s52_the_desk_sees_owners_by_name_with_the_login_beside_it() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        world.own("C02UNSEEN001", "berit").await;
        let mut kim = world.signed_in("kim").await;
        assert!(!kim.get(&format!("/desk/devices/{device}")).await.text.contains("astrid Test"), "nobody has signed in");
        world.signed_in("astrid").await;
        for path in ["/desk?q=astrid".to_owned(), format!("/desk/devices/{device}")] {
            let page = kim.get(&path).await.text;
            assert!(page.contains(r#"astrid Test<br><span class="muted small">astrid</span>"#), "{path}: {page}");
        }
        assert!(kim.get(&format!("/desk/devices/{device}")).await.text.contains("shown to astrid Test on"));
        let grant = kim.desk_reveal(&device, &[]).await;
        assert!(kim.get(grant.location()).await.text.contains("astrid Test"));
        let page = kim.get("/desk?q=berit").await.text;
        assert!(page.contains("berit") && !page.contains("berit Test"), "{page}");
        // A binding that somebody bent names nobody.
        assert_eq!(world.sql("UPDATE login_bindings SET bound_at = bound_at + 1 WHERE login = 'astrid'").await, 1);
        let page = kim.get("/desk?q=astrid").await.text;
        assert!(page.contains("astrid") && !page.contains("astrid Test"), "{page}");
    }
}
