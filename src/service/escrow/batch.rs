//! One transaction of deposits: what they touch is read once and held, each deposit is decided in memory, in order; what changed is
//! written with a statement for each kind of change, all that is new with one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::again::{self, Again};
use super::bounds::Tally;
use super::shelf::{Held, Shelf};
use super::{Answers, Became, Deposit, Ids, Receipt, Refused, Source, Whole, Work, place_of, verified};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, Event};
use crate::domain::escrow::{KeyVersion, Standing};
use crate::domain::ids::{DeviceId, Timestamp};
use crate::domain::integrity::Attested;
use crate::domain::recovery_key::SecretKind;
use crate::domain::source::SourceNote;
use crate::domain::{Device, Serial};
use crate::service::once::{Claim, Done};
use crate::service::{FIRST_PAUSE, Keyharbor, RequestInfo, Result, ServiceError};
use crate::store::{SOME_VERSIONS, StoreError, Tx};

type Answered = Result<Done<Answers>>;

/// How a request stands to its `Idempotency-Key`.
enum Claimed {
    /// It has none.
    Free,
    Key(Claim, Arc<Whole>),
    /// It was answered before, or is refused.
    Done(Answered),
}

struct Batch<'a> {
    house: &'a Keyharbor,
    ring: &'a Ring,
    now: Timestamp,
    devices: HashMap<Serial, Held>,
    read: HashMap<DeviceId, Vec<Attested<KeyVersion>>>,
    shelves: HashMap<(DeviceId, &'static str), Shelf>,
    events: Vec<Event>,
    notes: Vec<SourceNote>,
    /// By source.
    tallies: Vec<(Actor, Tally)>,
}

impl Keyharbor {
    /// Stores work in one transaction, which may have begun; one answer each. If more waits, the next may have begun then.
    pub(super) async fn store_batch(&self, work: &[&Work], begun: &mut Option<Tx>) -> Result<Vec<Answered>> {
        // As `retry` does; what an async closure borrows cannot be sent to another thread.
        self.patiently(async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.try_batch(work, begun).await {
                    Ok(answers) => return Ok(answers),
                    Err(e) => self.pause(&mut pause, e).await?,
                }
            }
        })
        .await
    }

    async fn try_batch(&self, work: &[&Work], begun: &mut Option<Tx>) -> Result<Vec<Answered>> {
        let mut tx = match begun.take() {
            Some(tx) => tx,
            None => self.store.write().await?,
        };
        let tokens = tx.tokens_by_ids(&again::ids(work)).await?;
        let ring = self.ring_beside(tokens.generation, &mut tx).await?;
        let mut batch = Batch::new(self, &ring);
        let again = Again::of(work, &tokens.rows, &ring, batch.now);
        again.touch(&mut tx, &tokens.rows, batch.now).await?;
        let mut claims: Vec<(usize, Claimed)> = Vec::with_capacity(work.len());
        for at in in_order_of_keys(work) {
            let Some(work) = work.get(at) else { continue };
            let claimed = match again.refusal(work, self) {
                None => batch.claim(&mut tx, work).await?,
                Some((error, event)) => {
                    batch.events.extend(event);
                    Claimed::Done(Err(error))
                }
            };
            claims.push((at, claimed));
        }
        claims.sort_unstable_by_key(|(at, _)| *at);
        let claims: Vec<Claimed> = claims.into_iter().map(|(_, claimed)| claimed).collect();
        let open: Vec<&Work> = work.iter().zip(&claims).filter(|(_, claim)| !matches!(claim, Claimed::Done(_))).map(|(w, _)| *w).collect();
        batch.count(&open);
        batch.load(&mut tx, &open).await?;
        let mut answers: Vec<Answered> = Vec::with_capacity(work.len());
        for (work, claim) in work.iter().zip(claims) {
            answers.push(match claim {
                Claimed::Done(answer) => answer,
                Claimed::Free => Ok(Done::Now(batch.take_all(&mut tx, work).await?)),
                Claimed::Key(claim, whole) => {
                    let done = batch.take_all(&mut tx, work).await?;
                    self.settle(&mut tx, &ring, claim, whole(&done)).await?;
                    Ok(Done::Now(done))
                }
            });
        }
        let tallies = std::mem::take(&mut batch.tallies);
        let events = batch.write(&mut tx).await?;
        if events.is_empty() {
            // Refusals beyond their bounds are counted, and leave no row.
            tx.commit_unrecorded().await?;
        } else {
            *begun = self.conclude_for(self.ring()?.as_ref(), tx, &events, self.queue.goes_on()).await?.1;
        }
        tallies.into_iter().for_each(|(_, tally)| self.bounds.end(tally));
        again.remember(self);
        self.metrics.stored_a_batch();
        Ok(answers)
    }
}

