//! Rows of `idempotency_keys`.

use sqlx::query;

use super::super::{Conn, Row};
use super::Cells;
use crate::domain::Attested;
use crate::domain::ids::Timestamp;
use crate::domain::once::Answered;
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "key_hash, body_hash, status, answer, created_at, row_mac"
    };
}

statements! {
    CLAIM = concat!("INSERT INTO idempotency_keys (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING");
    BY_KEY = concat!("SELECT ", columns!(), " FROM idempotency_keys WHERE key_hash = $1");
    SETTLE = "UPDATE idempotency_keys SET body_hash = $2, status = $3, answer = $4, created_at = $5, row_mac = $6 \
              WHERE key_hash = $1 AND row_mac = $7";
    SWEEP = "DELETE FROM idempotency_keys WHERE created_at < $1";
}

/// Binds the six columns in their order.
macro_rules! bind_answer {
    ($query:expr, $row:expr) => {{
        let (row, mac) = $row.parts();
        $query
            .bind(row.key_hash.as_slice())
            .bind(row.body_hash.as_slice())
            .bind(row.status)
            .bind(row.answer.as_str())
            .bind(row.created_at.0)
            .bind(mac)
    }};
}

pub async fn claim_answer(conn: &mut Conn, row: &Attested<Answered>) -> Result<bool, StoreError> {
    Ok(bind_answer!(query(CLAIM), row).execute(conn).await?.rows_affected() == 1)
}

pub async fn answer_by_key(conn: &mut Conn, key_hash: &[u8]) -> Result<Option<Attested<Answered>>, StoreError> {
    Ok(query(BY_KEY).bind(key_hash).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn settle_answer(conn: &mut Conn, old_mac: &[u8], row: &Attested<Answered>) -> Result<bool, StoreError> {
    Ok(bind_answer!(query(SETTLE), row).bind(old_mac).execute(conn).await?.rows_affected() == 1)
}

pub async fn sweep_answers(conn: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    Ok(query(SWEEP).bind(before.0).execute(conn).await?.rows_affected())
}

fn read(row: &Row) -> Attested<Answered> {
    let cells = Cells::of(row);
    let answered = Answered {
        key_hash: cells.get("key_hash"),
        body_hash: cells.get("body_hash"),
        status: cells.get("status"),
        answer: cells.get("answer"),
        created_at: Timestamp(cells.get("created_at")),
    };
    cells.attested(answered, "row_mac")
}
