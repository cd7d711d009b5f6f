//! Every template, in every language: what must stand in it, and what must not.

use std::collections::BTreeSet;
use std::fs;

use askama::Template;

use super::samples::{KEY, SERIAL, Sample, World};
use super::*;
use crate::domain::reveal::Basis;
use crate::domain::{EventKind, Trust};
use crate::service::forms::Reason;

fn worlds() -> impl Iterator<Item = World<'static>> {
    Language::ALL
        .into_iter()
        .map(|lang| World { lang, device: if lang == Language::Sv { "Annas MacBook Pro" } else { "Anna's MacBook Pro" } })
}

fn every(check: impl Fn(Language, &Sample)) {
    for world in worlds() {
        for sample in world.all() {
            check(world.lang, &sample);
        }
    }
}

/// The tags of a page, without the text between them.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|part| part.split_once('>').map(|(tag, _)| tag)).collect()
}

/// The tags of a page with their attributes' values taken out.
fn skeleton(html: &str) -> Vec<String> {
    tags(html).into_iter().map(|tag| tag.split('"').step_by(2).collect()).collect()
}

fn title(html: &str) -> &str {
    html.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(t, _)| t).unwrap()
}

#[test]
fn every_template_has_a_sample() {
    let templates: BTreeSet<String> = fs::read_dir("templates").unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    let used: BTreeSet<String> = ["admin", "admin_connect", "admin_lists", "desk", "devices", "errors", "help", "reveal", "start", "trail"]
        .iter()
        .flat_map(|room| {
            let text = fs::read_to_string(format!("src/web/pages/{room}.rs")).unwrap();
            text.split("path = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    // The API's reference is no page of the portal: its own tests render it.
    let frame = ["base.html", "parts.html", "reference.css", "reference.html", "text"].map(str::to_owned).into();
    assert_eq!(templates.difference(&frame).cloned().collect::<BTreeSet<_>>(), used);
    assert_eq!(used.len(), 27);
}

#[test]
fn pages_are_whole_and_in_their_language() {
    every(|lang, sample| {
        let html = &sample.html;
        assert!(html.starts_with("<!doctype html>\n<html lang=\""), "{}", sample.name);
        assert!(html.contains(&format!("<html lang=\"{}\">", lang.code())), "{}", sample.name);
        assert_eq!(html.matches("<h1").count(), 1, "{}", sample.name);
        assert_eq!(html.matches("<main").count(), 1, "{}", sample.name);
        assert!(html.contains("08-465 004 00") && html.contains("tel:0846500400"), "{}: contact", sample.name);
        assert!(!title(html).starts_with(" –"), "{}: {}", sample.name, title(html));
        for link in ["/language/en?return_to=%2Fdevices%3Fa%3D1%26b%3D%C3%A5", "/language/sv?return_to=", "/language/nb?return_to="] {
            assert!(html.contains(link), "{}: {link}", sample.name);
        }
    });
}

#[test]
fn nothing_runs_inline() {
    every(|_, sample| {
        for tag in tags(&sample.html) {
            let lower = tag.to_ascii_lowercase();
            assert!(!lower.contains(" style=") && !lower.contains("javascript:") && !lower.contains("data:"), "{}: {tag}", sample.name);
            assert!(lower != "style", "{}", sample.name);
            assert!(
                !lower.starts_with("script") || ["key", "admin"].iter().any(|name| lower.contains(&format!("src=\"/static/{name}."))),
                "{}: {tag}",
                sample.name
            );
            assert!(!lower.split_whitespace().any(|word| word.starts_with("on") && word.contains('=')), "{}: {tag}", sample.name);
        }
        let resources = sample.html.split("href=\"/static/").skip(1).chain(sample.html.split("src=\"/static/").skip(1));
        for name in resources.map(|rest| rest.split('"').next().unwrap()) {
            assert!(assets::find(name).is_some(), "{}: {name}", sample.name);
        }
    });
}

#[test]
fn every_form_that_changes_something_is_a_post_with_the_token() {
    every(|_, sample| {
        for form in sample.html.split("<form ").skip(1).map(|rest| rest.split("</form>").next().unwrap()) {
            let search = ["/desk", "/trail"].iter().any(|at| form.starts_with(&format!("method=\"get\" action=\"{at}\"")));
            let post = form.contains("method=\"post\"") && form.contains("name=\"csrf\" value=\"csrf-token-of-the-session\"");
            assert!(search != post, "{}: {form}", sample.name);
        }
    });
}

#[test]
fn the_key_stands_in_marked_places_only() {
    let groups: Vec<&str> = KEY.split('-').collect();
    every(|_, sample| {
        let title = title(&sample.html);
        assert!(!title.contains(SERIAL) && groups.iter().all(|g| !title.contains(g)), "{}: {title}", sample.name);
        for tag in tags(&sample.html) {
            assert!(groups.iter().all(|g| !tag.contains(g)), "{}: a key in an attribute: {tag}", sample.name);
        }
        assert_eq!(sample.html.contains("class=\"key secret\""), sample.holds_key, "{}", sample.name);
        assert_eq!(sample.html.contains("ORXJ"), sample.holds_key, "{}", sample.name);
        if sample.holds_key {
            // Without the three marked pieces nothing of the key is left.
            let mut rest = sample.html.clone();
            for (from, to) in
                [("<p class=\"key secret\"", "</p>"), ("<p class=\"aside secret\"", "</p>"), ("<details class=\"secret\"", "</details>")]
            {
                let (before, tail) = rest.split_once(from).unwrap();
                let after = tail.split_once(to).unwrap().1;
                rest = format!("{before}{after}");
            }
            assert!(!rest.contains(".secret") && !rest.contains(" secret\""), "{}: more than three secrets", sample.name);
            assert!(
                groups.iter().all(|g| !rest.contains(g)) && ["Rudolf", "Romeo", "Rikard"].iter().all(|word| !rest.contains(word)),
                "{}",
                sample.name
            );
        }
    });
}

#[test]
fn the_key_reads_as_six_groups() {
    for world in worlds() {
        let html = world.key(Basis::Owner, false, 252).render().unwrap();
        let key = html.split_once("<p class=\"key secret\" translate=\"no\">").unwrap().1.split_once("</p>").unwrap().0;
        let plain: String = key.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        assert_eq!(plain, KEY.replace('-', " "));
        assert!(html.contains("/static/ttl-252.css") && html.contains("data-ttl=\"252\"") && html.contains("data-left>4:12<"));
        assert!(html.contains("data-copy") && html.contains("?text=large") && html.contains("/renew\""));
        let desk = world.key(Basis::Desk, false, 300).render().unwrap();
        assert!(
            !desk.contains("data-copy") && desk.contains("<details class=\"secret\" open id=\"spell\">") && desk.contains("/desk/devices/")
        );
        let large = world.key(Basis::Owner, true, 1).render().unwrap();
        assert!(large.contains("class=\"reveal large\"") && large.contains("?text=normal") && !large.contains("/renew\""));
        assert!(large.contains("name=\"which\" value=\"other\""));
    }
}

#[test]
fn what_the_script_says_is_json_without_a_key() {
    for world in worlds() {
        let text: serde_json::Value = serde_json::from_str(&world.key(Basis::Owner, false, 252).script_texts()).unwrap();
        assert!(text["late"].as_str().unwrap().contains("{left}"), "{text}");
        assert!(["120", "60", "30"].iter().all(|mark| text["left"][mark].is_string()));
        for part in ["gone", "title", "copied", "cleared", "nocopy"] {
            assert!(text[part].as_str().is_some_and(|t| !t.starts_with("key-")), "{part}");
        }
    }
}

#[test]
fn names_from_outside_are_text() {
    let corpus = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title><svg/onload=alert(1)>",
        "{{7*7}}{% raw %}",
        "javascript:alert(1)",
        "--><!--<b>",
        "**<b>**`<i>`__<u>__",
        "&lt;b&gt;&amp;",
    ];
    for lang in Language::ALL {
        // Whatever the name is, the page has the tags it has with a harmless one.
        let harmless: Vec<Vec<String>> = (World { lang, device: "Mac" }).all().iter().map(|s| skeleton(&s.html)).collect();
        for device in corpus {
            for (sample, want) in (World { lang, device }).all().iter().zip(&harmless) {
                assert_eq!(&skeleton(&sample.html), want, "{}: {device}", sample.name);
                assert!(
                    ["href", "src", "action"].iter().all(|a| !sample.html.contains(&format!("{a}=\"javascript:")))
                        && !sample.html.contains("-->"),
                    "{}",
                    sample.name
                );
                assert!(!title(&sample.html).contains("alert"), "{}", sample.name);
            }
        }
    }
}

#[test]
fn texts_that_are_looked_up_by_code_exist() {
    for lang in Language::ALL {
        let has = |key: &str| assert_ne!(text(lang, key), key, "{}", lang.code());
        EventKind::ALL.iter().for_each(|k| has(&trail::event_key(*k)));
        Role::ALL.iter().for_each(|r| has(&format!("role-{}", r.code())));
        Trust::ALL.iter().for_each(|t| has(&format!("trust-{}", t.code())));
        Reason::ALL.iter().for_each(|r| has(&format!("reason-{}", r.code())));
        for kind in ["token", "operator", "system", "anonymous"] {
            has(&format!("actor-{kind}"));
            has(&format!("source-{kind}"));
        }
    }
}

/// A message that is missing shows as its name, an argument that is missing as its placeholder, and an isolate would stand
/// in titles and attributes too.
#[test]
fn no_name_placeholder_or_isolate_of_a_message_is_on_a_page() {
    let name = regex_lite::Regex::new("[>\"]([a-z]+(?:-[a-z0-9_]+)+)[<\"]").unwrap();
    let known = fs::read_to_string("templates/text/en.ftl").unwrap();
    let stems: BTreeSet<&str> = known.lines().filter_map(|l| l.split_once('-').map(|(stem, _)| stem)).collect();
    every(|lang, sample| {
        let at = |what: &str| format!("{} {}: {what}", lang.code(), sample.name);
        for found in name.captures_iter(&sample.html) {
            let text_node = found[0].starts_with('>') && found[0].ends_with('<');
            let in_words = found[0].starts_with('"') && sample.html.contains(&format!("aria-label={}", &found[0]));
            let stem = found[1].split('-').next().unwrap();
            assert!(!((text_node || in_words) && stems.contains(stem)), "{}", at(&found[1]));
        }
        assert!(!sample.html.contains("{$") && !sample.html.contains("{ $"), "{}", at("a placeholder"));
        assert!(!sample.html.contains(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}']), "{}", at("an isolate"));
    });
}

#[test]
fn keys_named_in_templates_exist() {
    let known = fs::read_to_string("templates/text/en.ftl").unwrap();
    let keys: BTreeSet<&str> = known.lines().filter_map(|l| l.split_once(" = ").map(|(k, _)| k)).collect();
    for file in fs::read_dir("templates").unwrap().map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "html")) {
        let html = fs::read_to_string(&file).unwrap();
        for call in ["page.t(\"", "page.tv(\"", "page.count(\""] {
            for key in html.split(call).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(keys.contains(key), "{}: {key}", file.display());
            }
        }
    }
}

