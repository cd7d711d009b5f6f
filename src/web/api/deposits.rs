//! Handing keys in: one, several, or a stream of them.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::shapes::{DepositAnswer, DepositRefused, DepositResult, DepositResults, Deposits, OneResult};
use super::{ApiDepositor, IDEMPOTENCY_KEY, answer, json, once, only_known, pace_together, replay, respond, stream, text, token_of};
use crate::domain::Timestamp;
use crate::domain::device::{Serial, hint};
use crate::domain::policy::{Action, Relation};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};
use crate::service::ServiceError;
use crate::service::depositor::Depositor;
use crate::service::escrow::{Became, Deposit, Full, Hints, Keep, Receipt, Refused, Source};
use crate::service::once::{Answer, Done, Once};
use crate::web::WebError;
use crate::web::extract::{Body, LARGE_BODY, SMALL_BODY, Visit, media_type};

/// Deposits in one request.
pub const MOST_DEPOSITS: usize = 1000;
/// Deposits for one device in one request.
const MOST_PER_DEVICE: usize = 20;

/// What is wrong with one deposit. Never holds what was sent.
pub struct BadItem {
    pub serial: Option<Serial>,
    pub field: String,
    pub why: String,
}

pub const DEPOSIT_FIELDS: [&str; 6] = ["serial", "recovery_key", "kind", "escrowed_at", "hostname", "user"];

/// Reads one deposit.
pub fn deposit(value: &Value) -> Result<Deposit, BadItem> {
    let Some(object) = value.as_object() else {
        return Err(BadItem { serial: None, field: "deposit".into(), why: "must be an object".into() });
    };
    let serial = text(object, "serial").ok().flatten().and_then(|s| Serial::of_a_mac(s).ok());
    read_deposit(object).map_err(|(field, why)| BadItem { serial, field, why })
}

fn read_deposit(object: &Map<String, Value>) -> Result<Deposit, (String, String)> {
    only_known(object, &DEPOSIT_FIELDS)?;
    let wrong = |field: &str, why: &dyn std::fmt::Display| (field.to_owned(), why.to_string());
    let serial = Serial::of_a_mac(text(object, "serial")?.unwrap_or_default()).map_err(|e| wrong("serial", &e))?;
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

/// Hand recovery keys in
///
/// One deposit as an object, several (up to 1,000) as an array, or any number as a stream of lines.
///
/// The answer goes out after the keys are on disk. The same key again is harmless: it makes no new version. Of several, those
/// that are wrong are refused by themselves, and the answer is 200.
///
/// **Streams** (`Content-Type: application/x-ndjson`): one deposit a line, of at most 64 KiB; blank lines are skipped. Each line
/// is answered by a line, in order, as soon as its key is on disk: read while you send. A line that is wrong fails alone and names
/// its number. What stops a stream is told in a last line with the status `aborted`: begin again with the line that it names. An
/// `Idempotency-Key` has no use here.
///
/// **Limits**: each deposit counts like a request. An array is taken whole while the minute has room for one more; a stream is
/// `aborted` with `too_many_requests` at the first line without room. In a minute a token may change the key of one Mac 20 times from one address;
/// what comes then is refused with `too_many_requests`, and may come again later.
#[utoipa::path(post, path = "/api/v1/deposits", tag = "deposits", operation_id = "createDeposits",
    request_body(content((Deposits = "application/json"), (String = "application/x-ndjson")), description = "The deposits."),
    security(("token" = ["escrow:write"])),
    responses(
        (status = 200, description = "Stored: the key was known already, or these are the results of several.",
            content((DepositAnswer = "application/json"), (String = "application/x-ndjson"))),
        (status = 201, description = "Stored: a key that was not known.", body = DepositResult),
    ))]
pub async fn create(req: HttpRequest, caller: ApiDepositor, body: Body<LARGE_BODY>) -> Result<HttpResponse, WebError> {
    let ApiDepositor { visit, token } = caller;
    visit.app.service.permit_token(&token, Action::Deposit, Relation::NoDevice, &visit.info).await?;
    let refuse = async |e| {
        visit.app.service.refuse_deposits(&Source::from(&token), &[(None, "unreadable")], &visit.info).await?;
        Err(e)
    };
    if media_type(&req).eq_ignore_ascii_case(stream::MEDIA_TYPE) {
        // It may bring nothing, and is answered all the same.
        token_of(&req, &visit).await?;
        if req.headers().contains_key(IDEMPOTENCY_KEY) {
            return refuse(WebError::Bad { code: "idempotency_key" }).await;
        }
        return match body.unread() {
            Ok(payload) => Ok(stream::answer(req, visit, payload)),
            Err(e) => refuse(e).await,
        };
    }
    let read = async {
        let bytes = body.read().await?;
        let value = match json(&req, &bytes)? {
            Value::Object(_) if bytes.len() > SMALL_BODY => return Err(WebError::TooLarge),
            value => value,
        };
        Ok((value, once(&req, &token, "POST /api/v1/deposits", &bytes)?.map(Arc::new)))
    };
    let (value, once) = match read.await {
        Ok(read) => read,
        Err(e) => return refuse(e).await,
    };
    if let Some(once) = &once {
        // What was answered before is told to a live token alone.
        token_of(&req, &visit).await?;
        if let Some(before) = visit.app.service.answered(once, &visit.info).await? {
            return Ok(replay(before));
        }
    }
    match value {
        Value::Array(items) => {
            if items.is_empty() {
                // As an empty stream.
                token_of(&req, &visit).await?;
            }
            pace_together(&req, &visit, &token, items.len());
            bulk(&visit, &token, &items, once).await
        }
        one => single(&visit, &token, &one, once).await,
    }
}

