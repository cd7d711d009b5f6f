//! Who may do what. Pure: given an actor, an action and how the actor stands to the device, the answer is a [`Permit`] or
//! a [`Refusal`]. The whole table is a committed snapshot (`tests/it/snapshots`).

use super::device::Ownership;
use super::person::{Role, Roles};
use super::reveal::Basis;
use super::token::{Scope, Scopes};

/// Every act that needs a permit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// See the list of one's own devices.
    ListOwn,
    /// Open the page of one's own device.
    ViewDevice,
    /// Be shown the key of one's own device.
    Reveal,
    /// Open a device's page as helpdesk.
    DeskView,
    /// Be shown any version for somebody else, with a reason.
    DeskReveal,
    /// Search devices.
    SearchDevices,
    ReadTrail,
    /// Read the admin pages: tokens, sources, sessions, what is missing. Never a key.
    Administer,
    /// Make and revoke tokens in the portal.
    ManageTokens,
    /// End other people's sessions.
    EndSessions,
    /// Look at what the provider sends, in a sign-in that signs nobody in.
    TestSignIn,
    Deposit,
    ReadDevice,
    WriteDevice,
    ReadStatus,
    WriteOwners,
}

impl Action {
    pub const ALL: [Self; 16] = [
        Self::ListOwn,
        Self::ViewDevice,
        Self::Reveal,
        Self::DeskView,
        Self::DeskReveal,
        Self::SearchDevices,
        Self::ReadTrail,
        Self::Administer,
        Self::ManageTokens,
        Self::EndSessions,
        Self::TestSignIn,
        Self::Deposit,
        Self::ReadDevice,
        Self::WriteDevice,
        Self::ReadStatus,
        Self::WriteOwners,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::ListOwn => "list_own",
            Self::ViewDevice => "view_device",
            Self::Reveal => "reveal",
            Self::DeskView => "desk_view",
            Self::DeskReveal => "desk_reveal",
            Self::SearchDevices => "search_devices",
            Self::ReadTrail => "read_trail",
            Self::Administer => "administer",
            Self::ManageTokens => "manage_tokens",
            Self::EndSessions => "end_sessions",
            Self::TestSignIn => "test_sign_in",
            Self::Deposit => "deposit",
            Self::ReadDevice => "read_device",
            Self::WriteDevice => "write_device",
            Self::ReadStatus => "read_status",
            Self::WriteOwners => "write_owners",
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Caller {
    Anonymous,
    Person(Roles),
    Token(Scopes),
}

/// How the caller stands to the device the act is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// The act is about no device.
    NoDevice,
    /// The caller's bound login owns it.
    Own(Ownership),
    /// Somebody else's, or nobody's.
    Other(Ownership),
    /// There is no such device, or the token's pattern does not cover it.
    Unknown,
}

/// Why not. `NotFound` and `Forbidden` are different answers to people who may know that a thing exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("not signed in")]
    NotSignedIn,
    #[error("not found")]
    NotFound,
    #[error("not allowed")]
    Forbidden,
}

/// Proof that [`decide`] said yes, to this action, on this basis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permit {
    action: Action,
    basis: Basis,
}

impl Permit {
    pub fn action(self) -> Action {
        self.action
    }

    /// Owner or desk: which limits, which form, which step-up age.
    pub fn basis(self) -> Basis {
        self.basis
    }
}

/// Own Macs go by the owner's actions, everybody's by the desk's: the route says which is asked.
///
/// # Errors
/// [`Refusal`].
pub fn decide(caller: Caller, action: Action, relation: Relation) -> Result<Permit, Refusal> {
    match caller {
        Caller::Anonymous => Err(Refusal::NotSignedIn),
        Caller::Person(roles) => person(roles, action, relation),
        Caller::Token(scopes) => token(scopes, action, relation),
    }
}

fn person(roles: Roles, action: Action, relation: Relation) -> Result<Permit, Refusal> {
    let yes = |basis| Ok(Permit { action, basis });
    let role = |role| if roles.has(role) { yes(Basis::Desk) } else { Err(Refusal::Forbidden) };
    match action {
        Action::ListOwn if roles.has(Role::Employee) => yes(Basis::Owner),
        Action::ListOwn => Err(Refusal::Forbidden),
        Action::ViewDevice | Action::Reveal => match relation {
            Relation::Own(_) if roles.has(Role::Employee) => yes(Basis::Owner),
            _ => Err(Refusal::NotFound),
        },
        Action::DeskView | Action::DeskReveal => match relation {
            _ if !roles.has(Role::Helpdesk) => Err(Refusal::Forbidden),
            Relation::Own(Ownership::Corporate) | Relation::Other(Ownership::Corporate) => yes(Basis::Desk),
            _ => Err(Refusal::NotFound),
        },
        Action::SearchDevices => role(Role::Helpdesk),
        Action::ReadTrail => role(Role::Auditor),
        Action::Administer | Action::ManageTokens | Action::EndSessions | Action::TestSignIn => role(Role::Admin),
        Action::Deposit | Action::ReadDevice | Action::WriteDevice | Action::ReadStatus | Action::WriteOwners => Err(Refusal::Forbidden),
    }
}

fn token(scopes: Scopes, action: Action, relation: Relation) -> Result<Permit, Refusal> {
    let scope = match action {
        Action::Deposit => Scope::EscrowWrite,
        Action::ReadDevice => Scope::DevicesRead,
        Action::WriteDevice => Scope::DevicesWrite,
        Action::ReadStatus => Scope::StatusRead,
        Action::WriteOwners => Scope::OwnersWrite,
        Action::ReadTrail => Scope::AuditRead,
        Action::ListOwn
        | Action::ViewDevice
        | Action::Reveal
        | Action::DeskView
        | Action::DeskReveal
        | Action::SearchDevices
        | Action::Administer
        | Action::ManageTokens
        | Action::EndSessions
        | Action::TestSignIn => {
            return Err(Refusal::Forbidden);
        }
    };
    match relation {
        _ if !scopes.has(scope) => Err(Refusal::Forbidden),
        Relation::Unknown => Err(Refusal::NotFound),
        _ => Ok(Permit { action, basis: Basis::Desk }),
    }
}

/// Two roles that one person may not hold together, and which of them stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exclusive {
    pub keeps: Role,
    pub loses: Role,
}

/// Applies the exclusive pairs; answers the roles that stay and those that were taken away.
pub fn reduce(roles: Roles, pairs: &[Exclusive]) -> (Roles, Roles) {
    pairs.iter().fold((roles, Roles::default()), |(kept, lost), pair| {
        if kept.has(pair.keeps) && kept.has(pair.loses) { (kept.without(pair.loses), lost.with(pair.loses)) } else { (kept, lost) }
    })
}
