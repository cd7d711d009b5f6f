//! Deposits as a stream of lines: answered line by line, each after its key is on disk, in bounded room and time.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::Engine;
use serde_json::{Value, json};

use crate::hygiene::resident;
use crate::probe::rows;
use crate::process::{Home, Running};
use crate::world::{Answer, KEY, MAC, OTHER_KEY, World};

pub fn line(serial: &str, key: &str) -> String {
    format!("{}\n", json!({ "serial": serial, "recovery_key": key }))
}

pub async fn stream(world: &World, token: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson; charset=utf-8")];
    world.raw(Method::POST, "/api/v1/deposits", &headers, body.to_owned()).await
}

pub fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.is_empty() || answer.text.ends_with('\n'));
    answer.text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

#[actix_web::test]
async fn each_line_is_answered_in_order_and_a_bad_one_fails_alone() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let body = [
            line(MAC, KEY),
            "\n  \r\n".to_owned(),
            "{ nonsense\n".to_owned(),
            line("", KEY),
            line(MAC, KEY).trim_end().to_owned() + "\r\n",
            "[]\n".to_owned(),
            line("C02SECOND001", "nonsense"),
            format!("{}\n", "x".repeat(70_000)),
            line(MAC, OTHER_KEY).trim_end().to_owned(),
        ]
        .concat();
        let answer = stream(&world, &token, &body).await;
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        assert_eq!((answer.header("x-accel-buffering"), answer.header("cache-control")), (Some("no"), Some("no-store")));
        let results = lines(&answer);
        let said: Vec<_> =
            results.iter().map(|r| (r["line"].as_u64().unwrap(), r["status"].as_str().unwrap(), r["code"].as_str())).collect();
        assert_eq!(
            said,
            [
                (1, "new", None),
                (4, "refused", Some("json")),
                (5, "refused", Some("invalid_field")),
                (6, "same", None),
                (7, "refused", Some("invalid_field")),
                (8, "refused", Some("invalid_field")),
                (9, "refused", Some("too_large")),
                (10, "new", None),
            ]
        );
        assert_eq!((&results[2]["field"], &results[5]["field"]), (&"serial".into(), &"recovery_key".into()));
        assert_eq!((&results[0]["serial"], &results[7]["version"]), (&MAC.into(), &2.into()));
        assert!(!answer.text.contains("AAAA") && !answer.text.contains("nonsense"), "nothing is repeated");
        assert_eq!((rows(&world, "key_versions").await, world.count(EventKind::DepositRefused).await), (2, 5));
    }
}

#[actix_web::test]
async fn a_stream_without_a_line_is_an_empty_answer() {
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    for body in ["", "\n", "\n \n\r\n"] {
        assert_eq!(lines(&stream(&world, &token, body).await), Vec::<Value>::new());
    }
}

#[actix_web::test]
async fn a_long_stream_is_stored_whole() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::on(engine, |c| c.api.requests_per_minute = 0).await;
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let body: String = (0..1203).map(|n| line(&format!("C02LONG{n:05}"), KEY)).collect();
        let results = lines(&stream(&world, &token, &body).await);
        assert!(results.iter().enumerate().all(|(n, r)| r["line"] == n + 1 && r["status"] == "new"));
        assert_eq!((results.len(), rows(&world, "key_versions").await), (1203, 1203));
    }
}

#[actix_web::test]
async fn a_stream_needs_its_scope_stays_within_its_pattern_and_takes_no_idempotency_key() {
    let world = World::new().await;
    let reader = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
    assert_eq!(stream(&world, &reader, &line(MAC, KEY)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(stream(&world, "kh_nobody", &line(MAC, KEY)).await.status, StatusCode::UNAUTHORIZED);
    let (_, narrow) = crate::probe::token(&world, |t| t.device_pattern = Some("C02TEST*".into())).await;
    let results = lines(&stream(&world, &narrow, &(line("FVFOTHER0001", KEY) + &line(MAC, KEY))).await);
    assert_eq!((results[0]["code"].as_str(), results[1]["status"].as_str()), (Some("forbidden"), Some("new")));
    let bearer = format!("Bearer {narrow}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson"), ("idempotency-key", "k")];
    let answer = world.raw(Method::POST, "/api/v1/deposits", &headers, line(MAC, OTHER_KEY)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::BAD_REQUEST, &"idempotency_key".into()));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson"), ("content-encoding", "gzip")];
    let answer = world.raw(Method::POST, "/api/v1/deposits", &headers, line(MAC, OTHER_KEY)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::UNSUPPORTED_MEDIA_TYPE, &"content_encoding".into()));
    assert_eq!(rows(&world, "key_versions").await, 1);
}

