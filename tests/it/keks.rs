//! What a KEK is used for: no nonce comes twice, and who runs the house is told in time to take a new one.

use keyharbor::crypto::{Place, Ring, RootKey};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::Timestamp;
use keyharbor::service::clock::OsEntropy;
use keyharbor::service::custody::follow::{MANY_SEALED, TOO_MANY_SEALED};
use uuid::Uuid;

use crate::engines;
use crate::probe::Logs;
use crate::process::Home;
use crate::races::ring;
use crate::world::{KEY, MAC, OTHER_KEY, World};

const THREADS: usize = 4;

/// Salt and nonce of each of so many values, sealed by several threads at once.
fn sealed(ring: &Ring, count: usize) -> Vec<[u8; 44]> {
    std::thread::scope(|scope| {
        let seal = |thread: u128| {
            let row = move |n: usize| Uuid::from_u128((thread << 64) + n as u128);
            let one = move |n: usize| {
                let place = Place { table: "key_versions", row: row(n), device: Uuid::nil(), kind: "recovery_key" };
                let value = ring.seal(&place, KEY.as_bytes(), &OsEntropy).unwrap();
                value.bytes()[5..49].try_into().unwrap()
            };
            move || (0..count / THREADS).map(one).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(seal(thread as u128))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// `KEYHARBOR_TEST_SEALS=1000000` makes the long form.
#[test]
fn s54_no_nonce_and_no_salt_comes_twice_under_one_kek_over_threads_and_a_restart() {
    let wanted = std::env::var_os("KEYHARBOR_TEST_SEALS").map(|n| n.to_str().unwrap().parse().unwrap());
    let half = wanted.unwrap_or(100_000_usize) / 2;
    let root = RootKey::generate(&OsEntropy);
    let ring = Ring::generate(false, Timestamp(0), &OsEntropy);
    let wrapped = ring.wrap(&root, 1, &OsEntropy).unwrap();
    let mut all = sealed(&ring, half);
    assert_eq!(ring.sealings().take(), [(1, i64::try_from(half / THREADS * THREADS).unwrap())].into(), "each is counted");
    drop(ring);
    all.extend(sealed(&Ring::unwrap(&root, 1, &wrapped, "").unwrap(), half));
    let count = all.len();
    assert_eq!(count, half / THREADS * THREADS * 2);
    for part in [0..32, 32..44] {
        let mut parts: Vec<&[u8]> = all.iter().map(|both| &both[part.clone()]).collect();
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), count, "bytes {part:?}");
    }
}

#[actix_web::test]
async fn s54_what_was_sealed_is_counted_over_restarts_and_replicas() {
    for world in World::both().await {
        let counted = async || world.fresh.store.read().await.unwrap().kek_uses(1).await.unwrap();
        world.deposit(MAC, KEY, Trust::Observed).await;
        world.deposit(MAC, KEY, Trust::Observed).await;
        world.service.count_sealed().await;
        world.service.count_sealed().await;
        assert_eq!(counted().await, 1, "the same key again seals nothing");
        let (other, app) = world.replica().await;
        let mut astrid = world.browser();
        astrid.app = app;
        astrid.sign_in(&world, "astrid").await;
        world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
        world.service.count_sealed().await;
        other.count_sealed().await;
        assert_eq!(counted().await, 3, "a key, and what a sign-in keeps");
    }
}

#[actix_web::test]
async fn s54_a_kek_that_sealed_much_or_is_old_is_told_of_far_below_its_bound() {
    const { assert!(TOO_MANY_SEALED <= 1 << 30 && MANY_SEALED <= TOO_MANY_SEALED / 4, "far below 2^32") };
    let world = World::new().await;
    let told = async || {
        let (logs, guard) = Logs::start();
        world.service.tell_kek_limits().await;
        drop(guard);
        let text = logs.text();
        let level = |name| text.lines().any(|line| line.contains(name) && line.contains("the KEK "));
        (level("\"WARN\""), level("\"ERROR\""), text)
    };
    let sealed = async |count| {
        let mut tx = world.fresh.store.write().await.unwrap();
        tx.add_kek_uses(1, count).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
    };
    let is = async |warn, error| {
        let (warned, failed, text) = told().await;
        assert_eq!((warned, failed), (warn, error), "{text}");
    };
    sealed(MANY_SEALED - 1).await;
    is(false, false).await;
    sealed(1).await;
    is(true, false).await;
    sealed(TOO_MANY_SEALED - MANY_SEALED).await;
    is(false, true).await;
    world.sql("DELETE FROM kek_uses").await;
    for (days, warn, error) in [(364, false, false), (365, true, false), (729, true, false), (730, false, true)] {
        let then = ring(&world).await.kek_created_at().plus_seconds(days * 86_400);
        world.clock.advance_seconds(then.seconds_since(world.env.now()));
        is(warn, error).await;
    }
}

#[actix_web::test]
async fn s54_the_host_is_told_what_a_kek_has_sealed() {
    let home = Home::ready("http://127.0.0.1:9");
    let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    let server = home.serve();
    assert_eq!(home.deposit(&token, MAC, KEY).0, 201);
    server.end_by_term();
    let said = home.run(&["keyring", "status"]).ok();
    assert!(said.out.contains("(0 days)  stored values under it: 1  ever sealed: 1\n"), "a server counts at its end: {}", said.out);
    assert!(!said.err.contains("has sealed") && !home.run(&["doctor"]).out.contains("has sealed"), "{}", said.err);
    for (sealed, state) in [(MANY_SEALED, "warning"), (TOO_MANY_SEALED, "wrong")] {
        let store = engines::connect(&home.url()).await;
        let mut tx = store.write().await.unwrap();
        tx.add_kek_uses(1, sealed).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        let said = home.run(&["keyring", "status"]).ok();
        assert!(said.err.contains("the KEK has sealed") && said.err.contains("keyring rotate"), "{}", said.err);
        let found = home.run(&["doctor"]).out;
        assert!(found.lines().any(|line| line.contains("has sealed") && line.contains(state)), "{found}");
    }
}
