//! What can go wrong at the API, where, and what it means: the table that the OpenAPI document and `docs/api.md` are held
//! against. `WebError::outline` gives the codes; a test compares.

/// A kind of operation, as far as its errors go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    Every,
    /// Those that take a body.
    Body,
    /// Those that may be sent again with an `Idempotency-Key`.
    Once,
    /// Those whose body, path or query has fields.
    Fields,
    /// Those about one Mac.
    OneDevice,
    /// Answers of the API's part of the address space that are of no operation.
    NoOperation,
}

/// A problem document's code.
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    pub status: u16,
    pub code: &'static str,
    pub at: At,
    pub when: &'static str,
}

const fn problem(status: u16, code: &'static str, at: At, when: &'static str) -> Problem {
    Problem { status, code, at, when }
}

/// Every one, by status.
pub const PROBLEMS: &[Problem] = &[
    problem(400, "json", At::Body, "The body is not JSON, or a member of an object stands in it twice."),
    problem(400, "body", At::Body, "The body broke off."),
    problem(400, "request", At::OneDevice, "The address cannot be read."),
    problem(
        400,
        "idempotency_key",
        At::Once,
        "The `Idempotency-Key` is empty, longer than 200 characters, holds a space or what is not printable ASCII, is given twice, or came with a stream.",
    ),
    problem(401, "bad_token", At::Every, "No token, one that is unknown, revoked or expired, or one that belongs into a path."),
    problem(403, "forbidden", At::Every, "The token lacks the scope, or may not touch this Mac."),
    problem(404, "not_found", At::OneDevice, "No such Mac, or none that this token may know of."),
    problem(404, "not_found", At::NoOperation, "There is nothing at this address."),
    problem(405, "method_not_allowed", At::NoOperation, "The address does not take this method; `Allow` says which it takes."),
    problem(408, "too_slow", At::Body, "The body took longer than `server.body_deadline_seconds`."),
    problem(413, "too_large", At::Body, "The body is larger than 64 KiB, or 1 MiB for several deposits."),
    problem(415, "media_type", At::Body, "The `Content-Type` is not one of those that are listed."),
    problem(415, "content_encoding", At::Body, "The body is packed. Nothing is unpacked here."),
    problem(421, "unknown_host", At::Every, "The request names another host than `server.public_url`."),
    problem(
        422,
        "invalid_field",
        At::Fields,
        "A field is wrong: `field` names it, `detail` says what is wrong with it, and neither repeats its value.",
    ),
    problem(422, "idempotency_key_reused", At::Once, "The `Idempotency-Key` came with another request within a day."),
    problem(
        429,
        "too_many_requests",
        At::Every,
        "The token has used its requests of this minute up; `Retry-After` says how many seconds to wait.",
    ),
    problem(500, "internal", At::Every, "A fault of the server's own. The log has more under `request_id`."),
    problem(503, "sealed", At::Every, "The server has no root key: nothing is taken in and nothing is said."),
    problem(503, "busy", At::Every, "There is too much at once, and nothing was done: try again after the seconds of `Retry-After`."),
    problem(503, "trail_unavailable", At::Every, "The trail cannot be written, so nothing was done."),
    problem(503, "unavailable", At::Every, "The database does not answer. Try again after `Retry-After` seconds."),
];
