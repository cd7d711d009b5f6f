//! The JSON API: deposits, devices, escrow status. Bearer tokens, problem documents, never a key in an answer.

use std::collections::HashMap;

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};

use super::WebError;
use super::extract::{Body, LARGE_BODY, SMALL_BODY, Visit, media_type};
use super::strict::Strict;
use crate::domain::device::{DeviceState, Ownership, Serial, clean, hint};
use crate::domain::escrow::KeyVersion;
use crate::domain::policy::{Action, Relation};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};
use crate::domain::token::{ApiToken, Door};
use crate::domain::{Device, Timestamp};
use crate::service::ServiceError;
use crate::service::escrow::{Deposit, Hints, Receipt, Refused, Source};
use crate::service::fleet::{DevicePatch, EscrowStatus};

/// Deposits in one request.
const MOST_DEPOSITS: usize = 1000;
/// Deposits for one device in one request.
const MOST_PER_DEVICE: usize = 20;

/// A live token in `Authorization: Bearer`.
pub struct ApiCaller {
    pub visit: Visit,
    pub token: ApiToken,
}

impl ApiCaller {
    /// The serial number of the path; whether this token may ask at all is judged first.
    async fn serial(&self, action: Action, path: &str) -> Result<Serial, WebError> {
        self.visit.app.service.permit_token(&self.token, action, Relation::NoDevice, &self.visit.info).await?;
        Serial::parse(path).map_err(|e| WebError::Field { field: "serial".into(), why: e.to_string() })
    }
}

impl FromRequest for ApiCaller {
    type Error = WebError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(req: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let visit = Visit::of(&req).ok_or_else(|| WebError::Internal("no application state".into()))?;
            let header = req.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
            let text =
                header.and_then(|h| h.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, t)| t.trim());
            let token = visit.app.service.authenticate_token(text, Door::Header, &visit.info).await?;
            Ok(Self { visit, token })
        })
    }
}

fn json(req: &HttpRequest, body: &[u8]) -> Result<Value, WebError> {
    if !media_type(req).eq_ignore_ascii_case("application/json") {
        return Err(WebError::MediaType);
    }
    serde_json::from_slice::<Strict>(body).map(|read| read.0).map_err(|_| WebError::Bad { code: "json" })
}

/// What is wrong with one deposit. Never holds what was sent.
struct BadItem {
    serial: Option<Serial>,
    field: String,
    why: String,
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

const DEPOSIT_FIELDS: [&str; 6] = ["serial", "recovery_key", "kind", "escrowed_at", "hostname", "user"];

fn deposit(value: &Value) -> Result<Deposit, BadItem> {
    let Some(object) = value.as_object() else {
        return Err(BadItem { serial: None, field: "deposit".into(), why: "must be an object".into() });
    };
    let serial = text(object, "serial").ok().flatten().and_then(|s| Serial::parse(s).ok());
    read_deposit(object).map_err(|(field, why)| BadItem { serial, field, why })
}

fn read_deposit(object: &Map<String, Value>) -> Result<Deposit, (String, String)> {
    only_known(object, &DEPOSIT_FIELDS)?;
    let wrong = |field: &str, why: &dyn std::fmt::Display| (field.to_owned(), why.to_string());
    let serial = Serial::parse(text(object, "serial")?.unwrap_or_default()).map_err(|e| wrong("serial", &e))?;
    let kind =
        text(object, "kind")?.map_or(Some(SecretKind::RecoveryKey), SecretKind::parse).ok_or_else(|| wrong("kind", &"is not known"))?;
    let key = RecoveryKey::parse(text(object, "recovery_key")?.unwrap_or_default()).map_err(|e| wrong("recovery_key", &e))?;
    let escrowed_at = match text(object, "escrowed_at")? {
        None => None,
        Some(t) => Some(Timestamp::parse_rfc3339(t).ok_or_else(|| wrong("escrowed_at", &"must be an RFC 3339 time"))?),
    };
    let hints = Hints { host_name: text(object, "hostname")?.and_then(hint), user: text(object, "user")?.and_then(hint) };
    Ok(Deposit { serial, kind, key, escrowed_at, hints })
}

fn receipt_json(serial: &Serial, receipt: &Receipt) -> Value {
    let warnings: &[&str] = if receipt.unseen_letters { &["unseen_letters"] } else { &[] };
    serde_json::json!({
        "serial": serial.as_str(),
        "status": receipt.became.code(),
        "version": receipt.version,
        "current": receipt.current,
        "contested": receipt.contested,
        "rotation_required": receipt.rotation_required,
        "warnings": warnings,
    })
}

/// `POST /api/v1/deposits`: one object, or an array with one result each.
pub async fn deposits(req: HttpRequest, caller: ApiCaller, body: Body<LARGE_BODY>) -> Result<HttpResponse, WebError> {
    let ApiCaller { visit, token } = caller;
    visit.app.service.permit_token(&token, Action::Deposit, Relation::NoDevice, &visit.info).await?;
    let read = async {
        let bytes = body.read().await?;
        match json(&req, &bytes)? {
            Value::Object(_) if bytes.len() > SMALL_BODY => Err(WebError::TooLarge),
            value => Ok(value),
        }
    };
    match read.await {
        Ok(Value::Array(items)) => bulk(&visit, &token, &items).await,
        Ok(one) => single(&visit, &token, &one).await,
        Err(e) => {
            visit.app.service.refuse_deposits(&Source::from(&token), &[(None, "unreadable")], &visit.info).await?;
            Err(e)
        }
    }
}

/// The trail's word for a refused field; unknown names stay out of it.
fn trail_word(field: &str) -> &'static str {
    DEPOSIT_FIELDS.into_iter().find(|f| *f == field).unwrap_or("unknown_field")
}

