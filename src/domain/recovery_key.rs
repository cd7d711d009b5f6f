//! A FileVault personal recovery key: parsed, never printed, wiped from memory when dropped.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::device::is_format;

/// What a sealed value is. Only recovery keys today; the name is part of the AAD, so it is frozen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum SecretKind {
    RecoveryKey,
}

impl SecretKind {
    pub fn code(self) -> &'static str {
        match self {
            Self::RecoveryKey => "recovery_key",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        (code == "recovery_key").then_some(Self::RecoveryKey)
    }
}

/// Why a text is no recovery key. The message never holds any part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("must not be empty")]
    Empty,
    #[error("must be six groups of four letters or digits")]
    Shape,
    #[error("is a placeholder, not a recovery key")]
    Placeholder,
}

/// 29 characters: six groups of four of `A–Z 0–9`, joined by hyphens.
///
/// There is no `Debug`, `Display`, `Clone` or `Serialize`; [`RecoveryKey::expose`] is the one way to read it.
pub struct RecoveryKey(Zeroizing<String>);

impl RecoveryKey {
    /// Accepts the hyphenated form, and 24 characters without hyphens or with spaces; upper-cases.
    ///
    /// # Errors
    /// [`KeyError`]: empty, another shape, or a placeholder from vendors' documentation (24 equal characters).
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.len() > 64 {
            return Err(KeyError::Shape);
        }
        let mut plain = Zeroizing::new(String::with_capacity(24));
        let mut hyphens = 0usize;
        for (at, c) in text.char_indices() {
            match c {
                '-' => {
                    // A hyphen stands only between groups: after 4, 9, 14, 19, 24 characters of the hyphenated form.
                    if at % 5 != 4 {
                        return Err(KeyError::Shape);
                    }
                    hyphens += 1;
                }
                ' ' | '\t' => {}
                c if c.is_ascii_alphanumeric() => plain.push(c.to_ascii_uppercase()),
                _ => return Err(KeyError::Shape),
            }
        }
        if plain.len() != 24 || (hyphens != 0 && (hyphens != 5 || text.len() != 29)) {
            return Err(KeyError::Shape);
        }
        let mut bytes = plain.bytes();
        if let Some(first) = bytes.next()
            && bytes.all(|b| b == first)
        {
            return Err(KeyError::Placeholder);
        }
        let mut grouped = Zeroizing::new(String::with_capacity(29));
        for (i, c) in plain.chars().enumerate() {
            if i > 0 && i % 4 == 0 {
                grouped.push('-');
            }
            grouped.push(c);
        }
        Ok(Self(grouped))
    }

    /// The 29 characters. Every caller is a place to review: sealing, fingerprinting, and the key page's template.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `true` when a letter or digit stands in it that was never seen in such keys (`I`, `S`, `0`, `1`). A warning only.
    pub fn has_unseen_letters(&self) -> bool {
        self.0.bytes().any(|b| matches!(b, b'I' | b'S' | b'0' | b'1'))
    }

    /// The six groups, for the key page.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.split('-')
    }
}

/// `true` when free text holds something shaped like a recovery key, in any case, width and spacing, alone or in a sentence:
/// such text is refused where a reason is asked for. Six words of four letters or digits in a row, the first and the last perhaps
/// grown together with others; 24 in one word; 24 in words of one length, or of lengths that are multiples of four. But for the
/// first of these a few of the words must hold digits, as keys do and sentences do not.
pub fn looks_like_key(text: &str) -> bool {
    // Characters that nobody sees are taken out when a text is kept: what is left must not be a key either.
    let seen = |c: &char| c.is_whitespace() || !(c.is_control() || is_format(*c));
    let plain = Zeroizing::new(if text.is_ascii() { text.to_owned() } else { text.nfkc().collect() });
    let kept = Zeroizing::new(plain.chars().filter(seen).collect::<String>());
    key_shaped(&plain) || key_shaped(&kept) || (has_digit(&kept) && RecoveryKey::parse(&kept).is_ok())
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
}

fn key_shaped(text: &str) -> bool {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    grown_together(&words) || (0..words.len()).any(|first| words.get(first..).is_some_and(begins_with_key))
}

