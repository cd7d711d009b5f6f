//! Rows of `devices`, and those that a login owns. Search columns are folded here, when a row is written.

use sqlx::query;

use super::super::{Conn, Row, text_list};
use super::{Cells, get, search};
use crate::domain::Attested;
use crate::domain::device::{Device, DeviceState, Ownership, Serial, fold, fold_lookalikes};
use crate::domain::ids::{DeviceId, Timestamp};
use crate::domain::person::{Login, Owner};
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "d.id, d.serial, d.udid, d.name, d.host_name, d.model, d.os_version, d.asset_tag, d.device_key, d.user_hint, \
         d.ownership, d.state, d.created_at, d.last_seen, d.row_mac"
    };
}
pub(super) use columns;

macro_rules! owned {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            super::people::owner_columns!(),
            " FROM device_owners o JOIN devices d ON d.id = o.device WHERE o.login = $1 AND o.issuer = $2"
        )
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM devices d WHERE d.id = $1");
    BY_SERIAL = concat!("SELECT ", columns!(), " FROM devices d WHERE d.serial = $1");
    AFTER = concat!("SELECT ", columns!(), " FROM devices d WHERE d.id > $1 ORDER BY d.id LIMIT $2");
    FROM_SERIAL = concat!(
        "SELECT ", columns!(), " FROM devices d WHERE d.serial > $1 AND d.serial >= $2 AND d.serial < $3 ORDER BY d.serial LIMIT $4"
    );
    BY_SERIALS = concat!("SELECT ", columns!(), " FROM devices d WHERE d.serial", in_texts!("$1"));
    INSERT = "INSERT INTO devices (id, serial, udid, name, host_name, model, os_version, asset_tag, device_key, user_hint, \
              ownership, state, created_at, last_seen, serial_fold, device_key_fold, asset_fold, host_fold, name_fold, row_mac) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
              ON CONFLICT DO NOTHING";
    UPDATE = "UPDATE devices SET udid = $2, name = $3, host_name = $4, model = $5, os_version = $6, asset_tag = $7, \
              device_key = $8, user_hint = $9, ownership = $10, state = $11, last_seen = $12, device_key_fold = $13, \
              asset_fold = $14, host_fold = $15, name_fold = $16, row_mac = $17 WHERE id = $1";
    BY_SERIAL_LOCKED = concat!("SELECT ", columns!(), " FROM devices d WHERE d.serial = $1", lock!());
    OWNED = concat!(owned!(), " ORDER BY COALESCE(d.name_fold, d.host_fold, d.serial_fold), d.serial LIMIT $3");
    OWNED_ONE = concat!(owned!(), " AND d.id = $3");
}

