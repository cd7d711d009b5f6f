//! `keyharbor oidc check` by the real binary, against the tests' provider, honest and misbehaving.

use serde_json::{Value, json};

use crate::fixed;
use crate::idp::wire::Trouble;
use crate::idp::{CLIENT_SECRET, Idp};
use crate::process::{Home, Said};

struct Scene {
    idp: Idp,
    home: Home,
    settings: String,
}

impl Scene {
    fn new() -> Self {
        let idp = Idp::start(fixed::env(1).1.clock);
        let home = Home::new(idp.issuer());
        std::fs::write(home.path("secret"), CLIENT_SECRET).unwrap();
        let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
        let secret = format!("client_secret_file = \"{}\"\n[oidc.roles]\nhelpdesk = [\"mac-helpdesk\"]\n", home.path("secret").display());
        let scene = Self { settings: format!("{settings}{secret}"), idp, home };
        scene.home.settings(&scene.settings);
        scene
    }

    fn check(&self) -> Said {
        let said = self.home.run(&["oidc", "check"]);
        assert!(!said.out.contains(CLIENT_SECRET) && !said.err.contains(CLIENT_SECRET), "the secret is printed nowhere");
        said
    }

    fn metadata(&self, name: &str, value: Option<Value>) {
        self.idp.set(|b| drop(b.metadata.insert(name.into(), value)));
    }

    /// With this one thing about the metadata changed.
    fn with(&self, name: &str, value: Option<Value>) -> Said {
        self.metadata(name, value);
        let said = self.check();
        self.idp.set(|b| drop(b.metadata.remove(name)));
        said
    }
}

/// A line of that state about that check holds the words.
pub fn says(said: &Said, state: &str, check: &str, words: &str) {
    let found = said.out.lines().any(|line| {
        let rest = line.strip_prefix(state).map(str::trim_start).and_then(|rest| rest.strip_prefix(check));
        rest.is_some_and(|rest| rest.starts_with(' ') && rest.contains(words))
    });
    assert!(found, "no line \"{state} {check} … {words}\" in:\n{}{}", said.out, said.err);
}

fn wrong(said: &Said, check: &str, words: &str) {
    says(said, "wrong", check, words);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.out.contains("Sign-in cannot work"), "{}", said.out);
}

fn warning(said: &Said, check: &str, words: &str) {
    says(said, "warning", check, words);
    assert!(said.status.success() && said.out.ends_with("Sign-in can work.\n"), "{}", said.out);
}

#[test]
fn a_provider_that_fits_is_said_to_fit_and_the_addresses_to_register_stand_there() {
    let scene = Scene::new();
    let said = scene.check();
    assert!(said.status.success(), "{}{}", said.out, said.err);
    for (check, words) in [
        ("reach", "answers"),
        ("pkce", "S256"),
        ("algorithms", "RS256, ES256 is offered"),
        ("keys", "2 keys"),
        ("client", "made-up code"),
        ("answers", "RFC 9207"),
        ("sign-out", "offered to sign out"),
    ] {
        says(&said, "ok", check, words);
    }
    // The tests' provider is one on loopback.
    for check in ["issuer", "addresses"] {
        warning(&said, check, "http, without encryption, which is for tests on this machine only");
    }
    assert!(!said.out.contains(" and https"), "{}", said.out);
    let origin = format!("http://localhost:{}", scene.home.port);
    for path in ["/auth/callback", "/signed-out", "/auth/backchannel-logout"] {
        assert!(said.out.lines().any(|line| line.ends_with(&format!(" {origin}{path}"))), "{path}: {}", said.out);
    }
    warning(&said, "back channel", "sessions.idle_minutes");
    let json: Value = serde_json::from_str(&scene.home.run(&["oidc", "check", "--json"]).ok().out).unwrap();
    assert_eq!(json["ok"], true);
    assert!(json["checks"].as_array().unwrap().iter().any(|c| c["check"] == "pkce" && c["state"] == "ok"));
}

