//! A move into another database: every row as it is, so that people stay signed in and tokens work. It can be killed at any
//! moment and run again.
//!
//! From its first transaction on the old database takes no trail row, and so acknowledges nothing: a server that still runs on it
//! answers 503. The new one takes none before it is whole, and remembers how far it is. Then both are compared cell by cell.

use std::fmt;

use uuid::Uuid;

use super::backup::file::{read_cells, write_cell};
use super::backup::{PAGE, Told, key_of, unhex};
use super::trail::{Verdict, verify};
use super::{Keyharbor, RequestInfo, ServiceError};
use crate::domain::audit::{Actor, EventKind, Outcome};
use crate::domain::hex;
use crate::store::{Cell, Lives, Store, StoreError, TABLES, Table, Tx};

/// Why a database takes no trail row, as it stands in `audit_head.held`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is being moved there.
    Moving { id: Uuid, to: String },
    /// It was moved there.
    Moved { id: Uuid, to: String },
    /// A move into it is not finished; the table it is at, and the key of the last row in hexadecimal.
    Arriving { id: Uuid, at: Option<(String, String)> },
}

/// Why a move did not happen, or not to its end. Both databases can be used for another try.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("this database was moved to {0} already")]
    AlreadyMoved(String),
    #[error("this database is being moved to {0}: finish that, or give it up with `keyharbor move --give-up`")]
    Elsewhere(String),
    #[error("a move into this database is not finished: it cannot be moved itself")]
    NotHere,
    #[error("no move is under way")]
    NoMove,
    #[error("the new database is in use: {0}")]
    InUse(&'static str),
    #[error("the trail of this database is not whole: see `keyharbor audit verify`")]
    Broken,
    #[error("{0} differs in the two databases: give the move up and begin again with an empty one")]
    Differs(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Hold {
    /// `None` for a text that this version did not write.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ')?;
        let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let id = Uuid::try_parse(id).ok()?;
        Some(match word {
            "moving" => Self::Moving { id, to: rest.to_owned() },
            "moved" => Self::Moved { id, to: rest.to_owned() },
            "arriving" => Self::Arriving { id, at: rest.split_once(' ').map(|(table, key)| (table.to_owned(), key.to_owned())) },
            _ => return None,
        })
    }

    /// What the operator is told who wants to use such a database.
    pub fn refusal(held: &str) -> String {
        match Self::parse(held) {
            Some(Self::Moving { to, .. }) => {
                format!("this database is being moved to {to}: finish with `keyharbor move`, or give it up with `keyharbor move --give-up`")
            }
            Some(Self::Moved { to, .. }) => format!("this database was moved to {to}: set database.url to that one"),
            Some(Self::Arriving { .. }) => {
                "a move into this database is not finished: run `keyharbor move` again, with the settings of the old one".to_owned()
            }
            None => "this database takes no rows: another release of Keyharbor says so".to_owned(),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moving { id, to } => write!(f, "moving {id} {to}"),
            Self::Moved { id, to } => write!(f, "moved {id} {to}"),
            Self::Arriving { id, at: None } => write!(f, "arriving {id}"),
            Self::Arriving { id, at: Some((table, key)) } => write!(f, "arriving {id} {table} {key}"),
        }
    }
}

async fn hold_of(store: &Store) -> Result<Option<Hold>, MoveError> {
    let held = store.read().await?.held().await?;
    held.map(|text| Hold::parse(&text).ok_or(MoveError::Store(StoreError::Decode("held")))).transpose()
}

/// The tables that come along.
fn carried() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().filter(|t| t.lives != Lives::Shortly)
}

