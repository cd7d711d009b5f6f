//! The settings of `[oidc]`, resolved once: the secret read, the algorithms and roles parsed.

use openidconnect::core::CoreJwsSigningAlgorithm;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::OidcError;
use super::http::allowed;
use crate::config;
use crate::domain::Role;

pub(super) struct Settings {
    pub issuer: String,
    /// The issuer is http, on loopback.
    pub plain: bool,
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    pub redirect_uri: String,
    /// Joined by spaces, "openid" first.
    pub scope: String,
    pub algorithms: Vec<CoreJwsSigningAlgorithm>,
    /// With `subject_claim = "oid"`: the tenant whose object ids these are.
    pub tenant_of_oid: Option<String>,
    pub owner_claim: Option<String>,
    pub roles_claim: String,
    /// Which value makes which role.
    pub roles: Vec<(Role, String)>,
    /// No value makes an employee: all are.
    pub everyone_is_employee: bool,
    pub acr_values: Vec<String>,
    pub require_acr: bool,
    pub needs_auth_time: bool,
    /// Logout tokens of earlier drafts are taken too.
    pub old_logout_tokens: bool,
}

impl Settings {
    pub fn new(oidc: &config::Oidc, public_origin: &str) -> Result<Self, OidcError> {
        let setup = |why: &str| OidcError::Setup(why.to_owned());
        let issuer = Url::parse(&oidc.issuer).map_err(|_| setup("oidc.issuer is not an address"))?;
        let plain = issuer.scheme() == "http";
        if !allowed(&issuer, plain) {
            return Err(setup("oidc.issuer must be https (http is for loopback only)"));
        }
        let secret = oidc.client_secret.resolve(oidc.client_secret_file.as_deref(), "oidc.client_secret");
        let mut roles = Vec::new();
        for (name, values) in &oidc.roles {
            let role = Role::parse(name).ok_or_else(|| setup("oidc.roles names something that is no role"))?;
            roles.extend(values.iter().filter(|v| !v.is_empty()).map(|v| (role, v.clone())));
        }
        let scopes = oidc.scopes.iter().map(String::as_str).filter(|s| *s != "openid");
        Ok(Self {
            issuer: oidc.issuer.clone(),
            plain,
            client_id: oidc.client_id.clone(),
            client_secret: secret.map_err(|e| OidcError::Setup(e.to_string()))?,
            redirect_uri: format!("{}/auth/callback", public_origin.trim_end_matches('/')),
            scope: std::iter::once("openid").chain(scopes).collect::<Vec<_>>().join(" "),
            algorithms: oidc.algorithms.iter().map(|a| algorithm(a)).collect::<Result<_, _>>()?,
            tenant_of_oid: tenant(oidc)?,
            owner_claim: oidc.owner_claim.clone().filter(|c| !c.is_empty()),
            roles_claim: oidc.roles_claim.clone(),
            roles,
            everyone_is_employee: !oidc.roles.contains_key(Role::Employee.code()),
            acr_values: oidc.acr_values.clone(),
            require_acr: oidc.require_acr,
            needs_auth_time: oidc.danger_step_up == config::StepUp::On,
            old_logout_tokens: oidc.old_logout_tokens,
        })
    }
}

/// One that needs a public key; never one of the MAC algorithms, never "none".
fn algorithm(name: &str) -> Result<CoreJwsSigningAlgorithm, OidcError> {
    serde_json::from_value(Value::from(name))
        .ok()
        .filter(|_| !name.starts_with("HS") && name != "none")
        .ok_or_else(|| OidcError::Setup("oidc.algorithms must name signature algorithms with a public key".into()))
}

fn tenant(oidc: &config::Oidc) -> Result<Option<String>, OidcError> {
    match (oidc.subject_claim.as_str(), &oidc.tenant) {
        ("sub", _) => Ok(None),
        ("oid", Some(tenant)) if !tenant.is_empty() => Ok(Some(tenant.clone())),
        _ => Err(OidcError::Setup("oidc.subject_claim must be \"sub\", or \"oid\" together with oidc.tenant".into())),
    }
}
