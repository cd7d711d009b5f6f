//! `serve` and `demo` as whole programs: what stops them from starting, what does not, and how they end.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::fixed;
use crate::idp::Idp;
use crate::idp::wire::Trouble;
use crate::probe::{holds, part};
use crate::process::{Home, Running, answer, command};
use crate::world::{KEY, MAC};

fn token(home: &Home) -> String {
    home.run(&["token", "create", "--name", "t", "--scope", "escrow:write"]).ok().out.trim().to_owned()
}

#[test]
fn s08_a_provider_that_names_another_issuer_stops_the_start() {
    let (clock, _) = fixed::env(1);
    let idp = Idp::start(Arc::clone(&clock) as _);
    let home = Home::ready(idp.issuer());
    idp.set(|b| drop(b.metadata.insert("issuer".into(), Some(json!("https://other.example")))));
    let mut server = home.start(&["serve"]);
    assert_eq!(server.says("serving all the same"), None);
    server.end().fails(r#"calls itself "https://other.example", which is not oidc.issuer"#);
}

/// A provider that takes the call and says nothing keeps nobody from handing a key in.
#[test]
fn s08_what_a_silent_provider_will_say_is_not_waited_for() {
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::ready(&format!("http://{}", provider.local_addr().unwrap()));
    let token = token(&home);
    let mut server = home.serve();
    let (mut asked, _) = provider.accept().unwrap();
    assert_eq!((home.get("/readyz").0, home.deposit(&token, MAC, KEY).0), (200, 201));
    // It is waited for all the same: what it says late counts as if it had been said at once.
    let body = json!({ "issuer": "https://other.example" }).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    asked.write_all(format!("{head}{body}").as_bytes()).unwrap();
    assert_eq!(server.says("serving all the same"), None);
    server.end().fails(r#"calls itself "https://other.example""#);
}

#[test]
fn s08_a_provider_out_of_reach_stops_nothing_but_sign_in() {
    // Port 9 of the loopback address: nobody answers.
    let home = Home::ready("http://127.0.0.1:9");
    let token = token(&home);
    let mut server = home.serve();
    server.until("the identity provider cannot be reached");
    assert_eq!((home.get("/healthz").0, home.get("/readyz").0), (200, 200));
    assert_eq!(home.deposit(&token, MAC, KEY).0, 201);
    let sign_in = home.get("/sign-in");
    assert_eq!(sign_in.0, 503, "{}", sign_in.1);
    server.signal(Signal::TERM);
    let said = server.end().ok();
    assert!(!said.out.contains(part(&token, 20..)) && !said.out.contains("AAAA"), "the log holds neither token nor key");
}

#[test]
fn s08_a_provider_that_comes_back_is_noticed_although_nobody_signs_in() {
    let (clock, _) = fixed::env(1);
    let idp = Idp::start(Arc::clone(&clock) as _);
    let home = Home::ready(idp.issuer());
    idp.trouble_discovery(Some(Trouble::Status(503)));
    let mut server = home.serve();
    server.until("the identity provider cannot be reached");
    let noted = || home.get("/").1.contains("cannot be reached right now");
    assert!(noted());
    idp.trouble_discovery(None);
    // The server's own task asks again, after 20 s.
    idp.until_asked();
    let since = Instant::now();
    while noted() {
        assert!(since.elapsed() < Duration::from_secs(20), "the note stays");
    }
    assert!(idp.log().iter().all(|line| line.contains("/.well-known/") || line.contains("/jwks")), "{:?}", idp.log());
}

#[test]
fn s15_a_server_that_asks_for_no_recent_proof_says_so_when_it_starts() {
    let home = Home::ready("http://127.0.0.1:9");
    let warning = "oidc.danger_step_up is off: keys are shown without a recent proof of who asks";
    assert!(!home.serve().said.contains("danger_step_up"));
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&format!("{settings}danger_step_up = \"off\"\n"));
    let said = home.serve().said.clone();
    let line = said.lines().find(|l| l.contains(warning)).unwrap_or_else(|| panic!("{said}"));
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!((line["level"].as_str(), line["message"].as_str()), (Some("WARN"), Some(warning)));
}

#[test]
fn a_stop_signal_lets_open_requests_finish() {
    let home = Home::ready("http://127.0.0.1:9");
    let token = token(&home);
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = home.serve();
        let body = json!({ "serial": MAC, "recovery_key": KEY, "hostname": "x".repeat(100) }).to_string();
        let mut open = home.connect();
        let (half, rest) = body.split_at(40);
        open.write_all(format!("{}{half}", home.deposit_head(&token, body.len())).as_bytes()).unwrap();
        // A second request's answer shows that the first one's bytes have arrived before it.
        assert_eq!(home.get("/healthz").0, 200);
        server.signal(signal);
        server.until("stopping: no new connections");
        while TcpStream::connect(("127.0.0.1", home.port)).is_ok() {}
        open.write_all(rest.as_bytes()).unwrap();
        let (status, text) = answer(open);
        assert!([200, 201].contains(&status), "{text}");
        server.end().ok();
    }
    assert!(home.run(&["audit", "verify"]).ok().out.contains("the trail is whole: 6 rows"));
}

