//! Rows of `audit_events` and the one of `audit_head`. Rows are appended under the lock of the head and never changed.

use std::borrow::Cow;

use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::super::{Conn, Row, Rows, text_list};
use super::{get, many, word};
use crate::domain::ChainMac;
use crate::domain::audit::{Actor, Event, EventKind, Outcome, Personal, TrailRow};
use crate::domain::ids::{DeviceId, EventId, GrantId, Timestamp, VersionId};
use crate::store::{Head, StoreError};

/// A row that is about to be written.
struct Line<'a> {
    seq: i64,
    event: &'a Event,
    personal: String,
    personal_mac: Vec<u8>,
    mac: Vec<u8>,
}

macro_rules! columns {
    () => {
        "seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, \
         request, detail, personal, salt, personal_mac, mac"
    };
}

pub(super) use columns;

statements! {
    /// Alone, before anything is read that depends on it.
    LOCK_HEAD = concat!("SELECT seq, mac, held FROM audit_head WHERE id = 1", lock!());
    APPEND = and_the_head!(concat!(
        "INSERT INTO audit_events (", columns!(), ") SELECT ", columns!(), " FROM ",
        rows!(1 "seq" bigint, 2 "id" uuid, 3 "happened_at" bigint, 4 "kind" text, 5 "outcome" text, 6 "actor_kind" text,
            7 "actor_issuer" text, 8 "actor_subject" text, 9 "role" text, 10 "device" uuid, 11 "serial" text, 12 "version" uuid,
            13 "grant_id" uuid, 14 "request" uuid, 15 "detail" text, 16 "personal" text, 17 "salt" bytea, 18 "personal_mac" bytea,
            19 "mac" bytea)
    ));
    PLACE_HEAD = "UPDATE audit_head SET seq = $1, mac = $2 WHERE id = 1 AND seq = 0";
    HELD = "SELECT held FROM audit_head WHERE id = 1";
    HOLD = "UPDATE audit_head SET held = $1 WHERE id = 1";
    HEAD = "SELECT seq, mac FROM audit_head WHERE id = 1";
    AFTER = concat!("SELECT ", columns!(), " FROM audit_events WHERE seq > $1 ORDER BY seq LIMIT $2");
    OF_DEVICE = concat!(
        "SELECT ", columns!(), " FROM audit_events WHERE device = $1 AND substr(kind, 1, 8) <> 'deposit.' AND kind", in_texts!("$2"),
        " ORDER BY seq DESC LIMIT $3"
    );
    HAS = "SELECT COUNT(*) FROM audit_events WHERE id = $1";
    LAST_TIME = "SELECT happened_at FROM audit_events ORDER BY seq DESC LIMIT 1";
}

pub fn read_locked(row: Option<&Row>) -> Result<Head, StoreError> {
    let row = row.ok_or(StoreError::Decode("audit_head"))?;
    let (seq, mac) = read_head(row)?;
    Ok(Head { seq, mac, held: get::<Option<String>>(row, "held")?.is_some() })
}

pub async fn lock_head(conn: &mut Conn) -> Result<Head, StoreError> {
    read_locked(query(LOCK_HEAD).fetch_optional(conn).await?.as_ref())
}

/// Appends rows and answers the number of the last.
pub async fn append(conn: &mut Conn, events: &[Event], key: &dyn ChainMac, head: Head) -> Result<i64, StoreError> {
    let Head { seq: first, mac: mut previous, held } = head;
    if held {
        return Err(StoreError::Held);
    }
    let mut seq = first;
    let mut lines = Vec::with_capacity(events.len());
    for event in events {
        seq += 1;
        let personal = event.personal_text();
        let personal_mac = key.personal(&event.salt, &personal);
        let mac = key.chain(&previous, &event.canonical(seq, &personal_mac));
        previous.clone_from(&mac);
        lines.push(Line { seq, event, personal, personal_mac, mac });
    }
    let count = seq - first;
    if rows_of(&lines).query().bind(seq).bind(previous).bind(first).bind(count).fetch_all(conn).await?.len() != 1 {
        return Err(StoreError::Other("the trail did not take every row".to_owned()));
    }
    Ok(seq)
}

