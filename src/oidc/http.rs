//! Calls to the identity provider: one client, built here, with every bound it needs.
//!
//! No redirect is followed, nothing is decompressed, a body is counted while it arrives, and a call that takes too long
//! ends. Plain http goes to loopback only. The environment's proxy settings are not read: `outbound.proxy` is the setting.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderValue};
use serde_json::Value;
use tracing::Instrument as _;
use url::{Host, Url};

use super::OidcError;
use crate::config;
use crate::domain::Timestamp;

/// How long a call may take and how much it may bring. Tests make it shorter.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    pub total: Duration,
    /// Bytes of a body.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10), bytes: 256 * 1024 }
    }
}

/// Makes aws-lc-rs the process's TLS provider. May be called again; `main` does it first thing.
pub fn install_crypto_provider() {
    // An error means that one is installed already, which is what was wanted.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

/// Is this address allowed: https, or http to loopback where `plain` says so?
pub(super) fn allowed(address: &Url, plain: bool) -> bool {
    let loopback = match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let host = address.host().is_some() && address.username().is_empty() && address.password().is_none();
    host && (address.scheme() == "https" || (address.scheme() == "http" && plain && loopback))
}

/// What came back.
pub(super) struct Answer {
    pub status: u16,
    /// What the other side's clock said.
    pub date: Option<Timestamp>,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a 200 as JSON.
    pub fn json(&self) -> Result<Value, OidcError> {
        match self.status {
            200 => serde_json::from_slice(&self.body).map_err(|_| OidcError::BadResponse("not JSON")),
            300..=399 => Err(OidcError::BadResponse("redirect")),
            500.. => Err(OidcError::Trouble),
            _ => Err(OidcError::BadResponse("status")),
        }
    }

    /// The `error` of an OAuth error answer, if it is one.
    pub fn error_code(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        (400..500).contains(&self.status).then(|| body.get("error")?.as_str().map(super::short_code)).flatten()
    }
}

/// The client.
pub(super) struct Http {
    client: reqwest::Client,
    limits: Limits,
    plain: bool,
    /// Why the last call that failed did, in the client's own words.
    failure: Mutex<Option<String>>,
}

impl Http {
    /// `plain`: the issuer is http on loopback.
    pub fn new(outbound: &config::Outbound, limits: Limits, plain: bool) -> Result<Self, OidcError> {
        Ok(Self { client: client(outbound, limits, plain)?, limits, plain, failure: Mutex::default() })
    }

    /// In full, for whoever checks the settings; addresses and tokens are not in it.
    pub fn last_failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn get(&self, address: &Url, bearer: Option<&str>) -> Result<Answer, OidcError> {
        let mut request = self.client.get(address.clone());
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, sensitive(&format!("Bearer {token}"))?);
        }
        self.send(address, request).await
    }

    pub async fn post_form(&self, address: &Url, form: String, authorization: Option<&str>) -> Result<Answer, OidcError> {
        let mut request = self.client.post(address.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, sensitive(value)?);
        }
        self.send(address, request).await
    }

    async fn send(&self, address: &Url, request: reqwest::RequestBuilder) -> Result<Answer, OidcError> {
        if !allowed(address, self.plain) {
            return Err(OidcError::BadResponse("address is not https"));
        }
        // Within a request's trace: that the provider was asked, and how long it took. Where is in the settings.
        let span = tracing::info_span!(target: "keyharbor::span", "provider", otel.name = "identity provider", otel.kind = "client");
        let answer = request.header(ACCEPT, "application/json").send().instrument(span);
        let mut response = answer.await.map_err(|e| self.failed(e))?;
        if response.headers().contains_key(CONTENT_ENCODING) {
            return Err(OidcError::BadResponse("compressed"));
        }
        let date = response.headers().get(DATE).and_then(|v| v.to_str().ok()).and_then(|v| DateTime::parse_from_rfc2822(v).ok());
        let date = date.map(|d| Timestamp(d.timestamp_micros()));
        let max = self.limits.bytes;
        if response.content_length().is_some_and(|n| n > max as u64) {
            return Err(OidcError::BadResponse("too large"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failed(e))? {
            if body.len() + chunk.len() > max {
                return Err(OidcError::BadResponse("too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status().as_u16(), date, body })
    }

    /// The reason in full goes to the log, for whoever looks for a missing certificate authority; a caller gets a word.
    fn failed(&self, error: reqwest::Error) -> OidcError {
        let timeout = error.is_timeout();
        let error = error.without_url();
        let mut chain = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            chain.push_str(": ");
            chain.push_str(&inner.to_string());
            cause = inner.source();
        }
        tracing::warn!(error = %chain, "a call to the identity provider failed");
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain);
        OidcError::Unreachable(if timeout { "timeout" } else { "no connection" })
    }
}

/// A client that follows no redirect, keeps to the settings of outbound calls and ends a call in time. One that speaks `plain`
/// http only trusts no certificate authority, since it needs none.
pub fn client(outbound: &config::Outbound, limits: Limits, plain: bool) -> Result<reqwest::Client, OidcError> {
    let setup = |why: &str| OidcError::Setup(why.to_owned());
    install_crypto_provider();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .referer(false)
        .user_agent(concat!("keyharbor/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    if let Some(proxy) = &outbound.proxy {
        let proxy = reqwest::Proxy::all(proxy).map_err(|_| setup("outbound.proxy is not the address of a proxy"))?;
        builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1")));
    }
    if let Some(path) = &outbound.ca_file {
        let pem = std::fs::read(path).map_err(|e| setup(&format!("outbound.ca_file: cannot read {}: {e}", path.display())))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if authorities.is_empty() {
            return Err(setup("outbound.ca_file holds no PEM certificate"));
        }
        builder = builder.tls_certs_merge(authorities);
    } else if plain {
        builder = builder.tls_certs_only([]);
    }
    builder
        .build()
        .map_err(|_| setup("no certificate authorities can be loaded: install the system's (ca-certificates) or set outbound.ca_file"))
}

fn sensitive(value: &str) -> Result<HeaderValue, OidcError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| OidcError::BadResponse("token has odd characters"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_loopback_only_and_only_when_the_issuer_is_there() {
        for (address, plain, ok) in [
            ("https://id.example.com/x", false, true),
            ("http://id.example.com/x", true, false),
            ("http://127.0.0.1:1/x", true, true),
            ("http://[::1]:1/x", true, true),
            ("http://localhost:1/x", true, true),
            ("http://127.0.0.1:1/x", false, false),
            ("http://localhost.example.com/x", true, false),
            ("https://user@id.example.com/x", false, false),
            ("ftp://127.0.0.1/x", true, false),
            ("file:///etc/passwd", true, false),
        ] {
            assert_eq!(allowed(&Url::parse(address).unwrap(), plain), ok, "{address}");
        }
    }

    #[test]
    fn s22_a_call_takes_ten_seconds_and_256_kib_at_most() {
        let Limits { connect, total, bytes } = Limits::default();
        assert_eq!((connect.as_secs(), total.as_secs(), bytes), (5, 10, 262_144));
    }

    #[test]
    fn a_client_over_https_can_be_built_with_the_systems_authorities_or_a_file() {
        let ca = tempfile::NamedTempFile::new().unwrap();
        let with = |path| config::Outbound { ca_file: Some(path), ..Default::default() };
        assert!(matches!(Http::new(&with(ca.path().into()), Limits::default(), false), Err(OidcError::Setup(why)) if why.contains("PEM")));
        assert!(
            matches!(Http::new(&with("/nowhere".into()), Limits::default(), false), Err(OidcError::Setup(why)) if why.contains("read"))
        );
        assert!(Http::new(&config::Outbound::default(), Limits::default(), true).is_ok());
    }
}