/// A real server with a second for each line, and a connection in the middle of a stream.
pub struct Sender {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Sender {
    pub fn open(home: &Home, token: &str) -> Self {
        let stream = home.connect();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut sender = Self { answers: BufReader::new(stream.try_clone().unwrap()), stream };
        sender.raw(
            format!(
                "POST /api/v1/deposits HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
                home.port
            )
            .as_bytes(),
        );
        sender
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn chunk(&mut self, text: &str) {
        self.raw(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
    }

    /// The next line of the answer that holds an object.
    pub fn answer(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the answer ended");
            if line.starts_with('{') {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }

    /// What else comes until the server closes.
    fn rest(mut self) -> String {
        let mut text = String::new();
        let _ = self.answers.read_to_string(&mut text);
        text
    }
}

fn ready(deadline: u32) -> (Home, String) {
    let home = Home::ready("http://127.0.0.1:9");
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&settings.replace("[server]", &format!("[server]\nbody_deadline_seconds = {deadline}")));
    let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    (home, token)
}

/// The keys on disk, by serial number, as another process sees them.
fn stored(home: &Home) -> usize {
    let out = home.run(&["audit", "verify"]).ok().out;
    let rows: usize = out.split(" rows").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    rows
}

#[test]
fn a_line_is_answered_while_the_request_is_still_being_sent_and_what_is_acknowledged_is_on_disk() {
    let (home, token) = ready(30);
    let server = home.serve();
    let before = stored(&home);
    let mut sender = Sender::open(&home, &token);
    for n in 0..5 {
        sender.chunk(&line(&format!("C02LIVE{n}"), KEY));
        let answer = sender.answer();
        assert_eq!((&answer["line"], answer["status"].as_str()), (&(n + 1).into(), Some("new")));
        assert_eq!(stored(&home), before + n + 1, "its row is there for everybody");
    }
    // Half a line, and the sender is gone: that line is none, the others stay.
    let half = line("C02HALF", KEY);
    sender.chunk(crate::probe::part(&half, ..half.len() - 1));
    drop(sender);
    drop(server);
    assert_eq!(stored(&home), before + 5);
    let server = home.serve();
    let again = home.deposit(&token, "C02LIVE4", KEY);
    assert!(again.0 == 200 && again.1.contains(r#""status":"same""#), "{}", again.1);
    drop(server);
}

#[test]
fn s67_a_line_that_does_not_come_ends_the_stream_at_its_deadline_and_says_so() {
    let (home, token) = ready(1);
    let _server = home.serve();
    let mut sender = Sender::open(&home, &token);
    sender.chunk(&line(MAC, KEY));
    assert_eq!(sender.answer()["status"], "new");
    // Blank lines are no lines: they buy no time. The server may be gone before all of them are sent.
    for _ in 0..4 {
        if sender.stream.write_all(b"1\r\n\n\r\n").is_err() {
            break;
        }
    }
    let last = sender.answer();
    assert_eq!((last["status"].as_str(), last["code"].as_str()), (Some("aborted"), Some("too_slow")), "{last}");
    let rest = sender.rest();
    assert!(!rest.contains('{'), "then the end: {rest}");
}

#[test]
fn s67_who_sends_on_and_reads_no_answer_is_dropped() {
    let (home, token) = ready(1);
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&(settings + "[api]\nrequests_per_minute = 0\n"));
    let server = home.serve();
    let mut sender = Sender::open(&home, &token);
    sender.stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    // Two bytes ask for fifty: the way back is full long before the way there.
    let junk = "x\n".repeat(8 * 1024);
    let chunk = format!("{:x}\r\n{junk}\r\n", junk.len());
    let end = loop {
        if let Err(e) = sender.stream.write_all(chunk.as_bytes()) {
            break e;
        }
    };
    assert!(matches!(end.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "the server keeps the connection: {end}");
    // One who reads is not in a hurry.
    let mut reader = Sender::open(&home, &token);
    for n in 0..3 {
        reader.chunk(&line(&format!("C02READ{n}"), KEY));
        assert_eq!(reader.answer()["status"], "new");
    }
    drop(server);
}

#[actix_web::test]
async fn s42_a_token_revoked_in_the_middle_of_a_stream_ends_it() {
    let (home, token) = ready(30);
    let _server = home.serve();
    let id = token.split('_').nth(1).unwrap().to_owned();
    let mut sender = Sender::open(&home, &token);
    sender.chunk(&line(MAC, KEY));
    assert_eq!(sender.answer()["status"], "new");
    home.run(&["token", "revoke", &id]).ok();
    sender.chunk(&line("C02LATE00001", KEY));
    let last = sender.answer();
    assert_eq!((&last["line"], last["code"].as_str(), last["status"].as_str()), (&2.into(), Some("bad_token"), Some("aborted")));
    assert!(!sender.rest().contains('{'));
}

#[test]
fn s66_a_stream_of_any_length_takes_no_more_memory() {
    let (home, token) = ready(60);
    let server: Running = home.serve();
    let mut sender = Sender::open(&home, &token);
    sender.chunk(&line(MAC, KEY));
    assert_eq!(sender.answer()["status"], "new");
    let before = resident(server.pid());
    // One line of 64 MiB, then many of the longest that are allowed; nobody reads the answers meanwhile.
    let piece = "x".repeat(64 * 1024);
    for _ in 0..1024 {
        sender.chunk(&piece);
    }
    sender.chunk("\n");
    let long = line(&"L".repeat(300), KEY).trim_end().to_owned() + &" ".repeat(60_000) + "\n";
    for _ in 0..300 {
        sender.chunk(&long);
    }
    sender.chunk(&line("C02AFTER0001", KEY));
    let mut last = sender.answer();
    assert_eq!((&last["line"], last["code"].as_str()), (&2.into(), Some("too_large")));
    while last["line"] != 303 {
        last = sender.answer();
    }
    assert_eq!(last["status"], "new", "{last}");
    let after = resident(server.pid());
    assert!(after < before + 50 * 1024, "{before} KiB before, {after} KiB after");
}

#[actix_web::test]
async fn a_stream_that_the_database_leaves_says_where_to_begin_again() {
    let world = World::new().await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    assert_eq!(lines(&stream(&world, &token, &line(MAC, KEY)).await).len(), 1);
    world.sql("CREATE TRIGGER stop BEFORE INSERT ON key_versions BEGIN SELECT RAISE(ABORT, 'no'); END").await;
    let results = lines(&stream(&world, &token, &("\n".to_owned() + &line("C02B", KEY) + &line("C02C", KEY))).await);
    assert_eq!(results.len(), 1, "{results:?}");
    assert_eq!((&results[0]["line"], results[0]["status"].as_str()), (&2.into(), Some("aborted")));
    world.sql("DROP TRIGGER stop").await;
    assert!(matches!(world.last().await.event.actor, Actor::Token(_)));
}
