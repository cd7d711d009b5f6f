//! How a transaction ends: trail rows as its last act, then the commit that makes a receipt, here and nowhere else.

use tracing::Instrument as _;

use super::{Engine, Pools, Side, Store, StoreError, Tx, postgres};
use crate::domain::audit::AuditReceipt;
use crate::domain::ids::{EventId, GrantId, VersionId};
use crate::domain::{ChainMac, Event};

/// Trail rows are appended to an open transaction and wait for its commit.
#[derive(Clone, Debug)]
#[must_use = "only a commit with it makes a receipt"]
pub struct Pending {
    tx: u64,
    /// The last of them.
    event: EventId,
    seq: i64,
    grant: Option<GrantId>,
    version: Option<VersionId>,
}

impl Pending {
    /// The number of the last row.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

impl Tx {
    /// Appends events to the trail: locks its head, chains each row, moves the head. The last act of a transaction,
    /// so that the head is locked for the least time.
    ///
    /// # Errors
    /// An empty batch, an event id that is in the trail already, a trail whose head is missing.
    pub async fn audit_append(&mut self, events: &[Event], key: &dyn ChainMac) -> Result<Pending, StoreError> {
        let Some(last) = events.last() else {
            return Err(StoreError::Other("an empty batch of trail events".to_owned()));
        };
        let head = match self.head.take() {
            Some(head) => head,
            None => ask!(&mut self.side, trail::lock_head())?,
        };
        let seq = ask!(&mut self.side, trail::append(events, key, head))?;
        Ok(Pending { tx: self.id, event: last.id, seq, grant: last.grant, version: last.version })
    }

    /// Commits together with its trail rows. The receipt names the grant and the version of the last event.
    ///
    /// # Errors
    /// Nothing was committed, or ([`StoreError::Unavailable`]) it is unknown whether it was.
    pub async fn commit(self, pending: Pending) -> Result<AuditReceipt, StoreError> {
        if pending.tx != self.id {
            return Err(StoreError::Other("trail rows of another transaction".to_owned()));
        }
        self.commit_unrecorded().await?;
        Ok(AuditReceipt::after_commit(pending.seq, pending.grant, pending.version))
    }

    /// Commits what needs no trail row: `last_seen`, sweeps.
    ///
    /// # Errors
    /// As `commit`.
    pub async fn commit_unrecorded(self) -> Result<(), StoreError> {
        let span = self.side.engine().span("commit");
        match self.side {
            Side::Sqlite(tx) => tx.commit().instrument(span).await?,
            Side::Postgres(tx) => postgres::within(async { Ok(tx.commit().await?) }).instrument(span).await?,
        }
        Ok(())
    }
}

impl Store {
    /// As [`Tx::commit`], and begins the next transaction that writes with the same message, if nobody needs the connection and it was
    /// asked only just now whether its server takes writes. Never on SQLite, whose one writer is everybody's.
    ///
    /// # Errors
    /// As `commit`.
    pub async fn commit_and_go_on(&self, tx: Tx, pending: Pending) -> Result<(AuditReceipt, Option<Tx>), StoreError> {
        match (&self.pools, tx) {
            (Pools::Postgres { pool, hosts }, Tx { side: Side::Postgres(mut side), id, had, .. })
                if pending.tx == id && postgres::may_go_on(pool, hosts, had) =>
            {
                postgres::within(postgres::commit_and_begin(&mut side)).instrument(self.engine().span("commit")).await?;
                let receipt = AuditReceipt::after_commit(pending.seq, pending.grant, pending.version);
                Ok((receipt, Some(Tx { had, ..self.tx(Side::Postgres(side)) })))
            }
            (_, tx) => Ok((tx.commit(pending).await?, None)),
        }
    }

    /// Was a commit done whose answer was lost? Asked once its transaction has ended, one way or the other. The question is
    /// committed, too: where a standby confirms commits, it has then confirmed what was found.
    ///
    /// # Errors
    /// The database does not answer: it is still unknown.
    pub async fn committed(&self, pending: &Pending) -> Result<Option<AuditReceipt>, StoreError> {
        let mut tx = self.write().await?;
        let there = tx.trail_has(pending.event).await?;
        tx.commit_unrecorded().await?;
        Ok(there.then(|| AuditReceipt::after_commit(pending.seq, pending.grant, pending.version)))
    }
}
