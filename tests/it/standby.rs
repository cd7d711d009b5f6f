//! A primary with a synchronous standby: what happens to commits that nobody confirms, to two that say they write, and to the
//! people who are served when the primary dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::{Method, StatusCode};
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use futures_util::future::join_all;
use keyharbor::crypto::Ring;
use keyharbor::domain::audit::TrailRow;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::EventId;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{Event, EventKind};
use keyharbor::oidc::Oidc;
use keyharbor::service::custody::{Custody, create_ring, open_ring};
use keyharbor::service::trail::{Verdict, verify};
use keyharbor::service::{Keyharbor, Rules};
use keyharbor::store::{Engine, Servers, Store, StoreError, StoreOptions, Tx};
use keyharbor::web::App;

use crate::cluster::Cluster;
use crate::link::Link;
use crate::races::{aside, ring, whole};
use crate::world::{Answer, Browser, KEY, MAC, ORIGIN, OTHER_KEY, World};
use crate::{engines, filled};

/// A world whose database is that cluster's.
async fn on(cluster: &Cluster) -> World {
    let world = World::with(|c| (c.reveal.per_minute, c.reveal.per_hour, c.reveal.per_day) = (1 << 30, 1 << 30, 1 << 30)).await;
    let store = engines::connect(&cluster.url()).await;
    store.migrate().await.unwrap();
    create_ring(&store, &world.root, false, &world.env).await.unwrap();
    world.over(engines::borrowed(store, cluster.url())).await.0
}

const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

#[actix_web::test]
async fn s68_commits_that_no_standby_confirms_are_given_up_never_cancelled_and_hold_no_place() {
    let cluster = Cluster::primary();
    let world = on(&cluster).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    astrid.get("/help").await;
    cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'; ").await;
    cluster.sql("SELECT pg_reload_conf()").await;
    // Twice as many as the pool has room for; those that begin a sign-in wait for nothing but the standby.
    for round in 0..2 {
        let mut others: Vec<Browser> = (0..4).map(|_| world.browser()).collect();
        let (reveal, answers) = tokio::join!(astrid.reveal(&device), join_all(others.iter_mut().map(|b| b.get("/sign-in"))));
        for answer in answers.iter().chain([&reveal]) {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "round {round}: {}", answer.text);
            assert!(answer.key().is_none() && answer.location().is_empty());
        }
    }
    assert!(cluster.count(WAITING).await > 5, "they wait on at the server, more than the pool's five");
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "what only reads goes on");
    assert_eq!(cluster.count("SELECT COUNT(*) FROM reveal_grants").await, 0, "none of it can be seen");

    cluster.sql("ALTER SYSTEM RESET synchronous_standby_names").await;
    cluster.sql("SELECT pg_reload_conf()").await;
    assert_eq!(world.deposit(MAC, OTHER_KEY, Trust::Observed).await.status, StatusCode::CREATED, "without a restart");
    assert!(world.count(EventKind::RevealGranted).await <= 2, "the presses of before are done or not, and were told as neither");
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
    whole(&world).await;
}

/// From one transaction to the next on one connection: it has to be asked again within a few seconds.
async fn go_on_for_as_long_as_may_be(world: &World, ring: &Ring, mut tx: Tx) {
    let began = Instant::now();
    loop {
        let event = Event { id: EventId::new(&world.env), ..filled::event() };
        let pending = tx.audit_append(&[event], ring).await.unwrap();
        let Some(next) = world.fresh.store.commit_and_go_on(tx, pending).await.unwrap().1 else { break };
        assert!(began.elapsed() < Duration::from_secs(5), "it is never asked again whether it takes writes");
        tx = next;
    }
}

/// Our transactions say that they write, whatever the default: so what the default says is asked for.
#[actix_web::test]
async fn s69_a_server_that_is_told_to_take_no_writes_is_given_none() {
    let cluster = Cluster::primary();
    let world = on(&cluster).await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let deposit = || world.api(Method::POST, "/api/v1/deposits", &token, Some(serde_json::json!({ "serial": MAC, "recovery_key": KEY })));
    assert_eq!(deposit().await.status, StatusCode::CREATED);
    let (ring, going_on) = (ring(&world).await, world.fresh.store.write().await.unwrap());
    cluster.sql("ALTER SYSTEM SET default_transaction_read_only = on").await;
    cluster.sql("SELECT pg_reload_conf()").await;
    go_on_for_as_long_as_may_be(&world, &ring, going_on).await;
    // Each connection is asked before it is used; the server tells its sessions a moment later.
    let mut taken = 0;
    let answer = loop {
        let answer = deposit().await;
        taken += 1;
        if answer.status != StatusCode::OK || taken == 200 {
            break answer;
        }
    };
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "after {taken}: {}", answer.text);
    cluster.sql("ALTER SYSTEM RESET default_transaction_read_only").await;
    cluster.sql("SELECT pg_reload_conf()").await;
    assert_eq!(deposit().await.status, StatusCode::OK, "without a restart");
    whole(&world).await;
}

