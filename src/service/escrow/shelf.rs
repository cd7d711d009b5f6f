//! What one transaction of deposits holds in memory: devices, and each device's keys, as they were read and as they will be.

use std::collections::HashMap;

use super::{Became, Deposit, Source};
use crate::domain::Device;
use crate::domain::escrow::{KeyVersion, Repeat, Standing};
use crate::domain::ids::{Timestamp, VersionId};
use crate::domain::integrity::{MacBytes, Sealed};
use crate::service::{Result, ServiceError};

/// A device and what the batch does to it.
pub(super) struct Held {
    pub device: Device,
    /// It is not there yet.
    pub new: bool,
    /// Its row verifies; of one that does not, nothing is touched.
    pub sound: bool,
    pub noted: bool,
    pub seen: Option<Timestamp>,
}

/// A device's keys of one kind, as the batch leaves them.
pub(super) struct Shelf {
    pub versions: Vec<KeyVersion>,
    /// As they were read, with their MACs, which may be under a former row key; what is not in here is new.
    pub stored: HashMap<VersionId, (MacBytes, KeyVersion)>,
    pub new: HashMap<VersionId, Sealed>,
    pub last: i64,
    /// There are more than were read: the few that decide are asked for by each deposit.
    pub crowded: bool,
}

impl Held {
    /// Hints follow the agent; the Mac was seen, unless the key comes out of a file of old ones.
    pub fn follow(&mut self, deposit: &Deposit, now: Timestamp) {
        let (device, hints) = (&mut self.device, &deposit.hints);
        let changed = |new: &Option<String>, old: &Option<String>| new.is_some() && new != old;
        if changed(&hints.host_name, &device.host_name) || changed(&hints.user, &device.user_hint) {
            device.host_name = hints.host_name.clone().or(device.host_name.take());
            device.user_hint = hints.user.clone().or(device.user_hint.take());
            self.noted = true;
        }
        if deposit.escrowed_at.is_none() && device.last_seen.is_none_or(|seen| now.seconds_since(seen) >= 60) {
            (device.last_seen, self.seen) = (Some(now), Some(now));
        }
    }
}

impl Shelf {
    /// Is this the current key?
    pub fn leads(&self, known: usize) -> bool {
        let current = Standing::of(&self.versions).map(|s| s.current.id);
        current.is_some() && current == self.versions.get(known).map(|v| v.id)
    }

    /// The same key again: trust may rise, a superseded key may become current again.
    pub fn again(&mut self, known: usize, source: &Source, seen_at: Timestamp) -> Result<(VersionId, Became)> {
        let current = Standing::of(&self.versions).map(|s| s.current.clone()).ok_or(ServiceError::Integrity)?;
        let row = self.versions.get_mut(known).ok_or(ServiceError::Integrity)?;
        let repeat = Repeat::of(row, &current, source.trust, seen_at);
        (row.trust, row.promoted_at) = (repeat.trust, repeat.promoted_at);
        if seen_at.seconds_since(row.confirmed_at) >= 60 {
            row.confirmed_at = seen_at;
        }
        let id = row.id;
        let leads = Standing::of(&self.versions).is_some_and(|s| s.current.id == id);
        Ok((id, if leads && current.id != id { Became::Promoted } else { Became::Same }))
    }
}
