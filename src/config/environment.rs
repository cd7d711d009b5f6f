//! Settings from the environment: `KEYHARBOR__SECTION__NAME`, each taken as the text it is.
//!
//! A telephone number, or a secret made of digits, is no number: what a value means is for the setting to say, not for
//! its looks. Lists are split at commas.

use config::{ConfigError, Map, Source, Value, ValueKind};

const PREFIX: &str = "KEYHARBOR__";
const LISTS: [&str; 5] = ["server.trusted_proxies", "database.other_hosts", "oidc.scopes", "oidc.algorithms", "oidc.acr_values"];

#[derive(Clone, Debug)]
pub(super) struct Environment(Map<String, String>);

impl Environment {
    /// The process's own environment, or what stands in for it in tests.
    pub fn new(given: Option<Map<String, String>>) -> Self {
        Self(given.unwrap_or_else(|| own(&[])))
    }
}

/// What the process's own environment says of these sections; of all, when none is named.
pub(super) fn own(sections: &[&str]) -> Map<String, String> {
    let wanted = |name: &str| {
        let rest = name.strip_prefix(PREFIX)?;
        let section = rest.split("__").next().unwrap_or_default();
        (sections.is_empty() || sections.iter().any(|s| s.eq_ignore_ascii_case(section))).then_some(())
    };
    texts().filter(|(name, _)| wanted(name).is_some()).collect()
}

/// OpenTelemetry's own variables, `OTEL_…`: a standard says what they are called and mean.
pub fn open_telemetry() -> Map<String, String> {
    texts().filter(|(name, _)| name.starts_with("OTEL_")).collect()
}

/// Names or values that are not UTF-8 cannot be settings of ours.
fn texts() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl Source for Environment {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut out = Map::new();
        for (name, text) in &self.0 {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let path = rest.to_lowercase().replace("__", ".");
            let is_list = LISTS.contains(&path.as_str()) || path.starts_with("oidc.roles.");
            let kind = if is_list {
                ValueKind::Array(text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| Value::new(Some(name), t)).collect())
            } else {
                ValueKind::String(text.clone())
            };
            out.insert(path, Value::new(Some(name), kind));
        }
        Ok(out)
    }
}
