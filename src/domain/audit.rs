//! Trail events: what is recorded of every sensitive act, and the bytes of it that the chain covers.
//!
//! An event never holds a key, a token or a cookie. Personal fields (name, login, address, user agent, free text) stand
//! beside the row and enter the chain as a salted digest, so that they can be erased one day without breaking it.

use uuid::Uuid;

use super::ids::{DeviceId, EventId, GrantId, Timestamp, VersionId};
use super::integrity::Canonical;
use super::person::Subject;

macro_rules! kinds {
    ($($variant:ident = $code:literal),+ $(,)?) => {
        /// What happened. The codes are frozen: they are in the chain and in exports.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum EventKind {
            $($variant,)+
            /// A code that this version does not know; never written.
            Unreadable,
        }

        impl EventKind {
            /// Every kind that is written.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Unreadable => "unreadable",
                }
            }

            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    SignIn = "sign_in",
    SignInFailed = "sign_in.failed",
    SignInTested = "sign_in.tested",
    StepUp = "step_up",
    SignOut = "sign_out",
    SessionEnded = "session.ended",
    RolesReduced = "roles.reduced",
    RolesIgnored = "roles.ignored",
    AccessRefused = "access.refused",
    RefusedSummary = "access.refused_summary",
    RevealGranted = "reveal.granted",
    RevealViewed = "reveal.viewed",
    RevealRenewed = "reveal.renewed",
    RevealHidden = "reveal.hidden",
    RevealRefused = "reveal.refused",
    RevealBreakGlass = "reveal.break_glass",
    DepositNew = "deposit.new",
    DepositSame = "deposit.same",
    DepositPromoted = "deposit.promoted",
    DepositRefused = "deposit.refused",
    DeviceCreated = "device.created",
    DeviceChanged = "device.changed",
    TokenCreated = "token.created",
    TokenRevoked = "token.revoked",
    OwnerSet = "owner.set",
    OwnerRemoved = "owner.removed",
    LoginBound = "login.bound",
    LoginRebound = "login.rebound",
    LoginConflict = "login.conflict",
    IntegrityFailure = "integrity_failure",
    Sealed = "sealed",
    TrailRead = "trail.read",
    TrailExported = "trail.exported",
    Started = "server.started",
    RingMade = "key_ring.made",
    RingConfirmed = "key_ring.confirmed",
    KitShown = "key_ring.kit_shown",
    RootKeyRestored = "key_ring.root_key_restored",
    KeyAdded = "key_ring.key_added",
    KeyActivated = "key_ring.key_activated",
    KeyRetired = "key_ring.key_retired",
    RewrapBegun = "key_ring.rewrap_begun",
    RewrapDone = "key_ring.rewrap_done",
    BackupBegun = "backup.begun",
    BackupMade = "backup.made",
    BackupRestored = "backup.restored",
    TokenApproved = "token.approved",
    MoveBegun = "move.begun",
    MoveGivenUp = "move.given_up",
    MoveDone = "move.done",
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    Ok,
    Refused,
    Failed,
}

impl Outcome {
    pub fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        [Self::Ok, Self::Refused, Self::Failed].into_iter().find(|o| o.code() == code)
    }
}

/// Who did it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    Person(Subject),
    /// An API token, by its public id.
    Token(String),
    /// Somebody at the machine itself (command line).
    Operator,
    /// The server.
    System,
    Anonymous,
}

impl Actor {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Token(_) => "token",
            Self::Operator => "operator",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }

    /// (issuer, subject) as stored; a token's id stands where a subject would.
    pub fn columns(&self) -> (&str, &str) {
        match self {
            Self::Person(who) => (&who.issuer, &who.subject),
            Self::Token(id) => ("", id),
            Self::Operator | Self::System | Self::Anonymous => ("", ""),
        }
    }

    /// The reverse of `kind` and `columns`; `None` for a kind this version does not know.
    pub fn from_columns(kind: &str, issuer: &str, subject: &str) -> Option<Self> {
        Some(match kind {
            "person" => Self::Person(Subject { issuer: issuer.to_owned(), subject: subject.to_owned() }),
            "token" => Self::Token(subject.to_owned()),
            "operator" => Self::Operator,
            "system" => Self::System,
            "anonymous" => Self::Anonymous,
            _ => return None,
        })
    }
}

