//! Several servers of one database, a primary and its standbys: which of them takes writes, now.
//!
//! Each is asked over a connection of its own, and the pool follows the answers. Two that both say they take writes are two
//! histories of one database: nothing is written until one of them stops.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::sync::Notify;
use url::Url;

use super::{StoreError, takes_writes};

/// A server that says nothing for so long is taken for silent.
const DEADLINE: Duration = Duration::from_millis(800);
/// How often all are asked while one takes writes; while none does, or two do.
const CALM: Duration = Duration::from_secs(1);
const TROUBLED: Duration = Duration::from_millis(200);
/// How long a start looks for a server that takes writes.
const START: Duration = Duration::from_secs(4);

/// How many servers take writes, only read, or do not answer, as they last said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Servers {
    pub writing: usize,
    pub reading: usize,
    pub silent: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Writes,
    Reads,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// This one takes writes, and no other.
    One(usize),
    None,
    /// These two, and perhaps more.
    Two(usize, usize),
}

struct Server {
    /// As it is called in the log.
    name: String,
    options: PgConnectOptions,
}

struct State {
    /// Of the server in use.
    options: PgConnectOptions,
    current: usize,
    /// When another one came into use.
    moved: Option<Instant>,
    verdict: Verdict,
    seen: Servers,
}

pub struct Hosts {
    all: Vec<Server>,
    state: Mutex<State>,
    trouble: Notify,
}

impl Hosts {
    /// The server of an address, and others of which everything but host and port is the same.
    ///
    /// # Errors
    /// [`StoreError::Config`]: one that is no `HOST` or `HOST:PORT`, or is named twice.
    pub fn of(first: PgConnectOptions, others: &[String]) -> Result<Self, StoreError> {
        let mut all = vec![Server { name: name(&first), options: first.clone() }];
        for text in others {
            let options = elsewhere(&first, text)?;
            let name = name(&options);
            if all.iter().any(|server| server.name == name) {
                return Err(StoreError::Config(format!("other_hosts: the server {name} is named twice")));
            }
            all.push(Server { name, options });
        }
        let state = State { options: first, current: 0, moved: None, verdict: Verdict::One(0), seen: Servers::default() };
        Ok(Self { all, state: Mutex::new(state), trouble: Notify::new() })
    }

    pub fn several(&self) -> bool {
        self.all.len() > 1
    }

    /// How to connect to the server in use.
    pub fn options(&self) -> PgConnectOptions {
        self.state().options.clone()
    }

    pub fn seen(&self) -> Option<Servers> {
        self.several().then(|| self.state().seen)
    }

    /// Why nothing is to be written now, if that is so.
    pub fn refusal(&self) -> Option<StoreError> {
        matches!(self.state().verdict, Verdict::Two(..)).then(two_write)
    }

    /// Was a connection of that age opened to a server that is no longer in use?
    pub fn outlived(&self, age: Duration) -> bool {
        self.state().moved.is_some_and(|moved| age > moved.elapsed())
    }

    /// A connection failed: all are asked at once.
    pub fn trouble(&self) {
        self.trouble.notify_one();
    }

    /// Looks for the server that takes writes, before there is a pool.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] says what each is like.
    pub async fn find(&self) -> Result<(), StoreError> {
        let (began, mut lines) = (Instant::now(), self.lines());
        loop {
            let said = ask(&mut lines).await;
            match self.take(&said) {
                Verdict::One(_) => return Ok(()),
                Verdict::Two(..) => return Err(two_write()),
                Verdict::None if began.elapsed() >= START => return Err(self.none_writes(&said)),
                Verdict::None => tokio::time::sleep(TROUBLED).await,
            }
        }
    }

    /// Keeps the pool with the server that takes writes, for ever.
    pub async fn watch(&self, pool: &PgPool) {
        let mut lines = self.lines();
        loop {
            tokio::time::sleep(TROUBLED).await;
            if matches!(self.state().verdict, Verdict::One(_)) {
                drop(tokio::time::timeout(CALM - TROUBLED, self.trouble.notified()).await);
            }
            let before = self.state().current;
            self.take(&ask(&mut lines).await);
            if self.state().current != before {
                pool.set_connect_options(self.options());
            }
        }
    }

