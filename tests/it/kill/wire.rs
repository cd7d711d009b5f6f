//! A round of load, the moment at which it strikes, and a connection that tells the round of every byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

/// A generator whose whole course follows from its seed.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

/// When to strike. Numbers count from the beginning of the round, over all clients.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// After so many microseconds.
    Time(u64),
    /// When this byte was sent, in the middle of a request or at its end.
    Byte(i64),
    /// When the first bytes of this answer to a deposit arrive.
    Answer(i64),
    /// When the first bytes of this page with a key arrive.
    Key(i64),
    /// When the write-ahead log was written to so many times.
    Log(i64),
}

pub struct Round<'a> {
    pub aim: Aim,
    left: AtomicI64,
    /// Held while the blow falls: whoever asks then waits until it has.
    struck: Mutex<bool>,
    over: AtomicBool,
    /// Acknowledged deposits.
    pub kept: AtomicUsize,
    strike: &'a (dyn Fn() + Sync),
    /// The load goes on when the blow has fallen: something is left to serve it.
    goes_on: bool,
}

impl<'a> Round<'a> {
    pub fn new(aim: Aim, goes_on: bool, strike: &'a (dyn Fn() + Sync)) -> Self {
        let left = match aim {
            Aim::Time(_) => 0,
            Aim::Byte(n) | Aim::Answer(n) | Aim::Key(n) | Aim::Log(n) => n,
        };
        let (struck, over) = (Mutex::new(false), AtomicBool::new(false));
        Self { aim, left: left.into(), struck, over, kept: AtomicUsize::new(0), strike, goes_on }
    }

    pub fn strike(&self) {
        let mut struck = self.struck.lock().unwrap();
        if !*struck {
            (self.strike)();
            *struck = true;
            if !self.goes_on {
                self.end();
            }
        }
    }

    pub fn struck(&self) -> bool {
        *self.struck.lock().unwrap()
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Ends when this is dropped, also by a failure.
    pub fn until_dropped(&self) -> impl Drop {
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        Over(&self.over)
    }

    pub fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// One more of what is counted; strikes at the last.
    pub fn count(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.strike();
        }
    }

    /// Of so many bytes, how many go before the blow; `None`: it falls elsewhere.
    fn cut(&self, bytes: usize) -> Option<usize> {
        let Aim::Byte(_) = self.aim else { return None };
        let before = self.left.fetch_sub(i64::try_from(bytes).unwrap(), Ordering::SeqCst);
        usize::try_from(before).ok().filter(|left| (1..=bytes).contains(left))
    }
}

/// What came of an answer.
pub struct Got {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Got {
    pub fn headers<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.head.lines().filter_map(move |line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    }

    pub fn header(&self, name: &'static str) -> &str {
        self.headers(name).next().unwrap_or_default()
    }
}

/// What a page shows of a key begins with this.
pub const TILES: &str = r#"<p class="key secret""#;

/// A connection to one of the servers, the next one when it fails, as by way of a load balancer.
pub struct Wire {
    pub ports: Vec<u16>,
    stream: Option<TcpStream>,
}

impl Wire {
    pub fn new(ports: Vec<u16>) -> Self {
        Self { ports, stream: None }
    }

    /// Asks once. What came of the answer; `None`: nothing.
    pub fn ask(&mut self, round: &Round<'_>, request: &str) -> Option<Got> {
        let stream = match self.stream.take() {
            Some(stream) => Some(stream),
            None => TcpStream::connect(("127.0.0.1", *self.ports.first()?)).ok(),
        };
        let mut answer = Vec::new();
        let whole = stream.is_some_and(|mut stream| {
            let done = exchange(round, &mut stream, request.as_bytes(), &mut answer).is_some();
            self.stream = done.then_some(stream);
            done
        });
        if !whole {
            self.ports.rotate_left(1);
            if !round.over() {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let (head, text) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Some(Got { status, head: head.to_owned(), text: text.to_owned() })
    }
}

/// Sends, and reads to the end of the answer; `None`: the connection ended before.
fn exchange(round: &Round<'_>, stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let cut = round.cut(request.len());
    let (first, rest) = request.split_at(cut.unwrap_or(request.len()));
    stream.write_all(first).ok()?;
    if cut.is_some() {
        round.strike();
    }
    stream.write_all(rest).ok()?;
    let deposit = request.starts_with(b"POST /api/");
    let (mut chunk, mut key) = ([0; 4096], false);
    loop {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        let first = answer.is_empty();
        answer.extend_from_slice(chunk.get(..n)?);
        let text = String::from_utf8_lossy(answer);
        match round.aim {
            Aim::Answer(_) if first && deposit => round.count(),
            Aim::Key(_) if !key && text.contains(TILES) => {
                key = true;
                round.count();
            }
            _ => {}
        }
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            if answer.len() >= head.len() + 4 + length.unwrap_or(0) {
                return Some(());
            }
        }
    }
}
