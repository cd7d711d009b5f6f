//! Listeners and the servers on them: the public one, and the second one for those who run the server.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{HttpServer, web};
use anyhow::Context as _;

use super::systemd;
use super::tls::Certificates;
use crate::config::Config;
use crate::service::Keyharbor;
use crate::web::{App, application, operations_application};

/// The sockets to serve on, open before anything else is done: a port that is taken is said at once.
pub struct Listeners {
    pub public: TcpListener,
    pub operations: Option<TcpListener>,
}

/// Those that systemd hands over go before the settings; the rule for plain http holds of them, too.
///
/// # Errors
/// An address that cannot be listened on, or may not be.
pub fn open(config: &Config) -> anyhow::Result<Listeners> {
    let given = systemd::sockets()?;
    let public = match given.public {
        Some(socket) => socket,
        None => bind("server.listen", config.listen_address()?)?,
    };
    config.check_public(public.local_addr()?)?;
    let operations = match given.operations {
        Some(socket) => Some(socket),
        None => config.operations_address()?.map(|at| bind("operations.listen", at)).transpose()?,
    };
    if let Some(operations) = &operations {
        config.check_operations(operations.local_addr()?)?;
    }
    Ok(Listeners { public, operations })
}

fn bind(name: &str, at: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(at).with_context(|| format!("{name}: cannot listen on {at}"))
}

/// Starts the server on a listener, with TLS of its own if it has certificates. Signals are the caller's.
///
/// # Errors
/// A setting that is wrong, or a listener that cannot be used.
pub fn start(service: Keyharbor, listener: TcpListener, tls: Option<&Arc<Certificates>>) -> anyhow::Result<Server> {
    let settings = service.rules().config.server.clone();
    drop_who_reads_nothing(&listener, settings.body_deadline_seconds)?;
    let app = web::Data::new(App::new(service)?);
    let workers = if settings.workers == 0 { std::thread::available_parallelism().map_or(2, usize::from) } else { settings.workers };
    let server = HttpServer::new(move || application(app.clone()))
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(settings.drain_seconds)
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(Duration::from_secs(30));
    let server = match tls {
        Some(certificates) => server.listen_rustls_0_23(listener, certificates.server_config())?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

/// Ends connections whose peer takes nothing for so long, though something is there for it: each one inherits it. The server cannot
/// do it: it asks for more of an answer, and looks at its clocks, only when there is room for it.
#[cfg(target_os = "linux")]
fn drop_who_reads_nothing(listener: &TcpListener, seconds: u64) -> anyhow::Result<()> {
    // The kernel takes it as an `int`.
    let milliseconds = u32::try_from(seconds.max(1).saturating_mul(1000)).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs());
    rustix::net::sockopt::set_tcp_user_timeout(listener, milliseconds).context("a deadline for answers (TCP_USER_TIMEOUT) cannot be set")
}

/// Other systems have no such option.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
fn drop_who_reads_nothing(_: &TcpListener, _: u64) -> anyhow::Result<()> {
    Ok(())
}

/// Starts the second listener's server: one thread, so that it answers when the others are busy.
///
/// # Errors
/// A setting that is wrong, or a listener that cannot be used.
pub fn start_operations(service: Keyharbor, listener: TcpListener) -> anyhow::Result<Server> {
    drop_who_reads_nothing(&listener, service.rules().config.server.body_deadline_seconds)?;
    let app = web::Data::new(App::new(service)?);
    let server = HttpServer::new(move || operations_application(app.clone()))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(Duration::from_secs(30))
        .listen(listener)?;
    Ok(server.run())
}
