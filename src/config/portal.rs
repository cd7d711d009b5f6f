//! Checks of what an organisation makes of the portal: its words and its colour. The files that settings name are read
//! where they are used.

use super::colour::{Colour, Palette};
use super::{ConfigError, Portal, PortalTexts, invalid};

/// Codes of the languages that the pages are written in.
const LANGUAGES: [&str; 3] = ["en", "sv", "nb"];

const LONGEST_LINE: usize = 120;
const LONGEST_TEXT: usize = 2000;

impl Portal {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !LANGUAGES.contains(&self.default_language.as_str()) {
            return Err(invalid("portal.default_language", "must be \"en\", \"sv\" or \"nb\""));
        }
        line("portal.brand", "", Some(&self.brand))?;
        line("portal.organisation", "", self.organisation.as_deref())?;
        line("portal.it_phone", "", self.it_phone.as_deref())?;
        line("portal.it_email", "", self.it_email.as_deref())?;
        line("portal.it_hours", "", self.it_hours.as_deref())?;
        for (code, texts) in &self.texts {
            if !LANGUAGES.contains(&code.as_str()) {
                return Err(invalid("portal.texts", format!("\"{code}\" is no language of the pages; they are en, sv and nb")));
            }
            texts.check(code)?;
        }
        self.palette().map(|_| ())
    }

    /// The brand's colour in both schemes; `None`: ours.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]: not a colour, or one in which text cannot be read, with the contrast that was measured.
    pub fn palette(&self) -> Result<Option<Palette>, ConfigError> {
        let colour = |name, text: &Option<String>| {
            let not_one = || invalid(name, "is not a colour such as \"#0A5A61\"");
            text.as_deref().map(|t| Colour::parse(t).ok_or_else(not_one)).transpose()
        };
        let dark = colour("portal.accent_dark", &self.accent_dark)?;
        let Some(light) = colour("portal.accent", &self.accent)? else {
            return if dark.is_some() { Err(invalid("portal.accent_dark", "needs portal.accent beside it")) } else { Ok(None) };
        };
        Palette::of(light, dark).map(Some).map_err(|(name, why)| invalid(name, why))
    }
}

impl PortalTexts {
    fn check(&self, code: &str) -> Result<(), ConfigError> {
        let lines = [("brand", &self.brand), ("it_phone", &self.it_phone), ("it_email", &self.it_email), ("it_hours", &self.it_hours)];
        for (field, value) in lines {
            line("portal.texts", &format!("{code}.{field} "), value.as_deref())?;
        }
        for (field, value) in [("help", &self.help), ("not_listed", &self.not_listed), ("no_key", &self.no_key)] {
            let Some(value) = value else { continue };
            let fits = (1..=LONGEST_TEXT).contains(&value.trim().chars().count());
            if !fits || value.chars().any(|c| c.is_control() && c != '\n') {
                let why = format!("{code}.{field} must be plain text of 1 to {LONGEST_TEXT} characters, without control characters");
                return Err(invalid("portal.texts", why));
            }
        }
        Ok(())
    }
}

/// What stands in one line of a page.
fn line(name: &'static str, field: &str, value: Option<&str>) -> Result<(), ConfigError> {
    let Some(value) = value else { return Ok(()) };
    if !(1..=LONGEST_LINE).contains(&value.trim().chars().count()) || value.chars().any(char::is_control) {
        return Err(invalid(name, format!("{field}must be one line of 1 to {LONGEST_LINE} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn with(toml: &str) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyharbor.toml");
        let start = "[server]\npublic_url = \"https://keys.example.com\"\n[oidc]\nissuer = \"https://id.example.com\"\nclient_id = \"k\"\n";
        std::fs::write(&path, format!("{start}{toml}")).unwrap();
        Config::read(Some(&path), Some(config::Map::new())).and_then(|c| c.check()).map_err(|e| e.to_string())
    }

    #[test]
    fn words_are_given_per_language() {
        let good = "[portal]\nbrand = \"Acme Keys\"\naccent = \"#0a5a61\"\n[portal.texts.sv]\nbrand = \"Acme Nycklar\"\nhelp = \"\"\"\nEn rad.\n\nEn till <b>.\"\"\"\n[portal.texts.nb]\nit_phone = \"+47 22 00 00 00\"\n";
        assert_eq!(with(good), Ok(()));
        for (toml, words) in [
            ("[portal.texts.fr]\nhelp = \"x\"", ["portal.texts", "\"fr\"", "en, sv and nb"]),
            ("[portal.texts.sv]\nhelp = \" \"", ["portal.texts", "sv.help", "1 to 2000"]),
            ("[portal.texts.sv]\nhelp = \"a\\u0007\"", ["portal.texts", "sv.help", "control"]),
            ("[portal.texts.sv]\nit_hours = \"a\\nb\"", ["portal.texts", "sv.it_hours", "one line"]),
            ("[portal.texts.sv]\nhepl = \"x\"", ["hepl", "", ""]),
            ("[portal]\nbrand = \"\"", ["portal.brand", "one line", ""]),
            ("[portal]\naccent = \"teal\"", ["portal.accent", "is not a colour", "#0A5A61"]),
            ("[portal]\naccent = \"#FFCC00\"", ["portal.accent", "#FFCC00 has a contrast of 1.3", "4.5"]),
            ("[portal]\naccent_dark = \"#63CBD1\"", ["portal.accent_dark", "needs portal.accent", ""]),
            ("[portal]\ndefault_language = \"de\"", ["portal.default_language", "nb", ""]),
        ] {
            let why = with(toml).unwrap_err();
            assert!(words.iter().all(|w| why.contains(w)), "{toml}: {why}");
        }
        assert!(with(&format!("[portal.texts.sv]\nhelp = \"{}\"", "å".repeat(2001))).is_err());
        assert_eq!(with(&format!("[portal.texts.sv]\nhelp = \"{}\"", "å".repeat(2000))), Ok(()));
    }
}
