//! What an operator does at the host when things are bad, by the real binary: break-glass, the recovery kit, the doctor.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use keyharbor::crypto::Ring;
use keyharbor::domain::audit::Event;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::EventId;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::service::break_glass::{BreakGlass, break_glass};
use keyharbor::service::trail::{Verdict, verify_tail};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::fixed;
use crate::idp::Idp;
use crate::probe::{Logs, number, part, text};
use crate::process::{Home, Running, Said};
use crate::races::ring;
use crate::world::{KEY, MAC, OTHER_KEY, World};

const ISSUER: &str = "http://127.0.0.1:9";
const GLASS: [&str; 6] = ["reveal", "--operator", "Ingrid at the console", "--reason", "the provider is down", "--serial"];

async fn sql(home: &Home, text: &str) {
    let mut conn = sqlx::SqliteConnection::connect(&home.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut conn).await.unwrap();
}

/// A home with a server that serves, and a Mac with two keys.
fn serving() -> (Home, Running) {
    let home = Home::ready(ISSUER);
    let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned();
    let server = home.serve();
    for key in [KEY, OTHER_KEY] {
        assert_eq!(home.deposit(&token, MAC, key).0, 201);
    }
    (home, server)
}

fn glass(home: &Home, serial: &str, more: &[&str]) -> Said {
    home.run(&[&GLASS[..], &[serial], more].concat())
}

/// The program on a terminal of its own.
fn on_terminal(home: &Home, arguments: &[&str]) -> Running {
    let config = home.path("keyharbor.toml");
    let words = [env!("CARGO_BIN_EXE_keyharbor"), "--config", config.to_str().unwrap()];
    let line = words.iter().chain(arguments).map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    Running::start(command)
}

/// Of the newest row that somebody at the host caused; a server beside it writes rows of its own.
async fn last(home: &Home, column: &str) -> String {
    text(&home.url(), &format!("SELECT {column} FROM audit_events WHERE actor_kind = 'operator' ORDER BY seq DESC LIMIT 1")).await
}

#[actix_web::test]
async fn s44_break_glass_is_recorded_and_loud_and_shows_the_current_key_beside_a_server_and_without_a_provider() {
    let (home, server) = serving();
    let said = glass(&home, &MAC.to_lowercase(), &["--allow-redirect"]).ok();
    assert!(said.out.contains(OTHER_KEY) && !said.out.contains(KEY), "{}", said.out);
    assert!(said.out.contains("GGGG   Golf Golf Golf Golf") && said.out.contains("(--version N): 1"), "{}", said.out);
    let alarm: Value = serde_json::from_str(said.err.lines().find(|l| l.contains("break-glass")).unwrap()).unwrap();
    assert_eq!((&alarm["level"], &alarm["serial"], &alarm["operator"]), (&"ERROR".into(), &MAC.into(), &"Ingrid at the console".into()));
    assert!(!said.err.contains(part(OTHER_KEY, ..9)), "the alarm holds no key");
    assert_eq!(
        last(&home, "kind || ' ' || outcome || ' ' || actor_kind || ' ' || detail").await,
        "reveal.break_glass ok operator version 2"
    );
    let personal = last(&home, "personal").await;
    assert!(personal.contains("Ingrid at the console") && personal.contains("the provider is down"), "{personal}");
    assert!(said.out.contains(&format!("row {}", last(&home, "CAST(seq AS TEXT)").await)));
    assert_eq!(number(&home.url(), "SELECT COUNT(*) FROM key_versions WHERE version = 2 AND revealed_at IS NOT NULL").await, 1);
    assert!(glass(&home, MAC, &["--version", "1", "--allow-redirect"]).ok().out.contains(KEY));
    home.run(&["audit", "verify"]).ok();
    assert!(!server.end_by_term().contains(part(OTHER_KEY, ..9)), "nor does the server's log");
}

