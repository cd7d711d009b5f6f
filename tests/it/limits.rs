//! What a request may not be: too large, nested without end, encoded; and that no refusal repeats what was sent.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::web::{Admits, ROUTES};

use crate::sweep::{Scene, is_html, is_machines};
use crate::world::{Answer, MAC, ORIGIN, World};

const SMALL: usize = 64 * 1024;
const LARGE: usize = 1024 * 1024;
const MARKER: &str = "Zq9Marker";

/// The routes that read a body, each with its limit.
fn readers() -> Vec<(&'static str, &'static str, usize)> {
    ROUTES
        .iter()
        .filter(|r| ["POST", "PUT"].contains(&r.method))
        .map(|r| match r.path {
            "/api/v1/deposits" => (r.method, r.path, LARGE),
            "/csp-report" => (r.method, r.path, 8192),
            path => (r.method, path, SMALL),
        })
        .collect()
}

/// Sends a body as the caller who may.
async fn post(scene: &mut Scene, method: &str, path: &str, more: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let method: Method = method.parse().unwrap();
    if is_machines(path) || path == "/csp-report" {
        return scene.machine(method, path, more, body).await;
    }
    let own = scene.astrid.get("/help").await.csrf().unwrap();
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN)];
    headers.extend_from_slice(more);
    let body = String::from_utf8(body).unwrap().replacen("csrf=", &format!("csrf={own}"), 1);
    let address = scene.address(path);
    scene.astrid.request(method, &address, &headers, body).await
}

/// So many bytes of something that each kind of route could read.
fn filler(path: &str, size: usize) -> Vec<u8> {
    let (head, tail) = if path.starts_with("/api/") { ("[\"", "\"]") } else { ("csrf=&x=", "") };
    let mut body = head.to_owned();
    body.push_str(&"a".repeat(size - head.len() - tail.len()));
    body.push_str(tail);
    body.into_bytes()
}

#[actix_web::test]
async fn s65_a_body_over_the_limit_is_413_with_and_without_its_length() {
    let mut scene = Scene::new().await;
    let readers = readers();
    assert!(readers.len() >= 12, "{readers:?}");
    for (method, path, limit) in readers {
        let over = filler(path, limit + 1);
        let length = over.len().to_string();
        let before = scene.world.count(EventKind::DepositNew).await;
        // The second length is too small: bytes are counted, whatever was said.
        for more in [("content-length", length.as_str()), ("content-length", "1"), ("transfer-encoding", "chunked")] {
            let more = &[more];
            // A form's token is put in, so the form is a little longer still.
            let answer = post(&mut scene, method, path, more, over.clone()).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{method} {path} {more:?}: {}", answer.text);
            assert!(!answer.text.contains("aaaaaaaa"), "{path}");
        }
        // A length that is not to be believed, and one that says too much of a small body.
        let answer = post(&mut scene, method, path, &[("content-length", "99999999999")], filler(path, 40)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{method} {path}");
        let small = post(&mut scene, method, path, &[], filler(path, limit - 100)).await;
        assert_ne!(small.status, StatusCode::PAYLOAD_TOO_LARGE, "{method} {path}: within the limit");
        assert_eq!(scene.world.count(EventKind::DepositNew).await, before);
    }
}

#[actix_web::test]
async fn s65_a_single_deposit_has_the_small_limit() {
    let scene = Scene::new().await;
    let long = format!(r#"{{"serial":"{MAC}","user":"{}"}}"#, "a".repeat(SMALL));
    let answer = scene.machine(Method::POST, "/api/v1/deposits", &[], long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json()["code"], "too_large");
    let many = format!("[{}]", vec!["{}"; 1001].join(","));
    let answer = scene.machine(Method::POST, "/api/v1/deposits", &[], many).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[actix_web::test]
async fn s65_json_nested_without_end_is_400() {
    let scene = Scene::new().await;
    let depth = 10_000;
    let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    for body in [arrays.clone(), objects.clone(), "[".repeat(depth)] {
        for (method, path) in [(Method::POST, "/api/v1/deposits"), (Method::PUT, "/api/v1/devices/{serial}")] {
            let limit = if path.ends_with("deposits") { LARGE } else { SMALL };
            assert!(body.len() <= limit, "it is the depth that is refused");
            let answer = scene.machine(method, path, &[], body.clone()).await;
            assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::BAD_REQUEST, Some("json")), "{path}");
        }
    }
    let report = scene.machine(Method::POST, "/csp-report", &[], "[".repeat(8000)).await;
    assert_eq!(report.status, StatusCode::NO_CONTENT, "a report that cannot be read is dropped");
    assert_eq!(scene.world.last().await.event.kind, EventKind::DepositRefused, "a known token's attempt is a row");
}

#[actix_web::test]
async fn s65_s66_an_encoded_body_is_415_on_every_route() {
    let mut scene = Scene::new().await;
    for (method, path, _) in readers() {
        for coding in ["gzip", "br", "zstd", "deflate", "gzip, identity", "x", "GZIP", ""] {
            let answer = post(&mut scene, method, path, &[("content-encoding", coding)], b"csrf=".to_vec()).await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method} {path} {coding:?}");
        }
        let plain = post(&mut scene, method, path, &[("content-encoding", "identity")], filler(path, 40)).await;
        assert_ne!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method} {path}");
    }
}

