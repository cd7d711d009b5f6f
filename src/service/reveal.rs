//! Showing a key: a grant first, a trail row with it, then the plaintext of the one version that row names.
//!
//! Order is the promise here. `policy::decide` → quota, owner, grant, trail row in one transaction → commit → receipt →
//! `Store::sealed_key(&receipt)` → open. Nothing is opened before the commit; a grant never changes and ends by itself.

use std::sync::Arc;

use super::access::SignedIn;
use super::escrow::verified;
use super::forms::{DeskReason, FieldError, RevealForm, Which};
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::config::StepUp;
use crate::crypto::Ring;
use crate::domain::audit::{Event, EventKind, Outcome};
use crate::domain::device::{Device, DeviceState, Serial};
use crate::domain::escrow::{KeyVersion, Standing};
use crate::domain::ids::{DeviceId, GrantId, Timestamp, VersionId};
use crate::domain::integrity::{Attested, Deciding as _};
use crate::domain::person::{Role, Session};
use crate::domain::policy::{self, Action, Caller, Permit, Refusal};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};
use crate::domain::reveal::{Basis, Grant};
use crate::store::{StoreError, Tx};

/// Why there is no key to show. Each has one remedy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoKey {
    /// Nothing was ever handed in for it.
    NeverReceived,
    /// The MDM says a key exists, but it was not escrowed to us.
    Elsewhere,
    /// What is stored does not verify.
    Integrity,
    /// There is no second candidate (any more).
    NoOther,
}

/// The answer to one press.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Granted(GrantId),
    /// The sign-in is older than a reveal allows.
    StepUpDue,
    /// The provider does not say when the person proved who they are.
    NoAuthTime,
    NoKey(NoKey),
    Invalid(Vec<FieldError>),
}

/// What the page of an open grant holds. Dropping it wipes the key.
pub struct Shown {
    pub key: RecoveryKey,
    pub device: Device,
    pub version: KeyVersion,
    pub basis: Basis,
    pub from: Timestamp,
    pub until: Timestamp,
    /// For the desk: whose Mac it is.
    pub owner: Option<String>,
    /// Whole seconds left at the moment of the answer, 1–300.
    pub seconds_left: i64,
    pub renewals_left: i64,
    /// It came from "Extend to five minutes".
    pub renewed: bool,
    /// The owner: there is another candidate, and this is not it. The desk: there are other versions.
    pub other: bool,
}

/// What `/reveals/{id}` shows.
pub enum View {
    Shown(Box<Shown>),
    /// Over, hidden, or of an earlier session line of the same person.
    Hidden {
        device: Device,
        basis: Basis,
        from: Timestamp,
        until: Timestamp,
    },
    /// The stored value does not open.
    Broken {
        device: Device,
        basis: Basis,
    },
}

/// The answer to "Extend to five minutes".
#[derive(Debug, PartialEq, Eq)]
pub enum Renewal {
    Renewed(GrantId),
    /// The grant is over or hidden: ask anew.
    Over,
    UsedUp {
        device: DeviceId,
        basis: Basis,
    },
}

impl Keyharbor {
    /// One press of the button. A grant, its trail row and the quota commit together or not at all.
    ///
    /// # Errors
    /// [`ServiceError`]: refused (the one 404), too many, sealed, the trail, the database.
    pub async fn request_reveal(&self, person: &SignedIn, form: &RevealForm, request: &RequestInfo) -> Result<Answer> {
        let action = if form.desk.is_some() { Action::DeskReveal } else { Action::Reveal };
        let (device, permit) = self.judge(person, form.device(), action, request).await?;
        let reason = match form.desk.as_ref().map(|d| d.check(&self.rules)) {
            Some(Err(errors)) => {
                let detail = errors.first().map_or("form", |e| e.code);
                self.refuse_reveal(person, permit, &device, detail, request).await?;
                return Ok(Answer::Invalid(errors));
            }
            Some(Ok(reason)) => Some(reason),
            None => None,
        };
        if let Some(answer) = self.step_up_due(&person.session, permit) {
            if answer == Answer::NoAuthTime {
                self.refuse_reveal(person, permit, &device, "no_auth_time", request).await?;
            }
            return Ok(answer);
        }
        self.grant(person, form, &device.serial, reason, action, request).await
    }

