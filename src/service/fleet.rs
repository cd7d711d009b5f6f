//! What is known of the devices: lists, pages, search, status, owners. Never a key.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::access::SignedIn;
use super::escrow::verified;
use super::once::{Answer, Done, Once};
use super::owner_names::{NamedOwner, owners_of};
use super::reveal::{NoKey, no_key};
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, EventKind, Outcome, TrailRow};
use crate::domain::device::{Device, Ownership, Serial};
use crate::domain::escrow::{KeyVersion, Standing};
use crate::domain::ids::DeviceId;
use crate::domain::policy::{Action, Permit, Refusal, Relation};
use crate::domain::recovery_key::SecretKind;
use crate::domain::token::ApiToken;
use crate::store::Tx;

/// Is there a key to show?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    Available { contested: bool },
    None(NoKey),
}

/// A device in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub device: Device,
    pub key: KeyState,
    pub owners: Vec<NamedOwner>,
}

/// What `/devices` shows.
#[derive(Debug, Default)]
pub struct OwnDevices {
    pub devices: Vec<Listed>,
    /// Rows about Macs that were taken off this person's login of late, the latest first. Each says serial number and time only.
    pub taken: Vec<TrailRow>,
}

/// A device's page.
pub struct DevicePage {
    pub device: Device,
    pub permit: Permit,
    pub key: KeyState,
    /// Verified versions, newest first: for the desk the newest [`VERSIONS_SHOWN`], for the owner those that decide.
    pub versions: Vec<KeyVersion>,
    pub current: Option<KeyVersion>,
    pub other: Option<KeyVersion>,
    /// Versions whose row does not verify.
    pub unverified: usize,
    pub owners: Vec<NamedOwner>,
    /// Who was shown the key, newest first: the latest grants.
    pub viewings: Vec<TrailRow>,
    /// There were more viewings than these.
    pub more_viewings: bool,
    /// Changes of owner, newest first: the latest.
    pub owner_changes: Vec<TrailRow>,
    /// There were more changes than these.
    pub more_owner_changes: bool,
}

/// What a token with `devices:write` may say of a device. `None` leaves as is, `Some(None)` clears.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DevicePatch {
    pub name: Option<Option<String>>,
    pub host_name: Option<Option<String>>,
    pub model: Option<Option<String>>,
    pub os_version: Option<Option<String>>,
    pub asset_tag: Option<Option<String>>,
    pub device_key: Option<Option<String>>,
    pub udid: Option<Option<String>>,
    pub ownership: Option<Ownership>,
    pub state: Option<crate::domain::DeviceState>,
}

/// The answer to a device's being written; `true`: it was made.
pub type Written = dyn Fn(&Device, bool) -> Answer;

/// Most lines of each list on a device's page.
const HISTORY_LIMIT: usize = 20;
const OWNER_CHANGES: [EventKind; 3] = [EventKind::OwnerSet, EventKind::OwnerRemoved, EventKind::LoginRebound];
const LIST_LIMIT: i64 = 200;
/// So long a person is told that a Mac was taken off their account.
const TAKEN_DAYS: i64 = 90;
/// Versions that a device's page lists.
pub const VERSIONS_SHOWN: i64 = 100;
/// Most devices a search shows. It answers with one more when there are more.
pub const SEARCH_LIMIT: usize = 50;
/// Characters of a search; more are not looked for.
pub const LONGEST_SEARCH: usize = 200;

fn state_of(device: &Device, versions: &[KeyVersion], unverified: usize) -> KeyState {
    match Standing::of(versions) {
        Some(s) => KeyState::Available { contested: s.contested },
        None => KeyState::None(no_key(device, false, unverified > 0)),
    }
}

