//! More samples for the tests: an error of every kind, and pages with an organisation’s own words.

use super::samples::{Sample, World, now};
use super::*;
use crate::domain::reveal::Basis;

impl World<'_> {
    pub(super) fn errors(&self) -> Vec<(&'static str, ErrorKind)> {
        use SignInProblem as P;
        vec![
            ("error-not-found", ErrorKind::NotFound),
            ("error-signed-out", ErrorKind::SignedOut { return_to: "/devices?a=1&b=2".into() }),
            ("error-forbidden", ErrorKind::Forbidden),
            ("error-too-many", ErrorKind::TooManyRequests { until: Some(self.formats().time(now())), desk: false }),
            ("error-too-many-soon", ErrorKind::TooManyRequests { until: None, desk: false }),
            (
                "error-too-many-desk",
                ErrorKind::TooManyRequests { until: Some(self.formats().soon(now().plus_seconds(43_200))), desk: true },
            ),
            ("error-trail", ErrorKind::TrailUnavailable),
            ("error-sealed", ErrorKind::Sealed),
            ("error-trouble", ErrorKind::ServiceTrouble),
            ("error-bad", ErrorKind::BadRequest { what: self.device.into() }),
            ("error-csrf", ErrorKind::CsrfFailed),
            ("error-method", ErrorKind::MethodNotAllowed),
            ("error-large", ErrorKind::PayloadTooLarge),
            ("error-renewals", ErrorKind::RenewalsUsedUp { device_url: "/devices/1".into() }),
            ("error-auth-time", ErrorKind::RevealNeedsAuthTime),
            ("error-admin-auth-time", ErrorKind::AdminNeedsAuthTime),
            ("error-sign-in", ErrorKind::SignInFailed(P::Generic)),
            ("error-sign-in-refused", ErrorKind::SignInFailed(P::Refused)),
            ("error-sign-in-lost", ErrorKind::SignInFailed(P::NoTransaction)),
            ("error-sign-in-unreachable", ErrorKind::SignInFailed(P::ProviderUnreachable)),
            ("error-sign-in-groups", ErrorKind::SignInFailed(P::TooManyGroups)),
            ("error-sign-in-conflict", ErrorKind::SignInFailed(P::LoginConflict)),
            ("error-sign-in-weak", ErrorKind::SignInFailed(P::TooWeak)),
            ("error-sign-in-other", ErrorKind::SignInFailed(P::OtherPerson)),
        ]
    }

    pub(super) fn with_words_of_the_organisation(&self) -> Vec<Sample> {
        let mut all: Vec<Sample> = Vec::new();
        let mut add = |name, page: &dyn askama::DynTemplate| all.push(Sample { name, html: page.dyn_render().unwrap(), holds_key: false });
        let employee = || self.branded(self.page(Some(Section::Devices), &[Role::Employee]));
        let device = self.subject(Basis::Owner);
        add("no-key-branded", &NoKeyPage { page: employee(), device, reason: NoKeyReason::NeverReceived, reference: "7F3K-21".into() });
        add("search-empty", &SearchPage { results: None, nothing_asked: true, ..self.search("", false) });
        add("search-long", &self.search(&"C02KH1 ".repeat(28), false));
        for (name, kind) in [
            ("error-not-found-staff", ErrorKind::NotFound),
            ("error-forbidden-staff", ErrorKind::Forbidden),
            ("error-trail-staff", ErrorKind::TrailUnavailable),
            ("error-trouble-staff", ErrorKind::ServiceTrouble),
            ("error-auth-time-staff", ErrorKind::RevealNeedsAuthTime),
            ("error-renewals-desk", ErrorKind::RenewalsUsedUp { device_url: "/desk/devices/1".into() }),
        ] {
            let page = self.page(None, &[Role::Employee, Role::Helpdesk]);
            add(name, &ErrorPage { page, kind, reference: "7F3K-21".into(), plain_http: false });
        }
        add("help-branded", &HelpPage { page: self.branded(self.page(None, &[])) });
        add("not-listed-branded", &NotListedPage { page: employee() });
        add("devices-empty-branded", &DevicesPage { page: employee(), devices: Vec::new(), taken: Vec::new() });
        all
    }

    /// What an organisation adds: a logo, and words of its own where somebody from outside might have written.
    fn branded(&self, mut page: Page) -> Page {
        let own = |lang| Some(OwnText { lang, text: format!("{}\nMon–Fri, room 214\n\nSecond paragraph.", self.device) });
        page.own = OwnTexts { help: own(Language::En), not_listed: own(self.lang), no_key: own(self.lang) };
        page.look.logo =
            Some(Picture { href: assets::asset("favicon.svg"), dark: Some(assets::asset("favicon.svg")), width: 128, height: 32 });
        page
    }
}
