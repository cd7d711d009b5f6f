//! What may happen: the acts of the house, each with its permit, its transaction and its trail row. No HTTP in here.
//!
//! A service owns its transaction; no network call and no decryption happens inside one. `escrow` takes keys in; `reveal`
//! and `view` show them; `fleet` knows the devices and `owners` whose they are; `sign_in`, `step_up` and `binding` say who
//! comes, `logout` who must go, `access`, `tokens` and `depositor` who is there; `status` says what is escrowed; `lookup` asks for many
//! at once; `admin` looks after the house; `trail` and `replay` read and prove the trail; `custody` opens the key ring, `vitals` says
//! how the server is.

pub mod access;
pub mod admin;
pub mod backup;
pub mod binding;
pub mod break_glass;
pub mod clock;
pub mod custody;
pub mod depositor;
pub mod escrow;
pub mod fleet;
pub mod forms;
mod gather;
pub mod inventory;
pub mod logout;
mod lookup;
pub mod moving;
pub mod once;
pub mod owner_names;
pub mod owners;
pub mod pace;
pub mod replay;
pub mod reveal;
pub mod sign_in;
pub mod status;
mod step_up;
pub mod throttle;
pub mod tokens;
pub mod trail;
pub mod view;
mod vitals;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use uuid::Uuid;

use crate::config::{Config, ConfigError};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, AuditReceipt, Event, EventKind, Outcome, Personal};
use crate::domain::device::hint;
use crate::domain::ids::{DeviceId, Env, EventId, Timestamp};
use crate::domain::policy::Refusal;
use crate::oidc::Oidc;
pub use crate::oidc::SIGNED_OUT_THERE;
use crate::store::{PATIENCE, Pending, Store, StoreError, Tx};
use crate::telemetry::metrics::Metrics;

/// Why an act did not happen. What a caller is told is chosen in `web::error`; `Display` is for the log.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("the key ring is not open")]
    Sealed,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{field} {why}")]
    Invalid { field: &'static str, why: String },
    #[error("too many requests until {until:?}")]
    TooMany { until: Timestamp, now: Timestamp },
    /// There is no room for more work; nothing was done.
    #[error("the queue of deposits is full")]
    Busy { retry_after: u32 },
    #[error("the idempotency key came with another request before")]
    KeyReused,
    #[error("the trail cannot be written: {0}")]
    Trail(#[source] StoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a stored row or value does not verify")]
    Integrity,
    #[error("{0}")]
    Internal(&'static str),
}

impl ServiceError {
    /// The database or the key ring is out of order, not what was asked.
    pub(crate) fn is_outage(&self) -> bool {
        self.copied().is_some()
    }

    /// The same once more, of an outage: it is told to everybody whom it hits.
    pub(crate) fn copied(&self) -> Option<Self> {
        match self {
            Self::Sealed => Some(Self::Sealed),
            Self::Trail(e) if e.is_outage() => Some(Self::Trail(e.clone())),
            Self::Store(e) if e.is_outage() => Some(Self::Store(e.clone())),
            _ => None,
        }
    }

    pub fn invalid(field: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Invalid { field, why: why.to_string() }
    }
}

pub type Result<T, E = ServiceError> = std::result::Result<T, E>;

/// What the trail keeps of the request an act came with.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    pub id: Uuid,
    pub address: Option<std::net::IpAddr>,
    pub user_agent: Option<String>,
}

impl RequestInfo {
    /// For acts that no request asked for.
    pub fn none(env: &Env) -> Self {
        Self { id: env.uuid(), address: None, user_agent: None }
    }
}

/// The settings as the services use them, parsed once.
pub struct Rules {
    pub config: Config,
    pub origin: String,
    pub ticket: Option<regex_lite::Regex>,
    pub exclusive: Vec<crate::domain::policy::Exclusive>,
}

impl Rules {
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self { origin: config.public_origin()?, ticket: config.ticket_pattern()?, exclusive: config.exclusive_roles()?, config })
    }
}

