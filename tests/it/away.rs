//! A database that is away, slow or full: 503 within five seconds, the process lives, and all is well again without a restart.

use std::time::{Duration, Instant};

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::{Engine, Store, StoreError, StoreOptions};
use sqlx::{Connection as _, PgConnection};

use crate::link::Link;
use crate::races::{ring, whole};
use crate::standby::replica_of;
use crate::world::{Answer, Browser, KEY, MAC, OTHER_KEY, World};
use crate::{engines, filled};

const OTHER_MAC: &str = "C02BENT";

/// What S68 allows.
const MOST: Duration = Duration::from_secs(5);

struct Outage {
    world: World,
    link: Link,
    astrid: Browser,
    device: String,
    token: String,
}

impl Outage {
    async fn new() -> Self {
        let world = World::on(Engine::Postgres, |_| {}).await;
        let link = Link::to(&world.fresh.url).await;
        let device = world.astrids_mac().await;
        let mut astrid = world.browser();
        astrid.app = world.replica_at(&link.url).await.1;
        assert_eq!(astrid.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
        astrid.get("/help").await;
        let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        Self { world, link, astrid, device, token }
    }

    async fn check_in(&self, key: &str) -> Answer {
        let mut agent = self.world.browser();
        agent.app = self.astrid.app.clone();
        let body = format!("serial={MAC}&recovery_password={key}&username=&macname=m");
        let path = format!("/compat/crypt/{}/checkin/", self.token);
        agent.request(Method::POST, &path, &[("content-type", "application/x-www-form-urlencoded")], body).await
    }

    /// Everything that needs the database says so in time, and shows nothing.
    async fn all_say_so(&mut self) {
        let mut other = self.world.browser();
        other.app = self.astrid.app.clone();
        let answers = [
            ("deposit", timed(self.check_in(OTHER_KEY)).await),
            ("reveal", timed(self.astrid.reveal(&self.device)).await),
            ("list", timed(self.astrid.get("/devices")).await),
            ("sign-in", timed(other.get("/sign-in")).await),
            ("readiness", timed(other.get("/readyz")).await),
        ];
        for (what, (answer, took)) in answers {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {}", answer.text);
            assert!(took < MOST, "{what}: {took:?}");
            assert!(answer.key().is_none() && answer.location().is_empty());
        }
        assert_eq!(other.get("/healthz").await.status, StatusCode::OK);
    }

    async fn all_is_well(mut self) {
        assert_eq!(self.check_in(OTHER_KEY).await.status, StatusCode::OK);
        let granted = self.astrid.reveal(&self.device).await;
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
        assert!(self.astrid.get(granted.location()).await.key().is_some_and(|key| [KEY, OTHER_KEY].contains(&key.as_str())));
        assert_eq!(self.astrid.get("/readyz").await.status, StatusCode::OK);
        whole(&self.world).await;
    }
}

async fn timed(answer: impl Future<Output = Answer>) -> (Answer, Duration) {
    let began = Instant::now();
    (answer.await, began.elapsed())
}

#[actix_web::test]
async fn s68_a_database_that_is_away_is_503_in_time_and_comes_back_without_a_restart() {
    let mut outage = Outage::new().await;
    outage.link.take_away();
    outage.all_say_so().await;
    outage.link.mend();
    outage.all_is_well().await;
}

#[actix_web::test]
async fn s68_a_database_that_does_not_answer_is_503_in_time_and_comes_back_without_a_restart() {
    let mut outage = Outage::new().await;
    outage.link.hold();
    outage.all_say_so().await;
    outage.link.mend();
    outage.all_is_well().await;
}

/// Also for those whose act has no deadline of its own: commands, sweeps, what looks on in the background.
#[actix_web::test]
async fn s68_no_call_waits_for_ever_for_a_database_that_does_not_answer() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let link = Link::to(&world.fresh.url).await;
    let store = engines::connect(&link.url).await;
    let (mut read, mut reader) = (store.read().await.unwrap(), store.reader().await.unwrap());
    let (mut append, commit) = (store.write().await.unwrap(), store.write().await.unwrap());
    let (ring, events) = (ring(&world).await, [filled::event()]);
    link.hold();
    let began = Instant::now();
    let calls = async {
        tokio::join!(read.held(), reader.key_ring(), append.audit_append(&events, &ring), commit.commit_unrecorded(), store.now())
    };
    let (read, reader, append, commit, now) = tokio::time::timeout(2 * MOST, calls).await.expect("one waits for ever");
    let results = [
        ("a call", read.map(drop)),
        ("a look-up", reader.map(drop)),
        ("the trail", append.map(drop)),
        ("a commit", commit),
        ("the clock", now.map(drop)),
    ];
    for (what, result) in results {
        assert!(result.as_ref().is_err_and(StoreError::is_outage), "{what}: {result:?}");
    }
    assert!(began.elapsed() < MOST, "{:?}", began.elapsed());
}

