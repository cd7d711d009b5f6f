//! What the machine adds to a row, as the reader says it: tokens by name, kinds and outcomes in words, times as people write
//! them. Only pages say it so; exports and `audit verify` keep the machine's words.

use std::collections::HashMap;

use crate::domain::Trust;
use crate::domain::audit::EventKind;
use crate::domain::ids::Timestamp;
use crate::domain::person::Role;
use crate::domain::token::Door;
use crate::i18n::{Arg, Formats, number, text, text_with};

/// Names of tokens by their ids.
pub type Names = HashMap<String, String>;

/// The words for a row's detail; `None` for one that says nothing to people. What has no words stays as it is.
pub fn words(formats: &Formats, names: &Names, kind: EventKind, detail: &str) -> Option<String> {
    let say = Say { formats, names };
    let said = match kind {
        EventKind::TrailRead | EventKind::TrailExported => say.reading(detail),
        EventKind::TokenCreated => say.made(detail),
        EventKind::TokenRevoked | EventKind::TokenApproved => Some(say.token(detail)),
        EventKind::RolesReduced => say.roles(detail),
        EventKind::RolesIgnored => Some(say.plain(if detail == "overage" { "detail-overage" } else { "detail-groups_shape" })),
        EventKind::SignInTested => say.tested(detail),
        EventKind::DepositRefused => Some(say.refused(detail)),
        EventKind::RefusedSummary => say.several(detail),
        EventKind::Sealed => say.between(detail),
        EventKind::Started => say.started(detail),
        EventKind::RingMade | EventKind::RingConfirmed | EventKind::KitShown | EventKind::RootKeyRestored => {
            Some(say.with("detail-root_key", detail))
        }
        EventKind::KeyAdded | EventKind::KeyActivated | EventKind::KeyRetired => say.ring_key(detail),
        EventKind::RewrapBegun | EventKind::RewrapDone => say.rewrapped(detail),
        EventKind::BackupMade | EventKind::BackupRestored => say.backup(detail),
        _ => None,
    };
    said.or_else(|| say.other(detail)).filter(|said| !said.is_empty())
}

struct Say<'a> {
    formats: &'a Formats,
    names: &'a Names,
}