/// Everything an act needs. Cheap to clone.
#[derive(Clone)]
pub struct Keyharbor {
    pub(crate) store: Store,
    pub(crate) env: Env,
    pub(crate) rules: Arc<Rules>,
    pub(crate) oidc: Oidc,
    pub(crate) custody: Arc<custody::Custody>,
    pub(crate) throttle: Arc<throttle::Throttle>,
    pub(crate) checkpoint: Arc<trail::Checkpoint>,
    /// The highest number of a break-glass row that this process has told of.
    told: Arc<AtomicI64>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) pace: Arc<pace::Pace>,
    pub(crate) bounds: Arc<escrow::bounds::Bounds>,
    pub(crate) queue: Arc<escrow::Queue>,
    lookups: Arc<lookup::Lookups>,
    known: Arc<depositor::Known>,
    touching: Arc<tokens::Touching>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(25);

impl Keyharbor {
    pub fn new(store: Store, env: Env, rules: Rules, oidc: Oidc, custody: custody::Custody) -> Self {
        let (rules, custody) = (Arc::new(rules), Arc::new(custody));
        let (throttle, checkpoint, told, metrics, stopping, pace, bounds, lookups, known) = Default::default();
        let touching = Arc::default();
        let queue = Arc::new(escrow::Queue::default());
        Self {
            store,
            env,
            rules,
            oidc,
            custody,
            throttle,
            checkpoint,
            told,
            metrics,
            stopping,
            pace,
            bounds,
            queue,
            lookups,
            known,
            touching,
        }
    }

