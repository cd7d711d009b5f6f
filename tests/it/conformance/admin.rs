//! What the administration asks of the store: sources, pages of tokens and sessions, and what is missing.

use keyharbor::domain::device::Ownership;
use keyharbor::domain::ids::{DeviceId, LineId, SessionId, Timestamp};
use keyharbor::domain::person::{Binding, Owner, Session};
use keyharbor::domain::source::{Gap, SourceNote, Stretch};
use keyharbor::domain::{ApiToken, Attested, Device, KeyVersion};
use keyharbor::store::Engine;
use uuid::Uuid;

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(
    counts_of_a_source_grow,
    sources_in_pages,
    tokens_in_pages,
    sessions_in_pages_and_under_a_lock,
    devices_without_owner_or_key,
    devices_of_which_a_key_came_back,
    owners_and_bindings_that_miss_each_other,
);

fn note(token: &str, deposits: i64, refused: i64, device: Option<u128>, at: i64) -> SourceNote {
    SourceNote { token: token.into(), deposits, refused, last_device: device.map(|n| DeviceId(id(n))), at: Timestamp(at) }
}

async fn counts_of_a_source_grow(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let mut personal = device(2, "C02B");
    personal.ownership = Ownership::Personal;
    for mac in [device(1, "C02A"), personal] {
        tx.insert_device(&mac).await.unwrap();
    }
    assert_eq!(tx.source("t").await.unwrap(), None);
    tx.add(&[], &[], &[note("t", 0, 0, None, 10)]).await.unwrap();
    let made = tx.source("t").await.unwrap().unwrap();
    assert_eq!((made.added_at, made.first_seen, made.last_seen, made.deposits, made.refused), (Timestamp(10), None, None, 0, 0));
    tx.add(&[], &[], &[note("t", 0, 2, None, 20)]).await.unwrap();
    let refused = tx.source("t").await.unwrap().unwrap();
    assert_eq!((refused.first_seen, refused.refused), (None, 2), "a refusal is no key");
    tx.add(&[], &[], &[note("t", 3, 1, Some(1), 30)]).await.unwrap();
    tx.add(&[], &[], &[note("t", 1, 0, Some(2), 25)]).await.unwrap();
    let row = tx.source("t").await.unwrap().unwrap();
    assert_eq!((row.added_at, row.first_seen, row.last_seen), (Timestamp(10), Some(Timestamp(30)), Some(Timestamp(30))), "never back");
    assert_eq!((row.deposits, row.refused), (4, 3));
    assert_eq!(row.last_device, Some((serial("C02B"), Ownership::Personal)));
    tx.add(&[], &[], &[note("t", 0, 1, None, 40)]).await.unwrap();
    let row = tx.source("t").await.unwrap().unwrap();
    assert_eq!((row.last_seen, row.last_device.map(|(s, _)| s)), (Some(Timestamp(30)), Some(serial("C02B"))));
    tx.add(&[], &[], &[note("u", 1, 0, Some(99), 50)]).await.unwrap();
    assert_eq!(tx.source("u").await.unwrap().unwrap().last_device, None, "a device that is not there");
}

async fn sources_in_pages(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for (token, at) in [("b", 2), ("c", 2), ("a", 1), ("d", 3)] {
        tx.add(&[], &[], &[note(token, 0, 0, None, at)]).await.unwrap();
    }
    let names = |all: Vec<keyharbor::domain::source::SourceRow>| all.into_iter().map(|s| s.token).collect::<Vec<_>>();
    assert_eq!(names(tx.sources_page(Timestamp(i64::MAX), "", 3).await.unwrap()), ["d", "c", "b"]);
    assert_eq!(names(tx.sources_page(Timestamp(2), "c", 3).await.unwrap()), ["b", "a"]);
    assert_eq!(names(tx.sources_page(Timestamp(1), "a", 3).await.unwrap()), Vec::<String>::new());
}

