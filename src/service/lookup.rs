//! Questions that come at a time are asked together, each after its request came: many that share one token, or a fleet that asks
//! whether its keys are escrowed, cost a few statements, and a revoked token is refused from its revocation on.
//!
//! A [`Question`] says which line it waits in and how all of a line are asked. Deposits ask for a token's first one only (`depositor`).

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::gather::{Gather, Origin, as_asked_by, origin};
use super::{Keyharbor, Result, ServiceError};
use crate::domain::integrity::Attested;
use crate::domain::token::ApiToken;
use crate::store::{Reader, StoreError};

/// Most that are asked at once.
const BATCH: usize = 256;
/// So often a connection is asked that nobody else gets meanwhile.
const KEPT_FOR: usize = 20;

pub(super) trait Question: Sized + Send + Sync + 'static {
    type Answer: Send + 'static;

    /// Where such questions wait.
    fn line(lookups: &Lookups) -> &Line<Self>;

    /// The answers to them, in their order.
    fn ask(of: &Keyharbor, reader: &mut Reader, all: &[Self]) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

/// A question, and who waits for the answer.
pub(super) struct Asked<Q: Question> {
    question: Q,
    answer: oneshot::Sender<Result<Q::Answer>>,
    origin: Origin,
}

pub(super) type Line<Q> = Gather<Asked<Q>>;

/// What waits to be asked.
#[derive(Default)]
pub(super) struct Lookups {
    tokens: Line<TokenRow>,
    pub macs: Line<super::status::MacRow>,
}

/// The first that somebody waits for.
fn choose<Q: Question>(jobs: &mut VecDeque<Asked<Q>>) -> Vec<Asked<Q>> {
    jobs.retain(|job| !job.answer.is_closed());
    jobs.drain(..jobs.len().min(BATCH)).collect()
}

impl Keyharbor {
    /// The answer as it is after this call began.
    pub(super) async fn look_up<Q: Question + Clone>(&self, question: Q) -> Result<Q::Answer> {
        self.retry(async || self.look_up_once(question.clone()).await).await
    }

    async fn look_up_once<Q: Question>(&self, question: Q) -> Result<Q::Answer> {
        let (answer, answered) = oneshot::channel();
        let line = Q::line(&self.lookups);
        if line.push(Asked { question, answer, origin: origin() }) {
            let service = self.clone();
            line.runtime().spawn(async move { service.serve_lookups::<Q>().await });
        }
        answered.await.unwrap_or_else(|_| Err(ServiceError::Store(StoreError::Unavailable("the reader ended".to_owned()))))
    }

    async fn serve_lookups<Q: Question>(&self) {
        let mut server = Q::line(&self.lookups).serve();
        let (mut kept, mut asked) = (None, 0);
        while let Some(jobs) = server.next(choose) {
            asked += 1;
            let reader = kept.take().filter(|_| asked % KEPT_FOR > 0);
            as_asked_by(jobs.first().map(|job| job.origin.clone()), self.ask_all(jobs, reader, &mut kept)).await;
        }
    }

    /// Puts the connection back to be kept, if it answered.
    async fn ask_all<Q: Question>(&self, jobs: Vec<Asked<Q>>, reader: Option<Reader>, kept: &mut Option<Reader>) {
        let (questions, waiting): (Vec<Q>, Vec<_>) = jobs.into_iter().map(|job| (job.question, job.answer)).unzip();
        let answers = async {
            let mut reader = match reader {
                Some(reader) => reader,
                None => self.store.reader().await?,
            };
            let answers = Q::ask(self, &mut reader, &questions).await?;
            *kept = Some(reader);
            Ok::<_, StoreError>(answers)
        };
        match answers.await {
            Ok(answers) => waiting.into_iter().zip(answers).for_each(|(waiting, answer)| drop(waiting.send(Ok(answer)))),
            Err(e) => waiting.into_iter().for_each(|waiting| drop(waiting.send(Err(ServiceError::Store(e.clone()))))),
        }
    }
}

/// The row of the token with that id.
#[derive(Clone)]
pub(super) struct TokenRow(pub String);

impl Question for TokenRow {
    type Answer = Option<Attested<ApiToken>>;

    fn line(lookups: &Lookups) -> &Line<Self> {
        &lookups.tokens
    }

    async fn ask(of: &Keyharbor, reader: &mut Reader, all: &[Self]) -> Result<Vec<Self::Answer>, StoreError> {
        let mut ids: Vec<&str> = all.iter().map(|token| token.0.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = reader.tokens_by_ids(&ids).await?;
        // What was read may be under a new key.
        of.ring_after(found.generation, reader).await?;
        Ok(all.iter().map(|token| found.rows.iter().find(|row| row.parts().0.id == token.0).cloned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_any_more_is_not_asked() {
        let ask = |n: usize| {
            let (answer, waiting) = oneshot::channel();
            (Asked { question: TokenRow(n.to_string()), answer, origin: origin() }, waiting)
        };
        let (mut jobs, mut waiting): (VecDeque<_>, Vec<_>) = (0..2 * BATCH).map(ask).unzip();
        waiting.truncate(BATCH + 1);
        waiting.remove(0);
        let chosen = choose(&mut jobs);
        assert_eq!(chosen.len(), BATCH);
        assert!(chosen.iter().zip(1..).all(|(job, n)| job.question.0 == n.to_string()));
        assert_eq!(choose(&mut jobs).len(), 0);
    }
}