/// What can be erased. Every field is cleaned of control and format characters before it comes here.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Personal {
    /// The actor's name as the provider gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The actor's login, or the login an owner event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How the desk checked who was calling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Whom a reading or an export of the trail was narrowed down to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// One event, before the trail gives it a number.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub kind: EventKind,
    pub outcome: Outcome,
    pub actor: Actor,
    /// Role codes the actor acted under, joined by spaces; scopes for a token.
    pub role: String,
    pub device: Option<DeviceId>,
    /// Serial number as known at that moment.
    pub serial: Option<String>,
    pub version: Option<VersionId>,
    pub grant: Option<GrantId>,
    /// The request's id, as in the log.
    pub request: Option<Uuid>,
    /// A short machine-readable word or words, e.g. why something was refused. Never free text from outside.
    pub detail: String,
    pub personal: Personal,
    /// 16 random bytes; erased together with the personal fields.
    pub salt: [u8; 16],
}

/// A row of `audit_events` as read back.
#[derive(Clone, PartialEq, Debug)]
pub struct TrailRow {
    pub seq: i64,
    pub event: Event,
    /// `true` when the personal fields were erased.
    pub erased: bool,
    /// The personal fields as stored, byte for byte: what the digest covers.
    pub personal_text: Option<String>,
    pub personal_mac: Vec<u8>,
    pub mac: Vec<u8>,
}

impl Event {
    /// The personal fields as stored: JSON, keys in the order of the struct, absent ones left out.
    pub fn personal_text(&self) -> String {
        serde_json::to_string(&self.personal).unwrap_or_else(|_| "{}".to_owned())
    }

    /// What the chain covers of row `seq`.
    pub fn canonical(&self, seq: i64, personal_mac: &[u8]) -> Vec<u8> {
        let (issuer, subject) = self.actor.columns();
        Canonical::new("audit_events")
            .int(seq)
            .uuid(self.id.0)
            .int(self.at.0)
            .text(self.kind.code())
            .text(self.outcome.code())
            .text(self.actor.kind())
            .text(issuer)
            .text(subject)
            .text(&self.role)
            .option_uuid(self.device.map(|d| d.0))
            .option_text(self.serial.as_deref())
            .option_uuid(self.version.map(|v| v.0))
            .option_uuid(self.grant.map(|g| g.0))
            .option_uuid(self.request)
            .text(&self.detail)
            .bytes(personal_mac)
            .done()
    }
}

/// Proof that a trail row is committed. Made by the store's `commit` alone; without one no sealed key is handed out.
#[derive(Debug)]
pub struct AuditReceipt {
    seq: i64,
    grant: Option<GrantId>,
    version: Option<VersionId>,
}

impl AuditReceipt {
    /// Called by the store after a commit, and nowhere else: a tidy rule holds it.
    pub fn after_commit(seq: i64, grant: Option<GrantId>, version: Option<VersionId>) -> Self {
        Self { seq, grant, version }
    }

    /// The number of the last row of that commit.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    pub fn grant(&self) -> Option<GrantId> {
        self.grant
    }

    /// The one key version this receipt opens.
    pub fn version(&self) -> Option<VersionId> {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.code()), Some(*kind));
        }
    }

    #[test]
    fn absent_personal_fields_are_left_out() {
        let text = serde_json::to_string(&Personal { login: Some("anna".into()), ..Personal::default() }).unwrap_or_default();
        assert_eq!(text, r#"{"login":"anna"}"#);
    }
}
