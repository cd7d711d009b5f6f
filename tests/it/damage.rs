//! Every flipped bit, every cut and every odd byte of what is stored is a typed error, and which one is known beforehand.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use keyharbor::crypto::envelope::EnvelopeError;
use keyharbor::crypto::keyring::RingError;
use keyharbor::crypto::{Place, Purpose, Ring, RootKey};
use keyharbor::domain::{ChainMac as _, Env, RowMac as _, Sealed};
use proptest::prelude::*;
use uuid::Uuid;

use crate::fixed;

const PLACE: Place<'static> = Place { table: "key_versions", row: Uuid::from_u128(7), device: Uuid::from_u128(9), kind: "recovery_key" };
const KEY: &[u8] = b"AAAA-BBBB-CCCC-DDDD-EEEE-FFF2";
/// Version, KEK, salt, nonce; and the tag at the end.
const HEAD: usize = 1 + 4 + 32 + 12;
const SHORTEST: usize = HEAD + 16;

fn ring(env: &Env) -> Ring {
    Ring::generate(false, env.now(), env.entropy.as_ref())
}

/// As the database would give it back: the KEK's number stands in a column too.
fn open(ring: &Ring, bytes: &[u8], kek: u32) -> Option<EnvelopeError> {
    ring.open(&PLACE, &Sealed::from_parts(bytes.to_vec(), kek)).err()
}

fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, u8, Vec<u8>)> {
    (0..bytes.len() * 8).map(|n| {
        let (at, bit) = (n / 8, (n % 8) as u8);
        let mut other = bytes.to_vec();
        other[at] ^= 1 << bit;
        (at, bit, other)
    })
}

#[test]
fn s53_every_flipped_bit_and_every_cut_of_a_blob_is_its_own_error() {
    let (_, env) = fixed::env(3);
    let ring = ring(&env);
    let good = ring.seal(&PLACE, KEY, env.entropy.as_ref()).unwrap();
    assert_eq!((good.kek_id(), good.bytes().len()), (1, SHORTEST + KEY.len()));
    for (at, bit, bytes) in flips(good.bytes()) {
        assert_eq!(open(&ring, &bytes, 1), Some(EnvelopeError::Opaque), "byte {at} bit {bit}");
        if (1..5).contains(&at) {
            // The column was changed along with it: such a KEK there is not.
            let kek = u32::from_be_bytes(bytes[1..5].try_into().unwrap());
            assert_eq!(open(&ring, &bytes, kek), Some(EnvelopeError::UnknownKek), "byte {at} bit {bit}");
        }
    }
    for cut in 0..good.bytes().len() {
        assert_eq!(open(&ring, &good.bytes()[..cut], 1), Some(EnvelopeError::Opaque), "the first {cut}");
    }
    for more in [&b"\0"[..], b"\xff", &[0; 100]] {
        assert_eq!(open(&ring, &[good.bytes(), more].concat(), 1), Some(EnvelopeError::Opaque));
    }
    assert_eq!(open(&ring, good.bytes(), 1), None, "and the whole one opens");
}

#[test]
fn s53_every_flipped_bit_and_every_cut_of_a_wrapped_ring_is_its_own_error() {
    let (_, env) = fixed::env(4);
    let root = RootKey::generate(env.entropy.as_ref());
    let wrapped = ring(&env).wrap(&root, 1, env.entropy.as_ref()).unwrap();
    let wrong = RingError::WrongRootKey { expected: "first".into(), found: root.name() };
    let unwrap = |bytes: &[u8]| Ring::unwrap(&root, 1, bytes, "first").err();
    for (at, bit, bytes) in flips(&wrapped) {
        let want = if at < 5 { &RingError::Malformed } else { &wrong };
        assert_eq!(unwrap(&bytes).as_ref(), Some(want), "byte {at} bit {bit}");
    }
    for cut in 0..wrapped.len() {
        let want = if cut < SHORTEST { &RingError::Malformed } else { &wrong };
        assert_eq!(unwrap(&wrapped[..cut]).as_ref(), Some(want), "the first {cut}");
    }
    assert_eq!(unwrap(&[wrapped.as_slice(), b"\0"].concat()), Some(wrong));
    assert_eq!(unwrap(&wrapped), None);
}

