//! Does the provider fit the settings? Asked over the real client, answered in plain words: `keyharbor oidc check`.
//!
//! Nothing here decides a sign-in; it says beforehand what the sign-in will find. The provider's words are cleaned before
//! they are printed, and the client's secret goes to the token address and nowhere else.

use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyUse as _, JwsSigningAlgorithm as _};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::http::allowed;
use super::provider::{discovery_address, fetch_keys};
use super::{Oidc, OidcError, Settings, exchange};
use crate::domain::device::clean;
use crate::domain::finding::{Finding, counted};
use crate::domain::hex;

/// What is registered at the provider, of ours.
pub struct Addresses {
    pub redirect: String,
    pub post_logout: String,
    pub backchannel_logout: String,
}

impl Addresses {
    pub fn new(public_origin: &str) -> Self {
        let at = |path: &str| format!("{}{path}", public_origin.trim_end_matches('/'));
        Self { redirect: at("/auth/callback"), post_logout: at("/signed-out"), backchannel_logout: at("/auth/backchannel-logout") }
    }
}

impl Oidc {
    /// Asks the provider and compares. The first line that is wrong may be the last: without metadata there is nothing more to
    /// look at.
    pub async fn check(&self) -> Vec<Finding> {
        let settings = &self.0.settings;
        let (document, mut found) = match self.metadata().await {
            Ok(found) => found,
            Err(finding) => return vec![finding],
        };
        let metadata = Document(&document);
        found.extend(metadata.issuer(settings));
        found.extend(metadata.addresses(settings));
        found.push(metadata.pkce());
        found.extend(metadata.algorithms(settings));
        if let Some(jwks) = metadata.address("jwks_uri") {
            found.push(match fetch_keys(&self.0.http, &jwks).await {
                Ok(keys) => keys_fit(&keys, settings),
                Err(e) => Finding::wrong("keys", format!("the keys at jwks_uri cannot be used: {}", self.reason(&e))),
            });
        }
        found.push(metadata.client(settings));
        if let Some(token) = metadata.address("token_endpoint").filter(|a| allowed(a, settings.plain)) {
            found.push(self.try_client(&token, metadata.secret_in_form()).await);
        }
        found.extend([metadata.names_issuer(), metadata.sign_out(), metadata.backchannel()]);
        found.extend(metadata.scopes(settings));
        found.extend(metadata.claims(settings));
        found.extend(metadata.levels(settings));
        found
    }

    /// The metadata, and what its fetching told; or why there is none.
    async fn metadata(&self) -> Result<(Value, Vec<Finding>), Finding> {
        let wrong = |text: String| Finding::wrong("reach", text);
        let address = discovery_address(&self.0.settings).map_err(|e| wrong(e.to_string()))?;
        let answer = match self.0.http.get(&address, None).await {
            Ok(answer) => answer,
            Err(e) => return Err(wrong(format!("{address} does not answer: {}", self.reason(&e)))),
        };
        let mut found = vec![Finding::ok("reach", format!("{address} answers"))];
        if let Some(date) = answer.date {
            let apart = self.0.env.now().seconds_since(date);
            found.push(match apart.abs() {
                0..=20 => Finding::ok("clock", "the provider's clock and ours agree"),
                _ => Finding::warning(
                    "clock",
                    format!("our clock is {apart} seconds ahead of the provider's (negative: behind); from 60 on, tokens are refused: set up NTP"),
                ),
            });
        }
        match answer.json() {
            Ok(document @ Value::Object(_)) => Ok((document, found)),
            Ok(_) => Err(wrong(format!("{address} answers with something that is no metadata: is oidc.issuer right?"))),
            Err(e) => Err(wrong(format!("{address} answers with status {} ({e}): is oidc.issuer right?", answer.status))),
        }
    }

    /// What the client said of its last failed call, or the error itself.
    fn reason(&self, error: &OidcError) -> String {
        match error {
            OidcError::Unreachable(_) => self.0.http.last_failure().unwrap_or_else(|| error.to_string()),
            other => other.to_string(),
        }
    }

