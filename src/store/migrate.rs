//! Bringing a database up to date: `migrations/{sqlite,postgres}`, compiled in. A migration that a newer release applied is
//! no error, because replicas of two releases may run side by side.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

use super::{Pools, Side, Store, StoreError, Tx};

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// Our own number: the driver's lock blocks and would stall a `CREATE INDEX CONCURRENTLY`.
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(7308604896)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(7308604896)";
/// So long a migration waits for a table that others are at: whoever comes after it, to read even, waits behind it.
const LOCK_TIMEOUT: &str = "SELECT set_config('lock_timeout', '2s', false)";
/// How often it is tried again.
const TRIES: u32 = 15;
const HAS_TABLE_SQLITE: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
const HAS_TABLE_POSTGRES: &str =
    "SELECT COUNT(*) FROM pg_tables WHERE tablename = '_sqlx_migrations' AND schemaname = ANY (current_schemas(false))";
pub(super) const MAY_CREATE: &str = "SELECT has_schema_privilege(current_schema(), 'CREATE')";
const TABLE: &str = "_sqlx_migrations";

impl Store {
    /// Applies what is missing. On PostgreSQL one replica at a time, over a connection of its own (never through a
    /// transaction pooler: the lock belongs to the session).
    ///
    /// # Errors
    /// A migration that was changed after it ran, or fails; a lock that another process holds for a minute, a table that others
    /// do not leave for as long.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let applied = match &self.pools {
            Pools::Sqlite { write, .. } => {
                let mut conn = write.acquire().await?;
                // Another process may be faster by a moment, at one migration after the other: what it did is found at the next try.
                let (mut tries, mut done) = (0, 0);
                while let Err(error) = ours(&SQLITE).run(&mut *conn).await {
                    let by_now = applied(&mut *conn).await.map_or(0, |all| all.len());
                    tries = if by_now > done { 0 } else { tries + 1 };
                    done = by_now;
                    if tries == 5 {
                        return Err(error.into());
                    }
                }
                applied(&mut *conn).await?
            }
            Pools::Postgres { hosts, .. } => {
                let mut conn = PgConnection::connect_with(&hosts.options()).await?;
                let outcome = migrate_locked(&mut conn).await;
                conn.close().await.ok();
                outcome?
            }
        };
        let known = self.known();
        for version in applied.iter().filter(|v| !known.contains(v)) {
            tracing::warn!(version, "the database holds a migration of a newer release");
        }
        Ok(())
    }

    /// The numbers of the migrations that `migrate` would apply.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<i64>, StoreError> {
        let applied = match &self.pools {
            Pools::Sqlite { write, .. } => {
                let mut conn = write.acquire().await?;
                let tables: i64 = sqlx::query_scalar(HAS_TABLE_SQLITE).fetch_one(&mut *conn).await?;
                if tables == 0 { HashSet::new() } else { applied(&mut *conn).await? }
            }
            Pools::Postgres { pool, .. } => {
                let mut conn = pool.acquire().await?;
                let tables: i64 = sqlx::query_scalar(HAS_TABLE_POSTGRES).fetch_one(&mut *conn).await?;
                if tables == 0 { HashSet::new() } else { applied(&mut *conn).await? }
            }
        };
        Ok(self.known().into_iter().filter(|v| !applied.contains(v)).collect())
    }

    fn known(&self) -> Vec<i64> {
        let migrator = if matches!(self.pools, Pools::Sqlite { .. }) { &SQLITE } else { &POSTGRES };
        migrator.iter().map(|m| m.version).collect()
    }
}

