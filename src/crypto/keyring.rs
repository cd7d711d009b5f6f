//! The key ring, which the root key unwraps.
//!
//! The ring holds every working key: KEKs (one active, older ones kept to open), and the audit, fingerprint, token and
//! row keys. It lies wrapped in the database (`key_ring`, id 1); that it unwraps at all proves the root key is right.

use std::sync::Arc;

use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::envelope::{self, EnvelopeError, Place};
use super::root::RootKey;
use super::rotation::Sealings;
use crate::domain::ids::{Entropy, Timestamp};
use crate::domain::integrity::Sealed;

/// Why there is no usable ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    #[error("the root key is not of the form khroot1_ and 64 hexadecimal digits")]
    RootKeyForm,
    #[error("the root key does not open this database's key ring (the ring was wrapped by {expected}, this is {found})")]
    WrongRootKey { expected: String, found: String },
    #[error("the key ring cannot be read")]
    Malformed,
}

/// What a key of the ring is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    Kek,
    Audit,
    Fingerprint,
    Token,
    Row,
}

impl Use {
    pub const ALL: [Self; 5] = [Self::Kek, Self::Audit, Self::Fingerprint, Self::Token, Self::Row];

    /// As the command line says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kek => "kek",
            Self::Audit => "audit",
            Self::Fingerprint => "fingerprint",
            Self::Token => "token",
            Self::Row => "row",
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Kek => 1,
            Self::Audit => 2,
            Self::Fingerprint => 3,
            Self::Token => 4,
            Self::Row => 5,
        }
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct RingKey {
    #[zeroize(skip)]
    pub(super) purpose: Use,
    pub(super) id: u32,
    pub(super) active: bool,
    /// Since when it is active, once it is.
    pub(super) created_at: i64,
    pub(super) bytes: [u8; 32],
}

/// The opened ring. No `Debug`, no `Clone`; share it in an `Arc`.
pub struct Ring {
    /// Raised by a restore: row MACs of before do not verify any more.
    pub(super) epoch: u32,
    /// Made by the demo: `serve` refuses it.
    demo: bool,
    /// The end of the root key was typed back: somebody holds a copy.
    confirmed: bool,
    /// Which change of the stored ring this is.
    generation: i64,
    pub(super) keys: Vec<RingKey>,
    /// Shared with the rings that come after this one.
    pub(super) sealed: Arc<Sealings>,
}

impl Ring {
    /// A new ring: one active key of each use.
    pub fn generate(demo: bool, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let keys = Use::ALL
            .into_iter()
            .map(|purpose| {
                let mut key = RingKey { purpose, id: 1, active: true, created_at: now.0, bytes: [0; 32] };
                entropy.fill(&mut key.bytes);
                key
            })
            .collect();
        Self { epoch: 1, demo, confirmed: false, generation: 1, keys, sealed: Arc::default() }
    }

    pub fn is_demo(&self) -> bool {
        self.demo
    }

    /// Was the end of the root key typed back?
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Marks it so; the caller wraps and stores the ring again.
    #[must_use]
    pub fn confirm(mut self) -> Self {
        self.confirmed = true;
        self
    }

    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// The active key of a use.
    pub(super) fn active(&self, purpose: Use) -> Result<(u32, &[u8; 32]), EnvelopeError> {
        self.keys.iter().find(|k| k.purpose == purpose && k.active).map(|k| (k.id, &k.bytes)).ok_or(EnvelopeError::UnknownKek)
    }

    pub(super) fn key(&self, purpose: Use, id: u32) -> Option<&[u8; 32]> {
        self.keys.iter().find(|k| k.purpose == purpose && k.id == id).map(|k| &k.bytes)
    }

    /// The KEK under which new values are sealed.
    pub fn active_kek(&self) -> u32 {
        self.active(Use::Kek).map_or(0, |(id, _)| id)
    }

    /// When the active KEK was made.
    pub fn kek_created_at(&self) -> Timestamp {
        Timestamp(self.keys.iter().find(|k| k.purpose == Use::Kek && k.active).map_or(0, |k| k.created_at))
    }

    /// Seals under the active KEK.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`].
    pub fn seal(&self, place: &Place<'_>, plain: &[u8], entropy: &dyn Entropy) -> Result<Sealed, EnvelopeError> {
        let sealed = envelope::seal(self.active(Use::Kek)?, place, plain, entropy)?;
        self.sealed.add(sealed.kek_id(), 1);
        Ok(sealed)
    }

