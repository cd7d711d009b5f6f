//! A row of the trail as a line that people read: names, words in their language, and where each leads.

use super::details::{self, Names};
use crate::domain::audit::{Actor, EventKind, TrailRow};
use crate::formats::trail::Check;
use crate::i18n::text;
use crate::service::forms::Reason;
use crate::service::trail::asked::Asked;
use crate::service::trail::list::Listed;
use crate::web::extract::Visit;
use crate::web::pages::TrailLine;

/// `names`: of the tokens that the page's rows are about.
pub fn line(visit: &Visit, listed: &Listed, names: &Names) -> TrailLine {
    let row = &listed.row;
    let event = &row.event;
    let personal = &event.personal;
    let reason = personal.reason.as_deref().map(|text| in_words(visit, text));
    // Of these the login is the owner's that they are about, not the actor's.
    let about_owner = matches!(event.kind, EventKind::OwnerSet | EventKind::OwnerRemoved | EventKind::LoginRebound);
    let login = personal.login.clone().filter(|_| !about_owner);
    let owner = personal.login.clone().filter(|_| about_owner);
    let beside = match &event.actor {
        Actor::Token(id) => Some(id.clone()).filter(|id| names.contains_key(id)),
        _ => login.clone().filter(|_| personal.name.is_some()),
    };
    let words: Vec<String> = [personal.ticket.clone(), reason, personal.identity.clone()].into_iter().flatten().collect();
    TrailLine {
        seq: row.seq,
        when: visit.formats().precise(event.at),
        kind: event.kind,
        outcome: event.outcome,
        who: who(row, login.as_deref(), names),
        who_url: who_url(visit, &event.actor),
        login: beside,
        address: personal.address.clone(),
        owner_url: owner.as_ref().map(|login| filtered(&Asked { who: login.clone(), ..Asked::default() })),
        owner,
        acted_as: acted_as(row),
        device_url: device_url(row),
        serial: event.serial.clone(),
        detail: details::words(&visit.formats(), names, event.kind, &event.detail),
        person: personal.person.clone(),
        reason: (!words.is_empty()).then(|| words.join(" · ")),
        erased: row.erased,
        broken: listed.check == Check::Broken,
    }
}

/// The address of the list, so filtered.
pub fn filtered(asked: &Asked) -> String {
    match asked.query() {
        none if none.is_empty() => "/trail".to_owned(),
        query => format!("/trail?{query}"),
    }
}

fn who(row: &TrailRow, login: Option<&str>, names: &Names) -> String {
    match (&row.event.personal.name, login, &row.event.actor) {
        (Some(name), _, _) => name.clone(),
        (None, Some(login), Actor::Person(_)) => login.to_owned(),
        (_, _, Actor::Token(id)) => names.get(id).unwrap_or(id).clone(),
        (_, _, Actor::Person(who)) => who.subject.clone(),
        _ => String::new(),
    }
}

fn who_url(visit: &Visit, actor: &Actor) -> Option<String> {
    match actor {
        Actor::Person(who) => {
            let ours = who.issuer == visit.app.service.rules().config.oidc.issuer;
            let issuer = if ours { String::new() } else { who.issuer.clone() };
            Some(format!("/trail/people?{}", Asked { subject: who.subject.clone(), issuer, ..Asked::default() }.query()))
        }
        Actor::Token(id) => Some(filtered(&Asked { who: id.clone(), ..Asked::default() })),
        Actor::Operator | Actor::System | Actor::Anonymous => None,
    }
}

fn device_url(row: &TrailRow) -> Option<String> {
    row.event.device.map(|id| id.to_string()).or_else(|| row.event.serial.clone()).map(|name| of_device(&name))
}

/// The timeline of a device by its id or its serial number.
pub fn of_device(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let name: String = name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    format!("/trail/devices/{name}")
}

/// A desk's reason, `code` or `code: words`, as the reader says it.
fn in_words(visit: &Visit, said: &str) -> String {
    let (code, words) = said.split_once(": ").map_or((said, None), |(code, words)| (code, Some(words)));
    match (Reason::parse(code), words) {
        (None, _) => said.to_owned(),
        (Some(Reason::Other), Some(words)) => words.to_owned(),
        (Some(_), words) => {
            let reason = text(visit.lang, &format!("reason-{code}"));
            words.map_or_else(|| reason.clone(), |w| format!("{reason}: {w}"))
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
