//! What was answered to a request that its caller may send again (`Idempotency-Key`).

use super::ids::Timestamp;
use super::integrity::{Canonical, Deciding};

/// A row of `idempotency_keys`. It holds no key of any kind: two keyed hashes, and an answer of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Of the token and the `Idempotency-Key`.
    pub key_hash: Vec<u8>,
    /// Of what was asked: method, address, body.
    pub body_hash: Vec<u8>,
    /// HTTP status; 0 when the request came to nothing, so that another may take its place.
    pub status: i64,
    /// The answer's body, JSON.
    pub answer: String,
    pub created_at: Timestamp,
}

/// Seconds that an answer is kept.
pub const KEPT_SECONDS: i64 = 24 * 3600;

impl Deciding for Answered {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("idempotency_keys")
            .bytes(&self.key_hash)
            .bytes(&self.body_hash)
            .int(self.status)
            .text(&self.answer)
            .int(self.created_at.0)
            .done()
    }
}

impl Answered {
    /// Is this an answer that still counts at `now`?
    pub fn counts(&self, now: Timestamp) -> bool {
        self.status != 0 && now.seconds_since(self.created_at) < KEPT_SECONDS
    }
}
