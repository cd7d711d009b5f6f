//! Sign-in through the whole application: S01, S04, S10, S13. Who gets in, and who is it.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::audit::{Actor, Outcome};
use keyharbor::domain::{EventKind, Subject};
use keyharbor::service::custody::{Custody, open_ring};
use serde_json::json;
use url::Url;

use crate::idp::Idp;
use crate::world::{Browser, MAC, World, path_of};

const SESSION: &str = "__Host-keyharbor";
const TRANSACTION: &str = "__Host-keyharbor-signin";

/// How many rows a table has.
async fn rows(world: &World, table: &str) -> u64 {
    world.sql(&format!("UPDATE {table} SET id = id")).await
}

/// To the provider and back: the address that the browser is to open next.
async fn leave(world: &World, browser: &mut Browser, login: &str) -> String {
    let left = browser.get("/sign-in").await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "{}", left.text);
    world.idp.authorize(left.location(), login)
}

/// The path of a callback with its pairs changed.
fn changed(url: &str, change: impl FnOnce(&mut Vec<(String, String)>)) -> String {
    let mut pairs: Vec<(String, String)> = Url::parse(url).unwrap().query_pairs().into_owned().collect();
    change(&mut pairs);
    format!("/auth/callback?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn set(pairs: &mut [(String, String)], name: &str, value: &str) {
    pairs.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.to_owned();
}

/// Refused, nobody signed in, and one row that says so.
async fn assert_refused(world: &World, browser: &mut Browser, path: &str, detail: &str) {
    world.clock.advance_seconds(60); // unknown callers have five rows a minute
    let before = world.count(EventKind::SignInFailed).await;
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
    assert!(answer.text.contains("Sign-in did not work"), "{}", answer.text);
    assert!(!browser.jar.contains_key(SESSION), "{path}");
    assert_eq!(rows(world, "sessions").await, 0, "{path}");
    assert_eq!(world.count(EventKind::SignInFailed).await, before + 1, "{path}");
    let row = world.last().await.event;
    assert_eq!((row.kind, row.outcome, row.actor), (EventKind::SignInFailed, Outcome::Refused, Actor::Anonymous));
    assert_eq!(row.detail, detail, "{path}");
}

#[actix_web::test]
async fn s01_a_state_that_is_missing_wrong_or_doubled_signs_nobody_in() {
    for world in World::both().await {
        let mut browser = world.browser();
        let back = leave(&world, &mut browser, "astrid").await;
        let other = leave(&world, &mut browser, "astrid").await;
        let state = Url::parse(&other).unwrap().query_pairs().find(|(n, _)| n == "state").unwrap().1.into_owned();
        let cases = [
            changed(&back, |p| p.retain(|(n, _)| n != "state")),
            changed(&back, |p| set(p, "state", "")),
            changed(&back, |p| set(p, "state", state.trim_start_matches(|c| state.starts_with(c)))),
            changed(&back, |p| set(p, "state", &state.to_uppercase())),
            changed(&back, |p| set(p, "state", &"0".repeat(8000))),
            changed(&back, |p| p.push(("state".into(), state.clone()))),
            changed(&back, |p| p.push(p.iter().find(|(n, _)| n == "state").unwrap().clone())),
        ];
        for path in cases {
            assert_refused(&world, &mut browser, &path, "no_transaction").await;
        }
        // Nothing of it was used up: the right address still signs in.
        assert_eq!(browser.get(path_of(&back)).await.status, StatusCode::SEE_OTHER);
    }
}

#[actix_web::test]
async fn s01_the_state_of_another_browser_signs_nobody_in() {
    let world = World::new().await;
    let mut astrid = world.browser();
    let back = leave(&world, &mut astrid, "astrid").await;
    assert_refused(&world, &mut world.browser(), path_of(&back), "no_cookie").await;

    let mut victim = world.browser();
    leave(&world, &mut victim, "berit").await;
    let back = leave(&world, &mut astrid, "astrid").await;
    assert_refused(&world, &mut victim, path_of(&back), "no_transaction").await;
}

#[actix_web::test]
async fn s01_two_tabs_both_end_well() {
    for world in World::both().await {
        let mut browser = world.browser();
        let first = browser.get("/sign-in?return_to=/help").await;
        let cookie = browser.jar[TRANSACTION].clone();
        let second = browser.get("/sign-in?return_to=/status").await;
        assert_eq!(browser.jar[TRANSACTION], cookie, "one secret for the browser");
        for (left, to) in [(second, "/status"), (first, "/help")] {
            let back = world.idp.authorize(left.location(), "astrid");
            let answer = browser.get(path_of(&back)).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to));
            assert_eq!(browser.get("/devices").await.status, StatusCode::OK);
        }
        assert_eq!(rows(&world, "sessions").await, 1, "the second replaced the first");
        let ended = world.trail().await.into_iter().find(|r| r.event.kind == EventKind::SessionEnded).unwrap().event;
        assert!(ended.detail.starts_with("signed_in_again line "));
    }
}

