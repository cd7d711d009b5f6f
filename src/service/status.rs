//! Is a key escrowed? What agents and MDM servers ask, a whole fleet at a time. Never a key.

use std::collections::HashMap;

use super::escrow::verified;
use super::lookup::{Line, Lookups, Question};
use super::{Keyharbor, RequestInfo, Result};
use crate::domain::Attested;
use crate::domain::device::{Device, Serial};
use crate::domain::escrow::{KeyVersion, Standing};
use crate::domain::ids::DeviceId;
use crate::domain::policy::Action;
use crate::domain::recovery_key::SecretKind;
use crate::domain::token::ApiToken;
use crate::store::{Reader, SOME_VERSIONS, StoreError};

/// What `escrow-status` answers.
#[derive(Clone, Debug, PartialEq)]
pub struct EscrowStatus {
    pub serial: Serial,
    pub current: Option<KeyVersion>,
    pub contested: bool,
    pub versions: i64,
    pub rotation_required: bool,
}

/// The Mac with that serial number, and its keys.
#[derive(Clone)]
pub(super) struct MacRow(Serial);

#[derive(Clone)]
pub(super) struct Found {
    device: Device,
    /// In no order; `None` of one that has many.
    versions: Option<Vec<Attested<KeyVersion>>>,
}

impl Question for MacRow {
    type Answer = Option<Found>;

    fn line(lookups: &Lookups) -> &Line<Self> {
        &lookups.macs
    }

    async fn ask(_: &Keyharbor, reader: &mut Reader, all: &[Self]) -> Result<Vec<Self::Answer>, StoreError> {
        let mut serials: Vec<Serial> = all.iter().map(|mac| mac.0.clone()).collect();
        serials.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        serials.dedup();
        let devices = reader.devices_by_serials(&serials).await?;
        let ids: Vec<DeviceId> = devices.iter().map(|device| device.id).collect();
        let mut rows: HashMap<DeviceId, Vec<_>> = HashMap::new();
        for row in reader.some_versions(&ids).await? {
            rows.entry(row.parts().0.device).or_default().push(row);
        }
        let found: HashMap<String, Found> = devices
            .into_iter()
            .map(|device| {
                let rows = rows.remove(&device.id).unwrap_or_default();
                // As many as this may not be all. The others do not wait for them to be looked up.
                let versions = (rows.len() < SOME_VERSIONS).then_some(rows);
                (device.serial.as_str().to_owned(), Found { device, versions })
            })
            .collect();
        Ok(all.iter().map(|mac| found.get(mac.0.as_str()).cloned()).collect())
    }
}

impl Keyharbor {
    /// Is a key escrowed? `None` of a version for a device without one.
    ///
    /// # Errors
    /// [`super::ServiceError::Refused`].
    pub async fn escrow_status(&self, token: &ApiToken, serial: &Serial, request: &RequestInfo) -> Result<EscrowStatus> {
        let found = self.look_up(MacRow(serial.clone())).await?;
        let (device, all) = found.map(|found| (found.device, found.versions)).unzip();
        let device = self.judge_for_token(token, device, Action::ReadStatus, request).await?;
        let kind = SecretKind::RecoveryKey;
        let (deciding, versions) = match all.flatten() {
            Some(mut rows) => {
                rows.retain(|row| row.parts().0.kind == kind);
                let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                (rows, count)
            }
            None => {
                let mut reader = self.store.reader().await?;
                (reader.candidates(device.id, kind, None).await?, reader.version_count(device.id, kind).await?.0)
            }
        };
        let (deciding, _) = verified(deciding, self.ring()?.as_ref());
        let standing = Standing::of(&deciding);
        let current = standing.map(|s| s.current.clone());
        Ok(EscrowStatus {
            serial: device.serial,
            contested: standing.is_some_and(|s| s.contested),
            versions,
            rotation_required: current.as_ref().is_some_and(|v| v.revealed_at.is_some()),
            current,
        })
    }
}
