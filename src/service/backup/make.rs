//! Making a backup while the server serves: one moment of the database, written, read back, every key of it opened.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use super::file::{FORMAT, Header, RingHeader, TableHeader, Writer};
use super::partial::Partial;
use super::{BackupError, Opened, PAGE, Part, Told};
use crate::crypto::RootKey;
use crate::domain::audit::{Actor, AuditReceipt, EventKind, Outcome};
use crate::domain::hex;
use crate::service::custody::proof::{KeyColumns, key_opens};
use crate::service::{Keyharbor, RequestInfo, ServiceError};
use crate::store::{Cell, Column, Engine, Lives, StoreError, TABLES, Table, Tx};

/// A backup that lies in its place.
pub struct Made {
    /// Its name; another one than asked for when it is not proven.
    pub path: PathBuf,
    pub header: Header,
    /// The rows of each table.
    pub counts: Vec<(String, u64)>,
    /// SHA-256 of the file.
    pub digest: String,
    /// What speaks against it: keys that do not open, a trail that does not reach its head. Empty as a rule.
    pub findings: Vec<String>,
    /// How many there are of them; the list ends after a hundred.
    pub found: usize,
}

const MOST_NAMED: usize = 100;

impl Keyharbor {
    /// Writes a backup and proves it. One that does not prove is kept under `….unproven`, and says why.
    ///
    /// # Errors
    /// [`BackupError`]: nothing is left behind.
    pub async fn backup(&self, to: &Path, root: &RootKey, told: Told<'_>) -> Result<Made, BackupError> {
        let (partial, file) = Partial::create(to, self.env())?;
        let begun = self.event(EventKind::BackupBegun, Outcome::Ok, Actor::Operator, &RequestInfo::none(&self.env));
        let begun = std::slice::from_ref(&begun);
        let recorded = self.retry(async || self.conclude(self.store.write().await?, begun).await).await?;
        let written = match self.write(file, told).await {
            Ok(written) => prove(&partial, root, &recorded, written),
            Err(e) => Err(e),
        };
        let mut made = match written {
            Ok(made) => made,
            Err(e) => {
                self.note_backup(Outcome::Failed, "not_made".into()).await?;
                return Err(e);
            }
        };
        let proven = made.found == 0;
        made.path = if proven { to.to_owned() } else { with_ending(to, ".unproven") };
        partial.publish(&made.path)?;
        let outcome = if proven { Outcome::Ok } else { Outcome::Failed };
        self.note_backup(outcome, format!("sha256 {} head {}", made.digest, made.header.checkpoint())).await?;
        Ok(made)
    }

    async fn note_backup(&self, outcome: Outcome, detail: String) -> Result<(), ServiceError> {
        let mut event = self.event(EventKind::BackupMade, outcome, Actor::Operator, &RequestInfo::none(&self.env));
        event.detail = detail;
        self.record(&[event]).await
    }

    async fn write(&self, file: File, told: Told<'_>) -> Result<Made, BackupError> {
        let ring = self.ring()?;
        let mut tx = self.store.snapshot().await?;
        let header = self.header(&mut tx).await?;
        let mut writer = Writer::begin(BufWriter::with_capacity(1 << 18, file), &header)?;
        let mut counts = Vec::new();
        for table in TABLES.iter().filter(|t| t.lives == Lives::On) {
            let columns = tx.columns_of(table).await?;
            writer.table(&TableHeader { name: table.name.to_owned(), columns: columns.iter().map(|c| c.name.clone()).collect() })?;
            let (mut after, mut rows) = (None, 0);
            loop {
                let page = tx.rows_after(table, &columns, after.as_deref(), PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(key_of(table, &columns, last)?);
                for row in &page {
                    writer.row(row)?;
                }
                rows += u64::try_from(page.len()).unwrap_or_default();
                told(table.name, rows);
            }
            counts.push((table.name.to_owned(), writer.end()?));
        }
        let (out, digest) = writer.close(|covers| ring.backup_mac(covers))?;
        let file = out.into_inner().map_err(|e| super::FileError::Io(e.into_error()))?;
        file.sync_all().map_err(super::FileError::Io)?;
        Ok(Made { path: PathBuf::new(), header, counts, digest: hex(digest), findings: Vec::new(), found: 0 })
    }

    async fn header(&self, tx: &mut Tx) -> Result<Header, BackupError> {
        let ring = tx.key_ring().await?.ok_or(ServiceError::Sealed)?;
        let (head_seq, head_mac) = tx.head().await?;
        Ok(Header {
            format: FORMAT,
            keyharbor: env!("CARGO_PKG_VERSION").to_owned(),
            engine: match self.store.engine() {
                Engine::Sqlite => "sqlite".to_owned(),
                Engine::Postgres => "postgres".to_owned(),
            },
            migrations: tx.applied_migrations().await?,
            made_at: self.env.now().0,
            epoch: self.ring()?.epoch(),
            head_seq,
            head_mac: hex(head_mac),
            ring: RingHeader { generation: ring.generation, wrapped: hex(ring.wrapped), wrapped_by: ring.wrapped_by },
        })
    }
}

/// The cells of a row's primary key.
pub(in crate::service) fn key_of(table: &Table, columns: &[Column], row: &[Cell]) -> Result<Vec<Cell>, StoreError> {
    let cell = |name: &&str| columns.iter().position(|c| c.name == *name).and_then(|n| row.get(n)).cloned();
    table.key.iter().map(cell).collect::<Option<_>>().ok_or(StoreError::Decode("a key column"))
}

/// Reads it back as a restore would, with the root key of the settings, and opens every key.
fn prove(partial: &Partial, root: &RootKey, recorded: &AuditReceipt, written: Made) -> Result<Made, BackupError> {
    let from = partial.read().map_err(super::FileError::Io)?;
    let mut backup = Opened::begin(BufReader::with_capacity(1 << 18, from), root)?;
    let mut made = written;
    let mut counts = Vec::new();
    let (mut table, mut keys, mut last) = (String::new(), None, None);
    let digest = loop {
        match backup.next_part()? {
            Part::Table(header) => {
                keys = (header.name == "key_versions").then(|| KeyColumns::find(header.columns.iter().map(String::as_str))).flatten();
                table = header.name;
            }
            Part::Row(row) => {
                if let Some(Err(id)) = keys.as_ref().map(|at| key_opens(recorded, &backup.ring, at, &row)) {
                    made.finding(format!("key_versions {id}: its key does not open"));
                }
                if table == "audit_events" {
                    last = row.last().cloned();
                }
            }
            Part::End(rows) => counts.push((std::mem::take(&mut table), rows)),
            Part::Whole(digest) => break hex(digest),
        }
    };
    let events = counts.iter().find(|(name, _)| name == "audit_events").map(|(_, rows)| *rows);
    let head = match last {
        Some(Cell::Bytes(mac)) => hex(mac),
        _ => String::new(),
    };
    if i64::try_from(events.unwrap_or_default()) != Ok(made.header.head_seq) || head != made.header.head_mac {
        made.finding("audit_events: the trail does not reach its head, see `keyharbor audit verify`".to_owned());
    }
    let same = counts == made.counts && digest == made.digest && backup.header == made.header;
    if same { Ok(made) } else { Err(BackupError::NotAsWritten) }
}

impl Made {
    fn finding(&mut self, what: String) {
        self.found += 1;
        if self.findings.len() < MOST_NAMED {
            self.findings.push(what);
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
