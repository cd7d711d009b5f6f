//! One of two replicas is killed while both are at work: what was acknowledged is there, what was shown has its row.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::Engine;
use rustix::process::Signal;

use crate::process::{Home, Running};
use crate::races::whole;
use crate::world::{HOST, KEY, ORIGIN, OTHER_KEY, World};

/// A replica's folder: the world's database and root key, a port of its own.
fn home(world: &World) -> Home {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new(world.idp.issuer());
    std::fs::write(home.path("root.key"), world.root.text().as_bytes()).unwrap();
    std::fs::set_permissions(home.path("root.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    let local = format!("http://localhost:{}", home.port);
    home.settings(
        &settings.replace(&home.url(), &world.fresh.url).replace(&local, ORIGIN).replace(
            "[custody]",
            "# Nobody reads what they say: they say little.\n[log]\nlevel = \"error\"\n[reveal]\nper_minute = 100000\nper_hour = 100000\nper_day = 100000\n[custody]",
        ),
    );
    home
}

/// One request; `None`: the replica is gone, and nobody knows what became of it.
fn ask(port: u16, head: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("{head}\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    // An answer that ends before its head is none.
    let status = text.split(' ').nth(1)?.parse().ok()?;
    text.contains("\r\n\r\n").then_some((status, text))
}

/// Asks the first of two that answers.
fn ask_either(ports: [u16; 2], head: &str, body: &str) -> Option<(u16, String)> {
    ask(ports[0], head, body).or_else(|| ask(ports[1], head, body))
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const ALL: usize = 1000;

/// Hands in an eighth of them; the serial numbers that were acknowledged.
fn deposit(n: usize, ports: [u16; 2], token: &str, done: &AtomicUsize) -> Vec<String> {
    let head = format!("POST /compat/crypt/{token}/checkin/ HTTP/1.1\r\n{FORM}");
    let one = |i: usize| {
        let serial = format!("C02KILL{n}X{i}");
        let key = if i.is_multiple_of(2) { KEY } else { OTHER_KEY };
        let answer = ask_either(ports, &head, &format!("serial={serial}&recovery_password={key}&username=&macname=m"));
        done.fetch_add(1, Ordering::SeqCst);
        answer.filter(|(status, _)| *status == 200).map(|_| serial)
    };
    (0..ALL / 8).filter_map(one).collect()
}

/// Presses and looks for as long as deposits go on; how often a key was shown.
fn reveal(ports: [u16; 2], device: &str, csrf: &str, cookie: &str, done: &AtomicUsize) -> usize {
    let head =
        format!("POST /devices/{device}/reveal HTTP/1.1\r\nCookie: {cookie}\r\nOrigin: {ORIGIN}\r\n{FORM}\r\nSec-Fetch-Site: same-origin");
    let mut shown = 0;
    while done.load(Ordering::SeqCst) < ALL {
        let Some((303, answer)) = ask_either(ports, &head, &format!("csrf={csrf}")) else { continue };
        let grant = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().trim();
        let page = ask_either(ports, &format!("GET {grant} HTTP/1.1\r\nCookie: {cookie}"), "");
        shown += usize::from(page.is_some_and(|(status, text)| status == 200 && text.contains("key secret")));
    }
    shown
}

#[actix_web::test]
#[expect(clippy::print_stdout, reason = "figures for who reads the output")]
async fn s69_a_replica_that_is_killed_among_a_thousand_deposits_and_reveals_loses_none() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let database = world.fresh.store.now().await.unwrap().unwrap();
    world.clock.advance_seconds(database.seconds_since(world.env.clock.now()));
    let device = world.astrids_mac().await;
    let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    let mut astrid = world.signed_in("astrid").await;
    let csrf = astrid.get("/help").await.csrf().unwrap();
    let cookie: Vec<_> = astrid.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookie = cookie.join("; ");

    let homes = [home(&world), home(&world)];
    let ports = [homes[0].port, homes[1].port];
    let servers: Vec<Running> = homes.iter().map(|home| home.start(&["serve"])).collect();
    for port in ports {
        while ask(port, "GET /readyz HTTP/1.1", "").is_none_or(|(status, _)| status != 200) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let done = Arc::new(AtomicUsize::new(0));
    let order = move |n: usize| if n.is_multiple_of(2) { ports } else { [ports[1], ports[0]] };
    let depositors = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| {
        let (token, done) = (token.clone(), Arc::clone(&done));
        thread::spawn(move || deposit(n, order(n), &token, &done))
    });
    let revealers = [0, 1].map(|n| {
        let (device, csrf, cookie, done) = (device.clone(), csrf.clone(), cookie.clone(), Arc::clone(&done));
        thread::spawn(move || reveal(order(n), &device, &csrf, &cookie, &done))
    });
    while done.load(Ordering::SeqCst) < ALL / 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    servers[0].signal(Signal::KILL);
    let ends = tokio::task::spawn_blocking(move || {
        let stored: Vec<String> = depositors.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        (stored, revealers.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>())
    });
    let (stored, shown) = ends.await.unwrap();
    println!("{} of {ALL} deposits acknowledged, {shown} keys shown", stored.len());
    assert!(stored.len() > ALL * 9 / 10 && shown > 10, "{} deposits, {shown} keys shown", stored.len());
    let rows = world.trail().await;
    for serial in &stored {
        let found = rows.iter().filter(|row| row.event.kind == EventKind::DepositNew && row.event.serial.as_deref() == Some(serial));
        // Sent a second time to the other replica, since nobody answered the first, it is the same key again.
        assert_eq!(found.count(), 1, "{serial}");
    }
    let empty = "UPDATE devices d SET state = state WHERE NOT EXISTS (SELECT 1 FROM key_versions v WHERE v.device = d.id)";
    assert_eq!(world.sql(empty).await, 0, "a device without its key");
    assert!(world.count(EventKind::RevealViewed).await >= shown, "shown without a row");
    whole(&world).await;
    assert_eq!(ask(ports[1], "GET /readyz HTTP/1.1", "").unwrap().0, 200);
}
