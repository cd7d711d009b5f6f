//! Sign-in through the company's identity provider: OpenID Connect, authorization code with PKCE.
//!
//! `begin` makes an address to send the browser to, `finish` turns what came back into an [`Identity`] or refuses. Nothing
//! is stored here but the provider's metadata and keys; `state` is matched by the caller, who keeps the open sign-ins. No
//! token leaves this room, and no error holds a part of one.

pub mod check;
mod claims;
mod exchange;
pub mod http;
pub mod logout;
mod provider;
mod settings;
pub mod trial;
mod verify;

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::config;
use crate::domain::{Env, Login, Roles, Subject, Timestamp};
use http::Http;
pub use http::{Limits, client, install_crypto_provider};
use provider::Provider;
use settings::Settings;
use verify::{Claims, Demand, Verified};

/// After a failed discovery a browser does not start another one for this long. The background retry is not held up.
/// Comes back from the provider with who has signed out there.
pub const SIGNED_OUT_THERE: &str = "there";
const LAZY_RETRY_SECONDS: i64 = 5;

/// Why a sign-in cannot begin or end. Holds no part of a token and no text of the provider's beyond what is said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// A setting cannot be used. Comes from `new` only.
    #[error("{0}")]
    Setup(String),
    /// The provider does not answer, or its metadata or keys make no sense. It may pass: serve, and try again.
    #[error("the identity provider cannot be reached ({0})")]
    Unreachable(&'static str),
    /// The metadata is another issuer's. It will not pass: do not start.
    #[error("the identity provider calls itself \"{found}\", which is not oidc.issuer")]
    Mismatch { found: String },
    /// The provider said no: an OAuth error code, lower case letters and `_` only, or "unknown".
    #[error("the identity provider answered with an error ({0})")]
    ProviderError(String),
    /// An answer that cannot be used.
    #[error("the identity provider's answer cannot be used ({0})")]
    BadResponse(&'static str),
    /// The ID token did not pass the check of that name.
    #[error("the identity provider's token was refused ({0})")]
    TokenRejected(&'static str),
    /// It answers this one call with an error of its own. That says nothing of the next person's.
    #[error("the identity provider has an error of its own")]
    Trouble,
    /// The token of a step-up is another person's.
    #[error("the token is of another person")]
    OtherSubject,
}

impl OidcError {
    /// A short word for the trail.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup(_) => "provider_setup",
            Self::Unreachable(_) => "provider_unreachable",
            Self::Mismatch { .. } => "provider_mismatch",
            Self::ProviderError(_) => "provider_said_no",
            Self::BadResponse(_) => "provider_answer",
            Self::TokenRejected(_) => "token_refused",
            Self::OtherSubject => "other_person",
            Self::Trouble => "provider_trouble",
        }
    }
}

impl RolesNote {
    /// A short word for the trail; `None` when all is well.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Fine | Self::Absent => None,
            Self::WrongShape(what) => Some(what),
            Self::Overage => Some("overage"),
        }
    }
}

/// An OAuth error code as it may be shown and logged.
fn short_code(code: &str) -> String {
    let good = (1..=40).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if good { code } else { "unknown" }.to_owned()
}

/// What to ask of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Seconds; at least 1 is always sent, never 0.
    pub max_age: i64,
    /// `prompt=login`: the person proves who they are again.
    pub prompt_login: bool,
    /// Ask for `oidc.acr_values`, if any are configured.
    pub acr: bool,
}

impl Ask {
    /// A first sign-in: as fresh as a reveal will want it, so that a fresh person is not asked twice.
    pub fn sign_in(max_age: i64) -> Self {
        Self { max_age, prompt_login: false, acr: false }
    }

    /// A step-up.
    pub fn step_up(max_age: i64) -> Self {
        Self { max_age, prompt_login: true, acr: true }
    }
}

/// A sign-in that has begun. Has no `Debug`: the address holds `state` and `nonce`.
pub struct Begun {
    pub url: String,
    pub state: SecretString,
    pub nonce: SecretString,
    pub verifier: SecretString,
}

/// What the browser brought back, once its `state` has picked the open sign-in.
pub struct Callback {
    pub code: Option<SecretString>,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// What came in the claim of groups or roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolesNote {
    /// An array of strings.
    Fine,
    Absent,
    /// Something else: no role. Says what.
    WrongShape(&'static str),
    /// Too many to fit, says the provider: no role; IT should use app roles.
    Overage,
}

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub who: Subject,
    /// From `oidc.owner_claim`, folded; not yet bound.
    pub login: Option<Login>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub locale: Option<String>,
    pub roles: Roles,
    pub roles_note: RolesNote,
    /// Never later than now. `None` = no reveals.
    pub auth_time: Option<Timestamp>,
    pub acr: Option<String>,
    pub sid: Option<String>,
}

