//! A rewrap that is killed again and again while two servers serve, and begun again until nothing is left to do.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use keyharbor::service::custody::{open_ring, root_key};

use super::clients::Machine;
use super::ledger::Shelf;
use super::wire::{Aim, Dice, Round};
use super::{Site, key, seed};
use crate::engines;
use crate::probe::number;

/// Under the first KEK before the rotation.
const KEYS: usize = 1200;
const KILLS: u64 = 3;
const LEFT: &str = "SELECT COUNT(*) FROM key_versions WHERE kek_id = 1";

impl Site {
    /// Asked from a thread that is no runtime's.
    fn left(&self) -> i64 {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(number(&self.url, LEFT))
    }

    fn fill(&self, dice: &mut Dice) {
        let lines: String = (0..KEYS).map(|n| format!("{{\"serial\":\"KFILL{n:05}\",\"recovery_key\":\"{}\"}}\n", key(dice))).collect();
        let head = self.home.deposit_head(&self.token, lines.len()).replace("application/json", "application/x-ndjson");
        assert_eq!(self.home.ask(&format!("{head}{lines}")).0, 200, "{}", self.said());
    }

    /// Somebody whose every request is answered well, whatever happens to the keys; answers how many.
    fn steady(&self, round: &Round<'_>, mut dice: Dice) -> usize {
        let mut n = 0;
        while !round.over() {
            let (status, text) = self.home.deposit(&self.token, &format!("KSTEADY{n:05}"), &key(&mut dice));
            assert_eq!(status, 201, "request {n}: {text}");
            n += 1;
        }
        n
    }

    fn rewrapping(&self) -> Child {
        self.home.command(&["keyring", "rewrap"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Rotates, and kills the rewrap when so many are left, at moments that nobody chooses exactly; then two at once end it.
    fn rewrap(&self, dice: &mut Dice) {
        // What is waited for are the requests that are under way.
        for (purpose, wait) in [("kek", "1"), ("row", "1"), ("token", "0"), ("audit", "0")] {
            self.home.run(&["keyring", "rotate", "--wait", wait, "--purpose", purpose]).ok();
        }
        let since = Instant::now();
        for kill in 0..KILLS {
            let left = self.left();
            let part = u64::try_from(left).unwrap() / (KILLS - kill + 1);
            let until = left - i64::try_from(1 + dice.roll(part.max(1))).unwrap();
            let mut child = self.rewrapping();
            while self.left() > until {
                assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
                assert!(since.elapsed() < Duration::from_secs(60), "{left} left");
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(self.left() > 0, "something is left to go on with");
        for mut child in [self.rewrapping(), self.rewrapping()] {
            assert!(child.wait().unwrap().success());
        }
    }
}

async fn rewraps(site: Site) {
    let seed = seed();
    let mut dice = Dice(seed);
    let host = format!("localhost:{}", site.home.port);
    let mut people = site.people(&mut dice).await;
    let mut machine = Machine::new(1, site.wire(1), Dice(dice.roll(u64::MAX)), &host, &site.token);
    let round = Round::new(Aim::Time(0), true, &|| {});
    let steady = std::thread::scope(|scope| {
        let (round, site, dice) = (&round, &site, &mut dice);
        let over = round.until_dropped();
        site.fill(dice);
        scope.spawn(|| machine.run(round, &site.ledger));
        let other = Dice(dice.roll(u64::MAX));
        let steady = scope.spawn(|| site.steady(round, other));
        people.iter_mut().for_each(|(person, serial)| drop(scope.spawn(|| person.run(round, &site.ledger, serial))));
        scope.spawn(|| site.rewrap(dice)).join().unwrap_or_else(|_| panic!("seed {seed}: {}", site.said()));
        drop(over);
        steady.join().unwrap()
    });
    assert_eq!(number(&site.url, LEFT).await, 0, "seed {seed}");
    let custody = keyharbor::config::Custody { key_file: Some(site.home.path("root.key")), ..Default::default() };
    let ring = open_ring(&engines::connect(&site.url).await, &root_key(&custody).unwrap(), false).await.unwrap();
    let found = Shelf::default().count(&site.url, &ring, site.ledger.read()).await;
    assert!(
        found.holds() && found.versions > KEYS,
        "seed {seed}: {found}\nmissing: {:?}\nwithout a row: {:?}",
        found.missing,
        found.unrecorded
    );
    assert!(steady > 5 && found.noted.kept.len() > 5 && found.noted.pages() > 0, "there was no load: {found}");
    site.home.run(&["audit", "verify"]).ok();
    let log = std::fs::read_to_string(site.home.path("log")).unwrap();
    assert!(!log.contains("does not verify"), "{log}");
    let said = site.home.run(&["keyring", "status"]).ok().out;
    for (purpose, id, standing) in [("kek", 1, "former"), ("kek", 2, "active"), ("row", 2, "active"), ("audit", 2, "active")] {
        assert!(said.contains(&format!("{purpose:<12} {id:>3}  {standing}")), "{said}");
    }
    assert!(said.contains("stored values under it: 0  ever sealed: "), "{said}");
    site.home.refuses(&["keyring", "retire", "kek", "1"], "ten minutes");
}

#[actix_web::test]
async fn s56_a_rewrap_killed_at_any_point_goes_on_while_servers_serve_and_every_key_opens() {
    rewraps(Site::new(None, None, 1).await).await;
    let fresh = engines::bare_postgres().await;
    rewraps(Site::new(Some(fresh.url.clone()), None, 2).await).await;
}
