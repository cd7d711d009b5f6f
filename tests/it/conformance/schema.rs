//! The two schemas say the same, and every statement fits both.

use std::collections::BTreeSet;

use keyharbor::store::{Engine, Store, StoreError, StoreOptions};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use crate::engines;

const SQLITE: &str = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
                      WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
const POSTGRES: &str = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                        WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'";

#[tokio::test]
async fn both_have_the_same_tables_and_columns() {
    let [sqlite, postgres] = engines::both().await;
    let mut a = SqliteConnection::connect(&sqlite.url).await.unwrap();
    let mut b = PgConnection::connect(&postgres.url).await.unwrap();
    let a: BTreeSet<(String, String)> = sqlx::query_as(SQLITE).fetch_all(&mut a).await.unwrap().into_iter().collect();
    let b: BTreeSet<(String, String)> = sqlx::query_as(POSTGRES).fetch_all(&mut b).await.unwrap().into_iter().collect();
    assert!(a.len() > 100, "{}", a.len());
    assert_eq!(a, b);
}

#[tokio::test]
async fn portable_types_only() {
    let postgres = engines::postgres().await;
    let mut conn = PgConnection::connect(&postgres.url).await.unwrap();
    let odd: Vec<(String, String)> = sqlx::query_as(
        "SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = 'public' \
         AND table_name NOT LIKE '\\_sqlx%' AND data_type NOT IN ('text', 'bigint', 'bytea', 'uuid')",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(odd, []);
    let sqlite = engines::sqlite().await;
    let mut conn = SqliteConnection::connect(&sqlite.url).await.unwrap();
    let lax: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE '%sql%'")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    assert_eq!(lax, Vec::<String>::new());
}

#[tokio::test]
async fn every_statement_prepares_on_both() {
    let [sqlite, postgres] = engines::both().await;
    let mut a = SqliteConnection::connect(&sqlite.url).await.unwrap();
    let mut b = PgConnection::connect(&postgres.url).await.unwrap();
    let mut names = [Vec::new(), Vec::new()];
    for (name, sql) in Store::statements(Engine::Sqlite) {
        for each in sql.split("; ") {
            let each = sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(each));
            a.prepare(each).await.unwrap_or_else(|e| panic!("SQLite {name}: {e}"));
        }
        names[0].push(name);
    }
    for (name, sql) in Store::statements(Engine::Postgres) {
        b.prepare(sqlx::SqlSafeStr::into_sql_str(sql)).await.unwrap_or_else(|e| panic!("PostgreSQL {name}: {e}"));
        names[1].push(name);
    }
    names[1]
        .retain(|n| !["NOW", "WRITABLE", "OUTSIDE", "MAY_CREATE", "ROLE_NAME", "SCHEMA_NAME", "MAY_CHANGE_TRAIL", "SESSION"].contains(n));
    assert!(names[0].len() > 60);
    assert_eq!(names[0], names[1]);
}

/// The numbers of the migrations, by their files: the same for both engines.
fn files() -> Vec<i64> {
    let of = |engine: &str| -> Vec<i64> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let numbers: BTreeSet<i64> = names.map(|name| name.split_once('_').unwrap().0.parse().unwrap()).collect();
        numbers.into_iter().collect()
    };
    assert_eq!(of("sqlite"), of("postgres"));
    of("sqlite")
}

#[tokio::test]
async fn migrating_runs_once_also_from_several_processes_at_a_time() {
    for fresh in [engines::bare_sqlite().await, engines::bare_postgres().await] {
        assert_eq!(fresh.store.pending_migrations().await.unwrap(), files());
        let others = [engines::connect(&fresh.url).await, engines::connect(&fresh.url).await];
        let (a, b, c) = tokio::join!(fresh.store.migrate(), others[0].migrate(), others[1].migrate());
        a.and(b).and(c).unwrap();
        fresh.store.migrate().await.unwrap();
        fresh.store.migrate().await.unwrap();
        assert!(fresh.store.pending_migrations().await.unwrap().is_empty());
        assert!(fresh.store.read().await.unwrap().is_empty().await.unwrap());
    }
}

