//! What any request may try at any route, over a real socket: other methods, other sites, packed bodies.

use std::io::Write as _;
use std::net::TcpListener;

use keyharbor::cli::serve;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::web::{Admits, OPERATIONS, ROUTES, Route};

use crate::process::{Home, answer};
use crate::world::World;

/// Resident memory of a process, in KiB.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A route's address with something of the right form in it.
fn address(route: &Route, token: &str) -> String {
    let id = "01981c5e-7c00-7000-8000-000000000001";
    route
        .path
        .replace("{name:.*}", "ttl-9.css")
        .replace("{id}", id)
        .replace("{code}", "sv")
        .replace("{serial}", "C02X")
        .replace("{kind}", "recovery_key")
        .replace("{token}", token)
}

/// As `serve` starts it, both listeners.
struct Both {
    ports: [u16; 2],
    handles: Vec<actix_web::dev::ServerHandle>,
    token: String,
    _world: World,
}

impl Both {
    async fn start() -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = [0, 1].map(|n: usize| listeners[n].local_addr().unwrap().port());
        let world = World::with(|c| {
            c.server.public_url = format!("http://127.0.0.1:{}", ports[0]);
            (c.server.workers, c.server.drain_seconds) = (1, 1);
        })
        .await;
        let [public, operations] = listeners;
        let servers = [
            serve::start(world.service.clone(), public, None).unwrap(),
            serve::start_operations(world.service.clone(), operations).unwrap(),
        ];
        let handles = servers.iter().map(actix_web::dev::Server::handle).collect();
        for server in servers {
            actix_web::rt::spawn(server);
        }
        let token = world.token(&[Scope::EscrowWrite, Scope::StatusRead], Door::CryptPath, Trust::Observed).await;
        Self { ports, handles, token, _world: world }
    }

    /// One request over a connection of its own: status, and the whole answer.
    async fn ask(&self, port: u16, line: &str, more: &str) -> (u16, String) {
        let request = format!("{line} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{more}\r\n");
        let asked = move || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            answer(stream)
        };
        actix_web::web::block(asked).await.unwrap()
    }

    async fn stop(self) {
        for handle in self.handles {
            handle.stop(false).await;
        }
    }
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().skip(1).find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// Each path of a listener once, with the methods it takes.
fn resources(routes: &'static [Route]) -> Vec<(&'static Route, Vec<&'static str>)> {
    let first = |at: usize, route: &Route| routes.iter().position(|r| r.path == route.path) == Some(at);
    let methods = |route: &Route| routes.iter().filter(|r| r.path == route.path).map(|r| r.method).collect();
    routes.iter().enumerate().filter(|(at, r)| first(*at, r)).map(|(_, r)| (r, methods(r))).collect()
}

#[actix_web::test]
async fn s36_every_other_method_is_405_with_allow_on_every_route_over_a_socket() {
    let both = Both::start().await;
    for (port, routes) in both.ports.into_iter().zip([ROUTES, OPERATIONS]) {
        for (route, takes) in resources(routes) {
            let allow = takes.join(", ");
            for method in ["TRACE", "CONNECT", "OPTIONS", "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "BREW"] {
                if takes.contains(&method) {
                    continue;
                }
                // A form's own route would refuse a stranger's POST before it looks whether it takes any.
                let more = format!("origin: http://127.0.0.1:{port}\r\ncontent-length: 0\r\n");
                let (status, text) = both.ask(port, &format!("{method} {}", address(route, &both.token)), &more).await;
                assert_eq!((status, header(&text, "allow")), (405, Some(allow.as_str())), "{method} {}: {text}", route.path);
                assert!(header(&text, "server").is_none());
                assert!(method != "TRACE" || !text.contains("origin: "), "nothing is sent back");
            }
        }
    }
    both.stop().await;
}

#[actix_web::test]
async fn s36_head_is_answered_like_get_without_a_body_and_shows_nobody_anything() {
    let both = Both::start().await;
    for (port, routes) in both.ports.into_iter().zip([ROUTES, OPERATIONS]) {
        for route in routes.iter().filter(|r| r.method == "HEAD") {
            let place = address(route, &both.token);
            let [(get, body), (head, none)] =
                [both.ask(port, &format!("GET {place}"), "").await, both.ask(port, &format!("HEAD {place}"), "").await];
            assert_eq!((head, none.ends_with("\r\n\r\n"), none.matches("\r\n\r\n").count()), (get, true, 1), "{place}: {none}");
            for name in ["content-type", "cache-control", "content-security-policy", "x-content-type-options"] {
                assert_eq!(header(&none, name), header(&body, name), "{place}: {name}");
            }
            let length = body.split_once("\r\n\r\n").unwrap().1.len().to_string();
            if route.path != "/metrics" {
                assert_eq!(header(&none, "content-length"), Some(length.as_str()), "{place}");
            }
        }
    }
    // Where somebody is shown something, asks for a key, or a GET begins or ends something, it is GET alone.
    let heads: Vec<_> = ROUTES.iter().filter(|r| r.method == "HEAD").map(|r| (r.path, r.admits)).collect();
    assert!(heads.iter().all(|(_, door)| *door == Admits::Public), "{heads:?}");
    for path in ["/sign-in", "/auth/callback", "/language/{code}", "/reveals/{id}", "/devices/{id}", "/trail/export"] {
        assert!(!heads.iter().any(|(head, _)| *head == path), "{path}");
    }
    both.stop().await;
}

