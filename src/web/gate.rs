//! How often a network may begin a sign-in. Each one opens a row for ten minutes, and their number has a cap; so nobody can
//! use it up from outside.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::service::throttle::network;

/// A company behind one address may all sign in after an outage.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(239);
/// Networks remembered before those at rest are forgotten.
const MOST_NETWORKS: usize = 10_000;

/// Counts per /24 or /56, in this process.
pub struct Gate(DefaultKeyedRateLimiter<String>);

impl Default for Gate {
    fn default() -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(PER_MINUTE)))
    }
}

impl Gate {
    /// May this address begin one more? Otherwise: in how many seconds.
    ///
    /// # Errors
    /// Seconds to wait, at least 1.
    pub fn pass(&self, address: Option<IpAddr>) -> Result<(), i64> {
        if self.0.len() > MOST_NETWORKS {
            self.0.retain_recent();
        }
        self.0.check_key(&network(address)).map_err(|no| {
            let wait = no.wait_time_from(DefaultClock::default().now()).as_secs();
            i64::try_from(wait).unwrap_or(60).saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_held_and_another_passes() {
        let gate = Gate::default();
        let at = |text: &str| text.parse().ok();
        let passed = (0..1000).filter(|_| gate.pass(at("192.0.2.1")).is_ok()).count();
        assert!((240..300).contains(&passed), "{passed}");
        assert!(gate.pass(at("192.0.2.200")).is_err_and(|seconds| seconds >= 1), "the same /24");
        assert_eq!(gate.pass(at("198.51.100.1")), Ok(()));
    }
}
