//! The JSON API: deposits, devices, escrow status, events. Bearer tokens, problem documents, never a key in an answer.
//!
//! `shapes` holds what goes in and out, `document` puts the OpenAPI document together from it and from the handlers,
//! `problems` lists what can go wrong where.

pub mod deposits;
pub mod devices;
pub mod document;
pub mod events;
pub mod problems;
pub mod reference;
pub mod shapes;
mod stream;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value};

use super::WebError;
use super::extract::{Visit, media_type};
use super::strict::Strict;
use crate::domain::device::Serial;
use crate::domain::policy::{Action, Relation};
use crate::domain::token::{ApiToken, Door};
use crate::service::depositor::Depositor;
use crate::service::once::{Answer, Once};
use crate::service::pace::{Left, WINDOW_SECONDS, Way};

/// A live token in `Authorization: Bearer`, within its limit.
pub struct ApiCaller {
    pub visit: Visit,
    pub token: ApiToken,
}

impl ApiCaller {
    /// The serial number of the path; whether this token may ask at all is judged first.
    async fn serial(&self, action: Action, path: &str) -> Result<Serial, WebError> {
        self.visit.app.service.permit_token(&self.token, action, Relation::NoDevice, &self.visit.info).await?;
        // A write may make the device.
        let serial = if action == Action::WriteDevice { Serial::of_a_mac(path) } else { Serial::parse(path) };
        serial.map_err(|e| WebError::Field { field: "serial".into(), why: e.to_string() })
    }
}

impl FromRequest for ApiCaller {
    type Error = WebError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(req: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let visit = Visit::of(&req).ok_or_else(|| WebError::Internal("no application state".into()))?;
            let token = token_of(&req, &visit).await?;
            pace(&req, &visit, &token, Way::Api).await?;
            Ok(Self { visit, token })
        })
    }
}

/// Who sends deposits, within the limit of the token.
pub struct ApiDepositor {
    pub visit: Visit,
    pub token: Depositor,
}

impl FromRequest for ApiDepositor {
    type Error = WebError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(req: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let visit = Visit::of(&req).ok_or_else(|| WebError::Internal("no application state".into()))?;
            let token = visit.app.service.authenticate_depositor(bearer(&req), Door::Header, &visit.info).await?;
            pace_depositor(&req, &visit, &token, bearer(&req), Way::Api).await?;
            Ok(Self { visit, token })
        })
    }
}

/// The live token of `Authorization: Bearer`.
async fn token_of(req: &HttpRequest, visit: &Visit) -> Result<ApiToken, WebError> {
    Ok(visit.app.service.authenticate_token(bearer(req), Door::Header, &visit.info).await?)
}

