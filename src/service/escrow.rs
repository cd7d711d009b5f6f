//! Taking keys in: every door hands one [`Deposit`] here, and only here does a key version come to be.
//!
//! One transaction holds the device, the version and the trail row; the caller is answered after its commit. The same key
//! again makes no version; a key of lower trust never hides one of higher trust; nothing is ever deleted; a deposit's user
//! is a hint and sets no owner.

pub mod bounds;
mod rows;

use std::sync::Arc;

use super::once::{Answer, Done, Once};
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::{Place, Ring};
use crate::domain::audit::Actor;
use crate::domain::escrow::{KeyVersion, Repeat, Standing, Trust};
use crate::domain::ids::{DeviceId, Timestamp, VersionId};
use crate::domain::integrity::Attested;
use crate::domain::policy::{self, Action, Caller, Relation};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};
use crate::domain::token::{ApiToken, Scopes};
use crate::domain::{Device, Serial};
use crate::store::{StoreError, Tx};
use bounds::Rows;

/// What a source says of the device besides the key. Hints: they fill what is empty or follow the agent, and own nothing.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The computer's name as people see it (Crypt's `macname`).
    pub host_name: Option<String>,
    pub user: Option<String>,
}

/// One hand-in of a key.
pub struct Deposit {
    pub serial: Serial,
    pub kind: SecretKind,
    pub key: RecoveryKey,
    /// When the source says it was escrowed; `None` = live, now.
    pub escrowed_at: Option<Timestamp>,
    pub hints: Hints,
}

/// Who hands keys in.
#[derive(Clone, Debug)]
pub struct Source {
    pub actor: Actor,
    pub name: String,
    pub trust: Trust,
    pub scopes: Scopes,
    pub device_pattern: Option<String>,
}

impl From<&ApiToken> for Source {
    fn from(t: &ApiToken) -> Self {
        Self {
            actor: Actor::Token(t.id.clone()),
            name: t.name.clone(),
            trust: t.trust,
            scopes: t.scopes,
            device_pattern: t.device_pattern.clone(),
        }
    }
}

/// What became of a deposit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Became {
    /// A new version.
    New,
    /// The key was there already.
    Same,
    /// A superseded key is current again.
    Promoted,
}

impl Became {
    pub fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Promoted => "promoted",
        }
    }
}

/// The answer to one deposit, made after its commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub device: DeviceId,
    pub version: i64,
    pub became: Became,
    /// It is the key that the portal shows first.
    pub current: bool,
    pub contested: bool,
    /// The matched key was shown to somebody: a new one is due.
    pub rotation_required: bool,
    /// Letters never seen in such keys stand in it; kept all the same.
    pub unseen_letters: bool,
}

impl Receipt {
    fn of(row: &KeyVersion, became: Became, standing: &Standing<'_>) -> Self {
        Self {
            device: row.device,
            version: row.version,
            became,
            current: standing.current.id == row.id,
            contested: standing.contested,
            rotation_required: became != Became::New && row.revealed_at.is_some(),
            unseen_letters: row.unseen_letters,
        }
    }
}

/// Why one deposit of a batch was not stored; its trail row says so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// This source may not make it.
    OutOfScope,
    /// The device's own row was bent: a key that was put there would be shown to somebody else. The source keeps its key.
    DeviceRow,
    /// This source changed the Mac's key too often in this minute. The source keeps its key.
    TooManyChanges,
}

/// One answer for each deposit of a batch, in order.
pub type Answers = Vec<Result<Receipt, Refused>>;

/// Makes the answer to a whole batch.
pub type Whole<'a> = dyn Fn(&[Result<Receipt, Refused>]) -> Option<Answer> + 'a;

/// How the answer to a batch is kept for when it comes again.
#[derive(Clone, Copy)]
pub struct Keep<'a> {
    pub once: &'a Once,
    /// The whole answer; `None` when the request comes to nothing.
    pub answer: &'a Whole<'a>,
}

