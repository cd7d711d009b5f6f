//! What surrounds a sign-in, through the whole application: S20–S24. Where it leads to, what its pages say when the
//! provider is in trouble, and the cookies.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::idp::wire::Trouble;
use crate::world::{KEY, World, path_of};

const SESSION: &str = "__Host-keyharbor";
const TRANSACTION: &str = "__Host-keyharbor-signin";

/// How many rows a table has.
async fn rows(world: &World, table: &str) -> u64 {
    world.sql(&format!("UPDATE {table} SET id = id")).await
}

#[actix_web::test]
async fn s20_a_sign_in_leads_back_to_paths_of_ours_only() {
    let world = World::new().await;
    let long = format!("/{}", "a".repeat(8192));
    let bad =
        ["//e", "/\\e", "https:e", "/%09/e", "\t//e", "@e", "/a\r\nset-cookie: x=y", "/\u{2025}/e", "/\u{ff0f}e", &long, "/..//e", ""];
    for (text, to) in bad.into_iter().map(|t| (t, "/")).chain([("/desk?q=C02", "/desk?q=C02")]) {
        let mut browser = world.browser();
        let coded: String = byte_serialize(text.as_bytes()).collect();
        let left = browser.get(&format!("/sign-in?return_to={coded}")).await;
        let back = world.idp.authorize(left.location(), "astrid");
        let answer = browser.get(path_of(&back)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to), "{text:?}");
        let answer = browser.get(&format!("/language/sv?return_to={coded}")).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to), "{text:?}");
    }
}

#[actix_web::test]
async fn s20_no_key_stands_in_an_address_of_ours() {
    let world = World::new().await;
    for path in [format!("/desk?q={KEY}"), format!("/devices/{KEY}"), format!("/?{KEY}"), format!("/nowhere/{}", KEY.to_lowercase())] {
        let page = world.browser().get(&path).await;
        assert!(!page.text.to_uppercase().contains(KEY), "{path}: {}", page.text);
    }
    let answer = world.browser().get(&format!("/language/sv?return_to=/{KEY}")).await;
    assert_eq!(answer.location(), "/");
}

#[actix_web::test]
async fn s21_what_the_provider_says_in_html_is_not_repeated() {
    let world = World::new().await;
    let html = "<img src=x onerror=alert(1)>";
    for (error, description) in [("access_denied", html), (html, html), ("a\"><script>", "x"), (&"e".repeat(4000), html)] {
        world.idp.set(|b| b.error = Some((error.into(), description.into())));
        let mut browser = world.browser();
        let answer = browser.sign_in(&world, "astrid").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text.contains("Sign-in was stopped"), "{}", answer.text);
        for part in ["alert(1)", "onerror", "\"><script>", "access_denied", "eeee"] {
            assert!(!answer.text.contains(part), "{part}");
        }
        let row = world.last().await.event;
        assert_eq!((row.kind, row.detail.as_str()), (EventKind::SignInFailed, "provider_said_no"));
        assert!(!browser.jar.contains_key(SESSION));
    }
}

#[actix_web::test]
async fn s22_a_provider_in_trouble_is_a_calm_page_and_sessions_go_on() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let elsewhere = Trouble::Redirect(format!("{}/evil/token", world.idp.issuer()));
    let all =
        [Trouble::Status(500), Trouble::Html, Trouble::Big(64 << 20), Trouble::BigChunked(64 << 20), Trouble::Gzip(128 << 20), elsewhere];
    for trouble in all {
        world.idp.trouble("/token", Some(trouble.clone()));
        let mut browser = world.browser();
        let answer = browser.sign_in(&world, "berit").await;
        assert!([StatusCode::BAD_REQUEST, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status), "{trouble:?}");
        assert!(!answer.text.contains("alert(1)") && !answer.text.contains("BadResponse"), "{}", answer.text);
        assert!(!browser.jar.contains_key(SESSION));
        assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "{trouble:?}");
    }
    assert!(world.idp.bytes_sent() < 16 << 20, "{} bytes were read", world.idp.bytes_sent());
    assert_eq!(world.idp.fetches("/evil/token"), 0);
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
    assert_eq!(rows(&world, "sessions").await, 1);
}

