//! `serve`: everything put together, and the tasks that run beside the server.

mod listen;
mod probe;
mod signals;
mod systemd;
pub mod tls;
pub(crate) mod traces;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use listen::Listeners;
pub use listen::{start, start_operations};
use probe::Probe;
pub(crate) use signals::Stops;
use signals::{End, on_hangup, serve_until_stopped};
use tls::Certificates;
use traces::Traces;

use super::{CHANGES_TRAIL, assemble, connect};
use crate::config::{Config, Migrate};
use crate::domain::finding::counted;
use crate::oidc::OidcError;
use crate::service::Keyharbor;
use crate::service::clock::{self, ServerClock};
use crate::service::custody::{Custody, CustodyError, open_ring, root_key};
use crate::service::moving::Hold;
use crate::store::Store;
use crate::telemetry;

/// `file` is the settings file, read again at SIGHUP.
pub async fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = Config::load(file)?;
    let traces = Traces::open(&config)?;
    let level = telemetry::start(&config.log.level, std::io::stdout, traces.layer());
    traces.tell();
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let listeners = listen::open(&config)?;
    let store = connect(&config).await?;
    migrate(&store, config.database.migrate).await?;
    if let Some(held) = store.read().await?.held().await? {
        bail!(Hold::refusal(&held));
    }
    if store.may_change_trail().await? {
        tracing::warn!("{CHANGES_TRAIL}");
    }
    let (clock, env) = clock::system();
    clock.measure(&store).await?;
    let custody = match ring(&store, &config).await {
        Ok(ring) => Custody::open(ring),
        Err(CustodyError::DemoRing) => bail!(CustodyError::DemoRing),
        Err(why) => {
            tracing::error!(%why, "sealed: nothing is shown and nothing is acknowledged");
            Custody::sealed(env.now())
        }
    };
    let tls = Certificates::load(&config.server, env.now())?;
    let service = assemble(config, store.clone(), env, custody)?;
    if service.root_key_unconfirmed() {
        tracing::warn!("nobody has confirmed a copy of the root key: run `keyharbor init --confirm`");
    }
    service.tell_kek_limits().await;
    service.note_start().await;
    service.watch_break_glass().await;
    let mut tasks = background(&service, clock, &store);
    let end = serve(&service, listeners, tls, Reload { level, file: file.map(Path::to_owned) }, &mut tasks).await?;
    for task in tasks {
        task.abort();
    }
    let finish = async {
        service.finish_throttle().await;
        service.count_sealed().await;
        store.close().await;
    };
    match end {
        End::Drained => finish.await,
        // Requests that were cut off may still hold the database.
        End::Hurried => drop(tokio::time::timeout(Duration::from_secs(1), finish).await),
    }
    traces.stop();
    Ok(ExitCode::SUCCESS)
}

/// Both listeners, until a signal ends it.
async fn serve(
    service: &Keyharbor,
    listeners: Listeners,
    tls: Option<Arc<Certificates>>,
    again: Reload,
    tasks: &mut Vec<actix_web::rt::task::JoinHandle<()>>,
) -> anyhow::Result<End> {
    let probe = Probe::of(&listeners.public, tls.as_ref())?;
    let operations = listeners.operations.map(|listener| start_operations(service.clone(), listener)).transpose()?;
    let beside = operations.map(|server| (server.handle(), actix_web::rt::spawn(server)));
    let server = start(service.clone(), listeners.public, tls.as_ref())?;
    let stops = Stops::new();
    if let Some(certificates) = &tls {
        certificates.check_name();
        certificates.look(service.env().now(), service.metrics());
        let certificates = certificates.clone();
        tasks.push(every(10, service, async move |s| certificates.look(s.env().now(), s.metrics())));
    }
    let reloaded = service.clone();
    tasks.push(on_hangup(async move || {
        systemd::reloading();
        again.level(&reloaded);
        if let Some(certificates) = &tls {
            certificates.look(reloaded.env().now(), reloaded.metrics());
        }
        systemd::ready(&reloaded);
    }));
    let drain = service.rules().config.server.drain_seconds;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), origin = service.rules().origin, drain, "serving");
    systemd::ready(service);
    tasks.extend(systemd::watchdog(service, probe));
    let end = tokio::select! {
        end = serve_until_stopped(server, service, stops) => end?,
        why = another_issuer(service) => bail!(why),
    };
    // Until now the second listener could still be asked how the stop goes.
    if let Some((handle, _)) = beside {
        handle.stop(false).await;
    }
    Ok(end)
}

