//! What an organisation makes of the portal, over the real routes: words per language as plain text, logo and colour as files
//! of ours, the reader's alphabet.

use actix_web::http::StatusCode;
use keyharbor::config::PortalTexts;

use crate::process::Home;
use crate::world::{KEY, MAC, World};

/// A PNG of 64 × 64, as far as anybody reads it, with a script behind its pixels.
fn picture() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x40\0\0\0\x40\x08\x06\0\0\0....\0\0\0\0IDAT".to_vec();
    out.extend(b"<html><script>alert(1)</script>");
    out
}

fn texts(mark: &str) -> PortalTexts {
    let say = |what: &str| Some(format!("{mark} {what} <script>alert(1)</script> & \"more\"\n\nSecond **paragraph**"));
    PortalTexts {
        help: say("help"),
        not_listed: say("not listed"),
        no_key: say("no key"),
        it_hours: Some(format!("{mark} 8–17")),
        ..PortalTexts::default()
    }
}

/// The address behind `attribute="/static/{stem}.…"`.
fn address(html: &str, attribute: &str, stem: &str) -> String {
    let start = format!("{attribute}=\"/static/{stem}.");
    let (_, rest) = html.split_once(&start).unwrap_or_else(|| panic!("{start} in {html}"));
    format!("/static/{stem}.{}", rest.split('"').next().unwrap())
}

