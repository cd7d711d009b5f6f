//! Administration: the first page, tokens, and the frame of the pages beside each other.

use askama::Template;
use askama_web::WebTemplate;

use super::{NavItem, Page, Tag};
use crate::domain::Trust;
use crate::domain::token::{Door, Scope};
use crate::i18n::Moment;
use crate::service::admin::tokens::{LIVES, TokenForm};
use crate::service::forms::FieldError;

/// A page of the administration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdminTab {
    Overview,
    Tokens,
    Sources,
    Devices,
    Sessions,
    SignIn,
    Connect,
}

impl Page {
    /// The pages of the administration, as a second menu.
    pub fn admin_tabs(&self, here: AdminTab) -> Vec<NavItem> {
        [
            (AdminTab::Overview, "/admin", "admin-tab-overview"),
            (AdminTab::Connect, "/admin/connect", "admin-tab-connect"),
            (AdminTab::Tokens, "/admin/tokens", "admin-tab-tokens"),
            (AdminTab::Sources, "/admin/sources", "admin-tab-sources"),
            (AdminTab::Devices, "/admin/devices", "admin-tab-devices"),
            (AdminTab::Sessions, "/admin/sessions", "admin-tab-sessions"),
            (AdminTab::SignIn, "/admin/sign-in", "admin-tab-sign-in"),
        ]
        .map(|(tab, href, key)| NavItem { href, label: self.t(key), current: tab == here })
        .into()
    }
}

/// How much something matters; the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Weight {
    Bad,
    Warn,
    Info,
}

/// Something that wants attention: what it is, what to do, and where.
#[derive(Clone, Debug)]
pub struct Attention {
    pub weight: Weight,
    pub what: String,
    pub what_to_do: String,
    /// Address and text.
    pub link: Option<(&'static str, String)>,
}

impl Attention {
    /// `KEY-do` of the texts says what to do about it; the link's text is a key too.
    pub fn new(page: &Page, weight: Weight, key: &str, what: String, link: Option<(&'static str, &str)>) -> Self {
        Self { weight, what, what_to_do: page.t(&format!("{key}-do")), link: link.map(|(href, key)| (href, page.t(key))) }
    }

    pub fn class(&self) -> &'static str {
        match self.weight {
            Weight::Bad => "bad",
            Weight::Warn => "warn",
            Weight::Info => "info",
        }
    }
}

/// `/admin`.
#[derive(Template, WebTemplate)]
#[template(path = "admin.html")]
pub struct AdminPage {
    pub page: Page,
    pub attention: Vec<Attention>,
    /// More devices than one look takes: what is said of Macs is of the first ones.
    pub partly: bool,
    /// So are more devices with keys that may alternate.
    pub partly_contested: bool,
}

/// What was done just before, said once above a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    Revoked,
    /// It had been revoked before.
    RevokedBefore,
    /// The form had made its token before.
    MadeBefore,
    Ended,
    EndedAll,
    EndedBefore,
}

impl Done {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Revoked, "revoked"),
        (Self::RevokedBefore, "revoked-before"),
        (Self::MadeBefore, "made-before"),
        (Self::Ended, "ended"),
        (Self::EndedAll, "ended-all"),
        (Self::EndedBefore, "ended-before"),
    ];

    /// As it stands in an address.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(done, _)| *done == self).map_or("", |(_, code)| code)
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == code).map(|(done, _)| *done)
    }

    pub fn sentence(self, page: &Page) -> String {
        page.t(&format!("admin-done-{}", self.code()))
    }

    pub fn class(self) -> &'static str {
        if self == Self::MadeBefore { "warn" } else { "info" }
    }
}

/// A token in the list. Never its secret.
#[derive(Clone, Debug)]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub scopes: Vec<&'static str>,
    pub door: Door,
    pub trust: Trust,
    /// `None` = all.
    pub devices: Option<String>,
    /// `None` = never.
    pub expires: Option<Moment>,
    pub last_used: Option<Moment>,
    pub made: Moment,
    pub state: TokenState,
}

#[derive(Clone, Debug)]
pub enum TokenState {
    Live,
    /// Live, and will have ended soon.
    Ending,
    Expired,
    Revoked(Moment),
    /// A restore brought it back, and nobody has approved it since.
    Waiting,
}

impl TokenRow {
    pub fn tag(&self, page: &Page) -> Tag {
        let (class, glyph, text) = match &self.state {
            TokenState::Live => ("ok", "●", page.t("token-live")),
            TokenState::Ending => ("warn", "▲", page.t("token-ending")),
            TokenState::Expired => ("bad", "✕", page.t("token-expired")),
            TokenState::Waiting => ("warn", "▲", page.t("token-waiting")),
            TokenState::Revoked(at) => ("off", "–", page.tv("token-revoked", "when", &at.human)),
        };
        Tag { class, glyph, text }
    }

    pub fn waits(&self) -> bool {
        matches!(self.state, TokenState::Waiting)
    }

    pub fn live(&self) -> bool {
        matches!(self.state, TokenState::Live | TokenState::Ending)
    }

