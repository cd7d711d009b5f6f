//! A setting that is a secret: given as `x` or as `x_file`, and shown nowhere.

use std::path::Path;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{ConfigError, invalid};

/// A secret setting: shows as nothing, everywhere.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub(super) Option<SecretString>);

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
