//! What holds for every answer: the request's id, whose host, cross-site checks, the sealed state, panics caught, headers,
//! errors in the form of the surface they belong to, one log line. Always wrapped; nothing switches it off.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template as _;
use futures_util::FutureExt as _;

use super::error::{Down, WebError};
use super::extract::{RequestId, SESSION_COOKIE, Visit, person_of};
use super::pages::ErrorPage;
use super::{App, assets};
use crate::domain::EventKind;
use crate::service::ServiceError;
use crate::service::access::SignedIn;

/// Nothing inline, nothing from elsewhere, no page in a frame, no form to another place.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
                   require-trusted-types-for 'script'; trusted-types 'none'; report-uri /csp-report";

/// Who reads the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Surface {
    Page,
    Api,
    Agent,
    Bare,
}

impl Surface {
    fn of(path: &str) -> Self {
        match path {
            p if p.starts_with("/api/") => Self::Api,
            p if p.starts_with("/compat/") => Self::Agent,
            "/healthz" | "/readyz" | "/csp-report" => Self::Bare,
            p if p.starts_with(assets::PREFIX) => Self::Bare,
            _ => Self::Page,
        }
    }
}

/// The one middleware.
pub async fn around(req: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let Some(app) = req.app_data::<web::Data<App>>().cloned() else {
        return Ok(req.into_response(HttpResponse::InternalServerError().finish()));
    };
    let id = app.service.env().uuid();
    req.extensions_mut().insert(RequestId(id));
    let method = req.method().clone();
    let surface = Surface::of(req.path());
    let http = req.request().clone();
    let mut response = match refused(&app, &req, surface).await {
        Some(error) => req.into_response(HttpResponse::from_error(error)).map_into_boxed_body(),
        None => match AssertUnwindSafe(next.call(req)).catch_unwind().await {
            Ok(Ok(response)) => response.map_into_boxed_body(),
            Ok(Err(error)) => ServiceResponse::from_err(error, http.clone()).map_into_boxed_body(),
            Err(_) => ServiceResponse::from_err(WebError::Internal("a handler panicked".into()), http.clone()).map_into_boxed_body(),
        },
    };
    let error = response.response().error().map(|e| e.as_error::<WebError>().map_or_else(|| foreign(e), |_| None));
    if let Some(replaced) = error {
        let rendered = match (&replaced, response.response().error().and_then(|e| e.as_error::<WebError>())) {
            (Some(other), _) => render(&http, other, surface),
            (None, Some(own)) => render(&http, own, surface),
            (None, None) => None,
        };
        if let Some(rendered) = rendered {
            response = response.into_response(rendered);
        }
    }
    headers(response.headers_mut(), &app, surface);
    log(&http, &method, &response, &app, started, id);
    Ok(response)
}

/// An error of the framework itself: extractors of path or query. It says no more than its status.
fn foreign(error: &Error) -> Option<WebError> {
    Some(match error.as_response_error().status_code() {
        StatusCode::NOT_FOUND => WebError::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => WebError::TooLarge,
        s if s.is_client_error() => WebError::Bad { code: "request" },
        _ => WebError::Internal("framework".into()),
    })
}

/// What is refused before any handler runs.
async fn refused(app: &web::Data<App>, req: &ServiceRequest, surface: Surface) -> Option<WebError> {
    let host = req.headers().get(header::HOST).and_then(|v| v.to_str().ok());
    let named = req.uri().authority().map(|a| a.as_str());
    if surface != Surface::Bare && named.or(host) != Some(app.host.as_str()) {
        return Some(WebError::Misdirected);
    }
    if app.service.is_sealed() && surface != Surface::Bare {
        return Some(WebError::Unavailable { what: Down::Sealed, source: Box::new(ServiceError::Sealed) });
    }
    let changes = !matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::CONNECT);
    if surface == Surface::Page && changes && cross_site(app, req.headers()) {
        if let Some(visit) = Visit::of(req.request()) {
            record_cross_site(req.request(), &visit).await;
        }
        return Some(WebError::Csrf);
    }
    None
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

/// The error as the surface's readers expect it.
fn render(req: &HttpRequest, error: &WebError, surface: Surface) -> Option<HttpResponse> {
    if let WebError::Internal(_) | WebError::Unavailable { .. } = error {
        tracing::error!(error = %error, "a request failed");
    }
    match surface {
        Surface::Api => Some(error.problem(&req.extensions().get::<RequestId>().map_or_else(String::new, |r| r.0.to_string()))),
        Surface::Agent => Some(error.plain()),
        Surface::Bare => None,
        Surface::Page => {
            let visit = Visit::of(req)?;
            let person = req.extensions().get::<SignedIn>().cloned();
            let page =
                ErrorPage { page: visit.page(person.as_ref(), None), kind: error.page(&visit.formats()), reference: visit.reference() };
            let status = if page.page.signed_in.is_none() && matches!(error, WebError::BadToken) {
                StatusCode::UNAUTHORIZED
            } else {
                error.outline().0
            };
            let mut response = HttpResponse::build(status);
            error.headers(&mut response);
            Some(response.content_type("text/html; charset=utf-8").body(page.render().unwrap_or_default()))
        }
    }
}

fn headers(headers: &mut HeaderMap, app: &App, surface: Surface) {
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
    if app.https {
        set("strict-transport-security", "max-age=63072000");
    }
    if surface != Surface::Bare || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// One line per request: the matched pattern, never the path or the query.
fn log(req: &HttpRequest, method: &Method, response: &ServiceResponse<BoxBody>, app: &App, started: Instant, id: uuid::Uuid) {
    let known = response.request().match_pattern().or_else(|| req.match_pattern());
    let route = known.as_deref().unwrap_or("-");
    let status = response.status().as_u16();
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let address = Visit::of(req).and_then(|v| v.info.address);
    let address = crate::service::tokens::shown(address);
    // A method is free text of the caller's, unless it is one of the usual.
    let method = match method.as_str() {
        m @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT") => m,
        _ => "other",
    };
    let _ = app;
    tracing::info!(target: "keyharbor::request", request = %id, method, route, status, ms, address, "request");
}
