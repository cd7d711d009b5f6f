//! Putting a backup into a new database: all of it in one transaction, or nothing.
//!
//! The rows come in as they were, at the schema they had; then the schema is brought up to date, the epoch is raised, and every
//! row that verified under the old one gets a MAC under the new one. A row that did not verify stays as it is: it counts as absent
//! as before, and is named. Tokens wait for approval. The trail goes on from the head of the backup.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::Path;

use uuid::Uuid;

use super::file::{FileError, Header, TableHeader};
use super::{BackupError, Opened, PAGE, Part, Told, unhex};
use crate::crypto::{Ring, RootKey};
use crate::domain::audit::{Actor, EventKind, Outcome};
use crate::domain::ids::{DeviceId, Env, RowId, VersionId};
use crate::domain::token::ApiToken;
use crate::domain::{Attested, hex};
use crate::service::{RequestInfo, event};
use crate::store::{Cell, RingRow, Store, StoreError, TABLES, Table, Tx};

/// A file that was read to its end: it is whole and the root key opens it.
pub struct Checked<'a> {
    from: File,
    root: &'a RootKey,
    pub header: Header,
    pub counts: Vec<(String, u64)>,
    /// SHA-256 of the file.
    pub digest: String,
}

/// What was restored.
pub struct Restored {
    pub ring: Ring,
    /// The trail row that says so.
    pub seq: i64,
    pub old_epoch: u32,
    /// Rows that did not verify before either: `table id`, at most a hundred, and how many there are.
    pub unverified: (Vec<String>, u64),
    /// Tokens that do nothing until they are approved.
    pub waiting: Vec<ApiToken>,
}

/// Reads a backup through and writes nothing.
///
/// # Errors
/// [`BackupError`]: it cannot be read, was cut or changed, or the root key is another.
pub fn check<'a>(path: &Path, root: &'a RootKey) -> Result<Checked<'a>, BackupError> {
    let from = File::open(path).map_err(|why| BackupError::Read { path: path.display().to_string(), why })?;
    let mut backup = Opened::begin(BufReader::with_capacity(1 << 18, &from), root)?;
    let (mut table, mut counts) = (String::new(), Vec::new());
    let digest = loop {
        match backup.next_part()? {
            Part::Table(header) => table = header.name,
            Part::Row(_) => {}
            Part::End(rows) => counts.push((std::mem::take(&mut table), rows)),
            Part::Whole(digest) => break hex(digest),
        }
    };
    let header = backup.header;
    Ok(Checked { from, root, header, counts, digest })
}

impl Checked<'_> {
    /// Restores into a database that holds nothing.
    ///
    /// # Errors
    /// [`BackupError`]: nothing was written.
    pub async fn restore(mut self, store: &Store, env: &Env, told: Told<'_>) -> Result<Restored, BackupError> {
        let mut tx = store.write().await?;
        self.holds_nothing(&mut tx).await?;
        tx.migrate_within(Some(&self.header.migrations)).await?;
        self.from.rewind().map_err(FileError::Io)?;
        let mut backup = Opened::begin(BufReader::with_capacity(1 << 18, &self.from), self.root)?;
        let digest = load(&mut tx, &mut backup, told).await?;
        if backup.header != self.header || digest != self.digest {
            return Err(BackupError::Moved);
        }
        let head = unhex(&self.header.head_mac).ok_or(FileError::Malformed("the head of its trail"))?;
        if self.header.head_seq > 0 && !tx.place_head(self.header.head_seq, &head).await? {
            return Err(BackupError::NotNew("the trail has a head already".to_owned()));
        }
        tx.migrate_within(None).await?;
        let old = backup.ring;
        let ring = self.header.open_ring(self.root)?.restored(env.now());
        let mut renewal = Renewal { old: &old, new: &ring, unverified: (Vec::new(), 0), waiting: Vec::new() };
        renewal.rows(&mut tx).await?;
        renewal.tokens(&mut tx).await?;
        let Renewal { unverified, waiting, .. } = renewal;
        let generation = self.header.ring.generation + 1;
        let wrapped = ring.wrap(self.root, generation, env.entropy.as_ref())?;
        tx.insert_key_ring(&RingRow { generation, wrapped, wrapped_by: self.root.name() }).await?;
        let mut restored = event(env, EventKind::BackupRestored, Outcome::Ok, Actor::Operator, &RequestInfo::none(env));
        restored.detail = format!(
            "sha256 {digest} head {} epoch {} to {} unverified {} waiting {}",
            self.header.checkpoint(),
            old.epoch(),
            ring.epoch(),
            unverified.1,
            waiting.len()
        );
        let pending = tx.audit_append(&[restored], &ring).await?;
        let seq = tx.commit(pending).await?.seq();
        Ok(Restored { seq, old_epoch: old.epoch(), ring, unverified, waiting })
    }

    async fn holds_nothing(&self, tx: &mut Tx) -> Result<(), BackupError> {
        let applied = tx.applied_migrations().await?;
        if applied.is_empty() {
            return Ok(());
        }
        if applied != self.header.migrations {
            let why = "the tables of the database are those of another release than the backup's: take a new, empty database";
            return Err(BackupError::NotNew(why.to_owned()));
        }
        for table in TABLES {
            if !tx.columns_of(table).await?.is_empty() && tx.count_rows(table).await? > 0 {
                return Err(BackupError::NotNew(format!("the database is in use, there are rows in {}", table.name)));
            }
        }
        match tx.key_ring().await? {
            Some(_) => Err(BackupError::NotNew("the database has a key ring already (`keyharbor init`?)".to_owned())),
            None => Ok(()),
        }
    }
}

