//! What one token may bring about in a minute, counted in this process: trail rows about refused deposits, and changes of one
//! Mac's key from one address. So neither a stream of nonsense nor two keys in turn fill the trail, through whichever door and in
//! however many requests; and whoever holds a fleet's token elsewhere keeps no Mac from handing in its own key.
//!
//! The first refusals for each reason are trail rows of their own, so that nonsense hides no refusal of another kind; the rest is
//! one row with their number by reason. It is written when the minute is over, or the server stops, and asks nothing of the
//! client: one that breaks off is counted like any other.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Became;
use crate::domain::Serial;
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::ids::Timestamp;
use crate::service::{Keyharbor, RequestInfo};

/// Refused deposits of a token, minute and reason with a row of their own.
const ROWS: u64 = 20;
/// Keys that come to be, or become current again, for one Mac in a minute, of one token and from one address. A Mac changes its
/// key now and then.
const CHANGES: u8 = 20;

/// Refusals by reason.
type Reasons = BTreeMap<&'static str, u64>;
/// Stands for a Mac and an address from which somebody hands in a key of it: of a fleet's many, little is kept. Two of one hash are
/// counted as one, which nobody can bring about who does not know this process's hash keys.
type Spot = u64;

#[derive(Default)]
struct Minute {
    /// Those with rows of their own, and those without.
    rows: Reasons,
    more: Reasons,
    changes: HashMap<Spot, u8>,
}

fn add(to: &mut Reasons, more: Reasons) {
    for (reason, n) in more {
        *to.entry(reason).or_default() += n;
    }
}

/// By token and minute; what is over is forgotten within a minute.
#[derive(Default)]
pub struct Bounds {
    open: Mutex<HashMap<(String, i64), Minute>>,
    hash: RandomState,
}

/// What one attempt at a batch counts towards a token's bounds once it is committed.
#[derive(Default)]
pub(super) struct Tally {
    /// The token and the minute; `None`: this source has no bounds.
    whose: Option<(String, i64)>,
    /// Refusals that had their own row before this attempt.
    before: Reasons,
    rows: Reasons,
    more: Reasons,
    /// Of this batch: changes of this minute so far, and those of this attempt.
    changes: HashMap<Spot, (u8, u8)>,
    hash: RandomState,
}

/// A finished minute with more refusals than rows.
#[derive(Debug)]
pub(in crate::service) struct Summary {
    whose: (String, i64),
    more: Reasons,
}

fn minute(at: Timestamp) -> i64 {
    at.seconds().div_euclid(60)
}

impl Bounds {
    fn open(&self) -> MutexGuard<'_, HashMap<(String, i64), Minute>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a batch with these Macs of one source.
    pub(super) fn begin<'a>(&self, actor: &Actor, now: Timestamp, spots: impl Iterator<Item = (&'a Serial, Option<IpAddr>)>) -> Tally {
        let Actor::Token(token) = actor else { return Tally::default() };
        let whose = (token.clone(), minute(now));
        let open = self.open();
        let so_far = open.get(&whose);
        let changes = spots.map(|(mac, address)| {
            let spot = self.hash.hash_one((mac, address));
            let before = so_far.and_then(|m| m.changes.get(&spot)).copied().unwrap_or(0);
            (spot, (before, 0))
        });
        let (changes, before) = (changes.collect(), so_far.map(|m| m.rows.clone()).unwrap_or_default());
        Tally { before, whose: Some(whose), changes, hash: self.hash.clone(), ..Tally::default() }
    }

    /// Counts what was committed.
    pub(super) fn end(&self, done: Tally) {
        let Some(whose) = done.whose else { return };
        let mut open = self.open();
        let minute = open.entry(whose).or_default();
        add(&mut minute.rows, done.rows);
        add(&mut minute.more, done.more);
        for (spot, (_, n)) in done.changes.into_iter().filter(|(_, (_, n))| *n > 0) {
            let changes = minute.changes.entry(spot).or_default();
            *changes = changes.saturating_add(n);
        }
    }

    /// Forgets the minutes that are over.
    fn sweep(&self, until: Timestamp) -> Vec<Summary> {
        let mut due = Vec::new();
        self.open().retain(|whose, counted| {
            let over = whose.1 < minute(until);
            if over && !counted.more.is_empty() {
                due.push(Summary { whose: whose.clone(), more: std::mem::take(&mut counted.more) });
            }
            !over
        });
        due
    }

    fn put_back(&self, due: Vec<Summary>) {
        let mut open = self.open();
        for Summary { whose, more } in due {
            add(&mut open.entry(whose).or_default().more, more);
        }
    }
}

impl Tally {
    /// Counts a refused deposit: is it to have a row of its own?
    pub fn refused(&mut self, reason: &'static str) -> bool {
        let so_far = |of: &Reasons| of.get(reason).copied().unwrap_or(0);
        let own = self.whose.is_none() || so_far(&self.before) + so_far(&self.rows) < ROWS;
        *if own { &mut self.rows } else { &mut self.more }.entry(reason).or_default() += 1;
        own
    }

    /// May another key of this Mac come from there?
    pub fn may_change(&self, mac: &Serial, address: Option<IpAddr>) -> bool {
        self.whose.is_none()
            || self.changes.get(&self.hash.hash_one((mac, address))).is_none_or(|(before, n)| before.saturating_add(*n) < CHANGES)
    }

    /// Counts what was taken in.
    pub fn took(&mut self, mac: &Serial, address: Option<IpAddr>, became: Became) {
        if became != Became::Same
            && let Some((_, n)) = self.changes.get_mut(&self.hash.hash_one((mac, address)))
        {
            *n = n.saturating_add(1);
        }
    }
}

impl Keyharbor {
    /// Writes the summaries that are due.
    pub(in crate::service) async fn sweep_bounds(&self, until: Timestamp) {
        let due = self.bounds.sweep(until);
        let events: Vec<_> = due.iter().map(|s| self.bounds_summary(s)).collect();
        if !events.is_empty()
            && let Err(e) = self.record(&events).await
        {
            tracing::error!(error = %e, "refused deposits could not be recorded; tried again");
            self.bounds.put_back(due);
        }
    }

    fn bounds_summary(&self, s: &Summary) -> Event {
        let actor = Actor::Token(s.whose.0.clone());
        let mut event = self.event(EventKind::RefusedSummary, Outcome::Refused, actor, &RequestInfo::none(&self.env));
        let reasons: Vec<_> = s.more.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        event.detail = format!("deposits, more refusals: {}", reasons.join(", "));
        event
    }
}
