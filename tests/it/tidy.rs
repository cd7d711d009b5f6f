//! The house rules that a machine can hold: which room may import which, what a room must never name, how long a file and a
//! function may be, and the few names that belong to one file only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The table of the architecture: a room, what of ours it may import, what it must never name.
const ROOMS: [(&str, &[&str], &[&str]); 11] = [
    ("domain", &[], &["tokio", "sqlx", "actix_web", "reqwest"]),
    ("i18n", &["domain"], &["tokio", "sqlx", "actix_web", "reqwest"]),
    ("formats", &["domain"], &["sqlx", "actix_web", "tokio"]),
    ("crypto", &["domain"], &["sqlx", "actix_web"]),
    ("store", &["domain"], &["actix_web"]),
    ("config", &["domain"], &["sqlx", "actix_web"]),
    ("telemetry", &["domain"], &["sqlx", "actix_web"]),
    ("oidc", &["domain", "config"], &["sqlx", "actix_web"]),
    ("service", &["domain", "crypto", "store", "oidc", "formats", "config", "telemetry"], &["actix_web", "sqlx"]),
    ("web", &["domain", "service", "formats", "i18n", "config", "telemetry"], &["sqlx"]),
    ("cli", &["domain", "crypto", "store", "oidc", "formats", "config", "telemetry", "service", "web", "i18n"], &[]),
];

