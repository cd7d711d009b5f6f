//! Traces, as a collector gets them: what is in them, what never is, and that nobody waits for a collector.

mod collector;

use std::collections::{BTreeSet, HashMap};
use std::net::TcpListener;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use keyharbor::config::Outbound;
use keyharbor::oidc;
use keyharbor::telemetry::otel::Traces;
use keyharbor::telemetry::otel_settings::Settings;
use keyharbor::web::ROUTES;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::probe::Searchable;
use crate::process::Home;
use crate::sweep::Scene;
use crate::world::{Browser, KEY, MAC, World};
use collector::{Collector, Span};

const CANARY: &str = "ZQCN-ARYK-EYAA-VVWW-XXYY-ZZ29";
const FIELDS: [&str; 6] =
    ["http.request.method", "http.response.status_code", "http.route", "keyharbor.request", "db.system.name", "db.operation.name"];
/// The caller's, in each `traceparent`.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// The caller's state, events, links.
const NEVER: [u64; 3] = [3, 11, 13];

/// Traces of what this test's thread does.
fn begin(collector: &Collector) -> (Traces, DefaultGuard) {
    let given =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", collector.port)), ("OTEL_BSP_MAX_QUEUE_SIZE", "100000".to_owned())];
    let settings = Settings::parse(&given.map(|(name, value)| (name.to_owned(), value)).into()).unwrap().unwrap();
    let client = oidc::client(&Outbound::default(), oidc::Limits::default(), true).unwrap();
    let traces = Traces::start(settings, client).unwrap();
    // With one subscriber alone, a span that another test's thread reaches first would be taken for one that nobody wants.
    let _second: tracing::Dispatch = keyharbor::telemetry::lines("info", std::io::sink).into();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(traces.layer()));
    (traces, guard)
}

fn end((traces, guard): (Traces, DefaultGuard)) {
    drop(guard);
    traces.stop(Duration::from_secs(30));
}

/// Every route as a machine and as a person, each with a canary wherever a caller may put one.
async fn ask_everything(scene: &mut Scene) {
    let bearer = format!("Bearer {}", scene.bearer);
    let headers = [
        ("authorization", bearer.as_str()),
        ("user-agent", CANARY),
        ("x-forwarded-for", CANARY),
        ("tracestate", CANARY),
        ("baggage", CANARY),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    for route in ROUTES {
        let address = format!("{}?q={CANARY}", scene.address(route.path));
        let method: Method = route.method.parse().unwrap();
        scene.world.raw(method.clone(), &address, &headers, format!("recovery_key={CANARY}")).await;
        // What ends the session comes last.
        if route.method == "GET" && route.path != "/static/{name:.*}" {
            scene.astrid.request(method, &address, &[("sec-fetch-site", "same-origin")], String::new()).await;
        }
    }
    let agent = scene.agent.clone();
    for address in [format!("/{agent}/{CANARY}?token={agent}"), format!("/compat/crypt/{agent}/nowhere")] {
        scene.world.raw(Method::GET, &address, &headers, "").await;
    }
    scene.world.raw(Method::from_bytes(b"ZQCNARYKEYAAVVWWXXYYZZ29").unwrap(), "/", &headers, "").await;
    assert_eq!(scene.world.check_in(&agent, MAC, KEY).await.status, StatusCode::OK);
    assert_eq!(scene.kim.desk_reveal(&scene.device.clone(), &[]).await.status, StatusCode::SEE_OTHER);
}

/// What none of it may hold.
fn secrets(scene: &Scene) -> Vec<(&'static str, String)> {
    let secret = |token: &str| token.rsplit('_').next().unwrap().to_owned();
    let mut out = vec![
        ("key", KEY.to_owned()),
        ("key", KEY.replace('-', "")),
        ("canary", CANARY.to_owned()),
        ("canary", CANARY.replace('-', "")),
        ("path token", secret(&scene.agent)),
        ("token", secret(&scene.bearer)),
        ("grant", scene.grant.clone()),
        ("device", scene.device.clone()),
        ("session line", scene.line.clone()),
        ("serial number", MAC.to_owned()),
        ("person", "astrid".to_owned()),
        ("address", "192.0.2.".to_owned()),
        ("provider's address", scene.world.idp.issuer().rsplit('/').next().unwrap().to_owned()),
        ("caller's trace", TRACE.to_owned()),
    ];
    let jars = |b: &Browser| b.jar.values().filter(|v| v.len() > 20).cloned().collect::<Vec<_>>();
    out.extend([&scene.astrid, &scene.kim, &scene.eva].into_iter().flat_map(jars).map(|value| ("cookie", value)));
    out.extend(scene.world.idp.issued().iter().map(|t| ("provider's token", t.rsplit('.').next().unwrap().to_owned())));
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The requests among the spans.
fn requests(spans: &[Span]) -> impl Iterator<Item = &Span> {
    spans.iter().filter(|s| s.kind == 2)
}

fn inside<'a>(spans: &'a [Span], request: &Span) -> Vec<&'a str> {
    spans.iter().filter(|s| s.parent == request.id && s.trace == request.trace).map(|s| s.name.as_str()).collect()
}

