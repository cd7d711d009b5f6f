//! The patches that take a defence out, in `tests/guards` and `tests/browser/guards`: each fits the tree as it is, in one place
//! only, and the test that must notice exists. `tests/guards.sh` takes them out one by one, and sees whether it does.

use std::fs;
use std::path::Path;

/// One place that a patch changes: the lines that must stand there, and those that come instead.
#[derive(Default, Debug, PartialEq)]
struct Hunk {
    file: String,
    old: String,
    new: String,
    /// Git takes one that begins at line 1 at the top of the file only.
    top: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(root().join(file)).ok()
}

/// Names of a folder's patches, with their text.
fn patches(folder: &str) -> Vec<(String, String)> {
    let names = fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<_> = names.map(|name| (format!("{folder}/{name}"), read(&format!("{folder}/{name}")).unwrap())).collect();
    found.sort();
    found
}

/// What a patch changes; or why it cannot be read.
fn hunks(text: &str) -> Result<Vec<Hunk>, String> {
    let (mut found, mut file, mut left) = (Vec::<Hunk>::new(), String::new(), (0, 0));
    for line in text.lines().skip(1) {
        let (mark, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
        match (mark, found.last_mut()) {
            (" " | "-" | "+", Some(hunk)) if left != (0, 0) => {
                for (marks, side, left) in [(" -", &mut hunk.old, &mut left.0), (" +", &mut hunk.new, &mut left.1)] {
                    if marks.contains(mark) {
                        side.push_str(rest);
                        side.push('\n');
                        *left = usize::checked_sub(*left, 1).ok_or(format!("more lines than a hunk's head says: {line}"))?;
                    }
                }
            }
            _ if left != (0, 0) => return Err(format!("fewer lines than a hunk's head says before: {line}")),
            ("@", _) => {
                let range = |sign| {
                    let numbers = line.split(' ').find_map(|word| word.strip_prefix(sign))?;
                    numbers.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok())
                };
                left = range('-').zip(range('+')).ok_or(format!("no head of a hunk: {line}"))?;
                let top = line.starts_with("@@ -1,") || line.starts_with("@@ -1 ");
                found.push(Hunk { file: file.clone(), top, ..Hunk::default() });
            }
            _ => {
                if let Some(name) = line.strip_prefix("+++ b/") {
                    name.clone_into(&mut file);
                }
            }
        }
    }
    if left != (0, 0) || found.is_empty() { Err("no whole hunk".to_owned()) } else { Ok(found) }
}

/// Why a patch does not fit, if it does not: its lines must stand in the file once, so that no other place is changed.
fn misfit(text: &str) -> Option<String> {
    let hunks = match hunks(text) {
        Ok(hunks) => hunks,
        Err(why) => return Some(why),
    };
    hunks.iter().find_map(|Hunk { file, old, new, top }| {
        let Some(text) = read(file) else { return Some(format!("there is no {file}")) };
        if *top && !text.starts_with(old.as_str()) {
            return Some(format!("these lines do not stand at the top of {file}:\n{old}"));
        }
        let times = format!("\n{text}").matches(&format!("\n{old}")).count();
        (times != 1 || old == new).then(|| format!("these lines stand {times} times in {file}, and once is right:\n{old}"))
    })
}

/// Is there a test of this name? `module::function`, or `file.test.mjs: how the title begins`.
fn exists(test: &str) -> bool {
    if let Some((file, title)) = test.split_once(": ") {
        let text = read(&format!("tests/browser/{file}")).unwrap_or_default();
        return ['\'', '`', '"'].iter().any(|quote| text.contains(&format!("{quote}{title}")));
    }
    // What runs on both engines has a test for each, called like them.
    let named = ["::sqlite", "::postgres"].iter().find_map(|engine| test.strip_suffix(engine)).unwrap_or(test);
    let Some((module, function)) = named.rsplit_once("::") else { return false };
    let path = match module.strip_suffix("::tests") {
        Some(module) => format!("src/{}", module.replace("::", "/")),
        None => format!("tests/it/{}", module.replace("::", "/")),
    };
    let files = [format!("{path}.rs"), format!("{path}/mod.rs"), format!("{path}/tests.rs")];
    files.iter().filter_map(|file| read(file)).any(|text| text.contains(&format!("fn {function}(")))
}

#[test]
fn every_patch_fits_and_names_a_test() {
    let all = [patches("tests/guards"), patches("tests/browser/guards")].concat();
    let mut wrong = Vec::new();
    for (name, text) in &all {
        let test = text.lines().next().and_then(|line| line.strip_prefix("# test: "));
        if !test.is_some_and(exists) {
            wrong.push(format!("{name}: its first line names no test"));
        }
        if let Some(why) = misfit(text) {
            wrong.push(format!("{name}: {why}"));
        }
    }
    assert!(all.len() > 300 && wrong.is_empty(), "{} patches; these are out of date:\n{}", all.len(), wrong.join("\n"));
}

#[test]
fn a_patch_that_does_not_fit_is_seen() {
    let patch = |body: &str| format!("# test: guards::x\n--- a/Cargo.toml\n+++ b/Cargo.toml\n{body}");
    let good = "@@ -1,2 +1 @@\n [package]\n-name = \"keyharbor\"\n";
    assert_eq!(misfit(&patch(good)), None);
    let hunk = Hunk { file: "Cargo.toml".into(), old: "[package]\nname = \"keyharbor\"\n".into(), new: "[package]\n".into(), top: true };
    assert_eq!(hunks(&patch(good)), Ok(vec![hunk]));
    for bad in [
        "",
        "@@ -1,2 +1 @@\n [package]\n-name = \"another\"\n",
        "@@ -1,2 +1,2 @@\n [package]\n-name = \"keyharbor\"\n",
        "@@ -1,1 +1 @@\n [package]\n-name = \"keyharbor\"\n",
        "@@ -1,2 +1,2 @@\n [package]\n name = \"keyharbor\"\n",
        "@@ -1 +0,0 @@\n-name = \"keyharbor\"\n",
        "@@ -9 +9,2 @@\n \n+an empty line stands in many places\n",
    ] {
        assert!(misfit(&patch(bad)).is_some(), "{bad}");
    }
    assert!(misfit(&patch(good).replace("Cargo.toml", "Cargo.tml")).is_some());
    assert!(
        exists("guards::a_patch_that_does_not_fit_is_seen") && exists("domain::recovery_key::tests::a_reason_that_holds_a_key_is_noticed")
    );
    for nobody in ["", "guards", "guards::nobody", "nowhere::a_patch_that_does_not_fit_is_seen", "own.test.mjs: nobody wrote this"] {
        assert!(!exists(nobody), "{nobody}");
    }
}
