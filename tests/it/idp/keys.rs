//! The provider's keys, and every way to sign with them, right and wrong.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Rs256,
    Es256,
    /// `alg: none`, empty signature.
    None,
    /// HS256, keyed with the client's secret.
    HsSecret,
    /// HS256, keyed with the PEM of the public RSA key.
    HsPublicPem,
    /// RS256 with one bit of the signature turned.
    Broken,
    /// ES256 with one bit of the signature turned.
    BrokenEs,
    /// ES256 and RS256 with half a signature.
    HalfEs,
    HalfRs,
    /// RS256 by a key that is not in the set, under the `kid` of one that is.
    OtherKey,
}

/// Signatures that nobody may believe, and the check that each fails.
pub const FORGERIES: [(Sign, &str); 8] = [
    (Sign::None, "alg"),
    (Sign::HsSecret, "alg"),
    (Sign::HsPublicPem, "alg"),
    (Sign::Broken, "signature"),
    (Sign::BrokenEs, "signature"),
    (Sign::HalfEs, "signature"),
    (Sign::HalfRs, "signature"),
    (Sign::OtherKey, "signature"),
];

/// A pair of keys in use.
pub struct Keys {
    pub generation: u32,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

impl Keys {
    pub fn new(generation: u32) -> Self {
        Self {
            generation,
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        }
    }

    pub fn rsa_kid(&self) -> String {
        format!("rsa-{}", self.generation)
    }

    pub fn ec_kid(&self) -> String {
        format!("ec-{}", self.generation)
    }

    /// The JWKS document.
    pub fn set(&self) -> Value {
        let (n, e) = modulus_and_exponent(self.rsa.public_key().as_ref());
        let point = self.ec.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.rsa_kid(), "n": b64(&n), "e": b64(&e)},
            {"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": self.ec_kid(), "x": b64(&point[1..33]), "y": b64(&point[33..])},
        ]})
    }

    /// The public RSA key as a JWK, to be put where it should be ignored.
    pub fn rsa_jwk(&self) -> Value {
        self.set()["keys"][0].clone()
    }

    fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.rsa.public_key().as_der().unwrap();
        let text = BASE64_STANDARD.encode(der.as_ref());
        let lines: Vec<String> = text.as_bytes().chunks(64).map(|c| String::from_utf8_lossy(c).into_owned()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// `alg` and `kid` as the header should have them.
    pub fn header(&self, sign: Sign) -> (&'static str, String) {
        match sign {
            Sign::Es256 | Sign::BrokenEs | Sign::HalfEs => ("ES256", self.ec_kid()),
            Sign::None => ("none", self.rsa_kid()),
            Sign::HsSecret | Sign::HsPublicPem => ("HS256", self.rsa_kid()),
            Sign::Rs256 | Sign::Broken | Sign::HalfRs | Sign::OtherKey => ("RS256", self.rsa_kid()),
        }
    }

    pub fn sign(&self, sign: Sign, input: &str, client_secret: &str) -> Vec<u8> {
        match sign {
            Sign::Rs256 => rs256(&self.rsa, input),
            Sign::Es256 => self.es256(input),
            Sign::HalfEs => self.es256(input)[..32].to_vec(),
            Sign::HalfRs => rs256(&self.rsa, input)[..128].to_vec(),
            Sign::BrokenEs => {
                let mut signature = self.es256(input);
                signature[40] ^= 1;
                signature
            }
            Sign::None => Vec::new(),
            Sign::HsSecret => hs256(client_secret, input),
            Sign::HsPublicPem => hs256(&self.public_pem(), input),
            Sign::Broken => {
                let mut signature = rs256(&self.rsa, input);
                signature[100] ^= 1;
                signature
            }
            Sign::OtherKey => {
                static OTHER: OnceLock<RsaKeyPair> = OnceLock::new();
                rs256(OTHER.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap()), input)
            }
        }
    }
}

impl Keys {
    fn es256(&self, input: &str) -> Vec<u8> {
        self.ec.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec()
    }
}

fn rs256(key: &RsaKeyPair, input: &str) -> Vec<u8> {
    let mut out = vec![0; key.public_modulus_len()];
    let encoding: &'static dyn signature::RsaEncoding = &RSA_PKCS1_SHA256;
    key.sign(encoding, &SystemRandom::new(), input.as_bytes(), &mut out).unwrap();
    out
}

fn hs256(key: &str, input: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), input.as_bytes()).as_ref().to_vec()
}

pub fn b64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads PKCS#1 `RSAPublicKey`: SEQUENCE { INTEGER n, INTEGER e }.
fn modulus_and_exponent(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, head) = match der[1] {
            short @ 0..=0x7f => (usize::from(short), 2),
            long => {
                let bytes = usize::from(long & 0x7f);
                (der[2..2 + bytes].iter().fold(0, |n, b| n << 8 | usize::from(*b)), 2 + bytes)
            }
        };
        (&der[head..head + length], &der[head + length..])
    }
    let (body, _) = element(der);
    let (n, rest) = element(body);
    let (e, _) = element(rest);
    (n.iter().copied().skip_while(|b| *b == 0).collect(), e.to_vec())
}
