//! Rows of `reveal_grants` and `quotas`.

use sqlx::{query, query_scalar};

use super::super::{Conn, Row};
use super::Cells;
use super::people::subject;
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
    BY_ID_LOCKED = concat!("SELECT ", columns!(), " FROM reveal_grants WHERE id = $1", lock!());
    AFTER = concat!("SELECT ", columns!(), " FROM reveal_grants WHERE id > $1 ORDER BY id LIMIT $2");
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
    Ok(query(BY_ID).bind(id.0).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn grant_locked(conn: &mut Conn, id: GrantId) -> Result<Option<Attested<Grant>>, StoreError> {
    Ok(query(BY_ID_LOCKED).bind(id.0).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn grants_after(conn: &mut Conn, after: GrantId, limit: i64) -> Result<Vec<Attested<Grant>>, StoreError> {
    Ok(query(AFTER).bind(after.0).bind(limit).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn grant_child(conn: &mut Conn, id: GrantId) -> Result<Option<Attested<Grant>>, StoreError> {
    Ok(query(CHILD).bind(id.0).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn hide_grant(conn: &mut Conn, id: GrantId, at: Timestamp) -> Result<bool, StoreError> {
    Ok(query(HIDE).bind(id.0).bind(at.0).execute(conn).await?.rows_affected() == 1)
}

fn read(row: &Row) -> Attested<Grant> {
    let cells = Cells::of(row);
    let grant = Grant {
        id: GrantId(cells.get("id")),
        who: subject(&cells),
        line: LineId(cells.get("line")),
        device: DeviceId(cells.get("device")),
        version: VersionId(cells.get("version")),
        basis: cells.word("basis", Basis::parse, Basis::Owner),
        from: Timestamp(cells.get("valid_from")),
        until: Timestamp(cells.get("valid_until")),
        renewed_from: cells.get::<Option<uuid::Uuid>>("renewed_from").map(GrantId),
        renewal: cells.get("renewal"),
        hidden_at: cells.get::<Option<i64>>("hidden_at").map(Timestamp),
    };
    cells.attested(grant, "row_mac")
}
