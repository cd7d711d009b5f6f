//! What is missing between devices, keys, owners and people. Personal Macs are counted and never listed.

use super::super::access::SignedIn;
use super::super::escrow::verified;
use super::super::{Keyharbor, RequestInfo, Result};
use super::sources::{PAGE, PAGE_AND_ONE};
use crate::crypto::Ring;
use crate::domain::Attested;
use crate::domain::device::{Device, Ownership};
use crate::domain::escrow::{KeyVersion, Standing};
use crate::domain::ids::{DeviceId, Timestamp};
use crate::domain::person::Login;
use crate::domain::policy::Action;
pub use crate::domain::source::Gap;
use crate::store::Tx;

/// Rows that one request looks through at most.
pub const STRETCH: i64 = 5000;
/// Devices of which a key came back, that one request judges at most.
const MOST_JUDGED: i64 = 500;

/// A Mac that lacks something, or whose keys alternate.
#[derive(Clone, Debug)]
pub struct GapDevice {
    pub device: Device,
    pub owners: Vec<Login>,
    /// The sources whose keys alternate; empty in the other lists.
    pub sources: Vec<String>,
}

/// An owner who never signed in, or a person who owns nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapPerson {
    pub login: Login,
    /// When the Mac was assigned, or the login bound.
    pub since: Timestamp,
    /// Macs assigned to the login, as far as they are on this page.
    pub devices: usize,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct GapPage<T> {
    pub rows: Vec<T>,
    /// Personal Macs of this stretch that would be in it.
    pub personal: i64,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// How many Macs of the first stretch lack something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GapCounts {
    pub without_owner: i64,
    pub without_key: i64,
    pub contested: usize,
    /// There are more devices than were looked at.
    pub more_devices: bool,
    /// There are more devices with a key that came back than were judged.
    pub more_contested: bool,
}

