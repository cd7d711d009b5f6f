//! Whose Mac it is. Set by the operator's list, never by a deposit and never by anybody for himself.

use std::collections::BTreeMap;

use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, EventKind, Outcome};
use crate::domain::device::{Device, Serial};
use crate::domain::ids::{DeviceId, RowId};
use crate::domain::integrity::Attested;
use crate::domain::person::{Login, Owner};
use crate::formats::owners::Line;
use crate::store::{StoreError, Tx};

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnersReport {
    pub set: u64,
    pub same: u64,
    pub removed: u64,
    /// Devices that were not known and are made, still without a key.
    pub new_devices: u64,
    /// Owners' rows in the database that do not verify; they are replaced.
    pub unverified: u64,
    /// Devices whose own row does not verify; they are passed over.
    pub bent_devices: u64,
}

impl Keyharbor {
    /// Imports a list. With `replace`, the listed devices lose every owner that the list does not name. Without `apply`
    /// nothing is written.
    ///
    /// # Errors
    /// [`super::ServiceError`]; what was imported up to then stays, and importing again is harmless.
    pub async fn import_owners(&self, lines: &[Line], apply: bool, replace: bool) -> Result<OwnersReport> {
        let mut by_device: BTreeMap<&Serial, Vec<&Login>> = BTreeMap::new();
        for line in lines {
            let logins = by_device.entry(&line.serial).or_default();
            if !logins.contains(&&line.login) {
                logins.push(&line.login);
            }
        }
        let mut report = OwnersReport::default();
        for (serial, logins) in by_device {
            let ids: Vec<RowId> = logins.iter().map(|_| RowId::new(&self.env)).collect();
            let device = DeviceId::new(&self.env);
            let done = self.retry(async || self.import_device(device, serial, &logins, &ids, (apply, replace)).await).await?;
            report.set += done.set;
            report.same += done.same;
            report.removed += done.removed;
            report.new_devices += done.new_devices;
            report.unverified += done.unverified;
            report.bent_devices += done.bent_devices;
        }
        Ok(report)
    }

    async fn import_device(
        &self,
        id: DeviceId,
        serial: &Serial,
        logins: &[&Login],
        ids: &[RowId],
        (apply, replace): (bool, bool),
    ) -> Result<OwnersReport> {
        let ring = self.ring()?;
        let request = RequestInfo::none(&self.env);
        let mut report = OwnersReport::default();
        let mut events = Vec::new();
        let mut tx = self.store.write().await?;
        let (device, made) = self.listed_device(&mut tx, ring.as_ref(), id, serial).await?;
        if !device.verifies(ring.as_ref()) {
            // Whose Mac such a row stands for is not known: nothing is set on it.
            report.bent_devices += 1;
            if apply {
                self.conclude(tx, &[self.integrity_event("devices", Some(device.id), &request)]).await?;
            }
            return Ok(report);
        }
        if made {
            report.new_devices += 1;
            events.push(self.owner_event(EventKind::DeviceCreated, &device, None, &request));
        }
        let mut kept = Vec::new();
        for row in tx.owners(device.id).await? {
            let (row_id, login) = (row.parts().0.id, row.parts().0.login.clone());
            match row.check(ring.as_ref()) {
                Ok(owner) if owner.issuer == self.rules.config.oidc.issuer && logins.contains(&&owner.login) => kept.push(owner.login),
                Ok(owner) if replace => {
                    tx.delete_owner(row_id).await?;
                    report.removed += 1;
                    events.push(self.owner_event(EventKind::OwnerRemoved, &device, Some((row_id, &owner.login)), &request));
                }
                Ok(_) => {}
                Err(_) => {
                    // Somebody else wrote it: it owns nothing, and it stands in the way of a true row.
                    tx.delete_owner(row_id).await?;
                    report.unverified += 1;
                    events.push(self.owner_event(EventKind::OwnerRemoved, &device, Some((row_id, &login)), &request));
                    events.push(self.integrity_event("device_owners", Some(device.id), &request));
                }
            }
        }
        for (login, row) in logins.iter().zip(ids) {
            if kept.contains(*login) {
                report.same += 1;
                continue;
            }
            let owner = Owner {
                id: *row,
                device: device.id,
                issuer: self.rules.config.oidc.issuer.clone(),
                login: (*login).clone(),
                source: "owners import".into(),
                assigned_at: self.env.now(),
            };
            if !tx.insert_owner(&Attested::sign(owner, ring.as_ref())).await? {
                return Err(ServiceError::Store(StoreError::Conflict));
            }
            report.set += 1;
            events.push(self.owner_event(EventKind::OwnerSet, &device, Some((*row, login)), &request));
        }
        if apply && !events.is_empty() {
            self.conclude(tx, &events).await?;
        }
        Ok(report)
    }

    /// The device of a line, held, and whether it had to be made.
    async fn listed_device(&self, tx: &mut Tx, ring: &Ring, id: DeviceId, serial: &Serial) -> Result<(Device, bool)> {
        if let Some(device) = tx.device_by_serial_locked(serial).await? {
            return Ok((device, false));
        }
        let fresh = Device::new(id, serial.clone(), self.env.now()).signed(ring);
        // A check-in may make it at this very moment: then it is read again.
        if tx.insert_device(&fresh).await? { Ok((fresh, true)) } else { Err(ServiceError::Store(StoreError::Conflict)) }
    }

    fn owner_event(&self, kind: EventKind, device: &Device, owner: Option<(RowId, &Login)>, request: &RequestInfo) -> crate::domain::Event {
        let mut event = self.event(kind, Outcome::Ok, Actor::Operator, request);
        (event.device, event.serial) = (Some(device.id), Some(device.serial.as_str().to_owned()));
        if let Some((row, login)) = owner {
            event.detail = format!("row {row}");
            event.personal.login = Some(login.as_str().to_owned());
        }
        event
    }
}
