//! Deposits as a stream: a line in, a line out, in order, each after its key is on disk. At most a line and what the network
//! brought with it is held at a time, however long the stream is.
//!
//! What has come already is stored together, so that a fast sender pays for one commit for many lines and a slow one waits for
//! nobody. The token is looked at again before each such batch: a revoked one ends the stream, and so does one that has used its
//! minute up, for each line counts like a request.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use futures_util::stream::unfold;

use super::deposits::{deposit, trail_word};
use super::shapes::{DepositRefused, LineResult, OneResult};
use super::{bearer, strict_json};
use crate::domain::device::Serial;
use crate::domain::policy::{Action, Relation};
use crate::domain::token::Door;
use crate::service::escrow::{Deposit, Full, PART, Source};
use crate::web::WebError;
use crate::web::extract::{SMALL_BODY, Visit};

pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// A line in which something stands.
#[derive(PartialEq, Debug)]
enum Line {
    Text(Bytes),
    TooLong,
}

/// Cuts what arrives into lines.
#[derive(Default)]
struct Cutter {
    buffer: BytesMut,
    /// The rest of a line that is too long is passed over.
    skipping: bool,
    /// Of the last line that was cut off.
    number: u64,
}

impl Cutter {
    /// The whole lines that are there, at most so many.
    fn cut(&mut self, most: usize) -> Vec<(u64, Line)> {
        let mut lines = Vec::new();
        while lines.len() < most {
            let Some(end) = self.buffer.iter().position(|b| *b == b'\n') else {
                if self.buffer.len() > SMALL_BODY {
                    self.skipping = true;
                }
                if self.skipping {
                    self.buffer.clear();
                }
                break;
            };
            let line = self.buffer.split_to(end + 1).freeze();
            lines.extend(self.line(line));
        }
        lines
    }

    /// What stands after the last line's end.
    fn last(&mut self) -> Option<(u64, Line)> {
        let rest = std::mem::take(&mut self.buffer).freeze();
        if rest.is_empty() && !self.skipping { None } else { self.line(rest) }
    }

    fn line(&mut self, line: Bytes) -> Option<(u64, Line)> {
        self.number += 1;
        if std::mem::take(&mut self.skipping) || line.len() > SMALL_BODY + 1 {
            return Some((self.number, Line::TooLong));
        }
        if line.iter().all(u8::is_ascii_whitespace) { None } else { Some((self.number, Line::Text(line))) }
    }
}

struct Stream {
    req: HttpRequest,
    visit: Visit,
    payload: Payload,
    cutter: Cutter,
    ended: bool,
    deadline: Duration,
    /// Lines that are counted already: the first, with the request.
    counted: usize,
}

/// What comes next in the answer.
enum Step {
    Lines(Bytes),
    /// The last ones.
    Last(Bytes),
    Over,
}

/// The answer to a stream.
pub fn answer(req: HttpRequest, visit: Visit, payload: Payload) -> HttpResponse {
    let deadline = visit.app.body_deadline;
    let stream = Stream { req, visit, payload, cutter: Cutter::default(), ended: false, deadline, counted: 1 };
    let body = unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        let (bytes, stream) = match stream.step().await {
            Step::Lines(bytes) => (bytes, Some(stream)),
            Step::Last(bytes) => (bytes, None),
            Step::Over => return None,
        };
        Some((Ok::<_, Infallible>(bytes), stream))
    });
    // A proxy that collects answers would keep the sender waiting for what it wants to read.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    HttpResponse::Ok().content_type(MEDIA_TYPE).insert_header(unbuffered).streaming(Box::pin(body))
}

impl Stream {
    async fn step(&mut self) -> Step {
        let lines = match tokio::time::timeout(self.deadline, self.lines()).await {
            Ok(Some(lines)) => lines,
            Ok(None) => return Step::Over,
            Err(_) => return self.aborted(self.cutter.number + 1, &WebError::TooSlow),
        };
        let Some((first, _)) = lines.first() else { return Step::Over };
        let first = *first;
        match self.store(lines).await {
            Ok(step) => step,
            Err(e) => self.aborted(first, &e),
        }
    }

    /// The next lines: one, and what has come with it. `None` at the end, also at that of a connection that broke: half a line
    /// is no line.
    async fn lines(&mut self) -> Option<Vec<(u64, Line)>> {
        loop {
            let lines = self.cutter.cut(PART);
            if !lines.is_empty() {
                return Some(lines);
            }
            // Blank lines may have filled the batch.
            if self.cutter.buffer.contains(&b'\n') {
                continue;
            }
            if self.ended {
                return self.cutter.last().map(|line| vec![line]);
            }
            match self.payload.next().await {
                Some(Ok(chunk)) => self.cutter.buffer.extend_from_slice(&chunk),
                Some(Err(_)) => return None,
                None => self.ended = true,
            }
        }
    }