#[test]
fn a_form_with_errors_keeps_what_was_written_but_no_key() {
    for world in worlds() {
        let html = world.all().into_iter().find(|s| s.name == "desk-device-errors").map(|s| s.html).unwrap();
        assert!(html.contains("<textarea id=\"identity\"") && html.contains(">called back on the number in the directory</textarea>"));
        assert!(
            html.contains("<option value=\"other\" selected>") && html.contains("value=\"0197a1b2-0000-7000-8000-000000000012\" checked")
        );
        let text = html.split_once("<textarea id=\"reason_text\"").unwrap().1.split_once("</textarea>").unwrap().0;
        assert!(text.ends_with('>'), "a text that looked like a key came back: {text}");
        assert_eq!(html.matches("aria-invalid=\"true\"").count(), 4);
        for field in ["ticket", "reason", "reason_text", "identity", "version"] {
            assert!(html.contains(&format!("<a href=\"#{field}\">")) && html.contains(&format!("id=\"{field}\"")), "{field}");
            assert!(html.contains(&format!("id=\"{field}-error\"")), "{field}");
        }
    }
}

#[test]
fn the_menu_follows_the_roles() {
    let world = World { lang: Language::En, device: "x" };
    let hrefs = |roles: &[Role]| world.page(Some(Section::Desk), roles).nav().iter().map(|i| i.href).collect::<Vec<_>>();
    assert!(hrefs(&[]).is_empty());
    assert_eq!(hrefs(&[Role::Employee]), ["/devices", "/help"]);
    assert_eq!(hrefs(&[Role::Employee, Role::Helpdesk]), ["/devices", "/desk", "/help"]);
    assert_eq!(hrefs(&[Role::Auditor]), ["/trail", "/help"]);
    assert_eq!(hrefs(&[Role::Employee, Role::Admin]), ["/devices", "/admin", "/help"]);
}

