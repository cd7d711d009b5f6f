//! Rows of `key_versions`. The one file of the store that makes a `Sealed`, and one statement that reads sealed bytes of a
//! key: it is reached through `Store::sealed_key` alone.

use sqlx::query;

use super::super::{Conn, Row, uuid_list};
use super::{get, many, one, word};
use crate::domain::ids::{DeviceId, Timestamp, VersionId};
use crate::domain::{Attested, KeyVersion, Sealed, SecretKind, Trust};
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "id, device, kind, version, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, confirmed_at, \
         revealed_at, row_mac"
    };
}

statements! {
    VERSIONS = concat!("SELECT ", columns!(), " FROM key_versions WHERE device = $1 AND kind = $2 ORDER BY version DESC");
    VERSIONS_OF = concat!(
        "SELECT ", columns!(), " FROM key_versions WHERE device IN ", uuids_in!("$1"), " ORDER BY device, kind, version DESC"
    );
    VERSION_IDS = "SELECT id FROM key_versions WHERE id > $1 ORDER BY id LIMIT $2";
    VERSION = concat!("SELECT ", columns!(), " FROM key_versions WHERE id = $1");
    SEALED_VERSION = concat!("SELECT ", columns!(), ", sealed FROM key_versions WHERE id = $1");
    INSERT = concat!(
        "INSERT INTO key_versions (", columns!(), ", sealed) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
    REPLACE = "UPDATE key_versions SET trust = $3, promoted_at = $4, row_mac = $5, \
               confirmed_at = CASE WHEN confirmed_at < $6 THEN $6 ELSE confirmed_at END \
               WHERE id = $1 AND row_mac = $2 AND device = $7 AND kind = $8 AND version = $9 AND kek_id = $10 \
               AND fingerprint = $11 AND source = $12 AND escrowed_at = $13 AND unseen_letters = $14";
    CONFIRM = "UPDATE key_versions SET confirmed_at = $2 WHERE id = $1 AND confirmed_at < $2";
    MARK_REVEALED = "UPDATE key_versions SET revealed_at = $2 WHERE id = $1 AND revealed_at IS NULL";
}

pub async fn versions(conn: &mut Conn, device: DeviceId, kind: SecretKind) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    many(&query(VERSIONS).bind(device.0).bind(kind.code()).fetch_all(conn).await?, read)
}

pub async fn versions_of(conn: &mut Conn, devices: &[DeviceId]) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    many(&query(VERSIONS_OF).bind(uuid_list(devices.iter().map(|d| d.0))).fetch_all(conn).await?, read)
}

pub async fn version_ids(conn: &mut Conn, after: VersionId, limit: i64) -> Result<Vec<VersionId>, StoreError> {
    many(&query(VERSION_IDS).bind(after.0).bind(limit).fetch_all(conn).await?, |row| Ok(VersionId(get(row, "id")?)))
}

pub async fn version(conn: &mut Conn, id: VersionId) -> Result<Option<Attested<KeyVersion>>, StoreError> {
    one(query(VERSION).bind(id.0).fetch_optional(conn).await?, read)
}

/// For `Store::sealed_key` only.
pub async fn sealed_version(conn: &mut Conn, id: VersionId) -> Result<Option<(Attested<KeyVersion>, Sealed)>, StoreError> {
    one(query(SEALED_VERSION).bind(id.0).fetch_optional(conn).await?, |row| Ok((read(row)?, sealed(row)?)))
}

pub async fn insert_version(conn: &mut Conn, version: &Attested<KeyVersion>, sealed: &Sealed) -> Result<(), StoreError> {
    let (row, mac) = version.parts();
    if row.kek_id != sealed.kek_id() {
        return Err(StoreError::Other("a key version names another KEK than its sealed value".to_owned()));
    }
    query(INSERT)
        .bind(row.id.0)
        .bind(row.device.0)
        .bind(row.kind.code())
        .bind(row.version)
        .bind(i64::from(row.kek_id))
        .bind(row.fingerprint.as_slice())
        .bind(row.source.as_str())
        .bind(row.trust.level())
        .bind(row.escrowed_at.0)
        .bind(row.promoted_at.0)
        .bind(i64::from(row.unseen_letters))
        .bind(row.confirmed_at.0)
        .bind(row.revealed_at.map(|t| t.0))
        .bind(mac)
        .bind(sealed.bytes())
        .execute(conn)
        .await?;
    Ok(())
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
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn confirm_version(conn: &mut Conn, id: VersionId, at: Timestamp) -> Result<(), StoreError> {
    query(CONFIRM).bind(id.0).bind(at.0).execute(conn).await?;
    Ok(())
}

pub async fn mark_revealed(conn: &mut Conn, id: VersionId, at: Timestamp) -> Result<(), StoreError> {
    query(MARK_REVEALED).bind(id.0).bind(at.0).execute(conn).await?;
    Ok(())
}

/// The columns `sealed` and `kek_id`, of whichever table.
pub(super) fn sealed(row: &Row) -> Result<Sealed, StoreError> {
    Ok(Sealed::from_parts(get(row, "sealed")?, kek_id(row)?))
}

fn kek_id(row: &Row) -> Result<u32, StoreError> {
    word(row, "kek_id", |id: i64| u32::try_from(id).ok())
}

fn read(row: &Row) -> Result<Attested<KeyVersion>, StoreError> {
    let version = KeyVersion {
        id: VersionId(get(row, "id")?),
        device: DeviceId(get(row, "device")?),
        kind: word(row, "kind", SecretKind::parse)?,
        version: get(row, "version")?,
        kek_id: kek_id(row)?,
        fingerprint: get(row, "fingerprint")?,
        source: get(row, "source")?,
        trust: word(row, "trust", Trust::from_level)?,
        escrowed_at: Timestamp(get(row, "escrowed_at")?),
        promoted_at: Timestamp(get(row, "promoted_at")?),
        unseen_letters: word(row, "unseen_letters", |n: i64| (0..=1).contains(&n).then_some(n == 1))?,
        confirmed_at: Timestamp(get(row, "confirmed_at")?),
        revealed_at: get::<Option<i64>>(row, "revealed_at")?.map(Timestamp),
    };
    Ok(Attested::from_parts(version, get(row, "row_mac")?))
}
