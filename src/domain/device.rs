//! A Mac: its serial number, names, who it belongs to, and how text about it is folded for search.

use unicode_normalization::UnicodeNormalization;

use super::ids::{DeviceId, Timestamp};
use super::integrity::{Canonical, Deciding, MacBytes, RowMac};
use super::recovery_key::looks_like_key;

/// Why a text from outside was refused. The message names the rule, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("must not be empty")]
    Empty,
    #[error("is too long")]
    TooLong,
    #[error("holds a character that is not allowed")]
    BadCharacter,
    #[error("must not begin with =, +, - or @, nor hold quotation marks or angle brackets")]
    NoMac,
    #[error("looks like a recovery key")]
    LooksLikeKey,
}

/// A serial number: upper case, 1–200 printable ASCII characters, no white space at either end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Serial(String);

impl Serial {
    /// Trims, upper-cases, checks.
    ///
    /// # Errors
    /// [`TextError`]: empty, over 200 characters, not printable ASCII, or shaped like a recovery key: a serial number is
    /// kept and shown in clear, and some client will one day swap the two fields.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > 200 {
            return Err(TextError::TooLong);
        }
        if !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            return Err(TextError::BadCharacter);
        }
        if looks_like_key(text) {
            return Err(TextError::LooksLikeKey);
        }
        Ok(Self(text.to_ascii_uppercase()))
    }

    /// The same for one that a device may be made of: what no Mac has is refused besides.
    ///
    /// Apple's own are letters and digits. Virtual ones are wilder, and their keys are worth as much: VMware's look like base64
    /// (`VMqF3+X/9Kz=`), Parallels' have spaces and hyphens, boards without any say `System Serial#` or `To be filled by O.E.M.`.
    /// So nothing is asked of the middle; in doubt a key is kept. Refused is what only somebody would send who aims at those who
    /// read it later: `=`, `+`, `-`, `@` at the beginning (a formula to a spreadsheet), quotation marks and angle brackets (an
    /// attribute or a tag to a page that forgets to escape). What an earlier release has let in stays readable by [`Self::parse`].
    ///
    /// # Errors
    /// [`TextError`].
    pub fn of_a_mac(text: &str) -> Result<Self, TextError> {
        let serial = Self::parse(text)?;
        if serial.0.starts_with(['=', '+', '-', '@']) || serial.0.contains(['"', '\'', '`', '<', '>']) {
            return Err(TextError::NoMac);
        }
        Ok(serial)
    }

    /// Stands where a stored serial number cannot be read; the row it stands in verifies nowhere.
    pub fn unreadable() -> Self {
        Self("?".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Cleans free text that names something (host name, model, user): control and bidi characters go, white space
/// collapses, the result is cut at `max` characters. `None` when nothing is left.
pub fn clean(text: &str, max: usize) -> Option<String> {
    let kept: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control() && !is_format(*c)).collect();
    let joined = kept.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    let cut: String = joined.chars().take(max).collect();
    (!cut.is_empty()).then_some(cut)
}

/// The same for what an agent says besides the key. What looks like a key is dropped: hints are kept and shown in clear,
/// and no hint is worth refusing the deposit that it came with.
pub fn hint(text: &str) -> Option<String> {
    clean(text, 200).filter(|kept| !looks_like_key(kept))
}

/// Bidi controls, zero-width characters, byte-order marks, soft hyphens, fillers, tags: invisible, and able to make text lie.
pub fn is_format(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E01EF}')
}

/// Folds text for search and comparison: NFKC, lower case, no control or format characters, trimmed.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        // As below, the short way.
        let plain: String = text.chars().filter(|c| !c.is_control()).map(|c| c.to_ascii_lowercase()).collect();
        return plain.trim().to_owned();
    }
    fold_any(text)
}

fn fold_any(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).filter(|c| !c.is_control() && !is_format(*c)).collect();
    // Lower-casing can leave a sequence that composes again, hence the second pass.
    folded.nfkc().collect::<String>().trim().to_owned()
}

/// Folds what people confuse when they read a serial number aloud: `O` is `0`, `I` and `L` are `1`.
pub fn fold_lookalikes(serial: &str) -> String {
    fold(serial)
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect()
}

/// Whose Mac it is. A personal one is shown to its owner only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ownership {
    Corporate,
    Personal,
}

impl Ownership {
    pub fn code(self) -> &'static str {
        match self {
            Self::Corporate => "corporate",
            Self::Personal => "personal",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        [Self::Corporate, Self::Personal].into_iter().find(|o| o.code() == code)
    }
}

/// What is known of the key from elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceState {
    /// In use; nothing special is known.
    Managed,
    /// The MDM says a key exists that was never escrowed to us.
    KeyElsewhere,
    /// Left management; its keys stay.
    Unmanaged,
}

