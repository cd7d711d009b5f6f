//! Deposits that come at a time share a transaction: one fsync, one lock of the trail, a few statements.
//!
//! A batch is what queued while the last commit ran, so a lone caller waits for nobody. One batch runs at a time; while more waits, the
//! next begins on the same connection where that spares ways to the database. The queue is bounded, and what finds no room is refused
//! at once. A batch shares its fate in the database only: one that fails for a reason of its own is tried again request by request, so
//! that the one with the fault fails alone. Viewings never come through here.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Answers, Full, Work};
use crate::service::gather::{Gather, Origin, as_asked_by, origin};
use crate::service::once::Done;
use crate::service::{Keyharbor, Result, ServiceError};
use crate::store::{StoreError, Tx};

/// Most deposits that wait at a time, and most of one transaction.
const ROOM: u32 = 2048;
const BATCH: usize = 256;

/// A piece of work, and who waits for it.
struct Job {
    work: Work,
    answer: oneshot::Sender<Result<Done<Answers>>>,
    origin: Origin,
    /// Given back when the work is done.
    _room: OwnedSemaphorePermit,
}

/// What waits to be stored.
pub struct Queue {
    line: Gather<Job>,
    room: Arc<Semaphore>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { line: Gather::default(), room: Arc::new(Semaphore::new(ROOM as usize)) }
    }
}

impl Queue {
    /// Is there a next batch, as it looks now?
    pub(super) fn goes_on(&self) -> bool {
        self.line.waits()
    }

    /// How many deposits wait, those that are being stored included.
    pub fn waiting(&self) -> usize {
        (ROOM as usize).saturating_sub(self.room.available_permits())
    }
}

/// Takes out what fits, in the order of arrival; jobs that nobody waits for any more are let go.
fn choose(jobs: &mut VecDeque<Job>) -> Vec<Job> {
    let (mut batch, mut size) = (Vec::new(), 0);
    while let Some(job) = jobs.pop_front() {
        if job.answer.is_closed() {
            continue;
        }
        // A key of which another job of this batch will leave the answer: that job has to be done first.
        let waits =
            job.work.keep.as_ref().is_some_and(|keep| {
                batch.iter().filter_map(|job: &Job| job.work.keep.as_ref()).any(|other| other.once.same_key(&keep.once))
            });
        if waits || (size > 0 && size + job.work.size() > BATCH) {
            jobs.push_front(job);
            break;
        }
        size += job.work.size();
        batch.push(job);
    }
    batch
}

impl Work {
    fn size(&self) -> usize {
        (self.deposits.len() + self.unread.len()).max(1)
    }
}

impl Keyharbor {
    /// Puts work into the queue and waits until it is stored.
    pub(super) async fn enqueue(&self, work: Work, full: Full) -> Result<Done<Answers>> {
        self.ring()?;
        let answered = async {
            let room = Arc::clone(&self.queue.room);
            let size = u32::try_from(work.size()).unwrap_or(ROOM);
            // Whose token was never good was refused before this. One that ended since this process knew it is told "busy" and not
            // 401: only its row says so, and a full queue is no time to read it for callers who are turned away either way.
            let room = match full {
                Full::Refuse => room.try_acquire_many_owned(size).map_err(|_| self.busy())?,
                Full::Wait => room.acquire_many_owned(size).await.map_err(|_| self.busy())?,
            };
            let (answer, answered) = oneshot::channel();
            if self.queue.line.push(Job { work, answer, origin: origin(), _room: room }) {
                let service = self.clone();
                self.queue.line.runtime().spawn(async move { service.serve_queue().await });
            }
            answered.await.unwrap_or_else(|_| Err(ServiceError::Store(StoreError::Unavailable("the writer ended".to_owned()))))
        };
        self.patiently(answered).await
    }

    /// Not everybody is to come back at the same moment.
    fn busy(&self) -> ServiceError {
        self.metrics.turned_away();
        let mut dice = [0u8; 1];
        self.env.entropy.fill(&mut dice);
        ServiceError::Busy { retry_after: 1 + u32::from(dice[0] % 10) }
    }

    async fn serve_queue(&self) {
        let mut server = self.queue.line.serve();
        let mut begun = None;
        while let Some(jobs) = server.next(choose) {
            as_asked_by(jobs.first().map(|job| job.origin.clone()), self.serve(jobs, &mut begun)).await;
        }
    }

    /// A panic is a fault of one request, too.
    async fn store_caught(&self, work: &[&Work], begun: &mut Option<Tx>) -> Result<Vec<Result<Done<Answers>>>> {
        let stored = AssertUnwindSafe(self.store_batch(work, begun)).catch_unwind().await;
        stored.unwrap_or(Err(ServiceError::Internal("a batch of deposits panicked")))
    }

    /// `begun`: a transaction that the batch before has begun for this one, or that this one has begun for the next.
    async fn serve(&self, jobs: Vec<Job>, begun: &mut Option<Tx>) {
        let work: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
        match self.store_caught(&work, begun).await {
            Ok(answers) => {
                for (job, answer) in jobs.into_iter().zip(answers) {
                    drop(job.answer.send(answer));
                }
            }
            // An outage is everybody's.
            Err(e) if jobs.len() == 1 || e.is_outage() => {
                let mut error = Some(e);
                for job in jobs {
                    let copy = error.as_ref().and_then(ServiceError::copied).or_else(|| error.take());
                    drop(job.answer.send(Err(copy.unwrap_or(ServiceError::Internal("a batch failed")))));
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, requests = jobs.len(), "a batch of deposits is tried one by one");
                // Whoever has been told already that it took too long is not waited for once more.
                for job in jobs.into_iter().filter(|job| !job.answer.is_closed()) {
                    let alone = self.store_caught(&[&job.work], begun).await.map(|mut answers| answers.pop());
                    let answer = alone.and_then(|answer| answer.unwrap_or(Err(ServiceError::Internal("no answer"))));
                    drop(job.answer.send(answer));
                }
            }
        }
    }
}
