//! What holds for every answer: the request's id, whose host, cross-site checks, the sealed state, panics caught, headers,
//! errors in the form of the surface they belong to, one log line. Always wrapped; nothing switches it off.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template as _;
use futures_util::FutureExt as _;
use tracing::{Instrument as _, Span};

use super::error::{Down, WebError};
use super::extract::{RequestId, SESSION_COOKIE, Visit, is_encoded, person_of};
use super::pages::ErrorPage;
use super::{App, ROUTES, api, assets, place, unread};
use crate::domain::EventKind;
use crate::service::ServiceError;
use crate::service::access::SignedIn;
use crate::telemetry::spans;

/// Nothing inline, nothing from elsewhere, no page in a frame, no form to another place.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
                   require-trusted-types-for 'script'; trusted-types 'none'; report-uri /csp-report";

/// Methods that are named in the log and in metrics.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// Who reads the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Surface {
    Page,
    Api,
    Agent,
    /// The identity provider, at its own call.
    Provider,
    Bare,
}

impl Surface {
    fn of(path: &str) -> Self {
        match path {
            p if p.starts_with("/api/") => Self::Api,
            p if p.starts_with("/compat/") => Self::Agent,
            "/auth/backchannel-logout" => Self::Provider,
            "/healthz" | "/readyz" | "/csp-report" => Self::Bare,
            p if p.starts_with(assets::PREFIX) => Self::Bare,
            _ => Self::Page,
        }
    }
}

/// What is noted of a request before it is handed on: a handler that panics takes the rest with it.
struct Note {
    app: web::Data<App>,
    visit: Visit,
    surface: Surface,
    method: Method,
    started: Instant,
    span: Span,
}

impl Note {
    fn of(req: &ServiceRequest, visit: Visit, started: Instant) -> Self {
        let pattern = req.match_pattern().and_then(|p| ROUTES.iter().find(|r| r.path == p));
        let span = spans::request(usual(req.method()), pattern.map(|r| r.path), visit.info.id);
        #[cfg(feature = "otel")]
        if let Some(parent) = req.headers().get("traceparent").and_then(|v| v.to_str().ok())
            && super::proxy::vouches(req.peer_addr().map(|a| a.ip()), &visit.app.trusted_proxies)
        {
            crate::telemetry::otel::follow(&span, parent);
        }
        Self { app: visit.app.clone(), surface: Surface::of(req.path()), method: req.method().clone(), visit, started, span }
    }
}

/// The one middleware.
pub async fn around(mut req: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let unread = unread::lend(&mut req);
    if let Some(app) = req.app_data::<web::Data<App>>() {
        let id = app.service.env().uuid();
        req.extensions_mut().insert(RequestId(id));
    }
    let Some(visit) = Visit::of(req.request()) else {
        return Ok(req.into_response(HttpResponse::InternalServerError().finish()));
    };
    let note = Note::of(&req, visit, started);
    if let Some(error) = refused(&note, &req).instrument(note.span.clone()).await {
        // Not `into_response`: it forgets the error on the way, and with it the page that says what happened.
        let answer = ServiceResponse::new(req.into_parts().0, HttpResponse::from_error(error));
        return Ok(finish(&note, answer).map_body(|_, body| unread.hold(body)));
    }
    let error = match AssertUnwindSafe(next.call(req)).catch_unwind().instrument(note.span.clone()).await {
        Ok(Ok(answer)) => return Ok(finish(&note, answer.map_into_boxed_body()).map_body(|_, body| unread.hold(body))),
        Ok(Err(error)) => foreign(&error),
        Err(_) => WebError::Internal("a handler panicked".into()),
    };
    // The request is gone with the handler; the answer is made from what was noted.
    let mut answer = render(&note, &error, None).unwrap_or_else(|| HttpResponse::new(error.outline().0));
    headers(answer.headers_mut(), &note);
    log(&note, "-", answer.status());
    let answer = answer.map_body(|_, body| unread.hold(body));
    Err(InternalError::from_response("answered", answer).into())
}

/// Renders an error, sets the headers, writes the line.
fn finish(note: &Note, mut answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let rendered = answer.response().error().and_then(|e| {
        let person = answer.request().extensions().get::<SignedIn>().cloned();
        match e.as_error::<WebError>() {
            Some(own) => render(note, own, person.as_ref()),
            None => render(note, &foreign(e), person.as_ref()),
        }
    });
    if let Some(mut rendered) = rendered {
        // Cookies that the handler set stay.
        for value in answer.headers().get_all(header::SET_COOKIE) {
            rendered.headers_mut().append(header::SET_COOKIE, value.clone());
        }
        answer = answer.into_response(rendered);
    }
    // A token that is refused is told no limit.
    let paced = answer.request().extensions().get::<api::Paced>().copied().filter(|_| answer.status() != StatusCode::UNAUTHORIZED);
    if let Some(paced) = paced {
        api::rate_limit_headers(answer.headers_mut(), paced);
    }
    headers(answer.headers_mut(), note);
    let pattern = answer.request().match_pattern();
    log(note, pattern.as_deref().unwrap_or("-"), answer.status());
    answer
}

