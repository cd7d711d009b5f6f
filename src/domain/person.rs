//! People: who the identity provider says they are, which roles they hold, and the session they sit in.

use super::device::{TextError, fold};
use super::ids::{DeviceId, LineId, RowId, SessionId, Timestamp};
use super::integrity::{Canonical, Deciding};
use super::recovery_key::looks_like_key;

/// A person is (issuer, subject), and nothing else: not an e-mail address, not a name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Subject {
    pub issuer: String,
    pub subject: String,
}

impl Subject {
    /// # Errors
    /// [`TextError`]: a subject that is empty, over 255 bytes, or holds a control character.
    pub fn parse(issuer: &str, subject: &str) -> Result<Self, TextError> {
        match subject {
            "" => Err(TextError::Empty),
            s if s.len() > 255 => Err(TextError::TooLong),
            s if s.chars().any(char::is_control) => Err(TextError::BadCharacter),
            s => Ok(Self { issuer: issuer.to_owned(), subject: s.to_owned() }),
        }
    }
}

/// An owner's login as a source gives it, folded (NFKC, lower case, domain kept). 1–320 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Login(String);

impl Login {
    /// # Errors
    /// [`TextError`]: empty after folding, too long, with a control character, or shaped like a recovery key (a swapped column).
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.chars().any(char::is_control) {
            return Err(TextError::BadCharacter);
        }
        if looks_like_key(text) {
            return Err(TextError::LooksLikeKey);
        }
        let folded = fold(text);
        match folded.chars().count() {
            0 => Err(TextError::Empty),
            1..=320 => Ok(Self(folded)),
            _ => Err(TextError::TooLong),
        }
    }

    /// Stands where a stored login cannot be read; the row it stands in verifies nowhere.
    pub fn unreadable() -> Self {
        Self("?".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person may be, besides an employee.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Role {
    Employee,
    Helpdesk,
    Auditor,
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Employee, Self::Helpdesk, Self::Auditor, Self::Admin];

    pub fn code(self) -> &'static str {
        match self {
            Self::Employee => "employee",
            Self::Helpdesk => "helpdesk",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    fn bit(self) -> i64 {
        match self {
            Self::Employee => 1,
            Self::Helpdesk => 2,
            Self::Auditor => 4,
            Self::Admin => 8,
        }
    }
}

/// A set of roles; stored as a bit set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Roles(i64);

impl Roles {
    pub fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    pub fn without(self, role: Role) -> Self {
        Self(self.0 & !role.bit())
    }

    pub fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    pub fn bits(self) -> i64 {
        self.0
    }

    /// Unknown bits are dropped.
    pub fn from_bits(bits: i64) -> Self {
        Self(bits & 15)
    }

    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |r| self.has(*r))
    }

    /// Codes joined by a space, for the trail.
    pub fn codes(self) -> String {
        self.iter().map(Role::code).collect::<Vec<_>>().join(" ")
    }
}

/// A row of `people`: how a person is shown. Decides nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub id: RowId,
    pub who: Subject,
    pub name: Option<String>,
    pub email: Option<String>,
    pub language: Option<String>,
    pub updated_at: Timestamp,
}

/// A row of `login_bindings`: this login is this person, one each way.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub id: RowId,
    pub login: Login,
    pub who: Subject,
    pub bound_at: Timestamp,
}

impl Deciding for Binding {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("login_bindings")
            .uuid(self.id.0)
            .text(&self.who.issuer)
            .text(self.login.as_str())
            .text(&self.who.subject)
            .int(self.bound_at.0)
            .done()
    }
}

/// A row of `device_owners`: this login owns this device.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    pub id: RowId,
    pub device: DeviceId,
    pub issuer: String,
    pub login: Login,
    pub source: String,
    pub assigned_at: Timestamp,
}

impl Deciding for Owner {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("device_owners")
            .uuid(self.id.0)
            .uuid(self.device.0)
            .text(&self.issuer)
            .text(self.login.as_str())
            .text(&self.source)
            .int(self.assigned_at.0)
            .done()
    }
}

/// A row of `sessions`. The cookie's value is not in it, only its keyed hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    /// HMAC of the cookie's value under the ring's token key.
    pub secret_hash: Vec<u8>,
    pub line: LineId,
    pub who: Subject,
    /// The login bound to this person at sign-in; `None` = owns nothing.
    pub login: Option<Login>,
    pub roles: Roles,
    /// When the provider says the person proved who they are; `None` = no keys.
    pub auth_time: Option<Timestamp>,
    pub acr: Option<String>,
    /// The provider's session id, for back-channel logout.
    pub sid: Option<String>,
    pub created_at: Timestamp,
    pub last_seen: Timestamp,
}

impl Deciding for Session {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("sessions")
            .uuid(self.id.0)
            .bytes(&self.secret_hash)
            .uuid(self.line.0)
            .text(&self.who.issuer)
            .text(&self.who.subject)
            .option_text(self.login.as_ref().map(Login::as_str))
            .int(self.roles.bits())
            .option_int(self.auth_time.map(|t| t.0))
            .option_text(self.acr.as_deref())
            .option_text(self.sid.as_deref())
            .int(self.created_at.0)
            .int(self.last_seen.0)
            .done()
    }
}

/// A row of `logout_tokens`: one that was obeyed.
pub struct LogoutRow {
    pub issuer: String,
    pub jti: String,
    /// The session at the provider; none: all of the person's.
    pub sid: Option<String>,
    /// The person; none: whoever's session it was.
    pub subject: Option<String>,
    pub obeyed_at: Timestamp,
    /// Until then it is remembered.
    pub expires_at: Timestamp,
}

/// A row of `sign_ins`: an open transaction with the provider. What it remembers is sealed.
#[derive(Clone)]
pub struct SignIn {
    pub id: RowId,
    /// HMAC of `state`.
    pub state_hash: Vec<u8>,
    /// HMAC of the browser's own secret (the transaction cookie).
    pub browser_hash: Vec<u8>,
    /// Sealed: nonce, PKCE verifier, where to return to, the form of a step-up.
    pub sealed: super::integrity::Sealed,
    /// A step-up belongs to a session line; a first sign-in to nobody.
    pub line: Option<LineId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}
