//! One calm page for everything that went wrong: what happened, what to do, whom to call, a reference.

use askama::Template;
use askama_web::WebTemplate;

use super::{Page, Reader};
use crate::domain::Role;
use crate::i18n::Moment;

/// What went wrong, as far as the reader may know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Unknown, foreign and malformed: the same page.
    NotFound,
    /// With the path of ours that the reader wanted, or `/`.
    SignedOut {
        return_to: String,
    },
    Forbidden,
    /// With the time from which it works again, when that is known.
    TooManyRequests {
        until: Option<Moment>,
        /// Keys for others.
        desk: bool,
    },
    TrailUnavailable,
    Sealed,
    ServiceTrouble,
    /// With a sentence in the reader's language, or empty.
    BadRequest {
        what: String,
    },
    CsrfFailed,
    SignInFailed(SignInProblem),
    MethodNotAllowed,
    PayloadTooLarge,
    /// With the address of the device's page.
    RenewalsUsedUp {
        device_url: String,
    },
    /// The provider sends no `auth_time`.
    RevealNeedsAuthTime,
    AdminNeedsAuthTime,
}

/// Why a sign-in did not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignInProblem {
    Generic,
    /// The provider said no, or the person cancelled there.
    Refused,
    /// The transaction cookie did not come back.
    NoTransaction,
    ProviderUnreachable,
    /// The groups claim was too large to be sent.
    TooManyGroups,
    /// The login is bound to another subject.
    LoginConflict,
    /// The provider did not prove as much as a step-up needs.
    TooWeak,
    /// Somebody else came back from a step-up; the session that asked has ended.
    OtherPerson,
}

/// The page.
#[derive(Template, WebTemplate)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub page: Page,
    pub kind: ErrorKind,
    /// To say on the telephone, as in the log.
    pub reference: String,
    /// The portal's address is no https one: some browsers keep no cookie of ours there.
    pub plain_http: bool,
}

impl ErrorKind {
    /// The HTTP status that belongs to it.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::SignedOut { .. } => 401,
            Self::Forbidden | Self::CsrfFailed | Self::RevealNeedsAuthTime | Self::AdminNeedsAuthTime => 403,
            Self::TooManyRequests { .. } => 429,
            Self::TrailUnavailable | Self::Sealed => 503,
            Self::ServiceTrouble => 500,
            Self::BadRequest { .. } => 400,
            Self::MethodNotAllowed => 405,
            Self::PayloadTooLarge => 413,
            Self::RenewalsUsedUp { .. } => 409,
            Self::SignInFailed(SignInProblem::ProviderUnreachable) => 503,
            Self::SignInFailed(SignInProblem::TooManyGroups | SignInProblem::LoginConflict) => 403,
            Self::SignInFailed(_) => 400,
        }
    }

    fn stem(&self) -> &'static str {
        match self {
            Self::NotFound => "error-not-found",
            Self::SignedOut { .. } => "error-signed-out",
            Self::Forbidden => "error-forbidden",
            Self::TooManyRequests { desk: true, .. } => "error-too-many-desk",
            Self::TooManyRequests { .. } => "error-too-many",
            Self::TrailUnavailable => "error-trail",
            Self::Sealed => "error-sealed",
            Self::ServiceTrouble => "error-trouble",
            Self::BadRequest { .. } => "error-bad",
            Self::CsrfFailed => "error-csrf",
            Self::MethodNotAllowed => "error-method",
            Self::PayloadTooLarge => "error-large",
            Self::RenewalsUsedUp { .. } => "error-renewals",
            Self::RevealNeedsAuthTime => "error-auth-time",
            Self::AdminNeedsAuthTime => "error-admin-auth-time",
            Self::SignInFailed(problem) => match problem {
                SignInProblem::Generic => "error-sign-in",
                SignInProblem::Refused => "error-sign-in-refused",
                SignInProblem::NoTransaction => "error-sign-in-lost",
                SignInProblem::ProviderUnreachable => "error-sign-in-unreachable",
                SignInProblem::TooManyGroups => "error-sign-in-groups",
                SignInProblem::LoginConflict => "error-sign-in-conflict",
                SignInProblem::TooWeak => "error-sign-in-weak",
                SignInProblem::OtherPerson => "error-sign-in-other",
            },
        }
    }
}