/// Inserts every row of the backup; answers the digest of the file.
async fn load<R: std::io::Read>(tx: &mut Tx, backup: &mut Opened<R>, told: Told<'_>) -> Result<String, BackupError> {
    let (mut into, mut page, mut done) = (None, Vec::new(), 0);
    loop {
        let part = backup.next_part()?;
        let full = page.len() >= usize::try_from(PAGE).unwrap_or(1);
        if let Some(Target { table, columns }) = &into
            && (full || matches!(part, Part::End(_)))
        {
            done += tx.insert_rows(table, columns, &std::mem::take::<Vec<Vec<Cell>>>(&mut page)).await?;
            told(table.name, done);
        }
        match part {
            Part::Table(header) => {
                done = 0;
                into = Some(target(tx, &header).await?);
            }
            Part::Row(row) => page.push(row),
            Part::End(rows) if rows == done => into = None,
            Part::End(_) => return Err(StoreError::Other("a table did not take every row".to_owned()).into()),
            Part::Whole(digest) => return Ok(hex(digest)),
        }
    }
}

struct Target {
    table: &'static Table,
    columns: Vec<crate::store::Column>,
}

/// The table of that name with these columns, in the file's order.
async fn target(tx: &mut Tx, header: &TableHeader) -> Result<Target, BackupError> {
    let table = TABLES.iter().find(|t| t.name == header.name).ok_or(FileError::Malformed("a table that is not known"))?;
    let mut columns = tx.columns_of(table).await?;
    let place = |name: &str| header.columns.iter().position(|c| c == name);
    if columns.len() != header.columns.len() || columns.iter().any(|c| place(&c.name).is_none()) {
        return Err(FileError::Malformed("a table with other columns").into());
    }
    columns.sort_by_key(|c| place(&c.name));
    Ok(Target { table, columns })
}

/// Rows pass from the old epoch into the new one.
struct Renewal<'a> {
    old: &'a Ring,
    new: &'a Ring,
    unverified: (Vec<String>, u64),
    waiting: Vec<ApiToken>,
}

/// Pages through a table and signs anew what verifies.
macro_rules! renew {
    ($self:ident, $tx:ident, $table:literal, $after:ident from $first:expr, $set:ident) => {{
        let mut after = $first;
        loop {
            let page = $tx.$after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.parts().0.id;
            for row in page {
                let (id, old) = (row.parts().0.id, row.mac().to_vec());
                let Ok(row) = row.check($self.old) else {
                    $self.does_not_verify($table, &id.to_string());
                    continue;
                };
                if !$tx.$set(id, &old, Attested::sign(row, $self.new).mac()).await? {
                    return Err(StoreError::Conflict);
                }
            }
        }
    }};
}

impl Renewal<'_> {
    async fn rows(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut after = DeviceId(Uuid::nil());
        loop {
            let page = tx.devices_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for device in page {
                let (id, old) = (device.id, device.row_mac.clone());
                if !device.verifies(self.old) {
                    self.does_not_verify("devices", &id.to_string());
                } else if !tx.set_device_mac(id, &old, &device.signed(self.new).row_mac).await? {
                    return Err(StoreError::Conflict);
                }
            }
        }
        renew!(self, tx, "device_owners", owners_after from RowId(Uuid::nil()), set_owner_mac);
        renew!(self, tx, "login_bindings", bindings_after from RowId(Uuid::nil()), set_binding_mac);
        renew!(self, tx, "key_versions", versions_after from VersionId(Uuid::nil()), set_version_mac);
        Ok(())
    }

    async fn tokens(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        for row in tx.tokens().await? {
            let (id, old) = (row.parts().0.id.clone(), row.mac().to_vec());
            let waited = row.waits(self.old).then(|| row.parts().0.clone());
            let Some(token) = waited.or_else(|| row.check(self.old).ok()) else {
                self.does_not_verify("api_tokens", &id);
                continue;
            };
            // What was revoked stays so; everything else waits.
            let signed = if token.revoked_at.is_some() {
                Attested::sign(token, self.new)
            } else {
                self.waiting.push(token.clone());
                Attested::sign_waiting(token, self.new)
            };
            if !tx.replace_token(&id, &old, &signed).await? {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }

    fn does_not_verify(&mut self, table: &str, id: &str) {
        self.unverified.1 += 1;
        if self.unverified.0.len() < 100 {
            self.unverified.0.push(format!("{table} {id}"));
        }
    }
}
