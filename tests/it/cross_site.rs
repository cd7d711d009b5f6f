//! Forms that other sites post, hosts that are not ours, addresses that strangers claim.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::web::{Admits, ROUTES};

use crate::sweep::{Scene, is_bare};
use crate::world::{Browser, ORIGIN, World};

const FORM: &str = "application/x-www-form-urlencoded";

/// The forms of ours, each with an address that exists and its fields but for the token.
fn forms(scene: &Scene) -> Vec<(String, &'static str)> {
    let desk = "&ticket=INC001&reason=forgot_password&reason_text=&identity=called+back&version=";
    let token = "&id=0123456789abcdef&name=MDM&escrow_write=on&door=header&trust=proven&devices=&expires=90d";
    let fields = |path: &str| match path {
        p if p.starts_with("/desk/") => desk,
        "/trail/export" => "&format=csv",
        "/admin/tokens" => token,
        _ => "",
    };
    let of = |path: &'static str| (scene.address(path), fields(path));
    let paths: Vec<_> = ROUTES.iter().filter(|r| r.method == "POST" && r.admits == Admits::Person).map(|r| r.path).collect();
    assert_eq!(paths.len(), 9, "a form that this test does not know: {paths:?}");
    paths.into_iter().map(of).collect()
}

/// What nothing refused may change: grants, sessions, hidden pages.
async fn state(world: &World) -> Vec<usize> {
    let kinds = [
        EventKind::RevealGranted,
        EventKind::RevealRenewed,
        EventKind::RevealHidden,
        EventKind::SignOut,
        EventKind::TrailExported,
        EventKind::TokenCreated,
        EventKind::TokenRevoked,
        EventKind::SessionEnded,
    ];
    let mut counts = Vec::new();
    for kind in kinds {
        counts.push(world.count(kind).await);
    }
    counts
}

/// Posts; it must be a 403 with one new row of that person.
async fn refused(world: &World, browser: &mut Browser, person: &str, path: &str, headers: &[(&str, &str)], body: &str, word: &str) {
    let (before, state_before) = (world.trail().await.len(), state(world).await);
    let answer = browser.request(Method::POST, path, headers, body.to_owned()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?} {body}");
    assert!(answer.key().is_none());
    let rows = world.trail().await;
    assert_eq!(rows.len(), before + 1, "{path} {headers:?}: one row");
    let event = &rows.last().unwrap().event;
    assert_eq!((event.kind, event.detail.as_str()), (EventKind::AccessRefused, word), "{path} {headers:?}");
    let Actor::Person(who) = &event.actor else { panic!("{path} {headers:?}: {:?}", event.actor) };
    assert_eq!(who.subject, format!("sub-{person}"));
    assert!(event.request.is_some() && event.personal.address.is_some());
    assert_eq!(state(world).await, state_before, "{path} {headers:?}");
}

