//! What a caller is told when something did not happen: a page, a problem document, or a short plain text.
//!
//! A handler answers with a [`WebError`]; the guard renders it for the surface the request came to. No message repeats
//! what was sent, and none holds anything of a key.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::extract::Visit;
use super::pages::{ErrorKind, SignInProblem};
use crate::domain::ids::Timestamp;
use crate::domain::policy::Refusal;
use crate::service::ServiceError;
use crate::service::logout::LogoutError;
use crate::service::sign_in::{Hitch, OidcError, SignInError};

/// Everything that is not an answer of a handler's own.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("not found")]
    NotFound,
    #[error("not signed in")]
    SignedOut,
    #[error("bad or missing token")]
    BadToken,
    #[error("not allowed")]
    Forbidden,
    #[error("not a form of ours")]
    Csrf,
    #[error("method not allowed")]
    MethodNotAllowed { allow: String },
    #[error("the request is too large")]
    TooLarge,
    #[error("the request took too long to arrive")]
    TooSlow,
    #[error("content encoding is not supported")]
    Encoding,
    #[error("the media type is not supported")]
    MediaType,
    #[error("the idempotency key came with another request before")]
    KeyReused,
    #[error("the host is not ours")]
    Misdirected,
    /// The request cannot be read at all; `code` says why.
    #[error("bad request: {code}")]
    Bad { code: &'static str },
    /// A field is wrong. `why` never repeats its value.
    #[error("{field} {why}")]
    Field { field: String, why: String },
    #[error("too many requests")]
    TooMany { until: Timestamp, now: Timestamp },
    /// The same, of keys for others.
    #[error("too many viewings")]
    TooManyViewings { until: Timestamp, now: Timestamp },
    #[error("{what}: {source}")]
    Unavailable { what: Down, source: Box<ServiceError> },
    #[error("{0}")]
    Internal(String),
    #[error("renewals used up")]
    RenewalsUsedUp { device_url: String },
    #[error("the provider sends no auth_time")]
    NoAuthTime,
    /// The same, of an act of an admin.
    #[error("the provider sends no auth_time")]
    NoAuthTimeForAdmin,
    #[error("sign-in: {0}")]
    SignIn(SignInError),
    #[error("logout: {0}")]
    Logout(OidcError),
    /// Signed in, with less than the person may expect.
    #[error("sign-in: {0:?}")]
    Hitch(Hitch),
}

/// What is out of order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Down {
    Sealed,
    Trail,
    Database,
    /// Too much at once.
    Busy,
}

impl std::fmt::Display for Down {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sealed => "sealed",
            Self::Trail => "trail",
            Self::Database => "database",
            Self::Busy => "busy",
        })
    }
}

impl From<ServiceError> for WebError {
    fn from(e: ServiceError) -> Self {
        let down = |what, e| Self::Unavailable { what, source: Box::new(e) };
        match e {
            ServiceError::Refused(Refusal::NotFound) => Self::NotFound,
            ServiceError::Refused(Refusal::Forbidden) => Self::Forbidden,
            ServiceError::Refused(Refusal::NotSignedIn) => Self::BadToken,
            ServiceError::Invalid { field, why } => Self::Field { field: field.to_owned(), why },
            ServiceError::TooMany { until, now } => Self::TooMany { until, now },
            ServiceError::KeyReused => Self::KeyReused,
            ServiceError::Busy { .. } => down(Down::Busy, e),
            ServiceError::Sealed => down(Down::Sealed, e),
            ServiceError::Trail(_) => down(Down::Trail, e),
            // Nothing was done, or nobody knows whether it was: the caller may try again.
            ServiceError::Store(ref s) if s.is_outage() => down(Down::Database, e),
            ServiceError::Store(_) | ServiceError::Integrity | ServiceError::Internal(_) => Self::Internal(e.to_string()),
        }
    }
}

impl From<LogoutError> for WebError {
    fn from(e: LogoutError) -> Self {
        match e {
            LogoutError::Service(e) => e.into(),
            LogoutError::Provider(e) => Self::Logout(e),
        }
    }
}

