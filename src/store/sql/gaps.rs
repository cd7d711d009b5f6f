//! What is missing between devices, keys, owners and people. Each list is looked through a stretch at a time: so many rows of
//! an index, and one probe for each, however large the fleet is.

use sqlx::{query, query_as};

use super::super::Conn;
use super::devices::{self, columns};
use super::people::{self, owner_columns};
use crate::domain::Attested;
use crate::domain::device::Device;
use crate::domain::ids::DeviceId;
use crate::domain::person::{Binding, Owner};
use crate::domain::source::{Gap, Stretch};
use crate::store::StoreError;

macro_rules! stretch {
    ($column:literal, $from:literal) => {
        concat!("SELECT COUNT(*), COALESCE(MAX(place), '') FROM (SELECT ", $column, " AS place FROM ", $from, ") AS stretch")
    };
}
macro_rules! no_owner {
    () => {
        " AND NOT EXISTS (SELECT 1 FROM device_owners o WHERE o.device = d.id)"
    };
}
macro_rules! no_key {
    () => {
        " AND NOT EXISTS (SELECT 1 FROM key_versions v WHERE v.device = d.id)"
    };
}
macro_rules! count {
    ($gap:expr) => {
        concat!(
            "SELECT COALESCE(SUM(CASE WHEN d.ownership <> 'personal' THEN 1 ELSE 0 END), 0), \
             COALESCE(SUM(CASE WHEN d.ownership = 'personal' THEN 1 ELSE 0 END), 0) \
             FROM devices d WHERE d.serial > $1 AND d.serial <= $2",
            $gap
        )
    };
}
macro_rules! listed {
    ($gap:expr) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM devices d WHERE d.serial > $1 AND d.serial <= $2 AND d.ownership <> 'personal'",
            $gap,
            " ORDER BY d.serial LIMIT $3"
        )
    };
}

statements! {
    DEVICES = stretch!("serial", "devices WHERE serial > $1 ORDER BY serial LIMIT $2");
    LOGINS = stretch!("login", "device_owners WHERE issuer = $1 AND login > $2 ORDER BY login LIMIT $3");
    BOUND = stretch!("login", "login_bindings WHERE issuer = $1 AND login > $2 ORDER BY login LIMIT $3");
    COUNT_NO_OWNER = count!(no_owner!());
    COUNT_NO_KEY = count!(no_key!());
    NO_OWNER = listed!(no_owner!());
    NO_KEY = listed!(no_key!());
    /// Those of which a key came back over a newer one; the rest of what makes one contested is judged by its versions.
    RETURNED = concat!(
        "SELECT ", columns!(), " FROM (SELECT DISTINCT v.device FROM key_versions v WHERE v.promoted_at > v.escrowed_at ",
        "AND v.device > $1 ORDER BY v.device LIMIT $2) AS returned JOIN devices d ON d.id = returned.device ORDER BY d.id"
    );
    NEVER_BOUND = concat!(
        "SELECT ", owner_columns!(), " FROM device_owners o WHERE o.issuer = $1 AND o.login > $2 AND o.login <= $3 AND NOT EXISTS ",
        "(SELECT 1 FROM login_bindings b WHERE b.issuer = o.issuer AND b.login = o.login) ORDER BY o.login, o.id LIMIT $4"
    );
    WITHOUT_DEVICE = "SELECT b.id, b.issuer, b.login, b.subject, b.bound_at, b.row_mac FROM login_bindings b \
                      WHERE b.issuer = $1 AND b.login > $2 AND b.login <= $3 AND NOT EXISTS \
                      (SELECT 1 FROM device_owners o WHERE o.login = b.login AND o.issuer = b.issuer) ORDER BY b.login LIMIT $4";
}

fn stretch((rows, last): (i64, String)) -> Stretch {
    Stretch { rows, last }
}

pub async fn device_stretch(conn: &mut Conn, after: &str, limit: i64) -> Result<Stretch, StoreError> {
    Ok(stretch(query_as(DEVICES).bind(after).bind(limit).fetch_one(conn).await?))
}

pub async fn owner_stretch(conn: &mut Conn, issuer: &str, after: &str, limit: i64) -> Result<Stretch, StoreError> {
    Ok(stretch(query_as(LOGINS).bind(issuer).bind(after).bind(limit).fetch_one(conn).await?))
}

pub async fn binding_stretch(conn: &mut Conn, issuer: &str, after: &str, limit: i64) -> Result<Stretch, StoreError> {
    Ok(stretch(query_as(BOUND).bind(issuer).bind(after).bind(limit).fetch_one(conn).await?))
}

pub async fn count_gap(conn: &mut Conn, gap: Gap, after: &str, last: &str) -> Result<(i64, i64), StoreError> {
    let sql = match gap {
        Gap::Owner => COUNT_NO_OWNER,
        Gap::Key => COUNT_NO_KEY,
    };
    Ok(query_as(sql).bind(after).bind(last).fetch_one(conn).await?)
}

pub async fn gap_devices(conn: &mut Conn, gap: Gap, after: &str, last: &str, limit: i64) -> Result<Vec<Device>, StoreError> {
    let sql = match gap {
        Gap::Owner => NO_OWNER,
        Gap::Key => NO_KEY,
    };
    Ok(query(sql).bind(after).bind(last).bind(limit).fetch_all(conn).await?.iter().map(devices::read).collect())
}

pub async fn returned_devices(conn: &mut Conn, after: DeviceId, limit: i64) -> Result<Vec<Device>, StoreError> {
    Ok(query(RETURNED).bind(after.0).bind(limit).fetch_all(conn).await?.iter().map(devices::read).collect())
}

pub async fn owners_never_bound(
    conn: &mut Conn,
    issuer: &str,
    after: &str,
    last: &str,
    limit: i64,
) -> Result<Vec<Attested<Owner>>, StoreError> {
    let found = query(NEVER_BOUND).bind(issuer).bind(after).bind(last).bind(limit).fetch_all(conn).await?;
    Ok(found.iter().map(people::read_owner).collect())
}

pub async fn bindings_without_device(
    conn: &mut Conn,
    issuer: &str,
    after: &str,
    last: &str,
    limit: i64,
) -> Result<Vec<Attested<Binding>>, StoreError> {
    let found = query(WITHOUT_DEVICE).bind(issuer).bind(after).bind(last).bind(limit).fetch_all(conn).await?;
    Ok(found.iter().map(people::read_binding).collect())
}
