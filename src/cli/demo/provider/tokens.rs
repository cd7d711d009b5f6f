//! The back door of a sign-in: a code becomes tokens, an access token becomes userinfo. Signed with ES256.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::state::Grant;
use super::{Person, Provider};
use crate::domain::Env;

/// A signing key, made at start.
pub(super) struct Signer {
    key: EcdsaKeyPair,
    kid: String,
}

impl Signer {
    pub fn new(env: &Env) -> Result<Self, Unspecified> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        Ok(Self { key, kid: env.uuid().simple().to_string() })
    }

    pub fn jwk(&self) -> Value {
        // An uncompressed point: 0x04, x, y.
        let point = self.key.public_key().as_ref();
        let half = |range| BASE64_URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": half(1..33), "y": half(33..65)})
    }

    fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"})), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes())?;
        Ok(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn refusal(error: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": error }))
}

pub(super) async fn token(provider: web::Data<Provider>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if !is_client(&provider, &request) {
        return HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"demo\""))
            .json(json!({"error": "invalid_client"}));
    }
    let Some(form) = super::authorize::pairs(&body) else { return refusal("invalid_request") };
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if get("grant_type") != "authorization_code" {
        return refusal("unsupported_grant_type");
    }
    let Some(grant) = provider.book.redeem(get("code")) else { return refusal("invalid_grant") };
    let proof = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
    let verifier = (43..=128).contains(&get("code_verifier").len());
    if !verifier || !same(&proof, &grant.request.challenge) || get("redirect_uri") != provider.settings.redirect_uri {
        return refusal("invalid_grant");
    }
    let Some(person) = provider.settings.people.iter().find(|p| p.login == grant.session.login) else { return refusal("invalid_grant") };
    match provider.signer.sign(&id_token(&provider, &grant, person)) {
        Ok(id_token) => HttpResponse::Ok().json(json!({
            "access_token": provider.book.access(&person.login), "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
        })),
        Err(Unspecified) => HttpResponse::InternalServerError().json(json!({"error": "server_error"})),
    }
}

/// `client_secret_basic`: both halves form-encoded, then Base64.
fn is_client(provider: &Provider, request: &HttpRequest) -> bool {
    let coded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let settings = &provider.settings;
    let pair = format!("{}:{}", coded(&settings.client_id), coded(settings.client_secret.expose_secret()));
    let expected = format!("Basic {}", BASE64_STANDARD.encode(pair));
    request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).is_some_and(|given| same(given, &expected))
}

fn profile(person: &Person) -> Value {
    let email = if person.login.contains('@') { person.login.clone() } else { format!("{}@example.com", person.login) };
    json!({
        "sub": person.sub, "name": person.name, "email": email, "preferred_username": person.login, "groups": person.groups,
    })
}

fn id_token(provider: &Provider, grant: &Grant, person: &Person) -> Value {
    let now = provider.env.now().seconds();
    let mut claims = profile(person);
    let own = json!({
        "iss": provider.settings.issuer,
        "aud": provider.settings.client_id,
        "exp": now + 300,
        "iat": now,
        "auth_time": grant.session.auth_time.seconds(),
        "acr": if grant.session.high { "2" } else { "1" },
        "sid": grant.session.sid,
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut claims, own) {
        all.extend(own);
        all.extend(grant.request.nonce.clone().map(|nonce| ("nonce".to_owned(), Value::String(nonce))));
    }
    claims
}

pub(super) async fn userinfo(provider: web::Data<Provider>, request: HttpRequest) -> HttpResponse {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let login = given.and_then(|token| provider.book.whose(token));
    match provider.settings.people.iter().find(|p| Some(&p.login) == login.as_ref()) {
        Some(person) => HttpResponse::Ok().json(profile(person)),
        None => HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
            .json(json!({"error": "invalid_token"})),
    }
}
