//! What the engines do by themselves: rows of about 300 bytes, durable before they are acknowledged, with the driver that the service
//! uses. SQLite in the best way it has (one writer, whatever queued up in one statement), PostgreSQL in the plain one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{mpsc, oneshot};

use crate::generator::number;

const CALLERS: u64 = 64;
/// Most rows of one statement.
const BATCH: usize = 256;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// An id like those of the service, in hexadecimal: the beginning grows.
fn id(n: u64) -> String {
    format!("{n:016x}{:016x}", number(n))
}

/// The rest of 300 bytes.
fn body(n: u64) -> String {
    format!("{:016x}", number(n + 1)).repeat(17)
}

/// Rows a second.
pub fn sqlite(time: Duration) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("bare.db")).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    runtime().block_on(async {
        let mut conn = options.connect().await.unwrap();
        conn.execute("CREATE TABLE bare (id BLOB NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT").await.unwrap();
        let (queue, mut queued) = mpsc::channel::<(u64, oneshot::Sender<()>)>(1024);
        let writer = tokio::spawn(async move {
            let mut batch = Vec::new();
            while queued.recv_many(&mut batch, BATCH).await > 0 {
                let rows = serde_json::Value::from_iter(batch.iter().map(|(n, _)| json!([id(*n), body(*n)])));
                let insert = "INSERT INTO bare (id, body) SELECT unhex(value->>0), value->>1 FROM json_each($1)";
                sqlx::query(insert).bind(rows.to_string()).execute(&mut conn).await.unwrap();
                for (_, waits) in batch.drain(..) {
                    waits.send(()).unwrap();
                }
            }
            conn.close().await.unwrap();
        });
        let watch = Watch::new(time);
        let tasks = (0..CALLERS).map(|_| {
            let (watch, queue) = (watch.clone(), queue.clone());
            tokio::spawn(async move {
                while let Some(n) = watch.next() {
                    let (done, stored) = oneshot::channel();
                    queue.send((n, done)).await.unwrap();
                    stored.await.unwrap();
                    watch.count();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        drop(queue);
        writer.await.unwrap();
        watch.rate()
    })
}

/// Hands numbers out until the time is over, and counts what was done, after a second that does not count.
#[derive(Clone)]
struct Watch {
    begin: Instant,
    end: Instant,
    next: Arc<AtomicU64>,
    counted: Arc<AtomicU64>,
}

impl Watch {
    fn new(time: Duration) -> Self {
        let begin = Instant::now() + Duration::from_secs(1);
        Self { begin, end: begin + time, next: Arc::default(), counted: Arc::default() }
    }

    fn next(&self) -> Option<u64> {
        (Instant::now() < self.end).then(|| self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn count(&self) {
        let now = Instant::now();
        self.counted.fetch_add(u64::from(now >= self.begin && now < self.end), Ordering::Relaxed);
    }

    fn rate(&self) -> f64 {
        self.counted.load(Ordering::Relaxed) as f64 / (self.end - self.begin).as_secs_f64()
    }
}

/// Rows a second.
pub fn postgres(address: &str, time: Duration) -> f64 {
    let options: sqlx::postgres::PgConnectOptions = address.parse().unwrap();
    runtime().block_on(async {
        let mut first = options.connect().await.unwrap();
        for (setting, value) in [("SHOW fsync", "on"), ("SHOW synchronous_commit", "on"), ("SHOW full_page_writes", "on")] {
            assert_eq!(sqlx::query_scalar::<_, String>(setting).fetch_one(&mut first).await.unwrap(), value, "{setting}");
        }
        first.execute("CREATE TABLE bare (id BYTEA NOT NULL PRIMARY KEY, body TEXT NOT NULL)").await.unwrap();
        let watch = Watch::new(time);
        let mut tasks = Vec::new();
        for _ in 0..CALLERS {
            let (mut conn, watch) = (options.connect().await.unwrap(), watch.clone());
            tasks.push(tokio::spawn(async move {
                while let Some(n) = watch.next() {
                    let insert = sqlx::query("INSERT INTO bare (id, body) VALUES (decode($1, 'hex'), $2)");
                    insert.bind(id(n)).bind(body(n)).execute(&mut conn).await.unwrap();
                    watch.count();
                }
                conn.close().await.unwrap();
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        first.close().await.unwrap();
        watch.rate()
    })
}
