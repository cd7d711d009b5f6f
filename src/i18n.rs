//! Languages: every sentence people read, dates and numbers as people write them, and the sentences made from a key.
//!
//! The sentences stand in `templates/text/{code}.ftl` and are compiled in. No markup stands in them: `**bold**`, `` `key` ``
//! and `__English words__` are read by [`rich`] and become elements in the templates. Arguments are not wrapped in
//! Unicode isolates, because texts go into titles and attributes too.

mod dates;
mod keytext;
pub mod spelling;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, langid};

pub use dates::{Formats, Moment};
pub use keytext::{KeyGroup, KeyText, Run, SpelledGroup};
pub use spelling::{Alphabet, Spelling};

mod loader {
    fluent_templates::static_loader! {
        pub(super) static TEXTS = {
            locales: "./templates/text",
            fallback_language: "en",
            customise: |bundle| {
                bundle.set_use_isolating(false);
                // Words are put together with hyphens in the Nordic languages. What is filled in stays as it is.
                if bundle.locales.iter().all(|locale| locale.language.as_str() != "en") {
                    bundle.set_transform(Some(super::unbroken));
                }
            },
        };
    }
}

static EN: LanguageIdentifier = langid!("en");
static SV: LanguageIdentifier = langid!("sv");
static NB: LanguageIdentifier = langid!("nb");

/// A language the pages are written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Language {
    #[default]
    En,
    Sv,
    /// Norwegian Bokmål.
    Nb,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::En, Self::Sv, Self::Nb];

    /// As in `lang=""` and in `/language/{code}`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Sv => "sv",
            Self::Nb => "nb",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.code() == code)
    }

    /// What its speakers call it.
    pub fn native_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Sv => "Svenska",
            Self::Nb => "Norsk",
        }
    }

    /// The language for the first part of a language tag. Whoever asks for Norwegian of any kind reads Bokmål.
    fn spoken(primary: &str) -> Option<Self> {
        match primary {
            "no" | "nn" => Some(Self::Nb),
            other => Self::parse(other),
        }
    }

    /// The best match for an `Accept-Language` header; `None` when nothing fits. Reads at most 32 entries.
    pub fn negotiate(accept_language: &str) -> Option<Self> {
        let mut best: Option<(u32, Self)> = None;
        for entry in accept_language.split(',').take(32) {
            let mut parts = entry.split(';').map(str::trim);
            let primary = parts.next().and_then(|tag| tag.split('-').next()).unwrap_or_default();
            let Some(lang) = Self::spoken(&primary.to_ascii_lowercase()) else { continue };
            let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(1000, thousandths);
            if weight > best.map_or(0, |(w, _)| w) {
                best = Some((weight, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }

    fn id(self) -> &'static LanguageIdentifier {
        match self {
            Self::En => &EN,
            Self::Sv => &SV,
            Self::Nb => &NB,
        }
    }
}

/// A weight such as `0.8`, in thousandths; 0 when it is not one.
fn thousandths(q: &str) -> u32 {
    q.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).map_or(0, |q| (q * 1000.0).round() as u32)
}

/// A sentence in which no line ends at the hyphen beside a short part of a word, as in `Mac-en` or `IT-supporten`; long parts may
/// stand in two lines. What stands between backticks is copied, and keeps its own hyphens.
fn unbroken(text: &str) -> Cow<'_, str> {
    const SHORT: usize = 3;
    let letters = |part: &str| part.chars().take_while(|c| c.is_alphabetic()).count();
    let mut out = String::new();
    let mut code = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('-') {
        code ^= before.matches('`').count() % 2 == 1;
        let first = before.chars().rev().take_while(|c| c.is_alphabetic()).count();
        let ending = if after.starts_with(char::is_lowercase) { letters(after) } else { 0 };
        let short = (1..=SHORT).contains(&first) && letters(after) > 0 || first > 0 && (1..=SHORT).contains(&ending);
        out.push_str(before);
        out.push(if short && !code { '\u{2011}' } else { '-' });
        rest = after;
    }
    if out.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(out + rest) }
}

/// A value for a placeholder in a sentence.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    Text(&'a str),
    /// Chooses between singular and plural.
    Number(i64),
}

/// The sentence `key` in `lang`; falls back to English, then to the key itself.
pub fn text(lang: Language, key: &str) -> String {
    lookup(lang, key, None)
}

/// The same, with values for its placeholders.
pub fn text_with(lang: Language, key: &str, args: &[(&'static str, Arg<'_>)]) -> String {
    let map: HashMap<Cow<'static, str>, FluentValue<'_>> = args
        .iter()
        .map(|(name, arg)| {
            let value = match arg {
                Arg::Text(text) => FluentValue::from(*text),
                Arg::Number(n) => FluentValue::from(*n),
            };
            (Cow::Borrowed(*name), value)
        })
        .collect();
    lookup(lang, key, Some(&map))
}

fn lookup(lang: Language, key: &str, args: Option<&HashMap<Cow<'static, str>, FluentValue<'_>>>) -> String {
    let find = |id| loader::TEXTS.lookup_single_language(id, key, args).ok();
    find(lang.id()).or_else(|| find(&EN)).unwrap_or_else(|| key.to_owned())
}

/// What a piece of a sentence is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Plain,
    /// `**…**`
    Bold,
    /// `` `…` ``: a key or button.
    Key,
    /// `__…__`: bold, and in English whatever the page's language.
    English,
}

/// A piece of a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

/// Cuts a sentence at its marks. A mark without its end is plain text.
pub fn rich(text: &str) -> Vec<Piece<'_>> {
    const MARKS: [(&str, Kind); 3] = [("**", Kind::Bold), ("`", Kind::Key), ("__", Kind::English)];
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let next = MARKS.iter().filter_map(|(mark, kind)| rest.find(mark).map(|at| (at, *mark, *kind))).min_by_key(|(at, ..)| *at);
        let cut = next.and_then(|(_, mark, kind)| {
            let (before, tail) = rest.split_once(mark)?;
            let (inside, after) = tail.split_once(mark)?;
            Some((before, Piece { kind, text: inside }, after))
        });
        let Some((before, piece, after)) = cut else {
            pieces.push(Piece { kind: Kind::Plain, text: rest });
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece { kind: Kind::Plain, text: before });
        }
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// A whole number with its thousands apart: `12,345`, in Swedish and Norwegian `12 345` (with spaces that do not break).
pub fn number(lang: Language, n: i64) -> String {
    let apart = match lang {
        Language::En => ',',
        Language::Sv | Language::Nb => '\u{A0}',
    };
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    if n < 0 {
        out.push('−');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(apart);
        }
        out.push(c);
    }
    out
}
