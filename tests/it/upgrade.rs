//! Data of the releases before: brought up to date by today's code, still whole, and still theirs whose it was.

mod fixture;

use std::path::Path;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use keyharbor::crypto::RootKey;
use keyharbor::domain::hex;
use keyharbor::service::backup::check;
use keyharbor::service::backup::file::{FORMAT, Header, RingHeader, TableHeader, Writer};
use keyharbor::service::custody::{Custody, open_ring};
use keyharbor::service::trail::{Verdict, verify};
use keyharbor::store::{Engine, Lives, TABLES};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::engines::{self, Fresh};
use crate::fixed::START;
use crate::races::aside;
use crate::world::{Browser, KEY, MAC, OTHER_KEY, World, token_id};

/// What lies beside a release's rows: its root key, tokens, a cookie and the time at which it was left. All of it synthetic.
struct Release {
    name: String,
    sqlite: String,
    postgres: String,
    secrets: String,
}

/// Their folders; a release gets one when it is made (CONTRIBUTING.md).
const RELEASES: [&str; 1] = ["tests/it/upgrade/0.1.0"];

fn releases() -> impl Iterator<Item = Release> {
    RELEASES.into_iter().map(|folder| Release::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)))
}

impl Release {
    fn read(folder: &Path) -> Self {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        Self { name, sqlite: text("sqlite.sql"), postgres: text("postgres.sql"), secrets: text("secrets.json") }
    }

    fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, text) in [("sqlite.sql", &self.sqlite), ("postgres.sql", &self.postgres), ("secrets.json", &self.secrets)] {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    fn beside(&self) -> Value {
        serde_json::from_str(&self.secrets).unwrap()
    }

    /// A database as that release left it.
    async fn database(&self, engine: Engine) -> Fresh {
        match engine {
            Engine::Sqlite => {
                let fresh = engines::bare_sqlite().await;
                let mut conn = sqlx::SqliteConnection::connect(&fresh.url).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(self.sqlite.clone())).execute(&mut conn).await.unwrap();
                fresh
            }
            Engine::Postgres => {
                let fresh = engines::bare_postgres().await;
                let mut conn = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(self.postgres.clone())).execute(&mut conn).await.unwrap();
                fresh
            }
        }
    }
}

/// A world of today around that database, at the time when it was left.
async fn world(release: &Release, fresh: Fresh) -> World {
    let beside = release.beside();
    let mut world = World::new().await;
    world.root = RootKey::parse(beside["root_key"].as_str().unwrap()).unwrap();
    world.clock.advance_seconds((beside["now"].as_i64().unwrap() - START.0) / 1_000_000);
    let (world, _) = world.over(fresh).await;
    let custody = Custody::open(open_ring(&world.fresh.store, &world.root, false).await.unwrap());
    world.restarted(|c| c.oidc.issuer = beside["issuer"].as_str().unwrap().to_owned(), custody)
}

