//! S76: what is compiled in is allowed, comes from one place, and is listed. `tests/deny.sh` asks cargo-deny the same in CI, and
//! for advisories; this holds without a tool and without the net.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Of this build; the packages have all there are.
const FEATURES: &str = if cfg!(feature = "otel") { "otel" } else { "" };
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    output(env!("CARGO"), arguments)
}

fn toml(file: &str) -> Value {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let source = config::File::from_str(&text, config::FileFormat::Toml);
    config::Config::builder().add_source(source).build().unwrap().try_deserialize().unwrap()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// Crates that are compiled for the target, ours apart: `(name, version) → licence`. `cargo metadata` would name more: crates of
/// features that nobody switched on.
fn crates(edges: &str) -> BTreeMap<(String, String), String> {
    let form = ["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"];
    let tree =
        cargo(&[&["tree", "--locked", "--offline", "--features", FEATURES, "--target", TARGET, "--edges", edges], &form[..]].concat());
    let line = |line: &str| {
        let (package, licence) = line.split_once('|')?;
        let (name, version) = package.split_once(" v")?;
        let version = version.split(' ').next()?;
        (name != "keyharbor").then(|| ((name.to_owned(), version.to_owned()), licence.to_owned()))
    };
    tree.lines().filter_map(line).collect()
}

/// What the lock file says of each crate.
fn lock() -> BTreeMap<(String, String), Value> {
    let file = toml("Cargo.lock");
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    file["package"].as_array().unwrap().iter().map(|p| ((text(&p["name"]), text(&p["version"])), p.clone())).collect()
}

/// Does an SPDX expression hold when these licences are accepted? `AND` binds closer than `OR`; "/" is an old "OR".
fn accepted(expression: &str, allowed: &BTreeSet<String>) -> bool {
    fn any<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> bool {
        let (mut either, mut both) = (false, true);
        loop {
            let one = match words.next().unwrap() {
                "(" => {
                    let inner = any(words, allowed);
                    assert_eq!(words.next(), Some(")"));
                    inner
                }
                name => {
                    let mut name = name.to_owned();
                    if words.next_if_eq(&"WITH").is_some() {
                        name = format!("{name} WITH {}", words.next().unwrap());
                    }
                    allowed.contains(&name)
                }
            };
            both &= one;
            if words.next_if_eq(&"AND").is_some() {
                continue;
            }
            either |= both;
            both = true;
            if words.next_if_eq(&"OR").is_none() {
                return either;
            }
        }
    }
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let holds = any(&mut words, allowed);
    assert_eq!(words.next(), None, "{expression}");
    holds
}

#[test]
fn the_reader_of_licences_knows_and_from_or() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0 WITH LLVM-exception", "ISC"].map(str::to_owned).into();
    for yes in
        ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(GPL-3.0 OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception", "GPL-3.0 AND X OR MIT"]
    {
        assert!(accepted(yes, &allowed), "{yes}");
    }
    for no in ["GPL-3.0", "MIT AND GPL-3.0", "MIT AND (GPL-3.0 OR X)", "Apache-2.0", "MIT WITH LLVM-exception", "X OR MIT AND Y"] {
        assert!(!accepted(no, &allowed), "{no}");
    }
}

#[test]
fn s76_every_crate_is_allowed_and_comes_from_one_registry() {
    let rules = toml(".deny.toml");
    let allowed = texts(&rules["licenses"]["allow"]);
    let banned: BTreeSet<&str> = rules["bans"]["deny"].as_array().unwrap().iter().map(|b| b["crate"].as_str().unwrap()).collect();
    assert!(["ring", "openssl", "native-tls"].iter().all(|name| banned.contains(name)), "{banned:?}");
    let (crates, lock) = (crates("normal,build,dev"), lock());
    assert!(crates.len() > 300, "{}", crates.len());
    let mut wrong = Vec::new();
    for (package, licence) in &crates {
        let name = package.0.as_str();
        if banned.contains(name) {
            wrong.push(format!("{name} is banned"));
        }
        if !accepted(licence, &allowed) {
            wrong.push(format!("{name}: {licence}"));
        }
        if lock[package]["source"] != CRATES_IO {
            wrong.push(format!("{name} comes from {}", lock[package]["source"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn s76_no_unsafe_code_of_our_own_and_one_advisory_set_aside() {
    assert_eq!(toml("Cargo.toml")["lints"]["rust"]["unsafe_code"], "forbid");
    assert_eq!(texts(&toml(".deny.toml")["advisories"]["ignore"]), ["RUSTSEC-2023-0071".to_owned()].into());
    // Set aside for the rsa crate's private keys alone, which clippy keeps out. When the crate is gone, so is the line.
    assert!(crates("normal").keys().any(|(name, _)| name == "rsa"), "rsa is not used any more: take its advisory out of .deny.toml");
    let types = toml(".clippy.toml")["disallowed-types"].to_string();
    assert!(types.contains("RUSTSEC-2023-0071"), "{types}");
}

#[test]
fn s76_the_bill_of_materials_names_all_that_is_compiled_in() {
    let bill = output("python3", &["packaging/sbom.py", "--features", FEATURES]);
    assert_eq!(bill, output("python3", &["packaging/sbom.py", "--features", FEATURES]), "two runs, two bills");
    let bill: Value = serde_json::from_str(&bill).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(bill["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    let listed: BTreeMap<String, &Value> =
        bill["components"].as_array().unwrap().iter().map(|c| (c["purl"].as_str().unwrap().to_owned(), c)).collect();

    // The other way round: from the crates as cargo prints them, and the lock file.
    let (compiled, lock) = (crates("normal,build"), lock());
    assert!(compiled.len() > 200, "{}", compiled.len());
    let mut purls = BTreeSet::new();
    for package in compiled.keys() {
        let purl = format!("pkg:cargo/{}@{}", package.0, package.1);
        let component = listed.get(&purl).unwrap_or_else(|| panic!("{purl} is not in the bill"));
        assert!(component["licenses"][0]["expression"].as_str().is_some_and(|l| !l.is_empty()), "{purl} without a licence");
        assert_eq!(component["hashes"][0]["content"], lock[package]["checksum"], "{purl}");
        purls.insert(purl);
    }
    // C libraries in crates' folders are named besides: scanners know them by these names.
    let others: Vec<&String> = listed.keys().filter(|purl| !purls.contains(*purl)).collect();
    assert_eq!(others.len(), 2, "{others:?}");
    assert!(others[0].starts_with("pkg:generic/aws-lc@") && others[1].starts_with("pkg:generic/sqlite@3."), "{others:?}");
    assert!(others.iter().all(|purl| listed[*purl]["cpe"].as_str().is_some_and(|cpe| cpe.starts_with("cpe:2.3:a:"))));
}
