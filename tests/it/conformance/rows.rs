//! Every other row: in, out, compare-and-set, conflicts.

use std::collections::BTreeSet;

use keyharbor::domain::device::{DeviceState, Ownership};
use keyharbor::domain::ids::{DeviceId, GrantId, LineId, RowId, SessionId, Timestamp, VersionId};
use keyharbor::domain::integrity::Attested;
use keyharbor::domain::person::{Session, SignIn};
use keyharbor::domain::{Sealed, SecretKind, Trust};
use keyharbor::store::{RingRow, StoreError};

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(
    devices,
    owners_and_bindings,
    people,
    sessions,
    no_update_is_lost,
    sign_ins,
    tokens,
    key_versions,
    grants,
    one_of_many_renewals_wins,
    quotas,
    key_ring,
);

async fn devices(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let mut mac = device(1, "C02A");
    mac.udid = Some("U".into());
    mac.user_hint = Some("anna".into());
    mac.state = DeviceState::KeyElsewhere;
    assert!(tx.insert_device(&mac).await.unwrap());
    assert!(!tx.insert_device(&device(2, "C02A")).await.unwrap());
    assert_eq!(tx.device(mac.id).await.unwrap(), Some(mac.clone()));
    assert_eq!(tx.device_by_serial(&serial("c02a")).await.unwrap(), Some(mac.clone()));
    assert_eq!(tx.device_by_serial(&serial("C02B")).await.unwrap(), None);
    assert_eq!(tx.device(DeviceId(id(2))).await.unwrap(), None);

    mac.name = Some("Ny".into());
    mac.os_version = Some("26.1".into());
    mac.ownership = Ownership::Personal;
    mac.last_seen = Some(Timestamp(20));
    assert!(tx.update_device(&mac).await.unwrap());
    assert!(!tx.update_device(&device(2, "C02B")).await.unwrap());
    assert_eq!(tx.device(mac.id).await.unwrap(), Some(mac.clone()));
    assert!(tx.insert_device(&device(3, "'\"{\\,")).await.unwrap());
    let found = tx.devices_by_serials(&[serial("'\"{\\,"), serial("C02A"), serial("NONE")]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(tx.devices_by_serials(&[]).await.unwrap().is_empty());
    tx.commit_unrecorded().await.unwrap();
}

async fn owners_and_bindings(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let mac = device(1, "C02A");
    tx.insert_device(&mac).await.unwrap();
    assert!(tx.insert_owner(&signed(owner(10, mac.id, "anna"))).await.unwrap());
    assert!(!tx.insert_owner(&signed(owner(11, mac.id, "Anna"))).await.unwrap());
    assert!(tx.insert_owner(&signed(owner(12, mac.id, "bo"))).await.unwrap());
    assert_eq!(tx.owners(mac.id).await.unwrap().len(), 2);
    let locked = tx.owner_locked(mac.id, ISSUER, &login("anna")).await.unwrap().unwrap();
    assert_eq!(locked.check(&TestMac).unwrap(), owner(10, mac.id, "anna"));
    assert!(tx.owner_locked(mac.id, "https://else.example", &login("anna")).await.unwrap().is_none());
    assert!(tx.delete_owner(RowId(id(10))).await.unwrap());
    assert!(!tx.delete_owner(RowId(id(10))).await.unwrap());

    assert!(tx.insert_binding(&signed(binding(20, "anna", "a"))).await.unwrap());
    for (n, name, subject) in [(21, "anna", "b"), (22, "bo", "a")] {
        assert!(!tx.insert_binding(&signed(binding(n, name, subject))).await.unwrap());
    }
    let by_login = tx.binding_by_login(ISSUER, &login("anna")).await.unwrap().unwrap();
    let by_subject = tx.binding_by_subject(&who("a")).await.unwrap().unwrap();
    assert_eq!(by_login.check(&TestMac).unwrap(), by_subject.check(&TestMac).unwrap());
    assert!(tx.binding_by_subject(&who("b")).await.unwrap().is_none());
    assert!(tx.binding_by_login("https://else.example", &login("anna")).await.unwrap().is_none());
    assert!(tx.delete_binding(RowId(id(20))).await.unwrap());
    assert!(!tx.delete_binding(RowId(id(20))).await.unwrap());
    assert!(tx.insert_binding(&signed(binding(23, "bo", "a"))).await.unwrap());
}

async fn people(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    assert_eq!(tx.person(&who("a")).await.unwrap(), None);
    let mut anna = person(1, "a", "Anna");
    tx.upsert_person(&anna).await.unwrap();
    assert_eq!(tx.person(&who("a")).await.unwrap(), Some(anna.clone()));
    (anna.name, anna.email, anna.updated_at) = (None, Some("a@acme.example".into()), Timestamp(9));
    let mut again = anna.clone();
    again.id = RowId(id(2));
    tx.upsert_person(&again).await.unwrap();
    assert_eq!(tx.person(&who("a")).await.unwrap(), Some(anna));
}

async fn sessions(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let first = signed(session(1, 7));
    tx.insert_session(&first).await.unwrap();
    let read = tx.session_by_hash(&[1; 37]).await.unwrap().unwrap();
    assert_eq!(read.mac(), first.mac());
    assert_eq!(read.check(&TestMac).unwrap(), session(1, 7));
    assert!(tx.session_by_hash(&[9; 37]).await.unwrap().is_none());
    assert_eq!(tx.session_shared(&[1; 37]).await.unwrap().unwrap().check(&TestMac).unwrap(), session(1, 7));
    assert!(tx.session_shared(&[9; 37]).await.unwrap().is_none());

    // A step-up: new id, new secret, same line.
    let mut second = session(2, 7);
    (second.login, second.auth_time, second.last_seen) = (None, None, Timestamp(500));
    assert!(tx.replace_session(SessionId(id(1)), first.mac(), &signed(second.clone())).await.unwrap());
    assert!(!tx.replace_session(SessionId(id(1)), first.mac(), &signed(session(3, 7))).await.unwrap());
    assert!(!tx.replace_session(SessionId(id(2)), first.mac(), &signed(session(3, 7))).await.unwrap());
    assert!(tx.session_by_hash(&[1; 37]).await.unwrap().is_none());
    assert_eq!(tx.session_by_hash(&[2; 37]).await.unwrap().unwrap().check(&TestMac).unwrap(), second);

    tx.insert_session(&signed(session(3, 7))).await.unwrap();
    tx.insert_session(&signed(session(4, 8))).await.unwrap();
    assert_eq!(tx.delete_line(LineId(id(7))).await.unwrap(), 2);
    assert!(tx.delete_session(SessionId(id(4))).await.unwrap());
    assert!(!tx.delete_session(SessionId(id(4))).await.unwrap());
    for n in 10..=15 {
        let mut s = session(n, n);
        (s.created_at, s.last_seen) = (Timestamp(n as i64), Timestamp(100 - n as i64));
        tx.insert_session(&signed(s)).await.unwrap();
    }
    assert_eq!(tx.sweep_sessions(Timestamp(11), Timestamp(86)).await.unwrap(), 2, "10 was made before, 15 seen before");
    let ids = |rows: Vec<Attested<Session>>| rows.into_iter().map(|s| s.check(&TestMac).unwrap().id.0.as_u128()).collect::<BTreeSet<_>>();
    assert!(tx.delete_sid("https://else.example", "sid-11", None).await.unwrap().is_empty());
    assert!(tx.delete_sid(ISSUER, "sid-11", Some("berit")).await.unwrap().is_empty(), "another's");
    assert_eq!(ids(tx.delete_sid(ISSUER, "sid-11", Some("anna")).await.unwrap()), [11].into());
    assert_eq!(ids(tx.delete_sid(ISSUER, "sid-12", None).await.unwrap()), [12].into());
    assert!(tx.delete_sessions_of(&who("berit")).await.unwrap().is_empty());
    assert_eq!(ids(tx.delete_sessions_of(&who("anna")).await.unwrap()), [13, 14].into());
    tx.insert_session(&signed(session(1, 1))).await.unwrap();
    assert!(matches!(tx.insert_session(&signed(session(1, 1))).await, Err(StoreError::Conflict)));
}

/// Eight add one second each to `last_seen` of one session: read, compare, set, again when another was faster.
async fn no_update_is_lost(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    tx.insert_session(&signed(session(1, 1))).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move {
                loop {
                    let old = store.read().await.unwrap().session_by_hash(&[1; 37]).await.unwrap().unwrap();
                    let old_mac = old.mac().to_vec();
                    let mut row = old.check(&TestMac).unwrap();
                    row.last_seen = row.last_seen.plus_seconds(1);
                    let mut tx = store.write().await.unwrap();
                    let done = tx.replace_session(row.id, &old_mac, &signed(row.clone())).await.unwrap();
                    tx.commit_unrecorded().await.unwrap();
                    if done {
                        break;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let end = fresh.store.read().await.unwrap().session_by_hash(&[1; 37]).await.unwrap().unwrap();
    assert_eq!(end.check(&TestMac).unwrap().last_seen, Timestamp(100).plus_seconds(8));
}

async fn sign_ins(fresh: Fresh) {
    let sign_in = |n: u8, line| SignIn {
        id: RowId(id(n.into())),
        state_hash: vec![n; 37],
        browser_hash: vec![n + 1; 37],
        sealed: sealed(n),
        line,
        created_at: Timestamp(1),
        expires_at: Timestamp(n.into()),
    };
    let mut tx = fresh.store.write().await.unwrap();
    for n in 1..=4 {
        tx.insert_sign_in(&sign_in(n, (n == 2).then(|| LineId(id(5))))).await.unwrap();
    }
    assert_eq!(tx.open_sign_ins().await.unwrap(), 3, "one belongs to a session line");
    let taken = tx.take_sign_in(&[2; 37]).await.unwrap().unwrap();
    let want = sign_in(2, Some(LineId(id(5))));
    assert_eq!((taken.id, taken.line, taken.expires_at), (want.id, want.line, want.expires_at));
    assert!(taken.browser_hash == want.browser_hash && taken.sealed == want.sealed);
    assert!(tx.take_sign_in(&[2; 37]).await.unwrap().is_none(), "good for one answer");
    assert_eq!(tx.sweep_sign_ins(Timestamp(3)).await.unwrap(), 2);
    assert_eq!(tx.open_sign_ins().await.unwrap(), 1);
}

async fn tokens(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for n in [1, 2] {
        tx.insert_token(&signed(token(n))).await.unwrap();
    }
    let list: Vec<_> = tx.tokens().await.unwrap().into_iter().map(|t| t.check(&TestMac).unwrap()).collect();
    assert_eq!(list, [token(2), token(1)]);
    for at in [50, 40] {
        tx.touch_token(&token(1).id, Timestamp(at)).await.unwrap();
    }
    let old = tx.token(&token(1).id).await.unwrap().unwrap();
    let old_mac = old.mac().to_vec();
    let mut row = old.check(&TestMac).unwrap();
    assert_eq!(row.last_used, Some(Timestamp(50)));
    row.revoked_at = Some(Timestamp(60));
    assert!(tx.replace_token(&row.id, &old_mac, &signed(row.clone())).await.unwrap());
    assert!(!tx.replace_token(&row.id, &old_mac, &signed(row.clone())).await.unwrap());
    assert_eq!(tx.token(&row.id).await.unwrap().unwrap().check(&TestMac).unwrap(), row);
    assert!(tx.token("none").await.unwrap().is_none());
    let known = token(1).id;
    let mut reader = fresh.store.reader().await.unwrap();
    assert!(reader.tokens_by_ids(&[&known]).await.unwrap().rows.is_empty(), "not committed yet");
    assert!(!tx.insert_token(&signed(token(1))).await.unwrap(), "that id is taken");
    tx.commit_unrecorded().await.unwrap();
    let found = reader.tokens_by_ids(&["none", &known, "'\""]).await.unwrap();
    let ring = reader.key_ring().await.unwrap();
    assert_eq!(found.generation, ring.map(|ring| ring.generation));
    assert_eq!(found.rows.iter().map(|t| t.parts().0.id.clone()).collect::<Vec<_>>(), [known]);
    assert!(reader.tokens_by_ids(&[]).await.unwrap().rows.is_empty());
}

async fn key_versions(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for n in 1..=2 {
        tx.insert_device(&device(n, &format!("C02{n}"))).await.unwrap();
    }
    let (one, two) = (DeviceId(id(1)), DeviceId(id(2)));
    for (n, device, number) in [(11, one, 1), (12, one, 2), (21, two, 1)] {
        tx.add(&[], &[(signed(version(n, device, number)), sealed(n as u8))], &[]).await.unwrap();
    }
    let numbers = |rows: Vec<Attested<_>>| {
        rows.into_iter().map(|v| v.check(&TestMac).map(|v: keyharbor::domain::KeyVersion| v.version).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(tx.versions(one, SecretKind::RecoveryKey, 9).await.unwrap()), [2, 1]);
    assert_eq!(numbers(tx.versions(one, SecretKind::RecoveryKey, 1).await.unwrap()), [2]);
    assert_eq!(numbers(tx.candidates(one, SecretKind::RecoveryKey, None).await.unwrap()), [2, 1]);
    assert_eq!(tx.version_count(one, SecretKind::RecoveryKey).await.unwrap(), (2, 2));
    assert_eq!(tx.version_count(DeviceId(id(3)), SecretKind::RecoveryKey).await.unwrap(), (0, 0));
    let mut reader = fresh.store.reader().await.unwrap();
    assert_eq!(reader.device_by_serial(&serial("C021")).await.unwrap(), None, "not committed yet");
    assert_eq!(numbers(tx.leaders_of(&[two, one, DeviceId(id(3))]).await.unwrap()), [2, 1, 1]);
    assert!(tx.leaders_of(&[]).await.unwrap().is_empty());

    let other_kek = Sealed::from_parts(vec![1], 2);
    assert!(tx.add(&[], &[(signed(version(13, one, 3)), other_kek)], &[]).await.is_err());

    let old = tx.version(VersionId(id(11))).await.unwrap().unwrap();
    let old_mac = old.mac().to_vec();
    let mut row = old.check(&TestMac).unwrap();
    (row.trust, row.promoted_at, row.confirmed_at) = (Trust::Proven, Timestamp(80), Timestamp(40));
    let mut moved = row.clone();
    moved.version = 9;
    assert!(!tx.replace_version(row.id, &old_mac, &signed(moved)).await.unwrap(), "its number never changes");
    assert!(tx.replace_version(row.id, &old_mac, &signed(row.clone())).await.unwrap());
    assert!(!tx.replace_version(row.id, &old_mac, &signed(row.clone())).await.unwrap());
    row.confirmed_at = Timestamp(50);
    assert_eq!(tx.version(row.id).await.unwrap().unwrap().check(&TestMac).unwrap(), row);
    for at in [90, 70] {
        tx.confirm_versions(&[(row.id, Timestamp(at))]).await.unwrap();
    }
    let old_mac = signed(row.clone()).mac().to_vec();
    (row.confirmed_at, row.revealed_at) = (Timestamp(90), Some(Timestamp(95)));
    assert!(tx.replace_version(row.id, &old_mac, &signed(row.clone())).await.unwrap());
    assert_eq!(tx.version(row.id).await.unwrap().unwrap().check(&TestMac).unwrap(), row);
    assert!(tx.version(VersionId(id(99))).await.unwrap().is_none());
    tx.commit_unrecorded().await.unwrap();
    assert_eq!(reader.device_by_serial(&serial("C021")).await.unwrap(), Some(device(1, "C021")));
    assert_eq!(numbers(reader.candidates(one, SecretKind::RecoveryKey, None).await.unwrap()), [2, 1]);
    assert_eq!(reader.version_count(one, SecretKind::RecoveryKey).await.unwrap(), (2, 2));
    let mut found = reader.devices_by_serials(&[serial("C022"), serial("C02X"), serial("C021")]).await.unwrap();
    found.sort_by_key(|mac| mac.id.0);
    assert_eq!(found, [device(1, "C021"), device(2, "C022")]);
    assert_eq!(reader.some_versions(&[two, one]).await.unwrap().len(), 3);
    drop(reader);

    // The same number again is a conflict, and none of it is stored. The same fingerprint is not: a row that somebody
    // forged must not stand in the way of the true key.
    let mut tx = fresh.store.write().await.unwrap();
    assert!(matches!(tx.add(&[], &[(signed(version(15, one, 2)), sealed(1))], &[]).await, Err(StoreError::Conflict)));
    drop(tx);
    let orphan = fresh.store.write().await.unwrap().add(&[], &[(signed(version(16, DeviceId(id(3)), 1)), sealed(1))], &[]).await;
    assert!(matches!(orphan, Err(StoreError::Other(_))), "{orphan:?}");
}

async fn key_of(fresh: &Fresh) -> (DeviceId, VersionId) {
    let mut tx = fresh.store.write().await.unwrap();
    let mac = device(1, "C02A");
    tx.insert_device(&mac).await.unwrap();
    tx.add(&[], &[(signed(version(11, mac.id, 1)), sealed(1))], &[]).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    (mac.id, VersionId(id(11)))
}

async fn grants(fresh: Fresh) {
    let (device, version) = key_of(&fresh).await;
    let mut tx = fresh.store.write().await.unwrap();
    let first = grant(1, device, version, None);
    assert!(tx.insert_grant(&signed(first.clone())).await.unwrap());
    assert!(tx.insert_grant(&signed(grant(2, device, version, None))).await.unwrap(), "two that renew nothing do not clash");
    assert_eq!(tx.grant(first.id).await.unwrap().unwrap().check(&TestMac).unwrap(), first);
    assert_eq!(tx.grant_locked(first.id).await.unwrap().unwrap().check(&TestMac).unwrap(), first);
    assert!(tx.grant_locked(GrantId(id(4))).await.unwrap().is_none());
    let after = tx.grants_after(GrantId(uuid::Uuid::nil()), 1).await.unwrap();
    assert_eq!(after.into_iter().map(|g| g.check(&TestMac).unwrap()).collect::<Vec<_>>(), vec![first.clone()]);
    assert!(tx.grants_after(GrantId(uuid::Uuid::max()), 9).await.unwrap().is_empty());
    assert!(tx.grant_child(first.id).await.unwrap().is_none());
    let child = grant(3, device, version, Some(first.id));
    assert!(tx.insert_grant(&signed(child.clone())).await.unwrap());
    assert!(!tx.insert_grant(&signed(grant(4, device, version, Some(first.id)))).await.unwrap());
    assert_eq!(tx.grant_child(first.id).await.unwrap().unwrap().check(&TestMac).unwrap(), child);
    assert!(tx.hide_grant(child.id, Timestamp(200)).await.unwrap());
    assert!(!tx.hide_grant(child.id, Timestamp(300)).await.unwrap());
    assert_eq!(tx.grant(child.id).await.unwrap().unwrap().check(&TestMac).unwrap().hidden_at, Some(Timestamp(200)));
    assert!(tx.grant(GrantId(id(4))).await.unwrap().is_none());
}

async fn one_of_many_renewals_wins(fresh: Fresh) {
    let (device, version) = key_of(&fresh).await;
    let mut tx = fresh.store.write().await.unwrap();
    tx.insert_grant(&signed(grant(1, device, version, None))).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    let tasks: Vec<_> = (10..20)
        .map(|n| {
            let store = fresh.store.clone();
            tokio::spawn(async move {
                let mut tx = store.write().await.unwrap();
                let won = tx.insert_grant(&signed(grant(n, device, version, Some(GrantId(id(1)))))).await.unwrap();
                let pending = tx.audit_append(&[event(n)], &TestMac).await.unwrap();
                tx.commit(pending).await.unwrap();
                won
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += i32::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
}

async fn quotas(fresh: Fresh) {
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move {
                let mut tx = store.write().await.unwrap();
                let n = tx.bump_quota("anna", "hour", 3_600).await.unwrap();
                tx.commit_unrecorded().await.unwrap();
                n
            })
        })
        .collect();
    let mut counts = Vec::new();
    for task in tasks {
        counts.push(task.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=10).collect::<Vec<_>>());
    let mut tx = fresh.store.write().await.unwrap();
    assert_eq!(tx.bump_quota("anna", "day", 3_600).await.unwrap(), 1);
    assert_eq!(tx.bump_quota("anna", "hour", 7_200).await.unwrap(), 1);
    assert_eq!(tx.sweep_quotas(7_200).await.unwrap(), 2);
    assert_eq!(tx.bump_quota("anna", "hour", 7_200).await.unwrap(), 2);
}

async fn key_ring(fresh: Fresh) {
    let ring = |generation, byte| RingRow { generation, wrapped: vec![byte; 80], wrapped_by: "root-1".into() };
    let mut tx = fresh.store.write().await.unwrap();
    assert!(tx.key_ring().await.unwrap().is_none());
    assert!(tx.insert_key_ring(&ring(1, 1)).await.unwrap());
    assert!(!tx.insert_key_ring(&ring(1, 9)).await.unwrap());
    assert!(tx.replace_key_ring(1, &ring(2, 2)).await.unwrap());
    assert!(!tx.replace_key_ring(1, &ring(3, 3)).await.unwrap());
    assert!(tx.key_ring().await.unwrap() == Some(ring(2, 2)));
    assert!(tx.is_empty().await.unwrap(), "a ring alone is not data");
    tx.insert_device(&device(1, "C02A")).await.unwrap();
    assert!(!tx.is_empty().await.unwrap());
}