/// How the provider was found the last time it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// `None` = it answered.
    pub error: Option<OidcError>,
    pub at: Timestamp,
}

/// The room's door. Cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    settings: Settings,
    http: Http,
    env: Env,
    provider: RwLock<Option<Arc<Provider>>>,
    reach: RwLock<Option<Reach>>,
    /// One discovery at a time.
    discovery: tokio::sync::Mutex<()>,
}

impl Oidc {
    /// `public_origin` as of `Config::public_origin`; nothing is called yet.
    ///
    /// # Errors
    /// [`OidcError::Setup`].
    pub fn new(oidc: &config::Oidc, outbound: &config::Outbound, public_origin: &str, env: Env) -> Result<Self, OidcError> {
        Self::with_limits(oidc, outbound, public_origin, env, Limits::default())
    }

    /// The same with other limits of time and size.
    ///
    /// # Errors
    /// [`OidcError::Setup`].
    pub fn with_limits(
        oidc: &config::Oidc,
        outbound: &config::Outbound,
        public_origin: &str,
        env: Env,
        limits: Limits,
    ) -> Result<Self, OidcError> {
        let settings = Settings::new(oidc, public_origin)?;
        let http = Http::new(outbound, limits, settings.plain)?;
        let (provider, reach) = (RwLock::new(None), RwLock::new(None));
        Ok(Self(Arc::new(Inner { settings, http, env, provider, reach, discovery: tokio::sync::Mutex::new(()) })))
    }

    /// Fetches metadata and keys, whatever is known already. What was known stays when it fails.
    ///
    /// # Errors
    /// [`OidcError::Mismatch`]: do not start. [`OidcError::Unreachable`]: serve, and try again.
    pub async fn discover(&self) -> Result<(), OidcError> {
        let _one = self.0.discovery.lock().await;
        self.discover_now().await.map(drop)
    }

    /// Did the provider answer when it was last called? `false` before the first call.
    pub fn reachable(&self) -> bool {
        self.last().is_some_and(|reach| reach.error.is_none())
    }

    /// How and when it was last called; `None` = not yet.
    pub fn last(&self) -> Option<Reach> {
        self.0.reach.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// # Errors
    /// [`OidcError::Unreachable`] or [`OidcError::Mismatch`], if the provider is not known yet and cannot be discovered.
    pub async fn begin(&self, ask: Ask) -> Result<Begun, OidcError> {
        let provider = self.provider().await?;
        let settings = &self.0.settings;
        let secret = || BASE64_URL_SAFE_NO_PAD.encode(self.0.env.secret());
        let (state, nonce, verifier) = (secret(), secret(), secret());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
        let mut url = provider.metadata.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &settings.redirect_uri)
            .append_pair("scope", &settings.scope)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", challenge.method().as_str())
            .append_pair("max_age", &ask.max_age.max(1).to_string());
        if ask.prompt_login {
            url.query_pairs_mut().append_pair("prompt", "login");
        }
        if ask.acr && !settings.acr_values.is_empty() {
            url.query_pairs_mut().append_pair("acr_values", &settings.acr_values.join(" "));
        }
        Ok(Begun { url: url.into(), state: state.into(), nonce: nonce.into(), verifier: verifier.into() })
    }

    /// Redeems the code and checks the token. At a step-up it must be of this very person, and then say when, and how if
    /// `require_acr` is set, the person proved who they are; whether that is fresh enough is for the policy to say.
    ///
    /// # Errors
    /// Any [`OidcError`] but `Setup`; [`OidcError::OtherSubject`] before anything else is asked of a good token.
    pub async fn finish(
        &self,
        callback: Callback,
        nonce: &SecretString,
        verifier: &SecretString,
        step_up: Option<&Subject>,
    ) -> Result<Identity, OidcError> {
        let (provider, verified, access_token) = self.redeemed(callback, nonce, verifier).await?;
        let settings = &self.0.settings;
        if let Some(who) = step_up {
            if claims::subject(settings, &verified.claims, &verified.sub)? != *who {
                return Err(OidcError::OtherSubject);
            }
            verify::proof(&verified, settings).map_err(OidcError::TokenRejected)?;
        }
        let mut more = Claims::new();
        if claims::incomplete(settings, &verified.claims) {
            more = self.userinfo(&provider, access_token.as_deref().map(String::as_str), &verified.sub).await?;
        }
        claims::identity(settings, verified, &more)
    }

