//! The PostgreSQL side: how its connections are opened, the few words its dialect says differently, and its copy of `sql/`.
//!
//! A connection is asked before its use whether its server takes writes, and a second later again if it goes on from one transaction to
//! the next, so a demoted primary is soon left. Nobody but `store` names this room.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool, Row as _, Transaction};
use url::Url;
use uuid::Uuid;

use super::migrate::MAY_CREATE;
use super::role::{MAY_CHANGE_TRAIL, ROLE_NAME, SCHEMA_NAME};
use super::{PATIENCE, StoreError};
use crate::domain::Timestamp;

mod hosts;
mod rows;

pub use hosts::{Hosts, Servers};
pub(super) use rows::Rows;

pub(super) type Db = sqlx::Postgres;
pub(super) type Conn = sqlx::PgConnection;
pub(super) type Row = sqlx::postgres::PgRow;
pub(super) type Tx = Transaction<'static, Db>;

pub(super) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
pub(super) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY";

const NEXT: &str = "COMMIT AND CHAIN";

/// Held until the end of the transaction. Always a statement of its own: joined with a read, others slip through.
macro_rules! lock {
    () => {
        " FOR UPDATE"
    };
}
macro_rules! share {
    () => {
        " FOR SHARE"
    };
}
/// Held like that, and passed over where another transaction holds it. References to the row are no hindrance.
macro_rules! free {
    () => {
        " FOR NO KEY UPDATE SKIP LOCKED"
    };
}
/// No row is added to the table until the end of the transaction; others may say the same.
macro_rules! hold_logouts {
    () => {
        "LOCK TABLE logout_tokens IN SHARE MODE"
    };
}
/// The column before it is one of a list of ids, which is one parameter.
macro_rules! in_uuids {
    ($parameter:literal) => {
        concat!(" = ANY(", $parameter, "::uuid[])")
    };
}
/// The same with a list of texts.
macro_rules! in_texts {
    ($parameter:literal) => {
        concat!(" = ANY(", $parameter, "::text[])")
    };
}

/// Many rows as a table `b`, for a statement that takes a batch: each column's parameter, name and type (`uuid`, `text`, `bigint`,
/// `bytea`). [`Rows`] binds them. Of several lists in one statement: the how-manieth this is, and how many columns those before have.
macro_rules! rows {
    (list $list:literal after $before:literal: $($columns:tt)*) => {
        rows!($($columns)*)
    };
    ($n1:literal $name1:literal $type1:ident $(, $n:literal $name:literal $type:ident)*) => {
        concat!(
            "UNNEST($", $n1, "::", stringify!($type1), "[]" $(, ", $", $n, "::", stringify!($type), "[]")*, ") AS b (", $name1
            $(, ", ", $name)*, ")"
        )
    };
}
/// Statements that go to the database together and are done in that order, each when it is counted; after them, not before, the head
/// of the trail is locked, and nothing is read beside it. Only references are checked later still: what is referred to has to be
/// held by this transaction, or added by it.
macro_rules! then_the_head {
    ($first:expr, $second:expr, $third:expr) => {
        concat!(
            "WITH first AS (",
            $first,
            " RETURNING 1), second AS (",
            $second,
            " RETURNING 1), third AS (",
            $third,
            " RETURNING 1) SELECT seq, mac, held FROM audit_head WHERE id = 1 AND (SELECT COUNT(*) FROM first) \
             + (SELECT COUNT(*) FROM second) + (SELECT COUNT(*) FROM third) >= 0 FOR UPDATE"
        )
    };
}
/// The insert of so many rows into the trail, and with it the head moves to the last of them: number and MAC, from which number, and
/// how many there are to be. One row if all was done.
macro_rules! and_the_head {
    ($insert:expr) => {
        concat!(
            "WITH added AS (",
            $insert,
            " RETURNING 1) UPDATE audit_head SET seq = $20, mac = $21 \
             WHERE id = 1 AND seq = $22 AND (SELECT COUNT(*) FROM added) = $23 RETURNING seq"
        )
    };
}
/// For a statement that changes rows which `b` names by its first column: only those are looked up, whatever the plan of the join.
macro_rules! of_rows {
    ($column:literal $type:ident) => {
        concat!(" AND ", $column, " = ANY($1::", stringify!($type), "[])")
    };
}
/// Of each device in `b` at most so many rows: `$column` of `v`, without any order.
macro_rules! some_of_each {
    ($columns:expr, $table:literal, $most:literal) => {
        concat!(
            "SELECT ", $columns, " FROM ", rows!(1 "one" uuid), " CROSS JOIN LATERAL (SELECT * FROM ", $table,
            " WHERE device = b.one LIMIT ", $most, ") v"
        )
    };
}

