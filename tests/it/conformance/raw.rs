//! Whole tables as bare cells: every one is listed, and what is read from one engine goes into the other as it was.

use std::collections::BTreeSet;

use keyharbor::domain::audit::EventKind;
use keyharbor::domain::ids::{DeviceId, GrantId, RowId, VersionId};
use keyharbor::domain::{Attested, Deciding as _, RowMac as _, Sealed};
use keyharbor::store::{APART, Cell, Column, Lives, StoreError, TABLES, Table};
use sqlx::Connection as _;

use super::sample::{binding, device, event, id, owner, person, sealed, serial, token, version, who};
use super::{TestMac, on_both, sample};
use crate::engines::{self, Fresh};

on_both!(
    macs_are_set_by_comparison,
    a_sealed_value_is_replaced_by_comparison,
    a_held_trail_takes_no_row,
    a_trail_begins_where_it_is_placed_once,
    a_transaction_migrates
);

#[tokio::test]
async fn every_table_is_listed_for_backups_and_moves() {
    let sqlite = engines::sqlite().await;
    let mut conn = sqlx::SqliteConnection::connect(&sqlite.url).await.unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let there: BTreeSet<String> = sqlx::query_scalar(names).fetch_all(&mut conn).await.unwrap().into_iter().collect();
    let listed: BTreeSet<String> = TABLES.iter().map(|t| t.name).chain(APART.iter().copied()).map(str::to_owned).collect();
    assert_eq!(there, listed, "src/store/tables.rs says what a backup and a move do with each table");
    for fresh in engines::both().await {
        let mut tx = fresh.store.read().await.unwrap();
        for table in TABLES {
            let columns = tx.columns_of(table).await.unwrap();
            assert!(table.key.iter().all(|key| columns.iter().any(|c| c.name == *key)), "{}", table.name);
            assert_eq!(tx.count_rows(table).await.unwrap(), 0);
        }
        let nowhere = Table { name: "nowhere", key: &["id"], lives: Lives::On };
        assert_eq!(tx.columns_of(&nowhere).await.unwrap(), []);
    }
}

/// Some rows of every table that others point to.
async fn fill(fresh: &Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for n in 1..=5 {
        let mut one = device(n, &format!("C02RAW{n}"));
        one.name = (n > 2).then(|| "Åsa's \"Mac\"\n".to_owned());
        assert!(tx.insert_device(&one.signed(&TestMac)).await.unwrap());
        tx.add(&[], &[(sample::signed(version(100 + n, DeviceId(id(n)), 1)), sealed(7))], &[]).await.unwrap();
    }
    assert!(tx.insert_owner(&sample::signed(owner(20, DeviceId(id(1)), "anna"))).await.unwrap());
    assert!(tx.insert_binding(&sample::signed(binding(30, "anna", "sub"))).await.unwrap());
    tx.upsert_person(&person(40, "sub", "Anna")).await.unwrap();
    tx.insert_session(&sample::signed(sample::session(50, 51))).await.unwrap();
    tx.insert_token(&sample::signed(token(1))).await.unwrap();
    for window in ["day", "hour"] {
        tx.bump_quota("a", window, 5).await.unwrap();
    }
    let pending = tx.audit_append(&[event(60), event(61), event(62)], &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
}

/// All rows of a table, two at a time.
async fn rows(fresh: &Fresh, table: &Table) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let mut tx = fresh.store.read().await.unwrap();
    let columns = tx.columns_of(table).await.unwrap();
    let (mut all, mut after) = (Vec::new(), None::<Vec<Cell>>);
    loop {
        let page = tx.rows_after(table, &columns, after.as_deref(), 2).await.unwrap();
        let Some(last) = page.last() else { return (columns, all) };
        let at = |key: &&str| columns.iter().position(|c| c.name == **key).unwrap();
        after = Some(table.key.iter().map(|key| last[at(key)].clone()).collect());
        all.extend(page);
    }
}

