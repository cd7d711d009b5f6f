//! Rows of `device_owners`, `login_bindings` and `people`.

use sqlx::query;

use super::super::{Conn, Row, uuid_list};
use super::{Cells, get, one};
use crate::domain::Attested;
use crate::domain::device::fold;
use crate::domain::ids::{DeviceId, RowId, Timestamp};
use crate::domain::person::{Binding, Login, Owner, Person, Subject};
use crate::store::StoreError;

// Own names, because they are read beside a device's columns.
macro_rules! owner_columns {
    () => {
        "o.id AS owner_id, o.device AS owner_device, o.issuer AS owner_issuer, o.login AS owner_login, \
         o.source AS owner_source, o.assigned_at AS owner_assigned_at, o.row_mac AS owner_row_mac"
    };
}
pub(super) use owner_columns;

statements! {
    OWNERS = concat!("SELECT ", owner_columns!(), " FROM device_owners o WHERE o.device = $1 ORDER BY o.assigned_at, o.id");
    OWNERS_OF = concat!(
        "SELECT ", owner_columns!(), " FROM device_owners o WHERE o.device", in_uuids!("$1"), " ORDER BY o.device, o.assigned_at, o.id"
    );
    OWNER_NAMES = concat!(
        "SELECT b.id, b.issuer, b.login, b.subject, b.bound_at, b.row_mac, p.name FROM login_bindings b \
         JOIN people p ON p.issuer = b.issuer AND p.subject = b.subject WHERE p.name IS NOT NULL AND (b.issuer, b.login) IN \
         (SELECT o.issuer, o.login FROM device_owners o WHERE o.device", in_uuids!("$1"), ") ORDER BY b.id"
    );
    OWNERS_AFTER = concat!("SELECT ", owner_columns!(), " FROM device_owners o WHERE o.id > $1 ORDER BY o.id LIMIT $2");
    BINDINGS_AFTER = "SELECT id, issuer, login, subject, bound_at, row_mac FROM login_bindings WHERE id > $1 ORDER BY id LIMIT $2";
    OWNER_LOCKED = concat!(
        "SELECT ", owner_columns!(), " FROM device_owners o WHERE o.device = $1 AND o.issuer = $2 AND o.login = $3", share!()
    );
    INSERT_OWNER = "INSERT INTO device_owners (id, device, issuer, login, source, assigned_at, row_mac) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    DELETE_OWNER = "DELETE FROM device_owners WHERE id = $1";
    BINDING_BY_LOGIN = "SELECT id, issuer, login, subject, bound_at, row_mac FROM login_bindings WHERE issuer = $1 AND login = $2";
    BINDING_BY_SUBJECT = "SELECT id, issuer, login, subject, bound_at, row_mac FROM login_bindings WHERE issuer = $1 AND subject = $2";
    INSERT_BINDING = "INSERT INTO login_bindings (id, issuer, login, subject, bound_at, row_mac) \
                      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    DELETE_BINDING = "DELETE FROM login_bindings WHERE id = $1";
    UPSERT_PERSON = "INSERT INTO people (id, issuer, subject, name, email, language, updated_at, name_fold) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (issuer, subject) DO UPDATE SET name = excluded.name, \
                     email = excluded.email, language = excluded.language, updated_at = excluded.updated_at, \
                     name_fold = excluded.name_fold";
    PERSON = "SELECT id, issuer, subject, name, email, language, updated_at FROM people WHERE issuer = $1 AND subject = $2";
}

pub async fn owners(conn: &mut Conn, device: DeviceId) -> Result<Vec<Attested<Owner>>, StoreError> {
    Ok(query(OWNERS).bind(device.0).fetch_all(conn).await?.iter().map(read_owner).collect())
}

pub async fn owners_of(conn: &mut Conn, devices: &[DeviceId]) -> Result<Vec<Attested<Owner>>, StoreError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    Ok(query(OWNERS_OF).bind(uuid_list(devices.iter().map(|d| d.0))).fetch_all(conn).await?.iter().map(read_owner).collect())
}

pub async fn owner_names(conn: &mut Conn, devices: &[DeviceId]) -> Result<Vec<(Attested<Binding>, String)>, StoreError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(OWNER_NAMES).bind(uuid_list(devices.iter().map(|d| d.0))).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((read_binding(row), get(row, "name")?))).collect()
}

pub async fn owners_after(conn: &mut Conn, after: RowId, limit: i64) -> Result<Vec<Attested<Owner>>, StoreError> {
    Ok(query(OWNERS_AFTER).bind(after.0).bind(limit).fetch_all(conn).await?.iter().map(read_owner).collect())
}

