//! One context per template: plain values, already worded and formatted, nothing a service would know.
//!
//! Each is an `askama` template (`.render()`) and an actix `Responder` (200). Status, cookies and headers are the
//! handler's. Sentences come from [`crate::i18n`] through [`Page`]; user text is escaped by the engine, always.

mod admin;
mod admin_connect;
mod admin_lists;
mod desk;
mod devices;
mod errors;
mod help;
mod reveal;
mod start;
mod trail;
mod view;

#[cfg(test)]
mod admin_samples;
#[cfg(test)]
mod more_samples;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trail_samples;

use std::fmt::Display;

use super::assets;
use crate::domain::{Role, Roles};
use crate::i18n::{Arg, Language, Moment, text, text_with};

pub use admin::{
    AdminPage, Attention, Done, Lines, MadePage, NewTokenPage, RevokePage, SCOPES, TokenRow, TokenState, TokensPage, Weight, scope_field,
};
pub use admin_connect::{ConnectPage, TrialPage, WaitPage, Waiting, Way, WayCard};
pub use admin_lists::{GapList, GapLogin, GapMac, GapsPage, LastMacText, SessionLine, SessionsPage, SourceLine, SourcesPage};
pub use desk::{DeskDevicePage, DeskError, DeskForm, DeskRow, Field, OwnerName, Problem, SearchPage, VersionRow, query_part};
pub use devices::{DeviceCard, DevicesPage, OwnDevicePage, OwnerChange, Viewing};
pub use errors::{ErrorKind, ErrorPage, SignInProblem};
pub use help::{CantSignInPage, HelpPage, NotListedPage, StatusPage};
pub use reveal::{Before, HiddenPage, KeyPage, NoKeyPage, NoKeyReason, StepUpPage, Subject};
pub use start::{SignedOutPage, StartPage};
pub use trail::{Logged, TrailFilter, TrailLine, TrailPage, TrailSubject};
pub use view::{Facts, KeyState, Said, Shape, Tag};

/// The longest that a key is shown, and what the texts say of it.
const FIVE_MINUTES: i64 = crate::domain::reveal::MAX_WINDOW_SECONDS;

/// What every page has: the frame around it.
#[derive(Clone, Debug)]
pub struct Page {
    pub lang: Language,
    /// What the organisation calls the portal.
    pub brand: String,
    pub look: Look,
    pub contact: Contact,
    pub own: OwnTexts,
    /// Path and query of this page, for the way back from the language switch. Always the address of a GET.
    pub address: String,
    /// Who is signed in; `None` on signed-out pages.
    pub signed_in: Option<Reader>,
    /// Which item of the menu this page belongs to.
    pub section: Option<Section>,
    /// How long a key is shown.
    pub window_seconds: i64,
    /// The choice of language would lead nowhere, or take away what is shown once.
    pub no_languages: bool,
}

/// The signed-in half of the frame.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The person's name, or login when there is no name.
    pub name: String,
    /// The login, when it is known: which of a person's accounts this is.
    pub login: Option<String>,
    pub roles: Roles,
    /// For the hidden `csrf` field of every form.
    pub csrf: String,
    /// For the line on a printed page, from [`crate::i18n::Formats::date_time`].
    pub now: Moment,
}

impl Reader {
    /// Has work here beside a Mac of their own: the start knows where.
    pub fn works_elsewhere(&self) -> bool {
        [Role::Helpdesk, Role::Auditor, Role::Admin].into_iter().any(|r| self.roles.has(r))
    }
}

/// How people reach IT. Shown at the same place on every page.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub phone: Option<String>,
    pub email: Option<String>,
    /// E.g. `weekdays 8–17`; the operator's words.
    pub hours: Option<String>,
}

/// How the portal looks in this organisation. Addresses of files of ours; nothing here comes from a request.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// A style sheet with the brand's colours, after ours.
    pub sheet: Option<String>,
    /// In the place of our mark.
    pub logo: Option<Picture>,
}

/// A picture beside the brand's name, which says what it shows.
#[derive(Clone, Debug)]
pub struct Picture {
    pub href: String,
    /// For the dark scheme.
    pub dark: Option<String>,
    pub width: u32,
    pub height: u32,
}

/// What the operator adds to our words. Plain text; lines stay lines.
#[derive(Clone, Debug, Default)]
pub struct OwnTexts {
    pub help: Option<OwnText>,
    pub not_listed: Option<OwnText>,
    pub no_key: Option<OwnText>,
}

/// A text of the operator's and its language, which may not be the page's.
#[derive(Clone, Debug)]
pub struct OwnText {
    pub lang: Language,
    pub text: String,
}

impl OwnText {
    /// A blank line begins a new one.
    pub fn paragraphs(&self) -> Vec<String> {
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        lines.split(|l| l.is_empty()).filter(|p| !p.is_empty()).map(|p| p.join("\n")).collect()
    }
}

/// An item of the menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    Devices,
    Desk,
    Trail,
    Admin,
    Help,
}

/// A link of the menu.
#[derive(Clone, Debug)]
pub struct NavItem {
    pub href: &'static str,
    pub label: String,
    pub current: bool,
}

/// A link to this page in another language.
#[derive(Clone, Debug)]
pub struct LanguageLink {
    pub href: String,
    pub code: &'static str,
    pub name: &'static str,
    pub current: bool,
}