pub async fn device(conn: &mut Conn, id: DeviceId) -> Result<Option<Device>, StoreError> {
    Ok(query(BY_ID).bind(id.0).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn device_by_serial(conn: &mut Conn, serial: &Serial) -> Result<Option<Device>, StoreError> {
    Ok(query(BY_SERIAL).bind(serial.as_str()).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn device_by_serial_locked(conn: &mut Conn, serial: &Serial) -> Result<Option<Device>, StoreError> {
    Ok(query(BY_SERIAL_LOCKED).bind(serial.as_str()).fetch_optional(conn).await?.as_ref().map(read))
}

pub async fn devices_after(conn: &mut Conn, after: DeviceId, limit: i64) -> Result<Vec<Device>, StoreError> {
    Ok(query(AFTER).bind(after.0).bind(limit).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn devices_by_serials(conn: &mut Conn, serials: &[Serial]) -> Result<Vec<Device>, StoreError> {
    let list = text_list(serials.iter().map(Serial::as_str));
    Ok(query(BY_SERIALS).bind(list).fetch_all(conn).await?.iter().map(read).collect())
}

pub async fn devices_by_serial(
    conn: &mut Conn,
    after: &str,
    from: &str,
    until: &str,
    limit: i64,
) -> Result<Vec<(String, Device)>, StoreError> {
    let rows = query(FROM_SERIAL).bind(after).bind(from).bind(until).bind(limit).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((get(row, "serial")?, read(row)))).collect()
}

pub async fn insert_device(conn: &mut Conn, device: &Device) -> Result<bool, StoreError> {
    let done = query(INSERT)
        .bind(device.id.0)
        .bind(device.serial.as_str())
        .bind(device.udid.as_deref())
        .bind(device.name.as_deref())
        .bind(device.host_name.as_deref())
        .bind(device.model.as_deref())
        .bind(device.os_version.as_deref())
        .bind(device.asset_tag.as_deref())
        .bind(device.device_key.as_deref())
        .bind(device.user_hint.as_deref())
        .bind(device.ownership.code())
        .bind(device.state.code())
        .bind(device.created_at.0)
        .bind(device.last_seen.map(|t| t.0))
        .bind(fold_lookalikes(device.serial.as_str()))
        .bind(device.device_key.as_deref().map(fold_lookalikes))
        .bind(device.asset_tag.as_deref().map(fold))
        .bind(device.host_name.as_deref().map(fold))
        .bind(device.name.as_deref().map(fold))
        .bind(device.row_mac.as_slice())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn update_device(conn: &mut Conn, device: &Device) -> Result<bool, StoreError> {
    let done = query(UPDATE)
        .bind(device.id.0)
        .bind(device.udid.as_deref())
        .bind(device.name.as_deref())
        .bind(device.host_name.as_deref())
        .bind(device.model.as_deref())
        .bind(device.os_version.as_deref())
        .bind(device.asset_tag.as_deref())
        .bind(device.device_key.as_deref())
        .bind(device.user_hint.as_deref())
        .bind(device.ownership.code())
        .bind(device.state.code())
        .bind(device.last_seen.map(|t| t.0))
        .bind(device.device_key.as_deref().map(fold_lookalikes))
        .bind(device.asset_tag.as_deref().map(fold))
        .bind(device.host_name.as_deref().map(fold))
        .bind(device.name.as_deref().map(fold))
        .bind(device.row_mac.as_slice())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn owned_devices(conn: &mut Conn, issuer: &str, login: &Login, limit: i64) -> Result<Vec<(Device, Attested<Owner>)>, StoreError> {
    Ok(query(OWNED).bind(login.as_str()).bind(issuer).bind(limit).fetch_all(conn).await?.iter().map(read_owned).collect())
}

pub async fn owned_device(
    conn: &mut Conn,
    issuer: &str,
    login: &Login,
    id: DeviceId,
) -> Result<Option<(Device, Attested<Owner>)>, StoreError> {
    Ok(query(OWNED_ONE).bind(login.as_str()).bind(issuer).bind(id.0).fetch_optional(conn).await?.as_ref().map(read_owned))
}

pub async fn search_devices(conn: &mut Conn, text: &str, limit: i64) -> Result<Vec<Device>, StoreError> {
    Ok(search::rows(conn, text, limit).await?.iter().map(read).collect())
}

fn read_owned(row: &Row) -> (Device, Attested<Owner>) {
    (read(row), super::people::read_owner(row))
}

pub(super) fn read(row: &Row) -> Device {
    let cells = Cells::of(row);
    let mut device = Device {
        id: DeviceId(cells.get("id")),
        serial: cells.word("serial", |text: &str| Serial::parse(text).ok().filter(|s| s.as_str() == text), Serial::unreadable()),
        udid: cells.get("udid"),
        name: cells.get("name"),
        host_name: cells.get("host_name"),
        model: cells.get("model"),
        os_version: cells.get("os_version"),
        asset_tag: cells.get("asset_tag"),
        device_key: cells.get("device_key"),
        user_hint: cells.get("user_hint"),
        ownership: cells.word("ownership", Ownership::parse, Ownership::Personal),
        state: cells.word("state", DeviceState::parse, DeviceState::Managed),
        created_at: Timestamp(cells.get("created_at")),
        last_seen: cells.get::<Option<i64>>("last_seen").map(Timestamp),
        row_mac: Vec::new(),
    };
    device.row_mac = cells.mac("row_mac");
    device
}
