//! A source as admins see it: a token that hands keys in, and what has come of it. Statistics, which decide nothing.

use super::device::{Ownership, Serial};
use super::ids::{DeviceId, Timestamp};

/// What one transaction adds to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceNote {
    /// The token's id.
    pub token: String,
    /// Deposits taken in: new keys, the same again, and those that became current again.
    pub deposits: i64,
    pub refused: i64,
    /// The device of the last one that was taken in.
    pub last_device: Option<DeviceId>,
    pub at: Timestamp,
}

/// A row of `sources`.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    pub token: String,
    pub added_at: Timestamp,
    /// When the first key was taken in; `None` = none yet.
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    pub deposits: i64,
    pub refused: i64,
    /// The Mac of the last deposit; `None` = none yet, or its row cannot be read.
    pub last_device: Option<(Serial, Ownership)>,
}

/// What a device can lack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// No login owns it.
    Owner,
    /// No key was ever handed in.
    Key,
}

/// A stretch of a list, looked through in one go: how many rows, and where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub rows: i64,
    /// The last row's place; empty when there is none.
    pub last: String,
}
