//! What is counted and measured, for Prometheus.
//!
//! Every label takes one of a few values that the code knows: a route's pattern, a status, a kind of trail event. Never a
//! serial number, a person, a token or a path. `docs/metrics.md` is made from this list.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::domain::Timestamp;
use crate::domain::audit::{Actor, Event, EventKind, Outcome};

const PREFIX: &str = "keyharbor";
/// Upper ends in seconds; the last one is where an act gives up.
const SECONDS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

const POOLS: &str = "Connections to the database: open, idle, and the most there may be.";
const SERVERS: &str = "Servers of the database, with database.other_hosts: writing, reading, silent. Anything but one that writes needs a look at once; while two do, nothing is written.";

macro_rules! labels {
    ($($name:ident { $($label:ident: $ty:ty),+ })+) => {
        $(#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
        struct $name { $($label: $ty),+ })+
    };
}

labels! {
    Request { method: &'static str, route: &'static str, status: u16 }
    Route { method: &'static str, route: &'static str }
    Result { result: &'static str }
    Step { step: &'static str, basis: &'static str }
    SignIn { kind: &'static str, result: &'static str }
    Caller { caller: &'static str }
    Kind { kind: &'static str }
    Listener { listener: &'static str }
    Build { version: &'static str, engine: &'static str }
    Connections { pool: &'static str, state: &'static str }
    Server { state: &'static str }
}

/// A metric as its page describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// As Prometheus sees it, e.g. `keyharbor_deposits_total`.
    pub name: String,
    pub kind: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// What is only known when somebody asks.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub sealed: bool,
    pub stopping: bool,
    pub provider_up: bool,
    pub engine: &'static str,
    /// Deposits that wait.
    pub waiting: usize,
    /// Pool, open connections, idle ones, and how many there may be.
    pub pools: Vec<(&'static str, u32, usize, u32)>,
    /// Where the database has several servers: how many are in each state.
    pub servers: Vec<(&'static str, usize)>,
}

#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// Everything that is counted in this process.
pub struct Metrics {
    registry: Registry,
    about: Vec<About>,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, Seconds>,
    deposits: Deposits,
    reveals: Family<Step, Counter>,
    sign_ins: Family<SignIn, Counter>,
    refusals: Family<Caller, Counter>,
    integrity: Counter,
    break_glass: Gauge,
    trail: Family<Kind, Counter>,
    trail_head: Gauge,
    trail_at: Gauge<f64, AtomicU64>,
    retries: Counter,
    timeouts: Counter,
    pools: Family<Connections, Gauge>,
    servers: Family<Server, Gauge>,
    sealed: Gauge,
    stopping: Gauge,
    provider: Gauge,
    build: Family<Build, Gauge>,
    certificate: Family<Listener, Gauge>,
    certificates: Family<Result, Counter>,
}

/// Collects the registry and what its page says, in one order.
struct Book {
    registry: Registry,
    about: Vec<About>,
}

impl Book {
    fn add<M: Metric + Clone>(
        &mut self,
        kind: &'static str,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
        metric: M,
    ) -> M {
        let end = if kind == "counter" { "_total" } else { "" };
        self.about.push(About { name: format!("{PREFIX}_{name}{end}"), kind, labels, help });
        self.registry.register(name, help.trim_end_matches('.'), metric.clone());
        metric
    }

    fn counter<M: Metric + Clone + Default>(&mut self, name: &'static str, labels: &'static [&'static str], help: &'static str) -> M {
        self.add("counter", name, labels, help, M::default())
    }

    fn gauge<M: Metric + Clone + Default>(&mut self, name: &'static str, labels: &'static [&'static str], help: &'static str) -> M {
        self.add("gauge", name, labels, help, M::default())
    }
}

struct Deposits {
    taken: Family<Result, Counter>,
    batches: Counter,
    waiting: Gauge,
    turned_away: Counter,
}

impl Deposits {
    fn of(b: &mut Book) -> Self {
        Self {
            taken: b.counter("deposits", &["result"], "Keys handed in: new, same, promoted (a superseded key that came again), refused."),
            batches: b.counter(
                "deposit_batches",
                &[],
                "Transactions of deposits: as many as come at a time share one. Deposits to batches is how many, on the average.",
            ),
            waiting: b.gauge("deposits_waiting", &[], "Deposits that wait to be stored, those of the running transaction included."),
            turned_away: b.counter(
                "deposits_turned_away",
                &[],
                "Requests with deposits that found the queue full, were told so, and left nothing.",
            ),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut b = Book { registry: Registry::with_prefix(PREFIX), about: Vec::new() };
        let seconds = Family::new_with_constructor(Seconds);
        Self {
            requests: b.counter(
                "http_requests",
                &["method", "route", "status"],
                "Requests to the public listener, by the pattern of their route (\"-\" where none matches).",
            ),
            seconds: b.add(
                "histogram",
                "http_request_duration_seconds",
                &["method", "route"],
                "Seconds from a request's head to its answer's head.",
                seconds,
            ),
            deposits: Deposits::of(&mut b),
            reveals: b.counter(
                "reveals",
                &["step", "basis"],
                "Keys shown: granted, viewed, renewed, hidden, refused; to an owner, to the desk, or to nobody who may.",
            ),
            sign_ins: b.counter("sign_ins", &["kind", "result"], "Sign-ins and step-ups that ended: ok or failed."),
            refusals: b.counter(
                "refusals",
                &["caller"],
                "Refused requests of a person, a token or somebody unknown, those without a trail row of their own included.",
            ),
            integrity: b.counter("integrity_failures", &[], "Stored rows that did not verify. More than none needs a look at once."),
            break_glass: b.gauge(
                "break_glass_reveals_last_day",
                &[],
                "Keys shown at the host itself (`keyharbor reveal`) in the last 24 hours. More than none needs somebody who knows why.",
            ),
            trail: b.counter("trail_events", &["kind"], "Trail rows written by this replica, by kind."),
            trail_head: b.gauge("trail_head", &[], "The highest number of a trail row that this replica has written."),
            trail_at: b.gauge("trail_last_append_timestamp_seconds", &[], "When that row was written."),
            retries: b.counter("database_retries", &[], "Transactions that were tried again."),
            timeouts: b.counter("database_timeouts", &[], "Acts that were given up because the database did not answer in time."),
            pools: b.gauge("database_connections", &["pool", "state"], POOLS),
            servers: b.gauge("database_servers", &["state"], SERVERS),
            sealed: b.gauge("sealed", &[], "1 while the key ring is not open: nothing is shown, nothing is acknowledged."),
            stopping: b.gauge("stopping", &[], "1 from the stop signal on."),
            provider: b.gauge(
                "identity_provider_up",
                &[],
                "0 when the identity provider could not be reached the last time it was called.",
            ),
            build: b.gauge("build_info", &["version", "engine"], "Always 1; which version runs, and on which database engine."),
            certificate: b.gauge(
                "tls_certificate_expiry_timestamp_seconds",
                &["listener"],
                "When the TLS certificate that is served ends. Absent without server.tls_certificate.",
            ),
            certificates: b.counter(
                "tls_reloads",
                &["result"],
                "New TLS certificates that were found: ok or failed. After a failure the one before is served on.",
            ),
            registry: b.registry,
            about: b.about,
        }
    }
}

impl Metrics {
    /// Every metric, in the order in which they are shown.
    pub fn about(&self) -> &[About] {
        &self.about
    }

    /// One request was answered. `route` is a pattern of the route table, or "-".
    pub fn answered(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Request { method, route, status }).inc();
        self.seconds.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }

    /// So many keys were shown at the host itself within a day.
    pub fn break_glass(&self, shown: usize) {
        self.break_glass.set(i64::try_from(shown).unwrap_or(i64::MAX));
    }

    /// Trail rows were committed, the last of them under this number.
    pub fn recorded(&self, events: &[Event], seq: i64, at: Timestamp) {
        if self.trail_head.get() < seq {
            self.trail_head.set(seq);
            self.trail_at.set(at.seconds() as f64);
        }
        for event in events {
            self.trail.get_or_create(&Kind { kind: event.kind.code() }).inc();
            self.count(event);
        }
    }

    fn count(&self, event: &Event) {
        use EventKind as K;
        let deposit = |result| {
            self.deposits.taken.get_or_create(&Result { result }).inc();
        };
        let reveal = |step| {
            self.reveals.get_or_create(&Step { step, basis: basis(&event.role) }).inc();
        };
        let sign_in = |kind, result| {
            self.sign_ins.get_or_create(&SignIn { kind, result }).inc();
        };
        let result = if event.outcome == Outcome::Ok { "ok" } else { "failed" };
        match event.kind {
            K::DepositNew => deposit("new"),
            K::DepositSame => deposit("same"),
            K::DepositPromoted => deposit("promoted"),
            K::DepositRefused => deposit("refused"),
            K::RevealGranted => reveal("granted"),
            K::RevealViewed => reveal("viewed"),
            K::RevealRenewed => reveal("renewed"),
            K::RevealHidden => reveal("hidden"),
            K::RevealRefused => reveal("refused"),
            K::SignIn => sign_in("sign_in", result),
            K::SignInFailed => sign_in("sign_in", "failed"),
            K::StepUp => sign_in("step_up", result),
            K::IntegrityFailure => {
                self.integrity.inc();
            }
            _ => {}
        }
        // Unknown callers are counted where they are refused: most of them have no row.
        if event.outcome == Outcome::Refused && !matches!(event.actor, Actor::Anonymous) {
            self.refused(event.actor.kind());
        }
    }

    /// Somebody was refused: "person", "token", "anonymous".
    pub fn refused(&self, caller: &'static str) {
        self.refusals.get_or_create(&Caller { caller }).inc();
    }

    /// The TLS certificate that is served, and its end.
    pub fn certificate_until(&self, until: Timestamp) {
        self.certificate.get_or_create(&Listener { listener: "public" }).set(until.seconds());
    }

    /// There was a new TLS certificate; could it be used?
    pub fn certificate_taken(&self, usable: bool) {
        self.certificates.get_or_create(&Result { result: if usable { "ok" } else { "failed" } }).inc();
    }

    pub fn stored_a_batch(&self) {
        self.deposits.batches.inc();
    }

    pub fn turned_away(&self) {
        self.deposits.turned_away.inc();
    }

    pub fn retried(&self) {
        self.retries.inc();
    }

    pub fn gave_up(&self) {
        self.timeouts.inc();
    }

    /// Everything as OpenMetrics text.
    pub fn text(&self, now: &Snapshot) -> String {
        self.sealed.set(now.sealed.into());
        self.deposits.waiting.set(i64::try_from(now.waiting).unwrap_or(i64::MAX));
        self.stopping.set(now.stopping.into());
        self.provider.set(now.provider_up.into());
        self.build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION"), engine: now.engine }).set(1);
        for (pool, open, idle, most) in &now.pools {
            let set = |state, n: i64| {
                self.pools.get_or_create(&Connections { pool, state }).set(n);
            };
            set("open", i64::from(*open));
            set("idle", i64::try_from(*idle).unwrap_or(i64::MAX));
            set("most", i64::from(*most));
        }
        for (state, n) in &now.servers {
            self.servers.get_or_create(&Server { state }).set(i64::try_from(*n).unwrap_or(i64::MAX));
        }
        let mut out = String::new();
        // A string takes all there is.
        let _ = encode(&mut out, &self.registry);
        out
    }
}

/// On which ground a key was asked for, as the trail's row says it.
fn basis(role: &str) -> &'static str {
    match role {
        "owner" => "owner",
        "helpdesk" => "desk",
        _ => "none",
    }
}
