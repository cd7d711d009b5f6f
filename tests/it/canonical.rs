//! Which fields of a row its MAC covers: each is changed by itself. What the architecture leaves out (it describes, or it
//! only takes away) changes nothing; everything else changes the bytes.

use keyharbor::domain::audit::{Actor, Event, Personal};
use keyharbor::domain::device::{Device, DeviceState, Ownership};
use keyharbor::domain::ids::{DeviceId, EventId, GrantId, LineId, RowId, SessionId, VersionId};
use keyharbor::domain::once::Answered;
use keyharbor::domain::person::{Binding, Owner, Role, Session, Subject};
use keyharbor::domain::reveal::{Basis, Grant};
use keyharbor::domain::token::{ApiToken, Door, Scope};
use keyharbor::domain::{ChainMac as _, Deciding, EventKind, KeyVersion, Outcome, SecretKind, Serial, Trust};

use crate::conformance::TestMac;
use crate::filled::{self, at, id, login, who};

fn elsewhere() -> Subject {
    Subject { issuer: "https://id.other.example".into(), ..who() }
}

fn somebody_else() -> Subject {
    Subject { subject: "sub-other".into(), ..who() }
}

/// Every field of the type must stand in one of the lists: the pattern without `..` does not compile otherwise. `alone`
/// names those that have one possible value today.
macro_rules! fields {
    ($row:expr => $type:ident, $bytes:expr;
     covered: $($c:ident = $cv:expr),+; and: $($a:ident = $av:expr),*; free: $($f:ident = $fv:expr),*; alone: $($s:ident),*) => {{
        let row: $type = $row;
        let bytes: fn(&$type) -> Vec<u8> = $bytes;
        let $type { $($c: _,)+ $($f: _,)* $($s: _,)* } = &row;
        let mut seen = std::collections::HashSet::from([bytes(&row)]);
        $({
            let mut other = row.clone();
            other.$c = $cv;
            assert!(seen.insert(bytes(&other)), "{}: {} is not under the MAC", stringify!($type), stringify!($c));
        })+
        $({
            let mut other = row.clone();
            other.$a = $av;
            assert!(seen.insert(bytes(&other)), "{}: {} = {}", stringify!($type), stringify!($a), stringify!($av));
        })*
        $({
            let mut other = row.clone();
            other.$f = $fv;
            assert!(other != row, "{} is changed", stringify!($f));
            assert_eq!(bytes(&other), bytes(&row), "{}: {} is under the MAC", stringify!($type), stringify!($f));
        })*
    }};
}

#[test]
fn s52_every_deciding_field_of_owner_binding_and_session_is_under_the_mac() {
    fields!(filled::owner() => Owner, Deciding::canonical;
        covered: id = RowId(id(99)), device = DeviceId(id(99)), issuer = "x".into(), login = login("x"), source = "x".into(), assigned_at = at(99);
        and: ; free: ; alone: );
    fields!(filled::binding() => Binding, Deciding::canonical;
        covered: id = RowId(id(99)), login = login("x"), who = elsewhere(), bound_at = at(99);
        and: who = somebody_else(); free: ; alone: );
    fields!(filled::session() => Session, Deciding::canonical;
        covered: id = SessionId(id(99)), secret_hash = vec![9; 37], line = LineId(id(99)), who = elsewhere(), login = Some(login("x")),
            roles = filled::session().roles.with(Role::Helpdesk), auth_time = Some(at(99)), acr = Some("x".into()), sid = Some("x".into()),
            created_at = at(99), last_seen = at(99);
        and: who = somebody_else(), login = None, auth_time = None, acr = None, acr = Some(String::new()), sid = None,
            sid = Some(String::new()), roles = filled::session().roles.without(Role::Admin);
        free: ; alone: );
}

