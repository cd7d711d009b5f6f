//! Rows of `key_versions`. The one file of the store that makes a `Sealed`, and one statement that reads sealed bytes of a
//! key: it is reached through `Store::sealed_key` alone.

use sqlx::{query, query_as};

use super::super::{Conn, Row, uuid_list};
use super::{Cells, get, word};
use crate::domain::ids::{DeviceId, Timestamp, VersionId};
use crate::domain::{Attested, KeyVersion, Sealed, SecretKind, Trust};
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "id, device, kind, version, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, confirmed_at, \
         revealed_at, row_mac"
    };
}
pub(super) use columns;

statements! {
    VERSIONS = concat!("SELECT ", columns!(), " FROM key_versions WHERE device = $1 AND kind = $2 ORDER BY version DESC LIMIT $3");
    /// The few that decide: by rank, by last confirmation, those of a kind that no version of ours has, and one fingerprint.
    CANDIDATES = concat!(
        "SELECT ", columns!(), " FROM key_versions WHERE id IN (",
        "SELECT id FROM (SELECT id FROM key_versions WHERE device = $1 AND kind = $2 ",
        "ORDER BY trust DESC, promoted_at DESC, version DESC LIMIT 8) ranked ",
        "UNION SELECT id FROM (SELECT id FROM key_versions WHERE device = $1 AND kind = $2 ORDER BY confirmed_at DESC LIMIT 8) seen ",
        "UNION SELECT id FROM (SELECT id FROM key_versions WHERE device = $1 AND kind <> $2 LIMIT 8) strange ",
        "UNION SELECT id FROM key_versions WHERE device = $1 AND kind = $2 AND fingerprint = $3) ORDER BY version DESC"
    );
    COUNT = "SELECT COUNT(*), COALESCE(MAX(version), 0) FROM key_versions WHERE device = $1 AND kind = $2";
    LEADERS_OF = concat!(
        "SELECT ", columns!(), " FROM (SELECT ", columns!(), ", ROW_NUMBER() OVER (PARTITION BY device, kind ",
        "ORDER BY trust DESC, promoted_at DESC, version DESC) AS place FROM key_versions WHERE device", in_uuids!("$1"),
        ") ranked WHERE place <= 4 ORDER BY device, kind, version DESC"
    );
    VERSIONS_AFTER = concat!("SELECT ", columns!(), " FROM key_versions WHERE id > $1 ORDER BY id LIMIT $2");
    VERSION = concat!("SELECT ", columns!(), " FROM key_versions WHERE id = $1");
    SEALED_VERSION = concat!("SELECT ", columns!(), ", sealed FROM key_versions WHERE id = $1");
    /// Sealed under another KEK than this one.
    SEALED_OTHERWISE = concat!(
        "SELECT ", columns!(), ", sealed FROM key_versions WHERE id > $1 AND kek_id <> $2 ORDER BY id LIMIT $3"
    );
    RESEAL = concat!(
        "UPDATE key_versions SET sealed = $3, kek_id = $4, row_mac = $5 \
         WHERE id = (SELECT id FROM key_versions WHERE id = $1 AND row_mac = $2", free!(), ")"
    );
    REPLACE = "UPDATE key_versions SET trust = $3, promoted_at = $4, revealed_at = $15, row_mac = $5, \
               confirmed_at = CASE WHEN confirmed_at < $6 THEN $6 ELSE confirmed_at END \
               WHERE id = $1 AND row_mac = $2 AND device = $7 AND kind = $8 AND version = $9 AND kek_id = $10 \
               AND fingerprint = $11 AND source = $12 AND escrowed_at = $13 AND unseen_letters = $14";
}

pub async fn versions(conn: &mut Conn, device: DeviceId, kind: SecretKind, limit: i64) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    Ok(query(VERSIONS).bind(device.0).bind(kind.code()).bind(limit).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn candidates(
    conn: &mut Conn,
    device: DeviceId,
    kind: SecretKind,
    fingerprint: Option<&[u8]>,
) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    let found = query(CANDIDATES).bind(device.0).bind(kind.code()).bind(fingerprint.unwrap_or_default()).fetch_all(conn).await?;
    Ok(found.iter().map(read).collect())
}

pub async fn version_count(conn: &mut Conn, device: DeviceId, kind: SecretKind) -> Result<(i64, i64), StoreError> {
    Ok(query_as(COUNT).bind(device.0).bind(kind.code()).fetch_one(conn).await?)
}

