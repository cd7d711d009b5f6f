//! The second listener: what it serves and never serves, and what its metrics say.

use actix_web::http::{Method, StatusCode};
use actix_web::test::{self, TestRequest};
use keyharbor::config::Config;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::custody::Custody;
use keyharbor::web::{OPERATIONS, ROUTES, operations_application};

use crate::fixed::START;
use crate::world::{Answer, KEY, MAC, OTHER_KEY, World};

/// One request to the second listener.
pub async fn ask(world: &World, method: &str, path: &str) -> Answer {
    ask_as(world, method, path, None).await
}

async fn ask_as(world: &World, method: &str, path: &str, host: Option<&str>) -> Answer {
    let app = test::init_service(operations_application(world.app.clone())).await;
    let request = TestRequest::with_uri(path).method(Method::from_bytes(method.as_bytes()).unwrap());
    let request = host.into_iter().fold(request, |r, host| r.insert_header(("host", host))).to_request();
    let answer = match test::try_call_service(&app, request).await {
        Ok(answer) => answer.into_parts().1.map_into_boxed_body(),
        Err(e) => e.error_response(),
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap_or_default();
    Answer { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// The value of one line, e.g. `keyharbor_deposits_total{result="new"}`; 0 when it is not there.
pub fn value(metrics: &str, line: &str) -> f64 {
    metrics.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')).map_or(0.0, |v| v.parse().unwrap())
}

#[actix_web::test]
async fn s75_documents_and_metrics_are_on_the_second_listener_only() {
    let world = World::new().await;
    let shared = ["/healthz", "/readyz"];
    for route in OPERATIONS {
        let own = ask(&world, route.method, route.path).await;
        assert_eq!(own.status, StatusCode::OK, "{}: {}", route.path, own.text);
        let public = world.raw(Method::GET, route.path, &[], "").await;
        let wanted = if shared.contains(&route.path) { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(public.status, wanted, "{} on the public listener", route.path);
    }
    for route in ROUTES.iter().filter(|r| !OPERATIONS.iter().any(|o| o.path == r.path)) {
        let answer = ask(&world, route.method, &route.path.replace(['{', '}'], "")).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NOT_FOUND, "Not Found\n"), "{}", route.path);
    }
}

#[actix_web::test]
async fn s75_s36_every_answer_of_the_second_listener_has_its_headers_and_names_no_program() {
    let world = World::new().await;
    for path in OPERATIONS.iter().map(|r| r.path).chain(["/", "/nothing", "/devices"]) {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let answer = ask(&world, method, path).await;
            let place = format!("{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{place}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{place}");
            assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{place}");
            assert!(["server", "x-powered-by", "set-cookie", "location"].iter().all(|h| answer.header(h).is_none()), "{place}");
            if OPERATIONS.iter().any(|r| r.path == path) && !["GET", "HEAD"].contains(&method) {
                assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")), "{place}");
            }
        }
    }
}

#[actix_web::test]
async fn s75_a_name_that_a_web_page_pointed_at_the_second_listener_reads_nothing() {
    let world = World::with(|c| c.operations.hosts = vec!["keyharbor.internal".into()]).await;
    let ours =
        ["127.0.0.1", "127.0.0.1:9090", "10.1.2.3:9090", "[::1]", "[::1]:9090", "localhost:9090", "LocalHost", "Keyharbor.Internal:9090"];
    for path in ["/metrics", "/docs", "/docs.css", "/openapi.json"] {
        for host in ours {
            assert_eq!(ask_as(&world, "GET", path, Some(host)).await.status, StatusCode::OK, "{path} {host}");
        }
        for host in [
            "evil.example",
            "evil.example:9090",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "x.keyharbor.internal",
            "[::1",
            "::1",
            ":9090",
            "[evil]:9090",
            "",
            "localhost:x",
            "127.1",
        ] {
            for method in ["GET", "HEAD"] {
                let answer = ask_as(&world, method, path, Some(host)).await;
                assert_eq!((answer.status.as_u16(), answer.text.as_str()), (421, "Misdirected Request\n"), "{method} {path} {host}");
                assert!(answer.header("content-security-policy").is_some());
            }
        }
    }
    // In the target of the request a name goes before the header.
    assert_eq!(ask_as(&world, "GET", "http://evil.example/metrics", Some("127.0.0.1")).await.status.as_u16(), 421);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask_as(&world, "GET", path, Some("probe.example")).await.status, StatusCode::OK, "health has any name");
    }
}

