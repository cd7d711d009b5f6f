//! Languages hold the same texts; notes, spelling, dates and numbers are right in each.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::{RecoveryKey, Timestamp};

const FILES: [(Language, &str); 3] = [
    (Language::En, include_str!("../../templates/text/en.ftl")),
    (Language::Sv, include_str!("../../templates/text/sv.ftl")),
    (Language::Nb, include_str!("../../templates/text/nb.ftl")),
];

fn key(text: &str) -> RecoveryKey {
    RecoveryKey::parse(text).ok().unwrap()
}

/// Keys of a file with their texts, several lines joined.
fn entries(file: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in file.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        if line.starts_with([' ', '}']) {
            all.get_mut(&last).unwrap().push_str(line);
        } else {
            let (name, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
            last = name.to_owned();
            assert!(all.insert(last.clone(), value.to_owned()).is_none(), "{name} stands twice");
        }
    }
    all
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('$').skip(1).map(|rest| rest.split([' ', '}']).next().unwrap()).collect()
}

#[test]
fn every_language_has_every_text_and_none_extra() {
    let english = entries(FILES[0].1);
    for (lang, file) in FILES {
        let these = entries(file);
        assert_eq!(english.keys().collect::<Vec<_>>(), these.keys().collect::<Vec<_>>(), "{}", lang.code());
        for (name, value) in &these {
            assert_eq!(placeholders(&english[name]), placeholders(value), "{} {name}", lang.code());
            assert!(!value.contains('<') && !value.contains("&"), "{} {name}: markup", lang.code());
            for mark in ["**", "`", "__"] {
                assert_eq!(value.matches(mark).count() % 2, 0, "{} {name}: {mark}", lang.code());
            }
            if placeholders(value).is_empty() && !value.contains('{') {
                let wanted = if lang == Language::En { Cow::Borrowed(value.as_str()) } else { unbroken(value) };
                assert_eq!(text(lang, name), wanted, "{}", lang.code());
            }
        }
    }
    assert_eq!(FILES.len(), Language::ALL.len());
}

#[test]
fn arguments_stand_without_isolates() {
    let said = text_with(Language::En, "key-heading", &[("device", Arg::Text("Anna's Mac"))]);
    assert_eq!(said, "Recovery key for Anna's Mac");
    assert_eq!(text_with(Language::Sv, "desk-count", &[("count", Arg::Number(1)), ("shown", Arg::Text("1"))]), "1 träff");
    assert_eq!(text_with(Language::En, "desk-count", &[("count", Arg::Number(1200)), ("shown", Arg::Text("1,200"))]), "1,200 results");
    assert_eq!(text(Language::Sv, "no-such-key"), "no-such-key");
}

#[test]
fn languages_are_negotiated() {
    for (header, want) in [
        ("sv-SE,sv;q=0.9,en;q=0.8", Some(Language::Sv)),
        ("en;q=0.5, sv;q=0.7", Some(Language::Sv)),
        ("de-DE,de;q=0.9,SV-fi;q=0.1", Some(Language::Sv)),
        ("nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.7,en;q=0.5", Some(Language::Nb)),
        ("no", Some(Language::Nb)),
        ("nn-NO;q=0.9, en;q=0.8", Some(Language::Nb)),
        ("da, no;q=0.3, sv;q=0.4", Some(Language::Sv)),
        ("sv;q=0, fr", None),
        ("sv;q=nonsense", None),
        ("", None),
        ("*", None),
        ("svx", None),
    ] {
        assert_eq!(Language::negotiate(header), want, "{header}");
    }
}

