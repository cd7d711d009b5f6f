//! From the press of the button to the hidden key: step-up, key, hidden, no key.

use askama::Template;
use askama_web::WebTemplate;

use super::{Page, Said};
use crate::domain::reveal::Basis;
use crate::i18n::{Alphabet, KeyText, Moment};
use crate::web::assets;

/// The answer to a POST whose sign-in is too old.
#[derive(Template, WebTemplate)]
#[template(path = "step_up.html")]
pub struct StepUpPage {
    pub page: Page,
    /// To the provider (a GET link).
    pub continue_url: String,
    pub cancel_url: String,
    pub before: Before,
}

/// What a step-up comes before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// One's own key.
    Own,
    /// Somebody's key, with a form that was filled in.
    Desk,
    /// An act of an admin.
    Admin,
}

impl StepUpPage {
    pub fn what(&self) -> String {
        self.page.t(if self.before == Before::Admin { "stepup-what-admin" } else { "stepup-what" })
    }

    pub fn remedy(&self) -> String {
        self.page.t(if self.before == Before::Own { "stepup-do-own" } else { "stepup-do" })
    }
}

/// The Mac a reveal page is about.
#[derive(Clone, Debug)]
pub struct Subject {
    pub id: String,
    pub name: String,
    /// The number to compare: what the locked Mac shows.
    pub lock_number: String,
    /// It is the serial number.
    pub serial: bool,
    /// As owner or as helpdesk: which way back, which words.
    pub basis: Basis,
    /// For helpdesk: whose Mac it is.
    pub owner: Option<String>,
}

impl Subject {
    pub fn desk(&self) -> bool {
        self.basis == Basis::Desk
    }

    /// What the number to compare is called.
    pub fn number_label(&self) -> &'static str {
        if self.serial { "key-serial" } else { "lock-number" }
    }

    /// The device's page.
    pub fn href(&self) -> String {
        if self.desk() { format!("/desk/devices/{}", self.id) } else { format!("/devices/{}", self.id) }
    }
}

/// `/reveals/{id}` while the grant is open.
#[derive(Template, WebTemplate)]
#[template(path = "key.html")]
pub struct KeyPage {
    pub page: Page,
    /// The grant's id.
    pub grant: String,
    pub device: Subject,
    /// The id of the key's version: other tabs that show it hide it with this one.
    pub version: String,
    pub key: KeyText,
    /// Whole seconds left, rounded down, at least 1.
    pub seconds_left: i64,
    /// How long the grant is in all, for the meter.
    pub seconds_in_all: i64,
    /// From [`crate::i18n::Formats::time`].
    pub from: Moment,
    pub until: Moment,
    /// The reader's choice, kept in a cookie.
    pub large: bool,
    /// The reader has just chosen how it is spelled.
    pub spelled: bool,
    pub allow_copy: bool,
    pub renewals_left: i64,
    /// The time began anew, at `from`.
    pub renewed: bool,
    /// Owner: there is a second candidate. Helpdesk: there are other versions.
    pub has_other: bool,
    /// The key holds characters such keys do not usually hold.
    pub unseen_letters: bool,
}

/// A way to spell the key that the reader can choose.
pub struct AlphabetLink {
    pub code: &'static str,
    pub name: String,
    pub current: bool,
}

impl KeyPage {
    pub fn alphabets(&self) -> Vec<AlphabetLink> {
        let link = |a: Alphabet| AlphabetLink {
            code: a.code(),
            name: self.page.t(&format!("spelling-{}", a.code())),
            current: a == self.key.alphabet,
        };
        Alphabet::ALL.into_iter().map(link).collect()
    }

    /// What a press of "Extend to five minutes" did.
    pub fn anew(&self) -> Vec<Said> {
        self.page.said("key-renewed", &[("from", &self.from)])
    }

    pub fn shown(&self) -> Vec<Said> {
        shown(&self.page, &self.from, &self.until)
    }