#[actix_web::test]
async fn s60_a_trace_says_which_route_and_nothing_that_was_asked_or_shown() {
    let collector = Collector::start();
    let tracing = begin(&collector);
    let mut scene = Scene::new().await;
    ask_everything(&mut scene).await;
    end(tracing);
    let (spans, bytes) = (collector.spans(), Searchable::new(&collector.bytes()));
    assert!(bytes.holds("/compat/crypt/{token}/checkin/") && bytes.holds("trail::append"), "it is found what is there");
    for (what, secret) in secrets(&scene) {
        assert!(!bytes.holds(&secret), "the collector got a {what}: {secret}");
    }
    for span in &spans {
        assert!(span.fields.keys().all(|name| FIELDS.contains(&name.as_str())), "{span:?}");
        assert!(span.numbers.iter().all(|n| !NEVER.contains(n)), "{span:?}");
        assert_ne!(span.status, 2, "nothing failed on this side: {span:?}");
    }
    // Most came with a trace of the caller's. A collector gets those as bytes, in which their text is not found.
    for request in requests(&spans) {
        assert!(request.parent.is_empty() && hex(&request.trace) != TRACE, "a stranger's trace is not gone on with: {request:?}");
    }
    let names: BTreeSet<_> = requests(&spans).map(|s| s.name.clone()).collect();
    let routes: BTreeSet<_> = ROUTES.iter().map(|r| format!("{} {}", r.method, r.path)).collect();
    assert_eq!(routes.difference(&names).collect::<Vec<_>>(), [""; 0], "one of each route");
    // No route, no other method: those have no pattern, or a method that is none.
    assert_eq!(names.difference(&routes).map(String::as_str).collect::<Vec<_>>(), ["GET", "HTTP /"]);

    let reveal =
        requests(&spans).find(|s| s.name == "POST /devices/{id}/reveal" && s.fields["http.response.status_code"] == "303").unwrap();
    assert_eq!((reveal.fields["http.route"].as_str(), reveal.fields["http.request.method"].as_str()), ("/devices/{id}/reveal", "POST"));
    let acts = inside(&spans, reveal);
    assert!(["begin write", "trail::append", "commit"].iter().all(|act| acts.contains(act)), "{acts:?}");
    let callback = requests(&spans).find(|s| s.name == "GET /auth/callback" && s.fields["http.response.status_code"] == "303").unwrap();
    assert!(inside(&spans, callback).contains(&"identity provider"), "{:?}", inside(&spans, callback));
    let ids: BTreeSet<_> = requests(&spans).map(|s| &s.id).collect();
    assert!(spans.iter().filter(|s| s.kind != 2).all(|s| ids.contains(&s.parent)), "what belongs to no request is no trace");
}

#[test]
fn s60_what_somebody_else_adds_to_a_trace_stays_here() {
    let collector = Collector::start();
    let tracing = begin(&collector);
    let request = tracing::info_span!(
        target: "keyharbor::span",
        "request",
        otel.name = "GET /",
        otel.status_code = "ERROR",
        otel.status_description = CANARY,
        http.route = "/",
        url.path = CANARY,
    );
    request.in_scope(|| {
        tracing::error!(error = CANARY, "{CANARY}");
        tracing::error_span!("query", db.query.text = CANARY).in_scope(|| tracing::error!("{CANARY}"));
    });
    drop(request);
    end(tracing);
    let spans = collector.spans();
    assert_eq!(spans.iter().map(|s| (s.name.as_str(), s.status, s.fields.len())).collect::<Vec<_>>(), [("GET /", 2, 1)]);
    assert!(!Searchable::new(&collector.bytes()).holds(CANARY));
}