#[actix_web::test]
async fn s31_a_form_without_the_tokens_of_its_own_session_line_is_refused() {
    let mut scene = Scene::new().await;
    let of_kim = scene.kim.get("/help").await.csrf().unwrap();
    let mut second = scene.world.signed_in("astrid").await;
    let of_the_second = second.get("/help").await.csrf().unwrap();
    let own = scene.astrid.get("/help").await.csrf().unwrap();
    assert_ne!(own, of_the_second);
    let same = [("content-type", FORM), ("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
    let (first, rest) = own.split_at(own.len() - 1);
    let wrong_end = format!("{first}{}", if rest == "0" { "1" } else { "0" });
    for (path, more) in forms(&scene) {
        for token in ["", of_kim.as_str(), of_the_second.as_str(), wrong_end.as_str(), first] {
            refused(&scene.world, &mut scene.astrid, "astrid", &path, &same, &format!("csrf={token}{more}"), "csrf").await;
        }
        let none = more.trim_start_matches('&');
        refused(&scene.world, &mut scene.astrid, "astrid", &path, &same, none, "csrf").await;
    }
}

#[actix_web::test]
async fn s31_a_form_from_another_place_is_refused_with_the_right_token_too() {
    let mut scene = Scene::new().await;
    let own = scene.astrid.get("/help").await.csrf().unwrap();
    let port = format!("{ORIGIN}:8443");
    let origins = ["null", "https://evil.example", "http://keys.example.com", "https://keys.example.com.evil.example", port.as_str(), ""];
    let mut cases: Vec<Vec<(&str, &str)>> = vec![vec![("content-type", FORM)]];
    for site in ["cross-site", "same-site", "none", "", "SAME-ORIGIN"] {
        cases.push(vec![("content-type", FORM), ("origin", ORIGIN), ("sec-fetch-site", site)]);
        cases.push(vec![("content-type", FORM), ("sec-fetch-site", site)]);
    }
    for origin in origins {
        cases.push(vec![("content-type", FORM), ("origin", origin), ("sec-fetch-site", "same-origin")]);
        cases.push(vec![("content-type", FORM), ("origin", origin)]);
    }
    for (path, more) in forms(&scene) {
        for headers in &cases {
            refused(&scene.world, &mut scene.astrid, "astrid", &path, headers, &format!("csrf={own}{more}"), "cross_site").await;
        }
    }
    // Nobody's attempt is a row too, and costs no session look-up.
    let evil = [("content-type", FORM), ("origin", "https://evil.example")];
    let answer = scene.world.raw(Method::POST, "/sign-out", &evil, "csrf=x").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let event = scene.world.last().await.event;
    assert_eq!((event.kind, event.actor, event.detail.as_str()), (EventKind::AccessRefused, Actor::Anonymous, "cross_site"));
}

#[actix_web::test]
async fn s31_only_the_type_of_a_form_of_ours_is_read() {
    let mut scene = Scene::new().await;
    let own = scene.astrid.get("/help").await.csrf().unwrap();
    for (path, more) in forms(&scene) {
        for kind in
            ["text/plain", "application/json", "multipart/form-data; boundary=x", "text/plain; application/x-www-form-urlencoded", ""]
        {
            let headers = [("content-type", kind), ("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
            let json = format!("{{\"csrf\":\"{own}\"}}");
            for body in [format!("csrf={own}{more}"), json] {
                refused(&scene.world, &mut scene.astrid, "astrid", &path, &headers, &body, "form_type").await;
            }
        }
    }
}

#[actix_web::test]
async fn s31_what_browsers_send_with_our_own_forms_passes() {
    for headers in [
        vec![("content-type", FORM), ("origin", ORIGIN), ("sec-fetch-site", "same-origin")],
        vec![("content-type", "application/x-www-form-urlencoded; charset=UTF-8"), ("origin", ORIGIN)],
        vec![("content-type", FORM), ("sec-fetch-site", "same-origin")],
    ] {
        let mut scene = Scene::new().await;
        let mut all = forms(&scene);
        // Signing out comes last.
        all.rotate_left(1);
        assert_eq!(all.last().unwrap().0, "/sign-out");
        for (path, more) in &all {
            let (browser, status) = match path.as_str() {
                "/trail/export" => (&mut scene.eva, StatusCode::OK),
                // The page of a new token is the answer itself: no address may lead to it.
                "/admin/tokens" => (&mut scene.ola, StatusCode::OK),
                p if p.starts_with("/admin/") => (&mut scene.ola, StatusCode::SEE_OTHER),
                p if p.starts_with("/desk/") => (&mut scene.kim, StatusCode::SEE_OTHER),
                _ => (&mut scene.astrid, StatusCode::SEE_OTHER),
            };
            let own = browser.get("/help").await.csrf().unwrap();
            let answer = browser.request(Method::POST, path, &headers, format!("csrf={own}{more}")).await;
            assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.text);
        }
    }
}

const CLAIMS: [(&str, &str); 7] = [
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-host", "evil.example"),
    ("x-original-url", "//evil.example"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-prefix", "/evil.example"),
    ("forwarded", "host=evil.example;proto=http;for=198.51.100.1"),
];

#[actix_web::test]
async fn s34_addresses_are_made_from_the_public_url_whatever_a_request_claims() {
    let mut scene = Scene::new().await;
    scene.astrid.headers = CLAIMS.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let leave = scene.world.raw(Method::GET, "/sign-in?return_to=//evil.example/", &CLAIMS, "").await;
    assert_eq!(leave.status, StatusCode::SEE_OTHER);
    let url = url::Url::parse(leave.location()).unwrap();
    assert_eq!(url.origin().ascii_serialization(), scene.world.idp.issuer());
    let redirect: Vec<_> = url.query_pairs().filter(|(n, _)| n == "redirect_uri").map(|(_, v)| v.into_owned()).collect();
    assert_eq!(redirect, [format!("{ORIGIN}/auth/callback")]);
    for path in ["/", "/help", "/devices", "/status", "/signed-out", "/nothing", "/language/sv?return_to=//evil.example"] {
        let answer = scene.astrid.get(path).await;
        let text = format!("{}{:?}", answer.text, answer.headers);
        assert!(!text.contains("evil.example"), "{path}: {text}");
        assert!(answer.location().is_empty() || answer.location().starts_with('/'), "{path}: {}", answer.location());
    }
    // The step-up goes there and back by the same address.
    scene.world.clock.advance_seconds(400);
    let page = scene.astrid.reveal(&scene.device).await;
    let link = crate::world::link_to_provider(&page, scene.world.idp.issuer());
    assert!(link.contains("redirect_uri=https%3A%2F%2Fkeys.example.com%2Fauth%2Fcallback"), "{link}");
}

#[actix_web::test]
async fn s34_a_host_that_is_not_ours_gets_nothing() {
    let scene = Scene::new().await;
    let bearer = format!("Bearer {}", scene.bearer);
    for host in ["evil.example", "keys.example.com.evil.example", "keys.example.com:8443", "keys.example.com@evil.example", ""] {
        for route in ROUTES {
            let method: Method = route.method.parse().unwrap();
            let headers = [("host", host), ("authorization", bearer.as_str()), ("origin", ORIGIN)];
            let answer = scene.world.raw(method, &scene.address(route.path), &headers, "").await;
            assert_eq!(answer.status == StatusCode::MISDIRECTED_REQUEST, !is_bare(route.path), "{} {host}: {}", route.path, answer.status);
            assert!(!answer.text.contains("evil"), "{}", answer.text);
        }
    }
}

#[actix_web::test]
async fn s34_a_host_has_no_case_and_may_name_the_default_port() {
    let scene = Scene::new().await;
    let own = ORIGIN.strip_prefix("https://").unwrap();
    for host in [own.to_uppercase(), format!("{own}:443"), own.to_owned()] {
        assert_eq!(scene.world.raw(Method::GET, "/", &[("host", &host)], "").await.status, StatusCode::OK, "{host}");
    }
    for host in [format!("{own}:80"), format!("{own}:443:443"), format!("{own}.")] {
        assert_eq!(scene.world.raw(Method::GET, "/", &[("host", &host)], "").await.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
}

/// Refusals of nobody, each with a claimed address.
async fn knock(world: &World, claims: impl Iterator<Item = String>) {
    for claim in claims {
        let answer = world.raw(Method::GET, "/api/v1/devices/C02", &[("x-forwarded-for", &claim), ("forwarded", "for=6.6.6.6")], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

async fn rows(world: &World) -> Vec<String> {
    let all = world.trail().await;
    all.into_iter().filter(|r| r.event.kind == EventKind::AccessRefused).map(|r| r.event.personal.address.unwrap_or_default()).collect()
}

#[actix_web::test]
async fn s35_a_strangers_claim_changes_neither_trail_nor_throttle() {
    let world = World::new().await;
    knock(&world, (0..20).map(|i| format!("198.51.{i}.7"))).await;
    assert_eq!(rows(&world).await, vec!["192.0.2.20"; 5], "the peer's own, and five rows in all");
    world.clock.advance_seconds(60);
    world.service.sweep_throttle().await;
    let summary = world.last().await.event;
    assert_eq!((summary.kind, summary.detail.as_str()), (EventKind::RefusedSummary, "15 more refusals"));
    assert_eq!(summary.personal.address.as_deref(), Some("192.0.2.0/24"));
    // A known person's row has the peer's address as well.
    let mut astrid = world.signed_in("astrid").await;
    astrid.headers.push(("x-forwarded-for".into(), "203.0.113.9".into()));
    assert_eq!(astrid.get("/trail").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.last().await.event.personal.address.as_deref(), Some("192.0.2.10"));
}

#[actix_web::test]
async fn s35_behind_a_trusted_proxy_the_hop_from_the_right_counts() {
    let world = World::with(|c| c.server.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()]).await;
    knock(&world, (0..24).map(|i| format!("6.6.6.6, 198.51.{}.{i}", i % 3))).await;
    let seen = rows(&world).await;
    assert_eq!(seen.len(), 15, "five of each client's network: {seen:?}");
    assert!(seen.iter().all(|a| a.starts_with("198.51.")), "{seen:?}");
    let mut astrid = world.signed_in("astrid").await;
    astrid.headers.push(("x-forwarded-for".into(), "6.6.6.6, 203.0.113.9, 192.0.2.77".into()));
    astrid.get("/trail").await;
    assert_eq!(world.last().await.event.personal.address.as_deref(), Some("203.0.113.9"));
}
