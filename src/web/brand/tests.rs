//! Words, colour and alphabets of an organisation, from settings to what pages get.

use std::fs;

use super::*;
use crate::i18n::Alphabet;

fn portal(toml: &str) -> Portal {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyharbor.toml");
    fs::write(&path, toml).unwrap();
    crate::config::Config::read(Some(&path), Some(config::Map::new())).unwrap().portal
}

fn with_alphabets(toml: &str) -> Result<Brand, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alphabets.toml");
    fs::write(&path, toml).unwrap();
    Brand::of(&Portal { spelling_file: Some(path), ..Portal::default() }).map_err(|e| e.to_string())
}

/// A whole alphabet: `A = "x-A"` and so on, but for the characters that are left out.
fn whole(table: &str, but: &str) -> String {
    let words = ('A'..='Z').chain('0'..='9').filter(|c| !but.contains(*c)).map(|c| format!("{c} = \"x-{c}\"\n")).collect::<String>();
    format!("[{table}]\n{words}")
}

#[test]
fn each_language_has_its_words_and_else_those_for_all() {
    let brand = Brand::of(&portal(
        r#"
[portal]
brand = "Acme Keys"
it_phone = "08-465 004 00"
it_hours = "weekdays 8–17"
default_language = "sv"
[portal.texts.sv]
brand = "Acme Nycklar"
it_hours = "vardagar 8–17"
help = "Rum 214."
[portal.texts.nb]
it_phone = "+47 22 00 00 00"
help = "Rom 7."
"#,
    ))
    .unwrap();
    let (en, sv, nb) = (brand.voice(Language::En), brand.voice(Language::Sv), brand.voice(Language::Nb));
    assert_eq!((en.name.as_str(), sv.name.as_str(), nb.name.as_str()), ("Acme Keys", "Acme Nycklar", "Acme Keys"));
    assert_eq!((sv.contact.hours.as_deref(), nb.contact.hours.as_deref()), (Some("vardagar 8–17"), Some("weekdays 8–17")));
    assert_eq!((sv.contact.phone.as_deref(), nb.contact.phone.as_deref()), (Some("08-465 004 00"), Some("+47 22 00 00 00")));
    let help = |voice: &Voice| voice.own.help.as_ref().map(|t| (t.lang, t.text.clone()));
    assert_eq!(help(&nb), Some((Language::Nb, "Rom 7.".into())));
    // English has none of its own: better the portal's language than nothing, and it is marked as that.
    assert_eq!(help(&en), Some((Language::Sv, "Rum 214.".into())));
    assert!(en.own.no_key.is_none() && brand.look.sheet.is_none() && brand.look.logo.is_none());
}

#[test]
fn colour_and_logo_are_files_of_ours_with_a_fixed_type() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logo.svg");
    // The name says one thing, the bytes another: the bytes count.
    fs::write(&path, logo::tests::png_head(320, 64, b"tEXt")).unwrap();
    let settings = Portal { accent: Some("#7A1FA2".into()), logo_file: Some(path.clone()), ..Portal::default() };
    let brand = Brand::of(&settings).unwrap();
    let served = |address: &str| brand.find(address.strip_prefix("/static/").unwrap()).unwrap();
    let sheet = served(brand.look.sheet.as_deref().unwrap());
    let text = String::from_utf8(sheet.bytes.into_owned()).unwrap();
    assert!(text.starts_with(":root{--accent:#7A1FA2;") && text.contains("--on-accent:#FFFFFF;--digit:#7A1FA2}"), "{text}");
    assert_eq!((sheet.mime, text.matches("--accent:").count()), ("text/css; charset=utf-8", 2));
    let logo = brand.look.logo.clone().unwrap();
    assert!(logo.href.starts_with("/static/logo.") && logo.href.ends_with(".png"), "{}", logo.href);
    assert_eq!((served(&logo.href).mime, logo.width, logo.height), ("image/png", 320, 64));
    assert!(brand.find("logo.png").is_none() && brand.find("").is_none());

    let alone = Brand::of(&Portal { logo_dark_file: Some(path), ..Portal::default() }).err().unwrap();
    assert!(alone.to_string().starts_with("portal.logo_dark_file: needs portal.logo_file"), "{alone}");
}

#[test]
fn an_alphabet_of_the_operators_is_whole_or_refused() {
    let brand = with_alphabets(&whole("nb", "")).unwrap();
    assert_eq!(brand.spelling.word(Alphabet::Norwegian, 'Q'), Some("x-Q"));
    assert_eq!(brand.spelling.word(Alphabet::Swedish, 'Q'), Some("Qvintus"), "the others stay");
    for (toml, words) in [
        (whole("icao", "QX07"), "[icao] has no word for Q, X, 0, 7"),
        (whole("de", ""), "[de] is no alphabet; they are icao, sv and nb"),
        (format!("{}\"Å\" = \"Åke\"\n", whole("sv", "")), "[sv] has a word for \"Å\""),
        (format!("{}A = \"x-b\"\n", whole("sv", "A")), "[sv] has the word \"x-B\" twice"),
        (format!("{}A = \" \"\n", whole("sv", "A")), "empty or longer than 40 bytes"),
        (format!("{}A = \"{}\"\n", whole("sv", "A"), "å".repeat(21)), "empty or longer than 40 bytes"),
        ("[sv".to_owned(), "cannot be read"),
        ("sv = 3".to_owned(), "cannot be read"),
    ] {
        let why = with_alphabets(&toml).err().unwrap();
        assert!(why.starts_with("portal.spelling_file: ") && why.contains("alphabets.toml") && why.contains(words), "{why}");
    }
    let none = Brand::of(&Portal { spelling_file: Some("/nowhere/alphabets.toml".into()), ..Portal::default() }).err().unwrap();
    assert!(none.to_string().contains("/nowhere/alphabets.toml cannot be read"), "{none}");
}
