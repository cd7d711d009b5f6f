//! Sources, what is missing, and open sessions.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::{frame, tokens::place};
use crate::domain::ids::{DeviceId, LineId, SessionId};
use crate::domain::person::Role;
use crate::domain::policy::{Action, Refusal};
use crate::i18n::number;
use crate::service::ServiceError;
use crate::service::admin::gaps::{Gap, GapDevice, GapPage, GapPerson};
use crate::service::admin::sources::{LastMac, ListedSource, Place};
use crate::web::WebError;
use crate::web::extract::{CsrfField, Form, Visit, Visitor};
use crate::web::pages::{Done, GapList, GapLogin, GapMac, GapsPage, LastMacText, SessionLine, SessionsPage, SourceLine, SourcesPage};
use crate::web::present::{html, see};

#[derive(serde::Deserialize)]
pub struct Before {
    before: Option<String>,
    done: Option<String>,
}

pub async fn sources(v: Visitor, query: web::Query<Before>) -> Result<HttpResponse, WebError> {
    let before = place(query.before.as_deref());
    let (listed, next) = v.visit.app.service.sources(&v.person, before.as_ref().unwrap_or(&Place::start()), &v.visit.info).await?;
    before?;
    let page = SourcesPage {
        rows: listed.into_iter().map(|s| source(&v.visit, s)).collect(),
        next_url: next.map(|place| format!("/admin/sources?before={place}")),
        page: frame(&v.visit, &v.person),
    };
    html(&page, StatusCode::OK)
}

fn source(visit: &Visit, listed: ListedSource) -> SourceLine {
    let formats = visit.formats();
    let ListedSource { token, row, last_mac } = listed;
    SourceLine {
        id: row.token,
        trust: token.as_ref().map(|t| t.trust),
        name: token.map(|t| t.name),
        first_seen: row.first_seen.map(|at| formats.date(at)),
        last_seen: row.last_seen.map(|at| formats.relative(at)),
        deposits: number(visit.lang, row.deposits),
        refused: number(visit.lang, row.refused),
        last_mac: last_mac.map(|mac| match mac {
            LastMac::Serial(serial) => LastMacText::Serial(serial.as_str().to_owned()),
            LastMac::Personal => LastMacText::Personal,
        }),
    }
}

#[derive(serde::Deserialize)]
pub struct GapQuery {
    list: Option<String>,
    after: Option<String>,
}

/// The lists of what is missing, one at a time.
pub async fn devices(v: Visitor, query: web::Query<GapQuery>) -> Result<HttpResponse, WebError> {
    let (service, info) = (&v.visit.app.service, &v.visit.info);
    let list = query.list.as_deref().map_or(Some(GapList::NoOwner), GapList::parse);
    let Some(list) = list else {
        service.permit(&v.person, Action::Administer, info).await?;
        return Err(WebError::Field { field: "list".into(), why: "is none of ours".into() });
    };
    let after: String = query.after.as_deref().unwrap_or_default().chars().filter(|c| !c.is_control()).take(320).collect();
    let mut page = GapsPage { page: frame(&v.visit, &v.person), list, macs: Vec::new(), logins: Vec::new(), personal: 0, next_url: None };
    let next = match list {
        GapList::NoOwner => macs(&v.visit, &mut page, service.gap_devices(&v.person, Gap::Owner, &after, info).await?),
        GapList::NoKey => macs(&v.visit, &mut page, service.gap_devices(&v.person, Gap::Key, &after, info).await?),
        GapList::Contested => macs(&v.visit, &mut page, service.contested(&v.person, DeviceId::parse(&after), info).await?),
        GapList::NeverSignedIn => logins(&v.visit, &mut page, service.owners_never_seen(&v.person, &after, info).await?),
        GapList::NoDevice => logins(&v.visit, &mut page, service.people_without_device(&v.person, &after, info).await?),
    };
    page.next_url = next.map(|after| {
        let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
        format!("/admin/devices?list={}&after={after}", list.code())
    });
    html(&page, StatusCode::OK)
}

fn macs(visit: &Visit, page: &mut GapsPage, found: GapPage<GapDevice>) -> Option<String> {
    let formats = visit.formats();
    let joined = |all: Vec<&str>| (!all.is_empty()).then(|| all.join(", "));
    page.macs = found
        .rows
        .iter()
        .map(|row| GapMac {
            serial: row.device.serial.as_str().to_owned(),
            name: row.device.label().to_owned(),
            owners: joined(row.owners.iter().map(|o| o.as_str()).collect()),
            sources: joined(row.sources.iter().map(String::as_str).collect()),
            added: formats.date(row.device.created_at),
            last_seen: row.device.last_seen.map(|at| formats.relative(at)),
        })
        .collect();
    page.personal = usize::try_from(found.personal).unwrap_or_default();
    found.next
}

fn logins(visit: &Visit, page: &mut GapsPage, found: GapPage<GapPerson>) -> Option<String> {
    let login = |row: &GapPerson| GapLogin {
        login: row.login.as_str().to_owned(),
        since: visit.formats().date(row.since),
        devices: number(visit.lang, i64::try_from(row.devices).unwrap_or(i64::MAX)),
    };
    page.logins = found.rows.iter().map(login).collect();
    found.next
}

pub async fn sessions(v: Visitor, query: web::Query<Before>) -> Result<HttpResponse, WebError> {
    let before = query.before.as_deref().map(SessionId::parse);
    let (open, next) = v.visit.app.service.open_sessions(&v.person, before.flatten(), &v.visit.info).await?;
    if before == Some(None) {
        return Err(WebError::Field { field: "before".into(), why: "must be the place of a row".into() });
    }
    let mut of: HashMap<_, usize> = HashMap::new();
    for row in &open {
        *of.entry(row.session.who.clone()).or_default() += 1;
    }
    let formats = v.visit.formats();
    let role = |r: Role| crate::i18n::text(v.visit.lang, &format!("role-{}", r.code()));
    let rows = open.iter().map(|row| {
        let (session, login) = (&row.session, row.session.login.as_ref().map(|l| l.as_str().to_owned()));
        SessionLine {
            line: session.line.to_string(),
            name: row.name.clone().or_else(|| login.clone()).unwrap_or_else(|| session.who.subject.clone()),
            login: login.filter(|_| row.name.is_some()),
            roles: session.roles.iter().map(role).collect::<Vec<_>>().join(", "),
            since: formats.precise(session.created_at),
            last_seen: formats.relative(session.last_seen),
            own: row.own,
            mine: session.who == *v.person.who(),
            several: of.get(&session.who).is_some_and(|n| *n > 1),
        }
    });
    let page = SessionsPage {
        done: query.done.as_deref().and_then(Done::parse),
        rows: rows.collect(),
        next_url: next.map(|id| format!("/admin/sessions?before={id}")),
        page: frame(&v.visit, &v.person),
    };
    html(&page, StatusCode::OK)
}

/// One session, or with `all` every one of that person.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndPress {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    all: Option<String>,
}

impl CsrfField for EndPress {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

pub async fn end(line: web::Path<String>, form: Form<EndPress>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, fields } = form;
    let service = &visit.app.service;
    let Some(line) = LineId::parse(&line) else {
        service.permit(&person, Action::EndSessions, &visit.info).await?;
        return Err(ServiceError::Refused(Refusal::NotFound).into());
    };
    let all = fields.all.is_some();
    let done = match service.end_sessions(&person, line, all, &visit.info).await? {
        true if all => Done::EndedAll,
        true => Done::Ended,
        false => Done::EndedBefore,
    };
    Ok(see(&format!("/admin/sessions?done={}", done.code())))
}
