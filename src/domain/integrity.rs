//! What makes a row believable: MACs over deciding columns, the chain of the trail, sealed bytes.
//!
//! The traits stand here so that `store` can chain a trail row under its own lock, and `service` can hand rows to the
//! store, without either knowing `crypto`. A row read from the database is an [`Attested`]; its content is reached only
//! through [`Attested::check`], so a row that does not verify cannot decide anything.

use uuid::Uuid;

/// A MAC or keyed hash as stored: `0x01 ‖ key id u32 BE ‖ 32 bytes`.
pub type MacBytes = Vec<u8>;

/// Length-prefixed (u32 BE) concatenation: the one way in which several values become the input of a MAC or an AAD.
#[derive(Default)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Starts with the purpose, so that a MAC made for one thing never fits another.
    pub fn new(purpose: &str) -> Self {
        Self::default().text(purpose)
    }

    pub fn bytes(mut self, part: &[u8]) -> Self {
        let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    pub fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    pub fn int(self, part: i64) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub fn uuid(self, part: Uuid) -> Self {
        self.bytes(part.as_bytes())
    }

    /// A missing value is one zero byte, a present one a one byte and the value: absent never equals empty.
    pub fn option(self, part: Option<&[u8]>) -> Self {
        match part {
            None => self.bytes(&[0]),
            Some(p) => self.bytes(&[&[1], p].concat()),
        }
    }

    pub fn option_int(self, part: Option<i64>) -> Self {
        self.option(part.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }

    pub fn option_uuid(self, part: Option<Uuid>) -> Self {
        self.option(part.as_ref().map(|u| u.as_bytes().as_slice()))
    }

    pub fn option_text(self, part: Option<&str>) -> Self {
        self.option(part.map(str::as_bytes))
    }

    pub fn done(self) -> Vec<u8> {
        self.0
    }
}

/// MACs a deciding row (under the ring's row key and the current epoch).
pub trait RowMac: Send + Sync {
    fn row_mac(&self, canonical: &[u8]) -> MacBytes;
    /// Constant time; `false` for an unknown key id, a wrong length, another epoch.
    fn row_mac_ok(&self, canonical: &[u8], mac: &[u8]) -> bool;
}

/// Chains the trail (under the ring's audit key).
pub trait ChainMac: Send + Sync {
    /// The MAC of a row: over the previous row's MAC and this row's canonical bytes.
    fn chain(&self, previous: &[u8], canonical: &[u8]) -> MacBytes;
    /// The digest through which personal fields enter the chain.
    fn personal(&self, salt: &[u8], fields: &str) -> Vec<u8>;
    /// Constant time; `false` for an unknown key id.
    fn chain_ok(&self, previous: &[u8], canonical: &[u8], mac: &[u8]) -> bool;
}

/// A row that decides something: its `canonical` bytes are what the row MAC covers.
pub trait Deciding {
    /// Starts with the table's name and holds every deciding column.
    fn canonical(&self) -> Vec<u8>;
}

/// The stored MAC is not one that this server made for this content.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("a stored row does not verify")]
pub struct IntegrityFailure;

/// A deciding row together with its MAC, as it lies in the database.
#[derive(Clone)]
pub struct Attested<T> {
    row: T,
    mac: MacBytes,
}

impl<T: Deciding> Attested<T> {
    /// Signs a row that is about to be written.
    pub fn sign(row: T, key: &dyn RowMac) -> Self {
        let mac = key.row_mac(&row.canonical());
        Self { row, mac }
    }

    /// What the store read. Nothing is believed yet.
    pub fn from_parts(row: T, mac: MacBytes) -> Self {
        Self { row, mac }
    }

    /// The content, if the MAC fits.
    ///
    /// # Errors
    /// [`IntegrityFailure`]: the row was written or edited by someone else, or belongs to an earlier epoch.
    pub fn check(self, key: &dyn RowMac) -> Result<T, IntegrityFailure> {
        if key.row_mac_ok(&self.row.canonical(), &self.mac) { Ok(self.row) } else { Err(IntegrityFailure) }
    }

    /// For writing to the database only: the columns and the MAC that goes beside them.
    pub fn parts(&self) -> (&T, &[u8]) {
        (&self.row, &self.mac)
    }

    /// The MAC as read: the "old" of a compare-and-set.
    pub fn mac(&self) -> &[u8] {
        &self.mac
    }
}

/// Sealed bytes (blob v1). Only `crypto::envelope` makes them and only the store reads them back.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Vec<u8>,
    kek_id: u32,
}

impl Sealed {
    /// Named in two files only, `crypto/envelope.rs` and the store's key-version rows: a tidy rule holds it.
    pub fn from_parts(bytes: Vec<u8>, kek_id: u32) -> Self {
        Self { bytes, kek_id }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn kek_id(&self) -> u32 {
        self.kek_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_values_never_run_together() {
        let a = Canonical::new("t").text("ab").text("c").done();
        let b = Canonical::new("t").text("a").text("bc").done();
        assert_ne!(a, b);
        assert_ne!(Canonical::new("t").option(None).done(), Canonical::new("t").option(Some(b"")).done());
    }
}
