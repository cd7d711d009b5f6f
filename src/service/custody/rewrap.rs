//! Everything under a former key is brought under the active one while servers serve: recovery keys under the KEK, and rows that
//! decide something under the row key.
//!
//! Batches: read, open and seal outside a transaction, then write by compare-and-set of the row's MAC, waiting for nobody. What
//! somebody else changed or holds is left to the next pass. Each batch stands by itself, so this can be ended at any moment and
//! run again, and two at a time share the work.

use std::time::Duration;

use uuid::Uuid;

use super::{CustodyError, open_ring, operators};
use crate::crypto::keyring::Use;
use crate::crypto::token::beginning;
use crate::crypto::{Ring, RootKey};
use crate::domain::audit::{AuditReceipt, EventKind, Outcome};
use crate::domain::ids::{DeviceId, Env, GrantId, RowId, VersionId};
use crate::domain::integrity::Attested;
use crate::domain::{KeyVersion, Sealed};
use crate::service::backup::Told;
use crate::service::escrow::place_of;
use crate::store::{Store, StoreError, Tx};

const BATCH: i64 = 100;
/// A batch that meets a fail-over is written again.
const TRIES: u32 = 6;
/// Before rows that somebody held are looked at again.
const PAUSE: Duration = Duration::from_millis(50);
const MOST_NAMED: usize = 100;

/// What a rewrap did.
#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// Keys that were sealed anew.
    pub sealed: u64,
    /// Rows that got a MAC under the active row key; those of keys that were sealed anew are not counted again.
    pub signed: u64,
    /// `table id` of rows under a former key that do not verify or do not open; left as they are. At most a hundred are named.
    pub broken: Vec<String>,
    pub broken_count: u64,
}

type Anew = (Vec<u8>, Attested<KeyVersion>, Sealed);

/// Goes on until nothing that verifies and opens is under a former KEK or row key. `told` hears the table and how many are done.
///
/// # Errors
/// [`CustodyError`]: what was done until then stays so; run it again.
pub async fn rewrap(store: &Store, root: &RootKey, env: &Env, told: Told<'_>) -> Result<Rewrapped, CustodyError> {
    let mut ring = open_ring(store, root, true).await?;
    let begun = said(store, &ring, env, EventKind::RewrapBegun, (Outcome::Ok, &active(&ring))).await?;
    let mut done = Rewrapped::default();
    loop {
        (done.broken, done.broken_count) = (Vec::new(), 0);
        let mut pass = Pass { store, ring: &ring, env, begun: &begun, done: &mut done, missed: 0 };
        pass.keys(told).await?;
        if ring.has_former(Use::Row) {
            pass.rows(told).await?;
        }
        let missed = pass.missed;
        // Another rotation may have come meanwhile: what is under its key is not broken, and not done.
        let stored = open_ring(store, root, true).await?;
        if missed == 0 && stored.generation() == ring.generation() {
            break;
        }
        ring = stored;
        tokio::time::sleep(PAUSE).await;
    }
    let outcome = if done.broken_count == 0 { Outcome::Ok } else { Outcome::Failed };
    let detail = format!("{} sealed {} signed {} broken {}", active(&ring), done.sealed, done.signed, done.broken_count);
    said(store, &ring, env, EventKind::RewrapDone, (outcome, &detail)).await?;
    Ok(done)
}

fn active(ring: &Ring) -> String {
    format!("kek {} row {}", ring.active_kek(), ring.active_id(Use::Row))
}

/// Once through the tables under one ring.
struct Pass<'a> {
    store: &'a Store,
    ring: &'a Ring,
    env: &'a Env,
    begun: &'a AuditReceipt,
    done: &'a mut Rewrapped,
    /// Rows that somebody else changed or held.
    missed: u64,
}

/// Pages through a table and signs anew what verifies under a former row key.
macro_rules! renew {
    ($pass:ident, $told:ident, $table:literal, $after:ident from $first:expr, $set:ident) => {
        renew!($pass, $told, $table, $after from $first, $set, |_: &_| true)
    };
    ($pass:ident, $told:ident, $table:literal, $after:ident from $first:expr, $set:ident, $ours:expr) => {{
        let mut after = $first;
        loop {
            let mut page = $pass.store.read().await?.$after(after, BATCH).await?;
            let Some(last) = page.last() else { break };
            after = last.parts().0.id;
            let mut anew = Vec::new();
            page.retain(|row| $ours(row) && !$pass.is_active(row.mac()));
            for row in page {
                let (id, old) = (row.parts().0.id, row.mac().to_vec());
                match row.check($pass.ring) {
                    Ok(row) => anew.push((id, old, Attested::sign(row, $pass.ring).mac().to_vec())),
                    Err(_) => $pass.broken($table, &id.to_string()),
                }
            }
            let won = write($pass.store, anew.is_empty(), async |tx| {
                let mut won = 0;
                for (id, old, new) in &anew {
                    won += u64::from(tx.$set(*id, old, new).await?);
                }
                Ok(won)
            });
            $pass.signed(anew.len(), won.await?);
            $told($table, $pass.done.signed);
        }
    }};
}