fn left_open(release: &Release, world: &World) -> Browser {
    let mut browser = world.browser();
    for (name, value) in release.beside()["cookies"].as_object().unwrap() {
        browser.jar.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    browser
}

async fn is_whole(world: &World) -> i64 {
    let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    match verify(&world.fresh.store, &ring, None).await.unwrap() {
        Verdict::Whole { seq, .. } => seq,
        other => panic!("{other:?}"),
    }
}

async fn deposit(world: &World, token: &str, serial: &str, key: &str) -> StatusCode {
    let body = serde_json::json!({ "serial": serial, "recovery_key": key });
    world.api(Method::POST, "/api/v1/deposits", token, Some(body)).await.status
}

/// Does it lack migrations? The newest release's may not, until the next one is written.
async fn is_older(fresh: &Fresh) -> bool {
    !fresh.store.pending_migrations().await.unwrap().is_empty()
}

/// Brought up to date, everything is there, works for whom it worked, and can be backed up.
async fn is_kept(release: &Release, fresh: Fresh) {
    fresh.store.migrate().await.unwrap();
    let world = world(release, fresh).await;
    let beside = release.beside();
    let text = |name: &str| beside[name].as_str().unwrap().to_owned();
    let rows = is_whole(&world).await;
    assert!(rows > 30, "{rows}");
    let mut astrid = left_open(release, &world);
    let shown = astrid.reveal(&text("device")).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.text);
    assert_eq!(astrid.get(shown.location()).await.key().as_deref(), Some(KEY), "an owner who is still signed in");
    assert_eq!(deposit(&world, &text("header_token"), MAC, KEY).await, StatusCode::OK, "known by its fingerprint");
    assert_eq!(deposit(&world, &text("header_token"), "C02NEW", OTHER_KEY).await, StatusCode::CREATED);
    assert_eq!(world.check_in(&text("path_token"), MAC, OTHER_KEY).await.status, StatusCode::OK);
    assert_eq!(deposit(&world, &text("revoked_token"), MAC, KEY).await, StatusCode::UNAUTHORIZED);
    let (tokens, bad) = world.service.tokens().await.unwrap();
    assert_eq!((tokens.len(), bad), (3, 0));
    assert!(tokens.iter().any(|t| t.id == token_id(&text("revoked_token")) && t.revoked_at.is_some()));
    assert!(is_whole(&world).await > rows, "the chain goes on");
    // A backup opens every key of then.
    let folder = tempfile::tempdir().unwrap();
    let made = world.service.backup(&folder.path().join("all"), &world.root, &mut |_, _| {}).await.unwrap();
    assert_eq!(made.found, 0, "{:?}", made.findings);
    assert!(made.counts.contains(&("key_versions".to_owned(), 5)), "{:?}", made.counts);
}

#[actix_web::test]
async fn an_upgrade_keeps_keys_owners_tokens_sessions_and_the_trail() {
    let mut older = 0;
    for release in releases() {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let fresh = release.database(engine).await;
            older += u32::from(is_older(&fresh).await);
            is_kept(&release, fresh).await;
        }
    }
    assert!(older > 0, "there was something to do");
}

/// A migration waits for whoever is at a table, and whoever comes after it waits behind it: so it steps back, and tries again.
#[actix_web::test]
async fn a_migration_that_waits_for_a_table_lets_others_pass() {
    const AT: &str = "BEGIN; LOCK TABLE devices, key_versions, audit_events IN ROW EXCLUSIVE MODE";
    const WAITING: &str =
        "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    for release in releases() {
        let fresh = release.database(Engine::Postgres).await;
        if !is_older(&fresh).await {
            continue;
        }
        let mut writer = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
        let mut other = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
        sqlx::raw_sql(AT).execute(&mut writer).await.unwrap();
        let store = fresh.store.clone();
        let migration = aside(async move { store.migrate().await });
        while sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut other).await.unwrap() == 0 {
            assert!(!migration.is_finished(), "it takes no table from others");
            tokio::task::yield_now().await;
        }
        tokio::time::timeout(Duration::from_secs(60), sqlx::raw_sql(AT).execute(&mut other)).await.expect("it lets nobody pass").unwrap();
        for conn in [other, writer] {
            conn.close().await.unwrap();
        }
        migration.await.unwrap().unwrap();
        assert!(!is_older(&fresh).await);
    }
}

/// All that the tests of older releases ask, but for the migrations.
async fn is_a_fixture(release: &Release) {
    for (engine, bare) in [(Engine::Sqlite, engines::bare_postgres().await), (Engine::Postgres, engines::bare_sqlite().await)] {
        let fresh = release.database(engine).await;
        assert!(!is_older(&fresh).await, "it is at the schema of today");
        is_kept(release, fresh).await;
        let folder = tempfile::tempdir().unwrap();
        backup_of(release, &folder.path().join("old")).await;
        is_restored(release, &folder.path().join("old"), bare).await;
    }
}

/// So that the next release's fixture is never found wanting on the day it is needed.
#[actix_web::test]
async fn what_today_leaves_can_be_written_down_as_a_fixture() {
    is_a_fixture(&fixture::of_today().await).await;
}

#[actix_web::test]
#[ignore = "writes the fixture of a release: see CONTRIBUTING.md"]
async fn write_the_fixture_of_this_release() {
    let release = fixture::of_today().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/upgrade-fixture").join(&release.name);
    release.write(&folder);
    is_a_fixture(&Release::read(&folder)).await;
}