/// Writes all samples for a look in a browser: `KEYHARBOR_PAGE_SAMPLES=dir cargo test pages`.
#[test]
fn what_went_wrong_is_said_to_each_role_in_words_that_fit() {
    for world in worlds() {
        let kinds = || world.errors().into_iter().filter(|(_, kind)| !matches!(kind, ErrorKind::Sealed | ErrorKind::SignInFailed(_)));
        for role in [Role::Helpdesk, Role::Auditor, Role::Admin] {
            for (name, kind) in kinds() {
                let page =
                    ErrorPage { page: world.page(None, &[Role::Employee, role]), kind, reference: "7F3K-21".into(), plain_http: false };
                // Who works here is not sent to the IT that they are, nor told of Macs of theirs.
                for sentence in [page.heading(), page.what(), page.remedy()] {
                    assert!(!sentence.split(|c: char| !c.is_alphanumeric()).any(|word| word == "IT"), "{name}: {sentence}");
                }
                assert_ne!(page.action().0, "/devices", "{name}");
            }
            let not_found = |roles: &[Role]| ErrorPage {
                page: world.page(None, roles),
                kind: ErrorKind::NotFound,
                reference: String::new(),
                plain_http: false,
            };
            assert_ne!(not_found(&[Role::Employee, role]).what(), not_found(&[Role::Employee]).what());
            assert_eq!(not_found(&[Role::Employee]).action().0, "/devices");
        }
    }
}

