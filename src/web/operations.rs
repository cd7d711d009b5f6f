//! The second listener, for those who run the server and their machines: health, metrics, the API's own documents. No page
//! of the portal is here, nobody signs in, and no answer holds a secret: whoever reaches the port may read it. A page of
//! another site in an administrator's browser may not: it can point a name of its own at this address, so names are checked.

use std::net::{IpAddr, Ipv6Addr};
use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use futures_util::FutureExt as _;

use super::{App, WebError, unread};

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// What Prometheus collects.
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(app.service.metrics_text())
}

/// Around every answer of this listener: a panic is caught, an error is a short plain text, the headers are set.
pub async fn around(mut req: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let unread = unread::lend(&mut req);
    if misdirected(&req) {
        let mut answer = WebError::Misdirected.plain();
        headers(answer.headers_mut());
        return Ok(req.into_response(answer.map_body(|_, body| unread.hold(body))));
    }
    let error = match AssertUnwindSafe(next.call(req)).catch_unwind().await {
        Ok(Ok(answer)) => {
            let mut answer = answer.map_into_boxed_body();
            let error =
                answer.response().error().map(|e| e.as_error::<WebError>().map_or_else(|| WebError::NotFound.plain(), WebError::plain));
            if let Some(plain) = error {
                answer = answer.into_response(plain);
            }
            headers(answer.headers_mut());
            return Ok(answer.map_body(|_, body| unread.hold(body)));
        }
        Ok(Err(error)) => WebError::Internal(error.to_string()),
        Err(_) => WebError::Internal("a handler panicked".into()),
    };
    let mut answer = error.plain();
    headers(answer.headers_mut());
    Err(InternalError::from_response("answered", answer.map_body(|_, body| unread.hold(body))).into())
}

/// Is another host named than an address, `localhost` or one of `operations.hosts`? Probes of health may call it what they like, and
/// a client that names no host is no browser.
fn misdirected(req: &ServiceRequest) -> bool {
    let Some(app) = req.app_data::<web::Data<App>>() else { return true };
    if HEALTH.contains(&req.path()) {
        return false;
    }
    let given = |named: &str| app.service.rules().config.operations.hosts.iter().any(|host| host.eq_ignore_ascii_case(named));
    let ours = |named: &str| host_of(named).is_some_and(|host| is_address(host) || host.eq_ignore_ascii_case("localhost") || given(host));
    match (req.uri().authority(), req.headers().get(header::HOST)) {
        (Some(named), _) => !ours(named.as_str()),
        (None, Some(named)) => !named.to_str().is_ok_and(ours),
        (None, None) => false,
    }
}

/// A host without its port.
fn host_of(named: &str) -> Option<&str> {
    match named.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => Some(host),
        Some(_) if !named.starts_with('[') || !named.ends_with(']') => None,
        _ => Some(named),
    }
}

/// No name can be pointed elsewhere if it is none.
fn is_address(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<IpAddr>().is_ok_and(|at| at.is_ipv4()),
    }
}

fn headers(headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("content-security-policy", CSP),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
