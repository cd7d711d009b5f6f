//! The request that turns a code into tokens: the form, and how the client says who it is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::settings::Settings;

/// The form and, where the provider takes it (it does, by default), the `Authorization` header with the client's secret.
pub(super) fn request(settings: &Settings, secret_in_form: bool, code: &SecretString, verifier: &SecretString) -> (String, Option<String>) {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.expose_secret())
        .append_pair("redirect_uri", &settings.redirect_uri)
        .append_pair("code_verifier", verifier.expose_secret());
    let mut authorization = None;
    match &settings.client_secret {
        Some(secret) if secret_in_form => {
            form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret.expose_secret());
        }
        Some(secret) => authorization = Some(basic(&settings.client_id, secret)),
        None => {
            form.append_pair("client_id", &settings.client_id);
        }
    }
    (form.finish(), authorization)
}

/// RFC 6749 §2.3.1: both halves are form-encoded first.
fn basic(client_id: &str, secret: &SecretString) -> String {
    let coded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", coded(client_id), coded(secret.expose_secret()))))
}
