//! Devices, and whether a key of theirs is escrowed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::shapes::{
    DeviceList, DeviceListParameters, DevicePatch as PatchShape, DeviceView, EscrowStatusView, ListedDevice, SerialNumber,
};
use super::{ApiCaller, after, answer, json, limit, next_url, once, only_known, page, parameters, replay, respond, text};
use crate::domain::Device;
use crate::domain::device::{DeviceState, Ownership, clean};
use crate::domain::ids::hex;
use crate::domain::policy::{Action, Relation};
use crate::service::fleet::{DevicePatch, Written};
use crate::service::once::{Answer, Done};
use crate::web::WebError;
use crate::web::extract::{Body, SMALL_BODY};

/// List Macs
///
/// The Macs that this token may see, by serial number.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", operation_id = "listDevices", params(DeviceListParameters),
    security(("token" = ["devices:read"])),
    responses((status = 200, description = "A part of the list.", body = DeviceList)))]
pub async fn list(req: HttpRequest, caller: ApiCaller) -> Result<HttpResponse, WebError> {
    let ApiCaller { visit, token } = caller;
    let service = &visit.app.service;
    service.permit_token(&token, Action::ReadDevice, Relation::NoDevice, &visit.info).await?;
    let asked = parameters(&req, &["after", "limit", "has_key"])?;
    let limit = limit(&asked)?;
    let has_key = match asked.get("has_key").and_then(Value::as_str) {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(WebError::Field { field: "has_key".into(), why: "must be true or false".into() }),
    };
    let place = after(&asked, place)?.unwrap_or_default();
    let part = service.list_devices(&token, &place, limit, has_key, &visit.info).await?;
    let next = part.next.map(|at| next_url(&visit, "/api/v1/devices", &asked, &cursor(&at)));
    let body = DeviceList { devices: part.devices.iter().map(ListedDevice::new).collect(), next };
    page(&body, body.next.as_deref())
}

/// A place in the list as callers hand it back: a `d` and the serial number in hexadecimal digits, opaque to them.
fn cursor(serial: &str) -> String {
    format!("d{}", hex(serial.as_bytes()))
}

/// The place that a cursor names: what such a serial number may be made of, and nothing else.
fn place(cursor: &str) -> Option<String> {
    let digits = cursor.strip_prefix('d')?.as_bytes();
    if digits.len() > 400 || !digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)) {
        return None;
    }
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? * 16 + digit(low)?).filter(|b| (b' '..=b'~').contains(b)),
        _ => None,
    };
    digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Read a Mac
#[utoipa::path(get, path = "/api/v1/devices/{serial}", tag = "devices", operation_id = "readDevice",
    params(("serial" = SerialNumber, Path, description = "The serial number.")),
    security(("token" = ["devices:read"])),
    responses((status = 200, description = "What is known of it.", body = DeviceView)))]
pub async fn read(caller: ApiCaller, serial: web::Path<String>) -> Result<HttpResponse, WebError> {
    let serial = caller.serial(Action::ReadDevice, &serial).await?;
    let device = caller.visit.app.service.read_device(&caller.token, &serial, &caller.visit.info).await?;
    Ok(respond(answer(StatusCode::OK, &DeviceView::new(&device))?))
}

pub const DEVICE_FIELDS: [&str; 9] = ["name", "hostname", "model", "os_version", "asset_tag", "device_key", "udid", "ownership", "state"];

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

/// Make or change a Mac
///
/// Makes the Mac if it is not known, or changes the fields that are given.
#[utoipa::path(put, path = "/api/v1/devices/{serial}", tag = "devices", operation_id = "writeDevice",
    params(("serial" = SerialNumber, Path, description = "The serial number.")),
    request_body = PatchShape,
    security(("token" = ["devices:write"])),
    responses(
        (status = 200, description = "It was changed, or is as it was.", body = DeviceView),
        (status = 201, description = "It was made.", body = DeviceView),
    ))]
pub async fn write(
    req: HttpRequest,
    caller: ApiCaller,
    serial: web::Path<String>,
    body: Body<SMALL_BODY>,
) -> Result<HttpResponse, WebError> {
    let serial = caller.serial(Action::WriteDevice, &serial).await?;
    let (service, token, info) = (&caller.visit.app.service, &caller.token, &caller.visit.info);
    let bytes = body.read().await?;
    let patch = patch(&json(&req, &bytes)?).map_err(|(field, why)| WebError::Field { field, why })?;
    let once = once(&req, token, &format!("PUT /api/v1/devices/{}", serial.as_str()), &bytes)?;
    if let Some(once) = &once
        && let Some(before) = service.answered(once, info).await?
    {
        return Ok(replay(before));
    }
    let keep = once.as_ref().map(|once| (once, &written as &Written));
    Ok(match service.write_device(token, &serial, &patch, keep, info).await? {
        Done::Now((device, made)) => respond(written(&device, made)),
        Done::Before(before) => replay(before),
    })
}

fn written(device: &Device, made: bool) -> Answer {
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    let body = serde_json::to_string(&DeviceView::new(device)).unwrap_or_default();
    Answer { status: status.as_u16(), body }
}

/// Is a key escrowed?
///
/// Says so, and of which source and when. Never the key.
#[utoipa::path(get, path = "/api/v1/devices/{serial}/escrow-status", tag = "devices", operation_id = "readEscrowStatus",
    params(("serial" = SerialNumber, Path, description = "The serial number.")),
    security(("token" = ["status:read"])),
    responses((status = 200, description = "What is escrowed of this Mac.", body = EscrowStatusView)))]
pub async fn status(caller: ApiCaller, serial: web::Path<String>) -> Result<HttpResponse, WebError> {
    let serial = caller.serial(Action::ReadStatus, &serial).await?;
    let status = caller.visit.app.service.escrow_status(&caller.token, &serial, &caller.visit.info).await?;
    Ok(respond(answer(StatusCode::OK, &EscrowStatusView::new(&status))?))
}