impl Tx {
    /// The numbers of the migrations that this database has, in order; none when it is new.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn applied_migrations(&mut self) -> Result<Vec<i64>, StoreError> {
        let found = match &mut self.side {
            Side::Sqlite(tx) => {
                let tables: i64 = sqlx::query_scalar(HAS_TABLE_SQLITE).fetch_one(&mut **tx).await?;
                if tables == 0 { HashSet::new() } else { applied(&mut **tx).await? }
            }
            Side::Postgres(tx) => {
                let tables: i64 = sqlx::query_scalar(HAS_TABLE_POSTGRES).fetch_one(&mut **tx).await?;
                if tables == 0 { HashSet::new() } else { applied(&mut **tx).await? }
            }
        };
        let mut found: Vec<i64> = found.into_iter().collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Applies what is missing as a part of this transaction: all, or those with these numbers.
    ///
    /// # Errors
    /// As [`Store::migrate`]; [`StoreError::Config`] when one of the numbers is not known here.
    pub async fn migrate_within(&mut self, only: Option<&[i64]>) -> Result<(), StoreError> {
        let source = if matches!(self.side, Side::Sqlite(_)) { &SQLITE } else { &POSTGRES };
        if let Some(strange) = only.unwrap_or_default().iter().find(|v| !source.version_exists(**v)) {
            return Err(StoreError::Config(format!("migration {strange} is of a newer release")));
        }
        let wanted = source.iter().filter(|m| only.is_none_or(|only| only.contains(&m.version)));
        let mut migrator = Migrator::with_migrations(wanted.cloned().collect());
        migrator.set_ignore_missing(true).set_locking(false);
        match &mut self.side {
            Side::Sqlite(tx) => migrator.run(&mut **tx).await?,
            Side::Postgres(tx) => migrator.run(&mut **tx).await?,
        }
        Ok(())
    }
}

/// The compiled-in migrations with our settings.
fn ours(source: &'static Migrator) -> Migrator {
    let mut migrator = Migrator::with_migrations(source.iter().cloned().collect());
    migrator.set_ignore_missing(true).set_locking(false);
    migrator
}

async fn migrate_locked(conn: &mut PgConnection) -> Result<HashSet<i64>, StoreError> {
    if !sqlx::query_scalar::<_, bool>(MAY_CREATE).fetch_one(&mut *conn).await? {
        // A role that only serves: it cannot even say "create it if it is not there".
        let tables: i64 = sqlx::query_scalar(HAS_TABLE_POSTGRES).fetch_one(&mut *conn).await?;
        let done = if tables == 0 { HashSet::new() } else { applied(conn).await? };
        if POSTGRES.iter().all(|m| done.contains(&m.version)) {
            return Ok(done);
        }
        let why = "migrations are missing, and this role may not make tables: run `keyharbor migrate` as the role that owns them";
        return Err(StoreError::Other(why.to_owned()));
    }
    let mut waited = Duration::ZERO;
    let mut pause = Duration::from_millis(250);
    while !sqlx::query_scalar::<_, bool>(TRY_LOCK).fetch_one(&mut *conn).await? {
        if waited >= Duration::from_secs(60) {
            return Err(StoreError::Unavailable("another process has been migrating for a minute".to_owned()));
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
    sqlx::query(LOCK_TIMEOUT).execute(&mut *conn).await?;
    let mut tries = 1;
    while let Err(error) = ours(&POSTGRES).run(&mut *conn).await {
        let Some(number) = in_the_way(&error) else { return Err(error.into()) };
        if tries == TRIES {
            let why =
                format!("migration {number}: others have been at its tables for too long (a backup, an export, a transaction left open?)");
            return Err(StoreError::Unavailable(why));
        }
        tracing::warn!("a migration waits for others to leave a table, lets them pass and is tried again");
        tries += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let done = applied(conn).await?;
    sqlx::query(UNLOCK).execute(conn).await?;
    Ok(done)
}

/// The number of the migration that met others at a table: it waited in vain, or for each other.
fn in_the_way(error: &MigrateError) -> Option<i64> {
    let MigrateError::ExecuteMigration(error, number) = error else { return None };
    let code = error.as_database_error()?.code()?;
    (code == "55P03" || code == "40P01").then_some(*number)
}

async fn applied<C: Migrate>(conn: &mut C) -> Result<HashSet<i64>, StoreError> {
    Ok(conn.list_applied_migrations(TABLE).await?.into_iter().map(|m| m.version).collect())
}
