//! Is this ID token good? The library's verifier, with the rules that it leaves open.
//!
//! Algorithms come from the settings; the verifier holds no secret, so a token keyed with one can never pass. Clocks may be
//! a minute apart. What a token says is believed only after all of this; what it says *wrongly* is named by one word.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::Settings;
use crate::domain::{Subject, Timestamp};

/// How far the provider's clock may be from ours.
pub(super) const SKEW_SECONDS: i64 = 60;
/// How old a token may be: the life of a sign-in, and the skew.
const MAX_AGE_SECONDS: i64 = 600 + SKEW_SECONDS;

pub(super) type Claims = Map<String, Value>;

/// What is asked of one token.
pub(super) struct Demand<'a> {
    pub nonce: &'a SecretString,
    pub now: Timestamp,
}

/// A token that passed.
pub(super) struct Verified {
    pub claims: Claims,
    pub sub: String,
    /// Never later than now.
    pub auth_time: Option<Timestamp>,
    pub acr: Option<String>,
}

/// Checks a token. The error is one word for the trail: "alg", "aud", "exp" … ; "kid" = no key fits, ask for the set again.
pub(super) fn verify(token: &str, keys: &CoreJsonWebKeySet, settings: &Settings, demand: &Demand<'_>) -> Result<Verified, &'static str> {
    let claims = part(token, 1).ok_or("shape")?;
    let parsed: CoreIdToken = token.parse().map_err(|_| misshapen(token, &claims, settings))?;
    let nonce = Nonce::new(demand.nonce.expose_secret().to_owned());
    let checked = parsed.claims(&verifier(keys, settings, demand)?, &nonce).map_err(|e| reason(&e))?;

    if claims.get("iss").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
        return Err("iss");
    }
    if checked.authorized_party().is_some_and(|azp| azp.as_str() != settings.client_id) {
        return Err("azp");
    }
    // The library reads RFC 3339 too, for providers that date a profile so. What decides must be a number.
    for name in ["exp", "iat", "nbf", "auth_time"] {
        if claims.get(name).is_some_and(|v| !v.is_number()) {
            return Err(name);
        }
    }
    let latest = demand.now.plus_seconds(SKEW_SECONDS);
    if claims.get("nbf").and_then(Value::as_f64).is_some_and(|nbf| nbf > latest.seconds() as f64) {
        return Err("nbf");
    }
    let sub = Subject::parse(&settings.issuer, checked.subject().as_str()).map_err(|_| "sub")?.subject;
    let auth_time = checked.auth_time().map(|t| Timestamp(t.timestamp_micros()).min(demand.now));
    let acr = checked.auth_context_ref().and_then(|a| crate::domain::device::clean(a.as_str(), 255));
    Ok(Verified { claims, sub, auth_time, acr })
}

fn verifier<'a>(keys: &CoreJsonWebKeySet, settings: &'a Settings, demand: &Demand<'_>) -> Result<CoreIdTokenVerifier<'a>, &'static str> {
    let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| "iss")?;
    let now = demand.now.to_utc();
    let skew = chrono::TimeDelta::seconds(SKEW_SECONDS);
    let oldest = now - chrono::TimeDelta::seconds(MAX_AGE_SECONDS);
    let no = |name: &str| Err(name.to_owned());
    Ok(CoreIdTokenVerifier::new_public_client(ClientId::new(settings.client_id.clone()), issuer, keys.clone())
        .set_allowed_algs(settings.algorithms.iter().cloned())
        .set_time_fn(move || now - skew)
        .set_issue_time_verifier_fn(move |iat: DateTime<Utc>| if (oldest..=now + skew).contains(&iat) { Ok(()) } else { no("iat") })
        // Whether it must be there is asked once it is known whose token it is: `proof`.
        .set_auth_time_verifier_fn(move |at| match at {
            Some(at) if at > now + skew => no("auth_time"),
            _ => Ok(()),
        })
        .set_auth_context_verifier_fn(|_| Ok(())))
}