/// An error of the framework itself: extractors of path or query. It says no more than its status.
fn foreign(error: &Error) -> WebError {
    match error.as_response_error().status_code() {
        StatusCode::NOT_FOUND => WebError::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => WebError::TooLarge,
        s if s.is_client_error() => WebError::Bad { code: "request" },
        _ => WebError::Internal("framework".into()),
    }
}

/// What is refused before any handler runs.
async fn refused(note: &Note, req: &ServiceRequest) -> Option<WebError> {
    let Note { app, surface, .. } = note;
    let host = req.headers().get(header::HOST).and_then(|v| v.to_str().ok());
    let named = req.uri().authority().map(|a| a.as_str());
    if *surface != Surface::Bare && !named.or(host).is_some_and(|named| is_ours(app, named)) {
        return Some(WebError::Misdirected);
    }
    if app.service.is_sealed() && *surface != Surface::Bare {
        return Some(WebError::Unavailable { what: Down::Sealed, source: Box::new(ServiceError::Sealed) });
    }
    if *surface == Surface::Page && changes(&note.method) && cross_site(app, req.headers()) {
        record_cross_site(req.request(), &note.visit).await;
        return Some(WebError::Csrf);
    }
    if *surface == Surface::Page && is_encoded(req.headers()) {
        return Some(WebError::Encoding);
    }
    None
}

/// A host has no case, and the default port may be named.
fn is_ours(app: &App, named: &str) -> bool {
    let default_port = if app.https { ":443" } else { ":80" };
    named.eq_ignore_ascii_case(&app.host) || named.strip_suffix(default_port).is_some_and(|host| host.eq_ignore_ascii_case(&app.host))
}

/// Does any page take this method to change something? One that none takes reaches no handler: its answer is 405.
fn changes(method: &Method) -> bool {
    !method.is_safe() && ROUTES.iter().any(|r| r.method == method.as_str() && Surface::of(r.path) == Surface::Page)
}

/// Fetch metadata first, then `Origin`; a browser sends at least one of them with every form.
fn cross_site(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site");
    let origin = text("origin");
    site.is_some_and(|s| s != "same-origin") || origin.is_some_and(|o| o != app.origin) || (site.is_none() && origin.is_none())
}

async fn record_cross_site(req: &HttpRequest, visit: &Visit) {
    let known = if req.cookie(SESSION_COOKIE).is_some() { person_of(req, visit).await.ok().flatten() } else { None };
    let service = &visit.app.service;
    match known {
        Some(person) => {
            if let Err(e) = service.refuse_person(&person, "cross_site", None, &visit.info).await {
                tracing::error!(error = %e, "a refusal could not be recorded");
            }
        }
        None => service.refuse_unknown(EventKind::AccessRefused, "cross_site", &visit.info).await,
    }
}

/// The error as the surface's readers expect it; `None` leaves the bare status.
fn render(note: &Note, error: &WebError, person: Option<&SignedIn>) -> Option<HttpResponse> {
    if let WebError::Internal(_) | WebError::Unavailable { .. } = error {
        tracing::error!(request = %note.visit.info.id, error = %error, "a request failed");
    }
    match note.surface {
        Surface::Api => Some(error.problem(&note.visit.info.id.to_string())),
        Surface::Agent => Some(error.plain()),
        Surface::Provider => Some(error.oauth()),
        Surface::Bare => None,
        Surface::Page => {
            let mut frame = note.visit.page(person, None);
            // The ways back lead to an address, and a refused one may hold what was never to be repeated.
            // One that is not there has none: a stranger's device, an unknown one and no id at all are one page.
            frame.address = if matches!(error, WebError::NotFound) { "/" } else { place::harmless(&note.visit.address) }.to_owned();
            frame.no_languages = note.app.service.is_sealed();
            let reference = note.visit.reference();
            let page = ErrorPage { page: frame, kind: error.page(&note.visit), reference, plain_http: !note.app.https };
            let mut response = HttpResponse::build(error.outline().0);
            error.headers(&mut response);
            Some(response.content_type("text/html; charset=utf-8").body(page.render().unwrap_or_default()))
        }
    }
}

fn headers(headers: &mut HeaderMap, note: &Note) {
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "same-origin");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set("content-security-policy", CSP);
    set("x-frame-options", "DENY");
    set("permissions-policy", "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self)");
    if note.app.https {
        set("strict-transport-security", "max-age=63072000");
    }
    if note.surface != Surface::Bare || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// A method is free text of the caller's, unless it is one of the usual.
fn usual(method: &Method) -> &'static str {
    METHODS.into_iter().find(|m| *m == method.as_str()).unwrap_or("other")
}

/// One line per request: the matched pattern, never the path or the query.
fn log(note: &Note, route: &str, status: StatusCode) {
    let ms = u64::try_from(note.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let address = crate::service::tokens::shown(note.visit.info.address);
    let method = usual(&note.method);
    spans::answered(&note.span, status.as_u16());
    let pattern = ROUTES.iter().find(|r| r.path == route).map_or("-", |r| r.path);
    note.app.service.metrics().answered(method, pattern, status.as_u16(), note.started.elapsed());
    tracing::info!(target: "keyharbor::request", request = %note.visit.info.id, method, route, status = status.as_u16(), ms, address, "request");
}
