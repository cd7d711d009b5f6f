//! New keys of the ring, and old ones that nothing needs any more.
//!
//! A key comes in two steps, each a trail row: it waits in the ring until every server has read it, then it becomes the active
//! one. So no request that is under way ever meets a value under a key that its server does not hold.

use super::{CustodyError, operators};
use crate::crypto::keyring::Use;
use crate::crypto::rotation::{KeyNote, Standing};
use crate::crypto::token::beginning;
use crate::crypto::{Ring, RootKey};
use crate::domain::audit::EventKind;
use crate::domain::ids::Env;
use crate::store::{RingRow, Store, StoreError, Tx};

/// How long a former key stays at least: by then every server that can write has read the ring many times.
const SETTLED_SECONDS: i64 = 600;

/// Keys that `rotate` makes anew. A new fingerprint key would take every key handed in again for another one.
pub const ROTATING: [Use; 4] = [Use::Kek, Use::Audit, Use::Token, Use::Row];

/// A key of the ring, and what is under it.
pub struct KeyState {
    pub key: KeyNote,
    /// Stored values that need it; `None`: not counted, it never changes.
    pub needed: Option<i64>,
    /// Of a KEK: how many values were ever sealed under it, about.
    pub sealed: Option<i64>,
}

/// Adds a key that waits, unless one waits already: a rotation that was cut off goes on with that. Answers its number.
///
/// # Errors
/// [`CustodyError`].
pub async fn add_key(store: &Store, root: &RootKey, env: &Env, purpose: Use) -> Result<u32, CustodyError> {
    if !ROTATING.contains(&purpose) {
        return Err(CustodyError::Rotation("this key is not rotated: choose kek, audit, token or row"));
    }
    let (tx, ring, generation) = stored(store, root).await?;
    if let Some(id) = ring.waiting(purpose) {
        return Ok(id);
    }
    let ring = ring.with_waiting(purpose, env.now(), env.entropy.as_ref());
    let id = ring.waiting(purpose).ok_or(CustodyError::Rotation("no number is left for another key"))?;
    replace(tx, (root, env), (ring, generation), (EventKind::KeyAdded, purpose, id)).await?;
    Ok(id)
}

/// Makes the waiting key the active one.
///
/// # Errors
/// [`CustodyError`]: no such key waits.
pub async fn activate(store: &Store, root: &RootKey, env: &Env, purpose: Use, id: u32) -> Result<(), CustodyError> {
    let (tx, ring, generation) = stored(store, root).await?;
    if ring.active_id(purpose) == id {
        return Ok(());
    }
    if ring.waiting(purpose) != Some(id) {
        return Err(CustodyError::Rotation("no such key waits"));
    }
    let ring = ring.activated(purpose, env.now());
    replace(tx, (root, env), (ring, generation), (EventKind::KeyActivated, purpose, id)).await
}

/// Takes a former key out of the ring.
///
/// # Errors
/// [`CustodyError::StillNeeded`]; [`CustodyError::Rotation`]: it is in use, waits, is unknown, or was in use a moment ago.
pub async fn retire(store: &Store, root: &RootKey, env: &Env, purpose: Use, id: u32) -> Result<(), CustodyError> {
    let (mut tx, ring, generation) = stored(store, root).await?;
    let keys = ring.keys();
    let known = keys.iter().find(|k| k.purpose == purpose && k.id == id);
    if known.is_none_or(|k| k.standing != Standing::Former) {
        return Err(CustodyError::Rotation("that is no former key: `keyharbor keyring status` lists them"));
    }
    let active = keys.iter().find(|k| k.purpose == purpose && k.standing == Standing::Active);
    if active.is_none_or(|k| env.now().seconds_since(k.since) < SETTLED_SECONDS) {
        return Err(CustodyError::Rotation("the key after it is in use for less than ten minutes: a server may not know that yet"));
    }
    let needed = needed(&mut tx, purpose, id).await?;
    if needed != Some(0) {
        return Err(CustodyError::StillNeeded { needed: needed.unwrap_or(1) });
    }
    replace(tx, (root, env), (ring.without(purpose, id), generation), (EventKind::KeyRetired, purpose, id)).await
}

/// Every key of the ring, and what is under it.
///
/// # Errors
/// The database does not answer.
pub async fn status(store: &Store, ring: &Ring) -> Result<Vec<KeyState>, CustodyError> {
    let mut tx = store.read().await?;
    let mut all = Vec::new();
    for key in ring.keys() {
        let needed = needed(&mut tx, key.purpose, key.id).await?;
        let sealed = if key.purpose == Use::Kek { Some(tx.kek_uses(key.id).await?) } else { None };
        all.push(KeyState { key, needed, sealed });
    }
    Ok(all)
}

/// How many stored values need a key; `None` for keys that never change.
async fn needed(tx: &mut Tx, purpose: Use, id: u32) -> Result<Option<i64>, StoreError> {
    Ok(match purpose {
        Use::Kek => Some(tx.under_kek(id).await?),
        Use::Token => Some(tx.under_token_key(&beginning(id)).await?),
        Use::Audit => Some(tx.under_audit_key(&beginning(id)).await?),
        Use::Row => Some(tx.under_row_key(&beginning(id)).await?),
        Use::Fingerprint => None,
    })
}

async fn stored(store: &Store, root: &RootKey) -> Result<(Tx, Ring, i64), CustodyError> {
    let mut tx = store.write().await?;
    let row = tx.key_ring().await?.ok_or(CustodyError::NoRing)?;
    let ring = Ring::unwrap(root, row.generation, &row.wrapped, &row.wrapped_by)?;
    Ok((tx, ring, row.generation))
}

/// Compare-and-set of the ring with its trail row; that row is the first under a new audit key.
async fn replace(
    mut tx: Tx,
    (root, env): (&RootKey, &Env),
    (ring, old): (Ring, i64),
    (kind, purpose, id): (EventKind, Use, u32),
) -> Result<(), CustodyError> {
    let generation = old + 1;
    let wrapped = ring.wrap(root, generation, env.entropy.as_ref())?;
    if !tx.replace_key_ring(old, &RingRow { generation, wrapped, wrapped_by: root.name() }).await? {
        return Err(CustodyError::Store(StoreError::Conflict));
    }
    let pending = tx.audit_append(&[operators(env, kind, &format!("{} {id}", purpose.word()))], &ring).await?;
    tx.commit(pending).await?;
    Ok(())
}
