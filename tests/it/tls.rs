//! The server's own TLS over real handshakes: versions, certificates that change while it serves, and those it refuses.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use keyharbor::cli::serve::tls::Certificates;
use keyharbor::config;
use keyharbor::domain::ids::Timestamp;
use keyharbor::telemetry::metrics::Metrics;
use rustix::process::Signal;
use rustls::version::{TLS12, TLS13};

use crate::certs::{Authority, ask, connect, private};
use crate::probe::Logs;
use crate::process::{Home, Running, answer};
use crate::systemd::{Manager, get, managed, with_operations};

/// A home whose server speaks TLS with the files `tls.crt` and `tls.key`.
fn home() -> Home {
    let home = Home::ready("http://127.0.0.1:9");
    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&settings.replace("http://localhost", "https://localhost").replace(
        "workers = 1\n",
        &format!(
            "workers = 1\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n",
            home.path("tls.crt").display(),
            home.path("tls.key").display()
        ),
    ));
    home
}

#[test]
fn both_versions_of_tls_are_spoken_and_plain_http_is_not() {
    let (home, authority) = (home(), Authority::new());
    authority.localhost().write(home.folder.path());
    let operations = with_operations(&home, "");
    let manager = Manager::of(&home);
    let mut server = Running::start(managed(&home, Some("2000000")));
    server.until("\"serving\"");
    assert!(!server.said.contains("is not for the name"), "{}", server.said);
    for version in [&TLS12, &TLS13] {
        let mut stream = connect(home.port, &authority, &[version]).unwrap();
        assert_eq!((stream.conn.alpn_protocol(), stream.conn.protocol_version()), (Some(&b"http/1.1"[..]), Some(version.version)));
        let said = ask(&mut stream, home.port, "/help");
        assert!(said.starts_with("http/1.1 200") && said.contains("\r\nstrict-transport-security: max-age=63072000\r\n"), "{said}");
    }
    assert!(connect(home.port, &Authority::new(), &[&TLS13]).is_err(), "the client does check");
    let mut plain = home.connect();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = std::io::Read::read_to_end(&mut plain, &mut said);
    assert!(!String::from_utf8_lossy(&said).contains("HTTP"), "{said:?}");
    // 2090-01-01.
    assert!(get(operations, "/metrics").1.contains("keyharbor_tls_certificate_expiry_timestamp_seconds{listener=\"public\"} 3786912000\n"));
    assert!(manager.next_state().starts_with("READY=1\n"));
    assert_eq!(manager.next(), "WATCHDOG=1\n", "it asks itself through its own TLS");
}

