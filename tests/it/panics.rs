//! A panic while a key is held: a generic answer with every header, a server that lives, and no key in any output.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::http::{Method, StatusCode};
use actix_web::web;
use keyharbor::domain::{Clock, Env, EventKind, Timestamp};
use keyharbor::oidc::Oidc;
use keyharbor::service::custody::{Custody, open_ring};
use keyharbor::service::{Keyharbor, Rules};
use keyharbor::telemetry;
use keyharbor::web::App;

use crate::fixed::FixedClock;
use crate::sweep::Scene;
use crate::world::{Answer, KEY, MAC, ORIGIN, OTHER_KEY, send};

/// Panics once, when it has been asked so often, and shouts a key as a careless `{:?}` would.
struct Trap {
    clock: Arc<FixedClock>,
    left: AtomicI64,
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        assert!(self.left.fetch_sub(1, Ordering::SeqCst) != 1, "holding {KEY} and {OTHER_KEY}");
        self.clock.now()
    }
}

/// The same application on the same database, with a clock that can be set to panic.
async fn trapped(scene: &Scene) -> (Arc<Trap>, web::Data<App>) {
    let world = &scene.world;
    let trap = Arc::new(Trap { clock: world.clock.clone(), left: AtomicI64::new(0) });
    let env = Env { clock: trap.clone(), entropy: world.env.entropy.clone() };
    let config = world.service.rules().config.clone();
    let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    let oidc = Oidc::new(&config.oidc, &config.outbound, ORIGIN, env.clone()).unwrap();
    let service = Keyharbor::new(world.fresh.store.clone(), env, Rules::new(config).unwrap(), oidc, Custody::open(ring));
    (trap, web::Data::new(App::new(service).unwrap()))
}

fn generic(answer: &Answer, kind: &str) {
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    for key in [KEY, OTHER_KEY, "AAAA", "holding", "panicked", "panics.rs"] {
        assert!(!answer.text.contains(key), "{key}: {}", answer.text);
    }
    assert!(answer.header("content-type").is_some_and(|t| t.starts_with(kind)), "{:?}", answer.headers);
    if kind == "text/html" {
        crate::headers::policy_holds(answer, "500");
    }
    let names =
        ["content-security-policy", "x-content-type-options", "strict-transport-security", "referrer-policy", "cross-origin-opener-policy"];
    for name in names {
        assert!(answer.header(name).is_some(), "{name}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Panics at each place of the key's page and of a deposit in turn; answers how often.
async fn panic_everywhere() -> (usize, usize) {
    let mut scene = Scene::new().await;
    let (trap, app) = trapped(&scene).await;
    let address = format!("/reveals/{}", scene.grant);
    let mut browser = scene.world.browser();
    (browser.app, browser.jar) = (app.clone(), scene.astrid.jar.clone());
    let (mut panicked, mut after_the_row) = (0, 0);
    // The first call is the guard's own, for the request's id.
    for call in 2.. {
        let viewed = scene.world.count(EventKind::RevealViewed).await;
        trap.left.store(call, Ordering::SeqCst);
        let answer = browser.get(&address).await;
        if answer.status == StatusCode::OK {
            assert_eq!(answer.key().as_deref(), Some(KEY), "the server lives");
            break;
        }
        generic(&answer, "text/html");
        panicked += 1;
        after_the_row += scene.world.count(EventKind::RevealViewed).await - viewed;
    }
    let body = serde_json::json!({ "serial": MAC, "recovery_key": OTHER_KEY }).to_string();
    for call in 2.. {
        trap.left.store(call, Ordering::SeqCst);
        let headers =
            [("host", "keys.example.com"), ("authorization", &format!("Bearer {}", scene.bearer)), ("content-type", "application/json")];
        let request = actix_web::test::TestRequest::with_uri("/api/v1/deposits").method(Method::POST).set_payload(body.clone());
        let answer = send(&app, headers.iter().fold(request, |r, h| r.append_header(*h))).await;
        if answer.status == StatusCode::CREATED {
            break;
        }
        generic(&answer, "application/problem+json");
        assert_eq!(scene.world.count(EventKind::DepositNew).await, 1, "nothing of it was stored");
        panicked += 1;
    }
    trap.left.store(0, Ordering::SeqCst);
    assert_eq!(scene.astrid.get(&address).await.key().as_deref(), Some(KEY));
    (panicked, after_the_row)
}

#[actix_web::test]
async fn s60_s26_a_panic_with_a_key_in_hand_is_a_generic_500() {
    let (panicked, after_the_row) = panic_everywhere().await;
    assert!(panicked >= 6, "{panicked}");
    assert!(after_the_row >= 2, "some of them after the row was written and the key opened: {after_the_row}");
}

/// Does nothing, unless the test below runs it in a process of its own, where the hook can be the server's.
#[actix_web::test]
async fn the_process_that_panics() {
    if std::env::var_os("KEYHARBOR_TEST_PANICS").is_some() {
        telemetry::start("info", std::io::stderr, None);
        let (panicked, _) = panic_everywhere().await;
        tracing::info!(target: "keyharbor::test", panicked, "through");
    }
}

#[test]
fn s60_a_panic_says_where_and_nothing_else() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "panics::the_process_that_panics", "--nocapture"])
        .env("KEYHARBOR_TEST_PANICS", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("\"message\":\"through\""), "{said}");
    assert!(said.matches("a panic was caught").count() >= 6, "{said}");
    for hidden in ["holding", "AAAA", "AAAABBBB", "GGGG", "aaaa-bbbb"] {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
}

#[test]
fn s60_no_profile_aborts_on_a_panic() {
    let root = env!("CARGO_MANIFEST_DIR");
    let manifest = std::fs::read_to_string(format!("{root}/Cargo.toml")).unwrap();
    assert!(manifest.contains("[profile.release]"));
    let settings = [".cargo/config.toml", ".cargo/config"].map(|f| std::fs::read_to_string(format!("{root}/{f}")).unwrap_or_default());
    for text in settings.iter().chain([&manifest]) {
        for line in text.lines().map(|l| l.split('#').next().unwrap_or_default()) {
            let squeezed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            assert!(
                !squeezed.contains("panic=abort") && !squeezed.contains("panic=\"abort\"") && !squeezed.contains("panic-abort"),
                "{line}"
            );
        }
    }
    const { assert!(cfg!(panic = "unwind")) };
}