#[test]
fn samples_can_be_looked_at() {
    let wish = std::env::vars_os().find(|(name, _)| name == "KEYHARBOR_PAGE_SAMPLES");
    let Some(dir) = wish.and_then(|(_, dir)| dir.into_string().ok()) else { return };
    for world in worlds() {
        for sample in world.all() {
            fs::write(format!("{dir}/{}-{}.html", sample.name, world.lang.code()), &sample.html).unwrap();
            let parts = sample.html.split("\"/static/").skip(1).map(|rest| rest.split('"').next().unwrap());
            for name in parts
                .chain([assets::asset("fonts/atkinson-hyperlegible-mono-latin-wght-normal.woff2").strip_prefix(assets::PREFIX).unwrap()])
            {
                fs::create_dir_all(format!("{dir}/static/fonts")).unwrap();
                fs::write(format!("{dir}/static/{name}"), assets::find(name).unwrap().bytes).unwrap();
            }
        }
    }
}

#[test]
fn a_trust_has_one_name_where_a_token_is_made_listed_and_where_its_keys_are() {
    for world in worlds() {
        let samples = world.all();
        let page = |name: &str| &samples.iter().find(|s| s.name == name).unwrap().html;
        for (trust, places) in [
            (Trust::Observed, ["admin-token-new", "admin-tokens", "admin-sources"].as_slice()),
            (Trust::Proven, ["admin-token-new", "admin-tokens", "desk-device"].as_slice()),
            (Trust::Typed, ["admin-token-new", "desk-device"].as_slice()),
        ] {
            let called = text(world.lang, &format!("trust-{}", trust.code()));
            for place in places {
                assert!(page(place).contains(&format!(">{called}<")), "{} {place}: {called}", world.lang.code());
            }
        }
    }
}
