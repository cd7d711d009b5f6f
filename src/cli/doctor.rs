//! `doctor`: everything about an installation that can be seen from its host, a line each. Changes nothing.
//!
//! To be run as the user that runs the server: what that user may read and write is part of the question.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use secrecy::ExposeSecret as _;

use super::connect;
use super::out::plainly;
use super::report::report;
use crate::config::{Config, Migrate};
use crate::crypto::Ring;
use crate::domain::finding::{Finding, State, counted};
use crate::domain::ids::{Env, Timestamp};
use crate::oidc::Oidc;
use crate::service::custody::follow::{MANY_SEALED, TOO_MANY_SEALED};
use crate::service::custody::{open_ring, root_key};
use crate::service::moving::Hold;
use crate::service::trail::{Verdict, verify_tail};
use crate::store::{Engine, Store, StoreError};

#[derive(Args)]
pub struct Doctor {
    /// One JSON object in place of lines.
    #[arg(long)]
    json: bool,
}

/// Rows of the trail that are checked, from its end.
const TAIL: i64 = 1000;
const DAY: i64 = 86_400;
/// A key that protects keys is renewed yearly, and not used for more than two years.
const KEK_DAYS: (i64, i64) = (365, 730);
/// Days before a token ends.
const TOKEN_DAYS: i64 = 30;
/// Seconds that the host's clock may be off.
const CLOCK_SECONDS: i64 = 30;
const MIB: u64 = 1 << 20;
/// Free space on the database's disk.
const DISK: (u64, u64) = (1024 * MIB, 64 * MIB);

