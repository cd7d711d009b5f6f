//! Dates and times as people write them, in the organisation's time zone. 24-hour clock in every language.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike};
use chrono_tz::Tz;

use super::{Arg, Language, text_with};
use crate::domain::Timestamp;

/// A time for a `<time>` element: `machine` for its `datetime`, `human` to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// RFC 3339 with offset, whole seconds.
    pub machine: String,
    pub human: String,
}

/// Writes times in one language and zone, as seen from one "now".
#[derive(Clone, Copy, Debug)]
pub struct Formats {
    pub lang: Language,
    pub zone: Tz,
    pub now: Timestamp,
}

impl Formats {
    pub fn new(lang: Language, zone: Tz, now: Timestamp) -> Self {
        Self { lang, zone, now }
    }

    /// `22 Nov 2026`, `22 nov. 2026`, `22. nov. 2026`.
    pub fn date(&self, at: Timestamp) -> Moment {
        let t = self.local(at);
        self.moment(&t, format!("{} {}", self.day(&t), t.year()))
    }

    /// `14:32`, `14.32`.
    pub fn time(&self, at: Timestamp) -> Moment {
        let t = self.local(at);
        self.moment(&t, self.clock(&t))
    }

    /// `today 09:14`, `yesterday 09:14`, `3 Nov` in the same year, `12 Jan 2025` before.
    pub fn relative(&self, at: Timestamp) -> Moment {
        let (t, now) = (self.local(at), self.local(self.now));
        let days = now.date_naive().signed_duration_since(t.date_naive()).num_days();
        let with_clock = |key| text_with(self.lang, key, &[("time", Arg::Text(&self.clock(&t)))]);
        let human = match days {
            0 => with_clock("time-today"),
            1 => with_clock("time-yesterday"),
            _ if now.year() == t.year() => self.day(&t),
            _ => format!("{} {}", self.day(&t), t.year()),
        };
        self.moment(&t, human)
    }

    /// The time of day, with its date when that is not today's.
    pub fn soon(&self, at: Timestamp) -> Moment {
        if self.local(at).date_naive() == self.local(self.now).date_naive() { self.time(at) } else { self.date_time(at) }
    }

    /// `22 Nov 2026, 14:27`: a date with its time of day.
    pub fn date_time(&self, at: Timestamp) -> Moment {
        let t = self.local(at);
        let comma = if self.lang == Language::En { "," } else { "" };
        self.moment(&t, format!("{} {}{comma} {}", self.day(&t), t.year(), self.clock(&t)))
    }

    /// To the second, for the trail: `22 Nov 14:27:03`, with the year when it is not this one.
    pub fn precise(&self, at: Timestamp) -> Moment {
        let t = self.local(at);
        let year = if self.local(self.now).year() == t.year() { String::new() } else { format!(" {}", t.year()) };
        let human = format!("{}{year} {}{}{:02}", self.day(&t), self.clock(&t), self.colon(), t.second());
        self.moment(&t, human)
    }

    /// The zone's short name at that time, e.g. `CET`.
    pub fn zone_name(&self, at: Timestamp) -> String {
        self.local(at).format("%Z").to_string()
    }

    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        at.to_utc().with_timezone(&self.zone)
    }

    fn moment(&self, t: &DateTime<Tz>, human: String) -> Moment {
        Moment { machine: t.to_rfc3339_opts(SecondsFormat::Secs, false), human }
    }

    fn colon(&self) -> char {
        match self.lang {
            Language::En => ':',
            Language::Sv | Language::Nb => '.',
        }
    }

    fn clock(&self, t: &DateTime<Tz>) -> String {
        format!("{:02}{}{:02}", t.hour(), self.colon(), t.minute())
    }

    fn day(&self, t: &DateTime<Tz>) -> String {
        let months = match self.lang {
            Language::En => ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            Language::Sv => ["jan.", "feb.", "mars", "apr.", "maj", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "dec."],
            Language::Nb => ["jan.", "feb.", "mars", "apr.", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "des."],
        };
        let month = usize::try_from(t.month0()).ok().and_then(|m| months.get(m)).copied().unwrap_or_default();
        // An ordinal has its full stop in Norwegian.
        let stop = if self.lang == Language::Nb { "." } else { "" };
        // The day and its month stay on one line.
        format!("{}{stop}\u{A0}{month}", t.day())
    }
}
