//! What an organisation makes of the portal: names, ways to reach IT and words of its own per language, logo, colour,
//! alphabets. Made once at start, from the settings and the files they name.

mod logo;

use std::collections::BTreeMap;
use std::path::Path;

use super::assets::{self, Asset};
use super::pages::{Contact, Look, OwnText, OwnTexts, Picture};
use crate::config::{ConfigError, Portal, PortalTexts, Tones};
use crate::i18n::{Language, Spelling};

/// One for all requests.
pub struct Brand {
    voices: Vec<(Language, Voice)>,
    pub look: Look,
    pub spelling: Spelling,
    /// What [`Look`] names, by the name below `/static/`.
    files: Vec<(String, Asset)>,
}

/// What readers of one language are told.
#[derive(Clone, Debug, Default)]
pub struct Voice {
    pub name: String,
    pub contact: Contact,
    pub own: OwnTexts,
}

impl Brand {
    /// # Errors
    /// [`ConfigError::Invalid`] with the setting: a colour in which text cannot be read, a file that cannot be used.
    pub fn of(portal: &Portal) -> Result<Self, ConfigError> {
        let mut brand = Self {
            voices: Language::ALL.into_iter().map(|lang| (lang, voice(portal, lang))).collect(),
            look: Look::default(),
            spelling: spelling(portal)?,
            files: Vec::new(),
        };
        if let Some(palette) = portal.palette()? {
            let text =
                format!(":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n", tones(palette.light), tones(palette.dark));
            brand.look.sheet = Some(brand.serve("brand", "css", "text/css; charset=utf-8", text.into_bytes()));
        }
        if let Some(path) = &portal.logo_file {
            let light = logo::read("portal.logo_file", path)?;
            let (width, height) = (light.width, light.height);
            let href = brand.serve("logo", light.ending, light.mime, light.bytes);
            brand.look.logo = Some(Picture { href, dark: None, width, height });
        }
        if let Some(path) = &portal.logo_dark_file {
            let dark = logo::read("portal.logo_dark_file", path)?;
            let href = brand.serve("logo-dark", dark.ending, dark.mime, dark.bytes);
            let beside = || ConfigError::Invalid { name: "portal.logo_dark_file", why: "needs portal.logo_file beside it".into() };
            brand.look.logo.as_mut().ok_or_else(beside)?.dark = Some(href);
        }
        Ok(brand)
    }

    pub fn voice(&self, lang: Language) -> Voice {
        self.voices.iter().find(|(l, _)| *l == lang).map(|(_, voice)| voice.clone()).unwrap_or_default()
    }

    /// What stands behind `/static/{name}`, when it is one of the brand's.
    pub fn find(&self, name: &str) -> Option<Asset> {
        self.files.iter().find(|(n, _)| n == name).map(|(_, file)| file.clone())
    }

    /// Keeps a file under a name that changes with its content; returns its address.
    fn serve(&mut self, stem: &str, ending: &str, mime: &'static str, bytes: Vec<u8>) -> String {
        let name = assets::hashed(stem, ending, &bytes);
        let address = format!("{}{name}", assets::PREFIX);
        self.files.push((name, Asset { bytes: bytes.into(), mime }));
        address
    }
}

/// In the place of the tokens of the same names.
fn tones(tones: Tones) -> String {
    let Tones { accent, hover, on_accent } = tones;
    format!("--accent:{accent};--accent-h:{hover};--on-accent:{on_accent};--digit:{accent}")
}

fn voice(portal: &Portal, lang: Language) -> Voice {
    let none = PortalTexts::default();
    let said = portal.texts.get(lang.code()).unwrap_or(&none);
    let first = |own: &Option<String>, all: &Option<String>| own.clone().or_else(|| all.clone());
    // A text that this language lacks is better read in another than not at all.
    let spare = Language::parse(&portal.default_language).unwrap_or_default();
    let text = |of: fn(&PortalTexts) -> &Option<String>| {
        let written = |lang: Language| portal.texts.get(lang.code()).and_then(|t| of(t).clone()).map(|text| OwnText { lang, text });
        written(lang).or_else(|| written(spare))
    };
    Voice {
        name: said.brand.clone().unwrap_or_else(|| portal.brand.clone()),
        contact: Contact {
            phone: first(&said.it_phone, &portal.it_phone),
            email: first(&said.it_email, &portal.it_email),
            hours: first(&said.it_hours, &portal.it_hours),
        },
        own: OwnTexts { help: text(|t| &t.help), not_listed: text(|t| &t.not_listed), no_key: text(|t| &t.no_key) },
    }
}

fn spelling(portal: &Portal) -> Result<Spelling, ConfigError> {
    let mut spelling = Spelling::default();
    if let Some(path) = &portal.spelling_file {
        let refuse = |why: String| ConfigError::Invalid { name: "portal.spelling_file", why: format!("{} {why}", path.display()) };
        spelling.replace(&tables(path).map_err(|e| refuse(format!("cannot be read: {}", first_line(&e))))?).map_err(refuse)?;
    }
    Ok(spelling)
}

fn tables(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, String>>, config::ConfigError> {
    let source = config::File::from(path).format(config::FileFormat::Toml);
    config::Config::builder().add_source(source).build()?.try_deserialize()
}

/// The reader's errors draw the place below their first line.
fn first_line(e: &config::ConfigError) -> String {
    e.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