/// Deposits in one transaction.
pub const PART: usize = 100;

/// Ids that exist before the first try, so that a second one writes the same rows.
struct Ids {
    device: DeviceId,
    version: VersionId,
}

impl Keyharbor {
    /// Takes in a batch; one answer each, in the order given. A large one goes in parts, so that others come in between and
    /// no part runs out of time.
    ///
    /// # Errors
    /// [`ServiceError`]: sealed, the database or the trail. What parts before had stored stays: handing the batch in again
    /// is harmless.
    pub async fn deposit(&self, source: &Source, deposits: &[Deposit], request: &RequestInfo) -> Result<Answers> {
        match self.deposit_once(source, deposits, None, request).await? {
            Done::Now(answers) => Ok(answers),
            Done::Before(_) => Err(ServiceError::Internal("an answer to another request")),
        }
    }

    /// The same for a request that may come again: its answer is kept together with the last part.
    ///
    /// # Errors
    /// As `deposit`, and [`ServiceError::KeyReused`].
    pub async fn deposit_once(
        &self,
        source: &Source,
        deposits: &[Deposit],
        keep: Option<Keep<'_>>,
        request: &RequestInfo,
    ) -> Result<Done<Answers>> {
        let mut answers = Vec::with_capacity(deposits.len());
        let mut parts = deposits.chunks(PART).peekable();
        while let Some(part) = parts.next() {
            let keep = keep.filter(|_| parts.peek().is_none()).map(|keep| (keep, answers.as_slice()));
            match self.deposit_part(source, part, keep, request).await? {
                Done::Now(more) => answers.extend(more),
                before => return Ok(before),
            }
        }
        Ok(Done::Now(answers))
    }

