//! The role that serves: it can do all that people and machines ask for, and cannot change the trail.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::trail::{Verdict, verify};
use keyharbor::store::{Engine, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

use crate::engines::{self, Fresh};
use crate::process::Home;
use crate::races::{ring, whole};
use crate::world::{KEY, MAC, OTHER_KEY, World};

/// A role without any right, and the database's address for it; gone with `away`.
struct Role {
    name: String,
    url: String,
}

impl Role {
    async fn new(world: &World) -> Self {
        let name = format!("app {:08x}", getrandom::u32().unwrap());
        world.sql(&format!("CREATE ROLE \"{name}\" LOGIN")).await;
        let mut url = Url::parse(&world.fresh.url).unwrap();
        url.set_username(&name).unwrap();
        Self { name, url: url.to_string() }
    }

    async fn away(self, owner: &Fresh) {
        let mut conn = PgConnection::connect(&owner.url).await.unwrap();
        let all = format!("DROP OWNED BY \"{0}\"; DROP ROLE \"{0}\"", self.name);
        sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut conn).await.unwrap();
    }
}

/// What PostgreSQL says to a statement.
async fn code(url: &str, statement: &str) -> String {
    let mut conn = PgConnection::connect(url).await.unwrap();
    match sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut conn).await {
        Ok(_) => "done".to_owned(),
        Err(e) => e.into_database_error().unwrap().code().unwrap().into_owned(),
    }
}

const DENIED: &str = "42501";

#[actix_web::test]
async fn s48_the_role_that_serves_cannot_change_the_trail() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    world.astrids_mac().await;
    let role = Role::new(&world).await;
    world.fresh.store.grant_role(&role.name).await.unwrap();
    for statement in [
        "UPDATE audit_events SET detail = ''",
        "UPDATE audit_events SET personal = NULL, salt = NULL",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head (id, seq, mac) VALUES (2, 0, '')",
        "DELETE FROM audit_checkpoints",
        "DROP TABLE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "CREATE TABLE more (id BIGINT)",
        "UPDATE key_ring SET generation = generation",
        "DELETE FROM key_versions",
        "UPDATE _sqlx_migrations SET success = TRUE",
    ] {
        assert_eq!(code(&role.url, statement).await, DENIED, "{statement}");
    }
    assert_eq!(code(&role.url, "SELECT COUNT(*) FROM audit_events").await, "done");
    assert!(!engines::connect(&role.url).await.may_change_trail().await.unwrap());
    assert!(world.fresh.store.may_change_trail().await.unwrap(), "the owner is warned of");
    // What was given by hand is taken away again.
    world.sql(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO \"{}\"", role.name)).await;
    assert!(engines::connect(&role.url).await.may_change_trail().await.unwrap());
    world.fresh.store.grant_role(&role.name).await.unwrap();
    assert_eq!(code(&role.url, "DELETE FROM audit_events").await, DENIED);
    // Every table is among those it was given.
    let not_given = "SELECT 1/COUNT(*) FROM pg_tables WHERE schemaname = 'public' AND NOT has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')";
    assert_eq!(code(&role.url, not_given).await, "22012", "a table is missing in store::role::GRANTS");
    whole(&world).await;
    role.away(&world.fresh).await;
}

#[actix_web::test]
async fn s48_a_role_that_can_change_the_trail_all_the_same_is_refused() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let role = Role::new(&world).await;
    let refused = |name: &str| {
        let (store, name) = (world.fresh.store.clone(), name.to_owned());
        async move { store.grant_role(&name).await.err() }
    };
    assert!(matches!(refused("nobody there").await, Some(StoreError::Config(why)) if why.contains("no role nobody there")));
    assert!(matches!(refused("postgres").await, Some(StoreError::Config(why)) if why.contains("superuser")));
    world.sql(&format!("GRANT pg_write_all_data TO \"{}\"", role.name)).await;
    assert!(matches!(refused(&role.name).await, Some(StoreError::Config(why)) if why.contains("all the same")));
    world.sql(&format!("REVOKE pg_write_all_data FROM \"{}\"", role.name)).await;
    assert!(refused(&role.name).await.is_none());
    let sqlite = engines::sqlite().await;
    assert!(matches!(sqlite.store.grant_role("x").await, Err(StoreError::Config(_))));
    assert!(!sqlite.store.may_change_trail().await.unwrap());
    role.away(&world.fresh).await;
}

