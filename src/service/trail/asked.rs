//! What an auditor asks for: the fields of the filter as they were written, and what they mean.
//!
//! The same words work in the page's address, in the export's form and on the command line.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use crate::domain::audit::EventKind;
use crate::domain::device::Serial;
use crate::domain::ids::{DeviceId, Timestamp};
use crate::domain::person::Subject;
use crate::domain::recovery_key::looks_like_key;

/// The fields, each empty when nothing is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `2026-11-22`, `2026-11-22 14:30`, `2026-11-22T14:30:05` in the portal's zone, or RFC 3339 with an offset.
    pub from: String,
    /// The same; the day, the minute or the second that it names still belongs to it.
    pub to: String,
    /// An event's code.
    pub event: String,
    /// A login, a name, a subject, or the id of a token: all of it, in any case.
    pub who: String,
    /// A serial number.
    pub serial: String,
    /// One person, as the provider names them.
    pub subject: String,
    /// The provider that named them; empty = the one of the settings.
    pub issuer: String,
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// No date, no date with a time, no serial number, no text.
    Shape,
    /// `to` is before `from`.
    Order,
    /// No event is called that.
    Unknown,
    TooLong,
    LooksLikeKey,
}

/// A field by its name, and what is wrong with it. Never holds what was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilterError {
    pub field: &'static str,
    pub wrong: Wrong,
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.field)?;
        f.write_str(match self.wrong {
            Wrong::Shape if ["from", "to"].contains(&self.field) => " must be a date (2026-11-22) or a date and a time (2026-11-22T14:30)",
            Wrong::Shape => " holds a character that is not allowed",
            Wrong::Order => " must not be before the beginning",
            Wrong::Unknown => " is no event",
            Wrong::TooLong => " is too long",
            Wrong::LooksLikeKey => " looks like a recovery key",
        })
    }
}

/// What is meant. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    pub kind: Option<EventKind>,
    pub device: Option<DeviceRef>,
    pub who: Option<Who>,
}

/// A device by either of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceRef {
    Id(DeviceId),
    Serial(Serial),
}

impl DeviceRef {
    /// An id, or else a serial number.
    pub fn parse(text: &str) -> Option<Self> {
        DeviceId::parse(text).map(Self::Id).or_else(|| Serial::parse(text).ok().map(Self::Serial))
    }
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Called that: by login, name, subject, or as a token.
    Called(String),
    /// Exactly this person.
    Person(Subject),
}

const LONGEST: usize = 320;

impl Asked {
    /// What the fields mean; `issuer` stands for one that is not named.
    ///
    /// # Errors
    /// Every field that cannot be understood.
    pub fn criteria(&self, zone: Tz, issuer: &str) -> Result<Criteria, Vec<FilterError>> {
        let mut wrong = Vec::new();
        let mut note = |field, wrong_is: Result<(), Wrong>| {
            if let Err(is) = wrong_is {
                wrong.push(FilterError { field, wrong: is });
            }
        };
        let mut out = Criteria::default();
        note("from", moment(&self.from, zone).map(|m| out.from = m.map(|m| m.0)));
        note("to", moment(&self.to, zone).map(|m| out.until = m.map(|m| m.1)));
        if let (Some(from), Some(until)) = (out.from, out.until)
            && until <= from
        {
            note("to", Err(Wrong::Order));
        }
        note("event", event(&self.event).map(|kind| out.kind = kind));
        note("who", called(&self.who).map(|who| out.who = who.map(Who::Called)));
        note("serial", serial(&self.serial).map(|s| out.device = s.map(DeviceRef::Serial)));
        if !self.subject.is_empty() {
            let issuer = if self.issuer.is_empty() { issuer } else { &self.issuer };
            let person = called(&self.subject).and_then(|_| Subject::parse(issuer, &self.subject).map_err(|_| Wrong::Shape));
            note("subject", person.map(|who| out.who = Some(Who::Person(who))));
        }
        if wrong.is_empty() { Ok(out) } else { Err(wrong) }
    }

