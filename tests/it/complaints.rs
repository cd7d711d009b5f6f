//! What an operator reads when something is wrong at the host: one sentence, what and where, nothing twice. And what
//! `config check` finds wrong is what `serve` would not serve with.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::process::{Home, Said, finish};

const ISSUER: &str = "http://127.0.0.1:9";

fn settings(home: &Home) -> String {
    std::fs::read_to_string(home.path("keyharbor.toml")).unwrap()
}

fn mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The one line that such a command ends with, DIR standing for the test's folder.
fn complaint(home: &Home, said: Said) -> String {
    let said = said.fails("keyharbor: ");
    let folder = home.folder.path().display().to_string();
    let line = said.err.trim_end().strip_prefix("keyharbor: ").unwrap_or_else(|| panic!("{}", said.err)).replace(&folder, "DIR");
    let mut parts: Vec<&str> = line.split(": ").collect();
    parts.sort_unstable();
    assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "said twice: {line}");
    assert!(!line.contains('\n'), "{line}");
    line
}

#[test]
fn settings_that_cannot_be_used_are_named_with_their_place() {
    let home = Home::ready(ISSUER);
    let good = settings(&home);
    let check = |text: &str| {
        home.settings(text);
        complaint(&home, home.run(&["config", "check"]))
    };
    let last = good.lines().count() + 1;
    for (text, line) in [
        (format!("{good}x = = 1\n"), format!("the settings file DIR/keyharbor.toml is not TOML: line {last}, column 5: extra `=`, expected nothing")),
        (
            format!("{good}[reveal]\nwindow_seconds = \"abc\"\n"),
            "the settings of DIR/keyharbor.toml and the environment cannot be used: invalid type: string \"abc\", expected an integer for key `reveal.window_seconds`".to_owned(),
        ),
        (
            format!("{good}[reveal]\nwindow_seconds = 301\n"),
            "reveal.window_seconds: must be 1 to 300: a key is never shown longer than five minutes".to_owned(),
        ),
        (
            good.replace("sqlite://", "mysql://"),
            "database.url: the address of the database cannot be used: must begin with sqlite:// or postgres://".to_owned(),
        ),
        (
            format!("{good}client_secret_file = \"/nowhere/x\"\n"),
            "oidc.client_secret: cannot read /nowhere/x: No such file or directory (os error 2)".to_owned(),
        ),
    ] {
        assert_eq!(check(&text).trim_end(), line);
    }
    assert!(
        check(&format!("{good}[reveal]\nwindow = 1\n"))
            .starts_with("the settings of DIR/keyharbor.toml and the environment cannot be used: unknown field `window`, expected one of")
    );
    home.settings(&good);
    std::fs::write(home.path("latin"), b"[portal]\nbrand = \"\xe5\"\n").unwrap();
    for (name, why) in [
        ("none", "No such file or directory (os error 2)"),
        ("", "Is a directory (os error 21)"),
        ("latin", "stream did not contain valid UTF-8"),
    ] {
        let mut command = crate::process::command();
        command.arg("--config").arg(home.path(name)).args(["config", "check"]);
        assert_eq!(complaint(&home, finish(command)), format!("the settings file DIR/{name} cannot be read: {why}"));
    }
}

