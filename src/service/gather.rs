//! Work that comes at a time is done together: whoever comes first has it begun, what comes meanwhile is done next.
//!
//! Nobody waits for company, and nothing runs while there is nothing to do. `escrow::queue` gathers deposits for one transaction,
//! `lookup` questions for one statement.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tracing::dispatcher::{Dispatch, get_default};
use tracing::instrument::WithSubscriber as _;
use tracing::{Instrument as _, Span};

/// Where the log's lines about a job belong: the span of its request, and who listens.
pub(super) type Origin = (Span, Dispatch);

pub(super) fn origin() -> Origin {
    (Span::current(), get_default(Clone::clone))
}

/// Does what jobs asked for, as the request of the first of them.
pub(super) async fn as_asked_by(first: Option<Origin>, act: impl Future<Output = ()>) {
    let (span, log) = first.unwrap_or_else(|| (Span::none(), Dispatch::none()));
    act.instrument(span).with_subscriber(log).await;
}

/// What waits to be done.
pub(super) struct Gather<J> {
    line: Mutex<Line<J>>,
    /// Where it is done: not on a thread that answers requests.
    runtime: Option<Handle>,
}

struct Line<J> {
    jobs: VecDeque<J>,
    /// Somebody takes them out.
    served: bool,
}

impl<J> Default for Gather<J> {
    fn default() -> Self {
        Self { line: Mutex::new(Line { jobs: VecDeque::new(), served: false }), runtime: Handle::try_current().ok() }
    }
}

impl<J> Gather<J> {
    fn line(&self) -> MutexGuard<'_, Line<J>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. `true`: nobody takes them out, and the caller has to see that somebody does.
    pub fn push(&self, job: J) -> bool {
        let mut line = self.line();
        line.jobs.push_back(job);
        !std::mem::replace(&mut line.served, true)
    }

    /// Does anything wait?
    pub fn waits(&self) -> bool {
        !self.line().jobs.is_empty()
    }

    pub fn runtime(&self) -> Handle {
        self.runtime.clone().unwrap_or_else(Handle::current)
    }

    /// For whom `push` has said that somebody has to.
    pub fn serve(&self) -> Server<'_, J> {
        Server { gather: self, ended: false }
    }
}

/// Takes jobs out until there are none. Broken off (a panic, the end of the runtime), it frees the line to be served again, and whoever
/// waits is told at once.
pub(super) struct Server<'a, J> {
    gather: &'a Gather<J>,
    ended: bool,
}

impl<J> Server<'_, J> {
    /// The jobs that `choose` takes out. `None`: it took none, and this server has ended.
    pub fn next(&mut self, choose: impl FnOnce(&mut VecDeque<J>) -> Vec<J>) -> Option<Vec<J>> {
        let mut line = self.gather.line();
        let jobs = choose(&mut line.jobs);
        self.ended = jobs.is_empty();
        line.served = !self.ended;
        (!self.ended).then_some(jobs)
    }
}

impl<J> Drop for Server<'_, J> {
    fn drop(&mut self) {
        if !self.ended {
            let mut line = self.gather.line();
            line.served = false;
            line.jobs.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(jobs: &mut VecDeque<i32>) -> Vec<i32> {
        jobs.drain(..).collect()
    }

    #[test]
    fn the_first_begins_and_the_last_leaves_the_line_free() {
        let gather = Gather::default();
        assert!(gather.push(1));
        assert!(!gather.push(2));
        let mut server = gather.serve();
        assert_eq!(server.next(|jobs| jobs.drain(..1).collect()), Some(vec![1]));
        assert!(gather.waits());
        assert!(!gather.push(3), "it is served");
        assert_eq!(server.next(all), Some(vec![2, 3]));
        assert!(!gather.waits());
        assert_eq!(server.next(all), None);
        drop(server);
        assert!(gather.push(4));
    }

    #[test]
    fn a_server_that_breaks_off_leaves_nobody_waiting() {
        let gather = Gather::default();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        assert!(gather.push(sender.clone()));
        let first = gather.serve();
        assert!(!gather.push(sender));
        drop(first);
        assert!(receiver.recv().is_err(), "the jobs are gone");
        let (sender, _receiver) = std::sync::mpsc::channel();
        assert!(gather.push(sender), "and the next one begins anew");
    }
}
