//! A move into another database: everything comes along, nothing acknowledged is lost, and it can be killed at any moment.

use std::sync::mpsc;

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::moving::{Hold, MoveError};
use keyharbor::service::trail::{Verdict, verify};
use keyharbor::store::{Engine, Store};
use sqlx::Connection as _;

use crate::backup_commands::{CROWD, sql};
use crate::engines;
use crate::process::{Home, finish, refuses};
use crate::world::{KEY, MAC, OTHER_KEY, World};

const ISSUER: &str = "http://127.0.0.1:9";

#[actix_web::test]
async fn everything_moves_either_way_and_people_and_tokens_notice_nothing() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::on(engine, |_| {}).await;
        let [sqlite, postgres] = engines::both().await;
        let to = if engine == Engine::Sqlite { postgres } else { sqlite };
        let device = world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
        let census = crate::probe::census(&world).await;
        let name = Store::name(&to.url.clone().into());
        world.service.move_to(&to.store, &name, &mut |_, _| {}).await.unwrap();
        // A server that still runs on the old one acknowledges nothing and shows nothing.
        let body = serde_json::json!({ "serial": MAC, "recovery_key": KEY });
        let late = world.api(Method::POST, "/api/v1/deposits", &token, Some(body.clone())).await;
        assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!world.service.database_answers().await, "not ready");
        let again = world.service.move_to(&to.store, &name, &mut |_, _| {}).await.err().unwrap();
        assert!(matches!(again, MoveError::AlreadyMoved(to) if to == name));

        let (world, old) = world.over(to).await;
        let held = old.store.read().await.unwrap().held().await.unwrap().unwrap();
        assert!(Hold::refusal(&held).contains("was moved to"), "{held}");
        for (before, now) in census.iter().zip(crate::probe::census(&world).await) {
            let ends = ["sign_ins", "reveal_grants"].contains(&before.0);
            assert_eq!(now.1, if ends { 0 } else { before.1 }, "{}", before.0);
        }
        let mut here = world.browser();
        here.jar.clone_from(&astrid.jar);
        let shown = here.reveal(&device).await;
        assert_eq!(here.get(shown.location()).await.key().as_deref(), Some(KEY), "still signed in");
        assert_eq!(world.api(Method::POST, "/api/v1/deposits", &token, Some(body)).await.status, StatusCode::OK);
        let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        assert!(matches!(verify(&world.fresh.store, &ring, None).await.unwrap(), Verdict::Whole { .. }));
        let kinds = [world.count(EventKind::MoveBegun).await, world.count(EventKind::MoveDone).await];
        assert_eq!(kinds, [1, 1]);
    }
}

#[actix_web::test]
async fn a_move_begins_only_where_it_can_end() {
    for world in World::both().await {
        world.astrids_mac().await;
        let go = async |to: &engines::Fresh, name: &str| world.service.move_to(&to.store, name, &mut |_, _| {}).await;
        let used = engines::sqlite().await;
        let mut tx = used.store.write().await.unwrap();
        tx.bump_quota("a", "day", 1).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        assert!(matches!(go(&used, "used").await, Err(MoveError::InUse("quotas"))));
        assert!(go(&world.fresh, "itself").await.is_err());
        assert_eq!(world.deposit("C02STILL", OTHER_KEY, Trust::Observed).await.status, StatusCode::CREATED, "it is used on");
        assert!(matches!(world.service.give_up_move().await, Err(MoveError::NoMove)));

        // One that was begun towards another place; given up, everything works again.
        let id = uuid::Uuid::from_u128(5);
        let hold = async |store: &Store, hold: Hold| {
            let mut tx = store.write().await.unwrap();
            tx.hold(Some(&hold.to_string())).await.unwrap();
            tx.commit_unrecorded().await.unwrap();
        };
        hold(&world.fresh.store, Hold::Moving { id, to: "there".into() }).await;
        let fresh = engines::sqlite().await;
        assert!(matches!(go(&fresh, "elsewhere").await, Err(MoveError::Elsewhere(to)) if to == "there"));
        assert_eq!(world.service.give_up_move().await.unwrap(), "there");
        assert_eq!(world.last().await.event.kind, EventKind::MoveGivenUp);
        assert_eq!(world.deposit("C02AGAIN", OTHER_KEY, Trust::Observed).await.status, StatusCode::CREATED);
        // What another move left half full takes no second one.
        hold(&fresh.store, Hold::Arriving { id, at: None }).await;
        assert!(matches!(go(&fresh, "there").await, Err(MoveError::InUse(_))));
        hold(&world.fresh.store, Hold::Arriving { id, at: None }).await;
        assert!(matches!(go(&engines::sqlite().await, "there").await, Err(MoveError::NotHere)));
        let mut tx = world.fresh.store.write().await.unwrap();
        tx.hold(None).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        // A trail that is not whole is looked into first.
        world.sql("UPDATE audit_events SET detail = 'x' WHERE seq = 2").await;
        assert!(matches!(go(&engines::sqlite().await, "there").await, Err(MoveError::Broken)));
        assert_eq!(world.fresh.store.read().await.unwrap().held().await.unwrap(), None);
    }
}

