//! Words for letters and digits, to read a key aloud: international, Swedish and Norwegian, or what the operator says.
//!
//! A key is spelled in one alphabet, the reader's choice; each language has its own to begin with.

use std::collections::{BTreeMap, BTreeSet};

use super::Language;

/// What a key is made of, in the order in which an alphabet's words stand.
const CHARACTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const INTERNATIONAL: &str = "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec \
                             Romeo Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu \
                             zero one two three four five six seven eight nine";

/// `ett` and `sju`, not `etta` and `sjua`: on a bad line those are heard as `åtta` and `fyra`.
const SWEDISH: &str = "Adam Bertil Caesar David Erik Filip Gustav Helge Ivar Johan Kalle Ludvig Martin Niklas Olof Petter Qvintus \
                       Rudolf Sigurd Tore Urban Viktor Wilhelm Xerxes Yngve Zäta \
                       nolla ett två tre fyra fem sex sju åtta nio";

/// `sju`, not `syv`, which can be heard as `fyr`.
const NORWEGIAN: &str = "Anna Bernhard Cæsar David Edith Fredrik Gustav Harald Ivar Johan Karin Ludvig Martin Nils Olivia Petter \
                         Quintus Rikard Sigrid Teodor Ulrik Enkelt-V Dobbelt-V Xerxes Yngling Zakarias \
                         null én to tre fire fem seks sju åtte ni";

/// A way to spell a key aloud.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Alphabet {
    /// ICAO and NATO: Alfa, Bravo.
    International,
    /// Adam, Bertil.
    Swedish,
    /// Anna, Bernhard.
    Norwegian,
}

impl Alphabet {
    pub const ALL: [Self; 3] = [Self::International, Self::Swedish, Self::Norwegian];

    /// As in `?spell={code}`, in the cookie, and in the operator's file.
    pub fn code(self) -> &'static str {
        match self {
            Self::International => "icao",
            Self::Swedish => "sv",
            Self::Norwegian => "nb",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.code() == code)
    }

    /// What a language's readers have unless they choose.
    pub fn of(lang: Language) -> Self {
        match lang {
            Language::En => Self::International,
            Language::Sv => Self::Swedish,
            Language::Nb => Self::Norwegian,
        }
    }

    /// The language of its words, for those who have them read aloud by a machine.
    pub fn language(self) -> Language {
        match self {
            Self::International => Language::En,
            Self::Swedish => Language::Sv,
            Self::Norwegian => Language::Nb,
        }
    }

    fn standard(self) -> &'static str {
        match self {
            Self::International => INTERNATIONAL,
            Self::Swedish => SWEDISH,
            Self::Norwegian => NORWEGIAN,
        }
    }
}

/// The words of every alphabet.
#[derive(Clone, Debug)]
pub struct Spelling(Vec<(Alphabet, Vec<String>)>);

impl Default for Spelling {
    fn default() -> Self {
        Self(Alphabet::ALL.into_iter().map(|a| (a, a.standard().split(' ').map(str::to_owned).collect())).collect())
    }
}

/// Bytes of a word.
pub(super) const LONGEST_WORD: usize = 40;

impl Spelling {
    /// Puts the operator's words in the place of ours: `alphabet code → character → word`.
    ///
    /// # Errors
    /// Which alphabet, and what is wrong: unknown, characters without a word, a word that is none or stands twice.
    pub fn replace(&mut self, tables: &BTreeMap<String, BTreeMap<String, String>>) -> Result<(), String> {
        for (code, table) in tables {
            let Some((_, words)) = self.0.iter_mut().find(|(a, _)| a.code() == code) else {
                return Err(format!("[{code}] is no alphabet; they are icao, sv and nb"));
            };
            *words = in_order(table).map_err(|why| format!("[{code}] {why}"))?;
        }
        Ok(())
    }

    /// The word for one character of a key; `None` for what no key holds.
    pub fn word(&self, alphabet: Alphabet, c: char) -> Option<&str> {
        let at = CHARACTERS.find(c)?;
        let (_, words) = self.0.iter().find(|(a, _)| *a == alphabet)?;
        words.get(at).map(String::as_str)
    }
}

/// Words in the order of [`CHARACTERS`], or what is wrong with them.
fn in_order(words: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
    let of = |c: char| words.iter().find(|(key, _)| key.eq_ignore_ascii_case(&c.to_string())).map(|(_, word)| word.trim().to_owned());
    let missing: Vec<String> = CHARACTERS.chars().filter(|c| of(*c).is_none()).map(String::from).collect();
    if !missing.is_empty() {
        return Err(format!("has no word for {}", missing.join(", ")));
    }
    if let Some(extra) = words.keys().find(|key| key.chars().count() != 1 || !CHARACTERS.contains(key.to_ascii_uppercase().as_str())) {
        return Err(format!("has a word for \"{extra}\", which no key holds"));
    }
    let all: Vec<String> = CHARACTERS.chars().filter_map(of).collect();
    let mut seen = BTreeSet::new();
    for word in &all {
        if word.is_empty() || word.len() > LONGEST_WORD || word.chars().any(char::is_control) {
            return Err(format!("has a word that is empty or longer than {LONGEST_WORD} bytes: \"{}\"", word.escape_debug()));
        }
        if !seen.insert(word.to_lowercase()) {
            return Err(format!("has the word \"{word}\" twice: who listens could not tell the two apart"));
        }
    }
    Ok(all)
}