/// Names that only these files may hold.
const OWNED: [(&str, &[&str]); 10] = [
    ("Sealed::from_parts", &["src/crypto/envelope.rs", "src/store/sql/keys.rs"]),
    ("AuditReceipt::after_commit", &["src/store/commit.rs"]),
    ("std::env::var", &["src/service/custody.rs", "src/config/environment.rs"]),
    ("Utc::now", &["src/service/clock.rs"]),
    (".sealed_key(", &["src/service/view.rs", "src/service/break_glass.rs"]),
    (".sealed_otherwise(", &["src/service/custody/rewrap.rs"]),
    ("process::exit", &[]),
    // What could not be written is an error; the log of `serve` goes there too.
    ("io::stdout", &["src/cli/out.rs", "src/cli/serve/mod.rs"]),
    ("println!", &[]),
    ("print!", &[]),
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 70;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut open = vec![root().join(dir)];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|e| panic!("{}: {e}", at.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push((relative(&path), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    out.sort();
    out
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// `src/web/error.rs` → `web`; `None` for `lib.rs` and `main.rs`.
fn room(file: &str) -> Option<&'static str> {
    let rest = file.strip_prefix("src/")?;
    let name = rest.split(['/', '.']).next()?;
    ROOMS.iter().map(|(room, ..)| *room).find(|room| *room == name)
}

/// Files that are compiled for tests only.
fn for_tests(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.ends_with("/samples.rs")
}

/// The product's part of a file: what stands before its own tests, without comments.
fn product(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    body.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every room that a text names after `crate::`, also in braces.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, rest) in text.match_indices("crate::").map(|(at, m)| text.split_at(at + m.len())) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            let mut fresh = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => fresh = true,
                    c if c.is_alphanumeric() || c == '_' => {
                        if fresh && depth == 1 {
                            word.push(c);
                        }
                        continue;
                    }
                    c if c.is_whitespace() => continue,
                    _ => {}
                }
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                    fresh = false;
                }
                if c == ',' && depth == 1 {
                    fresh = true;
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn no_room_imports_upwards() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src") {
        let Some(here) = room(&file) else { continue };
        let (_, may, never) = ROOMS.iter().find(|(r, ..)| *r == here).unwrap();
        let code = product(&text);
        for there in imports(&code).iter().filter(|i| ROOMS.iter().any(|(r, ..)| r == i)) {
            if there != here && !may.contains(&there.as_str()) {
                wrong.push(format!("{file} imports {there}"));
            }
        }
        for name in *never {
            if code.contains(&format!("{name}::")) || code.contains(&format!("use {name}")) {
                wrong.push(format!("{file} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_web_never_names_store_or_crypto() {
    for (file, text) in rust_files("src/web") {
        let code = product(&text);
        for name in ["store::", "crypto::", "sqlx"] {
            assert!(!code.contains(name), "{file} names {name}");
        }
    }
}

#[test]
fn every_room_is_in_the_table() {
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let known = ["lib.rs", "main.rs"].contains(&name.as_str()) || room(&format!("src/{name}")).is_some();
        assert!(known, "src/{name} is in no row of the table");
    }
}

#[test]
fn some_names_belong_to_one_file() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src") {
        if for_tests(&file) {
            continue;
        }
        let code = product(&text);
        for (name, owners) in OWNED {
            if code.contains(name) && !owners.contains(&file.as_str()) {
                wrong.push(format!("{file} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src").into_iter().chain(rust_files("tests")) {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{file}: {lines} lines"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{file}: no header"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Length of each function by its indentation: rustfmt puts the closing brace under the `fn`.
fn functions(text: &str) -> BTreeMap<String, usize> {
    let mut open: Vec<(usize, String, usize)> = Vec::new();
    let mut out = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let starts = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "pub(crate) async fn ",
            "pub(super) async fn ",
        ];
        if starts.iter().any(|s| code.starts_with(s)) && !line.trim_end().ends_with('}') && !line.trim_end().ends_with(';') {
            open.push((indent, code.chars().take(60).collect(), number));
        } else if code.starts_with('}')
            && let Some(at) = open.iter().rposition(|(i, ..)| *i == indent)
        {
            let (_, name, start) = open.remove(at);
            out.insert(format!("{}: {name}", start + 1), number - start + 1);
        }
    }
    out
}

#[test]
fn functions_stay_short() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src").into_iter().chain(rust_files("tests")) {
        for (name, lines) in functions(&text) {
            if lines > LONGEST_FUNCTION {
                wrong.push(format!("{file}:{name}: {lines} lines"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The calls of a transaction, by the list in `store/tx.rs`, and what the store itself can be asked.
fn store_functions() -> Vec<String> {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let tx = read("src/store/tx.rs");
    let (_, list) = tx.split_once("\ncalls! {").unwrap();
    let calls = list.lines().filter(|l| !l.trim_start().starts_with("//")).filter_map(|l| l.split_once("::")?.1.split_once('('));
    let store = read("src/store/mod.rs") + &read("src/store/commit.rs");
    let own = store.lines().filter_map(|l| l.trim_start().strip_prefix("pub async fn ")?.split_once('('));
    // Those of the macro are in the lists.
    let own = own.filter(|(name, _)| !name.starts_with('$'));
    calls.chain(own).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_store_function_runs_on_both_engines() {
    let suite: String = rust_files("tests/it/conformance").into_iter().map(|(_, text)| text).collect();
    let names = store_functions();
    assert!(names.len() > 60 && names.iter().any(|n| n == "owners_of") && names.iter().any(|n| n == "sealed_key"), "{names:?}");
    let missing: Vec<_> = names.iter().filter(|n| ![".", "::"].iter().any(|at| suite.contains(&format!("{at}{n}(")))).collect();
    assert!(missing.is_empty(), "tests/it/conformance never calls {missing:?}");
}

#[test]
fn nothing_disables_motion_for_all_and_nothing_is_inline() {
    let text = fs::read_to_string(root().join("static/app.css")).unwrap();
    let plain: String = text.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, rest)| rest)).collect();
    assert!(!plain.replace(' ', "").contains("animation:none!important"), "the key would never hide");
    for entry in fs::read_dir(root().join("templates")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "html") {
            let text = fs::read_to_string(&path).unwrap();
            for inline in [" style=", "<style", " onclick=", " onload=", "<script>"] {
                assert!(!text.contains(inline), "{}: {inline}", path.display());
            }
        }
    }
}

#[test]
fn a_planted_fault_is_seen() {
    assert_eq!(imports("use crate::{domain::ids, store::Tx};\nuse crate::crypto::Ring;"), ["domain", "store", "crypto"]);
    let long = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(80));
    assert_eq!(functions(&long).values().copied().collect::<Vec<_>>(), [82]);
    assert!(!product("// sqlx::query\nfn f() {}").contains("sqlx"));
}