#[test]
fn s75_plain_http_beyond_loopback_must_be_meant() {
    let check = |change: &dyn Fn(&mut Config)| {
        let mut config = Config::default();
        config.server.public_url = "https://keys.example.com".into();
        (config.oidc.issuer, config.oidc.client_id) = ("https://id.example.com".into(), "k".into());
        change(&mut config);
        config.check().map_err(|e| e.to_string())
    };
    assert_eq!(check(&|_| {}), Ok(()));
    for (listen, behind_proxy, good) in [
        ("127.0.0.1:8080", false, true),
        ("[::1]:8080", false, true),
        ("0.0.0.0:8080", false, false),
        ("[::]:8080", false, false),
        ("10.0.0.1:8080", false, false),
        ("10.0.0.1:8080", true, true),
    ] {
        let said = check(&|c| (c.server.listen, c.server.behind_proxy) = (listen.into(), behind_proxy));
        assert_eq!(said.is_ok(), good, "{listen}: {said:?}");
        assert!(good || said.unwrap_err().starts_with("server.behind_proxy: "));
        // The second one has a consent of its own: a proxy in front of the portal is none in front of it.
        let said = check(&|c| {
            (c.operations.listen, c.operations.plain_http, c.server.behind_proxy) = (Some(listen.into()), behind_proxy, true);
        });
        assert_eq!(said.is_ok(), good, "{listen}: {said:?}");
        assert!(good || said.unwrap_err().starts_with("operations.plain_http: "));
    }
    assert!(check(&|c| c.operations.listen = Some("9090".into())).unwrap_err().starts_with("operations.listen: "));
    assert_eq!(check(&|c| c.operations.listen = Some(String::new())), Ok(()), "empty is off");
}

#[actix_web::test]
async fn readiness_says_what_is_wrong() {
    let world = World::new().await;
    let ready = async |world: &World| {
        let both = [ask(world, "GET", "/readyz").await, world.raw(Method::GET, "/readyz", &[], "").await];
        assert_eq!((both[0].status, &both[0].text), (both[1].status, &both[1].text));
        (both[0].status.as_u16(), both[0].text.clone())
    };
    assert_eq!(ready(&world).await, (200, "ready\n".to_owned()));
    world.service.begin_stop();
    assert_eq!(ready(&world).await, (503, "stopping\n".to_owned()));
    assert_eq!(ask(&world, "GET", "/healthz").await.status, StatusCode::OK, "it lives");
    let world = world.restarted(|_| {}, Custody::sealed(START));
    assert_eq!(ready(&world).await, (503, "sealed\n".to_owned()));
    let metrics = ask(&world, "GET", "/metrics").await.text;
    assert_eq!(value(&metrics, "keyharbor_sealed"), 1.0);
}

#[actix_web::test]
async fn metrics_count_what_happened_and_name_nobody() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    world.deposit(MAC, KEY, Trust::Observed).await;
    let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    world.check_in(&token, MAC, OTHER_KEY).await;
    world.check_in("kh_0000000000000000_stranger", MAC, KEY).await;
    let mut astrid = world.signed_in("astrid").await;
    let shown = astrid.reveal(&device).await;
    assert_eq!(astrid.get(shown.location()).await.status, StatusCode::OK);
    let mut berit = world.signed_in("berit").await;
    assert_eq!(berit.reveal(&device).await.status, StatusCode::NOT_FOUND);
    astrid.get(&format!("/nothing/{MAC}?q={MAC}")).await;

    let text = ask(&world, "GET", "/metrics").await.text;
    let count = |line: &str| value(&text, &format!("keyharbor_{line}"));
    assert_eq!(count(r#"deposits_total{result="new"}"#), 2.0, "{text}");
    assert_eq!(count(r#"deposits_total{result="same"}"#), 1.0);
    assert_eq!(count(r#"reveals_total{step="granted",basis="owner"}"#), 1.0);
    assert_eq!(count(r#"reveals_total{step="viewed",basis="owner"}"#), 1.0);
    assert_eq!(count(r#"sign_ins_total{kind="sign_in",result="ok"}"#), 2.0);
    assert_eq!(count(r#"refusals_total{caller="person"}"#), 1.0);
    assert_eq!(count(r#"refusals_total{caller="anonymous"}"#), 1.0);
    assert_eq!(count(r#"http_requests_total{method="POST",route="/compat/crypt/{token}/checkin/",status="200"}"#), 1.0);
    assert_eq!(count(r#"http_requests_total{method="GET",route="-",status="404"}"#), 1.0);
    assert_eq!(count(r#"http_request_duration_seconds_count{method="GET",route="/reveals/{id}"}"#), 1.0);
    assert_eq!(count("trail_head"), world.last().await.seq as f64);
    assert_eq!(count("trail_last_append_timestamp_seconds"), START.seconds() as f64);
    assert_eq!((count("sealed"), count("identity_provider_up")), (0.0, 1.0));
    assert!(count(r#"database_connections{pool="write",state="most"}"#) >= 1.0);
    assert!(text.ends_with("# EOF\n"));
    for secret in [MAC, device.as_str(), token.as_str(), "astrid", "berit", "192.0.2", "AAAA", "stranger"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
