//! The commands of an operator, by the real binary.

use std::os::unix::fs::PermissionsExt as _;

use keyharbor::config::Config;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::probe::part;
use crate::process::{Home, command, finish};
use crate::world::{KEY, MAC};

const ISSUER: &str = "http://127.0.0.1:9";

async fn sql(home: &Home, text: &str) -> u64 {
    let mut conn = sqlx::SqliteConnection::connect(&home.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut conn).await.unwrap().rows_affected()
}

fn root_key(home: &Home) -> String {
    std::fs::read_to_string(home.path("root.key")).unwrap().trim().to_owned()
}

#[test]
fn init_asks_for_the_end_of_the_root_key_and_takes_it() {
    let home = Home::new(ISSUER);
    let mut init = home.start(&["init"]);
    init.until("Type the last eight characters");
    let key = root_key(&home);
    assert_eq!(std::fs::metadata(home.path("root.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(key.starts_with("khroot1_") && key.len() == 72 && !init.said.contains(part(&key, 8..)), "the key is in its file only");
    init.type_in(&format!("{}\n", part(&key, key.len() - 8..).to_uppercase()));
    let done = init.end().ok();
    assert!(done.out.ends_with("Confirmed.\n"), "{}", done.out);
}

#[test]
fn init_is_not_confirmed_by_a_wrong_end_or_none_and_can_be_later() {
    let home = Home::new(ISSUER);
    let mut init = home.start(&["init"]);
    init.type_in("00000000\nwrong\n\n");
    init.end().fails("Not confirmed.");
    let end = part(&root_key(&home), 64..).to_owned();
    let nothing = home.run(&["init", "--confirm"]).ok();
    assert!(nothing.err.contains("init --confirm"), "{}", nothing.err);
    let server = home.serve();
    assert!(server.said.contains("nobody has confirmed a copy of the root key"));
    drop(server);
    let mut later = home.start(&["init", "--confirm"]);
    later.type_in(&format!("xxxxxxxx\n{end}\n"));
    assert!(later.end().ok().out.contains("Confirmed."));
    assert!(!home.serve().said.contains("nobody has confirmed"));
}

#[test]
fn s57_init_writes_over_nothing_and_makes_no_second_ring() {
    let home = Home::new(ISSUER);
    std::fs::write(home.path("root.key"), "something of value").unwrap();
    home.run(&["init"]).fails("cannot make");
    assert_eq!(std::fs::read_to_string(home.path("root.key")).unwrap(), "something of value");
    std::fs::remove_file(home.path("root.key")).unwrap();
    home.run(&["init"]).ok();
    let key = root_key(&home);
    let second = home.path("second.key");
    home.run(&["init", "--key-file", second.to_str().unwrap()]).fails("already has a key ring");
    assert!(!second.exists());
    home.run(&["init"]).fails("already has a key ring");
    assert_eq!(root_key(&home), key);
}

#[test]
fn config_check_and_defaults() {
    let home = Home::ready(ISSUER);
    let checked = home.run(&["config", "check"]).ok();
    assert!(checked.out.contains("warning: oidc.roles is empty") && checked.out.ends_with("the settings can be used\n"));
    assert_eq!(home.run(&["config", "defaults"]).ok().out.trim_end(), Config::reference().trim_end());
    let text = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    for (wrong, named) in
        [("[oidc]\nisuer = 'x'", "isuer"), ("[nowhere]\nx = 1", "nowhere"), ("[reveal]\nwindow_seconds = 301", "reveal.window_seconds")]
    {
        let broken = match wrong.strip_prefix("[oidc]\n") {
            Some(line) => format!("{text}{line}\n"),
            None => format!("{text}{wrong}\n"),
        };
        home.settings(&broken);
        home.run(&["config", "check"]).fails(named);
        home.refuses(&["serve"], named);
    }
    home.settings(&text);
    let mut environment = home.command(&["config", "check"]);
    environment.env("KEYHARBOR__SERVER__PUBLIC_ULR", "https://x.example");
    finish(environment).fails("public_ulr");
    let mut missing = command();
    missing.args(["--config", "/nowhere/keyharbor.toml", "config", "check"]);
    finish(missing).fails("nowhere");
}

#[test]
fn s77_a_check_of_the_settings_says_that_nobody_would_own_a_device() {
    let home = Home::ready(ISSUER);
    let named = "warning: oidc.owner_claim is not set";
    assert!(!home.run(&["config", "check"]).ok().out.contains(named));
    let text = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&text.replace("owner_claim = \"preferred_username\"\n", ""));
    let checked = home.run(&["config", "check"]).ok();
    assert!(checked.out.contains(named) && checked.out.ends_with("the settings can be used\n"), "{}", checked.out);
}

#[test]
fn tokens_are_shown_once_listed_without_their_secret_and_revoked() {
    let home = Home::ready(ISSUER);
    let made =
        home.run(&["token", "create", "--name", "Crypt clients", "--scope", "escrow:write,status:read", "--door", "crypt-path"]).ok();
    let text = made.out.trim();
    assert_eq!((made.out.lines().count(), text.len(), part(text, ..3)), (1, 63, "kh_"));
    assert!(!made.err.contains(part(text, 20..)));
    let list = home.run(&["token", "list"]).ok().out;
    assert!(list.contains(part(text, 3..19)) && list.contains("live") && list.contains("[escrow:write status:read]"), "{list}");
    assert!(!list.contains(part(text, 20..)));
    assert!(home.run(&["token", "revoke", text]).ok().out.contains("is revoked"));
    home.run(&["token", "revoke", part(text, 3..19)]).fails("no live token");
    home.run(&["token", "revoke", "0123456789abcdef"]).fails("no live token");
    assert!(home.run(&["token", "list"]).ok().out.contains("revoked"));
    for (arguments, named) in [
        (["--name", "x", "--scope", "keys:read", "--trust", "observed"], "keys:read"),
        (["--name", "x", "--scope", "escrow:write", "--trust", "certain"], "--trust"),
        (["--name", "x", "--scope", "escrow:write", "--door", "back"], "--door"),
        (["--name", "x", "--scope", "escrow:write", "--expires", "0d"], "--expires"),
        (["--name", "x", "--scope", "escrow:write", "--expires", "2020-01-01T00:00:00Z"], "past"),
        (["--name", "x", "--scope", "escrow:write", "--devices", ""], "devices"),
        (["--name", " ", "--scope", "escrow:write", "--devices", "C02*"], "name"),
    ] {
        home.run(&[&["token", "create"], &arguments[..]].concat()).fails(named);
    }
    assert_eq!(home.run(&["token", "list"]).ok().out.lines().count(), 1);
}

#[test]
fn logins_are_shown_and_rebound() {
    let home = Home::ready(ISSUER);
    assert!(home.run(&["login", "show", "Astrid"]).ok().out.contains("astrid is not bound"));
    home.run(&["login", "rebind", "Astrid", "sub-1"]).ok();
    assert!(home.run(&["login", "show", "astrid"]).ok().out.contains("astrid is bound to sub-1 at http://127.0.0.1:9"));
    home.run(&["login", "rebind", "berit", "sub-1"]).ok();
    assert!(home.run(&["login", "show", "astrid"]).ok().out.contains("not bound"), "a subject has one login");
    home.run(&["login", "rebind", "berit", ""]).fails("the subject must not be empty");
    home.run(&["login", "show", " "]).fails("the login must not be empty");
}

#[test]
fn owners_are_imported_after_a_dry_run() {
    let home = Home::ready(ISSUER);
    let list = home.path("owners.csv");
    let import = |more: &[&str]| home.run(&[&["owners", "import", list.to_str().unwrap()], more].concat());
    std::fs::write(&list, format!("serial,login\n{MAC},astrid\nC02B,berit\n")).unwrap();
    assert!(import(&[]).ok().out.contains("2 set, 0 as before, 0 removed, 2 devices new, 0 lines not usable (dry run"));
    assert!(import(&[]).ok().out.contains("2 set"), "a dry run writes nothing");
    assert!(import(&["--apply"]).ok().out.contains("2 set"));
    std::fs::write(&list, format!("\u{feff}serial;login\r\n{MAC};berit\r\n{KEY};astrid\r\n;kim\r\n")).unwrap();
    let refused = import(&["--apply", "--replace"]).fails("line 3: serial looks like a recovery key");
    assert!(refused.err.contains("line 4: serial must not be empty") && !refused.err.contains("AAAA"));
    let what = "1 set, 0 as before, 1 removed, 0 devices new, 2 lines not usable (nothing written: mend the lines first)";
    assert!(refused.out.contains(what), "{}", refused.out);
    std::fs::write(&list, format!("\u{feff}serial;login\r\n{MAC};berit\r\n")).unwrap();
    let replaced = import(&["--apply", "--replace"]).ok();
    assert!(replaced.out.contains("1 set, 0 as before, 1 removed, 0 devices new, 0 lines not usable (done)"), "{}", replaced.out);
    std::fs::write(&list, "a,b\n").unwrap();
    import(&[]).fails("the first line must name");
}

#[actix_web::test]
async fn s48_audit_verify_names_the_first_bad_row() {
    let home = Home::ready(ISSUER);
    assert!(home.run(&["audit", "verify"]).ok().out.contains("the trail is whole: 1 rows"), "the ring was made");
    for n in 0..4 {
        home.run(&["token", "create", "--name", &format!("t{n}"), "--scope", "escrow:write"]).ok();
    }
    let whole = home.run(&["audit", "verify"]).ok().out;
    let checkpoint = whole.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(whole.contains("the trail is whole: 5 rows") && checkpoint.starts_with("5:"));
    home.run(&["audit", "verify", "--at-least", &checkpoint]).ok();
    home.run(&["audit", "verify", "--at-least", &format!("6:{}", part(&checkpoint, 2..))])
        .fails("row 5: the trail ends before the checkpoint");
    home.run(&["audit", "verify", "--at-least", &format!("4:{}", part(&checkpoint, 2..))]).fails("row 4: the checkpoint names another row");
    let file = home.path("keyharbor.db");
    // A command may end before SQLite has folded its write-ahead log into the file.
    sql(&home, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let copy = std::fs::read(&file).unwrap();
    for (change, said) in [
        ("UPDATE audit_events SET detail = 'nothing' WHERE seq = 3", "row 3: it does not verify"),
        ("UPDATE audit_events SET happened_at = happened_at + 1 WHERE seq = 1", "row 1: it does not verify"),
        ("UPDATE audit_events SET personal = '{\"login\":\"x\"}' WHERE seq = 2", "row 2: its personal fields were changed"),
        ("UPDATE audit_events SET kind = 'nonsense' WHERE seq = 4", "row 4: it cannot be read"),
        ("DELETE FROM audit_events WHERE seq = 2", "row 2: a row is missing"),
        ("DELETE FROM audit_events WHERE seq = 5", "row 5: the head names a row that is not there"),
        (
            "UPDATE audit_events SET seq = 9 WHERE seq = 2; UPDATE audit_events SET seq = 2 WHERE seq = 3; UPDATE audit_events SET seq = 3 WHERE seq = 9",
            "row 2: it does not verify",
        ),
        ("DELETE FROM audit_events", "row 1: the head names a row that is not there"),
    ] {
        sql(&home, change).await;
        let verdict = home.run(&["audit", "verify"]).fails(said);
        assert!(!verdict.out.contains("whole"), "{change}");
        std::fs::write(&file, &copy).unwrap();
        for beside in ["keyharbor.db-wal", "keyharbor.db-shm"] {
            let _ = std::fs::remove_file(home.path(beside));
        }
    }
    // A tail that was cut with care shows against a checkpoint, or by what it left behind in other tables.
    sql(&home, "DELETE FROM audit_events WHERE seq = 5; UPDATE audit_head SET seq = 4, mac = (SELECT mac FROM audit_events WHERE seq = 4)")
        .await;
    home.run(&["audit", "verify"]).fails("api_tokens does not hold what it says");
    home.run(&["audit", "verify", "--at-least", &checkpoint]).fails("row 4: the trail ends before the checkpoint");
}

#[test]
fn migrate_does_what_is_missing_once() {
    let home = Home::new(ISSUER);
    let applied = home.run(&["migrate"]).ok().out;
    assert!(applied.ends_with(" migrations applied\n") && !applied.starts_with('0'), "{applied}");
    assert_eq!(home.run(&["migrate"]).ok().out, "0 migrations applied\n");
    home.run(&["token", "list"]).fails("cannot be read");
    home.run(&["init"]).ok();
    home.run(&["token", "list"]).ok();
}