#[actix_web::test]
async fn words_of_the_organisation_stand_where_they_help_and_are_text() {
    let world = World::with(|c| {
        c.portal.texts = [("en".to_owned(), texts("English")), ("sv".to_owned(), texts("Svenska"))].into();
    })
    .await;
    let mut astrid = world.signed_in("astrid").await;
    // An empty list says it too, and whose account was looked at.
    let empty = astrid.get("/devices").await.text;
    assert!(empty.contains("English not listed") && empty.contains("You are signed in as astrid"), "{empty}");
    world.own(MAC, "astrid").await;
    let device = world.device_id(MAC).await;
    for (address, what) in
        [("/help", "help"), ("/help/sign-in", "help"), ("/help/not-listed", "not listed"), (&format!("/devices/{device}"), "no key")]
    {
        let page = astrid.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert!(page.text.contains(&format!("<p>English {what} &#60;script&#62;")), "{address}: {}", page.text);
        assert!(page.text.contains("<p>Second **paragraph**</p>") && page.text.contains("English 8–17"), "{address}");
        assert!(!page.text.contains("<script>alert"), "{address}");
    }
    // Another language has its own; one without falls back to the portal's, marked as that.
    astrid.get("/language/sv").await;
    assert!(astrid.get("/help").await.text.contains("<p>Svenska help"));
    astrid.get("/language/nb").await;
    let page = astrid.get("/help").await.text;
    assert!(page.contains(r#"<html lang="nb">"#) && page.contains(r#"<div lang="en"><p>English help"#), "{page}");
}

#[actix_web::test]
async fn logo_and_colour_are_served_as_what_they_are_and_as_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    // A name that lies changes nothing.
    let path = dir.path().join("logo.html");
    std::fs::write(&path, picture()).unwrap();
    let world = World::with(|c| {
        c.portal.accent = Some("#7A1FA2".into());
        c.portal.logo_file = Some(path.clone());
        c.portal.logo_dark_file = Some(path);
    })
    .await;
    let mut browser = world.browser();
    let page = browser.get("/").await;
    assert!(!page.text.contains("style=") && !page.text.contains("<svg class=\"mark\""), "{}", page.text);
    let light = address(&page.text, "src", "logo");
    for (file, mime) in [
        (light.as_str(), "image/png"),
        (&address(&page.text, "srcset", "logo-dark"), "image/png"),
        (&address(&page.text, "href", "brand"), "text/css; charset=utf-8"),
    ] {
        let answer = browser.get(file).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, Some(mime)), "{file}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{file}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
        assert!(answer.header("content-security-policy").is_some_and(|p| p.starts_with("default-src 'none'")), "{file}");
    }
    // Ours comes first, so that the brand's colours count.
    assert!(page.text.find("/static/app.").unwrap() < page.text.find("/static/brand.").unwrap());
    let guessed = browser.get(&light.replace(".png", ".html")).await;
    assert_eq!(guessed.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_key_is_spelled_as_the_reader_likes() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = astrid.reveal(&device).await.location().to_owned();
    let spelled = |text: &str| {
        let list = text.split_once("<details class=\"secret\"").unwrap().1.split_once("</details>").unwrap().0.to_owned();
        // All of it, with the links that choose, goes when the key goes.
        assert_eq!(list.matches("?spell=").count(), 3, "{list}");
        list
    };
    let first = spelled(&astrid.get(&grant).await.text);
    let international = first.contains("lang=\"en\"");
    assert!(international && !first.starts_with(" open"), "{first}");
    let answer = astrid.get(&format!("{grant}?spell=nb")).await;
    let line = answer.header("set-cookie").unwrap().to_owned();
    assert!(
        line.starts_with("__Host-keyharbor-spelling=nb; ")
            && line.contains("HttpOnly")
            && line.contains("Secure")
            && !line.contains("Domain"),
        "{line}"
    );
    let chosen = spelled(&answer.text);
    assert!(
        chosen.starts_with(" open") && chosen.contains("lang=\"nb\"") && chosen.contains(r#"?spell=nb#spell" aria-current="true""#),
        "{chosen}"
    );
    // Kept for the next key, closed as before; the language of the page changes nothing any more.
    astrid.get("/language/sv").await;
    let kept = spelled(&astrid.get(&grant).await.text);
    assert!(kept.contains("lang=\"nb\"") && !kept.starts_with(" open"), "{kept}");
    // Both choices in one address are both kept.
    let both = astrid.get(&format!("{grant}?text=large&spell=icao")).await;
    assert_eq!(both.headers.get_all("set-cookie").count(), 2);
    let odd = astrid.get(&format!("{grant}?spell=klingon")).await;
    assert!(odd.header("set-cookie").is_none() && odd.key().as_deref() == Some(KEY));
}

#[actix_web::test]
async fn each_language_begins_with_its_own_alphabet() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = astrid.reveal(&device).await.location().to_owned();
    for (language, words) in [("en", "en"), ("sv", "sv"), ("nb", "nb")] {
        astrid.get(&format!("/language/{language}")).await;
        let page = astrid.get(&grant).await.text;
        assert!(page.contains(&format!("<span translate=\"no\" lang=\"{words}\">")), "{language}: {page}");
    }
}

#[test]
fn what_cannot_be_read_or_served_is_refused_at_start_with_what_is_wrong() {
    let home = Home::ready("http://127.0.0.1:9/nobody");
    let text = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(home.path(name), bytes).unwrap();
        home.path(name).display().to_string()
    };
    let (svg, half) = (file("logo.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), file("half.toml", b"[sv]\nA = \"Adam\"\n"));
    for (setting, named) in [
        ("accent = '#8FD3D6'".to_owned(), "portal.accent: #8FD3D6 has a contrast of 1."),
        (format!("logo_file = '{svg}'"), "is neither PNG nor WebP (SVG is not taken"),
        (format!("spelling_file = '{half}'"), "[sv] has no word for B, C, D"),
        ("texts.fr.help = 'x'".to_owned(), "portal.texts: \"fr\" is no language"),
    ] {
        home.settings(&format!("{text}[portal]\n{setting}\n"));
        home.run(&["config", "check"]).fails(named);
        home.refuses(&["serve"], named);
    }
    let (good, whole) = (file("logo.html", &picture()), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".chars());
    let table = format!("[nb]\n{}", whole.map(|c| format!("{c} = \"Ord-{c}\"\n")).collect::<String>());
    let whole = file("whole.toml", table.as_bytes());
    home.settings(&format!(
        "{text}[portal]\naccent = '#7A1FA2'\nlogo_file = '{good}'\nspelling_file = '{whole}'\ntexts.sv.help = 'Rum 214'\n"
    ));
    home.run(&["config", "check"]).ok();
    drop(home.serve());
}
