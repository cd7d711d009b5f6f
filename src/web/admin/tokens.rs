//! Tokens: listed, made (and shown that one time), revoked.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::connect::lines;
use super::frame;
use crate::domain::escrow::Trust;
use crate::domain::token::{ApiToken, Door, Scope};
use crate::service::access::{SignedIn, expose};
use crate::service::admin::overview::ends_soon;
use crate::service::admin::sources::Place;
use crate::service::admin::tokens::{Made, Revoked, TokenForm};
use crate::service::admin::{AdminAct, Fresh};
use crate::service::forms::FieldError;
use crate::web::WebError;
use crate::web::extract::{CsrfField, Form, Press, SIGN_IN_COOKIE, Visit, Visitor, cookie};
use crate::web::pages::{self, Done, MadePage, NewTokenPage, RevokePage, StepUpPage, TokenRow, TokenState, TokensPage, Way};
use crate::web::present::{html, see};

#[derive(serde::Deserialize)]
pub struct ListQuery {
    before: Option<String>,
    done: Option<String>,
}

/// Where a list that is read newest first goes on.
pub(super) fn place(before: Option<&str>) -> Result<Place, WebError> {
    let wrong = || WebError::Field { field: "before".into(), why: "must be the place of a row".into() };
    before.map_or(Ok(Place::start()), |text| Place::parse(text).ok_or_else(wrong))
}

pub async fn list(v: Visitor, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    let before = place(query.before.as_deref());
    let (tokens, unverified, next) =
        v.visit.app.service.tokens_page(&v.person, before.as_ref().unwrap_or(&Place::start()), &v.visit.info).await?;
    before?;
    let page = TokensPage {
        done: query.done.as_deref().and_then(Done::parse),
        rows: tokens.iter().map(|(token, waits)| listed(&v.visit, token, *waits)).collect(),
        unverified,
        next_url: next.map(|place| format!("/admin/tokens?before={place}")),
        page: frame(&v.visit, &v.person),
    };
    html(&page, StatusCode::OK)
}

/// One that waits for approval is refused, whatever else is true of it; one that was revoked before waits for nothing.
fn listed(visit: &Visit, token: &ApiToken, waits: bool) -> TokenRow {
    let state = if waits && token.revoked_at.is_none() { TokenState::Waiting } else { row(visit, token).state };
    TokenRow { state, ..row(visit, token) }
}

/// A token as pages show it.
pub(super) fn row(visit: &Visit, token: &ApiToken) -> TokenRow {
    let formats = visit.formats();
    let now = visit.app.service.env().now();
    let state = match token.revoked_at {
        Some(at) => TokenState::Revoked(formats.relative(at)),
        None if !token.live(now) => TokenState::Expired,
        None if ends_soon(token, now) => TokenState::Ending,
        None => TokenState::Live,
    };
    TokenRow {
        id: token.id.clone(),
        name: token.name.clone(),
        scopes: Scope::ALL.iter().filter(|s| token.scopes.has(**s)).map(|s| s.code()).collect(),
        door: token.door,
        trust: token.trust,
        devices: token.device_pattern.clone(),
        expires: token.expires_at.map(|at| formats.date(at)),
        last_used: token.last_used.map(|at| formats.relative(at)),
        made: formats.date(token.created_at),
        state,
    }
}

#[derive(serde::Deserialize)]
pub struct FormQuery {
    /// The kind of source that it is for.
    way: Option<String>,
    /// What a step-up kept.
    form: Option<String>,
}

/// The empty form, or what was typed before a step-up.
pub async fn new(v: Visitor, query: web::Query<FormQuery>) -> Result<HttpResponse, WebError> {
    let service = &v.visit.app.service;
    let empty = service.empty_token_form(&v.person, &v.visit.info).await?;
    let kept = match query.form.as_deref() {
        Some(key) => service.take_token_form(&v.person, key).await?,
        None => None,
    };
    let form = kept.unwrap_or_else(|| proposed(empty, query.way.as_deref().and_then(Way::parse)));
    html(&NewTokenPage { page: frame(&v.visit, &v.person), form, errors: Vec::new() }, StatusCode::OK)
}

/// What fits the kind of source.
fn proposed(empty: TokenForm, way: Option<Way>) -> TokenForm {
    let scopes: &[Scope] = match way {
        Some(Way::Crypt) => &[Scope::EscrowWrite, Scope::StatusRead],
        Some(Way::Curl | Way::Json) => &[Scope::EscrowWrite],
        None => &[],
    };
    let door = if way == Some(Way::Crypt) { Door::CryptPath } else { Door::Header };
    TokenForm {
        scopes: scopes.iter().map(|s| s.code().to_owned()).collect(),
        door: door.code().to_owned(),
        trust: Trust::Observed.code().to_owned(),
        expires: "365d".to_owned(),
        way: way.map_or("", Way::code).to_owned(),
        ..empty
    }
}

