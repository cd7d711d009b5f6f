//! The real source of randomness, as `serve` has it: every other test has one that repeats.

use std::collections::HashSet;

use keyharbor::service::clock;

#[test]
fn s25_s03_the_systems_secrets_are_256_bits_and_none_comes_twice() {
    const MANY: usize = 10_000;
    let (_, env) = clock::system();
    let secrets: HashSet<[u8; 32]> = (0..MANY).map(|_| env.secret()).collect();
    assert_eq!(secrets.len(), MANY);
    for bit in 0..256 {
        // Ten standard deviations to each side: a bit that is stuck or leans is found, chance is not.
        let set = secrets.iter().filter(|s| s[bit / 8] >> (bit % 8) & 1 == 1).count();
        assert!((MANY * 45 / 100..=MANY * 55 / 100).contains(&set), "bit {bit} is set in {set}");
    }
    // Two servers that start at once share nothing.
    let (_, other) = clock::system();
    assert!((0..MANY).all(|_| !secrets.contains(&other.secret())));
}
