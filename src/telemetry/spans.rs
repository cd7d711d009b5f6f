//! What a trace says of a request: its method, its route's pattern, its status, its id. A path, a query, a header, a person
//! or a serial number is never a field of a span.
//!
//! Nobody looks at these spans unless the build has the feature `otel` and a collector is named: then they cost nothing.
//! The store and the calls to the identity provider make spans of the same target within a request's.

use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

/// The target of every span; nothing else has it.
pub const TARGET: &str = "keyharbor::span";

/// A request that has begun. `route` is a pattern of the route table, if one matches; `method` one of the usual, or "other".
pub fn request(method: &'static str, route: Option<&'static str>, id: Uuid) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = Empty,
        http.response.status_code = Empty,
        http.route = route,
        keyharbor.request = Empty,
    );
    if !span.is_disabled() {
        // The specification's words for a method that is none.
        let (method, named) = if method == "other" { ("_OTHER", "HTTP") } else { (method, method) };
        span.record("http.request.method", method);
        span.record("otel.name", route.map_or_else(|| named.to_owned(), |route| format!("{named} {route}")));
        span.record("keyharbor.request", tracing::field::display(id));
    }
    span
}

/// Its answer. Only what went wrong on this side counts as an error.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}
