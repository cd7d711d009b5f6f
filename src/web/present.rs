//! From what a service answers to what a page shows.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::WebError;
use super::extract::Visit;
use super::pages::{self, Facts, KeyState, NoKeyReason, OwnerChange, OwnerName, Subject, Viewing};
use crate::domain::Role;
use crate::domain::audit::{Actor, TrailRow};
use crate::domain::device::{Device, DeviceState};
use crate::domain::reveal::Basis;
use crate::service::access::SignedIn;
use crate::service::fleet::{self, DevicePage};
use crate::service::owner_names::NamedOwner;
use crate::service::reveal::NoKey;

/// A rendered page.
///
/// # Errors
/// [`WebError::Internal`]: the template could not be written, which has no cause in a request.
pub fn html(page: &impl Template, status: StatusCode) -> Result<HttpResponse, WebError> {
    let text = page.render().map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(text))
}

/// On to another page of ours.
pub fn see(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((actix_web::http::header::LOCATION, to)).finish()
}

pub fn state(device: &Device, key: fleet::KeyState) -> KeyState {
    match (key, device.state) {
        (fleet::KeyState::Available { .. }, DeviceState::Unmanaged) => KeyState::Unmanaged,
        (fleet::KeyState::Available { .. }, _) => KeyState::Available,
        (fleet::KeyState::None(_), _) => KeyState::NoKey,
    }
}

/// The number a locked Mac shows.
pub fn lock_number(device: &Device) -> String {
    device.device_key.clone().unwrap_or_else(|| device.serial.as_str().to_owned())
}

pub fn subject(device: &Device, basis: Basis, owner: Option<String>) -> Subject {
    let lock_number = lock_number(device);
    Subject {
        id: device.id.to_string(),
        name: device.label().to_owned(),
        serial: lock_number == device.serial.as_str(),
        lock_number,
        basis,
        owner,
    }
}

pub fn reason(why: NoKey) -> NoKeyReason {
    match why {
        NoKey::NeverReceived | NoKey::NoOther => NoKeyReason::NeverReceived,
        NoKey::Elsewhere => NoKeyReason::KeyElsewhere,
        NoKey::Integrity => NoKeyReason::IntegrityFailure,
    }
}

pub fn facts(visit: &Visit, device: &Device, received: Option<crate::domain::Timestamp>) -> Facts {
    let formats = visit.formats();
    Facts {
        model: device.model.clone(),
        os_version: device.os_version.clone(),
        host_name: device.host_name.clone(),
        asset_tag: device.asset_tag.clone(),
        last_seen: device.last_seen.map(|t| formats.relative(t)),
        key_received: received.map(|t| formats.date(t)),
    }
}

/// How a trail row names its actor: name, login, or a word for one who was erased.
pub fn who(visit: &Visit, row: &TrailRow) -> String {
    let personal = &row.event.personal;
    personal
        .name
        .clone()
        .or_else(|| personal.login.clone())
        .unwrap_or_else(|| crate::i18n::text(visit.lang, if row.erased { "who-erased" } else { "who-unknown" }))
}

/// Who was shown the key of this device.
pub fn viewings(visit: &Visit, reader: &SignedIn, page: &DevicePage) -> Vec<Viewing> {
    page.viewings
        .iter()
        .map(|row| Viewing {
            when: visit.formats().relative(row.event.at),
            by_you: row.event.actor == Actor::Person(reader.who().clone()),
            who: who(visit, row),
            desk: row.event.role == Role::Helpdesk.code(),
            ticket: row.event.personal.ticket.clone(),
        })
        .collect()
}

/// Was a key of this device ever shown? The versions know it too, whatever the trail still holds.
pub fn shown_before(page: &DevicePage) -> bool {
    !page.viewings.is_empty() || page.versions.iter().any(|v| v.revealed_at.is_some())
}

/// When a key of this device was last shown.
pub fn last_shown(page: &DevicePage) -> Option<crate::domain::Timestamp> {
    page.viewings.first().map(|row| row.event.at).or_else(|| page.versions.iter().filter_map(|v| v.revealed_at).max())
}

/// Changes of owner of this device.
pub fn owner_changes(visit: &Visit, reader: &SignedIn, page: &DevicePage) -> Vec<OwnerChange> {
    page.owner_changes
        .iter()
        .map(|row| {
            let login = row.event.personal.login.clone();
            OwnerChange {
                when: visit.formats().relative(row.event.at),
                kind: row.event.kind,
                is_you: login.is_some() && login.as_deref() == reader.login().map(|l| l.as_str()),
                who: login.unwrap_or_else(|| who(visit, row)),
                source: crate::i18n::text(visit.lang, &format!("source-{}", row.event.actor.kind())),
            }
        })
        .collect()
}

/// Owners by name, the login beside it.
pub fn owners(all: &[NamedOwner]) -> Vec<OwnerName> {
    let login = |o: &NamedOwner| o.name.is_some().then(|| o.login.as_str().to_owned());
    all.iter().map(|o| OwnerName { name: o.called().to_owned(), login: login(o) }).collect()
}

/// A section of the menu that fits the basis of a reveal.
pub fn section(basis: Basis) -> pages::Section {
    match basis {
        Basis::Owner => pages::Section::Devices,
        Basis::Desk => pages::Section::Desk,
    }
}