#[tokio::test]
async fn rows_of_one_engine_go_into_the_other_as_they_were() {
    let [sqlite, postgres] = engines::both().await;
    let [sqlite_too, postgres_too] = engines::both().await;
    for (from, to) in [(sqlite, postgres), (postgres_too, sqlite_too)] {
        fill(&from).await;
        for table in TABLES {
            let (names, all) = rows(&from, table).await;
            let mut tx = to.store.write().await.unwrap();
            let columns = tx.columns_of(table).await.unwrap();
            assert!(columns.iter().map(|c| &c.name).eq(names.iter().map(|c| &c.name)), "{}", table.name);
            assert_eq!(tx.insert_rows(table, &columns, &all).await.unwrap(), all.len() as u64);
            tx.commit_unrecorded().await.unwrap();
            assert!(rows(&to, table).await.1 == all, "{}", table.name);
        }
        let mut tx = to.store.read().await.unwrap();
        let read = tx.device_by_serial(&serial("C02RAW3")).await.unwrap().unwrap();
        assert!(read.verifies(&TestMac) && read.name.as_deref() == Some("Åsa's \"Mac\"\n"));
        assert!(tx.binding_by_subject(&who("sub")).await.unwrap().unwrap().check(&TestMac).is_ok());
        assert_eq!(tx.trail_after(0, 10).await.unwrap().len(), 3);
        let short = tx.columns_of(&TABLES[0]).await.unwrap();
        drop(tx);
        let mut tx = to.store.write().await.unwrap();
        let wrong = tx.insert_rows(&TABLES[0], &short, &[vec![Cell::Null]]).await;
        assert!(matches!(wrong, Err(StoreError::Other(_))), "a row of another length");
    }
}

async fn macs_are_set_by_comparison(fresh: Fresh) {
    fill(&fresh).await;
    let mut tx = fresh.store.write().await.unwrap();
    let (old, new) = (TestMac.row_mac(&device(1, "C02RAW1").canonical()), b"new".to_vec());
    assert!(!tx.set_device_mac(DeviceId(id(1)), b"other", &new).await.unwrap());
    assert!(tx.set_device_mac(DeviceId(id(1)), &old, &new).await.unwrap());
    assert_eq!(tx.device(DeviceId(id(1))).await.unwrap().unwrap().row_mac, new);
    let mac = |row: &Attested<_>| row.mac().to_vec();
    let old = mac(&sample::signed(owner(20, DeviceId(id(1)), "anna")));
    assert!(!tx.set_owner_mac(RowId(id(20)), b"other", &new).await.unwrap());
    assert!(tx.set_owner_mac(RowId(id(20)), &old, &new).await.unwrap());
    let old = sample::signed(binding(30, "anna", "sub")).mac().to_vec();
    assert!(!tx.set_binding_mac(RowId(id(31)), &old, &new).await.unwrap());
    assert!(tx.set_binding_mac(RowId(id(30)), &old, &new).await.unwrap());
    let old = sample::signed(version(101, DeviceId(id(1)), 1)).mac().to_vec();
    assert!(!tx.set_version_mac(VersionId(id(102)), &old, &new).await.unwrap());
    assert!(tx.set_version_mac(VersionId(id(101)), &old, &new).await.unwrap());
    assert_eq!(tx.version(VersionId(id(101))).await.unwrap().unwrap().mac(), new);
    let grant = sample::signed(sample::grant(70, DeviceId(id(1)), VersionId(id(101)), None));
    assert!(tx.insert_grant(&grant).await.unwrap());
    assert!(!tx.set_grant_mac(GrantId(id(70)), b"other", &new).await.unwrap());
    assert!(tx.set_grant_mac(GrantId(id(70)), grant.mac(), &new).await.unwrap());
    assert_eq!(tx.grant(GrantId(id(70))).await.unwrap().unwrap().mac(), new);
    tx.commit_unrecorded().await.unwrap();
    if fresh.url.starts_with("sqlite") {
        return;
    }
    // What another transaction holds is passed over, not waited for.
    let mut other = fresh.store.write().await.unwrap();
    assert!(other.set_version_mac(VersionId(id(101)), &new, b"theirs").await.unwrap());
    let mut tx = fresh.store.write().await.unwrap();
    assert!(!tx.set_version_mac(VersionId(id(101)), &new, b"ours").await.unwrap());
    let value = Sealed::from_parts(vec![8; 9], 7);
    assert!(!tx.reseal_version(&new, &sample::signed(version(101, DeviceId(id(1)), 1)), &value).await.unwrap());
}