    /// One that time has ended is revoked too, if somebody likes: it cannot come back then.
    pub fn can_be_revoked(&self) -> bool {
        !matches!(self.state, TokenState::Revoked(_))
    }

    pub fn door_key(&self) -> String {
        format!("token-door-{}", self.door.code())
    }

    pub fn trust_key(&self) -> String {
        format!("trust-{}", self.trust.code())
    }

    /// Does it hand keys in?
    pub fn escrows(&self) -> bool {
        self.scopes.contains(&Scope::EscrowWrite.code())
    }
}

/// `/admin/tokens`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_tokens.html")]
pub struct TokensPage {
    pub page: Page,
    pub done: Option<Done>,
    pub rows: Vec<TokenRow>,
    /// Rows that do not verify: they are refused, and in no list.
    pub unverified: usize,
    pub next_url: Option<String>,
}

/// `/admin/tokens/new`: also the answer to a form with errors, and the way back from a step-up.
#[derive(Template, WebTemplate)]
#[template(path = "admin_token_new.html")]
pub struct NewTokenPage {
    pub page: Page,
    pub form: TokenForm,
    pub errors: Vec<FieldError>,
}

/// Scopes that are given in the portal: `owners:write` is not one of them.
pub const SCOPES: [Scope; 5] = [Scope::EscrowWrite, Scope::StatusRead, Scope::DevicesRead, Scope::DevicesWrite, Scope::AuditRead];

/// The name of a scope's box on the wire.
pub fn scope_field(scope: Scope) -> &'static str {
    match scope {
        Scope::EscrowWrite => "escrow_write",
        Scope::StatusRead => "status_read",
        Scope::DevicesRead => "devices_read",
        Scope::DevicesWrite => "devices_write",
        Scope::AuditRead => "audit_read",
        Scope::OwnersWrite => "owners_write",
    }
}

/// A box, a choice or an option of the form.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub hint: Option<String>,
    pub chosen: bool,
}

impl NewTokenPage {
    pub fn scopes(&self) -> Vec<Choice> {
        let choice = |s: &Scope| Choice {
            value: scope_field(*s).to_owned(),
            label: s.code().to_owned(),
            hint: Some(self.page.t(&format!("token-scope-{}", scope_field(*s)))),
            chosen: self.form.scopes.iter().any(|code| code == s.code()),
        };
        SCOPES.iter().map(choice).collect()
    }

    pub fn doors(&self) -> Vec<Choice> {
        [Door::Header, Door::CryptPath]
            .iter()
            .map(|door| Choice {
                value: door.code().to_owned(),
                label: self.page.t(&format!("token-door-{}", door.code())),
                hint: Some(self.page.t(&format!("token-door-{}-hint", door.code()))),
                chosen: self.form.door == door.code(),
            })
            .collect()
    }

    pub fn trusts(&self) -> Vec<Choice> {
        [Trust::Observed, Trust::Proven, Trust::Typed]
            .iter()
            .map(|trust| Choice {
                value: trust.code().to_owned(),
                label: self.page.t(&format!("trust-{}", trust.code())),
                hint: Some(self.page.t(&format!("token-trust-{}-hint", trust.code()))),
                chosen: self.form.trust == trust.code(),
            })
            .collect()
    }

    pub fn lives(&self) -> Vec<Choice> {
        let label = |life: &str| match life.strip_suffix('d').and_then(|d| d.parse().ok()) {
            Some(days) => self.page.count("token-life-days", days),
            None => self.page.t("token-life-never"),
        };
        LIVES.iter().map(|l| Choice { value: (*l).into(), label: label(l), hint: None, chosen: self.form.expires == *l }).collect()
    }

    pub fn error(&self, field: &str) -> Option<String> {
        self.errors.iter().find(|e| e.field == field).map(|e| self.sentence(e))
    }

    fn sentence(&self, error: &FieldError) -> String {
        match error.code {
            "too_long" => self.page.t("form-too-long"),
            "holds_key" => self.page.t("form-looks-like-key"),
            code => self.page.t(&format!("token-{}-{code}", error.field)),
        }
    }

    /// The sentence with the name of its field, for the summary.
    pub fn summary(&self, error: &FieldError) -> String {
        let field = self.page.t(&format!("token-field-{}", error.field));
        self.page.tvv("form-summary", ("field", &field), ("what", &self.sentence(error)))
    }
}

/// Lines to copy, with the words above them.
#[derive(Clone, Debug)]
pub struct Lines {
    pub title: String,
    pub text: String,
}

/// The answer to the form of a new token: the one time that it is shown. No address holds it, and no field.
#[derive(Template, WebTemplate)]
#[template(path = "admin_token_made.html")]
pub struct MadePage {
    pub page: Page,
    pub row: TokenRow,
    pub token: zeroize::Zeroizing<String>,
    /// How a source uses it.
    pub lines: Vec<Lines>,
}

/// `/admin/tokens/{id}/revoke`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_token_revoke.html")]
pub struct RevokePage {
    pub page: Page,
    pub row: TokenRow,
}