    /// Redeems the code of a callback: the token, checked, and the access token for userinfo.
    async fn redeemed(
        &self,
        callback: Callback,
        nonce: &SecretString,
        verifier: &SecretString,
    ) -> Result<(Arc<Provider>, Verified, Option<Zeroizing<String>>), OidcError> {
        let provider = self.provider().await?;
        let settings = &self.0.settings;
        match &callback.iss {
            Some(iss) if *iss != settings.issuer => return Err(OidcError::BadResponse("iss is another issuer")),
            None if callback.error.is_none() && provider.metadata.names_issuer => return Err(OidcError::BadResponse("iss is missing")),
            _ => {}
        }
        if let Some(error) = &callback.error {
            return Err(OidcError::ProviderError(short_code(error)));
        }
        let code = callback.code.filter(|c| (1..=8192).contains(&c.expose_secret().len())).ok_or(OidcError::BadResponse("no code"))?;
        let answer = self.noted(self.redeem(&provider, &code, verifier).await)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let id_token = text("id_token").ok_or(OidcError::BadResponse("no ID token"))?;
        let verified = self.verified(&provider, id_token, nonce).await?;
        let access_token = text("access_token").map(|t| Zeroizing::new(t.to_owned()));
        Ok((provider, verified, access_token))
    }

    /// Where a person signs out at the provider too and comes back to `post_logout`, with [`SIGNED_OUT_THERE`] as the state; by
    /// `client_id` alone, since no ID token is kept. `None` = the provider has no such address, or is not known.
    pub fn end_session_url(&self, post_logout: &str) -> Option<String> {
        let mut url = self.known()?.metadata.end_session.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.0.settings.client_id)
            .append_pair("post_logout_redirect_uri", post_logout)
            .append_pair("state", SIGNED_OUT_THERE);
        Some(url.into())
    }

    fn known(&self) -> Option<Arc<Provider>> {
        self.0.provider.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The provider, discovered now if it has not been.
    async fn provider(&self) -> Result<Arc<Provider>, OidcError> {
        if let Some(provider) = self.known() {
            return Ok(provider);
        }
        let _one = self.0.discovery.lock().await;
        if let Some(provider) = self.known() {
            return Ok(provider);
        }
        match self.last() {
            Some(Reach { error: Some(error), at }) if self.0.env.now().seconds_since(at) < LAZY_RETRY_SECONDS => Err(error),
            _ => self.discover_now().await,
        }
    }

    async fn discover_now(&self) -> Result<Arc<Provider>, OidcError> {
        let provider = Arc::new(self.noted(Provider::discover(&self.0.settings, &self.0.http, self.known().as_deref()).await)?);
        *self.0.provider.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&provider));
        Ok(provider)
    }

    /// Remembers whether the provider could be reached.
    fn noted<T>(&self, result: Result<T, OidcError>) -> Result<T, OidcError> {
        let error = match &result {
            Err(e @ (OidcError::Unreachable(_) | OidcError::Mismatch { .. })) => Some(e.clone()),
            _ => None,
        };
        *self.0.reach.write().unwrap_or_else(PoisonError::into_inner) = Some(Reach { error, at: self.0.env.now() });
        result
    }

    async fn redeem(&self, provider: &Provider, code: &SecretString, verifier: &SecretString) -> Result<Value, OidcError> {
        let (form, authorization) = exchange::request(&self.0.settings, provider.metadata.secret_in_form, code, verifier);
        let answer = self.0.http.post_form(&provider.metadata.token, form, authorization.as_deref()).await?;
        match answer.error_code() {
            Some(code) => Err(OidcError::ProviderError(code)),
            None => answer.json(),
        }
    }

    /// Checks the token; when no key fits it, once more with a newer key set.
    async fn verified(&self, provider: &Provider, token: &str, nonce: &SecretString) -> Result<Verified, OidcError> {
        let settings = &self.0.settings;
        let now = self.0.env.now();
        let demand = Demand { nonce, now };
        let keys = provider.keys();
        let mut result = verify::verify(token, &keys, settings, &demand);
        if matches!(result, Err("kid"))
            && let Some(newer) = provider.refresh(&keys, &self.0.http, now).await
        {
            result = verify::verify(token, &newer, settings, &demand);
        }
        result.map_err(OidcError::TokenRejected)
    }

    /// What userinfo says, if there is such an address; only about this very subject.
    async fn userinfo(&self, provider: &Provider, access_token: Option<&str>, sub: &str) -> Result<Claims, OidcError> {
        let (Some(address), Some(token)) = (&provider.metadata.userinfo, access_token) else { return Ok(Claims::new()) };
        let answer = self.noted(self.0.http.get(address, Some(token)).await.and_then(|answer| answer.json()))?;
        match answer {
            Value::Object(claims) if claims.get("sub").and_then(Value::as_str) == Some(sub) => Ok(claims),
            Value::Object(_) => Err(OidcError::BadResponse("userinfo is of another subject")),
            _ => Err(OidcError::BadResponse("userinfo is not an object")),
        }
    }
}
