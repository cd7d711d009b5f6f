//! One sealed value: blob v1 = `0x01 ‖ kek_id u32 BE ‖ salt 32 ‖ nonce 12 ‖ ciphertext ‖ tag 16`.
//!
//! Each value has a key of its own, HKDF-SHA256(KEK, salt, "keyharbor/v1/" ‖ table), so nonces never meet under one key.
//! The AAD binds the ciphertext to its table, row, device, kind and KEK: moved anywhere else, it does not open.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::ids::Entropy;
use crate::domain::integrity::{Canonical, Sealed};

const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 32 + 12;
const TAG: usize = 16;

/// Where a sealed value lies; part of what it is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub table: &'a str,
    pub row: Uuid,
    /// Nil where a row belongs to no device.
    pub device: Uuid,
    pub kind: &'a str,
}

/// Why a blob does not open. One text for everything that depends on its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Truncated, of an unknown version, moved, edited, or sealed under another key.
    #[error("a sealed value does not open")]
    Opaque,
    /// Its KEK is not in the ring.
    #[error("a sealed value names a key that is not in the ring")]
    UnknownKek,
    /// Longer than any secret we keep.
    #[error("a value is too long to be sealed")]
    TooLong,
}

fn aad(place: &Place<'_>, kek_id: u32) -> Vec<u8> {
    Canonical::default()
        .bytes(&[VERSION])
        .text(place.table)
        .uuid(place.row)
        .uuid(place.device)
        .text(place.kind)
        .bytes(&kek_id.to_be_bytes())
        .done()
}

fn cipher(kek: &[u8; 32], salt: &[u8], table: &str) -> Result<Aes256Gcm, EnvelopeError> {
    let mut key = Zeroizing::new([0u8; 32]);
    Hkdf::<Sha256>::new(Some(salt), kek)
        .expand_multi_info(&[b"keyharbor/v1/", table.as_bytes()], key.as_mut())
        .map_err(|_| EnvelopeError::Opaque)?;
    let key: &Key<Aes256Gcm> = key.as_slice().try_into().map_err(|_| EnvelopeError::Opaque)?;
    Ok(Aes256Gcm::new(key))
}

/// Seals under one KEK.
pub(super) fn seal(kek: (u32, &[u8; 32]), place: &Place<'_>, plain: &[u8], entropy: &dyn Entropy) -> Result<Sealed, EnvelopeError> {
    if plain.len() > 64 * 1024 {
        return Err(EnvelopeError::TooLong);
    }
    let (kek_id, kek) = kek;
    let mut salt = [0u8; 32];
    let mut nonce = [0u8; 12];
    entropy.fill(&mut salt);
    entropy.fill(&mut nonce);
    let text = cipher(kek, &salt, place.table)?
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: &aad(place, kek_id) })
        .map_err(|_| EnvelopeError::TooLong)?;
    let bytes = [&[VERSION][..], &kek_id.to_be_bytes(), &salt, &nonce, &text].concat();
    Ok(Sealed::from_parts(bytes, kek_id))
}

/// The KEK a blob names, if its head is well formed.
pub(super) fn kek_of(bytes: &[u8]) -> Result<u32, EnvelopeError> {
    match bytes {
        [VERSION, a, b, c, d, ..] if bytes.len() >= HEAD + TAG => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => Err(EnvelopeError::Opaque),
    }
}

/// Opens a blob that `kek_of` named a key for.
pub(super) fn open(kek: (u32, &[u8; 32]), place: &Place<'_>, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    let (kek_id, kek) = kek;
    let (salt, nonce, text) = (bytes.get(5..37), bytes.get(37..HEAD), bytes.get(HEAD..));
    let (Some(salt), Some(nonce), Some(text)) = (salt, nonce, text) else { return Err(EnvelopeError::Opaque) };
    let nonce: [u8; 12] = nonce.try_into().map_err(|_| EnvelopeError::Opaque)?;
    cipher(kek, salt, place.table)?
        .decrypt(&Nonce::from(nonce), Payload { msg: text, aad: &aad(place, kek_id) })
        .map(Zeroizing::new)
        .map_err(|_| EnvelopeError::Opaque)
}