    /// Is the sign-in fresh enough for a reveal on this basis?
    fn step_up_due(&self, session: &Session, permit: Permit) -> Option<Answer> {
        let config = &self.rules.config;
        let age = match permit.basis() {
            Basis::Owner => config.reveal.step_up_owner_seconds,
            Basis::Desk => config.reveal.step_up_desk_seconds,
        };
        let fresh = match session.auth_time {
            _ if config.oidc.danger_step_up == StepUp::Off => true,
            None => return Some(Answer::NoAuthTime),
            Some(at) => self.env.now().seconds_since(at) < age,
        };
        // How the person proved it is a setting of its own, and holds although the age does not matter.
        let acr_ok = !config.oidc.require_acr || session.acr.as_ref().is_some_and(|a| config.oidc.acr_values.contains(a));
        (!fresh || !acr_ok).then_some(Answer::StepUpDue)
    }

    async fn grant(
        &self,
        person: &SignedIn,
        form: &RevealForm,
        serial: &Serial,
        reason: Option<DeskReason>,
        action: Action,
        request: &RequestInfo,
    ) -> Result<Answer> {
        let ring = self.ring()?;
        let id = GrantId::new(&self.env);
        self.retry(async || {
            let mut tx = self.store.write().await?;
            if let Some(until) = self.over_quota(&mut tx, person).await? {
                let mut event = self.person_event(EventKind::RevealRefused, Outcome::Refused, person, request);
                event.detail = "quota".into();
                (event.device, event.serial) = (Some(form.device()), Some(serial.as_str().to_owned()));
                self.conclude(tx, &[event]).await?;
                return Err(ServiceError::TooMany { until, now: self.env.now() });
            }
            let person = &self.still_in(&mut tx, &ring, person).await?;
            let stand = self.stand(&mut tx, &ring, person, form.device(), true).await?;
            let (Ok(permit), Some(device)) = (policy::decide(Caller::Person(person.session.roles), action, stand.relation), stand.device)
            else {
                // Reassigned between the page and the press.
                let mut events = self.broken_event(stand.broken, form.device(), request);
                let mut event = self.person_event(EventKind::AccessRefused, Outcome::Refused, person, request);
                event.detail = action.code().into();
                event.device = Some(form.device());
                events.push(event);
                self.conclude(tx, &events).await?;
                return Err(Refusal::NotFound.into());
            };
            let (chosen, mut events) = self.choose(&mut tx, &ring, &device, form.which, request).await?;
            let version = match chosen {
                Ok(version) => version,
                Err(why) => {
                    let mut event = self.reveal_event(EventKind::RevealRefused, Outcome::Refused, person, permit.basis(), &device, request);
                    event.detail = "no_key".into();
                    events.push(event);
                    self.conclude(tx, &events).await?;
                    return Ok(Answer::NoKey(why));
                }
            };
            let grant = self.new_grant(id, person, permit.basis(), &version, None);
            let from = grant.from;
            // The grant first: its reference takes a share of the device's row, which a deposit holds before it touches a version.
            // The other way round the two would wait for each other.
            tx.insert_grant(&Attested::sign(grant, ring.as_ref())).await?;
            if version.revealed_at.is_none() {
                first_shown(&mut tx, &ring, &version, from).await?;
            }
            let mut event = self.reveal_event(EventKind::RevealGranted, Outcome::Ok, person, permit.basis(), &device, request);
            (event.version, event.grant) = (Some(version.id), Some(id));
            event.detail = if form.which == Which::Offered { "offered".into() } else { format!("version {}", version.version) };
            if let Some(reason) = &reason {
                event.personal.ticket.clone_from(&reason.ticket);
                event.personal.reason = Some(reason.reason.clone());
                event.personal.identity = Some(reason.identity.clone());
            }
            events.push(event);
            self.conclude(tx, &events).await?;
            Ok(Answer::Granted(id))
        })
        .await
    }

    /// Counts first, in three fixed windows; answers the end of the first that is full.
    async fn over_quota(&self, tx: &mut Tx, person: &SignedIn) -> Result<Option<Timestamp>> {
        let limits = &self.rules.config.reveal;
        let actor = format!("{} {}", person.session.who.issuer, person.session.who.subject);
        let now = self.env.now().seconds();
        for (kind, length, limit) in [("minute", 60, limits.per_minute), ("hour", 3600, limits.per_hour), ("day", 86400, limits.per_day)] {
            let start = now - now.rem_euclid(length);
            if tx.bump_quota(&actor, kind, Timestamp::from_seconds(start).0).await? > limit {
                // What one window refuses does not use up the longer ones.
                return Ok(Some(Timestamp::from_seconds(start + length)));
            }
        }
        Ok(None)
    }