/// In which form an answer must be.
fn form_holds(answer: &Answer, path: &str) {
    let kind = answer.header("content-type").unwrap_or_default();
    if path.starts_with("/api/") {
        assert_eq!(kind, "application/problem+json", "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status.as_u16());
        assert!(problem["type"].as_str().unwrap().starts_with("urn:keyharbor:problem:") && problem["request_id"].is_string());
    } else if path.starts_with("/compat/") {
        assert!(kind.starts_with("text/plain") && answer.text.lines().count() <= 1, "{path}: {kind} {}", answer.text);
    } else if path.starts_with("/static/") || path == "/csp-report" || path == "/healthz" {
        assert!(answer.text.is_empty(), "{path}");
    } else {
        assert!(is_html(answer) && answer.text.contains("<h1>"), "{path}: {kind}");
    }
}

#[actix_web::test]
async fn every_error_is_in_its_surfaces_form_and_repeats_nothing() {
    let mut scene = Scene::new().await;
    let odd = format!("%22{MARKER}%3Cb%3E");
    let json = format!(r#"{{"serial":"{MARKER} {}","recovery_key":"{MARKER}","{MARKER}":"{MARKER}"}}"#, "x".repeat(300));
    let form = format!("csrf=&{MARKER}={MARKER}&serial={MARKER}&recovery_password={MARKER}&secret_type={MARKER}&which={MARKER}");
    let cases = [
        ("GET", format!("/{odd}"), ""),
        ("GET", format!("/devices/{odd}"), ""),
        ("GET", format!("/reveals/{odd}?text={odd}"), ""),
        ("GET", format!("/trail?before={odd}"), ""),
        ("GET", format!("/auth/callback?state={MARKER}&code={MARKER}&iss={MARKER}&error={MARKER}"), ""),
        ("POST", format!("/devices/{odd}/reveal"), form.as_str()),
        ("POST", scene.address("/devices/{id}/reveal"), form.as_str()),
        ("POST", format!("/{odd}"), form.as_str()),
        ("GET", format!("/static/{odd}"), ""),
        ("PUT", "/csp-report".into(), form.as_str()),
        ("POST", "/healthz".into(), form.as_str()),
        ("GET", format!("/api/v1/{odd}"), ""),
        ("GET", format!("/api/v1/devices/{odd}"), ""),
        ("GET", format!("/api/v1/devices/%C3%A9{odd}"), ""),
        ("POST", "/api/v1/deposits".into(), json.as_str()),
        ("POST", "/api/v1/deposits".into(), MARKER),
        ("PUT", format!("/api/v1/devices/{MAC}"), json.as_str()),
        ("PUT", format!("/api/v1/devices/{MAC}"), r#"{"ownership":"Zq9Marker"}"#),
        ("POST", format!("/compat/crypt/{}/checkin/", scene.agent), form.as_str()),
        ("POST", format!("/compat/crypt/{MARKER}/checkin/"), form.as_str()),
        ("GET", format!("/compat/crypt/{}/verify/{odd}/{MARKER}/", scene.agent), ""),
        ("GET", format!("/compat/{odd}"), ""),
    ];
    let bearer = format!("Bearer {}", scene.bearer);
    for (method, address, body) in &cases {
        let kind = if address.starts_with("/api/") { "application/json" } else { "application/x-www-form-urlencoded" };
        let wrong = format!("Bearer kh_{MARKER}");
        for token in [bearer.as_str(), wrong.as_str()] {
            let headers =
                [("authorization", token), ("content-type", kind), ("origin", ORIGIN), ("user-agent", MARKER), ("referer", MARKER)];
            let answer = scene.astrid.request(method.parse().unwrap(), address, &headers, (*body).to_owned()).await;
            assert!(answer.status.is_client_error(), "{method} {address}: {}", answer.status);
            form_holds(&answer, address);
            let said = format!("{:?}\n{}", answer.headers, answer.text);
            assert!(!said.contains(MARKER) && !said.contains(&MARKER.to_uppercase()), "{method} {address}: {said}");
        }
    }
}

#[actix_web::test]
async fn health_speaks_to_anyone_and_reports_are_taken() {
    let world = World::new().await;
    let ask = async |world: &World, path: &str| {
        let answer = world.raw(Method::GET, path, &[("host", "10.0.0.7:8080")], "").await;
        (answer.status.as_u16(), answer.text.clone(), answer.header("cache-control").map(str::to_owned))
    };
    let no_store = Some("no-store".to_owned());
    assert_eq!(ask(&world, "/healthz").await, (200, "ok\n".into(), no_store.clone()));
    assert_eq!(ask(&world, "/readyz").await, (200, "ready\n".into(), no_store.clone()));
    let report = r#"{"csp-report":{"effective-directive":"script-src","blocked-uri":"https://evil.example/kh_secret"}}"#;
    for body in [report, "", "no json", r#"{"csp-report":{"effective-directive":"A B\n"}}"#] {
        let headers = [("content-type", "application/csp-report"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let answer = world.raw(Method::POST, "/csp-report", &headers, body).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
    }
    assert!(world.trail().await.iter().all(|r| r.event.kind != EventKind::AccessRefused), "reports write no rows");
    world.fresh.store.close().await;
    assert_eq!(ask(&world, "/healthz").await.0, 200);
    assert_eq!(ask(&world, "/readyz").await, (503, "database\n".into(), no_store.clone()));
    let sealed = World::new().await.restarted(|_| {}, keyharbor::service::custody::Custody::sealed(crate::fixed::START));
    assert_eq!(ask(&sealed, "/healthz").await.0, 200);
    assert_eq!(ask(&sealed, "/readyz").await, (503, "sealed\n".into(), no_store));
}

#[actix_web::test]
async fn static_files_never_change_and_nothing_else_is_served() {
    let world = World::new().await;
    let page = world.raw(Method::GET, "/", &[], "").await;
    let files: Vec<_> = page.text.split('"').filter(|p| p.starts_with("/static/")).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let answer = world.raw(Method::GET, file, &[("host", "anything.example")], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
        assert!(answer.header("set-cookie").is_none() && answer.header("content-type").is_some());
    }
    let not_there = [
        "/static/",
        "/static/app.css",
        "/static/..%2fCargo.toml",
        "/static/../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
        "/static/ttl-301.css",
        "/static//etc/passwd",
    ];
    for file in not_there {
        let answer = world.raw(Method::GET, file, &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{file}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{file}");
    }
}

#[actix_web::test]
async fn language_and_text_size_are_kept_in_cookies_of_ours() {
    let mut scene = Scene::new().await;
    let chosen = scene.astrid.get("/language/sv?return_to=/devices").await;
    assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, "/devices"));
    let grant = format!("/reveals/{}", scene.grant);
    let large = scene.astrid.get(&format!("{grant}?text=large")).await;
    for (answer, name) in [(&chosen, "__Host-keyharbor-lang=sv"), (&large, "__Host-keyharbor-text=large")] {
        let line = answer.header("set-cookie").unwrap();
        let parts: Vec<_> = line.split("; ").collect();
        assert_eq!(parts[0], name);
        for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(parts.contains(&part), "{line}");
        }
        assert!(!line.contains("Domain"));
    }
    assert!(large.text.contains(r#"class="reveal large""#) && large.text.contains(r#"<html lang="sv">"#));
    assert!(scene.astrid.get(&grant).await.text.contains(r#"class="reveal large""#), "kept");
    assert!(scene.astrid.get(&format!("{grant}?text=normal")).await.text.contains(r#"class="reveal""#));
    let odd = scene.astrid.get(&format!("{grant}?text=huge")).await;
    assert!(odd.header("set-cookie").is_none() && odd.text.contains(r#"class="reveal""#));
    for bad in ["/language/xx", "/language/sv%0d%0aset-cookie:a=b", "/language/"] {
        let answer = scene.astrid.get(bad).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{bad}");
        assert!(answer.header("set-cookie").is_none());
    }
    assert!(ROUTES.iter().filter(|r| r.admits == Admits::Public).count() > 8);
}
