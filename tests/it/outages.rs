//! The database fails at the last moment or has no room left: what was not committed is neither shown nor acknowledged.

use actix_web::http::StatusCode;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::{Engine, StoreError};
use sqlx::{Connection as _, SqliteConnection};

use crate::probe::{census, rows};
use crate::reveal_order::nothing_opened;
use crate::sqltrace::traced;
use crate::world::{KEY, MAC, OTHER_KEY, World};

/// From now on PostgreSQL takes rows of that kind, and fails when they are to be committed.
async fn refuse_commits(world: &World, kind: &str) {
    world.sql("CREATE FUNCTION no_commit() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'no'; END $f$").await;
    let when = format!("FOR EACH ROW WHEN (NEW.kind = '{kind}') EXECUTE FUNCTION no_commit()");
    world.sql(&format!("CREATE CONSTRAINT TRIGGER no_commit AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED {when}")).await;
}

async fn heal(world: &World) {
    world.sql("DROP TRIGGER no_commit ON audit_events").await;
    world.sql("DROP FUNCTION no_commit").await;
}

#[actix_web::test]
async fn s44_a_commit_that_fails_shows_nothing() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let (mut astrid, mut kim) = (world.signed_in("astrid").await, world.signed_in("kim").await);
    astrid.get("/help").await;
    kim.get("/help").await;

    refuse_commits(&world, "reveal.granted").await;
    let before = (census(&world).await, rows(&world, "audit_events").await);
    for (who, pressed) in [("owner", traced(astrid.reveal(&device)).await), ("desk", traced(kim.desk_reveal(&device, &[])).await)] {
        nothing_opened(&pressed.0, &pressed.1, who);
        assert!(pressed.1.iter().any(|s| s.contains("INSERT INTO audit_events")), "it was the commit that failed");
    }
    assert_eq!((census(&world).await, rows(&world, "audit_events").await), before, "nothing is left of it");
    heal(&world).await;

    let grant = astrid.reveal(&device).await.location().to_owned();
    refuse_commits(&world, "reveal.viewed").await;
    let (answer, statements) = traced(astrid.get(&grant)).await;
    nothing_opened(&answer, &statements, "view");
    heal(&world).await;
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));

    refuse_commits(&world, "reveal.renewed").await;
    let (answer, statements) = traced(astrid.post(&format!("{grant}/renew"), &[])).await;
    nothing_opened(&answer, &statements, "renewal");
    assert_eq!(rows(&world, "reveal_grants").await, 1);
    heal(&world).await;
    assert_eq!(astrid.post(&format!("{grant}/renew"), &[]).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn s44_a_deposit_whose_commit_fails_is_not_acknowledged() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    world.astrids_mac().await;
    let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    world.check_in(&crypt, MAC, KEY).await;
    refuse_commits(&world, "deposit.new").await;
    assert_eq!(world.deposit(MAC, OTHER_KEY, Trust::Observed).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.check_in(&crypt, MAC, OTHER_KEY).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(rows(&world, "key_versions").await, 1);
    heal(&world).await;
    assert_eq!(world.check_in(&crypt, MAC, OTHER_KEY).await.status, StatusCode::OK, "the agent's next try succeeds");
    assert_eq!(rows(&world, "key_versions").await, 2);
}

/// PostgreSQL says "disk full" when it is to store a row of that table.
async fn fill_up(world: &World, table: &str) {
    let body = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END";
    world.sql(&format!("CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $f$ {body} $f$")).await;
    world.sql(&format!("CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_disk()")).await;
}

#[actix_web::test]
async fn s44_a_full_disk_shows_nothing_and_heals() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let grant = astrid.reveal(&device).await.location().to_owned();
    fill_up(&world, "reveal_grants").await;
    for path in [format!("/devices/{device}/reveal"), format!("{grant}/renew")] {
        let answer = astrid.post(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.key().is_none() && answer.location().is_empty() && answer.header("retry-after").is_some());
    }
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY), "a view stores no grant");
    fill_up(&world, "audit_events").await;
    let (answer, statements) = traced(astrid.get(&grant)).await;
    nothing_opened(&answer, &statements, "full");
    assert_eq!(world.check_in(&crypt, MAC, OTHER_KEY).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((rows(&world, "reveal_grants").await, rows(&world, "key_versions").await), (1, 1));
    for table in ["audit_events", "reveal_grants"] {
        world.sql(&format!("DROP TRIGGER full_disk ON {table}")).await;
    }
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
}

#[tokio::test]
async fn s44_a_full_sqlite_file_is_known_as_such() {
    let fresh = crate::engines::sqlite().await;
    let mut conn = SqliteConnection::connect(&fresh.url).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut conn).await.unwrap();
    let limit: i64 =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 2))).fetch_one(&mut conn).await.unwrap();
    assert_eq!(limit, pages + 2);
    let fill = "INSERT INTO quotas (actor, window_kind, window_start, n) VALUES (hex(randomblob(30000)), 'day', 0, 1)";
    let error = sqlx::query(fill).execute(&mut conn).await.unwrap_err();
    let error = StoreError::from(error);
    assert!(matches!(error, StoreError::Full) && error.is_outage() && !error.is_transient(), "{error:?}");
}

#[actix_web::test]
async fn a_transaction_that_sqlite_ends_by_itself_stops_no_other() {
    let world = World::on(Engine::Sqlite, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    // What a full disk does: the statement fails, and the whole transaction is gone with it.
    world.sql("CREATE TRIGGER gone BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ROLLBACK, 'no'); END").await;
    assert!(world.check_in(&token, MAC, OTHER_KEY).await.status.is_server_error());
    assert!(astrid.reveal(&device).await.status.is_server_error());
    world.sql("DROP TRIGGER gone").await;
    assert_eq!(world.check_in(&token, MAC, OTHER_KEY).await.status, StatusCode::OK, "without a restart");
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
    assert!(world.service.database_answers().await);
}