/// So that no two batches, on whichever replicas, wait for each other's keys.
fn in_order_of_keys(work: &[&Work]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_by_key(|at| work.get(*at).and_then(|work| work.keep.as_ref()).map(|keep| keep.once.key()));
    order
}

impl<'a> Batch<'a> {
    fn new(house: &'a Keyharbor, ring: &'a Ring) -> Self {
        let (devices, read, shelves, events, notes, tallies) = Default::default();
        Self { house, ring, now: house.env.now(), devices, read, shelves, events, notes, tallies }
    }

    /// Takes a request's key, or finds what was answered to it before.
    async fn claim(&mut self, tx: &mut Tx, work: &Work) -> Result<Claimed> {
        let Some(keep) = &work.keep else { return Ok(Claimed::Free) };
        match self.house.claim(tx, self.ring, &keep.once, &mut self.events, &work.request).await {
            Ok(Ok(claim)) => Ok(Claimed::Key(claim, Arc::clone(&keep.answer))),
            Ok(Err(answer)) => Ok(Claimed::Done(Ok(Done::Before(answer)))),
            Err(ServiceError::KeyReused) => {
                self.events.push(self.house.token_refusal(keep.once.token(), "idempotency_key", &work.request));
                Ok(Claimed::Done(Err(ServiceError::KeyReused)))
            }
            Err(e) => Err(e),
        }
    }

    /// Begins to count what each source does.
    fn count(&mut self, work: &[&Work]) {
        for first in work {
            let actor = &first.source.actor;
            if self.tallies.iter().all(|(counted, _)| counted != actor) {
                let of = work.iter().filter(|w| w.source.actor == *actor);
                let spots = of.flat_map(|w| w.deposits.iter().map(|d| (&d.serial, w.request.address)));
                self.tallies.push((actor.clone(), self.house.bounds.begin(actor, self.now, spots)));
            }
        }
    }

    fn tally(&mut self, source: &Source) -> Result<&mut Tally> {
        let found = self.tallies.iter_mut().find(|(actor, _)| *actor == source.actor);
        found.map(|(_, tally)| tally).ok_or(ServiceError::Internal("a source was not counted"))
    }

    /// Counts a refused deposit, and records it while that is within bounds.
    fn refused(&mut self, source: &Source, serial: Option<&Serial>, word: &'static str, request: &RequestInfo) -> Result<()> {
        if self.tally(source)?.refused(word) {
            let event = self.house.refusal(source, serial, word, request);
            self.events.push(event);
        }
        Ok(())
    }

    /// Reads and holds the devices of all deposits and their keys; those that are not there will be made.
    async fn load(&mut self, tx: &mut Tx, work: &[&Work]) -> Result<()> {
        let each = work.iter().flat_map(|work| work.deposits.iter().zip(&work.ids).map(|(deposit, ids)| (&work.source, deposit, ids)));
        let deposits: Vec<(&Deposit, &Ids)> = each.filter(|(source, d, _)| source.may_make(d)).map(|(_, d, ids)| (d, ids)).collect();
        let serials: BTreeSet<&Serial> = deposits.iter().map(|(d, _)| &d.serial).collect();
        let serials: Vec<Serial> = serials.into_iter().cloned().collect();
        if serials.is_empty() {
            return Ok(());
        }
        self.hold(tx.devices_held(&serials).await?);
        let known: Vec<DeviceId> = self.devices.values().filter(|held| held.sound).map(|held| held.device.id).collect();
        for (deposit, ids) in deposits {
            if !self.devices.contains_key(&deposit.serial) {
                let device = self.fresh(deposit, ids.device);
                self.devices.insert(deposit.serial.clone(), Held { device, new: true, sound: true, noted: false, seen: None });
            }
        }
        if !known.is_empty() {
            for row in tx.some_versions(&known).await? {
                self.read.entry(row.parts().0.device).or_default().push(row);
            }
        }
        Ok(())
    }

    fn hold(&mut self, devices: Vec<Device>) {
        for device in devices {
            let sound = device.verifies(self.ring);
            self.devices.insert(device.serial.clone(), Held { device, new: false, sound, noted: false, seen: None });
        }
    }

