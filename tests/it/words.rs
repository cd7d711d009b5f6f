//! The sentences of the pages, held against the code that asks for them: none is missing, none is unused, and each language
//! keeps to its own words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

const LANGUAGES: [&str; 3] = ["en", "sv", "nb"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Name and text of every message of a language, lines joined.
fn messages(language: &str) -> BTreeMap<String, String> {
    let file = fs::read_to_string(root().join(format!("templates/text/{language}.ftl"))).unwrap();
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in file.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        match line.split_once(" = ").filter(|_| !line.starts_with([' ', '}'])) {
            Some((name, text)) => {
                last = name.to_owned();
                assert!(all.insert(last.clone(), text.to_owned()).is_none(), "{language}: {name} stands twice");
            }
            None => all.get_mut(&last).unwrap_or_else(|| panic!("{language}: {line}")).push_str(line),
        }
    }
    all
}

/// The templates and the product's part of the code: what stands in tests and samples asks for nothing.
fn sources() -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = ["src", "templates"].iter().map(|d| root().join(d)).collect();
    let mut out = Vec::new();
    while let Some(dir) = open.pop() {
        for path in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".html") || name.ends_with(".rs") && !name.ends_with("tests.rs") && !name.ends_with("samples.rs") {
                let text = fs::read_to_string(&path).unwrap();
                out.push((name, text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()));
            }
        }
    }
    out
}

/// What code says in quotes: whole names, and names with holes (`form-{}-missing`) as patterns.
struct Named {
    whole: BTreeSet<String>,
    holed: Vec<Regex>,
}

fn named(sources: &[(String, String)]) -> Named {
    let plain = Regex::new(r#""([a-z0-9][a-z0-9_.-]*)""#).unwrap();
    let holed = Regex::new(r#"format!\("((?:[a-z0-9_-]|\{[a-z0-9_]*\})*\{[a-z0-9_]*\}(?:[a-z0-9_-]|\{[a-z0-9_]*\})*)""#).unwrap();
    let hole = Regex::new(r"\{[a-z0-9_]*\}").unwrap();
    let all = |find: &Regex| -> BTreeSet<String> {
        sources.iter().flat_map(|(_, text)| find.captures_iter(text).map(|c| c[1].to_owned()).collect::<Vec<_>>()).collect()
    };
    // `sign_in.failed` is the code of an event, `event-sign_in-failed` its sentence.
    let whole = all(&plain).into_iter().map(|name| name.replace('.', "-")).collect();
    let pattern = |format: &String| Regex::new(&format!("^{}$", hole.replace_all(format, "(.+)"))).unwrap();
    Named { whole, holed: all(&holed).iter().filter(|f| hole.replace_all(f, "").len() > 1 || f.contains("stem")).map(pattern).collect() }
}

impl Named {
    /// Stands in quotes, or a name with holes fits and what fills them stands in quotes.
    fn uses(&self, message: &str) -> bool {
        let filled = |pattern: &Regex| {
            pattern.captures(message).is_some_and(|c| c.iter().skip(1).flatten().all(|m| self.whole.contains(m.as_str())))
        };
        self.whole.contains(message) || self.holed.iter().any(filled)
    }
}

#[test]
fn every_message_is_asked_for() {
    let named = named(&sources());
    let unused: Vec<_> = messages("en").into_keys().filter(|message| !named.uses(message)).collect();
    assert!(unused.is_empty(), "no code asks for {unused:?}");
    // The test itself: a name that nobody says is seen.
    assert!(!named.uses("event-never_happens") && !named.uses("nobody-says-this") && named.uses("event-sign_in-failed"));
}

#[test]
fn every_message_that_is_asked_for_exists() {
    let known = messages("en");
    let asked = Regex::new(r#"\b(t|tv|tvv|count|said|timed)\(\s*"([a-z0-9_-]+)""#).unwrap();
    let direct = Regex::new(r#"\btext(?:_with)?\(\s*(?:[a-z]+\.)*lang,\s*"([a-z0-9_-]+)""#).unwrap();
    let mut seen = BTreeSet::new();
    for (file, text) in sources() {
        for found in asked.captures_iter(&text) {
            let (way, name) = (&found[1], &found[2]);
            seen.insert(name.to_owned());
            assert!(known.contains_key(name), "{file} asks for {name}");
            // A sentence about the window has a second form, for a window that is not five minutes.
            assert!(way != "timed" || known.contains_key(&format!("{name}-other")), "{file} asks for {name}-other");
        }
        for found in direct.captures_iter(&text) {
            seen.insert(found[1].to_owned());
            assert!(known.contains_key(&found[1]), "{file} asks for {}", &found[1]);
        }
    }
    assert!(seen.len() > 200, "the calls are still written as this test reads them: {}", seen.len());
}

/// A missing one falls back to English in silence, and an extra one is never read: neither may be.
#[test]
fn every_language_has_the_same_messages_and_arguments() {
    let argument = Regex::new(r"\$([a-z_]+)").unwrap();
    let arguments = |text: &str| argument.captures_iter(text).map(|c| c[1].to_owned()).collect::<BTreeSet<_>>();
    let english = messages("en");
    for language in LANGUAGES {
        let these = messages(language);
        let missing: Vec<_> = english.keys().filter(|name| !these.contains_key(*name)).collect();
        let extra: Vec<_> = these.keys().filter(|name| !english.contains_key(*name)).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{language}: missing {missing:?}, extra {extra:?}");
        for (name, text) in &these {
            assert_eq!(arguments(text), arguments(&english[name]), "{language}: {name}");
            assert!(!text.contains("->") || text.contains("[one]") && text.contains("*[other]"), "{language}: {name}: one and other");
            assert!(!text.trim().is_empty() && !text.contains(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}']), "{language}: {name}");
        }
    }
    let files = fs::read_dir(root().join("templates/text")).unwrap().count();
    assert_eq!(files, LANGUAGES.len(), "a language that no test reads");
}

/// Words that only a vendor's page would say, or that its translation got wrong; and the choices each language made once.
#[test]
fn sentences_are_our_own() {
    let banned: [(&str, &[&str]); 3] = [
        (
            "en",
            &[
                "company support",
                "organization",
                "color",
                "sign on",
                "log in to",
                "log on to",
                "prk",
                "escrow key",
                "displayed",
                "please",
                "only after",
            ],
        ),
        ("sv", &["företagets support", "vänligen", "apple-id", "logga på", "först efter", "deponer", "snälla", "klicka här"]),
        (
            "nb",
            &[
                "logg inn",
                "logg ut",
                "innlogg",
                "utlogg",
                "logget inn",
                "logget ut",
                "vennligst",
                "apple-id",
                "først etter",
                "deponer",
                "maskinen din",
            ],
        ),
    ];
    for (language, words) in banned {
        for (name, text) in messages(language) {
            let lower = text.to_lowercase();
            for word in words {
                // The pages of the staff name the profile as their tools do.
                let staff =
                    ["desk-", "gap-"].iter().any(|p| name.starts_with(p)) && ["escrow", "deponer"].iter().any(|w| word.starts_with(w));
                assert!(staff || !lower.contains(word), "{language}: {name} says \"{word}\": {text}");
            }
        }
    }
    // Other languages' letters in a sentence: it was not translated.
    for (language, letters) in [("en", "åäöæø"), ("sv", "æø"), ("nb", "äö")] {
        for (name, text) in messages(language) {
            assert!(!text.to_lowercase().contains(|c| letters.contains(c)), "{language}: {name}: {text}");
        }
    }
}
