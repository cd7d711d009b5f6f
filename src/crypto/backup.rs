//! What backups need of the ring: a MAC that closes a file, a new epoch after a restore, the proof that a sealed value opens.

use super::envelope::{self, EnvelopeError, Place};
use super::keyring::{Ring, Use};
use super::token::{value, verify};
use crate::domain::ids::Timestamp;
use crate::domain::integrity::{Canonical, MacBytes};

/// What the MAC of a backup covers: the digest of everything before it.
fn closing(digest: &[u8]) -> Vec<u8> {
    Canonical::new("keyharbor/v1/backup").bytes(digest).done()
}

impl Ring {
    pub fn backup_mac(&self, digest: &[u8]) -> MacBytes {
        value(self, Use::Audit, &closing(digest))
    }

    /// Constant time.
    pub fn backup_mac_ok(&self, digest: &[u8], mac: &[u8]) -> bool {
        verify(self, Use::Audit, &closing(digest), mac)
    }

    /// The same keys in a new epoch: row MACs of before do not verify any more. Taken from the clock, so that one backup
    /// restored twice gives two epochs, and no row of the one life fits into the other.
    #[must_use]
    pub fn restored(mut self, now: Timestamp) -> Self {
        let by_clock = u32::try_from(now.seconds()).unwrap_or_default();
        self.epoch = self.epoch.saturating_add(1).max(by_clock);
        self
    }

    /// Would this stored value open? What is in it stays here.
    ///
    /// # Errors
    /// As [`Ring::open`].
    pub fn opens(&self, place: &Place<'_>, kek_id: u32, sealed: &[u8]) -> Result<(), EnvelopeError> {
        if envelope::kek_of(sealed)? != kek_id {
            return Err(EnvelopeError::Opaque);
        }
        let kek = self.key(Use::Kek, kek_id).ok_or(EnvelopeError::UnknownKek)?;
        envelope::open((kek_id, kek), place, sealed).map(drop)
    }
}