#[tokio::test]
async fn a_migration_of_a_newer_release_is_no_error() {
    let [sqlite, postgres] = engines::both().await;
    const NEWER: &str = "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
                         VALUES (9999, 'newer', CURRENT_TIMESTAMP, TRUE, '', 1)";
    let mut a = SqliteConnection::connect(&sqlite.url).await.unwrap();
    sqlx::raw_sql(NEWER).execute(&mut a).await.unwrap();
    let mut b = PgConnection::connect(&postgres.url).await.unwrap();
    sqlx::raw_sql(NEWER).execute(&mut b).await.unwrap();
    for fresh in [sqlite, postgres] {
        fresh.store.migrate().await.unwrap();
        assert!(fresh.store.pending_migrations().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_ran_is_refused() {
    let [sqlite, postgres] = engines::both().await;
    const CHANGED: &str = "UPDATE _sqlx_migrations SET checksum = 'other'";
    sqlx::raw_sql(CHANGED).execute(&mut SqliteConnection::connect(&sqlite.url).await.unwrap()).await.unwrap();
    sqlx::raw_sql(CHANGED).execute(&mut PgConnection::connect(&postgres.url).await.unwrap()).await.unwrap();
    for fresh in [sqlite, postgres] {
        let refused = fresh.store.migrate().await.err().unwrap();
        assert!(matches!(refused, StoreError::Other(_)) && !refused.is_transient(), "{refused:?}");
    }
}

fn check(url: &str) -> Result<(), StoreError> {
    Store::check(&StoreOptions::new(url.to_owned().into(), 1))
}

#[tokio::test]
async fn an_address_with_an_unknown_part_is_refused_and_named() {
    let wrong = [
        ("postgres://u:hush@127.0.0.1:1/db?target_session_attrs=read-write", "target_session_attrs"),
        ("postgres://u:hush@a:1,b:2/db", "one host"),
        ("postgres://u:hush@/db?host=a,b", "one host"),
        ("postgres://u:hush@127.0.0.1:1/db?sslmode=sometimes", "sslmode"),
        ("postgres://u:hush@127.0.0.1:1/db?options=-c%20x=y", "options"),
        ("sqlite::memory:", "sqlite://"),
        ("sqlite://:memory:", "file"),
        ("sqlite:///tmp/x.db?mode=memory", "mode"),
        ("mysql://u:hush@h/db", "postgres://"),
    ];
    for (url, part) in wrong {
        let refused = Store::connect(&StoreOptions::new(url.to_owned().into(), 1)).await.err().unwrap();
        assert!(matches!(refused, StoreError::Config(_)), "{url}: {refused:?}");
        assert!(refused.to_string().contains(part), "{url}: {refused}");
        assert!(!format!("{refused:?}").contains("hush"), "{url}");
        // It can be seen without connecting, and is said in the same words.
        let seen = check(url).err().unwrap();
        assert!(matches!(seen, StoreError::Config(_)) && seen.to_string() == refused.to_string(), "{url}: {seen:?}");
    }
}

#[tokio::test]
async fn an_address_that_can_be_used_is_seen_to_be_one_without_connecting() {
    for fresh in engines::both().await {
        check(&fresh.url).unwrap();
    }
    check("postgresql://u:hush@192.0.2.1:1/db?sslmode=require").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not-there-yet.db");
    check(&format!("sqlite://{}", file.display())).unwrap();
    assert!(!file.exists(), "a look makes nothing");
    let lost = check(&format!("sqlite://{}/nowhere/x.db", folder.path().display())).err().unwrap();
    assert!(matches!(lost, StoreError::Config(ref text) if text.contains("nowhere")), "{lost:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let url = "postgres://u:hush@127.0.0.1:1/db".to_owned().into();
    let refused = Store::connect(&StoreOptions::new(url, 1)).await.err().unwrap();
    assert!(refused.is_transient(), "{refused:?}");
    assert!(!format!("{refused:?}").contains("hush"));
}

#[tokio::test]
async fn a_closed_store_answers_no_more_and_says_why() {
    for fresh in engines::both().await {
        fresh.store.ping().await.unwrap();
        assert_eq!(fresh.store.now().await.unwrap().is_some(), fresh.store.engine() == Engine::Postgres);
        fresh.store.close().await;
        assert!(fresh.store.ping().await.err().unwrap().is_transient());
    }
}

#[tokio::test]
async fn the_database_clock_is_about_now() {
    let fresh = engines::postgres().await;
    let there = fresh.store.now().await.unwrap().unwrap().seconds();
    let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
    let here: i64 = sqlx::query_scalar("SELECT EXTRACT(EPOCH FROM now())::bigint").fetch_one(&mut conn).await.unwrap();
    assert!((there - here).abs() < 60, "{there} {here}");
}

#[tokio::test]
async fn an_error_never_repeats_a_value() {
    let fresh = engines::postgres().await;
    let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
    for sql in [
        "INSERT INTO quotas VALUES ('hush', 'hush', 1, 1), ('hush', 'hush', 1, 1)",
        "INSERT INTO quotas VALUES ('hush', 'hush', 1, NULL)",
        "SELECT CAST('hush' AS uuid)",
        "INSERT INTO key_ring VALUES (2, 1, 'hush', 'hush')",
    ] {
        let error = StoreError::from(sqlx::raw_sql(sql).execute(&mut conn).await.err().unwrap());
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        assert!(!error.is_transient());
    }
}
