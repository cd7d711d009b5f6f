//! Every setting with its default. The doc comments are the reference: `keyharbor config defaults` prints them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Secret;

macro_rules! section {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $doc:literal])* $field:ident: $ty:ty = $default:expr,)* }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[doc = $doc])* pub $field: $ty,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            pub(super) fn describe(out: &mut String, section: &str) {
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

section! {
    /// The server itself.
    Server {
        /// The address people use, scheme and host and nothing else, e.g. "https://keys.example.com". Links, cookies and the
        /// redirect address for the identity provider are made from it, never from a request's headers. Required.
        public_url: String = String::new(),
        /// Where the server listens. A socket that systemd hands over takes its place.
        listen: String = "127.0.0.1:8080".into(),
        /// A certificate with its chain, PEM: the server then speaks TLS (1.2 and 1.3) itself. Read again when the file
        /// changes, and at SIGHUP.
        tls_certificate: Option<PathBuf> = None,
        /// Its private key, PEM, a file of mode 0600 (as for custody.key_file).
        tls_key: Option<PathBuf> = None,
        /// A proxy in front ends TLS. Without it, plain http is served on loopback only.
        behind_proxy: bool = false,
        /// Networks of the proxies whose `X-Forwarded-For` is believed, e.g. ["10.0.0.0/8"].
        trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Worker threads; 0 = one per processor.
        workers: usize = 0,
        /// Seconds a request's body may take to arrive; in a stream of deposits each line. A client that takes nothing of its
        /// answer for as long is dropped, too.
        body_deadline_seconds: u64 = 15,
        /// Seconds between a stop signal and the last new connection. Meanwhile /readyz answers 503, so that a load balancer
        /// sends nobody more; with several replicas, a little longer than it takes to notice.
        notice_seconds: u64 = 0,
        /// Seconds that open requests then get to finish.
        drain_seconds: u64 = 20,
    }
}

section! {
    /// A second listener for those who run the server: /healthz, /readyz, /metrics (Prometheus). None of it is on the
    /// public one but /healthz and /readyz.
    Operations {
        /// Where it listens, e.g. "127.0.0.1:9090". Without it there is no second listener.
        listen: Option<String> = None,
        /// It speaks plain http and asks for no password, so an address that is not loopback must be meant: true says so. It
        /// shows no secret and nobody's name; still, let a firewall say who may reach it.
        plain_http: bool = false,
        /// Names, without port, by which it may be asked besides addresses and "localhost", e.g. ["keyharbor.internal"]. A web page
        /// can point a name of its own at any address; a request for such a name gets 421.
        hosts: Vec<String> = Vec::new(),
    }
}

/// Where the database is when nothing else is said.
pub(super) const DEFAULT_DATABASE: &str = "sqlite:///var/lib/keyharbor/keyharbor.db";

section! {
    /// Where the data lies.
    Database {
        /// "sqlite:///path/to/file.db" or "postgres://user@host/database".
        /// Default: "sqlite:///var/lib/keyharbor/keyharbor.db".
        url: Secret = Secret::default(),
        /// A file that holds the url, in its place.
        url_file: Option<PathBuf> = None,
        /// PostgreSQL with standbys: the other servers, "host" or "host:port" (without, the port of url). Everything else is as in url.
        /// Whichever server takes writes is used; when two say that they do, nothing is written. See docs/postgresql.md.
        other_hosts: Vec<String> = Vec::new(),
        /// Connections a replica may open.
        max_connections: u32 = 10,
        /// "auto" migrates at start, "check" refuses to start when a migration is missing, "off" does not look.
        migrate: Migrate = Migrate::Auto,
    }
}

section! {
    /// The root key that unwraps the key ring. One of the three; with none the server is sealed.
    Custody {
        /// A file of mode 0600 that holds the root key as `keyharbor init` wrote it. Files below /run/credentials and
        /// /run/secrets, and those of a Kubernetes volume, may show other modes.
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
        /// Back-channel logout: also accept tokens as earlier drafts had them, without "exp" or with the type "JWT" or none. All
        /// else is checked as ever.
        old_logout_tokens: bool = false,
    }
}

section! {
    /// Showing a key.
    Reveal {
        /// How long a key is shown: 1 to 300 seconds.
        window_seconds: i64 = 300,
        /// "Extend to five minutes", for one's own Mac.
        max_renewals_owner: i64 = 10,
        /// The same for the helpdesk.
        max_renewals_desk: i64 = 2,
        /// How fresh a sign-in must be to show one's own key, in seconds.
        step_up_owner_seconds: i64 = 300,
        /// The same for the helpdesk.
        step_up_desk_seconds: i64 = 1800,
        /// Reveals of one person in a minute; one more waits for the next.
        per_minute: i64 = 10,
        /// The same for an hour.
        per_hour: i64 = 50,
        /// The same for a day (UTC).
        per_day: i64 = 100,
        /// The page of one's own key offers to copy it.
        copy_owner: bool = true,
        /// The same for the helpdesk.
        copy_desk: bool = false,
        /// What a ticket number must look like (regular expression, matched as a whole).
        ticket_pattern: Option<String> = None,
        /// A ticket number as an example, shown beside the field.
        ticket_example: Option<String> = None,
        /// The helpdesk must give a ticket number.
        ticket_required: bool = false,
    }
}

section! {
    /// The API and the agents' protocols.
    Api {
        /// Requests that one token may send to /api/ in a minute; 0 = any number. Each deposit counts, also those of an
        /// array and the lines of a stream. Each server process counts for itself.
        requests_per_minute: u32 = 1200,
        /// The same for agents' check-ins below /compat/, where a whole fleet may share one token.
        agent_requests_per_minute: u32 = 6000,
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
        /// Who helps, at the foot of each page: a telephone number.
        it_phone: Option<String> = None,
        /// An e-mail address.
        it_email: Option<String> = None,
        /// When somebody answers, e.g. "weekdays 8–17".
        it_hours: Option<String> = None,
        /// The zone in which times are shown.
        time_zone: String = "UTC".into(),
        /// Language when a browser asks for none that we have: "en", "sv" or "nb" (Norwegian Bokmål).
        default_language: String = "en".into(),
        /// A colour of the organisation's, e.g. "#0A5A61", for links, buttons and the digits of a key. Text in it must be
        /// readable: a contrast of 4.5 or more on the light backgrounds, measured at start. Default: ours.
        accent: Option<String> = None,
        /// The same for the dark scheme, measured on the dark backgrounds. Default: `accent`, made brighter until it is readable.
        accent_dark: Option<String> = None,
        /// A logo in the place of our mark, beside the brand's name: PNG or WebP, not animated, at most 256 KiB and 2048
        /// pixels a side. It is shown 32 pixels high. SVG is not taken: it can hold script.
        logo_file: Option<PathBuf> = None,
        /// The logo for the dark scheme. Default: the same.
        logo_dark_file: Option<PathBuf> = None,
        /// A TOML file with words for spelling a key aloud, in the place of ours: tables [icao], [sv] or [nb], each with a
        /// word for every letter A to Z and every digit 0 to 9, e.g. A = "Anton".
        spelling_file: Option<PathBuf> = None,
        /// What readers of one language are told, see [portal.texts.sv] below.
        texts: BTreeMap<String, PortalTexts> = BTreeMap::new(),
    }
}

section! {
    /// Words for readers of one language: "sv" here, "en" and "nb" likewise. Plain text, shown as it is written. A text that
    /// a language lacks is shown in `default_language`, if it is there.
    PortalTexts {
        /// In the place of `portal.brand`.
        brand: Option<String> = None,
        /// In the place of `portal.it_phone`.
        it_phone: Option<String> = None,
        /// In the place of `portal.it_email`.
        it_email: Option<String> = None,
        /// In the place of `portal.it_hours`.
        it_hours: Option<String> = None,
        /// More help, on the pages "Help" and "I can't sign in". A blank line begins a new paragraph.
        help: Option<String> = None,
        /// What to do about a Mac that is not in the list, on the page that says so and on an empty list.
        not_listed: Option<String> = None,
        /// What to do about a Mac without a key, on that Mac's page.
        no_key: Option<String> = None,
    }
}

section! {
    /// Calls from the server to others (the identity provider, and a collector of traces).
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
