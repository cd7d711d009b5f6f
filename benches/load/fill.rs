//! Many devices, each with its key and its trail row, through the API in arrays: every row is one that the service wrote.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use crate::client::Client;
use crate::generator::{deposit, serial};
use crate::process::Home;

/// Deposits of one request, and connections that send them.
const ARRAY: usize = 1_000;
const SENDERS: usize = 4;
/// So many Macs have an owner, each another.
const OWNED: usize = 20_000;
/// The Macs of the person whose pages are timed, of the first ones.
pub const MINE: [u64; 3] = [11, 222, 777];

/// Adds devices until there are `to`; deposits a second.
pub fn up_to(home: &Home, from: usize, to: usize) -> f64 {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || {
                for start in (from..to).step_by(ARRAY).skip(sender).step_by(SENDERS) {
                    send(home.address(), home, start..(start + ARRAY).min(to));
                }
            });
        }
    });
    (to - from) as f64 / begin.elapsed().as_secs_f64()
}

fn send(address: SocketAddr, home: &Home, macs: std::ops::Range<usize>) {
    let body: Vec<String> = macs.map(|n| deposit(n as u64)).collect();
    let mut client = Client::new(address, &format!("localhost:{}", home.port));
    let token = format!("Bearer {}", home.token);
    let headers = [("Content-Type", "application/json"), ("Authorization", token.as_str())];
    let answer = client.try_ask("POST", "/api/v1/deposits", &headers, &format!("[{}]", body.join(","))).unwrap();
    assert!(answer.status == 200 && !answer.body.contains("refused"), "{} {}", answer.status, answer.body);
}

/// The operator's list for the new Macs.
pub fn owners(home: &Home, from: usize, to: usize) {
    let mut list = "serial,login\n".to_owned();
    for n in (from..to.min(OWNED)).map(|n| n as u64) {
        let login = if MINE.contains(&n) { "anna".to_owned() } else { format!("user{n:05}") };
        writeln!(list, "{},{login}", serial(n)).unwrap();
    }
    let path = home.path("owners.csv");
    std::fs::write(&path, list).unwrap();
    home.run(&["owners", "import", path.to_str().unwrap(), "--apply"]);
}
