//! Two transactions that meet, on PostgreSQL, without a clock: the first commits as soon as the second waits for it.

use keyharbor::store::Tx;
use sqlx::{Connection, PgConnection};

use crate::world::World;

/// Commits `first` once another transaction on the same database waits for a lock.
pub async fn commit_when_awaited(world: &World, first: Tx) {
    let mut conn = PgConnection::connect(&world.fresh.url).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut conn).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    first.commit_unrecorded().await.unwrap();
}
