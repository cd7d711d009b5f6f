//! The SQLite side: how its connections are opened, the few words its dialect says differently, and its copy of `sql/`.
//!
//! One connection writes (`BEGIN IMMEDIATE`), several read beside it and cannot write. Nobody but `store` names this room.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlitePool, Transaction};
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{hex, push_hex};

pub(super) type Db = sqlx::Sqlite;
pub(super) type Conn = sqlx::SqliteConnection;
pub(super) type Row = sqlx::sqlite::SqliteRow;
pub(super) type Tx = Transaction<'static, Db>;

/// A write lock from the first statement on: a lock taken half-way can fail with BUSY where no retry helps.
pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
pub(super) const BEGIN_READ: &str = "BEGIN DEFERRED";

/// The write transaction excludes every other writer already.
macro_rules! lock {
    () => {
        ""
    };
}
macro_rules! share {
    () => {
        ""
    };
}
macro_rules! free {
    () => {
        ""
    };
}
macro_rules! hold_logouts {
    () => {
        "SELECT 1"
    };
}
/// The column before it is one of a list of ids, which is one parameter: JSON of their hex forms.
macro_rules! in_uuids {
    ($parameter:literal) => {
        concat!(" IN (SELECT unhex(value) FROM json_each(", $parameter, "))")
    };
}
/// The same with a list of texts.
macro_rules! in_texts {
    ($parameter:literal) => {
        concat!(" IN (SELECT value FROM json_each(", $parameter, "))")
    };
}

/// Many rows as a table `b`, for a statement that takes a batch: each column's place, name and type. [`Rows`] binds them. Of several
/// lists in one way to the database: the how-manieth this is, and how many columns those before have.
macro_rules! rows {
    (@uuid $n:literal $before:literal) => { concat!("unhex(value->>(", $n, " - ", $before, "))") };
    (@bytea $n:literal $before:literal) => { concat!("unhex(value->>(", $n, " - ", $before, "))") };
    (@text $n:literal $before:literal) => { concat!("value->>(", $n, " - ", $before, ")") };
    (@bigint $n:literal $before:literal) => { concat!("value->>(", $n, " - ", $before, ")") };
    (list $list:literal after $before:literal: $n1:literal $name1:literal $type1:ident $(, $n:literal $name:literal $type:ident)*) => {
        concat!(
            "(SELECT ", rows!(@$type1 $n1 $before), " AS ", $name1 $(, ", ", rows!(@$type $n $before), " AS ", $name)*,
            " FROM jsonb_each($", $list, ")) AS b"
        )
    };
    ($n1:literal $name1:literal $type1:ident $($more:tt)*) => {
        rows!(list 1 after 0: $n1 $name1 $type1 $($more)*)
    };
}
/// Statements that go to the database together and are done in that order, and the head of the trail after them.
macro_rules! then_the_head {
    ($first:expr, $second:expr, $third:expr) => {
        concat!($first, "; ", $second, "; ", $third, "; SELECT seq, mac, held FROM audit_head WHERE id = 1")
    };
}
/// The insert of so many rows into the trail, and with it the head moves to the last of them: number and MAC, from which number, and
/// how many there are to be. One row if all was done.
macro_rules! and_the_head {
    ($insert:expr) => {
        concat!($insert, "; UPDATE audit_head SET seq = $2, mac = $3 WHERE id = 1 AND seq = $4 AND changes() = $5 RETURNING seq")
    };
}
/// For a statement that changes rows which `b` names by its first column. This engine looks each up by itself.
macro_rules! of_rows {
    ($column:literal $type:ident) => {
        ""
    };
}
/// Of each device in `b` at most so many rows: `$column` of `v`, without any order.
macro_rules! some_of_each {
    ($columns:expr, $table:literal, $most:literal) => {
        concat!(
            "SELECT ", $columns, " FROM ", rows!(1 "one" uuid), " CROSS JOIN ", $table,
            " v WHERE v.rowid IN (SELECT rowid FROM ", $table, " WHERE device = b.one LIMIT ", $most, ")"
        )
    };
}

/// The login and the name of a trail row's personal fields, as the indexes of `migrations` have them, word by word.
macro_rules! personal_login {
    () => {
        "(CASE WHEN json_valid(personal) THEN substr(json_extract(personal, '$.login'), 1, 320) END)"
    };
}
macro_rules! personal_name {
    () => {
        "(lower(CASE WHEN json_valid(personal) THEN substr(json_extract(personal, '$.name'), 1, 320) END))"
    };
}

#[path = "sql/mod.rs"]
pub(super) mod sql;

/// Names and types of a table's columns, in their order.
pub(super) const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";
/// What this side has besides the shared text.
pub(super) const OWN: &[(&str, &str)] = &[("COLUMNS", COLUMNS)];

/// What most rows take.
const ROW: usize = 512;

/// The rows of a batch for `rows!`: one JSON array of arrays, whose places are the numbers of the columns (place 0 is unused).
pub(super) struct Rows {
    query: Query<'static, Db, SqliteArguments>,
    /// Of the list that is being made.
    rows: Vec<String>,
}

impl Rows {
    pub fn of(statement: &'static str, rows: usize) -> Self {
        Self { query: sqlx::query(statement), rows: begun(rows) }
    }

    /// One list is done, the next begins.
    pub fn then(mut self, rows: usize) -> Self {
        self.query = self.query.bind(json(&self.rows));
        self.rows = begun(rows);
        self
    }

    fn add<T>(mut self, column: impl Iterator<Item = impl Into<Option<T>>>, write: impl Fn(&mut String, T)) -> Self {
        for (row, value) in self.rows.iter_mut().zip(column) {
            row.push(',');
            match value.into() {
                Some(value) => write(row, value),
                None => row.push_str("null"),
            }
        }
        self
    }