async fn single(visit: &Visit, token: &ApiToken, value: &Value) -> Result<HttpResponse, WebError> {
    let source = Source::from(token);
    let deposit = match deposit(value) {
        Ok(deposit) => deposit,
        Err(bad) => {
            visit.app.service.refuse_deposits(&source, &[(bad.serial, trail_word(&bad.field))], &visit.info).await?;
            return Err(WebError::Field { field: bad.field, why: bad.why });
        }
    };
    let answers = visit.app.service.deposit(&source, std::slice::from_ref(&deposit), &visit.info).await?;
    match answers.first() {
        Some(Ok(receipt)) => {
            let made = receipt.became == crate::service::escrow::Became::New;
            let mut response = if made { HttpResponse::Created() } else { HttpResponse::Ok() };
            Ok(response.json(receipt_json(&deposit.serial, receipt)))
        }
        Some(Err(Refused::OutOfScope)) => Err(WebError::Forbidden),
        Some(Err(Refused::DeviceRow)) => Err(ServiceError::Integrity.into()),
        None => Err(WebError::Internal("a deposit without an answer".into())),
    }
}

async fn bulk(visit: &Visit, token: &ApiToken, items: &[Value]) -> Result<HttpResponse, WebError> {
    let source = Source::from(token);
    if items.len() > MOST_DEPOSITS {
        visit.app.service.refuse_deposits(&source, &[(None, "too_many")], &visit.info).await?;
        return Err(WebError::Field { field: "deposits".into(), why: format!("must be at most {MOST_DEPOSITS}") });
    }
    let mut good = Vec::new();
    let mut bad = Vec::new();
    let mut per_device: HashMap<Serial, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        match deposit(item) {
            Ok(deposit) if counted(&mut per_device, &deposit.serial) > MOST_PER_DEVICE => {
                let why = format!("stands more than {MOST_PER_DEVICE} times in this request");
                bad.push((index, BadItem { serial: Some(deposit.serial), field: "serial".into(), why }));
            }
            Ok(deposit) => good.push((index, deposit)),
            Err(item) => bad.push((index, item)),
        }
    }
    let refused: Vec<_> = bad.iter().map(|(_, b)| (b.serial.clone(), trail_word(&b.field))).collect();
    visit.app.service.refuse_deposits(&source, &refused, &visit.info).await?;
    let (places, deposits): (Vec<usize>, Vec<Deposit>) = good.into_iter().unzip();
    let answers = if deposits.is_empty() { Vec::new() } else { visit.app.service.deposit(&source, &deposits, &visit.info).await? };
    let mut results: Vec<(usize, Value)> = bad
        .into_iter()
        .map(|(i, b)| (i, serde_json::json!({ "status": "refused", "code": "invalid_field", "field": b.field, "detail": b.why })))
        .collect();
    for ((place, deposit), answer) in places.into_iter().zip(&deposits).zip(&answers) {
        results.push((
            place,
            match answer {
                Ok(receipt) => receipt_json(&deposit.serial, receipt),
                Err(refused) => {
                    let code = match refused {
                        Refused::OutOfScope => "forbidden",
                        Refused::DeviceRow => "integrity",
                    };
                    serde_json::json!({ "status": "refused", "code": code, "serial": deposit.serial.as_str() })
                }
            },
        ));
    }
    results.sort_by_key(|(i, _)| *i);
    let results: Vec<Value> = results.into_iter().map(|(_, v)| v).collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "results": results })))
}