#[test]
fn the_note_names_at_most_two_pairs() {
    let notes = |k: &str, lang| {
        KeyText::of(&key(k), lang, &Spelling::default(), Alphabet::Swedish).notes.iter().map(|n| n.to_string()).collect::<Vec<_>>()
    };
    // 2 and Z both stand in it, which comes first; then O without 0; 8 without B comes third and is left out.
    assert_eq!(
        notes("M7KD-ORXJ-4CPV-QLFG-8DAM-2K9Z", Language::En),
        ["This key has both **Z** and **2**: the two has a round top.", "**O** is the letter O – this key has no digit 0."]
    );
    // The mirror.
    assert_eq!(
        notes("M7KD-0RXJ-4CPV-QLFG-BDAM-AK9A", Language::Sv),
        ["**0** är siffran noll – nyckeln har inget O.", "**B** är bokstaven B – nyckeln har ingen åtta."]
    );
    // Both of a pair.
    assert_eq!(notes("M7KD-0RXJ-4CPV-QLFG-ODAM-AK9A", Language::En), ["This key has both **O** and **0**: the zero has a stroke."]);
    // Five pairs: still two sentences.
    assert_eq!(notes("0011-5588-22ZZ-OOII-SSBB-0123", Language::En).len(), 2);
    // None.
    assert!(notes("ACDE-FGHJ-KLMN-PQRT-UVWX-3467", Language::En).is_empty());
}

#[test]
fn groups_keep_their_characters_and_mark_digits() {
    let text = KeyText::of(&key("M7KD-ORXJ-4CPV-QLFG-8DAM-2K9Z"), Language::En, &Spelling::default(), Alphabet::International);
    let first: Vec<(bool, &str)> = text.groups[0].runs.iter().map(|r| (r.digit, r.text.as_str())).collect();
    assert_eq!(first, [(false, "M"), (true, "7"), (false, "KD")]);
    let whole: Vec<String> = text.groups.iter().map(|g| g.runs.iter().map(|r| r.text.as_str()).collect()).collect();
    assert_eq!(whole.join("-"), "M7KD-ORXJ-4CPV-QLFG-8DAM-2K9Z");
}

#[test]
fn keys_are_spelled_in_every_alphabet() {
    let spelling = Spelling::default();
    // Whatever the page's language is: who reads aloud may speak another one.
    let words = |alphabet| {
        let text = KeyText::of(&key("M7KD-ORXJ-1CPV-QLFG-8DAM-2K9Z"), Language::Nb, &spelling, alphabet);
        text.spelling.iter().map(|s| s.words.to_string()).collect::<Vec<_>>()
    };
    let international = words(Alphabet::International);
    assert_eq!(international[..2], ["Mike, seven, Kilo, Delta", "Oscar, Romeo, X-ray, Juliett"]);
    let swedish = words(Alphabet::Swedish);
    assert_eq!((swedish[0].as_str(), swedish[2].as_str()), ("Martin, sju, Kalle, David", "ett, Caesar, Petter, Viktor"));
    assert_eq!(swedish[5], "två, Kalle, nio, Zäta");
    let norwegian = words(Alphabet::Norwegian);
    assert_eq!((norwegian[2].as_str(), norwegian[5].as_str()), ("én, Cæsar, Petter, Enkelt-V", "to, Karin, ni, Zakarias"));
    for alphabet in Alphabet::ALL {
        let mut seen = BTreeSet::new();
        for c in ('A'..='Z').chain('0'..='9') {
            let word = spelling.word(alphabet, c).unwrap();
            assert!(seen.insert(word), "{word} stands twice");
            // Norwegian tells V from W by name: single and double.
            let named = word.starts_with(c) || ["Enkelt-V", "Dobbelt-V"].contains(&word) && "VW".contains(c);
            assert!(c.is_ascii_digit() || named, "{c} {word}");
        }
        assert_eq!((spelling.word(alphabet, 'å'), Alphabet::parse(alphabet.code())), (None, Some(alphabet)));
    }
    assert_eq!(Language::ALL.map(Alphabet::of), [Alphabet::International, Alphabet::Swedish, Alphabet::Norwegian]);
}

#[test]
fn no_line_ends_at_the_hyphen_of_a_short_part() {
    let nb = |text| unbroken(text).replace('\u{2011}', "~");
    for (text, wanted) in [
        ("Mac-en er låst, Mac-er og IT-supporten", "Mac~en er låst, Mac~er og IT~supporten"),
        ("FileVault-nøkkelen og Crypt-klienter", "FileVault-nøkkelen og Crypt-klienter"),
        ("hold av/på-knappen – 2026-11-22, Idempotency-Key", "hold av/på~knappen – 2026-11-22, Idempotency-Key"),
        ("`my-file` på Mac-en", "`my-file` på Mac~en"),
        ("uten", "uten"),
    ] {
        assert_eq!(nb(text), wanted);
    }
    assert_eq!(text(Language::Nb, "missing-title"), "Mac\u{2011}en min er ikke i listen");
    assert_eq!(text_with(Language::Nb, "detail-to", &[("value", Arg::Text("en-db"))]), "til en-db", "what is filled in stays");
    assert!(text(Language::En, "error-sign-in-title").contains("Sign-in"));
}

