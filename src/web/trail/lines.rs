//! A row of the trail as a line that people read: names, words in their language, and where each leads.

use crate::domain::audit::{Actor, EventKind, TrailRow};
use crate::domain::ids::Timestamp;
use crate::formats::trail::Check;
use crate::i18n::{Arg, text, text_with};
use crate::service::forms::Reason;
use crate::service::trail::asked::Asked;
use crate::service::trail::list::Listed;
use crate::web::extract::Visit;
use crate::web::pages::TrailLine;

pub fn line(visit: &Visit, listed: &Listed) -> TrailLine {
    let row = &listed.row;
    let event = &row.event;
    let personal = &event.personal;
    let reason = personal.reason.as_deref().map(|text| in_words(visit, text));
    // Of these the login is the owner's that they are about, not the actor's.
    let about_owner = matches!(event.kind, EventKind::OwnerSet | EventKind::OwnerRemoved | EventKind::LoginRebound);
    let login = personal.login.clone().filter(|_| !about_owner);
    let owner = personal.login.clone().filter(|_| about_owner);
    let words: Vec<String> = [personal.ticket.clone(), reason, personal.identity.clone()].into_iter().flatten().collect();
    TrailLine {
        seq: row.seq,
        when: visit.formats().precise(event.at),
        kind: event.kind,
        outcome: event.outcome,
        who: who(row, login.as_deref()),
        who_url: who_url(visit, &event.actor),
        login: login.filter(|_| personal.name.is_some()),
        address: personal.address.clone(),
        owner_url: owner.as_ref().map(|login| filtered(&Asked { who: login.clone(), ..Asked::default() })),
        owner,
        acted_as: acted_as(row),
        device_url: device_url(row),
        serial: event.serial.clone(),
        detail: detail(visit, event.kind, &event.detail),
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

fn who(row: &TrailRow, login: Option<&str>) -> String {
    match (&row.event.personal.name, login, &row.event.actor) {
        (Some(name), _, _) => name.clone(),
        (None, Some(login), Actor::Person(_)) => login.to_owned(),
        (_, _, Actor::Token(id)) => id.clone(),
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

/// The machine's word as the reader says it; one that has no text stays as it is.
fn detail(visit: &Visit, kind: EventKind, code: &str) -> Option<String> {
    if matches!(kind, EventKind::TrailRead | EventKind::TrailExported) && code.contains('=') {
        return Some(code.split(' ').map(|word| reading(visit, word)).collect::<Vec<_>>().join(" · "));
    }
    if let Some(number) = code.strip_prefix("version ") {
        return Some(text_with(visit.lang, "desk-version-n", &[("n", Arg::Text(number))]));
    }
    // Which row or session line it is serves `audit verify`; people read whom a login went to.
    let code = match code.split_once(' ') {
        Some(("row" | "line" | "from", rest)) => return rest.split_once("subject ").map(|(_, subject)| subject.to_owned()),
        Some(("step_up_other_person", _)) => "other_person",
        Some(("backchannel_logout", _)) => "backchannel_logout",
        _ => code,
    };
    let key = format!("detail-{code}");
    let said = text(visit.lang, &key);
    Some(if said == key { code.to_owned() } else { said }).filter(|d| !d.is_empty())
}

/// One word of what was read or exported.
fn reading(visit: &Visit, word: &str) -> String {
    let with = |key, value: &str| text_with(visit.lang, key, &[("value", Arg::Text(value))]);
    let time = |at: &str| Timestamp::parse_rfc3339(at).map_or_else(|| at.to_owned(), |at| visit.formats().precise(at).human);
    match word.split_once('=') {
        Some(("from", at)) => with("detail-from", &time(at)),
        Some(("until", at)) => with("detail-until", &time(at)),
        Some(("upto", seq)) => with("detail-upto", seq),
        Some(("format", format)) => format.to_uppercase(),
        Some(("event", code)) => text(visit.lang, &format!("event-{}", code.replace('.', "-"))),
        Some(("before" | "after", _)) => text(visit.lang, "detail-further"),
        Some(("serial" | "device", name)) => name.to_owned(),
        _ => word.to_owned(),
    }
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