    pub fn env(&self) -> &Env {
        &self.env
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Asks the identity provider for its metadata and keys.
    ///
    /// # Errors
    /// [`crate::oidc::OidcError`].
    pub async fn discover_provider(&self) -> std::result::Result<(), crate::oidc::OidcError> {
        self.oidc.discover().await
    }

    /// Was the identity provider out of reach when it was last called?
    pub fn provider_is_down(&self) -> bool {
        self.oidc.last().is_some_and(|reach| reach.error.is_some())
    }

    /// Where a person ends the provider's own session, if it has such an address.
    pub fn provider_sign_out_url(&self) -> Option<String> {
        self.oidc.end_session_url(&format!("{}/signed-out", self.rules.origin))
    }

    /// # Errors
    /// [`ServiceError::Sealed`].
    pub(crate) fn ring(&self) -> Result<Arc<Ring>> {
        self.custody.ring().ok_or(ServiceError::Sealed)
    }

    /// Starts an event of this request; the caller fills in what it is about.
    pub(crate) fn event(&self, kind: EventKind, outcome: Outcome, actor: Actor, request: &RequestInfo) -> Event {
        event(&self.env, kind, outcome, actor, request)
    }

    /// Appends the trail rows of a transaction as its last act, and commits both.
    pub(crate) async fn conclude(&self, tx: Tx, events: &[Event]) -> Result<AuditReceipt> {
        self.conclude_under(self.ring()?.as_ref(), tx, events).await
    }

    /// The same under a ring that is not in use yet.
    pub(crate) async fn conclude_under(&self, ring: &Ring, tx: Tx, events: &[Event]) -> Result<AuditReceipt> {
        Ok(self.conclude_for(ring, tx, events, false).await?.0)
    }

    /// The same; if there is `more` to write at once, with the next transaction, where one can be had for less than a new one.
    pub(crate) async fn conclude_for(&self, ring: &Ring, mut tx: Tx, events: &[Event], more: bool) -> Result<(AuditReceipt, Option<Tx>)> {
        let pending = tx.audit_append(events, ring).await.map_err(ServiceError::Trail)?;
        if !self.checkpoint.follows(pending.seq()) {
            tracing::error!(
                seq = pending.seq(),
                "the trail is shorter than this server has seen it: nothing is recorded on it, nothing is shown"
            );
            return Err(ServiceError::Trail(StoreError::Decode("audit_head")));
        }
        let now = self.env.now();
        let committed = if more {
            self.store.commit_and_go_on(tx, pending.clone()).await
        } else {
            tx.commit(pending.clone()).await.map(|receipt| (receipt, None))
        };
        let (receipt, next) = match committed {
            Ok(done) => done,
            Err(e) if e.is_transient() => (Box::pin(self.committed(&pending, e)).await?, None),
            Err(e) => return Err(ServiceError::Trail(e)),
        };
        self.checkpoint.note(receipt.seq());
        self.metrics.recorded(events, receipt.seq(), now);
        Ok((receipt, next))
    }

    /// The answer to a commit was lost: the trail says whether it was done. If not, that is the error it failed with, and the
    /// whole transaction may be tried again.
    async fn committed(&self, pending: &Pending, error: StoreError) -> Result<AuditReceipt> {
        tracing::warn!(%error, "whether a commit was done is looked up in the trail");
        self.patiently(async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.store.committed(pending).await {
                    Ok(Some(receipt)) => return Ok(receipt),
                    Ok(None) => return Err(ServiceError::Trail(error)),
                    Err(e) => self.pause(&mut pause, e.into()).await?,
                }
            }
        })
        .await
    }

    /// A transaction that records events and nothing else.
    pub(crate) async fn record(&self, events: &[Event]) -> Result<()> {
        self.retry(async || {
            let tx = self.store.write().await?;
            self.conclude(tx, events).await.map(|_| ())
        })
        .await
    }

    /// Runs a whole transaction again while its failure is a passing one, until the patience ends.
    pub(crate) async fn retry<T>(&self, act: impl AsyncFn() -> Result<T>) -> Result<T> {
        self.patiently(async {
            let mut pause = FIRST_PAUSE;
            loop {
                match act().await {
                    Ok(done) => return Ok(done),
                    Err(e) => self.pause(&mut pause, e).await?,
                }
            }
        })
        .await
    }

    /// Ends what takes longer than one act may, all in all, before it answers "unavailable".
    pub(crate) async fn patiently<T>(&self, act: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(PATIENCE, act).await.unwrap_or_else(|_| {
            self.metrics.gave_up();
            Err(ServiceError::Store(StoreError::Timeout))
        })
    }

    /// Waits before another try, each time longer; gives the error back when another try would be no better.
    pub(crate) async fn pause(&self, pause: &mut Duration, error: ServiceError) -> Result<()> {
        match error {
            // A conflict is another replica's change in between: the next try reads it.
            ServiceError::Store(e) | ServiceError::Trail(e) if e.is_transient() || matches!(e, StoreError::Conflict) => {
                tracing::warn!(error = %e, "a transaction is tried again");
                self.metrics.retried();
                tokio::time::sleep(*pause).await;
                *pause = (*pause * 2).min(Duration::from_millis(800));
                Ok(())
            }
            other => Err(other),
        }
    }

    /// One event `integrity_failure` that names the table and, where there is one, the device.
    pub(crate) async fn record_integrity(&self, table: &'static str, device: Option<DeviceId>, request: &RequestInfo) -> Result<()> {
        self.record(&[self.integrity_event(table, device, request)]).await
    }

    /// The row about one that does not verify, for a transaction that goes on.
    pub(crate) fn integrity_event(&self, table: &'static str, device: Option<DeviceId>, request: &RequestInfo) -> Event {
        tracing::error!(table, "a stored row does not verify");
        let mut event = self.event(EventKind::IntegrityFailure, Outcome::Failed, Actor::System, request);
        event.detail = table.to_owned();
        event.device = device;
        event
    }
}

/// Starts an event; the caller fills in what it is about.
pub(crate) fn event(env: &Env, kind: EventKind, outcome: Outcome, actor: Actor, request: &RequestInfo) -> Event {
    let mut salt = [0u8; 16];
    env.entropy.fill(&mut salt);
    Event {
        id: EventId::new(env),
        at: env.now(),
        kind,
        outcome,
        actor,
        role: String::new(),
        device: None,
        serial: None,
        version: None,
        grant: None,
        request: Some(request.id),
        detail: String::new(),
        personal: Personal {
            address: request.address.map(|a| a.to_string()),
            user_agent: request.user_agent.as_deref().and_then(hint),
            ..Personal::default()
        },
        salt,
    }
}
