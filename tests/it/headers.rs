//! Headers that hold of every answer: policy, caching, transport, methods.

use actix_web::http::{Method, StatusCode};
use keyharbor::service::custody::Custody;
use keyharbor::web::{Admits, ROUTES};

use crate::fixed::START;
use crate::sweep::{Scene, is_bare, is_html, is_machines};
use crate::world::{Answer, KEY, World};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

fn directive<'a>(policy: &'a str, name: &str) -> Vec<&'a str> {
    let found = policy.split(';').map(str::trim).find(|d| d.split(' ').next() == Some(name));
    found.unwrap_or_else(|| panic!("no {name}")).split_whitespace().skip(1).collect()
}

pub fn policy_holds(answer: &Answer, place: &str) {
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{place}: no policy"));
    assert!(["'none'", "'self'"].contains(&directive(policy, "default-src")[0]), "{place}");
    assert!(
        !policy.contains("unsafe-") && !policy.contains("data:") && !policy.contains("http") && !policy.contains('*'),
        "{place}: {policy}"
    );
    for (name, only) in [("object-src", "'none'"), ("base-uri", "'none'"), ("form-action", "'self'"), ("frame-ancestors", "'none'")] {
        assert_eq!(directive(policy, name), [only], "{place}");
    }
    assert_eq!(directive(policy, "require-trusted-types-for"), ["'script'"], "{place}");
    assert_eq!(directive(policy, "report-uri"), ["/csp-report"], "{place}");
    assert_eq!(answer.headers.get_all("content-security-policy").count(), 1, "{place}");
}

fn headers_hold(answer: &Answer, https: bool, place: &str) {
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ];
    for (name, value) in fixed {
        assert_eq!(answer.header(name), Some(value), "{place}: {name}");
    }
    assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "{place}");
    let years = answer.header("strict-transport-security").and_then(|v| v.strip_prefix("max-age=")).map(|v| v.parse::<u64>().unwrap());
    assert_eq!(years.is_some_and(|s| s >= 31_536_000), https, "{place}: {years:?}");
}

