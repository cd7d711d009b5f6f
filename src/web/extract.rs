//! From a request to checked values: who visits, in which language, what was posted.
//!
//! `Visit` never fails. `Visitor` is a signed-in person. `Form<T>` is a form of ours, posted from a page of ours by that
//! person. `Body` reads at most so many bytes for at most so long.

use std::future::Future;
use std::pin::Pin;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{App, WebError, brand, pages, place, proxy};
use crate::domain::EventKind;
use crate::i18n::{Formats, Language};
use crate::service::RequestInfo;
use crate::service::access::SignedIn;

pub const SESSION_COOKIE: &str = "__Host-keyharbor";
pub const SIGN_IN_COOKIE: &str = "__Host-keyharbor-signin";
pub const LANGUAGE_COOKIE: &str = "__Host-keyharbor-lang";
pub const TEXT_COOKIE: &str = "__Host-keyharbor-text";
pub const SPELLING_COOKIE: &str = "__Host-keyharbor-spelling";

/// Bodies of forms and single deposits.
pub const SMALL_BODY: usize = 64 * 1024;
/// Bodies of bulk deposits.
pub const LARGE_BODY: usize = 1024 * 1024;

type Later<T> = Pin<Box<dyn Future<Output = Result<T, WebError>>>>;

/// The request's id, put there by the guard.
#[derive(Clone, Copy)]
pub struct RequestId(pub Uuid);

/// What is known of any request.
#[derive(Clone)]
pub struct Visit {
    pub app: web::Data<App>,
    pub info: RequestInfo,
    pub lang: Language,
    /// Path and query of the page that the request belongs to, which can be asked for by GET: [`place::page_of`].
    pub address: String,
}

impl Visit {
    /// `None` only when the application was put together without its state.
    pub fn of(req: &HttpRequest) -> Option<Self> {
        let app = req.app_data::<web::Data<App>>()?.clone();
        let lines: Vec<&str> = req.headers().get_all("x-forwarded-for").filter_map(|v| v.to_str().ok()).collect();
        let address = proxy::client(req.peer_addr().map(|a| a.ip()), &lines, &app.trusted_proxies);
        let user_agent = req.headers().get(header::USER_AGENT).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        let id = req.extensions().get::<RequestId>().map_or(Uuid::nil(), |r| r.0);
        let chosen = req.cookie(LANGUAGE_COOKIE).and_then(|c| Language::parse(c.value()));
        let asked = || req.headers().get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).and_then(Language::negotiate);
        let lang = chosen.or_else(asked).unwrap_or(app.default_language);
        Some(Self { info: RequestInfo { id, address, user_agent }, lang, address: place::page_of(req), app })
    }

    pub fn formats(&self) -> Formats {
        Formats::new(self.lang, self.app.zone, self.app.service.env().now())
    }

    /// The frame of a page.
    pub fn page(&self, person: Option<&SignedIn>, section: Option<pages::Section>) -> pages::Page {
        let now = self.app.service.env().now();
        let brand::Voice { name, contact, own } = self.app.brand.voice(self.lang);
        pages::Page {
            lang: self.lang,
            brand: name,
            look: self.app.brand.look.clone(),
            contact,
            own,
            address: self.address.clone(),
            signed_in: person.map(|p| pages::Reader {
                name: p.label(),
                login: p.login().map(|l| l.as_str().to_owned()),
                roles: p.roles(),
                csrf: p.csrf.clone(),
                now: self.formats().date_time(now),
            }),
            section,
            window_seconds: self.app.service.rules().config.reveal.window_seconds.min(crate::domain::reveal::MAX_WINDOW_SECONDS),
            no_languages: false,
        }
    }

    /// What a person says on the telephone: the end of the request's id, which the log has too.
    pub fn reference(&self) -> String {
        let id = self.info.id.simple().to_string().to_uppercase();
        let tail: String = id.chars().skip(26).collect();
        format!("{}-{}", tail.chars().take(3).collect::<String>(), tail.chars().skip(3).collect::<String>())
    }
}

impl FromRequest for Visit {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(req).ok_or_else(|| WebError::Internal("no application state".into())))
    }
}

/// A signed-in person, and the visit.
pub struct Visitor {
    pub visit: Visit,
    pub person: SignedIn,
}

/// The person behind the session cookie, if there is one.
pub async fn person_of(req: &HttpRequest, visit: &Visit) -> Result<Option<SignedIn>, WebError> {
    let Some(cookie) = req.cookie(SESSION_COOKIE) else { return Ok(None) };
    let person = visit.app.service.authenticate(cookie.value(), &visit.info).await?;
    if let Some(person) = &person {
        // Error pages show the same frame.
        req.extensions_mut().insert(person.clone());
    }
    Ok(person)
}

