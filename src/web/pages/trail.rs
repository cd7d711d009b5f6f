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
    /// The zone's name, e.g. `Europe/Stockholm`: its short one changes with the season.
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
    /// The address that it came from.
    pub address: Option<String>,
    pub serial: Option<String>,
    /// The owner that was set or removed.
    pub owner: Option<String>,
    /// Ticket, reason and identity check in people's words, already joined.
    pub reason: Option<String>,
    /// What the machine adds, in words where there are such.
    pub detail: Option<String>,
    /// Personal details were erased.
    pub erased: bool,
}

impl TrailLine {
    /// The details, each for itself: owner, people's words, the machine's.
    pub fn notes(&self, page: &Page) -> Vec<String> {
        let owner = self.owner.as_ref().map(|o| page.tvv("trail-owner", ("label", &page.t("owner")), ("owner", o)));
        [owner, self.reason.clone(), self.detail.clone()].into_iter().flatten().collect()
    }

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