/// Each route with each method, as each kind of caller.
async fn sweep(scene: &mut Scene, mut look: impl FnMut(&str, &Answer)) {
    let same_origin =
        [("origin", crate::world::ORIGIN), ("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    for path in Scene::resources().into_keys() {
        let address = scene.address(path);
        for method in METHODS.map(|m| Method::from_bytes(m.as_bytes()).unwrap()) {
            let place = format!("{method} {path}");
            look(&format!("{place}, nobody"), &scene.world.raw(method.clone(), &address, &[], "").await);
            if is_machines(path) {
                look(&format!("{place}, token"), &scene.machine(method, path, &[], "{}").await);
            } else if path != "/auth/callback" {
                for (who, browser) in [("owner", &mut scene.astrid), ("desk", &mut scene.kim), ("auditor", &mut scene.eva)] {
                    // Without the token: nobody is signed out half-way.
                    look(&format!("{place}, {who}"), &browser.request(method.clone(), &address, &same_origin, String::new()).await);
                }
            }
        }
    }
}

#[actix_web::test]
async fn s26_s28_every_answer_of_every_route_has_its_headers() {
    let mut scene = Scene::new().await;
    let mut pages = std::collections::BTreeMap::<u16, usize>::new();
    sweep(&mut scene, |place, answer| {
        headers_hold(answer, true, place);
        if is_html(answer) {
            policy_holds(answer, place);
            *pages.entry(answer.status.as_u16()).or_default() += 1;
        }
        assert!(answer.header("access-control-allow-origin").is_none(), "{place}");
        assert!(answer.status.as_u16() < 500 || place.starts_with("GET /sign-in"), "{place}: {}", answer.status);
    })
    .await;
    for status in [200, 400, 401, 403, 404, 405] {
        assert!(pages.contains_key(&status), "no page with {status} was seen: {pages:?}");
    }
    for path in ["/no-such-page", "/devices/not-an-id", "/%ff", "/devices/%00", "/reveals/x?text=a&text=b", "/trail?before=x"] {
        let answer = scene.eva.get(path).await;
        assert!(answer.status.is_client_error() && is_html(&answer), "{path}: {}", answer.status);
        policy_holds(&answer, path);
        headers_hold(&answer, true, path);
    }
}

#[actix_web::test]
async fn s26_s28_answers_of_a_sealed_server_and_of_a_lost_database_have_them_too() {
    let mut scene = Scene::new().await;
    scene.world.fresh.store.close().await;
    let mut failed = 0;
    for path in ["/devices", "/desk", "/trail", "/reveals/x"] {
        let answer = scene.eva.get(path).await;
        assert!(answer.status.is_server_error() && is_html(&answer), "{path}: {}", answer.status);
        policy_holds(&answer, path);
        headers_hold(&answer, true, path);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        failed += 1;
    }
    assert_eq!(failed, 4);

    let sealed = World::new().await.restarted(|_| {}, Custody::sealed(START));
    for (path, methods) in Scene::resources() {
        let address = path.replace(['{', '}'], "").replace(":.*", "");
        let answer = sealed.raw(methods[0].parse().unwrap(), &address, &[], "").await;
        headers_hold(&answer, true, path);
        if !is_bare(path) {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
        if is_html(&answer) {
            policy_holds(&answer, path);
        }
    }
}

#[actix_web::test]
async fn s26_s28_refusals_of_every_kind_have_them_too() {
    let mut scene = Scene::of(World::with(|c| (c.reveal.max_renewals_owner, c.reveal.per_minute) = (0, 2)).await).await;
    let grant = format!("/reveals/{}", scene.grant);
    let mut answers = vec![
        (409, scene.astrid.post(&format!("{grant}/renew"), &[]).await),
        (421, scene.world.raw(Method::GET, "/help", &[("host", "evil.example")], "").await),
        (422, scene.kim.desk_reveal(&scene.device, &[("reason", "other"), ("reason_text", " ")]).await),
    ];
    assert_eq!(scene.astrid.reveal(&scene.device).await.status, StatusCode::SEE_OTHER, "the second of two");
    answers.push((429, scene.astrid.reveal(&scene.device).await));
    answers.push((400, scene.astrid.get("/auth/callback?code=x").await));
    for (status, answer) in &answers {
        assert_eq!((answer.status.as_u16(), is_html(answer)), (*status, true), "{}", answer.text);
        policy_holds(answer, &status.to_string());
        headers_hold(answer, true, &status.to_string());
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{status}");
    }
}

#[actix_web::test]
async fn s28_strict_transport_security_goes_with_https_alone() {
    let world = World::with(|c| c.server.public_url = "http://localhost:8080".into()).await;
    let cases = [("/", 200), ("/language/sv", 303), ("/devices", 401), ("/nothing", 404), ("/static/ttl-5.css", 200), ("/healthz", 200)];
    for (path, status) in cases {
        let answer = world.raw(Method::GET, path, &[("host", "localhost:8080")], "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        headers_hold(&answer, false, path);
    }
    let sealed = world.restarted(|_| {}, Custody::sealed(START));
    let answer = sealed.raw(Method::GET, "/", &[("host", "localhost:8080")], "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    headers_hold(&answer, false, "sealed");
}

#[actix_web::test]
async fn s29_nothing_that_a_signed_in_person_or_a_machine_gets_is_kept() {
    let mut scene = Scene::new().await;
    sweep(&mut scene, |place, answer| {
        let kept = answer.header("cache-control").unwrap_or_else(|| panic!("{place}: no cache-control"));
        let file = ["GET /static/", "HEAD /static/"].iter().any(|start| place.starts_with(start)) && answer.status == StatusCode::OK;
        assert_eq!(kept, if file { "public, max-age=31536000, immutable" } else { "no-store" }, "{place}");
        assert_eq!(answer.headers.get_all("cache-control").count(), 1, "{place}");
    })
    .await;
    let shown = scene.astrid.get(&format!("/reveals/{}", scene.grant)).await;
    assert_eq!(shown.key().as_deref(), Some(KEY));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn s30_a_key_is_asked_for_by_post_alone_and_stands_in_the_body_alone() {
    let mut scene = Scene::new().await;
    let press = [
        format!("/devices/{}/reveal", scene.device),
        format!("/desk/devices/{}/reveal", scene.device),
        format!("/reveals/{}/renew", scene.grant),
        format!("/reveals/{}/hide", scene.grant),
    ];
    for path in &press {
        for method in [Method::GET, Method::HEAD] {
            for browser in [&mut scene.astrid, &mut scene.kim] {
                let answer = browser.request(method.clone(), path, &[], String::new()).await;
                assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")), "{method} {path}");
                assert!(answer.key().is_none());
            }
        }
    }
    assert_eq!(scene.world.count(keyharbor::domain::EventKind::RevealGranted).await, 1, "only the scene's own");
    let forms = ["AAAA", "aaaa-bbbb", "AAAABBBB", "FFF2"];
    let granted = scene.astrid.reveal(&scene.device).await;
    let address = granted.location().to_owned();
    let shown = scene.astrid.get(&address).await;
    let renewed = scene.astrid.post(&format!("{address}/renew"), &[]).await;
    let hidden = scene.astrid.post(&format!("{}/hide", renewed.location()), &[]).await;
    let desk = scene.kim.desk_reveal(&scene.device, &[]).await;
    for answer in [&granted, &shown, &renewed, &hidden, &desk] {
        let lines = answer.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect::<Vec<_>>().join("\n");
        assert!(forms.iter().all(|f| !lines.contains(f)), "{lines}");
        assert!(!answer.status.is_redirection() || answer.text.is_empty());
    }
    assert_eq!(shown.key().as_deref(), Some(KEY));
    let (_, title) = shown.text.split_once("<title>").unwrap();
    let (title, body) = title.split_once("</title>").unwrap();
    assert!(forms.iter().all(|f| !title.contains(f)), "{title}");
    // In no attribute: neither a link, nor a field's value, nor data for the script.
    for value in body.split('"').skip(1).step_by(2) {
        assert!(forms.iter().all(|f| !value.contains(f)), "{value}");
    }
}

#[actix_web::test]
async fn s36_other_methods_are_405_with_allow_on_every_route() {
    let mut scene = Scene::new().await;
    let mut seen = 0;
    for (path, taken) in Scene::resources() {
        let address = scene.address(path);
        for method in METHODS.into_iter().chain(["CONNECT", "PROPFIND"]).filter(|m| !taken.contains(m)) {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let headers: &[(&str, &str)] = if method == Method::POST { &[("origin", crate::world::ORIGIN)] } else { &[] };
            let answer = scene.astrid.request(method.clone(), &address, headers, String::new()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), Some(taken.join(", ").as_str()), "{method} {path}");
            seen += 1;
        }
    }
    assert!(seen > 9 * Scene::resources().len());
}

#[actix_web::test]
async fn s37_no_other_site_may_read_an_answer() {
    let mut scene = Scene::new().await;
    for route in ROUTES.iter().filter(|r| r.admits != Admits::Agent) {
        let origin = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
        for method in ["OPTIONS", route.method] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = scene.astrid.request(method, &scene.address(route.path), &origin, String::new()).await;
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{}", route.path);
        }
    }
}
