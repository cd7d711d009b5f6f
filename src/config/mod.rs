//! Settings: one TOML file, overridden by `KEYHARBOR__SECTION__NAME`, unknown keys refused.
//!
//! A secret is given as `x` or as `x_file` (a path whose content is the value), never both. The doc comment of each field is
//! its documentation: `keyharbor config defaults` prints them, and `docs/configuration.md` is that text.

mod colour;
pub mod environment;
mod portal;
mod secret;
mod sections;

use std::net::SocketAddr;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::domain::person::Role;
use crate::domain::policy::Exclusive;
pub use colour::{Palette, Tones};
pub use secret::Secret;
pub use sections::{
    Api, Custody, Database, Log, Migrate, Oidc, Operations, Outbound, Portal, PortalTexts, Reveal, Server, Sessions, StepUp,
};

/// Why the settings cannot be used. Names the setting, never a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the settings file {path} cannot be read: {why}")]
    File { path: String, why: std::io::Error },
    #[error("the settings file {path} is not TOML: {why}")]
    Toml { path: String, why: String },
    /// A name that is no setting, or a value of the wrong kind; in the file or in the environment.
    #[error("the settings of {from} cannot be used: {why}")]
    Read { from: String, why: String },
    #[error("{name}: {why}")]
    Invalid { name: &'static str, why: String },
}

/// An error of the TOML reader shows the line it stumbled over, and a secret may stand there: line and column are enough.
fn without_lines(text: &str) -> String {
    let kept = |line: &&str| !line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|');
    let lines: Vec<_> = text.lines().filter(kept).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(": ").replace("TOML parse error at ", "")
}

fn invalid(name: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { name, why: why.into() }
}

/// Everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub operations: Operations,
    pub database: Database,
    pub custody: Custody,
    pub oidc: Oidc,
    pub reveal: Reveal,
    pub sessions: Sessions,
    pub api: Api,
    pub portal: Portal,
    pub outbound: Outbound,
    pub log: Log,
}