#[actix_web::test]
async fn s22_while_the_provider_hangs_others_go_on() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    world.idp.trouble("/token", Some(Trouble::Hang));
    let mut berit = world.browser();
    let left = berit.get("/sign-in").await;
    let back = world.idp.authorize(left.location(), "berit");
    let fetched = world.idp.fetches("/token");
    let others = async {
        while world.idp.fetches("/token") == fetched {
            tokio::task::yield_now().await;
        }
        let granted = astrid.reveal(&device).await;
        let page = astrid.get(granted.location()).await;
        let left = world.browser().get("/sign-in").await;
        (page.key(), left.status)
    };
    tokio::select! {
        biased;
        answer = berit.get(path_of(&back)) => panic!("the others waited for it: {}", answer.status),
        done = others => assert_eq!(done, (Some(KEY.to_owned()), StatusCode::SEE_OTHER)),
    }
}

#[actix_web::test]
async fn s08_what_is_done_beside_the_server_brings_the_provider_back() {
    let world = World::new().await;
    let down = async || world.browser().get("/").await.text.contains("cannot be reached right now");
    world.idp.trouble_discovery(Some(Trouble::Status(503)));
    assert!(world.service.discover_provider().await.is_err() && world.service.provider_is_down());
    assert!(down().await);
    assert!(world.service.discover_provider().await.is_err(), "once more, in vain");
    assert!(down().await);
    world.idp.trouble_discovery(None);
    assert!(down().await, "nobody has asked since");
    // What the task beside the server calls every 20 s; nobody signs in.
    world.service.discover_provider().await.unwrap();
    assert!(!world.service.provider_is_down() && !down().await);
}

#[actix_web::test]
async fn s04_s35_a_network_begins_so_many_sign_ins_whatever_address_it_claims() {
    let world = World::new().await;
    let (mut left, mut neighbour) = (0, world.browser());
    // In turn from two addresses of one /24. The rate is of real time, so a slow machine is let through a little longer.
    let held = loop {
        let claim = format!("198.51.{}.{}", left % 256, left / 256);
        let claims = [("x-forwarded-for", claim.as_str()), ("forwarded", &claim)];
        neighbour.jar.clear();
        let answer = match left % 2 {
            0 => world.raw(Method::GET, "/sign-in", &claims, "").await,
            _ => neighbour.request(Method::GET, "/sign-in", &claims, String::new()).await,
        };
        if answer.status != StatusCode::SEE_OTHER {
            break answer;
        }
        left += 1;
        assert!(left < 450, "nobody was held");
    };
    assert_eq!(held.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=60).contains(&held.header("retry-after").unwrap().parse::<u64>().unwrap()), "{:?}", held.header("retry-after"));
    assert!(left >= 240, "a company behind one address may all sign in: {left}");
    assert_eq!(rows(&world, "sign_ins").await, left);
    let mut other = world.browser();
    other.peer = "203.0.113.9:40000".parse().unwrap();
    assert_eq!(other.get("/sign-in").await.status, StatusCode::SEE_OTHER);
}

proptest::proptest! {
    #[test]
    fn s20_no_text_leads_to_another_site(any in ".{0,60}", odd in r"[/\\]{0,3}[/\\.:@%?#a-c\t\r\n \u{ff0f}\u{2025}]{0,20}", long in "/[a/.]{500,600}") {
        let ours = url::Url::parse(crate::world::ORIGIN).unwrap();
        for text in [any.clone(), format!("/{any}"), odd, long] {
            let path = keyharbor::service::sign_in::safe_return(&text);
            let to = ours.join(&path).unwrap();
            proptest::prop_assert_eq!(to.origin(), ours.origin(), "{:?} led to {}", text, to);
            proptest::prop_assert!(path == "/" || path == text, "nothing but what was asked for: {:?}", path);
        }
    }
}