async fn a_sealed_value_is_replaced_by_comparison(fresh: Fresh) {
    fill(&fresh).await;
    let mut tx = fresh.store.write().await.unwrap();
    let old = sample::signed(version(101, DeviceId(id(1)), 1)).mac().to_vec();
    let mut other = version(101, DeviceId(id(1)), 1);
    other.kek_id = 7;
    let (other, value) = (sample::signed(other), Sealed::from_parts(vec![8; 9], 7));
    assert!(!tx.reseal_version(b"other", &other, &value).await.unwrap());
    assert!(tx.reseal_version(&old, &other, &value).await.unwrap());
    assert!(!tx.reseal_version(&old, &other, &value).await.unwrap());
    assert_eq!((tx.under_kek(7).await.unwrap(), tx.under_kek(4_000_000_000).await.unwrap()), (1, 4));
    assert_eq!(tx.under_kek(8).await.unwrap(), 0);
    let beginning = |mac: &[u8]| mac.get(..5).unwrap().to_vec();
    let hash = beginning(&token(1).secret_hash);
    assert!(tx.under_token_key(&hash).await.unwrap() >= 1);
    assert_eq!(tx.under_token_key(b"none!").await.unwrap(), 0);
    let row = beginning(&tx.trail_after(0, 1).await.unwrap().remove(0).mac);
    assert!(tx.under_audit_key(&row).await.unwrap() >= 1);
    assert_eq!(tx.under_audit_key(b"none!").await.unwrap(), 0);
    let mac = beginning(sample::signed(token(1)).mac());
    assert!(tx.under_row_key(&mac).await.unwrap() >= 1);
    assert_eq!(tx.under_row_key(b"none!").await.unwrap(), 0);
    assert_eq!(tx.kek_uses(7).await.unwrap(), 0);
    for _ in 0..2 {
        tx.add_kek_uses(7, 5).await.unwrap();
    }
    tx.add_kek_uses(8, 1).await.unwrap();
    assert_eq!(tx.kek_uses(7).await.unwrap(), 10);
    let pending = tx.audit_append(&[event(63)], &TestMac).await.unwrap();
    let receipt = tx.commit(pending).await.unwrap();
    let page = fresh.store.sealed_otherwise(&receipt, 7, VersionId(id(102)), 2).await.unwrap();
    let ids: Vec<_> = page.iter().map(|(row, _)| row.parts().0.id).collect();
    assert_eq!(ids, [VersionId(id(103)), VersionId(id(104))]);
    assert!(page[0].1 == sealed(7), "with its value");
    let from_the_start = fresh.store.sealed_otherwise(&receipt, 7, VersionId(id(0)), 9).await.unwrap();
    assert_eq!(from_the_start.len(), 4, "all but the one under that KEK");
}

async fn a_held_trail_takes_no_row(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    assert_eq!(tx.held().await.unwrap(), None);
    tx.hold(Some("moving")).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    let mut tx = fresh.store.write().await.unwrap();
    assert_eq!(tx.held().await.unwrap().as_deref(), Some("moving"));
    let refused = tx.audit_append(&[event(1)], &TestMac).await;
    assert!(matches!(refused, Err(StoreError::Held)));
    drop(tx);
    let ping = fresh.store.ping().await.err().unwrap();
    assert!(matches!(ping, StoreError::Held) && ping.is_outage() && !ping.is_transient(), "not ready, and no use in trying again");
    let mut tx = fresh.store.write().await.unwrap();
    tx.hold(None).await.unwrap();
    let pending = tx.audit_append(&[event(1)], &TestMac).await.unwrap();
    assert_eq!(tx.commit(pending).await.unwrap().seq(), 1);
    fresh.store.ping().await.unwrap();
}

async fn a_trail_begins_where_it_is_placed_once(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    assert!(tx.place_head(41, b"mac").await.unwrap());
    assert!(!tx.place_head(50, b"mac").await.unwrap());
    let pending = tx.audit_append(&[event(1)], &TestMac).await.unwrap();
    assert_eq!(tx.commit(pending).await.unwrap().seq(), 42);
    let kept = fresh.store.read().await.unwrap().trail_after(41, 5).await.unwrap();
    assert_eq!((kept.len(), kept[0].event.kind), (1, EventKind::RevealGranted));
}

async fn a_transaction_migrates(fresh: Fresh) {
    let sqlite = fresh.url.starts_with("sqlite");
    let bare = if sqlite { engines::bare_sqlite().await } else { engines::bare_postgres().await };
    let mut tx = bare.store.write().await.unwrap();
    assert_eq!(tx.applied_migrations().await.unwrap(), Vec::<i64>::new());
    assert!(matches!(tx.migrate_within(Some(&[1, 9999])).await, Err(StoreError::Config(text)) if text.contains("9999")));
    tx.migrate_within(Some(&[1])).await.unwrap();
    assert_eq!(tx.applied_migrations().await.unwrap(), [1]);
    drop(tx);
    let mut tx = bare.store.write().await.unwrap();
    assert_eq!(tx.applied_migrations().await.unwrap(), Vec::<i64>::new(), "taken back with the transaction");
    tx.migrate_within(Some(&[1])).await.unwrap();
    tx.migrate_within(None).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    assert!(bare.store.pending_migrations().await.unwrap().is_empty());
    let all = fresh.store.read().await.unwrap().applied_migrations().await.unwrap();
    assert_eq!(bare.store.read().await.unwrap().applied_migrations().await.unwrap(), all);
}