/// The login and the name of a trail row's personal fields, as the indexes of `migrations` have them, word by word: cut out of
/// the JSON, still escaped.
macro_rules! personal_login {
    () => {
        r#"(left(substring(personal from '"login":"((?:[^"\\]|\\.)*)"'), 320))"#
    };
}
macro_rules! personal_name {
    () => {
        r#"(lower(left(substring(personal from '"name":"((?:[^"\\]|\\.)*)"'), 320) COLLATE "C"))"#
    };
}

#[path = "sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text, compiled for each engine")]
pub(super) mod sql;

const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
const WRITABLE: &str = "SHOW transaction_read_only";
/// Is no transaction open? One that is began earlier than the statement.
const OUTSIDE: &str = "SELECT now() = statement_timestamp()";
/// How long a connection that comes back may still be busy.
const REST: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// So long a server is taken at its word that it takes writes.
const ASKED: Duration = Duration::from_secs(1);
/// How every session begins. Longest waits: for a lock, for a statement, inside an open transaction. And rows are looked up by an
/// index where there is one: a plan is kept for as long as a connection lives, also one that was made while a table was small,
/// and a first night's import fills it. No bitmaps: they lose the order of the index, and all that was found is sorted (57 ms for the
/// newest page of a trail of 100,000 rows). It is planned once for all values: planning the search costs more than searching. Not `options=`,
/// which a pooler refuses.
const SESSION: &str = "SELECT set_config('lock_timeout', '4s', false), set_config('statement_timeout', '15s', false), \
                       set_config('idle_in_transaction_session_timeout', '15s', false), set_config('enable_seqscan', 'off', false), \
                       set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false), \
                       set_config('enable_bitmapscan', 'off', false), \
                       set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false)";
/// A commit is on the disk (and a synchronous standby's) before it is answered, whatever role, database or server say by default;
/// what waits for yet more stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') <> 'remote_apply'";
/// Names and types of a table's columns, in their order.
pub(super) const COLUMNS: &str = "SELECT CAST(attname AS TEXT), format_type(atttypid, NULL) FROM pg_attribute \
                                  WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
/// What this side has besides the shared text.
pub(super) const OWN: &[(&str, &str)] = &[
    ("COLUMNS", COLUMNS),
    ("NOW", NOW),
    ("WRITABLE", WRITABLE),
    ("OUTSIDE", OUTSIDE),
    ("SESSION", SESSION),
    ("ROLE_NAME", ROLE_NAME),
    ("SCHEMA_NAME", SCHEMA_NAME),
    ("MAY_CHANGE_TRAIL", MAY_CHANGE_TRAIL),
    ("MAY_CREATE", MAY_CREATE),
];

/// Parameters that are understood. The driver would ignore others with no more than a warning, `target_session_attrs` too.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "application_name",
    "statement-cache-capacity",
];

/// A text in the form in which `personal_login!` and `personal_name!` have it.
pub(super) fn personal_key(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().chars().take(320).collect()
}

/// A list of ids in the form that `in_uuids!` reads.
pub(super) fn uuid_list(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    ids.collect()
}

/// A list of texts in the form that `in_texts!` reads.
pub(super) fn text_list<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.map(str::to_owned).collect()
}

/// Reads an address and refuses what the driver would silently ignore.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let bad = |text: &str| Err(StoreError::Config(text.to_owned()));
    let Ok(parsed) = Url::parse(url) else {
        return bad("not of the form postgres://user@host:port/name (one host; percent-encode special characters)");
    };
    for (name, value) in parsed.query_pairs() {
        if !PARAMETERS.contains(&&*name) {
            return Err(StoreError::Config(format!("unknown parameter `{name}`; known are {}", PARAMETERS.join(", "))));
        }
        if let "sslrootcert" | "sslcert" | "sslkey" = &*name
            && !value.starts_with("-----BEGIN")
            && let Err(e) = std::fs::File::open(&*value)
        {
            // The driver's own error would not say which file.
            return Err(StoreError::Config(format!("{name}: cannot read {value}: {e}")));
        }
        if name == "host" && value.contains(',') {
            return bad("parameter `host` takes one host");
        }
    }
    PgConnectOptions::from_str(url).or_else(|_| bad("a part of it cannot be read (port, sslmode, statement-cache-capacity?)"))
}

pub(super) async fn open(hosts: &Arc<Hosts>, max_connections: u32) -> Result<PgPool, StoreError> {
    if hosts.several() {
        hosts.find().await?;
    }
    let options = hosts.options();
    let hosts = Arc::clone(hosts);
    let pool = PgPoolOptions::new()
        .max_connections(max_connections.max(1))
        .acquire_timeout(Duration::from_secs(2))
        // The question whether it takes writes stands in place of the ping.
        .test_before_acquire(false)
        .after_connect(|conn, _| {
            Box::pin(async move {
                if !takes_writes(conn).await? {
                    return Err(sqlx::Error::Protocol("this server takes no writes (a standby?)".to_owned()));
                }
                sqlx::raw_sql(SESSION).execute(&mut *conn).await?;
                sqlx::raw_sql(DURABLE).execute(conn).await.map(|_| ())
            })
        })
        .before_acquire(move |conn, idle| {
            let hosts = Arc::clone(&hosts);
            Box::pin(async move {
                if hosts.outlived(idle.age) {
                    return Ok(false);
                }
                let takes = takes_writes(conn).await;
                if !matches!(takes, Ok(true)) {
                    // The pool tries again for as long as it may before it says so.
                    hosts.trouble();
                }
                takes
            })
        })
        .after_release(|conn, _| Box::pin(quiet(conn)))
        .connect_with(options.clone())
        .await;
    match pool {
        Ok(pool) => Ok(pool),
        Err(sqlx::Error::PoolTimedOut) => Err(reason(&options).await),
        Err(e) => Err(e.into()),
    }
}