impl Say<'_> {
    fn plain(&self, key: &str) -> String {
        text(self.formats.lang, key)
    }

    fn with(&self, key: &str, value: &str) -> String {
        text_with(self.formats.lang, key, &[("value", Arg::Text(value))])
    }

    /// A number of things, in the singular or the plural; `None` for none.
    fn count(&self, key: &str, n: &str) -> Option<String> {
        let n = n.parse().ok().filter(|n| *n != 0)?;
        Some(text_with(self.formats.lang, key, &[("count", Arg::Number(n)), ("shown", Arg::Text(&number(self.formats.lang, n)))]))
    }

    /// A text that there may be.
    fn known(&self, key: &str) -> Option<String> {
        Some(self.plain(key)).filter(|said| said != key)
    }

    fn time(&self, at: &str) -> String {
        Timestamp::parse_rfc3339(at).map_or_else(|| at.to_owned(), |at| self.formats.precise(at).human)
    }

    /// Its name, and its id: two tokens may bear the same name.
    fn token(&self, id: &str) -> String {
        self.names.get(id).map_or_else(|| id.to_owned(), |name| format!("{name} · {id}"))
    }

    fn made(&self, detail: &str) -> Option<String> {
        let mut parts = detail.split(' ');
        let id = parts.next()?;
        let door = Door::parse(parts.next()?)?;
        let trust = Trust::parse(parts.next()?)?;
        let scopes = parts.collect::<Vec<_>>().join(", ");
        let said =
            [self.token(id), self.plain(&format!("token-door-{}", door.code())), self.plain(&format!("trust-{}", trust.code())), scopes];
        Some(said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "))
    }

    fn roles(&self, detail: &str) -> Option<String> {
        let roles = detail.split(' ').map(|code| Role::parse(code).map(|role| self.plain(&format!("role-{}", role.code()))));
        Some(roles.collect::<Option<Vec<_>>>()?.join(", "))
    }

    /// What a test sign-in found broken: of which part, once each.
    fn tested(&self, detail: &str) -> Option<String> {
        let mut parts = Vec::new();
        for word in detail.split(' ') {
            let part = match word.split('-').next() {
                Some("auth" | "step") => "detail-tested_proof",
                Some("owner") => "detail-tested_owner",
                Some("roles") => "detail-tested_roles",
                Some("acr") => "detail-tested_acr",
                _ => return None,
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        Some(parts.into_iter().map(|part| self.plain(part)).collect::<Vec<_>>().join(" · "))
    }

    /// Why a deposit was refused: in words, or by the field that was wrong.
    fn refused(&self, word: &str) -> String {
        self.known(&format!("detail-{word}")).unwrap_or_else(|| self.with("detail-field", word))
    }

    /// `12 more refusals`, `rate_limit 60, 12 more refusals`, `deposits, more refusals: serial 2, kind 1`.
    fn several(&self, detail: &str) -> Option<String> {
        if let Some(reasons) = detail.strip_prefix("deposits, more refusals: ") {
            let each = reasons.split(", ").map(|reason| {
                let (word, n) = reason.rsplit_once(' ')?;
                Some(format!("{}: {}", self.count("detail-more_refusals", n)?, self.refused(word)))
            });
            return Some(each.collect::<Option<Vec<_>>>()?.join(" · "));
        }
        let (limit, more) = match detail.strip_prefix("rate_limit ") {
            Some(rest) => rest.split_once(", ").map(|(limit, more)| (Some(limit), more))?,
            None => (None, detail),
        };
        let more = self.count("detail-more_refusals", more.strip_suffix(" more refusals")?)?;
        Some(match limit {
            Some(limit) => format!("{} · {more}", self.with("detail-rate_limit", limit)),
            None => more,
        })
    }

    fn between(&self, detail: &str) -> Option<String> {
        let (from, to) = detail.strip_prefix("from ")?.split_once(" to ")?;
        Some(format!("{}–{}", self.time(from), self.time(to)))
    }

    fn started(&self, detail: &str) -> Option<String> {
        let fields = Fields::of("version", detail);
        let said = [
            Some(self.with("detail-version", fields.get("version")?)),
            Some(self.with("detail-settings", fields.get("settings")?)),
            (fields.get("step_up")? == "off").then(|| self.plain("detail-step_up_off")),
        ];
        Some(joined(said))
    }

    fn ring_key(&self, detail: &str) -> Option<String> {
        let (purpose, id) = detail.split_once(' ')?;
        Some(format!("{} {id}", self.known(&format!("detail-use_{purpose}"))?))
    }

    fn rewrapped(&self, detail: &str) -> Option<String> {
        let fields = Fields::of("", detail);
        let key = |name| Some(format!("{} {}", self.known(&format!("detail-use_{name}"))?, fields.get(name)?));
        let tally = |name, key| fields.get(name).and_then(|n| self.count(key, n));
        Some(joined([
            Some(key("kek")?),
            Some(key("row")?),
            tally("sealed", "detail-sealed_again"),
            tally("signed", "detail-signed_again"),
            tally("broken", "detail-left_broken"),
        ]))
    }

    fn backup(&self, detail: &str) -> Option<String> {
        let fields = Fields::of("", detail);
        let tally = |name, key| fields.get(name).and_then(|n| self.count(key, n));
        // Enough of the digest to find it in the export or beside the file.
        let digest: String = fields.get("sha256")?.chars().take(12).collect();
        let (seq, _) = fields.get("head")?.split_once(':')?;
        Some(joined([
            Some(format!("SHA-256 {digest}…")),
            Some(self.with("detail-upto", seq)),
            tally("unverified", "detail-restored_unverified"),
            tally("waiting", "detail-restored_waiting"),
        ]))
    }

    /// What was read or exported.
    fn reading(&self, detail: &str) -> Option<String> {
        if let Some(seq) = detail.strip_prefix("after ") {
            return Some(self.with("detail-after", seq));
        }
        detail.contains('=').then(|| detail.split(' ').map(|word| self.asked(word)).collect::<Vec<_>>().join(" · "))
    }

    fn asked(&self, word: &str) -> String {
        match word.split_once('=') {
            Some(("from", at)) => self.with("detail-from", &self.time(at)),
            Some(("until", at)) => self.with("detail-until", &self.time(at)),
            Some(("upto", seq)) => self.with("detail-upto", seq),
            Some(("format", format)) => format.to_uppercase(),
            Some(("event", code)) => self.plain(&format!("event-{}", code.replace('.', "-"))),
            Some(("before" | "after", _)) => self.plain("detail-further"),
            Some(("serial" | "device", name)) => name.to_owned(),
            _ => word.to_owned(),
        }
    }

    fn other(&self, code: &str) -> Option<String> {
        if let Some(number) = code.strip_prefix("version ") {
            return Some(text_with(self.formats.lang, "desk-version-n", &[("n", Arg::Text(number))]));
        }
        // Which row or session line it is serves `audit verify`; people read whom a login went to.
        let code = match code.split_once(' ') {
            Some(("row" | "line" | "from", rest)) => return rest.split_once("subject ").map(|(_, subject)| subject.to_owned()),
            Some(("to", name)) => return Some(self.with("detail-to", name)),
            Some(("ownership", whose)) => return self.known(&format!("detail-ownership_{whose}")),
            Some(("step_up_other_person", _)) => "other_person",
            Some((word @ ("backchannel_logout" | "signed_in_again"), _)) => word,
            _ => code,
        };
        Some(self.known(&format!("detail-{code}")).unwrap_or_else(|| code.to_owned()))
    }
}

/// What there is, as one line.
fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// `name value name value …`
struct Fields<'a>(HashMap<&'a str, &'a str>);

impl<'a> Fields<'a> {
    /// `first`: the name of a value that comes without one before all others; empty for none.
    fn of(first: &'a str, detail: &'a str) -> Self {
        let named = Some(first).filter(|first| !first.is_empty());
        let words: Vec<&str> = named.into_iter().chain(detail.split(' ')).collect();
        Self(words.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests;
