//! Backups: one file that either engine reads, whose keys stay sealed and which never holds the root key.
//!
//! `file` is its form, `make` writes and proves one, `restore` puts one into a new database, `partial` keeps a file under a
//! temporary name until it is whole. Only what should come back is in it: no session, grant, open sign-in or quota.

pub mod file;
mod make;
mod partial;
mod restore;

use std::io::Read;

pub(super) use make::key_of;

pub use make::Made;
pub use restore::{Checked, Restored, check};

use self::file::{FileError, Header, Item, Reader, TableHeader};
use super::ServiceError;
use crate::crypto::keyring::RingError;
use crate::crypto::{Ring, RootKey};
use crate::store::{Cell, StoreError};

/// Rows in one page of a table.
pub(super) const PAGE: i64 = 200;

/// Hears how far it is: a table and its rows so far.
pub type Told<'a> = &'a mut dyn FnMut(&str, u64);

/// Why there is no backup, or nothing was restored. Tells the operator, never a browser.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} is there already: a backup is never written over a file")]
    Exists(String),
    #[error("cannot make {path}: {why}")]
    Make { path: String, why: std::io::Error },
    #[error("cannot read {path}: {why}")]
    Read { path: String, why: std::io::Error },
    #[error("the backup cannot be used: {0}")]
    File(#[from] FileError),
    #[error("the backup cannot be used: {0}")]
    Ring(#[from] RingError),
    #[error("the backup was read back otherwise than it was written: is the disk in order?")]
    NotAsWritten,
    #[error("the backup changed while it was read")]
    Moved,
    #[error("nothing was restored: {0}")]
    NotNew(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// A backup that is being read, with the ring that the root key opened.
pub(super) struct Opened<R> {
    reader: Reader<R>,
    pub header: Header,
    pub ring: Ring,
}

/// What comes next of it.
pub(super) enum Part {
    Table(TableHeader),
    Row(Vec<Cell>),
    End(u64),
    /// All of it was read and its MAC fits; the digest of the whole file.
    Whole([u8; 32]),
}

impl<R: Read> Opened<R> {
    pub fn begin(from: R, root: &RootKey) -> Result<Self, BackupError> {
        let (reader, header) = Reader::begin(from)?;
        let ring = header.open_ring(root)?;
        Ok(Self { reader, header, ring })
    }

    pub fn next_part(&mut self) -> Result<Part, BackupError> {
        Ok(match self.reader.next_item()? {
            Item::Table(table) => Part::Table(table),
            Item::Row(cells) => Part::Row(cells),
            Item::End(rows) => Part::End(rows),
            Item::Close { mac, covers, digest } if self.ring.backup_mac_ok(&covers, &mac) => Part::Whole(digest),
            Item::Close { .. } => return Err(FileError::Malformed("its MAC does not fit what it holds").into()),
        })
    }
}

impl Header {
    fn open_ring(&self, root: &RootKey) -> Result<Ring, BackupError> {
        let wrapped = unhex(&self.ring.wrapped).ok_or(FileError::Malformed("its key ring"))?;
        Ok(Ring::unwrap(root, self.ring.generation, &wrapped, &self.ring.wrapped_by)?)
    }

    /// The head of the trail as a checkpoint: `SEQ:MAC`.
    pub fn checkpoint(&self) -> String {
        format!("{}:{}", self.head_seq, self.head_mac)
    }
}

/// The reverse of [`crate::domain::hex`].
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let digits = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| text.as_bytes().chunks_exact(2).map(pair).collect())?
}
