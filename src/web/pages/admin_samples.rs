//! Samples of the administration, for the tests. All tokens and serial numbers are invented.

use super::admin::{Attention, Done, Lines, TokenRow, TokenState, Weight as Heavy};
use super::samples::{SERIAL, Sample, World};
use super::*;
use crate::domain::Trust;
use crate::domain::token::Door;
use crate::service::admin::tokens::TokenForm;
use crate::service::admin::trial::{ClaimSeen, Finding, Report, Weight};
use crate::service::forms::FieldError;

const TOKEN: &str = "kh_0123456789abcdef_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

impl World<'_> {
    fn admin(&self) -> Page {
        self.page(Some(Section::Admin), &[Role::Employee, Role::Admin])
    }

    fn day(&self, text: &str) -> Moment {
        self.formats().date(self.at(text))
    }

    fn token_row(&self, state: TokenState) -> TokenRow {
        TokenRow {
            id: "0123456789abcdef".into(),
            name: self.device.into(),
            scopes: vec!["escrow:write", "status:read"],
            door: Door::CryptPath,
            trust: Trust::Observed,
            devices: Some("C02*".into()),
            expires: Some(self.day("2027-11-22T10:00:00Z")),
            last_used: Some(self.day("2026-11-22T10:00:00Z")),
            made: self.day("2026-11-01T10:00:00Z"),
            state,
        }
    }

    fn tokens(&self) -> TokensPage {
        let revoked = TokenState::Revoked(self.day("2026-11-20T10:00:00Z"));
        TokensPage {
            page: self.admin(),
            done: Some(Done::Revoked),
            rows: vec![
                self.token_row(TokenState::Live),
                TokenRow {
                    scopes: vec!["devices:read"],
                    door: Door::Header,
                    devices: None,
                    expires: Some(self.day("2026-11-21T10:00:00Z")),
                    ..self.token_row(TokenState::Expired)
                },
                TokenRow { last_used: None, expires: None, trust: Trust::Proven, ..self.token_row(revoked) },
                self.token_row(TokenState::Waiting),
                TokenRow { expires: Some(self.day("2026-11-30T10:00:00Z")), ..self.token_row(TokenState::Ending) },
            ],
            unverified: 1,
            next_url: Some("/admin/tokens?before=1-0123456789abcdef".into()),
        }
    }

    fn new_token(&self, errors: Vec<FieldError>) -> NewTokenPage {
        let form = TokenForm {
            id: "0123456789abcdef".into(),
            name: self.device.into(),
            scopes: vec!["escrow:write".into()],
            door: "header".into(),
            trust: "observed".into(),
            devices: self.device.into(),
            expires: "365d".into(),
            way: "json".into(),
        };
        NewTokenPage { page: self.admin(), form, errors }
    }

    fn some_lines(&self) -> Vec<Lines> {
        vec![Lines {
            title: self.admin().t("connect-crypt-line"),
            text: format!(
                "sudo defaults write /Library/Preferences/com.grahamgilbert.crypt ServerURL \"https://keys.example.com/compat/crypt/{TOKEN}\""
            ),
        }]
    }

    fn sources(&self) -> SourcesPage {
        let line = |name: Option<&str>, mac| SourceLine {
            id: "0123456789abcdef".into(),
            name: name.map(str::to_owned),
            trust: name.map(|_| Trust::Observed),
            first_seen: Some(self.day("2026-11-01T10:00:00Z")).filter(|_| mac),
            last_seen: Some(self.day("2026-11-22T10:00:00Z")).filter(|_| mac),
            deposits: "1,204".into(),
            refused: "3".into(),
            last_mac: mac.then(|| LastMacText::Serial(SERIAL.into())),
        };
        SourcesPage {
            page: self.admin(),
            rows: vec![
                line(Some(self.device), true),
                line(None, false),
                SourceLine { last_mac: Some(LastMacText::Personal), ..line(Some("Jamf Pro"), true) },
            ],
            next_url: None,
        }
    }

    fn gaps(&self, list: GapList) -> GapsPage {
        let mac = GapMac {
            serial: SERIAL.into(),
            name: self.device.into(),
            owners: Some("anna.berg".into()),
            sources: Some("Crypt, Jamf Pro".into()),
            added: self.day("2026-11-01T10:00:00Z"),
            last_seen: None,
        };
        let people = matches!(list, GapList::NeverSignedIn | GapList::NoDevice);
        let login = GapLogin { login: self.device.into(), since: self.day("2026-11-01T10:00:00Z"), devices: "2".into() };
        GapsPage {
            page: self.admin(),
            list,
            macs: if people { Vec::new() } else { vec![mac.clone(), GapMac { owners: None, sources: None, ..mac }] },
            logins: if people { vec![login] } else { Vec::new() },
            personal: 2,
            next_url: Some("/admin/devices?list=no-owner&after=C02".into()),
        }
    }

    fn sessions(&self) -> SessionsPage {
        let row = |own, mine, several| SessionLine {
            line: "0197a1b2-0000-7000-8000-000000000001".into(),
            name: self.device.into(),
            login: Some("anna.berg".into()),
            roles: self.admin().t("role-employee"),
            since: self.formats().precise(self.at("2026-11-22T08:00:00Z")),
            last_seen: self.day("2026-11-22T10:00:00Z"),
            own,
            mine,
            several,
        };
        SessionsPage {
            page: self.admin(),
            done: Some(Done::Ended),
            rows: vec![row(true, true, true), row(false, true, true), row(false, false, true), row(false, false, false)],
            next_url: None,
        }
    }

    fn waiting(&self, received: bool) -> WaitPage {
        let page = self.admin();
        let (class, glyph, key, text) = match received {
            true => ("ok", "●", "wait-tag-received", page.tvv("wait-received", ("when", "14:03"), ("serial", SERIAL))),
            false => ("off", "○", "wait-tag-none", page.t("wait-none")),
        };
        let waiting = Waiting { tag: Tag { class, glyph, text: page.t(key) }, text, received };
        let state = if received { TokenState::Live } else { TokenState::Expired };
        WaitPage { row: self.token_row(state), waiting, lines: self.some_lines(), page }
    }

    fn trial(&self, report: Option<Report>) -> TrialPage {
        TrialPage { page: self.admin(), gone: report.is_none(), danger: report.is_none(), report }
    }

    fn report(&self) -> Report {
        let finding = |weight, code: &str| Finding { weight, code: code.into(), value: self.device.into() };
        let all = [
            "auth-time-old",
            "auth-time-missing",
            "step-up-off",
            "owner-unset",
            "owner-missing",
            "owner-shape",
            "roles-unset",
            "roles-missing",
            "roles-shape",
            "roles-overage",
            "acr-missing",
            "said-no",
            "token",
            "answer",
            "unreachable",
        ];
        let notes = ["auth-time-off", "roles-none", "role-lost", "acr-not-asked", "name-missing", "sid-missing"];
        let good = ["auth-time", "owner", "role-employee", "role-helpdesk", "role-auditor", "role-admin", "acr", "name"];
        let list = |weight, codes: &[&str]| codes.iter().map(|c| finding(weight, c)).collect::<Vec<_>>();
        let claim =
            |shape: &str, members| ClaimSeen { name: self.device.into(), shape: shape.into(), members, userinfo: members.is_some() };
        let plain = ["string", "number", "boolean", "null", "object"].map(|s| claim(s, None));
        Report {
            own_account: false,
            findings: [list(Weight::Broken, &all), list(Weight::Note, &notes), list(Weight::Good, &good)].concat(),
            claims: plain.into_iter().chain([claim("list", Some(2)), claim("list-of-strings", Some(12))]).collect(),
        }
    }

    fn overview(&self, quiet: bool) -> AdminPage {
        let page = self.admin();
        let settings = ["server-trusted_proxies", "oidc-owner_claim", "oidc-danger_step_up", "oidc-roles"];
        let fault = |weight, key: &str, link| Attention::new(&page, weight, key, page.t(key), link);
        let count = |weight, key, n, link| Attention::new(&page, weight, key, page.count(key, n), Some(link));
        let tokens = ("/admin/tokens", "admin-tab-tokens");
        let mut attention = vec![
            fault(Heavy::Bad, "admin-root-key", None),
            fault(Heavy::Bad, "admin-provider-down", Some(("/admin/sign-in", "admin-tab-sign-in"))),
            fault(Heavy::Bad, "admin-trail", None),
            count(Heavy::Warn, "admin-break-glass", 1, ("/trail?event=reveal.break_glass", "trail-title")),
            count(Heavy::Warn, "admin-tokens-ended", 1, tokens),
            count(Heavy::Warn, "admin-tokens-ending", 2, tokens),
            count(Heavy::Warn, "admin-tokens-waiting", 3, tokens),
            count(Heavy::Warn, "admin-contested", 1, ("/admin/devices?list=contested", "gap-contested")),
            count(Heavy::Info, "admin-no-owner", 1204, ("/admin/devices?list=no-owner", "gap-no-owner")),
            count(Heavy::Info, "admin-no-key", 12, ("/admin/devices?list=no-key", "gap-no-key")),
        ];
        attention.extend(settings.iter().map(|s| fault(Heavy::Warn, &format!("warning-{s}"), None)));
        attention.sort_by_key(|a| a.weight);
        if quiet {
            attention.clear();
        }
        AdminPage { attention, partly: !quiet, partly_contested: !quiet, page }
    }

    fn field_errors() -> Vec<FieldError> {
        [
            ("name", "holds_key"),
            ("scopes", "owners_write"),
            ("door", "required"),
            ("trust", "required"),
            ("devices", "form"),
            ("expires", "required"),
        ]
        .map(|(field, code)| FieldError { field, code })
        .into()
    }

    /// Every page of the administration.
    pub(super) fn administration(&self) -> Vec<Sample> {
        let mut all: Vec<Sample> = Vec::new();
        let mut add = |name, page: &dyn askama::DynTemplate| all.push(Sample { name, html: page.dyn_render().unwrap(), holds_key: false });
        add("admin", &self.overview(false));
        add("admin-quiet", &self.overview(true));
        add("admin-tokens", &self.tokens());
        add(
            "admin-tokens-none",
            &TokensPage { done: Some(Done::MadeBefore), rows: Vec::new(), unverified: 0, next_url: None, ..self.tokens() },
        );
        add("admin-token-new", &self.new_token(Vec::new()));
        add("admin-token-errors", &self.new_token(Self::field_errors()));
        let made = |lines| MadePage {
            page: self.admin(),
            row: self.token_row(TokenState::Live),
            token: zeroize::Zeroizing::new(TOKEN.to_owned()),
            lines,
        };
        add("admin-token-made", &made(self.some_lines()));
        add("admin-token-made-bare", &made(Vec::new()));
        add("admin-token-revoke", &RevokePage { page: self.admin(), row: self.token_row(TokenState::Live) });
        let revoked = TokenState::Revoked(self.day("2026-11-20T10:00:00Z"));
        add("admin-token-revoked", &RevokePage { page: self.admin(), row: self.token_row(revoked) });
        let before = Before::Admin;
        add(
            "step-up-admin",
            &StepUpPage { page: self.admin(), continue_url: "/sign-in/step-up".into(), cancel_url: "/admin/tokens".into(), before },
        );
        add("admin-sources", &self.sources());
        add("admin-sources-none", &SourcesPage { rows: Vec::new(), ..self.sources() });
        for (list, name, _) in GapList::ALL {
            add(name, &self.gaps(list));
        }
        add("admin-gaps-none", &GapsPage { macs: Vec::new(), personal: 0, next_url: None, ..self.gaps(GapList::NoOwner) });
        add("admin-sessions", &self.sessions());
        add("admin-sessions-none", &SessionsPage { rows: Vec::new(), done: None, ..self.sessions() });
        let card = |way| WayCard { way, lines: self.some_lines() };
        add("admin-connect", &ConnectPage { page: self.admin(), ways: Way::ALL.map(card).into() });
        add("admin-wait", &self.waiting(false));
        add("admin-wait-received", &self.waiting(true));
        add("admin-sign-in", &self.trial(None));
        add("admin-sign-in-report", &self.trial(Some(self.report())));
        all
    }
}