#[test]
fn a_root_key_or_a_database_that_cannot_be_used_is_named() {
    let home = Home::ready(ISSUER);
    let (good, key) = (settings(&home), home.path("root.key"));
    let list = || complaint(&home, home.run(&["token", "list"]));
    let kept = std::fs::read_to_string(&key).unwrap();
    mode(&key, 0o644);
    assert_eq!(list(), "DIR/root.key can be read by others (mode 644): chmod 600");
    mode(&key, 0o600);
    std::fs::write(&key, "junk").unwrap();
    assert_eq!(list(), "DIR/root.key holds no root key: khroot1_ and 64 hexadecimal digits are expected");
    std::fs::write(&key, format!("khroot1_{}", "0".repeat(64))).unwrap();
    assert!(list().starts_with("the root key does not open this database's key ring (the ring was wrapped by "));
    std::fs::remove_file(&key).unwrap();
    assert_eq!(
        list(),
        "the root key cannot be read from DIR/root.key, which is not there: `keyharbor init` makes it for a new database, `keyharbor keyring restore` again from the recovery kit"
    );
    std::fs::create_dir(&key).unwrap();
    assert_eq!(list(), "the root key cannot be read from DIR/root.key: it is no file");
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, &kept).unwrap();
    mode(&key, 0o600);
    std::fs::write(home.path("junk.db"), "no database, and long enough to be taken for one ".repeat(20)).unwrap();
    std::fs::create_dir(home.path("folder.db")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = format!("postgres://127.0.0.1:{port}/x");
    for (url, line) in [
        ("sqlite:///nowhere/x.db".to_owned(), "cannot open sqlite:///nowhere/x.db: the address of the database cannot be used: the folder /nowhere is not there".to_owned()),
        (
            format!("sqlite://{}", home.path("folder.db").display()),
            "cannot open sqlite://DIR/folder.db: the database is not available: 14 unable to open database file (may this user read and write it, and its folder?)".to_owned(),
        ),
        (
            format!("sqlite://{}", home.path("junk.db").display()),
            "cannot open sqlite://DIR/junk.db: the database reported an error: 26 file is not a database".to_owned(),
        ),
        (refused.clone(), format!("cannot open {refused}: the database is not available: Connection refused (os error 111)")),
    ] {
        home.settings(&good.replace(&home.url(), &url));
        assert_eq!(list(), line);
    }
    home.settings(&good);
    assert_eq!(complaint(&home, home.run(&["login", "show", " "])), "the login must not be empty");
    assert_eq!(
        complaint(&home, home.run(&["backup", "--to", "/nowhere/x"])),
        "cannot make /nowhere/x: No such file or directory (os error 2)"
    );
    assert_eq!(
        complaint(&home, home.run(&["restore", "--from", "/nowhere/x"])),
        "cannot read /nowhere/x: No such file or directory (os error 2)"
    );
    assert!(complaint(&home, home.run(&["move", "--to", &refused])).starts_with(&format!("cannot open {refused}: ")));
}

#[actix_web::test]
async fn a_database_that_is_locked_or_does_not_let_us_in_is_named() {
    use sqlx::Connection as _;
    let home = Home::ready(ISSUER);
    let mut conn = sqlx::SqliteConnection::connect(&home.url()).await.unwrap();
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut conn).await.unwrap();
    let create = ["token", "create", "--name", "x", "--scope", "escrow:write"];
    assert_eq!(complaint(&home, home.run(&create)), "the database took too long: it is locked, busy or slow");
    conn.close().await.unwrap();
    let fresh = crate::engines::bare_postgres().await;
    let mut url = url::Url::parse(&fresh.url).unwrap();
    let good = settings(&home);
    let mut list = |user: &str, path: &str| {
        url.set_username(user).unwrap();
        url.set_password(Some("hush")).unwrap();
        url.set_path(path);
        home.settings(&good.replace(&home.url(), url.as_str()));
        complaint(&home, home.run(&["token", "list"]))
    };
    let refused = list("keyharbor_nobody", "/postgres");
    assert!(
        refused.starts_with("cannot open postgres://") && refused.contains("keyharbor_nobody") && !refused.contains("hush"),
        "{refused}"
    );
    let missing = list("postgres", "/keyharbor_none");
    assert!(
        missing.ends_with("/keyharbor_none: the database reported an error: 3D000 database \"keyharbor_none\" does not exist"),
        "{missing}"
    );
}