/// Is the connection at rest? One that was let go while it waited, e.g. for a standby that does not confirm a commit, is closed
/// and holds no place in the pool. Nothing is cancelled: the server would call a commit done that no standby has. Nor is one kept
/// whose `begin` was answered too late: the driver does not know of that transaction.
async fn quiet(conn: &mut Conn) -> Result<bool, sqlx::Error> {
    let outside = async { sqlx::raw_sql(OUTSIDE).fetch_one(conn).await?.try_get(0) };
    tokio::time::timeout(REST, outside).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Why no connection came in time: a pool goes on trying and does not say. One more try of our own does.
async fn reason(options: &PgConnectOptions) -> StoreError {
    match tokio::time::timeout(Duration::from_secs(2), Conn::connect_with(options)).await {
        Ok(Err(e)) => e.into(),
        Ok(Ok(_)) => sqlx::Error::PoolTimedOut.into(),
        Err(_) => StoreError::Unavailable("it does not answer".to_owned()),
    }
}

async fn takes_writes(conn: &mut Conn) -> Result<bool, sqlx::Error> {
    let answer: String = sqlx::query_scalar(WRITABLE).fetch_one(conn).await?;
    Ok(answer == "off")
}

/// In a task of its own: a `begin` that is dropped half-way would leave the session inside a transaction that nobody knows of. One
/// that is not answered is dropped in the end, and [`quiet`] looks at what it leaves.
pub(super) async fn begin(pool: &PgPool, hosts: &Arc<Hosts>, statement: &'static str) -> Result<Tx, StoreError> {
    let (pool, hosts) = (pool.clone(), Arc::clone(hosts));
    let begun = tokio::spawn(async move {
        let may = || hosts.refusal().filter(|_| statement == BEGIN_WRITE).map_or(Ok(()), Err);
        #[expect(clippy::disallowed_methods, reason = "here and nowhere else, in a task of its own")]
        let open =
            || async { tokio::time::timeout(PATIENCE / 2, pool.begin_with(statement)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) };
        had(&pool, &hosts, may, open).await
    });
    begun.await.map_err(|_| StoreError::Unavailable("the task that opens transactions ended".to_owned()))?
}

/// May a connection that is in use since then be used for another transaction that writes, without being asked again?
pub(super) fn may_go_on(pool: &PgPool, hosts: &Hosts, had: Instant) -> bool {
    let others = pool.num_idle() > 0 || pool.size() < pool.options().get_max_connections();
    let in_use = had.elapsed();
    others && in_use < ASKED && hosts.refusal().is_none() && !hosts.outlived(in_use)
}

/// Commits, and begins a transaction of the same kind.
pub(super) async fn commit_and_begin(tx: &mut Tx) -> Result<(), StoreError> {
    sqlx::raw_sql(NEXT).execute(&mut **tx).await?;
    Ok(())
}

/// A connection for look-ups that need no transaction.
pub(super) async fn reader(pool: &PgPool, hosts: &Hosts) -> Result<PoolConnection<Db>, StoreError> {
    had(pool, hosts, || Ok(()), || pool.acquire()).await
}

/// While no server can be had it is tried again: nothing has been done yet.
async fn had<T, F: Future<Output = Result<T, sqlx::Error>>>(
    pool: &PgPool,
    hosts: &Hosts,
    may: impl Fn() -> Result<(), StoreError>,
    open: impl Fn() -> F,
) -> Result<T, StoreError> {
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        may()?;
        let error = match open().await {
            Ok(had) => return Ok(had),
            Err(e) => StoreError::from(e),
        };
        hosts.trouble();
        // What is left has to do for the whole act.
        if !error.is_transient() || pool.is_closed() || began.elapsed() >= PATIENCE / 2 {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(400));
    }
}

/// Ends a call that the database does not answer in time; what it belongs to can only be let go.
pub(super) async fn within<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    // Acts are made of many calls: what each needs is not to lie in the act's own frame.
    tokio::time::timeout(PATIENCE, Box::pin(call)).await.unwrap_or(Err(StoreError::Timeout))
}

/// The clock that all replicas share.
pub(super) async fn now(pool: &PgPool) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(sqlx::query_scalar(NOW).fetch_one(pool).await?))
}