/// The trail's word for a refused field; unknown names stay out of it.
pub fn trail_word(field: &str) -> &'static str {
    DEPOSIT_FIELDS.into_iter().find(|f| *f == field).unwrap_or("unknown_field")
}

async fn single(visit: &Visit, token: &Depositor, value: &Value, once: Option<Arc<Once>>) -> Result<HttpResponse, WebError> {
    let source = Source::from(token);
    let deposit = match deposit(value) {
        Ok(deposit) => deposit,
        Err(bad) => {
            visit.app.service.refuse_deposits(&source, &[(bad.serial, trail_word(&bad.field))], &visit.info).await?;
            return Err(WebError::Field { field: bad.field, why: bad.why });
        }
    };
    let serial = deposit.serial.clone();
    let stored = move |receipt: &Receipt| {
        let status = if receipt.became == Became::New { StatusCode::CREATED } else { StatusCode::OK };
        answer(status, &DepositResult::new(&serial, receipt))
    };
    let kept = stored.clone();
    let kept = move |answers: &[Result<Receipt, Refused>]| answers.first()?.as_ref().ok().and_then(|receipt| kept(receipt).ok());
    let keep = once.map(|once| Keep { once, answer: Arc::new(kept) });
    let answers = match visit.app.service.deposit_once(&source, vec![deposit], keep, Full::Refuse, &visit.info).await? {
        Done::Now(answers) => answers,
        Done::Before(before) => return Ok(replay(before)),
    };
    match answers.first() {
        Some(Ok(receipt)) => Ok(respond(stored(receipt)?)),
        Some(Err(Refused::OutOfScope)) => Err(WebError::Forbidden),
        Some(Err(Refused::DeviceRow)) => Err(ServiceError::Integrity.into()),
        Some(Err(Refused::TooManyChanges)) => Err(visit.app.service.next_minute().into()),
        None => Err(WebError::Internal("a deposit without an answer".into())),
    }
}

async fn bulk(visit: &Visit, token: &Depositor, items: &[Value], once: Option<Arc<Once>>) -> Result<HttpResponse, WebError> {
    let source = Source::from(token);
    if items.len() > MOST_DEPOSITS {
        visit.app.service.refuse_deposits(&source, &[(None, "too_many")], &visit.info).await?;
        return Err(WebError::Field { field: "deposits".into(), why: format!("must be at most {MOST_DEPOSITS}") });
    }
    let (mut places, mut deposits) = (Vec::new(), Vec::new());
    let mut bad = Vec::new();
    let mut per_device: HashMap<Serial, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        match deposit(item) {
            Ok(deposit) if counted(&mut per_device, &deposit.serial) > MOST_PER_DEVICE => {
                let why = format!("stands more than {MOST_PER_DEVICE} times in this request");
                bad.push((index, BadItem { serial: Some(deposit.serial), field: "serial".into(), why }));
            }
            Ok(deposit) => {
                places.push(index);
                deposits.push(deposit);
            }
            Err(item) => bad.push((index, item)),
        }
    }
    let refused: Vec<_> = bad.iter().map(|(_, b)| (b.serial.clone(), trail_word(&b.field))).collect();
    visit.app.service.refuse_deposits(&source, &refused, &visit.info).await?;
    let serials: Vec<Serial> = deposits.iter().map(|d| d.serial.clone()).collect();
    let whole = move |answers: &[Result<Receipt, Refused>]| -> Result<Answer, WebError> {
        let good = places.iter().zip(&serials).zip(answers).map(|((at, serial), answer)| (*at, OneResult::of(serial, answer)));
        let mut results: Vec<_> = good.chain(bad.iter().map(|(at, item)| (*at, item.result()))).collect();
        results.sort_by_key(|(at, _)| *at);
        answer(StatusCode::OK, &DepositResults { results: results.into_iter().map(|(_, result)| result).collect() })
    };
    if deposits.is_empty() {
        return Ok(respond(whole(&[])?));
    }
    let whole = Arc::new(whole);
    let kept = Arc::clone(&whole);
    // What may succeed in a minute is not remembered as refused.
    let kept = move |answers: &[Result<Receipt, Refused>]| {
        if answers.contains(&Err(Refused::TooManyChanges)) { None } else { kept(answers).ok() }
    };
    let keep = once.map(|once| Keep { once, answer: Arc::new(kept) });
    Ok(match visit.app.service.deposit_once(&source, deposits, keep, Full::Refuse, &visit.info).await? {
        Done::Now(answers) => respond(whole(&answers)?),
        Done::Before(before) => replay(before),
    })
}

impl BadItem {
    pub fn result(&self) -> OneResult {
        let (field, detail) = (Some(self.field.clone()), Some(self.why.clone()));
        OneResult::Refused(DepositRefused { status: "refused", code: "invalid_field", serial: None, field, detail })
    }
}

/// How often this serial number has come by now.
fn counted(per_device: &mut HashMap<Serial, usize>, serial: &Serial) -> usize {
    let n = per_device.entry(serial.clone()).or_default();
    *n += 1;
    *n
}