#[actix_web::test]
async fn s37_no_answer_lets_another_site_read_it_preflights_too_over_a_socket() {
    let both = Both::start().await;
    for (port, routes) in both.ports.into_iter().zip([ROUTES, OPERATIONS]) {
        for (route, _) in resources(routes) {
            for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example", &format!("http://127.0.0.1:{port}")] {
                let preflight = format!(
                    "origin: {origin}\r\naccess-control-request-method: PUT\r\naccess-control-request-headers: authorization, content-type\r\n"
                );
                for (method, more) in [
                    ("GET", format!("origin: {origin}\r\n")),
                    ("POST", format!("origin: {origin}\r\ncontent-length: 0\r\n")),
                    ("OPTIONS", preflight),
                ] {
                    let (_, text) = both.ask(port, &format!("{method} {}", address(route, &both.token)), &more).await;
                    assert!(!text.to_lowercase().contains("access-control-"), "{method} {} from {origin}: {text}", route.path);
                    assert!(!text.contains("evil"), "{text}");
                }
            }
        }
    }
    both.stop().await;
}

/// A gigabyte of nothing, packed: what it would be is never seen, so any bytes that begin like it will do.
fn bomb(encoding: &str) -> Vec<u8> {
    let magic: &[u8] = match encoding {
        "gzip" => b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff",
        "zstd" => b"\x28\xb5\x2f\xfd\xa4\x00\x00\x00\x40",
        _ => b"\xcf\xff\xff\x7f",
    };
    [magic, &[0; 50_000]].concat()
}

/// Posts something packed, in the type that the route reads; a stream of lines at the door that takes one.
fn packed(home: &Home, route: &Route, address: &str, bearer: &str, encoding: &str) -> (u16, String) {
    let kind = match route.path {
        "/api/v1/deposits" if encoding == "zstd" => "application/x-ndjson",
        path if path.starts_with("/api/") => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    let body = bomb(encoding);
    let head = format!(
        "{} {address} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nAuthorization: Bearer {bearer}\r\n\
         Content-Type: {kind}\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        route.method,
        body.len(),
        port = home.port,
    );
    let mut stream = home.connect();
    stream.write_all(head.as_bytes()).unwrap();
    // It may answer before it has read all.
    let _ = stream.write_all(&body);
    let mut text = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    (text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0), text)
}

#[test]
fn s66_a_packed_body_is_refused_on_every_route_that_takes_one_and_takes_no_memory() {
    let home = Home::ready("http://127.0.0.1:9");
    let make = |door: &[&str]| {
        let all = ["token", "create", "--name", "t", "--scope", "escrow:write", "--scope", "devices:write"];
        home.run(&[&all[..], door].concat()).ok().out.trim().to_owned()
    };
    let (bearer, agent) = (make(&[]), make(&["--door", "crypt-path"]));
    let server = home.serve();
    assert_eq!(home.get("/healthz").0, 200);
    let before = resident(server.pid());
    let takes_bodies: Vec<_> = ROUTES.iter().filter(|r| r.method == "POST" || r.method == "PUT").collect();
    assert!(takes_bodies.len() >= 10);
    // The server waits a moment for the peer of a connection that it ends early: all routes at a time.
    std::thread::scope(|scope| {
        for route in takes_bodies {
            let (home, bearer, agent) = (&home, &bearer, &agent);
            scope.spawn(move || {
                for encoding in ["gzip", "br", "zstd", "GZIP", "identity, gzip"] {
                    let (status, text) = packed(home, route, &address(route, agent), bearer, encoding);
                    assert!([415, 413].contains(&status), "{} {} {encoding}: {text}", route.method, route.path);
                }
            });
        }
    });
    let after = resident(server.pid());
    assert!(after < before + 50 * 1024, "{before} KiB before, {after} KiB after");
    assert_eq!(home.get("/healthz").0, 200);
}
