//! The SQLite side: how its connections are opened, the few words its dialect says differently, and its copy of `sql/`.
//!
//! One connection writes (`BEGIN IMMEDIATE`), several read beside it and cannot write. Nobody but `store` names this room.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlitePool, Transaction};

use super::StoreError;
use crate::domain::hex;
use sql::trail::Line;

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
macro_rules! hold_logouts {
    () => {
        "SELECT 1"
    };
}
/// A list of ids as one parameter: JSON of their hex forms.
macro_rules! uuids_in {
    ($parameter:literal) => {
        concat!("(SELECT unhex(value) FROM json_each(", $parameter, "))")
    };
}
/// A list of texts as one parameter: JSON.
macro_rules! texts_in {
    ($parameter:literal) => {
        concat!("(SELECT value FROM json_each(", $parameter, "))")
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

pub(super) const INSERT_LINES: &str = concat!(
    "INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, ",
    "serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) ",
    "SELECT value->>0, unhex(value->>1), value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, ",
    "unhex(value->>9), value->>10, unhex(value->>11), unhex(value->>12), unhex(value->>13), value->>14, value->>15, ",
    "unhex(value->>16), unhex(value->>17), unhex(value->>18) FROM json_each($1)"
);
/// Names and types of a table's columns, in their order.
pub(super) const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";
/// What this side has besides the shared text.
pub(super) const OWN: &[(&str, &str)] = &[("INSERT_LINES", INSERT_LINES), ("COLUMNS", COLUMNS)];

/// Inserts trail rows in one statement; answers how many.
pub(super) async fn insert_lines(conn: &mut Conn, lines: &[Line<'_>]) -> Result<u64, StoreError> {
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            let e = line.event;
            let (issuer, subject) = e.actor.columns();
            // An array of nineteen, in the order of the statement; `json!` would not nest that deep.
            serde_json::Value::Array(vec![
                line.seq.into(),
                hex(e.id.0.as_bytes()).into(),
                e.at.0.into(),
                e.kind.code().into(),
                e.outcome.code().into(),
                e.actor.kind().into(),
                issuer.into(),
                subject.into(),
                e.role.as_str().into(),
                e.device.map(|d| hex(d.0.as_bytes())).into(),
                e.serial.as_deref().into(),
                e.version.map(|v| hex(v.0.as_bytes())).into(),
                e.grant.map(|g| hex(g.0.as_bytes())).into(),
                e.request.map(|r| hex(r.as_bytes())).into(),
                e.detail.as_str().into(),
                line.personal.as_str().into(),
                hex(e.salt).into(),
                hex(&line.personal_mac).into(),
                hex(&line.mac).into(),
            ])
        })
        .collect();
    let json = serde_json::Value::Array(rows).to_string();
    Ok(sqlx::query(INSERT_LINES).bind(json).execute(conn).await?.rows_affected())
}

/// A list of ids in the form that `uuids_in!` reads.
pub(super) fn uuid_list(ids: impl Iterator<Item = uuid::Uuid>) -> String {
    serde_json::Value::from_iter(ids.map(|id| hex(id.as_bytes()))).to_string()
}

/// A list of texts in the form that `texts_in!` reads.
pub(super) fn text_list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts).to_string()
}
/// A text in the form in which `personal_login!` and `personal_name!` have it.
pub(super) fn personal_key(text: &str) -> String {
    text.chars().take(320).collect()
}

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
            // On a full disk SQLite ends a transaction by itself, and the driver does not notice: such a connection is closed.
            .test_before_acquire(true)
            .before_acquire(|conn, _| Box::pin(async move { Ok(!conn.is_in_transaction()) }))
    };
    let writer = base.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
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