impl Config {
    /// Reads the file (if one is named) and the environment, then checks.
    ///
    /// # Errors
    /// [`ConfigError`]: unreadable, an unknown key, a value out of range, a missing setting.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let config = Self::read(file, None)?;
        config.check()?;
        Ok(config)
    }

    /// As [`Self::load`], but the environment is asked about these sections only.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load_within(file: &Path, sections: &[&str]) -> Result<Self, ConfigError> {
        let config = Self::read(Some(file), Some(environment::own(sections)))?;
        config.check()?;
        Ok(config)
    }

    /// Reads without checking; `environment` stands in for the process's own in tests.
    ///
    /// # Errors
    /// [`ConfigError`], of reading.
    pub fn read(file: Option<&Path>, environment: Option<config::Map<String, String>>) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder();
        if let Some(path) = file {
            let shown = || path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|why| ConfigError::File { path: shown(), why })?;
            let bad = |e: config::ConfigError| ConfigError::Toml { path: shown(), why: without_lines(&e.to_string()) };
            let source = config::File::from_str(&text, config::FileFormat::Toml);
            builder = builder.add_source(config::Config::builder().add_source(source).build().map_err(bad)?);
        }
        builder = builder.add_source(environment::Environment::new(environment));
        let text = |e: config::ConfigError| ConfigError::Read {
            from: file.map_or_else(|| "the environment".to_owned(), |path| format!("{} and the environment", path.display())),
            why: without_lines(&e.to_string()),
        };
        let config: Self = builder.build().map_err(text)?.try_deserialize().map_err(text)?;
        config.check_doubles()?;
        Ok(config)
    }

    /// Eight bytes of a digest over the settings as they are printed, secrets masked: tells two sets of settings apart.
    pub fn digest(&self) -> String {
        use sha2::Digest as _;
        crate::domain::hex(sha2::Sha256::digest(format!("{self:?}"))).chars().take(16).collect()
    }

    /// What is given twice, before anybody uses one of the two.
    fn check_doubles(&self) -> Result<(), ConfigError> {
        let ways = [self.custody.key_file.is_some(), self.custody.key.0.is_some(), self.custody.credential.is_some()];
        if ways.iter().filter(|w| **w).count() > 1 {
            return Err(invalid("custody", "give one of key_file, key and credential"));
        }
        if self.database.url.0.is_some() && self.database.url_file.is_some() {
            return Err(invalid("database.url", "is given as a value and as a file; give one"));
        }
        if self.oidc.client_secret.0.is_some() && self.oidc.client_secret_file.is_some() {
            return Err(invalid("oidc.client_secret", "is given as a value and as a file; give one"));
        }
        Ok(())
    }

    /// The documented defaults, as a TOML file.
    pub fn reference() -> String {
        let mut out = String::from(
            "# Keyharbor settings. Every value but sessions.exclusive_roles can also come from the environment:\n# KEYHARBOR__SECTION__NAME, lists with commas, roles as KEYHARBOR__OIDC__ROLES__HELPDESK.\n",
        );
        Server::describe(&mut out, "server");
        Operations::describe(&mut out, "operations");
        Database::describe(&mut out, "database");
        Custody::describe(&mut out, "custody");
        Oidc::describe(&mut out, "oidc");
        Reveal::describe(&mut out, "reveal");
        Api::describe(&mut out, "api");
        Sessions::describe(&mut out, "sessions");
        Portal::describe(&mut out, "portal");
        PortalTexts::describe(&mut out, "portal.texts.sv");
        Outbound::describe(&mut out, "outbound");
        Log::describe(&mut out, "log");
        out
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first setting that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.public_origin()?;
        self.check_public(self.listen_address()?)?;
        match (&self.server.tls_certificate, &self.server.tls_key) {
            (Some(_), None) => return Err(invalid("server.tls_key", "is required with tls_certificate")),
            (None, Some(_)) => return Err(invalid("server.tls_certificate", "is required with tls_key")),
            (Some(_), _) if !self.server.public_url.starts_with("https:") => {
                return Err(invalid("server.public_url", "must be https with tls_certificate"));
            }
            _ => {}
        }
        if let Some(listen) = self.operations_address()? {
            self.check_operations(listen)?;
        }
        for (name, empty) in [("oidc.issuer", self.oidc.issuer.is_empty()), ("oidc.client_id", self.oidc.client_id.is_empty())] {
            if empty {
                return Err(invalid(name, "is required"));
            }
        }
        self.check_oidc()?;
        let reveal = &self.reveal;
        if !(1..=crate::domain::reveal::MAX_WINDOW_SECONDS).contains(&reveal.window_seconds) {
            return Err(invalid("reveal.window_seconds", "must be 1 to 300: a key is never shown longer than five minutes"));
        }
        if [reveal.max_renewals_owner, reveal.max_renewals_desk].iter().any(|n| !(0..=100).contains(n)) {
            return Err(invalid("reveal.max_renewals_owner, reveal.max_renewals_desk", "must be 0 to 100"));
        }
        if [reveal.step_up_owner_seconds, reveal.step_up_desk_seconds, reveal.per_minute, reveal.per_hour, reveal.per_day]
            .iter()
            .any(|n| *n < 1)
        {
            return Err(invalid("reveal", "step_up_* and per_* must be at least 1"));
        }
        if let (Some(pattern), Some(example)) = (self.ticket_pattern()?, &reveal.ticket_example)
            && !pattern.is_match(example)
        {
            return Err(invalid("reveal.ticket_example", "does not match reveal.ticket_pattern"));
        }
        if !(1..=1440).contains(&self.sessions.idle_minutes) || !(1..=168).contains(&self.sessions.absolute_hours) {
            return Err(invalid("sessions", "idle_minutes must be 1 to 1440, absolute_hours 1 to 168"));
        }
        self.exclusive_roles()?;
        self.time_zone()?;
        if !["error", "warn", "info", "debug", "trace"].contains(&self.log.level.as_str()) {
            return Err(invalid("log.level", "must be error, warn, info, debug or trace"));
        }
        self.portal.check()
    }

    fn check_oidc(&self) -> Result<(), ConfigError> {
        let issuer = url::Url::parse(&self.oidc.issuer).map_err(|_| invalid("oidc.issuer", "is not a URL"))?;
        let loopback = matches!(issuer.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if issuer.scheme() != "https" && !loopback {
            return Err(invalid("oidc.issuer", "must be https"));
        }
        if self.oidc.subject_claim == "oid" && self.oidc.tenant.is_none() {
            return Err(invalid("oidc.tenant", "is required with subject_claim = \"oid\""));
        }
        if !["sub", "oid"].contains(&self.oidc.subject_claim.as_str()) {
            return Err(invalid("oidc.subject_claim", "must be \"sub\" or \"oid\""));
        }
        if self.oidc.require_acr && self.oidc.acr_values.is_empty() {
            return Err(invalid("oidc.acr_values", "is required with require_acr"));
        }
        if let Some(unknown) = self.oidc.roles.keys().find(|k| Role::parse(k).is_none()) {
            return Err(invalid("oidc.roles", format!("\"{unknown}\" is no role; roles are employee, helpdesk, auditor, admin")));
        }
        if self.oidc.algorithms.is_empty()
            || self
                .oidc
                .algorithms
                .iter()
                .any(|a| !["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"].contains(&a.as_str()))
        {
            return Err(invalid("oidc.algorithms", "must name signature algorithms with a public key, e.g. RS256 or ES256"));
        }
        Ok(())
    }

    /// `public_url` without a trailing slash.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]: not http(s), with a path or query, or plain http on another host than loopback.
    pub fn public_origin(&self) -> Result<String, ConfigError> {
        let name = "server.public_url";
        let url = url::Url::parse(&self.server.public_url).map_err(|_| invalid(name, "is required, e.g. \"https://keys.example.com\""))?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && local) {
            return Err(invalid(name, "must be https (http is for localhost only)"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(invalid(name, "must be scheme and host only"));
        }
        Ok(url.origin().ascii_serialization())
    }

    /// # Errors
    /// [`ConfigError::Invalid`]: not an address with a port.
    pub fn listen_address(&self) -> Result<SocketAddr, ConfigError> {
        self.server.listen.parse().map_err(|_| invalid("server.listen", "is not ADDRESS:PORT"))
    }

    /// May the public listener be there?
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]: plain http where others reach it.
    pub fn check_public(&self, at: SocketAddr) -> Result<(), ConfigError> {
        if at.ip().is_loopback() || self.server.behind_proxy || self.server.tls_certificate.is_some() {
            return Ok(());
        }
        Err(invalid(
            "server.behind_proxy",
            "plain http on an address that is not loopback needs tls_certificate and tls_key, or behind_proxy = true and a proxy that ends TLS",
        ))
    }

    /// May the second listener be there?
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]: where others reach it, and nobody said that they may.
    pub fn check_operations(&self, at: SocketAddr) -> Result<(), ConfigError> {
        if at.ip().is_loopback() || self.operations.plain_http {
            return Ok(());
        }
        Err(invalid("operations.plain_http", "plain http on an address that is not loopback needs plain_http = true"))
    }

    /// Where the second listener is, if there is one.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]: not an address with a port.
    pub fn operations_address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let listen = self.operations.listen.as_deref().filter(|l| !l.is_empty());
        listen.map(|l| l.parse().map_err(|_| invalid("operations.listen", "is not ADDRESS:PORT"))).transpose()
    }

    /// # Errors
    /// [`ConfigError::Invalid`]: the pattern is not a regular expression.
    pub fn ticket_pattern(&self) -> Result<Option<regex_lite::Regex>, ConfigError> {
        let Some(pattern) = &self.reveal.ticket_pattern else { return Ok(None) };
        regex_lite::Regex::new(&format!("^(?:{pattern})$"))
            .map(Some)
            .map_err(|_| invalid("reveal.ticket_pattern", "is not a regular expression"))
    }

    /// # Errors
    /// [`ConfigError::Invalid`]: a name that is no role.
    pub fn exclusive_roles(&self) -> Result<Vec<Exclusive>, ConfigError> {
        let role = |name: &str| Role::parse(name).ok_or_else(|| invalid("sessions.exclusive_roles", "names something that is no role"));
        self.sessions.exclusive_roles.iter().map(|(keeps, loses)| Ok(Exclusive { keeps: role(keeps)?, loses: role(loses)? })).collect()
    }

    /// # Errors
    /// [`ConfigError::Invalid`]: no zone of that name.
    pub fn time_zone(&self) -> Result<chrono_tz::Tz, ConfigError> {
        self.portal.time_zone.parse().map_err(|_| invalid("portal.time_zone", "is no zone of the tz database, e.g. \"Europe/Stockholm\""))
    }

    /// Does a secret stand among the values themselves, and not in a file of its own?
    pub fn holds_secrets(&self) -> bool {
        // A password stands between the scheme and an @.
        let password = |url: &SecretString| {
            url.expose_secret().split_once("://").is_some_and(|(_, rest)| rest.split_once('@').is_some_and(|(user, _)| user.contains(':')))
        };
        self.custody.key.0.is_some() || self.oidc.client_secret.0.is_some() || self.database.url.0.as_ref().is_some_and(password)
    }

    /// What an operator should know although the server runs.
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        if self.server.behind_proxy && self.server.trusted_proxies.is_empty() {
            out.push("server.trusted_proxies is empty behind a proxy: everybody seems to come from the proxy's address");
        }
        if self.oidc.owner_claim.is_none() {
            out.push("oidc.owner_claim is not set: nobody owns a device, employees see none");
        }
        if self.oidc.danger_step_up == StepUp::Off {
            out.push("oidc.danger_step_up is off: keys are shown without a recent proof of who asks");
        }
        if self.oidc.roles.is_empty() {
            out.push("oidc.roles is empty: nobody is helpdesk, auditor or admin");
        }
        out
    }

    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn database_url(&self) -> Result<SecretString, ConfigError> {
        let given = self.database.url.resolve(self.database.url_file.as_deref(), "database.url")?;
        Ok(given.unwrap_or_else(|| sections::DEFAULT_DATABASE.to_owned().into()))
    }
}

#[cfg(test)]
mod tests;
