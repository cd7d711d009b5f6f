//! Administration: sources, what is missing, open sessions.

use askama::Template;
use askama_web::WebTemplate;

use super::admin::{AdminTab, Done};
use super::{NavItem, Page, Tag};
use crate::domain::Trust;
use crate::i18n::Moment;

/// A source in the list.
#[derive(Clone, Debug)]
pub struct SourceLine {
    pub id: String,
    /// `None`: its row does not verify.
    pub name: Option<String>,
    pub trust: Option<Trust>,
    pub first_seen: Option<Moment>,
    pub last_seen: Option<Moment>,
    /// As people write them.
    pub deposits: String,
    pub refused: String,
    /// Serial number, or a word for a Mac that is its owner's business.
    pub last_mac: Option<LastMacText>,
}

/// The Mac of a source's last deposit.
#[derive(Clone, Debug)]
pub enum LastMacText {
    Serial(String),
    Personal,
}

impl SourceLine {
    pub fn trust_key(&self) -> Option<String> {
        self.trust.map(|t| format!("trust-{}", t.code()))
    }
}

/// `/admin/sources`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_sources.html")]
pub struct SourcesPage {
    pub page: Page,
    pub rows: Vec<SourceLine>,
    pub next_url: Option<String>,
}

/// A list of what is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GapList {
    NoOwner,
    NoKey,
    Contested,
    NeverSignedIn,
    NoDevice,
}

impl GapList {
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::NoOwner, "no-owner", "/admin/devices?list=no-owner"),
        (Self::NoKey, "no-key", "/admin/devices?list=no-key"),
        (Self::Contested, "contested", "/admin/devices?list=contested"),
        (Self::NeverSignedIn, "never-signed-in", "/admin/devices?list=never-signed-in"),
        (Self::NoDevice, "no-device", "/admin/devices?list=no-device"),
    ];

    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(list, ..)| *list == self).map_or("", |(_, code, _)| code)
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == code).map(|(list, ..)| *list)
    }
}

/// A Mac that lacks something, or whose keys alternate.
#[derive(Clone, Debug)]
pub struct GapMac {
    pub serial: String,
    pub name: String,
    pub owners: Option<String>,
    pub sources: Option<String>,
    pub added: Moment,
    pub last_seen: Option<Moment>,
}

/// Somebody who never signed in, or who owns nothing.
#[derive(Clone, Debug)]
pub struct GapLogin {
    pub login: String,
    pub since: Moment,
    pub devices: String,
}

/// `/admin/devices?list=&after=`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_devices.html")]
pub struct GapsPage {
    pub page: Page,
    pub list: GapList,
    pub macs: Vec<GapMac>,
    pub logins: Vec<GapLogin>,
    /// Personal Macs of this page, which are not named.
    pub personal: usize,
    pub next_url: Option<String>,
}

impl GapsPage {
    /// The lists, as a third menu.
    pub fn lists(&self) -> Vec<NavItem> {
        let item = |(list, code, href): (GapList, &'static str, &'static str)| NavItem {
            href,
            label: self.page.t(&format!("gap-{code}")),
            current: list == self.list,
        };
        GapList::ALL.map(item).into()
    }

    pub fn say(&self, what: &str) -> String {
        self.page.t(&format!("gap-{}-{what}", self.list.code()))
    }

    pub fn is_empty(&self) -> bool {
        self.macs.is_empty() && self.logins.is_empty()
    }

    pub fn contested(&self) -> bool {
        self.list == GapList::Contested
    }

    pub fn no_key(&self) -> bool {
        self.list == GapList::NoKey
    }

    pub fn never(&self) -> bool {
        self.list == GapList::NeverSignedIn
    }
}

/// An open session.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// Its line, which the form names.
    pub line: String,
    pub name: String,
    pub login: Option<String>,
    pub roles: String,
    /// To the second: what tells two sessions of a person apart, and finds the sign-in in the audit log.
    pub since: Moment,
    pub last_seen: Moment,
    /// It is the reader's own: that one ends with "Sign out".
    pub own: bool,
    /// It is another of the reader's own: all but the one they look with can be ended together.
    pub mine: bool,
    /// There is another of the same person on this page.
    pub several: bool,
}

impl SessionLine {
    /// On the reader's own: this one, or another.
    pub fn tag(&self, page: &Page) -> Option<Tag> {
        match (self.own, self.mine) {
            (true, _) => Some(Tag { class: "ok", glyph: "●", text: page.t("session-here") }),
            (false, true) => Some(Tag { class: "off", glyph: "–", text: page.t("session-elsewhere") }),
            (false, false) => None,
        }
    }
}

/// `/admin/sessions`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_sessions.html")]
pub struct SessionsPage {
    pub page: Page,
    pub done: Option<Done>,
    pub rows: Vec<SessionLine>,
    pub next_url: Option<String>,
}
