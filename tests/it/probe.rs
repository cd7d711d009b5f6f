//! What a test sees behind the server's back (rows, files, dumps, log lines), and callers of its own making.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use actix_web::http::Method;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{ApiToken, Door, Scope, Scopes};
use keyharbor::service::tokens::NewToken;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tracing::subscriber::DefaultGuard;

use crate::world::{Answer, World};

pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TABLES: [&str; 13] = [
    "devices",
    "device_owners",
    "login_bindings",
    "people",
    "sessions",
    "sign_ins",
    "api_tokens",
    "key_versions",
    "reveal_grants",
    "key_ring",
    "audit_events",
    "quotas",
    "idempotency_keys",
];

/// One whole number from the database.
pub async fn number(url: &str, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite") {
        sqlx::query_scalar(sql).fetch_one(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap()
    } else {
        sqlx::query_scalar(sql).fetch_one(&mut PgConnection::connect(url).await.unwrap()).await.unwrap()
    }
}

/// The same for a text.
pub async fn text(url: &str, sql: &str) -> String {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite") {
        sqlx::query_scalar(sql).fetch_one(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap()
    } else {
        sqlx::query_scalar(sql).fetch_one(&mut PgConnection::connect(url).await.unwrap()).await.unwrap()
    }
}

pub async fn rows(world: &World, table: &str) -> i64 {
    number(&world.fresh.url, &format!("SELECT count(*) FROM {table}")).await
}

/// How many rows each table has, but for the trail.
pub async fn census(world: &World) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for table in TABLES.into_iter().filter(|t| *t != "audit_events") {
        counts.push((table, rows(world, table).await));
    }
    counts
}

/// Every byte that a thief of the database gets: the files of SQLite with the write-ahead log, a dump of PostgreSQL.
pub fn stolen(world: &World) -> Vec<u8> {
    let Some(file) = world.fresh.url.strip_prefix("sqlite://") else {
        let mut tools: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .unwrap()
            .map(|e| e.unwrap().path().join("bin/pg_dump"))
            .filter(|p| p.exists())
            .collect();
        tools.sort();
        let dump = Command::new(tools.pop().unwrap()).arg(&world.fresh.url).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        return dump.stdout;
    };
    ["", "-wal", "-shm"].iter().flat_map(|end| std::fs::read(format!("{file}{end}")).unwrap_or_default()).collect()
}

/// Bytes made ready for many searches: each is a character of the same number, so that the standard library's search of
/// texts, which is quick in a debug build too, can be used.
pub struct Searchable(String);

impl Searchable {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|b| char::from(*b)).collect())
    }

    /// Is the text in there: as it stands, in lower case, in hexadecimal, in base64?
    pub fn holds(&self, text: &str) -> bool {
        use base64::Engine as _;
        assert!(text.is_ascii(), "{text}");
        let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
        let base64 = base64::prelude::BASE64_STANDARD_NO_PAD.encode(text);
        let whole = part(&base64, ..base64.len() / 4 * 4);
        [text, &text.to_lowercase(), &hex, &hex.to_uppercase(), whole].iter().any(|needle| self.0.contains(needle))
    }
}

/// One search.
pub fn holds(haystack: &[u8], text: &str) -> bool {
    Searchable::new(haystack).holds(text)
}

/// Some characters of a text, which must be there.
pub fn part(text: &str, range: impl std::slice::SliceIndex<str, Output = str>) -> &str {
    text.get(range).unwrap()
}

pub fn new_token() -> NewToken {
    let scopes = Scopes::default().with(Scope::EscrowWrite);
    NewToken { name: "test".into(), scopes, door: Door::Header, device_pattern: None, trust: Trust::Observed, expires_at: None }
}

/// A token that is like `World::token`'s until changed.
pub async fn token(world: &World, change: impl FnOnce(&mut NewToken)) -> (ApiToken, String) {
    let mut new = new_token();
    change(&mut new);
    let (token, text) = world.service.create_token(new, Actor::Operator).await.unwrap();
    (token, text.as_str().to_owned())
}

/// A form posted to an agent's door.
pub async fn form(world: &World, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers: Vec<_> = headers.iter().copied().chain([FORM]).collect();
    world.raw(Method::POST, path, &headers, body).await
}

/// An answer without what may differ from request to request.
pub fn masked(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).filter(|(n, _)| n != "date").collect();
    // Requests are counted, whatever they ask for.
    if let Some((_, left)) = headers.iter_mut().find(|(name, _)| name == "ratelimit") {
        *left = "masked".into();
    }
    headers.sort();
    let text = match serde_json::from_str::<serde_json::Value>(&answer.text) {
        Ok(mut body) => {
            body["request_id"] = "masked".into();
            body.to_string()
        }
        Err(_) => answer.text.clone(),
    };
    (answer.status.as_u16(), headers, text)
}

/// The program's own log at its most talkative, kept for this test's thread.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub fn start() -> (Self, DefaultGuard) {
        // With one subscriber alone, a line that another test's thread reaches first would be taken for one that nobody wants.
        static SECOND: OnceLock<tracing::Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| keyharbor::telemetry::lines("trace", std::io::sink).into());
        let logs = Self::default();
        let writer = logs.clone();
        let lines = keyharbor::telemetry::lines("trace", move || writer.clone());
        (logs, tracing::subscriber::set_default(lines))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
