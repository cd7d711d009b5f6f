//! Which ID tokens are let in: S02, S03, S05–S07, S09, S10, S15's part, each with a good token beside the bad ones.

use std::collections::HashSet;

use keyharbor::config::StepUp;
use keyharbor::domain::{Role, Subject};
use keyharbor::oidc::{Ask, OidcError};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::fixed::START;
use crate::idp::Overrides;
use crate::idp::keys::{FORGERIES, Sign, b64};
use crate::idp::wire::Trouble;
use crate::oidc_world::{ORIGIN, World, callback, parameter, refusal};

#[tokio::test]
async fn a_good_sign_in_tells_who_it_is() {
    let world = World::new();
    world.idp.person("astrid", &["staff", "mac-helpdesk"]);
    for sign in [Sign::Rs256, Sign::Es256] {
        world.idp.set(|b| b.sign = sign);
        let identity = world.sign_in().await.unwrap();
        assert_eq!(identity.who, Subject { issuer: world.idp.issuer().to_owned(), subject: "sub-astrid".to_owned() });
        assert_eq!(identity.login.unwrap().as_str(), "astrid");
        assert_eq!((identity.name.as_deref(), identity.email.as_deref()), (Some("astrid Test"), Some("astrid@example.com")));
        assert_eq!((identity.locale.as_deref(), identity.sid.as_deref()), (Some("sv-SE"), Some("sid-astrid")));
        assert_eq!((identity.auth_time, identity.acr.as_deref()), (Some(START), Some("1")));
        assert_eq!(identity.roles.iter().collect::<Vec<_>>(), [Role::Employee, Role::Helpdesk]);
    }
    assert_eq!(world.idp.fetches("/userinfo"), 0, "all claims were in the token");
}

#[tokio::test]
async fn s02_a_nonce_that_is_not_this_sign_ins_is_refused() {
    let world = World::new();
    assert_eq!(world.refusal().await, "");
    for nonce in [Some(json!("another")), Some(json!("")), None] {
        world.idp.token_claim("nonce", nonce);
        assert_eq!(world.refusal().await, "nonce");
    }
    // A token of an earlier sign-in: its nonce was good once.
    let earlier = world.begin(Ask::sign_in(1800)).await;
    world.idp.token_claim("nonce", parameter(&earlier.url, "nonce").map(Value::from));
    assert_eq!(world.refusal().await, "nonce");
    world.idp.set(|b| b.claims.clear());
    // A whole token of a sign-in that went well, recorded and handed out once more.
    assert!(world.sign_in().await.is_ok());
    let recorded = world.idp.issued().pop().unwrap();
    world.idp.trouble("/token", Some(Trouble::Json(200, json!({ "id_token": recorded }).to_string())));
    assert_eq!(world.refusal().await, "nonce");
    world.idp.trouble("/token", None);
    assert_eq!(world.refusal().await, "");
}

#[tokio::test]
async fn s03_a_thousand_starts_are_all_different_and_always_s256() {
    let world = World::new();
    let mut seen = HashSet::new();
    for n in 0..1000 {
        let begun = world.begin(Ask::sign_in(n - 500)).await;
        let get = |name| parameter(&begun.url, name).unwrap();
        assert_eq!(get("code_challenge_method"), "S256");
        assert_eq!(get("state"), begun.state.expose_secret());
        assert_eq!(get("nonce"), begun.nonce.expose_secret());
        assert_eq!(get("redirect_uri"), format!("{ORIGIN}/auth/callback"));
        assert!(get("scope").split(' ').any(|s| s == "openid"));
        assert!(get("max_age").parse::<i64>().unwrap() >= 1, "max_age = 0 is never sent");
        assert!(!begun.url.contains(begun.verifier.expose_secret()), "the verifier stays here");
        assert_eq!(get("code_challenge"), b64(&<sha2::Sha256 as sha2::Digest>::digest(begun.verifier.expose_secret())));
        for secret in [&begun.state, &begun.nonce, &begun.verifier] {
            assert_eq!(secret.expose_secret().len(), 43, "256 bits");
            assert!(seen.insert(secret.expose_secret().to_owned()), "seen before");
        }
        assert!(seen.insert(get("code_challenge")));
    }
    assert_eq!(seen.len(), 4000);
}