impl Contact {
    /// `tel:` and the digits, with a leading plus when there is one.
    pub fn phone_href(&self) -> Option<String> {
        let phone = self.phone.as_deref()?;
        let digits: String =
            phone.trim().char_indices().filter(|(i, c)| c.is_ascii_digit() || (*i == 0 && *c == '+')).map(|(_, c)| c).collect();
        Some(format!("tel:{digits}"))
    }

    pub fn email_href(&self) -> Option<String> {
        self.email.as_deref().map(|e| format!("mailto:{}", e.trim()))
    }

    pub fn is_empty(&self) -> bool {
        self.phone.is_none() && self.email.is_none() && self.hours.is_none()
    }
}

impl Page {
    /// A sentence.
    pub fn t(&self, key: &str) -> String {
        text(self.lang, key)
    }

    /// A sentence with one value in it.
    pub fn tv(&self, key: &str, name: &'static str, value: impl Display) -> String {
        text_with(self.lang, key, &[(name, Arg::Text(&value.to_string()))])
    }

    /// A sentence with two values in it.
    pub fn tvv(&self, key: &str, first: (&'static str, &str), second: (&'static str, &str)) -> String {
        text_with(self.lang, key, &[(first.0, Arg::Text(first.1)), (second.0, Arg::Text(second.1))])
    }

    /// A sentence with times in it, in pieces: each time becomes an element of its own.
    pub fn said(&self, key: &str, times: &[(&'static str, &Moment)]) -> Vec<Said> {
        // Stand for the times in the sentence; no text of ours holds such characters.
        const MARKS: [&str; 2] = ["\u{E000}", "\u{E001}"];
        let args: Vec<_> = times.iter().zip(MARKS).map(|((name, _), mark)| (*name, Arg::Text(mark))).collect();
        let mut said = vec![Said::default()];
        for c in text_with(self.lang, key, &args).chars() {
            let time = times.iter().zip(MARKS).find(|(_, mark)| mark.starts_with(c)).map(|((_, at), _)| (*at).clone());
            if time.is_some() {
                said.extend([Said { text: String::new(), time }, Said::default()]);
            } else if let Some(last) = said.last_mut() {
                last.text.push(c);
            }
        }
        said
    }

    /// A sentence that counts: `$count` chooses the form, `$shown` is the number as people write it.
    pub fn count(&self, key: &str, n: usize) -> String {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        text_with(self.lang, key, &[("count", Arg::Number(n)), ("shown", Arg::Text(&crate::i18n::number(self.lang, n)))])
    }

    pub fn asset(&self, name: &str) -> String {
        assets::asset(name)
    }

    /// The hidden field's value; empty on signed-out pages, which hold no form that changes anything.
    pub fn csrf(&self) -> &str {
        self.signed_in.as_ref().map_or("", |s| s.csrf.as_str())
    }

    /// Which of their accounts this person is signed in with.
    pub fn login(&self) -> Option<&str> {
        self.signed_in.as_ref()?.login.as_deref()
    }

    /// From a page of help back to where this person begins: address and text.
    pub fn home(&self) -> (&'static str, String) {
        match &self.signed_in {
            None => ("/", self.t("nav-start")),
            Some(person) if person.works_elsewhere() => ("/", self.t("nav-start")),
            Some(person) if person.roles.has(Role::Employee) => ("/devices", self.t("nav-devices")),
            Some(_) => ("/help", self.t("nav-help")),
        }
    }

    /// How long a key is shown, in words.
    fn window(&self) -> String {
        let (key, n) = match self.window_seconds {
            n if n % 60 == 0 => ("length-minutes", n / 60),
            n => ("length-seconds", n),
        };
        self.count(key, usize::try_from(n).unwrap_or_default())
    }

    /// A sentence that says how long a key is shown: five minutes, unless the settings say less.
    pub fn timed(&self, key: &str) -> String {
        match self.window_seconds {
            FIVE_MINUTES => self.t(key),
            _ => self.tv(&format!("{key}-other"), "time", self.window()),
        }
    }

    /// The menu, by role. Empty when signed out.
    pub fn nav(&self) -> Vec<NavItem> {
        let Some(person) = &self.signed_in else { return Vec::new() };
        let item = |section, href, key: &str| NavItem { href, label: self.t(key), current: self.section == Some(section) };
        let mut items = Vec::with_capacity(5);
        if person.roles.has(Role::Employee) {
            items.push(item(Section::Devices, "/devices", "nav-devices"));
        }
        if person.roles.has(Role::Helpdesk) {
            items.push(item(Section::Desk, "/desk", "nav-desk"));
        }
        if person.roles.has(Role::Auditor) {
            items.push(item(Section::Trail, "/trail", "nav-trail"));
        }
        if person.roles.has(Role::Admin) {
            items.push(item(Section::Admin, "/admin", "nav-admin"));
        }
        items.push(item(Section::Help, "/help", "nav-help"));
        items
    }

    pub fn languages(&self) -> Vec<LanguageLink> {
        let back: String = url::form_urlencoded::byte_serialize(self.address.as_bytes()).collect();
        let link = |l: Language| LanguageLink {
            href: format!("/language/{}?return_to={back}", l.code()),
            code: l.code(),
            name: l.native_name(),
            current: l == self.lang,
        };
        Language::ALL.into_iter().map(link).collect()
    }

    /// `Printed 22 Nov 2026, 14:28 by Anna Berg`.
    pub fn print_line(&self) -> Option<String> {
        let person = self.signed_in.as_ref()?;
        Some(self.tvv("printed-by", ("when", &person.now.human), ("name", &person.name)))
    }
}