pub async fn run(doctor: Doctor, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    Ok(if report(&examine(file).await, doctor.json)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(file: Option<&Path>) -> Vec<Finding> {
    let mut found = vec![Finding::ok("version", env!("CARGO_PKG_VERSION"))];
    let config = match Config::read(file, None) {
        Ok(config) => config,
        Err(e) => return found.into_iter().chain([Finding::wrong("settings", e.to_string())]).collect(),
    };
    let usable = config.check();
    match &usable {
        Ok(()) => found.push(Finding::ok("settings", "can be used")),
        Err(e) => found.push(Finding::wrong("settings", e.to_string())),
    }
    found.extend(config.warnings().into_iter().map(|w| Finding::warning("settings", w)));
    found.extend(file.map(settings_file));
    let root = root_key(&config.custody);
    found.push(match &root {
        Ok(root) => Finding::ok("root key", format!("can be read; its name is {}", root.name())),
        Err(e) => Finding::wrong("root key", e.to_string()),
    });
    let (_, env) = crate::service::clock::system();
    if let Some(store) = database(&config, &env, &mut found).await {
        match (&root, store.pending_migrations().await) {
            (Ok(root), Ok(missing)) if missing.is_empty() => match open_ring(&store, root, true).await {
                Ok(ring) => found.extend(data(&store, &ring, &env).await),
                Err(e) => found.push(Finding::wrong("key ring", e.to_string())),
            },
            _ => {}
        }
    }
    if usable.is_ok() {
        found.extend(provider(&config, env).await);
        found.push(server(&config.server.listen));
    }
    found
}

/// Who may read and write the settings.
fn settings_file(file: &Path) -> Finding {
    let about = "settings file";
    let shown = file.display();
    let Ok(meta) = std::fs::metadata(file) else { return Finding::wrong(about, format!("{shown} is not there")) };
    let mode = meta.permissions().mode() & 0o777;
    let secrets = Config::read(Some(file), Some(std::collections::HashMap::default())).is_ok_and(|c| c.holds_secrets());
    if mode & 0o022 != 0 {
        Finding::wrong(about, format!("{shown} can be changed by others (mode {mode:o}): chmod go-w"))
    } else if mode & 0o004 != 0 && secrets {
        Finding::wrong(
            about,
            format!("{shown} holds a secret and can be read by everybody (mode {mode:o}): chmod 600, or use the *_file settings"),
        )
    } else {
        Finding::ok(about, format!("{shown}, mode {mode:o}"))
    }
}

/// Reached, migrated, writable, with room; the store, if there is one to go on with.
async fn database(config: &Config, env: &Env, found: &mut Vec<Finding>) -> Option<Store> {
    let about = "database";
    let file = match config.database_url() {
        Ok(url) => url.expose_secret().strip_prefix("sqlite://").map(|path| Path::new(path).to_owned()),
        Err(e) => {
            found.push(Finding::wrong(about, e.to_string()));
            return None;
        }
    };
    if let Some(file) = file.as_deref().filter(|file| !file.exists()) {
        // Connecting would make it.
        found.push(Finding::wrong(about, format!("{} is not there: run `keyharbor init`, or restore a backup", file.display())));
        return None;
    }
    let opened = async {
        let store = connect(config).await?;
        store.pending_migrations().await?;
        anyhow::Ok(store)
    };
    let store = match opened.await {
        Ok(store) => store,
        Err(e) => {
            found.push(Finding::wrong(about, plainly(&e)));
            return None;
        }
    };
    let missing = store.pending_migrations().await.unwrap_or_default();
    found.push(match (missing.len(), config.database.migrate) {
        (0, _) => match store.ping().await {
            Ok(()) => Finding::ok(about, format!("{} answers, is up to date and takes writes", engine(&store))),
            Err(StoreError::Held) => Finding::wrong(about, held(&store).await),
            Err(e) => Finding::wrong(about, format!("it takes no writes: {e}")),
        },
        (n, Migrate::Auto) => {
            Finding::warning(about, format!("it lacks {}; `keyharbor serve` applies what is missing at its start", counted(n, "migration")))
        }
        (n, _) => Finding::wrong(about, format!("it lacks {}: run `keyharbor migrate`", counted(n, "migration"))),
    });
    found.extend(file.as_deref().and_then(Path::parent).map(room));
    found.extend(clock(&store, env).await);
    if missing.is_empty() {
        match store.may_change_trail().await {
            Ok(false) => {}
            Ok(true) => found.push(Finding::warning(about, super::CHANGES_TRAIL)),
            Err(e) => found.push(Finding::wrong(about, e.to_string())),
        }
    }
    Some(store)
}

/// It was moved, or is about to be: where to, and what is to be done.
async fn held(store: &Store) -> String {
    let held = async { store.read().await?.held().await };
    match held.await {
        Ok(held) => Hold::refusal(&held.unwrap_or_default()),
        Err(e) => e.to_string(),
    }
}

fn engine(store: &Store) -> &'static str {
    match store.engine() {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

fn room(folder: &Path) -> Finding {
    let about = "disk";
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Finding::warning(about, "the free space cannot be read") };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} MiB are free in {}", free / MIB, folder.display());
    match free {
        n if n < DISK.1 => Finding::wrong(about, format!("{text}: without room no key is taken in or shown")),
        n if n < DISK.0 => Finding::warning(about, format!("{text}: make room")),
        _ => Finding::ok(about, text),
    }
}

/// Replicas go by the database's clock, so a host's own may be off; who signs and what is logged elsewhere is not helped by that.
async fn clock(store: &Store, env: &Env) -> Option<Finding> {
    let theirs = store.now().await.ok()??;
    let apart = env.now().seconds_since(theirs);
    Some(match apart.abs() {
        n if n < CLOCK_SECONDS => Finding::ok("clock", format!("{apart} seconds from the database's")),
        _ => Finding::warning("clock", format!("{apart} seconds from the database's, which counts: set up NTP on both")),
    })
}

/// What lies in the database.
async fn data(store: &Store, ring: &Ring, env: &Env) -> Vec<Finding> {
    let mut found = vec![match (ring.is_demo(), ring.is_confirmed()) {
        (true, _) => Finding::wrong("key ring", "it was made by `keyharbor demo`, and `keyharbor serve` refuses it"),
        (false, true) => Finding::ok("key ring", "the root key opens it, and a copy of the root key was confirmed"),
        (false, false) => Finding::warning(
            "key ring",
            "the root key opens it, but nobody has confirmed a copy of the root key: run `keyharbor keyring kit`, then `keyharbor keyring confirm`",
        ),
    }];
    found.push(key_age(env.now().seconds_since(ring.kek_created_at()) / DAY));
    let trouble = |about: &'static str, e: StoreError| Finding::wrong(about, e.to_string());
    match async { store.read().await?.kek_uses(ring.active_kek()).await }.await {
        Ok(sealed) => found.extend(key_use(sealed)),
        Err(e) => found.push(trouble("key use", e)),
    }
    found.push(match verify_tail(store, ring, TAIL).await {
        Ok(Verdict::Broken { seq, why }) => Finding::wrong("trail", format!("row {seq}: {why}; see `keyharbor audit verify`")),
        Ok(Verdict::Whole { seq, .. }) => Finding::ok("trail", format!("the last {} of {seq} rows verify", TAIL.min(seq))),
        Ok(_) => Finding::ok("trail", "is empty"),
        Err(e) => trouble("trail", e),
    });
    match tokens(store, ring, env.now()).await {
        Ok(lines) => found.extend(lines),
        Err(e) => found.push(trouble("tokens", e)),
    }
    found
}

fn key_age(days: i64) -> Finding {
    let text = format!("the active key-encrypting key is {days} days old");
    match days {
        n if n >= KEK_DAYS.1 => Finding::wrong("key age", format!("{text}; two years are the most")),
        n if n >= KEK_DAYS.0 => Finding::warning("key age", format!("{text}; it should be renewed each year")),
        _ => Finding::ok("key age", text),
    }
}

/// Only once it is much.
fn key_use(sealed: i64) -> Option<Finding> {
    let text = format!(
        "the active key-encrypting key has sealed {sealed} values: run `keyharbor keyring rotate`, then `keyharbor keyring rewrap`"
    );
    match sealed {
        n if n >= TOO_MANY_SEALED => Some(Finding::wrong("key use", text)),
        n if n >= MANY_SEALED => Some(Finding::warning("key use", text)),
        _ => None,
    }
}

async fn tokens(store: &Store, ring: &Ring, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
    let rows = store.read().await?.tokens().await?;
    let all = rows.len();
    let waiting = rows.iter().filter(|row| row.waits(ring)).count();
    let good: Vec<_> = rows.into_iter().filter_map(|row| row.check(ring).ok()).collect();
    let mut found = Vec::new();
    if waiting > 0 {
        let text =
            format!("{waiting} wait for approval since a restore and are refused: `keyharbor token list`, then `keyharbor token approve`");
        found.push(Finding::warning("tokens", text));
    }
    let bad = all - good.len() - waiting;
    if bad > 0 {
        let text = format!("{bad} do not verify and are refused: changed behind the server's back; `keyharbor audit verify` names them");
        found.push(Finding::warning("tokens", text));
    }
    let ends_soon = |t: &&crate::domain::ApiToken| t.live(now) && t.expires_at.is_some_and(|end| end < now.plus_seconds(TOKEN_DAYS * DAY));
    for token in good.iter().filter(ends_soon) {
        let end = token.expires_at.map(|t| t.to_utc().format("%Y-%m-%d").to_string()).unwrap_or_default();
        found.push(Finding::warning("tokens", format!("{} ({}) ends on {end}: make a new one in time", token.id, token.name)));
    }
    if found.is_empty() {
        found.push(Finding::ok("tokens", format!("{} live", good.iter().filter(|t| t.live(now)).count())));
    }
    Ok(found)
}

/// `oidc check` in short.
async fn provider(config: &Config, env: Env) -> Vec<Finding> {
    let about = "provider";
    let oidc = config.public_origin().map_err(|e| e.to_string());
    let oidc = oidc.and_then(|origin| Oidc::new(&config.oidc, &config.outbound, &origin, env).map_err(|e| e.to_string()));
    let all = match oidc {
        Ok(oidc) => oidc.check().await,
        Err(why) => return vec![Finding::wrong(about, why)],
    };
    let wrong: Vec<_> =
        all.iter().filter(|f| f.state == State::Wrong).map(|f| Finding::wrong(about, format!("{}: {}", f.check, f.text))).collect();
    match (wrong.is_empty(), all.iter().filter(|f| f.state == State::Warning).count()) {
        (false, _) => wrong,
        (true, 0) => vec![Finding::ok(about, "fits the settings")],
        (true, n) => vec![Finding::ok(about, format!("fits the settings; {} to know, see `keyharbor oidc check`", counted(n, "thing")))],
    }
}

/// Is a server there, and ready?
fn server(listen: &str) -> Finding {
    let about = "server";
    let Ok(mut address) = listen.parse::<SocketAddr>() else { return Finding::wrong(about, "server.listen is not ADDRESS:PORT") };
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) });
    }
    let patience = Duration::from_secs(5);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, patience) else {
        return Finding::warning(about, format!("nothing listens on {address}: start `keyharbor serve`"));
    };
    let _ = stream.set_read_timeout(Some(patience));
    let mut answer = [0u8; 12];
    let asked = stream
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .and_then(|()| stream.read_exact(&mut answer));
    match (asked, answer.strip_prefix(b"HTTP/1.1 ")) {
        (Ok(()), Some(b"200")) => Finding::ok(about, format!("{address} is ready")),
        (Ok(()), Some(b"503")) => Finding::wrong(about, format!("{address} answers, and is not ready: its log says why")),
        _ => Finding::ok(about, format!("something listens on {address}, and speaks no plain http")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_protects_keys_is_old_after_a_year_and_too_old_after_two() {
        let state = |days| key_age(days).state;
        assert_eq!((state(0), state(364), state(365), state(729)), (State::Ok, State::Ok, State::Warning, State::Warning));
        assert_eq!((state(730), state(9999)), (State::Wrong, State::Wrong));
    }
}
