//! What the provider answers besides tokens: S08, S11–S13, S18's address, S21–S23.

use std::time::{Duration, Instant};

use keyharbor::config;
use keyharbor::domain::Role;
use keyharbor::oidc::{Ask, Identity, Oidc, OidcError, RolesNote};
use serde_json::{Value, json};

use crate::fixed;
use crate::idp::wire::Trouble;
use crate::oidc_world::{ORIGIN, World, callback, parameter};

fn roles(identity: &Identity) -> String {
    identity.roles.codes()
}

#[tokio::test]
async fn s08_another_issuer_is_a_mismatch_and_an_absent_one_unreachable() {
    let world = World::new();
    for found in [format!("{}/", world.idp.issuer()), "https://evil.example.com".to_owned()] {
        world.idp.set(|b| drop(b.metadata.insert("issuer".into(), Some(json!(found)))));
        assert_eq!(world.oidc.discover().await, Err(OidcError::Mismatch { found }));
        assert!(!world.oidc.reachable());
    }
    world.idp.set(|b| b.metadata.clear());
    for trouble in [Trouble::Status(503), Trouble::Html, Trouble::Hang, Trouble::Json(200, "{}".into())] {
        world.idp.trouble_discovery(Some(trouble.clone()));
        assert!(matches!(world.oidc.discover().await, Err(OidcError::Unreachable(_))), "{trouble:?}");
        assert!(!world.oidc.reachable());
    }
    world.idp.trouble_discovery(None);
    world.idp.trouble("/jwks", Some(Trouble::Status(500)));
    assert!(matches!(world.oidc.discover().await, Err(OidcError::Unreachable(_))), "no keys, no sign-in");
    world.idp.trouble("/jwks", None);
    assert_eq!(world.oidc.discover().await, Ok(()));
    assert!(world.oidc.reachable());
    assert!(world.sign_in().await.is_ok());
}

#[tokio::test]
async fn s08_a_sign_in_discovers_by_itself_and_does_not_hammer() {
    let world = World::new();
    world.idp.trouble_discovery(Some(Trouble::Status(500)));
    let fetches = || world.idp.fetches("/.well-known/openid-configuration");
    for _ in 0..20 {
        assert!(matches!(world.oidc.begin(Ask::sign_in(60)).await, Err(OidcError::Unreachable(_))));
    }
    assert_eq!(fetches(), 1);
    world.idp.trouble_discovery(None);
    world.clock.advance_seconds(5);
    assert!(world.oidc.begin(Ask::sign_in(60)).await.is_ok());
    assert_eq!(fetches(), 2);
}

#[tokio::test]
async fn s08_nothing_listens_there() {
    let (_, env) = fixed::env(1);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = config::Oidc { issuer: format!("http://{nobody}"), client_id: "k".into(), ..Default::default() };
    let oidc = Oidc::new(&settings, &config::Outbound::default(), ORIGIN, env).unwrap();
    assert_eq!(oidc.discover().await, Err(OidcError::Unreachable("no connection")));
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    let (_, env) = fixed::env(1);
    let settings = config::Oidc { issuer: "http://id.example.com".into(), client_id: "k".into(), ..Default::default() };
    assert!(matches!(Oidc::new(&settings, &config::Outbound::default(), ORIGIN, env), Err(OidcError::Setup(_))));
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"] {
        let world = World::new();
        world.idp.set(|b| drop(b.metadata.insert(endpoint.into(), Some(json!("http://id.example.com/x")))));
        assert!(matches!(world.oidc.discover().await, Err(OidcError::Unreachable(_))), "{endpoint}");
    }
}

#[tokio::test]
async fn s11_only_an_array_of_exact_strings_gives_a_role() {
    let world = World::new();
    let cases: [(Value, &str, RolesNote); 13] = [
        (json!(["mac-helpdesk"]), "employee helpdesk", RolesNote::Fine),
        (json!(["x", "mac-audit", "mac-admin"]), "employee auditor admin", RolesNote::Fine),
        (json!([]), "employee", RolesNote::Fine),
        (json!(["Mac-Helpdesk"]), "employee", RolesNote::Fine),
        (json!([" mac-helpdesk", "mac-helpdesk ", "/mac-helpdesk", ""]), "employee", RolesNote::Fine),
        (json!("mac-helpdesk"), "employee", RolesNote::WrongShape("string")),
        (json!({"mac-helpdesk": true}), "employee", RolesNote::WrongShape("object")),
        (json!([1, 2]), "employee", RolesNote::WrongShape("array with members that are not strings")),
        (json!(["mac-helpdesk", 1]), "employee", RolesNote::WrongShape("array with members that are not strings")),
        (json!([["mac-helpdesk"]]), "employee", RolesNote::WrongShape("array with members that are not strings")),
        (json!(null), "employee", RolesNote::WrongShape("null")),
        (json!(true), "employee", RolesNote::WrongShape("boolean")),
        (json!(3), "employee", RolesNote::WrongShape("number")),
    ];
    for (groups, codes, note) in cases {
        world.idp.token_claim("groups", Some(groups.clone()));
        let identity = world.sign_in().await.unwrap();
        assert_eq!((roles(&identity).as_str(), identity.roles_note), (codes, note), "{groups}");
    }
}

