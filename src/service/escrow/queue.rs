//! Deposits that come at a time share a transaction: one fsync, one lock of the trail, one statement a table.
//!
//! A batch is what queued while the last commit ran, so a lone caller waits for nobody. One batch runs at a time; the queue is
//! bounded, and what finds no room is refused at once. A batch shares its fate in the database only: one that fails for a reason
//! of its own is tried again request by request, so that the one with the fault fails alone. Viewings never come through here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{Instrument as _, Span};

use super::{Answers, Full, Work};
use crate::service::once::Done;
use crate::service::{Keyharbor, PATIENCE, Result, ServiceError};
use crate::store::StoreError;

/// Most deposits that wait at a time, and most of one transaction.
const ROOM: u32 = 2048;
const BATCH: usize = 256;

/// A piece of work, and who waits for it.
struct Job {
    work: Work,
    answer: oneshot::Sender<Result<Done<Answers>>>,
    span: Span,
    /// Given back when the work is done.
    _room: OwnedSemaphorePermit,
}

/// What waits to be stored.
pub struct Queue {
    line: Mutex<Line>,
    room: Arc<Semaphore>,
    /// Where batches run: not on a thread that answers requests.
    runtime: Option<Handle>,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Somebody takes the jobs out.
    served: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self { line: Mutex::default(), room: Arc::new(Semaphore::new(ROOM as usize)), runtime: Handle::try_current().ok() }
    }
}

impl Queue {
    /// `true`: nobody takes the jobs out yet.
    fn push(&self, job: Job) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.jobs.push_back(job);
        !std::mem::replace(&mut line.served, true)
    }

    /// The next batch, in the order of arrival; jobs that nobody waits for any more are let go. `None`: there are none, and nobody
    /// serves the line from now on.
    fn next(&self) -> Option<Vec<Job>> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut batch, mut size) = (Vec::new(), 0);
        while let Some(job) = line.jobs.pop_front() {
            if job.answer.is_closed() {
                continue;
            }
            // A key of which another job of this batch will leave the answer: that job has to be done first.
            let waits = job.work.keep.as_ref().is_some_and(|keep| {
                batch.iter().filter_map(|job: &Job| job.work.keep.as_ref()).any(|other| other.once.same_key(&keep.once))
            });
            if waits || (size > 0 && size + job.work.size() > BATCH) {
                line.jobs.push_front(job);
                break;
            }
            size += job.work.size();
            batch.push(job);
        }
        if batch.is_empty() {
            line.served = false;
            return None;
        }
        Some(batch)
    }
}

impl Work {
    fn size(&self) -> usize {
        (self.deposits.len() + self.unread.len()).max(1)
    }
}

/// Serves the line; when it is broken off (a panic, the end of its runtime) the line is free to be served again.
struct Serving<'a>(&'a Keyharbor);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut line = self.0.queue.line.lock().unwrap_or_else(PoisonError::into_inner);
        if std::thread::panicking() || line.served {
            line.served = false;
            // Whoever waits is told at once: nothing of it was stored, or nobody knows.
            line.jobs.clear();
        }
    }
}

impl Keyharbor {
    /// Puts work into the queue and waits until it is stored.
    pub(super) async fn enqueue(&self, work: Work, full: Full) -> Result<Done<Answers>> {
        self.ring()?;
        let answered = async {
            let room = Arc::clone(&self.queue.room);
            let size = u32::try_from(work.size()).unwrap_or(ROOM);
            let room = match full {
                Full::Refuse => room.try_acquire_many_owned(size).map_err(|_| ServiceError::Busy)?,
                Full::Wait => room.acquire_many_owned(size).await.map_err(|_| ServiceError::Busy)?,
            };
            let (answer, answered) = oneshot::channel();
            if self.queue.push(Job { work, answer, span: Span::current(), _room: room }) {
                let service = self.clone();
                let runtime = self.queue.runtime.clone().unwrap_or_else(Handle::current);
                runtime.spawn(async move { service.serve_queue().await });
            }
            answered.await.unwrap_or_else(|_| Err(ServiceError::Store(StoreError::Unavailable("the writer ended".to_owned()))))
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or_else(|_| Err(ServiceError::Store(StoreError::Timeout)))
    }

    async fn serve_queue(&self) {
        let serving = Serving(self);
        while let Some(jobs) = self.queue.next() {
            // What the log says of a batch stands under the first of its requests.
            let span = jobs.first().map_or_else(Span::none, |job| job.span.clone());
            self.serve(jobs).instrument(span).await;
        }
        std::mem::forget(serving);
    }

    async fn serve(&self, jobs: Vec<Job>) {
        let work: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
        match self.store_batch(&work).await {
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
                for job in jobs {
                    let alone = self.store_batch(&[&job.work]).await.map(|mut answers| answers.pop());
                    let answer = alone.and_then(|answer| answer.unwrap_or(Err(ServiceError::Internal("no answer"))));
                    drop(job.answer.send(answer));
                }
            }
        }
    }
}
