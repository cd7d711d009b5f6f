//! A rewrap beside others: what it may not touch, what somebody holds, what changes under its hands.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use keyharbor::crypto::RootKey;
use keyharbor::crypto::keyring::Use;
use keyharbor::domain::audit::Outcome;
use keyharbor::domain::ids::{Entropy, Env};
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{Attested, EventKind, KeyVersion, Trust};
use keyharbor::service::custody::CustodyError;
use keyharbor::service::custody::rewrap::rewrap;
use keyharbor::store::Engine;
use sqlx::Connection as _;

use crate::races::{aside, ring, whole};
use crate::rotation::{OTHER_MAC, deposit_at, retired, rewrapped, rotated, under};
use crate::streaming::{line, stream};
use crate::world::{KEY, MAC, World};

#[actix_web::test]
async fn s56_a_row_that_does_not_verify_is_named_and_left_as_it_is() {
    for world in World::both().await {
        world.astrids_mac().await;
        world.deposit(OTHER_MAC, KEY, Trust::Observed).await;
        for purpose in [Use::Kek, Use::Row] {
            rotated(&world, purpose).await;
        }
        let bent = "WHERE device = (SELECT id FROM devices WHERE serial = 'C02TEST00001')";
        world.sql(&format!("UPDATE key_versions SET source = 'another' {bent}")).await;
        world.sql("UPDATE devices SET ownership = 'personal' WHERE serial = 'C02TEST00002'").await;
        let done = rewrapped(&world).await;
        assert_eq!((done.sealed, done.broken_count), (1, 2));
        assert!(done.broken[0].starts_with("key_versions ") && done.broken[1].starts_with("devices "), "{:?}", done.broken);
        assert_eq!(under(&world, 1).await, 1, "it is not made believable");
        let last = world.last().await.event;
        assert_eq!((last.kind, last.outcome), (EventKind::RewrapDone, Outcome::Failed));
        assert!(last.detail.ends_with("broken 2"), "{}", last.detail);
        world.clock.advance_seconds(600);
        assert!(matches!(retired(&world, Use::Kek, 1).await, Err(CustodyError::StillNeeded { needed: 1 })), "it is kept for them");
    }
}

#[actix_web::test]
async fn s56_two_rewraps_at_a_time_share_the_work_and_neither_undoes_the_others() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let lines: String = (0..350).map(|n| line(&format!("C02ROT{n:06}"), KEY)).collect();
        assert_eq!(stream(&world, &token, &lines).await.status, StatusCode::OK);
        for purpose in [Use::Kek, Use::Row] {
            rotated(&world, purpose).await;
        }
        let (mut one, mut two) = (|_: &str, _| (), |_: &str, _| ());
        let other = crate::engines::connect(&world.fresh.url).await;
        let (one, two) =
            tokio::join!(rewrap(&world.fresh.store, &world.root, &world.env, &mut one), rewrap(&other, &world.root, &world.env, &mut two));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.sealed + two.sealed, one.broken_count + two.broken_count), (350, 0));
        assert_eq!(one.signed + two.signed, 351, "the devices and the token");
        assert_eq!(under(&world, 1).await, 0);
        assert_eq!(deposit_at(&world.app, &token, "C02ROT000349", KEY).await.json()["status"], "same");
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s56_what_somebody_holds_is_waited_for_by_nobody_and_left_to_the_next_pass() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    world.deposit(MAC, KEY, Trust::Observed).await;
    world.deposit(OTHER_MAC, KEY, Trust::Observed).await;
    rotated(&world, Use::Kek).await;
    let mut conn = sqlx::PgConnection::connect(&world.fresh.url).await.unwrap();
    let mut held = conn.begin().await.unwrap();
    let first = "SELECT id FROM key_versions ORDER BY id LIMIT 1 FOR UPDATE";
    sqlx::query(first).execute(&mut *held).await.unwrap();
    let passes = Arc::new(AtomicUsize::new(0));
    let (store, root, env) = (world.fresh.store.clone(), RootKey::parse(&world.root.text()).unwrap(), world.env.clone());
    let counted = passes.clone();
    let running = aside(async move {
        let mut told = move |_: &str, _| {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        rewrap(&store, &root, &env, &mut told).await.unwrap()
    });
    while passes.load(Ordering::Relaxed) < 2 && !running.is_finished() {
        tokio::task::yield_now().await;
    }
    assert_eq!(under(&world, 1).await, 1, "the other one is done");
    held.rollback().await.unwrap();
    assert_eq!(running.await.unwrap().sealed, 2);
    assert_eq!(under(&world, 1).await, 0);
}

/// Does something once, between the moment when a rewrap has read a key and the one when it writes it.
struct Meanwhile {
    inner: Arc<dyn Entropy>,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Entropy for Meanwhile {
    fn fill(&self, buf: &mut [u8]) {
        self.inner.fill(buf);
        // The salt of a sealed value; nothing else asks for as many.
        if buf.len() == 32
            && let Some(act) = self.act.lock().unwrap().take()
        {
            std::thread::spawn(act).join().unwrap();
        }
    }
}

#[actix_web::test]
async fn s56_what_changes_between_reading_and_writing_stays_changed() {
    for world in World::both().await {
        world.deposit(MAC, KEY, Trust::Observed).await;
        rotated(&world, Use::Kek).await;
        let id = world.trail().await.iter().find_map(|row| row.event.version).unwrap();
        let row = world.fresh.store.read().await.unwrap().version(id).await.unwrap().unwrap();
        let (old, ring) = (row.mac().to_vec(), ring(&world).await);
        let shown = KeyVersion { revealed_at: Some(world.env.now()), ..row.check(&ring).unwrap() };
        let (shown, url) = (Attested::sign(shown, &ring), world.fresh.url.clone());
        let act = move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let store = crate::engines::connect(&url).await;
                let mut tx = store.write().await.unwrap();
                assert!(tx.replace_version(id, &old, &shown).await.unwrap());
                tx.commit_unrecorded().await.unwrap();
            });
        };
        let entropy = Meanwhile { inner: world.env.entropy.clone(), act: Mutex::new(Some(Box::new(act))) };
        let env = Env { entropy: Arc::new(entropy), ..world.env.clone() };
        let done = rewrap(&world.fresh.store, &world.root, &env, &mut |_, _| ()).await.unwrap();
        assert_eq!((done.sealed, done.broken_count, under(&world, 1).await), (1, 0, 0));
        let row = world.fresh.store.read().await.unwrap().version(id).await.unwrap().unwrap();
        assert_eq!(row.check(&ring).unwrap().revealed_at, Some(world.env.now()));
    }
}
