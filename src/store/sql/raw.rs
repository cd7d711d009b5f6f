//! Whole tables, row by row, for a backup and a move; and the MACs that a restore and a new row key write anew.
//!
//! Statements are put together here from names of `TABLES` and of the database's own catalogue, since a backup of an older
//! release has other columns. Values are always bound.

use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, query, query_as, query_scalar};
use uuid::Uuid;

use super::super::{COLUMNS, Conn, Db, Row};
use crate::domain::ids::{DeviceId, GrantId, RowId, VersionId};
use crate::store::StoreError;
use crate::store::tables::{Cell, Column, Kind, Table};

macro_rules! set_mac {
    ($table:literal) => {
        concat!("UPDATE ", $table, " SET row_mac = $3 WHERE id = (SELECT id FROM ", $table, " WHERE id = $1 AND row_mac = $2", free!(), ")")
    };
}

statements! {
    DEVICE_MAC = set_mac!("devices");
    OWNER_MAC = set_mac!("device_owners");
    BINDING_MAC = set_mac!("login_bindings");
    VERSION_MAC = set_mac!("key_versions");
    GRANT_MAC = set_mac!("reveal_grants");
}

/// Binds one cell as its column's type, so that an absent value has a type too.
macro_rules! push {
    ($list:expr, $cell:expr, $column:expr) => {
        match ($cell, $column.kind) {
            (Cell::Int(value), _) => $list.push_bind(*value),
            (Cell::Text(value), _) => $list.push_bind(value.clone()),
            (Cell::Bytes(value), Kind::Id) => $list.push_bind(Uuid::from_slice(value).unwrap_or_default()),
            (Cell::Bytes(value), _) => $list.push_bind(value.clone()),
            (Cell::Null, Kind::Int) => $list.push_bind(None::<i64>),
            (Cell::Null, Kind::Text) => $list.push_bind(None::<String>),
            (Cell::Null, Kind::Bytes) => $list.push_bind(None::<Vec<u8>>),
            (Cell::Null, Kind::Id) => $list.push_bind(None::<Uuid>),
        }
    };
}

pub async fn columns_of(conn: &mut Conn, table: &Table) -> Result<Vec<Column>, StoreError> {
    let found: Vec<(String, String)> = query_as(COLUMNS).bind(table.name).fetch_all(conn).await?;
    let column = |(name, kind): (String, String)| {
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let kind = Kind::parse(&kind).filter(|_| plain).ok_or(StoreError::Decode("the type of a column"))?;
        Ok(Column { name, kind })
    };
    found.into_iter().map(column).collect()
}

pub async fn count_rows(conn: &mut Conn, table: &Table) -> Result<i64, StoreError> {
    Ok(query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name))).fetch_one(conn).await?)
}

pub async fn rows_after(
    conn: &mut Conn,
    table: &Table,
    columns: &[Column],
    after: Option<&[Cell]>,
    limit: i64,
) -> Result<Vec<Vec<Cell>>, StoreError> {
    let key = table.key.join(", ");
    let mut select = QueryBuilder::<Db>::new(format!("SELECT {} FROM {}", names(columns), table.name));
    if let Some(after) = after {
        select.push(format!(" WHERE ({key}) > ("));
        let mut list = select.separated(", ");
        for (name, cell) in table.key.iter().zip(after) {
            let column = columns.iter().find(|c| c.name == *name).ok_or(StoreError::Decode("a key column"))?;
            push!(list, cell, column);
        }
        select.push(")");
    }
    select.push(format!(" ORDER BY {key} LIMIT ")).push_bind(limit);
    let rows = select.build().fetch_all(conn).await?;
    rows.iter().map(|row| columns.iter().enumerate().map(|(n, column)| read(row, n, column.kind)).collect()).collect()
}

pub async fn insert_rows(conn: &mut Conn, table: &Table, columns: &[Column], rows: &[Vec<Cell>]) -> Result<u64, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    if rows.iter().any(|row| row.len() != columns.len()) {
        return Err(StoreError::Other("a row of another length than its table".to_owned()));
    }
    let mut insert = QueryBuilder::<Db>::new(format!("INSERT INTO {} ({}) ", table.name, names(columns)));
    insert.push_values(rows, |mut list, row| {
        for (cell, column) in row.iter().zip(columns) {
            push!(list, cell, column);
        }
    });
    Ok(insert.build().persistent(false).execute(conn).await?.rows_affected())
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn read(row: &Row, n: usize, kind: Kind) -> Result<Cell, StoreError> {
    let cell = match kind {
        Kind::Int => row.try_get::<Option<i64>, _>(n).map(|v| v.map(Cell::Int)),
        Kind::Text => row.try_get::<Option<String>, _>(n).map(|v| v.map(Cell::Text)),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(n).map(|v| v.map(Cell::Bytes)),
        Kind::Id => row.try_get::<Option<Uuid>, _>(n).map(|v| v.map(|id| Cell::Bytes(id.as_bytes().to_vec()))),
    };
    Ok(cell.map_err(|_| StoreError::Decode("a cell"))?.unwrap_or(Cell::Null))
}

async fn set(conn: &mut Conn, statement: &'static str, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    Ok(query(statement).bind(id).bind(old).bind(new).execute(conn).await?.rows_affected() == 1)
}

pub async fn set_device_mac(conn: &mut Conn, id: DeviceId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    set(conn, DEVICE_MAC, id.0, old, new).await
}

pub async fn set_owner_mac(conn: &mut Conn, id: RowId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    set(conn, OWNER_MAC, id.0, old, new).await
}

pub async fn set_binding_mac(conn: &mut Conn, id: RowId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    set(conn, BINDING_MAC, id.0, old, new).await
}

pub async fn set_version_mac(conn: &mut Conn, id: VersionId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    set(conn, VERSION_MAC, id.0, old, new).await
}

pub async fn set_grant_mac(conn: &mut Conn, id: GrantId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    set(conn, GRANT_MAC, id.0, old, new).await
}
