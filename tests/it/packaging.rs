//! What packages are made of and cargo does not build: the manual pages and completions, the example settings, the unit.
//! The packages themselves are tried by `tests/packages.sh` and `tests/machine.sh`.

use std::collections::BTreeSet;
use std::path::Path;

use keyharbor::config::Config;
use keyharbor::domain::Trust;

use crate::process::{command, finish};

fn packaging(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(file)).unwrap()
}

/// Every command that people may see, as `keyharbor-token-create`.
fn commands(of: &clap::Command, name: &str, out: &mut BTreeSet<String>) {
    out.insert(name.to_owned());
    for command in of.get_subcommands().filter(|c| !c.is_hide_set()) {
        commands(command, &format!("{name}-{}", command.get_name()), out);
    }
}

#[test]
fn manual_pages_and_completions_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for what in ["man", "completions"] {
        let mut generate = command();
        generate.args(["generate", what]).arg(folder.path());
        finish(generate).ok();
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let mut wanted = BTreeSet::new();
    let mut line = keyharbor::cli::command_line();
    commands(&line, "keyharbor", &mut wanted);
    assert!(wanted.len() > 15 && wanted.contains("keyharbor-token-create"), "{wanted:?}");
    let made: BTreeSet<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .filter_map(|e| Some(e.unwrap().file_name().into_string().unwrap().strip_suffix(".1")?.to_owned()))
        .collect();
    assert_eq!(made, wanted, "one page for each command");

    let shells = [read("keyharbor"), read("_keyharbor"), read("keyharbor.fish")];
    for page in &wanted {
        let word = page.rsplit('-').next().unwrap();
        assert!(shells.iter().all(|shell| shell.contains(word)), "{word} is not completed everywhere");
    }
    line.build();
    let create = line.find_subcommand("token").unwrap().find_subcommand("create").unwrap().clone();
    let page = read("keyharbor-token-create.1").replace('\\', "");
    for trust in [Trust::Typed, Trust::Observed, Trust::Proven] {
        assert!(page.contains(&format!("\"{}\"", trust.code())), "--trust {} is not explained: {page}", trust.code());
    }
    for option in create.get_opts().filter(|o| !o.is_global_set()).filter_map(clap::Arg::get_long) {
        assert!(page.contains(&format!("--{option}")), "--{option} is not in the manual page");
        assert!(shells.iter().all(|shell| shell.contains(option)), "--{option} is not completed everywhere");
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let mut generate = command();
    generate.args(["generate", "man", "/nowhere/at/all"]);
    finish(generate).fails("cannot write into /nowhere/at/all");
}

/// The example as it lies in `/etc`, and with every line in it that is a comment only because it is the reader's choice.
#[test]
fn the_example_settings_can_be_used() {
    let example = packaging("keyharbor.toml");
    let folder = tempfile::tempdir().unwrap();
    let all: String = example
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            // A setting, not a sentence; the second address of the database would be the same setting twice.
            Some(rest)
                if rest.split_once(" = ").is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
                    && !rest.contains("postgres://") =>
            {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(all.contains("\nowner_claim = ") && all.contains("\nroles = "), "{all}");
    for (name, text) in [("as-is.toml", &example), ("all.toml", &all)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Config::load_within(&path, &["nothing"]).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn the_unit_and_the_settings_speak_of_the_same_places() {
    let (unit, example) = (packaging("keyharbor.service"), packaging("keyharbor.toml"));
    let config = |name: &str| example.lines().find_map(|l| l.strip_prefix(&format!("{name} = "))).unwrap().trim_matches('"').to_owned();
    let says = |line: &str| unit.lines().any(|l| l == line);
    let key = config("key_file");
    assert!(says(&format!("ConditionPathExists=|{key}")) && says(&format!("LoadCredential=root.key:{key}")), "{key}");
    assert!(says("Environment=KEYHARBOR__CUSTODY__KEY_FILE=%d/root.key"));
    assert!(config("url").starts_with("sqlite:///var/lib/keyharbor/") && says("StateDirectory=keyharbor"));
    assert!(packaging("keyharbor.socket").lines().any(|l| l == format!("ListenStream={}", config("listen"))));
    // systemd waits longer than the server's own patience with open requests.
    let seconds: u64 = unit.lines().find_map(|l| l.strip_prefix("TimeoutStopSec=")).unwrap().parse().unwrap();
    assert!(seconds > Config::default().server.drain_seconds + 5, "{seconds}");
}
