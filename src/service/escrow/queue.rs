//! Deposits that come at a time share a transaction: one fsync, one lock of the trail, a few statements.
//!
//! A batch is what queued while the last commit ran, so a lone caller waits for nobody. One batch runs at a time; on PostgreSQL, under
//! load, a second one prepares what it can while the first waits for its commit, and has no Mac and no `Idempotency-Key` in common
//! with it, so that each Mac's deposits are stored in their order and none of the two waits for the other's rows. The queue is bounded,
//! and what finds no room is refused at once. A batch shares its fate in the database only: one that fails for a reason of its own is
//! tried again request by request, so that the one with the fault fails alone. Viewings never come through here.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Answers, Full, Work};
use crate::domain::Serial;
use crate::service::gather::{Gather, Origin, Server, as_asked_by, origin};
use crate::service::once::{Done, Once};
use crate::service::{Keyharbor, Result, ServiceError};
use crate::store::{Engine, StoreError};

/// Most deposits that wait at a time, and most of one transaction.
const ROOM: u32 = 2048;
const BATCH: usize = 256;
/// So many requests at least have to wait before a second batch begins beside the first.
const WORTH_ANOTHER: usize = 16;

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
    /// Of the batches that run, if there may be two.
    running: Mutex<Claims>,
    two: bool,
}

/// What belongs to some jobs alone, as long as they last: their Macs, and the keys under which their answers will be kept.
#[derive(Default)]
struct Claims {
    macs: HashSet<Serial>,
    keys: Vec<Arc<Once>>,
}

impl Claims {
    fn meet(&self, work: &Work) -> bool {
        let mut macs = work.deposits.iter().map(|deposit| &deposit.serial);
        macs.any(|mac| self.macs.contains(mac))
            || work.keep.as_ref().is_some_and(|keep| self.keys.iter().any(|key| key.same_key(&keep.once)))
    }

    fn add(&mut self, work: &Work) {
        self.macs.extend(work.deposits.iter().map(|deposit| deposit.serial.clone()));
        self.keys.extend(work.keep.iter().map(|keep| Arc::clone(&keep.once)));
    }
}

/// The claims of one batch, while it runs.
struct Running<'a>(&'a Queue, Claims);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.0.running();
        running.macs.retain(|mac| !self.1.macs.contains(mac));
        running.keys.retain(|key| !self.1.keys.iter().any(|done| Arc::ptr_eq(done, key)));
    }
}

impl Queue {
    pub fn new(engine: Engine) -> Self {
        // SQLite has one writer.
        let two = engine == Engine::Postgres;
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self { line: Gather::new(two.then_some(WORTH_ANOTHER)), room, running: Mutex::default(), two }
    }

    fn running(&self) -> MutexGuard<'_, Claims> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch, in the order of arrival, but for what meets a batch that runs; jobs that nobody waits for any more are let go.
    fn next(&self, server: &mut Server<'_, Job>) -> Option<(Vec<Job>, Running<'_>)> {
        let mut running = self.running();
        let jobs = server.next(|jobs| choose(jobs, &running))?;
        let mut claims = Claims::default();
        for job in jobs.iter().filter(|_| self.two) {
            running.add(&job.work);
            claims.add(&job.work);
        }
        drop(running);
        Some((jobs, Running(self, claims)))
    }

    /// How many deposits wait, those that are being stored included.
    pub fn waiting(&self) -> usize {
        (ROOM as usize).saturating_sub(self.room.available_permits())
    }
}

/// Takes out what fits and meets no other batch; what does stays, and all that comes after it and meets it.
fn choose(jobs: &mut VecDeque<Job>, running: &Claims) -> Vec<Job> {
    let (mut batch, mut size) = (Vec::new(), 0);
    let (mut passed, mut left) = (Claims::default(), VecDeque::new());
    while let Some(job) = jobs.pop_front() {
        if job.answer.is_closed() {
            continue;
        }
        if running.meet(&job.work) || passed.meet(&job.work) {
            passed.add(&job.work);
            left.push_back(job);
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
    left.append(jobs);
    *jobs = left;
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
        while let Some((jobs, running)) = self.queue.next(&mut server) {
            as_asked_by(jobs.first().map(|job| job.origin.clone()), self.serve(jobs)).await;
            drop(running);
        }
    }

    /// A panic is a fault of one request, too.
    async fn store_caught(&self, work: &[&Work]) -> Result<Vec<Result<Done<Answers>>>> {
        let stored = AssertUnwindSafe(self.store_batch(work)).catch_unwind().await;
        stored.unwrap_or(Err(ServiceError::Internal("a batch of deposits panicked")))
    }

    async fn serve(&self, jobs: Vec<Job>) {
        let work: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
        match self.store_caught(&work).await {
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
                    let alone = self.store_caught(&[&job.work]).await.map(|mut answers| answers.pop());
                    let answer = alone.and_then(|answer| answer.unwrap_or(Err(ServiceError::Internal("no answer"))));
                    drop(job.answer.send(answer));
                }
            }
        }
    }
}
