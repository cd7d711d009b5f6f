//! A browser by hand: one connection, cookies, no redirects followed.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Client {
    stream: TcpStream,
    host: String,
    cookies: BTreeMap<String, String>,
}

pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let fits = |line: &&str| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head.lines().find(fits).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }

    /// The value of a form's hidden field.
    pub fn hidden(&self, name: &str) -> String {
        let rest = self.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no {name}: {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Client {
    pub fn new(address: SocketAddr, host: &str) -> Self {
        Self::try_new(address, host).unwrap()
    }

    pub fn try_new(address: SocketAddr, host: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        Some(Self { stream, host: host.to_owned(), cookies: BTreeMap::new() })
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.try_ask("GET", path, &[], "").unwrap()
    }

    /// Posts a form from a page of the same site.
    pub fn post(&mut self, path: &str, origin: &str, body: &str) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin)];
        self.try_ask("POST", path, &headers, body).unwrap()
    }

    pub fn try_ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            text += &format!("Cookie: {}\r\n", all.join("; "));
        }
        if method == "POST" {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text += "\r\n";
        text += body;
        self.stream.write_all(text.as_bytes()).ok()?;
        let answer = self.read()?;
        for line in answer.head.lines() {
            if let Some((name, value)) = line
                .split_once(':')
                .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
                .map(|(_, v)| v)
                .and_then(|cookie| cookie.trim().split(';').next()?.split_once('='))
            {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Some(answer)
    }

    fn read(&mut self) -> Option<Answer> {
        let (mut bytes, mut part) = (Vec::new(), [0; 16 * 1024]);
        loop {
            if let Some(length) = whole(&bytes) {
                let at = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
                let head = String::from_utf8(bytes[..at].to_vec()).ok()?;
                let status = head.split(' ').nth(1)?.parse().ok()?;
                return Some(Answer { status, head, body: String::from_utf8(bytes[at + 4..length].to_vec()).ok()? });
            }
            let n = self.stream.read(&mut part).ok()?;
            if n == 0 {
                return None;
            }
            bytes.extend_from_slice(&part[..n]);
        }
    }
}

/// The length of the answer at the beginning of `bytes`, once all of it is there.
pub fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).unwrap();
    let length = text.lines().find_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case("content-length")));
    let length: usize = length.unwrap_or_else(|| panic!("an answer without its length: {text}")).1.trim().parse().unwrap();
    (bytes.len() >= head + length).then_some(head + length)
}
