//! Byte strings that are frozen from the first release, as `src/crypto/golden_v1.txt` has them: keyed hashes, fingerprints,
//! the chain of the trail, and what the MAC of every row covers. A line there never changes; a new kind of row adds one.

use std::collections::BTreeMap;

use keyharbor::crypto::{Purpose, Ring, RootKey};
use keyharbor::domain::ids::DeviceId;
use keyharbor::domain::recovery_key::RecoveryKey;
use keyharbor::domain::{ChainMac as _, Deciding as _, RowMac as _, SecretKind, hex};

use crate::filled;

const FILE: &str = include_str!("../../src/crypto/golden_v1.txt");
const SECRET: &[u8] = b"a secret of the first release";
const PURPOSES: [(&str, Purpose); 7] = [
    ("token-session", Purpose::Session),
    ("token-state", Purpose::SignInState),
    ("token-browser", Purpose::SignInBrowser),
    ("token-api", Purpose::ApiToken),
    ("token-csrf", Purpose::Csrf),
    ("token-idempotency-key", Purpose::OnceKey),
    ("token-idempotency-body", Purpose::OnceBody),
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn frozen() -> BTreeMap<&'static str, &'static str> {
    FILE.lines().map(|line| line.split_once(' ').map(|(name, value)| (name, value.trim())).unwrap()).collect()
}

/// The ring of the first release, from its own golden line.
fn ring() -> Ring {
    Ring::unwrap(&RootKey::parse(frozen()["root"]).unwrap(), 3, &bytes(frozen()["ring"]), "").unwrap()
}

/// What this code makes of the same input.
fn made() -> Vec<(&'static str, Vec<u8>)> {
    let ring = ring();
    let mut all: Vec<_> = PURPOSES.map(|(name, purpose)| (name, ring.token_hash(purpose, SECRET))).into();
    let key = RecoveryKey::parse("AAAA-BBBB-CCCC-DDDD-EEEE-FFF2").unwrap();
    all.push(("fingerprint", ring.fingerprint(DeviceId(filled::id(33)), SecretKind::RecoveryKey, &key)));
    let (full, bare) = (filled::event(), filled::bare_event());
    all.push(("personal-text", full.personal_text().into_bytes()));
    all.push(("personal", ring.personal(&full.salt, &full.personal_text())));
    all.push(("personal-none", ring.personal(&bare.salt, &bare.personal_text())));
    let mac_of = |event: &keyharbor::domain::Event| ring.personal(&event.salt, &event.personal_text());
    let (first, next) = (bare.canonical(1, &mac_of(&bare)), full.canonical(2, &mac_of(&full)));
    let begin = ring.chain(&[], &first);
    all.push(("event-bare", first));
    all.push(("event", next.clone()));
    all.push(("chain-next", ring.chain(&begin, &next)));
    all.push(("chain-first", begin));
    all.push(("owner", filled::owner().canonical()));
    all.push(("binding", filled::binding().canonical()));
    all.push(("session", filled::session().canonical()));
    all.push(("session-bare", filled::bare_session().canonical()));
    all.push(("api-token", filled::token().canonical()));
    all.push(("api-token-bare", filled::bare_token().canonical()));
    all.push(("grant", filled::grant().canonical()));
    all.push(("grant-bare", filled::bare_grant().canonical()));
    all.push(("answered", filled::answered().canonical()));
    all.push(("version", filled::version().canonical()));
    all.push(("device", filled::device().canonical()));
    all.push(("device-mac", ring.row_mac(&filled::device().canonical())));
    all
}

#[test]
fn s55_every_byte_string_of_the_first_release_is_made_again() {
    let (frozen, made) = (frozen(), made());
    let text = made.iter().fold(String::new(), |text, (name, value)| format!("{text}{name} {}\n", hex(value)));
    for (name, value) in &made {
        assert_eq!(frozen.get(name).copied(), Some(hex(value).as_str()), "{name}; all that is made now:\n{text}");
    }
    let mut names: Vec<_> = made.iter().map(|(name, _)| *name).chain(["root", "ring", "blob", "row"]).collect();
    names.sort_unstable();
    assert_eq!(frozen.into_keys().collect::<Vec<_>>(), names, "every line is held");
}

#[test]
fn s55_hashes_and_macs_of_the_first_release_still_verify() {
    let (ring, frozen) = (ring(), frozen());
    let value = |name: &str| bytes(frozen[name]);
    for (name, purpose) in PURPOSES {
        for (other, _) in PURPOSES {
            assert_eq!(ring.token_hash_ok(purpose, SECRET, &value(other)), other == name, "{name} {other}");
        }
    }
    assert!(ring.chain_ok(&[], &value("event-bare"), &value("chain-first")));
    assert!(ring.chain_ok(&value("chain-first"), &value("event"), &value("chain-next")));
    assert!(!ring.chain_ok(&[], &value("event"), &value("chain-next")), "without what stood before");
    assert!(ring.row_mac_ok(&value("device"), &value("device-mac")));
    assert!(!ring.row_mac_ok(&value("owner"), &value("device-mac")));
}