#[actix_web::test]
async fn s01_a_transaction_cookie_that_is_not_ours_is_not_taken_over() {
    let world = World::new().await;
    for planted in ["short".to_owned(), "x".repeat(64), "é".repeat(32), "a".repeat(65)] {
        let mut browser = world.browser();
        browser.jar.insert(TRANSACTION.into(), planted.clone());
        let left = browser.get("/sign-in").await;
        assert_eq!(left.status, StatusCode::SEE_OTHER, "{planted}");
        assert_ne!(browser.jar[TRANSACTION], planted);
    }
}

#[actix_web::test]
async fn s04_a_callback_works_once() {
    for world in World::both().await {
        let mut browser = world.browser();
        let back = leave(&world, &mut browser, "astrid").await;
        assert_eq!(browser.get(path_of(&back)).await.status, StatusCode::SEE_OTHER);
        assert_eq!(rows(&world, "sign_ins").await, 0);
        let cookie = browser.jar[SESSION].clone();
        let fetched = world.idp.fetches("/token");
        let replay = browser.get(path_of(&back)).await;
        assert_eq!(replay.status, StatusCode::BAD_REQUEST);
        assert_eq!(browser.jar[SESSION], cookie, "the session goes on as it was");
        assert_eq!(world.idp.fetches("/token"), fetched, "the provider is not asked");
        let row = world.last().await.event;
        assert_eq!((row.kind, row.detail.as_str()), (EventKind::SignInFailed, "no_transaction"));
        let who = Subject { issuer: world.idp.issuer().into(), subject: "sub-astrid".into() };
        assert_eq!(row.actor, Actor::Person(who), "a known person's refusal is his own row");
    }
}

#[actix_web::test]
async fn s04_of_two_at_once_one_signs_in() {
    for world in World::both().await {
        let mut one = world.browser();
        let back = leave(&world, &mut one, "astrid").await;
        let mut two = world.browser();
        two.jar = one.jar.clone();
        assert_eq!(one.request(Method::HEAD, path_of(&back), &[], String::new()).await.status, StatusCode::METHOD_NOT_ALLOWED);
        let (first, second) = tokio::join!(one.get(path_of(&back)), two.get(path_of(&back)));
        let mut both = [first.status, second.status];
        both.sort();
        assert_eq!(both, [StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST]);
        assert_eq!((world.idp.fetches("/token"), rows(&world, "sessions").await), (1, 1));
    }
}

#[actix_web::test]
async fn s04_the_first_callback_uses_it_up_even_if_it_fails() {
    let world = World::new().await;
    let mut browser = world.browser();
    let back = leave(&world, &mut browser, "astrid").await;
    let wrong = changed(&back, |p| set(p, "code", "no-such-code"));
    assert_eq!(browser.get(&wrong).await.status, StatusCode::BAD_REQUEST);
    assert_refused(&world, &mut browser, path_of(&back), "no_transaction").await;

    let back = leave(&world, &mut browser, "astrid").await;
    assert_refused(&world, &mut world.browser(), path_of(&back), "no_cookie").await;
    assert_refused(&world, &mut browser, path_of(&back), "no_transaction").await;
    assert_eq!(rows(&world, "sign_ins").await, 0);
}

#[actix_web::test]
async fn s04_ten_minutes() {
    let world = World::new().await;
    let mut browser = world.browser();
    let back = leave(&world, &mut browser, "astrid").await;
    world.clock.advance_seconds(540);
    assert_refused(&world, &mut browser, path_of(&back), "no_transaction").await; // and 60
    let left = browser.get("/sign-in").await;
    let url = left.location().to_owned();
    world.clock.advance_seconds(599);
    let back = world.idp.authorize(&url, "astrid");
    assert_eq!(browser.get(path_of(&back)).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn s04_open_transactions_are_capped_and_swept() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let mut stranger = world.browser();
    assert_eq!(stranger.get("/sign-in").await.status, StatusCode::SEE_OTHER);
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) INSERT INTO sign_ins \
                SELECT randomblob(16), randomblob(37), randomblob(37), x'00', 1, NULL, created_at, expires_at FROM n, sign_ins";
    assert_eq!(world.sql(fill).await, 9999);
    let refused = stranger.get("/sign-in").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(rows(&world, "sign_ins").await, 10_000);
    // Whoever is signed in can still step up.
    world.clock.advance_seconds(300);
    let page = astrid.reveal(&device).await;
    assert_eq!(astrid.step_up(&world, &page, "astrid").await.location(), format!("/devices/{device}"));
    // What time has ended does not count, whether or not the sweep has come by.
    world.clock.advance_seconds(300);
    assert_eq!(stranger.get("/sign-in").await.status, StatusCode::SEE_OTHER);
    assert_eq!(rows(&world, "sign_ins").await, 1);
    world.service.sweep().await.unwrap();
    assert_eq!(rows(&world, "sign_ins").await, 1, "an open one stays");
    world.clock.advance_seconds(600);
    world.service.sweep().await.unwrap();
    assert_eq!(rows(&world, "sign_ins").await, 0);
}

