//! What systemd is told (ready, reloading, stopping, alive) and which sockets it hands over. Without systemd nothing of it
//! does anything. "Alive" is said only after the server has answered itself through its own public socket.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::probe::Probe;
use crate::service::Keyharbor;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::warn!(error = %e, "systemd could not be told");
    }
}

pub fn ready(service: &Keyharbor) {
    let status = if service.is_sealed() { "sealed: the key ring is not open" } else { "serving" };
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Followed by [`ready`].
pub fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    tell(&[vec![NotifyState::Reloading], now.into_iter().collect()].concat());
}

pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("open requests finish")]);
}

/// Says "alive" twice per period of the watchdog, when there is one.
pub fn watchdog(service: &Keyharbor, probe: Probe) -> Option<actix_web::rt::task::JoinHandle<()>> {
    let period = sd_notify::watchdog_enabled()?;
    let service = service.clone();
    Some(actix_web::rt::spawn(async move {
        let mut beat = tokio::time::interval((period / 2).max(Duration::from_millis(10)));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            // A server that stops takes no new connection, not even this one.
            if service.is_stopping() || probe.answers(period / 4).await {
                tell(&[NotifyState::Watchdog]);
            } else {
                tracing::error!("the server does not answer itself: the watchdog is not told that it lives");
            }
        }
    }))
}

/// The sockets that systemd opened: the one named "operations", and the other one.
#[derive(Default)]
pub struct Sockets {
    pub public: Option<TcpListener>,
    pub operations: Option<TcpListener>,
}

/// Takes them over. Called once, before anything else is opened.
///
/// # Errors
/// A socket that is not TCP, or more of them than there are listeners.
pub fn sockets() -> anyhow::Result<Sockets> {
    let names: Vec<String> = sd_notify::listen_fds_with_names().context("LISTEN_FDS")?.map(|(_, name)| name).collect();
    let mut fds = ListenFd::from_env();
    let mut sockets = Sockets::default();
    for at in 0..fds.len() {
        let listener = fds.take_tcp_listener(at).context("a socket that systemd handed over cannot be used")?;
        let operations = names.get(at).is_some_and(|name| name == "operations");
        let place = if operations { &mut sockets.operations } else { &mut sockets.public };
        if place.is_some() {
            bail!("systemd handed over more sockets than there are listeners; name the second one with FileDescriptorName=operations");
        }
        *place = listener;
    }
    Ok(sockets)
}
