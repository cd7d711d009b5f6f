//! Every MAC and keyed hash of the house: `0x01 ‖ key id u32 BE ‖ HMAC-SHA256`, input length-prefixed, purpose first.
//!
//! Row MACs hold the epoch besides; token hashes do not, so that a token can be approved again after a restore.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::keyring::{Ring, Use};
use crate::domain::ids::{DeviceId, Entropy};
use crate::domain::integrity::{Canonical, ChainMac, MacBytes, RowMac};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};

/// What a secret identifies; a hash made for one purpose never matches another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Session,
    SignInState,
    SignInBrowser,
    ApiToken,
    Csrf,
    /// An `Idempotency-Key` of a token.
    OnceKey,
    /// What was asked with it.
    OnceBody,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "keyharbor/v1/token/session",
            Self::SignInState => "keyharbor/v1/token/state",
            Self::SignInBrowser => "keyharbor/v1/token/browser",
            Self::ApiToken => "keyharbor/v1/token/api",
            Self::Csrf => "keyharbor/v1/token/csrf",
            Self::OnceKey => "keyharbor/v1/token/idempotency-key",
            Self::OnceBody => "keyharbor/v1/token/idempotency-body",
        }
    }
}

fn hmac(key: &[u8], input: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length: the other arm is never reached.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(input);
        mac.finalize().into_bytes().into()
    })
}

pub(super) fn value(ring: &Ring, purpose: Use, input: &[u8]) -> MacBytes {
    let Ok((id, key)) = ring.active(purpose) else { return Vec::new() };
    keyed(id, key, input)
}

fn keyed(id: u32, key: &[u8; 32], input: &[u8]) -> MacBytes {
    [&[1u8][..], &id.to_be_bytes(), &hmac(key, input)].concat()
}

/// How every MAC and keyed hash under this key begins.
pub fn beginning(id: u32) -> [u8; 5] {
    let [a, b, c, d] = id.to_be_bytes();
    [1, a, b, c, d]
}

pub(super) fn verify(ring: &Ring, purpose: Use, input: &[u8], mac: &[u8]) -> bool {
    let [1, a, b, c, d, tag @ ..] = mac else { return false };
    let Some(key) = ring.key(purpose, u32::from_be_bytes([*a, *b, *c, *d])) else { return false };
    tag.len() == 32 && bool::from(hmac(key, input).ct_eq(tag))
}

fn row_input(ring: &Ring, canonical: &[u8]) -> Vec<u8> {
    Canonical::new("keyharbor/v1/row").int(i64::from(ring.epoch())).bytes(canonical).done()
}

fn chain_input(previous: &[u8], canonical: &[u8]) -> Vec<u8> {
    Canonical::new("keyharbor/v1/trail").bytes(previous).bytes(canonical).done()
}

impl RowMac for Ring {
    fn row_mac(&self, canonical: &[u8]) -> MacBytes {
        value(self, Use::Row, &row_input(self, canonical))
    }

    fn row_mac_ok(&self, canonical: &[u8], mac: &[u8]) -> bool {
        verify(self, Use::Row, &row_input(self, canonical), mac)
    }
}

impl ChainMac for Ring {
    fn chain(&self, previous: &[u8], canonical: &[u8]) -> MacBytes {
        value(self, Use::Audit, &chain_input(previous, canonical))
    }

    fn personal(&self, salt: &[u8], fields: &str) -> Vec<u8> {
        hmac(salt, &Canonical::new("keyharbor/v1/personal").text(fields).done()).to_vec()
    }

    fn chain_ok(&self, previous: &[u8], canonical: &[u8], mac: &[u8]) -> bool {
        verify(self, Use::Audit, &chain_input(previous, canonical), mac)
    }
}

impl Ring {
    /// The keyed hash under which a secret is stored and looked up.
    pub fn token_hash(&self, purpose: Purpose, secret: &[u8]) -> MacBytes {
        value(self, Use::Token, &Canonical::new(purpose.name()).bytes(secret).done())
    }

    /// The hashes a stored secret may be found under: of the active key first, then of those before it.
    pub fn token_hashes(&self, purpose: Purpose, secret: &[u8]) -> Vec<MacBytes> {
        let active = self.active_id(Use::Token);
        let mut ids: Vec<u32> = self.keys.iter().filter(|k| k.purpose == Use::Token).map(|k| k.id).collect();
        ids.sort_by_key(|id| (*id != active, std::cmp::Reverse(*id)));
        let input = Canonical::new(purpose.name()).bytes(secret).done();
        ids.into_iter().filter_map(|id| Some(keyed(id, self.key(Use::Token, id)?, &input))).collect()
    }

    /// Constant time.
    pub fn token_hash_ok(&self, purpose: Purpose, secret: &[u8], stored: &[u8]) -> bool {
        verify(self, Use::Token, &Canonical::new(purpose.name()).bytes(secret).done(), stored)
    }

    /// HMAC over (device, kind, key): finds "the same key again" without opening anything.
    pub fn fingerprint(&self, device: DeviceId, kind: SecretKind, key: &RecoveryKey) -> MacBytes {
        let input =
            zeroize::Zeroizing::new(Canonical::new("keyharbor/v1/fingerprint").uuid(device.0).text(kind.code()).text(key.expose()).done());
        value(self, Use::Fingerprint, &input)
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 43 characters of base62 from a uniform source: 256 bits, by rejection.
pub fn base62_secret(entropy: &dyn Entropy) -> zeroize::Zeroizing<String> {
    let mut out = zeroize::Zeroizing::new(String::with_capacity(43));
    let mut buf = zeroize::Zeroizing::new([0u8; 64]);
    while out.len() < 43 {
        entropy.fill(buf.as_mut());
        let fair = buf.iter().filter_map(|b| BASE62.get(usize::from(b & 63)));
        let room = 43 - out.len();
        for c in fair.take(room) {
            out.push(char::from(*c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    struct Step(std::sync::atomic::AtomicU8);

    impl Entropy for Step {
        fn fill(&self, buf: &mut [u8]) {
            for b in buf {
                *b = self.0.fetch_add(7, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_hash_fits_its_purpose_its_ring_and_its_input_only() {
        let e = Step(0.into());
        let (ring, other) = (Ring::generate(false, Timestamp(0), &e), Ring::generate(false, Timestamp(0), &Step(3.into())));
        let hash = ring.token_hash(Purpose::Session, b"secret");
        assert!(ring.token_hash_ok(Purpose::Session, b"secret", &hash));
        assert!(!ring.token_hash_ok(Purpose::Csrf, b"secret", &hash));
        assert!(!ring.token_hash_ok(Purpose::Session, b"secreT", &hash));
        assert!(!other.token_hash_ok(Purpose::Session, b"secret", &hash));
        assert!(!ring.row_mac_ok(b"secret", &hash));
        assert!(!ring.token_hash_ok(Purpose::Session, b"secret", &hash[..36]));
    }

    #[test]
    fn a_secret_has_43_letters_and_digits() {
        let text = base62_secret(&Step(0.into()));
        assert!(text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