impl Pass<'_> {
    async fn keys(&mut self, told: Told<'_>) -> Result<(), StoreError> {
        let (kek, mut after) = (self.ring.active_kek(), VersionId(Uuid::nil()));
        loop {
            let page = self.store.sealed_otherwise(self.begun, kek, after, BATCH).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = last.parts().0.id;
            let mut anew: Vec<Anew> = Vec::with_capacity(page.len());
            for (row, sealed) in page {
                let id = row.parts().0.id;
                match sealed_anew(self.ring, self.env, row, &sealed) {
                    Some(one) => anew.push(one),
                    None => self.broken("key_versions", &id.to_string()),
                }
            }
            let count = i64::try_from(anew.len()).unwrap_or(i64::MAX);
            let won = write(self.store, anew.is_empty(), async |tx| {
                let mut won = 0;
                for (old_mac, version, sealed) in &anew {
                    won += u64::from(tx.reseal_version(old_mac, version, sealed).await?);
                }
                tx.add_kek_uses(kek, count).await?;
                Ok(won)
            });
            let won = won.await?;
            self.missed += (anew.len() as u64).saturating_sub(won);
            self.done.sealed += won;
            told("key_versions", self.done.sealed);
        }
    }

    async fn rows(&mut self, told: Told<'_>) -> Result<(), StoreError> {
        self.devices(told).await?;
        renew!(self, told, "device_owners", owners_after from RowId(Uuid::nil()), set_owner_mac);
        renew!(self, told, "login_bindings", bindings_after from RowId(Uuid::nil()), set_binding_mac);
        // What is under another KEK was looked at before.
        let kek = self.ring.active_kek();
        let ours = |row: &Attested<KeyVersion>| row.parts().0.kek_id == kek;
        renew!(self, told, "key_versions", versions_after from VersionId(Uuid::nil()), set_version_mac, ours);
        renew!(self, told, "reveal_grants", grants_after from GrantId(Uuid::nil()), set_grant_mac);
        self.tokens().await
    }

    async fn devices(&mut self, told: Told<'_>) -> Result<(), StoreError> {
        let mut after = DeviceId(Uuid::nil());
        loop {
            let mut page = self.store.read().await?.devices_after(after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let mut anew = Vec::new();
            page.retain(|device| !self.is_active(&device.row_mac));
            for device in page {
                let (id, old) = (device.id, device.row_mac.clone());
                if device.verifies(self.ring) {
                    anew.push((id, old, device.signed(self.ring).row_mac));
                } else {
                    self.broken("devices", &id.to_string());
                }
            }
            let won = write(self.store, anew.is_empty(), async |tx| {
                let mut won = 0;
                for (id, old, new) in &anew {
                    won += u64::from(tx.set_device_mac(*id, old, new).await?);
                }
                Ok(won)
            });
            self.signed(anew.len(), won.await?);
            told("devices", self.done.signed);
        }
    }

    /// A token that waits for approval after a restore goes on waiting.
    async fn tokens(&mut self) -> Result<(), StoreError> {
        for row in self.store.read().await?.tokens().await? {
            if self.is_active(row.mac()) {
                continue;
            }
            let (id, old) = (row.parts().0.id.clone(), row.mac().to_vec());
            let signed = if row.waits(self.ring) {
                Attested::sign_waiting(row.parts().0.clone(), self.ring)
            } else if let Ok(token) = row.check(self.ring) {
                Attested::sign(token, self.ring)
            } else {
                self.broken("api_tokens", &id);
                continue;
            };
            let won = write(self.store, false, async |tx| Ok(u64::from(tx.replace_token(&id, &old, &signed).await?))).await?;
            self.signed(1, won);
        }
        Ok(())
    }

    fn is_active(&self, mac: &[u8]) -> bool {
        mac.starts_with(&beginning(self.ring.active_id(Use::Row)))
    }

    fn signed(&mut self, tried: usize, won: u64) {
        self.missed += (tried as u64).saturating_sub(won);
        self.done.signed += won;
    }

    fn broken(&mut self, table: &'static str, id: &str) {
        self.done.broken_count += 1;
        if self.done.broken.len() < MOST_NAMED {
            self.done.broken.push(format!("{table} {id}"));
        }
    }
}

/// Opens a value at its place and seals it there again; `None` when its row does not verify or it does not open.
fn sealed_anew(ring: &Ring, env: &Env, row: Attested<KeyVersion>, sealed: &Sealed) -> Option<Anew> {
    let old_mac = row.mac().to_vec();
    let version = row.check(ring).ok().filter(|v| v.kek_id == sealed.kek_id())?;
    let plain = ring.open(&place_of(&version), sealed).ok()?;
    let again = ring.seal(&place_of(&version), &plain, env.entropy.as_ref()).ok()?;
    let version = KeyVersion { kek_id: again.kek_id(), ..version };
    Some((old_mac, Attested::sign(version, ring), again))
}

/// One batch in one transaction; answers how many rows were as they had been read.
async fn write(store: &Store, nothing: bool, act: impl AsyncFn(&mut Tx) -> Result<u64, StoreError>) -> Result<u64, StoreError> {
    if nothing {
        return Ok(0);
    }
    let mut tried = 0;
    loop {
        let written = async {
            let mut tx = store.write().await?;
            let won = act(&mut tx).await?;
            tx.commit_unrecorded().await?;
            Ok(won)
        };
        match written.await {
            Err(StoreError::Conflict) => return Ok(0),
            Err(e) if e.is_transient() && tried < TRIES => {
                tried += 1;
                tokio::time::sleep(PAUSE * (1 << tried)).await;
            }
            other => return other,
        }
    }
}

async fn said(
    store: &Store,
    ring: &Ring,
    env: &Env,
    kind: EventKind,
    (outcome, detail): (Outcome, &str),
) -> Result<AuditReceipt, CustodyError> {
    let mut event = operators(env, kind, detail);
    event.outcome = outcome;
    let mut tx = store.write().await?;
    let pending = tx.audit_append(&[event], ring).await?;
    Ok(tx.commit(pending).await?)
}
