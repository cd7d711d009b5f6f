//! Look-ups that need no transaction: one statement, one way to the database and back.

use sqlx::pool::PoolConnection;
use tracing::Instrument as _;

use super::{Engine, Pools, RingRow, Store, StoreError, TokenRows, postgres, sqlite};
use crate::domain::device::{Device, Serial};
use crate::domain::escrow::KeyVersion;
use crate::domain::ids::DeviceId;
use crate::domain::{Attested, SecretKind};

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

calls! {
    Reader.0;

    /// In no particular order; unknown ids are left out.
    tokens::tokens_by_ids(ids: &[&str]) -> TokenRows;
    ring::key_ring() -> Option<RingRow>;
    devices::device_by_serial(serial: &Serial) -> Option<Device>;
    /// In no particular order; unknown ones are left out.
    devices::devices_by_serials(serials: &[Serial]) -> Vec<Device>;
    /// As [`super::Tx::some_versions`].
    batch::some_versions(of: &[DeviceId]) -> Vec<Attested<KeyVersion>>;
    /// As [`super::Tx::candidates`].
    keys::candidates(device: DeviceId, kind: SecretKind, fingerprint: Option<&[u8]>) -> Vec<Attested<KeyVersion>>;
    /// How many there are, and the highest number.
    keys::version_count(device: DeviceId, kind: SecretKind) -> (i64, i64);
}