    pub fn uuids(self, column: impl Iterator<Item = impl Into<Option<Uuid>>>) -> Self {
        self.add(column, |row, id: Uuid| quoted(row, id.as_bytes()))
    }

    pub fn ints(self, column: impl Iterator<Item = impl Into<Option<i64>>>) -> Self {
        self.add(column, |row, n: i64| row.push_str(&n.to_string()))
    }

    pub fn texts<'a>(self, column: impl Iterator<Item = impl Into<Option<Cow<'a, str>>>>) -> Self {
        self.add(column, |row, text: Cow<'a, str>| row.push_str(&serde_json::Value::from(text).to_string()))
    }

    pub fn bytes<'a>(self, column: impl Iterator<Item = &'a [u8]>) -> Self {
        self.add(column, quoted)
    }

    /// The statement, for what belongs to no row.
    pub fn query(self) -> Query<'static, Db, SqliteArguments> {
        self.query.bind(json(&self.rows))
    }

    /// Answers how many rows were touched.
    pub async fn execute(self, conn: &mut Conn) -> Result<u64, StoreError> {
        Ok(self.query().execute(conn).await?.rows_affected())
    }

    pub async fn fetch(self, conn: &mut Conn) -> Result<Vec<Row>, StoreError> {
        Ok(self.query().fetch_all(conn).await?)
    }
}

fn begun(rows: usize) -> Vec<String> {
    let row = || {
        let mut row = String::with_capacity(ROW);
        row.push_str("[0");
        row
    };
    std::iter::repeat_with(row).take(rows).collect()
}

fn json(rows: &[String]) -> String {
    let mut json = String::with_capacity(2 + rows.iter().map(|row| row.len() + 2).sum::<usize>());
    for row in rows {
        json.push(if json.is_empty() { '[' } else { ',' });
        json.push_str(row);
        json.push(']');
    }
    json.push_str(if json.is_empty() { "[]" } else { "]" });
    json
}

/// Bytes as `unhex` reads them.
fn quoted(row: &mut String, bytes: &[u8]) {
    row.push('"');
    push_hex(row, bytes);
    row.push('"');
}

/// A list of ids in the form that `in_uuids!` reads.
pub(super) fn uuid_list(ids: impl Iterator<Item = Uuid>) -> String {
    serde_json::Value::from_iter(ids.map(|id| hex(id.as_bytes()))).to_string()
}

/// A list of texts in the form that `in_texts!` reads.
pub(super) fn text_list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts).to_string()
}
/// A text in the form in which `personal_login!` and `personal_name!` have it.
pub(super) fn personal_key(text: &str) -> String {
    text.chars().take(320).collect()
}

/// Pages of the log that are carried over to the file at once, 16 MB: pages that many commits change are carried once.
const CHECKPOINT: &str = "4000";

/// The writer, then the readers.
pub(super) async fn open(url: &str, max_connections: u32) -> Result<(SqlitePool, SqlitePool), StoreError> {
    let path = url.strip_prefix("sqlite://").unwrap_or_default();
    check(path)?;
    private(path);
    // By the path as it is written: the driver would decode percent signs in an address.
    let base = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = |max: u32| {
        SqlitePoolOptions::new()
            .max_connections(max)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(None)
            .max_lifetime(None)
            // A file needs no ping. But on a full disk SQLite ends a transaction by itself, and the driver does not notice: such a
            // connection is closed.
            .test_before_acquire(false)
            .before_acquire(|conn, _| Box::pin(async move { Ok(!conn.is_in_transaction()) }))
    };
    let writer = base.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal).pragma("wal_autocheckpoint", CHECKPOINT);
    let write = pool(1).connect_with(writer).await?;
    let read = pool(max_connections.max(1)).connect_with(base.pragma("query_only", "ON")).await?;
    Ok((write, read))
}

/// Does the path name a file in a folder that is there?
pub(super) fn check(path: &str) -> Result<(), StoreError> {
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(StoreError::Config("SQLite needs a file: sqlite:///path/to/file.db".to_owned()));
    }
    if let Some((_, parameters)) = path.split_once('?') {
        let name = parameters.split(['=', '&']).next().unwrap_or_default();
        return Err(StoreError::Config(format!("unknown parameter `{name}`: a SQLite address takes none")));
    }
    match std::path::Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(StoreError::Config(format!("the folder {} is not there", folder.display())))
        }
        _ => Ok(()),
    }
}

/// Makes a new file for this user alone; SQLite gives its companions the same mode and owner. What root makes belongs to whom the
/// folder belongs to: a server that runs as that user could not open it otherwise. A file that cannot be made here is one that
/// SQLite will say more of.
fn private(path: &str) {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
    let Ok(file) = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) else { return };
    let folder = std::path::Path::new(path).parent().map(std::fs::metadata);
    if let (Ok(made), Some(Ok(folder))) = (file.metadata(), folder)
        && made.uid() == 0
    {
        drop(fchown(&file, Some(folder.uid()), Some(folder.gid())));
    }
}

/// In a task of its own: a `begin` that is dropped half-way would leave the connection inside a transaction that nobody knows of.
pub(super) async fn begin(pool: &SqlitePool, statement: &'static str) -> Result<Tx, StoreError> {
    let pool = pool.clone();
    #[expect(clippy::disallowed_methods, reason = "here and nowhere else, in a task of its own")]
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
    Ok(begun.map_err(|_| StoreError::Unavailable("the task that opens transactions ended".to_owned()))??)
}
