//! Samples of the audit log: the list, filtered, refused, cut short, and of one device or person.

use super::samples::{SERIAL, World};
use super::*;
use crate::domain::{EventKind, Outcome};
use crate::service::trail::asked::{Asked, FilterError, Wrong};

impl World<'_> {
    pub(super) fn trails(&self) -> Vec<(&'static str, TrailPage)> {
        let asked = Asked {
            from: "2026-11-22 09:00".into(),
            event: "reveal.granted".into(),
            who: self.device.into(),
            serial: SERIAL.into(),
            ..Asked::default()
        };
        let narrow = TrailFilter { asked: asked.clone(), ..TrailFilter::default() };
        let error = |field, wrong| FilterError { field, wrong };
        let errors = vec![
            error("from", Wrong::Shape),
            error("to", Wrong::Order),
            error("event", Wrong::Unknown),
            error("who", Wrong::TooLong),
            error("serial", Wrong::Shape),
        ];
        let asked_wrong = Asked { from: self.device.into(), to: "2026-11-01".into(), event: self.device.into(), ..asked.clone() };
        let wrong = TrailFilter { asked: asked_wrong, errors, looked_like_key: false };
        let none = |page: TrailPage| TrailPage { lines: Vec::new(), newer_url: None, older_url: None, ..page };
        let timeline = |subject, asked| TrailPage {
            subject,
            filter: None,
            export: Some(asked),
            head: None,
            checkpoints: Vec::new(),
            newest_url: "/trail/people?subject=a".into(),
            ..self.trail()
        };
        let person = TrailSubject::Person { name: Some(self.device.into()), subject: "a-1".into() };
        let device = TrailSubject::Device { serial: Some(SERIAL.into()) };
        vec![
            ("trail", self.trail()),
            ("trail-filtered", TrailPage { filter: Some(narrow.clone()), export: Some(asked.clone()), ..self.trail() }),
            ("trail-none", none(TrailPage { filter: Some(narrow), export: Some(asked.clone()), ..self.trail() })),
            ("trail-wrong", none(TrailPage { filter: Some(wrong), export: None, head: None, ..self.trail() })),
            ("trail-key", TrailPage { filter: Some(TrailFilter { looked_like_key: true, ..TrailFilter::default() }), ..self.trail() }),
            ("trail-empty", none(TrailPage { checkpoints: Vec::new(), ..self.trail() })),
            ("trail-device", timeline(device, Asked { serial: SERIAL.into(), ..Asked::default() })),
            ("trail-device-unnamed", timeline(TrailSubject::Device { serial: None }, Asked::default())),
            ("trail-person", timeline(person, Asked { subject: "a-1".into(), ..Asked::default() })),
        ]
    }

    pub(super) fn trail(&self) -> TrailPage {
        TrailPage {
            page: self.page(Some(Section::Trail), &[Role::Employee, Role::Auditor]),
            subject: TrailSubject::All,
            filter: Some(TrailFilter::default()),
            lines: self.lines(),
            zone: "Europe/Stockholm".into(),
            newest_url: "/trail".into(),
            newer_url: Some("/trail?after=1795332600000000.120".into()),
            older_url: Some("/trail?before=1795332600000000.36".into()),
            export: Some(Asked::default()),
            head: Some(format!("41:010000000a{}", "b0".repeat(32))),
            checkpoints: [true, false]
                .map(|fits| Logged {
                    text: format!("12:010000000a{}", "c0".repeat(32)),
                    when: self.formats().precise(self.at("2026-11-22T08:00:00Z")),
                    fits,
                })
                .into(),
        }
    }

    fn lines(&self) -> Vec<TrailLine> {
        let line = |seq, at: &str, kind, outcome, who: &str, acted_as, serial: Option<&str>, reason: Option<&str>| TrailLine {
            seq,
            when: self.formats().precise(self.at(at)),
            kind,
            outcome,
            who: who.into(),
            who_url: (!who.is_empty()).then(|| "/trail/people?subject=a-1".into()),
            login: (who == "anna.berg").then(|| "anna.berg@acme.example".into()),
            acted_as,
            address: (seq % 2 == 0).then(|| "192.0.2.7".into()),
            owner: (seq == 37).then(|| self.device.into()),
            owner_url: (seq == 37).then(|| "/trail?who=anna.berg".into()),
            serial: serial.map(str::to_owned),
            device_url: (serial.is_some() || seq == 36).then(|| "/trail/devices/1".into()),
            reason: reason.map(str::to_owned),
            detail: (seq == 38).then(|| self.device.into()),
            person: (seq == 37).then(|| self.device.into()),
            erased: seq == 36,
            broken: seq == 39,
        };
        use EventKind as K;
        use Outcome::{Ok, Refused};
        let (desk, other) = ("role-helpdesk", Some("FVFKH2DEMO02"));
        vec![
            line(41, "2026-11-22T13:27:03Z", K::RevealGranted, Ok, "anna.berg", "role-owner", Some(SERIAL), None),
            line(40, "2026-11-22T10:02:41Z", K::RevealGranted, Ok, "kim.lund", desk, other, Some("INC0012345 · Forgot the password")),
            line(39, "2026-11-22T10:00:10Z", K::RevealRefused, Refused, "kim.lund", desk, other, Some(self.device)),
            line(38, "2026-11-22T09:41:55Z", K::DepositNew, Ok, "mdm-1", "actor-token", Some("C17KH3DEMO03"), None),
            line(37, "2026-11-22T08:30:00Z", K::LoginConflict, Ok, "anna.berg", "role-employee", None, None),
            line(36, "2025-11-22T08:30:00Z", K::SignIn, Ok, "", "actor-anonymous", None, None),
        ]
    }
}