#[test]
fn s53_every_flipped_bit_and_every_cut_of_a_mac_verifies_nothing() {
    let (_, env) = fixed::env(5);
    let ring = ring(&env);
    let (token, row, link) = (ring.token_hash(Purpose::ApiToken, b"s"), ring.row_mac(b"s"), ring.chain(b"p", b"s"));
    type Check = fn(&Ring, &[u8]) -> bool;
    let checks: [(&[u8], Check); 3] = [
        (&token, |ring, mac| ring.token_hash_ok(Purpose::ApiToken, b"s", mac)),
        (&row, |ring, mac| ring.row_mac_ok(b"s", mac)),
        (&link, |ring, mac| ring.chain_ok(b"p", b"s", mac)),
    ];
    for (mac, ok) in checks {
        assert!(ok(&ring, mac));
        assert!(flips(mac).all(|(.., other)| !ok(&ring, &other)));
        assert!((0..mac.len()).all(|cut| !ok(&ring, &mac[..cut])));
        assert!(!ok(&ring, &[mac, &[0]].concat()));
    }
    assert!(!ring.row_mac_ok(b"s", &token) && !ring.chain_ok(b"p", b"s", &row), "each key has one use");
}

proptest! {
    #[test]
    fn s53_odd_bytes_are_no_ring_no_blob_and_no_mac(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..400), kek in any::<u32>(), like in 0usize..3,
    ) {
        let (_, env) = fixed::env(6);
        let root = RootKey::generate(env.entropy.as_ref());
        let ring = ring(&env);
        // Some begin as the true ones do.
        let head: &[u8] = [&[][..], &[1u8, 0, 0, 0, 0], &[1, 0, 0, 0, 1]][like];
        bytes.splice(0..head.len().min(bytes.len()), head.iter().copied());
        let unwrapped = Ring::unwrap(&root, 1, &bytes, "").err();
        let refused = matches!(unwrapped, Some(RingError::Malformed | RingError::WrongRootKey { .. }));
        prop_assert!(refused, "{:?}", unwrapped);
        for kek in [kek, 0, 1] {
            prop_assert!(matches!(open(&ring, &bytes, kek), Some(EnvelopeError::Opaque | EnvelopeError::UnknownKek)));
        }
        for purpose in [
            Purpose::Session,
            Purpose::SignInState,
            Purpose::SignInBrowser,
            Purpose::ApiToken,
            Purpose::Csrf,
            Purpose::OnceKey,
            Purpose::OnceBody,
        ] {
            prop_assert!(!ring.token_hash_ok(purpose, b"s", &bytes));
        }
        prop_assert!(!ring.row_mac_ok(b"s", &bytes) && !ring.chain_ok(b"p", b"s", &bytes));
    }
}

fn un(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn s55_known_answers_of_aes_256_gcm_with_additional_data() {
    // McGrew and Viega's GCM specification as submitted to NIST, test case 16.
    let key: [u8; 32] = un("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").try_into().unwrap();
    let nonce = Nonce::from(<[u8; 12]>::try_from(un("cafebabefacedbaddecaf888")).unwrap());
    let aad = un("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain =
        un("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    let want = un(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    );
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key));
    assert_eq!(cipher.encrypt(&nonce, Payload { msg: &plain, aad: &aad }).unwrap(), want);
    assert_eq!(cipher.decrypt(&nonce, Payload { msg: &want, aad: &aad }).unwrap(), plain);
    for (at, bit, other) in flips(&want) {
        assert!(cipher.decrypt(&nonce, Payload { msg: &other, aad: &aad }).is_err(), "byte {at} bit {bit}");
    }
    for (at, bit, other) in flips(&aad) {
        assert!(cipher.decrypt(&nonce, Payload { msg: &want, aad: &other }).is_err(), "byte {at} bit {bit} of the data");
    }
    assert!(cipher.decrypt(&nonce, Payload { msg: &want, aad: b"" }).is_err());
}
