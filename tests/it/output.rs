//! What a command could not say was not done well: standard output that is full or that nobody reads, and help that says nothing.

use std::io::PipeWriter;
use std::process::Stdio;

use crate::process::{Home, Said, finish};
use crate::world::{KEY, MAC};

const ISSUER: &str = "http://127.0.0.1:9";
const CREATE: [&str; 6] = ["token", "create", "--name", "lost", "--scope", "escrow:write"];
const FULL: &str = "standard output cannot be written: No space left on device";

/// Standard output of this kind.
fn into(home: &Home, arguments: &[&str], out: impl Into<Stdio>) -> Said {
    let mut command = home.command(arguments);
    command.stdout(out);
    finish(command)
}

fn full() -> std::fs::File {
    std::fs::File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn closed() -> PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn what_could_not_be_written_is_no_success() {
    let home = Home::ready(ISSUER);
    let (list, backup) = (home.path("owners.csv"), home.path("kh.backup"));
    std::fs::write(&list, format!("serial,login\n{MAC},astrid\n")).unwrap();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["audit", "--help"],
        &["openapi"],
        &["config", "defaults"],
        &["config", "check"],
        &["migrate"],
        &["token", "list"],
        &["login", "show", "astrid"],
        &["login", "rebind", "astrid", "sub-1"],
        &["owners", "import", list.to_str().unwrap(), "--apply"],
        &["oidc", "check"],
        &["oidc", "check", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["audit", "verify"],
        &["audit", "export", "--format", "csv"],
        &["keyring", "kit", "--allow-redirect"],
        &["backup", "--to", backup.to_str().unwrap()],
        &["init", "--confirm"],
    ] {
        if arguments[0] == "token" {
            home.run(&CREATE).ok();
        }
        let said = into(&home, arguments, full()).fails(FULL);
        assert!(said.err.lines().any(|line| line.starts_with("keyharbor: ")), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn a_listing_that_is_cut_short_ends_without_a_word_and_an_act_does_not() {
    let home = Home::ready(ISSUER);
    home.run(&CREATE).ok();
    for arguments in [&["--help"][..], &["openapi"], &["config", "defaults"], &["token", "list"], &["audit", "verify"], &["doctor"]] {
        let said = into(&home, arguments, closed());
        assert_eq!((said.status.code(), said.err.as_str()), (Some(141), ""), "{arguments:?}");
    }
    into(&home, &["login", "rebind", "astrid", "sub-1"], closed()).fails("Broken pipe");
    into(&home, &["audit", "export", "--format", "csv"], closed()).fails("Broken pipe");
    into(&home, &["keyring", "kit", "--allow-redirect"], closed()).fails("the kit was not printed whole and confirms nothing");
}

#[test]
fn a_token_that_could_not_be_shown_is_revoked() {
    let home = Home::ready(ISSUER);
    for (n, out) in [Stdio::from(full()), Stdio::from(closed())].into_iter().enumerate() {
        let said = into(&home, &CREATE, out).fails("could not be shown; it is revoked, make another one");
        let list = home.run(&["token", "list"]).ok().out;
        let ids: Vec<&str> = list.lines().filter(|l| l.contains("revoked")).filter_map(|l| l.split(' ').next()).collect();
        assert!(ids.len() == n + 1 && !list.contains("live"), "{list}");
        assert!(ids.iter().any(|id| said.err.contains(&format!("the token {id} was made"))), "{}", said.err);
    }
}

#[test]
fn a_kit_or_a_key_that_could_not_be_shown_says_that_the_trail_has_its_row() {
    let home = Home::ready(ISSUER);
    into(&home, &["keyring", "kit", "--allow-redirect"], full()).fails("confirms nothing, though the trail says that it was shown");
    assert!(home.serve().said.contains("nobody has confirmed a copy of the root key"));
    let token = home.run(&CREATE).ok().out.trim().to_owned();
    let server = home.serve();
    assert_eq!(home.deposit(&token, MAC, KEY).0, 201);
    let glass = ["reveal", "--serial", MAC, "--operator", "Ingrid", "--reason", "the provider is down", "--allow-redirect"];
    for (out, why) in [(Stdio::from(full()), "No space left"), (Stdio::from(closed()), "Broken pipe")] {
        let said = into(&home, &glass, out).fails(why);
        let last = said.err.lines().last().unwrap();
        assert!(last.starts_with("keyharbor: the key was not shown whole, though row "), "{last}");
        assert!(!said.err.contains(KEY), "the error holds no key");
    }
    drop(server);
}

#[test]
fn a_backup_a_restore_and_a_move_that_could_not_be_told_say_what_there_is() {
    let home = Home::ready(ISSUER);
    let (file, bad) = (home.path("kh.backup").display().to_string(), home.path("bad").display().to_string());
    into(&home, &["backup", "--to", &file], full()).fails(&format!("the backup is made and proven and is in {file}"));
    home.run(&["restore", "--check", "--from", &file]).ok();
    into(&home, &["restore", "--check", "--from", &file], full()).fails("the backup is whole, and the root key opens it");
    into(&home, &["restore", "--from", &file], full()).fails("nothing was restored: standard output");
    let new = format!("sqlite://{}", home.path("new.db").display());
    into(&home, &["move", "--to", &new], full()).fails(&format!("moved to {new}: set database.url to the new address"));
    let done = home.run(&["backup", "--to", &bad]).fails("moved");
    assert!(!done.err.contains("standard output"), "{}", done.err);
}

/// Every command, argument and option has words of its own in `--help`.
fn described(command: &clap::Command, path: &str, missing: &mut Vec<String>) -> usize {
    let blank = |text: Option<&clap::builder::StyledStr>| text.is_none_or(|t| t.to_string().trim().is_empty());
    if blank(command.get_about()) {
        missing.push(path.to_owned());
    }
    let arguments = command.get_arguments().filter(|a| blank(a.get_help()));
    missing.extend(arguments.map(|a| format!("{path} {}", a.get_id())));
    1 + command.get_subcommands().map(|sub| described(sub, &format!("{path} {}", sub.get_name()), missing)).sum::<usize>()
}

#[test]
fn every_command_and_argument_has_a_description() {
    let mut missing = Vec::new();
    let seen = described(&keyharbor::cli::command_line(), "keyharbor", &mut missing);
    assert!(seen > 25, "{seen} commands");
    assert!(missing.is_empty(), "{missing:#?}");
    let bare = clap::Command::new("x").arg(clap::Arg::new("FILE"));
    described(&bare, "x", &mut missing);
    assert_eq!(missing, ["x", "x FILE"], "this test sees what is missing");
}