#[actix_web::test]
async fn s48_everything_that_is_asked_of_a_server_works_under_that_role() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let role = Role::new(&world).await;
    world.fresh.store.grant_role(&role.name).await.unwrap();
    let fresh = engines::borrowed(engines::connect(&role.url).await, role.url.clone());
    let (world, owner) = world.over(fresh).await;
    let device = world.astrids_mac().await;
    let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    assert_eq!(world.check_in(&crypt, MAC, OTHER_KEY).await.status, StatusCode::OK);
    assert_eq!(world.check_in(&crypt, MAC, KEY).await.status, StatusCode::OK);
    let (mut astrid, mut kim) = (world.signed_in("astrid").await, world.signed_in("kim").await);
    let grant = astrid.reveal(&device).await.location().to_owned();
    assert!(astrid.get(&grant).await.key().is_some());
    let renewed = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
    assert!(renewed != grant && renewed.starts_with("/reveals/"));
    assert_eq!(astrid.post(&format!("{renewed}/hide"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::SEE_OTHER);
    let (mut eva, mut ola) = (world.signed_in("eva").await, world.signed_in("ola").await);
    for (browser, path) in [(&mut kim, "/desk?q=C02"), (&mut eva, "/trail"), (&mut ola, "/admin/tokens")] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    let once = [("authorization", format!("Bearer {}", world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await))];
    let body = serde_json::json!({ "serial": "C02TEST00009", "recovery_key": KEY }).to_string();
    let headers = [("authorization", once[0].1.as_str()), ("content-type", "application/json"), ("idempotency-key", "one-two-three")];
    for _ in 0..2 {
        assert_eq!(world.raw(Method::POST, "/api/v1/deposits", &headers, body.clone()).await.status, StatusCode::CREATED);
    }
    // A session that ends by time, one that is touched, one that the provider ends; and what the server does by itself.
    world.clock.advance_seconds(120);
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
    assert_eq!(kim.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(world.service.database_answers().await);
    world.service.sweep().await.unwrap();
    world.service.checkpoint_tick().await;
    world.service.watch_break_glass().await;
    assert!(world.count(EventKind::DepositNew).await >= 3);
    let verdict = verify(&world.fresh.store, &ring(&world).await, None).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict:?}");
    world.fresh.store.close().await;
    role.away(&owner).await;
}

#[actix_web::test]
async fn s48_a_server_starts_under_that_role_and_says_when_it_may_do_more() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let role = Role::new(&world).await;
    let home = Home::new(world.idp.issuer());
    std::fs::write(home.path("root.key"), world.root.text().as_bytes()).unwrap();
    std::fs::set_permissions(home.path("root.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let at = |url: &str| {
        let mut settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
        let old = settings.lines().find(|line| line.starts_with("url = ")).unwrap().to_owned();
        settings = settings.replace(&old, &format!("url = \"{url}\""));
        home.settings(&settings);
    };
    at(&role.url);
    home.run(&["migrate"]).fails("permission denied");
    at(&world.fresh.url);
    home.run(&["migrate", "--role", "nobody there"]).fails("there is no role nobody there");
    let said = home.run(&["migrate", "--role", &role.name]).ok();
    assert!(said.out.contains("cannot change the trail"), "{}", said.out);
    let log = home.serve().end_by_term();
    assert!(log.contains("may change the trail"), "{log}");
    at(&role.url);
    let log = home.serve().end_by_term();
    assert!(!log.contains("may change the trail") && !log.contains("\"ERROR\""), "{log}");
    home.run(&["migrate"]).ok();
    // A migration that is missing is not for this role.
    world.sql("DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)").await;
    home.run(&["migrate"]).fails("run `keyharbor migrate` as the role that owns them");
    role.away(&world.fresh).await;
}