async fn tokens_in_pages(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for n in 1..=3u8 {
        let row = ApiToken { created_at: Timestamp(i64::from(n.min(2))), ..token(n) };
        assert!(tx.insert_token(&signed(row)).await.unwrap());
    }
    let ids = |all: Vec<Attested<ApiToken>>| all.into_iter().map(|t| t.check(&TestMac).unwrap().id).collect::<Vec<_>>();
    let id = |n: u8| format!("{n:016x}");
    assert_eq!(ids(tx.tokens_page(Timestamp(i64::MAX), "", 2).await.unwrap()), [id(3), id(2)]);
    assert_eq!(ids(tx.tokens_page(Timestamp(2), &id(2), 2).await.unwrap()), [id(1)]);
}

async fn sessions_in_pages_and_under_a_lock(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for (n, line) in [(1, 7), (2, 8), (3, 8)] {
        tx.insert_session(&signed(session(n, line))).await.unwrap();
    }
    let mut other = session(4, 9);
    other.who = who("bo");
    tx.insert_session(&signed(other)).await.unwrap();
    tx.upsert_person(&person(20, "anna", "Anna Berg")).await.unwrap();
    let page = tx.sessions_page(SessionId(Uuid::max()), 2).await.unwrap();
    let named: Vec<_> = page.into_iter().map(|(s, name)| (s.check(&TestMac).unwrap().id, name)).collect();
    let anna = || Some("Anna Berg".to_owned());
    assert_eq!(named, [(SessionId(id(4)), None), (SessionId(id(3)), anna())]);
    let rest = tx.sessions_page(SessionId(id(3)), 9).await.unwrap();
    assert_eq!(
        rest.into_iter().map(|(s, name)| (s.parts().0.id, name)).collect::<Vec<_>>(),
        [(SessionId(id(2)), anna()), (SessionId(id(1)), anna())]
    );
    let ids = |all: Vec<Attested<Session>>| all.into_iter().map(|s| s.check(&TestMac).unwrap().id).collect::<Vec<_>>();
    assert_eq!(ids(tx.line_locked(LineId(id(8))).await.unwrap()), [SessionId(id(2)), SessionId(id(3))]);
    assert_eq!(ids(tx.line_locked(LineId(id(1))).await.unwrap()), []);
    assert_eq!(ids(tx.sessions_of_locked(&who("anna")).await.unwrap()), [1, 2, 3].map(|n| SessionId(id(n))));
}

fn serials(all: Vec<Device>) -> Vec<String> {
    all.into_iter().map(|d| d.serial.as_str().to_owned()).collect()
}

async fn devices_without_owner_or_key(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    assert_eq!(tx.device_stretch("", 10).await.unwrap(), Stretch { rows: 0, last: String::new() });
    for (n, name) in [(1, "C02A"), (2, "C02B"), (3, "C02C"), (4, "C02D")] {
        let mut mac = device(n, name);
        if n == 3 {
            mac.ownership = Ownership::Personal;
        }
        tx.insert_device(&mac).await.unwrap();
    }
    tx.insert_owner(&signed(owner(11, DeviceId(id(1)), "anna"))).await.unwrap();
    tx.add(&[], &[(signed(version(21, DeviceId(id(2)), 1)), sealed(1))], &[]).await.unwrap();
    assert_eq!(tx.device_stretch("", 10).await.unwrap(), Stretch { rows: 4, last: "C02D".into() });
    assert_eq!(tx.device_stretch("C02A", 2).await.unwrap(), Stretch { rows: 2, last: "C02C".into() });
    assert_eq!(tx.count_gap(Gap::Owner, "", "C02D").await.unwrap(), (2, 1));
    assert_eq!(tx.count_gap(Gap::Key, "", "C02D").await.unwrap(), (2, 1));
    assert_eq!(tx.count_gap(Gap::Key, "C02A", "C02B").await.unwrap(), (0, 0));
    assert_eq!(serials(tx.gap_devices(Gap::Owner, "", "C02D", 9).await.unwrap()), ["C02B", "C02D"], "no personal one");
    assert_eq!(serials(tx.gap_devices(Gap::Owner, "C02B", "C02D", 9).await.unwrap()), ["C02D"]);
    assert_eq!(serials(tx.gap_devices(Gap::Key, "", "C02D", 1).await.unwrap()), ["C02A"]);
    assert_eq!(serials(tx.gap_devices(Gap::Key, "", "C02C", 9).await.unwrap()), ["C02A"], "to the end of the stretch");
}

