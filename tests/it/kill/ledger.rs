//! The ledger: what the clients sent, what they were answered and what they were shown, a line each, in a file that no server
//! knows of. It is read back from the disk and compared with the database; of a key it holds a hash.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Arguments;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use keyharbor::crypto::{Place, Ring};
use keyharbor::domain::{Sealed, SecretKind, hex};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use crate::probe::number;

pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

/// What a key is called in the ledger.
pub fn hash(serial: &str, key: &str) -> String {
    hex(Sha256::new().chain_update(serial).chain_update([0]).chain_update(key).finalize())
}

impl Ledger {
    pub fn new(path: PathBuf) -> Self {
        let file = Mutex::new(File::options().append(true).create_new(true).open(&path).unwrap());
        Self { path, file }
    }

    /// One line, whole and at once.
    pub fn note(&self, line: Arguments<'_>) {
        self.file.lock().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn read(&self) -> Noted {
        self.file.lock().unwrap().sync_data().unwrap();
        Noted::of(&self.path)
    }
}

/// What stands in a ledger.
#[derive(Default)]
pub struct Noted {
    /// Requests, the repeated ones too.
    pub sent: usize,
    /// Serial number and key of every deposit that was acknowledged, with its version; `None`: that part of the answer was lost.
    pub kept: BTreeMap<(String, String), Option<i64>>,
    /// By grant the keys of the pages that showed one; `None`: of the key no more than a part came.
    pub shown: BTreeMap<Uuid, Vec<Option<String>>>,
}

impl Noted {
    pub fn pages(&self) -> usize {
        self.shown.values().map(Vec::len).sum()
    }

    fn of(path: &Path) -> Self {
        let mut noted = Self::default();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["sent", _, _] => noted.sent += 1,
                ["kept", serial, said, hash] => {
                    let version = noted.kept.entry((serial.to_owned(), hash.to_owned())).or_default();
                    *version = said.parse().ok().or(*version);
                }
                ["shown", grant, hash] => {
                    noted.shown.entry(grant.parse().unwrap()).or_default().push((hash != "-").then(|| hash.to_owned()));
                }
                _ => panic!("no line of a ledger: {line}"),
            }
        }
        noted
    }
}

/// A key version as it lies in the database.
struct Stored {
    serial: String,
    version: i64,
    /// `None`: it does not open.
    hash: Option<String>,
}

/// The keys of a database, opened once each: a version never changes.
#[derive(Default)]
pub struct Shelf(BTreeMap<Uuid, Stored>);

/// Id, device, key of the ring, sealed value, serial number, version.
type Line = (Uuid, Uuid, i64, Vec<u8>, String, i64);

const VERSIONS: &str =
    "SELECT v.id, v.device, v.kek_id, v.sealed, d.serial, v.version FROM key_versions v JOIN devices d ON d.id = v.device";
const VIEWED: &str =
    "SELECT grant_id, version, COUNT(*) FROM audit_events WHERE kind = 'reveal.viewed' AND outcome = 'ok' GROUP BY grant_id, version";
const WITHOUT_ROW: &str = "SELECT COUNT(*) FROM key_versions WHERE id NOT IN (SELECT version FROM audit_events WHERE kind = 'deposit.new' AND version IS NOT NULL)";
const WITHOUT_KEY: &str = "SELECT COUNT(*) FROM devices d WHERE NOT EXISTS (SELECT 1 FROM key_versions v WHERE v.device = d.id)";

/// What the comparison found. All but the first line of numbers must be nothing.
pub struct Count {
    pub noted: Noted,
    pub versions: usize,
    /// Acknowledged, and not in the database with that number and key.
    pub missing: Vec<String>,
    /// Shown, and not as many committed rows say that this version was viewed under this grant.
    pub unrecorded: Vec<String>,
    pub devices_without_key: i64,
    pub versions_without_row: i64,
    pub unopened: usize,
}

async fn rows<T>(url: &str, sql: &'static str) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let sql = AssertSqlSafe(sql);
    if url.starts_with("sqlite") {
        sqlx::query_as(sql).fetch_all(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap()
    } else {
        sqlx::query_as(sql).fetch_all(&mut PgConnection::connect(url).await.unwrap()).await.unwrap()
    }
}

impl Shelf {
    pub async fn count(&mut self, url: &str, ring: &Ring, noted: Noted) -> Count {
        let there: Vec<Line> = rows(url, VERSIONS).await;
        let ids: BTreeSet<Uuid> = there.iter().map(|line| line.0).collect();
        self.0.retain(|id, _| ids.contains(id));
        for (id, device, kek, sealed, serial, version) in there {
            self.0.entry(id).or_insert_with(|| {
                let place = Place { table: "key_versions", row: id, device, kind: SecretKind::RecoveryKey.code() };
                let opened = ring.open(&place, &Sealed::from_parts(sealed, u32::try_from(kek).unwrap())).ok();
                let hash = opened.map(|key| hash(&serial, std::str::from_utf8(&key).unwrap()));
                Stored { serial, version, hash }
            });
        }
        let open = |v: &Stored| v.hash.clone().map(|hash| ((v.serial.clone(), hash), v.version));
        let stored: BTreeMap<_, _> = self.0.values().filter_map(open).collect();
        let safe = |key, said: &Option<i64>| stored.get(key).is_some_and(|version| said.is_none_or(|said| said == *version));
        let viewed: Vec<(Uuid, Uuid, i64)> = rows(url, VIEWED).await;
        let viewed: BTreeMap<Uuid, (Uuid, i64)> = viewed.into_iter().map(|(grant, version, times)| (grant, (version, times))).collect();
        // Each page has a row of its own.
        let recorded = |grant: &Uuid, keys: &[Option<String>]| {
            let found = viewed.get(grant).and_then(|(version, times)| Some((self.0.get(version)?, *times)));
            found.is_some_and(|(v, times)| times >= keys.len() as i64 && keys.iter().all(|key| key.is_none() || v.hash == *key))
        };
        Count {
            versions: self.0.len(),
            missing: noted.kept.iter().filter(|(key, said)| !safe(*key, said)).map(|lost| format!("{lost:?}")).collect(),
            unrecorded: noted.shown.iter().filter(|(grant, keys)| !recorded(grant, keys)).map(|(grant, _)| grant.to_string()).collect(),
            devices_without_key: number(url, WITHOUT_KEY).await,
            versions_without_row: number(url, WITHOUT_ROW).await,
            unopened: self.0.values().filter(|v| v.hash.is_none()).count(),
            noted,
        }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "deposits sent {}, acknowledged {}, of these missing {}; pages with a key {}, without a row {}; devices without a key {}; \
             versions {}, without a row {}, that do not open {}",
            self.noted.sent,
            self.noted.kept.len(),
            self.missing.len(),
            self.noted.pages(),
            self.unrecorded.len(),
            self.devices_without_key,
            self.versions,
            self.versions_without_row,
            self.unopened
        )
    }
}

impl Count {
    pub fn holds(&self) -> bool {
        let nothing = [self.missing.len(), self.unrecorded.len(), self.unopened] == [0; 3];
        nothing && [self.devices_without_key, self.versions_without_row] == [0; 2]
    }
}
