//! Who is answered at all: a browser or a server on this machine, that means this host. And what every answer carries.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::Provider;

/// Headers that a proxy adds: with one of them, someone made the demo reachable from elsewhere.
const FORWARDING: [&str; 8] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-server", "x-real-ip"];

pub(super) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let provider = request.app_data::<web::Data<Provider>>().cloned();
    let welcome = provider.as_ref().is_some_and(|p| {
        let local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
        local && host_is(request.headers(), &p.host) && !FORWARDING.iter().any(|name| request.headers().contains_key(*name))
    });
    let mut response = if welcome {
        next.call(request).await?.map_into_left_body()
    } else {
        let text = "This is a demo. It answers on its own machine only, at its own address.\n";
        let refusal = HttpResponse::MisdirectedRequest().content_type("text/plain; charset=utf-8").body(text);
        request.into_response(refusal).map_into_right_body()
    };
    let portal = provider.map(|p| p.portal.clone()).unwrap_or_default();
    // The form's answer redirects to the portal, and browsers hold form-action against the whole chain.
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {portal}; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'"
    );
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("content-security-policy", policy.as_str()),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// Exactly one `Host`, and it is ours.
fn host_is(headers: &HeaderMap, host: &str) -> bool {
    let mut hosts = headers.get_all(header::HOST);
    hosts.next().is_some_and(|h| h.as_bytes() == host.as_bytes()) && hosts.next().is_none()
}

/// A form that was posted from one of our own pages.
pub(super) fn own_form(headers: &HeaderMap, issuer: &str) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() == issuer.as_bytes())
}
