//! Sessions through the whole application: S14, S18, S19, S25.

use actix_web::http::{Method, StatusCode};
use keyharbor::crypto::Purpose;
use keyharbor::domain::{Attested, EventKind};
use keyharbor::service::custody::open_ring;
use keyharbor::store::Engine;
use sha2::{Digest, Sha256};

use crate::dump::{dump, holds};
use crate::locks::commit_when_awaited;
use crate::world::{HOST, KEY, World, path_of};

const SESSION: &str = "__Host-keyharbor";

async fn rows(world: &World, table: &str) -> u64 {
    world.sql(&format!("UPDATE {table} SET id = id")).await
}

/// What this cookie is worth: the status of a page that needs a session.
async fn worth(world: &World, cookie: &str) -> StatusCode {
    let mut browser = world.browser();
    browser.jar.insert(SESSION.into(), cookie.into());
    browser.get("/devices").await.status
}

#[actix_web::test]
async fn s14_a_planted_session_id_is_never_adopted() {
    for world in World::both().await {
        let planted = "ab".repeat(32);
        let mut browser = world.browser();
        browser.jar.insert(SESSION.into(), planted.clone());
        assert_eq!(browser.get("/devices").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.jar[SESSION], planted, "nothing is given before the sign-in");
        assert_eq!(browser.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
        assert_ne!(browser.jar[SESSION], planted);
        assert_eq!(browser.get("/devices").await.status, StatusCode::OK);
        assert_eq!(worth(&world, &planted).await, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn s14_a_planted_session_of_somebody_else_ends_when_the_victim_signs_in() {
    let world = World::new().await;
    let mut mallory = world.signed_in("berit").await;
    let planted = mallory.jar[SESSION].clone();
    let mut victim = world.browser();
    victim.jar.insert(SESSION.into(), planted.clone());
    assert_eq!(victim.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
    assert_ne!(victim.jar[SESSION], planted);
    assert_eq!(mallory.get("/devices").await.status, StatusCode::UNAUTHORIZED);
    assert!(victim.get("/help").await.text.contains("astrid Test"));
    assert_eq!(rows(&world, "sessions").await, 1);
    let ended = world.trail().await.into_iter().find(|r| r.event.kind == EventKind::SessionEnded).unwrap().event;
    assert!(ended.detail.starts_with("signed_in_again line "));
    assert_eq!(ended.personal.login.as_deref(), Some("berit"));
}

#[actix_web::test]
async fn s14_the_id_changes_at_every_sign_in_and_the_old_one_is_dead() {
    let world = World::new().await;
    let mut astrid = world.signed_in("astrid").await;
    let first = astrid.jar[SESSION].clone();
    astrid.sign_in(&world, "astrid").await;
    assert_ne!(astrid.jar[SESSION], first);
    assert_eq!(worth(&world, &first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(worth(&world, &astrid.jar[SESSION]).await, StatusCode::OK);
}

#[actix_web::test]
async fn s14_the_session_line_survives_a_step_up_and_ends_with_the_sign_out() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        world.clock.advance_seconds(200);
        let grant = astrid.reveal(&device).await.location().to_owned();
        world.clock.advance_seconds(100);
        let page = astrid.reveal(&device).await;
        let old = astrid.jar[SESSION].clone();
        let back = astrid.step_up(&world, &page, "astrid").await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
        assert_ne!(astrid.jar[SESSION], old);
        assert_eq!(worth(&world, &old).await, StatusCode::UNAUTHORIZED);
        assert_eq!(rows(&world, "sessions").await, 1);
        assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY), "the grant is of the line, and the line is the same");

        astrid.post("/sign-out", &[]).await;
        astrid.sign_in(&world, "astrid").await;
        assert_eq!(astrid.get(&grant).await.key(), None, "another line");
        let renewed = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
        assert_eq!(astrid.get(&renewed).await.key(), None);
    }
}

#[actix_web::test]
async fn s14_a_line_that_was_ended_opens_no_grant() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let (mut astrid, mut other) = (world.signed_in("astrid").await, world.signed_in("astrid").await);
        let grant = astrid.reveal(&device).await.location().to_owned();
        assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
        let info = keyharbor::service::RequestInfo::none(&world.env);
        let line = world.service.authenticate(&astrid.jar[SESSION], &info).await.unwrap().unwrap().line();
        let mut tx = world.fresh.store.write().await.unwrap();
        assert_eq!(tx.delete_line(line).await.unwrap(), 1);
        tx.commit_unrecorded().await.unwrap();
        let viewed = world.count(EventKind::RevealViewed).await;
        for answer in [astrid.get(&grant).await, astrid.post(&format!("{grant}/renew"), &[]).await] {
            assert_eq!((answer.status, answer.key()), (StatusCode::UNAUTHORIZED, None), "{}", answer.text);
        }
        assert_eq!((world.count(EventKind::RevealViewed).await, world.count(EventKind::RevealRenewed).await), (viewed, 0));
        assert_eq!(other.get("/devices").await.status, StatusCode::OK, "her other browser goes on");
        assert_eq!(other.get(&grant).await.key(), None);
    }
}

#[actix_web::test]
async fn s18_sign_out_is_a_form_of_ours() {
    let world = World::new().await;
    let mut astrid = world.signed_in("astrid").await;
    assert_eq!(astrid.get("/sign-out").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(astrid.post_raw("/sign-out", String::new()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(astrid.post_raw("/sign-out", format!("csrf={}", "0".repeat(74))).await.status, StatusCode::FORBIDDEN);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example.com")];
    let csrf = astrid.get("/help").await.csrf().unwrap();
    let foreign = astrid.request(Method::POST, "/sign-out", &form, format!("csrf={csrf}")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "the session lives");
}

#[actix_web::test]
async fn s18_sign_out_ends_session_grants_and_cookie() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        let old = astrid.jar[SESSION].clone();
        let out = astrid.post("/sign-out", &[]).await;
        assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, "/signed-out"));
        assert_eq!(out.header("clear-site-data"), Some(r#""cache", "storage""#));
        let cookie = out.headers.get_all("set-cookie").map(|v| v.to_str().unwrap()).find(|l| l.starts_with("__Host-keyharbor=")).unwrap();
        assert!(cookie.starts_with("__Host-keyharbor=;") && cookie.contains("Max-Age=0"), "{cookie}");
        assert_eq!(rows(&world, "sessions").await, 0);
        assert_eq!(world.last().await.event.kind, EventKind::SignOut);
        astrid.jar.insert(SESSION.into(), old);
        for path in ["/devices", &grant] {
            let answer = astrid.get(path).await;
            assert_eq!((answer.status, answer.key()), (StatusCode::UNAUTHORIZED, None), "{path}");
        }
        assert_eq!(astrid.post(&format!("{grant}/renew"), &[]).await.status, StatusCode::UNAUTHORIZED);

        let page = astrid.get("/signed-out").await;
        let link = crate::world::link_to_provider(&page, world.idp.issuer());
        let url = url::Url::parse(&link).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let back = "https://keys.example.com/signed-out";
        let wanted = [("client_id", "keyharbor"), ("post_logout_redirect_uri", back), ("state", "there")];
        assert_eq!(pairs, wanted.map(|(n, v)| (n.to_owned(), v.to_owned())), "by client_id alone");
        assert_eq!(url.path(), "/end-session");
        let after = astrid.get("/signed-out?state=there").await;
        assert!(after.text.contains("You are signed out of") && !after.text.contains(world.idp.issuer()), "{}", after.text);
    }
}

#[actix_web::test]
async fn s19_a_session_ends_after_fifteen_idle_minutes() {
    for world in World::both().await {
        let mut astrid = world.signed_in("astrid").await;
        for idle in [899, 899, 899] {
            world.clock.advance_seconds(idle);
            assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
        }
        world.clock.advance_seconds(900);
        assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(rows(&world, "sessions").await, 0);
        world.clock.advance_seconds(-60);
        assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED, "it does not come back");
    }
}

#[actix_web::test]
async fn s19_last_seen_moves_at_most_once_a_minute() {
    for world in World::both().await {
        let mut astrid = world.signed_in("astrid").await;
        let start = world.env.now().0;
        let seen = async |at: i64| world.sql(&format!("UPDATE sessions SET last_seen = last_seen WHERE last_seen = {}", at)).await;
        world.clock.advance_seconds(59);
        astrid.get("/devices").await;
        assert_eq!(seen(start).await, 1);
        world.clock.advance_seconds(1);
        astrid.get("/devices").await;
        assert_eq!(seen(start + 60_000_000).await, 1);
        // So the last 59 seconds did not count: fifteen minutes run from the move.
        world.clock.advance_seconds(59);
        astrid.get("/devices").await;
        world.clock.advance_seconds(900 - 59);
        assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn s19_a_session_ends_after_eight_hours_whatever_happens() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        for _ in 0..35 {
            world.clock.advance_seconds(800);
            assert_eq!(astrid.get("/help").await.status, StatusCode::OK);
            assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
        }
        // A step-up renews the proof, not the session's life.
        let page = astrid.reveal(&device).await;
        assert_eq!(astrid.step_up(&world, &page, "astrid").await.status, StatusCode::SEE_OTHER);
        world.clock.advance_seconds(28_800 - 35 * 800 - 1);
        assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
        world.clock.advance_seconds(1);
        assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn s19_limits_are_settings_and_what_is_over_is_swept() {
    let world = World::with(|c| (c.sessions.idle_minutes, c.sessions.absolute_hours) = (2, 1)).await;
    let mut astrid = world.signed_in("astrid").await;
    world.signed_in("berit").await;
    world.clock.advance_seconds(119);
    world.service.sweep().await.unwrap();
    assert_eq!(rows(&world, "sessions").await, 2);
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
    world.clock.advance_seconds(2);
    world.service.sweep().await.unwrap();
    assert_eq!(rows(&world, "sessions").await, 1, "Berit's is idle");
    world.clock.advance_seconds(120);
    assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn s19_the_cookie_says_nothing_of_its_end() {
    let world = World::new().await;
    let mut browser = world.browser();
    let answer = browser.sign_in(&world, "astrid").await;
    let line = answer.header("set-cookie").unwrap().to_lowercase();
    assert!(line.starts_with("__host-keyharbor=") && !line.contains("max-age") && !line.contains("expires"), "{line}");
}

#[actix_web::test]
async fn s42_a_session_that_ends_while_it_is_looked_up_is_nobodys() {
    for ends in [true, false] {
        let world = World::on(Engine::Postgres, |_| {}).await;
        let mut astrid = world.signed_in("astrid").await;
        world.clock.advance_seconds(60);
        let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        let hash = ring.token_hash(Purpose::Session, astrid.jar[SESSION].as_bytes());
        let mut other = world.fresh.store.write().await.unwrap();
        let row = other.session_by_hash(&hash).await.unwrap().unwrap();
        let old_mac = row.mac().to_vec();
        let mut session = row.check(&ring).unwrap();
        if ends {
            assert_eq!(other.delete_line(session.line).await.unwrap(), 1);
        } else {
            session.last_seen = world.env.now();
            assert!(other.replace_session(session.id, &old_mac, &Attested::sign(session, &ring)).await.unwrap());
        }
        let (answer, ()) = tokio::join!(astrid.get("/devices"), commit_when_awaited(&world, other));
        assert_eq!(answer.status, if ends { StatusCode::UNAUTHORIZED } else { StatusCode::OK });
        assert_eq!(rows(&world, "sessions").await, u64::from(!ends));
    }
}

#[actix_web::test]
async fn s25_a_dump_of_the_database_holds_no_session_id_and_no_bare_hash_of_one() {
    for world in World::both().await {
        let mut browser = world.browser();
        let left = browser.get("/sign-in").await;
        let back = world.idp.authorize(left.location(), "astrid");
        let state = url::Url::parse(&back).unwrap().query_pairs().find(|(n, _)| n == "state").unwrap().1.into_owned();
        let open = dump(&world).await;
        let transaction = browser.jar["__Host-keyharbor-signin"].clone();
        browser.get(path_of(&back)).await;
        let cookie = browser.jar[SESSION].clone();
        assert!(cookie.len() == 64 && cookie.bytes().all(|b| b.is_ascii_hexdigit()), "256 bits");
        let signed_in = dump(&world).await;
        let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        for (dump, secret, purpose) in
            [(&signed_in, &cookie, Purpose::Session), (&open, &transaction, Purpose::SignInBrowser), (&open, &state, Purpose::SignInState)]
        {
            assert!(
                holds(dump, &ring.token_hash(purpose, secret.as_bytes())),
                "{purpose:?}: the keyed hash must be found, or this looks in vain"
            );
            let raw: Vec<u8> = (0..secret.len() / 2).filter_map(|i| u8::from_str_radix(secret.get(2 * i..2 * i + 2)?, 16).ok()).collect();
            for bytes in [secret.as_bytes(), raw.as_slice()].into_iter().filter(|b| b.len() >= 32) {
                assert!(!holds(dump, bytes), "{purpose:?}: the value itself");
                assert!(!holds(dump, &Sha256::digest(bytes)), "{purpose:?}: its SHA-256");
            }
        }
    }
}

#[actix_web::test]
async fn s25_no_two_sessions_have_one_id() {
    let world = World::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let mut browser = world.signed_in("astrid").await;
        assert!(seen.insert(browser.jar[SESSION].clone()));
        assert!(seen.insert(browser.jar["__Host-keyharbor-signin"].clone()));
        assert!(!browser.get("/help").await.text.contains(&browser.jar[SESSION]), "no page repeats it");
    }
    assert_eq!(world.raw(Method::GET, "/devices", &[("host", HOST)], "").await.status, StatusCode::UNAUTHORIZED);
}