    pub(super) fn new_grant(&self, id: GrantId, person: &SignedIn, basis: Basis, version: &KeyVersion, renews: Option<&Grant>) -> Grant {
        let now = self.env.now();
        Grant {
            id,
            who: person.session.who.clone(),
            line: person.session.line,
            device: version.device,
            version: version.id,
            basis,
            from: now,
            until: now.plus_seconds(self.rules.config.reveal.window_seconds.min(crate::domain::reveal::MAX_WINDOW_SECONDS)),
            renewed_from: renews.map(|g| g.id),
            renewal: renews.map_or(0, |g| g.renewal + 1),
            hidden_at: None,
        }
    }

    /// Picks the version a form asks for among those that verify; with the rows about those that do not.
    async fn choose(
        &self,
        tx: &mut Tx,
        ring: &Arc<Ring>,
        device: &Device,
        which: Which,
        request: &RequestInfo,
    ) -> Result<(Result<KeyVersion, NoKey>, Vec<Event>)> {
        let rows = match which {
            Which::Version(id) => tx.version(VersionId(id)).await?.into_iter().collect(),
            Which::Offered | Which::Other => tx.candidates(device.id, SecretKind::RecoveryKey, None).await?,
        };
        let (versions, bad) = verified(rows, ring);
        let standing = Standing::of(&versions);
        let found = match which {
            Which::Offered => standing.map(|s| s.current),
            Which::Other => standing.and_then(|s| s.other),
            Which::Version(_) => versions.iter().find(|v| v.device == device.id && v.kind == SecretKind::RecoveryKey),
        };
        let events = bad.iter().map(|id| self.bad_version_event(device.id, *id, request)).collect();
        let why = no_key(device, !versions.is_empty(), !bad.is_empty());
        Ok((found.cloned().ok_or(why), events))
    }

    pub(super) fn bad_version_event(&self, device: DeviceId, version: VersionId, request: &RequestInfo) -> Event {
        let mut event = self.integrity_event("key_versions", Some(device), request);
        event.version = Some(version);
        event
    }

    /// The row about a permission that was edited between the page and this transaction.
    pub(super) fn broken_event(&self, table: Option<&'static str>, device: DeviceId, request: &RequestInfo) -> Vec<Event> {
        table.map(|table| self.integrity_event(table, Some(device), request)).into_iter().collect()
    }

    pub(super) fn reveal_event(
        &self,
        kind: EventKind,
        outcome: Outcome,
        person: &SignedIn,
        basis: Basis,
        device: &Device,
        request: &RequestInfo,
    ) -> Event {
        let mut event = self.person_event(kind, outcome, person, request);
        event.role = match basis {
            Basis::Owner => "owner".to_owned(),
            Basis::Desk => Role::Helpdesk.code().to_owned(),
        };
        event.device = Some(device.id);
        event.serial = Some(device.serial.as_str().to_owned());
        event
    }

    async fn refuse_reveal(
        &self,
        person: &SignedIn,
        permit: Permit,
        device: &Device,
        detail: &'static str,
        request: &RequestInfo,
    ) -> Result<()> {
        let mut event = self.reveal_event(EventKind::RevealRefused, Outcome::Refused, person, permit.basis(), device, request);
        event.detail = detail.to_owned();
        self.record(&[event]).await
    }
}

/// Notes that a version is shown for the first time.
///
/// # Errors
/// [`StoreError::Conflict`]: the row is another by now.
pub(super) async fn first_shown(tx: &mut Tx, ring: &Ring, version: &KeyVersion, at: Timestamp) -> Result<(), StoreError> {
    // Its MAC may be under a former row key: the stored one is what is compared, with all that it covers.
    let row = tx.version(version.id).await?.ok_or(StoreError::Conflict)?;
    let old = row.mac().to_vec();
    let there = row.check(ring).map_err(|_| StoreError::Conflict)?;
    if there.canonical() != version.canonical() {
        return Err(StoreError::Conflict);
    }
    let shown = Attested::sign(KeyVersion { revealed_at: Some(at), ..there }, ring);
    if tx.replace_version(version.id, &old, &shown).await? { Ok(()) } else { Err(StoreError::Conflict) }
}

/// The true reason why nothing can be shown.
pub(super) fn no_key(device: &Device, some_verify: bool, some_do_not: bool) -> NoKey {
    match (some_verify, some_do_not, device.state) {
        (true, ..) => NoKey::NoOther,
        (false, true, _) => NoKey::Integrity,
        (false, false, DeviceState::KeyElsewhere) => NoKey::Elsewhere,
        (false, false, _) => NoKey::NeverReceived,
    }
}