    /// Does any field hold something that looks like a recovery key? It must not be said again.
    pub fn holds_key(&self) -> bool {
        [&self.from, &self.to, &self.event, &self.who, &self.serial, &self.subject].into_iter().any(|text| looks_like_key(text))
    }

    /// As part of an address, without the question mark; empty when nothing is asked.
    pub fn query(&self) -> String {
        let fields = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }

    /// Name and value of each.
    pub fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("from", self.from.trim()),
            ("to", self.to.trim()),
            ("event", &self.event),
            ("who", self.who.trim()),
            ("serial", self.serial.trim()),
            ("subject", &self.subject),
            ("issuer", &self.issuer),
        ]
    }
}

impl Criteria {
    /// For the trail's own row: what was asked for, in machine words. Who was asked about stands among the personal fields.
    pub(super) fn words(&self) -> Vec<String> {
        let time = |name: &str, at: Option<Timestamp>| at.map(|at| format!("{name}={}", at.rfc3339()));
        let device = self.device.as_ref().map(|device| match device {
            DeviceRef::Id(id) => format!("device={id}"),
            DeviceRef::Serial(serial) => format!("serial={}", serial.as_str()),
        });
        let kind = self.kind.map(|kind| format!("event={}", kind.code()));
        [time("from", self.from), time("until", self.until), kind, device].into_iter().flatten().collect()
    }

    /// The personal part of it.
    pub(super) fn person(&self) -> Option<String> {
        self.who.as_ref().map(|who| match who {
            Who::Called(text) => text.clone(),
            Who::Person(who) => who.subject.clone(),
        })
    }
}

/// The first instant that a text names, and the first after it.
fn moment(text: &str, zone: Tz) -> Result<Option<(Timestamp, Timestamp)>, Wrong> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let whole = |at: DateTime<Tz>| Some(Timestamp(at.timestamp_micros())).filter(|at| (0..=253_402_300_799_000_000).contains(&at.0));
    let pair = || {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            let at = at.with_timezone(&zone);
            return Some((whole(at)?, whole(at.checked_add_signed(TimeDelta::seconds(1))?)?));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            let next = day.checked_add_days(Days::new(1))?;
            return Some((whole(first(zone, day.and_time(NaiveTime::MIN))?)?, whole(first(zone, next.and_time(NaiveTime::MIN))?)?));
        }
        let text = text.replacen(' ', "T", 1);
        let read = |form, seconds| NaiveDateTime::parse_from_str(&text, form).ok().map(|at| (at, TimeDelta::seconds(seconds)));
        let (at, long) = read("%Y-%m-%dT%H:%M", 60).or_else(|| read("%Y-%m-%dT%H:%M:%S", 1))?;
        // Of an hour that is there twice, all of it.
        let last = match zone.from_local_datetime(&at) {
            LocalResult::Ambiguous(_, later) => later.checked_add_signed(long)?,
            _ => first(zone, at)?.checked_add_signed(long)?,
        };
        Some((whole(first(zone, at)?)?, whole(last)?))
    };
    pair().map(Some).ok_or(Wrong::Shape)
}

/// A local time as an instant: the first of two; where clocks jump over it, the instant they jump to.
fn first(zone: Tz, at: NaiveDateTime) -> Option<DateTime<Tz>> {
    // Three hours are more than any clock jumps.
    (0..=12).find_map(|quarter| zone.from_local_datetime(&at.checked_add_signed(TimeDelta::minutes(15 * quarter))?).earliest())
}

fn event(code: &str) -> Result<Option<EventKind>, Wrong> {
    if code.is_empty() { Ok(None) } else { EventKind::parse(code).map(Some).ok_or(Wrong::Unknown) }
}