#[test]
fn config_check_finds_wrong_what_serve_does_not_serve_with() {
    let home = Home::ready(ISSUER);
    let (good, key) = (settings(&home), home.path("root.key").display().to_string());
    std::fs::write(home.path("junk.key"), "junk").unwrap();
    mode(&home.path("junk.key"), 0o600);
    std::fs::copy(&key, home.path("open.key")).unwrap();
    mode(&home.path("open.key"), 0o604);
    let keyed = |line: &str| good.replace(&format!("key_file = \"{key}\""), line);
    let file = |name: &str| keyed(&format!("key_file = \"{}\"", home.path(name).display()));
    let listen = format!("listen = \"127.0.0.1:{}\"", home.port);
    let in_oidc = |line: &str| format!("{good}{line}\n");
    for (text, named) in [
        (file("none.key"), "the root key cannot be read from"),
        (file("junk.key"), "holds no root key"),
        (file("open.key"), "can be read by others (mode 604)"),
        (file(""), "it is no file"),
        (keyed(""), "no root key is configured"),
        (keyed("key = \"junk\""), "custody.key holds no root key"),
        (keyed(&format!("key_file = \"{key}\"\nkey = \"junk\"")), "give one of key_file, key and credential"),
        (good.replace(ISSUER, "http://id.example.com"), "oidc.issuer"),
        (good.replace(ISSUER, ""), "oidc.issuer"),
        (good.replace(&listen, "listen = \"0.0.0.0:0\""), "plain http"),
        (good.replace(&listen, "listen = \"nowhere\""), "server.listen"),
        (good.replace(&listen, &format!("{listen}\ntls_key = \"/nowhere/x\"")), "server.tls_certificate"),
        (
            good.replace(&listen, &format!("{listen}\ntls_key = \"/nowhere/x\"\ntls_certificate = \"/nowhere/y\""))
                .replace("http://l", "https://l"),
            "server.tls_certificate: cannot read /nowhere/y",
        ),
        (good.replace("http://localhost", "http://keys.example.com"), "server.public_url"),
        (good.replace("sqlite://", "sqlite:///nowhere"), "is not there"),
        (good.replace("url = \"sqlite", "url_file = \"/nowhere/x\"\n# \""), "database.url"),
        (in_oidc("client_secret_file = \"/nowhere/x\""), "oidc.client_secret"),
        (in_oidc("algorithms = [\"HS256\"]"), "oidc.algorithms"),
        (in_oidc("subject_claim = \"oid\""), "oidc.tenant"),
        (in_oidc("[oidc.roles]\nboss = [\"x\"]"), "oidc.roles"),
        (in_oidc("[outbound]\nca_file = \"/nowhere/x\""), "outbound.ca_file"),
        (in_oidc("[outbound]\nproxy = \"::\""), "outbound.proxy"),
        (in_oidc("[portal]\nlogo_file = \"/nowhere/x\""), "portal.logo_file"),
        (in_oidc("[portal]\nspelling_file = \"/nowhere/x\""), "portal.spelling_file"),
        (in_oidc("[portal]\naccent = \"#ffff00\""), "portal.accent"),
        (in_oidc("[portal]\ntime_zone = \"Here\""), "portal.time_zone"),
        (in_oidc("[reveal]\nticket_pattern = \"(\""), "reveal.ticket_pattern"),
        (in_oidc("[sessions]\nidle_minutes = 0"), "idle_minutes"),
        (in_oidc("[operations]\nlisten = \"0.0.0.0:0\""), "operations.plain_http"),
        (in_oidc("[nowhere]\nx = 1"), "nowhere"),
    ] {
        home.settings(&text);
        let said = home.run(&["config", "check"]).fails(named);
        assert!(!said.out.contains("can be used"), "{named}: {}", said.out);
        if said.err.contains("the server would be sealed") {
            let server = home.serve();
            assert!(server.said.contains("sealed: nothing is shown") && server.said.contains(named), "{named}: {}", server.said);
        } else {
            home.refuses(&["serve"], named);
        }
    }
}

#[test]
fn config_check_warns_of_what_serve_serves_with() {
    let home = Home::ready(ISSUER);
    let good = settings(&home);
    let listen = format!("listen = \"127.0.0.1:{}\"", home.port);
    for (text, named) in [
        (good.replace("owner_claim = \"preferred_username\"\n", ""), "oidc.owner_claim is not set"),
        (format!("{good}danger_step_up = \"off\"\n"), "oidc.danger_step_up is off"),
        (good.replace(&listen, &format!("{listen}\nbehind_proxy = true")), "server.trusted_proxies is empty"),
    ] {
        home.settings(&text);
        let said = home.run(&["config", "check"]).ok();
        assert!(said.out.contains(&format!("warning: {named}")) && said.out.ends_with("the settings can be used\n"), "{}", said.out);
        assert!(home.serve().said.contains(named));
    }
    // A credential is handed to the service alone.
    let key = home.path("root.key").display().to_string();
    home.settings(&good.replace(&format!("key_file = \"{key}\""), "credential = \"root.key\""));
    assert!(home.run(&["config", "check"]).ok().out.contains("warning: the root key was not looked at: the credential root.key"));
    home.settings(&good);
    let taken = TcpListener::bind(("127.0.0.1", home.port)).unwrap();
    home.refuses(&["serve"], &format!("keyharbor: server.listen: cannot listen on 127.0.0.1:{}: Address already in use", home.port));
    drop(taken);
}
