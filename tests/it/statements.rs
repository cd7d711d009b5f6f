//! What the common acts ask of the database, in order: a committed list, so that a statement more is seen in review.

use actix_web::http::StatusCode;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::Engine;

use crate::sqltrace::{outline, traced};
use crate::world::{KEY, MAC, OTHER_KEY, World};

const NEW_KEY: &str = "NNNN-PPPP-QQQQ-RRRR-TTTT-UUU4";

async fn acts(engine: Engine) -> String {
    let world = World::on(engine, |_| {}).await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    // The first use of a token notes `last_used`; a fleet's token is used all the time.
    for (serial, key) in [("C02OTHER0001", KEY), ("C02OTHER0002", OTHER_KEY)] {
        world.check_in(&crypt, serial, key).await;
        assert_eq!(deposit(&world, &token, serial, key).await.status, StatusCode::OK);
    }
    let mut text = String::new();
    let mut add = |name: &str, statements: &[String]| text += &format!("# {name}\n{}\n", outline(statements));
    let (made, statements) = traced(deposit(&world, &token, MAC, KEY)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    add("deposit, a new device", &statements);
    world.clock.advance_seconds(30);
    let (made, statements) = traced(deposit(&world, &token, MAC, OTHER_KEY)).await;
    assert_eq!(made.json()["status"], "new");
    add("deposit, a new key", &statements);
    let (same, statements) = traced(deposit(&world, &token, MAC, OTHER_KEY)).await;
    assert_eq!(same.json()["status"], "same");
    add("deposit, the same key", &statements);
    world.check_in(&crypt, MAC, OTHER_KEY).await;
    let (checked_in, statements) = traced(world.check_in(&crypt, MAC, OTHER_KEY)).await;
    assert_eq!(checked_in.status, StatusCode::OK, "{}", checked_in.text);
    add("Crypt check-in, the same key within the minute", &statements);
    world.clock.advance_seconds(3600);
    let (checked_in, statements) = traced(world.check_in(&crypt, MAC, OTHER_KEY)).await;
    assert_eq!(checked_in.status, StatusCode::OK, "{}", checked_in.text);
    add("Crypt check-in, the same key an hour later", &statements);

    let (checked_in, statements) = traced(world.check_in(&crypt, MAC, NEW_KEY)).await;
    assert_eq!((checked_in.status, &checked_in.json()["new_secret_escrowed"]), (StatusCode::OK, &true.into()), "{}", checked_in.text);
    add("Crypt check-in, a new key", &statements);

    world.own(MAC, "astrid").await;
    let device = world.device_id(MAC).await;
    let mut astrid = world.signed_in("astrid").await;
    astrid.get("/help").await;
    let (page, statements) = traced(astrid.get(&format!("/devices/{device}"))).await;
    assert_eq!(page.status, StatusCode::OK);
    add("a device's page", &statements);
    let (granted, statements) = traced(astrid.reveal(&device)).await;
    assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
    add("reveal, the press", &statements);
    let (shown, statements) = traced(astrid.get(granted.location())).await;
    assert_eq!(shown.key().as_deref(), Some(NEW_KEY));
    add("reveal, the page with the key", &statements);
    let (renewed, statements) = traced(astrid.post(&format!("{}/renew", granted.location()), &[])).await;
    assert_eq!(renewed.status, StatusCode::SEE_OTHER, "{}", renewed.text);
    add("reveal, five more minutes", &statements);
    let (hidden, statements) = traced(astrid.post(&format!("{}/hide", renewed.location()), &[])).await;
    assert_eq!(hidden.status, StatusCode::SEE_OTHER, "{}", hidden.text);
    add("reveal, done", &statements);

    let mut kim = world.signed_in("kim").await;
    kim.get("/help").await;
    let (granted, statements) = traced(kim.desk_reveal(&device, &[])).await;
    assert!(granted.location().starts_with("/reveals/"), "{}", granted.text);
    add("desk, the press", &statements);
    let (shown, statements) = traced(kim.get(granted.location())).await;
    assert_eq!(shown.key().as_deref(), Some(NEW_KEY));
    add("desk, the page with the key", &statements);
    text
}

async fn deposit(world: &World, token: &str, serial: &str, key: &str) -> crate::world::Answer {
    let body = serde_json::json!({ "serial": serial, "recovery_key": key });
    world.api(actix_web::http::Method::POST, "/api/v1/deposits", token, Some(body)).await
}

#[actix_web::test]
async fn statements_of_the_common_acts_on_sqlite() {
    insta::assert_snapshot!("statements_sqlite", acts(Engine::Sqlite).await);
}

#[actix_web::test]
async fn statements_of_the_common_acts_on_postgres() {
    insta::assert_snapshot!("statements_postgres", acts(Engine::Postgres).await);
}