/// Do words that come to 24 characters stand at the beginning, cut as a key may be?
fn begins_with_key(words: &[&str]) -> bool {
    let first = words.first().map_or(0, |w| w.len());
    let (mut length, mut count, mut with_digits, mut alike, mut fours) = (0, 0, 0, true, true);
    for word in words {
        length += word.len();
        count += 1;
        with_digits += usize::from(has_digit(word));
        alike &= word.len() == first;
        fours &= word.len() % 4 == 0;
        if length >= 24 || !(fours || (alike && first >= 3)) {
            break;
        }
    }
    if length != 24 {
        return false;
    }
    match (count, first, alike) {
        (1, ..) => with_digits == 1 && words.first().is_some_and(|w| w.bytes().any(|b| b.is_ascii_alphabetic())),
        (6, 4, true) => true,
        (_, 3.., true) => with_digits * 2 >= count,
        // The end of a UUID is cut like that.
        _ => fours && with_digits >= 2 && !words.iter().take(count).all(|w| w.bytes().all(|b| b.is_ascii_hexdigit())),
    }
}

/// Four words of four between two that begin or end with four more: a key with something stuck to it.
fn grown_together(words: &[&str]) -> bool {
    words.windows(6).any(|six| {
        let [first, inner @ .., last] = six else { return false };
        let digits = six.iter().filter(|w| has_digit(w)).count();
        inner.iter().all(|w| w.len() == 4) && first.len() >= 4 && last.len() >= 4 && digits >= 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> String {
        RecoveryKey::parse(text).map(|k| k.expose().to_owned()).unwrap_or_default()
    }

    #[test]
    fn every_human_form_becomes_one() {
        let want = "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2";
        for form in [want, "aaaa-bbbb-cccc-dddd-eeee-fff2", " AAAABBBBCCCCDDDDEEEEFFF2\n", "AAAA BBBB CCCC DDDD EEEE FFF2"] {
            assert_eq!(ok(form), want);
        }
    }

    #[test]
    fn wrong_shapes_and_placeholders_are_refused() {
        let wrong = [
            "AAAA-BBBB-CCCC-DDDD-EEEE",
            "AAAA-BBBB-CCCC-DDDD-EEEE-FFF",
            "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2-",
            "AAAABBBBCCCCDDDDEEEEFFFÅ",
            "WWWW-XXXX-YYYY-ZZZZ",
            "AA-AABBBB-CCCCDDDDEEEEFFF2--",
            "AAAA-BBBBCCCCDDDDEEEEFFF2",
        ];
        for text in wrong {
            assert_eq!(RecoveryKey::parse(text).err(), Some(KeyError::Shape), "{text}");
        }
        assert_eq!(RecoveryKey::parse("XXXX-XXXX-XXXX-XXXX-XXXX-XXXX").err(), Some(KeyError::Placeholder));
        assert_eq!(RecoveryKey::parse(" \n").err(), Some(KeyError::Empty));
    }

    #[test]
    fn a_reason_that_holds_a_key_is_noticed() {
        assert!(looks_like_key("user read aaaa-bbbb-cccc-dddd-eeee-fff2 to me"));
        assert!(looks_like_key("key: AAAA BBBB CCCC DDDD EEEE FFF2"));
        assert!(looks_like_key("AAAABBBBCCCCDDDDEEEEFFF2"));
        assert!(looks_like_key("AAAABBBB CCCCDDDD EEEEFFF2"));
        assert!(looks_like_key("A\u{200B}AAA-B\u{AD}BBB-CC\u{2060}CC-DDDD-EEEE-FFF2"), "invisible characters go before a text is kept");
        for cut in [
            "AAAABBBB\nCCCCDDD3\nEEEEFFF2",
            "he read AAAABBB2 CCCCDDD3 EEEEFFFF",
            "key AAAA-BBKB-CCC3-DDDD-EEEEFFF2",
            "ＡＡＡＡ－ＢＢＢＢ－ＣＣＣＣ－ＤＤＤＤ－ＥＥＥＥ－ＦＦＦ２",
        ] {
            assert!(looks_like_key(cut), "{cut}");
        }
        for stuck in [
            "SNAAAA-BBB2-CCCC-DDD3-EEEE-FFFF",
            "keyAAAA-BBB2-CCCC-DDD3-EEEE-FFFF.",
            "read AAAABB BB22CC CC33DD DDEEEE",
            "AAA BB2 CCC DD3 EEE FF4 GG5 HHH",
        ] {
            assert!(looks_like_key(stuck), "{stuck}");
        }
        for plain in [
            "reported computer 20261128 as lost",
            "INC0012345 rang 0701234567 twice",
            "said that they have lost their word then",
            "2026 2027 user",
            "/devices/01a20229-70c0-7b84-8ba4-7cabf974be6a",
        ] {
            assert!(!looks_like_key(plain), "{plain}");
        }
        assert!(!looks_like_key("forgot the password after a holiday, called back on the number in the directory"));
    }
}
