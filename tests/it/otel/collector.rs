//! A collector of the tests' own: takes OTLP over HTTP on 127.0.0.1, keeps every byte, and reads spans by the wire format of
//! protobuf and the field numbers of the specification (opentelemetry/proto/trace/v1/trace.proto), with no code of the exporter's.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// One call: the request's head, and its body.
type Call = (String, Vec<u8>);

pub struct Collector {
    pub port: u16,
    calls: Arc<(Mutex<Vec<Call>>, Condvar)>,
}

#[derive(Clone, Debug)]
pub struct Span {
    pub trace: Vec<u8>,
    pub id: Vec<u8>,
    pub parent: Vec<u8>,
    pub name: String,
    /// 2: of a server, 3: of a client.
    pub kind: u64,
    pub fields: BTreeMap<String, String>,
    /// 2: an error.
    pub status: u64,
    /// Numbers of the message's other fields, by which events, links and the caller's state would be seen.
    pub numbers: Vec<u64>,
}

impl Collector {
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Answers 200 to all.
    pub fn on(listener: TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new((Mutex::default(), Condvar::new()));
        let kept = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { port, calls }
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.0.lock().unwrap().clone()
    }

    /// Waits for the first call.
    pub fn wait(&self) {
        let calls = self.calls.0.lock().unwrap();
        drop(self.calls.1.wait_while(calls, |calls| calls.is_empty()).unwrap());
    }

    /// Everything that came, heads too.
    pub fn bytes(&self) -> Vec<u8> {
        self.calls().into_iter().flat_map(|(head, body)| [head.into_bytes(), body].concat()).collect()
    }

    pub fn spans(&self) -> Vec<Span> {
        let mut out = Vec::new();
        for (_, body) in self.calls() {
            for resource in inner(&body, 1) {
                for scope in inner(&resource, 2) {
                    out.extend(inner(&scope, 2).iter().map(|span| read(span)));
                }
            }
        }
        out
    }

    /// What the process says of itself.
    pub fn resource(&self) -> BTreeMap<String, String> {
        let (_, body) = self.calls().swap_remove(0);
        let resource = inner(&inner(&body, 1)[0], 1).swap_remove(0);
        inner(&resource, 1).iter().map(|pair| field(pair)).collect()
    }
}

fn serve(stream: TcpStream, calls: &(Mutex<Vec<Call>>, Condvar)) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some((_, n)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                length = n.trim().parse().unwrap();
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        calls.0.lock().unwrap().push((head, body));
        calls.1.notify_all();
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}

/// A message's fields: their numbers, and a number or bytes.
fn message(mut bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                return value;
            }
        }
    }
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes);
        let (value, length) = match tag & 7 {
            0 => (number(&mut bytes), 0),
            1 => (0, 8),
            2 => (0, usize::try_from(number(&mut bytes)).unwrap()),
            5 => (0, 4),
            other => panic!("no such type of field: {other}"),
        };
        let (taken, rest) = bytes.split_at(length);
        out.push((tag >> 3, value, taken.to_vec()));
        bytes = rest;
    }
    out
}

fn inner(bytes: &[u8], wanted: u64) -> Vec<Vec<u8>> {
    message(bytes).into_iter().filter(|(number, ..)| *number == wanted).map(|(_, _, bytes)| bytes).collect()
}

/// A name with a text or a whole number.
fn field(bytes: &[u8]) -> (String, String) {
    let value = message(&inner(bytes, 2)[0]).swap_remove(0);
    let value = if value.0 == 1 { String::from_utf8(value.2).unwrap() } else { value.1.to_string() };
    (String::from_utf8(inner(bytes, 1).swap_remove(0)).unwrap(), value)
}

fn read(bytes: &[u8]) -> Span {
    let fields = message(bytes);
    let of = |wanted: u64| fields.iter().find(|(number, ..)| *number == wanted);
    let taken = |wanted| of(wanted).map(|(_, _, bytes)| bytes.clone()).unwrap_or_default();
    Span {
        trace: taken(1),
        id: taken(2),
        parent: taken(4),
        name: String::from_utf8(taken(5)).unwrap(),
        kind: of(6).map_or(0, |(_, value, _)| *value),
        fields: inner(bytes, 9).iter().map(|pair| field(pair)).collect(),
        status: message(&taken(15)).iter().find(|(number, ..)| *number == 3).map_or(0, |(_, value, _)| *value),
        numbers: fields.iter().map(|(number, ..)| *number).collect(),
    }
}
