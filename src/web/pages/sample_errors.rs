//! Sample errors for the tests: one of every kind.

use super::samples::{World, now};
use super::*;

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
}
