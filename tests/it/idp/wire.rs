//! HTTP/1.1 by hand, so that it can be done wrongly: one thread a connection, one request each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a test makes an address answer instead of the right thing.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// This status with an empty JSON object.
    Status(u16),
    /// This status and body, as `application/json`.
    Json(u16, String),
    Html,
    /// So many bytes of JSON, with their length said before.
    Big(usize),
    /// The same, chunked: the length cannot be known before.
    BigChunked(usize),
    /// So many bytes of JSON blanks, gzipped: they arrive as a hundred-and-sixtieth of that.
    Gzip(usize),
    /// Nothing, for ever.
    Hang,
    /// A head, then a byte now and then, for ever.
    Drip,
    Redirect(String),
}

/// A request, as far as a provider cares.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub body: String,
}

pub struct Response {
    pub status: u16,
    pub kind: &'static str,
    pub location: Option<String>,
    pub body: String,
}

impl Response {
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self { status, kind: "application/json", location: None, body: value.to_string() }
    }

    pub fn redirect(to: String) -> Self {
        Self { status: 302, kind: "text/plain", location: Some(to), body: String::new() }
    }
}

pub fn read(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization) = (0, None);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), authorization, body })
}

pub fn answer(mut stream: &TcpStream, response: &Response) {
    let location = response.location.as_ref().map(|l| format!("location: {l}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: {}\r\n{location}content-length: {}\r\nconnection: close\r\n\r\n",
        response.status,
        response.kind,
        response.body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(response.body.as_bytes()));
}

/// A gzip member of at least `size` blanks: one of them, and "the last one, 258 times" as often as it takes.
pub fn bomb(size: usize) -> Vec<u8> {
    let (mut out, mut held, mut bits) = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], 0u32, 0);
    // RFC 1951: codes come with their highest bit first, numbers with their lowest.
    let mut put = |value: u32, width: u32| {
        held |= value << bits;
        bits += width;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    };
    let code = |value: u32, width: u32| value.reverse_bits() >> (32 - width);
    put(0b011, 3); // the last block, with the fixed codes
    put(code(0x30 + u32::from(b' '), 8), 8);
    for _ in 0..size.div_ceil(258) {
        put(code(0b1100_0101, 8), 8); // 258 bytes
        put(0, 5); // from one byte back
    }
    put(0, 7); // the end
    put(0, 7); // whole bytes
    out
}

/// Answers wrongly. Counts what it could send into `sent`; ends with the test.
pub fn misbehave(mut stream: &TcpStream, trouble: &Trouble, stop: &AtomicBool, mut sent: impl FnMut(usize)) {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let started = Instant::now();
    let on = || !stop.load(Ordering::SeqCst) && started.elapsed() < Duration::from_secs(60);
    let plain = |status, kind, body: &str| Response { status, kind, location: None, body: body.into() };
    match trouble {
        Trouble::Status(status) => answer(stream, &plain(*status, "application/json", "{}")),
        Trouble::Json(status, body) => answer(stream, &plain(*status, "application/json", body)),
        Trouble::Html => answer(stream, &plain(200, "text/html", "<!doctype html><script>alert(1)</script>")),
        Trouble::Redirect(to) => answer(stream, &Response::redirect(to.clone())),
        Trouble::Gzip(size) => {
            let bomb = bomb(*size);
            let head = format!("{HEAD}content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bomb));
        }
        Trouble::Hang => {
            while on() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Trouble::Drip => {
            let _ = stream.write_all(format!("{HEAD}content-length: 10000\r\n\r\n").as_bytes());
            while on() && stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Trouble::Big(size) | Trouble::BigChunked(size) => {
            let chunked = matches!(trouble, Trouble::BigChunked(_));
            let length = if chunked { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {size}") };
            let _ = stream.write_all(format!("{HEAD}{length}\r\n\r\n").as_bytes());
            let block = [b' '; 8192];
            let mut left = *size;
            while left > 0 && on() {
                let n = left.min(block.len());
                let frame = if chunked { format!("{n:x}\r\n") } else { String::new() };
                let end: &[u8] = if chunked { b"\r\n" } else { b"" };
                if stream
                    .write_all(frame.as_bytes())
                    .and_then(|()| stream.write_all(&block[..n]))
                    .and_then(|()| stream.write_all(end))
                    .is_err()
                {
                    return;
                }
                left -= n;
                sent(n);
            }
        }
    }
}