/// How often this serial number has come by now.
fn counted(per_device: &mut HashMap<Serial, usize>, serial: &Serial) -> usize {
    let n = per_device.entry(serial.clone()).or_default();
    *n += 1;
    *n
}

fn device_json(device: &Device) -> Value {
    serde_json::json!({
        "serial": device.serial.as_str(),
        "name": device.name,
        "hostname": device.host_name,
        "model": device.model,
        "os_version": device.os_version,
        "asset_tag": device.asset_tag,
        "device_key": device.device_key,
        "udid": device.udid,
        "ownership": device.ownership.code(),
        "state": device.state.code(),
        "user_hint": device.user_hint,
        "last_seen": device.last_seen.map(Timestamp::rfc3339),
    })
}

/// `GET /api/v1/devices/{serial}`.
pub async fn read_device(caller: ApiCaller, serial: web::Path<String>) -> Result<HttpResponse, WebError> {
    let serial = caller.serial(Action::ReadDevice, &serial).await?;
    let device = caller.visit.app.service.read_device(&caller.token, &serial, &caller.visit.info).await?;
    Ok(HttpResponse::Ok().json(device_json(&device)))
}

const DEVICE_FIELDS: [&str; 9] = ["name", "hostname", "model", "os_version", "asset_tag", "device_key", "udid", "ownership", "state"];

fn patch(value: &Value) -> Result<DevicePatch, (String, String)> {
    let Some(object) = value.as_object() else { return Err(("body".into(), "must be an object".into())) };
    only_known(object, &DEVICE_FIELDS)?;
    // `null` and an empty text clear the field; one that is left out stays.
    let free = |field: &'static str| {
        let looks = crate::domain::recovery_key::looks_like_key;
        match text(object, field)?.map(|t| (t, clean(t, 200))) {
            // A key among the names would be shown on lists; what is cut may be one only then.
            Some((t, kept)) if looks(t) || kept.as_deref().is_some_and(looks) => {
                Err((field.to_owned(), "looks like a recovery key".to_owned()))
            }
            Some((_, kept)) => Ok(Some(kept)),
            None => Ok(object.contains_key(field).then_some(None)),
        }
    };
    let ownership = text(object, "ownership")?
        .map(|t| Ownership::parse(t).ok_or_else(|| ("ownership".to_owned(), "must be corporate or personal".to_owned())))
        .transpose()?;
    let state = text(object, "state")?
        .map(|t| DeviceState::parse(t).ok_or_else(|| ("state".to_owned(), "must be managed, key_elsewhere or unmanaged".to_owned())))
        .transpose()?;
    Ok(DevicePatch {
        name: free("name")?,
        host_name: free("hostname")?,
        model: free("model")?,
        os_version: free("os_version")?,
        asset_tag: free("asset_tag")?,
        device_key: free("device_key")?,
        udid: free("udid")?,
        ownership,
        state,
    })
}

/// `PUT /api/v1/devices/{serial}`: makes the device, or changes the fields that are given.
pub async fn write_device(
    req: HttpRequest,
    caller: ApiCaller,
    serial: web::Path<String>,
    body: Body<SMALL_BODY>,
) -> Result<HttpResponse, WebError> {
    let serial = caller.serial(Action::WriteDevice, &serial).await?;
    let patch = patch(&json(&req, &body.read().await?)?).map_err(|(field, why)| WebError::Field { field, why })?;
    let (device, made) = caller.visit.app.service.write_device(&caller.token, &serial, &patch, &caller.visit.info).await?;
    let mut response = if made { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(device_json(&device)))
}

fn status_json(status: &EscrowStatus) -> Value {
    let of = |read: fn(&KeyVersion) -> Value| status.current.as_ref().map_or(Value::Null, read);
    serde_json::json!({
        "serial": status.serial.as_str(),
        "escrowed": status.current.is_some(),
        "version": of(|v| v.version.into()),
        "versions": status.versions,
        "trust": of(|v| v.trust.code().into()),
        "source": of(|v| v.source.clone().into()),
        "escrowed_at": of(|v| v.escrowed_at.rfc3339().into()),
        "confirmed_at": of(|v| v.confirmed_at.rfc3339().into()),
        "contested": status.contested,
        "rotation_required": status.rotation_required,
    })
}

/// `GET /api/v1/devices/{serial}/escrow-status`: never a key.
pub async fn escrow_status(caller: ApiCaller, serial: web::Path<String>) -> Result<HttpResponse, WebError> {
    let serial = caller.serial(Action::ReadStatus, &serial).await?;
    let status = caller.visit.app.service.escrow_status(&caller.token, &serial, &caller.visit.info).await?;
    Ok(HttpResponse::Ok().json(status_json(&status)))
}
