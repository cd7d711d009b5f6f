//! Trust, key versions, and the rule that says which version is current.

use super::ids::{DeviceId, Timestamp, VersionId};
use super::integrity::{Canonical, Deciding};
use super::recovery_key::SecretKind;

/// How much a source's word weighs. Ordered: `Typed < Observed < Proven`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Trust {
    /// Typed by a person.
    Typed,
    /// Handed in under a credential that a fleet shares.
    Observed,
    /// Handed in by the MDM or under a credential of that one device.
    Proven,
}

impl Trust {
    pub const ALL: [Self; 3] = [Self::Typed, Self::Observed, Self::Proven];

    pub fn code(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Observed => "observed",
            Self::Proven => "proven",
        }
    }

    /// As stored: 1, 2, 3.
    pub fn level(self) -> i64 {
        match self {
            Self::Typed => 1,
            Self::Observed => 2,
            Self::Proven => 3,
        }
    }

    pub fn from_level(level: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.level() == level)
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.code() == code)
    }
}

/// A row of `key_versions` without its sealed bytes. Append-only: nothing is ever overwritten by another key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyVersion {
    pub id: VersionId,
    pub device: DeviceId,
    pub kind: SecretKind,
    /// 1, 2, 3 … for one device and kind.
    pub version: i64,
    pub kek_id: u32,
    /// HMAC over (device, kind, key).
    pub fingerprint: Vec<u8>,
    /// The name of the source that handed it in first.
    pub source: String,
    /// The highest trust of all sources that handed this key in.
    pub trust: Trust,
    /// When the source says it was escrowed; never later than the server's clock.
    pub escrowed_at: Timestamp,
    /// `escrowed_at`, until a superseded key is handed in again.
    pub promoted_at: Timestamp,
    /// Letters never seen in such keys stand in it.
    pub unseen_letters: bool,
    /// Last time any source handed the same key in. Outside the MAC.
    pub confirmed_at: Timestamp,
    /// First time it was shown to a person: rotation is due.
    pub revealed_at: Option<Timestamp>,
}

impl Deciding for KeyVersion {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("key_versions")
            .uuid(self.id.0)
            .uuid(self.device.0)
            .text(self.kind.code())
            .int(self.version)
            .int(i64::from(self.kek_id))
            .bytes(&self.fingerprint)
            .text(&self.source)
            .int(self.trust.level())
            .int(self.escrowed_at.0)
            .int(self.promoted_at.0)
            .int(i64::from(self.unseen_letters))
            .option_int(self.revealed_at.map(|t| t.0))
            .done()
    }
}

/// How a device's versions stand to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing<'a> {
    /// Highest trust, then latest `promoted_at`, then highest version.
    pub current: &'a KeyVersion,
    /// What "The key does not work? Show the other one" opens.
    pub other: Option<&'a KeyVersion>,
    /// Two keys of the same trust alternate.
    pub contested: bool,
}

impl<'a> Standing<'a> {
    /// `None` for a device without a version. `versions` are those of one device and kind, in any order.
    pub fn of(versions: &'a [KeyVersion]) -> Option<Self> {
        let rank = |v: &KeyVersion| (v.trust, v.promoted_at, v.version);
        let current = versions.iter().max_by_key(|v| rank(v))?;
        let rest = || versions.iter().filter(|v| v.id != current.id);
        // Handed in again over a key that had come after it: the two alternate.
        let rivals = || rest().filter(|v| v.trust == current.trust && v.promoted_at > current.escrowed_at);
        let contested = current.promoted_at > current.escrowed_at && rivals().next().is_some();
        let other = if contested {
            rivals().max_by_key(|v| rank(v))
        } else {
            // Seen later than the current key, but by a source that may not displace it.
            rest()
                .filter(|v| {
                    v.promoted_at.max(v.confirmed_at) > current.promoted_at.max(current.confirmed_at)
                        || (v.trust < current.trust && v.promoted_at > current.promoted_at)
                })
                .max_by_key(|v| v.promoted_at.max(v.confirmed_at))
        };
        Some(Self { current, other, contested })
    }
}

/// What handing in a key that is already stored changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeat {
    pub trust: Trust,
    pub promoted_at: Timestamp,
}

impl Repeat {
    /// The matched version's new trust and `promoted_at`; equal to the old ones when nothing changes but `confirmed_at`.
    ///
    /// A superseded key becomes current again only when the source's trust is at least the current key's and it was
    /// seen after the current key was promoted.
    pub fn of(matched: &KeyVersion, current: &KeyVersion, source: Trust, seen_at: Timestamp) -> Self {
        let trust = matched.trust.max(source);
        let promotes = matched.id != current.id && source >= current.trust && seen_at > current.promoted_at;
        Self { trust, promoted_at: if promotes { seen_at } else { matched.promoted_at } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(n: u128, trust: Trust, at: i64) -> KeyVersion {
        KeyVersion {
            id: VersionId(Uuid::from_u128(n)),
            device: DeviceId(Uuid::nil()),
            kind: SecretKind::RecoveryKey,
            version: n as i64,
            kek_id: 1,
            fingerprint: vec![n as u8],
            source: "t".into(),
            trust,
            escrowed_at: Timestamp(at),
            promoted_at: Timestamp(at),
            unseen_letters: false,
            confirmed_at: Timestamp(at),
            revealed_at: None,
        }
    }

    #[test]
    fn newest_of_equal_trust_is_current_and_an_ordinary_rotation_has_no_other() {
        let all = [key(1, Trust::Observed, 10), key(2, Trust::Observed, 20)];
        let s = Standing::of(&all).map(|s| (s.current.version, s.other.is_some(), s.contested));
        assert_eq!(s, Some((2, false, false)));
    }

    #[test]
    fn a_lower_trust_never_hides_a_higher_one_and_shows_as_the_other() {
        let all = [key(1, Trust::Proven, 10), key(2, Trust::Observed, 20)];
        let s = Standing::of(&all).map(|s| (s.current.version, s.other.map(|o| o.version), s.contested));
        assert_eq!(s, Some((1, Some(2), false)));
    }

    #[test]
    fn two_that_alternate_are_contested() {
        let (mut a, b) = (key(1, Trust::Observed, 10), key(2, Trust::Observed, 20));
        let again = Repeat::of(&a, &b, Trust::Observed, Timestamp(30));
        (a.trust, a.promoted_at) = (again.trust, again.promoted_at);
        let all = [a, b, key(0, Trust::Observed, 5)];
        let s = Standing::of(&all).map(|s| (s.current.version, s.other.map(|o| o.version), s.contested));
        assert_eq!(s, Some((1, Some(2), true)));
    }

    #[test]
    fn a_late_or_lower_repeat_promotes_nothing() {
        let (a, b) = (key(1, Trust::Observed, 10), key(2, Trust::Proven, 20));
        assert_eq!(Repeat::of(&a, &b, Trust::Observed, Timestamp(30)).promoted_at, Timestamp(10));
        assert_eq!(Repeat::of(&a, &b, Trust::Proven, Timestamp(15)), Repeat { trust: Trust::Proven, promoted_at: Timestamp(10) });
    }
}
