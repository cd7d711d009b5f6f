//! kill -9 under load, counted from outside. The real server and its database are killed at random moments while machines hand
//! keys in and people look at theirs; what those were told stands in a ledger of this process, and after each round everything
//! in it must be in the database.
//!
//! `KEYHARBOR_KILL_ROUNDS=200` makes the long form, `KEYHARBOR_KILL_SEED=…` repeats the moments of an earlier run.

mod clients;
mod cluster;
mod ledger;
mod rewrap;
mod wire;

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyharbor::crypto::{Ring, RootKey};
use keyharbor::domain::Entropy as _;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::DeviceId;
use keyharbor::service::clock::{OsEntropy, ServerClock};
use keyharbor::service::custody::{open_ring, root_key};

use clients::{Machine, Person, key};
use cluster::Cluster;
use ledger::{Count, Ledger, Shelf};
use wire::{Aim, Dice, Round, Wire};

use crate::engines;
use crate::idp::{CLIENT_SECRET, Idp};
use crate::probe::text;
use crate::process::Home;
use crate::world::{KEY, MAC, World};

const PEOPLE: [&str; 2] = ["astrid", "berit"];
const MACHINES: usize = 6;
/// Acknowledged deposits after a blow that leaves something to serve them.
const AFTERWARDS: usize = 20;

/// What is killed.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Victim {
    /// The one server.
    Server,
    /// One of two.
    Replica,
    /// The database, under two servers that stay.
    Postgres,
}

/// Servers on one database, and those who use them.
struct Site {
    home: Home,
    url: String,
    ports: Vec<u16>,
    servers: Mutex<Vec<Child>>,
    cluster: Option<Cluster>,
    ring: Ring,
    idp: Idp,
    token: String,
    ledger: Ledger,
}

fn setting(name: &str) -> Option<u64> {
    std::env::var_os(name).map(|text| text.to_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name}: a number")))
}

fn seed() -> u64 {
    setting("KEYHARBOR_KILL_SEED").unwrap_or_else(|| {
        let mut bytes = [0; 4];
        OsEntropy.fill(&mut bytes);
        u32::from_be_bytes(bytes).into()
    })
}

impl Site {
    /// `url`: a PostgreSQL database; without it a SQLite file.
    async fn new(url: Option<String>, cluster: Option<Cluster>, servers: usize) -> Self {
        let idp = Idp::start(Arc::new(ServerClock::default()));
        let home = Home::new(idp.issuer());
        let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
        let url = url.unwrap_or_else(|| home.url());
        let often = 1_000_000;
        home.settings(&format!(
            "{}client_secret = \"{CLIENT_SECRET}\"\n[reveal]\nper_minute = {often}\nper_hour = {often}\nper_day = {often}\n\
             [api]\nrequests_per_minute = 0\n[log]\nlevel = \"warn\"\n",
            settings.replace(&home.url(), &url)
        ));
        home.run(&["init"]).ok();
        let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
        let custody = keyharbor::config::Custody { key_file: Some(home.path("root.key")), ..Default::default() };
        let root: RootKey = root_key(&custody).unwrap();
        let ring = open_ring(&engines::connect(&url).await, &root, false).await.unwrap();
        let spare = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ports = std::iter::once(home.port).chain((1..servers).map(|_| spare())).collect();
        let ledger = Ledger::new(home.path("ledger"));
        let site = Self { home, url, ports, servers: Mutex::default(), cluster, ring, idp, token, ledger };
        let started = site.ports.iter().map(|port| site.serve(*port)).collect();
        *site.servers.lock().unwrap() = started;
        site.until_ready();
        site
    }

    fn serve(&self, port: u16) -> Child {
        let log = File::options().create(true).append(true).open(self.home.path("log")).unwrap();
        let mut command = self.home.command(&["serve"]);
        command.env("KEYHARBOR__SERVER__LISTEN", format!("127.0.0.1:{port}")).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Until every server says that it is ready.
    fn until_ready(&self) {
        let calm = Round::new(Aim::Time(0), true, &|| {});
        let request = format!("GET /readyz HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", self.home.port);
        let since = Instant::now();
        for port in &self.ports {
            let mut wire = Wire::new(vec![*port]);
            while wire.ask(&calm, &request).is_none_or(|got| got.status != 200) {
                assert!(since.elapsed() < Duration::from_secs(60), "not ready: {}", self.said());
            }
        }
    }

    /// The end of what the servers had to say.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(self.home.path("log")).unwrap_or_default();
        text.lines().rev().take(20).map(|line| format!("{line}\n")).collect()
    }

    fn wal(&self) -> PathBuf {
        self.cluster.as_ref().map_or_else(|| self.home.path("keyharbor.db-wal"), Cluster::wal)
    }

    fn wire(&self, first: usize) -> Wire {
        let mut ports = self.ports.clone();
        ports.rotate_left(first % self.ports.len());
        Wire::new(ports)
    }