impl FromRequest for Visitor {
    type Error = WebError;
    type Future = Later<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { visitor(&req).await })
    }
}

async fn visitor(req: &HttpRequest) -> Result<Visitor, WebError> {
    let visit = Visit::of(req).ok_or_else(|| WebError::Internal("no application state".into()))?;
    match person_of(req, &visit).await? {
        Some(person) => Ok(Visitor { visit, person }),
        None => {
            visit.app.service.refuse_unknown(EventKind::AccessRefused, "no_session", &visit.info).await;
            Err(WebError::SignedOut)
        }
    }
}

/// A form of ours, posted by the signed-in person from a page of ours. Unknown fields are refused.
pub struct Form<T> {
    pub visit: Visit,
    pub person: SignedIn,
    pub fields: T,
}

/// The hidden field of every form.
pub trait CsrfField {
    fn csrf(&self) -> &str;
}

/// A form that is nothing but a button.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Press {
    #[serde(default)]
    pub csrf: String,
}

impl CsrfField for Press {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl<T: DeserializeOwned + CsrfField + 'static> FromRequest for Form<T> {
    type Error = WebError;
    type Future = Later<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let Visitor { visit, person } = visitor(&req).await?;
            if !is_form(&req) {
                // No form of ours has another type, and other sites can post text/plain without asking.
                visit.app.service.refuse_person(&person, "form_type", None, &visit.info).await?;
                return Err(WebError::Csrf);
            }
            let bytes = read(&req, &mut payload, SMALL_BODY).await?;
            let fields: T = serde_urlencoded::from_bytes(&bytes)
                .map_err(|_| WebError::Field { field: "form".into(), why: "has other fields than ours".into() })?;
            if !visit.app.service.csrf_ok(&person, fields.csrf()) {
                visit.app.service.refuse_person(&person, "csrf", None, &visit.info).await?;
                return Err(WebError::Csrf);
            }
            Ok(Self { visit, person, fields })
        })
    }
}

/// The media type, without parameters.
pub fn media_type(req: &HttpRequest) -> &str {
    req.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).map_or("", |v| v.split(';').next().unwrap_or_default().trim())
}

pub fn is_form(req: &HttpRequest) -> bool {
    media_type(req).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Is the body packed? Nothing here unpacks one: a small one may be a large one inside.
pub fn is_encoded(headers: &header::HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).any(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Reads a body: at most `limit` bytes, within the deadline, as it was sent (nothing is inflated).
///
/// # Errors
/// [`WebError::TooLarge`], [`WebError::TooSlow`], [`WebError::Encoding`], or a connection that broke.
pub async fn read(req: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<web::Bytes, WebError> {
    if is_encoded(req.headers()) {
        return Err(WebError::Encoding);
    }
    let declared = req.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if declared.is_some_and(|n| n > limit) {
        return Err(WebError::TooLarge);
    }
    let deadline = req.app_data::<web::Data<App>>().map_or(std::time::Duration::from_secs(15), |a| a.body_deadline);
    let all = async {
        let mut bytes = web::BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| WebError::Bad { code: "body" })?;
            if bytes.len() + chunk.len() > limit {
                return Err(WebError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(deadline, all).await.unwrap_or(Err(WebError::TooSlow))
}

/// A body of at most `LIMIT` bytes, read once it is known who sends it.
pub struct Body<const LIMIT: usize> {
    req: HttpRequest,
    payload: Payload,
}

impl<const LIMIT: usize> Body<LIMIT> {
    /// # Errors
    /// As [`read`].
    pub async fn read(mut self) -> Result<web::Bytes, WebError> {
        read(&self.req, &mut self.payload, LIMIT).await
    }

    /// The body as it comes, for who reads it piece by piece and keeps an eye on size and time.
    ///
    /// # Errors
    /// [`WebError::Encoding`].
    pub fn unread(self) -> Result<Payload, WebError> {
        if is_encoded(self.req.headers()) { Err(WebError::Encoding) } else { Ok(self.payload) }
    }
}

impl<const LIMIT: usize> FromRequest for Body<LIMIT> {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self { req: req.clone(), payload: payload.take() }))
    }
}

/// A cookie as all of ours are: `__Host-`, Secure, HttpOnly, Lax, whole site, no domain.
pub fn cookie<'a>(name: &'a str, value: String) -> Cookie<'a> {
    Cookie::build(name, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).finish()
}

/// The same, to remove it.
pub fn expired(name: &str) -> Cookie<'_> {
    let mut cookie = cookie(name, String::new());
    cookie.make_removal();
    cookie
}
