//! Rows of many deposits, a statement a table.

use std::sync::Arc;

use keyharbor::domain::ChainMac as _;
use keyharbor::domain::ids::{DeviceId, Timestamp, VersionId};
use keyharbor::domain::source::SourceNote;
use keyharbor::domain::{Sealed, SecretKind, Trust};
use keyharbor::store::{Engine, SOME_VERSIONS, Store, StoreError, StoreOptions};

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(
    devices,
    a_batch_waits_for_who_holds_a_device,
    what_is_added_at_a_time_is_followed_by_its_rows_of_the_trail,
    a_transaction_goes_on_into_the_next,
    versions,
    some_of_many_versions
);

async fn devices(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let mut old = device(1, "C02B");
    (old.name, old.last_seen) = (Some("Ny".into()), Some(Timestamp(50)));
    tx.insert_device(&old).await.unwrap();
    let mut named = device(2, "'\"{\\,");
    (named.host_name, named.user_hint, named.last_seen) = (Some("ÅSA’s \"Mac\"".into()), Some("anna".into()), Some(Timestamp(7)));
    named.row_mac = vec![1, 2, 3];
    tx.add(&[device(3, "C02A"), named.clone()], &[], &[]).await.unwrap();
    assert_eq!(tx.device(named.id).await.unwrap().unwrap(), named);
    assert_eq!(tx.search_devices("åsa", 5).await.unwrap(), [named.clone()], "it is found by its folded name");

    let wanted = ["NONE", "C02B", "'\"{\\,", "C02A"].map(serial);
    let held: Vec<_> = tx.devices_held(&wanted).await.unwrap().into_iter().map(|d| d.serial).collect();
    assert_eq!(held, [serial("'\"{\\,"), serial("C02A"), serial("C02B")], "in the order of the serial numbers");

    (old.host_name, old.user_hint) = (Some("Host".into()), Some("bo".into()));
    (named.host_name, named.user_hint) = (None, None);
    for (at, want) in [(Some(40), 50), (None, 50), (Some(60), 60)] {
        tx.note_devices(&[(&old, at.map(Timestamp)), (&named, None)]).await.unwrap();
        old.last_seen = Some(Timestamp(want));
        assert_eq!(tx.device(old.id).await.unwrap().unwrap(), old);
    }
    assert_eq!(tx.device(named.id).await.unwrap().unwrap(), named);
    tx.commit_unrecorded().await.unwrap();

    let mut tx = fresh.store.write().await.unwrap();
    let there = tx.add(&[device(5, "C02C"), device(4, "C02B")], &[], &[]).await;
    assert!(matches!(there, Err(StoreError::Conflict)), "{there:?}");
    drop(tx);
    assert_eq!(fresh.store.read().await.unwrap().device(DeviceId(id(5))).await.unwrap(), None);
}

async fn a_batch_waits_for_who_holds_a_device(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    tx.insert_device(&device(1, "C02A")).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    let mut first = fresh.store.write().await.unwrap();
    let mut mac = first.devices_held(&[serial("C02A")]).await.unwrap().pop().unwrap();
    let store = fresh.store.clone();
    let second = tokio::spawn(async move {
        let mut tx = store.write().await.unwrap();
        tx.devices_held(&[serial("C02A")]).await.unwrap().pop().unwrap()
    });
    tokio::task::yield_now().await;
    mac.name = Some("changed".into());
    first.update_device(&mac).await.unwrap();
    first.commit_unrecorded().await.unwrap();
    assert_eq!(second.await.unwrap().name.as_deref(), Some("changed"));
}

/// Whoever adds holds the head of the trail from then on, and has it as the one before left it.
async fn what_is_added_at_a_time_is_followed_by_its_rows_of_the_trail(fresh: Fresh) {
    let start = Arc::new(tokio::sync::Barrier::new(8));
    let all = (1..=8).map(|n| {
        let (store, start) = (fresh.store.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            let note = SourceNote { token: format!("t{n}"), deposits: 1, refused: 0, last_device: None, at: Timestamp(9) };
            start.wait().await;
            let mut tx = store.write().await.unwrap();
            tx.add(&[device(n, &format!("C02{n}"))], &[], &[note]).await.unwrap();
            let pending = tx.audit_append(&[event(n)], &TestMac).await.unwrap();
            tx.commit(pending).await.unwrap().seq()
        })
    });
    let mut seqs: Vec<_> = futures_util::future::join_all(all).await.into_iter().map(Result::unwrap).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
    let mut tx = fresh.store.read().await.unwrap();
    let rows = tx.trail_after(0, 10).await.unwrap();
    let mut previous = Vec::new();
    for row in rows {
        assert_eq!(row.mac, TestMac.chain(&previous, &row.event.canonical(row.seq, &row.personal_mac)), "row {}", row.seq);
        previous = row.mac;
    }
    assert_eq!(tx.head().await.unwrap(), (8, previous));
}

