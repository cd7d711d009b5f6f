//! The portal's pages but for the key itself: start, one's own devices, help, status, language.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::WebError;
use super::extract::{LANGUAGE_COOKIE, Visit, Visitor, cookie, person_of};
use super::pages::{self, CantSignInPage, DeviceCard, DevicesPage, HelpPage, NoKeyPage, NotListedPage, Section, StartPage, StatusPage};
use super::present::{self, html, see};
use crate::domain::Role;
use crate::domain::device::Ownership;
use crate::domain::ids::DeviceId;
use crate::domain::policy::Action;
use crate::domain::reveal::Basis;
use crate::i18n::Language;
use crate::service::access::SignedIn;
use crate::service::fleet::{DevicePage, KeyState};
use crate::service::forms::Which;
use crate::service::sign_in::safe_return;

/// Signed out: how to begin. Signed in: on to where this person works.
pub async fn start(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let Some(person) = person_of(&req, &visit).await? else {
        let page = StartPage {
            page: visit.page(None, None),
            provider: visit.app.provider.clone(),
            sign_in_url: "/sign-in".to_owned(),
            unreachable: visit.app.service.provider_is_down(),
        };
        return html(&page, StatusCode::OK);
    };
    let roles = person.roles();
    let works_at = [(Role::Helpdesk, "/desk"), (Role::Auditor, "/trail"), (Role::Admin, "/admin")];
    let work = works_at.into_iter().find(|(role, _)| roles.has(*role)).map(|(_, page)| page);
    if !roles.has(Role::Employee) {
        return Ok(see(work.unwrap_or("/help")));
    }
    let own = visit.app.service.own_devices(&person, &visit.info).await?;
    Ok(match own.devices.as_slice() {
        [only] => see(&format!("/devices/{}", only.device.id)),
        [] => see(work.unwrap_or("/devices")),
        _ => see("/devices"),
    })
}

/// The list of one's own devices.
pub async fn devices(v: Visitor) -> Result<HttpResponse, WebError> {
    let own = v.visit.app.service.own_devices(&v.person, &v.visit.info).await?;
    let formats = v.visit.formats();
    let taken = own.taken.iter().filter_map(|row| Some((row.event.serial.clone()?, formats.relative(row.event.at)))).collect();
    let devices = own
        .devices
        .into_iter()
        .map(|l| DeviceCard {
            id: l.device.id.to_string(),
            name: l.device.label().to_owned(),
            serial: l.device.serial.as_str().to_owned(),
            lock_number: Some(present::lock_number(&l.device)).filter(|n| n != l.device.serial.as_str()),
            model: l.device.model.clone(),
            state: present::state(&l.device, l.key),
            last_seen: l.device.last_seen.map(|t| formats.relative(t)),
        })
        .collect();
    html(&DevicesPage { page: v.visit.page(Some(&v.person), Some(Section::Devices)), devices, taken }, StatusCode::OK)
}

/// Names the form that a step-up kept.
#[derive(serde::Deserialize)]
pub struct Kept {
    form: Option<String>,
}

/// One of one's own devices; after a step-up for the other key, its button asks for that one.
pub async fn device(v: Visitor, id: web::Path<String>, query: web::Query<Kept>) -> Result<HttpResponse, WebError> {
    let found = v.visit.app.service.device_page(&v.person, DeviceId::parse(&id), Action::ViewDevice, &v.visit.info).await?;
    if let KeyState::None(why) = found.key {
        let page = NoKeyPage {
            page: v.visit.page(Some(&v.person), Some(Section::Devices)),
            device: present::subject(&found.device, Basis::Owner, None),
            reason: present::reason(why),
            reference: v.visit.reference(),
        };
        return html(&page, StatusCode::OK);
    }
    let kept = match query.form.as_deref() {
        Some(key) => v.visit.app.service.take_form(&v.person, key).await?,
        None => None,
    };
    let other = found.other.is_some() && kept.is_some_and(|f| f.device() == found.device.id && f.which == Which::Other);
    html(&own_device(&v, &found, other), StatusCode::OK)
}

fn own_device(v: &Visitor, found: &DevicePage, ask_other: bool) -> pages::OwnDevicePage {
    let device = &found.device;
    pages::OwnDevicePage {
        page: v.visit.page(Some(&v.person), Some(Section::Devices)),
        id: device.id.to_string(),
        name: device.label().to_owned(),
        serial: device.serial.as_str().to_owned(),
        lock_number: present::lock_number(device),
        state: present::state(device, found.key),
        ask_other,
        personal: device.ownership == Ownership::Personal,
        facts: present::facts(&v.visit, device, found.current.as_ref().map(|c| c.escrowed_at)),
        viewings: present::viewings(&v.visit, &v.person, found),
        more_viewings: found.more_viewings,
        shown_before: present::shown_before(found),
        more_owner_changes: found.more_owner_changes,
        owner_changes: present::owner_changes(&v.visit, &v.person, found),
    }
}

/// Keeps the choice of language and goes back to where it was made.
pub async fn language(
    visit: Visit,
    code: web::Path<String>,
    query: web::Query<std::collections::HashMap<String, String>>,
) -> Result<HttpResponse, WebError> {
    let lang = Language::parse(&code).ok_or(WebError::NotFound)?;
    let back = safe_return(query.get("return_to").map_or("/", String::as_str));
    let mut response = see(&back);
    let mut kept = cookie(LANGUAGE_COOKIE, lang.code().to_owned());
    kept.set_max_age(actix_web::cookie::time::Duration::days(365));
    response.add_cookie(&kept).map_err(|e| WebError::Internal(e.to_string()))?;
    let _ = visit;
    Ok(response)
}

/// Who reads a page that everybody may read; nobody when that cannot be found out: these pages are needed most when the
/// database is away.
async fn guest(req: &HttpRequest, visit: &Visit) -> Option<SignedIn> {
    person_of(req, visit).await.unwrap_or(None)
}

/// What works at this moment. Says nothing about anybody.
pub async fn status(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let person = guest(&req, &visit).await;
    let service = &visit.app.service;
    let trail = service.database_answers().await;
    let now = service.env().now();
    let page = StatusPage {
        page: visit.page(person.as_ref(), Some(Section::Help)),
        sign_in: !service.provider_is_down(),
        keys: trail && !service.is_sealed(),
        trail,
        now: visit.formats().date_time(now),
        zone: visit.formats().zone_name(now),
    };
    html(&page, StatusCode::OK)
}

pub async fn help(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let person = guest(&req, &visit).await;
    html(&HelpPage { page: visit.page(person.as_ref(), Some(Section::Help)) }, StatusCode::OK)
}

pub async fn help_sign_in(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let person = guest(&req, &visit).await;
    html(&CantSignInPage { page: visit.page(person.as_ref(), Some(Section::Help)) }, StatusCode::OK)
}

pub async fn help_not_listed(req: HttpRequest, visit: Visit) -> Result<HttpResponse, WebError> {
    let person = guest(&req, &visit).await;
    html(&NotListedPage { page: visit.page(person.as_ref(), Some(Section::Help)) }, StatusCode::OK)
}
