//! Settings: one TOML file, overridden by `KEYHARBOR__SECTION__NAME`, unknown keys refused.
//!
//! A secret is given as `x` or as `x_file` (a path whose content is the value), never both. The doc comment of each field is
//! its documentation: `keyharbor config defaults` prints them, and `docs/configuration.md` is that text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::domain::person::Role;
use crate::domain::policy::Exclusive;

/// Why the settings cannot be used. Names the setting, never a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the settings cannot be read: {0}")]
    Read(String),
    #[error("{name}: {why}")]
    Invalid { name: &'static str, why: String },
}

fn invalid(name: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { name, why: why.into() }
}

macro_rules! section {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $doc:literal])* $field:ident: $ty:ty = $default:expr,)* }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[doc = $doc])* pub $field: $ty,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            fn describe(out: &mut String, section: &str) {
                let _ = writeln!(out, "\n#{}\n[{section}]", concat!($($about, "\n#"),*).trim_end_matches("\n#"));
                let default = Self::default();
                $(
                    let docs: &[&str] = &[$($doc),*];
                    for line in docs {
                        let _ = writeln!(out, "#{line}");
                    }
                    let _ = writeln!(out, "{}\n", default_line(stringify!($field), &default.$field.shown()));
                )*
            }
        }
    };
}

fn default_line(field: &str, shown: &Option<String>) -> String {
    match shown {
        Some(value) => format!("{field} = {value}"),
        None => format!("# {field} ="),
    }
}

/// How a default is written in the reference: as TOML, or not at all when there is none.
trait Shown {
    fn shown(&self) -> Option<String>;
}

impl<T: Serialize> Shown for T {
    fn shown(&self) -> Option<String> {
        match serde_json::to_value(self).ok()? {
            serde_json::Value::Null => None,
            serde_json::Value::Object(map) if map.is_empty() => None,
            value => Some(value.to_string()),
        }
    }
}

/// A secret setting: shows as nothing, everywhere.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(Option<SecretString>);

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_none()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Some(value.into()))
    }
}

impl Secret {
    /// `x` or the trimmed content of `x_file`; both is an error, neither is `None`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] naming the setting.
    pub fn resolve(&self, file: Option<&Path>, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        match (&self.0, file) {
            (Some(_), Some(_)) => Err(invalid(name, format!("give {name} or {name}_file, not both"))),
            (Some(value), None) => Ok(Some(value.clone())),
            (None, None) => Ok(None),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|e| invalid(name, format!("cannot read {}: {e}", path.display())))?;
                Ok(Some(text.trim().to_owned().into()))
            }
        }
    }
}

section! {
    /// The server itself.
    Server {
        /// The address people use, scheme and host and nothing else, e.g. "https://keys.example.com". Links, cookies and the
        /// redirect address for the identity provider are made from it, never from a request's headers. Required.
        public_url: String = String::new(),
        /// Where the server listens.
        listen: String = "127.0.0.1:8080".into(),
        /// A proxy in front ends TLS. Without it, plain http is served on loopback only.
        behind_proxy: bool = false,
        /// Networks of the proxies whose `X-Forwarded-For` is believed, e.g. ["10.0.0.0/8"].
        trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Worker threads; 0 = one per processor.
        workers: usize = 0,
        /// Seconds a request's body may take to arrive.
        body_deadline_seconds: u64 = 15,
        /// Seconds that open requests get to finish after a stop signal.
        drain_seconds: u64 = 20,
    }
}

section! {
    /// Where the data lies.
    Database {
        /// "sqlite:///var/lib/keyharbor/keyharbor.db" or "postgres://user@host/database".
        url: Secret = Secret::from("sqlite:///var/lib/keyharbor/keyharbor.db".to_owned()),
        /// A file that holds the url, in its place.
        url_file: Option<PathBuf> = None,
        /// Connections a replica may open.
        max_connections: u32 = 10,
        /// "auto" migrates at start, "check" refuses to start when a migration is missing, "off" does not look.
        migrate: Migrate = Migrate::Auto,
    }
}

