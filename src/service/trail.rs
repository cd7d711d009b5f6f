//! Reading the trail (`list`, of what `asked` means), handing it out (`export`), and proving it.

pub mod asked;
pub mod export;
pub mod list;

use std::sync::atomic::{AtomicI64, Ordering};

use super::Keyharbor;
use crate::crypto::Ring;
use crate::domain::ids::hex;
use crate::domain::integrity::ChainMac;
use crate::domain::trail::CheckpointRow;
use crate::store::{Store, Tx};

/// When the next checkpoint line is due.
#[derive(Default)]
pub struct Checkpoint {
    seen: AtomicI64,
    logged: AtomicI64,
    logged_at: AtomicI64,
}

const CHECKPOINT_ROWS: i64 = 1000;
const CHECKPOINT_SECONDS: i64 = 3600;
/// The migration that made the table of checkpoints.
const CHECKPOINTS_SINCE: i64 = 2;

impl Checkpoint {
    /// Does a new last row come after every row that this server has committed? If not, somebody cut the trail.
    pub(super) fn follows(&self, seq: i64) -> bool {
        seq > self.seen.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, seq: i64) {
        self.seen.fetch_max(seq, Ordering::Relaxed);
    }
}

/// What `audit verify` found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every row verifies; the last one's number and MAC.
    Whole {
        seq: i64,
        mac: String,
        /// Rows whose personal fields are gone, and the first of them. The chain does not say who erased them.
        erased: (i64, Option<i64>),
    },
    Empty,
    /// The first row that does not fit, and why.
    Broken {
        seq: i64,
        why: &'static str,
    },
    /// The chain is whole, but tables hold rows that it does not account for.
    Unaccounted(Vec<super::replay::Unaccounted>),
    /// The trail ends before a checkpoint, or holds another row there.
    Short {
        seq: i64,
        why: &'static str,
    },
}

/// A checkpoint as the log gives it: `SEQ:MAC`, the MAC in hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AtLeast {
    pub seq: i64,
    pub mac: String,
}

impl std::str::FromStr for AtLeast {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seq, mac) = text.split_once(':').ok_or("must be SEQ:MAC")?;
        let seq = seq.parse().map_err(|_| "SEQ must be a number")?;
        let hex = !mac.is_empty() && mac.bytes().all(|b| b.is_ascii_hexdigit());
        if hex { Ok(Self { seq, mac: mac.to_ascii_lowercase() }) } else { Err("MAC must be hexadecimal") }
    }
}

/// Walks the whole chain and holds the tables against it, all as of one moment: a server may go on beside it.
///
/// # Errors
/// [`crate::store::StoreError`]; a row that cannot even be read is a [`Verdict::Broken`].
pub async fn verify(store: &Store, ring: &Ring, at_least: Option<&AtLeast>) -> Result<Verdict, crate::store::StoreError> {
    let (mut seq, mut mac) = (0i64, Vec::new());
    let mut reached = at_least.is_none();
    let mut erased = (0, None);
    let mut replay = super::replay::Replay::default();
    let mut tx = store.snapshot().await?;
    loop {
        let rows = match tx.trail_after(seq, 1000).await {
            Err(crate::store::StoreError::Decode(_)) => return first_unreadable(&mut tx, seq).await,
            other => other?,
        };
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let broken = |why| Ok(Verdict::Broken { seq: seq + 1, why });
            if row.seq != seq + 1 {
                return broken("a row is missing");
            }
            let personal_ok = match &row.personal_text {
                Some(text) => ring.personal(&row.event.salt, text) == row.personal_mac,
                None => row.erased,
            };
            if !personal_ok {
                return broken("its personal fields were changed");
            }
            if !ring.chain_ok(&mac, &row.event.canonical(row.seq, &row.personal_mac), &row.mac) {
                return broken("it does not verify");
            }
            if row.erased {
                erased = (erased.0 + 1, erased.1.or(Some(row.seq)));
            }
            replay.note(&row.event);
            (seq, mac) = (row.seq, row.mac);
            if let Some(wanted) = at_least.filter(|w| w.seq == seq) {
                if wanted.mac != hex(&mac) {
                    return Ok(Verdict::Short { seq, why: "the checkpoint names another row" });
                }
                reached = true;
            }
        }
    }
    let (head_seq, head_mac) = tx.head().await?;
    if head_seq != seq || head_mac != mac {
        return Ok(Verdict::Broken { seq: seq + 1, why: "the head names a row that is not there" });
    }
    // Rows that were copied there when a server wrote its line; before that migration there were none.
    if !store.pending_migrations().await?.contains(&CHECKPOINTS_SINCE)
        && let Some(gone) = tx.checkpoints_before(i64::MAX, 10_000).await?.iter().rev().find(|c| !c.fits)
    {
        return Ok(Verdict::Short { seq: gone.seq, why: "a checkpoint that a server logged names another row, or one that is gone" });
    }
    if reached {
        let rows = replay.compare(&mut tx, ring).await?;
        if !rows.is_empty() {
            return Ok(Verdict::Unaccounted(rows));
        }
    }
    Ok(match (reached, seq) {
        (false, _) => Verdict::Short { seq, why: "the trail ends before the checkpoint" },
        (true, 0) => Verdict::Empty,
        (true, _) => Verdict::Whole { seq, mac: hex(&mac), erased },
    })
}