    /// Tries to redeem a code that nobody was given: a provider that knows the client refuses the code and not the client.
    async fn try_client(&self, token: &Url, secret_in_form: bool) -> Finding {
        let made_up = |label: &str| SecretString::from(format!("{label}-{}", hex(self.0.env.secret())));
        let (code, verifier) = (made_up("check"), made_up("check"));
        let (form, authorization) = exchange::request(&self.0.settings, secret_in_form, &code, &verifier);
        match self.0.http.post_form(token, form, authorization.as_deref()).await {
            Ok(answer) => match answer.error_code().as_deref() {
                Some("invalid_grant") => {
                    Finding::ok("client", "the provider takes oidc.client_id and its secret (tried with a made-up code)")
                }
                Some(code @ ("invalid_client" | "unauthorized_client")) => Finding::wrong(
                    "client",
                    format!("the provider refuses oidc.client_id or its secret ({code}): compare both with its registration"),
                ),
                code => Finding::warning(
                    "client",
                    format!(
                        "the token address answered a made-up code with {} {}: whether it takes the client is not known",
                        answer.status,
                        code.unwrap_or("and no error code")
                    ),
                ),
            },
            Err(e) => Finding::wrong("client", format!("the token address does not answer: {}", self.reason(&e))),
        }
    }
}

/// What is allowed on loopback.
const PLAIN: &str = "http, without encryption, which is for tests on this machine only";

/// Is there a key for each algorithm that both sides take?
fn keys_fit(keys: &CoreJsonWebKeySet, settings: &Settings) -> Finding {
    let signing = |alg: &CoreJwsSigningAlgorithm| {
        keys.keys()
            .iter()
            .filter(|k| Some(k.key_type()) == alg.key_type().as_ref() && k.key_use().is_none_or(|u| u.allows_signature()))
            .count()
    };
    let usable: Vec<String> = settings.algorithms.iter().filter(|alg| signing(alg) > 0).map(name_of).collect();
    if usable.is_empty() {
        return Finding::wrong("keys", "none of the provider's keys is of a kind that oidc.algorithms can use");
    }
    Finding::ok("keys", format!("the provider publishes {}, usable for {}", counted(keys.keys().len(), "key"), usable.join(", ")))
}

fn name_of(alg: &CoreJwsSigningAlgorithm) -> String {
    serde_json::to_value(alg).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The metadata, as it came.
struct Document<'a>(&'a Value);

