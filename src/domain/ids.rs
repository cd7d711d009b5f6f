//! Identifiers, time, and where both come from.
//!
//! Ids are `UUIDv7` and are *not* secrets. Time is one type, whole microseconds in UTC, so that a value read back from
//! either database is the value that was MAC'd. The wall clock and the random source are arguments everywhere.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

/// Two lower-case hexadecimal digits for each byte.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    // Sized once: a secret that is written leaves no shorter copy behind.
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

/// The same, at the end of a text.
pub fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
}

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn from_seconds(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    pub fn plus_seconds(self, s: i64) -> Self {
        Self(self.0.saturating_add(s.saturating_mul(1_000_000)))
    }

    /// Whole seconds from `earlier` until `self`, rounded down; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(1_000_000)
    }

    /// As a chrono time; times outside chrono's range become the epoch (they cannot be made by `parse` or a clock).
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// RFC 3339 in UTC with microseconds, e.g. `2026-11-22T07:30:00.000000Z`.
    pub fn rfc3339(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// Reads RFC 3339 with any offset; `None` for anything else and for years outside 1970–9999.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(text.trim()).ok()?.timestamp_micros();
        (0..253_402_300_800_000_000).contains(&at).then_some(Self(at))
    }
}

/// Where "now" comes from. The only real one is `service::clock`; tests hold a fixed one.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from: the operating system, or a counted source in tests.
pub trait Entropy: Send + Sync {
    fn fill(&self, buf: &mut [u8]);
}

/// Clock and entropy, handed down together.
#[derive(Clone)]
pub struct Env {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh `UUIDv7`: milliseconds of the clock, the rest random.
    pub fn uuid(&self) -> Uuid {
        let mut random = [0u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.now().0.div_euclid(1000)).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// 32 random bytes: a secret, a salt.
    pub fn secret(&self) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub Uuid);

        impl $name {
            pub fn new(env: &Env) -> Self {
                Self(env.uuid())
            }

            /// Reads the hyphenated form; anything else is `None`.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    )+};
}

id! {
    /// A Mac.
    DeviceId,
    /// One version of a device's secret.
    VersionId,
    /// A reveal grant: the opaque part of `/reveals/{id}`.
    GrantId,
    /// What survives the change of a session's id at step-up and ends with sign-out or revocation.
    LineId,
    /// A row of `sessions` (never the cookie's value).
    SessionId,
    /// A row of `device_owners`, `login_bindings` or `people`.
    RowId,
    /// A trail event.
    EventId,
}
