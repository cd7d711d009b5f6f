//! The one room that reads the wall clock and the operating system's random source.
//!
//! On PostgreSQL "now" is monotonic time plus an offset that is measured at the database every 30 s, so that replicas
//! agree whatever their own clocks say.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::domain::ids::{Clock, Entropy, Env, Timestamp};
use crate::store::{Store, StoreError};

/// Random bytes of the operating system.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buf: &mut [u8]) {
        // A kernel that gives no randomness leaves nothing that could safely go on.
        if getrandom::fill(buf).is_err() {
            std::process::abort();
        }
    }
}

/// The machine's clock, corrected by the database's where there is one.
pub struct ServerClock {
    start: Instant,
    /// Microseconds since the epoch at `start`.
    base: AtomicI64,
}

impl Default for ServerClock {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one room that owns the wall clock")]
        let now = chrono::Utc::now().timestamp_micros();
        Self::starting_at(Timestamp(now))
    }
}

impl ServerClock {
    /// One on a machine that believes it is then.
    pub fn starting_at(now: Timestamp) -> Self {
        Self { start: Instant::now(), base: AtomicI64::new(now.0) }
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// Measures the offset once.
    ///
    /// # Errors
    /// [`StoreError`]: the database did not answer; the old offset stays.
    pub async fn measure(&self, store: &Store) -> Result<(), StoreError> {
        let before = self.elapsed();
        let now = match store.now().await? {
            Some(now) => now.0,
            None => {
                #[expect(clippy::disallowed_methods, reason = "the one room that owns the wall clock")]
                let now = chrono::Utc::now().timestamp_micros();
                now
            }
        };
        let middle = before.midpoint(self.elapsed());
        self.base.store(now.saturating_sub(middle), Ordering::Relaxed);
        Ok(())
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.base.load(Ordering::Relaxed).saturating_add(self.elapsed()))
    }
}

/// The real clock and the real entropy.
pub fn system() -> (Arc<ServerClock>, Env) {
    let clock = Arc::new(ServerClock::default());
    (clock.clone(), Env { clock, entropy: Arc::new(OsEntropy) })
}