fn rows_of(lines: &[Line<'_>]) -> Rows {
    let texts = |text: fn(&'_ Event) -> &'_ str| lines.iter().map(move |l| Cow::from(text(l.event)));
    Rows::of(APPEND, lines.len())
        .ints(lines.iter().map(|l| l.seq))
        .uuids(lines.iter().map(|l| l.event.id.0))
        .ints(lines.iter().map(|l| l.event.at.0))
        .texts(texts(|e| e.kind.code()))
        .texts(texts(|e| e.outcome.code()))
        .texts(texts(|e| e.actor.kind()))
        .texts(texts(|e| e.actor.columns().0))
        .texts(texts(|e| e.actor.columns().1))
        .texts(texts(|e| &e.role))
        .uuids(lines.iter().map(|l| l.event.device.map(|d| d.0)))
        .texts(lines.iter().map(|l| l.event.serial.as_deref().map(Cow::from)))
        .uuids(lines.iter().map(|l| l.event.version.map(|v| v.0)))
        .uuids(lines.iter().map(|l| l.event.grant.map(|g| g.0)))
        .uuids(lines.iter().map(|l| l.event.request))
        .texts(texts(|e| &e.detail))
        .texts(lines.iter().map(|l| Cow::from(&l.personal)))
        .bytes(lines.iter().map(|l| l.event.salt.as_slice()))
        .bytes(lines.iter().map(|l| l.personal_mac.as_slice()))
        .bytes(lines.iter().map(|l| l.mac.as_slice()))
}

pub async fn head(conn: &mut Conn) -> Result<(i64, Vec<u8>), StoreError> {
    let row = query(HEAD).fetch_optional(conn).await?;
    read_head(&row.ok_or(StoreError::Decode("audit_head"))?)
}

pub async fn place_head(conn: &mut Conn, seq: i64, mac: &[u8]) -> Result<bool, StoreError> {
    Ok(query(PLACE_HEAD).bind(seq).bind(mac).execute(conn).await?.rows_affected() == 1)
}

pub async fn held(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    Ok(query_scalar::<_, Option<String>>(HELD).fetch_optional(conn).await?.flatten())
}

pub async fn hold(conn: &mut Conn, why: Option<&str>) -> Result<(), StoreError> {
    query(HOLD).bind(why).execute(conn).await?;
    Ok(())
}

pub async fn trail_after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<TrailRow>, StoreError> {
    many(&query(AFTER).bind(seq).bind(limit).fetch_all(conn).await?, read)
}

pub async fn trail_feed(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<TrailRow>, StoreError> {
    many(&query(AFTER).bind(after).bind(limit).fetch_all(conn).await?, read_for_people)
}

pub async fn trail_of_device(conn: &mut Conn, device: DeviceId, kinds: &[EventKind], limit: i64) -> Result<Vec<TrailRow>, StoreError> {
    let list = text_list(kinds.iter().map(|kind| kind.code()));
    many(&query(OF_DEVICE).bind(device.0).bind(list).bind(limit).fetch_all(conn).await?, read_for_people)
}

pub async fn trail_has(conn: &mut Conn, id: EventId) -> Result<bool, StoreError> {
    query(LOCK_HEAD).fetch_optional(&mut *conn).await?;
    let found: i64 = query_scalar(HAS).bind(id.0).fetch_one(conn).await?;
    Ok(found > 0)
}

pub async fn last_trail_time(conn: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = query_scalar(LAST_TIME).fetch_optional(conn).await?;
    Ok(at.map(Timestamp))
}

fn read_head(row: &Row) -> Result<(i64, Vec<u8>), StoreError> {
    Ok((get(row, "seq")?, get(row, "mac")?))
}

/// A row whose words another version wrote, or somebody else, is shown as one that cannot be read, and hides no other.
pub(super) fn read_for_people(row: &Row) -> Result<TrailRow, StoreError> {
    let words = (get(row, "actor_kind")?, get(row, "actor_issuer")?, get(row, "actor_subject")?);
    let actor = Actor::from_columns(words.0, words.1, words.2).unwrap_or(Actor::System);
    let kind = word(row, "kind", EventKind::parse).unwrap_or(EventKind::Unreadable);
    let outcome = word(row, "outcome", Outcome::parse).unwrap_or(Outcome::Failed);
    read_with(row, kind, outcome, actor)
}

/// For the proof: every word as this version writes it.
fn read(row: &Row) -> Result<TrailRow, StoreError> {
    let actor = Actor::from_columns(get(row, "actor_kind")?, get(row, "actor_issuer")?, get(row, "actor_subject")?);
    let (kind, outcome) = (word(row, "kind", EventKind::parse)?, word(row, "outcome", Outcome::parse)?);
    read_with(row, kind, outcome, actor.ok_or(StoreError::Decode("actor_kind"))?)
}

fn read_with(row: &Row, kind: EventKind, outcome: Outcome, actor: Actor) -> Result<TrailRow, StoreError> {
    let personal_text: Option<String> = get(row, "personal")?;
    let salt: Option<&[u8]> = get(row, "salt")?;
    let event = Event {
        id: EventId(get(row, "id")?),
        at: Timestamp(get(row, "happened_at")?),
        kind,
        outcome,
        actor,
        role: get(row, "role")?,
        device: get::<Option<Uuid>>(row, "device")?.map(DeviceId),
        serial: get(row, "serial")?,
        version: get::<Option<Uuid>>(row, "version")?.map(VersionId),
        grant: get::<Option<Uuid>>(row, "grant_id")?.map(GrantId),
        request: get(row, "request")?,
        detail: get(row, "detail")?,
        personal: personal(personal_text.as_deref()),
        salt: match salt {
            None => [0; 16],
            Some(bytes) => bytes.try_into().map_err(|_| StoreError::Decode("salt"))?,
        },
    };
    Ok(TrailRow {
        seq: get(row, "seq")?,
        event,
        erased: personal_text.is_none() || salt.is_none(),
        personal_text,
        personal_mac: get(row, "personal_mac")?,
        mac: get(row, "mac")?,
    })
}

/// Text that is no such JSON shows as nothing: `verify` reads the stored text itself and names the row.
fn personal(text: Option<&str>) -> Personal {
    text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default()
}
