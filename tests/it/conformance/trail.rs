//! The trail: chained under its lock, whole or not at all; receipts; the one way to a sealed key.

use keyharbor::domain::ChainMac;
use keyharbor::domain::audit::{Actor, EventKind, Personal, TrailRow};
use keyharbor::domain::ids::{DeviceId, GrantId, Timestamp, VersionId};
use keyharbor::store::{Engine, Store, StoreError};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(
    rows_come_back_as_written,
    forty_writers_make_one_chain,
    a_row_that_cannot_be_written_takes_all_with_it,
    a_receipt_opens_one_version,
    erased_and_edited_rows_can_be_read,
    pages_and_filters,
    a_dropped_transaction_leaves_nothing,
    a_commit_is_found_and_one_that_was_not_done_is_not,
);

async fn run(fresh: &Fresh, sql: &'static str) {
    match fresh.store.engine() {
        Engine::Sqlite => {
            sqlx::raw_sql(sql).execute(&mut SqliteConnection::connect(&fresh.url).await.unwrap()).await.map(|_| ()).unwrap();
        }
        Engine::Postgres => {
            sqlx::raw_sql(sql).execute(&mut PgConnection::connect(&fresh.url).await.unwrap()).await.map(|_| ()).unwrap();
        }
    }
}

/// All rows, checked: numbers without a gap, each MAC over the one before, the head on the last.
async fn verified(store: &Store) -> Vec<TrailRow> {
    let mut tx = store.read().await.unwrap();
    let rows = tx.trail_after(0, 10_000).await.unwrap();
    let mut previous = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row.seq, n as i64 + 1);
        assert_eq!(row.personal_mac, TestMac.personal(&row.event.salt, row.personal_text.as_deref().unwrap()));
        assert!(TestMac.chain_ok(&previous, &row.event.canonical(row.seq, &row.personal_mac), &row.mac), "row {}", row.seq);
        previous.clone_from(&row.mac);
    }
    assert_eq!(tx.head().await.unwrap(), (rows.len() as i64, previous));
    rows
}

async fn rows_come_back_as_written(fresh: Fresh) {
    let mut bare = event(2);
    (bare.device, bare.serial, bare.version, bare.request) = (None, None, None, None);
    (bare.actor, bare.personal) = (Actor::Token("0123456789abcdef".into()), Personal::default());
    let events = [event(1), bare, event(3)];
    let mut tx = fresh.store.write().await.unwrap();
    assert_eq!((tx.head().await.unwrap(), tx.last_trail_time().await.unwrap()), ((0, vec![]), None));
    let pending = tx.audit_append(&events, &TestMac).await.unwrap();
    let receipt = tx.commit(pending).await.unwrap();
    assert_eq!((receipt.seq(), receipt.version(), receipt.grant()), (3, events[2].version, None));
    let rows = verified(&fresh.store).await;
    for (row, event) in rows.iter().zip(&events) {
        assert_eq!(&row.event, event);
        assert_eq!((row.personal_text.clone(), row.erased), (Some(event.personal_text()), false));
    }
    assert_eq!(fresh.store.read().await.unwrap().last_trail_time().await.unwrap(), Some(events[2].at));
    assert!(!fresh.store.read().await.unwrap().is_empty().await.unwrap());

    let mut tx = fresh.store.write().await.unwrap();
    assert!(matches!(tx.audit_append(&[], &TestMac).await, Err(StoreError::Other(_))));
    let again = tx.audit_append(&[event(1)], &TestMac).await.err().unwrap();
    assert!(matches!(again, StoreError::Conflict) && !again.is_transient());
}

