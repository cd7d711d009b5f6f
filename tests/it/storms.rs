//! Storms at a server of its own: clients that send or read slowly or not at all, and a file that cannot grow. Everybody else is
//! served meanwhile, and afterwards all is as before.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::process::{Home, Running};
use crate::world::{KEY, OTHER_KEY};

/// No test waits longer than this for anything; none expects to.
const PATIENCE: Duration = Duration::from_secs(60);

fn ready(more: &str) -> (Home, String) {
    let home = Home::ready("http://127.0.0.1:9");
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&settings.replace("[server]", &format!("[server]\n{more}")));
    let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    (home, token)
}

/// Deposits one after the other, each of a Mac of its own, and each is taken.
fn everybody_else_is_served(home: &Home, token: &str, name: &str) {
    for n in 0..10 {
        let (status, text) = home.deposit(token, &format!("C02{name}{n}"), KEY);
        assert_eq!(status, 201, "{name} {n}: {text}");
        assert_eq!(home.get("/healthz").0, 200);
    }
}

fn send(home: &Home, text: &str) -> TcpStream {
    let mut stream = home.connect();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// What the server says until it closes; a reset is an end, too.
fn until_closed(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    if let Err(e) = stream.read_to_end(&mut all) {
        assert_eq!(e.kind(), ConnectionReset, "the server keeps the connection open");
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn s67_who_sends_slowly_keeps_nobody_waiting() {
    let (home, token) = ready("body_deadline_seconds = 2");
    let server = home.serve();
    let head = home.deposit_head(&token, 900);
    let half_a_head: Vec<_> = (0..100).map(|_| send(&home, head.trim_end())).collect();
    let half_a_body: Vec<_> = (0..100).map(|_| send(&home, &format!("{head}{{\"serial\": \"C02"))).collect();
    everybody_else_is_served(&home, &token, "MEANTIME");
    for stream in half_a_body {
        let said = until_closed(stream);
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    }
    for stream in half_a_head {
        let said = until_closed(stream);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    everybody_else_is_served(&home, &token, "AFTER");
    drop(server);
}

#[test]
fn s67_a_thousand_connections_that_say_nothing_keep_nobody_waiting() {
    let (home, token) = ready("");
    let server = home.serve();
    let silent: Vec<_> = (0..1000).map(|_| send(&home, "")).collect();
    everybody_else_is_served(&home, &token, "MEANTIME");
    for stream in silent {
        let said = until_closed(stream);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    everybody_else_is_served(&home, &token, "AFTER");
    drop(server);
}

#[test]
fn s67_who_reads_no_answer_keeps_nobody_waiting() {
    let (home, token) = ready("body_deadline_seconds = 2");
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&(settings + "[api]\nrequests_per_minute = 0\n"));
    let server = home.serve();
    let head = format!(
        "POST /api/v1/deposits HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        home.port
    );
    let junk = "x\n".repeat(8 * 1024);
    let chunk = format!("{:x}\r\n{junk}\r\n", junk.len());
    // Two bytes ask for fifty. Each of them sends until nothing more goes out, or it is dropped.
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (mut stream, chunk) = (send(&home, &head), chunk.clone());
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            std::thread::spawn(move || {
                loop {
                    if let Err(e) = stream.write_all(chunk.as_bytes()) {
                        break e.kind();
                    }
                }
            })
        })
        .collect();
    everybody_else_is_served(&home, &token, "MEANTIME");
    for sender in senders {
        let end = sender.join().unwrap();
        assert!(matches!(end, ConnectionReset | BrokenPipe), "the server keeps the connection: {end}");
    }
    everybody_else_is_served(&home, &token, "AFTER");
    drop(server);
}

/// How large a file the server may write.
fn room(server: &Running, bytes: Option<u64>) {
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(Some(Pid::from_child(&server.child)), Resource::Fsize, limit).unwrap();
}

#[test]
fn s68_a_file_that_cannot_grow_is_503_and_loses_nothing() {
    let (home, token) = ready("");
    // The signal that comes with such a limit is ignored from birth, so that writing fails, as on a full disk.
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keyharbor"), "--config"]);
    command.arg(home.path("keyharbor.toml")).arg("serve");
    let mut server = Running::start(command);
    server.until("\"serving\"");
    everybody_else_is_served(&home, &token, "BEFORE");

    let log = std::fs::metadata(home.path("keyharbor.db-wal")).unwrap().len();
    room(&server, Some(log));
    let mut taken = Vec::new();
    // What stands in the log already may be written over, so some find room.
    let refused = loop {
        let serial = format!("C02FULL{}", taken.len());
        assert!(taken.len() < 1000, "there is room for all");
        match home.deposit(&token, &serial, KEY) {
            (201, _) => taken.push(serial),
            (status, text) => break (status, text.to_lowercase(), serial),
        }
    };
    assert!(refused.0 == 503 && refused.1.contains("retry-after: ") && !refused.1.contains("aaaa"), "{}", refused.1);
    assert_eq!((home.deposit(&token, "C02FULL", KEY).0, home.get("/healthz").0, home.get("/help").0), (503, 200, 200));

    room(&server, None);
    everybody_else_is_served(&home, &token, "AFTER");
    // Without a restart; and what was acknowledged is there.
    for serial in &taken {
        let (status, text) = home.deposit(&token, serial, KEY);
        assert!(status == 200 && text.contains(r#""status":"same""#), "{serial} was acknowledged: {text}");
    }
    assert_eq!(home.deposit(&token, &refused.2, OTHER_KEY).0, 201, "of what was refused nothing is there");
    drop(server);
    home.run(&["audit", "verify"]).ok();
}