async fn several(first: &str, others: &[&str]) -> Result<Store, StoreError> {
    let others = others.iter().map(|host| (*host).to_owned()).collect();
    Store::connect(&StoreOptions { url: first.to_owned().into(), other_hosts: others, max_connections: 5 }).await
}

/// A replica of that world with that store.
pub async fn replica_of(world: &World, store: Store) -> (Keyharbor, Data<App>) {
    let ring = open_ring(&store, &world.root, false).await.unwrap();
    let config = world.service.rules().config.clone();
    let oidc = Oidc::new(&config.oidc, &config.outbound, ORIGIN, world.env.clone()).unwrap();
    let service = Keyharbor::new(store, world.env.clone(), Rules::new(config).unwrap(), oidc, Custody::open(ring));
    let app = Data::new(App::new(service.clone()).unwrap());
    (service, app)
}

async fn until(store: &Store, wanted: Servers) {
    while store.servers() != Some(wanted) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn nothing_is_written_while_two_servers_say_that_they_take_writes() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let (one, two) = (Link::to(&world.fresh.url).await, Link::to(&world.fresh.url).await);
    // Two at the start: nobody knows which of them.
    let refused = several(&one.url, &[&two.host]).await.err().unwrap();
    assert!(refused.to_string().contains("two servers"), "{refused}");
    two.take_away();
    let store = several(&one.url, &[&two.host]).await.unwrap();
    let watched = store.clone();
    let watch = aside(async move { watched.watch_servers().await });
    let (service, app) = replica_of(&world, store.clone()).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    astrid.app = app;
    until(&store, Servers { writing: 1, reading: 0, silent: 1 }).await;
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);

    two.mend();
    until(&store, Servers { writing: 2, reading: 0, silent: 0 }).await;
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(astrid.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK, "what only reads goes on");
    assert!(service.metrics_text().contains("keyharbor_database_servers{state=\"writing\"} 2"), "{}", service.metrics_text());

    // The first one dies: the other is followed.
    one.take_away();
    until(&store, Servers { writing: 1, reading: 0, silent: 1 }).await;
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.count(EventKind::RevealGranted).await, 2);
    watch.abort();
}

/// What one client was told.
#[derive(Default)]
struct Told {
    /// Serial numbers and keys that were acknowledged.
    stored: Vec<(String, String)>,
    /// Addresses of grants whose key was shown.
    shown: Vec<String>,
    errors: Vec<String>,
    /// The longest time from one good answer to the next.
    gap: Duration,
}

/// Good answers of each client, and whether they are to stop.
#[derive(Default)]
struct Signals {
    good: [AtomicUsize; 6],
    stop: AtomicBool,
}

