//! The row of `key_ring`, what is still under a key of the ring, and whether the database holds anything yet.

use sqlx::{query, query_scalar};

use super::super::{Conn, Row};
use super::{get, one};
use crate::store::{RingRow, StoreError};

statements! {
    RING = "SELECT generation, wrapped, wrapped_by FROM key_ring WHERE id = 1";
    INSERT_RING = "INSERT INTO key_ring (id, generation, wrapped, wrapped_by) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING";
    REPLACE_RING = "UPDATE key_ring SET generation = $1, wrapped = $2, wrapped_by = $3 WHERE id = 1 AND generation = $4";
    ANYTHING = "SELECT COUNT(*) FROM (SELECT * FROM (SELECT id FROM devices LIMIT 1) AS d UNION ALL \
                SELECT * FROM (SELECT id FROM key_versions LIMIT 1) AS k UNION ALL \
                SELECT * FROM (SELECT id FROM audit_events LIMIT 1) AS a) AS found";
    UNDER_KEK = "SELECT (SELECT COUNT(*) FROM key_versions WHERE kek_id = $1) + (SELECT COUNT(*) FROM sign_ins WHERE kek_id = $1)";
    UNDER_TOKEN_KEY = "SELECT (SELECT COUNT(*) FROM api_tokens WHERE revoked_at IS NULL AND substr(secret_hash, 1, 5) = $1) \
                       + (SELECT COUNT(*) FROM sessions WHERE substr(secret_hash, 1, 5) = $1) \
                       + (SELECT COUNT(*) FROM sign_ins WHERE substr(state_hash, 1, 5) = $1) \
                       + (SELECT COUNT(*) FROM idempotency_keys WHERE substr(key_hash, 1, 5) = $1)";
    UNDER_AUDIT_KEY = "SELECT COUNT(*) FROM audit_events WHERE substr(mac, 1, 5) = $1";
    UNDER_ROW_KEY = "SELECT (SELECT COUNT(*) FROM devices WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM device_owners WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM login_bindings WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM api_tokens WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM key_versions WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM reveal_grants WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM sessions WHERE substr(row_mac, 1, 5) = $1) \
                     + (SELECT COUNT(*) FROM idempotency_keys WHERE substr(row_mac, 1, 5) = $1)";
    ADD_USES = "INSERT INTO kek_uses (kek_id, sealed) VALUES ($1, $2) \
                ON CONFLICT (kek_id) DO UPDATE SET sealed = kek_uses.sealed + excluded.sealed";
    USES = "SELECT sealed FROM kek_uses WHERE kek_id = $1";
}

pub async fn key_ring(conn: &mut Conn) -> Result<Option<RingRow>, StoreError> {
    one(query(RING).fetch_optional(conn).await?, read)
}

pub async fn insert_key_ring(conn: &mut Conn, ring: &RingRow) -> Result<bool, StoreError> {
    let insert = query(INSERT_RING).bind(ring.generation).bind(ring.wrapped.as_slice()).bind(ring.wrapped_by.as_str());
    Ok(insert.execute(conn).await?.rows_affected() == 1)
}

pub async fn replace_key_ring(conn: &mut Conn, old_generation: i64, ring: &RingRow) -> Result<bool, StoreError> {
    let update = query(REPLACE_RING).bind(ring.generation).bind(ring.wrapped.as_slice()).bind(ring.wrapped_by.as_str());
    Ok(update.bind(old_generation).execute(conn).await?.rows_affected() == 1)
}

pub async fn is_empty(conn: &mut Conn) -> Result<bool, StoreError> {
    let found: i64 = query_scalar(ANYTHING).fetch_one(conn).await?;
    Ok(found == 0)
}

pub async fn under_kek(conn: &mut Conn, kek_id: u32) -> Result<i64, StoreError> {
    Ok(query_scalar(UNDER_KEK).bind(i64::from(kek_id)).fetch_one(conn).await?)
}

pub async fn under_token_key(conn: &mut Conn, beginning: &[u8]) -> Result<i64, StoreError> {
    Ok(query_scalar(UNDER_TOKEN_KEY).bind(beginning).fetch_one(conn).await?)
}

pub async fn under_audit_key(conn: &mut Conn, beginning: &[u8]) -> Result<i64, StoreError> {
    Ok(query_scalar(UNDER_AUDIT_KEY).bind(beginning).fetch_one(conn).await?)
}

pub async fn under_row_key(conn: &mut Conn, beginning: &[u8]) -> Result<i64, StoreError> {
    Ok(query_scalar(UNDER_ROW_KEY).bind(beginning).fetch_one(conn).await?)
}

pub async fn add_kek_uses(conn: &mut Conn, kek_id: u32, sealed: i64) -> Result<(), StoreError> {
    query(ADD_USES).bind(i64::from(kek_id)).bind(sealed).execute(conn).await?;
    Ok(())
}

pub async fn kek_uses(conn: &mut Conn, kek_id: u32) -> Result<i64, StoreError> {
    Ok(query_scalar(USES).bind(i64::from(kek_id)).fetch_optional(conn).await?.unwrap_or(0))
}

fn read(row: &Row) -> Result<RingRow, StoreError> {
    Ok(RingRow { generation: get(row, "generation")?, wrapped: get(row, "wrapped")?, wrapped_by: get(row, "wrapped_by")? })
}