    /// Opens a value that was sealed for exactly this place.
    ///
    /// # Errors
    /// [`EnvelopeError`]: it was moved, edited, truncated, or its key is unknown.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let kek_id = envelope::kek_of(sealed.bytes())?;
        if kek_id != sealed.kek_id() {
            return Err(EnvelopeError::Opaque);
        }
        let kek = self.key(Use::Kek, kek_id).ok_or(EnvelopeError::UnknownKek)?;
        envelope::open((kek_id, kek), place, sealed.bytes())
    }

    /// Wraps the ring under the root key, bound to its generation.
    ///
    /// # Errors
    /// [`RingError::Malformed`]: more keys than a ring may hold.
    pub fn wrap(&self, root: &RootKey, generation: i64, entropy: &dyn Entropy) -> Result<Vec<u8>, RingError> {
        // Room for all of it: a vector that grows leaves copies behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(6 + self.keys.len() * 46));
        plain.extend_from_slice(&[1u8, u8::from(self.demo) | (u8::from(self.confirmed) << 1)]);
        plain.extend_from_slice(&self.epoch.to_be_bytes());
        for key in &self.keys {
            plain.extend_from_slice(&[key.purpose.code(), u8::from(key.active)]);
            plain.extend_from_slice(&key.id.to_be_bytes());
            plain.extend_from_slice(&key.created_at.to_be_bytes());
            plain.extend_from_slice(&key.bytes);
        }
        let generation = generation.to_string();
        let sealed = envelope::seal((0, &root.0), &ring_place(&generation), &plain, entropy).map_err(|_| RingError::Malformed)?;
        Ok(sealed.bytes().to_vec())
    }

    /// Unwraps; `wrapped_by` is the name of the root key that wrapped it, for the error text only.
    ///
    /// # Errors
    /// [`RingError::WrongRootKey`] when the AEAD refuses, [`RingError::Malformed`] for a ring of an unknown form.
    pub fn unwrap(root: &RootKey, generation: i64, wrapped: &[u8], wrapped_by: &str) -> Result<Self, RingError> {
        let wrong = || RingError::WrongRootKey { expected: wrapped_by.to_owned(), found: root.name() };
        if envelope::kek_of(wrapped) != Ok(0) {
            return Err(RingError::Malformed);
        }
        let place = generation.to_string();
        let plain = envelope::open((0, &root.0), &ring_place(&place), wrapped).map_err(|_| wrong())?;
        parse(&plain).map(|ring| Self { generation, ..ring }).ok_or(RingError::Malformed)
    }
}

fn ring_place(generation: &str) -> Place<'_> {
    Place { table: "key_ring", row: Uuid::nil(), device: Uuid::nil(), kind: generation }
}

