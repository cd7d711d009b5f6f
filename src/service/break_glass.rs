//! Break-glass: a key for somebody at the host itself, when nobody can sign in.
//!
//! The order is that of every reveal: the trail row commits, and only its receipt opens the one version that it names. There is
//! no session, no policy and no quota here; who can run this holds the root key. So it is loud: a row of its own kind, an error
//! in the log, also in that of every server, a metric, a line on the Mac's page that its owner reads.

use std::sync::atomic::Ordering;

use super::Keyharbor;
use super::custody::operators;
use super::escrow::{place_of, verified};
use super::reveal::first_shown;
use crate::crypto::Ring;
use crate::domain::audit::{Event, EventKind, Outcome, TrailRow};
use crate::domain::device::{Device, Serial, TextError, clean};
use crate::domain::escrow::{KeyVersion, Standing};
use crate::domain::ids::{Env, Timestamp};
use crate::domain::recovery_key::{RecoveryKey, SecretKind, looks_like_key};
use crate::domain::trail::{Cursor, TrailFilter};
use crate::store::{Store, StoreError, Tx};

/// Why no key is shown. Holds nothing of a key.
#[derive(Debug, thiserror::Error)]
pub enum BreakGlassError {
    #[error("{field} {why}")]
    Invalid { field: &'static str, why: String },
    #[error("no Mac with the serial number {0} is known")]
    UnknownDevice(String),
    #[error("no key was ever received for {0}")]
    NoKey(String),
    #[error("{serial} has no key version {version}; there are: {there}")]
    NoVersion { serial: String, version: i64, there: String },
    #[error("a stored row or value does not verify ({0}): it was changed behind the server's back, see `keyharbor audit verify`")]
    Integrity(&'static str),
    #[error("the trail or the database cannot be used, and without a trail row no key is shown: {0}")]
    Store(#[from] StoreError),
}

/// What is asked for, and by whom.
pub struct BreakGlass {
    serial: Serial,
    version: Option<i64>,
    operator: String,
    reason: String,
}

/// A key in the open. Dropping it wipes it.
pub struct Opened {
    pub key: RecoveryKey,
    pub serial: Serial,
    pub version: KeyVersion,
    /// Every version there is, newest first.
    pub there: Vec<i64>,
    /// The number of the trail row.
    pub row: i64,
}

const LONGEST: usize = 500;
/// Rows of a day that the server looks at, the newest first: so many at a time, so often at most.
const PAGE: i64 = 1000;
const PAGES: usize = 20;

impl BreakGlass {
    /// `version`: `None` = the current one.
    ///
    /// # Errors
    /// [`BreakGlassError::Invalid`] names the field and never repeats it.
    pub fn new(serial: &str, version: Option<i64>, operator: &str, reason: &str) -> Result<Self, BreakGlassError> {
        let invalid = |field, why: String| BreakGlassError::Invalid { field, why };
        let text = |field, text: &str| {
            if text.chars().count() > LONGEST {
                return Err(invalid(field, format!("is longer than {LONGEST} characters")));
            }
            if looks_like_key(text) {
                return Err(invalid(field, "looks like a recovery key".to_owned()));
            }
            clean(text, LONGEST).ok_or_else(|| invalid(field, "must not be empty".to_owned()))
        };
        let serial = Serial::parse(serial).map_err(|e: TextError| invalid("serial", e.to_string()))?;
        Ok(Self { serial, version, operator: text("operator", operator)?, reason: text("reason", reason)? })
    }
}

/// Shows one key. What is refused is a row too.
///
/// # Errors
/// [`BreakGlassError`].
pub async fn break_glass(store: &Store, ring: &Ring, env: &Env, ask: &BreakGlass) -> Result<Opened, BreakGlassError> {
    let mut tx = store.write().await?;
    let mut event = operators(env, EventKind::RevealBreakGlass, "");
    "break_glass".clone_into(&mut event.role);
    event.serial = Some(ask.serial.as_str().to_owned());
    event.personal.name = Some(ask.operator.clone());
    event.personal.reason = Some(ask.reason.clone());
    let (device, chosen) = match choose(&mut tx, ring, ask).await? {
        Ok(found) => found,
        Err(refusal) => {
            event.outcome = Outcome::Refused;
            let about = match &refusal {
                BreakGlassError::Integrity(table) => Some(broken(env, table)),
                _ => None,
            };
            let events: Vec<Event> = about.into_iter().chain([event]).collect();
            let pending = tx.audit_append(&events, ring).await?;
            tx.commit(pending).await?;
            return Err(refusal);
        }
    };
    let (all, _) = verified(tx.versions(device.id, SecretKind::RecoveryKey, i64::from(i32::MAX)).await?, ring);
    let there = all.iter().map(|v| v.version).collect();
    if chosen.revealed_at.is_none() {
        // It has been seen: rotation is due, as after every reveal.
        first_shown(&mut tx, ring, &chosen, event.at).await?;
    }
    (event.device, event.version, event.detail) = (Some(device.id), Some(chosen.id), format!("version {}", chosen.version));
    let pending = tx.audit_append(&[event], ring).await?;
    let receipt = tx.commit(pending).await?;
    tracing::error!(
        serial = ask.serial.as_str(),
        version = chosen.version,
        operator = ask.operator,
        row = receipt.seq(),
        "break-glass: a recovery key is shown at the host"
    );
    let found = store.sealed_key(&receipt).await?;
    let opened = found.and_then(|(version, sealed)| {
        let version = version.check(ring).ok().filter(|v| v.id == chosen.id && v.device == device.id)?;
        let plain = ring.open(&place_of(&version), &sealed).ok()?;
        Some((RecoveryKey::parse(std::str::from_utf8(&plain).ok()?).ok()?, version))
    });
    let Some((key, version)) = opened else {
        let mut tx = store.write().await?;
        let failed = Event { device: Some(device.id), version: Some(chosen.id), ..broken(env, "key_versions") };
        let pending = tx.audit_append(&[failed], ring).await?;
        tx.commit(pending).await?;
        return Err(BreakGlassError::Integrity("key_versions"));
    };
    Ok(Opened { key, serial: device.serial, version, there, row: receipt.seq() })
}

impl Keyharbor {
    /// Break-glass is another process's act, whose log may end on somebody's screen: the server says it too, once per process, and keeps
    /// it in a metric for a day. Also of what was done while no server ran. Called every few seconds.
    pub async fn watch_break_glass(&self) {
        let shown = match self.shown_since(self.env.now().plus_seconds(-86_400)).await {
            Ok(rows) => rows,
            Err(e) => return tracing::warn!(error = %e, "the trail could not be looked at for break-glass"),
        };
        self.metrics.break_glass(shown.len());
        let told = self.told.load(Ordering::Relaxed);
        for row in shown.iter().rev().filter(|row| row.seq > told) {
            let (serial, operator) = (row.event.serial.as_deref(), row.event.personal.name.as_deref());
            tracing::error!(
                serial,
                operator,
                row = row.seq,
                at = row.event.at.rfc3339(),
                "break-glass: a recovery key was shown at the host"
            );
            self.told.fetch_max(row.seq, Ordering::Relaxed);
        }
    }

    /// What was shown at the host since then, the newest first. What was refused is a row of that kind too, and hides nothing.
    async fn shown_since(&self, since: Timestamp) -> Result<Vec<TrailRow>, StoreError> {
        let filter = TrailFilter { from: Some(since), kind: Some(EventKind::RevealBreakGlass), ..TrailFilter::default() };
        let mut tx = self.store.read().await?;
        let (mut shown, [_, mut before]) = (Vec::new(), Cursor::ENDS);
        for _ in 0..PAGES {
            let rows = tx.trail_older(&filter, before, PAGE).await?;
            let more = i64::try_from(rows.len()).is_ok_and(|n| n == PAGE);
            let Some(last) = rows.last() else { break };
            before = Cursor::of(&last.row);
            shown.extend(rows.into_iter().map(|linked| linked.row).filter(|row| row.event.outcome == Outcome::Ok));
            if !more {
                break;
            }
        }
        Ok(shown)
    }
}

/// The row about one that does not verify.
fn broken(env: &Env, table: &str) -> Event {
    Event { outcome: Outcome::Failed, ..operators(env, EventKind::IntegrityFailure, table) }
}

/// The Mac and the version that is meant, among those that verify; or why there is none.
async fn choose(tx: &mut Tx, ring: &Ring, ask: &BreakGlass) -> Result<Result<(Device, KeyVersion), BreakGlassError>, StoreError> {
    let serial = || ask.serial.as_str().to_owned();
    let Some(device) = tx.device_by_serial_locked(&ask.serial).await? else { return Ok(Err(BreakGlassError::UnknownDevice(serial()))) };
    if !device.verifies(ring) {
        return Ok(Err(BreakGlassError::Integrity("devices")));
    }
    let kind = SecretKind::RecoveryKey;
    let (versions, bad) = match ask.version {
        None => verified(tx.candidates(device.id, kind, None).await?, ring),
        Some(_) => verified(tx.versions(device.id, kind, i64::from(i32::MAX)).await?, ring),
    };
    let found = match ask.version {
        None => Standing::of(&versions).map(|s| s.current),
        Some(number) => versions.iter().find(|v| v.version == number),
    };
    Ok(match (found.cloned(), ask.version) {
        (Some(version), _) => Ok((device, version)),
        (None, _) if !bad.is_empty() => Err(BreakGlassError::Integrity("key_versions")),
        (None, Some(version)) if !versions.is_empty() => {
            let there = versions.iter().map(|v| v.version.to_string()).collect::<Vec<_>>().join(", ");
            Err(BreakGlassError::NoVersion { serial: serial(), version, there })
        }
        (None, _) => Err(BreakGlassError::NoKey(serial())),
    })
}
