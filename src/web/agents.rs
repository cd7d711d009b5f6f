//! Agents' own protocols. Today Crypt: check-in and verify, as its clients expect them.
//!
//! Only 200 with a JSON object is success for every client, so nothing here redirects, and 200 goes out after the key is
//! on disk. Errors are one short line that repeats nothing. The token stands in the path, or in `Authorization` (Bearer,
//! or Basic with the token as the password) at the same doors without it.

use std::borrow::Cow;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;

use super::WebError;
use super::api::{pace, pace_depositor};
use super::extract::{Body, SMALL_BODY, Visit, is_form};
use crate::domain::device::Serial;
use crate::domain::policy::{Action, Relation};
use crate::domain::recovery_key::SecretKind;
use crate::domain::token::Door;
use crate::formats::crypt::{self, CheckedIn, Verified};
use crate::service::ServiceError;
use crate::service::escrow::{Deposit, Full, Hints, Refused, Source};
use crate::service::pace::Way;

/// The token of the path, or of the header at the doors without one, and the door it was shown at.
fn shown(req: &HttpRequest) -> (Option<Cow<'_, str>>, Door) {
    if let Some(token) = req.match_info().get("token") {
        return (Some(token.into()), Door::CryptPath);
    }
    let header = req.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|h| h.split_once(' '));
    let text = match header {
        Some((scheme, text)) if scheme.eq_ignore_ascii_case("bearer") => Some(text.trim().into()),
        Some((scheme, text)) if scheme.eq_ignore_ascii_case("basic") => password(text.trim()).map(Cow::from),
        _ => None,
    };
    (text, Door::Header)
}

fn password(basic: &str) -> Option<String> {
    let bytes = base64::prelude::BASE64_STANDARD.decode(basic).ok()?;
    String::from_utf8(bytes).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

/// `POST …/checkin/`.
pub async fn check_in(req: HttpRequest, visit: Visit, body: Body<SMALL_BODY>) -> Result<HttpResponse, WebError> {
    let service = &visit.app.service;
    let (text, door) = shown(&req);
    let token = service.authenticate_depositor(text.as_deref(), door, &visit.info).await?;
    pace_depositor(&req, &visit, &token, text.as_deref(), Way::Agents).await?;
    service.permit_token(&token, Action::Deposit, Relation::NoDevice, &visit.info).await?;
    let source = Source::from(&token);
    let body = match body.read().await {
        Ok(body) => body,
        Err(e) => {
            service.refuse_deposits(&source, &[(None, "body")], &visit.info).await?;
            return Err(e);
        }
    };
    if !is_form(&req) {
        service.refuse_deposits(&source, &[(None, "media_type")], &visit.info).await?;
        return Err(WebError::MediaType);
    }
    let pairs: Vec<(String, String)> = match serde_urlencoded::from_bytes(&body) {
        Ok(pairs) => pairs,
        Err(_) => {
            service.refuse_deposits(&source, &[(None, "unreadable")], &visit.info).await?;
            return Err(WebError::Bad { code: "form" });
        }
    };
    let check_in = match crypt::check_in(&pairs) {
        Ok(check_in) => check_in,
        Err(bad) => {
            service.refuse_deposits(&source, &[(bad.serial, bad.field)], &visit.info).await?;
            return Err(WebError::Field { field: bad.field.to_owned(), why: bad.why.to_owned() });
        }
    };
    let hints = Hints { host_name: check_in.mac_name, user: check_in.username.clone() };
    let deposit = Deposit { serial: check_in.serial, kind: check_in.kind, key: check_in.key, escrowed_at: None, hints };
    let serial = deposit.serial.clone();
    let answers = service.deposit(&source, vec![deposit], Full::Refuse, &visit.info).await?;
    match answers.first() {
        Some(Ok(receipt)) => Ok(HttpResponse::Ok().json(CheckedIn {
            serial: serial.as_str(),
            username: check_in.username.as_deref().unwrap_or_default(),
            rotation_required: receipt.rotation_required,
            new_secret_escrowed: receipt.became == crate::service::escrow::Became::New,
        })),
        Some(Err(Refused::OutOfScope)) => Err(WebError::Forbidden),
        Some(Err(Refused::DeviceRow)) => Err(ServiceError::Integrity.into()),
        Some(Err(Refused::TooManyChanges)) => Err(service.next_minute().into()),
        None => Err(WebError::Internal("a deposit without an answer".into())),
    }
}

/// The parts of the path besides the token, decoded.
#[derive(serde::Deserialize)]
pub struct VerifyPath {
    serial: String,
    kind: String,
}

/// `GET …/verify/{serial}/{secret_type}/`: is one escrowed, and since when?
pub async fn verify(req: HttpRequest, visit: Visit, path: web::Path<VerifyPath>) -> Result<HttpResponse, WebError> {
    let (text, door) = shown(&req);
    let token = visit.app.service.authenticate_token(text.as_deref(), door, &visit.info).await?;
    pace(&req, &visit, &token, Way::Agents).await?;
    visit.app.service.permit_token(&token, Action::ReadStatus, Relation::NoDevice, &visit.info).await?;
    let serial = Serial::parse(&path.serial).map_err(|_| WebError::NotFound)?;
    if SecretKind::parse(&path.kind).is_none() {
        return Err(WebError::Field { field: "secret_type".into(), why: "is not known".into() });
    }
    let status = visit.app.service.escrow_status(&token, &serial, &visit.info).await?;
    Ok(HttpResponse::Ok().json(Verified::new(status.current.map(|v| v.escrowed_at))))
}