/// What the form posts. `owners_write` is no field of ours; whoever adds it is told, and the trail says so.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct TokenFields {
    csrf: String,
    id: String,
    way: String,
    name: String,
    escrow_write: Option<String>,
    status_read: Option<String>,
    devices_read: Option<String>,
    devices_write: Option<String>,
    audit_read: Option<String>,
    owners_write: Option<String>,
    door: String,
    trust: String,
    devices: String,
    expires: String,
}

impl CsrfField for TokenFields {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl TokenFields {
    fn form(self) -> TokenForm {
        let boxes = [
            (Scope::EscrowWrite, &self.escrow_write),
            (Scope::StatusRead, &self.status_read),
            (Scope::DevicesRead, &self.devices_read),
            (Scope::DevicesWrite, &self.devices_write),
            (Scope::AuditRead, &self.audit_read),
            (Scope::OwnersWrite, &self.owners_write),
        ];
        TokenForm {
            scopes: boxes.iter().filter(|(_, ticked)| ticked.is_some()).map(|(s, _)| s.code().to_owned()).collect(),
            way: Way::parse(&self.way).map_or("", Way::code).to_owned(),
            id: self.id,
            name: self.name,
            door: self.door,
            trust: self.trust,
            devices: self.devices,
            expires: self.expires,
        }
    }
}

/// Makes the token. The answer is the one page that shows it; asked for again, the form has been used.
pub async fn make(req: HttpRequest, form: Form<TokenFields>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, fields } = form;
    let typed = fields.form();
    match visit.app.service.make_token(&person, &typed, &visit.info).await? {
        Fresh::Done(Made::Token(token, text)) => {
            let way = Way::parse(&typed.way);
            // Any way from here takes the token along: it is shown this once.
            let page = pages::Page { no_languages: true, ..frame(&visit, &person) };
            html(&MadePage { row: row(&visit, &token), lines: lines(&visit, way, &token, &text), token: text, page }, StatusCode::OK)
        }
        Fresh::Done(Made::Already) => Ok(see(&format!("/admin/tokens?done={}", Done::MadeBefore.code()))),
        Fresh::Done(Made::Invalid(errors)) => wrong(&visit, &person, typed, errors),
        Fresh::StepUpDue => step_up(&req, &visit, &person, AdminAct::NewToken(typed)).await,
        Fresh::NoAuthTime => Err(WebError::NoAuthTimeForAdmin),
    }
}

fn wrong(visit: &Visit, person: &SignedIn, typed: TokenForm, errors: Vec<FieldError>) -> Result<HttpResponse, WebError> {
    let page = pages::Page { address: AdminAct::NewToken(typed.clone()).page(), ..frame(visit, person) };
    html(&NewTokenPage { page, form: typed.without_keys(), errors }, StatusCode::UNPROCESSABLE_ENTITY)
}

/// "Confirm it's you", before an act of an admin.
async fn step_up(req: &HttpRequest, visit: &Visit, person: &SignedIn, act: AdminAct) -> Result<HttpResponse, WebError> {
    let browser = req.cookie(SIGN_IN_COOKIE).map(|c| c.value().to_owned());
    let page = pages::Page { address: act.page(), ..frame(visit, person) };
    let started = visit.app.service.begin_admin_step_up(person, act, browser.as_deref()).await?;
    let page = StepUpPage { page, continue_url: started.url, cancel_url: "/admin/tokens".to_owned(), before: pages::Before::Admin };
    let mut response = html(&page, StatusCode::OK)?;
    response.add_cookie(&cookie(SIGN_IN_COOKIE, expose(&started.browser).to_owned())).map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(response)
}

/// Asks before a token is revoked.
pub async fn ask(v: Visitor, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let token = v.visit.app.service.token_of(&v.person, &id, &v.visit.info).await?;
    html(&RevokePage { row: row(&v.visit, &token), page: frame(&v.visit, &v.person) }, StatusCode::OK)
}

pub async fn revoke(req: HttpRequest, id: web::Path<String>, form: Form<Press>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, .. } = form;
    let done = match visit.app.service.revoke_as(&person, &id, &visit.info).await? {
        Fresh::Done(Revoked::Now) => Done::Revoked,
        Fresh::Done(Revoked::Before) => Done::RevokedBefore,
        Fresh::StepUpDue => return step_up(&req, &visit, &person, AdminAct::Revoke(id.into_inner())).await,
        Fresh::NoAuthTime => return Err(WebError::NoAuthTimeForAdmin),
    };
    Ok(see(&format!("/admin/tokens?done={}", done.code())))
}
