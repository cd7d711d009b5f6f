//! The trail, for programs: rows as JSON, oldest first.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::shapes::EventListParameters;
use super::{ApiCaller, after, limit, next_url, page, parameters};
use crate::domain::audit::TrailRow;
use crate::domain::ids::hex;
use crate::domain::policy::{Action, Relation};
use crate::web::WebError;

/// A row of the trail, in the words of its export. Never a key. What does not apply is `null`.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    /// Its number in the trail, without gaps.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub time: String,
    /// What happened.
    #[schema(example = "reveal.viewed")]
    pub kind: &'static str,
    #[schema(value_type = OutcomeName)]
    pub outcome: &'static str,
    #[schema(value_type = ActorKind)]
    pub actor_kind: &'static str,
    /// Of a person: the identity provider.
    pub issuer: Option<String>,
    /// The provider's name for a person, or the public id of a token.
    pub subject: Option<String>,
    /// Roles of a person, scopes of a token, or the trust of a source, joined by spaces.
    pub role: Option<String>,
    /// The fields about people, until they are erased: the actor's name,
    pub name: Option<String>,
    /// the login,
    pub login: Option<String>,
    /// the address that the request came from,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    #[schema(format = Uuid)]
    pub device: Option<String>,
    pub serial: Option<String>,
    #[schema(format = Uuid)]
    pub key_version: Option<String>,
    /// The permission under which a key was shown.
    #[schema(format = Uuid)]
    pub grant: Option<String>,
    /// The request's id, as in the log and in problem documents.
    #[schema(format = Uuid)]
    pub request: Option<String>,
    pub ticket: Option<String>,
    pub reason: Option<String>,
    /// How the desk checked who was calling.
    pub identity: Option<String>,
    /// Whom it was about.
    pub person: Option<String>,
    pub detail: Option<String>,
    /// The fields about people are gone.
    pub erased: bool,
    /// The digest by which they are in the chain, in hexadecimal.
    pub personal_mac: String,
    /// The row's own MAC in the chain, in hexadecimal: with `seq` a checkpoint for `keyharbor audit verify --at-least`.
    pub mac: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum OutcomeName {
    Ok,
    Refused,
    Failed,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ActorKind {
    Person,
    Token,
    Operator,
    System,
    Anonymous,
}

/// A part of the trail.
#[derive(Serialize, ToSchema)]
pub struct EventList {
    pub events: Vec<EventView>,
    /// The address of the next part. It is there at the end too: asked again later, it gives what has come since.
    #[schema(format = Uri)]
    pub next: String,
    /// There are more rows already.
    pub more: bool,
}

impl EventView {
    pub fn new(row: TrailRow) -> Self {
        let (event, text) = (row.event, |id: uuid::Uuid| id.hyphenated().to_string());
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (issuer, subject) = event.actor.columns();
        let personal = event.personal;
        Self {
            seq: row.seq,
            time: event.at.rfc3339(),
            kind: event.kind.code(),
            outcome: event.outcome.code(),
            actor_kind: event.actor.kind(),
            issuer: word(issuer),
            subject: word(subject),
            role: word(&event.role),
            name: personal.name,
            login: personal.login,
            address: personal.address,
            user_agent: personal.user_agent,
            device: event.device.map(|d| text(d.0)),
            serial: event.serial,
            key_version: event.version.map(|v| text(v.0)),
            grant: event.grant.map(|g| text(g.0)),
            request: event.request.map(text),
            ticket: personal.ticket,
            reason: personal.reason,
            identity: personal.identity,
            person: personal.person,
            detail: word(&event.detail),
            erased: row.erased,
            personal_mac: hex(&row.personal_mac),
            mac: hex(&row.mac),
        }
    }
}

/// Read the trail
///
/// Every sensitive act since the beginning, oldest first: sign-ins, viewings, deposits, refusals, changes of owners and tokens.
/// Keep `next` and ask it again every minute or so, to hand what is new to a log server. That the trail was read is a row of
/// the trail itself, unless the rows are nothing but this token's own reading.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", operation_id = "listEvents", params(EventListParameters),
    security(("token" = ["audit:read"])),
    responses((status = 200, description = "A part of the trail.", body = EventList)))]
pub async fn list(req: HttpRequest, caller: ApiCaller) -> Result<HttpResponse, WebError> {
    let ApiCaller { visit, token } = caller;
    let service = &visit.app.service;
    service.permit_token(&token, Action::ReadTrail, Relation::NoDevice, &visit.info).await?;
    let asked = parameters(&req, &["after", "limit"])?;
    let limit = i64::try_from(limit(&asked)?).unwrap_or(100);
    let place = after(&asked, place)?;
    let feed = service.feed(&token, place.unwrap_or(0), limit, &visit.info).await?;
    let next = next_url(&visit, "/api/v1/events", &asked, &format!("e{}", feed.next));
    let link = feed.more.then_some(next.as_str()).map(str::to_owned);
    let body = EventList { events: feed.rows.into_iter().map(EventView::new).collect(), next, more: feed.more };
    page(&body, link.as_deref())
}

/// A place in the trail as callers hand it back: an `e` and a row's number, opaque to them.
fn place(cursor: &str) -> Option<i64> {
    let digits = cursor.strip_prefix('e').filter(|d| (1..=18).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
}
