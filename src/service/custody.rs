//! Where the key ring comes from, and the sealed state while there is none.
//!
//! Without a ring nothing is shown and nothing is acknowledged. Unsealing writes a `sealed from–to` row, since nothing
//! could be recorded meanwhile. A new root key is never made beside an existing database.

pub mod follow;
pub mod proof;
pub mod rewrap;
pub mod rotate;

use std::path::Path;
use std::sync::{Arc, RwLock};

use secrecy::ExposeSecret;

use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::config;
use crate::crypto::keyring::RingError;
use crate::crypto::{Ring, RootKey};
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::ids::{Env, Timestamp};
use crate::store::{RingRow, Store, StoreError};

/// Why the server is sealed. Shown in the log and by the command line; never to a browser.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    #[error("no root key is configured: set custody.key_file, custody.key or custody.credential")]
    NotConfigured,
    #[error("the root key cannot be read from {path}: {why}")]
    Unreadable { path: String, why: String },
    #[error(
        "the root key cannot be read from {path}, which is not there: `keyharbor init` makes it for a new database, `keyharbor keyring restore` again from the recovery kit"
    )]
    NotThere { path: String },
    #[error("the credential {name} is handed by systemd to the service alone (LoadCredential=), and not to this process")]
    NoCredentials { name: String },
    #[error("{place} holds no root key: khroot1_ and 64 hexadecimal digits are expected")]
    Form { place: String },
    #[error("{path} can be read by others (mode {mode:o}): chmod 600")]
    TooOpen { path: String, mode: u32 },
    #[error(transparent)]
    Ring(#[from] RingError),
    #[error("this database has no key ring yet: run `keyharbor init`")]
    NoRing,
    #[error("this key ring was made by `keyharbor demo` and is refused here")]
    DemoRing,
    #[error("this database already has a key ring; a second root key is never made beside it")]
    AlreadyThere,
    #[error("this database holds data but no key ring: restore the ring, a new one would not open the keys")]
    DataWithoutRing,
    #[error("{0}")]
    Rotation(&'static str),
    #[error("{needed} stored values still need that key")]
    StillNeeded { needed: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the root key from where the settings say.
///
/// # Errors
/// [`CustodyError`].
pub fn root_key(settings: &config::Custody) -> Result<RootKey, CustodyError> {
    if let Some(path) = &settings.key_file {
        return from_file(path);
    }
    if let Some(name) = &settings.credential {
        #[expect(clippy::disallowed_methods, reason = "systemd hands the directory of credentials over in the environment")]
        let dir = std::env::var("CREDENTIALS_DIRECTORY").map_err(|_| CustodyError::NoCredentials { name: name.clone() })?;
        return parse(&Path::new(&dir).join(name));
    }
    let key = settings.key.resolve(None, "custody.key").map_err(|_| CustodyError::NotConfigured)?.ok_or(CustodyError::NotConfigured)?;
    RootKey::parse(key.expose_secret()).map_err(|_| CustodyError::Form { place: "custody.key".to_owned() })
}

fn from_file(path: &Path) -> Result<RootKey, CustodyError> {
    if path.symlink_metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        return Err(CustodyError::NotThere { path: path.display().to_string() });
    }
    private_mode(path)?;
    parse(path)
}

/// A file with a secret in it is its owner's alone.
///
/// # Errors
/// [`CustodyError::TooOpen`], or it is not there or no file.
pub fn private_mode(path: &Path) -> Result<(), CustodyError> {
    use std::os::unix::fs::PermissionsExt;
    let shown = path.display().to_string();
    let meta = std::fs::metadata(path).map_err(|e| CustodyError::Unreadable { path: shown.clone(), why: e.to_string() })?;
    if !meta.is_file() {
        return Err(CustodyError::Unreadable { path: shown, why: "it is no file".to_owned() });
    }
    let mode = meta.permissions().mode() & 0o777;
    // Files from systemd and Kubernetes show other modes and are guarded by their own means. A Kubernetes volume may lie anywhere;
    // its files are links into a folder whose name begins with two dots.
    let real = path.canonicalize().unwrap_or_default();
    let volume = real.components().any(|c| c.as_os_str().as_encoded_bytes().starts_with(b".."));
    let exempt = volume || ["/run/credentials/", "/var/run/secrets/", "/run/secrets/"].iter().any(|p| real.starts_with(p));
    if mode & 0o077 != 0 && !exempt {
        return Err(CustodyError::TooOpen { path: shown, mode });
    }
    Ok(())
}

fn parse(path: &Path) -> Result<RootKey, CustodyError> {
    let text =
        std::fs::read_to_string(path).map_err(|e| CustodyError::Unreadable { path: path.display().to_string(), why: e.to_string() })?;
    RootKey::parse(&zeroize::Zeroizing::new(text)).map_err(|_| CustodyError::Form { place: path.display().to_string() })
}

/// Makes the ring of an empty database.
///
/// # Errors
/// [`CustodyError::AlreadyThere`], [`CustodyError::DataWithoutRing`], or the store's.
pub async fn create_ring(store: &Store, root: &RootKey, demo: bool, env: &Env) -> Result<Ring, CustodyError> {
    let mut tx = store.write().await?;
    if tx.key_ring().await?.is_some() {
        return Err(CustodyError::AlreadyThere);
    }
    if !tx.is_empty().await? {
        return Err(CustodyError::DataWithoutRing);
    }
    let ring = Ring::generate(demo, env.now(), env.entropy.as_ref());
    let made = operators(env, EventKind::RingMade, &root.name());
    let wrapped = ring.wrap(root, 1, env.entropy.as_ref())?;
    if !tx.insert_key_ring(&RingRow { generation: 1, wrapped, wrapped_by: root.name() }).await? {
        return Err(CustodyError::AlreadyThere);
    }
    let pending = tx.audit_append(&[made], &ring).await?;
    tx.commit(pending).await?;
    Ok(ring)
}

/// Records an act at the machine itself, and nothing else.
///
/// # Errors
/// [`CustodyError::Store`].
pub async fn record(store: &Store, ring: &Ring, env: &Env, kind: EventKind, detail: &str) -> Result<(), CustodyError> {
    let mut tx = store.write().await?;
    let pending = tx.audit_append(&[operators(env, kind, detail)], ring).await?;
    tx.commit(pending).await?;
    Ok(())
}

/// An act at the machine itself, before there is a server.
pub(super) fn operators(env: &Env, kind: EventKind, detail: &str) -> Event {
    let mut event = super::event(env, kind, Outcome::Ok, Actor::Operator, &RequestInfo::none(env));
    event.detail = detail.to_owned();
    event
}

/// Opens the ring that lies in the database.
///
/// # Errors
/// [`CustodyError`]: no ring, a wrong root key, a demo ring where none is wanted.
pub async fn open_ring(store: &Store, root: &RootKey, demo_allowed: bool) -> Result<Ring, CustodyError> {
    let row = store.read().await?.key_ring().await?.ok_or(CustodyError::NoRing)?;
    let ring = Ring::unwrap(root, row.generation, &row.wrapped, &row.wrapped_by)?;
    if ring.is_demo() && !demo_allowed {
        return Err(CustodyError::DemoRing);
    }
    Ok(ring)
}

/// Notes in the ring that the end of the root key was typed back. `false`: it was noted already.
///
/// # Errors
/// [`CustodyError`].
pub async fn confirm_ring(store: &Store, root: &RootKey, env: &Env) -> Result<bool, CustodyError> {
    let mut tx = store.write().await?;
    let row = tx.key_ring().await?.ok_or(CustodyError::NoRing)?;
    let ring = Ring::unwrap(root, row.generation, &row.wrapped, &row.wrapped_by)?;
    if ring.is_confirmed() {
        return Ok(false);
    }
    let generation = row.generation + 1;
    let ring = ring.confirm();
    let wrapped = ring.wrap(root, generation, env.entropy.as_ref())?;
    if !tx.replace_key_ring(row.generation, &RingRow { generation, wrapped, wrapped_by: root.name() }).await? {
        return Err(CustodyError::Store(StoreError::Conflict));
    }
    let pending = tx.audit_append(&[operators(env, EventKind::RingConfirmed, &root.name())], &ring).await?;
    tx.commit(pending).await?;
    Ok(true)
}

/// The ring, or since when there is none.
pub struct Custody(RwLock<State>);

enum State {
    Open(Arc<Ring>),
    Sealed { since: Timestamp },
}

impl Custody {
    pub fn open(ring: Ring) -> Self {
        Self(RwLock::new(State::Open(Arc::new(ring))))
    }

    pub fn sealed(since: Timestamp) -> Self {
        Self(RwLock::new(State::Sealed { since }))
    }

    pub(crate) fn ring(&self) -> Option<Arc<Ring>> {
        match &*self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner) {
            State::Open(ring) => Some(ring.clone()),
            State::Sealed { .. } => None,
        }
    }

    fn sealed_since(&self) -> Option<Timestamp> {
        match &*self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner) {
            State::Open(_) => None,
            State::Sealed { since } => Some(*since),
        }
    }

    /// Puts a ring into use, unless a newer one is; answers the one that is.
    fn replace(&self, ring: Ring) -> Arc<Ring> {
        let mut state = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*state {
            State::Open(there) if there.generation() >= ring.generation() => there.clone(),
            before => {
                let ring = Arc::new(match before {
                    State::Open(before) => ring.counting_with(before),
                    State::Sealed { .. } => ring,
                });
                *state = State::Open(ring.clone());
                ring
            }
        }
    }
}

