//! The form that Crypt clients post, and the answers that they understand.
//!
//! Fields: `serial`, `recovery_password`, `username` (may be empty), `macname` (ends with a line feed), `secret_type`
//! (optional). Only status 200 with a JSON object counts as success for every client; nothing may redirect.

use serde::Serialize;

use crate::domain::device::{Serial, hint};
use crate::domain::ids::Timestamp;
use crate::domain::recovery_key::{RecoveryKey, SecretKind};

/// A check-in as posted.
pub struct CheckIn {
    pub serial: Serial,
    pub kind: SecretKind,
    pub key: RecoveryKey,
    /// As posted, for the answer.
    pub username: Option<String>,
    pub mac_name: Option<String>,
}

/// What is wrong, by field. Never holds what was posted. With the serial number, if that could be read.
#[derive(Debug)]
pub struct BadCheckIn {
    pub serial: Option<Serial>,
    pub field: &'static str,
    pub why: &'static str,
}

/// Reads the form's pairs. Of a field given twice the form is refused: no two readers would agree on it.
///
/// # Errors
/// [`BadCheckIn`].
pub fn check_in(pairs: &[(String, String)]) -> Result<CheckIn, BadCheckIn> {
    let bad = |serial: Option<&Serial>, field, why| BadCheckIn { serial: serial.cloned(), field, why };
    for field in ["serial", "recovery_password", "username", "macname", "secret_type"] {
        if pairs.iter().filter(|(name, _)| name == field).count() > 1 {
            return Err(bad(None, field, "is given twice"));
        }
    }
    let get = |field: &str| pairs.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str());
    let serial =
        Serial::of_a_mac(get("serial").unwrap_or_default()).map_err(|_| bad(None, "serial", "is missing or not a serial number"))?;
    let kind = match get("secret_type") {
        None | Some("") => Some(SecretKind::RecoveryKey),
        Some(code) => SecretKind::parse(code),
    }
    .ok_or_else(|| bad(Some(&serial), "secret_type", "is not known"))?;
    let key = RecoveryKey::parse(get("recovery_password").unwrap_or_default())
        .map_err(|_| bad(Some(&serial), "recovery_password", "is missing or not a recovery key"))?;
    let username = get("username").and_then(hint);
    let mac_name = get("macname").and_then(hint);
    Ok(CheckIn { serial, kind, key, username, mac_name })
}

/// The answer to a stored check-in. Clients read `rotation_required` alone.
#[derive(Debug, Serialize)]
pub struct CheckedIn<'a> {
    pub serial: &'a str,
    pub username: &'a str,
    pub rotation_required: bool,
    pub new_secret_escrowed: bool,
}

/// The answer to `verify`.
#[derive(Debug, Serialize)]
pub struct Verified {
    pub escrowed: bool,
    /// UTC with milliseconds, as Crypt-Server writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_escrowed: Option<String>,
}

impl Verified {
    pub fn new(escrowed_at: Option<Timestamp>) -> Self {
        let date = escrowed_at.map(|t| t.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        Self { escrowed: date.is_some(), date_escrowed: date }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    const KEY: (&str, &str) = ("recovery_password", "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2");

    #[test]
    fn a_real_client_post_is_read() {
        let form = pairs(&[("macname", "Test’s Mac & Co\n"), KEY, ("serial", "c02test00001"), ("username", "")]);
        let read = check_in(&form).unwrap();
        assert_eq!((read.serial.as_str(), read.mac_name.as_deref(), read.username), ("C02TEST00001", Some("Test’s Mac & Co"), None));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        let cases = [
            (pairs(&[KEY]), "serial"),
            (pairs(&[KEY, ("serial", " ")]), "serial"),
            (pairs(&[("serial", "C02"), ("recovery_password", "hunter2")]), "recovery_password"),
            (pairs(&[("serial", "C02")]), "recovery_password"),
            (pairs(&[("serial", "C02"), KEY, ("secret_type", "unlock_pin")]), "secret_type"),
            (pairs(&[("serial", "C02"), KEY, KEY]), "recovery_password"),
        ];
        for (form, field) in cases {
            let error = check_in(&form).err().unwrap();
            assert_eq!(error.field, field);
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn answers_have_the_shape_that_clients_read() {
        let yes = CheckedIn { serial: "C02", username: "", rotation_required: false, new_secret_escrowed: true };
        assert_eq!(
            serde_json::to_string(&yes).unwrap(),
            r#"{"serial":"C02","username":"","rotation_required":false,"new_secret_escrowed":true}"#
        );
        assert_eq!(serde_json::to_string(&Verified::new(None)).unwrap(), r#"{"escrowed":false}"#);
        assert_eq!(
            serde_json::to_string(&Verified::new(Some(Timestamp(1_700_000_000_123_456)))).unwrap(),
            r#"{"escrowed":true,"date_escrowed":"2023-11-14T22:13:20.123Z"}"#
        );
    }
}
