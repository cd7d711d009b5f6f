//! The real binary as a service: what it tells the manager and when, sockets that were opened for it, and its signals.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::process::{Home, Running, answer};
use crate::world::{KEY, MAC};

/// The manager's end of `NOTIFY_SOCKET`.
pub struct Manager(UnixDatagram);

impl Manager {
    pub fn of(home: &Home) -> Self {
        let socket = UnixDatagram::bind(home.path("notify")).unwrap();
        // Nobody waits longer for anything; nobody expects to.
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(socket)
    }

    pub fn next(&self) -> String {
        let mut buffer = [0u8; 512];
        let n = self.0.recv(&mut buffer).expect("the server says nothing");
        String::from_utf8(buffer[..n].to_vec()).unwrap()
    }

    /// The next message that says more than "alive".
    pub fn next_state(&self) -> String {
        std::iter::repeat_with(|| self.next()).find(|m| m != "WATCHDOG=1\n").unwrap()
    }
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// With a second listener, whose port is answered.
pub fn with_operations(home: &Home, more: &str) -> u16 {
    let (port, settings) = (port(), std::fs::read_to_string(home.path("keyharbor.toml")).unwrap());
    let settings = settings.replace("workers = 1\n", &format!("workers = 1\n{more}"));
    home.settings(&format!("{settings}[operations]\nlisten = \"127.0.0.1:{port}\"\n"));
    port
}

pub fn get(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    answer(stream)
}

/// `serve` with a manager.
pub fn managed(home: &Home, watchdog: Option<&str>) -> Command {
    let mut command = home.command(&["serve"]);
    command.env("NOTIFY_SOCKET", home.path("notify"));
    if let Some(micros) = watchdog {
        command.env("WATCHDOG_USEC", micros);
    }
    command
}

/// A request whose body has come half-way, and what is missing.
fn half_way(home: &Home) -> (TcpStream, String) {
    let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    let body = json!({ "serial": MAC, "recovery_key": KEY, "hostname": "x".repeat(100) }).to_string();
    let (half, rest) = body.split_at(40);
    let mut open = home.connect();
    open.write_all(format!("{}{half}", home.deposit_head(&token, body.len())).as_bytes()).unwrap();
    // A second request's answer shows that the first one's bytes have arrived before it.
    assert_eq!(home.get("/healthz").0, 200);
    (open, rest.to_owned())
}

#[test]
fn the_manager_hears_of_start_reload_and_stop() {
    let home = Home::ready("http://127.0.0.1:9");
    let manager = Manager::of(&home);
    let mut server = Running::start(managed(&home, None));
    assert_eq!(manager.next(), "READY=1\nSTATUS=serving\n");
    assert_eq!(home.get("/readyz").0, 200, "ready means that it answers");

    server.until("\"serving\"");
    server.signal(Signal::HUP);
    let reloading = manager.next();
    let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
    assert!(micros.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(manager.next(), "READY=1\nSTATUS=serving\n");

    server.signal(Signal::TERM);
    assert!(manager.next().starts_with("STOPPING=1\n"));
    server.end().ok();
}

#[test]
fn a_sealed_server_is_started_and_says_what_it_is() {
    let home = Home::ready("http://127.0.0.1:9");
    std::fs::remove_file(home.path("root.key")).unwrap();
    let manager = Manager::of(&home);
    let _server = Running::start(managed(&home, None));
    assert_eq!(manager.next(), "READY=1\nSTATUS=sealed: the key ring is not open\n");
}

#[test]
fn the_watchdog_hears_of_a_server_that_answers_and_of_no_other() {
    let home = Home::ready("http://127.0.0.1:9");
    let manager = Manager::of(&home);
    // So few files that a handful of callers can use them up.
    let mut command = Command::new("sh");
    let serve = managed(&home, Some("400000"));
    command.env_clear().envs(serve.get_envs().filter_map(|(k, v)| Some((k, v?)))).args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    command.arg(serve.get_program()).args(serve.get_args());
    let mut server = Running::start(command);
    assert!(manager.next_state().starts_with("READY=1\n"));
    assert_eq!((manager.next(), manager.next()), ("WATCHDOG=1\n".to_owned(), "WATCHDOG=1\n".to_owned()));

    let callers: Vec<_> = (0..80).map(|_| home.connect()).collect();
    server.until("the server does not answer itself");
    drop(callers);
    while manager.0.set_nonblocking(true).is_ok() && manager.0.recv(&mut [0; 512]).is_ok() {}
    manager.0.set_nonblocking(false).unwrap();
    assert_eq!(manager.next(), "WATCHDOG=1\n", "it answers again");
    server.signal(Signal::TERM);
    assert!(manager.next_state().starts_with("STOPPING=1\n"));
    server.end().ok();
}

#[test]
fn the_level_of_the_log_is_read_again_and_what_is_wrong_changes_nothing() {
    let home = Home::ready("http://127.0.0.1:9");
    let mut server = home.serve();
    let before = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    let lines = |server: &mut Running| {
        home.get("/help");
        server.signal(Signal::HUP);
        let said = server.until("settings");
        (server.said.matches("\"request\":").count(), said)
    };
    assert_eq!(lines(&mut server).0, 1);
    home.settings(&format!("{before}[log]\nlevel = \"warn\"\n[sessions]\nidle_minutes = 5\n"));
    server.signal(Signal::HUP);
    server.until("other settings have changed, too");
    home.settings(&format!("{before}[log]\nlevel = \"loud\"\n"));
    let (requests, said) = lines(&mut server);
    assert_eq!(requests, 1, "requests are below this level: {}", server.said);
    assert!(said.contains("log.level: must be"), "{said}");
    home.settings(&before);
    server.signal(Signal::HUP);
    server.until("settings were read again");
    assert_eq!(lines(&mut server).0, 2);
    server.signal(Signal::TERM);
    server.end().ok();
}

#[test]
fn a_stop_is_seen_at_readiness_before_connections_end() {
    let home = Home::ready("http://127.0.0.1:9");
    let operations = with_operations(&home, "notice_seconds = 3600\n");
    let mut server = home.serve();
    assert_eq!((home.get("/readyz").0, get(operations, "/readyz").0), (200, 200));
    server.signal(Signal::TERM);
    server.until("stopping: not ready any more");
    assert_eq!((home.get("/readyz").0, get(operations, "/readyz").0), (503, 503));
    assert_eq!((home.get("/healthz").0, home.get("/help").0), (200, 200), "whoever comes is served");
    assert!(get(operations, "/metrics").1.contains("\nkeyharbor_stopping 1\n"));
    server.signal(Signal::TERM);
    assert!(server.end().ok().out.contains("a second stop signal"));
}

#[test]
fn the_second_listener_answers_until_the_last_request_has_ended() {
    let home = Home::ready("http://127.0.0.1:9");
    let operations = with_operations(&home, "");
    let mut server = home.serve();
    let (mut open, rest) = half_way(&home);
    server.signal(Signal::TERM);
    server.until("stopping: no new connections");
    while TcpStream::connect(("127.0.0.1", home.port)).is_ok() {}
    assert_eq!((get(operations, "/healthz").0, get(operations, "/readyz").0), (200, 503));
    open.write_all(rest.as_bytes()).unwrap();
    assert_eq!(answer(open).0, 201);
    server.end().ok();
    assert!(TcpStream::connect(("127.0.0.1", operations)).is_err());
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let home = Home::ready("http://127.0.0.1:9");
    let mut server = home.serve();
    let (_open, _rest) = half_way(&home);
    server.signal(Signal::TERM);
    server.until("stopping: no new connections");
    server.signal(Signal::INT);
    let said = server.end().ok();
    assert!(said.out.contains("open requests are cut off"), "{}", said.out);
    assert!(home.run(&["audit", "verify"]).ok().out.contains("the trail is whole"));
}

/// `serve` with sockets 3 and 4, as systemd hands them over under these names.
fn activated(home: &Home, names: &str, first: TcpListener, second: Option<TcpListener>) -> Command {
    let mut command = Command::new("sh");
    let count = 1 + usize::from(second.is_some());
    let move_second = if second.is_some() { "4<&2" } else { "" };
    let script = format!("export LISTEN_PID=$$ LISTEN_FDS={count} LISTEN_FDNAMES={names}; exec \"$@\" 3<&0 {move_second} 0</dev/null 2>&1");
    let serve = home.command(&["serve"]);
    command.env_clear().args(["-c", &script, "sh"]).arg(serve.get_program()).args(serve.get_args());
    command.stdin(Stdio::from(OwnedFd::from(first)));
    command.stderr(second.map_or_else(Stdio::piped, |s| Stdio::from(OwnedFd::from(s))));
    command.stdout(Stdio::piped());
    command
}

#[test]
fn sockets_that_were_opened_for_it_are_served_on() {
    let home = Home::ready("http://127.0.0.1:9");
    let bound = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (listener.local_addr().unwrap().port(), listener)
    };
    let ((public, first), (operations, second)) = (bound(), bound());
    // A request may be there before the program is.
    let mut early = TcpStream::connect(("127.0.0.1", public)).unwrap();
    early.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let server = Running::spawned(activated(&home, "keyharbor.socket:operations", first, Some(second)));
    assert_eq!(answer(early).0, 200);
    assert_eq!((get(operations, "/metrics").0, get(public, "/metrics").0), (200, 421));
    assert!(TcpStream::connect(("127.0.0.1", home.port)).is_err(), "server.listen is not used");
    server.signal(Signal::TERM);
    server.end().ok();

    // Everywhere is no loopback: the same rule as for the setting.
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    let said = Running::spawned(activated(&home, "x", everywhere, None)).end();
    assert_eq!(said.status.code(), Some(1));
    assert!(said.out.contains("server.behind_proxy: plain http"), "{}", said.out);
    let said = Running::spawned(activated(&home, "a:b", bound().1, Some(bound().1))).end();
    assert!(said.out.contains("more sockets than there are listeners"), "{}", said.out);
}
