//! Work that comes at a time is done together: whoever comes first has it begun, what comes meanwhile is done next.
//!
//! Nobody waits for company, and nothing runs while there is nothing to do. Where that is allowed, a second server begins beside the
//! first once as much waits as that one has in hand, and enough. `escrow::queue` gathers deposits for one transaction, `lookup` tokens
//! for one statement.

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
    /// So many jobs at least have to wait before a second server begins, if there may be one.
    worth_another: Option<usize>,
}

struct Line<J> {
    jobs: VecDeque<J>,
    /// How many take the jobs out, and how many jobs they have in hand.
    servers: usize,
    in_hand: usize,
    /// What waits is not to be done beside what is in hand.
    held_up: bool,
}

impl<J> Default for Gather<J> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<J> Gather<J> {
    pub fn new(worth_another: Option<usize>) -> Self {
        Self {
            line: Mutex::new(Line { jobs: VecDeque::new(), servers: 0, in_hand: 0, held_up: false }),
            runtime: Handle::try_current().ok(),
            worth_another,
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<J>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is there something to do for one server more than there are?
    fn wants(&self, line: &Line<J>) -> bool {
        match line.servers {
            0 => !line.jobs.is_empty(),
            1 => !line.held_up && self.worth_another.is_some_and(|least| line.jobs.len() >= least.max(line.in_hand)),
            _ => false,
        }
    }

    /// Adds a job. `true`: there is something to do for one more server, and the caller has to see that it begins.
    pub fn push(&self, job: J) -> bool {
        let mut line = self.line();
        line.jobs.push_back(job);
        let begins = self.wants(&line);
        line.servers += usize::from(begins);
        begins
    }

    pub fn runtime(&self) -> Handle {
        self.runtime.clone().unwrap_or_else(Handle::current)
    }

    /// For whom `push` has said that one more begins.
    pub fn serve(&self) -> Server<'_, J> {
        Server { gather: self, in_hand: 0, ended: false }
    }
}

/// Takes jobs out until there is nothing more for it to do. Broken off (a panic, the end of the runtime), it frees the line to be served
/// again; if it was the only one, whoever waits is told at once.
pub(super) struct Server<'a, J> {
    gather: &'a Gather<J>,
    in_hand: usize,
    ended: bool,
}

impl<J> Server<'_, J> {
    /// The jobs that `choose` takes out; those before are done. `None`: there is nothing for this server, and it has ended. What
    /// `choose` leaves because of another server's jobs is found when they are done, by that one or by the last.
    pub fn next(&mut self, choose: impl FnOnce(&mut VecDeque<J>) -> Vec<J>) -> Option<Vec<J>> {
        let mut line = self.gather.line();
        self.leave(&mut line);
        let wanted = self.gather.wants(&line);
        let jobs = if wanted { choose(&mut line.jobs) } else { Vec::new() };
        if jobs.is_empty() {
            line.held_up |= wanted && line.servers > 0;
            self.ended = true;
            return None;
        }
        self.in_hand = jobs.len();
        line.in_hand += self.in_hand;
        line.servers += 1;
        Some(jobs)
    }

    fn leave(&mut self, line: &mut Line<J>) {
        line.servers = line.servers.saturating_sub(1);
        let done = std::mem::take(&mut self.in_hand);
        line.in_hand = line.in_hand.saturating_sub(done);
        line.held_up &= done == 0;
    }
}

impl<J> Drop for Server<'_, J> {
    fn drop(&mut self) {
        if !self.ended {
            let mut line = self.gather.line();
            self.leave(&mut line);
            if line.servers == 0 {
                line.jobs.clear();
            }
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
        assert!(!gather.push(3), "it is served");
        assert_eq!(server.next(all), Some(vec![2, 3]));
        assert_eq!(server.next(all), None);
        drop(server);
        assert!(gather.push(4));
    }

    #[test]
    fn a_second_server_begins_when_that_is_worth_it() {
        let gather = Gather::new(Some(2));
        assert!(gather.push(1));
        let mut first = gather.serve();
        assert_eq!(first.next(all), Some(vec![1]));
        assert!(!gather.push(2), "the first one does it next");
        assert!(gather.push(3));
        assert!(!gather.push(4), "and no third");
        let mut second = gather.serve();
        assert_eq!(second.next(all), Some(vec![2, 3, 4]));
        assert!(!gather.push(5));
        assert!(!gather.push(6));
        assert_eq!(first.next(all), None, "it has less than the other has in hand");
        assert!(gather.push(7), "now it has as much");
        let mut third = gather.serve();
        assert_eq!(third.next(|_| Vec::new()), None, "for whom there is nothing, because of what the other has in hand");
        assert!(!gather.push(8), "and no other one either until that is done");
        assert_eq!(second.next(all), Some(vec![5, 6, 7, 8]));
        assert!(![9, 10, 11].map(|n| gather.push(n)).contains(&true));
        assert!(gather.push(12), "there are two again");
        let mut fourth = gather.serve();
        assert_eq!(fourth.next(all), Some(vec![9, 10, 11, 12]));
        assert_eq!((second.next(all), fourth.next(all)), (None, None));
        assert!(gather.push(13), "who comes next begins anew");
    }

    #[test]
    fn a_server_that_breaks_off_leaves_nobody_waiting() {
        let gather = Gather::new(Some(1));
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        assert!(gather.push(sender.clone()));
        let first = gather.serve();
        assert!(gather.push(sender), "a second one begins");
        let second = gather.serve();
        drop(first);
        assert_eq!(receiver.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty), "the other one is there for them");
        drop(second);
        assert!(receiver.recv().is_err(), "the jobs are gone");
        let (sender, _receiver) = std::sync::mpsc::channel();
        assert!(gather.push(sender), "and the next one begins anew");
    }
}
