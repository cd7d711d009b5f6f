//! Is this logout token good, and whom does it sign out? (OpenID Connect Back-Channel Logout 1.0.)
//!
//! The library knows no such tokens, so the checks stand here: the same key set, algorithms, issuer, audience and clocks as
//! for an ID token, and that it can be nothing else than a logout token. Whether it came before is for the caller to say.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyUse as _, JwsSigningAlgorithm as _, SignatureVerificationError};
use serde_json::Value;

use super::verify::{Claims, SKEW_SECONDS, part};
use super::{Oidc, OidcError, Settings, claims};
use crate::domain::{Subject, Timestamp};

/// How old a logout token may be, besides the skew: it is made for the call that brings it.
const MAX_AGE_SECONDS: i64 = 120;
/// After this many seconds no token that was good can be good still: so long its id is to be remembered.
pub const REMEMBER_SECONDS: i64 = MAX_AGE_SECONDS + 2 * SKEW_SECONDS;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a good logout token asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    pub issuer: String,
    /// The token's own id, 1–255 bytes: good once.
    pub jti: String,
    pub of: LogoutOf,
}

/// Whose sessions end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutOf {
    /// Those of one session at the provider; of this person, if the token names one too.
    Session { sid: String, who: Option<Subject> },
    /// All of a person's.
    Person(Subject),
}

impl Oidc {
    /// Checks a logout token; when no key fits it, once more with a newer key set.
    ///
    /// # Errors
    /// [`OidcError::TokenRejected`] with the name of the check; the provider is not known and cannot be reached.
    pub async fn logout_token(&self, token: &str) -> Result<Logout, OidcError> {
        let provider = self.provider().await?;
        let now = self.0.env.now();
        let keys = provider.keys();
        let mut result = verify(token, &keys, &self.0.settings, now);
        if matches!(result, Err("kid"))
            && let Some(newer) = provider.refresh(&keys, &self.0.http, now).await
        {
            result = verify(token, &newer, &self.0.settings, now);
        }
        // An issuer whose keys are gone for the moment is not the token's fault.
        result.map_err(OidcError::TokenRejected)
    }
}

/// The error is one word for the trail: "alg", "aud", "events" …; "kid" = no key fits, ask for the set again.
fn verify(token: &str, keys: &CoreJsonWebKeySet, settings: &Settings, now: Timestamp) -> Result<Logout, &'static str> {
    let claims = signed(token, keys, settings)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(settings.issuer.as_str()) {
        return Err("iss");
    }
    if !audience_is_us(claims.get("aud"), &settings.client_id) {
        return Err("aud");
    }
    times(&claims, settings, now)?;
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err("events");
    }
    // What tells a logout token from an ID token for good.
    if claims.contains_key("nonce") {
        return Err("nonce");
    }
    let jti = id(&claims, "jti")?.ok_or("jti")?;
    Ok(Logout { issuer: settings.issuer.clone(), jti, of: whose(&claims, settings)? })
}

/// The claims of a token that one of the provider's keys signed as a logout token.
fn signed(token: &str, keys: &CoreJsonWebKeySet, settings: &Settings) -> Result<Claims, &'static str> {
    let (input, signature) = token.rsplit_once('.').filter(|(input, _)| input.matches('.').count() == 1).ok_or("shape")?;
    let header = part(token, 0).ok_or("shape")?;
    let alg = header.get("alg").and_then(|alg| serde_json::from_value::<CoreJwsSigningAlgorithm>(alg.clone()).ok());
    let alg = alg.filter(|alg| settings.algorithms.contains(alg)).ok_or("alg")?;
    if !typed(header.get("typ"), settings.old_logout_tokens) {
        return Err("typ");
    }
    // An extension that must be understood, and is not.
    if header.contains_key("crit") {
        return Err("crit");
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Err("kid"),
    };
    let claims = part(token, 1).ok_or("shape")?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| "signature")?;
    let key = key(keys, &alg, kid).ok_or("kid")?;
    match key.verify_signature(&alg, input.as_bytes(), &signature) {
        Ok(()) => Ok(claims),
        Err(SignatureVerificationError::UnsupportedAlg(_)) => Err("alg"),
        Err(_) => Err("signature"),
    }
}

/// `logout+jwt`; with the old ones `JWT` or nothing too.
fn typed(typ: Option<&Value>, old: bool) -> bool {
    let Some(typ) = typ else { return old };
    let Some(typ) = typ.as_str() else { return false };
    let short = typ.get(..12).filter(|start| start.eq_ignore_ascii_case("application/")).and_then(|_| typ.get(12..)).unwrap_or(typ);
    short.eq_ignore_ascii_case("logout+jwt") || (old && short.eq_ignore_ascii_case("jwt"))
}

