//! A running server and the ring that another process changes: a request begins by comparing generations, so that it meets no
//! value under a key it does not hold; and what the log says about a KEK that is old or much used.

use std::sync::Arc;

use super::{CustodyError, Keyharbor, root_key};
use crate::crypto::Ring;
use crate::domain::ids::Timestamp;
use crate::service::ServiceError;
use crate::store::{Reader, RingRow, Store, StoreError, Tx};

const DAY: i64 = 86_400;
/// NIST SP 800-57: a wrapping key protects for two years at most.
pub const OLD_DAYS: i64 = 365;
const TOO_OLD_DAYS: i64 = 730;
/// A key may make 2³² values with nonces by chance (SP 800-38D). Each value has a key of its own here, derived with a salt, so this
/// bounds what needs no bound; far below it all the same.
pub const MANY_SEALED: i64 = 1 << 28;
pub const TOO_MANY_SEALED: i64 = 1 << 30;

impl Keyharbor {
    /// The ring as the database has it now. When that one cannot be opened, the one at hand goes on: it opens what it opened before.
    ///
    /// # Errors
    /// [`ServiceError::Sealed`], or the database does not answer.
    pub(in crate::service) async fn ring_now(&self, tx: &mut Tx) -> Result<Arc<Ring>, ServiceError> {
        let ring = self.ring()?;
        match self.newer(tx.key_ring().await?, &ring) {
            Ok(newer) => Ok(newer.unwrap_or(ring)),
            // Said every few seconds by `follow_ring`.
            Err(_) => Ok(ring),
        }
    }

    /// The same where the generation was read already.
    pub(in crate::service) async fn ring_beside(&self, generation: Option<i64>, tx: &mut Tx) -> Result<Arc<Ring>, ServiceError> {
        let ring = self.ring()?;
        if generation == Some(ring.generation()) { Ok(ring) } else { self.ring_now(tx).await }
    }

    /// Reads the ring again if another process has changed it. Called every few seconds, for what no request does.
    pub async fn follow_ring(&self) {
        let Some(ring) = self.custody.ring() else { return };
        let newer = async { self.newer(self.store.read().await?.key_ring().await?, &ring) };
        if let Err(why) = newer.await {
            tracing::error!(%why, "the key ring cannot be read again; the one that was read before stays in use");
        }
    }

    /// As `ring_beside`, outside a transaction: the ring that is found then has the keys of what was read beside that generation.
    pub(in crate::service) async fn ring_after(&self, generation: Option<i64>, reader: &mut Reader) -> Result<(), StoreError> {
        let Some(ring) = self.custody.ring() else { return Ok(()) };
        if generation != Some(ring.generation()) {
            drop(self.newer(reader.key_ring().await?, &ring));
        }
        Ok(())
    }

    fn newer(&self, row: Option<RingRow>, ring: &Arc<Ring>) -> Result<Option<Arc<Ring>>, CustodyError> {
        let row = row.ok_or(CustodyError::NoRing)?;
        // Generations only rise: an older ring is none of ours.
        if row.generation < ring.generation() {
            return Err(CustodyError::Rotation("the database holds an older key ring than this server has read"));
        }
        if row.generation == ring.generation() || ring.is_demo() {
            return Ok(None);
        }
        let root = root_key(&self.rules.config.custody)?;
        let newer = self.custody.replace(Ring::unwrap(&root, row.generation, &row.wrapped, &row.wrapped_by)?);
        tracing::info!(generation = newer.generation(), kek = newer.active_kek(), "the key ring has changed and was read again");
        Ok(Some(newer))
    }

    /// Adds what this process has sealed to the count in the database. Called every minute, and at the end.
    pub async fn count_sealed(&self) {
        let Some(ring) = self.custody.ring() else { return };
        for (kek_id, count) in ring.sealings().take() {
            let added = async {
                let mut tx = self.store.write().await?;
                tx.add_kek_uses(kek_id, count).await?;
                tx.commit_unrecorded().await
            };
            if let Err(e) = added.await {
                ring.sealings().add(kek_id, count);
                tracing::warn!(error = %e, "how much was sealed could not be counted; the next minute adds it");
            }
        }
    }

    /// Says in the log when the active KEK should be replaced.
    pub async fn tell_kek_limits(&self) {
        let Some(ring) = self.custody.ring() else { return };
        match beyond_limits(&self.store, &ring, self.env.now()).await {
            Ok(limits) => {
                for Beyond { text, far } in limits {
                    if far { tracing::error!("{text}") } else { tracing::warn!("{text}") }
                }
            }
            Err(e) => tracing::warn!(error = %e, "how much the KEK has sealed cannot be read"),
        }
    }
}

/// A limit of the active KEK that was passed.
pub struct Beyond {
    pub text: String,
    /// The far limit, not the near one.
    pub far: bool,
}

/// What limits of age and use the active KEK has passed.
///
/// # Errors
/// The database does not answer.
pub async fn beyond_limits(store: &Store, ring: &Ring, now: Timestamp) -> Result<Vec<Beyond>, StoreError> {
    let days = now.seconds_since(ring.kek_created_at()) / DAY;
    let sealed = store.read().await?.kek_uses(ring.active_kek()).await?;
    let text = |what: String| format!("the KEK {what}: run `keyharbor keyring rotate`, then `keyharbor keyring rewrap`");
    let mut beyond = Vec::new();
    if days >= OLD_DAYS {
        beyond.push(Beyond { text: text(format!("is {days} days old, and should be new every year")), far: days >= TOO_OLD_DAYS });
    }
    if sealed >= MANY_SEALED {
        beyond.push(Beyond { text: text(format!("has sealed {sealed} values")), far: sealed >= TOO_MANY_SEALED });
    }
    Ok(beyond)
}
