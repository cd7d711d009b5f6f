//! Helpdesk: find a device, and show a key for someone.

use askama::Template;
use askama_web::WebTemplate;

use super::{Facts, KeyState, NoKeyReason, Page, Tag};
use crate::domain::Trust;
use crate::i18n::Moment;
use crate::service::forms::Reason;

/// `/desk?q=`.
#[derive(Template, WebTemplate)]
#[template(path = "desk_search.html")]
pub struct SearchPage {
    pub page: Page,
    pub query: String,
    /// The box was empty when the button was pressed.
    pub nothing_asked: bool,
    /// `None` before anything was searched for.
    pub results: Option<Vec<DeskRow>>,
    /// More devices match than are shown.
    pub more: bool,
    /// Something that looks like a key was searched for; it is not said again.
    pub looked_like_key: bool,
}

/// Characters of a search that its answer repeats: enough to know it by.
const SAID_AGAIN: usize = 40;

impl SearchPage {
    /// What was searched for, as the answer says it.
    pub fn said_again(&self) -> String {
        if self.query.chars().count() <= SAID_AGAIN {
            return self.query.clone();
        }
        self.query.chars().take(SAID_AGAIN).chain(['…']).collect()
    }

    /// Something about the search is wrong: one begins again in its box.
    pub fn wrong(&self) -> bool {
        self.nothing_asked || self.looked_like_key
    }

    /// A device's page, with the way back to this search.
    pub fn device_href(&self, id: &str) -> String {
        format!("/desk/devices/{id}{}", query_part(&self.query))
    }
}

/// `?q=…`, or nothing for no search.
pub fn query_part(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let text: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("?q={text}")
}

/// A device that was found. Never holds a key.
#[derive(Clone, Debug)]
pub struct DeskRow {
    pub id: String,
    pub serial: String,
    pub name: String,
    pub owners: Vec<OwnerName>,
    pub asset_tag: Option<String>,
    pub state: KeyState,
}

/// An owner as people know them.
#[derive(Clone, Debug)]
pub struct OwnerName {
    /// Or the login, where no name is known.
    pub name: String,
    /// Beside a name.
    pub login: Option<String>,
}

/// `/desk/devices/{id}`: also the answer to a form with errors, and the way back from a step-up.
#[derive(Template, WebTemplate)]
#[template(path = "desk_device.html")]
pub struct DeskDevicePage {
    pub page: Page,
    pub id: String,
    pub name: String,
    pub serial: String,
    /// When the locked Mac shows another number than the serial.
    pub device_key: Option<String>,
    pub owners: Vec<OwnerName>,
    pub state: KeyState,
    pub facts: Facts,
    pub last_shown: Option<Moment>,
    /// Why the portal offers none, if it does not.
    pub no_key: Option<NoKeyReason>,
    /// Versions that do not pass their check, and are in no list.
    pub unverified: usize,
    /// Newest first; empty = there is no key.
    pub versions: Vec<VersionRow>,
    pub form: DeskForm,
    pub errors: Vec<DeskError>,
    /// A ticket number must be given.
    pub ticket_required: bool,
    /// What one looks like, when the settings say it.
    pub ticket_example: Option<String>,
    /// What was searched for, or empty.
    pub query: String,
}

/// What was written, kept across errors and a step-up.
#[derive(Clone, Debug, Default)]
pub struct DeskForm {
    pub ticket: String,
    pub reason: String,
    pub reason_text: String,
    pub identity: String,
    /// A version's id, or empty for the one the portal offers.
    pub version: String,
}

/// A field of the form, by its name on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Ticket,
    Reason,
    ReasonText,
    Identity,
    Version,
}

impl Field {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Reason => "reason",
            Self::ReasonText => "reason_text",
            Self::Identity => "identity",
            Self::Version => "version",
        }
    }
}

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Empty, or not one of the choices.
    Missing,
    /// A ticket number that does not fit the pattern.
    Shape,
    TooLong,
    /// It holds something shaped like a recovery key.
    LooksLikeKey,
    /// Control or invisible characters.
    Refused,
}

/// One line of the error summary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeskError {
    pub field: Field,
    pub problem: Problem,
}