impl Signals {
    /// Until each client has had so many more good answers.
    async fn more(&self, answers: usize) {
        let now = || self.good.each_ref().map(|good| good.load(Ordering::Relaxed));
        let before = now();
        while now().iter().zip(before).any(|(good, before)| *good < before + answers) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Deposits, or reveals, one after the other until it is told to stop.
fn load(mut browser: Browser, n: usize, token: Option<String>, device: String, signals: Arc<Signals>) -> JoinHandle<Told> {
    aside(async move {
        let mut told = Told::default();
        let (mut last, mut round) = (Instant::now(), 0);
        while !signals.stop.load(Ordering::Relaxed) {
            round += 1;
            let good = match &token {
                Some(token) => {
                    let (serial, key) = (format!("C02LOAD{n}X{round}"), if round % 2 == 0 { KEY } else { OTHER_KEY });
                    let body = format!("serial={serial}&recovery_password={key}&username=&macname=m");
                    let headers = [("content-type", "application/x-www-form-urlencoded")];
                    let answer = browser.request(Method::POST, &format!("/compat/crypt/{token}/checkin/"), &headers, body).await;
                    let good = answer.status == StatusCode::OK;
                    if good {
                        told.stored.push((serial, key.to_owned()))
                    } else {
                        told.errors.push(said(&answer))
                    }
                    good
                }
                None => {
                    let granted = browser.reveal(&device).await;
                    let page = if granted.status == StatusCode::SEE_OTHER { browser.get(granted.location()).await } else { granted };
                    let good = page.key().is_some();
                    if good {
                        told.shown.push(KEY.into())
                    } else {
                        told.errors.push(said(&page))
                    }
                    good
                }
            };
            if good {
                signals.good[n].fetch_add(1, Ordering::Relaxed);
                told.gap = told.gap.max(last.elapsed());
                last = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        told
    })
}

fn said(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.text.chars().take(200).collect::<String>())
}

fn kinds(trail: &[TrailRow], kind: EventKind) -> usize {
    trail.iter().filter(|row| row.event.kind == kind).count()
}

#[actix_web::test]
#[expect(clippy::print_stdout, reason = "figures for who reads the output")]
async fn s69_a_primary_that_dies_under_load_costs_nobody_an_answer_and_loses_nothing() {
    let primary = Cluster::primary();
    let world = on(&primary).await;
    let device = world.astrids_mac().await;
    let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let standby = primary.standby("s2");
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (s2)'").await;
    primary.sql("SELECT pg_reload_conf()").await;
    while primary.count("SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let signals = Arc::new(Signals::default());
    let (mut clients, mut watches) = (Vec::new(), Vec::new());
    for n in 0..2 {
        let store = several(&primary.url(), &[&format!("127.0.0.1:{}", standby.port)]).await.unwrap();
        let watched = store.clone();
        watches.push(aside(async move { watched.watch_servers().await }));
        let app = replica_of(&world, store).await.1;
        for client in 0..3 {
            let mut browser = world.signed_in("astrid").await;
            browser.get("/help").await;
            browser.app = app.clone();
            let token = (client > 0).then(|| token.clone());
            clients.push(load(browser, n * 3 + client, token, device.clone(), Arc::clone(&signals)));
        }
    }
    signals.more(20).await;
    primary.kill();
    let killed = Instant::now();
    // Not on the thread that serves.
    let standby = tokio::task::spawn_blocking(move || {
        standby.promote();
        standby
    });
    let standby = standby.await.unwrap();
    let promoted = killed.elapsed();
    signals.more(20).await;
    signals.stop.store(true, Ordering::Relaxed);
    let told: Vec<Told> = join_all(clients).await.into_iter().map(Result::unwrap).collect();
    watches.iter().for_each(JoinHandle::abort);

    let errors: Vec<_> = told.iter().flat_map(|told| &told.errors).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let after = several(&standby.url(), &[]).await.unwrap();
    let trail = after.read().await.unwrap().trail_after(0, 1_000_000).await.unwrap();
    let mut lost = Vec::new();
    for (serial, key) in told.iter().flat_map(|told| &told.stored) {
        let rows = trail.iter().filter(|row| row.event.kind == EventKind::DepositNew && row.event.serial.as_deref() == Some(serial));
        let there = format!("SELECT COUNT(*) FROM key_versions v JOIN devices d ON d.id = v.device WHERE d.serial = '{serial}'");
        if (rows.count(), standby.count(&there).await) != (1, 1) {
            lost.push((serial, key));
        }
    }
    assert!(lost.is_empty(), "acknowledged, and not there once: {lost:?}");
    let shown: usize = told.iter().map(|told| told.shown.len()).sum();
    assert!(kinds(&trail, EventKind::RevealViewed) >= shown, "shown without a row");
    assert_eq!(kinds(&trail, EventKind::RevealViewed), kinds(&trail, EventKind::RevealGranted));
    let ring = open_ring(&after, &world.root, false).await.unwrap();
    let verdict = verify(&after, &ring, None).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict:?}");
    let stored: usize = told.iter().map(|told| told.stored.len()).sum();
    let gap = told.iter().map(|told| told.gap).max().unwrap_or_default();
    assert!(stored > 20 && shown > 5, "{stored} {shown}: no load");
    println!("{stored} deposits and {shown} keys shown; promoted after {promoted:?}, longest gap {gap:?}");
}