#[tokio::test]
async fn s03_a_step_up_asks_for_a_fresh_login_and_a_level() {
    let world = World::with(|c| c.acr_values = vec!["phr".into(), "2".into()]);
    let step_up = world.begin(Ask::step_up(300)).await.url;
    let get = |url: &str, name| parameter(url, name);
    assert_eq!(get(&step_up, "prompt").as_deref(), Some("login"));
    assert_eq!(get(&step_up, "acr_values").as_deref(), Some("phr 2"));
    assert_eq!(get(&step_up, "max_age").as_deref(), Some("300"));
    let first = world.begin(Ask::sign_in(1800)).await.url;
    assert_eq!((get(&first, "prompt"), get(&first, "acr_values")), (None, None));
}

#[tokio::test]
async fn s05_no_forged_signature_passes_though_discovery_offers_hs256_and_none() {
    let world = World::new();
    for (sign, reason) in FORGERIES {
        world.idp.set(|b| b.sign = sign);
        assert_eq!(world.refusal().await, reason, "{sign:?}");
    }
    world.idp.set(|b| b.sign = Sign::Rs256);
    for (name, value, reason) in [
        ("kid", json!("nobody's"), "kid"),
        ("alg", json!("HS256"), "alg"),
        ("alg", json!("none"), "alg"),
        ("alg", json!("RS512"), "alg"),
        ("alg", json!("X"), "alg"),
        ("alg", json!("RSA-OAEP"), "alg"),
        ("alg", json!(["RS256"]), "alg"),
        // A known name, but of a key of the other kind.
        ("alg", json!("ES256"), "kid"),
        ("typ", json!("logout+jwt"), "typ"),
        ("typ", json!("at+jwt"), "typ"),
        ("crit", json!(["exp"]), "typ"),
    ] {
        world.idp.set(|b| b.header = [(name.to_owned(), Some(value.clone()))].into());
        assert_eq!(world.refusal().await, reason, "{name} = {value}");
    }
    // Without a name the one key of its kind is tried, and no other passes.
    for (sign, reason) in [(Sign::OtherKey, "signature"), (Sign::Broken, "signature"), (Sign::HsPublicPem, "alg"), (Sign::None, "alg")] {
        world.idp.set(|b| (b.sign, b.header) = (sign, [("kid".to_owned(), None)].into()));
        assert_eq!(world.refusal().await, reason, "{sign:?} without a kid");
    }
    world.idp.set(|b| (b.sign, b.header) = (Sign::Rs256, Overrides::new()));
    assert_eq!(world.refusal().await, "");
}

#[tokio::test]
async fn s05_an_algorithm_that_is_not_in_the_settings_is_refused() {
    let world = World::with(|c| c.algorithms = vec!["ES256".into()]);
    assert_eq!(world.refusal().await, "alg");
    world.idp.set(|b| b.sign = Sign::Es256);
    assert_eq!(world.refusal().await, "");
}

#[tokio::test]
async fn s06_keys_that_a_token_names_are_never_fetched() {
    let world = World::new();
    let evil = json!(format!("{}/evil/jwks", world.idp.issuer()));
    let jwk = world.idp.keys().rsa_jwk();
    for (name, value) in [("jku", evil.clone()), ("x5u", evil.clone()), ("jwk", jwk.clone())] {
        // With a key of its own, under a known name and under an unknown one.
        for (kid, reason) in [(None, "signature"), (Some(json!("evil")), "kid")] {
            world.idp.set(|b| {
                b.sign = Sign::OtherKey;
                b.header = [(name.to_owned(), Some(value.clone()))].into();
                b.header.extend(kid.clone().map(|kid| ("kid".to_owned(), Some(kid))));
            });
            assert_eq!(world.refusal().await, reason, "{name}");
        }
    }
    assert_eq!(world.idp.fetches("/evil/jwks"), 0);
    assert!(world.idp.log().iter().all(|line| !line.contains("evil")), "{:?}", world.idp.log());
    assert!(world.idp.fetches("/jwks") >= 1, "the log does see fetches");
}

