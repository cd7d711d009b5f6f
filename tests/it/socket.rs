//! The server itself, over a real socket: heads and bodies that are too long, too slow, or odd.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use keyharbor::cli::serve;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::World;

/// No test waits longer than this for anything; none expects to.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    /// Where somebody known hands keys in.
    door: String,
    _world: World,
}

impl Server {
    /// As `serve` starts it, with one second for a body.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let world = World::with(|c| {
            c.server.public_url = format!("http://{address}");
            (c.server.body_deadline_seconds, c.server.workers, c.server.drain_seconds) = (1, 1, 1);
        })
        .await;
        let server = serve::start(world.service.clone(), listener, None).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        Self { address, handle, door: format!("POST /compat/crypt/{token}/checkin/"), _world: world }
    }

    async fn open(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends all of it; answers what comes until the server closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.open().await;
        // The server may answer and close before it has read all.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    fn head(&self, line: &str, more: &str) -> String {
        format!("{line} HTTP/1.1\r\nhost: {}\r\n{more}\r\n", self.address)
    }

    async fn lives(&self) {
        let answer = self.exchange(self.head("GET /healthz", "connection: close\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// Everything until the connection ends.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset after the answer is an end, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server keeps the connection open");
    String::from_utf8_lossy(&all).into_owned()
}

fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|a| a.get(..3))
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// One byte now and then, until the server closes; answers what it said.
async fn drip(mut stream: TcpStream, drop: &[u8]) -> String {
    let (mut all, mut buffer) = (Vec::new(), [0u8; 4096]);
    for _ in 0..300 {
        let sent = stream.write_all(drop).await;
        match timeout(Duration::from_millis(100), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return String::from_utf8_lossy(&all).into_owned(),
            Ok(Ok(n)) => all.extend_from_slice(&buffer[..n]),
            Err(_) if sent.is_err() => return String::from_utf8_lossy(&all).into_owned(),
            Err(_) => {}
        }
    }
    panic!("the server reads on, however slowly the body comes: {}", String::from_utf8_lossy(&all));
}