    pub fn ttl_sheet(&self) -> String {
        assets::ttl_sheet(self.seconds_left)
    }

    /// Minutes and seconds left, for browsers that run the script; it takes over from here.
    pub fn clock(&self) -> String {
        format!("{}:{:02}", self.seconds_left / 60, self.seconds_left % 60)
    }

    /// The sentences the script speaks, as JSON for an attribute. No part of the key is in them.
    pub fn script_texts(&self) -> String {
        let t = |key| self.page.t(key);
        let one_minute = if self.renewals_left > 0 { self.page.timed("key-say-60") } else { t("key-say-60-last") };
        serde_json::json!({
            "left": { "120": t("key-say-120"), "60": one_minute, "30": t("key-say-30") },
            "late": t("key-say-late"),
            "gone": t(if self.device.desk() { "key-say-gone-desk" } else { "key-say-gone" }),
            "title": format!("{} – {}", t("hidden-title"), self.page.brand),
            "copied": t("key-say-copied"),
            "cleared": t("key-say-cleared"),
            "nocopy": t("key-say-nocopy"),
            "noclear": t("key-say-noclear"),
        })
        .to_string()
    }
}

/// `/reveals/{id}` after the deadline or after "I'm done".
#[derive(Template, WebTemplate)]
#[template(path = "hidden.html")]
pub struct HiddenPage {
    pub page: Page,
    pub device: Subject,
    /// From [`crate::i18n::Formats::time`].
    pub from: Moment,
    /// The deadline, or when it was hidden; `None`: it is open, in another sign-in of the same person.
    pub until: Option<Moment>,
}

impl HiddenPage {
    pub fn shown(&self) -> Vec<Said> {
        match &self.until {
            Some(until) => shown(&self.page, &self.from, until),
            None => self.page.said("hidden-shown-elsewhere", &[("from", &self.from)]),
        }
    }

    /// The sentences the script speaks.
    pub fn script_texts(&self) -> String {
        let t = |key| self.page.t(key);
        serde_json::json!({ "cleared": t("key-say-cleared"), "noclear": t("key-say-noclear") }).to_string()
    }
}

/// Why there is no key to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoKeyReason {
    NeverReceived,
    /// The Mac has a key that was never sent to us.
    KeyElsewhere,
    /// The stored key did not pass its check.
    IntegrityFailure,
}

impl NoKeyReason {
    /// Where its sentences stand in the texts.
    pub fn stem(self) -> &'static str {
        match self {
            Self::NeverReceived => "nokey-never",
            Self::KeyElsewhere => "nokey-elsewhere",
            Self::IntegrityFailure => "nokey-integrity",
        }
    }
}

/// `It was shown 14:27–14:32.`
fn shown(page: &Page, from: &Moment, until: &Moment) -> Vec<Said> {
    if from.human == until.human {
        return page.said("hidden-shown-once", &[("from", from)]);
    }
    page.said("hidden-shown", &[("from", from), ("until", until)])
}

/// Instead of a device's page or a key.
#[derive(Template, WebTemplate)]
#[template(path = "no_key.html")]
pub struct NoKeyPage {
    pub page: Page,
    pub device: Subject,
    pub reason: NoKeyReason,
    /// To say on the telephone, as in the log.
    pub reference: String,
}

impl NoKeyPage {
    pub fn why(&self) -> &'static str {
        self.reason.stem()
    }

    pub fn heading(&self) -> String {
        let key = if self.reason == NoKeyReason::IntegrityFailure { "nokey-heading-integrity" } else { "nokey-heading" };
        self.page.t(key)
    }

    /// The owner's page of this Mac has nothing to show but this one: back to the list.
    pub fn back_href(&self) -> String {
        if self.device.desk() { self.device.href() } else { "/devices".to_owned() }
    }

    pub fn back_text(&self) -> String {
        if self.device.desk() { self.device.name.clone() } else { self.page.t("nav-devices") }
    }
}
