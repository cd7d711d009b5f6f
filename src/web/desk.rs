//! Helpdesk: search, a device with all its versions, and the form that shows a key for someone else.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::extract::{CsrfField, Form, Visit, Visitor};
use super::pages::{DeskDevicePage, DeskError, DeskForm, DeskRow, Field, Problem, SearchPage, Section, VersionRow};
use super::present::{self, html, see};
use super::{WebError, reveal};
use crate::domain::ids::{DeviceId, VersionId};
use crate::domain::policy::Action;
use crate::domain::recovery_key::looks_like_key;
use crate::service::access::SignedIn;
use crate::service::fleet::{DevicePage, LONGEST_SEARCH, SEARCH_LIMIT};
use crate::service::forms::{self, DeskText, RevealForm, Which};
use crate::service::reveal::Answer;

#[derive(serde::Deserialize)]
pub struct Query {
    q: Option<String>,
    /// `key`: what was searched for looked like one.
    refused: Option<String>,
}

/// One box: serial number, the number on the locked Mac, host name, owner, asset tag.
pub async fn search(v: Visitor, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let asked = query.q.as_deref().unwrap_or_default().trim();
    if looks_like_key(asked) {
        // A key that was pasted into the wrong box leaves the address, and is looked up nowhere.
        return Ok(see("/desk?refused=key"));
    }
    // As much as is looked for: a page need not say more.
    let text: String = asked.chars().take(LONGEST_SEARCH).collect();
    let found = v.visit.app.service.search(&v.person, &text, &v.visit.info).await?;
    let more = found.len() > SEARCH_LIMIT;
    let rows = found
        .into_iter()
        .take(SEARCH_LIMIT)
        .map(|l| DeskRow {
            id: l.device.id.to_string(),
            serial: l.device.serial.as_str().to_owned(),
            name: l.device.label().to_owned(),
            owners: present::owners(&l.owners),
            asset_tag: l.device.asset_tag.clone(),
            state: present::state(&l.device, l.key),
        })
        .collect();
    let results = (!text.is_empty()).then_some(rows);
    let page = SearchPage {
        page: v.visit.page(Some(&v.person), Some(Section::Desk)),
        nothing_asked: text.is_empty() && query.q.is_some(),
        query: text,
        results,
        more,
        looked_like_key: query.refused.as_deref() == Some("key"),
    };
    html(&page, StatusCode::OK)
}

#[derive(serde::Deserialize)]
pub struct Kept {
    form: Option<String>,
    /// The search the page was reached from.
    q: Option<String>,
}

/// A device, with the form; filled in again after a step-up.
pub async fn device(v: Visitor, id: web::Path<String>, query: web::Query<Kept>) -> Result<HttpResponse, WebError> {
    let found = v.visit.app.service.device_page(&v.person, DeviceId::parse(&id), Action::DeskView, &v.visit.info).await?;
    let kept = match query.form.as_deref() {
        Some(key) => v.visit.app.service.take_form(&v.person, key).await?.filter(|f| f.device() == found.device.id),
        None => None,
    };
    let mut search = query.into_inner().q.unwrap_or_default();
    let form = kept.map(|f| {
        search = f.search;
        let text = f.desk.unwrap_or_default();
        let version = match f.which {
            Which::Version(id) => id.to_string(),
            Which::Offered | Which::Other => String::new(),
        };
        DeskForm { ticket: text.ticket, reason: text.reason, reason_text: text.reason_text, identity: text.identity, version }
    });
    let asked = Asked { form: form.unwrap_or_default(), errors: Vec::new(), query: search };
    html(&desk_page(&v.visit, &v.person, &found, asked), StatusCode::OK)
}

/// What the form posts.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskPress {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    reason_text: String,
    #[serde(default)]
    identity: String,
    #[serde(default)]
    version: String,
    /// The search the page was reached from.
    #[serde(default)]
    q: String,
}