#[tokio::test]
async fn s11_too_many_groups_are_no_role_and_their_address_is_not_fetched() {
    let world = World::new();
    let source = format!("{}/evil/groups", world.idp.issuer());
    world.idp.token_claim("groups", None);
    world.idp.token_claim("_claim_names", Some(json!({"groups": "src1"})));
    world.idp.token_claim("_claim_sources", Some(json!({"src1": {"endpoint": source}})));
    let identity = world.sign_in().await.unwrap();
    assert_eq!((roles(&identity).as_str(), identity.roles_note), ("employee", RolesNote::Overage));
    assert_eq!(world.idp.fetches("/evil/groups") + world.idp.fetches("/userinfo"), 0);
    world.idp.token_claim("_claim_names", Some(json!({"address": "src1"})));
    world.idp.set(|b| drop(b.userinfo.insert("groups".into(), None)));
    assert_eq!(world.sign_in().await.unwrap().roles_note, RolesNote::Absent);
}

#[tokio::test]
async fn s11_twenty_thousand_groups_are_bounded() {
    let world = World::new();
    let many = |name: fn(usize) -> String| Value::from((0..20_000).map(name).chain(["mac-helpdesk".into()]).collect::<Vec<_>>());
    let started = Instant::now();
    // They fit into the answer: read, and the last one counts.
    world.idp.token_claim("groups", Some(many(|n| n.to_string())));
    assert_eq!(roles(&world.sign_in().await.unwrap()), "employee helpdesk");
    // They do not fit: refused as a whole.
    world.idp.token_claim("groups", Some(many(|n| format!("a-group-with-a-long-name-{n}"))));
    assert_eq!(world.sign_in().await, Err(OidcError::BadResponse("too large")));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn s11_the_claim_is_a_path_and_employee_may_be_a_group() {
    let world = World::with(|c| {
        c.roles_claim = "realm_access.roles".into();
        c.roles.insert("employee".into(), vec!["staff".into()]);
    });
    world.idp.token_claim("realm_access", Some(json!({"roles": ["mac-admin"]})));
    assert_eq!(roles(&world.sign_in().await.unwrap()), "admin");
    world.idp.token_claim("realm_access", Some(json!({"roles": ["staff"]})));
    assert!(world.sign_in().await.unwrap().roles.has(Role::Employee));
    world.idp.token_claim("realm_access", Some(json!({"roles": "staff"})));
    assert_eq!(roles(&world.sign_in().await.unwrap()), "");
    // A claim whose very name has dots.
    let world = World::with(|c| c.roles_claim = "https://example.com/groups".into());
    world.idp.token_claim("https://example.com/groups", Some(json!(["mac-audit"])));
    assert_eq!(roles(&world.sign_in().await.unwrap()), "employee auditor");
}

#[tokio::test]
async fn s12_userinfo_counts_for_its_own_subject_only() {
    let world = World::new();
    world.idp.person("astrid", &["mac-helpdesk"]);
    world.idp.set(|b| b.only_in_userinfo = vec!["groups", "preferred_username"]);
    let identity = world.sign_in().await.unwrap();
    assert_eq!(roles(&identity), "employee helpdesk");
    assert_eq!(identity.login.unwrap().as_str(), "astrid");
    assert_eq!(world.idp.fetches("/userinfo"), 1);
    for sub in [Some(json!("sub-erik")), Some(json!("")), Some(json!(["sub-astrid"])), None] {
        world.idp.set(|b| drop(b.userinfo.insert("sub".into(), sub)));
        assert_eq!(world.sign_in().await, Err(OidcError::BadResponse("userinfo is of another subject")));
    }
    world.idp.set(|b| b.userinfo.clear());
    for (trouble, error) in [
        (Trouble::Status(500), OidcError::Trouble),
        (Trouble::Status(404), OidcError::BadResponse("status")),
        (Trouble::Json(200, "[]".into()), OidcError::BadResponse("userinfo is not an object")),
    ] {
        world.idp.trouble("/userinfo", Some(trouble));
        assert_eq!(world.sign_in().await, Err(error));
    }
}

#[tokio::test]
async fn s12_a_claim_of_the_token_is_not_replaced_by_userinfo() {
    let world = World::new();
    world.idp.token_claim("groups", Some(json!([])));
    world.idp.set(|b| b.only_in_userinfo = vec!["preferred_username"]);
    world.idp.set(|b| drop(b.userinfo.insert("groups".into(), Some(json!(["mac-admin"])))));
    assert_eq!(roles(&world.sign_in().await.unwrap()), "employee");
    assert_eq!(world.idp.fetches("/userinfo"), 1);
}

#[tokio::test]
async fn s13_the_response_names_the_issuer_if_that_was_promised() {
    let world = World::new();
    let (slash, right) = (format!("{}/", world.idp.issuer()), world.idp.issuer().to_owned());
    for wrong in [slash, "https://evil.example.com".into(), String::new()] {
        world.idp.set(|b| b.response_iss = Some(wrong));
        assert_eq!(world.sign_in().await, Err(OidcError::BadResponse("iss is another issuer")));
    }
    world.idp.set(|b| b.response_iss = None);
    assert_eq!(world.sign_in().await, Err(OidcError::BadResponse("iss is missing")));
    assert_eq!(world.idp.fetches("/token"), 0, "the code went nowhere");
    world.idp.set(|b| drop(b.metadata.insert("authorization_response_iss_parameter_supported".into(), None)));
    world.oidc.discover().await.unwrap();
    assert!(world.sign_in().await.is_ok(), "not promised, not demanded");
    world.idp.set(|b| b.response_iss = Some(right));
    assert!(world.sign_in().await.is_ok());
}

#[tokio::test]
async fn s21_an_error_of_the_provider_becomes_a_short_code() {
    let world = World::new();
    let long = "a".repeat(41);
    let html = "<script>alert(1)</script>";
    for (error, code) in
        [("access_denied", "access_denied"), (html, "unknown"), ("", "unknown"), (long.as_str(), "unknown"), ("a\r\nb", "unknown")]
    {
        world.idp.set(|b| (b.error, b.response_iss) = (Some((error.into(), html.into())), None));
        let got = world.sign_in().await.unwrap_err();
        assert_eq!(got, OidcError::ProviderError(code.into()));
        assert!(!format!("{got} {got:?}").contains('<'));
    }
    world.idp.set(|b| b.error = None);
    let body = json!({"error": html, "error_description": html}).to_string();
    world.idp.trouble("/token", Some(Trouble::Json(400, body)));
    world.idp.set(|b| b.response_iss = Some(world.idp.issuer().to_owned()));
    assert_eq!(world.sign_in().await, Err(OidcError::ProviderError("unknown".into())));
}

#[tokio::test]
async fn s22_bad_answers_are_bounded() {
    let world = World::new();
    world.oidc.discover().await.unwrap();
    let evil = format!("{}/evil/jwks", world.idp.issuer());
    let short = r#"{"id_token": "a.b.c"}"#;
    let sized = |bytes: usize| format!("{short}{}", " ".repeat(bytes - short.len()));
    let cases = [
        (Trouble::Status(500), OidcError::Trouble),
        (Trouble::Status(404), OidcError::BadResponse("status")),
        (Trouble::Html, OidcError::BadResponse("not JSON")),
        (Trouble::Big(64 << 20), OidcError::BadResponse("too large")),
        (Trouble::BigChunked(64 << 20), OidcError::BadResponse("too large")),
        (Trouble::Gzip(128 << 20), OidcError::BadResponse("compressed")),
        (Trouble::Hang, OidcError::Unreachable("timeout")),
        (Trouble::Drip, OidcError::Unreachable("timeout")),
        (Trouble::Redirect(evil), OidcError::BadResponse("redirect")),
        (Trouble::Json(200, "{}".into()), OidcError::BadResponse("no ID token")),
        (Trouble::Json(200, "[".repeat(100_000)), OidcError::BadResponse("not JSON")),
        (Trouble::Json(200, short.into()), OidcError::TokenRejected("shape")),
        (Trouble::Json(200, sized(262144)), OidcError::TokenRejected("shape")),
        (Trouble::Json(200, sized(262145)), OidcError::BadResponse("too large")),
    ];
    for (trouble, error) in cases {
        let sent = world.idp.bytes_sent();
        world.idp.trouble("/token", Some(trouble.clone()));
        let started = Instant::now();
        assert_eq!(world.sign_in().await, Err(error), "{trouble:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "it ends: {trouble:?}");
        // What the kernel's buffers took of 64 MiB, not what was offered.
        assert!(world.idp.bytes_sent() - sent < 24 << 20, "{trouble:?}: {}", world.idp.bytes_sent() - sent);
    }
    assert_eq!(world.idp.fetches("/evil/jwks"), 0, "no redirect was followed");
    // One call that the provider fails at does not keep others from trying.
    world.idp.trouble("/token", Some(Trouble::Status(500)));
    assert_eq!(world.sign_in().await, Err(OidcError::Trouble));
    assert!(world.oidc.reachable());
    world.idp.trouble("/token", None);
    assert!(world.sign_in().await.is_ok());
}

#[tokio::test]
async fn s22_a_bad_key_set_leaves_the_old_one() {
    let world = World::new();
    world.oidc.discover().await.unwrap();
    let elsewhere = Trouble::Redirect(format!("{}/evil/jwks", world.idp.issuer()));
    let none = Trouble::Json(200, r#"{"keys":[]}"#.into());
    for trouble in [Trouble::Status(500), Trouble::Html, Trouble::BigChunked(64 << 20), Trouble::Hang, none, elsewhere] {
        world.clock.advance_seconds(31);
        world.idp.trouble("/jwks", Some(trouble.clone()));
        world.idp.set(|b| drop(b.header.insert("kid".into(), Some(json!("unknown")))));
        let before = world.idp.fetches("/jwks");
        assert_eq!(world.refusal().await, "kid", "{trouble:?}");
        assert_eq!(world.idp.fetches("/jwks"), before + 1);
        world.idp.set(|b| b.header.clear());
        assert_eq!(world.refusal().await, "", "the old keys serve on after {trouble:?}");
    }
    assert_eq!(world.idp.fetches("/evil/jwks"), 0, "no redirect was followed");
}

#[tokio::test]
async fn s23_new_keys_are_fetched_once_and_bogus_ones_do_not_hammer() {
    let world = World::new();
    assert!(world.sign_in().await.is_ok());
    assert_eq!(world.idp.fetches("/jwks"), 1);
    world.idp.rotate();
    assert!(world.sign_in().await.is_ok(), "an unknown kid fetches the set again");
    assert_eq!(world.idp.fetches("/jwks"), 2);

    world.clock.advance_seconds(60);
    // Each with a name of its own: at once, 29 s later, and in the thirtieth second.
    let bogus = async |n: usize| {
        world.idp.set(|b| drop(b.header.insert("kid".into(), Some(json!(format!("bogus-{n}"))))));
        assert_eq!(world.refusal().await, "kid");
        world.idp.fetches("/jwks") - 2
    };
    for n in 0..50 {
        assert_eq!(bogus(n).await, 1);
    }
    world.clock.advance_seconds(29);
    for n in 50..100 {
        assert_eq!(bogus(n).await, 1, "29 s");
    }
    world.clock.advance_seconds(1);
    for n in 100..110 {
        assert_eq!(bogus(n).await, 2, "30 s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_many_sign_ins_at_once_share_one_fetch() {
    let world = std::sync::Arc::new(World::new());
    assert!(world.sign_in().await.is_ok());
    world.idp.rotate();
    let all: Vec<_> = (0..16)
        .map(|_| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move { world.sign_in().await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(world.idp.fetches("/jwks"), 2);
}

#[tokio::test]
async fn s18_the_providers_sign_out_is_asked_for_by_client_id_alone() {
    let world = World::new();
    assert_eq!(world.oidc.end_session_url(ORIGIN), None, "not discovered yet");
    world.oidc.discover().await.unwrap();
    let url = world.oidc.end_session_url(&format!("{ORIGIN}/signed-out")).unwrap();
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("keyharbor"));
    assert_eq!(parameter(&url, "post_logout_redirect_uri").unwrap(), format!("{ORIGIN}/signed-out"));
    assert_eq!(parameter(&url, "id_token_hint"), None);
    world.idp.set(|b| drop(b.metadata.insert("end_session_endpoint".into(), None)));
    world.oidc.discover().await.unwrap();
    assert_eq!(world.oidc.end_session_url(ORIGIN), None);
}

#[tokio::test]
async fn a_provider_that_takes_the_secret_in_the_form_gets_it_there() {
    let world = World::new();
    let methods = json!(["client_secret_post"]);
    world.idp.set(|b| drop(b.metadata.insert("token_endpoint_auth_methods_supported".into(), Some(methods))));
    assert!(world.sign_in().await.is_ok());
    let wrong = World::with(|c| c.client_secret = config::Secret::from("wrong".to_owned()));
    assert_eq!(wrong.sign_in().await, Err(OidcError::ProviderError("invalid_client".into())));
}

#[tokio::test]
async fn a_callback_without_a_code_is_refused() {
    let world = World::new();
    let begun = world.begin(Ask::sign_in(60)).await;
    let iss = url::form_urlencoded::byte_serialize(world.idp.issuer().as_bytes()).collect::<String>();
    for query in ["", "code=&", &format!("code={}&", "x".repeat(9000))] {
        let back = callback(&format!("{ORIGIN}/auth/callback?{query}iss={iss}"));
        let got = world.oidc.finish(back, &begun.nonce, &begun.verifier, None).await;
        assert_eq!(got, Err(OidcError::BadResponse("no code")));
    }
    assert_eq!(world.idp.fetches("/token"), 0);
}