    /// Stores a batch and answers each of its lines.
    async fn store(&mut self, mut lines: Vec<(u64, Line)>) -> Result<Step, WebError> {
        let (service, info) = (&self.visit.app.service, &self.visit.info);
        let token = service.authenticate_depositor_now(bearer(&self.req), Door::Header, info).await?;
        service.permit_token(&token, Action::Deposit, Relation::NoDevice, info).await?;
        let counted = std::mem::take(&mut self.counted).min(lines.len());
        let (room, wait) = service.pace_more(&token, lines.len() - counted, info).await?;
        let over = (counted + room < lines.len()).then(|| lines.split_off(counted + room));
        let source = Source::from(&token);
        let (mut numbers, mut deposits, mut results, mut refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, line) in lines {
            match read(&line) {
                Ok(deposit) => {
                    numbers.push(number);
                    deposits.push(deposit);
                }
                Err(bad) => {
                    refused.push((bad.serial, bad.word));
                    results.push(LineResult { line: number, result: bad.result });
                }
            }
        }
        service.refuse_deposits(&source, &refused, info).await?;
        if !deposits.is_empty() {
            let serials: Vec<Serial> = deposits.iter().map(|d| d.serial.clone()).collect();
            let answers = service.deposit(&source, deposits, Full::Wait, info).await?;
            let stored = numbers.into_iter().zip(&serials).zip(&answers);
            results.extend(stored.map(|((line, serial), answer)| LineResult { line, result: OneResult::of(serial, answer) }));
        }
        results.sort_by_key(|result| result.line);
        let mut bytes = Vec::with_capacity(results.len() * 160);
        for result in &results {
            write(&mut bytes, result)?;
        }
        let Some((line, _)) = over.as_deref().and_then(<[_]>::first) else { return Ok(Step::Lines(bytes.into())) };
        let detail = Some(format!("go on in {wait} seconds"));
        let result = OneResult::Refused(DepositRefused { status: "aborted", code: "too_many_requests", serial: None, field: None, detail });
        write(&mut bytes, &LineResult { line: *line, result })?;
        Ok(Step::Last(bytes.into()))
    }

    /// The last line of a stream that cannot go on.
    fn aborted(&self, line: u64, error: &WebError) -> Step {
        if let WebError::Internal(_) | WebError::Unavailable { .. } = error {
            tracing::error!(request = %self.visit.info.id, error = %error, "a stream of deposits was broken off");
        }
        let (_, code) = error.outline();
        let result = OneResult::Refused(DepositRefused { status: "aborted", code, serial: None, field: None, detail: None });
        let mut bytes = Vec::new();
        match write(&mut bytes, &LineResult { line, result }) {
            Ok(()) => Step::Last(bytes.into()),
            Err(_) => Step::Over,
        }
    }
}

fn write(bytes: &mut Vec<u8>, result: &LineResult) -> Result<(), WebError> {
    serde_json::to_writer(&mut *bytes, result).map_err(|e| WebError::Internal(e.to_string()))?;
    bytes.push(b'\n');
    Ok(())
}

/// A line that is no deposit.
struct Bad {
    result: OneResult,
    serial: Option<Serial>,
    /// The trail's.
    word: &'static str,
}

/// One line: a deposit, or what is wrong with it, for the caller and for the trail.
fn read(line: &Line) -> Result<Deposit, Box<Bad>> {
    let whole = |code: &'static str, word| {
        let result = OneResult::Refused(DepositRefused { status: "refused", code, serial: None, field: None, detail: None });
        Err(Box::new(Bad { result, serial: None, word }))
    };
    let text = match line {
        Line::TooLong => return whole("too_large", "body"),
        Line::Text(text) => text,
    };
    match strict_json(text) {
        Err(_) => whole("json", "unreadable"),
        Ok(value) => {
            deposit(&value).map_err(|bad| Box::new(Bad { result: bad.result(), word: trail_word(&bad.field), serial: bad.serial }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the text in pieces of that size.
    fn cut(text: &[u8], piece: usize) -> (Vec<(u64, Line)>, usize) {
        let (mut cutter, mut lines, mut most) = (Cutter::default(), Vec::new(), 0);
        for piece in text.chunks(piece) {
            cutter.buffer.extend_from_slice(piece);
            most = most.max(cutter.buffer.len());
            loop {
                let more = cutter.cut(2);
                if more.is_empty() && !cutter.buffer.contains(&b'\n') {
                    break;
                }
                lines.extend(more);
            }
        }
        lines.extend(cutter.last());
        (lines, most)
    }

    fn text(line: &str) -> Line {
        Line::Text(Bytes::copy_from_slice(line.as_bytes()))
    }

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        let whole = b"{1}\r\n\n  \n{4}\n{5}";
        for piece in 1..=whole.len() {
            let (lines, _) = cut(whole, piece);
            assert_eq!(lines, [(1, text("{1}\r\n")), (4, text("{4}\n")), (5, text("{5}"))], "pieces of {piece}");
        }
        assert_eq!(cut(b"", 1).0, []);
        assert_eq!(cut(b"\n\n", 1).0, []);
    }

    #[test]
    fn a_line_of_any_length_takes_no_more_room_than_the_longest_allowed() {
        let long = [vec![b'a'; 3 * SMALL_BODY], b"\n{2}\n".to_vec(), vec![b'b'; 2 * SMALL_BODY]].concat();
        let (lines, most) = cut(&long, 1000);
        assert_eq!(lines, [(1, Line::TooLong), (2, text("{2}\n")), (3, Line::TooLong)]);
        assert!(most <= SMALL_BODY + 1000, "{most}");
        let exactly = [vec![b'a'; SMALL_BODY], b"\n".to_vec(), vec![b'b'; SMALL_BODY + 1], b"\n".to_vec()].concat();
        let lines = cut(&exactly, 4096).0;
        assert!(matches!(lines.as_slice(), [(1, Line::Text(_)), (2, Line::TooLong)]), "{}", lines.len());
    }
}
