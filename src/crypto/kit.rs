//! The recovery kit: the root key on paper, in a form that a person can type back.
//!
//! Four lines of four groups, each line with a checksum of its own, so that a slip of the pen or the finger is named by its
//! line. The form is frozen: a kit printed today is read by every later release.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::keyring::RingError;
use super::root::RootKey;
use crate::domain::hex;

pub const LINES: usize = 4;
/// Hexadecimal digits of the key on a line; four more are its checksum.
const DIGITS: usize = 16;
const SUM: usize = 4;

/// What is wrong with a typed line. Never holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("{0} characters; there must be {needed}, without the number of the line", needed = DIGITS + SUM)]
    Length(usize),
    #[error("character {0} is none of 0–9 and a–f")]
    Character(usize),
    #[error("this is line {0}")]
    OtherLine(usize),
    #[error("its checksum does not fit: one of its characters is wrong")]
    Checksum,
}

/// The kit's lines, without their numbers: `4f2a 91c3 07de 55b1  7a3c`.
pub fn lines(root: &RootKey) -> Vec<Zeroizing<String>> {
    let text = root.text();
    let digits = text.get(text.len() - LINES * DIGITS..).unwrap_or_default();
    (1..=LINES)
        .map(|number| {
            let part = digits.get((number - 1) * DIGITS..number * DIGITS).unwrap_or_default();
            let mut line = Zeroizing::new(String::with_capacity(DIGITS + SUM + 5));
            for (at, c) in part.chars().enumerate() {
                if at > 0 && at % 4 == 0 {
                    line.push(' ');
                }
                line.push(c);
            }
            line.push_str("  ");
            line.push_str(&checksum(number, part));
            line
        })
        .collect()
}

/// Reads one line as it was typed: any case, blanks and hyphens wherever they are; O and I are taken for 0 and 1.
///
/// # Errors
/// [`LineError`].
pub fn parse_line(number: usize, typed: &str) -> Result<Zeroizing<String>, LineError> {
    let mut digits = Zeroizing::new(String::with_capacity(typed.len()));
    for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        match c.to_ascii_lowercase() {
            'o' => digits.push('0'),
            'i' | 'l' => digits.push('1'),
            c if c.is_ascii_hexdigit() => digits.push(c),
            _ => return Err(LineError::Character(digits.len() + 1)),
        }
    }
    if digits.len() != DIGITS + SUM {
        return Err(LineError::Length(digits.len()));
    }
    let (part, sum) = digits.split_at(DIGITS);
    let fits = |number| checksum(number, part) == sum;
    match (1..=LINES).find(|n| fits(*n)) {
        Some(n) if n == number => Ok(Zeroizing::new(part.to_owned())),
        Some(other) => Err(LineError::OtherLine(other)),
        None => Err(LineError::Checksum),
    }
}

/// The root key of four parsed lines.
///
/// # Errors
/// [`RingError::RootKeyForm`]: not four lines.
pub fn assemble(lines: &[Zeroizing<String>]) -> Result<RootKey, RingError> {
    let mut text = Zeroizing::new(String::with_capacity(8 + LINES * DIGITS));
    text.push_str("khroot1_");
    for line in lines {
        text.push_str(line);
    }
    RootKey::parse(&text)
}

fn checksum(number: usize, part: &str) -> String {
    let digest = Sha256::new_with_prefix(format!("keyharbor/v1/recovery-kit/{number}/")).chain_update(part).finalize();
    hex(digest.iter().take(SUM / 2).copied().collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(digits: &str) -> RootKey {
        RootKey::parse(&format!("khroot1_{digits}")).unwrap()
    }

    /// Typed here once: a kit of the first release that prints them.
    const PRINTED: [&str; 4] =
        ["0123 4567 89ab cdef  35de", "0123 4567 89ab cdef  e4c6", "0123 4567 89ab cdef  8136", "0123 4567 89ab cdef  b0cf"];

    #[test]
    fn s55_a_kit_of_the_first_release_is_read_for_ever() {
        let root = key(&"0123456789abcdef".repeat(4));
        let printed: Vec<String> = lines(&root).iter().map(|l| l.to_string()).collect();
        assert_eq!(printed, PRINTED);
        let typed: Vec<_> = PRINTED.iter().enumerate().map(|(at, line)| parse_line(at + 1, line).unwrap()).collect();
        assert!(assemble(&typed).unwrap().text() == root.text());
        assert!(assemble(&typed[..3]).is_err());
    }

    #[test]
    fn a_slip_is_named_and_not_repeated() {
        let root = key(&"0123456789abcdef".repeat(4));
        let line = lines(&root).remove(1).to_string();
        let easy = line.to_uppercase().replace('0', "O").replace('1', "l").replace(' ', "-");
        assert!(parse_line(2, &easy).is_ok(), "{easy}");
        assert_eq!(parse_line(3, &line).err(), Some(LineError::OtherLine(2)));
        assert_eq!(parse_line(2, &line.replacen('4', "5", 1)).err(), Some(LineError::Checksum));
        assert_eq!(parse_line(2, &line.replacen("45", "54", 1)).err(), Some(LineError::Checksum), "swapped");
        assert_eq!(parse_line(2, &line.replacen('4', "x", 1)).err(), Some(LineError::Character(5)));
        assert_eq!(parse_line(2, "0123").err(), Some(LineError::Length(4)));
        assert_eq!(parse_line(2, "").err(), Some(LineError::Length(0)));
    }

    proptest! {
        #[test]
        fn every_key_comes_back_and_no_text_panics(digits in "[0-9a-f]{64}", text in ".{0,40}", at in 0usize..4) {
            let root = key(&digits);
            let typed: Vec<_> = lines(&root).iter().enumerate().map(|(at, line)| parse_line(at + 1, line).unwrap()).collect();
            prop_assert!(assemble(&typed).unwrap().text() == root.text());
            let _ = parse_line(at, &text);
        }
    }
}