async fn forty_writers_make_one_chain(fresh: Fresh) {
    let writers: Vec<_> = (0..40)
        .map(|n| {
            let store = fresh.store.clone();
            tokio::spawn(async move {
                let mut tx = store.write().await?;
                tx.bump_quota(&format!("actor {n}"), "hour", 0).await?;
                let pending = tx.audit_append(&[event(n + 1)], &TestMac).await?;
                tx.commit(pending).await.map(|r| r.seq())
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for writer in writers {
        numbers.push(writer.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(verified(&fresh.store).await.len(), 40);
}

async fn a_row_that_cannot_be_written_takes_all_with_it(fresh: Fresh) {
    let raise = match fresh.store.engine() {
        Engine::Sqlite => "CREATE TRIGGER no_more BEFORE INSERT ON audit_events WHEN NEW.seq > 1 BEGIN SELECT RAISE(ABORT, 'no room'); END",
        Engine::Postgres => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$; \
             CREATE TRIGGER no_more BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.seq > 1) EXECUTE FUNCTION refuse()"
        }
    };
    run(&fresh, raise).await;
    let mut tx = fresh.store.write().await.unwrap();
    assert!(tx.insert_device(&device(1, "C02A")).await.unwrap());
    let refused = tx.audit_append(&[event(1), event(2)], &TestMac).await.err().unwrap();
    assert!(refused.to_string().contains("no room"), "{refused}");
    drop(tx);
    let mut tx = fresh.store.read().await.unwrap();
    assert!(tx.is_empty().await.unwrap());
    assert_eq!(tx.head().await.unwrap().0, 0);
}

async fn a_receipt_opens_one_version(fresh: Fresh) {
    let store = &fresh.store;
    let mac = device(1, "C02A");
    let mut tx = store.write().await.unwrap();
    assert!(tx.insert_device(&mac).await.unwrap());
    for n in 1..=2 {
        tx.add(&[], &[(signed(version(n, mac.id, n as i64)), sealed(n as u8))], &[]).await.unwrap();
    }
    let mut shown = event(1);
    (shown.version, shown.grant) = (Some(VersionId(id(2))), Some(GrantId(id(77))));
    let pending = tx.audit_append(&[event(9), shown], &TestMac).await.unwrap();
    let receipt = tx.commit(pending).await.unwrap();
    assert_eq!(receipt.grant(), Some(GrantId(id(77))));
    let (row, bytes) = store.sealed_key(&receipt).await.unwrap().unwrap();
    assert_eq!(row.check(&TestMac).unwrap(), version(2, mac.id, 2));
    assert!(bytes == sealed(2));

    let mut nothing = event(3);
    nothing.version = None;
    for last in [nothing, event(4)] {
        let mut tx = store.write().await.unwrap();
        let pending = tx.audit_append(&[last], &TestMac).await.unwrap();
        let receipt = tx.commit(pending).await.unwrap();
        assert!(store.sealed_key(&receipt).await.unwrap().is_none());
    }

    // What was appended to one transaction is no proof for another.
    let mut rolled_back = store.write().await.unwrap();
    let pending = rolled_back.audit_append(&[event(5)], &TestMac).await.unwrap();
    drop(rolled_back);
    let other = store.write().await.unwrap();
    assert!(matches!(other.commit(pending).await, Err(StoreError::Other(_))));
    assert_eq!(verified(store).await.len(), 4);
}

async fn erased_and_edited_rows_can_be_read(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[event(1), event(2), event(3)], &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
    run(&fresh, "UPDATE audit_events SET personal = NULL, salt = NULL WHERE seq = 1").await;
    run(&fresh, "UPDATE audit_events SET personal = '{\"name\":1' WHERE seq = 2").await;
    let rows = fresh.store.read().await.unwrap().trail_after(0, 10).await.unwrap();
    assert_eq!((rows[0].erased, rows[0].event.salt, rows[0].personal_text.as_deref()), (true, [0; 16], None));
    assert_eq!((rows[1].erased, rows[1].personal_text.as_deref()), (false, Some("{\"name\":1")));
    assert_eq!(rows[1].event.personal, Personal::default());
    assert_eq!(rows[2].event, event(3));
    run(&fresh, "UPDATE audit_events SET kind = 'unheard.of' WHERE seq = 3").await;
    let unread = fresh.store.read().await.unwrap().trail_after(0, 10).await.err().unwrap();
    assert!(matches!(unread, StoreError::Decode("kind")), "{unread:?}");
    run(&fresh, "DELETE FROM audit_head").await;
    let mut tx = fresh.store.write().await.unwrap();
    assert!(matches!(tx.audit_append(&[event(4)], &TestMac).await, Err(StoreError::Decode("audit_head"))));
}

async fn pages_and_filters(fresh: Fresh) {
    let events: Vec<_> = (1..=7)
        .map(|n| {
            let mut e = event(n);
            e.device = Some(DeviceId(id(n % 2)));
            e.kind = match n {
                1 => EventKind::OwnerSet,
                2..=4 => EventKind::DepositNew,
                _ => EventKind::RevealViewed,
            };
            e
        })
        .collect();
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&events, &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
    let mut tx = fresh.store.read().await.unwrap();
    let seqs = |rows: Vec<TrailRow>| rows.into_iter().map(|r| r.seq).collect::<Vec<_>>();
    assert_eq!(seqs(tx.trail_after(5, 10).await.unwrap()), [6, 7]);
    let odd = DeviceId(id(1));
    let acts = [EventKind::RevealViewed, EventKind::OwnerSet];
    assert_eq!(seqs(tx.trail_of_device(odd, &acts, 10).await.unwrap()), [7, 5, 1]);
    assert_eq!(seqs(tx.trail_of_device(odd, &acts[1..], 10).await.unwrap()), [1]);
    let nobody = keyharbor::domain::Login::parse("nobody-of-that-name").unwrap();
    assert!(tx.trail_of_login(&nobody, EventKind::OwnerRemoved, Timestamp(0), 10).await.unwrap().is_empty());
    assert_eq!(seqs(tx.trail_of_device(odd, &acts, 2).await.unwrap()), [7, 5]);
    assert_eq!(seqs(tx.trail_of_device(odd, &[EventKind::DepositNew, EventKind::RevealViewed], 9).await.unwrap()), [7, 5]);
    assert_eq!(tx.last_trail_time().await.unwrap(), Some(Timestamp(events[6].at.0)));
}

async fn a_dropped_transaction_leaves_nothing(fresh: Fresh) {
    for n in 0..20 {
        // Dropped while it begins, then while it waits for a statement.
        let begin = fresh.store.write();
        tokio::time::timeout(std::time::Duration::from_micros(n * 40), begin).await.ok();
        let mut tx = fresh.store.write().await.unwrap();
        let append = tx.audit_append(&[], &TestMac);
        append.await.err().unwrap();
        let insert = device(1, "C02A");
        tokio::time::timeout(std::time::Duration::from_micros(n * 40), tx.insert_device(&insert)).await.ok();
    }
    assert!(fresh.store.read().await.unwrap().is_empty().await.unwrap());
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[event(1)], &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
    assert_eq!(verified(&fresh.store).await.len(), 1);
    let refused = fresh.store.read().await.unwrap().insert_device(&device(1, "C02A")).await;
    assert!(refused.is_err(), "a transaction that reads cannot write");
}

async fn a_commit_is_found_and_one_that_was_not_done_is_not(fresh: Fresh) {
    // One server needs no watching.
    fresh.store.watch_servers().await;
    assert_eq!(fresh.store.servers(), None);
    let mut row = event(1);
    (row.grant, row.version) = (Some(GrantId(id(8))), Some(VersionId(id(9))));
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[event(2), row.clone()], &TestMac).await.unwrap();
    drop(tx);
    assert!(fresh.store.committed(&pending).await.unwrap().is_none(), "it was let go");
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[event(2), row.clone()], &TestMac).await.unwrap();
    let receipt = tx.commit(pending.clone()).await.unwrap();
    let found = fresh.store.committed(&pending).await.unwrap().unwrap();
    assert_eq!((found.seq(), found.grant(), found.version()), (receipt.seq(), row.grant, row.version));
    let mut tx = fresh.store.write().await.unwrap();
    assert!(tx.trail_has(row.id).await.unwrap() && !tx.trail_has(event(3).id).await.unwrap());
}