impl Keyharbor {
    /// Moves everything into a migrated database that holds nothing but what an earlier try left there. `name` is its address
    /// without what is secret in it.
    ///
    /// # Errors
    /// [`MoveError`].
    pub async fn move_to(&self, to: &Store, name: &str, told: Told<'_>) -> Result<(), MoveError> {
        let id = match hold_of(&self.store).await? {
            None => self.begin_move(to, name).await?,
            Some(Hold::Moving { id, to }) if to == name => id,
            Some(Hold::Moving { to, .. }) => return Err(MoveError::Elsewhere(to)),
            Some(Hold::Moved { id, to: there }) if there == name => {
                // Ended between the last two steps?
                return match hold_of(to).await? {
                    Some(Hold::Arriving { id: theirs, .. }) if theirs == id => self.open_new(to, name).await,
                    _ => Err(MoveError::AlreadyMoved(there)),
                };
            }
            Some(Hold::Moved { to, .. }) => return Err(MoveError::AlreadyMoved(to)),
            Some(Hold::Arriving { .. }) => return Err(MoveError::NotHere),
        };
        let at = take_in(to, id).await?;
        self.copy(to, id, at, told).await?;
        self.carry_ring_and_head(to).await?;
        self.compare(to).await?;
        self.close_old(to, id, name).await?;
        self.open_new(to, name).await
    }

    /// Ends a move that is not finished: this database is used on. What was copied is left to the operator.
    ///
    /// # Errors
    /// [`MoveError`].
    pub async fn give_up_move(&self) -> Result<String, MoveError> {
        let Some(Hold::Moving { to, .. }) = hold_of(&self.store).await? else { return Err(MoveError::NoMove) };
        let mut event = self.event(EventKind::MoveGivenUp, Outcome::Ok, Actor::Operator, &RequestInfo::none(&self.env));
        event.detail = format!("to {to}");
        let mut tx = self.store.write().await?;
        tx.hold(None).await?;
        self.conclude(tx, &[event]).await?;
        Ok(to)
    }

    /// The row that says so and the hold are one transaction: whoever appends later finds the hold.
    async fn begin_move(&self, to: &Store, name: &str) -> Result<Uuid, MoveError> {
        holds_nothing(&mut to.read().await?).await?;
        if matches!(verify(&self.store, self.ring()?.as_ref(), None).await?, Verdict::Broken { .. } | Verdict::Short { .. }) {
            return Err(MoveError::Broken);
        }
        let id = self.env.uuid();
        let mut event = self.event(EventKind::MoveBegun, Outcome::Ok, Actor::Operator, &RequestInfo::none(&self.env));
        event.detail = format!("to {name}");
        let mut tx = self.store.write().await?;
        let pending = tx.audit_append(&[event], self.ring()?.as_ref()).await?;
        tx.hold(Some(&Hold::Moving { id, to: name.to_owned() }.to_string())).await?;
        tx.commit(pending).await?;
        Ok(id)
    }

    /// Page by page; how far it is commits with each.
    async fn copy(&self, to: &Store, id: Uuid, at: Option<(String, String)>, told: Told<'_>) -> Result<(), MoveError> {
        let mut from = at.clone();
        for table in carried().skip_while(|t| at.as_ref().is_some_and(|(name, _)| t.name != name)) {
            let columns = self.store.read().await?.columns_of(table).await?;
            if to.read().await?.columns_of(table).await?.iter().map(|c| &c.name).ne(columns.iter().map(|c| &c.name)) {
                return Err(MoveError::Differs(table.name));
            }
            let mut after = match from.take() {
                Some((_, key)) => Some(read_key(&key, table)?),
                None => None,
            };
            let mut rows = 0;
            loop {
                let page = self.store.read().await?.rows_after(table, &columns, after.as_deref(), PAGE).await?;
                let Some(last) = page.last() else { break };
                let key = key_of(table, &columns, last)?;
                let mut tx = to.write().await?;
                let kinds = tx.columns_of(table).await?;
                if usize::try_from(tx.insert_rows(table, &kinds, &page).await?) != Ok(page.len()) {
                    return Err(MoveError::Differs(table.name));
                }
                let at = Some((table.name.to_owned(), write_key(&key)?));
                tx.hold(Some(&Hold::Arriving { id, at }.to_string())).await?;
                tx.commit_unrecorded().await?;
                rows += u64::try_from(page.len()).unwrap_or_default();
                told(table.name, rows);
                after = Some(key);
            }
        }
        Ok(())
    }

