//! The database: rows in, rows out, on SQLite or PostgreSQL. It moves sealed bytes and MACs without knowing how they are
//! made, begins no transaction on its own, and hands out a sealed key for an `AuditReceipt` only.
//!
//! `sql/` holds every statement once and is compiled twice, beneath `sqlite` and beneath `postgres`; [`Tx`] sends each
//! call to its copy. Services call this room, nobody else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgPool, SqlitePool};
use tracing::{Instrument as _, Span};

use crate::domain::audit::AuditReceipt;
use crate::domain::ids::{Timestamp, VersionId};
use crate::domain::{Attested, KeyVersion, Sealed};

pub use commit::Pending;
pub use error::StoreError;
pub use postgres::Servers;
pub use reader::Reader;
pub use tables::{APART, Cell, Column, Lives, TABLES, Table};
pub use tx::{RingRow, SOME_VERSIONS, TokenRows};

#[macro_use]
mod macros;

mod commit;
mod error;
mod migrate;
mod postgres;
mod reader;
mod role;
mod sqlite;
mod tables;
mod tx;

use postgres::Hosts;

/// How long the database may take for one call of an act.
pub const PATIENCE: Duration = Duration::from_millis(4500);

/// Where the database is.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite:///path/file.db` or `postgres://user@host:port/name`; secret, since it can hold a password.
    pub url: SecretString,
    /// PostgreSQL: more servers of the same database, `HOST` or `HOST:PORT`; whichever takes writes is used.
    pub other_hosts: Vec<String>,
    /// PostgreSQL: all connections. SQLite: those that read; one more writes.
    pub max_connections: u32,
}

impl StoreOptions {
    pub fn new(url: SecretString, max_connections: u32) -> Self {
        Self { url, other_hosts: Vec::new(), max_connections }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Within the trace of a request: what is done at the database, by its name in this code.
    fn span(self, act: &'static str) -> Span {
        let system = match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        };
        tracing::info_span!(
            target: "keyharbor::span",
            "store",
            otel.name = act,
            otel.kind = "client",
            db.system.name = system,
            db.operation.name = act,
        )
    }
}

/// The pools. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    next: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Pools {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Postgres { pool: PgPool, hosts: Arc<Hosts> },
}

/// An open transaction; dropped, it is rolled back.
pub struct Tx {
    side: Side,
    id: u64,
    /// Once it is locked and nothing is appended yet.
    head: Option<Head>,
    /// Since when its connection is in use.
    had: Instant,
}

/// The head of the trail, locked.
struct Head {
    seq: i64,
    mac: Vec<u8>,
    /// The trail takes no row.
    held: bool,
}

enum Side {
    Sqlite(sqlite::Tx),
    Postgres(postgres::Tx),
}

impl Side {
    fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

impl Store {
    /// Can this address be used, as far as it can be seen without connecting?
    ///
    /// # Errors
    /// [`StoreError::Config`] names what is wrong.
    pub fn check(options: &StoreOptions) -> Result<(), StoreError> {
        let url = options.url.expose_secret();
        match url.split_once("://") {
            Some(("sqlite", _)) if !options.other_hosts.is_empty() => {
                Err(StoreError::Config("other hosts are for PostgreSQL, whose address begins with postgres://".to_owned()))
            }
            Some(("sqlite", path)) => sqlite::check(path),
            Some(("postgres" | "postgresql", _)) => Hosts::of(postgres::options(url)?, &options.other_hosts).map(|_| ()),
            _ => Err(StoreError::Config("must begin with sqlite:// or postgres://".to_owned())),
        }
    }

    /// An address without what is secret in it: engine, host, port and name, or the path.
    pub fn name(url: &SecretString) -> String {
        let Ok(mut parsed) = url::Url::parse(url.expose_secret()) else { return "?".to_owned() };
        let bare = parsed.set_password(None).and_then(|()| parsed.set_username(""));
        parsed.set_query(None);
        match bare {
            // An address without a host has no such parts.
            Err(()) if parsed.has_host() => "?".to_owned(),
            _ => parsed.to_string(),
        }
    }

    /// Connects; migrates nothing.
    ///
    /// # Errors
    /// [`StoreError::Config`] names what is wrong with the address; otherwise the database cannot be reached.
    pub async fn connect(options: &StoreOptions) -> Result<Self, StoreError> {
        Self::check(options)?;
        let url = options.url.expose_secret();
        let pools = if url.starts_with("sqlite:") {
            let (write, read) = sqlite::open(url, options.max_connections).await?;
            Pools::Sqlite { write, read }
        } else {
            let hosts = Arc::new(Hosts::of(postgres::options(url)?, &options.other_hosts)?);
            let pool = postgres::open(&hosts, options.max_connections).await?;
            Pools::Postgres { pool, hosts }
        };
        Ok(Self { pools, next: Arc::new(AtomicU64::new(1)) })
    }

    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Each pool's name, its open connections, the idle ones among them, and how many there may be.
    pub fn pools(&self) -> Vec<(&'static str, u32, usize, u32)> {
        fn of<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) -> (&'static str, u32, usize, u32) {
            (name, pool.size(), pool.num_idle(), pool.options().get_max_connections())
        }
        match &self.pools {
            Pools::Sqlite { write, read } => vec![of("write", write), of("read", read)],
            Pools::Postgres { pool, .. } => vec![of("all", pool)],
        }
    }