/// A backup at the schema of that release, as its own `backup` would have written it.
async fn backup_of(release: &Release, to: &Path) {
    let fresh = release.database(Engine::Sqlite).await;
    let root = RootKey::parse(release.beside()["root_key"].as_str().unwrap()).unwrap();
    let ring = open_ring(&fresh.store, &root, false).await.unwrap();
    let mut tx = fresh.store.read().await.unwrap();
    let (wrapped, (seq, mac)) = (tx.key_ring().await.unwrap().unwrap(), tx.head().await.unwrap());
    let header = Header {
        format: FORMAT,
        keyharbor: release.name.clone(),
        engine: "sqlite".into(),
        migrations: tx.applied_migrations().await.unwrap(),
        made_at: START.0,
        epoch: ring.epoch(),
        head_seq: seq,
        head_mac: hex(mac),
        ring: RingHeader { generation: wrapped.generation, wrapped: hex(wrapped.wrapped), wrapped_by: wrapped.wrapped_by },
    };
    let mut writer = Writer::begin(std::fs::File::create(to).unwrap(), &header).unwrap();
    for table in TABLES.iter().filter(|t| t.lives == Lives::On) {
        let columns = tx.columns_of(table).await.unwrap();
        if columns.is_empty() {
            continue;
        }
        writer.table(&TableHeader { name: table.name.into(), columns: columns.iter().map(|c| c.name.clone()).collect() }).unwrap();
        for row in tx.rows_after(table, &columns, None, 10_000).await.unwrap() {
            writer.row(&row).unwrap();
        }
        writer.end().unwrap();
    }
    writer.close(|covers| ring.backup_mac(covers)).unwrap();
}

/// Into an empty database, with the trail whole and its tokens waiting.
async fn is_restored(release: &Release, file: &Path, bare: Fresh) {
    let root = RootKey::parse(release.beside()["root_key"].as_str().unwrap()).unwrap();
    let (_, env) = crate::fixed::env(3);
    let done = check(file, &root).unwrap().restore(&bare.store, &env, &mut |_, _| {}).await.unwrap();
    assert_eq!((done.unverified.1, done.waiting.len()), (0, 2));
    assert!(bare.store.pending_migrations().await.unwrap().is_empty());
    assert!(is_whole(&world(release, bare).await).await > 30);
}

#[actix_web::test]
async fn s70_a_backup_of_an_older_schema_is_restored_and_brought_up_to_date() {
    for release in releases() {
        for bare in [engines::bare_sqlite().await, engines::bare_postgres().await] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("old");
            backup_of(&release, &file).await;
            let root = RootKey::parse(release.beside()["root_key"].as_str().unwrap()).unwrap();
            let (_, env) = crate::fixed::env(3);
            // Into tables of another release it does not go: a migration in between may have to see its rows.
            let [migrated, _] = engines::both().await;
            if is_older(&release.database(Engine::Sqlite).await).await {
                let refused = check(&file, &root).unwrap().restore(&migrated.store, &env, &mut |_, _| {}).await.err().unwrap();
                assert!(refused.to_string().contains("another release"), "{refused}");
            }
            is_restored(&release, &file, bare).await;
        }
    }
}

#[test]
fn a_migration_after_the_first_takes_nothing_away() {
    for engine in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        names.sort();
        assert!(names.len() > 1 && names[0].ends_with("0001_escrow.sql"), "{names:?}");
        for path in &names[1..] {
            let text = std::fs::read_to_string(path).unwrap();
            let code: String = text.lines().filter(|l| !l.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ").to_uppercase();
            // An index decides nothing.
            let code = code.replace("DROP INDEX", "");
            for word in ["DROP ", "RENAME ", "DELETE ", "TRUNCATE ", " TYPE ", "SET NOT NULL"] {
                assert!(!code.contains(word), "{}: {word}: a replica of the release before runs beside it", path.display());
            }
            let bare = code.split("ADD COLUMN").skip(1).any(|rest| {
                let rest = rest.split([';', ',']).next().unwrap_or_default();
                rest.contains("NOT NULL") && !rest.contains("DEFAULT")
            });
            assert!(!bare, "{}: a column that the release before does not fill", path.display());
        }
    }
}