async fn a_thousand(world: &World, event: &Event, ring: &Ring) {
    let events: Vec<_> = (0..1000).map(|_| Event { id: EventId::new(&world.env), ..event.clone() }).collect();
    for some in events.chunks(100) {
        let mut tx = world.fresh.store.write().await.unwrap();
        let pending = tx.audit_append(some, ring).await.unwrap();
        tx.commit(pending).await.unwrap();
    }
}

#[actix_web::test]
async fn s44_every_server_says_what_was_shown_at_the_host_and_measures_it_for_a_day() {
    let measured = |world: &World, n: u8| {
        let text = world.service.metrics_text();
        assert!(text.contains(&format!("\nkeyharbor_break_glass_reveals_last_day {n}\n")), "{n}: {text}");
    };
    for world in World::both().await {
        world.astrids_mac().await;
        let ring = ring(&world).await;
        let ask = |serial| BreakGlass::new(serial, None, "Ingrid", "the provider is down").unwrap();
        let (logs, guard) = Logs::start();
        world.service.watch_break_glass().await;
        measured(&world, 0);
        assert!(!logs.text().contains("break-glass"));
        break_glass(&world.fresh.store, &ring, &world.env, &ask("C02NOBODYS99")).await.err().unwrap();
        // Refusals by the thousand, before and after, hide it from nobody.
        let refused = world.last().await.event;
        a_thousand(&world, &refused, &ring).await;
        let opened = break_glass(&world.fresh.store, &ring, &world.env, &ask(MAC)).await.unwrap();
        a_thousand(&world, &refused, &ring).await;
        drop(guard);
        let (logs, _guard) = Logs::start();
        for _ in 0..2 {
            world.service.watch_break_glass().await;
            measured(&world, 1);
        }
        let said: Vec<Value> = logs.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(said.len(), 1, "once, and nothing of what was refused: {said:?}");
        assert_eq!((&said[0]["level"], &said[0]["operator"]), (&"ERROR".into(), &"Ingrid".into()));
        assert_eq!((&said[0]["serial"], &said[0]["row"]), (&MAC.into(), &opened.row.into()));
        world.clock.advance_seconds(86_401);
        world.service.watch_break_glass().await;
        measured(&world, 0);
    }
    // What was done while no server ran is said when one starts.
    let (home, server) = serving();
    server.end_by_term();
    glass(&home, MAC, &["--allow-redirect"]).ok();
    let server = home.serve();
    assert!(server.said.contains("a recovery key was shown at the host"), "{}", server.said);
    assert!(!server.said.contains(part(OTHER_KEY, ..9)));
}

#[actix_web::test]
async fn s44_break_glass_on_a_terminal_is_cleared_by_time_or_by_enter() {
    let (home, _server) = serving();
    let glass = [&GLASS[..], &[MAC]].concat();
    let cleared = |out: &str| {
        let (_, rest) = out.split_once("\u{1b}[?1049h").expect("another screen");
        let (shown, after) = rest.split_once("\u{1b}[?1049l").expect("the first screen again");
        assert!(shown.contains(OTHER_KEY) && !after.contains(OTHER_KEY), "{out:?}");
        assert!(!out.contains("\u{1b}[3J"), "what stood there before stays");
    };
    let mut waiting = on_terminal(&home, &glass);
    waiting.until("or when you press Enter");
    waiting.type_in("\n");
    cleared(&waiting.end().ok().out);
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&format!("{settings}[reveal]\nwindow_seconds = 1\n"));
    let mut waiting = on_terminal(&home, &glass);
    waiting.until("cleared in 1 seconds");
    cleared(&waiting.end().ok().out);
}