    fn fresh(&self, deposit: &Deposit, id: DeviceId) -> Device {
        let mut fresh = Device::new(id, deposit.serial.clone(), self.now);
        fresh.host_name.clone_from(&deposit.hints.host_name);
        fresh.user_hint.clone_from(&deposit.hints.user);
        // A file of old keys says nothing of when the Mac was last there.
        fresh.last_seen = deposit.escrowed_at.is_none().then_some(self.now);
        fresh.signed(self.ring)
    }

    async fn take_all(&mut self, tx: &mut Tx, work: &Work) -> Result<Answers> {
        let mut answers = Vec::with_capacity(work.deposits.len());
        for (serial, word) in &work.unread {
            self.refused(&work.source, serial.as_ref(), word, &work.request)?;
        }
        for (deposit, ids) in work.deposits.iter().zip(&work.ids) {
            answers.push(self.take(tx, &work.source, deposit, *ids, &work.request).await?);
        }
        let taken: Vec<DeviceId> = answers.iter().flatten().map(|receipt| receipt.device).collect();
        self.note(&work.source, &taken, work.unread.len() + answers.len() - taken.len());
        Ok(answers)
    }

    /// Adds to the counts of a token.
    fn note(&mut self, source: &Source, taken: &[DeviceId], refused: usize) {
        let Actor::Token(token) = &source.actor else { return };
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (deposits, refused, last_device) = (number(taken.len()), number(refused), taken.last().copied());
        match self.notes.iter_mut().find(|note| note.token == *token) {
            Some(note) => {
                note.deposits += deposits;
                note.refused += refused;
                note.last_device = last_device.or(note.last_device);
            }
            None => self.notes.push(SourceNote { token: token.clone(), deposits, refused, last_device, at: self.now }),
        }
    }

    async fn take(
        &mut self,
        tx: &mut Tx,
        source: &Source,
        deposit: &Deposit,
        ids: Ids,
        request: &RequestInfo,
    ) -> Result<Result<Receipt, Refused>> {
        if !source.may_make(deposit) {
            self.refused(source, Some(&deposit.serial), "out_of_scope", request)?;
            return Ok(Err(Refused::OutOfScope));
        }
        let held = self.devices.get(&deposit.serial).ok_or(ServiceError::Internal("a device was not read"))?;
        let device = held.device.id;
        if !held.sound {
            self.events.push(self.house.integrity_event("devices", Some(device), request));
            self.refused(source, Some(&deposit.serial), "integrity", request)?;
            return Ok(Err(Refused::DeviceRow));
        }
        let fingerprint = self.ring.fingerprint(device, deposit.kind, &deposit.key);
        self.open_shelf(tx, device, deposit.kind, &fingerprint, request).await?;
        let may_change = self.tally(source)?.may_change(&deposit.serial, request.address);
        let shelf = self.shelves.get_mut(&(device, deposit.kind.code())).ok_or(ServiceError::Internal("keys were not read"))?;
        let known = shelf.versions.iter().position(|v| v.fingerprint == fingerprint);
        if !may_change && !known.is_some_and(|known| shelf.leads(known)) {
            self.refused(source, Some(&deposit.serial), "too_many_changes", request)?;
            return Ok(Err(Refused::TooManyChanges));
        }
        // What is refused leaves no hint either.
        if let Some(held) = self.devices.get_mut(&deposit.serial) {
            held.follow(deposit, self.now);
        }
        let seen_at = deposit.escrowed_at.map_or(self.now, |t| t.min(self.now));
        let (id, became) = match known {
            Some(known) => shelf.again(known, source, seen_at)?,
            None => {
                let version = shelf.last.checked_add(1).ok_or(ServiceError::Integrity)?;
                let row = KeyVersion {
                    id: ids.version,
                    device,
                    kind: deposit.kind,
                    version,
                    kek_id: self.ring.active_kek(),
                    fingerprint,
                    source: source.name.clone(),
                    trust: source.trust,
                    escrowed_at: seen_at,
                    promoted_at: seen_at,
                    unseen_letters: deposit.key.has_unseen_letters(),
                    confirmed_at: seen_at,
                    revealed_at: None,
                };
                let (place, plain) = (place_of(&row), deposit.key.expose().as_bytes());
                let sealed = self.ring.seal(&place, plain, self.house.env.entropy.as_ref()).map_err(|_| ServiceError::Integrity)?;
                shelf.last = version;
                shelf.new.insert(row.id, sealed);
                shelf.versions.push(row);
                (ids.version, Became::New)
            }
        };
        let standing = Standing::of(&shelf.versions).ok_or(ServiceError::Integrity)?;
        let row = shelf.versions.iter().find(|v| v.id == id).ok_or(ServiceError::Integrity)?;
        let receipt = Receipt::of(row, became, &standing);
        self.tally(source)?.took(&deposit.serial, request.address, became);
        let event = self.house.deposited(source, &deposit.serial, id, &receipt, request);
        self.events.push(event);
        Ok(Ok(receipt))
    }

