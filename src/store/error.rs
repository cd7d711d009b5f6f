//! What can go wrong between a service and the database. No text in here holds a value that was bound to a statement:
//! PostgreSQL repeats such values in some of its messages, so those messages are left out.

use std::borrow::Cow;

use sqlx::error::DatabaseError;

/// An error of the store. The text is for the log, never for a page.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is full of connections, going, coming, demoted or locked: try the whole
    /// transaction again, later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The trail takes no row: the database is moving, was moved, or is not there whole yet.
    #[error("the database takes no rows: it moves elsewhere, was moved, or is not here whole yet; `keyharbor doctor` says which")]
    Held,
    /// The patience of one act is used up: it is unknown whether the last try was committed.
    #[error("the database took too long: it is locked, busy or slow")]
    Timeout,
    /// A unique value exists already.
    #[error("a unique value exists already")]
    Conflict,
    /// The disk of the database is full.
    #[error("the disk of the database is full")]
    Full,
    /// A stored value is not one that this version can have written. Names the column.
    #[error("a stored value cannot be read: {0}")]
    Decode(&'static str),
    /// The address of the database is wrong; names the part, never the whole.
    #[error("the address of the database cannot be used: {0}")]
    Config(String),
    #[error("the database reported an error: {0}")]
    Other(String),
}

impl StoreError {
    /// `true` when the same transaction may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// `true` when it is the database that is out of order, not what was asked of it.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Held | Self::Timeout | Self::Full)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(e) => from_database(&*e),
            E::Io(e) => Self::Unavailable(e.to_string()),
            E::Tls(e) => Self::Unavailable(format!("TLS: {e}")),
            E::Protocol(text) => Self::Unavailable(format!("protocol: {text}")),
            E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => Self::Unavailable(error.to_string()),
            E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_) => Self::Decode("a column"),
            // The source of these can repeat what it could not read.
            E::Configuration(_) => Self::Config("the driver refused it".to_owned()),
            E::Encode(_) => Self::Other("a value could not be encoded".to_owned()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError as M;
        match error {
            M::Execute(e) => e.into(),
            M::ExecuteMigration(e, version) => match Self::from(e) {
                Self::Other(text) => Self::Other(format!("migration {version}: {text}")),
                known => known,
            },
            other => Self::Other(other.to_string()),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    if error.is_unique_violation() {
        return StoreError::Conflict;
    }
    let code = error.code().unwrap_or(Cow::Borrowed("?"));
    let text = describe(&code, error);
    match Family::of(&code, error) {
        Family::Unavailable => StoreError::Unavailable(text),
        Family::Full => StoreError::Full,
        Family::Other => StoreError::Other(text),
    }
}

enum Family {
    Unavailable,
    Full,
    Other,
}

impl Family {
    fn of(code: &str, error: &dyn DatabaseError) -> Self {
        if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
            return match code {
                // Serialization failure, deadlock, lock or statement timeout, demoted, too many connections, shutting down,
                // crashed, starting, idle too long in a transaction, out of memory or of a configured limit.
                "40001" | "40P01" | "55P03" | "57014" | "25006" | "53200" | "53300" | "53400" | "57P01" | "57P02" | "57P03" | "25P03" => {
                    Self::Unavailable
                }
                "53100" => Self::Full,
                c if c.starts_with("08") => Self::Unavailable,
                _ => Self::Other,
            };
        }
        // SQLite's extended codes keep the primary one in the low byte: BUSY 5, LOCKED 6, READONLY 8, IOERR 10, FULL 13, CANTOPEN 14.
        match code.parse::<i64>().map(|c| c & 0xff) {
            Ok(5 | 6 | 8 | 10 | 14) => Self::Unavailable,
            Ok(13) => Self::Full,
            _ => Self::Other,
        }
    }
}

/// Code and message; of PostgreSQL's classes 22 and 23, whose messages repeat values, code and constraint only.
fn describe(code: &str, error: &dyn DatabaseError) -> String {
    let of_postgres = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some();
    if of_postgres && (code.starts_with("22") || code.starts_with("23")) {
        return format!("{code} {}", error.constraint().or(error.table()).unwrap_or("invalid value"));
    }
    // SQLite does not say why it could not open a file, and mostly it is this.
    let hint = if !of_postgres && code == "14" { " (may this user read and write it, and its folder?)" } else { "" };
    format!("{code} {}{hint}", error.message())
}