impl Keyharbor {
    /// The person's own devices, and those that were theirs until lately.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn own_devices(&self, person: &SignedIn, request: &RequestInfo) -> Result<OwnDevices> {
        self.permit(person, Action::ListOwn, request).await?;
        let ring = self.ring()?;
        let Some(login) = person.login() else { return Ok(OwnDevices::default()) };
        let mut tx = self.store.read().await?;
        let bound = tx.binding_by_login(&person.who().issuer, login).await?.map(|b| b.check(ring.as_ref()));
        let bound = match bound {
            Some(Ok(binding)) => binding.who == *person.who(),
            Some(Err(_)) => {
                drop(tx);
                self.record_integrity("login_bindings", None, request).await?;
                return Ok(OwnDevices::default());
            }
            None => false,
        };
        if !bound {
            return Ok(OwnDevices::default());
        }
        let rows = tx.owned_devices(&person.who().issuer, login, LIST_LIMIT).await?;
        let mut own = Vec::with_capacity(rows.len());
        let mut forged = Vec::new();
        for (device, owner) in rows {
            match owner.check(ring.as_ref()) {
                Ok(_) if device.verifies(ring.as_ref()) => own.push(device),
                Ok(_) => forged.push(("devices", device.id)),
                Err(_) => forged.push(("device_owners", device.id)),
            }
        }
        let devices = self.listed(&mut tx, &ring, own).await?;
        let since = self.env.now().plus_seconds(-TAKEN_DAYS * 86_400);
        let mut taken = tx.trail_of_login(login, EventKind::OwnerRemoved, since, LIST_LIMIT).await?;
        drop(tx);
        // One that came back is in the list again; one that went twice is named once.
        let mut named: HashSet<String> = devices.iter().map(|l| l.device.serial.as_str().to_owned()).collect();
        taken.retain(|row| row.event.serial.clone().is_some_and(|serial| named.insert(serial)));
        taken.truncate(HISTORY_LIMIT);
        for (table, device) in forged {
            self.record_integrity(table, Some(device), request).await?;
        }
        Ok(OwnDevices { devices, taken })
    }

    pub(super) async fn listed(&self, tx: &mut Tx, ring: &Arc<Ring>, devices: Vec<Device>) -> Result<Vec<Listed>> {
        let ids: Vec<DeviceId> = devices.iter().map(|d| d.id).collect();
        let mut versions: HashMap<DeviceId, Vec<_>> = HashMap::new();
        for row in tx.leaders_of(&ids).await? {
            versions.entry(row.parts().0.device).or_default().push(row);
        }
        let mut owners = owners_of(tx, ring, &ids).await?;
        Ok(devices
            .into_iter()
            .map(|device| {
                let (good, bad) = verified(versions.remove(&device.id).unwrap_or_default(), ring);
                Listed { key: state_of(&device, &good, bad.len()), owners: owners.remove(&device.id).unwrap_or_default(), device }
            })
            .collect())
    }

    /// A device's page: the owner's with [`Action::ViewDevice`], the desk's with [`Action::DeskView`].
    ///
    /// # Errors
    /// [`ServiceError::Refused`]: the one 404, or the desk's 403.
    pub async fn device_page(&self, person: &SignedIn, id: Option<DeviceId>, action: Action, request: &RequestInfo) -> Result<DevicePage> {
        let Some(id) = id else { return Err(self.judge_malformed(person, action, request).await) };
        let (device, permit) = self.judge(person, id, action, request).await?;
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let kind = SecretKind::RecoveryKey;
        let (leading, bad) = verified(tx.candidates(id, kind, None).await?, &ring);
        let (versions, more_bad) = match action {
            Action::DeskView => verified(tx.versions(id, kind, VERSIONS_SHOWN).await?, &ring),
            _ => (leading.clone(), Vec::new()),
        };
        let bad: HashSet<_> = bad.into_iter().chain(more_bad).collect();
        let owners = owners_of(&mut tx, &ring, &[id]).await?.remove(&id).unwrap_or_default();
        let most = i64::try_from(HISTORY_LIMIT).unwrap_or(20);
        // A renewal goes on with the viewing it renews: the grants count.
        let mut viewings = tx.trail_of_device(id, &[EventKind::RevealGranted, EventKind::RevealBreakGlass], most + 1).await?;
        let more_viewings = viewings.len() > HISTORY_LIMIT;
        viewings.truncate(HISTORY_LIMIT);
        let mut owner_changes = tx.trail_of_device(id, &OWNER_CHANGES, most + 1).await?;
        let more_owner_changes = owner_changes.len() > HISTORY_LIMIT;
        owner_changes.truncate(HISTORY_LIMIT);
        drop(tx);
        let events: Vec<_> = bad.iter().map(|version| self.bad_version_event(id, *version, request)).collect();
        if !events.is_empty() {
            self.record(&events).await?;
        }
        let standing = Standing::of(&leading);
        let (current, other) = (standing.map(|s| s.current.clone()), standing.and_then(|s| s.other.cloned()));
        Ok(DevicePage {
            key: state_of(&device, &leading, bad.len()),
            device,
            permit,
            current,
            other,
            versions,
            unverified: bad.len(),
            owners,
            viewings,
            more_viewings,
            owner_changes,
            more_owner_changes,
        })
    }

    /// The desk's search. Personal devices are in no result.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn search(&self, person: &SignedIn, query: &str, request: &RequestInfo) -> Result<Vec<Listed>> {
        self.permit(person, Action::SearchDevices, request).await?;
        let ring = self.ring()?;
        let query: String = query.trim().chars().filter(|c| !c.is_control()).take(LONGEST_SEARCH).collect();
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.store.read().await?;
        // A row that does not verify is nobody's here; opening it would record that.
        let mut devices = tx.search_devices(&query, i64::try_from(SEARCH_LIMIT).unwrap_or(50) + 1).await?;
        devices.retain(|d| d.verifies(ring.as_ref()));
        self.listed(&mut tx, &ring, devices).await
    }

    /// May the token have what was found for it? Nothing, and what is out of its pattern, are the same refusal.
    pub(super) async fn judge_for_token(
        &self,
        token: &ApiToken,
        found: Option<Device>,
        action: Action,
        request: &RequestInfo,
    ) -> Result<Device> {
        let found = found.filter(|d| token.covers(&d.serial));
        let ring = self.ring()?;
        let device = found.as_ref().filter(|d| d.verifies(ring.as_ref())).cloned();
        if device.is_none()
            && let Some(bent) = found
        {
            self.record_integrity("devices", Some(bent.id), request).await?;
        }
        let relation = device.as_ref().map_or(Relation::Unknown, |d| Relation::Other(d.ownership));
        self.permit_token(token, action, relation, request).await?;
        device.ok_or(ServiceError::Refused(Refusal::NotFound))
    }

    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn read_device(&self, token: &ApiToken, serial: &Serial, request: &RequestInfo) -> Result<Device> {
        // Let go before anything is recorded, which takes a connection of its own.
        let found = self.store.reader().await?.device_by_serial(serial).await?;
        self.judge_for_token(token, found, Action::ReadDevice, request).await
    }

    /// Makes or changes a device. `true` = it was made.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] out of scope; [`ServiceError::KeyReused`]; the database; the trail.
    pub async fn write_device(
        &self,
        token: &ApiToken,
        serial: &Serial,
        patch: &DevicePatch,
        keep: Option<(&Once, &Written)>,
        request: &RequestInfo,
    ) -> Result<Done<(Device, bool)>> {
        let relation = if token.covers(serial) { Relation::NoDevice } else { Relation::Unknown };
        self.permit_token(token, Action::WriteDevice, relation, request).await?;
        let ring = self.ring()?;
        let id = DeviceId::new(&self.env);
        self.retry(async || {
            let mut tx = self.store.write().await?;
            let mut events = Vec::new();
            let mut claim = None;
            if let Some((once, answer)) = keep {
                match self.claim(&mut tx, &ring, once, &mut events, request).await? {
                    Ok(fresh) => claim = Some((fresh, answer)),
                    Err(before) => return Ok(Done::Before(before)),
                }
            }
            let found = tx.device_by_serial_locked(serial).await?;
            let made = found.is_none();
            if let Some(bent) = found.as_ref().filter(|d| !d.verifies(ring.as_ref())) {
                let event = self.integrity_event("devices", Some(bent.id), request);
                self.conclude(tx, &[event]).await?;
                return Err(ServiceError::Integrity);
            }
            let before = found.unwrap_or_else(|| Device::new(id, serial.clone(), self.env.now()).signed(ring.as_ref()));
            let after = patch.applied(before.clone()).signed(ring.as_ref());
            if made && !tx.insert_device(&after).await? {
                return Err(ServiceError::Store(crate::store::StoreError::Conflict));
            }
            if !made && after != before {
                tx.update_device(&after).await?;
            }
            if made || after != before {
                let kind = if made { EventKind::DeviceCreated } else { EventKind::DeviceChanged };
                let mut event = self.event(kind, Outcome::Ok, Actor::Token(token.id.clone()), request);
                event.role = token.scopes.codes();
                (event.device, event.serial) = (Some(after.id), Some(serial.as_str().to_owned()));
                if after.ownership != before.ownership {
                    event.detail = format!("ownership {}", after.ownership.code());
                }
                events.push(event);
            }
            let kept = claim.is_some();
            if let Some((claim, answer)) = claim {
                self.settle(&mut tx, &ring, claim, Some(answer(&after, made))).await?;
            }
            match events.as_slice() {
                [] if kept => tx.commit_unrecorded().await?,
                [] => {}
                events => self.conclude(tx, events).await.map(|_| ())?,
            }
            Ok(Done::Now((after, made)))
        })
        .await
    }
}

impl DevicePatch {
    fn applied(&self, mut device: Device) -> Device {
        let set = |slot: &mut Option<String>, new: &Option<Option<String>>| {
            if let Some(new) = new {
                slot.clone_from(new);
            }
        };
        set(&mut device.name, &self.name);
        set(&mut device.host_name, &self.host_name);
        set(&mut device.model, &self.model);
        set(&mut device.os_version, &self.os_version);
        set(&mut device.asset_tag, &self.asset_tag);
        set(&mut device.device_key, &self.device_key);
        set(&mut device.udid, &self.udid);
        device.ownership = self.ownership.unwrap_or(device.ownership);
        device.state = self.state.unwrap_or(device.state);
        device
    }
}