    /// One transaction: all of it is stored, or nothing.
    async fn deposit_part(
        &self,
        source: &Source,
        deposits: &[Deposit],
        keep: Option<(Keep<'_>, &[Result<Receipt, Refused>])>,
        request: &RequestInfo,
    ) -> Result<Done<Answers>> {
        let ring = self.ring()?;
        let ids: Vec<Ids> = deposits.iter().map(|_| Ids { device: DeviceId::new(&self.env), version: VersionId::new(&self.env) }).collect();
        // Devices are locked in the order of their serial numbers, so that two batches never wait for each other.
        let mut order: Vec<usize> = (0..deposits.len()).collect();
        order.sort_by_key(|i| deposits.get(*i).map(|d| d.serial.clone()));
        let bounds = self.bounds.begin(&source.actor, self.env.now(), deposits.iter().map(|d| &d.serial));
        let done = self.retry(async || {
            let mut tx = self.store.write().await?;
            let mut rows = bounds.clone();
            let mut claim = None;
            if let Some((keep, _)) = keep {
                match self.claim(&mut tx, &ring, keep.once, &mut rows.events, request).await? {
                    Ok(fresh) => claim = Some(fresh),
                    Err(answer) => return Ok(Done::Before(answer)),
                }
            }
            let mut answers: Vec<(usize, Result<Receipt, Refused>)> = Vec::with_capacity(deposits.len());
            for i in &order {
                let (Some(deposit), Some(ids)) = (deposits.get(*i), ids.get(*i)) else { continue };
                let answer = self.deposit_one(&mut tx, &ring, source, deposit, ids, request, &mut rows).await?;
                answers.push((*i, answer));
            }
            let taken: Vec<DeviceId> = answers.iter().filter_map(|(_, a)| a.as_ref().ok()).map(|r| r.device).collect();
            self.note_source(&mut tx, source, &taken, answers.len() - taken.len()).await?;
            answers.sort_by_key(|(i, _)| *i);
            let answers: Vec<_> = answers.into_iter().map(|(_, a)| a).collect();
            if let (Some(claim), Some((keep, before))) = (claim, keep) {
                let answer = (keep.answer)(&[before, answers.as_slice()].concat());
                self.settle(&mut tx, &ring, claim, answer).await?;
            }
            self.conclude_rows(tx, &rows).await?;
            Ok(Done::Now((answers, rows)))
        });
        Ok(match done.await? {
            Done::Now((answers, rows)) => {
                self.bounds.end(rows);
                Done::Now(answers)
            }
            Done::Before(answer) => Done::Before(answer),
        })
    }

    #[expect(clippy::too_many_arguments, reason = "one deposit of a batch: the batch's context and the deposit's own")]
    async fn deposit_one(
        &self,
        tx: &mut Tx,
        ring: &Arc<Ring>,
        source: &Source,
        deposit: &Deposit,
        ids: &Ids,
        request: &RequestInfo,
        rows: &mut Rows,
    ) -> Result<Result<Receipt, Refused>> {
        let covered = crate::domain::token::covers(source.device_pattern.as_deref(), &deposit.serial);
        let relation = if covered { Relation::NoDevice } else { Relation::Unknown };
        if policy::decide(Caller::Token(source.scopes), Action::Deposit, relation).is_err() {
            return Ok(Err(self.refuse(rows, source, deposit, Refused::OutOfScope, request)));
        }
        let now = self.env.now();
        let (device, sound) = self.device_for(tx, ring, deposit, ids.device, now).await?;
        if !sound {
            rows.events.push(self.integrity_event("devices", Some(device.id), request));
            return Ok(Err(self.refuse(rows, source, deposit, Refused::DeviceRow, request)));
        }
        let fingerprint = ring.fingerprint(device.id, deposit.kind, &deposit.key);
        let (mut versions, bad) = verified(tx.candidates(device.id, deposit.kind, Some(&fingerprint)).await?, ring);
        rows.events.extend(bad.into_iter().map(|version| self.bad_version_event(device.id, version, request)));
        let seen_at = deposit.escrowed_at.map_or(now, |t| t.min(now));
        let known = versions.iter().find(|v| v.fingerprint == fingerprint).cloned();
        let leads = |id| Standing::of(&versions).is_some_and(|s| s.current.id == id);
        if !known.as_ref().is_some_and(|v| leads(v.id)) && !rows.may_change(&deposit.serial) {
            return Ok(Err(self.refuse(rows, source, deposit, Refused::TooManyChanges, request)));
        }
        let (id, became) = match known {
            Some(known) => (known.id, self.again(tx, ring, source, &known, &mut versions, seen_at).await?),
            None => {
                let (_, last) = tx.version_count(device.id, deposit.kind).await?;
                let next = last.checked_add(1).ok_or(ServiceError::Integrity)?;
                let row = KeyVersion {
                    id: ids.version,
                    device: device.id,
                    kind: deposit.kind,
                    version: next,
                    kek_id: ring.active_kek(),
                    fingerprint,
                    source: source.name.clone(),
                    trust: source.trust,
                    escrowed_at: seen_at,
                    promoted_at: seen_at,
                    unseen_letters: deposit.key.has_unseen_letters(),
                    confirmed_at: seen_at,
                    revealed_at: None,
                };
                let place = place_of(&row);
                let sealed =
                    ring.seal(&place, deposit.key.expose().as_bytes(), self.env.entropy.as_ref()).map_err(|_| ServiceError::Integrity)?;
                tx.insert_version(&Attested::sign(row.clone(), ring.as_ref()), &sealed).await?;
                versions.push(row);
                (ids.version, Became::New)
            }
        };
        let Some(standing) = Standing::of(&versions) else { return Err(ServiceError::Integrity) };
        let Some(row) = versions.iter().find(|v| v.id == id) else { return Err(ServiceError::Integrity) };
        let receipt = Receipt::of(row, became, &standing);
        rows.took(&deposit.serial, became);
        rows.events.push(self.deposited(source, &device, id, &receipt, request));
        Ok(Ok(receipt))
    }

    /// The device of a deposit, found or made, and held; its hints follow the agent. `false`: its row does not verify, and
    /// nothing of it was touched.
    async fn device_for(&self, tx: &mut Tx, ring: &Ring, deposit: &Deposit, id: DeviceId, now: Timestamp) -> Result<(Device, bool)> {
        let found = tx.device_by_serial_locked(&deposit.serial).await?;
        if found.is_none() {
            let mut fresh = Device::new(id, deposit.serial.clone(), now);
            fresh.host_name.clone_from(&deposit.hints.host_name);
            fresh.user_hint.clone_from(&deposit.hints.user);
            fresh.last_seen = deposit.escrowed_at.is_none().then_some(now);
            let fresh = fresh.signed(ring);
            if tx.insert_device(&fresh).await? {
                return Ok((fresh, true));
            }
        }
        // Made by another replica a moment ago, or there all along.
        let mut device = match found {
            Some(device) => device,
            None => tx.device_by_serial_locked(&deposit.serial).await?.ok_or(ServiceError::Internal("a device vanished"))?,
        };
        if !device.verifies(ring) {
            return Ok((device, false));
        }
        let hints = &deposit.hints;
        let changed = |new: &Option<String>, old: &Option<String>| new.is_some() && new != old;
        if changed(&hints.host_name, &device.host_name) || changed(&hints.user, &device.user_hint) {
            device.host_name = hints.host_name.clone().or(device.host_name);
            device.user_hint = hints.user.clone().or(device.user_hint);
            tx.update_device(&device).await?;
        }
        // A file of old keys says nothing of when the Mac was last there.
        if deposit.escrowed_at.is_none() && device.last_seen.is_none_or(|seen| now.seconds_since(seen) >= 60) {
            tx.touch_device(device.id, now).await?;
        }
        Ok((device, true))
    }

    /// The same key again: trust may rise, a superseded key may become current again.
    async fn again(
        &self,
        tx: &mut Tx,
        ring: &Arc<Ring>,
        source: &Source,
        known: &KeyVersion,
        versions: &mut [KeyVersion],
        seen_at: Timestamp,
    ) -> Result<Became> {
        let current = Standing::of(versions).map(|s| s.current.clone()).ok_or(ServiceError::Integrity)?;
        let repeat = Repeat::of(known, &current, source.trust, seen_at);
        let mut row = known.clone();
        (row.trust, row.promoted_at) = (repeat.trust, repeat.promoted_at);
        if row.trust != known.trust || row.promoted_at != known.promoted_at {
            let old = Attested::sign(known.clone(), ring.as_ref());
            if !tx.replace_version(known.id, old.mac(), &Attested::sign(row.clone(), ring.as_ref())).await? {
                // A first showing came in between: read again.
                return Err(ServiceError::Store(StoreError::Conflict));
            }
        }
        if seen_at.seconds_since(known.confirmed_at) >= 60 {
            tx.confirm_version(known.id, seen_at).await?;
            row.confirmed_at = seen_at;
        }
        if let Some(slot) = versions.iter_mut().find(|v| v.id == known.id) {
            *slot = row;
        }
        let leads = Standing::of(versions).is_some_and(|s| s.current.id == known.id);
        Ok(if leads && current.id != known.id { Became::Promoted } else { Became::Same })
    }
}

/// Where a version's sealed bytes lie.
pub(super) fn place_of(version: &KeyVersion) -> Place<'static> {
    Place { table: "key_versions", row: version.id.0, device: version.device.0, kind: version.kind.code() }
}

/// Splits rows into those that verify and the ids of those that do not.
pub(super) fn verified(rows: Vec<Attested<KeyVersion>>, ring: &Ring) -> (Vec<KeyVersion>, Vec<VersionId>) {
    let mut good = Vec::with_capacity(rows.len());
    let mut bad = Vec::new();
    for row in rows {
        let id = row.parts().0.id;
        match row.check(ring) {
            Ok(version) => good.push(version),
            Err(_) => bad.push(id),
        }
    }
    (good, bad)
}