#[tokio::test]
async fn s07_iss_aud_and_azp_must_be_ours() {
    let world = World::new();
    let slash = format!("{}/", world.idp.issuer());
    let cases: [(&str, Option<Value>, &str); 12] = [
        ("iss", Some(json!(slash)), "iss"),
        ("iss", Some(json!("https://id.example.com")), "iss"),
        ("iss", Some(json!(7)), "iss"),
        ("iss", None, "iss"),
        ("aud", Some(json!("other")), "aud"),
        ("aud", Some(json!(["keyharbor", "other"])), "aud"),
        ("aud", Some(json!([])), "aud"),
        ("aud", None, "aud"),
        ("azp", Some(json!("other")), "azp"),
        ("azp", Some(json!("")), "azp"),
        ("azp", Some(json!(["keyharbor"])), "azp"),
        ("aud", Some(json!("Keyharbor")), "aud"),
    ];
    for (claim, value, reason) in cases {
        world.idp.set(|b| b.claims = [(claim.to_owned(), value.clone())].into());
        assert_eq!(world.refusal().await, reason, "{claim} = {value:?}");
    }
    // One more reader than us is one too many, whoever the token says it was made for.
    world
        .idp
        .set(|b| b.claims = [("aud", json!(["keyharbor", "other"])), ("azp", json!("keyharbor"))].map(|(n, v)| (n.into(), Some(v))).into());
    assert_eq!(world.refusal().await, "aud");
    for (claim, value) in [("aud", json!(["keyharbor"])), ("azp", json!("keyharbor"))] {
        world.idp.set(|b| b.claims = [(claim.to_owned(), Some(value))].into());
        assert_eq!(world.refusal().await, "");
    }
}

#[tokio::test]
async fn s09_clocks_may_be_a_minute_apart_and_no_more() {
    let world = World::new();
    let table: [(&str, &[(i64, bool)]); 4] = [
        ("exp", &[(-61, false), (-60, false), (-59, true), (59, true), (61, true)]),
        ("nbf", &[(-61, true), (-59, true), (59, true), (60, true), (61, false), (86_400, false)]),
        ("iat", &[(-315_360_000, false), (-661, false), (-659, true), (-61, true), (59, true), (60, true), (61, false), (86_400, false)]),
        ("auth_time", &[(-61, true), (-59, true), (59, true), (61, false), (86_400, false)]),
    ];
    for (claim, rows) in table {
        for (offset, good) in rows {
            world.idp.set(|b| b.claims = [(claim.to_owned(), Some(json!(START.seconds() + offset)))].into());
            assert_eq!(world.refusal().await, if *good { "" } else { claim }, "{claim} at {offset} s");
        }
    }
    for (claim, value) in [("exp", None), ("iat", None)] {
        world.idp.set(|b| b.claims = [(claim.to_owned(), value)].into());
        assert_eq!(world.refusal().await, claim, "{claim} missing");
    }
}

#[tokio::test]
async fn s09_times_that_are_not_numbers_are_refused_and_fractions_are_read() {
    let world = World::new();
    for claim in ["exp", "iat", "nbf", "auth_time"] {
        for value in [json!("2026-11-22T07:30:00Z"), json!(START.seconds().to_string()), json!(true), json!({})] {
            world.idp.set(|b| b.claims = [(claim.to_owned(), Some(value.clone()))].into());
            assert_eq!(world.refusal().await, claim, "{claim} = {value}");
        }
    }
    world.idp.set(|b| b.claims = [("auth_time".to_owned(), Some(json!(START.seconds() as f64 - 7.5)))].into());
    let auth_time = world.sign_in().await.unwrap().auth_time.unwrap();
    assert!((7..=8).contains(&START.seconds_since(auth_time)));
    // From the future, within the skew: taken as now, so that it is not fresh for longer.
    world.idp.token_claim("auth_time", Some(json!(START.seconds() + 59)));
    assert_eq!(world.sign_in().await.unwrap().auth_time, Some(START));
}

#[tokio::test]
async fn s09_the_clock_is_the_injected_one() {
    let world = World::new();
    let begun = world.begin(Ask::sign_in(1800)).await;
    world.idp.token_claim("exp", Some(json!(START.seconds() + 300)));
    world.idp.token_claim("iat", Some(json!(START.seconds())));
    world.clock.advance_seconds(361);
    let back = world.idp.authorize(&begun.url, "astrid");
    assert_eq!(refusal(world.oidc.finish(callback(&back), &begun.nonce, &begun.verifier, None).await), "exp");
}

