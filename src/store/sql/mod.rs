//! Every statement, once. This folder is compiled twice, beneath `store::sqlite` and beneath `store::postgres`; what the two
//! say differently (`Conn`, `Row`, `lock!`, `share!`, `free!`, lists as parameters, the trail's batch insert) stands there.
//!
//! Functions take an open transaction's connection and never begin or end one.

use std::cell::Cell;

use sqlx::{Decode, Row as _, Type};

use super::{Db, Row};
use crate::domain::Attested;
use crate::domain::integrity::MacBytes;
use crate::store::StoreError;

pub mod batch;
pub mod devices;
pub mod gaps;
pub mod keys;
pub mod once;
pub mod people;
pub mod raw;
pub mod reveals;
pub mod ring;
mod search;
pub mod sessions;
pub mod sources;
pub mod tokens;
pub mod trail;
pub mod trail_list;

/// The statements of each file.
pub const ALL: &[&[(&str, &str)]] = &[
    batch::ALL,
    devices::ALL,
    search::ALL,
    people::ALL,
    sessions::ALL,
    tokens::ALL,
    keys::ALL,
    reveals::ALL,
    trail::ALL,
    trail_list::ALL,
    ring::ALL,
    sources::ALL,
    gaps::ALL,
    once::ALL,
    raw::ALL,
];

/// A column's value; an error names the column and nothing else.
fn get<'r, T: Decode<'r, Db> + Type<Db>>(row: &'r Row, column: &'static str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| StoreError::Decode(column))
}

/// A column's value as one of our words.
fn word<'r, R: Decode<'r, Db> + Type<Db>, T>(
    row: &'r Row,
    column: &'static str,
    parse: impl FnOnce(R) -> Option<T>,
) -> Result<T, StoreError> {
    parse(get(row, column)?).ok_or(StoreError::Decode(column))
}

/// Reads the columns of a row that has a MAC. A value that this version cannot have written spoils the row: it comes back with
/// an empty MAC, verifies nowhere, and so counts like every other row that was edited, without hiding its neighbours.
struct Cells<'r> {
    row: &'r Row,
    sound: Cell<bool>,
}

impl<'r> Cells<'r> {
    fn of(row: &'r Row) -> Self {
        Self { row, sound: Cell::new(true) }
    }

    fn spoilt<T>(&self, otherwise: T) -> T {
        self.sound.set(false);
        otherwise
    }

    fn get<T: Decode<'r, Db> + Type<Db> + Default>(&self, column: &'static str) -> T {
        get(self.row, column).unwrap_or_else(|_| self.spoilt(T::default()))
    }

    /// One of our words; `otherwise` stands in the spoilt row.
    fn word<R: Decode<'r, Db> + Type<Db>, T>(&self, column: &'static str, parse: impl FnOnce(R) -> Option<T>, otherwise: T) -> T {
        match word(self.row, column, parse) {
            Ok(value) => value,
            Err(_) => self.spoilt(otherwise),
        }
    }

    fn mac(&self, column: &'static str) -> MacBytes {
        let mac = self.get(column);
        if self.sound.get() { mac } else { MacBytes::new() }
    }

    fn attested<T: crate::domain::integrity::Deciding>(&self, value: T, mac: &'static str) -> Attested<T> {
        Attested::from_parts(value, self.mac(mac))
    }
}

fn one<T>(row: Option<Row>, read: impl Fn(&Row) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    row.as_ref().map(read).transpose()
}

fn many<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect()
}