#[actix_web::test]
async fn only_what_fails_on_this_side_is_an_error_and_a_trusted_proxys_trace_goes_on() {
    let collector = Collector::start();
    let tracing = begin(&collector);
    let world = World::with(|c| c.server.trusted_proxies = vec!["192.0.2.20/32".parse().unwrap()]).await;
    let parent = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "theirs=1")];
    let unsampled = [("traceparent", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")];
    world.raw(Method::GET, "/help", &parent, "").await;
    world.raw(Method::GET, "/status", &unsampled, "").await;
    world.raw(Method::GET, "/signed-out", &[("traceparent", "00-nonsense")], "").await;
    assert_eq!(world.raw(Method::GET, "/nowhere", &[], "").await.status, StatusCode::NOT_FOUND);
    let mut astrid = world.signed_in("astrid").await;
    world.fresh.store.close().await;
    assert_eq!(astrid.get("/devices").await.status, StatusCode::SERVICE_UNAVAILABLE);
    end(tracing);
    let spans = collector.spans();
    let of = |name: &str| requests(&spans).find(|s| s.name == name);
    let help = of("GET /help").unwrap();
    assert_eq!((hex(&help.trace).as_str(), hex(&help.parent).as_str()), (TRACE, "b7ad6b7169203331"));
    assert!(of("GET /status").is_none(), "whoever began the trace decides whether it is kept");
    assert!(of("GET /signed-out").unwrap().parent.is_empty());
    assert!(!Searchable::new(&collector.bytes()).holds("theirs=1"));
    let (missing, down) = (of("GET").unwrap(), of("GET /devices").unwrap());
    assert_eq!((missing.status, missing.fields["http.response.status_code"].as_str()), (0, "404"));
    assert_eq!((down.status, down.fields["http.response.status_code"].as_str()), (2, "503"));
}

fn serving(home: &Home, more: &[(&str, &str)]) -> crate::process::Running {
    let mut command = home.command(&["serve"]);
    command.envs(HashMap::<&str, &str>::from_iter(more.iter().copied()));
    let mut server = crate::process::Running::start(command);
    server.until("\"serving\"");
    server
}

#[test]
fn the_end_of_the_server_sends_what_waits_as_the_standards_variables_say() {
    let (home, collector) = (Home::ready("http://127.0.0.1:9"), Collector::start());
    let made = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write", "--door", "crypt-path"]).ok();
    let token = made.out.trim();
    let endpoint = format!("http://127.0.0.1:{}/in", collector.port);
    let server = serving(
        &home,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=collector%20secret"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
            // Longer than this test: only the end sends.
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ],
    );
    assert_eq!(home.check_in(token, MAC, KEY).0, 200);
    assert!(collector.calls().is_empty());
    let said = server.end_by_term();
    let (head, _) = collector.calls().swap_remove(0);
    assert!(head.starts_with("POST /in/v1/traces ") && head.contains("x-api-key: collector secret"), "{head}");
    let spans = collector.spans();
    assert!(spans.iter().any(|s| s.name == "POST /compat/crypt/{token}/checkin/"), "{spans:?}");
    assert!(!Searchable::new(&collector.bytes()).holds(token.rsplit('_').next().unwrap()));
    let resource = collector.resource();
    assert_eq!(resource["service.name"], "keyharbor");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(resource["deployment.environment.name"], "test");
    assert!(!said.contains("collector secret") && said.contains("traces are sent"), "{said}");
}

#[test]
fn a_collector_that_is_away_costs_one_line_and_no_request() {
    let home = Home::ready("http://127.0.0.1:9");
    // Nobody listens there any more; then one that takes calls and never answers.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [gone, silent.local_addr().unwrap()] {
        let endpoint = format!("http://{address}");
        let more = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ];
        let mut server = serving(&home, &more);
        assert_eq!(home.get("/healthz").0, 200);
        server.until("traces cannot be sent");
        for _ in 0..50 {
            assert_eq!(home.get("/healthz").0, 200);
        }
        let said = server.end_by_term();
        assert_eq!(said.matches("traces cannot be sent").count(), 1, "{said}");
    }
}

#[test]
fn the_log_says_when_the_collector_is_back() {
    let home = Home::ready("http://127.0.0.1:9");
    // It hangs up on the first two calls: a call is tried once more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut server = serving(&home, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    std::thread::scope(|scope| {
        scope.spawn(|| home.get("/healthz"));
        for _ in 0..2 {
            drop(listener.accept().unwrap());
        }
    });
    server.until("traces cannot be sent");
    let collector = Collector::on(listener);
    assert_eq!(home.get("/healthz").0, 200);
    collector.wait();
    server.until("takes traces again");
}

#[test]
fn a_variable_that_cannot_be_meant_ends_the_start_and_nothing_named_means_nothing_sent() {
    let home = Home::ready("http://127.0.0.1:9");
    for arguments in [&["serve"][..], &["config", "check"]] {
        let mut command = home.command(arguments);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").env("OTEL_TRACES_SAMPLER", "s3cret");
        let said = crate::process::finish(command);
        assert!(!said.err.contains("s3cret"), "{}", said.err);
        said.fails("OTEL_TRACES_SAMPLER must be");
    }
    let said = serving(&home, &[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_SAMPLER", "s3cret")]).end_by_term();
    assert!(!said.contains("traces"), "{said}");
}
