//! How keys of the ring come and go. A new key waits first: every server learns it before anything is written under it. Then it
//! becomes the active one, and the one before stays to open and verify until nothing needs it any more.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::keyring::{Ring, RingKey, Use};
use crate::domain::ids::{Entropy, Timestamp};

/// Where a key of the ring stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Known to the servers, not yet used.
    Waiting,
    /// New values are written under it.
    Active,
    /// It opens and verifies what was written under it.
    Former,
}

/// All that is told of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyNote {
    pub purpose: Use,
    pub id: u32,
    pub standing: Standing,
    /// Since when it is the active key; of a waiting one, when it was made.
    pub since: Timestamp,
}

/// How many values were sealed under each KEK and are not yet counted elsewhere.
#[derive(Default)]
pub struct Sealings(Mutex<BTreeMap<u32, i64>>);

impl Sealings {
    pub fn add(&self, kek_id: u32, count: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kek_id).or_default() += count;
    }

    /// Takes them, and begins anew.
    pub fn take(&self) -> BTreeMap<u32, i64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ring {
    /// What keys there are, by use.
    pub fn keys(&self) -> Vec<KeyNote> {
        let note = |key: &RingKey| KeyNote {
            purpose: key.purpose,
            id: key.id,
            standing: match self.active_id(key.purpose) {
                active if key.id == active => Standing::Active,
                active if key.id > active => Standing::Waiting,
                _ => Standing::Former,
            },
            since: Timestamp(key.created_at),
        };
        let mut notes: Vec<_> = self.keys.iter().map(note).collect();
        notes.sort_by_key(|n| (n.purpose.code(), n.id));
        notes
    }

    /// The key under which new values of a use are written.
    pub fn active_id(&self, purpose: Use) -> u32 {
        self.keys.iter().find(|k| k.purpose == purpose && k.active).map_or(0, |k| k.id)
    }

    /// The key that waits to become active.
    pub fn waiting(&self, purpose: Use) -> Option<u32> {
        let active = self.active_id(purpose);
        self.keys.iter().filter(|k| k.purpose == purpose && k.id > active).map(|k| k.id).max()
    }

    /// Is there a key that was active before?
    pub fn has_former(&self, purpose: Use) -> bool {
        let active = self.active_id(purpose);
        self.keys.iter().any(|k| k.purpose == purpose && k.id < active)
    }

    /// Adds a key that waits. Ids only rise: the highest is the active one or waits, and neither can be taken out.
    #[must_use]
    pub fn with_waiting(mut self, purpose: Use, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let id = self.keys.iter().filter(|k| k.purpose == purpose).map(|k| k.id).max().unwrap_or(0).saturating_add(1);
        let mut key = RingKey { purpose, id, active: false, created_at: now.0, bytes: [0; 32] };
        entropy.fill(&mut key.bytes);
        self.keys.push(key);
        self
    }

    /// Makes the waiting key the active one; its age counts from now.
    #[must_use]
    pub fn activated(mut self, purpose: Use, now: Timestamp) -> Self {
        if let Some(next) = self.waiting(purpose) {
            for key in self.keys.iter_mut().filter(|k| k.purpose == purpose) {
                key.active = key.id == next;
                if key.active {
                    key.created_at = now.0;
                }
            }
        }
        self
    }

    /// Takes a former key out: what is still under it opens and verifies no more.
    #[must_use]
    pub fn without(mut self, purpose: Use, id: u32) -> Self {
        let active = self.active_id(purpose);
        self.keys.retain(|k| k.purpose != purpose || k.id != id || k.id >= active);
        self
    }

    /// What this ring has sealed, and the rings before it.
    pub fn sealings(&self) -> &Sealings {
        &self.sealed
    }

    /// Goes on counting where another one is.
    #[must_use]
    pub fn counting_with(mut self, before: &Self) -> Self {
        self.sealed = before.sealed.clone();
        self
    }
}
