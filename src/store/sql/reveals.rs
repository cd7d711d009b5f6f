//! Rows of `reveal_grants` and `quotas`.

use sqlx::{query, query_scalar};

use super::super::{Conn, Row};
use super::people::subject;
use super::{get, one, word};
use crate::domain::Attested;
use crate::domain::ids::{DeviceId, GrantId, LineId, Timestamp, VersionId};
use crate::domain::reveal::{Basis, Grant};
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "id, issuer, subject, line, device, version, basis, valid_from, valid_until, renewed_from, renewal, hidden_at, row_mac"
    };
}

statements! {
    BUMP_QUOTA = "INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ($1, $2, $3, 1) \
                  ON CONFLICT (actor, window_kind, window_start) DO UPDATE SET n = quotas.n + 1 RETURNING n";
    SWEEP_QUOTAS = "DELETE FROM quotas WHERE window_start < $1";
    INSERT = concat!(
        "INSERT INTO reveal_grants (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ",
        "ON CONFLICT (renewed_from) DO NOTHING"
    );
    BY_ID = concat!("SELECT ", columns!(), " FROM reveal_grants WHERE id = $1");
    CHILD = concat!("SELECT ", columns!(), " FROM reveal_grants WHERE renewed_from = $1");
    HIDE = "UPDATE reveal_grants SET hidden_at = $2 WHERE id = $1 AND hidden_at IS NULL AND valid_until > $2";
}

pub async fn bump_quota(conn: &mut Conn, actor: &str, window_kind: &str, window_start: i64) -> Result<i64, StoreError> {
    Ok(query_scalar(BUMP_QUOTA).bind(actor).bind(window_kind).bind(window_start).fetch_one(conn).await?)
}

pub async fn sweep_quotas(conn: &mut Conn, before: i64) -> Result<u64, StoreError> {
    Ok(query(SWEEP_QUOTAS).bind(before).execute(conn).await?.rows_affected())
}

pub async fn insert_grant(conn: &mut Conn, grant: &Attested<Grant>) -> Result<bool, StoreError> {
    let (row, mac) = grant.parts();
    let done = query(INSERT)
        .bind(row.id.0)
        .bind(row.who.issuer.as_str())
        .bind(row.who.subject.as_str())
        .bind(row.line.0)
        .bind(row.device.0)
        .bind(row.version.0)
        .bind(row.basis.code())
        .bind(row.from.0)
        .bind(row.until.0)
        .bind(row.renewed_from.map(|g| g.0))
        .bind(row.renewal)
        .bind(row.hidden_at.map(|t| t.0))
        .bind(mac)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn grant(conn: &mut Conn, id: GrantId) -> Result<Option<Attested<Grant>>, StoreError> {
    one(query(BY_ID).bind(id.0).fetch_optional(conn).await?, read)
}

pub async fn grant_child(conn: &mut Conn, id: GrantId) -> Result<Option<Attested<Grant>>, StoreError> {
    one(query(CHILD).bind(id.0).fetch_optional(conn).await?, read)
}

pub async fn hide_grant(conn: &mut Conn, id: GrantId, at: Timestamp) -> Result<bool, StoreError> {
    Ok(query(HIDE).bind(id.0).bind(at.0).execute(conn).await?.rows_affected() == 1)
}

fn read(row: &Row) -> Result<Attested<Grant>, StoreError> {
    let grant = Grant {
        id: GrantId(get(row, "id")?),
        who: subject(row)?,
        line: LineId(get(row, "line")?),
        device: DeviceId(get(row, "device")?),
        version: VersionId(get(row, "version")?),
        basis: word(row, "basis", Basis::parse)?,
        from: Timestamp(get(row, "valid_from")?),
        until: Timestamp(get(row, "valid_until")?),
        renewed_from: get::<Option<uuid::Uuid>>(row, "renewed_from")?.map(GrantId),
        renewal: get(row, "renewal")?,
        hidden_at: get::<Option<i64>>(row, "hidden_at")?.map(Timestamp),
    };
    Ok(Attested::from_parts(grant, get(row, "row_mac")?))
}
