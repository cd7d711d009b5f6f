//! To the provider and back, and out.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::WebError;
use super::extract::{Body, Form, Press, SESSION_COOKIE, SIGN_IN_COOKIE, SMALL_BODY, Visit, cookie, expired, is_form, person_of};
use super::pages::SignedOutPage;
use super::present::{html, see};
use crate::domain::audit::EventKind;
use crate::service::SIGNED_OUT_THERE;
use crate::service::access::{SignedIn, expose};
use crate::service::sign_in::{Callback, SignInError};

#[derive(serde::Deserialize)]
pub struct Start {
    return_to: Option<String>,
}

/// Leaves for the provider.
pub async fn sign_in(req: HttpRequest, visit: Visit, query: web::Query<Start>) -> Result<HttpResponse, WebError> {
    if let Err(seconds) = visit.app.gate.pass(visit.info.address) {
        let now = visit.app.service.env().now();
        visit.app.service.refuse_unknown(EventKind::SignInFailed, "too_many", &visit.info).await;
        return Err(WebError::TooMany { until: now.plus_seconds(seconds), now });
    }
    let browser = req.cookie(SIGN_IN_COOKIE).map(|c| c.value().to_owned());
    let started = visit.app.service.begin_sign_in(query.return_to.as_deref().unwrap_or("/"), browser.as_deref()).await;
    if let Err(SignInError::TooManyOpen) = started {
        visit.app.service.refuse_unknown(EventKind::SignInFailed, "too_many_open", &visit.info).await;
    }
    let started = started?;
    let mut response = see(&started.url);
    response.add_cookie(&cookie(SIGN_IN_COOKIE, expose(&started.browser).to_owned())).map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(response)
}

/// The pairs of a callback; each of ours at most once.
struct Pairs {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

fn pairs(query: &str) -> Option<Pairs> {
    let mut out = Pairs { code: None, state: None, iss: None, error: None };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let slot = match name.as_ref() {
            "code" => &mut out.code,
            "state" => &mut out.state,
            "iss" => &mut out.iss,
            "error" => &mut out.error,
            _ => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return None;
        }
    }
    Some(out)
}

/// The provider sent the browser back.
pub async fn callback(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let current = person_of(&req, &visit).await?;
    let browser = req.cookie(SIGN_IN_COOKIE).map(|c| c.value().to_owned());
    let pairs = pairs(req.query_string()).unwrap_or(Pairs { code: None, state: None, iss: None, error: None });
    let callback = Callback { code: pairs.code.map(Into::into), iss: pairs.iss, error: pairs.error };
    let service = &visit.app.service;
    let done = service.finish_sign_in(callback, pairs.state.as_deref(), browser.as_deref(), current.as_ref(), &visit.info).await;
    // After these the session that came with the request has ended; an error page must not show its person.
    if matches!(done, Ok(_) | Err(SignInError::OtherPerson)) {
        req.extensions_mut().remove::<SignedIn>();
    }
    let finished = match done {
        Ok(finished) => finished,
        Err(e @ SignInError::OtherPerson) => {
            let mut response = HttpResponse::from_error(WebError::from(e));
            response.add_cookie(&expired(SESSION_COOKIE)).map_err(|e| WebError::Internal(e.to_string()))?;
            return Ok(response);
        }
        Err(e) => return Err(e.into()),
    };
    let mut response = match finished.hitch {
        Some(hitch) => HttpResponse::from_error(WebError::Hitch(hitch)),
        None => see(&finished.to),
    };
    if let Some(value) = &finished.cookie {
        response.add_cookie(&cookie(SESSION_COOKIE, expose(value).to_owned())).map_err(|e| WebError::Internal(e.to_string()))?;
    }
    Ok(response)
}

/// Ends the session line, expires the cookie, empties cache and storage of ours; the provider's session is its own.
pub async fn sign_out(form: Form<Press>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, .. } = form;
    visit.app.service.sign_out(&person, &visit.info).await?;
    let mut response = see("/signed-out");
    // Never "cookies": a browser would take those of the whole registered domain with it.
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), clear);
    response.add_cookie(&expired(SESSION_COOKIE)).map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(response)
}

pub async fn signed_out(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let mut query = url::form_urlencoded::parse(req.query_string().as_bytes());
    let page = SignedOutPage {
        there: query.any(|(name, value)| name == "state" && value == SIGNED_OUT_THERE),
        page: visit.page(None, None),
        provider: visit.app.provider.clone(),
        provider_sign_out_url: visit.app.service.provider_sign_out_url(),
    };
    html(&page, StatusCode::OK)
}

/// What the provider posts: one `logout_token`; anything beside it is for others.
fn logout_token(body: &[u8]) -> Option<String> {
    let mut found = url::form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    let (_, token) = found.next()?;
    found.next().is_none().then(|| token.into_owned())
}

/// The provider ended a session. What speaks for the caller is the token's signature and nothing else.
pub async fn backchannel_logout(req: HttpRequest, visit: Visit, body: Body<SMALL_BODY>) -> Result<HttpResponse, WebError> {
    if !is_form(&req) {
        return Err(WebError::MediaType);
    }
    let token = logout_token(&body.read().await?).unwrap_or_default();
    visit.app.service.backchannel_logout(&token, &visit.info).await?;
    Ok(HttpResponse::Ok().finish())
}
