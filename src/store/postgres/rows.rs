//! The rows of a batch as PostgreSQL takes them.

use std::borrow::Cow;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::{Conn, Db, Row, StoreError};

/// The rows of a batch for `rows!`: an array a column.
pub struct Rows(Query<'static, Db, PgArguments>);

impl Rows {
    /// `_rows`: how many; every column has as many values.
    pub fn of(statement: &'static str, _rows: usize) -> Self {
        Self(sqlx::query(statement))
    }

    pub fn uuids(self, column: impl Iterator<Item = impl Into<Option<Uuid>>>) -> Self {
        Self(self.0.bind(column.map(Into::into).collect::<Vec<_>>()))
    }

    pub fn ints(self, column: impl Iterator<Item = impl Into<Option<i64>>>) -> Self {
        Self(self.0.bind(column.map(Into::into).collect::<Vec<_>>()))
    }

    pub fn texts<'a>(self, column: impl Iterator<Item = impl Into<Option<Cow<'a, str>>>>) -> Self {
        Self(self.0.bind(column.map(|text| text.into().map(Cow::into_owned)).collect::<Vec<_>>()))
    }

    pub fn bytes<'a>(self, column: impl Iterator<Item = &'a [u8]>) -> Self {
        Self(self.0.bind(column.map(<[u8]>::to_vec).collect::<Vec<_>>()))
    }

    /// One list is done, the next begins.
    pub fn then(self, _rows: usize) -> Self {
        self
    }

    /// The statement, for what belongs to no row.
    pub fn query(self) -> Query<'static, Db, PgArguments> {
        self.0
    }

    /// Answers how many rows were touched.
    pub async fn execute(self, conn: &mut Conn) -> Result<u64, StoreError> {
        Ok(self.0.execute(conn).await?.rows_affected())
    }

    pub async fn fetch(self, conn: &mut Conn) -> Result<Vec<Row>, StoreError> {
        Ok(self.0.fetch_all(conn).await?)
    }
}