    /// Each person gets a Mac with a key.
    async fn people(&self, dice: &mut Dice) -> Vec<(Person<'_>, String)> {
        let calm = Round::new(Aim::Time(0), true, &|| {});
        let host = format!("localhost:{}", self.home.port);
        let mut machine = Machine::new(0, self.wire(0), dice.clone(), &host, &self.token);
        let (list, mut lines) = (self.home.path("owners.csv"), "serial,login\n".to_owned());
        let mut people = Vec::new();
        for (n, login) in PEOPLE.into_iter().enumerate() {
            let serial = format!("K00P{n}");
            assert!(machine.hand_in(&calm, &self.ledger, &serial, &key(dice)), "{}", self.said());
            lines += &format!("{serial},{login}\n");
            self.idp.person(login, &[]);
            let mut person = Person::new(login, self.wire(n), &self.idp, &format!("http://{host}"));
            let id = if self.url.starts_with("sqlite") { "lower(hex(id))" } else { "replace(CAST(id AS TEXT), '-', '')" };
            let id = text(&self.url, &format!("SELECT {id} FROM devices WHERE serial = '{serial}'")).await;
            person.device = DeviceId(id.parse().unwrap()).to_string();
            people.push((person, serial));
        }
        std::fs::write(&list, lines).unwrap();
        self.home.run(&["owners", "import", list.to_str().unwrap(), "--apply"]).ok();
        people
    }

    /// The blow: returns when what it fell on is dead.
    fn strike(&self, victim: Victim, dice: u64) {
        if victim == Victim::Postgres {
            return self.cluster.as_ref().unwrap().kill();
        }
        let mut servers = self.servers.lock().unwrap();
        let which = dice as usize % servers.len();
        servers[which].kill().unwrap();
        servers[which].wait().unwrap();
    }