impl Keyharbor {
    /// Nobody has shown yet that a copy of the root key exists.
    pub fn root_key_unconfirmed(&self) -> bool {
        self.custody.ring().is_some_and(|r| !r.is_confirmed() && !r.is_demo())
    }

    pub fn is_sealed(&self) -> bool {
        self.custody.ring().is_none()
    }

    /// Tries to open the ring of a sealed server; on success a `sealed` row says from when to when.
    ///
    /// # Errors
    /// [`CustodyError`]: still sealed, and why.
    pub async fn try_unseal(&self) -> Result<(), CustodyError> {
        let Some(since) = self.custody.sealed_since() else { return Ok(()) };
        let root = root_key(&self.rules.config.custody)?;
        let ring = open_ring(&self.store, &root, false).await?;
        let mut event = self.event(EventKind::Sealed, Outcome::Ok, Actor::System, &RequestInfo::none(&self.env));
        event.detail = format!("from {} to {}", since.rfc3339(), self.env.now().rfc3339());
        // The row first, under the ring that is about to be used: without it the period would go unrecorded.
        let written = self.retry(async || {
            let tx = self.store.write().await?;
            self.conclude_under(&ring, tx, std::slice::from_ref(&event)).await.map(drop)
        });
        if let Err(e) = written.await {
            tracing::error!(error = %e, "the sealed row could not be written");
            return Err(match e {
                ServiceError::Trail(e) | ServiceError::Store(e) => CustodyError::Store(e),
                _ => CustodyError::NoRing,
            });
        }
        self.custody.replace(ring);
        tracing::warn!(since = %since.rfc3339(), "unsealed");
        if self.root_key_unconfirmed() {
            tracing::warn!("nobody has confirmed a copy of the root key: run `keyharbor init --confirm`");
        }
        Ok(())
    }

    /// Records that a server starts, and under which settings: two starts with other settings have another digest.
    pub async fn note_start(&self) {
        if self.is_sealed() {
            return;
        }
        let config = &self.rules.config;
        let mut event = self.event(EventKind::Started, Outcome::Ok, Actor::System, &RequestInfo::none(&self.env));
        let step_up = if config.oidc.danger_step_up == config::StepUp::Off { "off" } else { "on" };
        event.detail = format!("{} settings {} step_up {step_up}", env!("CARGO_PKG_VERSION"), config.digest());
        if let Err(e) = self.record(&[event]).await {
            tracing::error!(error = %e, "the start could not be recorded");
        }
    }
}
