//! The trail as people ask for it: filtered, by time, from a place on, in either direction; and checkpoints.
//!
//! Each statement has the whole filter in it. What it is driven by (time, kind, device or person) stands before the rest and has
//! an index in the order of the list, so that a page costs as much as it shows. A person is several look-ups.

use sqlx::query;

use super::super::{Conn, personal_key};
use super::trail::{columns, read_for_people};
use super::{get, many};
use crate::domain::audit::{EventKind, TrailRow};
use crate::domain::ids::Timestamp;
use crate::domain::person::Login;
use crate::domain::trail::{AboutDevice, AboutPerson, CheckpointRow, Cursor, Linked, TrailFilter};
use crate::store::StoreError;

// `$1`–`$4`: between two places; `$5`: no higher number; `$6`: so many; `$7` kind, `$8` and `$9` device, `$10`–`$14` person.
// With `+ 0` no index is meant, whatever statistics of a small trail make of it: what is found is not looked up by number (that is
// every row), and what belongs to a page is not taken from all rows because they come in the right order.
macro_rules! arm {
    ($driver:expr, $order:literal) => {
        concat!(
            "SELECT seq FROM (SELECT seq FROM audit_events WHERE ",
            $driver,
            "(happened_at, seq) > ($1, $2) AND (happened_at, seq) < ($3, $4) AND seq + 0 <= $5 AND ($7 = '' OR kind = $7) \
             AND ($8 = '' OR serial = $8 OR (serial IS NULL AND device = $9)) \
             AND ($10 = '' OR (actor_subject = $10 AND ($11 = '' OR actor_issuer = $11)) OR ",
            personal_login!(),
            " = $12 OR ",
            personal_name!(),
            " IN ($13, $14)) ORDER BY happened_at",
            $order,
            ", seq",
            $order,
            " LIMIT $6) AS arm"
        )
    };
}
macro_rules! arms {
    ($order:literal, $first:expr $(, $more:expr)*) => {
        concat!(arm!($first, $order) $(, " UNION ALL ", arm!($more, $order))*)
    };
}
macro_rules! listing {
    ($order:literal, $($driver:expr),+) => {
        concat!(
            "SELECT ", columns!(), ", (SELECT p.mac FROM audit_events p WHERE p.seq = e.seq - 1) AS previous FROM audit_events e \
             WHERE seq IN (", arms!($order, $($driver),+), ") ORDER BY happened_at + 0", $order, ", seq", $order, " LIMIT $6"
        )
    };
}
macro_rules! by_device {
    ($order:literal) => {
        listing!($order, "serial = $8 AND ", "serial IS NULL AND device = $9 AND ")
    };
}
macro_rules! by_person {
    ($order:literal) => {
        listing!(
            $order,
            "actor_subject = $10 AND ($11 = '' OR actor_issuer = $11) AND ",
            concat!(personal_login!(), " = $12 AND "),
            concat!(personal_name!(), " = $13 AND "),
            concat!(personal_name!(), " = $14 AND ")
        )
    };
}

statements! {
    DOWN_BY_TIME = listing!(" DESC", "");
    DOWN_BY_KIND = listing!(" DESC", "kind = $7 AND ");
    DOWN_BY_DEVICE = by_device!(" DESC");
    DOWN_BY_PERSON = by_person!(" DESC");
    UP_BY_TIME = listing!("", "");
    UP_BY_KIND = listing!("", "kind = $7 AND ");
    UP_BY_DEVICE = by_device!("");
    UP_BY_PERSON = by_person!("");
    OF_LOGIN = concat!(
        "SELECT ", columns!(), " FROM audit_events WHERE ", personal_login!(), " = $1 AND kind = $2 AND happened_at >= $3 \
         ORDER BY happened_at DESC, seq DESC LIMIT $4"
    );
    /// Another server may have logged that row too.
    ADD_CHECKPOINT = "INSERT INTO audit_checkpoints (seq, mac, logged_at) VALUES ($1, $2, $3) ON CONFLICT (seq) DO NOTHING";
    LAST_CHECKPOINTS = "SELECT seq, mac, logged_at, \
                        (SELECT COUNT(*) FROM audit_events e WHERE e.seq = c.seq AND e.mac = c.mac) AS there \
                        FROM audit_checkpoints c WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
}

