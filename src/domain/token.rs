//! API tokens: `kh_<16 hex id>_<43 base62 secret>`, what they may do, until when.

use super::escrow::Trust;
use super::ids::Timestamp;
use super::integrity::{Attested, Canonical, Deciding, RowMac};

/// One thing a token may do. `owners:write` is in no other scope and is given by the command line only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Scope {
    EscrowWrite,
    DevicesRead,
    DevicesWrite,
    StatusRead,
    OwnersWrite,
    AuditRead,
}

impl Scope {
    pub const ALL: [Self; 6] =
        [Self::EscrowWrite, Self::DevicesRead, Self::DevicesWrite, Self::StatusRead, Self::OwnersWrite, Self::AuditRead];

    pub fn code(self) -> &'static str {
        match self {
            Self::EscrowWrite => "escrow:write",
            Self::DevicesRead => "devices:read",
            Self::DevicesWrite => "devices:write",
            Self::StatusRead => "status:read",
            Self::OwnersWrite => "owners:write",
            Self::AuditRead => "audit:read",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    fn bit(self) -> i64 {
        match self {
            Self::EscrowWrite => 1,
            Self::DevicesRead => 2,
            Self::DevicesWrite => 4,
            Self::StatusRead => 8,
            Self::OwnersWrite => 16,
            Self::AuditRead => 32,
        }
    }
}

/// A set of scopes; stored as a bit set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scopes(i64);

impl Scopes {
    pub fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub fn bits(self) -> i64 {
        self.0
    }

    pub fn from_bits(bits: i64) -> Self {
        Self(bits & 63)
    }

    pub fn codes(self) -> String {
        Scope::ALL.into_iter().filter(|s| self.has(*s)).map(Scope::code).collect::<Vec<_>>().join(" ")
    }
}

/// Where a token works: as Bearer at the API, or in the path of one door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// `Authorization: Bearer`, at the API and at the agents' doors without a token in the path.
    Header,
    /// `/compat/crypt/{token}/…` only.
    CryptPath,
}

impl Door {
    pub fn code(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::CryptPath => "crypt-path",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        [Self::Header, Self::CryptPath].into_iter().find(|d| d.code() == code)
    }
}

/// A row of `api_tokens`. The secret is not in it, only its keyed hash.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiToken {
    /// The 16 hex characters: public, what lists and logs show.
    pub id: String,
    pub secret_hash: Vec<u8>,
    pub name: String,
    pub scopes: Scopes,
    pub door: Door,
    /// Serial numbers it may touch: `*` at the end is a prefix; `None` = all.
    pub device_pattern: Option<String>,
    pub trust: Trust,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Moves at most once a minute. Outside the MAC.
    pub last_used: Option<Timestamp>,
}

impl Deciding for ApiToken {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("api_tokens")
            .text(&self.id)
            .bytes(&self.secret_hash)
            .text(&self.name)
            .int(self.scopes.bits())
            .text(self.door.code())
            .option_text(self.device_pattern.as_deref())
            .int(self.trust.level())
            .int(self.created_at.0)
            .option_int(self.expires_at.map(|t| t.0))
            .option_int(self.revoked_at.map(|t| t.0))
            .done()
    }
}

/// A token of a restored backup: its MAC says so, and so it does nothing until an operator approves it again.
struct Waiting<'a>(&'a ApiToken);

impl Deciding for Waiting<'_> {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("api_tokens/waiting").bytes(&self.0.canonical()).done()
    }
}

impl Attested<ApiToken> {
    /// Signs it as one that waits for approval.
    pub fn sign_waiting(token: ApiToken, key: &dyn RowMac) -> Self {
        let mac = key.row_mac(&Waiting(&token).canonical());
        Self::from_parts(token, mac)
    }

    /// Did a restore put it here, and has nobody approved it since?
    pub fn waits(&self, key: &dyn RowMac) -> bool {
        let (token, mac) = self.parts();
        key.row_mac_ok(&Waiting(token).canonical(), mac)
    }
}

impl ApiToken {
    /// Neither revoked nor expired at `now`.
    pub fn live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Is it time to write down that it was used?
    pub fn touch_is_due(&self, now: Timestamp) -> bool {
        self.last_used.is_none_or(|t| now.seconds_since(t) >= 60)
    }

    /// May this token touch that serial number?
    pub fn covers(&self, serial: &super::device::Serial) -> bool {
        covers(self.device_pattern.as_deref(), serial)
    }
}

/// `None` covers all; `*` at the end is a prefix; else it is that one serial number.
pub fn covers(pattern: Option<&str>, serial: &super::device::Serial) -> bool {
    pattern.is_none_or(|p| match p.strip_suffix('*') {
        Some(prefix) => serial.as_str().starts_with(prefix),
        None => serial.as_str() == p,
    })
}

/// The two parts of a token as a caller sends it.
///
/// Has no `Debug`: the secret must not reach a log.
pub struct TokenText<'a> {
    pub id: &'a str,
    pub secret: &'a str,
}

impl<'a> TokenText<'a> {
    /// `None` for anything that is not of the form.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix("kh_")?.split_once('_')?;
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (id.len() == 16 && id.bytes().all(hex) && secret.len() == 43 && secret.bytes().all(|b| b.is_ascii_alphanumeric()))
            .then_some(Self { id, secret })
    }
}
