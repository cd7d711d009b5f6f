//! Fresh, migrated databases for tests: a SQLite file under a temp folder, a database of its own on a throw-away PostgreSQL
//! server (`KEYHARBOR_TEST_POSTGRES`, a superuser's URL). Each is gone when its `Fresh` is dropped.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use keyharbor::store::{Store, StoreOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

/// A migrated database and the store that is connected to it.
pub struct Fresh {
    pub store: Store,
    /// For a connection of the test's own, to tamper or to look.
    pub url: String,
    _gone: Gone,
}

/// Takes the database away when dropped.
#[expect(dead_code, reason = "the folder is held for its drop")]
enum Gone {
    Folder(TempDir),
    Database(String),
    /// Somebody else holds it.
    Borrowed,
}

pub async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyharbor.db");
    std::fs::copy(migrated_file().await, &file).unwrap();
    let url = format!("sqlite://{}", file.display());
    Fresh { store: connect(&url).await, url, _gone: Gone::Folder(folder) }
}

pub async fn postgres() -> Fresh {
    let name = fresh_name("t");
    let template = template().await;
    admin(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    let url = database_url(&name);
    Fresh { store: connect(&url).await, url, _gone: Gone::Database(name) }
}

/// SQLite, PostgreSQL.
pub async fn both() -> [Fresh; 2] {
    [sqlite().await, postgres().await]
}

/// An empty PostgreSQL database without our tables, for tests of migration itself.
pub async fn bare_postgres() -> Fresh {
    let name = fresh_name("b");
    admin(&format!("CREATE DATABASE {name}")).await;
    let url = database_url(&name);
    Fresh { store: connect(&url).await, url, _gone: Gone::Database(name) }
}

/// A new SQLite file without our tables.
pub async fn bare_sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("bare.db").display());
    Fresh { store: connect(&url).await, url, _gone: Gone::Folder(folder) }
}

/// One that the test itself keeps, by this way.
pub fn borrowed(store: Store, url: String) -> Fresh {
    Fresh { store, url, _gone: Gone::Borrowed }
}

pub async fn connect(url: &str) -> Store {
    Store::connect(&StoreOptions::new(url.to_owned().into(), 5)).await.unwrap()
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let Self::Database(name) = self {
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            // Drop cannot wait inside the test's own runtime.
            std::thread::spawn(move || {
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(admin(&sql));
            })
            .join()
            .ok();
        }
    }
}

/// The server for tests, as given.
pub fn server_url() -> String {
    std::env::var_os("KEYHARBOR_TEST_POSTGRES")
        .and_then(|url| url.into_string().ok())
        .unwrap_or_else(|| panic!("run tests/run.sh, or set KEYHARBOR_TEST_POSTGRES to a throw-away server"))
}

fn database_url(name: &str) -> String {
    let mut url = Url::parse(&server_url()).unwrap();
    url.set_path(name);
    url.to_string()
}

/// Unique on the server, also beside other runs of the tests.
fn fresh_name(kind: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let run = getrandom::u32().unwrap();
    format!("kh_{kind}_{}_{run:08x}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn admin(sql: &str) {
    let mut conn = PgConnection::connect(&server_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// Migrated once per test process.
async fn template() -> &'static str {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_init(|| async {
        let name = fresh_name("template");
        admin(&format!("CREATE DATABASE {name}")).await;
        let store = connect(&database_url(&name)).await;
        store.migrate().await.unwrap();
        store.close().await;
        name
    })
    .await
}

async fn migrated_file() -> &'static PathBuf {
    static FILE: OnceCell<(TempDir, PathBuf)> = OnceCell::const_new();
    let made = FILE.get_or_init(|| async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("migrated.db");
        let store = connect(&format!("sqlite://{}", file.display())).await;
        store.migrate().await.unwrap();
        // The last connection that closes folds the write-ahead log into the file.
        store.close().await;
        (folder, file)
    });
    &made.await.1
}