#[actix_web::test]
async fn s22_a_provider_that_is_down_is_said_on_the_page() {
    let world = World::new().await;
    world.idp.trouble_discovery(Some(Trouble::Status(503)));
    let mut browser = world.browser();
    let answer = browser.get("/sign-in").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.contains("Sign-in cannot be reached"), "{}", answer.text);
    assert!(browser.get("/").await.text.contains("cannot be reached right now"));
    world.idp.trouble_discovery(None);
    world.clock.advance_seconds(5);
    assert_eq!(browser.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
    assert!(!world.browser().get("/").await.text.contains("cannot be reached right now"));
}

#[actix_web::test]
async fn s22_every_failure_has_its_page_and_none_says_why() {
    let world = World::new().await;
    let token = |name: &str| world.idp.token_claim(name, Some(json!("wrong")));
    let lost = world.browser().get("/auth/callback?code=x&state=y").await;
    assert!(lost.text.contains("did not send back the cookie"), "{}", lost.text);
    for claim in ["iss", "aud", "nonce", "azp", "exp"] {
        token(claim);
        let answer = world.browser().sign_in(&world, "astrid").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{claim}");
        assert!(answer.text.contains("The sign-in could not be completed"), "{}", answer.text);
        assert!(!answer.text.contains(&format!("({claim})")) && !answer.text.contains("token"), "{}", answer.text);
        assert_eq!(world.last().await.event.detail, "token_refused");
        world.idp.set(|b| b.claims.clear());
        world.clock.advance_seconds(60);
    }
    // The keys are gone, and the code is good: refused, not let in unchecked.
    world.idp.rotate();
    world.idp.trouble("/jwks", Some(Trouble::Status(500)));
    let mut browser = world.browser();
    assert_eq!(browser.sign_in(&world, "astrid").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(rows(&world, "sessions").await, 0);
    world.idp.trouble("/jwks", None);
    world.clock.advance_seconds(60);
    assert_eq!(browser.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn s23_new_keys_at_the_provider_need_nobody_here() {
    let world = World::new().await;
    world.signed_in("astrid").await;
    assert_eq!(world.idp.fetches("/jwks"), 1);
    world.idp.rotate();
    world.signed_in("astrid").await;
    assert_eq!(world.idp.fetches("/jwks"), 2);
    world.signed_in("astrid").await;
    assert_eq!(world.idp.fetches("/jwks"), 2);
}

/// Every `Set-Cookie` of a browser's whole visit: sign-in, language, size of the text, step-up, sign-out.
async fn all_cookies(world: &World) -> Vec<String> {
    let device = world.astrids_mac().await;
    let mut browser = world.browser();
    let mut lines = Vec::new();
    let left = browser.get("/sign-in").await;
    let back = world.idp.authorize(left.location(), "astrid");
    let mut answers = vec![left, browser.get(path_of(&back)).await, browser.get("/language/sv").await];
    let grant = browser.reveal(&device).await;
    answers.push(browser.get(&format!("{}?text=large", grant.location())).await);
    world.clock.advance_seconds(300);
    let page = browser.reveal(&device).await;
    let back = browser.step_up(world, &page, "astrid").await;
    answers.extend([grant, page, back, browser.post("/sign-out", &[]).await]);
    for answer in &answers {
        lines.extend(answer.headers.get_all("set-cookie").map(|v| v.to_str().unwrap().to_owned()));
    }
    lines
}

#[actix_web::test]
async fn s24_every_cookie_is_bound_to_this_host_and_hidden_from_scripts() {
    let world = World::new().await;
    let lines = all_cookies(&world).await;
    let mut names: Vec<&str> = lines.iter().map(|l| l.split('=').next().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, [SESSION, "__Host-keyharbor-lang", TRANSACTION, "__Host-keyharbor-text"]);
    assert!(lines.len() >= 7, "{lines:?}");
    for line in lines {
        let parts: Vec<String> = line.split(';').skip(1).map(|p| p.trim().to_lowercase()).collect();
        for wanted in ["secure", "httponly", "samesite=lax", "path=/"] {
            assert!(parts.iter().any(|p| p == wanted), "{wanted}: {line}");
        }
        assert!(!parts.iter().any(|p| p.starts_with("domain")), "{line}");
    }
}
