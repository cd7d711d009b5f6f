//! Administration: connecting a source and waiting for its first key; the test sign-in.

use askama::Template;
use askama_web::WebTemplate;

use super::admin::{AdminTab, Lines, TokenRow};
use super::{Page, Tag};
use crate::service::admin::trial::{Finding, Report, Weight};

/// A kind of source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Crypt,
    Curl,
    Json,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Crypt, Self::Curl, Self::Json];

    pub fn code(self) -> &'static str {
        match self {
            Self::Crypt => "crypt",
            Self::Curl => "curl",
            Self::Json => "json",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.code() == code)
    }
}

/// One kind of source, with its lines.
#[derive(Clone, Debug)]
pub struct WayCard {
    pub way: Way,
    pub lines: Vec<Lines>,
}

impl WayCard {
    pub fn key(&self, what: &str) -> String {
        format!("connect-{}-{what}", self.way.code())
    }

    pub fn href(&self) -> String {
        format!("/admin/tokens/new?way={}", self.way.code())
    }
}

/// `/admin/connect`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_connect.html")]
pub struct ConnectPage {
    pub page: Page,
    pub ways: Vec<WayCard>,
}

/// How far a source has come: also what the page's script asks for.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub tag: Tag,
    /// A sentence.
    pub text: String,
    /// A key has come: there is nothing more to wait for.
    pub received: bool,
}

/// `/admin/connect/{id}`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_wait.html")]
pub struct WaitPage {
    pub page: Page,
    pub row: TokenRow,
    pub waiting: Waiting,
    pub lines: Vec<Lines>,
}

/// `/admin/sign-in`.
#[derive(Template, WebTemplate)]
#[template(path = "admin_sign_in.html")]
pub struct TrialPage {
    pub page: Page,
    pub report: Option<Report>,
    /// The address named a report that is not there any more.
    pub gone: bool,
    /// `oidc.danger_step_up` is off.
    pub danger: bool,
}

impl TrialPage {
    pub fn tag(&self, finding: &Finding) -> Tag {
        let (class, glyph, key) = match finding.weight {
            Weight::Good => ("ok", "●", "trial-good"),
            Weight::Note => ("warn", "▲", "trial-note"),
            Weight::Broken => ("bad", "✕", "trial-broken"),
        };
        Tag { class, glyph, text: self.page.t(key) }
    }

    /// What was found, with its value if there is one.
    pub fn what(&self, finding: &Finding) -> String {
        self.page.tv(&format!("trial-{}", finding.code), "value", &finding.value)
    }

    /// What to do about it; nothing about what is good.
    pub fn remedy(&self, finding: &Finding) -> Option<String> {
        (finding.weight != Weight::Good).then(|| self.page.tv(&format!("trial-{}-do", finding.code), "value", &finding.value))
    }

    pub fn shape(&self, claim: &crate::service::admin::trial::ClaimSeen) -> String {
        let word = self.page.t(&format!("shape-{}", claim.shape));
        claim.members.map_or(word.clone(), |n| self.page.tvv("shape-members", ("shape", &word), ("count", &n.to_string())))
    }

    pub fn all_good(&self) -> bool {
        self.report.as_ref().is_some_and(|r| r.findings.iter().all(|f| f.weight != Weight::Broken))
    }
}