#[test]
fn what_keeps_a_sign_in_from_working_is_named_and_the_exit_code_says_so() {
    let scene = Scene::new();
    let slash = scene.with("issuer", Some(json!(format!("{}/", scene.idp.issuer()))));
    wrong(&slash, "issuer", "only the slash at the end differs");
    wrong(&scene.with("issuer", Some(json!("https://else.example\u{1b}[31m"))), "issuer", "https://else.example");
    wrong(&scene.with("issuer", None), "issuer", "no issuer");
    wrong(&scene.with("token_endpoint", None), "addresses", "token_endpoint");
    wrong(&scene.with("jwks_uri", Some(json!("http://keys.example.com/"))), "addresses", "jwks_uri is not https");
    wrong(&scene.with("response_types_supported", Some(json!(["id_token"]))), "addresses", "authorization code");
    wrong(&scene.with("code_challenge_methods_supported", Some(json!(["plain"]))), "pkce", "S256");
    wrong(&scene.with("id_token_signing_alg_values_supported", Some(json!(["HS256"]))), "algorithms", "signs with HS256");
    wrong(&scene.with("token_endpoint_auth_methods_supported", Some(json!(["private_key_jwt"]))), "client", "private_key_jwt");
    for (path, trouble, check, words) in [
        ("/.well-known/openid-configuration", Trouble::Status(404), "reach", "status 404"),
        ("/.well-known/openid-configuration", Trouble::Html, "reach", "not JSON"),
        ("/.well-known/openid-configuration", Trouble::Json(200, "[]".into()), "reach", "no metadata"),
        ("/jwks", Trouble::Json(200, r#"{"keys":[]}"#.into()), "keys", "no usable key"),
        ("/jwks", Trouble::Status(500), "keys", "error of its own"),
        ("/token", Trouble::Json(401, r#"{"error":"invalid_client"}"#.into()), "client", "compare both"),
    ] {
        scene.idp.trouble(path, Some(trouble));
        wrong(&scene.check(), check, words);
        scene.idp.trouble(path, None);
    }
    std::fs::write(scene.home.path("secret"), "another").unwrap();
    wrong(&scene.check(), "client", "invalid_client");
    scene.home.settings(&scene.settings.replace(scene.idp.issuer(), "http://127.0.0.1:9"));
    wrong(&scene.check(), "reach", "does not answer");
    scene.home.settings(&scene.settings.replace("client_id = \"keyharbor\"\n", ""));
    scene.check().fails("oidc.client_id");
}

#[test]
fn what_may_come_as_a_surprise_is_a_warning() {
    let scene = Scene::new();
    warning(&scene.with("code_challenge_methods_supported", None), "pkce", "does not say");
    warning(&scene.with("end_session_endpoint", None), "sign-out", "provider's own session");
    warning(&scene.with("userinfo_endpoint", None), "addresses", "in the ID token");
    warning(&scene.with("scopes_supported", Some(json!(["openid", "email"]))), "scopes", "profile");
    warning(&scene.with("token_endpoint_auth_methods_supported", None), "claims", "does not say");
    scene.idp.trouble("/token", Some(Trouble::Status(400)));
    warning(&scene.check(), "client", "not known");
    scene.idp.trouble("/token", None);
    let known = |claims: &[&str]| scene.with("claims_supported", Some(json!(claims)));
    says(&known(&["preferred_username", "groups", "auth_time"]), "ok", "claims", "preferred_username, groups, auth_time");
    warning(&known(&["groups", "auth_time"]), "claims", "\"preferred_username\"");
    warning(&known(&["preferred_username", "auth_time"]), "claims", "\"groups\"");
    warning(&known(&["preferred_username", "groups"]), "claims", "\"auth_time\"");
    for (session, words) in [(true, "by session"), (false, "by person")] {
        scene.metadata("backchannel_logout_supported", Some(json!(true)));
        says(&scene.with("backchannel_logout_session_supported", Some(json!(session))), "ok", "back channel", words);
    }
    let levels = |more: &str| {
        let settings = scene.settings.replace("[oidc.roles]", &format!("acr_values = [\"phr\"]\n{more}[oidc.roles]"));
        scene.home.settings(&settings);
    };
    levels("");
    warning(&scene.check(), "acr", "does not say");
    warning(&scene.with("acr_values_supported", Some(json!(["low"]))), "acr", "none of phr");
    says(&scene.with("acr_values_supported", Some(json!(["phr"]))), "ok", "acr", "phr");
    levels("require_acr = true\n");
    wrong(&scene.with("acr_values_supported", Some(json!(["low"]))), "acr", "no key is shown");
}

#[test]
fn a_public_client_and_one_with_other_settings_are_told_apart() {
    let scene = Scene::new();
    let without: String = scene.settings.lines().filter(|l| !l.starts_with("client_secret")).map(|l| format!("{l}\n")).collect();
    scene.home.settings(&without);
    let said = scene.check();
    says(&said, "warning", "client", "no oidc.client_secret");
    wrong(&said, "client", "invalid_client");
    scene.home.settings(&scene.settings.replace("[oidc.roles]", "algorithms = [\"EdDSA\"]\n[oidc.roles]"));
    let said = scene.check();
    wrong(&said, "algorithms", "accepts EdDSA");
    wrong(&said, "keys", "oidc.algorithms");
}
