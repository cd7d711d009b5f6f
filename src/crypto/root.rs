//! The root key: what stays outside the database, as text in a file, and the name it goes by.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::keyring::RingError;
use crate::domain::ids::{Entropy, hex};

/// 32 bytes that exist outside the database only. No `Debug`, `Clone` or `Display`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootKey(pub(super) [u8; 32]);

const ROOT_PREFIX: &str = "khroot1_";

impl RootKey {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0u8; 32];
        entropy.fill(&mut bytes);
        let key = Self(bytes);
        bytes.zeroize();
        key
    }

    /// Reads `khroot1_` and 64 hexadecimal digits, white space around them ignored.
    ///
    /// # Errors
    /// [`RingError::RootKeyForm`].
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let hex = text.trim().strip_prefix(ROOT_PREFIX).ok_or(RingError::RootKeyForm)?;
        let mut key = Self([0u8; 32]);
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(RingError::RootKeyForm);
        }
        for (byte, pair) in key.0.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| RingError::RootKeyForm)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| RingError::RootKeyForm)?;
        }
        Ok(key)
    }

    /// Do these eight characters end the key's text? Constant time.
    pub fn ends_with(&self, typed: &str) -> bool {
        use subtle::ConstantTimeEq;
        let text = self.text();
        let end = text.as_bytes().get(text.len().saturating_sub(8)..).unwrap_or_default();
        bool::from(end.ct_eq(typed.trim().to_ascii_lowercase().as_bytes()))
    }

    /// The text that goes into the key file.
    pub fn text(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(72));
        out.push_str(ROOT_PREFIX);
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        out
    }

    /// Eight hexadecimal digits that name this key without telling anything of it.
    pub fn name(&self) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(b"keyharbor/v1/root-key-name");
        hex(mac.finalize().into_bytes()).chars().take(8).collect()
    }
}