impl DeskError {
    /// The sentence with the name of its field, for the summary.
    pub fn summary(&self, page: &Page) -> String {
        let field = page.t(&format!("form-field-{}", self.field.name()));
        page.tvv("form-summary", ("field", &field), ("what", &self.sentence(page)))
    }

    pub fn sentence(&self, page: &Page) -> String {
        match (self.problem, self.field) {
            (Problem::Missing, field) => page.t(&format!("form-{}-missing", field.name())),
            (Problem::Shape, Field::Ticket) => page.t("form-ticket-shape"),
            (Problem::TooLong, _) => page.t("form-too-long"),
            (Problem::LooksLikeKey, _) => page.t("form-looks-like-key"),
            (Problem::Shape | Problem::Refused, _) => page.t("form-refused"),
        }
    }
}

/// A stored key, without the key.
#[derive(Clone, Debug)]
pub struct VersionRow {
    pub id: String,
    pub number: i64,
    pub source: String,
    pub trust: Trust,
    /// From [`crate::i18n::Formats::date_time`]: keys of one day are told apart by it.
    pub received: Moment,
    pub confirmed: Option<Moment>,
    pub first_shown: Option<Moment>,
    /// The one the portal offers.
    pub current: bool,
    /// The one "Show the other one" opens.
    pub other: bool,
    /// It alternates with another of the same trust.
    pub contested: bool,
    pub unseen_letters: bool,
}

impl VersionRow {
    pub fn trust_key(&self) -> String {
        format!("trust-{}", self.trust.code())
    }

    pub fn tags(&self, page: &Page) -> Vec<Tag> {
        let tag = |class, glyph, key: &str| Tag { class, glyph, text: page.t(key) };
        let mut tags = Vec::new();
        match (self.current, self.other) {
            (true, _) => tags.push(tag("ok", "●", "standing-current")),
            (false, true) => tags.push(tag("off", "○", "standing-other")),
            (false, false) => tags.push(tag("off", "–", "standing-older")),
        }
        if self.contested {
            tags.push(tag("warn", "▲", "standing-contested"));
        }
        if self.unseen_letters {
            tags.push(tag("warn", "▲", "desk-unseen"));
        }
        tags
    }
}

impl DeskDevicePage {
    /// Code and words of each reason.
    pub fn reasons(&self) -> Vec<(&'static str, String)> {
        Reason::ALL.iter().map(|r| (r.code(), self.page.t(&format!("reason-{}", r.code())))).collect()
    }

    /// The owners' names in a sentence; `None`: there is no owner.
    pub fn owner_names(&self) -> Option<String> {
        let names: Vec<&str> = self.owners.iter().map(|o| o.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The first error of a field.
    pub fn error(&self, name: &str) -> Option<String> {
        self.errors.iter().find(|e| e.field.name() == name).map(|e| e.sentence(&self.page))
    }

    /// What was written in a field. A text that looked like a key is not said again: this page has no deadline.
    pub fn kept(&self, name: &str) -> &str {
        if self.errors.iter().any(|e| e.field.name() == name && e.problem == Problem::LooksLikeKey) {
            return "";
        }
        match name {
            "ticket" => &self.form.ticket,
            "reason_text" => &self.form.reason_text,
            "identity" => &self.form.identity,
            _ => "",
        }
    }

    /// Ids of the texts that belong to a field: its error and its hint, as far as there are such.
    pub fn described_by(&self, name: &str) -> String {
        let error = self.errors.iter().any(|e| e.field.name() == name).then(|| format!("{name}-error"));
        let hint = (name != "ticket" || self.ticket_example.is_some()).then(|| format!("{name}-hint"));
        [error, hint].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Back to the search this page was reached from.
    pub fn back_href(&self) -> String {
        format!("/desk{}", query_part(&self.query))
    }

    pub fn back_text(&self) -> String {
        self.page.t(if self.query.is_empty() { "desk-title" } else { "desk-back" })
    }

    /// There is a version to choose, or a choice to correct.
    pub fn chooses(&self) -> bool {
        self.versions.len() > 1 || self.error("version").is_some()
    }

    /// The text that says why there is no key.
    pub fn why_none(&self) -> &'static str {
        self.no_key.unwrap_or(NoKeyReason::NeverReceived).stem()
    }

    pub fn contested(&self) -> bool {
        self.versions.iter().any(|v| v.contested)
    }
}
