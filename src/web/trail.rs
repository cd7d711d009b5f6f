//! The trail for auditors, newest first, paged by key set.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::WebError;
use super::extract::{Visit, Visitor};
use super::pages::{Section, TrailLine, TrailPage};
use super::present::html;
use crate::domain::audit::{Actor, EventKind, TrailRow};
use crate::domain::policy::Action;
use crate::i18n::Arg;
use crate::service::forms::Reason;

const PAGE: i64 = 50;

#[derive(serde::Deserialize)]
pub struct Query {
    before: Option<String>,
}

pub async fn page(v: Visitor, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let before = match query.before.as_deref().map(str::parse::<i64>) {
        None => None,
        Some(Ok(before)) => Some(before.max(1)),
        Some(Err(_)) => {
            v.visit.app.service.permit(&v.person, Action::ReadTrail, &v.visit.info).await?;
            return Err(WebError::Field { field: "before".into(), why: "must be the number of a row".into() });
        }
    };
    let page = v.visit.app.service.trail_page(&v.person, before, PAGE, &v.visit.info).await?;
    let newer = page.rows.first().map(|r| r.seq + PAGE + 1).filter(|_| page.newer);
    let page = TrailPage {
        lines: page.rows.iter().map(|row| line(&v.visit, row)).collect(),
        zone: v.visit.app.zone.name().to_owned(),
        newer_url: newer.map(|n| format!("/trail?before={n}")),
        older_url: page.older.map(|b| format!("/trail?before={b}")),
        page: v.visit.page(Some(&v.person), Some(Section::Trail)),
    };
    html(&page, StatusCode::OK)
}

fn line(visit: &Visit, row: &TrailRow) -> TrailLine {
    let event = &row.event;
    let personal = &event.personal;
    let reason = personal.reason.as_deref().map(|text| in_words(visit, text));
    // Of these the login is the owner's that they are about, not the actor's.
    let about_owner = matches!(event.kind, EventKind::OwnerSet | EventKind::OwnerRemoved | EventKind::LoginRebound);
    let login = personal.login.clone().filter(|_| !about_owner);
    let words: Vec<String> = [personal.ticket.clone(), reason, personal.identity.clone()].into_iter().flatten().collect();
    TrailLine {
        seq: row.seq,
        when: visit.formats().precise(event.at),
        kind: event.kind,
        outcome: event.outcome,
        who: match (&personal.name, &login, &event.actor) {
            (Some(name), _, _) => name.clone(),
            (None, Some(login), Actor::Person(_)) => login.clone(),
            (_, _, Actor::Token(id)) => id.clone(),
            (_, _, Actor::Person(who)) => who.subject.clone(),
            _ => String::new(),
        },
        login: login.clone().filter(|_| personal.name.is_some()),
        address: personal.address.clone(),
        owner: personal.login.clone().filter(|_| about_owner),
        acted_as: acted_as(row),
        serial: event.serial.clone(),
        detail: detail(visit, &event.detail),
        reason: (!words.is_empty()).then(|| words.join(" · ")),
        erased: row.erased,
    }
}

/// The machine's word as the reader says it; one that has no text stays as it is.
fn detail(visit: &Visit, code: &str) -> Option<String> {
    if let Some(number) = code.strip_prefix("version ") {
        return Some(crate::i18n::text_with(visit.lang, "desk-version-n", &[("n", Arg::Text(number))]));
    }
    // Which row or session line it is serves `audit verify`; people read whom a login went to.
    let code = match code.split_once(' ') {
        Some(("row" | "line" | "from", rest)) => return rest.split_once("subject ").map(|(_, subject)| subject.to_owned()),
        Some(("step_up_other_person", _)) => "other_person",
        Some(("backchannel_logout", _)) => "backchannel_logout",
        _ => code,
    };
    let key = format!("detail-{code}");
    let said = crate::i18n::text(visit.lang, &key);
    Some(if said == key { code.to_owned() } else { said }).filter(|d| !d.is_empty())
}

/// A desk's reason, `code` or `code: words`, as the reader says it.
fn in_words(visit: &Visit, text: &str) -> String {
    let (code, words) = text.split_once(": ").map_or((text, None), |(code, words)| (code, Some(words)));
    match (Reason::parse(code), words) {
        (None, _) => text.to_owned(),
        (Some(Reason::Other), Some(words)) => words.to_owned(),
        (Some(_), words) => {
            let said = crate::i18n::text(visit.lang, &format!("reason-{code}"));
            words.map_or_else(|| said.clone(), |w| format!("{said}: {w}"))
        }
    }
}

fn acted_as(row: &TrailRow) -> &'static str {
    match &row.event.actor {
        Actor::Token(_) => "actor-token",
        Actor::Operator => "actor-operator",
        Actor::System => "actor-system",
        Actor::Anonymous => "actor-anonymous",
        Actor::Person(_) => match row.event.role.as_str() {
            "owner" => "role-owner",
            r if r.contains("helpdesk") => "role-helpdesk",
            r if r.contains("auditor") => "role-auditor",
            r if r.contains("admin") => "role-admin",
            _ => "role-employee",
        },
    }
}