#[actix_web::test]
async fn s10_the_same_address_with_another_sub_is_another_person() {
    for claim in ["preferred_username", "email"] {
        let world = World::with(|c| c.oidc.owner_claim = Some(claim.into())).await;
        world.own(MAC, if claim == "email" { "astrid@example.com" } else { "astrid" }).await;
        let device = world.device_id(MAC).await;
        let mut astrid = world.signed_in("astrid").await;
        assert!(astrid.get("/devices").await.text.contains(MAC));

        world.idp.person("astrid2", &[]);
        world.idp.claim("astrid2", "email", json!("astrid@example.com"));
        let mut other = world.browser();
        other.sign_in(&world, "astrid2").await;
        let list = other.get("/devices").await;
        assert_eq!(list.status, StatusCode::OK);
        assert!(!list.text.contains(MAC), "{claim}");
        assert_eq!(other.get(&format!("/devices/{device}")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(other.reveal(&device).await.status, StatusCode::NOT_FOUND);
        assert!(astrid.get("/devices").await.text.contains(MAC));
        assert_eq!(rows(&world, "people").await, 2);
    }
}

#[actix_web::test]
async fn s10_two_providers_with_the_same_sub_are_two_people() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut before = world.signed_in("astrid").await;
    assert!(before.get("/devices").await.text.contains(MAC));

    let second = Idp::start(world.env.clock.clone());
    second.person("astrid", &[]);
    let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    let world = world.restarted(|c| c.oidc = second.config(), Custody::open(ring));
    before.app = world.app.clone();
    assert_eq!(before.get("/devices").await.status, StatusCode::UNAUTHORIZED, "the old provider vouches for nobody any more");

    let mut browser = world.browser();
    let left = browser.get("/sign-in").await;
    let back = second.authorize(left.location(), "astrid");
    assert_eq!(browser.get(path_of(&back)).await.status, StatusCode::SEE_OTHER);
    assert!(!browser.get("/devices").await.text.contains(MAC));
    assert_eq!(browser.reveal(&device).await.status, StatusCode::NOT_FOUND);
    assert_eq!(rows(&world, "people").await, 2);
    assert_eq!(rows(&world, "login_bindings").await, 2, "the login is another one at each");
}

#[actix_web::test]
async fn s12_userinfo_of_somebody_else_signs_nobody_in() {
    let world = World::new().await;
    world.idp.set(|b| b.only_in_userinfo = vec!["groups", "preferred_username"]);
    for sub in [Some(json!("sub-kim")), Some(json!("")), None] {
        world.idp.set(|b| drop(b.userinfo.insert("sub".into(), sub)));
        let mut browser = world.browser();
        let back = leave(&world, &mut browser, "astrid").await;
        let asked = world.idp.fetches("/userinfo");
        assert_refused(&world, &mut browser, path_of(&back), "provider_answer").await;
        assert_eq!(world.idp.fetches("/userinfo"), asked + 1);
    }
    assert_eq!((rows(&world, "people").await, rows(&world, "login_bindings").await), (0, 0));
    world.idp.set(|b| b.userinfo.clear());
    assert_eq!(world.browser().sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn s13_the_answer_must_name_its_issuer() {
    let world = World::new().await;
    let good = world.idp.issuer().to_owned();
    for iss in [Some("https://evil.example.com".to_owned()), Some(format!("{good}/")), Some(String::new()), None] {
        world.idp.set(|b| b.response_iss = iss);
        let mut browser = world.browser();
        let back = leave(&world, &mut browser, "astrid").await;
        assert_refused(&world, &mut browser, path_of(&back), "provider_answer").await;
    }
    assert_eq!(world.idp.fetches("/token"), 0, "no code is given to anybody");
    let world = World::new().await;
    world.idp.set(|b| {
        b.response_iss = None;
        b.metadata.insert("authorization_response_iss_parameter_supported".into(), None);
    });
    assert_eq!(world.browser().sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER, "not promised, not demanded");
}