    async fn carry_ring_and_head(&self, to: &Store) -> Result<(), MoveError> {
        let mut from = self.store.snapshot().await?;
        let ring = from.key_ring().await?.ok_or(ServiceError::Sealed)?;
        let (seq, mac) = from.head().await?;
        let mut tx = to.write().await?;
        match tx.key_ring().await? {
            None => {
                if !tx.insert_key_ring(&ring).await? || !tx.place_head(seq, &mac).await? {
                    return Err(MoveError::Differs("audit_head"));
                }
                tx.commit_unrecorded().await?;
            }
            Some(there) if there == ring => {}
            Some(_) => return Err(MoveError::Differs("key_ring")),
        }
        Ok(())
    }

    /// Every cell of what decides, both trails, and every MAC.
    async fn compare(&self, to: &Store) -> Result<(), MoveError> {
        for table in carried().filter(|t| t.lives == Lives::On) {
            let (mut from, mut there) = (self.store.read().await?, to.read().await?);
            let (columns, theirs) = (from.columns_of(table).await?, there.columns_of(table).await?);
            let mut after: Option<Vec<Cell>> = None;
            loop {
                let page = from.rows_after(table, &columns, after.as_deref(), PAGE).await?;
                if page != there.rows_after(table, &theirs, after.as_deref(), PAGE).await? {
                    return Err(MoveError::Differs(table.name));
                }
                let Some(last) = page.last() else { break };
                after = Some(key_of(table, &columns, last)?);
            }
        }
        let ring = self.ring()?;
        let verdicts = (verify(&self.store, &ring, None).await?, verify(to, &ring, None).await?);
        if verdicts.0 == verdicts.1 { Ok(()) } else { Err(MoveError::Differs("audit_events")) }
    }

    /// From here on the old database is history. Its head is looked at once more: a server of an older release does not know of
    /// the hold.
    async fn close_old(&self, to: &Store, id: Uuid, name: &str) -> Result<(), MoveError> {
        let theirs = to.read().await?.head().await?;
        let mut tx = self.store.write().await?;
        if tx.head().await? != theirs {
            return Err(MoveError::Differs("audit_events"));
        }
        tx.hold(Some(&Hold::Moved { id, to: name.to_owned() }.to_string())).await?;
        tx.commit_unrecorded().await?;
        Ok(())
    }

    async fn open_new(&self, to: &Store, name: &str) -> Result<(), MoveError> {
        let mut event = self.event(EventKind::MoveDone, Outcome::Ok, Actor::Operator, &RequestInfo::none(&self.env));
        event.detail = format!("to {name}");
        let mut tx = to.write().await?;
        tx.hold(None).await?;
        let pending = tx.audit_append(&[event], self.ring()?.as_ref()).await?;
        tx.commit(pending).await?;
        Ok(())
    }
}

/// Marks the new database as one that is not whole, or finds how far an earlier try of this move came.
async fn take_in(to: &Store, id: Uuid) -> Result<Option<(String, String)>, MoveError> {
    match hold_of(to).await? {
        Some(Hold::Arriving { id: theirs, at }) if theirs == id => return Ok(at),
        Some(_) => return Err(MoveError::InUse("another move into it is not finished, or it was moved itself")),
        None => {}
    }
    let mut tx = to.write().await?;
    holds_nothing(&mut tx).await?;
    tx.hold(Some(&Hold::Arriving { id, at: None }.to_string())).await?;
    tx.commit_unrecorded().await?;
    Ok(None)
}

async fn holds_nothing(tx: &mut Tx) -> Result<(), MoveError> {
    for table in TABLES {
        if tx.count_rows(table).await? > 0 {
            return Err(MoveError::InUse(table.name));
        }
    }
    match (tx.key_ring().await?, tx.held().await?) {
        (None, None) => Ok(()),
        (Some(_), _) => Err(MoveError::InUse("it has a key ring")),
        (None, Some(_)) => Err(MoveError::InUse("another move into it is not finished")),
    }
}

fn write_key(key: &[Cell]) -> Result<String, StoreError> {
    let mut bytes = Vec::new();
    for cell in key {
        write_cell(&mut bytes, cell).map_err(|_| StoreError::Decode("a key column"))?;
    }
    Ok(hex(bytes))
}

fn read_key(text: &str, table: &Table) -> Result<Vec<Cell>, StoreError> {
    unhex(text).and_then(|bytes| read_cells(&bytes, table.key.len())).ok_or(StoreError::Decode("held"))
}