/// What a step-up demands of a token that passed: when, and how if `require_acr` is set, the person proved who they are.
pub(super) fn proof(verified: &Verified, settings: &Settings) -> Result<(), &'static str> {
    if settings.needs_auth_time && verified.auth_time.is_none() {
        return Err("auth_time");
    }
    let good = verified.acr.as_ref().is_some_and(|acr| settings.acr_values.contains(acr));
    if settings.require_acr && !good { Err("acr") } else { Ok(()) }
}

/// Header (0) or claims (1) of a token, unchecked.
pub(super) fn part(token: &str, which: usize) -> Option<Claims> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(which)?).ok()?).ok()
}

/// Why a token does not even parse, as well as it can be told.
fn misshapen(token: &str, claims: &Claims, settings: &Settings) -> &'static str {
    let alg = part(token, 0).and_then(|h| serde_json::from_value::<CoreJwsSigningAlgorithm>(h.get("alg")?.clone()).ok());
    if !alg.is_some_and(|alg| settings.algorithms.contains(&alg)) {
        return "alg";
    }
    let text = |name: &str| claims.get(name).is_some_and(Value::is_string);
    let number = |name: &str| claims.get(name).is_some_and(Value::is_number);
    [("iss", text("iss")), ("sub", text("sub")), ("exp", number("exp")), ("iat", number("iat"))]
        .into_iter()
        .chain([("auth_time", number("auth_time") || !claims.contains_key("auth_time"))])
        .chain([("nonce", text("nonce")), ("azp", text("azp") || !claims.contains_key("azp"))])
        .find_map(|(name, good)| (!good).then_some(name))
        .unwrap_or("shape")
}

fn reason(error: &ClaimsVerificationError) -> &'static str {
    use SignatureVerificationError as Signature;
    match error {
        ClaimsVerificationError::Expired(why) if why == "iat" => "iat",
        ClaimsVerificationError::Expired(_) => "exp",
        ClaimsVerificationError::InvalidAudience(_) => "aud",
        ClaimsVerificationError::InvalidAuthTime(_) => "auth_time",
        ClaimsVerificationError::InvalidIssuer(_) => "iss",
        ClaimsVerificationError::InvalidNonce(_) => "nonce",
        ClaimsVerificationError::InvalidSubject(_) => "sub",
        ClaimsVerificationError::Unsupported(_) => "typ",
        ClaimsVerificationError::SignatureVerification(why) => match why {
            Signature::NoMatchingKey | Signature::AmbiguousKeyId(_) => "kid",
            Signature::DisallowedAlg(_) | Signature::NoSignature | Signature::UnsupportedAlg(_) => "alg",
            _ => "signature",
        },
        _ => "shape",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config;

    fn check(token: &str) -> Option<&'static str> {
        let oidc = config::Oidc { issuer: "https://id.example.com".into(), client_id: "k".into(), ..config::Oidc::default() };
        let settings = Settings::new(&oidc, "https://keys.example.com").unwrap();
        let nonce = SecretString::from("n".to_owned());
        let demand = Demand { nonce: &nonce, now: Timestamp(1_795_332_600_000_000) };
        verify(token, &CoreJsonWebKeySet::new(vec![]), &settings, &demand).err()
    }

    proptest! {
        #[test]
        fn s05_no_text_is_a_good_token_and_none_panics(text in ".{0,200}", header in r#"\{"alg":"(RS256|ES256|none|HS256|A128KW|dir)"(,"[a-z]{3}":("x"|1|null|\[\]))?\}"#, exp in any::<f64>()) {
            prop_assert!(check(&text).is_some());
            let coded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            let claims = format!(r#"{{"iss":"https://id.example.com","sub":"s","aud":"k","exp":{exp:e},"iat":{exp:e},"nonce":"n","name":{text:?}}}"#);
            for token in [format!("{}.{}.", coded(&header), coded(&claims)), format!("{}.{}.{}", coded(&header), coded(&claims), coded(&text))] {
                prop_assert!(check(&token).is_some());
            }
            let odd = format!("{}.{}.x", coded(&text), coded(&text));
            prop_assert!(check(&odd).is_some());
        }
    }
}
