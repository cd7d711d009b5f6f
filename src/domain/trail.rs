//! What of the trail somebody asks for, and where in it they stand. The trail is listed by time, rows of one time by number;
//! the chain goes by number.

use super::audit::{EventKind, TrailRow};
use super::ids::{DeviceId, Timestamp};

/// A place between rows: that of one row, which it leaves out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    pub at: Timestamp,
    pub seq: i64,
}

impl Cursor {
    /// Before every row, and after every row.
    pub const ENDS: [Self; 2] = [Self { at: Timestamp(i64::MIN), seq: i64::MIN }, Self { at: Timestamp(i64::MAX), seq: i64::MAX }];

    pub fn of(row: &TrailRow) -> Self {
        Self { at: row.event.at, seq: row.seq }
    }

    /// The reverse of `Display`: `MICROSECONDS.SEQ`.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, seq) = text.split_once('.')?;
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        Some(Self { at: Timestamp(number(at)?), seq: number(seq)? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at.0, self.seq)
    }
}

/// Rows that are all of these. The default is every row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrailFilter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    pub kind: Option<EventKind>,
    pub device: Option<AboutDevice>,
    pub person: Option<AboutPerson>,
    /// No row with a higher number.
    pub upto: Option<i64>,
}

/// Rows of one device: those with its serial number, and those without any that name its id.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AboutDevice {
    /// Empty: no row.
    pub serial: String,
    pub id: Option<DeviceId>,
}

/// Rows of one person, or of a token: any of these.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AboutPerson {
    /// Who acted, as the chain has it. Never empty.
    pub subject: String,
    /// Empty: of any provider.
    pub issuer: String,
    /// Folded; the actor's login, or the one that an owner's row is about. Empty: no row.
    pub login: String,
    /// The actor's name in two ways of writing it. Letters A–Z have no case. Empty: no row.
    pub names: [String; 2],
}

/// A row, and the MAC of the one before it in the chain (empty for the first).
#[derive(Clone, PartialEq, Debug)]
pub struct Linked {
    pub row: TrailRow,
    pub previous: Vec<u8>,
}

/// What was written to the log of a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointRow {
    pub seq: i64,
    pub mac: Vec<u8>,
    pub logged_at: Timestamp,
    /// The trail holds that row with that MAC.
    pub fits: bool,
}
