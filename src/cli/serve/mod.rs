//! `serve`: everything put together, and the tasks that run beside the server.

mod listen;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

pub use listen::{start, start_operations};

use super::{assemble, connect};
use crate::config::{Config, Migrate};
use crate::oidc::OidcError;
use crate::service::Keyharbor;
use crate::service::clock::{self, ServerClock};
use crate::service::custody::{Custody, CustodyError, open_ring, root_key};
use crate::store::Store;
use crate::telemetry;

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::start(&config.log.level, std::io::stdout);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let listeners = listen::open(&config)?;
    let store = connect(&config).await?;
    migrate(&store, config.database.migrate).await?;
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
    let service = assemble(config, store.clone(), env, custody)?;
    if service.root_key_unconfirmed() {
        tracing::warn!("nobody has confirmed a copy of the root key: run `keyharbor init --confirm`");
    }
    match service.discover_provider().await {
        Ok(()) => {}
        Err(e @ OidcError::Mismatch { .. }) => bail!(e),
        Err(e) => tracing::warn!(error = %e, "the identity provider cannot be reached; serving all the same"),
    }
    service.note_start().await;
    let drain = service.rules().config.server.drain_seconds;
    let operations = listeners.operations.map(|listener| start_operations(service.clone(), listener)).transpose()?;
    let beside = operations.map(|server| (server.handle(), actix_web::rt::spawn(server)));
    let server = start(service.clone(), listeners.public)?;
    let handle = server.handle();
    let tasks = background(&service, clock, &store);
    // Signals count from here on, not from the task's first turn.
    let stop = stop_signal();
    let stopping = service.clone();
    actix_web::rt::spawn(async move {
        stop.await;
        stopping.begin_stop();
        tracing::info!("stopping: no new connections, open requests finish");
        handle.stop(true).await;
    });
    tracing::info!(version = env!("CARGO_PKG_VERSION"), origin = service.rules().origin, drain, "serving");
    server.await?;
    // Until now it could still be asked how the stop goes.
    if let Some((handle, _)) = beside {
        handle.stop(false).await;
    }
    for task in tasks {
        task.abort();
    }
    service.finish_throttle().await;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn migrate(store: &Store, how: Migrate) -> anyhow::Result<()> {
    match how {
        Migrate::Auto => store.migrate().await?,
        Migrate::Check => {
            let missing = store.pending_migrations().await?;
            if !missing.is_empty() {
                bail!("the database lacks {} migrations: run `keyharbor migrate`", missing.len());
            }
        }
        Migrate::Off => {}
    }
    Ok(())
}

async fn ring(store: &Store, config: &Config) -> Result<crate::crypto::Ring, CustodyError> {
    open_ring(store, &root_key(&config.custody)?, false).await
}

/// SIGINT or SIGTERM. From the call on, not only while it is waited for.
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut int)) = signals else {
            tracing::error!("signals cannot be waited for");
            return std::future::pending().await;
        };
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    }
}

/// What runs beside the server.
pub(crate) fn background(service: &Keyharbor, clock: Arc<ServerClock>, store: &Store) -> Vec<actix_web::rt::task::JoinHandle<()>> {
    let store = store.clone();
    vec![
        every(5, service, async |s| {
            if s.is_sealed()
                && let Err(why) = s.try_unseal().await
            {
                tracing::warn!(%why, "still sealed");
            }
        }),
        every(10, service, async |s| s.checkpoint_tick().await),
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