/// The one key that fits: of the algorithm's kind, for signatures, of that name. More than one that fits is none.
fn key<'a>(keys: &'a CoreJsonWebKeySet, alg: &CoreJwsSigningAlgorithm, kid: Option<&str>) -> Option<&'a CoreJsonWebKey> {
    let kind = alg.key_type()?;
    let mut fitting = keys.keys().iter().filter(|key| {
        *key.key_type() == kind
            && key.key_use().is_none_or(|what| what.allows_signature())
            && kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid))
    });
    fitting.next().filter(|_| fitting.next().is_none())
}

fn audience_is_us(aud: Option<&Value>, client_id: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(all)) => !all.is_empty() && all.iter().all(|one| one.as_str() == Some(client_id)),
        _ => false,
    }
}

/// `iat` two minutes old at most, `exp` ahead (which the old ones may lack), `nbf` behind, each by a minute's skew.
fn times(claims: &Claims, settings: &Settings, now: Timestamp) -> Result<(), &'static str> {
    let now = now.seconds() as f64;
    let skew = SKEW_SECONDS as f64;
    let time = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(name),
    };
    let iat = time("iat")?.ok_or("iat")?;
    if iat > now + skew || iat < now - skew - MAX_AGE_SECONDS as f64 {
        return Err("iat");
    }
    match time("exp")? {
        None if settings.old_logout_tokens => {}
        Some(exp) if exp > now - skew => {}
        _ => return Err("exp"),
    }
    match time("nbf")? {
        Some(nbf) if nbf > now + skew => Err("nbf"),
        _ => Ok(()),
    }
}

/// A short text without control characters, if it is there at all.
fn id(claims: &Claims, name: &'static str) -> Result<Option<String>, &'static str> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=255).contains(&text.len()) && !text.chars().any(char::is_control) => Ok(Some(text.clone())),
        Some(_) => Err(name),
    }
}

/// `sub` and `sid`, or one of them. Where people are known by another claim than `sub`, the token must name that one, or a
/// session.
fn whose(claims: &Claims, settings: &Settings) -> Result<LogoutOf, &'static str> {
    let sub = match id(claims, "sub")? {
        None => None,
        Some(_) if settings.tenant_of_oid.is_some() && claims.contains_key("sid") && !claims.contains_key("oid") => None,
        Some(sub) => Some(claims::subject(settings, claims, &sub).map_err(|e| match e {
            OidcError::TokenRejected(why) => why,
            _ => "sub",
        })?),
    };
    match (id(claims, "sid")?, sub) {
        (Some(sid), who) => Ok(LogoutOf::Session { sid, who }),
        (None, Some(who)) => Ok(LogoutOf::Person(who)),
        (None, None) => Err("sub"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;

    fn settings(oidc: config::Oidc) -> Settings {
        let oidc = config::Oidc { issuer: "https://id.example.com".into(), client_id: "k".into(), ..oidc };
        Settings::new(&oidc, "https://keys.example.com").unwrap()
    }

    #[test]
    fn s17_people_known_by_their_object_id_are_signed_out_by_it_or_by_the_session() {
        let settings = settings(config::Oidc { subject_claim: "oid".into(), tenant: Some("t".into()), ..config::Oidc::default() });
        let whose = |claims: Value| whose(claims.as_object().unwrap(), &settings);
        let anna = || Subject { issuer: "https://id.example.com".into(), subject: "o".into() };
        assert_eq!(whose(json!({"sub": "s", "oid": "o", "tid": "t"})), Ok(LogoutOf::Person(anna())));
        assert_eq!(whose(json!({"sub": "s", "sid": "x"})), Ok(LogoutOf::Session { sid: "x".into(), who: None }));
        let both = whose(json!({"sub": "s", "sid": "x", "oid": "o", "tid": "t"}));
        assert_eq!(both, Ok(LogoutOf::Session { sid: "x".into(), who: Some(anna()) }));
        assert_eq!(whose(json!({"sub": "s"})), Err("tid"));
        assert_eq!(whose(json!({"sub": "s", "oid": "o", "tid": "another"})), Err("tid"));
    }

    #[test]
    fn s17_no_text_is_a_good_logout_token_and_none_panics() {
        let (settings, keys) = (settings(config::Oidc::default()), CoreJsonWebKeySet::new(vec![]));
        let coded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let good = coded(r#"{"alg":"RS256","typ":"logout+jwt"}"#);
        for token in ["", ".", "..", "...", "a.b.c", "€.€.€", &format!("{good}.e30.x"), &format!("{good}.e30.AA.AA")] {
            assert!(verify(token, &keys, &settings, Timestamp(0)).is_err(), "{token}");
        }
        for typ in [json!("logout+jwt"), json!("application/LOGOUT+JWT")] {
            assert!(typed(Some(&typ), false), "{typ}");
        }
        for typ in [json!("JWT"), json!("at+jwt"), json!(""), json!(1), json!("application/"), json!("applicatioñ/x")] {
            assert!(!typed(Some(&typ), false), "{typ}");
        }
        assert!(!typed(None, false) && typed(None, true) && typed(Some(&json!("JWT")), true) && !typed(Some(&json!("at+jwt")), true));
    }
}
