//! `docs/api.md`: every line that it shows is run with curl against a real server; what it says comes back, does; its table of
//! errors is the code's.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use keyharbor::web::api::problems::PROBLEMS;
use serde_json::Value;

use crate::process::Home;

const GUIDE: &str = "docs/api.md";

fn guide() -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE)).unwrap()
}

/// Fenced blocks in order: language, text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = text.split("\n```").collect();
    let inside = parts.iter().skip(1).step_by(2);
    inside.map(|part| part.split_once('\n').map(|(language, body)| (language.to_owned(), body.to_owned())).unwrap()).collect()
}

/// The same fields everywhere, and the same values but for those that differ by nature.
fn alike(shown: &Value, given: &Value, place: &str) {
    match (shown, given) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{place}");
            for (name, value) in a.iter().filter(|(name, _)| *name != "request_id") {
                alike(value, &b[name], &format!("{place}.{name}"));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                alike(a, b, &format!("{place}[{at}]"));
            }
        }
        (a, b) => assert_eq!(a, b, "{place}"),
    }
}

#[test]
fn every_line_of_the_api_guide_runs_and_gives_what_it_shows() {
    let home = Home::ready("http://127.0.0.1:9");
    let server = home.serve();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_keyharbor")).parent().unwrap();
    let blocks = blocks(&guide());
    let (mut ran, mut compared) = (0, 0);
    for (at, (language, script)) in blocks.iter().enumerate().filter(|(_, (language, _))| language == "sh") {
        let done = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(home.folder.path())
            .env("PATH", format!("{}:{}", bin.display(), std::env::var_os("PATH").unwrap().display()))
            .env("KEYHARBOR_CONFIG", home.path("keyharbor.toml"))
            .env("KEYHARBOR_URL", format!("http://localhost:{}", home.port))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{language} {script}\n{out}\n{err}");
        let problem = out.contains("urn:keyharbor:problem:");
        if let Some((_, shown)) = blocks.get(at + 1).filter(|(language, _)| language == "json") {
            alike(&serde_json::from_str(shown).unwrap(), &serde_json::from_str(&out).unwrap(), script);
            compared += 1;
        } else {
            assert!(!problem, "{script}\n{out}");
        }
        ran += 1;
    }
    assert!(ran >= 12 && compared >= 4, "{ran} blocks, {compared} compared");
    let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(read("results.ndjson").lines().count(), 2);
    assert!(read("events.ndjson").lines().count() > 8 && read("next-events").contains("/api/v1/events?"));
    drop(server);
    let rows = home.run(&["audit", "verify"]).ok().out;
    assert!(rows.contains("the trail is whole"), "{rows}");
}

#[test]
fn the_guides_table_of_errors_is_the_codes() {
    let mut table = String::from("| status | `code` | when |\n| --- | --- | --- |\n");
    for problem in PROBLEMS {
        let _ = writeln!(table, "| {} | `{}` | {} |", problem.status, problem.code, problem.when);
    }
    let text = guide();
    let (head, rest) = text.split_once("<!-- errors: made from the code -->\n").unwrap();
    let (_, tail) = rest.split_once("<!-- /errors -->").unwrap();
    let wanted = format!("{head}<!-- errors: made from the code -->\n{table}<!-- /errors -->{tail}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE), &wanted).unwrap();
    }
    assert!(guide() == wanted, "{GUIDE}: run UPDATE_DOCS=1 cargo test --test it api_guide");
}
