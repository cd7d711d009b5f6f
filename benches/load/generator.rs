//! The load: so many connections that are kept open, on one thread, each sending its next request when it has its answer.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Plan;
use crate::client::whole;
use crate::process::{Home, Server, cpu};

/// What is asked.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A deposit by the API.
    Json,
    /// A deposit as Crypt makes it.
    Crypt,
    /// Whether a key is there: a token is looked up, a Mac is read, nothing is written.
    Status,
    /// Whether the server lives: HTTP and nothing else.
    Live,
}

pub struct Load<'a> {
    pub plan: &'a Plan,
    pub connections: usize,
    pub kind: Kind,
    /// The number of the first Mac.
    pub from: u64,
    /// After so many the first comes again, with the same key; else each is new.
    pub cycle: Option<u64>,
}

/// What came of it.
pub struct Done {
    pub answers: u64,
    pub time: Duration,
    pub server: Duration,
    pub load: Duration,
    /// The processes of PostgreSQL.
    pub database: Duration,
    /// How often a thread of the server was put aside for another, of its own will or not.
    pub switches: u64,
    /// Connections that the server ended; each was opened again. On a machine that has time there are none.
    pub broken: u64,
    /// Half of the answers, and 99 of 100, came within.
    pub p50: Duration,
    pub p99: Duration,
    /// The number of the first Mac that has not come.
    pub next: u64,
}

impl Done {
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.time.as_secs_f64()
    }

    pub fn server_micros(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / self.answers as f64
    }

    pub fn load_micros(&self) -> f64 {
        self.load.as_secs_f64() * 1e6 / self.answers as f64
    }
}

/// A number that looks like none of its neighbours (SplitMix64).
pub fn number(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The serial number of a Mac.
pub fn serial(n: u64) -> String {
    format!("C02B{n:08}")
}

/// The key of a Mac, as one would make it.
pub fn key(n: u64) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNOPQRTUVWXYZ23456789";
    let bits = [number(n), number(n ^ 0xffff_ffff)];
    let letters: Vec<char> = (0..24).map(|i| char::from(LETTERS[(bits[i / 12] >> (5 * (i % 12)) & 31) as usize])).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// One deposit as JSON.
pub fn deposit(n: u64) -> String {
    format!(r#"{{"serial":"{}","recovery_key":"{}","hostname":"mac-{n:07}","user":"user{}"}}"#, serial(n), key(n), n % 20_000)
}

pub fn request(home: &Home, kind: Kind, n: u64) -> String {
    let host = home.port;
    match kind {
        Kind::Json => {
            let (body, token) = (deposit(n), &home.token);
            format!(
                "POST /api/v1/deposits HTTP/1.1\r\nHost: localhost:{host}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Kind::Crypt => {
            let body = format!("serial={}&recovery_password={}&username=user{n}&macname=mac-{n:07}", serial(n), key(n));
            format!(
                "POST /compat/crypt/{}/checkin/ HTTP/1.1\r\nHost: localhost:{host}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                home.crypt_token,
                body.len()
            )
        }
        Kind::Status => {
            let (serial, token) = (serial(n), &home.token);
            format!(
                "GET /api/v1/devices/{serial}/escrow-status HTTP/1.1\r\nHost: localhost:{host}\r\nAuthorization: Bearer {token}\r\n\r\n"
            )
        }
        Kind::Live => format!("GET /healthz HTTP/1.1\r\nHost: localhost:{host}\r\n\r\n"),
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// What the connections share.
struct Shared {
    next: Cell<u64>,
    answers: Cell<u64>,
    broken: Cell<u64>,
    counts: Cell<bool>,
    ends: Cell<bool>,
    micros: RefCell<Vec<u32>>,
}

impl Load<'_> {
    pub fn run(&self, home: &Home, server: &Server) -> Done {
        self.run_over(home, server, None)
    }

    /// The same, over TLS.
    pub fn run_over(&self, home: &Home, server: &Server, tls: Option<Arc<rustls::ClientConfig>>) -> Done {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shared = Shared {
            next: Cell::new(self.from),
            answers: Cell::new(0),
            broken: Cell::new(0),
            counts: Cell::new(false),
            ends: Cell::new(false),
            micros: RefCell::default(),
        };
        let mut done = runtime.block_on(async {
            let all = futures_util::future::join_all((0..self.connections).map(|_| self.connection(home, &shared, tls.clone())));
            let watch = async {
                tokio::time::sleep(self.plan.warm).await;
                shared.counts.set(true);
                let (of_database, put_aside) = (home.database_cpu(), server.switches());
                let (begin, of_server, of_load) = (Instant::now(), server.cpu(), cpu("self"));
                tokio::time::sleep(self.plan.measure).await;
                shared.ends.set(true);
                let (time, load) = (begin.elapsed(), cpu("self") - of_load);
                let (answers, of_server) = (shared.answers.get(), server.cpu() - of_server);
                let (database, switches) = (home.database_cpu() - of_database, server.switches() - put_aside);
                Done {
                    answers,
                    time,
                    server: of_server,
                    load,
                    database,
                    switches,
                    broken: 0,
                    p50: Duration::ZERO,
                    p99: Duration::ZERO,
                    next: 0,
                }
            };
            futures_util::future::join(watch, all).await.0
        });
        let mut micros = shared.micros.into_inner();
        micros.sort_unstable();
        let at = |part: usize| Duration::from_micros(u64::from(micros[(micros.len() - 1) * part / 100]));
        (done.p50, done.p99, done.next, done.broken) = (at(50), at(99), shared.next.get(), shared.broken.get());
        done
    }

    /// Sends until the time is over, over one connection after the other if the server ends them.
    async fn connection(&self, home: &Home, shared: &Shared, tls: Option<Arc<rustls::ClientConfig>>) {
        let mut buffer = Vec::with_capacity(8 * 1024);
        while !shared.ends.get() {
            let tcp = TcpStream::connect(home.address()).await.unwrap();
            tcp.set_nodelay(true).unwrap();
            let mut stream: Box<dyn Stream> = match tls.clone() {
                None => Box::new(tcp),
                Some(tls) => Box::new(TlsConnector::from(tls).connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap()),
            };
            while !shared.ends.get() {
                let n = shared.next.replace(shared.next.get() + 1);
                let n = self.cycle.map_or(n, |cycle| n % cycle);
                let sent = Instant::now();
                if ask(&mut stream, &request(home, self.kind, n), &mut buffer).await.is_none() {
                    shared.broken.set(shared.broken.get() + 1);
                    break;
                }
                assert!(buffer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&buffer));
                if shared.counts.get() && !shared.ends.get() {
                    shared.answers.set(shared.answers.get() + 1);
                    shared.micros.borrow_mut().push(u32::try_from(sent.elapsed().as_micros()).unwrap());
                }
            }
        }
    }
}

/// One request, its answer in `buffer`; `None`: the connection has ended, or the server says that it waited for the request too long.
async fn ask(stream: &mut Box<dyn Stream>, request: &str, buffer: &mut Vec<u8>) -> Option<()> {
    stream.write_all(request.as_bytes()).await.ok()?;
    buffer.clear();
    while whole(buffer).is_none() {
        stream.read_buf(buffer).await.ok().filter(|n| *n > 0)?;
    }
    (!buffer.starts_with(b"HTTP/1.1 408")).then_some(())
}