    /// What is left serves the load: the other replica, or both once their database is back.
    fn go_on(&self, victim: Victim, round: &Round<'_>) {
        if victim == Victim::Server {
            return;
        }
        if victim == Victim::Postgres {
            self.restore(victim);
        }
        let (before, since) = (round.kept.load(Ordering::SeqCst), Instant::now());
        while round.kept.load(Ordering::SeqCst) < before + AFTERWARDS {
            assert!(since.elapsed() < Duration::from_secs(60), "nothing is acknowledged any more: {}", self.said());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What was killed runs again; a server that was not must still be there.
    fn restore(&self, victim: Victim) {
        if victim == Victim::Postgres {
            self.cluster.as_ref().unwrap().again();
        }
        let mut fell = 0;
        for (server, port) in self.servers.lock().unwrap().iter_mut().zip(&self.ports) {
            if server.try_wait().unwrap().is_some() {
                fell += 1;
                *server = self.serve(*port);
            }
        }
        assert_eq!(fell, usize::from(victim != Victim::Postgres), "{}", self.said());
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for server in self.servers.get_mut().unwrap() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// A moment within the first second or so of load; its kind changes from round to round. `log`: there is one to be watched.
fn aim(dice: &mut Dice, round: u64, log: bool) -> Aim {
    let number = |dice: &mut Dice, below| i64::try_from(1 + dice.roll(below)).unwrap();
    match round % if log { 5 } else { 4 } {
        0 => Aim::Time(50_000 + dice.roll(400_000)),
        1 => Aim::Byte(number(dice, 40_000)),
        2 => Aim::Answer(number(dice, 120)),
        3 => Aim::Key(number(dice, 30)),
        _ => Aim::Log(number(dice, 60)),
    }
}

/// Watches for the moments that no client sees, and ends a round whose moment does not come.
fn watch(round: &Round<'_>, site: &Site) {
    let since = Instant::now();
    let stamp = || {
        let path = site.wal();
        let files = std::fs::read_dir(&path).map(|all| all.flatten().map(|e| e.path()).collect()).unwrap_or(vec![path]);
        let of = |file: &PathBuf| std::fs::metadata(file).and_then(|m| Ok((m.modified()?, m.len()))).ok();
        files.iter().filter_map(of).max()
    };
    let mut last = stamp();
    while !round.struck() {
        let patience = Duration::from_secs(10);
        match round.aim {
            Aim::Time(after) if since.elapsed() >= Duration::from_micros(after) => round.strike(),
            Aim::Log(_) => {
                let now = stamp();
                if now != last {
                    last = now;
                    round.count();
                }
            }
            _ => {}
        }
        if since.elapsed() > patience {
            round.strike();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Rounds of load with a blow in each, and the count after each.
async fn rounds(site: Site, victim: Victim, rounds: u64) {
    let rounds = setting("KEYHARBOR_KILL_ROUNDS").unwrap_or(rounds);
    let seed = seed();
    let mut dice = Dice(seed);
    let host = format!("localhost:{}", site.home.port);
    let mut people = site.people(&mut dice).await;
    let machine = |n: usize, dice: &mut Dice| Machine::new(n + 1, site.wire(n), Dice(dice.roll(u64::MAX)), &host, &site.token);
    let mut machines: Vec<Machine> = (0..MACHINES).map(|n| machine(n, &mut dice)).collect();
    let (mut shelf, mut checkpoint, mut whole) = (Shelf::default(), None::<String>, String::new());
    let began = Instant::now();
    let mut count = None::<Count>;
    for n in 1..=rounds {
        let at = aim(&mut dice, n, site.cluster.is_some() || site.url.starts_with("sqlite"));
        let which = dice.roll(1 << 20);
        let strike = || site.strike(victim, which);
        let round = Round::new(at, victim != Victim::Server, &strike);
        std::thread::scope(|scope| {
            let (round, ledger) = (&round, &site.ledger);
            let _over = round.until_dropped();
            machines.iter_mut().for_each(|machine| drop(scope.spawn(move || machine.run(round, ledger))));
            people.iter_mut().for_each(|(person, serial)| drop(scope.spawn(move || person.run(round, ledger, serial))));
            watch(round, &site);
            site.go_on(victim, round);
        });
        if victim != Victim::Postgres {
            site.restore(victim);
        }
        site.until_ready();
        let found = shelf.count(&site.url, &site.ring, site.ledger.read()).await;
        let said = format!("{victim:?}, seed {seed}, round {n}, {at:?}");
        assert!(found.holds(), "{said}: {found}\nmissing: {:?}\nwithout a row: {:?}", found.missing, found.unrecorded);
        count = Some(found);
        if n % 10 == 0 || n == rounds {
            let least: Vec<&str> = checkpoint.iter().flat_map(|point| ["--at-least", point]).collect();
            whole = site.home.run(&[&["audit", "verify"], &least[..]].concat()).ok().out.trim().to_owned();
            checkpoint = whole.rsplit(' ').next().map(str::to_owned);
        }
    }
    let (count, took) = (count.unwrap(), began.elapsed().as_secs());
    let engine = site.url.split(':').next().unwrap();
    let told = format!("kill -9, {victim:?} on {engine}, seed {seed}: {rounds} rounds in {took} s; {count}; {whole}\n");
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    assert!(count.noted.kept.len() > usize::try_from(rounds).unwrap() && count.noted.pages() > 0, "there was no load: {told}");
}

#[actix_web::test]
async fn s45_a_server_killed_at_any_moment_loses_no_deposit_and_showed_nothing_unrecorded() {
    rounds(Site::new(None, None, 1).await, Victim::Server, 6).await;
    let fresh = engines::bare_postgres().await;
    rounds(Site::new(Some(fresh.url.clone()), None, 1).await, Victim::Server, 6).await;
}

#[actix_web::test]
async fn s45_s69_one_of_two_replicas_killed_loses_nothing_and_the_other_goes_on() {
    let fresh = engines::bare_postgres().await;
    rounds(Site::new(Some(fresh.url.clone()), None, 2).await, Victim::Replica, 4).await;
}

#[actix_web::test]
async fn s45_s69_a_postgresql_killed_with_all_its_processes_loses_nothing_and_the_servers_go_on() {
    let cluster = Cluster::start();
    rounds(Site::new(Some(cluster.url()), Some(cluster), 2).await, Victim::Postgres, 3).await;
}

/// The rows of a table that a trigger fills whenever the trail grows: what the connection that writes has set.
async fn seen(world: &World) -> String {
    assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.status.as_u16() / 100, 2);
    text(&world.fresh.url, "SELECT MIN(setting) || ' ' || MAX(setting) FROM seen").await
}

/// A killed process loses nothing that its machine still has: whether a commit waits for the disk shows when power is lost only,
/// and that no test can do. That each writing connection is set to wait, can be seen.
#[actix_web::test]
async fn s69_every_writing_connection_waits_for_the_disk_whatever_is_set_by_default() {
    let [sqlite, mut postgres] = World::both().await;
    sqlite.sql("CREATE TABLE seen (setting TEXT)").await;
    let full = "INSERT INTO seen SELECT synchronous FROM pragma_synchronous";
    sqlite.sql(&format!("CREATE TRIGGER watch AFTER INSERT ON audit_events BEGIN {full}; END")).await;
    assert_eq!(seen(&sqlite).await, "2 2", "FULL");
    assert_eq!(text(&sqlite.fresh.url, "PRAGMA journal_mode").await, "wal");

    postgres.sql("CREATE TABLE seen (setting text)").await;
    let held = "BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END";
    postgres.sql(&format!("CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $f$ {held} $f$")).await;
    postgres.sql("CREATE TRIGGER watch AFTER INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION watch()").await;
    let name = postgres.fresh.url.rsplit('/').next().unwrap().to_owned();
    for (default, held) in [("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")] {
        postgres.sql(&format!("ALTER DATABASE {name} SET synchronous_commit = '{default}'")).await;
        postgres.sql("DELETE FROM seen").await;
        (postgres.service, postgres.app) = postgres.replica().await;
        assert_eq!(seen(&postgres).await, format!("{held} {held}"), "by default {default}");
    }
}