#[actix_web::test]
async fn s44_break_glass_without_a_row_or_a_terminal_shows_nothing_and_what_it_refuses_is_a_row() {
    let (home, _server) = serving();
    let rows = async || number(&home.url(), "SELECT COUNT(*) FROM audit_events WHERE kind LIKE 'reveal%'").await;
    let before = rows().await;
    let redirect = ["--allow-redirect"];
    let nothing = |said: &Said| assert!(!said.out.contains(part(OTHER_KEY, ..9)) && !said.out.contains(part(KEY, ..9)), "{}", said.out);
    nothing(&glass(&home, MAC, &[]).fails("no terminal"));
    for (more, named) in [
        (["--reason", " \u{200b}"], "reason must not be empty"),
        (["--operator", ""], "operator must not be empty"),
        (["--reason", OTHER_KEY], "reason looks like a recovery key"),
        (["--serial", OTHER_KEY], "keyharbor: serial looks like a recovery key"),
    ] {
        let mut arguments: Vec<&str> = [&GLASS[..], &[MAC], &redirect[..]].concat();
        let at = arguments.iter().position(|a| *a == more[0]).unwrap();
        arguments[at + 1] = more[1];
        let said = home.run(&arguments).fails(named);
        nothing(&said);
        assert!(!said.err.contains(part(OTHER_KEY, ..9)));
    }
    assert_eq!(rows().await, before, "nothing was asked of the database");
    glass(&home, "C02NOBODY", &redirect).fails("no Mac with the serial number C02NOBODY");
    glass(&home, MAC, &["--version", "7", "--allow-redirect"]).fails("there are: 2, 1");
    assert_eq!((rows().await, last(&home, "kind || ' ' || outcome").await), (before + 2, "reveal.break_glass refused".to_owned()));
    sql(&home, "CREATE TRIGGER no_rows BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'no'); END").await;
    nothing(&glass(&home, MAC, &redirect).fails("without a trail row no key is shown"));
    sql(&home, "DROP TRIGGER no_rows").await;
    sql(&home, "UPDATE key_versions SET sealed = substr(sealed, 1, 40) WHERE version = 2").await;
    nothing(&glass(&home, MAC, &redirect).fails("does not verify"));
    sql(&home, "UPDATE key_versions SET trust = trust + 1").await;
    nothing(&glass(&home, MAC, &redirect).fails("does not verify (key_versions)"));
    assert_eq!(number(&home.url(), "SELECT COUNT(*) FROM audit_events WHERE kind = 'integrity_failure'").await, 2);
}

/// The four lines of a kit, as printed.
fn kit_of(home: &Home) -> Vec<String> {
    let out = home.run(&["keyring", "kit", "--allow-redirect"]).ok().out;
    let lines: Vec<String> =
        out.lines().filter(|l| l.trim().starts_with("line ")).map(|l| l.split_once(':').unwrap().1.trim().to_owned()).collect();
    assert_eq!(lines.len(), 4, "{out}");
    lines
}

fn typed(home: &Home, arguments: &[&str], lines: &[&str]) -> Said {
    let mut running = home.start(arguments);
    // One that refuses at once does not wait for what is typed.
    let _ = running.child.stdin.as_mut().unwrap().write_all(lines.iter().map(|l| format!("{l}\n")).collect::<String>().as_bytes());
    running.end()
}