#[actix_web::test]
async fn s65_s67_a_slow_body_is_closed_at_its_deadline() {
    let server = Server::start().await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    for (length, drop) in [("content-length: 5000\r\n", &b"a"[..]), ("transfer-encoding: chunked\r\n", b"1\r\na\r\n")] {
        let mut stream = server.open().await;
        stream.write_all(server.head(&server.door, &format!("{form}{length}")).as_bytes()).await.unwrap();
        let answer = drip(stream, drop).await;
        assert_eq!(status(&answer), 408, "{length}: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        assert!(answer.to_lowercase().contains("x-content-type-options: nosniff"), "{answer}");
    }
    server.lives().await;
    server.stop().await;
}

#[actix_web::test]
async fn s65_s67_a_body_that_nobody_reads_keeps_no_connection() {
    let server = Server::start().await;
    for (length, drop) in [("content-length: 5000\r\n", &b"a"[..]), ("transfer-encoding: chunked\r\n", b"1\r\na\r\n")] {
        for (line, wanted) in
            [("POST /api/v1/deposits", 401), ("POST /sign-out", 403), ("GET /healthz", 200), ("POST /nothing", 403), ("BREW /", 405)]
        {
            let mut stream = server.open().await;
            stream.write_all(server.head(line, length).as_bytes()).await.unwrap();
            let answer = drip(stream, drop).await;
            assert_eq!(status(&answer), wanted, "{line} {length}: {answer}");
        }
    }
    server.lives().await;
    server.stop().await;
}

#[actix_web::test]
async fn s65_a_head_with_too_many_or_too_long_lines_is_4xx() {
    let server = Server::start().await;
    let many = (0..97).map(|i| format!("x-{i}: 1\r\n")).collect::<String>();
    let long = format!("x-long: {}\r\n", "a".repeat(128 * 1024));
    let address = format!("GET /{} HTTP/1.1\r\nhost: {}\r\n\r\n", "a".repeat(128 * 1024), server.address);
    for bytes in [server.head("GET /help", &many), server.head("GET /help", &long), address] {
        let answer = server.exchange(bytes.as_bytes()).await;
        assert!((400..500).contains(&status(&answer)), "{answer}");
        assert!(!answer.contains("aaaa") && !answer.contains("x-96"), "{answer}");
    }
    let enough = (0..90).map(|i| format!("x-{i}: 1\r\n")).collect::<String>();
    let answer = server.exchange(server.head("GET /help", &format!("{enough}connection: close\r\n")).as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    server.stop().await;
}

#[actix_web::test]
async fn s65_too_large_a_body_is_413_and_the_connection_ends() {
    let server = Server::start().await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let declared = server.head(&server.door, &format!("{form}content-length: 70000\r\n"));
    assert_eq!(status(&server.exchange(declared.as_bytes()).await), 413);
    let mut chunked = server.head(&server.door, &format!("{form}transfer-encoding: chunked\r\n"));
    for _ in 0..17 {
        chunked.push_str(&format!("1000\r\n{}\r\n", "a".repeat(4096)));
    }
    let answer = server.exchange(chunked.as_bytes()).await;
    assert_eq!(status(&answer), 413, "{answer}");
    server.lives().await;
    server.stop().await;
}

#[actix_web::test]
async fn s34_a_request_names_this_server_once_and_no_other() {
    let server = Server::start().await;
    let at = server.address;
    let cases = [
        (format!("GET http://evil.example/help HTTP/1.1\r\nhost: {at}\r\n"), 421),
        (format!("GET http://{at}@evil.example/help HTTP/1.1\r\nhost: {at}\r\n"), 421),
        (format!("GET http://{at}/help HTTP/1.1\r\nhost: {at}\r\n"), 200),
        ("GET /help HTTP/1.1\r\nhost: evil.example\r\n".to_owned(), 421),
        (format!("GET /help HTTP/1.1\r\nhost: evil.example\r\nhost: {at}\r\n"), 400),
        (format!("GET /help HTTP/1.1\r\nhost: {at}\r\nhost: evil.example\r\n"), 400),
        ("GET /help HTTP/1.1\r\n".to_owned(), 400),
        ("GET /help HTTP/1.1\r\nhost:\r\n".to_owned(), 421),
        (format!("GET /help HTTP/1.1\r\nhost: {at}\r\n"), 200),
    ];
    for (head, wanted) in cases {
        let answer = server.exchange(format!("{head}connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(status(&answer), wanted, "{head}: {answer}");
        assert!(!answer.contains("evil"), "{answer}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn s74_s36_two_readers_of_one_request_would_agree_on_it() {
    let server = Server::start().await;
    let odd = [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "x-folded: a\r\n b\r\n",
        "x bad: 1\r\n",
    ];
    for more in odd {
        let bytes = server.head("POST /compat/crypt/checkin/", more) + "0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n";
        let answer = server.exchange(bytes.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{more}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{more}: one answer, then the end");
    }
    for (line, allow) in
        [("TRACE /", "GET, HEAD"), ("CONNECT /sign-out", "POST"), ("HEAD /reveals/x/renew", "POST"), ("HEAD /reveals/x", "GET")]
    {
        let answer = server.exchange(server.head(line, "connection: close\r\n").as_bytes()).await;
        assert_eq!(status(&answer), 405, "{line}: {answer}");
        assert!(answer.contains(&format!("allow: {allow}\r\n")), "{line}: {answer}");
        assert!(!line.starts_with("HEAD") || answer.ends_with("\r\n\r\n"), "{line}: an answer to HEAD has no body");
        assert!(!answer.to_lowercase().contains("\r\nserver:"), "{answer}");
    }
    server.stop().await;
}