/// No serial number is this.
const NO_SERIAL: &str = "\u{10FFFF}";

pub async fn trail_older(conn: &mut Conn, filter: &TrailFilter, before: Cursor, limit: i64) -> Result<Vec<Linked>, StoreError> {
    let statement = match filter {
        TrailFilter { device: Some(_), .. } => DOWN_BY_DEVICE,
        TrailFilter { person: Some(_), .. } => DOWN_BY_PERSON,
        TrailFilter { kind: Some(_), .. } => DOWN_BY_KIND,
        _ => DOWN_BY_TIME,
    };
    list(conn, statement, filter, (Cursor::ENDS[0], before), limit).await
}

pub async fn trail_newer(conn: &mut Conn, filter: &TrailFilter, after: Cursor, limit: i64) -> Result<Vec<Linked>, StoreError> {
    let statement = match filter {
        TrailFilter { device: Some(_), .. } => UP_BY_DEVICE,
        TrailFilter { person: Some(_), .. } => UP_BY_PERSON,
        TrailFilter { kind: Some(_), .. } => UP_BY_KIND,
        _ => UP_BY_TIME,
    };
    list(conn, statement, filter, (after, Cursor::ENDS[1]), limit).await
}

/// Rows of one kind whose personal fields name this login, the latest first.
pub async fn trail_of_login(
    conn: &mut Conn,
    login: &Login,
    kind: EventKind,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<TrailRow>, StoreError> {
    let rows = query(OF_LOGIN).bind(personal_key(login.as_str())).bind(kind.code()).bind(since.0).bind(limit).fetch_all(conn).await?;
    many(&rows, read_for_people)
}

async fn list(
    conn: &mut Conn,
    statement: &'static str,
    filter: &TrailFilter,
    (low, high): (Cursor, Cursor),
    limit: i64,
) -> Result<Vec<Linked>, StoreError> {
    // A time is the place before all its rows.
    let before_all = |at: Timestamp| Cursor { at, seq: i64::MIN };
    let low = filter.from.map_or(low, |from| low.max(before_all(from)));
    let high = filter.until.map_or(high, |until| high.min(before_all(until)));
    let (no_device, nobody) = (AboutDevice::default(), AboutPerson::default());
    let device = filter.device.as_ref().unwrap_or(&no_device);
    let person = filter.person.as_ref().unwrap_or(&nobody);
    let [name, other_name] = &person.names;
    // An empty one would be any.
    let serial = if filter.device.is_some() && device.serial.is_empty() { NO_SERIAL } else { &device.serial };
    let rows = query(statement)
        .bind(low.at.0)
        .bind(low.seq)
        .bind(high.at.0)
        .bind(high.seq)
        .bind(filter.upto.unwrap_or(i64::MAX))
        .bind(limit)
        .bind(filter.kind.map_or("", |kind| kind.code()))
        .bind(serial)
        .bind(device.id.map(|id| id.0))
        .bind(person.subject.as_str())
        .bind(person.issuer.as_str())
        .bind(personal_key(&person.login))
        .bind(personal_key(&name.to_ascii_lowercase()))
        .bind(personal_key(&other_name.to_ascii_lowercase()))
        .fetch_all(conn)
        .await?;
    many(&rows, |row| Ok(Linked { row: read_for_people(row)?, previous: get::<Option<Vec<u8>>>(row, "previous")?.unwrap_or_default() }))
}

pub async fn add_checkpoint(conn: &mut Conn, checkpoint: &CheckpointRow) -> Result<(), StoreError> {
    query(ADD_CHECKPOINT).bind(checkpoint.seq).bind(checkpoint.mac.as_slice()).bind(checkpoint.logged_at.0).execute(conn).await?;
    Ok(())
}

pub async fn checkpoints_before(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<CheckpointRow>, StoreError> {
    let rows = query(LAST_CHECKPOINTS).bind(seq).bind(limit).fetch_all(conn).await?;
    many(&rows, |row| {
        let fits = get::<i64>(row, "there")? == 1;
        Ok(CheckpointRow { seq: get(row, "seq")?, mac: get(row, "mac")?, logged_at: Timestamp(get(row, "logged_at")?), fits })
    })
}