#[test]
fn s52_every_deciding_field_of_token_grant_version_and_device_is_under_the_mac() {
    fields!(filled::token() => ApiToken, Deciding::canonical;
        covered: id = "fedcba9876543210".into(), secret_hash = vec![9; 37], name = "x".into(), scopes = filled::token().scopes.with(Scope::OwnersWrite),
            door = Door::Header, device_pattern = Some("*".into()), trust = Trust::Typed, created_at = at(99), expires_at = Some(at(99)),
            revoked_at = Some(at(99));
        and: device_pattern = None, device_pattern = Some(String::new()), expires_at = None, revoked_at = None;
        free: last_used = None; alone: );
    fields!(filled::grant() => Grant, Deciding::canonical;
        covered: id = GrantId(id(99)), who = elsewhere(), line = LineId(id(99)), device = DeviceId(id(99)), version = VersionId(id(99)),
            basis = Basis::Owner, from = at(99), until = at(99), renewed_from = Some(GrantId(id(99))), renewal = 0;
        and: who = somebody_else(), renewed_from = None;
        free: hidden_at = None; alone: );
    fields!(filled::version() => KeyVersion, Deciding::canonical;
        covered: id = VersionId(id(99)), device = DeviceId(id(99)), version = 9, kek_id = 1, fingerprint = vec![9; 37], source = "x".into(),
            trust = Trust::Proven, escrowed_at = at(99), promoted_at = at(99), unseen_letters = false, revealed_at = Some(at(99));
        and: revealed_at = None;
        free: confirmed_at = at(99);
        alone: kind);
    fields!(filled::answered() => Answered, Deciding::canonical;
        covered: key_hash = vec![9; 37], body_hash = vec![9; 37], status = 200, answer = "{}".into(), created_at = at(99);
        and: ; free: ; alone: );
    // One kind today, so its name is looked for instead.
    let kind = SecretKind::RecoveryKey.code().as_bytes();
    assert!(filled::version().canonical().windows(kind.len()).any(|part| part == kind));
    fields!(filled::device() => Device, Deciding::canonical;
        covered: id = DeviceId(id(99)), serial = Serial::parse("C02OTHER0001").unwrap(), ownership = Ownership::Corporate;
        and: ;
        free: udid = None, name = None, host_name = None, model = None, os_version = None, asset_tag = None, device_key = None,
            user_hint = None, state = DeviceState::Managed, created_at = at(99), last_seen = None, row_mac = vec![];
        alone: );
}

#[test]
fn s48_s52_every_field_of_an_event_is_in_the_chain() {
    fields!(filled::event() => Event, |event| event.canonical(7, &TestMac.personal(&event.salt, &event.personal_text()));
        covered: id = EventId(id(99)), at = at(99), kind = EventKind::RevealViewed, outcome = Outcome::Refused,
            actor = Actor::Person(elsewhere()), role = "x".into(), device = Some(DeviceId(id(99))), serial = Some("x".into()),
            version = Some(VersionId(id(99))), grant = Some(GrantId(id(99))), request = Some(id(99)), detail = "x".into(),
            personal = Personal::default(), salt = [9; 16];
        and: actor = Actor::Person(somebody_else()), actor = Actor::Operator, actor = Actor::System, actor = Actor::Anonymous,
            actor = Actor::Token("sub-åsa".into()), device = None, serial = None, serial = Some(String::new()), version = None, grant = None,
            request = None;
        free: ; alone: );
    fields!(filled::personal() => Personal, |personal| Event { personal: personal.clone(), ..filled::event() }.personal_text().into_bytes();
        covered: name = Some("x".into()), login = Some("x".into()), address = Some("x".into()), user_agent = Some("x".into()),
            ticket = Some("x".into()), reason = Some("x".into()), identity = Some("x".into()), person = Some("x".into());
        and: name = None, login = None, address = None, user_agent = None, ticket = None, reason = None, identity = None;
        free: ; alone: );
    let event = filled::event();
    assert_ne!(event.canonical(7, b"mac"), event.canonical(8, b"mac"), "its number");
    assert_ne!(event.canonical(7, b"mac"), event.canonical(7, b"mad"), "the digest of what can be erased");
}