    /// Keeps the connections with the server that takes writes, for as long as it is awaited; ends at once where there is only one.
    pub async fn watch_servers(&self) {
        if let Pools::Postgres { pool, hosts } = &self.pools
            && hosts.several()
        {
            hosts.watch(pool).await;
        }
    }

    /// What the servers of the database last said, where there are several.
    pub fn servers(&self) -> Option<Servers> {
        match &self.pools {
            Pools::Sqlite { .. } => None,
            Pools::Postgres { hosts, .. } => hosts.seen(),
        }
    }

    /// Does the database answer, and can the trail be written?
    ///
    /// # Errors
    /// It does not, or not in time.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        match tx.held().await? {
            None => Ok(()),
            Some(_) => Err(StoreError::Held),
        }
    }

    /// The database's clock, where replicas share one; `None` on SQLite.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(None),
            Pools::Postgres { pool, .. } => postgres::within(postgres::now(pool)).await.map(Some),
        }
    }

    /// A transaction that cannot write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: no connection in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let span = self.engine().span("begin read");
        let side = match &self.pools {
            Pools::Sqlite { read, .. } => Side::Sqlite(sqlite::begin(read, sqlite::BEGIN_READ).instrument(span).await?),
            Pools::Postgres { pool, hosts } => Side::Postgres(postgres::begin(pool, hosts, postgres::BEGIN_READ).instrument(span).await?),
        };
        Ok(self.tx(side))
    }

    /// A transaction that cannot write and in which time stands still: every statement sees the same rows.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: no connection in time.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        let span = self.engine().span("begin snapshot");
        let side = match &self.pools {
            Pools::Sqlite { read, .. } => Side::Sqlite(sqlite::begin(read, sqlite::BEGIN_READ).instrument(span).await?),
            Pools::Postgres { pool, hosts } => {
                Side::Postgres(postgres::begin(pool, hosts, postgres::BEGIN_SNAPSHOT).instrument(span).await?)
            }
        };
        Ok(self.tx(side))
    }

    /// A transaction that writes; on SQLite it is the only one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: no connection or no write lock in time.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let span = self.engine().span("begin write");
        let side = match &self.pools {
            Pools::Sqlite { write, .. } => Side::Sqlite(sqlite::begin(write, sqlite::BEGIN_WRITE).instrument(span).await?),
            Pools::Postgres { pool, hosts } => Side::Postgres(postgres::begin(pool, hosts, postgres::BEGIN_WRITE).instrument(span).await?),
        };
        Ok(self.tx(side))
    }

    fn tx(&self, side: Side) -> Tx {
        Tx { side, id: self.next.fetch_add(1, Ordering::Relaxed), head: None, had: Instant::now() }
    }

    /// The one key version that a committed trail row names; `None` when it names none, or that version is gone.
    ///
    /// # Errors
    /// The database does not answer, or the row cannot be read.
    pub async fn sealed_key(&self, receipt: &AuditReceipt) -> Result<Option<(Attested<KeyVersion>, Sealed)>, StoreError> {
        let Some(version) = receipt.version() else { return Ok(None) };
        ask!(&mut self.read().await?.side, keys::sealed_version(version))
    }

    /// Key versions whose value is sealed under another KEK than this, by id, those after one: to be sealed anew, for no person.
    /// Needs the receipt of the trail row that says so.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sealed_otherwise(
        &self,
        _recorded: &AuditReceipt,
        kek_id: u32,
        after: VersionId,
        limit: i64,
    ) -> Result<Vec<(Attested<KeyVersion>, Sealed)>, StoreError> {
        ask!(&mut self.read().await?.side, keys::sealed_otherwise(kek_id, after, limit))
    }

    /// Waits for open transactions and closes every connection.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres { pool, .. } => pool.close().await,
        }
    }

    /// Every statement of one engine with its name (`devices::BY_ID`), for the tests that prepare and explain each.
    pub fn statements(engine: Engine) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (shared, own) = match engine {
            Engine::Sqlite => (sqlite::sql::ALL, sqlite::OWN),
            Engine::Postgres => (postgres::sql::ALL, postgres::OWN),
        };
        let named = |(path, sql): &(&'static str, &'static str)| (path.rsplit_once("::sql::").map_or(*path, |(_, name)| name), *sql);
        shared.iter().copied().chain(std::iter::once(own)).flatten().map(named)
    }
}