pub async fn bindings_after(conn: &mut Conn, after: RowId, limit: i64) -> Result<Vec<Attested<Binding>>, StoreError> {
    Ok(query(BINDINGS_AFTER).bind(after.0).bind(limit).fetch_all(conn).await?.iter().map(read_binding).collect())
}

pub async fn owner_locked(conn: &mut Conn, device: DeviceId, issuer: &str, login: &Login) -> Result<Option<Attested<Owner>>, StoreError> {
    Ok(query(OWNER_LOCKED).bind(device.0).bind(issuer).bind(login.as_str()).fetch_optional(conn).await?.as_ref().map(read_owner))
}

pub async fn insert_owner(conn: &mut Conn, owner: &Attested<Owner>) -> Result<bool, StoreError> {
    let (row, mac) = owner.parts();
    let done = query(INSERT_OWNER)
        .bind(row.id.0)
        .bind(row.device.0)
        .bind(row.issuer.as_str())
        .bind(row.login.as_str())
        .bind(row.source.as_str())
        .bind(row.assigned_at.0)
        .bind(mac)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delete_owner(conn: &mut Conn, id: RowId) -> Result<bool, StoreError> {
    Ok(query(DELETE_OWNER).bind(id.0).execute(conn).await?.rows_affected() == 1)
}

pub async fn binding_by_login(conn: &mut Conn, issuer: &str, login: &Login) -> Result<Option<Attested<Binding>>, StoreError> {
    Ok(query(BINDING_BY_LOGIN).bind(issuer).bind(login.as_str()).fetch_optional(conn).await?.as_ref().map(read_binding))
}

pub async fn binding_by_subject(conn: &mut Conn, who: &Subject) -> Result<Option<Attested<Binding>>, StoreError> {
    let row = query(BINDING_BY_SUBJECT).bind(who.issuer.as_str()).bind(who.subject.as_str()).fetch_optional(conn).await?;
    Ok(row.as_ref().map(read_binding))
}

pub async fn insert_binding(conn: &mut Conn, binding: &Attested<Binding>) -> Result<bool, StoreError> {
    let (row, mac) = binding.parts();
    let done = query(INSERT_BINDING)
        .bind(row.id.0)
        .bind(row.who.issuer.as_str())
        .bind(row.login.as_str())
        .bind(row.who.subject.as_str())
        .bind(row.bound_at.0)
        .bind(mac)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delete_binding(conn: &mut Conn, id: RowId) -> Result<bool, StoreError> {
    Ok(query(DELETE_BINDING).bind(id.0).execute(conn).await?.rows_affected() == 1)
}

pub async fn upsert_person(conn: &mut Conn, person: &Person) -> Result<(), StoreError> {
    query(UPSERT_PERSON)
        .bind(person.id.0)
        .bind(person.who.issuer.as_str())
        .bind(person.who.subject.as_str())
        .bind(person.name.as_deref())
        .bind(person.email.as_deref())
        .bind(person.language.as_deref())
        .bind(person.updated_at.0)
        .bind(person.name.as_deref().map(fold))
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn person(conn: &mut Conn, who: &Subject) -> Result<Option<Person>, StoreError> {
    one(query(PERSON).bind(who.issuer.as_str()).bind(who.subject.as_str()).fetch_optional(conn).await?, read_person)
}

/// A stored login is folded already; one that folding would change was not written by us.
pub(super) fn login(text: &str) -> Option<Login> {
    Login::parse(text).ok().filter(|login| login.as_str() == text)
}

pub(super) fn subject(cells: &Cells<'_>) -> Subject {
    Subject { issuer: cells.get("issuer"), subject: cells.get("subject") }
}

pub(super) fn read_owner(row: &Row) -> Attested<Owner> {
    let cells = Cells::of(row);
    let owner = Owner {
        id: RowId(cells.get("owner_id")),
        device: DeviceId(cells.get("owner_device")),
        issuer: cells.get("owner_issuer"),
        login: cells.word("owner_login", login, Login::unreadable()),
        source: cells.get("owner_source"),
        assigned_at: Timestamp(cells.get("owner_assigned_at")),
    };
    cells.attested(owner, "owner_row_mac")
}

pub(super) fn read_binding(row: &Row) -> Attested<Binding> {
    let cells = Cells::of(row);
    let binding = Binding {
        id: RowId(cells.get("id")),
        login: cells.word("login", login, Login::unreadable()),
        who: subject(&cells),
        bound_at: Timestamp(cells.get("bound_at")),
    };
    cells.attested(binding, "row_mac")
}

fn read_person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: RowId(get(row, "id")?),
        who: subject(&Cells::of(row)),
        name: get(row, "name")?,
        email: get(row, "email")?,
        language: get(row, "language")?,
        updated_at: Timestamp(get(row, "updated_at")?),
    })
}