impl From<SignInError> for WebError {
    fn from(e: SignInError) -> Self {
        match e {
            SignInError::Service(e) => e.into(),
            e => Self::SignIn(e),
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Serialize)]
pub struct Problem<'a> {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'a str,
    pub status: u16,
    pub code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    pub request_id: String,
}

impl WebError {
    /// At the desk it is viewings that are too many.
    pub fn at_desk(self) -> Self {
        match self {
            Self::TooMany { until, now } => Self::TooManyViewings { until, now },
            other => other,
        }
    }

    /// Status and stable code.
    pub fn outline(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "signed_out"),
            Self::BadToken => (StatusCode::UNAUTHORIZED, "bad_token"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Csrf => (StatusCode::FORBIDDEN, "cross_site"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
            Self::Encoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "unknown_host"),
            Self::Bad { code } => (StatusCode::BAD_REQUEST, code),
            Self::Field { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_field"),
            Self::TooMany { .. } | Self::TooManyViewings { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::Unavailable { what: Down::Sealed, .. } => (StatusCode::SERVICE_UNAVAILABLE, "sealed"),
            Self::Unavailable { what: Down::Trail, .. } => (StatusCode::SERVICE_UNAVAILABLE, "trail_unavailable"),
            Self::Unavailable { what: Down::Database, .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Unavailable { what: Down::Busy, .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::RenewalsUsedUp { .. } => (StatusCode::CONFLICT, "renewals_used_up"),
            Self::NoAuthTime | Self::NoAuthTimeForAdmin => (StatusCode::FORBIDDEN, "no_auth_time"),
            Self::SignIn(e) if e.provider_is_down() => (StatusCode::SERVICE_UNAVAILABLE, "provider_unreachable"),
            Self::SignIn(SignInError::TooManyOpen) => (StatusCode::SERVICE_UNAVAILABLE, "too_many_sign_ins"),
            Self::SignIn(_) => (StatusCode::BAD_REQUEST, "sign_in_failed"),
            Self::Logout(OidcError::TokenRejected(_)) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Logout(_) => (StatusCode::SERVICE_UNAVAILABLE, "provider_unreachable"),
            Self::Hitch(Hitch::Overage) => (StatusCode::FORBIDDEN, "too_many_groups"),
            Self::Hitch(Hitch::LoginConflict) => (StatusCode::FORBIDDEN, "login_conflict"),
        }
    }

    /// Which page says it.
    pub fn page(&self, visit: &Visit) -> ErrorKind {
        match self {
            Self::NotFound | Self::Misdirected => ErrorKind::NotFound,
            Self::SignedOut | Self::BadToken => ErrorKind::SignedOut { return_to: visit.address.clone() },
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Csrf => ErrorKind::CsrfFailed,
            Self::MethodNotAllowed { .. } => ErrorKind::MethodNotAllowed,
            Self::TooLarge => ErrorKind::PayloadTooLarge,
            Self::TooSlow | Self::Encoding | Self::MediaType | Self::KeyReused | Self::Bad { .. } | Self::Field { .. } => {
                ErrorKind::BadRequest { what: String::new() }
            }
            Self::TooMany { until, .. } => ErrorKind::TooManyRequests { until: Some(visit.formats().soon(*until)), desk: false },
            Self::TooManyViewings { until, .. } => ErrorKind::TooManyRequests { until: Some(visit.formats().soon(*until)), desk: true },
            Self::Unavailable { what: Down::Sealed, .. } => ErrorKind::Sealed,
            Self::Unavailable { what: Down::Trail, .. } => ErrorKind::TrailUnavailable,
            Self::Unavailable { what: Down::Database | Down::Busy, .. } | Self::Internal(_) => ErrorKind::ServiceTrouble,
            Self::RenewalsUsedUp { device_url } => ErrorKind::RenewalsUsedUp { device_url: device_url.clone() },
            Self::NoAuthTime => ErrorKind::RevealNeedsAuthTime,
            Self::NoAuthTimeForAdmin => ErrorKind::AdminNeedsAuthTime,
            Self::Hitch(Hitch::Overage) => ErrorKind::SignInFailed(SignInProblem::TooManyGroups),
            Self::Hitch(Hitch::LoginConflict) => ErrorKind::SignInFailed(SignInProblem::LoginConflict),
            Self::Logout(_) => ErrorKind::BadRequest { what: String::new() },
            Self::SignIn(e) => ErrorKind::SignInFailed(match e {
                SignInError::NoCookie | SignInError::NoTransaction => SignInProblem::NoTransaction,
                e if e.provider_is_down() => SignInProblem::ProviderUnreachable,
                e if e.provider_refused() => SignInProblem::Refused,
                e if e.too_weak() => SignInProblem::TooWeak,
                SignInError::OtherPerson => SignInProblem::OtherPerson,
                _ => SignInProblem::Generic,
            }),
        }
    }

    /// The answer for machines at the API.
    pub fn problem(&self, request_id: &str) -> HttpResponse {
        let (status, code) = self.outline();
        let (field, detail) = match self {
            Self::Field { field, why } => (Some(field.as_str()), Some(why.as_str())),
            _ => (None, None),
        };
        let body = Problem {
            kind: format!("urn:keyharbor:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            field,
            detail,
            request_id: request_id.to_owned(),
        };
        let mut response = HttpResponse::build(status);
        self.headers(&mut response);
        let text = serde_json::to_string(&body).unwrap_or_default();
        response.insert_header((header::CONTENT_TYPE, "application/problem+json")).body(text)
    }

    /// The answer for agents that show or log what they are sent: one short line.
    pub fn plain(&self) -> HttpResponse {
        let (status, _) = self.outline();
        let text = match self {
            Self::Field { field, why } => format!("{field} {why}\n"),
            _ => format!("{}\n", status.canonical_reason().unwrap_or("Error")),
        };
        let mut response = HttpResponse::build(if matches!(self, Self::Field { .. }) { StatusCode::BAD_REQUEST } else { status });
        self.headers(&mut response);
        response.content_type("text/plain; charset=utf-8").body(text)
    }

    /// The answer for the identity provider, as OAuth gives errors; what the token lacks in one word.
    pub fn oauth(&self) -> HttpResponse {
        let (status, code) = self.outline();
        let code = if status == StatusCode::BAD_REQUEST { "invalid_request" } else { code };
        let mut response = HttpResponse::build(status);
        self.headers(&mut response);
        let body = match self {
            Self::Logout(OidcError::TokenRejected(why)) => serde_json::json!({ "error": code, "error_description": why }),
            _ => serde_json::json!({ "error": code }),
        };
        response.content_type("application/json").body(body.to_string())
    }

    /// `Allow`, `Retry-After`, `WWW-Authenticate`: the headers that a status needs.
    pub fn headers(&self, response: &mut actix_web::HttpResponseBuilder) {
        match self {
            Self::MethodNotAllowed { allow } => {
                if let Ok(value) = HeaderValue::from_str(allow) {
                    response.insert_header((header::ALLOW, value));
                }
            }
            Self::TooMany { until, now } | Self::TooManyViewings { until, now } => {
                response.insert_header((header::RETRY_AFTER, until.seconds_since(*now).max(1)));
            }
            Self::Unavailable { what: Down::Busy, source } if let ServiceError::Busy { retry_after } = **source => {
                response.insert_header((header::RETRY_AFTER, retry_after));
            }
            Self::Unavailable { .. } | Self::Logout(OidcError::Unreachable(_) | OidcError::Mismatch { .. }) => {
                response.insert_header((header::RETRY_AFTER, 5));
            }
            Self::BadToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            _ => {}
        }
    }
}

/// The bare form, with the headers that its status needs; the guard replaces it by the one that fits the surface.
impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        self.outline().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        self.headers(&mut response);
        response.finish()
    }
}
