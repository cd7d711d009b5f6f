//! One row of every kind with each field filled, every value another: what golden vectors are made of and what fields are
//! changed one by one in. No `..` in the full ones: a field
//! more does not compile, and is thought of.

use keyharbor::domain::audit::{Actor, Event, Personal};
use keyharbor::domain::device::{Device, DeviceState, Ownership};
use keyharbor::domain::ids::{DeviceId, EventId, GrantId, LineId, RowId, SessionId, Timestamp, VersionId};
use keyharbor::domain::once::Answered;
use keyharbor::domain::person::{Binding, Login, Owner, Role, Roles, Session, Subject};
use keyharbor::domain::reveal::{Basis, Grant};
use keyharbor::domain::token::{ApiToken, Door, Scope, Scopes};
use keyharbor::domain::{EventKind, KeyVersion, Outcome, SecretKind, Serial, Trust};
use uuid::Uuid;

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0198_1c5e_7c00_7000_8000_0000_0000_0000 + n)
}

pub fn at(n: i64) -> Timestamp {
    Timestamp(1_795_332_600_000_000 + n)
}

pub fn who() -> Subject {
    Subject { issuer: "https://id.acme.example".into(), subject: "sub-åsa".into() }
}

pub fn login(text: &str) -> Login {
    Login::parse(text).unwrap()
}

pub fn owner() -> Owner {
    Owner {
        id: RowId(id(1)),
        device: DeviceId(id(2)),
        issuer: "https://id.acme.example".into(),
        login: login("åsa@acme.example"),
        source: "import".into(),
        assigned_at: at(3),
    }
}

pub fn binding() -> Binding {
    Binding { id: RowId(id(4)), login: login("åsa@acme.example"), who: who(), bound_at: at(5) }
}

pub fn session() -> Session {
    Session {
        id: SessionId(id(6)),
        secret_hash: vec![7; 37],
        line: LineId(id(8)),
        who: who(),
        login: Some(login("åsa@acme.example")),
        roles: Roles::default().with(Role::Employee).with(Role::Admin),
        auth_time: Some(at(9)),
        acr: Some("urn:acme:mfa".into()),
        sid: Some("sid-10".into()),
        created_at: at(11),
        last_seen: at(12),
    }
}

pub fn token() -> ApiToken {
    ApiToken {
        id: "0123456789abcdef".into(),
        secret_hash: vec![13; 37],
        name: "MDM".into(),
        scopes: Scopes::default().with(Scope::EscrowWrite).with(Scope::AuditRead),
        door: Door::CryptPath,
        device_pattern: Some("C02*".into()),
        trust: Trust::Proven,
        created_at: at(14),
        expires_at: Some(at(15)),
        revoked_at: Some(at(16)),
        last_used: Some(at(17)),
    }
}

pub fn grant() -> Grant {
    Grant {
        id: GrantId(id(18)),
        who: who(),
        line: LineId(id(19)),
        device: DeviceId(id(20)),
        version: VersionId(id(21)),
        basis: Basis::Desk,
        from: at(22),
        until: at(23),
        renewed_from: Some(GrantId(id(24))),
        renewal: 2,
        hidden_at: Some(at(25)),
    }
}

pub fn version() -> KeyVersion {
    KeyVersion {
        id: VersionId(id(26)),
        device: DeviceId(id(27)),
        kind: SecretKind::RecoveryKey,
        version: 3,
        kek_id: 4_000_000_000,
        fingerprint: vec![28; 37],
        source: "MDM".into(),
        trust: Trust::Observed,
        escrowed_at: at(29),
        promoted_at: at(30),
        unseen_letters: true,
        confirmed_at: at(31),
        revealed_at: Some(at(32)),
    }
}

pub fn device() -> Device {
    Device {
        id: DeviceId(id(33)),
        serial: Serial::parse("C02GOLDEN001").unwrap(),
        udid: Some("UDID".into()),
        name: Some("Åsa’s Mac".into()),
        host_name: Some("asa.acme.example".into()),
        model: Some("Mac16,1".into()),
        os_version: Some("26.1".into()),
        asset_tag: Some("A-34".into()),
        device_key: Some("DEVICEKEY".into()),
        user_hint: Some("åsa".into()),
        ownership: Ownership::Personal,
        state: DeviceState::KeyElsewhere,
        created_at: at(35),
        last_seen: Some(at(36)),
        row_mac: vec![37; 37],
    }
}

pub fn answered() -> Answered {
    Answered { key_hash: vec![45; 37], body_hash: vec![46; 37], status: 201, answer: r#"{"status":"new"}"#.into(), created_at: at(47) }
}

pub fn personal() -> Personal {
    Personal {
        name: Some("Åsa \"Ö\"".into()),
        login: Some("åsa@acme.example".into()),
        address: Some("2001:db8::1".into()),
        user_agent: Some("Mozilla/5.0 (Test)".into()),
        ticket: Some("INC0042".into()),
        reason: Some("other: locked out".into()),
        identity: Some("called back".into()),
        // Came after the golden vectors; what is absent is left out.
        person: None,
    }
}

pub fn event() -> Event {
    Event {
        id: EventId(id(38)),
        at: at(39),
        kind: EventKind::RevealGranted,
        outcome: Outcome::Ok,
        actor: Actor::Person(who()),
        role: "helpdesk".into(),
        device: Some(DeviceId(id(40))),
        serial: Some("C02GOLDEN001".into()),
        version: Some(VersionId(id(41))),
        grant: Some(GrantId(id(42))),
        request: Some(id(43)),
        detail: "version 3".into(),
        personal: personal(),
        salt: [44; 16],
    }
}

/// The same, with nothing that may be absent.
pub fn bare_event() -> Event {
    Event {
        actor: Actor::System,
        role: String::new(),
        device: None,
        serial: None,
        version: None,
        grant: None,
        request: None,
        detail: String::new(),
        personal: Personal::default(),
        ..event()
    }
}

pub fn bare_session() -> Session {
    Session { login: None, auth_time: None, acr: None, sid: None, ..session() }
}

pub fn bare_token() -> ApiToken {
    ApiToken { device_pattern: None, expires_at: None, revoked_at: None, last_used: None, ..token() }
}

pub fn bare_grant() -> Grant {
    Grant { renewed_from: None, renewal: 0, hidden_at: None, ..grant() }
}
