//! The colour of a brand: whether text in it can be read on our backgrounds, as WCAG 2.2 defines contrast, and the tones
//! that go with it. A colour that cannot be read is refused with what was measured.

use std::fmt;

/// What text needs at the least (WCAG 2.2, 1.4.3).
const ENOUGH: f64 = 4.5;

/// A colour of sRGB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour([u8; 3]);

const WHITE: Colour = Colour([255, 255, 255]);
const BLACK: Colour = Colour([0, 0, 0]);

/// One of the two schemes of the pages. The backgrounds are those of `static/app.css`; a test holds them together.
pub struct Scheme {
    pub name: &'static str,
    /// What text in the accent colour stands on: page, surface, plate.
    pub backgrounds: [Colour; 3],
    /// Text on the accent colour is one of these two.
    inks: [Colour; 2],
    /// Mixed into a colour, it stands out more.
    further: Colour,
}

pub const LIGHT: Scheme = Scheme {
    name: "light",
    backgrounds: [Colour([0xF7, 0xF8, 0xF7]), WHITE, Colour([0xED, 0xF4, 0xF3])],
    inks: [WHITE, Colour([0x14, 0x21, 0x2B])],
    further: BLACK,
};

pub const DARK: Scheme = Scheme {
    name: "dark",
    backgrounds: [Colour([0x0E, 0x14, 0x17]), Colour([0x16, 0x1E, 0x23]), Colour([0x1B, 0x27, 0x2B])],
    inks: [Colour([0x0E, 0x14, 0x17]), WHITE],
    further: WHITE,
};

/// What one scheme of the pages gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tones {
    /// Links, the primary button, the digits of a key.
    pub accent: Colour,
    /// The same under the pointer.
    pub hover: Colour,
    /// Text on either.
    pub on_accent: Colour,
}

/// A brand's colour in both schemes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Palette {
    pub light: Tones,
    pub dark: Tones,
}

impl Colour {
    /// `#0A5A61`; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// Relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        let [red, green, blue] = linear;
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// From 1 (the same) to 21 (black on white).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// So many hundredths of the other colour, the rest of this one.
    fn mixed(self, other: Self, hundredths: u16) -> Self {
        let mut out = self;
        for (channel, target) in out.0.iter_mut().zip(other.0) {
            let sum = u16::from(*channel) * (100 - hundredths.min(100)) + u16::from(target) * hundredths.min(100);
            *channel = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        out
    }

    /// Where it can be read worst.
    fn weakest(self, scheme: &Scheme) -> f64 {
        scheme.backgrounds.iter().map(|b| self.contrast(*b)).fold(f64::INFINITY, f64::min)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02X}{green:02X}{blue:02X}")
    }
}

impl Tones {
    /// # Errors
    /// What was measured, when text in this colour cannot be read in this scheme.
    fn of(accent: Colour, scheme: &Scheme) -> Result<Self, String> {
        let measured = accent.weakest(scheme);
        if measured < ENOUGH {
            // Rounded down: 4.499 is not 4.5.
            let shown = (measured * 100.0).floor() / 100.0;
            let name = scheme.name;
            return Err(format!("{accent} has a contrast of {shown:.2} on the {name} backgrounds; text needs {ENOUGH} or more"));
        }
        let best = |a: Colour, b: Colour| if accent.contrast(a) >= accent.contrast(b) { a } else { b };
        let [first, second] = scheme.inks;
        Ok(Self { accent, hover: accent.mixed(scheme.further, 25), on_accent: best(first, second) })
    }
}

impl Palette {
    /// From the setting for the light scheme, and that for the dark one. Without the latter the light colour is made
    /// brighter until it can be read in the dark.
    ///
    /// # Errors
    /// The setting and what is wrong with it.
    pub fn of(light: Colour, dark: Option<Colour>) -> Result<Self, (&'static str, String)> {
        let brighter = || (0..=100).step_by(5).map(|n| light.mixed(WHITE, n)).find(|c| c.weakest(&DARK) >= ENOUGH).unwrap_or(WHITE);
        Ok(Self {
            light: Tones::of(light, &LIGHT).map_err(|why| ("portal.accent", why))?,
            dark: Tones::of(dark.unwrap_or_else(brighter), &DARK).map_err(|why| ("portal.accent_dark", why))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).unwrap()
    }

    #[test]
    fn contrast_is_what_the_formula_says() {
        // The pairs of the design's own table.
        for (a, b, want) in
            [("#000000", "#FFFFFF", 21.0), ("#0A5A61", "#FFFFFF", 7.93), ("#63CBD1", "#161E23", 8.84), ("#777777", "#FFFFFF", 4.47)]
        {
            let measured = colour(a).contrast(colour(b));
            assert!(
                (measured - want).abs() < 0.01 && (measured - colour(b).contrast(colour(a))).abs() < f64::EPSILON,
                "{a} {b} {measured}"
            );
        }
        for bad in ["0A5A61", "#0A5A6", "#0A5A611", "#0A5A6G", "#+A5A61", "teal", "", "#å5A61"] {
            assert!(Colour::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(colour("#0a5a61").to_string(), "#0A5A61");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_was_measured() {
        let (name, why) = Palette::of(colour("#E2001A").mixed(WHITE, 20), None).unwrap_err();
        assert_eq!(name, "portal.accent");
        assert!(why.contains("has a contrast of 3.") && why.contains("light backgrounds") && why.contains("4.5"), "{why}");
        let (name, why) = Palette::of(colour("#0A5A61"), Some(colour("#0A5A61"))).unwrap_err();
        assert!(name == "portal.accent_dark" && why.contains("dark backgrounds"), "{name} {why}");
    }

    /// Every colour that is taken can be read in every place it stands in, and so can the text on it.
    #[test]
    fn whatever_is_taken_can_be_read() {
        let (mut taken, mut refused) = (0, 0);
        let steps = || (0..=255u8).step_by(17);
        for accent in steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| Colour([r, g, b])))) {
            let Ok(palette) = Palette::of(accent, None) else {
                refused += 1;
                continue;
            };
            taken += 1;
            for (tones, scheme) in [(palette.light, LIGHT), (palette.dark, DARK)] {
                for background in scheme.backgrounds {
                    assert!(tones.accent.contrast(background) >= ENOUGH && tones.hover.contrast(background) >= ENOUGH, "{accent}");
                }
                assert!(tones.on_accent.contrast(tones.accent) >= ENOUGH && tones.on_accent.contrast(tones.hover) >= ENOUGH, "{accent}");
            }
        }
        assert!(taken > 500 && refused > 500, "{taken} {refused}");
    }

    #[test]
    fn the_backgrounds_are_those_of_the_style_sheet() {
        let css = std::fs::read_dir("static").unwrap().map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "css"));
        let text: String = css.map(|p| std::fs::read_to_string(p).unwrap()).collect();
        for scheme in [LIGHT, DARK] {
            let [page, surface, plate] = scheme.backgrounds;
            let line = format!("--bg: {page}; --surface: {surface}; --plate: {plate};");
            assert!(text.contains(&line), "{line}");
        }
    }
}
