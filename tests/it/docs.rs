//! Pages of `docs/` that are made from the code: which test answers which security check, and every setting with its
//! default. A page that is behind fails here; `UPDATE_DOCS=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use keyharbor::config::Config;

use crate::docs_titles::TITLES;
use crate::probe::part;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares with the committed page, or writes it.
fn hold(page: &str, text: &str) {
    let path = root().join("docs").join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/{page} is behind the code: run the tests with UPDATE_DOCS=1 and commit it");
}

/// Every file below a folder with that ending, in order.
fn files(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                files(&path, ending, out);
            }
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
}

/// `7` of `s07_…`; the number and what follows it.
fn number(text: &str) -> Option<(usize, &str)> {
    let digits = text.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    Some((digits.parse().ok()?, text.get(2..)?))
}

/// The functions `sNN_…` of a Rust file; `sNN_sMM_…` stands for both.
fn functions(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for line in source.lines() {
        let line = line.trim_start();
        let line = ["pub ", "async "].iter().fold(line, |l, word| l.strip_prefix(word).unwrap_or(l));
        let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) else { continue };
        let mut words = name;
        while let Some((check, rest)) = words.strip_prefix('s').and_then(number)
            && let Some(rest) = rest.strip_prefix('_')
        {
            found.push((check, name.to_owned()));
            words = rest;
        }
    }
    found
}

/// Titles of browser tests that begin with one or more `SNN`.
fn titles(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for call in ["test(", "it(", "describe("] {
        for (at, _) in source.match_indices(call) {
            let rest = part(source, at + call.len()..);
            let Some(quote) = rest.chars().next().filter(|c| "'\"`".contains(*c)) else { continue };
            let Some(title) = part(rest, 1..).split(quote).next() else { continue };
            let mut words = title;
            while let Some((check, rest)) = words.strip_prefix('S').and_then(number)
                && rest.starts_with([' ', ','])
            {
                found.push((check, title.to_owned()));
                words = rest.trim_start_matches([' ', ',']);
            }
        }
    }
    found
}

/// Test names by check.
fn tests() -> BTreeMap<usize, Vec<String>> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let (mut rust, mut browser) = (Vec::new(), Vec::new());
    files(&root().join("src"), "rs", &mut rust);
    files(&root().join("tests/it"), "rs", &mut rust);
    files(&root().join("tests/browser"), "mjs", &mut browser);
    let named = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    for path in rust {
        for (check, name) in functions(&std::fs::read_to_string(&path).unwrap()) {
            found.entry(check).or_default().push(format!("`{name}` ({})", named(&path)));
        }
    }
    for path in browser {
        for (check, title) in titles(&std::fs::read_to_string(&path).unwrap()) {
            found.entry(check).or_default().push(format!("“{title}” ({})", named(&path)));
        }
    }
    found
}

#[test]
fn every_security_check_names_its_tests() {
    let mut page = String::from(
        "# Security checks\n\nWhat Keyharbor promises, and the tests that hold it to it. \"Not yet\" is what no test stands for. `tests/guards.sh` takes\n\
         the defences out that have a patch in `tests/guards/`, one at a time, and expects the named test to notice. This page is made from the names of the tests.\n\n\
         | # | must hold | tests |\n| --- | --- | --- |\n",
    );
    let found = tests();
    for (at, title) in TITLES.iter().enumerate() {
        let tests = found.get(&(at + 1)).map_or_else(|| "not yet".to_owned(), |names| names.join("<br>"));
        let _ = writeln!(page, "| S{:02} | {title} | {} |", at + 1, tests.replace('|', "\\|"));
    }
    let unknown: Vec<_> = found.keys().filter(|check| !(1..=TITLES.len()).contains(*check)).collect();
    assert!(unknown.is_empty(), "tests name checks that do not exist: {unknown:?}");
    hold("security-checks.md", &page);
}

#[test]
fn every_setting_is_documented() {
    let page = format!(
        "# Configuration\n\nOne TOML file (`--config FILE`); the environment goes over it. An unknown setting is refused. \
         `keyharbor config check`\nsays what is wrong, `keyharbor config defaults` prints what follows.\n\n\
         Traces are set up by OpenTelemetry's own variables, `OTEL_…`: [serving.md](serving.md#traces).\n\n```toml\n{}```\n",
        Config::reference()
    );
    hold("configuration.md", &page);
}

#[test]
fn every_metric_is_documented() {
    let mut page = String::from(
        "# Metrics\n\nPrometheus collects them from the second listener: `operations.listen = \"127.0.0.1:9090\"`, path `/metrics`. No label holds a\n\
         serial number, a person, a token or a path, so their number has a bound. Each replica counts for itself. A dashboard for Grafana:\n\
         `packaging/grafana/keyharbor.json`. This page is made from the code.\n\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n",
    );
    for about in keyharbor::telemetry::metrics::Metrics::default().about() {
        let labels = about.labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(page, "| `{}` | {} | {labels} | {} |", about.name, about.kind, about.help);
    }
    hold("metrics.md", &page);
}

#[test]
fn names_of_tests_are_found_wherever_they_stand() {
    let rust = "#[test]\nfn s07_plain() {}\n    async fn s62_inner() {}\n    pub async fn s08_both<T>() {}\nfn s26_s28_two() {}\nfn s7_short() {}\nfn s091() {}\nlet fns = 1;";
    let names: Vec<_> = functions(rust).into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, [7, 62, 8, 26, 28]);
    let browser = "test('S30 a key is never in the address', x);\n  await t.test(`S29, S32 ${how}: gone`, y);\ntest('no number', z);";
    let numbers: Vec<_> = titles(browser).into_iter().map(|(n, _)| n).collect();
    assert_eq!(numbers, [30, 29, 32]);
}
