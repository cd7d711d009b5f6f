//! The row of `key_ring`, and whether the database holds anything yet.

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

fn read(row: &Row) -> Result<RingRow, StoreError> {
    Ok(RingRow { generation: get(row, "generation")?, wrapped: get(row, "wrapped")?, wrapped_by: get(row, "wrapped_by")? })
}