/// Calls the provider for the first time, and nobody waits for its answer. Ends only if that is another issuer's.
async fn another_issuer(service: &Keyharbor) -> OidcError {
    match service.discover_provider().await {
        Ok(()) => {}
        Err(e @ OidcError::Mismatch { .. }) => return e,
        Err(e) => tracing::warn!(error = %e, "the identity provider cannot be reached; serving all the same"),
    }
    std::future::pending().await
}

/// What SIGHUP reads again, besides the certificate.
struct Reload {
    level: telemetry::Level,
    file: Option<PathBuf>,
}

impl Reload {
    /// Of the settings, the level of the log may change while the server runs.
    fn level(&self, service: &Keyharbor) {
        match Config::load(self.file.as_deref()) {
            Ok(mut new) => {
                self.level.set(&new.log.level);
                tracing::info!(level = new.log.level, "settings were read again: the level of the log");
                new.log = service.rules().config.log.clone();
                if new.digest() != service.rules().config.digest() {
                    tracing::warn!("other settings have changed, too: they count from the next start on");
                }
            }
            Err(e) => tracing::error!(error = %e, "the settings cannot be used: those of the start go on"),
        }
    }
}

async fn migrate(store: &Store, how: Migrate) -> anyhow::Result<()> {
    match how {
        Migrate::Auto => store.migrate().await?,
        Migrate::Check => {
            let missing = store.pending_migrations().await?;
            if !missing.is_empty() {
                bail!("the database lacks {}: run `keyharbor migrate`", counted(missing.len(), "migration"));
            }
        }
        Migrate::Off => {}
    }
    Ok(())
}

async fn ring(store: &Store, config: &Config) -> Result<crate::crypto::Ring, CustodyError> {
    open_ring(store, &root_key(&config.custody)?, false).await
}

/// What runs beside the server.
pub(crate) fn background(service: &Keyharbor, clock: Arc<ServerClock>, store: &Store) -> Vec<actix_web::rt::task::JoinHandle<()>> {
    let (store, servers) = (store.clone(), store.clone());
    vec![
        actix_web::rt::spawn(async move { servers.watch_servers().await }),
        every(5, service, async |s| {
            if s.is_sealed()
                && let Err(why) = s.try_unseal().await
            {
                tracing::warn!(%why, "still sealed");
            }
        }),
        every(10, service, async |s| s.follow_ring().await),
        every(60, service, async |s| s.count_sealed().await),
        every(86_400, service, async |s| s.tell_kek_limits().await),
        every(10, service, async |s| s.checkpoint_tick().await),
        every(10, service, async |s| s.watch_break_glass().await),
        every(20, service, async |s| {
            if s.provider_is_down()
                && let Err(e) = s.discover_provider().await
            {
                tracing::warn!(error = %e, "the identity provider still cannot be reached");
            }
        }),
        every(60, service, async |s| {
            // Asked while all is well too: the start and status pages say what was true last.
            if !s.provider_is_down()
                && let Err(e) = s.discover_provider().await
            {
                tracing::warn!(error = %e, "the identity provider cannot be reached");
            }
        }),
        every(60, service, async |s| s.sweep_throttle().await),
        every(300, service, async |s| {
            if !s.is_sealed()
                && let Err(e) = s.sweep().await
            {
                tracing::warn!(error = %e, "what time has ended could not be removed");
            }
        }),
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(30)).await;
                if let Err(e) = clock.measure(&store).await {
                    tracing::warn!(error = %e, "the database's clock could not be read");
                }
            }
        }),
    ]
}

fn every(seconds: u64, service: &Keyharbor, act: impl AsyncFn(&Keyharbor) + 'static) -> actix_web::rt::task::JoinHandle<()> {
    let service = service.clone();
    actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            act(&service).await;
        }
    })
}
