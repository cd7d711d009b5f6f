//! The audit log as auditors read it.

use askama::Template;
use askama_web::WebTemplate;

use super::{Page, Tag};
use crate::domain::{EventKind, Outcome};
use crate::i18n::Moment;
use crate::service::trail::asked::{Asked, FilterError, Wrong};

/// `/trail`, `/trail/devices/{id}` and `/trail/people`, newest first.
#[derive(Template, WebTemplate)]
#[template(path = "trail.html")]
pub struct TrailPage {
    pub page: Page,
    pub subject: TrailSubject,
    /// The list has one, the timelines have not.
    pub filter: Option<TrailFilter>,
    pub lines: Vec<TrailLine>,
    /// The zone's name, e.g. `Europe/Stockholm`: its short one changes with the season.
    pub zone: String,
    /// The first page of this list.
    pub newest_url: String,
    /// Addresses of the neighbouring pages, by key set; `None` = there is none.
    pub newer_url: Option<String>,
    pub older_url: Option<String>,
    /// What an export of this list asks for; `None` = there is nothing to export.
    pub export: Option<Asked>,
    /// The last row, as `SEQ:MAC`; on the list only.
    pub head: Option<String>,
    /// The latest first; on the list only.
    pub checkpoints: Vec<Logged>,
}

/// What the list is of.
#[derive(Clone, Debug)]
pub enum TrailSubject {
    All,
    Device {
        /// `None`: the row names it by its id only.
        serial: Option<String>,
    },
    Person {
        /// Name or login, where the rows have one.
        name: Option<String>,
        subject: String,
    },
}

/// The filter as it was filled in.
#[derive(Clone, Debug, Default)]
pub struct TrailFilter {
    pub asked: Asked,
    pub errors: Vec<FilterError>,
    /// Something that looks like a key was asked for; it is not said again.
    pub looked_like_key: bool,
}

/// A checkpoint that a server logged.
#[derive(Clone, Debug)]
pub struct Logged {
    /// `SEQ:MAC`.
    pub text: String,
    pub when: Moment,
    /// The trail holds that row with that MAC.
    pub fits: bool,
}

/// One event.
#[derive(Clone, Debug)]
pub struct TrailLine {
    pub seq: i64,
    /// From [`crate::i18n::Formats::precise`].
    pub when: Moment,
    pub kind: EventKind,
    pub outcome: Outcome,
    /// Name or login; empty for the server itself and for the unknown.
    pub who: String,
    /// Everything of that person or token.
    pub who_url: Option<String>,
    /// The login beside a person's name, or the id beside a token's: two may bear the same name.
    pub login: Option<String>,
    /// What the actor acted as: a key `role-…` or `actor-…` of the texts.
    pub acted_as: &'static str,
    /// The address that it came from.
    pub address: Option<String>,
    pub serial: Option<String>,
    /// Everything of that device.
    pub device_url: Option<String>,
    /// The owner that was set or removed.
    pub owner: Option<String>,
    /// Everything with that login.
    pub owner_url: Option<String>,
    /// Whom a reading of the log was narrowed down to.
    pub person: Option<String>,
    /// Ticket, reason and identity check in people's words, already joined.
    pub reason: Option<String>,
    /// What the machine adds, in words where there are such.
    pub detail: Option<String>,
    /// Personal details were erased.
    pub erased: bool,
    /// The row does not verify: it was changed behind the server's back.
    pub broken: bool,
}

impl TrailPage {
    pub fn title(&self) -> String {
        match &self.subject {
            TrailSubject::All => self.page.t("trail-title"),
            TrailSubject::Device { .. } => self.page.t("trail-device-title"),
            TrailSubject::Person { .. } => self.page.t("trail-person-title"),
        }
    }

    /// Whom or what it is about, below the title.
    pub fn about(&self) -> Option<&str> {
        match &self.subject {
            TrailSubject::All => None,
            TrailSubject::Device { serial } => serial.as_deref(),
            TrailSubject::Person { name, subject } => name.as_deref().or(Some(subject)),
        }
    }

    pub fn has_errors(&self) -> bool {
        self.filter.as_ref().is_some_and(|f| !f.errors.is_empty())
    }