/// Where a server's connections are shared by many, and not for long without asking it whether it takes writes.
async fn a_transaction_goes_on_into_the_next(fresh: Fresh) {
    let store = &fresh.store;
    let (mut tx, mut went_on) = (store.write().await.unwrap(), 0);
    for n in 1..=20 {
        tx.add(&[device(n, &format!("C02{n}"))], &[], &[]).await.unwrap();
        let pending = tx.audit_append(&[event(n)], &TestMac).await.unwrap();
        let (receipt, next) = store.commit_and_go_on(tx, pending).await.unwrap();
        let mut other = store.read().await.unwrap();
        assert_eq!((receipt.seq(), other.head().await.unwrap().0), (n as i64, n as i64), "it is done, and others see it");
        went_on += i32::from(next.is_some());
        tx = match next {
            Some(next) => next,
            None => store.write().await.unwrap(),
        };
    }
    assert_eq!(went_on > 0, store.engine() == Engine::Postgres);
    tx.add(&[device(21, "C0221")], &[], &[]).await.unwrap();
    let pending = tx.audit_append(&[event(21)], &TestMac).await.unwrap();
    drop(tx);
    assert_eq!(store.read().await.unwrap().device_by_serial(&serial("C0221")).await.unwrap(), None, "let go, nothing of it stays");
    let another = store.write().await.unwrap();
    assert!(store.commit_and_go_on(another, pending).await.is_err(), "rows of another transaction");
    let with_one = Store::connect(&StoreOptions::new(fresh.url.clone().into(), 1)).await.unwrap();
    let mut tx = with_one.write().await.unwrap();
    let pending = tx.audit_append(&[event(22)], &TestMac).await.unwrap();
    assert!(with_one.commit_and_go_on(tx, pending).await.unwrap().1.is_none(), "the only connection is given back");
}

async fn versions(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    tx.add(&[device(1, "C021"), device(2, "C022")], &[], &[]).await.unwrap();
    let (one, two) = (DeviceId(id(1)), DeviceId(id(2)));
    let mut shown = version(12, one, 2);
    shown.revealed_at = Some(Timestamp(9));
    let new = [(version(11, one, 1), 1), (shown.clone(), 2), (version(21, two, 1), 3)].map(|(v, n)| (signed(v), sealed(n)));
    tx.add(&[], &new, &[]).await.unwrap();
    assert_eq!(tx.version(shown.id).await.unwrap().unwrap().check(&TestMac).unwrap(), shown);
    let read = tx.some_versions(&[two, one, DeviceId(id(3))]).await.unwrap();
    let mut ids: Vec<_> = read.into_iter().map(|v| v.check(&TestMac).unwrap().id.0).collect();
    ids.sort();
    assert_eq!(ids, [id(11), id(12), id(21)]);
    let other_kek = Sealed::from_parts(vec![1], 2);
    assert!(tx.add(&[], &[(signed(version(13, one, 3)), other_kek)], &[]).await.is_err());

    let old = |n, device, number| signed(version(n, device, number)).mac().to_vec();
    let risen = |n, device, number| {
        let mut row = version(n, device, number);
        (row.trust, row.promoted_at, row.confirmed_at) = (Trust::Proven, Timestamp(80), Timestamp(60));
        row
    };
    let (mut moved, row) = (risen(11, one, 1), risen(21, two, 1));
    moved.version = 9;
    let changed = [(old(11, one, 1), signed(moved)), (old(21, two, 1), signed(row.clone()))];
    assert_eq!(tx.replace_versions(&changed).await.unwrap(), 1, "a number never changes");
    assert_eq!(tx.version(row.id).await.unwrap().unwrap().check(&TestMac).unwrap(), row);
    assert_eq!(tx.replace_versions(&changed).await.unwrap(), 0, "it is another row by now");
    for (at, want) in [(90, 90), (70, 90)] {
        tx.confirm_versions(&[(VersionId(id(11)), Timestamp(at)), (VersionId(id(99)), Timestamp(at))]).await.unwrap();
        let row = tx.version(VersionId(id(11))).await.unwrap().unwrap().check(&TestMac).unwrap();
        assert_eq!(row.confirmed_at, Timestamp(want));
    }
    tx.commit_unrecorded().await.unwrap();

    let mut tx = fresh.store.write().await.unwrap();
    let taken = [(signed(version(14, two, 2)), sealed(1)), (signed(version(15, one, 2)), sealed(1))];
    assert!(matches!(tx.add(&[], &taken, &[]).await, Err(StoreError::Conflict)));
    drop(tx);
    let mut tx = fresh.store.write().await.unwrap();
    assert!(tx.version(VersionId(id(14))).await.unwrap().is_none(), "all or none");
    let orphan = tx.add(&[], &[(signed(version(16, DeviceId(id(3)), 1)), sealed(1))], &[]).await;
    assert!(matches!(orphan, Err(StoreError::Other(_))), "{orphan:?}");
}

async fn some_of_many_versions(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    tx.add(&[device(1, "C021"), device(2, "C022")], &[], &[]).await.unwrap();
    let (one, two) = (DeviceId(id(1)), DeviceId(id(2)));
    let mut new: Vec<_> = (1..=40).map(|n| (signed(version(100 + n, one, n as i64)), sealed(1))).collect();
    new.push((signed(version(21, two, 1)), sealed(1)));
    tx.add(&[], &new, &[]).await.unwrap();
    let read = tx.some_versions(&[one, two]).await.unwrap();
    let of = |device: DeviceId| read.iter().filter(|v| v.parts().0.device == device).count();
    assert_eq!((of(one), of(two)), (SOME_VERSIONS, 1));
    assert_eq!(tx.version_count(one, SecretKind::RecoveryKey).await.unwrap(), (40, 40));
}
