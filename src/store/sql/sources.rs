//! Rows of `sources`: who hands keys in, and how much.

use sqlx::query;

use super::super::{Conn, Row};
use super::{get, many, one};
use crate::domain::device::{Ownership, Serial};
use crate::domain::ids::Timestamp;
use crate::domain::source::SourceRow;
use crate::store::StoreError;

macro_rules! rows {
    () => {
        "SELECT s.token, s.added_at, s.first_seen, s.last_seen, s.deposits, s.refused, d.serial, d.ownership \
         FROM sources s LEFT JOIN devices d ON d.id = s.last_device"
    };
}

statements! {
    BY_TOKEN = concat!(rows!(), " WHERE s.token = $1");
    PAGE = concat!(rows!(), " WHERE (s.added_at, s.token) < ($1, $2) ORDER BY s.added_at DESC, s.token DESC LIMIT $3");
}

pub async fn source(conn: &mut Conn, token: &str) -> Result<Option<SourceRow>, StoreError> {
    one(query(BY_TOKEN).bind(token).fetch_optional(conn).await?, read)
}

pub async fn sources_page(conn: &mut Conn, added_at: Timestamp, token: &str, limit: i64) -> Result<Vec<SourceRow>, StoreError> {
    many(&query(PAGE).bind(added_at.0).bind(token).bind(limit).fetch_all(conn).await?, read)
}

fn read(row: &Row) -> Result<SourceRow, StoreError> {
    let serial = get::<Option<String>>(row, "serial")?.and_then(|text| Serial::parse(&text).ok());
    let ownership = get::<Option<String>>(row, "ownership")?.and_then(|text| Ownership::parse(&text));
    Ok(SourceRow {
        token: get(row, "token")?,
        added_at: Timestamp(get(row, "added_at")?),
        first_seen: get::<Option<i64>>(row, "first_seen")?.map(Timestamp),
        last_seen: get::<Option<i64>>(row, "last_seen")?.map(Timestamp),
        deposits: get(row, "deposits")?,
        refused: get(row, "refused")?,
        last_device: serial.zip(ownership),
    })
}
