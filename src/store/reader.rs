//! Look-ups that need no transaction: one statement, one way to the database and back.

use sqlx::pool::PoolConnection;
use tracing::Instrument as _;

use super::{Engine, Pools, RingRow, Store, StoreError, TokenRows, postgres, sqlite};

/// A connection that reads. Each look-up sees what is committed when it begins. Whoever keeps one asks for another now and then:
/// it would not notice that its server takes no writes any more.
pub struct Reader(Side);

enum Side {
    Sqlite(PoolConnection<sqlite::Db>),
    Postgres(PoolConnection<postgres::Db>),
}

impl Store {
    /// # Errors
    /// [`StoreError::Unavailable`]: no connection in time.
    pub async fn reader(&self) -> Result<Reader, StoreError> {
        let span = self.engine().span("reader");
        Ok(Reader(match &self.pools {
            Pools::Sqlite { read, .. } => Side::Sqlite(read.acquire().instrument(span).await?),
            Pools::Postgres { pool, hosts } => Side::Postgres(postgres::reader(pool, hosts).instrument(span).await?),
        }))
    }
}

macro_rules! look_ups {
    ($($(#[$doc:meta])* $file:ident :: $name:ident ( $($arg:ident : $type:ty),* ) -> $out:ty;)+) => {
        impl Reader {
            $($(#[$doc])*
            ///
            /// # Errors
            /// The database does not answer, or a row cannot be read.
            pub async fn $name(&mut self, $($arg: $type),*) -> Result<$out, StoreError> {
                let name = concat!(stringify!($file), "::", stringify!($name));
                match &mut self.0 {
                    Side::Sqlite(conn) => sqlite::sql::$file::$name(conn, $($arg),*).instrument(Engine::Sqlite.span(name)).await,
                    Side::Postgres(conn) => {
                        postgres::within(postgres::sql::$file::$name(conn, $($arg),*)).instrument(Engine::Postgres.span(name)).await
                    }
                }
            })+
        }
    };
}

look_ups! {
    /// In no particular order; unknown ids are left out.
    tokens::tokens_by_ids(ids: &[&str]) -> TokenRows;
    ring::key_ring() -> Option<RingRow>;
}
