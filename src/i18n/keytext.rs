//! What a page says of one key: its groups with the digits marked, the note on characters that look alike, the spelling.
//!
//! All of it is the secret, or derived from it: it is wiped from memory when dropped, and there is no `Debug` or `Clone`.

use zeroize::Zeroizing;

use super::spelling::LONGEST_WORD;
use super::{Alphabet, Language, Spelling, text};
use crate::domain::RecoveryKey;

/// Digit, letter, and the stem of the sentences about the two.
const LOOKALIKES: [(char, char, &str); 5] =
    [('0', 'O', "key-note-o"), ('1', 'I', "key-note-i"), ('5', 'S', "key-note-s"), ('8', 'B', "key-note-b"), ('2', 'Z', "key-note-z")];

/// More than two clauses are not read.
const MAX_NOTES: usize = 2;

/// Everything the key page shows of a key.
pub struct KeyText {
    pub groups: Vec<KeyGroup>,
    /// At most two sentences with `**` marks, see [`super::rich`].
    pub notes: Vec<Zeroizing<String>>,
    pub spelling: Vec<SpelledGroup>,
    pub alphabet: Alphabet,
}

/// Four characters.
pub struct KeyGroup {
    pub runs: Vec<Run>,
}

/// Letters or digits that stand together within a group.
pub struct Run {
    pub digit: bool,
    pub text: Zeroizing<String>,
}

/// A group, and its words: `Mike, seven, Kilo, Delta`.
pub struct SpelledGroup {
    pub group: Zeroizing<String>,
    pub words: Zeroizing<String>,
}

impl KeyText {
    pub fn of(key: &RecoveryKey, lang: Language, words: &Spelling, alphabet: Alphabet) -> Self {
        Self { groups: key.groups().map(group).collect(), notes: notes(key, lang), spelling: spelling(key, words, alphabet), alphabet }
    }
}

/// One sentence for each pair of look-alikes in the key, at most two: which of the pair it is, or that both occur.
fn notes(key: &RecoveryKey, lang: Language) -> Vec<Zeroizing<String>> {
    let has = |c| key.expose().contains(c);
    let pairs = LOOKALIKES.iter().map(|(digit, letter, stem)| (has(*digit), has(*letter), stem));
    let both = pairs.clone().filter(|(digit, letter, _)| *digit && *letter).map(|(.., stem)| format!("{stem}-both"));
    let one = pairs
        .filter(|(digit, letter, _)| digit != letter)
        .map(|(digit, _, stem)| format!("{stem}-{}", if digit { "digit" } else { "letter" }));
    // Where both stand in the key they can be taken for each other: that comes first.
    both.chain(one).take(MAX_NOTES).map(|stem| Zeroizing::new(text(lang, &stem))).collect()
}

/// Six groups with their words.
fn spelling(key: &RecoveryKey, table: &Spelling, alphabet: Alphabet) -> Vec<SpelledGroup> {
    key.groups()
        .map(|g| {
            // Room for four of the longest: a string that grows would leave a copy behind.
            let mut words = Zeroizing::new(String::with_capacity(4 * (LONGEST_WORD + 2)));
            for w in g.chars().filter_map(|c| table.word(alphabet, c)) {
                if !words.is_empty() {
                    words.push_str(", ");
                }
                words.push_str(w);
            }
            SpelledGroup { group: Zeroizing::new(g.to_owned()), words }
        })
        .collect()
}

fn group(text: &str) -> KeyGroup {
    let mut runs: Vec<Run> = Vec::with_capacity(4);
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        match runs.last_mut() {
            Some(run) if run.digit == digit => run.text.push(c),
            _ => {
                // Room for a whole group: a string that grows would leave a copy behind.
                let mut text = Zeroizing::new(String::with_capacity(4));
                text.push(c);
                runs.push(Run { digit, text });
            }
        }
    }
    KeyGroup { runs }
}