    fn lines(&self) -> Vec<Line<'_>> {
        self.all.iter().map(|server| Line { options: &server.options, open: None }).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the conclusion, and says in the log what is new about it.
    fn take(&self, said: &[Said]) -> Verdict {
        let verdict = judge(said);
        let count = |what| said.iter().filter(|said| **said == what).count();
        let mut state = self.state();
        state.seen = Servers { writing: count(Said::Writes), reading: count(Said::Reads), silent: count(Said::Nothing) };
        if let Verdict::One(one) = verdict
            && one != state.current
            && let Some(server) = self.all.get(one)
        {
            state.current = one;
            state.options = server.options.clone();
            state.moved = Some(Instant::now());
        }
        if verdict != std::mem::replace(&mut state.verdict, verdict) {
            drop(state);
            let called = |n: usize| self.all.get(n).map_or("?", |server| server.name.as_str());
            match verdict {
                Verdict::One(one) => tracing::warn!(server = called(one), "this server of the database takes the writes now"),
                Verdict::None => tracing::warn!("no server of the database takes writes"),
                Verdict::Two(one, two) => tracing::error!(
                    one = called(one),
                    two = called(two),
                    "two servers of the database say that they take writes: nothing is written until one of them is stopped"
                ),
            }
        }
        verdict
    }

    fn none_writes(&self, said: &[Said]) -> StoreError {
        let each = self.all.iter().zip(said).map(|(server, said)| match said {
            Said::Nothing => format!("{} does not answer", server.name),
            Said::Reads | Said::Writes => format!("{} only reads", server.name),
        });
        StoreError::Unavailable(format!("no server takes writes: {}", each.collect::<Vec<_>>().join(", ")))
    }
}

fn two_write() -> StoreError {
    StoreError::Unavailable("two servers say that they take writes".to_owned())
}

fn judge(said: &[Said]) -> Verdict {
    let mut writers = said.iter().enumerate().filter(|(_, said)| **said == Said::Writes).map(|(n, _)| n);
    match (writers.next(), writers.next()) {
        (Some(one), None) => Verdict::One(one),
        (Some(one), Some(two)) => Verdict::Two(one, two),
        (None, _) => Verdict::None,
    }
}

/// A kept connection to one server.
struct Line<'a> {
    options: &'a PgConnectOptions,
    open: Option<PgConnection>,
}

impl Line<'_> {
    async fn ask(&mut self) -> Said {
        let answer = tokio::time::timeout(DEADLINE, async {
            let mut conn = match self.open.take() {
                Some(conn) => conn,
                None => PgConnection::connect_with(self.options).await?,
            };
            let writes = takes_writes(&mut conn).await?;
            self.open = Some(conn);
            Ok::<_, sqlx::Error>(writes)
        });
        match answer.await {
            Ok(Ok(true)) => Said::Writes,
            Ok(Ok(false)) => Said::Reads,
            _ => Said::Nothing,
        }
    }
}

async fn ask(lines: &mut [Line<'_>]) -> Vec<Said> {
    join_all(lines.iter_mut().map(Line::ask)).await
}

/// Another server with the same database.
fn elsewhere(first: &PgConnectOptions, text: &str) -> Result<PgConnectOptions, StoreError> {
    let bad = || StoreError::Config(format!("other_hosts: {text:?} is not HOST or HOST:PORT"));
    let parsed = Url::parse(&format!("postgres://{text}")).map_err(|_| bad())?;
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
    let bare = parsed.username().is_empty() && parsed.password().is_none() && parsed.path().is_empty();
    if !bare || parsed.query().is_some() || parsed.fragment().is_some() || text.contains(',') {
        return Err(bad());
    }
    let options = first.clone().host(host.trim_matches(['[', ']']));
    Ok(options.port(parsed.port().unwrap_or_else(|| first.get_port())))
}

fn name(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn one_that_takes_writes_is_followed_and_two_are_none() {
        use Said::{Nothing, Reads, Writes};
        for (said, verdict) in [
            (vec![Writes, Reads], Verdict::One(0)),
            (vec![Nothing, Writes], Verdict::One(1)),
            (vec![Reads, Nothing, Writes], Verdict::One(2)),
            (vec![Reads, Nothing], Verdict::None),
            (vec![Writes, Reads, Writes], Verdict::Two(0, 2)),
        ] {
            assert_eq!(judge(&said), verdict, "{said:?}");
        }
    }

    #[test]
    fn others_have_everything_of_the_first_but_host_and_port() {
        let first = PgConnectOptions::from_str("postgres://kh:hush@db1:6000/keys?sslmode=require").unwrap();
        for (text, named) in [("db2", "db2:6000"), ("db2:5433", "db2:5433"), ("10.0.0.2", "10.0.0.2:6000"), ("[::1]:1", "::1:1")] {
            let hosts = Hosts::of(first.clone(), &[text.to_owned()]).unwrap();
            assert_eq!(hosts.all[1].name, named);
            assert_eq!(hosts.all[1].options.get_username(), "kh");
            assert_eq!(hosts.all[1].options.get_database(), Some("keys"));
        }
        for text in ["", "db1", "db1:6000", "db2,db3", "u@db2", "db2/keys", "db2?x=y", "db2:x", "postgres://db2", "db 2"] {
            let refused = Hosts::of(first.clone(), &[text.to_owned()]).err();
            assert!(matches!(&refused, Some(StoreError::Config(why)) if !why.contains("hush")), "{text}: {refused:?}");
        }
    }
}
