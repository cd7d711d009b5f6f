//! Recovery keys as text: any text is a key or an error, and a key in free text is noticed however it is written.

use keyharbor::domain::recovery_key::{RecoveryKey, looks_like_key};
use proptest::prelude::*;

const SAYINGS: [&str; 3] = ["must not be empty", "must be six groups of four letters or digits", "is a placeholder, not a recovery key"];
const UNSEEN: [char; 6] = ['\u{200b}', '\u{ad}', '\u{2060}', '\u{feff}', '\u{202e}', '\u{7}'];

/// Six groups of four, not all alike, with a letter and a digit.
fn key() -> impl Strategy<Value = String> {
    "[A-Z0-9]{24}".prop_filter("a key", |plain| plain.bytes().any(|b| b.is_ascii_digit()) && plain.bytes().any(|b| b.is_ascii_alphabetic()))
}

fn groups(plain: &str) -> Vec<String> {
    plain.as_bytes().chunks(4).map(|group| String::from_utf8(group.to_vec()).unwrap()).collect()
}

proptest! {
    #[test]
    fn s63_any_text_is_a_key_or_an_error_and_a_key_is_itself_when_read_again(
        text in prop_oneof![any::<String>(), "[ \t\n]{0,3}[A-Za-z0-9 -]{20,34}[ \n]{0,3}", "([A-Za-z0-9]{4}-){5}[A-Za-z0-9]{4}"],
    ) {
        let noticed = looks_like_key(&text);
        match RecoveryKey::parse(&text) {
            Ok(key) => {
                let once = key.expose().to_owned();
                prop_assert_eq!(once.len(), 29);
                let fits = |(i, b): (usize, u8)| if i % 5 == 4 { b == b'-' } else { b.is_ascii_uppercase() || b.is_ascii_digit() };
                let all = once.bytes().enumerate().all(fits);
                prop_assert!(all, "{}", once);
                let again = RecoveryKey::parse(&once).map(|k| k.expose().to_owned());
                prop_assert_eq!(again.as_deref(), Ok(once.as_str()));
                let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
                prop_assert_eq!(letters(&once), letters(&text), "nothing is added or left out");
                prop_assert!(looks_like_key(&once));
                prop_assert!(noticed || !text.bytes().any(|b| b.is_ascii_digit()));
            }
            // What the error says holds nothing of the text.
            Err(error) => prop_assert!(SAYINGS.contains(&error.to_string().as_str())),
        }
    }

    #[test]
    fn s63_every_human_form_of_a_key_is_that_key(plain in key(), lower in any::<bool>(), form in 0..4, around in "[ \t\n]{0,3}") {
        let groups = groups(&plain);
        let text = match form {
            0 => groups.join("-"),
            1 => groups.join(" "),
            2 => groups.join("\t"),
            _ => plain.clone(),
        };
        let text = if lower { text.to_lowercase() } else { text };
        let read = RecoveryKey::parse(&format!("{around}{text}{around}")).map(|k| k.expose().to_owned());
        prop_assert_eq!(read, Ok(groups.join("-")));
    }

    #[test]
    fn s63_a_key_in_a_sentence_is_noticed_in_any_spacing(
        plain in key(), lower in any::<bool>(), between in "[ \t\n\r.,:;/_–—\u{a0}\u{3000}|-]{1,3}",
        before in "([a-zåö]{1,9} ){0,4}", after in "( [a-zåö]{1,9}){0,4}", unseen in proptest::collection::vec((0usize..24, 0usize..6), 0..6),
    ) {
        let text = if lower { plain.to_lowercase() } else { plain };
        for spaced in [groups(&text).join(&between), text.clone()] {
            prop_assert!(looks_like_key(&format!("{before}{spaced}{after}")), "{:?}", between);
            // Characters that nobody sees may stand anywhere in it.
            let mut chars: Vec<char> = spaced.chars().collect();
            for (at, which) in &unseen {
                chars.insert(*at, UNSEEN[*which]);
            }
            let hidden: String = chars.into_iter().collect();
            prop_assert!(looks_like_key(&format!("{before}{hidden}{after}")), "{:?}", hidden.escape_unicode().to_string());
        }
    }

    #[test]
    fn s63_a_text_that_is_nothing_but_a_key_is_noticed_wherever_it_is_cut(plain in key(), cuts in proptest::collection::vec(1usize..24, 0..8)) {
        let mut text = plain;
        let mut cuts = cuts;
        cuts.sort_unstable();
        for at in cuts.into_iter().rev() {
            text.insert(at, ' ');
        }
        prop_assert!(looks_like_key(&text), "{}", text);
    }

    #[test]
    fn s63_words_are_no_key(words in proptest::collection::vec("[a-zåäö]{1,3}|[a-z]{5,20}", 0..40)) {
        prop_assert!(!looks_like_key(&words.join(" ")));
    }
}
