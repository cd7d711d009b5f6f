//! Listeners and the servers on them: the public one, and the second one for those who run the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{HttpServer, web};
use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::systemd;
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

/// Starts the server on a listener. Signals are the caller's.
///
/// # Errors
/// A setting that is wrong, or a listener that cannot be used.
pub fn start(service: Keyharbor, listener: TcpListener) -> anyhow::Result<Server> {
    let settings = service.rules().config.server.clone();
    let app = web::Data::new(App::new(service)?);
    let workers = if settings.workers == 0 { std::thread::available_parallelism().map_or(2, usize::from) } else { settings.workers };
    let server = HttpServer::new(move || application(app.clone()))
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(settings.drain_seconds)
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(Duration::from_secs(30))
        .listen(listener)?;
    Ok(server.run())
}

/// Starts the second listener's server: one thread, so that it answers when the others are busy.
///
/// # Errors
/// A setting that is wrong, or a listener that cannot be used.
pub fn start_operations(service: Keyharbor, listener: TcpListener) -> anyhow::Result<Server> {
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

/// Asks the public listener whether the process lives, as anybody outside would.
pub struct Probe {
    address: SocketAddr,
}

impl Probe {
    /// # Errors
    /// The listener has no address.
    pub fn of(listener: &TcpListener) -> std::io::Result<Self> {
        let mut address = listener.local_addr()?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(Self { address })
    }

    /// Is `/healthz` answered with 200 within that time?
    pub async fn answers(&self, patience: Duration) -> bool {
        let ask = async { Self::ask(TcpStream::connect(self.address).await?).await };
        matches!(tokio::time::timeout(patience, ask).await, Ok(Ok(true)))
    }

    async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<bool> {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut start = [0u8; 12];
        stream.read_exact(&mut start).await?;
        Ok(&start == b"HTTP/1.1 200")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_server_that_does_not_answer_or_answers_otherwise_does_not_live() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!Probe::of(&silent).unwrap().answers(Duration::from_millis(50)).await, "it takes connections and says nothing");
        let gone = Probe::of(&silent).unwrap();
        drop(silent);
        assert!(!gone.answers(Duration::from_secs(5)).await);
        for (answer, lives) in
            [(&b"HTTP/1.1 200 OK\r\n\r\n"[..], true), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false), (b"HTTP", false)]
        {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let probe = Probe { address: listener.local_addr().unwrap() };
            let serve = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(answer).await.unwrap();
            };
            assert_eq!(tokio::join!(probe.answers(Duration::from_secs(5)), serve).0, lives, "{answer:?}");
        }
    }
}
