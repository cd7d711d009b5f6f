//! The pages about identity providers: their settings are read and checked as a server would, and each says what was not tried.

use std::path::Path;

use keyharbor::config::Config;
use keyharbor::domain::Env;
use keyharbor::oidc::Oidc;
use keyharbor::oidc::check::Addresses;

use crate::fixed;

const ORIGIN: &str = "https://keys.example.com";
const PROVIDERS: [&str; 5] = ["authentik", "entra", "google", "keycloak", "okta"];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.md"))).unwrap()
}

/// The settings of a page, read from a file as the server reads them.
fn settings(name: &str, env: &Env) -> Config {
    let text = page(name);
    let (_, rest) = text.split_once("```toml\n").expect("a block of settings");
    let (block, rest) = rest.split_once("```").unwrap();
    assert!(!rest.contains("```toml"), "{name}: one block");
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("secret");
    std::fs::write(&secret, "s").unwrap();
    let block = block.replace("/etc/keyharbor/client-secret", secret.to_str().unwrap());
    let file = home.path().join("keyharbor.toml");
    std::fs::write(&file, format!("[server]\npublic_url = \"{ORIGIN}\"\n{block}")).unwrap();
    let config = Config::read(Some(&file), Some(std::collections::HashMap::default())).unwrap_or_else(|e| panic!("{name}: {e}"));
    config.check().unwrap_or_else(|e| panic!("{name}: {e}"));
    Oidc::new(&config.oidc, &config.outbound, ORIGIN, env.clone()).map(drop).unwrap_or_else(|e| panic!("{name}: {e}"));
    config
}

#[test]
fn the_settings_of_every_providers_page_can_be_used_as_they_stand() {
    let (_, env) = fixed::env(1);
    let mut there: Vec<_> =
        std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    there.sort();
    assert_eq!(there, PROVIDERS);
    for name in PROVIDERS {
        let config = settings(name, &env);
        assert!(config.oidc.owner_claim.is_some() && config.oidc.client_secret_file.is_some(), "{name}");
        assert!(config.oidc.issuer.starts_with("https://"), "{name}");
        assert_eq!(config.oidc.roles.is_empty(), name == "google", "{name}");
    }
}

#[test]
fn every_providers_page_names_the_addresses_and_what_was_not_tried() {
    let Addresses { redirect, post_logout, backchannel_logout } = Addresses::new(ORIGIN);
    for name in PROVIDERS {
        let text = page(name);
        for needed in [&*redirect, &post_logout, "Not tried against a live", "auth_time", "keyharbor oidc check", "sessions.idle_minutes"] {
            let by_logout = needed == "sessions.idle_minutes" && text.contains(&backchannel_logout);
            assert!(by_logout || text.contains(needed), "{name} says nothing of {needed}");
        }
    }
    let entra = page("entra");
    assert!(["subject_claim = \"oid\"", "overage", "acrs", "App roles"].iter().all(|word| entra.contains(word)));
}
