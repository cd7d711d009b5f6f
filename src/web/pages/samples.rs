//! Sample pages for the tests: one or more of every template. All people, serial numbers and keys are invented.

use askama::Template;

use super::*;
use crate::domain::reveal::Basis;
use crate::domain::{EventKind, RecoveryKey, Timestamp, Trust};
use crate::i18n::{Alphabet, Formats, KeyText, Spelling};

pub const KEY: &str = "M7KD-ORXJ-4CPV-QLFG-8DAM-2K9Z";
pub const SERIAL: &str = "C02KH1DEMO01";

/// What varies between two runs over all templates.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub lang: Language,
    /// The name of the Mac, where an attacker may write.
    pub device: &'a str,
}

/// A rendered page, and whether a key may stand in it.
pub struct Sample {
    pub name: &'static str,
    pub html: String,
    pub holds_key: bool,
}

pub(super) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T13:27:48Z").unwrap()
}

impl World<'_> {
    pub(super) fn formats(&self) -> Formats {
        Formats::new(self.lang, chrono_tz::Europe::Stockholm, now())
    }

    pub(super) fn at(&self, text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn relative(&self, text: &str) -> Option<Moment> {
        Some(self.formats().relative(self.at(text)))
    }

    pub fn page(&self, section: Option<Section>, roles: &[Role]) -> Page {
        let (brand, hours, window_seconds) = match self.lang {
            Language::En => ("Acme Keys", "weekdays 8–17", 240),
            Language::Sv => ("Acme Nyckelportal", "vardagar 8–17", 300),
            Language::Nb => ("Acme Nøkkelportal", "hverdager 8–16", 300),
        };
        let name = if roles.contains(&Role::Helpdesk) { "Kim Lund" } else { "Anna Berg" };
        let roles = roles.iter().fold(Roles::default(), |all, r| all.with(*r));
        Page {
            lang: self.lang,
            brand: brand.into(),
            look: Look::default(),
            own: OwnTexts::default(),
            contact: Contact { phone: Some("08-465 004 00".into()), email: Some("it@acme.example".into()), hours: Some(hours.into()) },
            address: "/devices?a=1&b=å".into(),
            signed_in: (roles != Roles::default()).then(|| Reader {
                name: name.into(),
                login: Some("anna.berg@acme.example".into()),
                roles,
                csrf: "csrf-token-of-the-session".into(),
                now: self.formats().date_time(now()),
            }),
            section,
            window_seconds,
            no_languages: false,
        }
    }

    fn employee(&self) -> Page {
        self.page(Some(Section::Devices), &[Role::Employee])
    }

    fn helpdesk(&self) -> Page {
        self.page(Some(Section::Desk), &[Role::Employee, Role::Helpdesk])
    }

    fn facts(&self) -> Facts {
        Facts {
            model: Some("MacBook Pro 14″".into()),
            os_version: Some("26.1".into()),
            host_name: Some(self.device.into()),
            asset_tag: Some("AC-10442".into()),
            last_seen: self.relative("2026-11-22T08:14:00Z"),
            key_received: Some(self.formats().date(self.at("2026-11-02T10:00:00Z"))),
        }
    }

    pub(super) fn subject(&self, basis: Basis) -> Subject {
        Subject {
            id: "0197a1b2-0000-7000-8000-000000000001".into(),
            name: self.device.into(),
            lock_number: SERIAL.into(),
            serial: basis == Basis::Owner,
            basis,
            owner: (basis == Basis::Desk).then(|| "Anna Berg".into()),
        }
    }

    pub fn key(&self, basis: Basis, large: bool, seconds_left: i64) -> KeyPage {
        let key = RecoveryKey::parse(KEY).ok().unwrap();
        let desk = basis == Basis::Desk;
        KeyPage {
            page: if desk { self.helpdesk() } else { self.employee() },
            grant: "0197a1b2-0000-7000-8000-0000000000aa".into(),
            device: self.subject(basis),
            version: "0197a1b2-0000-7000-8000-000000000013".into(),
            key: KeyText::of(&key, self.lang, &Spelling::default(), Alphabet::of(self.lang)),
            seconds_left,
            seconds_in_all: 300,
            from: self.formats().time(now()),
            until: self.formats().time(now().plus_seconds(252)),
            large,
            spelled: large,
            allow_copy: !desk,
            renewals_left: if large { 0 } else { 9 },
            renewed: true,
            has_other: large || desk,
            unseen_letters: large,
        }
    }

    fn taken(&self) -> Vec<(String, Moment)> {
        vec![("C17KH9DEMO09".into(), self.formats().relative(self.at("2026-11-20T08:14:00Z")))]
    }

    fn devices(&self) -> Vec<DeviceCard> {
        let card = |name: &str, serial: &str, model: &str, state, seen| DeviceCard {
            id: "0197a1b2-0000-7000-8000-000000000001".into(),
            name: name.into(),
            serial: serial.into(),
            lock_number: (state == KeyState::Replacing).then(|| "4471-22".into()),
            model: Some(model.into()),
            state,
            last_seen: self.relative(seen),
        };
        vec![
            card(self.device, SERIAL, "MacBook Pro 14″", KeyState::Available, "2026-11-22T08:14:00Z"),
            card("Lab Mac mini", "FVFKH2DEMO02", "Mac mini", KeyState::Replacing, "2026-11-03T08:14:00Z"),
            card("MacBook Air (old)", "C17KH3DEMO03", "MacBook Air", KeyState::NoKey, "2025-01-12T08:14:00Z"),
            card("Reception", "C17KH5DEMO05", "iMac 24″", KeyState::Unmanaged, "2026-11-21T08:14:00Z"),
        ]
    }

    fn device(&self) -> OwnDevicePage {
        let when = |text| self.formats().relative(self.at(text));
        OwnDevicePage {
            page: self.employee(),
            id: "0197a1b2-0000-7000-8000-000000000001".into(),
            name: self.device.into(),
            serial: SERIAL.into(),
            lock_number: SERIAL.into(),
            state: KeyState::Available,
            ask_other: false,
            personal: false,
            facts: self.facts(),
            viewings: vec![
                Viewing {
                    when: when("2026-11-21T10:02:00Z"),
                    by_you: false,
                    who: "Kim Lund".into(),
                    desk: true,
                    ticket: Some("INC0012345".into()),
                },
                Viewing { when: when("2026-10-04T10:02:00Z"), by_you: true, who: "Anna Berg".into(), desk: false, ticket: None },
            ],
            more_viewings: false,
            shown_before: true,
            more_owner_changes: false,
            owner_changes: vec![
                OwnerChange {
                    when: when("2026-09-01T10:02:00Z"),
                    kind: EventKind::OwnerSet,
                    is_you: true,
                    who: "anna.berg".into(),
                    source: "asset-register".into(),
                },
                OwnerChange {
                    when: when("2026-09-01T10:02:00Z"),
                    kind: EventKind::OwnerRemoved,
                    is_you: false,
                    who: self.device.into(),
                    source: "asset-register".into(),
                },
            ],
        }
    }

    fn version(&self, number: i64, trust: Trust) -> VersionRow {
        let date = |text| self.formats().date(self.at(text));
        VersionRow {
            id: format!("0197a1b2-0000-7000-8000-00000000001{number}"),
            number,
            source: "crypt-fleet".into(),
            trust,
            received: self.formats().date_time(self.at("2026-11-02T10:00:00Z")),
            confirmed: (number > 1).then(|| date("2026-11-20T10:00:00Z")),
            first_shown: (number == 1).then(|| date("2026-10-04T10:00:00Z")),
            current: number == 3,
            other: number == 2,
            contested: number > 1,
            unseen_letters: number == 2,
        }
    }

    fn desk_device(&self) -> DeskDevicePage {
        DeskDevicePage {
            page: self.helpdesk(),
            id: "0197a1b2-0000-7000-8000-000000000001".into(),
            name: self.device.into(),
            serial: SERIAL.into(),
            device_key: Some("4471-22".into()),
            owners: vec![OwnerName { name: "Anna Berg".into(), login: Some("anna.berg".into()) }],
            state: KeyState::Available,
            facts: self.facts(),
            last_shown: None,
            no_key: None,
            unverified: 1,
            versions: vec![self.version(3, Trust::Proven), self.version(2, Trust::Proven), self.version(1, Trust::Typed)],
            form: DeskForm::default(),
            errors: Vec::new(),
            ticket_required: false,
            ticket_example: Some("INC0012345".into()),
            query: "C02KH".into(),
        }
    }

    fn desk_errors(&self) -> DeskDevicePage {
        let error = |field, problem| DeskError { field, problem };
        DeskDevicePage {
            form: DeskForm {
                ticket: self.device.into(),
                reason: "other".into(),
                reason_text: self.device.into(),
                identity: "called back on the number in the directory".into(),
                version: "0197a1b2-0000-7000-8000-000000000012".into(),
            },
            errors: vec![
                error(Field::Ticket, Problem::Shape),
                error(Field::Reason, Problem::Missing),
                error(Field::ReasonText, Problem::LooksLikeKey),
                error(Field::Identity, Problem::Missing),
                error(Field::Version, Problem::Missing),
            ],
            ..self.desk_device()
        }
    }

    pub(super) fn search(&self, query: &str, found: bool) -> SearchPage {
        let row = |serial: &str, name: &str, owner: Option<&str>, state| DeskRow {
            id: "0197a1b2-0000-7000-8000-000000000001".into(),
            serial: serial.into(),
            name: name.into(),
            owners: owner.map(|name| OwnerName { name: name.into(), login: Some("anna.berg".into()) }).into_iter().collect(),
            asset_tag: owner.map(|_| "AC-10442".to_owned()),
            state,
        };
        let rows = vec![
            row(SERIAL, self.device, Some("Anna Berg"), KeyState::Available),
            row("C02KH4DEMO04", "Spare 14", None, KeyState::Replacing),
            row("C02KH6DEMO06", "Old Air", Some("Bo Ek"), KeyState::NoKey),
        ];
        SearchPage {
            page: self.helpdesk(),
            query: query.into(),
            nothing_asked: false,
            results: Some(if found { rows } else { Vec::new() }),
            more: found,
            looked_like_key: false,
        }
    }

    fn at_the_desk(&self) -> Vec<Sample> {
        let mut all: Vec<Sample> = Vec::new();
        let mut add = |name, page: &dyn askama::DynTemplate| all.push(Sample { name, html: page.dyn_render().unwrap(), holds_key: false });
        add("search", &self.search("C02KH", true));
        add("search-none", &self.search(self.device, false));
        add("search-first", &SearchPage { results: None, looked_like_key: true, ..self.search("", false) });
        add("desk-device", &self.desk_device());
        add("desk-device-errors", &self.desk_errors());
        add(
            "desk-device-empty",
            &DeskDevicePage {
                versions: Vec::new(),
                owners: Vec::new(),
                state: KeyState::NoKey,
                no_key: Some(NoKeyReason::NeverReceived),
                ..self.desk_device()
            },
        );
        all
    }

    fn signed_out(&self, there: bool) -> SignedOutPage {
        let provider_sign_out_url = Some("https://id.example/logout".into());
        SignedOutPage { page: self.page(None, &[]), provider: "Acme".into(), there, provider_sign_out_url }
    }

    /// Every page there is.
    pub fn all(&self) -> Vec<Sample> {
        let mut all: Vec<Sample> = Vec::new();
        let mut add = |name, page: &dyn askama::DynTemplate| all.push(Sample { name, html: page.dyn_render().unwrap(), holds_key: false });
        let out = || self.page(None, &[]);
        let start =
            |unreachable| StartPage { page: out(), provider: "Acme".into(), sign_in_url: "/sign-in?return_to=%2F".into(), unreachable };
        add("start", &start(false));
        add("start-unreachable", &start(true));
        add("signed-out", &self.signed_out(false));
        add("signed-out-there", &self.signed_out(true));
        add("devices", &DevicesPage { page: self.employee(), devices: self.devices(), taken: self.taken() });
        add("devices-empty", &DevicesPage { page: self.employee(), devices: Vec::new(), taken: self.taken() });
        add("device", &self.device());
        add(
            "device-personal",
            &OwnDevicePage { personal: true, viewings: Vec::new(), shown_before: false, lock_number: "4471-22".into(), ..self.device() },
        );
        add("device-other", &OwnDevicePage { ask_other: true, more_viewings: true, more_owner_changes: true, ..self.device() });
        add("device-lost", &OwnDevicePage { viewings: Vec::new(), ..self.device() });
        add(
            "step-up",
            &StepUpPage {
                page: self.employee(),
                continue_url: "/sign-in/step-up".into(),
                cancel_url: "/devices".into(),
                before: Before::Own,
            },
        );
        let hidden = |basis| HiddenPage {
            page: if basis == Basis::Desk { self.helpdesk() } else { self.employee() },
            device: self.subject(basis),
            from: self.formats().time(now()),
            until: (basis == Basis::Owner).then(|| self.formats().time(now().plus_seconds(300))),
        };
        add("hidden", &hidden(Basis::Owner));
        add("hidden-desk", &hidden(Basis::Desk));
        for (name, reason, basis) in [
            ("no-key-never", NoKeyReason::NeverReceived, Basis::Owner),
            ("no-key-elsewhere", NoKeyReason::KeyElsewhere, Basis::Owner),
            ("no-key-integrity", NoKeyReason::IntegrityFailure, Basis::Desk),
        ] {
            add(name, &NoKeyPage { page: self.employee(), device: self.subject(basis), reason, reference: "7F3K-21".into() });
        }
        for (name, page) in self.trails() {
            add(name, &page);
        }
        add("help", &HelpPage { page: self.page(Some(Section::Help), &[Role::Employee]) });
        add("help-signed-out", &HelpPage { page: out() });
        add("cant-sign-in", &CantSignInPage { page: out() });
        add("not-listed", &NotListedPage { page: self.employee() });
        let status =
            |up| StatusPage { page: out(), sign_in: true, keys: up, trail: up, now: self.formats().date_time(now()), zone: "CET".into() };
        add("status", &status(true));
        add("status-down", &status(false));
        for (name, kind) in self.errors() {
            let page = if name.starts_with("error-sign") { out() } else { self.employee() };
            add(name, &ErrorPage { page, kind, reference: "7F3K-21".into(), plain_http: true });
        }
        all.extend(self.at_the_desk());
        all.extend(self.with_words_of_the_organisation());
        all.extend(self.administration());
        for (name, page) in [
            ("key", self.key(Basis::Owner, false, 252)),
            ("key-large", self.key(Basis::Owner, true, 252)),
            ("key-desk", self.key(Basis::Desk, false, 59)),
        ] {
            all.push(Sample { name, html: page.render().unwrap(), holds_key: true });
        }
        all
    }
}