async fn devices_of_which_a_key_came_back(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for (n, name) in [(1, "C02A"), (2, "C02B"), (3, "C02C")] {
        tx.insert_device(&device(n, name)).await.unwrap();
    }
    let back = |n, device, number| KeyVersion { promoted_at: Timestamp(60), ..version(n, DeviceId(id(device)), number) };
    for row in [version(21, DeviceId(id(1)), 1), back(22, 2, 1), back(23, 2, 2), back(24, 3, 1)] {
        tx.add(&[], &[(signed(row), sealed(1))], &[]).await.unwrap();
    }
    let nil = DeviceId(Uuid::nil());
    assert_eq!(serials(tx.returned_devices(nil, 9).await.unwrap()), ["C02B", "C02C"], "each once");
    assert_eq!(serials(tx.returned_devices(nil, 1).await.unwrap()), ["C02B"]);
    assert_eq!(serials(tx.returned_devices(DeviceId(id(2)), 9).await.unwrap()), ["C02C"]);
    tx.commit_unrecorded().await.unwrap();
    if fresh.store.engine() == Engine::Sqlite {
        let plan = plan(&fresh.url, "gaps::RETURNED").await;
        assert!(plan.contains("key_versions_returned") && !plan.contains("SCAN d"), "{plan}");
    }
}

/// How SQLite means to answer a statement.
async fn plan(url: &str, name: &str) -> String {
    use sqlx::{Connection as _, Row as _, SqliteConnection};
    let (_, sql) = keyharbor::store::Store::statements(Engine::Sqlite).into_iter().find(|(n, _)| *n == name).unwrap();
    let mut conn = SqliteConnection::connect(url).await.unwrap();
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut conn).await.unwrap();
    rows.iter().map(|r| r.get::<String, _>("detail")).collect::<Vec<_>>().join("; ")
}

async fn owners_and_bindings_that_miss_each_other(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for (n, name) in [(1, "C02A"), (2, "C02B")] {
        tx.insert_device(&device(n, name)).await.unwrap();
    }
    for (n, device, name) in [(11, 1, "anna"), (12, 1, "bo"), (13, 2, "bo"), (14, 2, "eva")] {
        tx.insert_owner(&signed(owner(n, DeviceId(id(device)), name))).await.unwrap();
    }
    for (n, name) in [(21, "anna"), (22, "kim"), (23, "ola")] {
        tx.insert_binding(&signed(binding(n, name, name))).await.unwrap();
    }
    let stretch = |rows, last: &str| Stretch { rows, last: last.into() };
    assert_eq!(tx.owner_stretch(ISSUER, "", 9).await.unwrap(), stretch(4, "eva"));
    assert_eq!(tx.owner_stretch(ISSUER, "anna", 2).await.unwrap(), stretch(2, "bo"));
    assert_eq!(tx.owner_stretch("https://other.example", "", 9).await.unwrap(), stretch(0, ""));
    assert_eq!(tx.binding_stretch(ISSUER, "anna", 9).await.unwrap(), stretch(2, "ola"));
    let logins =
        |all: Vec<Attested<Owner>>| all.into_iter().map(|o| o.check(&TestMac).unwrap().login.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(logins(tx.owners_never_bound(ISSUER, "", "eva", 9).await.unwrap()), ["bo", "bo", "eva"]);
    assert_eq!(logins(tx.owners_never_bound(ISSUER, "bo", "eva", 9).await.unwrap()), ["eva"]);
    assert_eq!(logins(tx.owners_never_bound(ISSUER, "", "bo", 1).await.unwrap()), ["bo"]);
    let bound =
        |all: Vec<Attested<Binding>>| all.into_iter().map(|b| b.check(&TestMac).unwrap().login.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(bound(tx.bindings_without_device(ISSUER, "", "ola", 9).await.unwrap()), ["kim", "ola"]);
    assert_eq!(bound(tx.bindings_without_device(ISSUER, "kim", "ola", 9).await.unwrap()), ["ola"]);
    assert_eq!(bound(tx.bindings_without_device(ISSUER, "", "kim", 1).await.unwrap()), ["kim"]);
}
