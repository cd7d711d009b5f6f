//! What settings may be, and what is said of those that may not.

use secrecy::ExposeSecret as _;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(None, Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()))
}

const GOOD: [(&str, &str); 3] = [
    ("KEYHARBOR__SERVER__PUBLIC_URL", "https://keys.example.com"),
    ("KEYHARBOR__OIDC__ISSUER", "https://id.example.com"),
    ("KEYHARBOR__OIDC__CLIENT_ID", "k"),
];

fn with(more: &[(&str, &str)]) -> Result<(), String> {
    read(&[GOOD.as_slice(), more].concat()).map_err(|e| e.to_string())?.check().map_err(|e| e.to_string())
}

#[test]
fn good_settings_pass_and_unknown_ones_are_refused() {
    assert_eq!(with(&[]), Ok(()));
    assert!(with(&[("KEYHARBOR__OIDC__CLIENT_IDD", "k")]).unwrap_err().contains("client_idd"));
    assert_eq!(with(&[("KEYHARBOR__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,192.168.1.1/32")]), Ok(()));
}

#[test]
fn values_out_of_range_name_the_setting() {
    for (key, value, name) in [
        ("KEYHARBOR__REVEAL__WINDOW_SECONDS", "301", "reveal.window_seconds"),
        ("KEYHARBOR__SERVER__PUBLIC_URL", "https://keys.example.com/path", "server.public_url"),
        ("KEYHARBOR__SERVER__PUBLIC_URL", "http://keys.example.com", "server.public_url"),
        ("KEYHARBOR__SERVER__LISTEN", "0.0.0.0:80", "server.behind_proxy"),
        ("KEYHARBOR__OIDC__ISSUER", "http://id.example.com", "oidc.issuer"),
        ("KEYHARBOR__OIDC__ALGORITHMS", "HS256", "oidc.algorithms"),
        ("KEYHARBOR__OIDC__SUBJECT_CLAIM", "oid", "oidc.tenant"),
        ("KEYHARBOR__REVEAL__TICKET_PATTERN", "(", "reveal.ticket_pattern"),
        ("KEYHARBOR__PORTAL__TIME_ZONE", "Mars/Base", "portal.time_zone"),
        ("KEYHARBOR__LOG__LEVEL", "info,sqlx=trace", "log.level"),
    ] {
        let error = with(&[(key, value)]).err().unwrap_or_default();
        assert!(error.contains(name), "{key}={value}: {error}");
    }
}

#[test]
fn an_example_is_a_ticket_number_that_would_be_taken() {
    let pattern = ("KEYHARBOR__REVEAL__TICKET_PATTERN", "CHG[0-9]+");
    assert_eq!(with(&[pattern, ("KEYHARBOR__REVEAL__TICKET_EXAMPLE", "CHG42")]), Ok(()));
    let wrong = with(&[pattern, ("KEYHARBOR__REVEAL__TICKET_EXAMPLE", "INC42")]).unwrap_err();
    assert!(wrong.contains("reveal.ticket_example"), "{wrong}");
}

#[test]
fn a_value_of_the_environment_is_taken_as_it_is() {
    let config = read(
        &[
            GOOD.as_slice(),
            &[
                ("KEYHARBOR__PORTAL__IT_PHONE", "+46812345678"),
                ("KEYHARBOR__PORTAL__IT_HOURS", "0800"),
                ("KEYHARBOR__PORTAL__BRAND", "TRUE"),
                ("KEYHARBOR__PORTAL__TEXTS__SV__HELP", "Rum 214, dörr 7"),
                ("KEYHARBOR__OIDC__CLIENT_SECRET", "00123"),
                ("KEYHARBOR__OIDC__ROLES__HELPDESK", "mac-a, mac-b"),
                ("KEYHARBOR__SERVER__BEHIND_PROXY", "true"),
                ("KEYHARBOR__SERVER__WORKERS", "3"),
            ],
        ]
        .concat(),
    )
    .unwrap();
    let portal = &config.portal;
    assert_eq!(
        (portal.it_phone.as_deref(), portal.it_hours.as_deref(), portal.brand.as_str()),
        (Some("+46812345678"), Some("0800"), "TRUE")
    );
    assert_eq!(portal.texts["sv"].help.as_deref(), Some("Rum 214, dörr 7"));
    let secret = config.oidc.client_secret.resolve(None, "oidc.client_secret").unwrap().unwrap();
    assert_eq!(secret.expose_secret(), "00123");
    assert_eq!(config.oidc.roles["helpdesk"], ["mac-a", "mac-b"]);
    assert_eq!((config.server.behind_proxy, config.server.workers), (true, 3));
}

#[test]
fn a_file_that_is_no_toml_is_named_by_line_and_column_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyharbor.toml");
    for line in ["client_secret = \"canary-secret", "key = khroot1_canary", "canary", "url = \"postgres://u:canary@h/d\" x"] {
        std::fs::write(&path, format!("[oidc]\nissuer = \"https://id.example.com\"\n{line}\n")).unwrap();
        let error = Config::read(Some(&path), Some(config::Map::new())).unwrap_err().to_string();
        assert!(!error.contains("canary") && error.contains("line 3"), "{error}");
    }
}

#[test]
fn what_is_given_twice_is_refused_before_anybody_uses_it() {
    for (first, second, name) in [
        ("KEYHARBOR__CUSTODY__KEY_FILE", "KEYHARBOR__CUSTODY__KEY", "custody"),
        ("KEYHARBOR__DATABASE__URL", "KEYHARBOR__DATABASE__URL_FILE", "database.url"),
        ("KEYHARBOR__OIDC__CLIENT_SECRET", "KEYHARBOR__OIDC__CLIENT_SECRET_FILE", "oidc.client_secret"),
    ] {
        let error = read(&[(first, "x"), (second, "y")]).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.starts_with(name), "{error}");
    }
}

#[test]
fn a_secret_shows_nowhere() {
    let config = read(&[GOOD.as_slice(), &[("KEYHARBOR__OIDC__CLIENT_SECRET", "canary-secret")]].concat()).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn the_reference_is_a_file_that_loads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyharbor.toml");
    std::fs::write(&path, Config::reference()).unwrap();
    Config::read(Some(&path), Some(config::Map::new())).unwrap();
}