impl Document<'_> {
    fn address(&self, name: &str) -> Option<Url> {
        self.0.get(name).and_then(Value::as_str).and_then(|t| Url::parse(t).ok())
    }

    fn yes(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// A list of words; `None` = the metadata does not say.
    fn list(&self, name: &str) -> Option<Vec<String>> {
        let words = |all: &Vec<Value>| all.iter().filter_map(Value::as_str).filter_map(|w| clean(w, 100)).collect();
        self.0.get(name).and_then(Value::as_array).map(words)
    }

    fn issuer(&self, settings: &Settings) -> Option<Finding> {
        let found = match self.0.get("issuer").and_then(Value::as_str) {
            Some(found) if found == settings.issuer && settings.plain => {
                return Some(Finding::warning("issuer", format!("the provider calls itself {found}, as oidc.issuer does: {PLAIN}")));
            }
            Some(found) if found == settings.issuer => {
                return Some(Finding::ok("issuer", format!("the provider calls itself {found}, as oidc.issuer does")));
            }
            Some(found) => clean(found, 300).unwrap_or_default(),
            None => return Some(Finding::wrong("issuer", "the metadata names no issuer: this is no OpenID provider")),
        };
        let hint = match found.trim_end_matches('/') == settings.issuer.trim_end_matches('/') {
            true => "only the slash at the end differs, and it counts",
            false => "if that is your provider, write its name exactly so",
        };
        Some(Finding::wrong("issuer", format!("the provider calls itself \"{found}\", oidc.issuer is \"{}\": {hint}", settings.issuer)))
    }

    fn addresses(&self, settings: &Settings) -> Vec<Finding> {
        let mut found = Vec::new();
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"] {
            let needed = !["userinfo_endpoint", "end_session_endpoint"].contains(&name);
            match self.address(name) {
                Some(address) if !allowed(&address, settings.plain) => {
                    found.push(Finding::wrong("addresses", format!("{name} is not https: nothing is sent there")));
                }
                None if needed => found.push(Finding::wrong("addresses", format!("the metadata has no {name}"))),
                _ => {}
            }
        }
        if self.list("response_types_supported").is_some_and(|all| !all.iter().any(|t| t == "code")) {
            found.push(Finding::wrong("addresses", "response_types_supported lacks \"code\": the authorization code flow is not offered"));
        }
        if found.is_empty() {
            let unsafely = ["authorization_endpoint", "token_endpoint", "jwks_uri"].map(|n| self.address(n)).into_iter().flatten();
            found.push(match unsafely.filter(|a| a.scheme() != "https").count() {
                0 => Finding::ok("addresses", "authorization, token and key addresses are there and https"),
                _ => Finding::warning("addresses", format!("authorization, token and key addresses are there: {PLAIN}")),
            });
        }
        if self.address("userinfo_endpoint").is_none() {
            found.push(Finding::warning("addresses", "no userinfo_endpoint: every claim must be in the ID token"));
        }
        found
    }

    fn pkce(&self) -> Finding {
        match self.list("code_challenge_methods_supported") {
            Some(all) if all.iter().any(|m| m == "S256") => Finding::ok("pkce", "S256 is offered, and always used"),
            Some(_) => Finding::wrong("pkce", "code_challenge_methods_supported lacks S256, the only method that is used"),
            None => Finding::warning("pkce", "the metadata does not say whether PKCE is known; S256 is sent in any case"),
        }
    }

    fn algorithms(&self, settings: &Settings) -> Option<Finding> {
        let ours: Vec<String> = settings.algorithms.iter().map(name_of).collect();
        let offered = self.list("id_token_signing_alg_values_supported")?;
        let both: Vec<&str> = ours.iter().filter(|a| offered.contains(a)).map(String::as_str).collect();
        Some(match both.as_slice() {
            [] => Finding::wrong(
                "algorithms",
                format!("the provider signs with {}, oidc.algorithms accepts {}", offered.join(", "), ours.join(", ")),
            ),
            both => Finding::ok("algorithms", format!("{} is offered and accepted; nothing else is", both.join(", "))),
        })
    }

    fn secret_in_form(&self) -> bool {
        let takes = |way: &str| self.list("token_endpoint_auth_methods_supported").map(|all| all.iter().any(|m| m == way));
        takes("client_secret_basic") == Some(false) && takes("client_secret_post") == Some(true)
    }

    fn client(&self, settings: &Settings) -> Finding {
        // RFC 8414: left out means client_secret_basic.
        let ways = self.list("token_endpoint_auth_methods_supported").unwrap_or_else(|| vec!["client_secret_basic".into()]);
        let takes = |way: &str| ways.iter().any(|w| w == way);
        match (&settings.client_secret, takes("client_secret_basic") || takes("client_secret_post"), takes("none")) {
            (Some(_), true, _) => Finding::ok("client", "the provider takes a client secret"),
            (Some(_), false, _) => Finding::wrong("client", format!("the provider takes no client secret, only {}", ways.join(", "))),
            (None, _, true) => Finding::ok("client", "a public client, without a secret; the provider knows such"),
            (None, ..) => Finding::warning("client", "no oidc.client_secret is set, and the metadata names no public clients (\"none\")"),
        }
    }

    fn names_issuer(&self) -> Finding {
        match self.yes("authorization_response_iss_parameter_supported") {
            true => Finding::ok("answers", "the provider names itself in its answers (RFC 9207), and that is checked"),
            false => {
                Finding::ok("answers", "the provider does not name itself in its answers (RFC 9207); with one provider nothing is lost")
            }
        }
    }

    fn sign_out(&self) -> Finding {
        match self.address("end_session_endpoint") {
            Some(_) => Finding::ok("sign-out", "after signing out here, people are offered to sign out there too"),
            None => Finding::warning("sign-out", "no end_session_endpoint: signing out here leaves the provider's own session"),
        }
    }

    fn backchannel(&self) -> Finding {
        match (self.yes("backchannel_logout_supported"), self.yes("backchannel_logout_session_supported")) {
            (true, true) => Finding::ok("back channel", "back-channel logout is offered, by session: register the address below"),
            (true, false) => {
                Finding::ok("back channel", "back-channel logout is offered, by person: one ends all of a person's sessions here")
            }
            (false, _) => Finding::warning(
                "back channel",
                "no back-channel logout: who is signed out or removed there stays signed in here until sessions.idle_minutes or sessions.absolute_hours end it",
            ),
        }
    }

    fn scopes(&self, settings: &Settings) -> Option<Finding> {
        let known = self.list("scopes_supported")?;
        let missing: Vec<&str> = settings.scope.split(' ').filter(|s| !known.iter().any(|k| k == s)).collect();
        Some(match missing.as_slice() {
            [] => Finding::ok("scopes", format!("{} are known", settings.scope)),
            missing => Finding::warning(
                "scopes",
                format!("the metadata does not list {}: a provider may refuse or ignore unknown scopes", missing.join(", ")),
            ),
        })
    }

    fn claims(&self, settings: &Settings) -> Vec<Finding> {
        let Some(known) = self.list("claims_supported") else {
            return vec![Finding::warning("claims", "the metadata does not say which claims there are; a sign-in will show it")];
        };
        let first = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
        let knows = |path: &str| known.iter().any(|k| k == path || *k == first(path));
        let mut wanted = Vec::new();
        if let Some(claim) = &settings.owner_claim {
            wanted.push((claim.as_str(), "oidc.owner_claim: nobody would own a device"));
        }
        if !settings.roles.is_empty() {
            wanted.push((settings.roles_claim.as_str(), "oidc.roles_claim: nobody would be helpdesk, auditor or admin"));
        }
        if settings.needs_auth_time {
            wanted.push(("auth_time", "without it no key is shown"));
        }
        if settings.tenant_of_oid.is_some() {
            wanted.extend([("oid", "oidc.subject_claim"), ("tid", "oidc.tenant")]);
        }
        let mut found: Vec<_> = wanted
            .iter()
            .filter(|(claim, _)| !knows(claim))
            .map(|(claim, why)| {
                Finding::warning(
                    "claims",
                    format!(
                        "the metadata does not list \"{claim}\" ({why}); it may come all the same once it is switched on at the provider"
                    ),
                )
            })
            .collect();
        if found.is_empty() {
            let names: Vec<&str> = wanted.iter().map(|(claim, _)| *claim).collect();
            found.push(Finding::ok("claims", format!("{} are known", names.join(", "))));
        }
        if settings.owner_claim.is_none() {
            found.push(Finding::warning("claims", "oidc.owner_claim is not set: nobody owns a device"));
        }
        found
    }

    fn levels(&self, settings: &Settings) -> Option<Finding> {
        if settings.acr_values.is_empty() {
            return None;
        }
        let asked = settings.acr_values.join(", ");
        let Some(known) = self.list("acr_values_supported") else {
            let text = format!("the metadata does not say which authentication contexts there are; {asked} are asked for");
            return Some(Finding::warning("acr", text));
        };
        let any = settings.acr_values.iter().any(|a| known.contains(a));
        Some(match (any, settings.require_acr) {
            (true, _) => Finding::ok("acr", format!("{asked}: asked for at step-up, and known")),
            (false, true) => Finding::wrong(
                "acr",
                format!("none of {asked} is known ({}), and oidc.require_acr is on: no key is shown", known.join(", ")),
            ),
            (false, false) => Finding::warning("acr", format!("none of {asked} is known ({})", known.join(", "))),
        })
    }
}