/// What is said in other words to those who work here: they have no IT to ask, and other pages than those of a Mac of theirs.
const TO_STAFF: [&str; 10] = [
    "error-not-found-title",
    "error-not-found-what",
    "error-not-found-do",
    "error-forbidden-do",
    "error-trail-title",
    "error-trail-what",
    "error-trail-do",
    "error-trouble-do",
    "error-auth-time-title",
    "error-auth-time-do",
];

impl ErrorPage {
    /// The sentence of that name, for this reader.
    fn in_words(&self, part: &str) -> String {
        let key = format!("{}-{part}", self.kind.stem());
        let staff = self.page.signed_in.as_ref().is_some_and(Reader::works_elsewhere);
        if staff && TO_STAFF.contains(&key.as_str()) { self.page.t(&format!("{key}-staff")) } else { self.page.t(&key) }
    }

    pub fn heading(&self) -> String {
        self.in_words("title")
    }

    pub fn what(&self) -> String {
        self.in_words("what")
    }

    /// One more sentence about what was wrong with a request.
    pub fn detail(&self) -> Option<&str> {
        match &self.kind {
            ErrorKind::BadRequest { what } if !what.is_empty() => Some(what),
            _ => None,
        }
    }

    pub fn remedy(&self) -> String {
        match &self.kind {
            ErrorKind::TooManyRequests { until: Some(at), .. } => self.page.tv("error-too-many-do", "time", &at.human),
            ErrorKind::TooManyRequests { until: None, .. } => self.page.t("error-too-many-soon"),
            ErrorKind::SignInFailed(SignInProblem::NoTransaction) if !self.plain_http => self.page.t("error-sign-in-lost-again"),
            ErrorKind::RenewalsUsedUp { device_url } if device_url.starts_with("/desk/") => self.page.t("error-renewals-desk"),
            _ => self.in_words("do"),
        }
    }

    /// The one button: address and text.
    pub fn action(&self) -> (String, String) {
        let to = |href: &str, key| (href.to_owned(), self.page.t(key));
        match &self.kind {
            ErrorKind::SignedOut { return_to } if return_to != "/" => {
                let path: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
                to(&format!("/sign-in?return_to={path}"), "sign-in")
            }
            ErrorKind::SignedOut { .. } | ErrorKind::SignInFailed(SignInProblem::OtherPerson) => to("/sign-in", "sign-in"),
            ErrorKind::SignInFailed(SignInProblem::TooManyGroups | SignInProblem::LoginConflict) => to("/", "error-link-start"),
            ErrorKind::SignInFailed(_) => to("/sign-in", "try-again"),
            ErrorKind::Sealed | ErrorKind::TrailUnavailable | ErrorKind::ServiceTrouble => to(&self.page.address, "try-again"),
            ErrorKind::TooManyRequests { .. } if self.page.address != "/" => to(&self.page.address, "try-again"),
            ErrorKind::CsrfFailed if self.page.address != "/" => to(&self.page.address, "error-link-page"),
            ErrorKind::AdminNeedsAuthTime => to("/admin/sign-in", "admin-tab-sign-in"),
            ErrorKind::RenewalsUsedUp { device_url } => to(device_url, "back-to-mac"),
            _ if self.page.signed_in.as_ref().is_some_and(|s| s.roles.has(Role::Employee) && !s.works_elsewhere()) => {
                to("/devices", "error-link-devices")
            }
            _ => to("/", "error-link-start"),
        }
    }

    /// Whether the page about sign-in trouble helps here.
    pub fn sign_in_help(&self) -> bool {
        matches!(self.kind, ErrorKind::SignInFailed(_) | ErrorKind::SignedOut { .. })
    }
}
