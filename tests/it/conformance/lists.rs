//! What is read in pages, of many at once, under a lock or at one moment.

use keyharbor::domain::ids::{DeviceId, LineId, RowId, SessionId, Timestamp, VersionId};
use keyharbor::domain::person::{Binding, Owner, Session, SignIn};
use keyharbor::domain::{Attested, Device, KeyVersion};
use keyharbor::store::Engine;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(
    owners_of_many_and_ids_in_pages,
    owners_have_the_names_of_those_who_signed_in,
    versions_in_pages,
    lines_of_sessions,
    a_step_ups_newest_stay,
    a_locked_device_is_read_as_it_then_stands,
    a_snapshot_does_not_move,
);

async fn owners_of_many_and_ids_in_pages(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for n in 1..=3 {
        tx.insert_device(&device(n, &format!("C02{n}"))).await.unwrap();
    }
    let (one, two, three) = (DeviceId(id(1)), DeviceId(id(2)), DeviceId(id(3)));
    for (n, device, name) in [(13, one, "anna"), (12, two, "anna"), (11, one, "bo"), (14, three, "eva")] {
        assert!(tx.insert_owner(&signed(owner(n, device, name))).await.unwrap());
        assert!(tx.insert_binding(&signed(binding(n + 100, &format!("{name}{n}"), &format!("sub-{n}")))).await.unwrap());
    }
    let found = tx.owners_of(&[two, one, DeviceId(id(9)), two]).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|o| o.check(&TestMac).unwrap()).collect();
    assert_eq!(found, [owner(11, one, "bo"), owner(13, one, "anna"), owner(12, two, "anna")], "by device, each once");
    assert!(tx.owners_of(&[]).await.unwrap().is_empty());
    assert!(tx.owners_of(&[DeviceId(id(9))]).await.unwrap().is_empty());

    let rows = |ids: &[u128]| ids.iter().map(|n| RowId(id(*n))).collect::<Vec<_>>();
    let nil = RowId(Uuid::nil());
    let owners = |all: Vec<Attested<Owner>>| all.into_iter().map(|o| o.check(&TestMac).unwrap().id).collect::<Vec<_>>();
    let bindings = |all: Vec<Attested<Binding>>| all.into_iter().map(|b| b.check(&TestMac).unwrap().id).collect::<Vec<_>>();
    assert_eq!(owners(tx.owners_after(nil, 3).await.unwrap()), rows(&[11, 12, 13]));
    assert_eq!(owners(tx.owners_after(RowId(id(13)), 3).await.unwrap()), rows(&[14]), "those after it, without it");
    assert_eq!(owners(tx.owners_after(RowId(id(12)), 1).await.unwrap()), rows(&[13]));
    assert_eq!(owners(tx.owners_after(RowId(id(14)), 3).await.unwrap()), rows(&[]));
    assert_eq!(bindings(tx.bindings_after(nil, 2).await.unwrap()), rows(&[111, 112]));
    assert_eq!(bindings(tx.bindings_after(RowId(id(112)), 9).await.unwrap()), rows(&[113, 114]));
    assert_eq!(bindings(tx.bindings_after(RowId(Uuid::max()), 9).await.unwrap()), rows(&[]));
    let devices = |all: Vec<Device>| all.into_iter().map(|d| d.id).collect::<Vec<_>>();
    assert_eq!(devices(tx.devices_after(DeviceId(Uuid::nil()), 2).await.unwrap()), [one, two]);
    assert_eq!(devices(tx.devices_after(two, 2).await.unwrap()), [three]);
}

async fn owners_have_the_names_of_those_who_signed_in(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for n in 1..=3 {
        tx.insert_device(&device(n, &format!("C02{n}"))).await.unwrap();
    }
    let (one, two, three) = (DeviceId(id(1)), DeviceId(id(2)), DeviceId(id(3)));
    for (n, device, name) in [(11, one, "anna"), (12, two, "anna"), (13, one, "bo"), (14, one, "cia"), (15, three, "eva")] {
        assert!(tx.insert_owner(&signed(owner(n, device, name))).await.unwrap());
    }
    // Anna and Eva have names, Bo is bound and has none, nobody has signed in as Cia.
    for (n, login) in [(21, "anna"), (22, "bo"), (23, "eva")] {
        assert!(tx.insert_binding(&signed(binding(n, login, &format!("sub-{login}")))).await.unwrap());
    }
    for (n, login, name) in [(31, "anna", Some("Anna Berg")), (32, "bo", None), (33, "eva", Some("Eva Ek"))] {
        let mut person = person(n, &format!("sub-{login}"), "");
        person.name = name.map(str::to_owned);
        tx.upsert_person(&person).await.unwrap();
    }
    let said = |found: Vec<(Attested<Binding>, String)>| {
        found.into_iter().map(|(b, name)| (b.check(&TestMac).unwrap().login.as_str().to_owned(), name)).collect::<Vec<_>>()
    };
    let anna = ("anna".to_owned(), "Anna Berg".to_owned());
    assert_eq!(said(tx.owner_names(&[two, one]).await.unwrap()), [anna], "once, although she owns both");
    assert_eq!(said(tx.owner_names(&[three]).await.unwrap()), [("eva".to_owned(), "Eva Ek".to_owned())]);
    assert!(tx.owner_names(&[DeviceId(id(9))]).await.unwrap().is_empty());
    assert!(tx.owner_names(&[]).await.unwrap().is_empty());
}

