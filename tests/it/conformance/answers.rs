//! Kept answers, and the lists that programs read: claimed once, waited for, paged by an index.

use keyharbor::domain::ids::Timestamp;
use keyharbor::domain::once::Answered;
use keyharbor::store::Engine;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use super::sample::*;
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(kept_answers, a_second_claim_waits_for_the_first, devices_in_pages, the_trail_in_pages, pages_are_read_from_an_index);

fn answered(n: u8, status: i64) -> Answered {
    Answered { key_hash: vec![n; 37], body_hash: vec![9; 37], status, answer: "{\"å\":1}".into(), created_at: Timestamp(i64::from(n)) }
}

async fn kept_answers(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let blank = signed(answered(1, 0));
    assert!(tx.claim_answer(&blank).await.unwrap());
    assert!(!tx.claim_answer(&signed(answered(1, 201))).await.unwrap());
    assert!(tx.answer_by_key(&[2; 37]).await.unwrap().is_none());
    let full = signed(answered(1, 201));
    assert!(!tx.settle_answer(full.mac(), &full).await.unwrap(), "another MAC is stored");
    assert!(tx.settle_answer(blank.mac(), &full).await.unwrap());
    assert!(!tx.settle_answer(blank.mac(), &full).await.unwrap());
    assert_eq!(tx.answer_by_key(&[1; 37]).await.unwrap().unwrap().check(&TestMac).unwrap(), answered(1, 201));
    for n in 2..=5 {
        assert!(tx.claim_answer(&signed(answered(n, 200))).await.unwrap());
    }
    assert_eq!(tx.sweep_answers(Timestamp(4)).await.unwrap(), 3);
    assert!(tx.answer_by_key(&[3; 37]).await.unwrap().is_none() && tx.answer_by_key(&[4; 37]).await.unwrap().is_some());
}

async fn a_second_claim_waits_for_the_first(fresh: Fresh) {
    let mut first = fresh.store.write().await.unwrap();
    let blank = signed(answered(1, 0));
    assert!(first.claim_answer(&blank).await.unwrap());
    let store = fresh.store.clone();
    let second = tokio::spawn(async move {
        let mut tx = store.write().await.unwrap();
        let claimed = tx.claim_answer(&signed(answered(1, 0))).await.unwrap();
        (claimed, tx.answer_by_key(&[1; 37]).await.unwrap().unwrap().check(&TestMac).unwrap().status)
    });
    assert!(first.settle_answer(blank.mac(), &signed(answered(1, 201))).await.unwrap());
    first.commit_unrecorded().await.unwrap();
    assert_eq!(second.await.unwrap(), (false, 201), "it sees what the first one left");
}

async fn devices_in_pages(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    for (n, serial) in ["C02B", "C02A", "C03A", "B99Z", "C02 A", "C02a-"].into_iter().enumerate() {
        assert!(tx.insert_device(&device(n as u128 + 1, serial)).await.unwrap());
    }
    let mut page = async |after, from, until, limit| -> Vec<String> {
        let rows = tx.devices_by_serial(after, from, until, limit).await.unwrap();
        assert!(rows.iter().all(|(serial, device)| serial == device.serial.as_str()));
        rows.into_iter().map(|(serial, _)| serial).collect()
    };
    assert_eq!(page("", "", "\u{7f}", 9).await, ["B99Z", "C02 A", "C02A", "C02A-", "C02B", "C03A"], "byte by byte");
    assert_eq!(page("C02A", "", "\u{7f}", 2).await, ["C02A-", "C02B"], "those after it, without it");
    assert_eq!(page("", "C02", "C02\u{7f}", 9).await, ["C02 A", "C02A", "C02A-", "C02B"]);
    assert_eq!(page("", "C02A", "C02A ", 9).await, ["C02A"]);
    assert!(page("C03A", "", "\u{7f}", 9).await.is_empty());
}

async fn the_trail_in_pages(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[event(1), event(2), event(3)], &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
    let mut tx = fresh.store.read().await.unwrap();
    let seqs = |rows: Vec<keyharbor::domain::audit::TrailRow>| rows.iter().map(|r| r.seq).collect::<Vec<_>>();
    assert_eq!(seqs(tx.trail_feed(0, 2).await.unwrap()), [1, 2]);
    assert_eq!(seqs(tx.trail_feed(2, 2).await.unwrap()), [3]);
    assert!(tx.trail_feed(3, 2).await.unwrap().is_empty());
}

/// What the engine means to do, for each statement of a list.
async fn pages_are_read_from_an_index(fresh: Fresh) {
    let engine = fresh.store.engine();
    for (name, values) in [("devices::FROM_SERIAL", ["''", "''", "'z'", "10"].as_slice()), ("trail::AFTER", &["0", "10"])] {
        let all = keyharbor::store::Store::statements(engine);
        let (_, sql) = all.into_iter().find(|(n, _)| *n == name).unwrap();
        let mut sql = sql.to_owned();
        for (n, value) in values.iter().enumerate() {
            sql = sql.replace(&format!("${}", n + 1), value);
        }
        let plan = match engine {
            Engine::Sqlite => {
                let mut conn = SqliteConnection::connect(&fresh.url).await.unwrap();
                let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut conn).await.unwrap();
                rows.iter().map(|r| r.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
            }
            Engine::Postgres => {
                let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
                // A table of three rows is read as a whole by every planner.
                sqlx::raw_sql("SET enable_seqscan = off; SET enable_bitmapscan = off").execute(&mut conn).await.unwrap();
                let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN {sql}"))).fetch_all(&mut conn).await.unwrap();
                rows.iter().map(|r| r.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
            }
        };
        let uses = plan.contains("Index Scan") || plan.contains("SEARCH");
        let sorts = plan.contains("Sort") || plan.contains("TEMP B-TREE");
        assert!(uses && !sorts && !plan.contains("Seq Scan") && !plan.contains("SCAN audit"), "{name}: {plan}");
    }
}