#[tokio::test]
async fn s10_a_person_is_issuer_and_sub_and_a_sub_has_a_shape() {
    let world = World::new();
    let long = "x".repeat(255);
    // 255 bytes, not letters.
    let (letters, one_more) = (format!("{}x", "å".repeat(127)), "å".repeat(128));
    for good in ["a", "auth0|5f7c8ec7c33c6c004bbafe82", "åäö", long.as_str(), letters.as_str()] {
        world.idp.token_claim("sub", Some(json!(good)));
        assert_eq!(world.sign_in().await.unwrap().who.subject, good);
    }
    let long = [json!("x".repeat(256)), json!(one_more), json!("x".repeat(100_000))];
    for bad in [json!(""), json!("a\u{0}b"), json!("a\nb"), json!(7), json!(null)].into_iter().chain(long) {
        world.idp.token_claim("sub", Some(bad.clone()));
        assert_eq!(world.refusal().await, "sub", "{:.40}", bad.to_string());
    }
    world.idp.token_claim("sub", None);
    assert_eq!(world.refusal().await, "sub");
    // The same sub at another provider, the same address with another sub: other people.
    world.idp.set(|b| b.claims.clear());
    let other = World::new();
    let (here, there) = (world.sign_in().await.unwrap(), other.sign_in().await.unwrap());
    assert_eq!(here.who.subject, there.who.subject);
    assert_ne!(here.who, there.who);
    world.idp.person("erik", &[]);
    world.idp.claim("erik", "email", json!("astrid@example.com"));
    assert_ne!(world.through(Ask::sign_in(60), "erik", false).await.unwrap().who, here.who);
}

#[tokio::test]
async fn s10_an_object_id_counts_only_with_the_tenant_of_the_settings() {
    let world = World::with(|c| (c.subject_claim, c.tenant) = ("oid".into(), Some("t-1".into())));
    world.idp.claim("astrid", "oid", json!("o-1"));
    assert_eq!(world.refusal().await, "tid");
    for (tid, reason) in [(json!("t-2"), "tid"), (json!(["t-1"]), "tid"), (json!("t-1"), "")] {
        world.idp.claim("astrid", "tid", tid);
        assert_eq!(world.refusal().await, reason);
    }
    assert_eq!(world.sign_in().await.unwrap().who.subject, "o-1");
    for oid in [None, Some(json!(1))] {
        world.idp.token_claim("oid", oid);
        assert_eq!(world.refusal().await, "oid");
    }
}

#[tokio::test]
async fn s15_a_step_up_needs_auth_time_and_the_level_if_one_is_required() {
    let world = World::new();
    world.idp.token_claim("auth_time", None);
    assert_eq!(world.sign_in().await.unwrap().auth_time, None, "a first sign-in goes on without");
    assert_eq!(refusal(world.step_up().await), "auth_time");
    let lax = World::with(|c| c.danger_step_up = StepUp::Off);
    lax.idp.token_claim("auth_time", None);
    assert_eq!(lax.step_up().await.unwrap().auth_time, None);
    // A provider that ignores max_age: the old time is handed on for the policy to judge, never made fresh.
    world.idp.token_claim("auth_time", Some(json!(START.seconds() - 86_400)));
    assert_eq!(world.step_up().await.unwrap().auth_time, Some(START.plus_seconds(-86_400)));

    let strict = World::with(|c| (c.acr_values, c.require_acr) = (vec!["2".into()], true));
    assert_eq!(strict.step_up().await.unwrap().acr.as_deref(), Some("2"));
    for acr in [None, Some(json!("1")), Some(json!("22")), Some(json!(""))] {
        strict.idp.token_claim("acr", acr);
        assert_eq!(refusal(strict.step_up().await), "acr");
    }
    strict.idp.token_claim("acr", None);
    assert!(strict.sign_in().await.is_ok(), "a first sign-in does not need it");
}

#[tokio::test]
async fn s04_a_code_works_once_and_only_with_its_verifier() {
    let world = World::new();
    let (one, two) = (world.begin(Ask::sign_in(60)).await, world.begin(Ask::sign_in(60)).await);
    let back = world.idp.authorize(&one.url, "astrid");
    let wrong = world.oidc.finish(callback(&back), &one.nonce, &two.verifier, None).await;
    assert_eq!(wrong, Err(OidcError::ProviderError("invalid_grant".into())));
    let back = world.idp.authorize(&two.url, "astrid");
    assert!(world.oidc.finish(callback(&back), &two.nonce, &two.verifier, None).await.is_ok());
    let again = world.oidc.finish(callback(&back), &two.nonce, &two.verifier, None).await;
    assert_eq!(again, Err(OidcError::ProviderError("invalid_grant".into())));
}
