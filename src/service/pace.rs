//! How many requests a token may send in a minute: counted in this process, in fixed windows, so that a request costs no
//! write. Several replicas let a token through several times as often; what must be shared (viewings) is in `quotas`.
//! Each deposit counts like a request, also in a request that holds many.
//!
//! The first refusal of a minute is a trail row of its own, the others one more with their number: a client that went wild
//! is seen, and fills no trail.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::domain::audit::{Actor, EventKind, Outcome};
use crate::domain::ids::Timestamp;
use crate::domain::token::ApiToken;

/// Which limit of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Way {
    Api,
    /// Agents' own protocols: a fleet shares such a token.
    Agents,
}

/// What a caller is told of its limit: requests a minute, how many are left, seconds until they are all there again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    pub limit: u32,
    pub remaining: u32,
    pub resets_in: i64,
}

pub const WINDOW_SECONDS: i64 = 60;

struct Window {
    minute: i64,
    count: u32,
    refused: u32,
}

/// How much of what was wanted is granted.
struct Counted {
    granted: u32,
    left: Left,
    /// The first refusal of this minute.
    first_refusal: bool,
}

/// A finished minute with more refusals than its one row.
struct Summary {
    token: String,
    more: u32,
    limit: u32,
}

/// Counts of this minute, by token and way: as many as there are tokens in use.
#[derive(Default)]
pub struct Pace(Mutex<HashMap<(String, Way), (Window, u32)>>);

impl Pace {
    /// Counts what a token wants, as far as there is room.
    fn count(&self, token: &str, way: Way, limit: u32, wanted: u32, now: Timestamp) -> (Counted, Option<Summary>) {
        let minute = now.seconds().div_euclid(WINDOW_SECONDS);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (token.to_owned(), way);
        let mut due = None;
        if let Some((window, limit)) = open.get(&key)
            && window.minute != minute
        {
            due = summary(token, window, *limit);
            open.remove(&key);
        }
        let (window, _) = open.entry(key).or_insert((Window { minute, count: 0, refused: 0 }, limit));
        let granted = wanted.min(limit.saturating_sub(window.count));
        window.count = window.count.saturating_add(granted);
        if granted < wanted {
            window.refused = window.refused.saturating_add(1);
        }
        let resets_in = WINDOW_SECONDS - now.seconds().rem_euclid(WINDOW_SECONDS);
        let left = Left { limit, remaining: limit.saturating_sub(window.count), resets_in };
        (Counted { granted, left, first_refusal: granted < wanted && window.refused == 1 }, due)
    }

    /// Counts also what there is no room for: it is on its way already. Answers how much room is left.
    fn charge(&self, token: &str, way: Way, more: u32) -> Option<u32> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (window, limit) = open.get_mut(&(token.to_owned(), way))?;
        window.count = window.count.saturating_add(more);
        Some(limit.saturating_sub(window.count))
    }

    /// Forgets the minutes that are over.
    fn sweep(&self, until: Timestamp) -> Vec<Summary> {
        let minute = until.seconds().div_euclid(WINDOW_SECONDS);
        let mut due = Vec::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(token, _), (window, limit)| {
            let over = window.minute != minute;
            if over {
                due.extend(summary(token, window, *limit));
            }
            !over
        });
        due
    }
}

fn summary(token: &str, window: &Window, limit: u32) -> Option<Summary> {
    let more = window.refused.saturating_sub(1);
    (more > 0).then(|| Summary { token: token.to_owned(), more, limit })
}

impl Keyharbor {
    /// Counts a request of a token. `None`: there is no limit.
    ///
    /// # Errors
    /// [`ServiceError::TooMany`]; recorded.
    pub async fn pace(&self, token: &ApiToken, way: Way, request: &RequestInfo) -> Result<Option<Left>> {
        match self.paced(token, way, 1, request).await? {
            None => Ok(None),
            Some(Counted { granted: 1, left, .. }) => Ok(Some(left)),
            Some(_) => Err(self.next_minute()),
        }
    }

    /// Counts more deposits of a request to the API: how many of them may go on, and the seconds until more may.
    ///
    /// # Errors
    /// The trail.
    pub async fn pace_more(&self, token: &ApiToken, deposits: usize, request: &RequestInfo) -> Result<(usize, i64)> {
        let wanted = u32::try_from(deposits).unwrap_or(u32::MAX);
        let counted = if wanted == 0 { None } else { self.paced(token, Way::Api, wanted, request).await? };
        Ok(counted.map_or((deposits, 0), |c| (usize::try_from(c.granted).unwrap_or(deposits), c.left.resets_in)))
    }

    /// Counts deposits that came together and are taken together: the next request waits for them. `None`: there is no limit.
    pub fn pace_together(&self, token: &ApiToken, deposits: usize) -> Option<u32> {
        self.pace.charge(&token.id, Way::Api, u32::try_from(deposits).unwrap_or(u32::MAX))
    }

    /// The refusal of what may come again when this minute is over.
    pub fn next_minute(&self) -> ServiceError {
        let now = self.env.now();
        ServiceError::TooMany { until: now.plus_seconds(WINDOW_SECONDS - now.seconds().rem_euclid(WINDOW_SECONDS)), now }
    }

    async fn paced(&self, token: &ApiToken, way: Way, wanted: u32, request: &RequestInfo) -> Result<Option<Counted>> {
        let settings = &self.rules.config.api;
        let limit = match way {
            Way::Api => settings.requests_per_minute,
            Way::Agents => settings.agent_requests_per_minute,
        };
        if limit == 0 {
            return Ok(None);
        }
        let (counted, due) = self.pace.count(&token.id, way, limit, wanted, self.env.now());
        let mut events: Vec<_> = due.iter().map(|s| self.pace_summary(s)).collect();
        if counted.first_refusal {
            let mut event = self.event(EventKind::AccessRefused, Outcome::Refused, Actor::Token(token.id.clone()), request);
            (event.role, event.detail) = (token.scopes.codes(), format!("rate_limit {limit}"));
            events.push(event);
        }
        if !events.is_empty() {
            self.record(&events).await?;
        }
        Ok(Some(counted))
    }

    /// Writes the summaries that are due.
    pub(super) async fn sweep_pace(&self, until: Timestamp) {
        let events: Vec<_> = self.pace.sweep(until).iter().map(|s| self.pace_summary(s)).collect();
        if !events.is_empty()
            && let Err(e) = self.record(&events).await
        {
            tracing::error!(error = %e, "refusals over a token's limit could not be recorded");
        }
    }

    fn pace_summary(&self, s: &Summary) -> crate::domain::Event {
        let actor = Actor::Token(s.token.clone());
        let mut event = self.event(EventKind::RefusedSummary, Outcome::Refused, actor, &RequestInfo::none(&self.env));
        event.detail = format!("rate_limit {}, {} more refusals", s.limit, s.more);
        event
    }
}
