//! The second listener, for those who run the server and their machines: health, metrics, the API's own documents. No page
//! of the portal is here, nobody signs in, and no answer holds a secret: whoever reaches the port may read it.

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

/// What Prometheus collects.
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(app.service.metrics_text())
}

/// Around every answer of this listener: a panic is caught, an error is a short plain text, the headers are set.
pub async fn around(mut req: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let unread = unread::lend(&mut req);
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