async fn versions_in_pages(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let mac = device(1, "C02A");
    tx.insert_device(&mac).await.unwrap();
    // Written in another order than that of their ids; the highest bit set too, so that an engine that signs would show.
    let high = u128::MAX - 1;
    for (n, number) in [(22, 1), (high, 2), (21, 3)] {
        tx.add(&[], &[(signed(version(n, mac.id, number)), sealed(1))], &[]).await.unwrap();
    }
    let ids = |ids: &[u128]| ids.iter().map(|n| VersionId(id(*n))).collect::<Vec<_>>();
    let nil = VersionId(Uuid::nil());
    let versions = |all: Vec<Attested<KeyVersion>>| all.into_iter().map(|v| v.check(&TestMac).unwrap().id).collect::<Vec<_>>();
    assert_eq!(versions(tx.versions_after(nil, 2).await.unwrap()), ids(&[21, 22]));
    assert_eq!(versions(tx.versions_after(VersionId(id(22)), 2).await.unwrap()), ids(&[high]));
    assert_eq!(versions(tx.versions_after(VersionId(id(high)), 2).await.unwrap()), ids(&[]));
}

async fn lines_of_sessions(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let lines_of = |all: Vec<Attested<Session>>| all.into_iter().map(|s| s.check(&TestMac).unwrap().line).collect::<Vec<_>>();
    assert!(tx.sessions().await.unwrap().is_empty());
    for (n, line) in [(1, 7), (2, 8), (3, 8)] {
        tx.insert_session(&signed(session(n, line))).await.unwrap();
    }
    let mut lines = lines_of(tx.sessions().await.unwrap());
    lines.sort();
    lines.dedup();
    assert_eq!(lines, [LineId(id(7)), LineId(id(8))]);
    tx.delete_session(SessionId(id(1))).await.unwrap();
    let lines = lines_of(tx.sessions().await.unwrap());
    assert!(!lines.is_empty() && lines.iter().all(|l| *l == LineId(id(8))));
}

async fn a_step_ups_newest_stay(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for (n, line) in [(1, Some(5)), (2, Some(6)), (3, Some(5)), (4, None), (5, Some(5)), (6, Some(5))] {
        let line = line.map(|l| LineId(id(l)));
        let (state_hash, browser_hash) = (vec![n; 37], vec![n; 37]);
        let sealed = sealed(n);
        let row =
            SignIn { id: RowId(id(n.into())), state_hash, browser_hash, sealed, line, created_at: Timestamp(1), expires_at: Timestamp(9) };
        tx.insert_sign_in(&row).await.unwrap();
    }
    assert_eq!(tx.trim_sign_ins(LineId(id(5)), 4).await.unwrap(), 0, "four are there");
    assert_eq!(tx.trim_sign_ins(LineId(id(5)), 2).await.unwrap(), 2);
    assert_eq!(tx.trim_sign_ins(LineId(id(99)), 0).await.unwrap(), 0);
    let mut left = Vec::new();
    for n in 1..=6 {
        if tx.take_sign_in(&[n; 37]).await.unwrap().is_some() {
            left.push(n);
        }
    }
    assert_eq!(left, [2, 4, 5, 6], "the newest two of the line, and what is another's");
}

/// Is a statement of this database waiting for a lock?
async fn waiting(fresh: &Fresh) -> bool {
    let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut conn).await.unwrap() > 0
}

async fn a_locked_device_is_read_as_it_then_stands(fresh: Fresh) {
    let mut mac = device(1, "C02A");
    let mut tx = fresh.store.write().await.unwrap();
    tx.insert_device(&mac).await.unwrap();
    tx.commit_unrecorded().await.unwrap();

    let mut first = fresh.store.write().await.unwrap();
    assert_eq!(first.device_by_serial_locked(&serial("c02a")).await.unwrap(), Some(mac.clone()));
    assert_eq!(first.device_by_serial_locked(&serial("C02B")).await.unwrap(), None);
    let store = fresh.store.clone();
    let second = tokio::spawn(async move {
        let mut tx = store.write().await.unwrap();
        tx.device_by_serial_locked(&serial("C02A")).await.unwrap().unwrap()
    });
    // On SQLite the second waits for its transaction already.
    while fresh.store.engine() == Engine::Postgres && !second.is_finished() && !waiting(&fresh).await {}
    assert!(!second.is_finished(), "the first holds it");
    // Who only reads is not held up.
    assert_eq!(fresh.store.read().await.unwrap().device_by_serial(&serial("C02A")).await.unwrap(), Some(mac.clone()));
    mac.name = Some("Ny".into());
    assert!(first.update_device(&mac).await.unwrap());
    first.commit_unrecorded().await.unwrap();
    assert_eq!(second.await.unwrap(), mac, "with what the first one wrote");
}

async fn a_snapshot_does_not_move(fresh: Fresh) {
    let store = &fresh.store;
    let (mut still, mut moving) = (store.snapshot().await.unwrap(), store.read().await.unwrap());
    assert!(still.is_empty().await.unwrap() && moving.is_empty().await.unwrap());
    let mut tx = store.write().await.unwrap();
    let mac = device(1, "C02A");
    tx.insert_device(&mac).await.unwrap();
    tx.insert_owner(&signed(owner(10, mac.id, "anna"))).await.unwrap();
    let pending = tx.audit_append(&[event(1)], &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
    // Each statement of its own sees the moment in which it began.
    assert!(still.is_empty().await.unwrap());
    assert_eq!((still.device(mac.id).await.unwrap(), still.head().await.unwrap().0), (None, 0));
    assert!(still.owners_after(RowId(Uuid::nil()), 9).await.unwrap().is_empty());
    if store.engine() == Engine::Postgres {
        assert_eq!(moving.head().await.unwrap().0, 1, "a transaction that only reads moves on");
    }
    let mut later = store.snapshot().await.unwrap();
    assert_eq!((later.device(mac.id).await.unwrap(), later.head().await.unwrap().0), (Some(mac.clone()), 1));
    assert!(later.insert_device(&device(2, "C02B")).await.is_err(), "and cannot write");
}