section! {
    /// The root key that unwraps the key ring. Exactly one of the three.
    Custody {
        /// A file of mode 0600 that holds the root key as `keyharbor init` wrote it.
        key_file: Option<PathBuf> = None,
        /// The root key itself, for environments that inject it: KEYHARBOR__CUSTODY__KEY.
        key: Secret = Secret::default(),
        /// The name of a systemd credential (`LoadCredential=`).
        credential: Option<String> = None,
    }
}

section! {
    /// The identity provider (OpenID Connect, authorization code with PKCE).
    Oidc {
        /// The issuer, exactly as its metadata spells it. Required.
        issuer: String = String::new(),
        /// Required.
        client_id: String = String::new(),
        /// The client's secret; leave out for a public client.
        client_secret: Secret = Secret::default(),
        /// A file that holds the secret, in its place.
        client_secret_file: Option<PathBuf> = None,
        /// Scopes to ask for, besides "openid".
        scopes: Vec<String> = vec!["profile".into(), "email".into()],
        /// Signature algorithms that are accepted. Never taken from the provider's metadata.
        algorithms: Vec<String> = vec!["RS256".into(), "ES256".into()],
        /// The claim that identifies a person: "sub", or "oid" together with `tenant`.
        subject_claim: String = "sub".into(),
        /// The tenant that a token's "tid" must name; required with subject_claim = "oid".
        tenant: Option<String> = None,
        /// The claim that holds the login by which devices are assigned, e.g. "preferred_username". No default: name one
        /// that people cannot edit. Without it nobody owns a device.
        owner_claim: Option<String> = None,
        /// Path of the claim that holds groups or roles, e.g. "groups" or "realm_access.roles".
        roles_claim: String = "groups".into(),
        /// Values of that claim that make a person a role: { helpdesk = ["mac-helpdesk"], auditor = [..], admin = [..] }.
        /// With "employee" listed, only its values make an employee; without, everyone who signs in is one.
        roles: BTreeMap<String, Vec<String>> = BTreeMap::new(),
        /// Ask for this authentication context at step-up, e.g. ["phr"].
        acr_values: Vec<String> = Vec::new(),
        /// A reveal also needs one of `acr_values` in the token.
        require_acr: bool = false,
        /// "off" shows keys although the provider says nothing of when a person last proved who they are. Dangerous.
        danger_step_up: StepUp = StepUp::On,
    }
}

section! {
    /// Showing a key.
    Reveal {
        /// How long a key is shown: 1 to 300 seconds.
        window_seconds: i64 = 300,
        /// "Five more minutes", for one's own Mac.
        max_renewals_owner: i64 = 10,
        /// The same for the helpdesk.
        max_renewals_desk: i64 = 2,
        /// How fresh a sign-in must be to show one's own key, in seconds.
        step_up_owner_seconds: i64 = 300,
        /// The same for the helpdesk.
        step_up_desk_seconds: i64 = 1800,
        /// Reveals per person.
        per_minute: i64 = 10,
        per_hour: i64 = 50,
        per_day: i64 = 100,
        /// The page offers to copy the key.
        copy_owner: bool = true,
        copy_desk: bool = false,
        /// What a ticket number must look like (regular expression, matched as a whole).
        ticket_pattern: Option<String> = None,
        /// The helpdesk must give a ticket number.
        ticket_required: bool = false,
    }
}

section! {
    /// Sessions.
    Sessions {
        /// Minutes without a request until a session ends.
        idle_minutes: i64 = 15,
        /// Hours until a session ends in any case.
        absolute_hours: i64 = 8,
        /// Roles that one person may not hold together; the first named stays.
        exclusive_roles: Vec<(String, String)> = vec![("admin".into(), "helpdesk".into()), ("auditor".into(), "helpdesk".into())],
    }
}