impl DeviceState {
    pub fn code(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::KeyElsewhere => "key_elsewhere",
            Self::Unmanaged => "unmanaged",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        [Self::Managed, Self::KeyElsewhere, Self::Unmanaged].into_iter().find(|o| o.code() == code)
    }
}

/// A row of `devices`. Which serial number it stands for, and whose it is, decide: a deposit finds its device by the one, the
/// desk is kept out by the other. Both are under the row MAC, the rest only describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub id: DeviceId,
    pub serial: Serial,
    pub udid: Option<String>,
    /// What people call it, at most 200 characters.
    pub name: Option<String>,
    pub host_name: Option<String>,
    pub model: Option<String>,
    pub os_version: Option<String>,
    pub asset_tag: Option<String>,
    /// Apple's `DeviceKey`: the number the locked Mac shows when it is not the serial number.
    pub device_key: Option<String>,
    /// The user an agent named: a hint for people, never an owner.
    pub user_hint: Option<String>,
    pub ownership: Ownership,
    pub state: DeviceState,
    pub created_at: Timestamp,
    pub last_seen: Option<Timestamp>,
    /// Over id, serial number and ownership; empty until [`Device::signed`].
    pub row_mac: MacBytes,
}

impl Deciding for Device {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("devices").uuid(self.id.0).text(self.serial.as_str()).text(self.ownership.code()).done()
    }
}

impl Device {
    /// A device known by its serial number alone.
    pub fn new(id: DeviceId, serial: Serial, now: Timestamp) -> Self {
        Self {
            id,
            serial,
            udid: None,
            name: None,
            host_name: None,
            model: None,
            os_version: None,
            asset_tag: None,
            device_key: None,
            user_hint: None,
            ownership: Ownership::Corporate,
            state: DeviceState::Managed,
            created_at: now,
            last_seen: None,
            row_mac: MacBytes::new(),
        }
    }

    /// With its MAC, for a row that is about to be written.
    #[must_use]
    pub fn signed(mut self, key: &dyn RowMac) -> Self {
        self.row_mac = key.row_mac(&self.canonical());
        self
    }

    /// Was this row written by us, for this serial number and this ownership?
    pub fn verifies(&self, key: &dyn RowMac) -> bool {
        key.row_mac_ok(&self.canonical(), &self.row_mac)
    }

    /// What a page calls it: name, host name, or the serial number.
    pub fn label(&self) -> &str {
        self.name.as_deref().or(self.host_name.as_deref()).unwrap_or_else(|| self.serial.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_is_trimmed_and_upper_cased() {
        assert_eq!(Serial::parse(" c02abc \n").map(|s| s.as_str().to_owned()), Ok("C02ABC".to_owned()));
        assert_eq!(Serial::parse("  "), Err(TextError::Empty));
        assert_eq!(Serial::parse("C02\0A"), Err(TextError::BadCharacter));
        assert_eq!(Serial::parse(&"A".repeat(201)), Err(TextError::TooLong));
        assert_eq!(Serial::parse("aaaa-bbbb-cccc-dddd-eeee-fff2"), Err(TextError::LooksLikeKey));
    }

    #[test]
    fn what_no_mac_has_is_no_serial_number_and_what_a_virtual_one_has_is() {
        for text in [
            "C02TEST00001",
            "VMqF3+X/9Kz=",
            "Parallels-1A 2B 3C 4D-5E",
            "VMware-56 4d a9",
            "System Serial#",
            "To be filled by O.E.M.",
            "0",
            "(none)",
        ] {
            assert_eq!(Serial::of_a_mac(text), Serial::parse(text), "{text}");
            assert!(Serial::of_a_mac(text).is_ok(), "{text}");
        }
        for text in ["=CMD()", " +1", "-2+3", "@SUM(A1)", "C02\"X", "C02'X", "C02`X", "<b>", "C02>"] {
            assert_eq!(Serial::of_a_mac(text), Err(TextError::NoMac), "{text}");
            assert!(Serial::parse(text).is_ok(), "{text} can still be looked up");
        }
        assert_eq!(Serial::of_a_mac("C02\tX"), Err(TextError::BadCharacter));
    }

    #[test]
    fn folding_joins_variants_and_keeps_domains_apart() {
        assert_eq!(fold("ＡNNA@Acme.Example "), fold("anna@acme.example"));
        assert_ne!(fold("anna@acme.example"), fold("anna@other.example"));
        let ascii: String = (0..128u8).map(char::from).collect();
        for from in 0..ascii.len() {
            let text = ascii.get(from..).unwrap();
            assert_eq!(fold(text), fold_any(text));
        }
        assert_eq!(fold_lookalikes("CO2KHI-DEM0"), fold_lookalikes("c02kh1demo"));
    }

    #[test]
    fn clean_drops_what_could_lie() {
        assert_eq!(clean("Test\u{202E}’s\nMac \u{0}", 200).as_deref(), Some("Test’s Mac"));
        assert_eq!(clean("\u{200B} \n", 200), None);
    }
}
