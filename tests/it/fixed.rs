//! Time that stands still until told otherwise, and randomness that is the same each run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use keyharbor::domain::{Clock, Entropy, Env, Timestamp};
use sha2::{Digest, Sha256};

/// 2026-11-22T07:30:00Z, where tests begin.
pub const START: Timestamp = Timestamp(1_795_332_600_000_000);

/// A clock that moves only when it is moved.
pub struct FixedClock(AtomicI64);

impl FixedClock {
    pub fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(start.0)))
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// SHA-256 of a seed and a counter: looks random, repeats.
pub struct SeededEntropy {
    seed: u64,
    count: AtomicU64,
}

impl SeededEntropy {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { seed, count: AtomicU64::new(0) })
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(32) {
            let n = self.count.fetch_add(1, Ordering::SeqCst);
            let block = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(n.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// A clock at [`START`] and an environment that holds it.
pub fn env(seed: u64) -> (Arc<FixedClock>, Env) {
    let clock = FixedClock::at(START);
    (Arc::clone(&clock), Env { clock, entropy: SeededEntropy::new(seed) })
}
