//! What a thief finds: in the database (S58), in logs and error answers (S50), in the process (S59).

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::process::Command;

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use serde::Serialize;
use serde_json::json;
use static_assertions::assert_not_impl_any;

use crate::idp::CLIENT_SECRET;
use crate::idp::wire::Trouble;
use crate::probe::{Logs, Searchable, form, holds, part, stolen, token};
use crate::world::{Answer, Browser, MAC, World, path_of};

const CANARY: &str = "ZQCN-ARYK-EYAA-VVWW-XXYY-ZZ29";

/// Everything that must be found nowhere, gathered along the way.
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn new() -> Self {
        let plain = CANARY.replace('-', "");
        Self(vec![("key", CANARY.into()), ("key", plain), ("key", "ARYK-EYAA".into()), ("client secret", CLIENT_SECRET.into())])
    }

    /// What the provider handed out: of an ID token the signature, since its claims are partly kept.
    fn issued(&mut self, world: &World) {
        let issued = world.idp.issued();
        assert!(issued.iter().any(|t| t.split('.').count() == 3) && issued.iter().any(|t| !t.contains('.')), "both kinds");
        self.0.extend(issued.iter().map(|t| ("provider's token", t.rsplit('.').next().unwrap().to_owned())));
    }

    fn token(&mut self, text: &str) {
        self.0.push(("token", text.rsplit('_').next().unwrap().to_owned()));
    }

    fn browser(&mut self, browser: &Browser) {
        for (name, value) in &browser.jar {
            if name.starts_with("__Host-keyharbor") && value.len() > 20 {
                self.0.push(("cookie", value.clone()));
            }
        }
    }

    fn nowhere_in(&self, place: &str, bytes: &[u8]) {
        let bytes = Searchable::new(bytes);
        for (what, secret) in self.0.iter().collect::<BTreeSet<_>>() {
            assert!(!bytes.holds(secret), "{place} holds a {what}");
        }
    }
}

/// Signs in and gathers what a listener would like to have.
async fn sign_in(world: &World, login: &str, secrets: &mut Secrets) -> Browser {
    let mut browser = world.browser();
    let leave = browser.get("/sign-in").await;
    secrets.browser(&browser);
    let back = world.idp.authorize(leave.location(), login);
    for (name, value) in url::Url::parse(&back).unwrap().query_pairs() {
        if name == "code" || name == "state" {
            secrets.0.push(("code or state", value.into_owned()));
        }
    }
    assert_eq!(browser.get(path_of(&back)).await.status, StatusCode::SEE_OTHER);
    secrets.browser(&browser);
    // The same address again is refused.
    browser.get(path_of(&back)).await;
    browser
}

/// Deposits at every door, good and bad; the answers.
async fn hand_in(world: &World, secrets: &mut Secrets) -> Vec<Answer> {
    let header = world.token(&[Scope::EscrowWrite, Scope::DevicesWrite, Scope::StatusRead], Door::Header, Trust::Observed).await;
    let (_, path) = token(world, |t| (t.door, t.scopes) = (Door::CryptPath, t.scopes.with(Scope::StatusRead))).await;
    [&header, &path].into_iter().for_each(|t| secrets.token(t));
    let post = async |body: serde_json::Value| world.api(Method::POST, "/api/v1/deposits", &header, Some(body)).await;
    let bearer = format!("Bearer {header}");
    let mut answers = vec![
        post(json!({ "serial": MAC, "recovery_key": CANARY, "user": CANARY })).await,
        post(json!([{ "serial": MAC, "recovery_key": CANARY }, { "serial": CANARY, "recovery_key": CANARY }, { CANARY: 1 }, CANARY])).await,
        post(json!({ "serial": MAC, "recovery_key": format!("{CANARY}-ZQCN") })).await,
        post(json!(CANARY)).await,
        world.raw(Method::POST, "/api/v1/deposits", &[("authorization", &bearer)], CANARY).await,
        world.check_in(&path, MAC, CANARY).await,
        world.check_in(&path, CANARY, MAC).await,
        world.check_in(&path, MAC, &format!("{CANARY}!")).await,
        world.check_in(&header, MAC, CANARY).await,
        form(world, &format!("/compat/crypt/checkin/?recovery_password={CANARY}"), &[("authorization", &bearer)], &[("serial", MAC)]).await,
        world.api(Method::PUT, &format!("/api/v1/devices/{CANARY}"), &header, Some(json!({ "name": CANARY }))).await,
        world.api(Method::PUT, &format!("/api/v1/devices/{MAC}"), &header, Some(json!({ "name": CANARY }))).await,
    ];
    for (method, address) in [
        (Method::GET, format!("/compat/crypt/{path}/checkin/")),
        (Method::GET, format!("/compat/crypt/{path}/nowhere/{path}")),
        (Method::GET, format!("/{header}/{CANARY}?token={header}")),
        (Method::GET, format!("/compat/crypt/{path}/verify/{MAC}/recovery_key")),
        (Method::GET, format!("/compat/crypt/{path}/verify/{CANARY}/{CANARY}")),
        (Method::GET, format!("/api/v1/devices/{MAC}/escrow-status?key={CANARY}")),
        (Method::POST, format!("/static/{CANARY}")),
        (Method::from_bytes(b"ZQCNARYKEYAAVVWWXXYYZZ29").unwrap(), "/".to_owned()),
    ] {
        answers.push(world.raw(method, &address, &[("authorization", &bearer), ("user-agent", "curl/8")], "").await);
    }
    answers
}

