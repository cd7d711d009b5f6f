//! The trail for auditors: the list with its filters, all of one device or one person, and both as a file. Newest first on pages,
//! paged by key set; what is asked for stands in the address. Never a key.

mod details;
mod lines;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use futures_util::StreamExt as _;
use futures_util::stream;

use super::WebError;
use super::extract::{CsrfField, Form, Visit, Visitor};
use super::pages::{Logged, Section, TrailFilter, TrailPage, TrailSubject};
use super::present::{html, see};
use crate::domain::audit::Actor;
use crate::domain::policy::Action;
use crate::domain::trail::Cursor;
use crate::formats::trail::Format;
use crate::service::trail::asked::{Asked, Criteria, DeviceRef, FilterError, Who};
use crate::service::trail::export::Export;
use crate::service::trail::list::{self, Place};
use lines::filtered;

const PAGE: usize = 50;

/// What an address of the list may hold.
#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Query {
    from: String,
    to: String,
    event: String,
    who: String,
    serial: String,
    subject: String,
    issuer: String,
    before: Option<String>,
    after: Option<String>,
    /// `key`: a field held something that looked like one.
    refused: String,
}

impl Query {
    /// The filter's fields, and the place.
    async fn read(self, v: &Visitor) -> Result<(Asked, Place), WebError> {
        let place = match (self.before.as_deref(), self.after.as_deref()) {
            (None, None) => Some(Place::Newest),
            (Some(before), _) => Cursor::parse(before).map(Place::Before),
            (None, Some(after)) => Cursor::parse(after).map(Place::After),
        };
        let Some(place) = place else {
            v.visit.app.service.permit(&v.person, Action::ReadTrail, &v.visit.info).await?;
            return Err(WebError::Field { field: "before".into(), why: "must be the place of a row".into() });
        };
        let Self { from, to, event, who, serial, subject, issuer, .. } = self;
        Ok((Asked { from, to, event, who, serial, subject, issuer }, place))
    }
}