#[actix_web::test]
async fn a_row_written_by_a_server_that_does_not_know_of_the_move_is_noticed() {
    let world = World::new().await;
    world.astrids_mac().await;
    let to = engines::postgres().await;
    world.service.move_to(&to.store, "there", &mut |_, _| {}).await.unwrap();
    // As if the last steps had not been done, and a row had come in between.
    let id = match Hold::parse(&world.fresh.store.read().await.unwrap().held().await.unwrap().unwrap()) {
        Some(Hold::Moved { id, .. }) => id,
        other => panic!("{other:?}"),
    };
    world.sql("UPDATE audit_head SET held = NULL").await;
    assert_eq!(world.deposit("C02LATE", OTHER_KEY, Trust::Observed).await.status, StatusCode::CREATED);
    world.sql(&format!("UPDATE audit_head SET held = 'moving {id} there'")).await;
    let mut tx = to.store.write().await.unwrap();
    tx.hold(Some(&format!("arriving {id} end 00"))).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
    let refused = world.service.move_to(&to.store, "there", &mut |_, _| {}).await;
    assert!(matches!(refused, Err(MoveError::Differs("devices"))), "{refused:?}");
    assert!(matches!(Hold::parse(&to.store.read().await.unwrap().held().await.unwrap().unwrap()), Some(Hold::Arriving { .. })));
}

#[test]
fn an_address_is_shown_without_what_is_secret_in_it() {
    for (url, shown) in [
        ("postgres://anna:hush@db.example:5433/keys?sslmode=require&password=hush", "postgres://db.example:5433/keys"),
        ("postgres:///keys?host=/run/postgresql&password=hush", "postgres:///keys"),
        ("sqlite:///var/lib/keyharbor/keys.db", "sqlite:///var/lib/keyharbor/keys.db"),
    ] {
        assert_eq!(Store::name(&url.to_owned().into()), shown);
    }
}

#[actix_web::test]
async fn a_move_that_is_killed_goes_on_and_neither_database_serves_meanwhile() {
    let home = Home::ready(ISSUER);
    home.run(&["token", "create", "--name", "MDM", "--scope", "escrow:write"]).ok();
    sql(&home, CROWD).await;
    let to = engines::bare_postgres().await;
    let command = |arguments: &[&str], at: Option<&str>| {
        let mut command = home.command(arguments);
        command.env("KEYHARBOR_MOVE_TO", &to.url);
        if let Some(url) = at {
            command.env("KEYHARBOR__DATABASE__URL", url);
        }
        command
    };
    let mut moving = crate::process::Running::start(command(&["move"], None));
    let mut conn = sqlx::PgConnection::connect(&to.url).await.unwrap();
    loop {
        let held: Result<Option<String>, _> = sqlx::query_scalar("SELECT held FROM audit_head").fetch_one(&mut conn).await;
        if held.ok().flatten().is_some_and(|h| h.contains(" people ")) {
            break;
        }
        assert!(moving.child.try_wait().unwrap().is_none(), "it ended before it could be killed");
    }
    moving.child.kill().unwrap();
    drop(moving);
    let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM people").fetch_one(&mut conn).await.unwrap();
    assert!(there > 0 && there < 30_000, "{there}: half-way");
    refuses(command(&["serve"], None), "this database is being moved to postgres://127.0.0.1");
    refuses(command(&["serve"], Some(&to.url)), "a move into this database is not finished");
    home.run(&["token", "create", "--name", "late", "--scope", "escrow:write"]).fails("the database takes no rows");
    let doctor = |at: Option<&str>| finish(command(&["doctor"], at));
    crate::oidc_check::says(&doctor(None), "wrong", "database", "is being moved to postgres://127.0.0.1");
    crate::oidc_check::says(&doctor(Some(&to.url)), "wrong", "database", "a move into this database is not finished: run `keyharbor move`");

    let said = finish(command(&["move"], None)).ok();
    assert!(said.out.contains("Moved to postgres://127.0.0.1") && !said.out.contains("postgres@"), "{}", said.out);
    refuses(command(&["serve"], None), "this database was moved to postgres://127.0.0.1");
    finish(command(&["move"], None)).fails("this database was moved to");
    let said = doctor(None);
    crate::oidc_check::says(&said, "wrong", "database", "this database was moved to postgres://127.0.0.1");
    assert!(said.out.contains(": set database.url to that one") && said.status.code() == Some(1), "{}", said.out);
    finish(command(&["move", "--give-up"], None)).fails("no move is under way");
    let at = Some(to.url.as_str());
    assert!(finish(command(&["audit", "verify"], at)).ok().out.contains("the trail is whole"));
    assert!(finish(command(&["token", "list"], at)).ok().out.contains("live"));
    let mut server = crate::process::Running::start(command(&["serve"], at));
    server.until("\"serving\"");
    let people: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM people").fetch_one(&mut conn).await.unwrap();
    assert_eq!(people, 30_000);
    let wrong = home.command(&["move", "--to", "mysql://u:hush@h/db"]);
    let said = finish(wrong);
    assert!(!said.status.success() && !said.err.contains("hush"), "{}", said.err);
}

#[actix_web::test]
async fn no_deposit_is_acknowledged_that_does_not_come_along() {
    let home = Home::ready(ISSUER);
    let token = home.run(&["token", "create", "--name", "MDM", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    let to = engines::bare_postgres().await;
    let _server = home.serve();
    let (acknowledged, said) = mpsc::channel();
    let moved = std::thread::scope(|scope| {
        let home = &home;
        scope.spawn(move || {
            for n in 0.. {
                let serial = format!("C02MOVE{n:05}");
                match home.deposit(&token, &serial, KEY).0 {
                    201 => acknowledged.send(serial).unwrap(),
                    status => return assert_eq!(status, 503),
                }
            }
        });
        let mut serials: Vec<String> = said.iter().take(10).collect();
        let moved = home.run(&["move", "--to", &to.url]).ok();
        serials.extend(said.iter());
        (moved, serials)
    });
    let mut tx = to.store.read().await.unwrap();
    for serial in &moved.1 {
        let device = tx.device_by_serial(&keyharbor::domain::Serial::parse(serial).unwrap()).await.unwrap();
        assert!(device.is_some(), "{serial} was acknowledged and is lost ({} were)", moved.1.len());
    }
    assert_eq!(home.get("/readyz").0, 503, "{}", moved.0.out);
}