/// Reveals, shown and refused; every page but the key's own.
async fn show(world: &World, secrets: &mut Secrets) -> Vec<Answer> {
    world.own(MAC, "astrid").await;
    let device = world.device_id(MAC).await;
    let mut astrid = sign_in(world, "astrid", secrets).await;
    let mut kim = sign_in(world, "kim", secrets).await;
    let mut answers = Vec::new();
    let grant = astrid.reveal(&device).await;
    let address = grant.location().to_owned();
    assert_eq!(astrid.get(&address).await.key().as_deref(), Some(CANARY), "the one page that shows it");
    answers.push(grant);
    answers.push(kim.desk_reveal(&device, &[("reason", "other"), ("reason_text", &format!("he read {CANARY} to me"))]).await);
    answers.push(kim.desk_reveal(&device, &[("ticket", CANARY), ("identity", CANARY), ("reason_text", CANARY)]).await);
    let shown = kim.desk_reveal(&device, &[]).await;
    assert_eq!(kim.get(shown.location()).await.key().as_deref(), Some(CANARY));
    for path in [format!("/desk/devices/{device}"), format!("/desk/devices/{device}/reveal"), format!("/devices/{device}"), address.clone()]
    {
        answers.push(kim.get(&path).await);
    }
    answers.push(astrid.post(&format!("{address}/hide"), &[]).await);
    for path in [address.as_str(), "/devices", "/", "/trail", "/nowhere", "/help"] {
        answers.push(astrid.get(path).await);
    }
    answers.push(sign_in(world, "eva", secrets).await.get("/trail").await);
    // The provider fails: what was sent to it is not repeated.
    world.idp.trouble("/token", Some(Trouble::Status(500)));
    let mut berit = world.browser();
    let leave = berit.get("/sign-in").await;
    let back = world.idp.authorize(leave.location(), "berit");
    secrets.browser(&berit);
    secrets.0.push(("code", url::Url::parse(&back).unwrap().query_pairs().find(|(n, _)| n == "code").unwrap().1.into_owned()));
    let failed = berit.get(path_of(&back)).await;
    assert!(!failed.status.is_success() && !failed.status.is_redirection());
    answers.push(failed);
    secrets.issued(world);
    answers
}