section! {
    /// What people see.
    Portal {
        /// The name in the head of each page.
        brand: String = "Keyharbor".into(),
        /// The name of the organisation, as in "Sign in with Acme".
        organisation: Option<String> = None,
        it_phone: Option<String> = None,
        it_email: Option<String> = None,
        /// E.g. "weekdays 8–17".
        it_hours: Option<String> = None,
        /// The zone in which times are shown.
        time_zone: String = "UTC".into(),
        /// Language when a browser asks for none that we have: "en" or "sv".
        default_language: String = "en".into(),
    }
}

section! {
    /// Calls from the server to others (today: the identity provider).
    Outbound {
        /// An http proxy, e.g. "http://proxy.example.com:3128".
        proxy: Option<String> = None,
        /// Further certificate authorities, PEM.
        ca_file: Option<PathBuf> = None,
    }
}

section! {
    /// Logging: JSON lines on standard output.
    Log {
        /// "error", "warn", "info", "debug" or "trace".
        level: String = "info".into(),
    }
}

/// What happens to the schema at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Migrate {
    Auto,
    Check,
    Off,
}

/// Whether a reveal needs a recent proof of presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepUp {
    On,
    Off,
}

/// Everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub custody: Custody,
    pub oidc: Oidc,
    pub reveal: Reveal,
    pub sessions: Sessions,
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

    /// Reads without checking; `environment` stands in for the process's own in tests.
    ///
    /// # Errors
    /// [`ConfigError::Read`].
    pub fn read(file: Option<&Path>, environment: Option<config::Map<String, String>>) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder();
        if let Some(path) = file {
            builder = builder.add_source(config::File::from(path).format(config::FileFormat::Toml));
        }
        let lists = ["server.trusted_proxies", "oidc.scopes", "oidc.algorithms", "oidc.acr_values"];
        let mut env =
            config::Environment::with_prefix("KEYHARBOR").prefix_separator("__").separator("__").list_separator(",").try_parsing(true);
        for list in lists {
            env = env.with_list_parse_key(list);
        }
        builder = builder.add_source(env.source(environment));
        let text = |e: config::ConfigError| ConfigError::Read(e.to_string());
        builder.build().map_err(text)?.try_deserialize().map_err(text)
    }

    /// The documented defaults, as a TOML file.
    pub fn reference() -> String {
        let mut out = String::from("# Keyharbor settings. Every value can also come from the environment: KEYHARBOR__SECTION__NAME.\n");
        Server::describe(&mut out, "server");
        Database::describe(&mut out, "database");
        Custody::describe(&mut out, "custody");
        Oidc::describe(&mut out, "oidc");
        Reveal::describe(&mut out, "reveal");
        Sessions::describe(&mut out, "sessions");
        Portal::describe(&mut out, "portal");
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
        let listen = self.server.listen.parse::<std::net::SocketAddr>().map_err(|_| invalid("server.listen", "is not ADDRESS:PORT"))?;
        if !listen.ip().is_loopback() && !self.server.behind_proxy {
            return Err(invalid(
                "server.behind_proxy",
                "plain http on an address that is not loopback needs behind_proxy = true and a proxy that ends TLS",
            ));
        }
        let ways = [self.custody.key_file.is_some(), self.custody.key.0.is_some(), self.custody.credential.is_some()];
        if ways.iter().filter(|w| **w).count() > 1 {
            return Err(invalid("custody", "give one of key_file, key and credential"));
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
            return Err(invalid("reveal.max_renewals", "must be 0 to 100"));
        }
        if [reveal.step_up_owner_seconds, reveal.step_up_desk_seconds, reveal.per_minute, reveal.per_hour, reveal.per_day]
            .iter()
            .any(|n| *n < 1)
        {
            return Err(invalid("reveal", "step_up_* and per_* must be at least 1"));
        }
        self.ticket_pattern()?;
        if !(1..=1440).contains(&self.sessions.idle_minutes) || !(1..=168).contains(&self.sessions.absolute_hours) {
            return Err(invalid("sessions", "idle_minutes must be 1 to 1440, absolute_hours 1 to 168"));
        }
        self.exclusive_roles()?;
        self.time_zone()?;
        if !["error", "warn", "info", "debug", "trace"].contains(&self.log.level.as_str()) {
            return Err(invalid("log.level", "must be error, warn, info, debug or trace"));
        }
        if !["en", "sv"].contains(&self.portal.default_language.as_str()) {
            return Err(invalid("portal.default_language", "must be \"en\" or \"sv\""));
        }
        Ok(())
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

    /// What an operator should know although the server runs.
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
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
        // The default stands in `url`; a file given beside it wins only when `url` was left alone.
        let default = Database::default();
        let same = |a: &Secret, b: &Secret| {
            a.0.as_ref().map(|s| s.expose_secret().to_owned()) == b.0.as_ref().map(|s| s.expose_secret().to_owned())
        };
        let url = if self.database.url_file.is_some() && same(&self.database.url, &default.url) {
            Secret::default()
        } else {
            self.database.url.clone()
        };
        url.resolve(self.database.url_file.as_deref(), "database.url")?.ok_or_else(|| invalid("database.url", "is required"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(None, Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()))
    }

    const GOOD: [(&str, &str); 3] = [
        ("KEYHARBOR__SERVER__PUBLIC_URL", "https://keys.example.com"),
        ("KEYHARBOR__OIDC__ISSUER", "https://id.example.com"),
        ("KEYHARBOR__OIDC__CLIENT_ID", "k"),
    ];

    fn with(more: &[(&str, &str)]) -> Result<(), String> {
        read(&[GOOD.as_slice(), more].concat()).map_err(|e| e.to_string())?.check().map_err(|e| e.to_string())
    }

    #[test]
    fn good_settings_pass_and_unknown_ones_are_refused() {
        assert_eq!(with(&[]), Ok(()));
        assert!(with(&[("KEYHARBOR__OIDC__CLIENT_IDD", "k")]).unwrap_err().contains("client_idd"));
        assert_eq!(with(&[("KEYHARBOR__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,192.168.1.1/32")]), Ok(()));
    }

    #[test]
    fn values_out_of_range_name_the_setting() {
        for (key, value, name) in [
            ("KEYHARBOR__REVEAL__WINDOW_SECONDS", "301", "reveal.window_seconds"),
            ("KEYHARBOR__SERVER__PUBLIC_URL", "https://keys.example.com/path", "server.public_url"),
            ("KEYHARBOR__SERVER__PUBLIC_URL", "http://keys.example.com", "server.public_url"),
            ("KEYHARBOR__SERVER__LISTEN", "0.0.0.0:80", "server.behind_proxy"),
            ("KEYHARBOR__OIDC__ISSUER", "http://id.example.com", "oidc.issuer"),
            ("KEYHARBOR__OIDC__ALGORITHMS", "HS256", "oidc.algorithms"),
            ("KEYHARBOR__OIDC__SUBJECT_CLAIM", "oid", "oidc.tenant"),
            ("KEYHARBOR__REVEAL__TICKET_PATTERN", "(", "reveal.ticket_pattern"),
            ("KEYHARBOR__PORTAL__TIME_ZONE", "Mars/Base", "portal.time_zone"),
            ("KEYHARBOR__LOG__LEVEL", "info,sqlx=trace", "log.level"),
        ] {
            let error = with(&[(key, value)]).err().unwrap_or_default();
            assert!(error.contains(name), "{key}={value}: {error}");
        }
    }

    #[test]
    fn a_secret_shows_nowhere() {
        let config = read(&[GOOD.as_slice(), &[("KEYHARBOR__OIDC__CLIENT_SECRET", "canary-secret")]].concat()).unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn the_reference_is_a_file_that_loads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyharbor.toml");
        std::fs::write(&path, Config::reference()).unwrap();
        Config::read(Some(&path), Some(config::Map::new())).unwrap();
    }
}
