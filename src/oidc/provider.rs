//! What is known of the provider: its addresses and its key set, and how both are fetched.
//!
//! Of the metadata only addresses and one promise are taken. Algorithms come from the settings, never from here.

use std::sync::{Arc, PoisonError, RwLock};

use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::http::{Http, allowed};
use super::{OidcError, Settings};
use crate::domain::Timestamp;

/// The key set is fetched again at most this often.
const REFRESH_SECONDS: i64 = 30;

/// The parts of the metadata that are used.
pub(super) struct Metadata {
    pub authorization: Url,
    pub token: Url,
    pub userinfo: Option<Url>,
    pub end_session: Option<Url>,
    jwks: Url,
    /// RFC 9207: each answer names the issuer.
    pub names_issuer: bool,
    /// The client's secret goes into the form, because the provider takes it nowhere else.
    pub secret_in_form: bool,
}

#[derive(Deserialize)]
struct Raw {
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    fn parse(settings: &Settings, document: Value) -> Result<Self, OidcError> {
        let found = document.get("issuer").and_then(Value::as_str).ok_or(OidcError::Unreachable("metadata without an issuer"))?;
        if found != settings.issuer {
            return Err(OidcError::Mismatch { found: crate::domain::device::clean(found, 200).unwrap_or_default() });
        }
        let raw: Raw = serde_json::from_value(document).map_err(|_| OidcError::Unreachable("metadata without the needed addresses"))?;
        let all = [&raw.authorization_endpoint, &raw.token_endpoint, &raw.jwks_uri];
        if all.into_iter().chain(&raw.userinfo_endpoint).chain(&raw.end_session_endpoint).any(|a| !allowed(a, settings.plain)) {
            return Err(OidcError::Unreachable("metadata names an address that is not https"));
        }
        let takes = |way: &str| raw.token_endpoint_auth_methods_supported.as_ref().map(|all| all.iter().any(|m| m == way));
        Ok(Self {
            secret_in_form: takes("client_secret_basic") == Some(false) && takes("client_secret_post") == Some(true),
            authorization: raw.authorization_endpoint,
            token: raw.token_endpoint,
            userinfo: raw.userinfo_endpoint,
            end_session: raw.end_session_endpoint,
            jwks: raw.jwks_uri,
            names_issuer: raw.authorization_response_iss_parameter_supported,
        })
    }
}

/// A provider that has been discovered.
pub(super) struct Provider {
    pub metadata: Metadata,
    keys: RwLock<Arc<CoreJsonWebKeySet>>,
    /// When the key set was last asked for again. Held during the call, so that there is one at a time.
    refreshed: tokio::sync::Mutex<Option<Timestamp>>,
}

impl Provider {
    /// Fetches metadata and keys. All that goes wrong but a foreign issuer is `Unreachable`: it may pass.
    pub async fn discover(settings: &Settings, http: &Http, before: Option<&Self>) -> Result<Self, OidcError> {
        let address = discovery_address(settings)?;
        let document = fetch(http, &address).await.map_err(passing)?;
        let metadata = Metadata::parse(settings, document)?;
        let keys = fetch_keys(http, &metadata.jwks).await.map_err(passing)?;
        // Discovered once more, it still remembers when a missing key was last asked for.
        let refreshed = match before {
            Some(before) => *before.refreshed.lock().await,
            None => None,
        };
        Ok(Self { metadata, keys: RwLock::new(Arc::new(keys)), refreshed: tokio::sync::Mutex::new(refreshed) })
    }

    pub fn keys(&self) -> Arc<CoreJsonWebKeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for the key set again, since `known` lacks a key: at most once in 30 s, one call at a time, the old set stays
    /// when it fails. `Some` is another set than `known`.
    pub async fn refresh(&self, known: &Arc<CoreJsonWebKeySet>, http: &Http, now: Timestamp) -> Option<Arc<CoreJsonWebKeySet>> {
        let mut refreshed = self.refreshed.lock().await;
        let current = self.keys();
        if !Arc::ptr_eq(&current, known) {
            return Some(current);
        }
        if refreshed.is_some_and(|at| now.seconds_since(at) < REFRESH_SECONDS) {
            return None;
        }
        *refreshed = Some(now);
        match fetch_keys(http, &self.metadata.jwks).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
                Some(keys)
            }
            Err(why) => {
                tracing::warn!(%why, "the identity provider's keys cannot be fetched again, the old ones stay");
                None
            }
        }
    }
}

/// Where the metadata lies.
pub(super) fn discovery_address(settings: &Settings) -> Result<Url, OidcError> {
    let address = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
    Url::parse(&address).map_err(|_| OidcError::Setup("oidc.issuer is not an address".into()))
}

async fn fetch(http: &Http, address: &Url) -> Result<Value, OidcError> {
    http.get(address, None).await?.json()
}

pub(super) async fn fetch_keys(http: &Http, address: &Url) -> Result<CoreJsonWebKeySet, OidcError> {
    let keys: CoreJsonWebKeySet =
        serde_json::from_value(fetch(http, address).await?).map_err(|_| OidcError::BadResponse("not a key set"))?;
    if keys.keys().is_empty() { Err(OidcError::BadResponse("no usable key")) } else { Ok(keys) }
}

fn passing(error: OidcError) -> OidcError {
    match error {
        OidcError::BadResponse(why) => OidcError::Unreachable(why),
        OidcError::Trouble => OidcError::Unreachable("it answers with an error of its own"),
        other => other,
    }
}