    /// The device's keys of that kind, those of one fingerprint among them. Rows that do not verify are named once.
    async fn open_shelf(
        &mut self,
        tx: &mut Tx,
        device: DeviceId,
        kind: SecretKind,
        fingerprint: &[u8],
        request: &RequestInfo,
    ) -> Result<()> {
        let key = (device, kind.code());
        let first = !self.shelves.contains_key(&key);
        let mut rows = Vec::new();
        if first {
            rows = self.read.get(&device).cloned().unwrap_or_default();
            let crowded = rows.len() >= SOME_VERSIONS;
            // Other kinds have a shelf of their own; a row that does not verify may say anything.
            rows.retain(|row| row.parts().0.kind == kind);
            let mut last = rows.iter().map(|row| row.parts().0.version).max().unwrap_or(0);
            if crowded {
                (_, last) = tx.version_count(device, kind).await?;
                rows.clear();
            }
            let (versions, stored, new) = Default::default();
            self.shelves.insert(key, Shelf { versions, stored, new, last, crowded });
        }
        let shelf = self.shelves.get_mut(&key).ok_or(ServiceError::Internal("keys were not read"))?;
        if shelf.crowded && !shelf.versions.iter().any(|v| v.fingerprint == fingerprint) {
            rows = tx.candidates(device, kind, Some(fingerprint)).await?;
        }
        let mut macs: HashMap<_, _> = rows.iter().map(|row| (row.parts().0.id, row.mac().to_vec())).collect();
        let (good, bad) = verified(rows, self.ring);
        for version in good {
            let mac = macs.remove(&version.id).unwrap_or_default();
            // What the batch has changed already is not as it was read.
            if shelf.stored.insert(version.id, (mac, version.clone())).is_none() {
                shelf.versions.push(version);
            }
        }
        if first {
            let rows: Vec<_> = bad.into_iter().map(|version| self.house.bad_version_event(device, version, request)).collect();
            self.events.extend(rows);
        }
        Ok(())
    }

    /// Writes what changed; answers the trail rows.
    async fn write(self, tx: &mut Tx) -> Result<Vec<Event>> {
        let (new, old): (Vec<Held>, Vec<Held>) = self.devices.into_values().partition(|held| held.new);
        let devices: Vec<Device> = new.into_iter().map(|held| held.device).collect();
        let noted: Vec<_> = old.iter().filter(|held| held.noted || held.seen.is_some()).map(|h| (&h.device, h.seen)).collect();
        if !noted.is_empty() {
            tx.note_devices(&noted).await?;
        }
        let (mut new, mut changed, mut confirmed) = (Vec::new(), Vec::new(), Vec::new());
        for mut shelf in self.shelves.into_values() {
            for row in shelf.versions {
                match shelf.stored.remove(&row.id) {
                    None => {
                        let sealed = shelf.new.remove(&row.id).ok_or(ServiceError::Internal("a sealed key was lost"))?;
                        new.push((Attested::sign(row, self.ring), sealed));
                    }
                    Some((mac, old)) if old.trust != row.trust || old.promoted_at != row.promoted_at => {
                        changed.push((mac, Attested::sign(row, self.ring)));
                    }
                    Some((_, old)) if old.confirmed_at != row.confirmed_at => confirmed.push((row.id, row.confirmed_at)),
                    Some(_) => {}
                }
            }
        }
        if !changed.is_empty() && tx.replace_versions(&changed).await? < changed.len() as u64 {
            // A first showing came in between: read again.
            return Err(ServiceError::Store(StoreError::Conflict));
        }
        if !confirmed.is_empty() {
            tx.confirm_versions(&confirmed).await?;
        }
        // Last of all: from here on the head of the trail is locked.
        if !(devices.is_empty() && new.is_empty() && self.notes.is_empty()) {
            // Of a Mac that another replica made a moment ago it is a conflict, too.
            tx.add(&devices, &new, &self.notes).await?;
        }
        Ok(self.events)
    }
}
