//! Rows of `api_tokens`.

use sqlx::query;

use super::super::{Conn, Row, text_list};
use super::{Cells, get};
use crate::domain::ids::Timestamp;
use crate::domain::token::{ApiToken, Door, Scopes};
use crate::domain::{Attested, Trust};
use crate::store::{StoreError, TokenRows};

macro_rules! columns {
    () => {
        "id, secret_hash, name, scopes, door, device_pattern, trust, created_at, expires_at, revoked_at, last_used, row_mac"
    };
}

statements! {
    INSERT = concat!("INSERT INTO api_tokens (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING");
    BY_ID = concat!("SELECT ", columns!(), " FROM api_tokens WHERE id = $1");
    BY_IDS = concat!(
        "SELECT (SELECT generation FROM key_ring WHERE id = 1) AS generation, ", columns!(), " FROM api_tokens WHERE id", in_texts!("$1")
    );
    LIST = concat!("SELECT ", columns!(), " FROM api_tokens ORDER BY created_at DESC, id");
    PAGE = concat!(
        "SELECT ", columns!(), " FROM api_tokens WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3"
    );
    REPLACE = "UPDATE api_tokens SET secret_hash = $2, name = $3, scopes = $4, door = $5, device_pattern = $6, trust = $7, \
               created_at = $8, expires_at = $9, revoked_at = $10, last_used = COALESCE($11, last_used), row_mac = $12 \
               WHERE id = $1 AND row_mac = $13";
    TOUCH = "UPDATE api_tokens SET last_used = $2 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";
}

/// Binds the twelve columns of a token in their order, under the given id.
macro_rules! bind_token {
    ($query:expr, $id:expr, $token:expr) => {{
        let (row, mac) = $token.parts();
        $query
            .bind($id)
            .bind(row.secret_hash.as_slice())
            .bind(row.name.as_str())
            .bind(row.scopes.bits())
            .bind(row.door.code())
            .bind(row.device_pattern.as_deref())
            .bind(row.trust.level())
            .bind(row.created_at.0)
            .bind(row.expires_at.map(|t| t.0))
            .bind(row.revoked_at.map(|t| t.0))
            .bind(row.last_used.map(|t| t.0))
            .bind(mac)
    }};
}

pub async fn insert_token(conn: &mut Conn, token: &Attested<ApiToken>) -> Result<bool, StoreError> {
    Ok(bind_token!(query(INSERT), token.parts().0.id.as_str(), token).execute(conn).await?.rows_affected() == 1)
}

pub async fn token(conn: &mut Conn, id: &str) -> Result<Option<Attested<ApiToken>>, StoreError> {
    Ok(query(BY_ID).bind(id).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn tokens_by_ids(conn: &mut Conn, ids: &[&str]) -> Result<TokenRows, StoreError> {
    let found = query(BY_IDS).bind(text_list(ids.iter().copied())).fetch_all(conn).await?;
    let generation = found.first().map(|row| get(row, "generation")).transpose()?.flatten();
    Ok(TokenRows { generation, rows: found.iter().map(read).collect() })
}

pub async fn tokens(conn: &mut Conn) -> Result<Vec<Attested<ApiToken>>, StoreError> {
    Ok(query(LIST).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn tokens_page(conn: &mut Conn, created_at: Timestamp, id: &str, limit: i64) -> Result<Vec<Attested<ApiToken>>, StoreError> {
    Ok(query(PAGE).bind(created_at.0).bind(id).bind(limit).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn replace_token(conn: &mut Conn, id: &str, old_mac: &[u8], token: &Attested<ApiToken>) -> Result<bool, StoreError> {
    Ok(bind_token!(query(REPLACE), id, token).bind(old_mac).execute(conn).await?.rows_affected() == 1)
}

pub async fn touch_token(conn: &mut Conn, id: &str, at: Timestamp) -> Result<(), StoreError> {
    query(TOUCH).bind(id).bind(at.0).execute(conn).await?;
    Ok(())
}

fn read(row: &Row) -> Attested<ApiToken> {
    let cells = Cells::of(row);
    let token = ApiToken {
        id: cells.get("id"),
        secret_hash: cells.get("secret_hash"),
        name: cells.get("name"),
        scopes: cells.word("scopes", |bits: i64| Some(Scopes::from_bits(bits)).filter(|s| s.bits() == bits), Scopes::default()),
        door: cells.word("door", Door::parse, Door::Header),
        device_pattern: cells.get("device_pattern"),
        trust: cells.word("trust", Trust::from_level, Trust::Typed),
        created_at: Timestamp(cells.get("created_at")),
        expires_at: cells.get::<Option<i64>>("expires_at").map(Timestamp),
        revoked_at: cells.get::<Option<i64>>("revoked_at").map(Timestamp),
        last_used: cells.get::<Option<i64>>("last_used").map(Timestamp),
    };
    cells.attested(token, "row_mac")
}
