//! Signals: SIGTERM and SIGINT end the server in order, a second one at once; SIGHUP makes it read again what may change.

use std::io;
use std::pin::pin;
use std::time::Duration;

use actix_web::dev::Server;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::systemd;
use crate::service::Keyharbor;

/// SIGINT and SIGTERM. They count from its making on, not only while one is waited for.
pub struct Stops(Option<(Signal, Signal)>);

impl Stops {
    pub fn new() -> Self {
        let signals = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
        Self(signals.inspect_err(|e| tracing::error!(error = %e, "signals cannot be waited for")).ok())
    }

    /// The next one.
    pub async fn next(&mut self) {
        match &mut self.0 {
            Some((term, int)) => tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} },
            None => std::future::pending().await,
        }
    }
}

/// SIGHUP, and what to do then.
pub fn on_hangup(act: impl AsyncFn() + 'static) -> actix_web::rt::task::JoinHandle<()> {
    let hangup = signal(SignalKind::hangup());
    actix_web::rt::spawn(async move {
        let Ok(mut hangup) = hangup else { return };
        while hangup.recv().await.is_some() {
            act().await;
        }
    })
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Every open request was answered, or had its time.
    Drained,
    /// A second signal came.
    Hurried,
}

/// Serves until a signal comes, then lets open requests finish.
///
/// # Errors
/// The server ended by itself, and why.
pub async fn serve_until_stopped(server: Server, service: &Keyharbor, mut stops: Stops) -> io::Result<End> {
    let handle = server.handle();
    let mut server = pin!(server);
    tokio::select! {
        end = &mut server => return end.map(|()| End::Drained),
        () = stops.next() => {}
    }
    service.begin_stop();
    systemd::stopping();
    let notice = Duration::from_secs(service.rules().config.server.notice_seconds);
    let drain = async {
        if !notice.is_zero() {
            tracing::info!(seconds = notice.as_secs(), "stopping: not ready any more, connections are still taken");
            tokio::time::sleep(notice).await;
        }
        tracing::info!("stopping: no new connections, open requests finish");
        handle.stop(true).await;
    };
    tokio::select! {
        (end, ()) = async { tokio::join!(&mut server, drain) } => end.map(|()| End::Drained),
        () = stops.next() => {
            tracing::warn!("a second stop signal: open requests are cut off");
            Ok(End::Hurried)
        }
    }
}