fn parse(plain: &[u8]) -> Option<Ring> {
    let (head, mut rest) = plain.split_at_checked(6)?;
    let [1, flags, epoch @ ..] = head else { return None };
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let (entry, tail) = rest.split_at_checked(2 + 4 + 8 + 32)?;
        let (purpose, active) = (*entry.first()?, *entry.get(1)?);
        keys.push(RingKey {
            purpose: Use::ALL.into_iter().find(|u| u.code() == purpose)?,
            active: active == 1,
            id: u32::from_be_bytes(entry.get(2..6)?.try_into().ok()?),
            created_at: i64::from_be_bytes(entry.get(6..14)?.try_into().ok()?),
            bytes: entry.get(14..)?.try_into().ok()?,
        });
        rest = tail;
    }
    let complete = Use::ALL.into_iter().all(|u| keys.iter().filter(|k| k.purpose == u && k.active).count() == 1);
    let epoch = u32::from_be_bytes(epoch.try_into().ok()?);
    let (demo, confirmed) = (flags & 1 != 0, flags & 2 != 0);
    complete.then_some(Ring { epoch, demo, confirmed, generation: 0, keys, sealed: Arc::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RowMac as _;
    use crate::domain::ids::hex;
    use proptest::prelude::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buf: &mut [u8]) {
            for b in buf {
                *b = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    fn fixed() -> Counting {
        Counting(std::sync::atomic::AtomicU8::new(0))
    }

    fn un(hex: &str) -> Vec<u8> {
        let digit = |c: u8| char::from(c).to_digit(16).unwrap();
        hex.as_bytes().chunks(2).map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap()).collect()
    }

    const ROW: Place<'static> = Place { table: "key_versions", row: Uuid::from_u128(7), device: Uuid::from_u128(9), kind: "recovery_key" };

    #[test]
    fn s55_golden_vectors_of_version_one_open() {
        let e = fixed();
        let root = RootKey::generate(&e);
        let ring = Ring::generate(false, Timestamp(1_700_000_000_000_000), &e);
        let wrapped = ring.wrap(&root, 3, &e).unwrap();
        let sealed = ring.seal(&ROW, b"AAAA-BBBB-CCCC-DDDD-EEEE-FFF2", &e).unwrap();
        insta::assert_snapshot!(
            "golden_v1",
            format!(
                "root {}\nring {}\nblob {}\nrow  {}\n",
                root.text().as_str(),
                hex(&wrapped),
                hex(sealed.bytes()),
                hex(ring.row_mac(b"row"))
            )
        );
        let again = Ring::unwrap(&RootKey::parse(&root.text()).unwrap(), 3, &wrapped, "").unwrap();
        assert_eq!(again.open(&ROW, &sealed).unwrap().as_slice(), b"AAAA-BBBB-CCCC-DDDD-EEEE-FFF2");
    }

    /// Bytes of the first release, typed here once: every later one must open them, whatever it writes itself.
    #[test]
    fn s55_a_ring_and_a_blob_of_the_first_release_still_open() {
        let lines = include_str!("golden_v1.txt").lines().map(|l| l.split_once(' ').unwrap());
        let golden: std::collections::HashMap<&str, &str> = lines.map(|(name, value)| (name, value.trim())).collect();
        let root = RootKey::parse(golden["root"]).unwrap();
        let ring = Ring::unwrap(&root, 3, &un(golden["ring"]), "").unwrap();
        let plain = ring.open(&ROW, &Sealed::from_parts(un(golden["blob"]), 1)).unwrap();
        assert_eq!(plain.as_slice(), b"AAAA-BBBB-CCCC-DDDD-EEEE-FFF2");
        assert!(ring.row_mac_ok(b"row", &un(golden["row"])));
        assert!(!ring.row_mac_ok(b"rov", &un(golden["row"])));
    }

    #[test]
    fn s55_known_answers_of_aes_256_gcm() {
        // NIST GCM specification, test case 15 (256-bit key, no AAD).
        use aes_gcm::{
            Aes256Gcm, Key, Nonce,
            aead::{Aead, KeyInit},
        };
        let key: [u8; 32] = un("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").try_into().unwrap();
        let nonce: [u8; 12] = un("cafebabefacedbaddecaf888").try_into().unwrap();
        let plain = un(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
        );
        let got = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key)).encrypt(&Nonce::from(nonce), plain.as_slice()).unwrap();
        assert_eq!(
            hex(&got),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"
        );
    }

    #[test]
    fn s57_another_root_key_or_another_generation_does_not_unwrap() {
        let e = fixed();
        let (root, other) = (RootKey::generate(&e), RootKey::generate(&e));
        let wrapped = Ring::generate(true, Timestamp(0), &e).wrap(&root, 1, &e).unwrap();
        assert!(Ring::unwrap(&root, 1, &wrapped, "").unwrap().is_demo());
        assert!(matches!(Ring::unwrap(&other, 1, &wrapped, "x"), Err(RingError::WrongRootKey { .. })));
        assert!(matches!(Ring::unwrap(&root, 2, &wrapped, "x"), Err(RingError::WrongRootKey { .. })));
        for short in ["", "khroot1_", "khroot1_00", &format!("khroot1_{}", "g".repeat(64)), &format!("khroot1_{}", "+f".repeat(32))] {
            assert_eq!(RootKey::parse(short).err(), Some(RingError::RootKeyForm));
        }
    }

    #[test]
    fn s51_a_sealed_value_opens_in_its_own_place_only() {
        let e = fixed();
        let ring = Ring::generate(false, Timestamp(0), &e);
        let sealed = ring.seal(&ROW, b"secret", &e).unwrap();
        for other in [
            Place { row: Uuid::from_u128(8), ..ROW },
            Place { device: Uuid::from_u128(8), ..ROW },
            Place { kind: "password", ..ROW },
            Place { table: "sign_ins", ..ROW },
        ] {
            assert_eq!(ring.open(&other, &sealed).err(), Some(EnvelopeError::Opaque));
        }
        let moved = Sealed::from_parts(sealed.bytes().to_vec(), 2);
        assert_eq!(ring.open(&ROW, &moved).err(), Some(EnvelopeError::Opaque));
    }

    proptest! {
        #[test]
        fn s53_every_mutation_is_a_typed_error(at in 0usize..200, bit in 0u8..8, cut in 0usize..200) {
            let e = fixed();
            let ring = Ring::generate(false, Timestamp(0), &e);
            let good = ring.seal(&ROW, b"AAAA-BBBB-CCCC-DDDD-EEEE-FFF2", &e).unwrap();
            let mut bytes = good.bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let kek = envelope::kek_of(&bytes).unwrap_or(1);
            let flipped = ring.open(&ROW, &Sealed::from_parts(bytes, kek));
            prop_assert!(flipped.is_err());
            let cut = cut % good.bytes().len();
            let truncated = ring.open(&ROW, &Sealed::from_parts(good.bytes()[..cut].to_vec(), 1));
            prop_assert!(truncated.is_err());
        }

        #[test]
        fn s53_no_ring_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(parse(&bytes).is_none() || bytes.first() == Some(&1));
        }
    }
}