#[test]
fn dates_are_written_as_people_write_them() {
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    let now = at("2026-11-22T13:27:03Z");
    let formats = |lang| Formats::new(lang, chrono_tz::Europe::Stockholm, now);
    let (en, sv, nb) = (formats(Language::En), formats(Language::Sv), formats(Language::Nb));
    let plain = |m: Moment| m.human.replace('\u{A0}', " ");
    assert_eq!((plain(en.date(now)), plain(sv.date(now))), ("22 Nov 2026".into(), "22 nov. 2026".into()));
    assert_eq!((plain(en.time(now)), plain(sv.time(now))), ("14:27".into(), "14.27".into()));
    assert_eq!((plain(en.precise(now)), plain(sv.precise(now))), ("22 Nov 14:27:03".into(), "22 nov. 14.27.03".into()));
    let before = at("2025-12-31T22:59:59Z");
    assert_eq!((plain(en.precise(before)), plain(sv.precise(before))), ("31 Dec 2025 23:59:59".into(), "31 dec. 2025 23.59.59".into()));
    assert_eq!((plain(en.date_time(now)), plain(sv.date_time(now))), ("22 Nov 2026, 14:27".into(), "22 nov. 2026 14.27".into()));
    assert_eq!((plain(nb.date(now)), plain(nb.time(now))), ("22. nov. 2026".into(), "14.27".into()));
    assert_eq!((plain(nb.precise(now)), plain(nb.date_time(now))), ("22. nov. 14.27.03".into(), "22. nov. 2026 14.27".into()));
    assert_eq!(en.time(now).machine, "2026-11-22T14:27:03+01:00");
    assert_eq!(en.zone_name(now), "CET");
    assert_eq!(en.zone_name(at("2026-07-01T00:00:00Z")), "CEST");
    for (when, want_en, want_sv, want_nb) in [
        ("2026-11-22T08:14:00Z", "today 09:14", "i dag 09.14", "i dag 09.14"),
        // Half past eleven in the evening in UTC is today in Stockholm.
        ("2026-11-21T23:30:00Z", "today 00:30", "i dag 00.30", "i dag 00.30"),
        ("2026-11-21T08:14:00Z", "yesterday 09:14", "i går 09.14", "i går 09.14"),
        ("2026-05-03T08:14:00Z", "3 May", "3 maj", "3. mai"),
        ("2025-01-12T08:14:00Z", "12 Jan 2025", "12 jan. 2025", "12. jan. 2025"),
        // A clock that runs ahead.
        ("2026-11-24T08:14:00Z", "24 Nov", "24 nov.", "24. nov."),
    ] {
        assert_eq!((plain(en.relative(at(when))), plain(sv.relative(at(when)))), (want_en.to_owned(), want_sv.to_owned()));
        assert_eq!(plain(nb.relative(at(when))), want_nb);
    }
}

#[test]
fn numbers_have_their_thousands_apart() {
    assert_eq!([0, 999, 1000, 1_234_567, -4321].map(|n| number(Language::En, n)), ["0", "999", "1,000", "1,234,567", "−4,321"]);
    assert_eq!([Language::Sv, Language::Nb].map(|lang| number(lang, 12345)), ["12\u{A0}345"; 2]);
}

#[test]
fn marks_become_pieces() {
    let kinds = |text| rich(text).iter().map(|p| (p.kind, p.text.to_owned())).collect::<Vec<_>>();
    assert_eq!(
        kinds("Click `?` or **Go** in __Terminal__."),
        [
            (Kind::Plain, "Click ".into()),
            (Kind::Key, "?".into()),
            (Kind::Plain, " or ".into()),
            (Kind::Bold, "Go".into()),
            (Kind::Plain, " in ".into()),
            (Kind::English, "Terminal".into()),
            (Kind::Plain, ".".into())
        ]
    );
    assert_eq!(kinds("2 ** 3"), [(Kind::Plain, "2 ** 3".into())]);
    assert!(kinds("").is_empty());
}