#[actix_web::test]
async fn s50_canaries_are_in_no_log_no_file_and_no_answer_but_the_keys_own_page() {
    for world in World::both().await {
        let (logs, guard) = Logs::start();
        let mut secrets = Secrets::new();
        let mut answers = hand_in(&world, &mut secrets).await;
        answers.extend(show(&world, &mut secrets).await);
        drop(guard);
        let log = logs.text();
        let kinds: BTreeSet<_> = secrets.0.iter().map(|(what, _)| *what).collect();
        assert_eq!(
            kinds.into_iter().collect::<Vec<_>>(),
            ["client secret", "code", "code or state", "cookie", "key", "provider's token", "token"]
        );
        secrets.nowhere_in("the log", log.as_bytes());
        secrets.nowhere_in("the database", &stolen(&world));
        for (n, answer) in answers.iter().enumerate() {
            let what = format!("answer {n} ({})", answer.status);
            secrets.nowhere_in(&what, answer.text.as_bytes());
            for (name, value) in answer.headers.iter().filter(|(name, _)| *name != "set-cookie") {
                secrets.nowhere_in(&format!("{what}, header {name}"), value.as_bytes());
            }
        }
        for route in ["/compat/crypt/{token}/checkin/", "/reveals/{id}", "/auth/callback", "/api/v1/devices/{serial}", "-"] {
            assert!(log.contains(&format!(r#""route":"{route}""#)), "no line for {route}");
        }
        let lines: Vec<serde_json::Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let requests = lines.iter().filter(|l| l["target"] == "keyharbor::request");
        assert!(requests.clone().count() >= answers.len(), "a line for each request");
        assert!(requests.clone().all(|l| l.get("path").is_none() && l.get("query").is_none() && l.get("uri").is_none()));
        assert!(requests.clone().any(|l| l["method"] == "other"), "a method is free text too");
    }
}

#[actix_web::test]
async fn s58_s18_a_stolen_database_holds_no_key_session_or_token() {
    for world in World::both().await {
        let mut secrets = Secrets::new();
        hand_in(&world, &mut secrets).await;
        show(&world, &mut secrets).await;
        let bytes = stolen(&world);
        assert!(holds(&bytes, MAC) && holds(&bytes, "deposit.new"), "the search finds what is there");
        secrets.nowhere_in("the database", &bytes);
        secrets.0.push(("root key", part(&world.root.text(), 8..).to_owned()));
        secrets.nowhere_in("the database", &bytes);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stolen");
        world.service.backup(&file, &world.root, &mut |_, _| {}).await.unwrap();
        let bytes = [bytes, std::fs::read(file).unwrap()].concat();
        assert!(holds(&bytes, "keyharbor backup"));
        secrets.nowhere_in("a backup", &bytes);
        let text = world.root.text();
        let raw: Vec<u8> = (0..32).map(|i| u8::from_str_radix(part(&text, 8 + 2 * i..10 + 2 * i), 16).unwrap()).collect();
        assert!(!bytes.windows(32).any(|w| w == raw), "nor the root key's own bytes");
    }
}

#[test]
fn s59_secret_types_cannot_be_printed_or_copied_out() {
    assert_not_impl_any!(keyharbor::domain::recovery_key::RecoveryKey: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::crypto::RootKey: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::crypto::Ring: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::domain::Sealed: Debug, Display, Serialize);
    assert_not_impl_any!(keyharbor::domain::token::TokenText<'static>: Debug, Display, Serialize);
    assert_not_impl_any!(keyharbor::service::escrow::Deposit: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::reveal::Shown: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::reveal::View: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::access::SignedIn: Debug, Display, Serialize);
    assert_not_impl_any!(keyharbor::i18n::KeyText: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::i18n::KeyGroup: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::i18n::Run: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::i18n::SpelledGroup: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::web::pages::KeyPage: Debug, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::sign_in::Started: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::sign_in::Finished: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::oidc::Begun: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::oidc::Callback: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::custody::Custody: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::service::Keyharbor: Debug, Display, Serialize);
    assert_not_impl_any!(keyharbor::store::Store: Debug, Display, Serialize);
    assert_not_impl_any!(keyharbor::formats::crypt::CheckIn: Debug, Display, Serialize, Clone);
    assert_not_impl_any!(keyharbor::store::RingRow: Debug, Display, Serialize);
    assert_not_impl_any!(keyharbor::config::Secret: Display);
    let secret = keyharbor::config::Secret::from("canary".to_owned());
    assert_eq!((format!("{secret:?}"), serde_json::to_string(&secret).unwrap()), ("Secret".into(), "null".into()));
}

#[test]
fn s59_the_ciphers_wipe_their_keys() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|l| l.strip_prefix("host: ")).unwrap();
    // Only what is built here is at hand without a network.
    let arguments = ["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host, "--manifest-path", manifest];
    let out = Command::new(cargo).args(arguments).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    for name in ["aes-gcm", "aes"] {
        let nodes: Vec<_> = metadata["resolve"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|n| {
                n["id"].as_str().unwrap().contains(&format!("#{name}@")) || n["id"].as_str().unwrap().contains(&format!("/{name}#"))
            })
            .collect();
        assert!(!nodes.is_empty(), "{name} is in use");
        for node in nodes {
            assert!(node["features"].as_array().unwrap().contains(&json!("zeroize")), "{}", node["id"]);
        }
    }
}