/// The last rows alone: quick, and no proof of those before. The head must name the last one.
///
/// # Errors
/// As [`verify`].
pub async fn verify_tail(store: &Store, ring: &Ring, rows: i64) -> Result<Verdict, crate::store::StoreError> {
    let mut tx = store.snapshot().await?;
    let (head, head_mac) = tx.head().await?;
    // One more: its MAC is what the first of them is chained to.
    let first = (head - rows).max(0);
    let (mut seq, mut mac) = (first, Vec::new());
    let mut known = first == 0;
    for row in tx.trail_after((first - 1).max(0), rows + 1).await? {
        if !known && row.seq == first {
            (mac, known) = (row.mac, true);
            continue;
        }
        let broken = |why| Ok(Verdict::Broken { seq: seq + 1, why });
        if row.seq != seq + 1 {
            return broken("a row is missing");
        }
        if !row.personal_text.as_ref().map_or(row.erased, |text| ring.personal(&row.event.salt, text) == row.personal_mac) {
            return broken("its personal fields were changed");
        }
        if !known || !ring.chain_ok(&mac, &row.event.canonical(row.seq, &row.personal_mac), &row.mac) {
            return broken("it does not verify");
        }
        (seq, mac) = (row.seq, row.mac);
    }
    Ok(match (head == seq && head_mac == mac, head) {
        (false, _) => Verdict::Broken { seq: seq + 1, why: "the head names a row that is not there" },
        (true, 0) => Verdict::Empty,
        (true, _) => Verdict::Whole { seq, mac: hex(&mac), erased: (0, None) },
    })
}

/// A batch held a row that cannot be read: which one?
async fn first_unreadable(tx: &mut Tx, after: i64) -> Result<Verdict, crate::store::StoreError> {
    let mut seq = after;
    loop {
        match tx.trail_after(seq, 1).await {
            Ok(rows) if rows.first().is_some_and(|r| r.seq == seq + 1) => seq += 1,
            _ => return Ok(Verdict::Broken { seq: seq + 1, why: "it cannot be read" }),
        }
    }
}

impl Keyharbor {
    /// Writes the checkpoint line when 1,000 rows or an hour have passed. Called every few seconds.
    pub async fn checkpoint_tick(&self) {
        let c = &self.checkpoint;
        let (seen, logged) = (c.seen.load(Ordering::Relaxed), c.logged.load(Ordering::Relaxed));
        let now = self.env.now();
        let due = seen - logged >= CHECKPOINT_ROWS
            || (seen > logged && now.seconds() - c.logged_at.load(Ordering::Relaxed) >= CHECKPOINT_SECONDS);
        if !due || self.is_sealed() {
            return;
        }
        let head = async { self.store.read().await?.head().await };
        match head.await {
            Ok((seq, mac)) => {
                tracing::info!(target: "keyharbor::checkpoint", checkpoint = format!("{seq}:{}", hex(&mac)), "checkpoint");
                c.logged.store(seq, Ordering::Relaxed);
                c.logged_at.store(now.seconds(), Ordering::Relaxed);
                if let Err(e) = self.keep(CheckpointRow { seq, mac, logged_at: now, fits: true }).await {
                    tracing::warn!(error = %e, "the checkpoint was logged, but the page of the trail will not show it");
                }
            }
            Err(e) => tracing::error!(error = %e, "no checkpoint could be written"),
        }
    }

    /// So that auditors see which lines the logs of all servers hold.
    async fn keep(&self, checkpoint: CheckpointRow) -> Result<(), crate::store::StoreError> {
        let mut tx = self.store.write().await?;
        tx.add_checkpoint(&checkpoint).await?;
        tx.commit_unrecorded().await
    }
}