/// The server answers in the end, and has begun: nobody is given that connection. Others are kept.
#[actix_web::test]
async fn s68_a_transaction_that_begins_too_late_is_nobodys() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let link = Link::to(&world.fresh.url).await;
    let options = StoreOptions::new(format!("{}?application_name=late", link.url).into(), 1);
    let store = Store::connect(&options).await.unwrap();
    let mut direct = PgConnection::connect(&world.fresh.url).await.unwrap();
    let mut there = async || {
        let pids = "SELECT pid FROM pg_stat_activity WHERE application_name = 'late'";
        sqlx::query_scalar::<_, i32>(pids).fetch_all(&mut direct).await.unwrap()
    };
    let first = there().await;
    for _ in 0..3 {
        drop(store.write().await.unwrap());
    }
    let reader = store.reader().await.unwrap();
    assert_eq!(there().await, first, "the same connection all along");
    drop(reader);
    link.hold_before("BEGIN");
    let begun = tokio::time::timeout(MOST, store.write()).await.expect("it is given up in time").map(drop);
    assert!(begun.as_ref().is_err_and(StoreError::is_outage), "{begun:?}");
    link.mend();
    let began = Instant::now();
    while there().await == first {
        assert!(began.elapsed() < MOST, "it is kept, in a transaction that nobody knows of");
    }
    drop(store.snapshot().await.unwrap());
    drop(store.write().await.unwrap());
}

#[actix_web::test]
async fn s68_a_database_that_goes_away_for_a_moment_is_waited_for() {
    let mut outage = Outage::new().await;
    outage.link.take_away();
    let (answer, ()) = tokio::join!(outage.check_in(OTHER_KEY), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        outage.link.mend();
    });
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    outage.link.take_away();
    let link = &outage.link;
    let (answer, ()) = tokio::join!(outage.astrid.get("/devices"), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        link.mend();
    });
    assert_eq!(answer.status, StatusCode::OK, "a page waits, too");
    assert_eq!(outage.world.count(EventKind::DepositNew).await, 2);
}

/// Whoever has a connection waits for no other: with as many requests at a time as there are connections, all would wait for ever.
#[actix_web::test]
async fn one_connection_is_enough_for_everything() {
    for world in World::both().await {
        let only = StoreOptions::new(world.fresh.url.clone().into(), 1);
        let only = engines::borrowed(Store::connect(&only).await.unwrap(), world.fresh.url.clone());
        let (world, _before) = world.over(only).await;
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let page = astrid.reveal(&device).await.location().to_owned();
        assert!(astrid.get(&page).await.key().is_some());
        assert_eq!(astrid.post(&format!("{page}/renew"), &[]).await.status, StatusCode::SEE_OTHER);
        for (login, paths) in [
            ("kim", &[&*format!("/desk?q={MAC}"), &format!("/desk/devices/{device}")][..]),
            ("eva", &["/trail", "/trail?kind=deposit.new"]),
            ("ola", &["/admin", "/admin/tokens", "/admin/sources", "/admin/sessions", "/admin/devices?list=no-key"]),
        ] {
            let mut person = world.signed_in(login).await;
            for path in paths {
                assert_eq!(person.get(path).await.status, StatusCode::OK, "{path}");
            }
            assert_eq!(person.get(&page).await.status, StatusCode::NOT_FOUND, "and so is what is refused, with a row");
        }
        let token = world.token(&[Scope::StatusRead, Scope::DevicesRead], Door::Header, Trust::Observed).await;
        let ask = async |path: &str| world.api(Method::GET, path, &token, None).await.status;
        world.deposit(OTHER_MAC, KEY, Trust::Observed).await;
        world.sql(&format!("UPDATE devices SET ownership = 'personal' WHERE serial = '{OTHER_MAC}'")).await;
        for (serial, status) in [(MAC, StatusCode::OK), (OTHER_MAC, StatusCode::NOT_FOUND), ("C02NOBODY", StatusCode::NOT_FOUND)] {
            assert_eq!(ask(&format!("/api/v1/devices/{serial}/escrow-status")).await, status, "{serial}");
            assert_eq!(ask(&format!("/api/v1/devices/{serial}")).await, status, "{serial}");
        }
        assert_eq!(ask("/api/v1/devices").await, StatusCode::OK);
        assert_eq!(ask("/api/v1/events").await, StatusCode::FORBIDDEN);
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 2, "the bent one, each time");
    }
}

/// All connections are in use, and stay so.
#[actix_web::test]
async fn s68_a_pool_without_a_free_connection_is_503_in_time() {
    let mut outage = Outage::new().await;
    let store = engines::connect(&outage.world.fresh.url).await;
    outage.astrid.app = replica_of(&outage.world, store.clone()).await.1;
    outage.astrid.get("/help").await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(store.read().await.unwrap());
    }
    outage.all_say_so().await;
    held.clear();
    outage.all_is_well().await;
}