#[actix_web::test]
async fn s57_the_recovery_kit_is_printed_recorded_typed_back_and_makes_the_key_file_again() {
    let home = Home::ready(ISSUER);
    home.run(&["keyring", "kit"]).fails("no terminal");
    let kit = kit_of(&home);
    let key = std::fs::read_to_string(home.path("root.key")).unwrap();
    let digits = part(key.trim(), 8..).to_owned();
    let on_paper: String = kit.iter().flat_map(|l| l.split_whitespace().take(4)).collect();
    assert_eq!(on_paper, digits, "the kit is the key");
    assert_eq!(last(&home, "kind").await, "key_ring.kit_shown");
    for column in ["detail", "personal"] {
        let said = last(&home, column).await;
        assert!(digits.as_bytes().chunks(8).all(|c| !said.contains(std::str::from_utf8(c).unwrap())), "{said}");
    }
    let lines: Vec<&str> = kit.iter().map(String::as_str).collect();

    // Typed back: a slip is named by its line and asked for again.
    let slip = kit[1].replacen(part(&kit[1], ..1), if kit[1].starts_with('0') { "1" } else { "0" }, 1);
    let said = typed(&home, &["keyring", "confirm"], &[lines[0], &slip, lines[2], lines[1], lines[2], lines[3]]).ok();
    assert!(said.err.contains("Line 2: its checksum does not fit") && said.err.contains("Line 2: this is line 3"), "{}", said.err);
    assert!(said.out.ends_with("Confirmed: the kit is whole.\n") && !said.err.contains(part(&kit[1], 2..)), "{}", said.out);
    assert_eq!(last(&home, "kind").await, "key_ring.confirmed");
    assert!(!home.serve().said.contains("nobody has confirmed"));
    let other = Home::ready(ISSUER);
    let others = kit_of(&other);
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    typed(&home, &["keyring", "confirm"], &others).fails("another root key");

    // Lost, and back: never over a file, never with a key that does not open the ring.
    typed(&home, &["keyring", "restore"], &lines).fails("is there already");
    std::fs::remove_file(home.path("root.key")).unwrap();
    typed(&home, &["keyring", "restore"], &others).fails("does not open this database's key ring");
    typed(&home, &["keyring", "restore"], &["x", "y", "z"]).fails("line 1 was not right three times");
    typed(&home, &["keyring", "restore"], &lines[..2]).fails("the input ended before line 3");
    assert!(!home.path("root.key").exists());
    typed(&home, &["keyring", "restore"], &lines).ok();
    assert_eq!(std::fs::read_to_string(home.path("root.key")).unwrap(), key);
    assert_eq!(std::fs::metadata(home.path("root.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(last(&home, "kind").await, "key_ring.root_key_restored");
    home.run(&["audit", "verify"]).ok();

    // On a new host, before the database is back.
    let bare = Home::new(ISSUER);
    typed(&bare, &["keyring", "restore"], &lines).fails("cannot be");
    let said = typed(&bare, &["keyring", "restore", "--without-database"], &lines).ok();
    assert!(said.out.contains("compare the name"));
    assert_eq!(std::fs::read_to_string(bare.path("root.key")).unwrap(), key);
}

/// A line of that state about that check holds the words.
fn says(said: &Said, state: &str, check: &str, words: &str) {
    let found = said.out.lines().any(|line| {
        let rest = line.strip_prefix(state).map(str::trim_start).and_then(|rest| rest.strip_prefix(check));
        rest.is_some_and(|rest| rest.starts_with(' ') && rest.contains(words))
    });
    assert!(found, "no line \"{state} {check} … {words}\" in:\n{}{}", said.out, said.err);
}

fn mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[actix_web::test]
async fn the_doctor_finds_a_whole_installation_well_and_says_what_is_to_be_done() {
    let idp = Idp::start(fixed::env(1).1.clock);
    let home = Home::ready(idp.issuer());
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    let with = |more: &str| home.settings(&format!("{settings}client_secret = \"{}\"\n{more}", crate::idp::CLIENT_SECRET));
    with("");
    mode(&home.path("keyharbor.toml"), 0o600);
    let said = home.run(&["doctor"]).ok();
    for (state, check, words) in [
        ("ok", "version", env!("CARGO_PKG_VERSION")),
        ("ok", "settings", "can be used"),
        ("warning", "settings", "oidc.roles is empty"),
        ("ok", "settings file", "mode 600"),
        ("ok", "root key", "can be read"),
        ("ok", "database", "SQLite answers, is up to date and takes writes"),
        ("warning", "key ring", "keyharbor keyring confirm"),
        ("ok", "key age", "0 days"),
        ("ok", "trail", "rows verify"),
        ("ok", "tokens", "0 live"),
        ("ok", "provider", "fits the settings"),
        ("warning", "server", "nothing listens"),
    ] {
        says(&said, state, check, words);
    }
    assert!(said.out.contains("MiB are free"));
    let rows = number(&home.url(), "SELECT COUNT(*) FROM audit_events").await;
    let json: Value = serde_json::from_str(&home.run(&["doctor", "--json"]).ok().out).unwrap();
    assert_eq!(
        (json["ok"].as_bool(), number(&home.url(), "SELECT COUNT(*) FROM audit_events").await),
        (Some(true), rows),
        "it changes nothing"
    );
    assert!(!said.out.contains(crate::idp::CLIENT_SECRET) && !json.to_string().contains(crate::idp::CLIENT_SECRET));
    home.run(&["token", "create", "--name", "short", "--scope", "escrow:write", "--expires", "20d"]).ok();
    let server = home.serve();
    says(&home.run(&["doctor"]).ok(), "ok", "server", "is ready");
    says(&home.run(&["doctor"]).ok(), "warning", "tokens", "(short) ends on");
    drop(server);
}

#[actix_web::test]
async fn the_doctor_names_what_is_wrong_and_the_exit_code_says_so() {
    let idp = Idp::start(fixed::env(1).1.clock);
    let home = Home::ready(idp.issuer());
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    let with = |more: &str| home.settings(&format!("{settings}client_secret = \"{}\"\n{more}", crate::idp::CLIENT_SECRET));
    with("");
    let (config, key) = (home.path("keyharbor.toml"), home.path("root.key"));
    home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok();
    let wrong = |check: &str, words: &str| {
        let said = home.run(&["doctor"]);
        assert_eq!(said.status.code(), Some(1), "{}", said.out);
        says(&said, "wrong", check, words);
    };
    mode(&config, 0o644);
    wrong("settings file", "holds a secret and can be read by everybody");
    mode(&config, 0o620);
    wrong("settings file", "can be changed by others");
    mode(&config, 0o600);
    mode(&key, 0o640);
    wrong("root key", "chmod 600");
    mode(&key, 0o600);
    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, format!("khroot1_{}", "0".repeat(64))).unwrap();
    wrong("key ring", "does not open this database's key ring");
    std::fs::write(&key, text).unwrap();
    sql(&home, "UPDATE api_tokens SET trust = 3").await;
    says(&home.run(&["doctor"]).ok(), "warning", "tokens", "1 do not verify");
    sql(&home, "UPDATE audit_events SET detail = 'x' WHERE seq = 2").await;
    wrong("trail", "row 2: it does not verify");
    with("[reveal]\nwindow_seconds = 301\n");
    wrong("settings", "reveal.window_seconds");
    with("");
    drop(idp);
    wrong("provider", "reach: ");
    let bare = Home::new(ISSUER);
    let said = bare.run(&["doctor"]);
    says(&said, "wrong", "database", "keyharbor init");
    assert!(said.status.code() == Some(1) && !bare.path("keyharbor.db").exists(), "looking makes no database");
}

#[actix_web::test]
async fn the_tail_of_the_trail_is_checked_from_any_row_on() {
    for world in World::both().await {
        for _ in 0..6 {
            world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        }
        let ring = ring(&world).await;
        let tail = async |rows| verify_tail(&world.fresh.store, &ring, rows).await.unwrap();
        for rows in 1..10 {
            assert!(matches!(tail(rows).await, Verdict::Whole { seq: 7, .. }), "{rows}");
        }
        world.sql("UPDATE audit_events SET detail = 'x' WHERE seq = 3").await;
        assert!(matches!(tail(4).await, Verdict::Whole { .. }), "what stands before is not looked at");
        for rows in 5..10 {
            assert!(matches!(tail(rows).await, Verdict::Broken { seq: 3, .. }), "{rows}");
        }
        world.sql("DELETE FROM audit_events WHERE seq = 7").await;
        assert!(matches!(tail(2).await, Verdict::Broken { seq: 7, .. }));
    }
}
