//! `backup` and `restore` by the real binary: what an operator is told, and what is left when either is killed.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::{AssertSqlSafe, Connection as _};

use crate::probe::part;
use crate::process::{Home, Running};

const ISSUER: &str = "http://127.0.0.1:9";

pub async fn sql(home: &Home, text: &str) {
    let mut conn = sqlx::SqliteConnection::connect(&home.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut conn).await.unwrap();
}

/// Enough rows that a copy of them takes a while.
pub const CROWD: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) \
    INSERT INTO people (id, issuer, subject, name, email, language, updated_at, name_fold) \
    SELECT randomblob(16), 'https://id.acme.example', 's' || i, 'Name ' || i, 'a@b.example', 'en', 1, 'name' FROM n";

/// A place of its own for a database, with the root key of another.
fn beside(home: &Home) -> Home {
    let other = Home::new(ISSUER);
    std::fs::copy(home.path("root.key"), other.path("root.key")).unwrap();
    other
}

fn token(home: &Home) -> String {
    home.run(&["token", "create", "--name", "MDM", "--scope", "escrow:write"]).ok().out.trim().to_owned()
}

#[test]
fn s79_a_backup_is_restored_elsewhere_and_tokens_wait_for_their_approval() {
    let home = Home::ready(ISSUER);
    let token = token(&home);
    let file = home.path("kh.backup");
    let to = file.to_str().unwrap();
    let made = home.run(&["backup", "--to", to]).ok().out;
    for said in ["Proven: it was read back", "key_versions", "audit_events", "Trail up to 3:", "SHA-256 ", "Keep the root key"] {
        assert!(made.contains(said), "{said}: {made}");
    }
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&file).unwrap();
    home.run(&["backup", "--to", to]).fails("is there already: a backup is never written over a file");
    home.run(&["backup", "--to", "/nowhere/kh.backup"]).fails("/nowhere/kh.backup");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let list = home.run(&["token", "list"]).ok().out;
    home.run(&["restore", "--from", to]).fails("nothing was restored: the database is in use, there are rows in api_tokens");
    assert_eq!(home.run(&["token", "list"]).ok().out, list, "nothing changed");

    let other = beside(&home);
    assert!(other.run(&["restore", "--check", "--from", to]).ok().out.contains("Nothing was written."));
    assert!(!other.path("keyharbor.db").exists());
    let said = other.run(&["restore", "--from", to]).ok().out;
    assert!(said.contains("Restored up to 3:") && said.contains("the trail is whole: 4 rows"), "{said}");
    assert!(said.contains(&format!("  {}  MDM  [escrow:write]", part(&token, 3..19))), "{said}");
    let listed = other.run(&["token", "list"]).ok().out;
    assert!(listed.contains("waiting for approval") && !listed.contains("live"), "{listed}");
    other.run(&["token", "approve", "0123456789abcdef"]).fails("waits for approval");
    assert!(other.run(&["token", "approve", &token]).ok().out.contains("works again"));
    assert!(other.run(&["token", "list"]).ok().out.contains("live"));
    other.run(&["restore", "--from", to]).fails("nothing was restored");
    other.run(&["audit", "verify"]).ok();
}

#[test]
fn s70_a_restore_says_why_it_does_not_and_makes_no_database() {
    let home = Home::ready(ISSUER);
    let file = home.path("kh.backup");
    home.run(&["backup", "--to", file.to_str().unwrap()]).ok();
    let bytes = std::fs::read(&file).unwrap();
    let other = beside(&home);
    let refused = |name: &str, with: &str| {
        other.run(&["restore", "--from", other.path(name).to_str().unwrap()]).fails(with);
        assert!(!other.path("keyharbor.db").exists(), "{with}");
    };
    refused("not there", "No such file");
    for (name, content, with) in [
        ("cut", &bytes[..bytes.len() - 1], "it ends too early"),
        ("empty", &[][..], "it is not a Keyharbor backup"),
        ("half", &bytes[..bytes.len() / 2], "it ends too early"),
        ("strange", b"SQLite format 3\0 and more that is no backup".as_slice(), "it is not a Keyharbor backup"),
    ] {
        std::fs::write(other.path(name), content).unwrap();
        refused(name, with);
    }
    std::fs::write(other.path("whole"), &bytes).unwrap();
    std::fs::remove_file(other.path("root.key")).unwrap();
    refused("whole", "the root key cannot be read from");
    let stranger = Home::ready(ISSUER);
    std::fs::copy(stranger.path("root.key"), other.path("root.key")).unwrap();
    refused("whole", "the root key does not open this database's key ring");
}

#[actix_web::test]
async fn a_backup_that_is_killed_leaves_no_file_of_that_name() {
    let home = Home::ready(ISSUER);
    sql(&home, CROWD).await;
    let file = home.path("kh.backup");
    let arguments = ["backup", "--to", file.to_str().unwrap()];
    let mut backup = home.start(&arguments);
    let partial = |home: &Home| {
        let entries = std::fs::read_dir(home.folder.path()).unwrap().map(|e| e.unwrap());
        entries.filter(|e| e.file_name().to_string_lossy().ends_with(".partial")).any(|e| e.metadata().is_ok_and(|m| m.len() > 100_000))
    };
    until(&mut backup, || partial(&home));
    backup.child.kill().unwrap();
    drop(backup);
    assert!(!file.exists());
    home.run(&arguments).ok();
    assert!(home.run(&["restore", "--check", "--from", file.to_str().unwrap()]).ok().out.contains("30000"));
}