pub async fn leaders_of(conn: &mut Conn, devices: &[DeviceId]) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    Ok(query(LEADERS_OF).bind(uuid_list(devices.iter().map(|d| d.0))).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn versions_after(conn: &mut Conn, after: VersionId, limit: i64) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    Ok(query(VERSIONS_AFTER).bind(after.0).bind(limit).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn version(conn: &mut Conn, id: VersionId) -> Result<Option<Attested<KeyVersion>>, StoreError> {
    Ok(query(VERSION).bind(id.0).fetch_optional(conn).await?.as_ref().map(read))
}

/// For `Store::sealed_key` only.
pub async fn sealed_version(conn: &mut Conn, id: VersionId) -> Result<Option<(Attested<KeyVersion>, Sealed)>, StoreError> {
    let found = query(SEALED_VERSION).bind(id.0).fetch_optional(conn).await?;
    // What cannot be read is as good as nothing: it does not open.
    Ok(found.as_ref().map(|row| (read(row), sealed(row).unwrap_or_else(|_| Sealed::from_parts(Vec::new(), 0)))))
}

/// For `Store::sealed_otherwise` only.
pub async fn sealed_otherwise(
    conn: &mut Conn,
    kek_id: u32,
    after: VersionId,
    limit: i64,
) -> Result<Vec<(Attested<KeyVersion>, Sealed)>, StoreError> {
    let found = query(SEALED_OTHERWISE).bind(after.0).bind(i64::from(kek_id)).bind(limit).fetch_all(conn).await?;
    Ok(found.iter().map(|row| (read(row), sealed(row).unwrap_or_else(|_| Sealed::from_parts(Vec::new(), 0)))).collect())
}

pub async fn reseal_version(conn: &mut Conn, old_mac: &[u8], version: &Attested<KeyVersion>, sealed: &Sealed) -> Result<bool, StoreError> {
    let (row, mac) = version.parts();
    let update = query(RESEAL).bind(row.id.0).bind(old_mac).bind(sealed.bytes()).bind(i64::from(sealed.kek_id())).bind(mac);
    Ok(update.execute(conn).await?.rows_affected() == 1)
}

pub async fn replace_version(conn: &mut Conn, id: VersionId, old_mac: &[u8], version: &Attested<KeyVersion>) -> Result<bool, StoreError> {
    let (row, mac) = version.parts();
    let done = query(REPLACE)
        .bind(id.0)
        .bind(old_mac)
        .bind(row.trust.level())
        .bind(row.promoted_at.0)
        .bind(mac)
        .bind(row.confirmed_at.0)
        .bind(row.device.0)
        .bind(row.kind.code())
        .bind(row.version)
        .bind(i64::from(row.kek_id))
        .bind(row.fingerprint.as_slice())
        .bind(row.source.as_str())
        .bind(row.escrowed_at.0)
        .bind(i64::from(row.unseen_letters))
        .bind(row.revealed_at.map(|t| t.0))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The columns `sealed` and `kek_id`, of whichever table.
pub(super) fn sealed(row: &Row) -> Result<Sealed, StoreError> {
    Ok(Sealed::from_parts(get(row, "sealed")?, word(row, "kek_id", |id: i64| u32::try_from(id).ok())?))
}

pub(super) fn read(row: &Row) -> Attested<KeyVersion> {
    let cells = Cells::of(row);
    let version = KeyVersion {
        id: VersionId(cells.get("id")),
        device: DeviceId(cells.get("device")),
        kind: cells.word("kind", SecretKind::parse, SecretKind::RecoveryKey),
        version: cells.get("version"),
        kek_id: cells.word("kek_id", |id: i64| u32::try_from(id).ok(), 0),
        fingerprint: cells.get("fingerprint"),
        source: cells.get("source"),
        trust: cells.word("trust", Trust::from_level, Trust::Typed),
        escrowed_at: Timestamp(cells.get("escrowed_at")),
        promoted_at: Timestamp(cells.get("promoted_at")),
        unseen_letters: cells.word("unseen_letters", |n: i64| (0..=1).contains(&n).then_some(n == 1), false),
        confirmed_at: Timestamp(cells.get("confirmed_at")),
        revealed_at: cells.get::<Option<i64>>("revealed_at").map(Timestamp),
    };
    cells.attested(version, "row_mac")
}