fn bearer(req: &HttpRequest) -> Option<&str> {
    let (scheme, text) = req.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// What is left of a token's limit, or how full it is; the guard says so in the headers of the answer.
#[derive(Clone, Copy)]
pub struct Paced(Left);

/// Counts a request of a token.
///
/// # Errors
/// [`WebError::TooMany`].
pub async fn pace(req: &HttpRequest, visit: &Visit, token: &ApiToken, way: Way) -> Result<(), WebError> {
    if let Some(left) = visit.app.service.pace(token, way, &visit.info).await? {
        req.extensions_mut().insert(Paced(left));
    }
    Ok(())
}

/// The same for who hands keys in and has shown this: a token that has ended is told that, and nothing of its limit.
///
/// # Errors
/// [`WebError::TooMany`], or as `authenticate_token`.
pub async fn pace_depositor(req: &HttpRequest, visit: &Visit, token: &Depositor, shown: Option<&str>, way: Way) -> Result<(), WebError> {
    if let Err(over) = pace(req, visit, token, way).await {
        visit.app.service.authenticate_token(shown, token.door, &visit.info).await?;
        return Err(over);
    }
    Ok(())
}

/// Counts the other deposits of a request that holds several. It is taken whole; what goes beyond the limit, the next one waits for.
fn pace_together(req: &HttpRequest, visit: &Visit, token: &ApiToken, deposits: usize) {
    let left = visit.app.service.pace_together(token, deposits.saturating_sub(1));
    if let (Some(remaining), Some(Paced(paced))) = (left, req.extensions_mut().get_mut::<Paced>()) {
        paced.remaining = remaining;
    }
}

/// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10.
pub fn rate_limit_headers(headers: &mut HeaderMap, paced: Paced) {
    let Paced(left) = paced;
    for (name, value) in [
        ("ratelimit-policy", format!("\"token\";q={};w={WINDOW_SECONDS}", left.limit)),
        ("ratelimit", format!("\"token\";r={};t={}", left.remaining, left.resets_in)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn json(req: &HttpRequest, body: &[u8]) -> Result<Value, WebError> {
    if !media_type(req).eq_ignore_ascii_case("application/json") {
        return Err(WebError::MediaType);
    }
    strict_json(body)
}

fn strict_json(body: &[u8]) -> Result<Value, WebError> {
    serde_json::from_slice::<Strict>(body).map(|read| read.0).map_err(|_| WebError::Bad { code: "json" })
}

/// The request of an `Idempotency-Key`, if there is one: 1 to 200 printable ASCII characters without space and quotation mark, bare
/// or as a quoted string.
fn once(req: &HttpRequest, token: &ApiToken, act: &str, body: &[u8]) -> Result<Option<Once>, WebError> {
    let mut keys = req.headers().get_all(IDEMPOTENCY_KEY);
    let bad = || WebError::Bad { code: "idempotency_key" };
    let Some(key) = keys.next() else { return Ok(None) };
    let text = key.to_str().map_err(|_| bad())?.trim();
    let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let fits = (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
    if keys.next().is_some() || !fits {
        return Err(bad());
    }
    Ok(Some(Once::new(token, text, act, body)))
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: &str = "idempotent-replayed";

fn answer(status: StatusCode, body: &impl Serialize) -> Result<Answer, WebError> {
    let body = serde_json::to_string(body).map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(Answer { status: status.as_u16(), body })
}

fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).content_type("application/json").body(answer.body)
}

/// An answer that was given before.
fn replay(answer: Answer) -> HttpResponse {
    let mut response = respond(answer);
    response.headers_mut().insert(HeaderName::from_static(REPLAYED), HeaderValue::from_static("true"));
    response
}

/// The parameters of an address, of these names only and each at most once.
fn parameters(req: &HttpRequest, known: &[&str]) -> Result<Map<String, Value>, WebError> {
    let wrong = |field: &str, why: &str| WebError::Field { field: field.to_owned(), why: why.to_owned() };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(req.query_string()).map_err(|_| wrong("query", "cannot be read"))?;
    let mut found = Map::new();
    for (name, value) in pairs {
        only_known(&Map::from_iter([(name.clone(), Value::Null)]), known).map_err(|(field, _)| wrong(&field, "is not a parameter"))?;
        if found.insert(name.clone(), value.into()).is_some() {
            return Err(wrong(&name, "is given twice"));
        }
    }
    Ok(found)
}

/// `limit`: 1 to 500, 100 when it is not given.
fn limit(parameters: &Map<String, Value>) -> Result<usize, WebError> {
    let Some(text) = parameters.get("limit").and_then(Value::as_str) else { return Ok(100) };
    let number = text.parse().ok().filter(|n| text.bytes().all(|b| b.is_ascii_digit()) && (1..=MOST_IN_A_PAGE).contains(n));
    number.ok_or_else(|| WebError::Field { field: "limit".into(), why: format!("must be 1 to {MOST_IN_A_PAGE}") })
}

/// Rows in one answer.
const MOST_IN_A_PAGE: usize = 500;

/// The place that `after` names, as the list itself reads it; `None` when it is not given.
fn after<T>(parameters: &Map<String, Value>, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, WebError> {
    let wrong = || WebError::Field { field: "after".into(), why: "is no cursor of this list".into() };
    parameters.get("after").and_then(Value::as_str).map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// The address of the next part, as a whole.
fn next_url(visit: &Visit, path: &str, parameters: &Map<String, Value>, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(name, _)| *name != "after").map(|(name, v)| (name, v.as_str().unwrap_or_default())));
    format!("{}{path}?{}", visit.app.origin, query.append_pair("after", cursor).finish())
}

/// A list's answer; `next` also as a `Link`.
fn page(body: &impl Serialize, next: Option<&str>) -> Result<HttpResponse, WebError> {
    let mut response = respond(answer(StatusCode::OK, body)?);
    if let Some(value) = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(header::LINK, value);
    }
    Ok(response)
}

/// The known fields of an object; the first unknown one is an error that names it, if its name can be shown.
fn only_known(object: &Map<String, Value>, known: &[&str]) -> Result<(), (String, String)> {
    let Some(unknown) = object.keys().find(|k| !known.contains(&k.as_str())) else { return Ok(()) };
    // Shorter than a key, however it is written: a value that slipped into the place of a name is not repeated.
    let showable = unknown.len() < 24 && unknown.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    Err((if showable { unknown.clone() } else { "(unknown)".to_owned() }, "is not a field of this request".to_owned()))
}

/// A text field: absent, `null` and empty are the same.
fn text<'a>(object: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, (String, String)> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(s)) if s.trim().is_empty() => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(_) => Err((field.to_owned(), "must be a string".to_owned())),
    }
}
