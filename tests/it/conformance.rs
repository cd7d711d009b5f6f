//! Every store function on both engines: the same suite, twice. Also what only two engines together can show: equal schemas,
//! statements that prepare on each.

mod admin;
mod answers;
mod batch;
mod lists;
mod logouts;
mod raw;
mod rows;
mod schema;
mod search;
mod trail;
mod trail_list;

use keyharbor::domain::audit::Event;
use keyharbor::domain::integrity::MacBytes;
use keyharbor::domain::{ChainMac, RowMac};
use sha2::{Digest, Sha256};

/// Runs an `async fn(Fresh)` on each engine as two tests.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(crate::engines::sqlite().await).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(crate::engines::postgres().await).await;
            }
        }
    )+};
}
use on_both;

/// MACs good enough for a test: a hash under a fixed word.
#[derive(Clone, Copy)]
pub struct TestMac;

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().fold(Sha256::new_with_prefix(b"test"), |h, p| h.chain_update(p.len().to_be_bytes()).chain_update(p)).finalize().to_vec()
}

impl RowMac for TestMac {
    fn row_mac(&self, canonical: &[u8]) -> MacBytes {
        hash(&[b"row", canonical])
    }
    fn row_mac_ok(&self, canonical: &[u8], mac: &[u8]) -> bool {
        self.row_mac(canonical) == mac
    }
}

impl ChainMac for TestMac {
    fn chain(&self, previous: &[u8], canonical: &[u8]) -> MacBytes {
        hash(&[b"chain", previous, canonical])
    }
    fn personal(&self, salt: &[u8], fields: &str) -> Vec<u8> {
        hash(&[b"personal", salt, fields.as_bytes()])
    }
    fn chain_ok(&self, previous: &[u8], canonical: &[u8], mac: &[u8]) -> bool {
        self.chain(previous, canonical) == mac
    }
}

/// Samples of every row.
pub mod sample {
    use super::{Event, TestMac};
    use keyharbor::domain::audit::{Actor, EventKind, Outcome, Personal};
    use keyharbor::domain::device::{Device, Serial};
    use keyharbor::domain::ids::{DeviceId, EventId, GrantId, LineId, RowId, SessionId, Timestamp, VersionId};
    use keyharbor::domain::person::{Binding, Login, Owner, Person, Role, Roles, Session, Subject};
    use keyharbor::domain::reveal::{Basis, Grant};
    use keyharbor::domain::token::{ApiToken, Door, Scope, Scopes};
    use keyharbor::domain::{Attested, Deciding, KeyVersion, Sealed, SecretKind, Trust};
    use uuid::Uuid;

    pub const ISSUER: &str = "https://id.acme.example";

    pub fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    pub fn signed<T: Deciding>(row: T) -> Attested<T> {
        Attested::sign(row, &TestMac)
    }

    pub fn serial(text: &str) -> Serial {
        Serial::parse(text).unwrap()
    }

    pub fn login(text: &str) -> Login {
        Login::parse(text).unwrap()
    }

    pub fn who(subject: &str) -> Subject {
        Subject::parse(ISSUER, subject).unwrap()
    }

    pub fn device(n: u128, serial_number: &str) -> Device {
        Device::new(DeviceId(id(n)), serial(serial_number), Timestamp(1_000))
    }

    pub fn owner(n: u128, device: DeviceId, name: &str) -> Owner {
        Owner { id: RowId(id(n)), device, issuer: ISSUER.into(), login: login(name), source: "import".into(), assigned_at: Timestamp(5) }
    }

    pub fn binding(n: u128, name: &str, subject: &str) -> Binding {
        Binding { id: RowId(id(n)), login: login(name), who: who(subject), bound_at: Timestamp(7) }
    }

    pub fn person(n: u128, subject: &str, name: &str) -> Person {
        Person {
            id: RowId(id(n)),
            who: who(subject),
            name: Some(name.into()),
            email: None,
            language: Some("sv".into()),
            updated_at: Timestamp(3),
        }
    }

    pub fn session(n: u128, line: u128) -> Session {
        Session {
            id: SessionId(id(n)),
            secret_hash: vec![n as u8; 37],
            line: LineId(id(line)),
            who: who("anna"),
            login: Some(login("anna@acme.example")),
            roles: Roles::default().with(Role::Employee).with(Role::Helpdesk),
            auth_time: Some(Timestamp(10)),
            acr: None,
            sid: Some(format!("sid-{n}")),
            created_at: Timestamp(100),
            last_seen: Timestamp(100),
        }
    }

    pub fn token(n: u8) -> ApiToken {
        ApiToken {
            id: format!("{n:016x}"),
            secret_hash: vec![n; 37],
            name: "MDM".into(),
            scopes: Scopes::default().with(Scope::EscrowWrite).with(Scope::StatusRead),
            door: Door::CryptPath,
            device_pattern: Some("C02*".into()),
            trust: Trust::Proven,
            created_at: Timestamp(i64::from(n)),
            expires_at: Some(Timestamp(9_000)),
            revoked_at: None,
            last_used: None,
        }
    }

    pub fn version(n: u128, device: DeviceId, number: i64) -> KeyVersion {
        KeyVersion {
            id: VersionId(id(n)),
            device,
            kind: SecretKind::RecoveryKey,
            version: number,
            kek_id: 4_000_000_000,
            fingerprint: vec![n as u8; 37],
            source: "MDM".into(),
            trust: Trust::Observed,
            escrowed_at: Timestamp(50),
            promoted_at: Timestamp(50),
            unseen_letters: true,
            confirmed_at: Timestamp(50),
            revealed_at: None,
        }
    }

    pub fn sealed(n: u8) -> Sealed {
        Sealed::from_parts(vec![1, n, 0, 255], 4_000_000_000)
    }

    pub fn grant(n: u128, device: DeviceId, version: VersionId, renewed_from: Option<GrantId>) -> Grant {
        Grant {
            id: GrantId(id(n)),
            who: who("anna"),
            line: LineId(id(1)),
            device,
            version,
            basis: Basis::Desk,
            from: Timestamp(100),
            until: Timestamp(400),
            renewed_from,
            renewal: i64::from(renewed_from.is_some()),
            hidden_at: None,
        }
    }

    pub fn event(n: u128) -> Event {
        Event {
            id: EventId(id(n)),
            at: Timestamp(1_700_000_000_123_456 + n as i64),
            kind: EventKind::RevealGranted,
            outcome: Outcome::Ok,
            actor: Actor::Person(who("anna")),
            role: "employee helpdesk".into(),
            device: Some(DeviceId(id(900))),
            serial: Some("C02\"{},\\Å".into()),
            version: Some(VersionId(id(901))),
            grant: None,
            request: Some(id(902)),
            detail: String::new(),
            personal: Personal { name: Some("Anna \"Å\" {Ö},\\ 🦉".into()), reason: Some("NULL".into()), ..Personal::default() },
            salt: [n as u8; 16],
        }
    }
}