impl CsrfField for DeskPress {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

pub async fn press(req: HttpRequest, id: web::Path<String>, form: Form<DeskPress>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, fields } = form;
    let service = &visit.app.service;
    let Some(device) = DeviceId::parse(&id) else {
        return Err(service.judge_malformed(&person, Action::DeskReveal, &visit.info).await.into());
    };
    let which = match fields.version.as_str() {
        "" => Which::Offered,
        text => match VersionId::parse(text) {
            Some(version) => Which::version(version),
            None => {
                service.may(&person, device, Action::DeskReveal, &visit.info).await?;
                return Err(WebError::Bad { code: "version" });
            }
        },
    };
    let text = DeskText { ticket: fields.ticket, reason: fields.reason, reason_text: fields.reason_text, identity: fields.identity };
    let asked = RevealForm::desk(device, which, text.clone(), &fields.q);
    match service.request_reveal(&person, &asked, &visit.info).await.map_err(|e| WebError::from(e).at_desk())? {
        Answer::Granted(grant) => Ok(see(&format!("/reveals/{grant}"))),
        Answer::StepUpDue => reveal::step_up(&req, &visit, &person, asked).await,
        Answer::NoAuthTime => Err(WebError::NoAuthTime),
        Answer::NoKey(_) => {
            let errors = vec![DeskError { field: Field::Version, problem: Problem::Missing }];
            again(&visit, &person, device, (text, fields.version, fields.q), errors).await
        }
        Answer::Invalid(errors) => {
            let errors = errors.iter().filter_map(field_error).collect();
            again(&visit, &person, device, (text, fields.version, fields.q), errors).await
        }
    }
}

/// The form once more, with what was written and what is wrong with it.
async fn again(
    visit: &Visit,
    person: &SignedIn,
    device: DeviceId,
    (text, version, query): (DeskText, String, String),
    mut errors: Vec<DeskError>,
) -> Result<HttpResponse, WebError> {
    let found = visit.app.service.device_page(person, Some(device), Action::DeskView, &visit.info).await?;
    // Without any version there is no form: the page says why.
    errors.retain(|_| !found.versions.is_empty());
    // What looks like a key is not shown again, not even to who typed it.
    let text = text.without_keys();
    let known = found.versions.iter().any(|v| v.id.to_string() == version);
    let form = DeskForm {
        ticket: text.ticket,
        reason: text.reason,
        reason_text: text.reason_text,
        identity: text.identity,
        version: if known { version } else { String::new() },
    };
    html(&desk_page(visit, person, &found, Asked { form, errors, query }), StatusCode::UNPROCESSABLE_ENTITY)
}

/// What the person at the desk has said so far.
struct Asked {
    form: DeskForm,
    errors: Vec<DeskError>,
    query: String,
}

fn field_error(e: &forms::FieldError) -> Option<DeskError> {
    let field =
        [Field::Ticket, Field::Reason, Field::ReasonText, Field::Identity, Field::Version].into_iter().find(|f| f.name() == e.field)?;
    let problem = match e.code {
        "required" => Problem::Missing,
        "form" => Problem::Shape,
        "too_long" => Problem::TooLong,
        "holds_key" => Problem::LooksLikeKey,
        _ => Problem::Refused,
    };
    Some(DeskError { field, problem })
}

fn desk_page(visit: &Visit, person: &SignedIn, found: &DevicePage, asked: Asked) -> DeskDevicePage {
    let rules = &visit.app.service.rules().config.reveal;
    let formats = visit.formats();
    let device = &found.device;
    let is = |v: &crate::domain::KeyVersion, other: &Option<crate::domain::KeyVersion>| other.as_ref().is_some_and(|o| o.id == v.id);
    let contested = matches!(found.key, crate::service::fleet::KeyState::Available { contested: true });
    let versions = found
        .versions
        .iter()
        .map(|v| VersionRow {
            id: v.id.to_string(),
            number: v.version,
            source: v.source.clone(),
            trust: v.trust,
            received: formats.date_time(v.escrowed_at),
            confirmed: (v.confirmed_at > v.escrowed_at).then(|| formats.relative(v.confirmed_at)),
            first_shown: v.revealed_at.map(|t| formats.relative(t)),
            current: is(v, &found.current),
            other: is(v, &found.other),
            contested: contested && (is(v, &found.current) || is(v, &found.other)),
            unseen_letters: v.unseen_letters,
        })
        .collect();
    DeskDevicePage {
        page: visit.page(Some(person), Some(Section::Desk)),
        id: device.id.to_string(),
        name: device.label().to_owned(),
        serial: device.serial.as_str().to_owned(),
        device_key: device.device_key.clone(),
        owners: present::owners(&found.owners),
        state: present::state(device, found.key),
        facts: present::facts(visit, device, found.current.as_ref().map(|c| c.escrowed_at)),
        last_shown: present::last_shown(found).map(|at| formats.relative(at)),
        no_key: match found.key {
            crate::service::fleet::KeyState::None(why) => Some(present::reason(why)),
            crate::service::fleet::KeyState::Available { .. } => None,
        },
        unverified: found.unverified,
        versions,
        form: asked.form,
        errors: asked.errors,
        ticket_required: rules.ticket_required,
        ticket_example: rules.ticket_example.clone(),
        query: if looks_like_key(&asked.query) { String::new() } else { asked.query },
    }
}
