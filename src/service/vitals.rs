//! How the server is: whether it answers, whether it is about to stop, and what it has counted.

use std::sync::atomic::Ordering;

use super::Keyharbor;
use crate::store::{Engine, PATIENCE};
use crate::telemetry::metrics::{Metrics, Snapshot};

impl Keyharbor {
    /// Does the database answer?
    pub async fn database_answers(&self) -> bool {
        matches!(tokio::time::timeout(PATIENCE, self.store.ping()).await, Ok(Ok(())))
    }

    /// From now on this replica calls itself not ready, so that whoever shares the work out sends it nothing new.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Everything counted and measured, as OpenMetrics text. Asks nobody: it answers when the database does not.
    pub fn metrics_text(&self) -> String {
        self.metrics.text(&Snapshot {
            sealed: self.is_sealed(),
            stopping: self.is_stopping(),
            provider_up: !self.provider_is_down(),
            engine: match self.store.engine() {
                Engine::Sqlite => "sqlite",
                Engine::Postgres => "postgres",
            },
            waiting: self.queue.waiting(),
            pools: self.store.pools(),
            servers: self.store.servers().map_or_else(Vec::new, |servers| {
                vec![("writing", servers.writing), ("reading", servers.reading), ("silent", servers.silent)]
            }),
        })
    }
}
