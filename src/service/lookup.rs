//! Tokens of requests that come at a time are looked up together, each after its request came: many that share one token cost one
//! statement, and a revoked token is refused from its revocation on. Deposits need this for a token's first one only (`depositor`).

use tokio::sync::oneshot;

use super::gather::{Gather, Origin, as_asked_by, origin};
use super::{Keyharbor, Result, ServiceError};
use crate::domain::integrity::Attested;
use crate::domain::token::ApiToken;
use crate::store::{Reader, StoreError};

/// Most of one statement.
const BATCH: usize = 256;
/// So many statements are asked of a connection that nobody else gets meanwhile.
const KEPT_FOR: usize = 20;

type Found = Option<Attested<ApiToken>>;

/// A token's id, and who asks for its row.
pub(crate) struct Wanted {
    id: String,
    answer: oneshot::Sender<Result<Found>>,
    origin: Origin,
}

pub(crate) type Lookups = Gather<Wanted>;

impl Keyharbor {
    /// The row of that id, as it is after this call began.
    pub(super) async fn token_row(&self, id: &str) -> Result<Found> {
        self.retry(async || self.ask_for_token(id).await).await
    }

    async fn ask_for_token(&self, id: &str) -> Result<Found> {
        let (answer, found) = oneshot::channel();
        if self.lookups.push(Wanted { id: id.to_owned(), answer, origin: origin() }) {
            let service = self.clone();
            self.lookups.runtime().spawn(async move { service.serve_lookups().await });
        }
        found.await.unwrap_or_else(|_| Err(ServiceError::Store(StoreError::Unavailable("the reader ended".to_owned()))))
    }

    async fn serve_lookups(&self) {
        let mut server = self.lookups.serve();
        let (mut kept, mut asked) = (None, 0);
        while let Some(wanted) = server.next(|jobs| jobs.drain(..jobs.len().min(BATCH)).collect()) {
            asked += 1;
            let reader = kept.take().filter(|_| asked % KEPT_FOR > 0);
            as_asked_by(wanted.first().map(|w| w.origin.clone()), self.look_up(wanted, reader, &mut kept)).await;
        }
    }

    /// Puts the connection back to be kept, if it answered.
    async fn look_up(&self, wanted: Vec<Wanted>, reader: Option<Reader>, kept: &mut Option<Reader>) {
        let mut ids: Vec<&str> = wanted.iter().map(|w| w.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = async {
            let mut reader = match reader {
                Some(reader) => reader,
                None => self.store.reader().await?,
            };
            let found = reader.tokens_by_ids(&ids).await?;
            // What was read may be under a new key.
            self.ring_after(found.generation, &mut reader).await?;
            *kept = Some(reader);
            Ok::<_, StoreError>(found.rows)
        };
        let rows = rows.await;
        for Wanted { id, answer, .. } in wanted {
            let found = rows.as_ref().map(|rows| rows.iter().find(|row| row.parts().0.id == id).cloned());
            drop(answer.send(found.map_err(|e| ServiceError::Store(e.clone()))));
        }
    }
}
