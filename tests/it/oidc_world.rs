//! Keyharbor's side of a sign-in, against the misbehaving provider, without a browser.

use std::sync::Arc;
use std::time::Duration;

use keyharbor::config;
use keyharbor::domain::Subject;
use keyharbor::oidc::http::Limits;
use keyharbor::oidc::{Ask, Begun, Callback, Identity, Oidc, OidcError};
use url::Url;

use crate::fixed::{self, FixedClock};
use crate::idp::Idp;

pub const ORIGIN: &str = "https://keys.example.com";

pub struct World {
    pub idp: Idp,
    pub oidc: Oidc,
    pub clock: Arc<FixedClock>,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With settings other than those that fit the provider. Calls end after four seconds here: long enough for a busy machine.
    pub fn with(change: impl FnOnce(&mut config::Oidc)) -> Self {
        let (clock, env) = fixed::env(1);
        let idp = Idp::start(Arc::clone(&env.clock));
        let mut settings = idp.config();
        change(&mut settings);
        let limits = Limits { total: Duration::from_secs(4), ..Limits::default() };
        let oidc = Oidc::with_limits(&settings, &config::Outbound::default(), ORIGIN, env, limits).unwrap();
        Self { idp, oidc, clock }
    }

    pub async fn begin(&self, ask: Ask) -> Begun {
        self.oidc.begin(ask).await.ok().unwrap()
    }

    /// A first sign-in from end to end.
    pub async fn sign_in(&self) -> Result<Identity, OidcError> {
        self.through(Ask::sign_in(1800), "astrid", false).await
    }

    pub async fn step_up(&self) -> Result<Identity, OidcError> {
        self.through(Ask::step_up(300), "astrid", true).await
    }

    pub async fn through(&self, ask: Ask, login: &str, step_up: bool) -> Result<Identity, OidcError> {
        let begun = self.oidc.begin(ask).await?;
        let back = self.idp.authorize(&begun.url, login);
        let who = Subject { issuer: self.idp.issuer().to_owned(), subject: format!("sub-{login}") };
        self.oidc.finish(callback(&back), &begun.nonce, &begun.verifier, step_up.then_some(&who)).await
    }

    /// The reason a token is refused for, or "" when it is not.
    pub async fn refusal(&self) -> &'static str {
        refusal(self.sign_in().await)
    }
}

pub fn refusal(result: Result<Identity, OidcError>) -> &'static str {
    match result {
        Ok(_) => "",
        Err(OidcError::TokenRejected(reason)) => reason,
        Err(other) => panic!("not refused for its token: {other:?}"),
    }
}

/// One parameter of an address.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
}

/// What the web would hand on.
pub fn callback(url: &str) -> Callback {
    Callback { code: parameter(url, "code").map(Into::into), iss: parameter(url, "iss"), error: parameter(url, "error") }
}