fn called(text: &str) -> Result<Option<String>, Wrong> {
    let text = text.trim();
    if looks_like_key(text) {
        return Err(Wrong::LooksLikeKey);
    }
    if text.chars().any(char::is_control) {
        return Err(Wrong::Shape);
    }
    if text.chars().count() > LONGEST {
        return Err(Wrong::TooLong);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn serial(text: &str) -> Result<Option<Serial>, Wrong> {
    use crate::domain::device::TextError;
    match Serial::parse(text) {
        Ok(serial) => Ok(Some(serial)),
        Err(TextError::Empty) => Ok(None),
        Err(TextError::TooLong) => Err(Wrong::TooLong),
        Err(TextError::BadCharacter | TextError::NoMac) => Err(Wrong::Shape),
        Err(TextError::LooksLikeKey) => Err(Wrong::LooksLikeKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Europe::Stockholm;

    fn range(from: &str, to: &str) -> Result<(String, String), Vec<FilterError>> {
        let asked = Asked { from: from.into(), to: to.into(), ..Asked::default() };
        let criteria = asked.criteria(ZONE, "")?;
        let say = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_utc().format("%dT%H:%M:%S").to_string());
        Ok((say(criteria.from), say(criteria.until)))
    }

    #[test]
    fn days_minutes_and_seconds_are_whole_in_the_portals_zone() {
        for (from, to, want) in [
            ("2026-11-22", "2026-11-22", ("21T23:00:00", "22T23:00:00")),
            ("2026-11-22 14:30", "2026-11-22T14:30", ("22T13:30:00", "22T13:31:00")),
            ("2026-11-22T14:30:05", " 2026-11-22 14:30:05 ", ("22T13:30:05", "22T13:30:06")),
            ("2026-11-22T14:30:05Z", "2026-11-22T14:30:05-05:00", ("22T14:30:05", "22T19:30:06")),
            ("", "2026-11-22", ("", "22T23:00:00")),
            // The day with 25 hours, the hour that is there twice, and the one that is not there.
            ("2026-10-25", "2026-10-25", ("24T22:00:00", "25T23:00:00")),
            ("2026-10-25 02:30", "2026-10-25 02:30", ("25T00:30:00", "25T01:31:00")),
            ("2026-03-29 02:30", "", ("29T01:00:00", "")),
        ] {
            assert_eq!(range(from, to).unwrap(), (want.0.to_owned(), want.1.to_owned()), "{from} {to}");
        }
        // A zone whose midnight is jumped over.
        let asked = Asked { from: "2018-11-04".into(), ..Asked::default() };
        let at = asked.criteria(chrono_tz::America::Sao_Paulo, "").unwrap().from.unwrap();
        assert_eq!(at.rfc3339(), "2018-11-04T03:00:00.000000Z");
    }

    #[test]
    fn what_cannot_be_understood_is_named_by_its_field() {
        let error = |field, wrong| FilterError { field, wrong };
        for wrong in ["yesterday", "2026-13-01", "2026-11-31", "22/11/2026", "2026-11-22 25:00", "-2026-01-01", "99999-01-01"] {
            assert_eq!(range("", wrong).unwrap_err(), [error("to", Wrong::Shape)], "{wrong}");
        }
        assert_eq!(range("2026-11-23", "2026-11-22").unwrap_err(), [error("to", Wrong::Order)]);
        let asked = Asked {
            from: "x".into(),
            event: "reveal.*".into(),
            who: "a\0b".into(),
            serial: "å".into(),
            subject: "x".repeat(300),
            ..Asked::default()
        };
        let found: Vec<_> = asked.criteria(ZONE, "i").unwrap_err().into_iter().map(|e| (e.field, e.wrong)).collect();
        assert_eq!(
            found,
            [("from", Wrong::Shape), ("event", Wrong::Unknown), ("who", Wrong::Shape), ("serial", Wrong::Shape), ("subject", Wrong::Shape)]
        );
        let key = Asked { who: "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2".into(), ..Asked::default() };
        assert!(key.holds_key());
        assert_eq!(key.criteria(ZONE, "").unwrap_err(), [error("who", Wrong::LooksLikeKey)]);
    }

    #[test]
    fn the_address_says_what_was_asked_and_nothing_else() {
        assert_eq!(Asked::default().query(), "");
        let asked = Asked { from: " 2026-11-22 14:30".into(), who: "åsa&kim".into(), ..Asked::default() };
        assert_eq!(asked.query(), "from=2026-11-22+14%3A30&who=%C3%A5sa%26kim");
    }
}