#[test]
fn s57_serve_refuses_a_demos_ring_and_serves_sealed_without_its_key() {
    let home = Home::ready("http://127.0.0.1:9");
    let token = token(&home);
    std::fs::set_permissions(home.path("root.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let server = home.serve();
    assert!(server.said.contains("can be read by others (mode 640)"));
    assert_eq!((home.get("/healthz").0, home.get("/readyz").0, home.get("/").0), (200, 503, 503));
    let sheet = home.get(&keyharbor::web::assets::asset("app.css"));
    assert!(sheet.0 == 200 && sheet.1.contains("text/css"), "the page that says so has its style: {}", sheet.1);
    assert_eq!(home.deposit(&token, MAC, KEY).0, 503);
    drop(server);
    home.run(&["token", "list"]).fails("can be read by others");
    std::fs::rename(home.path("root.key"), home.path("kept.key")).unwrap();
    assert!(home.serve().said.contains("the root key cannot be read"));
    std::fs::write(home.path("root.key"), format!("khroot1_{}\n", "0".repeat(64))).unwrap();
    std::fs::set_permissions(home.path("root.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(home.serve().said.contains("does not open this database's key ring"));

    let folder = tempfile::tempdir().unwrap();
    let mut demo = Running::start(demo(folder.path(), &["--data", folder.path().join("d").to_str().unwrap(), "--json"]));
    demo.until("\"portal\"");
    demo.signal(Signal::TERM);
    demo.end().ok();
    let mut serve = command();
    serve.arg("--config").arg(folder.path().join("d/keyharbor.toml")).arg("serve");
    crate::process::refuses(serve, "was made by `keyharbor demo` and is refused here");
}

#[test]
fn s57_a_key_that_systemd_hands_over_is_read_whatever_its_mode() {
    let home = Home::ready("http://127.0.0.1:9");
    let handed = tempfile::tempdir().unwrap();
    let file = handed.path().join("keyharbor-root");
    std::fs::rename(home.path("root.key"), &file).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    let key_file = format!("key_file = \"{}\"", home.path("root.key").display());
    assert!(settings.contains(&key_file));
    home.settings(&settings.replace(&key_file, "credential = \"keyharbor-root\""));
    let serve = |directory: &std::path::Path| {
        let mut serve = home.command(&["serve"]);
        serve.env("CREDENTIALS_DIRECTORY", directory);
        let mut server = Running::start(serve);
        server.until("\"serving\"");
        server
    };
    let server = serve(handed.path());
    assert!(!server.said.contains("sealed"), "{}", server.said);
    assert_eq!(home.get("/readyz").0, 200);
    drop(server);
    // A key file of one's own with that mode is refused, and a directory without the credential gives none.
    let server = serve(home.folder.path());
    assert!(server.said.contains("the root key cannot be read from"), "{}", server.said);
    assert_eq!(home.get("/readyz").0, 503);
    drop(server);
    home.settings(&settings.replace(&key_file, &format!("key_file = \"{}\"", file.display())));
    let server = home.serve();
    assert!(server.said.contains("can be read by others (mode 644)"), "{}", server.said);
    assert_eq!(home.get("/readyz").0, 503);
}

/// Every file below a folder, whole.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

#[test]
fn s50_a_server_at_its_most_talkative_leaves_no_secret_anywhere() {
    const CANARY: &str = "ZQCN-ARYK-EYAA-VVWW-XXYY-ZZ29";
    let home = Home::ready("http://127.0.0.1:9");
    let header = token(&home);
    let create = ["token", "create", "--name", "c", "--scope", "escrow:write", "--door", "crypt-path"];
    let path = home.run(&create).ok().out.trim().to_owned();
    let temporary = tempfile::tempdir().unwrap();
    let mut serve = home.command(&["serve"]);
    serve.env("KEYHARBOR__LOG__LEVEL", "trace").env("TMPDIR", temporary.path());
    let mut server = Running::start(serve);
    server.until("\"serving\"");
    assert_eq!((home.deposit(&header, MAC, CANARY).0, home.check_in(&path, MAC, CANARY).0), (201, 200));
    // Refused ones are as quiet: a key in the place of a serial number, one with a letter too many, a token at the wrong door.
    assert_eq!((home.deposit(&header, CANARY, MAC).0, home.check_in(&path, MAC, &format!("{CANARY}X")).0), (422, 400));
    assert_eq!((home.deposit(&path, MAC, CANARY).0, home.check_in(&header, MAC, CANARY).0), (401, 401));
    assert_eq!(home.get(&format!("/{CANARY}/{path}")).0, 404);
    let key = std::fs::read_to_string(home.path("root.key")).unwrap();
    let plain = CANARY.replace('-', "");
    let secret = |token: &str| token.rsplit('_').next().unwrap().to_owned();
    let secrets = [CANARY.to_owned(), plain, secret(&header), secret(&path), part(key.trim(), 8..).to_owned()];
    // The write-ahead log is there while it runs; what it leaves behind shows after its end.
    let mut places = files(home.folder.path());
    assert!(places.iter().any(|(path, bytes)| path.ends_with("keyharbor.db-wal") && holds(bytes, MAC)), "the search finds what is there");
    server.signal(Signal::TERM);
    let said = server.end().ok();
    assert!(said.out.contains("/compat/crypt/{token}/checkin/") && said.out.contains(r#""status":422"#), "{}", said.out);
    places.extend([("stdout".into(), said.out.into_bytes()), ("stderr".into(), said.err.into_bytes())]);
    places.extend(files(home.folder.path()));
    places.extend(files(temporary.path()));
    let (with_key, rest): (Vec<_>, Vec<_>) = places.into_iter().partition(|(path, _)| path.ends_with("root.key"));
    assert!(with_key.iter().all(|(_, bytes)| holds(bytes, &secrets[4])) && with_key.len() == 2 && rest.len() >= 5);
    for (place, bytes) in rest {
        for (n, secret) in secrets.iter().enumerate() {
            assert!(!holds(&bytes, secret), "{} holds secret {n}", place.display());
        }
    }
}

/// The page of help, in that language.
fn help(portal: &str, language: &str) -> String {
    let place = portal.strip_prefix("http://").unwrap();
    let (_, port) = place.rsplit_once(':').unwrap();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(stream, "GET /help HTTP/1.1\r\nHost: {place}\r\nAccept-Language: {language}\r\nConnection: close\r\n\r\n").unwrap();
    answer(stream).1
}

fn demo(temporary: &std::path::Path, more: &[&str]) -> std::process::Command {
    let mut demo = command();
    demo.env("TMPDIR", temporary).args(["demo", "--listen", "127.0.0.1:0", "--idp-listen", "127.0.0.1:0"]).args(more);
    demo
}

#[test]
fn the_demo_says_one_line_of_json_and_leaves_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        // What a visitor's environment says of a real installation is not the demo's affair.
        let (real, key) = (folder.path().join("real.db"), folder.path().join("real.key"));
        let mut asked = demo(folder.path(), &["--json"]);
        asked.env("KEYHARBOR__DATABASE__URL", format!("sqlite://{}", real.display()));
        asked.env("KEYHARBOR__CUSTODY__KEY_FILE", &key).env("KEYHARBOR__OIDC__ISSUER", "https://id.example.com");
        let mut demo = Running::start(asked);
        let text = demo.until("\"portal\"");
        assert!(!real.exists() && !key.exists());
        let places =
            ["portal", "issuer", "api_token", "people", "login", "password", "roles"].map(|n| text.find(&format!("\"{n}\":")).unwrap());
        assert!(places.is_sorted(), "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["people"].as_array().unwrap().len(), 4);
        for (language, hours) in [("en", "weekdays 8–17"), ("sv", "vardagar 8–17"), ("nb", "hverdager 8–17")] {
            assert!(help(line["portal"].as_str().unwrap(), language).contains(hours), "{language}");
        }
        assert!(
            line["portal"].as_str().unwrap().starts_with("http://localhost:") && line["api_token"].as_str().unwrap().starts_with("kh_")
        );
        let made: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(std::fs::metadata(&made[0]).unwrap().permissions().mode() & 0o777, 0o700);
        demo.signal(signal);
        let said = demo.end().ok();
        assert_eq!(said.out.lines().count(), 1, "{}", said.out);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is gone");
    }
}

#[test]
fn a_demo_stopped_while_it_starts_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Running::start(demo(folder.path(), &["--json"]));
    let database = || {
        let mut folders = std::fs::read_dir(folder.path()).unwrap().flatten();
        folders.next().is_some_and(|f| f.path().join("keyharbor.db").exists())
    };
    while !database() {}
    demo.signal(Signal::TERM);
    demo.end();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is gone");
}

#[test]
fn a_folder_given_to_the_demo_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut demo = Running::start(demo(folder.path(), &["--data", folder.path().to_str().unwrap(), "--json"]));
    demo.until("\"portal\"");
    assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o755);
    for secret in ["root.key", "keyharbor.toml"] {
        assert_eq!(std::fs::metadata(folder.path().join(secret)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    demo.signal(Signal::TERM);
    demo.end().ok();
}

#[test]
fn the_demo_shows_that_a_changed_row_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let said = crate::process::finish(demo(folder.path(), &["--tamper"])).ok();
    assert!(said.out.contains("the trail is whole") && said.out.contains("row 7 is changed behind the server's back"), "{}", said.out);
    assert!(said.err.contains("row 7: it does not verify"), "{}", said.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    for elsewhere in ["0.0.0.0:0", "192.0.2.1:8080"] {
        let mut open = command();
        open.args(["demo", "--listen", elsewhere]);
        crate::process::finish(open).fails("127.0.0.1 only");
    }
}

#[test]
fn s59_a_running_server_makes_no_core_and_is_not_dumpable() {
    let home = Home::ready("http://127.0.0.1:9");
    let mut serve = home.command(&["serve"]);
    let own = std::fs::metadata(home.folder.path()).unwrap().uid();
    let other = if own == 0 {
        // Root's own processes show nothing: let it run as nobody, in a place where nobody can run it.
        let binary = home.path("keyharbor");
        std::fs::copy(env!("CARGO_BIN_EXE_keyharbor"), &binary).unwrap();
        for entry in std::fs::read_dir(home.folder.path()).unwrap() {
            std::os::unix::fs::chown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
        std::os::unix::fs::chown(home.folder.path(), Some(65534), Some(65534)).unwrap();
        serve = std::process::Command::new(binary);
        serve.env_clear().arg("--config").arg(home.path("keyharbor.toml")).arg("serve").uid(65534).gid(65534);
        65534
    } else {
        own
    };
    let mut server = Running::start(serve);
    server.until("\"serving\"");
    let proc = format!("/proc/{}", server.pid());
    let limits = std::fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // The kernel gives the files of a process that may not be dumped to root.
    let status = std::fs::metadata(format!("{proc}/status")).unwrap();
    assert_eq!((status.uid(), other != 0), (0, true), "not dumpable");
    assert!(std::fs::read_to_string(format!("{proc}/status")).unwrap().contains(&format!("Uid:\t{other}")));
}