#[test]
fn a_new_certificate_is_served_and_a_bad_one_changes_nothing() {
    let (home, first, second, third) = (home(), Authority::new(), Authority::new(), Authority::new());
    first.localhost().write(home.folder.path());
    let operations = with_operations(&home, "");
    let mut server = home.serve();
    let mut open = connect(home.port, &first, &[&TLS13]).unwrap();
    assert!(ask(&mut open, home.port, "/healthz").starts_with("http/1.1 200"));

    second.localhost().write(home.folder.path());
    server.signal(Signal::HUP);
    server.until("a new TLS certificate is served");
    assert!(connect(home.port, &first, &[&TLS13]).is_err());
    let mut newer = connect(home.port, &second, &[&TLS13]).unwrap();
    assert!(ask(&mut newer, home.port, "/healthz").starts_with("http/1.1 200"));
    assert!(ask(&mut open, home.port, "/healthz").starts_with("http/1.1 200"), "an open connection goes on");

    // Half of a change: the certificate is there, its key not yet.
    let pair = third.localhost();
    std::fs::write(home.path("tls.crt"), &pair.certificate).unwrap();
    server.signal(Signal::HUP);
    let said = server.until("cannot be used: the one before is served on");
    assert!(said.contains("is not the key of the first certificate"), "{said}");
    assert!(connect(home.port, &second, &[&TLS13]).is_ok());
    let metrics = get(operations, "/metrics").1;
    for line in ["keyharbor_tls_reloads_total{result=\"ok\"} 1\n", "keyharbor_tls_reloads_total{result=\"failed\"} 1\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    // The other half, and nobody says so: the server looks by itself.
    private(&home.path("tls.key"), &pair.key);
    server.until("a new TLS certificate is served");
    assert!(connect(home.port, &third, &[&TLS13]).is_ok());
    server.signal(Signal::TERM);
    let said = server.end().ok();
    assert_eq!(said.out.matches("cannot be used").count(), 1, "said once");
    assert!(!said.out.contains("PRIVATE"), "{}", said.out);
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_start() {
    let (home, authority) = (home(), Authority::new());
    let folder = home.folder.path();
    let good = || authority.localhost().write(folder);
    let certificate = |text: &str| {
        good();
        std::fs::write(folder.join("tls.crt"), text).unwrap();
    };
    let refused = |with: &str| {
        home.refuses(&["serve"], with);
        home.run(&["config", "check"]).fails(with);
    };
    refused("server.tls_certificate: cannot read");
    certificate("not PEM");
    refused("server.tls_certificate: ");
    certificate("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    refused("holds no certificate in PEM, or one that cannot be read");
    certificate(&authority.localhost().certificate);
    refused("is not the key of the first certificate");
    authority.pair(&["localhost"], 2020..2021).write(folder);
    refused("ended at 2021-01-01T00:00:00");
    authority.pair(&["localhost"], 2080..2090).write(folder);
    refused("begins only at 2080-01-01T00:00:00");
    good();
    private(&folder.join("tls.key"), "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    refused("holds no private key in PEM that can be used");
    good();
    std::fs::set_permissions(folder.join("tls.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    refused("server.tls_key: ");
    refused("can be read by others (mode 640)");
    good();
    home.run(&["config", "check"]).ok();

    let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
    home.settings(&settings.replace("https://localhost", "http://localhost"));
    home.run(&["config", "check"]).fails("server.public_url: must be https with tls_certificate");
    let half: String = settings.lines().filter(|l| !l.starts_with("tls_key")).map(|l| format!("{l}\n")).collect();
    home.settings(&half);
    home.run(&["config", "check"]).fails("server.tls_key: is required with tls_certificate");
    // With TLS of its own the server may listen where others reach it.
    home.settings(&settings.replace("listen = \"127.0.0.1:", "listen = \"0.0.0.0:"));
    home.run(&["config", "check"]).ok();
}

#[test]
fn the_end_of_a_certificate_is_warned_of_once_a_day_and_louder_at_last() {
    keyharbor::oidc::install_crypto_provider();
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.pair(&["keys.example.com"], 2020..2030).write(folder.path());
    let settings = config::Server {
        public_url: "https://keys.example.com".into(),
        tls_certificate: Some(folder.path().join("tls.crt")),
        tls_key: Some(folder.path().join("tls.key")),
        ..config::Server::default()
    };
    let end = Timestamp::from_seconds(1_893_456_000);
    let before = |days: i64| end.plus_seconds(-days * 86400);
    let certificates = Certificates::load(&settings, before(100)).unwrap().unwrap();
    assert!(certificates.covers_its_name());
    let metrics = Metrics::default();
    let said = |at: Timestamp| {
        let (logs, _guard) = Logs::start();
        certificates.look(at, &metrics);
        let text = logs.text();
        ["ERROR", "WARN"].into_iter().find(|level| text.contains(&format!("\"level\":\"{level}\"")))
    };
    assert_eq!(said(before(30)), None);
    assert_eq!(said(before(29)), Some("WARN"));
    assert_eq!(said(before(29).plus_seconds(3600)), None, "once a day");
    assert_eq!(said(before(7)), Some("WARN"));
    assert_eq!(said(before(6)), Some("ERROR"));
    assert_eq!(said(end.plus_seconds(86400)), Some("ERROR"), "it is served on, and said");

    authority.pair(&["other.example.com"], 2020..2030).write(folder.path());
    certificates.look(before(100), &metrics);
    assert!(!certificates.covers_its_name());
    assert!(Certificates::load(&settings, end).is_err_and(|e| e.to_string().contains("ended at 2030-01-01")));
    assert!(Certificates::load(&config::Server::default(), end).unwrap().is_none());
}

#[test]
fn a_slow_handshake_keeps_nobody_else_waiting() {
    let (home, authority) = (home(), Authority::new());
    authority.localhost().write(home.folder.path());
    let _server = home.serve();
    let silent: Vec<_> = (0..20).map(|_| home.connect()).collect();
    let mut stream = connect(home.port, &authority, &[&TLS13]).unwrap();
    assert!(ask(&mut stream, home.port, "/healthz").starts_with("http/1.1 200"));
    // Those who never begin are closed.
    for stream in silent {
        assert_eq!(answer(stream), (0, String::new()));
    }
}
