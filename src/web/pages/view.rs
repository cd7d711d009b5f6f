//! Small pieces that several pages show: the state of a key, the facts about a Mac, its silhouette.

use super::Page;
use crate::i18n::Moment;

/// A state as a shape, a word and a colour: never the colour alone.
#[derive(Clone, Debug)]
pub struct Tag {
    /// `ok`, `warn`, `bad` or `off`.
    pub class: &'static str,
    pub glyph: &'static str,
    pub text: String,
}

/// A piece of a sentence: words, or a time.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub text: String,
    pub time: Option<Moment>,
}

/// What the portal can do for a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    Available,
    /// The key was shown and a new one is expected.
    Replacing,
    NoKey,
    /// The device left management; its keys stay.
    Unmanaged,
}

impl KeyState {
    pub fn tag(&self, page: &Page) -> Tag {
        let (class, glyph, key) = match self {
            Self::Available => ("ok", "●", "state-available"),
            Self::Replacing => ("warn", "▲", "state-replacing"),
            Self::NoKey => ("bad", "✕", "state-none"),
            Self::Unmanaged => ("off", "–", "state-unmanaged"),
        };
        Tag { class, glyph, text: page.t(key) }
    }
}

/// The outline drawn beside a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Laptop,
    Display,
    Box,
}

impl Shape {
    /// From a model name or identifier; a laptop when nothing else fits.
    pub fn of(model: Option<&str>) -> Self {
        let model = model.unwrap_or_default().to_ascii_lowercase();
        match model {
            m if m.contains("imac") && !m.contains("macbook") => Self::Display,
            m if ["mini", "studio", "mac pro", "macpro"].iter().any(|word| m.contains(word)) => Self::Box,
            _ => Self::Laptop,
        }
    }

    pub fn is_display(self) -> bool {
        self == Self::Display
    }

    pub fn is_box(self) -> bool {
        self == Self::Box
    }
}

/// What is known of a Mac. What is `None` is left out.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub model: Option<String>,
    pub os_version: Option<String>,
    pub host_name: Option<String>,
    pub asset_tag: Option<String>,
    /// From [`crate::i18n::Formats::relative`].
    pub last_seen: Option<Moment>,
    /// From [`crate::i18n::Formats::date`].
    pub key_received: Option<Moment>,
}
