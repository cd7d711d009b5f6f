//! Replicas whose own clocks are wrong go by the database's.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use keyharbor::domain::{Clock, Env};
use keyharbor::oidc::Oidc;
use keyharbor::service::clock::ServerClock;
use keyharbor::service::custody::{Custody, open_ring};
use keyharbor::service::{Keyharbor, Rules};
use keyharbor::store::Engine;
use keyharbor::web::App;

use crate::engines;
use crate::world::{KEY, ORIGIN, World};

#[actix_web::test]
async fn s71_a_clock_that_is_two_minutes_off_is_put_right_by_the_database() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let database = world.fresh.store.now().await.unwrap().unwrap();
    let mut shown = Vec::new();
    for off in [-120, 0, 120] {
        let clock = ServerClock::starting_at(database.plus_seconds(off));
        assert!((clock.now().seconds_since(database) - off).abs() <= 5, "it is off to begin with");
        clock.measure(&world.fresh.store).await.unwrap();
        shown.push(clock.now());
    }
    for now in shown {
        let theirs = world.fresh.store.now().await.unwrap().unwrap();
        assert!(theirs.seconds_since(now).abs() < 30, "{now:?} {theirs:?}");
    }
}

/// A replica on a machine whose clock is that much off.
async fn replica(world: &World, off: i64) -> Data<App> {
    let store = engines::connect(&world.fresh.url).await;
    let clock = Arc::new(ServerClock::starting_at(store.now().await.unwrap().unwrap().plus_seconds(off)));
    clock.measure(&store).await.unwrap();
    let env = Env { clock, entropy: world.env.entropy.clone() };
    let config = world.service.rules().config.clone();
    let oidc = Oidc::new(&config.oidc, &config.outbound, ORIGIN, env.clone()).unwrap();
    let ring = open_ring(&store, &world.root, false).await.unwrap();
    Data::new(App::new(Keyharbor::new(store, env, Rules::new(config).unwrap(), oidc, Custody::open(ring))).unwrap())
}

#[actix_web::test]
async fn s71_replicas_whose_machines_are_four_minutes_apart_agree_on_sessions_windows_and_quotas() {
    let world = World::on(Engine::Postgres, |c| (c.reveal.per_minute, c.sessions.idle_minutes) = (2, 1)).await;
    let minute = async || world.fresh.store.now().await.unwrap().unwrap().seconds() / 60;
    // The world's own clock goes as the database's, which all replicas go by.
    let database = world.fresh.store.now().await.unwrap().unwrap();
    world.clock.advance_seconds(database.seconds_since(world.env.clock.now()));
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let apps = [replica(&world, -120).await, replica(&world, 120).await];
    let mut agreed = false;
    for _ in 0..3 {
        let began = minute().await;
        let mut answers = Vec::new();
        for app in [&apps[0], &apps[1], &apps[0], &apps[1]] {
            astrid.app = app.clone();
            answers.push(astrid.reveal(&device).await);
        }
        let statuses: Vec<_> = answers.iter().map(|a| a.status.as_u16()).collect();
        assert!(statuses.iter().all(|status| [303, 429].contains(status)), "the session lives on both: {statuses:?}");
        if let Some(granted) = answers.iter().find(|answer| answer.status == StatusCode::SEE_OTHER) {
            for app in &apps {
                astrid.app = app.clone();
                assert_eq!(astrid.get(granted.location()).await.key().as_deref(), Some(KEY), "its window is open on both");
            }
        }
        // At the turn of a minute they begin to count anew.
        if minute().await == began {
            assert!(statuses.iter().filter(|status| **status == 303).count() <= 2, "one count for both: {statuses:?}");
            agreed = true;
            break;
        }
    }
    assert!(agreed, "a minute turned three times");
}
