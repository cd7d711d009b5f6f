//! Work that comes at a time is done together: whoever comes first has it begun, what comes meanwhile is done next.
//!
//! Nobody waits for company, and nothing runs while there is nothing to do. `escrow::queue` gathers deposits for one
//! transaction, `lookup` tokens for one statement.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

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
    /// Somebody takes the jobs out.
    served: bool,
}

impl<J> Default for Gather<J> {
    fn default() -> Self {
        Self { line: Mutex::new(Line { jobs: VecDeque::new(), served: false }), runtime: Handle::try_current().ok() }
    }
}

impl<J> Gather<J> {
    /// Adds a job. `true`: nobody takes them out yet, and the caller has to see that somebody does.
    pub fn push(&self, job: J) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.jobs.push_back(job);
        !std::mem::replace(&mut line.served, true)
    }

    /// The jobs that `choose` takes out. `None`: there are none, and nobody serves the line from now on.
    pub fn next(&self, choose: impl FnOnce(&mut VecDeque<J>) -> Vec<J>) -> Option<Vec<J>> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = choose(&mut line.jobs);
        line.served = !jobs.is_empty();
        line.served.then_some(jobs)
    }

    pub fn runtime(&self) -> Handle {
        self.runtime.clone().unwrap_or_else(Handle::current)
    }

    /// Held by whoever serves the line, and let go of by `done` when it is empty.
    pub fn serving(&self) -> Serving<'_, J> {
        Serving(self)
    }
}

/// Broken off (a panic, the end of the runtime), it frees the line to be served again; whoever waits is told at once.
pub(super) struct Serving<'a, J>(&'a Gather<J>);

impl<J> Serving<'_, J> {
    pub fn done(self) {
        std::mem::forget(self);
    }
}

impl<J> Drop for Serving<'_, J> {
    fn drop(&mut self) {
        let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.served = false;
        line.jobs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_begins_and_the_last_leaves_the_line_free() {
        let gather = Gather::default();
        assert!(gather.push(1));
        assert!(!gather.push(2));
        assert_eq!(gather.next(|jobs| jobs.drain(..1).collect()), Some(vec![1]));
        assert!(!gather.push(3), "it is served");
        assert_eq!(gather.next(|jobs| jobs.drain(..).collect()), Some(vec![2, 3]));
        assert_eq!(gather.next(|jobs| jobs.drain(..).collect()), None);
        assert!(gather.push(4));
    }

    #[test]
    fn a_server_that_breaks_off_leaves_nobody_waiting() {
        let gather = Gather::default();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        assert!(gather.push(sender));
        drop(gather.serving());
        assert!(receiver.recv().is_err(), "its job is gone");
        let (sender, _receiver) = std::sync::mpsc::channel();
        assert!(gather.push(sender), "and the next one begins anew");
    }
}