    /// The fields one writes into: name, label, hint, what was written.
    pub fn texts<'a>(&self, filter: &'a TrailFilter) -> [(&'static str, String, String, &'a str); 4] {
        let asked = &filter.asked;
        [("from", &asked.from), ("to", &asked.to), ("who", &asked.who), ("serial", &asked.serial)].map(|(name, value)| {
            let label = self.page.t(label_key(name));
            let hint = self.page.t(match name {
                "from" | "to" => "trail-time-hint",
                "who" => "trail-who-hint",
                _ => "trail-serial-hint",
            });
            (name, label, hint, value.as_str())
        })
    }

    /// One wrong field in the summary.
    pub fn summary(&self, error: &FilterError) -> String {
        let what = self.filter.as_ref().and_then(|f| f.error(&self.page, error.field)).unwrap_or_default();
        self.page.tvv("form-summary", ("field", &self.page.t(label_key(error.field))), ("what", &what))
    }

    /// On a checkpoint that names another row, or one that is gone.
    pub fn unfit_tag(&self) -> Tag {
        Tag { class: "bad", glyph: "✕", text: self.page.t("trail-checkpoint-unfit") }
    }

    pub fn is_list(&self) -> bool {
        matches!(self.subject, TrailSubject::All)
    }

    /// The list is narrowed down, or was meant to be.
    pub fn narrowed(&self) -> bool {
        self.filter.as_ref().is_some_and(|f| f.looked_like_key || f.asked != Asked::default())
    }

    /// What the filter has to say, or not.
    pub fn empty_key(&self) -> &'static str {
        match &self.filter {
            Some(f) if !f.errors.is_empty() => "trail-not-asked",
            _ if self.newer_url.is_some() || self.narrowed() => "trail-none",
            _ => "trail-empty",
        }
    }

    /// Code and name of every event, in the order of the code.
    pub fn events(&self) -> Vec<(&'static str, String)> {
        EventKind::ALL.iter().map(|kind| (kind.code(), self.page.t(&event_key(*kind)))).collect()
    }

    /// Fields of the export's form that say something.
    pub fn hidden<'a>(&self, asked: &'a Asked) -> Vec<(&'static str, &'a str)> {
        asked.fields().into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

impl TrailFilter {
    /// What is wrong with a field, in words.
    pub fn error(&self, page: &Page, field: &str) -> Option<String> {
        let wrong = self.errors.iter().find(|e| e.field == field)?.wrong;
        Some(page.t(match wrong {
            Wrong::Shape if ["from", "to"].contains(&field) => "trail-wrong-time",
            Wrong::Shape => "trail-wrong-text",
            Wrong::Order => "trail-wrong-order",
            Wrong::Unknown => "trail-wrong-event",
            Wrong::TooLong => "form-too-long",
            Wrong::LooksLikeKey => "form-looks-like-key",
        }))
    }
}

impl TrailLine {
    /// The details but for the owner, each for itself: people's words, the machine's.
    pub fn notes(&self, page: &Page) -> Vec<String> {
        let person = self.person.as_ref().map(|p| page.tvv("trail-owner", ("label", &page.t("trail-who")), ("owner", p)));
        [person, self.reason.clone(), self.detail.clone()].into_iter().flatten().collect()
    }

    pub fn tag(&self, page: &Page) -> Tag {
        let (class, glyph) = match (self.outcome, self.kind) {
            (Outcome::Refused | Outcome::Failed, _)
            | (_, EventKind::IntegrityFailure | EventKind::RevealRefused | EventKind::AccessRefused | EventKind::SignInFailed) => {
                ("bad", "✕")
            }
            (_, EventKind::RevealGranted | EventKind::RevealViewed | EventKind::RevealRenewed) => ("ok", "●"),
            (
                _,
                EventKind::RevealBreakGlass
                | EventKind::LoginConflict
                | EventKind::LoginRebound
                | EventKind::RolesReduced
                | EventKind::Sealed,
            ) => ("warn", "▲"),
            _ => ("off", "–"),
        };
        Tag { class, glyph, text: page.t(&event_key(self.kind)) }
    }

    /// On a row that does not verify.
    pub fn broken_tag(&self, page: &Page) -> Tag {
        Tag { class: "bad", glyph: "✕", text: page.t("trail-broken") }
    }
}

fn label_key(field: &str) -> &'static str {
    match field {
        "from" => "trail-from",
        "to" => "trail-to",
        "event" => "trail-event",
        "who" => "trail-who",
        _ => "serial-number",
    }
}

/// Where the name of an event stands in the texts.
pub(super) fn event_key(kind: EventKind) -> String {
    format!("event-{}", kind.code().replace('.', "-"))
}