#[actix_web::test]
async fn s70_a_restore_that_is_killed_leaves_nothing_and_can_be_run_again() {
    let home = Home::ready(ISSUER);
    sql(&home, CROWD).await;
    let file = home.path("kh.backup");
    home.run(&["backup", "--to", file.to_str().unwrap()]).ok();
    let other = beside(&home);
    let mut restore = other.start(&["restore", "--from", file.to_str().unwrap()]);
    // Pages that do not fit the cache are in the write-ahead log before the commit.
    until(&mut restore, || std::fs::metadata(other.path("keyharbor.db-wal")).is_ok_and(|m| m.len() > 500_000));
    restore.child.kill().unwrap();
    drop(restore);
    let mut server = other.start(&["serve"]);
    assert!(server.until("sealed: nothing is shown").contains("this database has no key ring yet"));
    drop(server);
    let said = other.run(&["restore", "--from", file.to_str().unwrap()]).ok().out;
    assert!(said.contains("the trail is whole"), "{said}");
    drop(other.serve());
}

/// Waits for what a program does; it must not end before.
pub fn until(program: &mut Running, seen: impl Fn() -> bool) {
    while !seen() {
        assert!(program.child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::yield_now();
    }
}

fn partials(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.filter(|name| name.ends_with(".partial")).collect();
    names.sort();
    names
}

#[actix_web::test]
async fn what_a_killed_backup_left_is_taken_away_by_the_next_and_nothing_else_is() {
    let home = Home::ready(ISSUER);
    sql(&home, CROWD).await;
    let begin = |name: &str| {
        let path = home.path(name);
        let mut backup = home.start(&["backup", "--to", path.to_str().unwrap()]);
        // Rows are in it: the row of the trail before them, for which the database is locked, has been committed.
        let grows = |partial: &String| std::fs::metadata(home.path(partial)).is_ok_and(|m| m.len() > 1000);
        until(&mut backup, || partials(&home).iter().any(|partial| partial.starts_with(&format!(".{name}.")) && grows(partial)));
        backup
    };
    let mut killed = begin("monday");
    killed.child.kill().unwrap();
    drop(killed);
    let id = "0123456789abcdef0123456789abcdef";
    let others = [
        (format!(".monday.{id}.partial"), "what somebody else keeps under such a name"),
        (".monday.partial".to_owned(), ""),
        (format!(".monday.{}.partial", part(id, 1..)), "keyharbor backup\n"),
        (format!("monday.{id}.partial"), "keyharbor backup\n"),
        (format!(".monday.{id}.partial.kept"), "keyharbor backup\n"),
    ];
    for (name, text) in &others {
        std::fs::write(home.path(name), text).unwrap();
    }
    std::fs::write(home.path("elsewhere"), "keyharbor backup\n").unwrap();
    let link = format!(".link.{id}.partial");
    std::os::unix::fs::symlink(home.path("elsewhere"), home.path(&link)).unwrap();
    let left: Vec<_> = partials(&home);
    assert_eq!(left.len(), 6, "one was left by the killed process: {left:?}");
    // One that was killed before it had written a line.
    let early = format!(".sunday.{}.partial", id.replace('0', "f"));
    std::fs::write(home.path(&early), "").unwrap();

    // Stopped in the middle, and alive.
    let mut alive = begin("tuesday");
    alive.signal(rustix::process::Signal::STOP);
    home.run(&["backup", "--to", home.path("wednesday").to_str().unwrap()]).ok();
    let mut kept = partials(&home);
    assert_eq!(kept.iter().filter(|n| n.starts_with(".tuesday.")).count(), 1, "somebody writes it: {kept:?}");
    kept.retain(|n| !n.starts_with(".tuesday."));
    let mut mine: Vec<_> = others.iter().map(|(name, _)| name.clone()).filter(|n| n.ends_with(".partial")).chain([link]).collect();
    mine.sort();
    assert_eq!(kept, mine, "nothing but backups that were killed is taken away");
    for (name, text) in &others {
        assert_eq!(std::fs::read_to_string(home.path(name)).unwrap(), *text);
    }
    alive.signal(rustix::process::Signal::CONT);
    assert!(alive.child.wait().unwrap().success());
    assert!(home.path("tuesday").exists());
    home.run(&["restore", "--check", "--from", home.path("tuesday").to_str().unwrap()]).ok();
}

#[test]
fn a_backup_into_a_pipe_is_refused_by_its_name() {
    let home = Home::ready(ISSUER);
    let mut command = home.command(&["backup", "--to", "-"]);
    command.current_dir(home.folder.path());
    let said = crate::process::finish(command).fails("--to - is no place for a backup");
    assert!(said.out.is_empty() && !home.path("-").exists());
}
