//! Pages that need no sign-in: help and status.

use askama::Template;
use askama_web::WebTemplate;

use super::{Page, Tag};
use crate::i18n::Moment;

/// `/help`.
#[derive(Template, WebTemplate)]
#[template(path = "help.html")]
pub struct HelpPage {
    pub page: Page,
}

/// `/help/sign-in`.
#[derive(Template, WebTemplate)]
#[template(path = "cant_sign_in.html")]
pub struct CantSignInPage {
    pub page: Page,
}

/// `/help/not-listed`.
#[derive(Template, WebTemplate)]
#[template(path = "not_listed.html")]
pub struct NotListedPage {
    pub page: Page,
}

/// `/status`: says what works, and nothing about whom it works for.
#[derive(Template, WebTemplate)]
#[template(path = "status.html")]
pub struct StatusPage {
    pub page: Page,
    pub sign_in: bool,
    pub keys: bool,
    pub trail: bool,
    /// From [`crate::i18n::Formats::date_time`].
    pub now: Moment,
    /// The zone's short name, e.g. `CET`.
    pub zone: String,
}

/// A line of the status page.
#[derive(Clone, Debug)]
pub struct StatusLine {
    pub label: String,
    pub tag: Tag,
}

impl StatusPage {
    pub fn all_up(&self) -> bool {
        self.sign_in && self.keys && self.trail
    }

    /// `Now 22 Nov 2026, 14:27 CET`
    pub fn now_line(&self) -> String {
        self.page.tv("status-now", "when", format!("{} {}", self.now.human, self.zone))
    }

    pub fn lines(&self) -> Vec<StatusLine> {
        [("status-sign-in", self.sign_in), ("status-keys", self.keys), ("status-trail", self.trail)]
            .into_iter()
            .map(|(key, up)| {
                let (class, glyph, ending) = if up { ("ok", "●", "up") } else { ("bad", "✕", "down") };
                StatusLine { label: self.page.t(key), tag: Tag { class, glyph, text: self.page.t(&format!("{key}-{ending}")) } }
            })
            .collect()
    }
}
