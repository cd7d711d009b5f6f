//! The audit log as auditors read it.

use askama::Template;
use askama_web::WebTemplate;

use super::{Page, Tag};
use crate::domain::{EventKind, Outcome};
use crate::i18n::Moment;

/// `/trail?before=`, newest first.
#[derive(Template, WebTemplate)]
#[template(path = "trail.html")]
pub struct TrailPage {
    pub page: Page,
    pub lines: Vec<TrailLine>,
    /// The zone's short name, e.g. `CET`.
    pub zone: String,
    /// Addresses of the neighbouring pages, by key set; `None` = there is none.
    pub newer_url: Option<String>,
    pub older_url: Option<String>,
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
    /// The login beside a name: two people may bear the same name.
    pub login: Option<String>,
    /// What the actor acted as: a key `role-…` or `actor-…` of the texts.
    pub acted_as: &'static str,
    pub serial: Option<String>,
    /// Ticket, reason and identity check in people's words, already joined.
    pub reason: Option<String>,
    /// The machine's own word, when there are none of people.
    pub detail: Option<String>,
    /// Personal details were erased.
    pub erased: bool,
}

impl TrailLine {
    pub fn tag(&self, page: &Page) -> Tag {
        let (class, glyph) = match (self.outcome, self.kind) {
            (Outcome::Refused | Outcome::Failed, _)
            | (_, EventKind::IntegrityFailure | EventKind::RevealRefused | EventKind::AccessRefused | EventKind::SignInFailed) => {
                ("bad", "✕")
            }
            (_, EventKind::RevealGranted | EventKind::RevealViewed | EventKind::RevealRenewed) => ("ok", "●"),
            (_, EventKind::LoginConflict | EventKind::LoginRebound | EventKind::RolesReduced | EventKind::Sealed) => ("warn", "▲"),
            _ => ("off", "–"),
        };
        Tag { class, glyph, text: page.t(&event_key(self.kind)) }
    }
}

/// Where the name of an event stands in the texts.
pub(super) fn event_key(kind: EventKind) -> String {
    format!("event-{}", kind.code().replace('.', "-"))
}