impl Keyharbor {
    /// The company's devices that lack an owner or a key, by serial number.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn gap_devices(&self, person: &SignedIn, gap: Gap, after: &str, request: &RequestInfo) -> Result<GapPage<GapDevice>> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let stretch = tx.device_stretch(after, STRETCH).await?;
        let (_, personal) = tx.count_gap(gap, after, &stretch.last).await?;
        let mut devices = tx.gap_devices(gap, after, &stretch.last, PAGE_AND_ONE).await?;
        let more = devices.len() > PAGE;
        devices.truncate(PAGE);
        let next = match devices.last() {
            Some(last) if more => Some(last.serial.as_str().to_owned()),
            _ => (stretch.rows == STRETCH).then_some(stretch.last),
        };
        Ok(GapPage { rows: self.with_owners(&mut tx, &ring, devices).await?, personal, next })
    }

    async fn with_owners(&self, tx: &mut Tx, ring: &Ring, devices: Vec<Device>) -> Result<Vec<GapDevice>> {
        let ids: Vec<DeviceId> = devices.iter().map(|d| d.id).collect();
        let owners: Vec<_> = tx.owners_of(&ids).await?.into_iter().filter_map(|o| o.check(ring).ok()).collect();
        let sound = devices.into_iter().filter(|d| d.verifies(ring));
        let of = |id: DeviceId| owners.iter().filter(|o| o.device == id).map(|o| o.login.clone()).collect();
        Ok(sound.map(|device| GapDevice { owners: of(device.id), sources: Vec::new(), device }).collect())
    }

    /// Devices whose keys alternate, by id.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn contested(&self, person: &SignedIn, after: Option<DeviceId>, request: &RequestInfo) -> Result<GapPage<GapDevice>> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let after = after.unwrap_or(DeviceId(uuid::Uuid::nil()));
        let candidates = tx.returned_devices(after, PAGE_AND_ONE).await?;
        let next = candidates.get(PAGE - 1).filter(|_| candidates.len() > PAGE).map(|d| d.id.to_string());
        let found = contested_of(&mut tx, &ring, candidates.into_iter().take(PAGE).collect()).await?;
        let (personal, company): (Vec<_>, Vec<_>) = found.into_iter().partition(|(d, _)| d.ownership == Ownership::Personal);
        let (devices, sources): (Vec<_>, Vec<_>) = company.into_iter().unzip();
        let mut rows = self.with_owners(&mut tx, &ring, devices).await?;
        for (row, sources) in rows.iter_mut().zip(sources) {
            row.sources = sources;
        }
        Ok(GapPage { rows, personal: i64::try_from(personal.len()).unwrap_or(0), next })
    }

    /// Logins that own a Mac and that nobody has signed in with, by login.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn owners_never_seen(&self, person: &SignedIn, after: &str, request: &RequestInfo) -> Result<GapPage<GapPerson>> {
        self.permit(person, Action::Administer, request).await?;
        let (ring, issuer) = (self.ring()?, &self.rules.config.oidc.issuer);
        let mut tx = self.store.read().await?;
        let stretch = tx.owner_stretch(issuer, after, STRETCH).await?;
        let rows = tx.owners_never_bound(issuer, after, &stretch.last, PAGE_AND_ONE).await?;
        let last = rows.get(PAGE - 1).filter(|_| rows.len() > PAGE).map(|o| o.parts().0.login.as_str().to_owned());
        let mut people: Vec<GapPerson> = Vec::new();
        for owner in rows.into_iter().take(PAGE).filter_map(|o| o.check(ring.as_ref()).ok()) {
            match people.last_mut().filter(|p| p.login == owner.login) {
                Some(person) => person.devices += 1,
                None => people.push(GapPerson { login: owner.login, since: owner.assigned_at, devices: 1 }),
            }
        }
        Ok(GapPage { rows: people, personal: 0, next: last.or_else(|| (stretch.rows == STRETCH).then_some(stretch.last)) })
    }

    /// People who have signed in and own no Mac, by login.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn people_without_device(&self, person: &SignedIn, after: &str, request: &RequestInfo) -> Result<GapPage<GapPerson>> {
        self.permit(person, Action::Administer, request).await?;
        let (ring, issuer) = (self.ring()?, &self.rules.config.oidc.issuer);
        let mut tx = self.store.read().await?;
        let stretch = tx.binding_stretch(issuer, after, STRETCH).await?;
        let rows = tx.bindings_without_device(issuer, after, &stretch.last, PAGE_AND_ONE).await?;
        let last = rows.get(PAGE - 1).filter(|_| rows.len() > PAGE).map(|b| b.parts().0.login.as_str().to_owned());
        let sound = rows.into_iter().take(PAGE).filter_map(|b| b.check(ring.as_ref()).ok());
        let people = sound.map(|b| GapPerson { login: b.login, since: b.bound_at, devices: 0 }).collect();
        Ok(GapPage { rows: people, personal: 0, next: last.or_else(|| (stretch.rows == STRETCH).then_some(stretch.last)) })
    }

    /// The figures of the admin's first page: exact up to [`STRETCH`] devices, and honest beyond.
    pub(super) async fn gap_counts(&self, tx: &mut Tx, ring: &Ring) -> Result<GapCounts> {
        let stretch = tx.device_stretch("", STRETCH).await?;
        let (without_owner, _) = tx.count_gap(Gap::Owner, "", &stretch.last).await?;
        let (without_key, _) = tx.count_gap(Gap::Key, "", &stretch.last).await?;
        let returned = tx.returned_devices(DeviceId(uuid::Uuid::nil()), MOST_JUDGED).await?;
        let more_contested = i64::try_from(returned.len()).is_ok_and(|n| n == MOST_JUDGED);
        let contested = contested_of(tx, ring, returned).await?.iter().filter(|(d, _)| d.ownership == Ownership::Corporate).count();
        Ok(GapCounts { without_owner, without_key, contested, more_devices: stretch.rows == STRETCH, more_contested })
    }
}

/// Those whose keys alternate, each with the sources of the two.
async fn contested_of(tx: &mut Tx, ring: &Ring, devices: Vec<Device>) -> Result<Vec<(Device, Vec<String>)>> {
    let ids: Vec<DeviceId> = devices.iter().map(|d| d.id).collect();
    let mut rows: Vec<Attested<KeyVersion>> = tx.leaders_of(&ids).await?;
    let mut found = Vec::new();
    for device in devices.into_iter().filter(|d| d.verifies(ring)) {
        let (own, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|v| v.parts().0.device == device.id);
        rows = rest;
        let (versions, _) = verified(own, ring);
        let Some(standing) = Standing::of(&versions).filter(|s| s.contested) else { continue };
        let mut sources = vec![standing.current.source.clone()];
        sources.extend(standing.other.map(|o| o.source.clone()).filter(|s| *s != standing.current.source));
        found.push((device, sources));
    }
    Ok(found)
}