/// The list.
pub async fn page(v: Visitor, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let query = query.into_inner();
    let looked_like_key = query.refused == "key";
    let (mut asked, place) = query.read(&v).await?;
    (asked.subject, asked.issuer) = Default::default();
    let service = &v.visit.app.service;
    if asked.holds_key() {
        service.permit(&v.person, Action::ReadTrail, &v.visit.info).await?;
        // It leaves the address, and is looked up nowhere.
        return Ok(see("/trail?refused=key"));
    }
    let criteria = match criteria(&v.visit, &asked) {
        Ok(criteria) => criteria,
        Err(errors) => {
            service.permit(&v.person, Action::ReadTrail, &v.visit.info).await?;
            let filter = TrailFilter { asked, errors, looked_like_key };
            return html(&frame(&v, TrailSubject::All, Some(filter)), StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let found = service.trail_page(&v.person, &criteria, place, PAGE, &v.visit.info).await?;
    let mut page = frame(&v, TrailSubject::All, Some(TrailFilter { asked: asked.clone(), errors: Vec::new(), looked_like_key }));
    fill(&mut page, &v.visit, &found, &filtered(&asked));
    page.export = Some(asked);
    page.head = Some(found.head);
    page.checkpoints = found
        .checkpoints
        .into_iter()
        .map(|c| Logged { text: c.text, when: v.visit.formats().precise(c.logged_at), fits: c.fits })
        .collect();
    html(&page, StatusCode::OK)
}

/// All of one device, by its id or its serial number.
pub async fn device(v: Visitor, id: web::Path<String>, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let (_, place) = query.into_inner().read(&v).await?;
    let device = DeviceRef::parse(&id);
    let criteria = device.clone().map(|device| Criteria { device: Some(device), ..Criteria::default() });
    let found = v.visit.app.service.timeline(&v.person, criteria.as_ref(), place, PAGE, &v.visit.info).await?;
    let serial = found.about.serial.clone();
    let mut page = frame(&v, TrailSubject::Device { serial: serial.clone() }, None);
    fill(&mut page, &v.visit, &found, &lines::of_device(&id));
    page.export = serial.map(|serial| Asked { serial, ..Asked::default() });
    html(&page, StatusCode::OK)
}

/// All of one person.
pub async fn person(v: Visitor, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let (asked, place) = query.into_inner().read(&v).await?;
    let asked = Asked { subject: asked.subject, issuer: asked.issuer, ..Asked::default() };
    let criteria = criteria(&v.visit, &asked).ok().filter(|c| matches!(c.who, Some(Who::Person(_))));
    let found = v.visit.app.service.timeline(&v.person, criteria.as_ref(), place, PAGE, &v.visit.info).await?;
    let who = found.about.who.clone().map(Actor::Person);
    let theirs = found.rows.iter().filter(|l| Some(&l.row.event.actor) == who.as_ref());
    let named = theirs.map(|l| &l.row.event.personal).find_map(|p| p.name.clone().or_else(|| p.login.clone()));
    let subject = TrailSubject::Person { name: named, subject: asked.subject.clone() };
    let mut page = frame(&v, subject, None);
    fill(&mut page, &v.visit, &found, &format!("/trail/people?{}", asked.query()));
    page.export = Some(asked);
    html(&page, StatusCode::OK)
}

fn criteria(visit: &Visit, asked: &Asked) -> Result<Criteria, Vec<FilterError>> {
    asked.criteria(visit.app.zone, &visit.app.service.rules().config.oidc.issuer)
}

fn frame(v: &Visitor, subject: TrailSubject, filter: Option<TrailFilter>) -> TrailPage {
    TrailPage {
        page: v.visit.page(Some(&v.person), Some(Section::Trail)),
        subject,
        filter,
        lines: Vec::new(),
        zone: v.visit.app.zone.name().to_owned(),
        newest_url: String::new(),
        newer_url: None,
        older_url: None,
        export: None,
        head: None,
        checkpoints: Vec::new(),
    }
}

fn fill(page: &mut TrailPage, visit: &Visit, found: &list::Page, address: &str) {
    let joint = if address.contains('?') { '&' } else { '?' };
    page.lines = found.rows.iter().map(|listed| lines::line(visit, listed, &found.tokens)).collect();
    page.newer_url = found.newer.map(|cursor| format!("{address}{joint}after={cursor}"));
    page.older_url = found.older.map(|cursor| format!("{address}{joint}before={cursor}"));
    page.newest_url = address.to_owned();
}

/// What the export's form posts: the filter, and in which form the file is wanted.
#[derive(serde::Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    csrf: String,
    format: String,
    from: String,
    to: String,
    event: String,
    who: String,
    serial: String,
    subject: String,
    issuer: String,
}

impl CsrfField for Wanted {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// The rows of the filter as a file. It has the `end` line and its last chunk only when it is whole.
pub async fn export(form: Form<Wanted>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, fields } = form;
    let service = &visit.app.service;
    let Wanted { format, from, to, event, who, serial, subject, issuer, .. } = fields;
    let asked = Asked { from, to, event, who, serial, subject, issuer };
    let (format, criteria) = match (Format::parse(&format), criteria(&visit, &asked)) {
        (Some(format), Ok(criteria)) => (format, criteria),
        (format, wrong) => {
            service.permit(&person, Action::ReadTrail, &visit.info).await?;
            let field = wrong.err().and_then(|errors| errors.first().map(|e| e.field)).filter(|_| format.is_some());
            return Err(WebError::Field { field: field.unwrap_or("format").into(), why: "cannot be understood".into() });
        }
    };
    let mut export = service.export(&person, &criteria, format, &visit.info).await?;
    // While nothing is sent yet, a failure is an error page.
    let first = export.part().await?.unwrap_or_default();
    let name = format!("audit-log-{}.{}", visit.app.service.env().now().to_utc().format("%Y%m%dT%H%M%SZ"), format.code());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format.media_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(stream::iter([Ok(first.into())]).chain(stream::unfold(Some(export), rest))))
}

/// The next part. After an error nothing more comes, and the server closes the connection without the last chunk.
async fn rest(export: Option<Export>) -> Option<(Result<web::Bytes, WebError>, Option<Export>)> {
    let mut export = export?;
    match export.part().await {
        Ok(Some(part)) => Some((Ok(part.into()), Some(export))),
        Ok(None) => None,
        Err(e) => {
            tracing::error!(error = %e, "an export of the trail broke off");
            Some((Err(e.into()), None))
        }
    }
}
