//! Refusals of unknown callers, held back before they reach the database.
//!
//! The first five of a network (/24 or /56) and minute become trail rows; what comes after is counted and becomes one
//! summary row, so nobody can fill or slow the trail from outside.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use super::{Keyharbor, RequestInfo};
use crate::domain::audit::{Actor, EventKind, Outcome};
use crate::domain::ids::Timestamp;

const ROWS_PER_MINUTE: u64 = 5;
/// Networks remembered at once; all beyond share one entry.
const MAX_NETWORKS: usize = 4096;

/// Counts per network and minute.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<String, Window>>);

struct Window {
    minute: i64,
    count: u64,
}

/// A network's finished minute with more refusals than rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    pub network: String,
    pub more: u64,
}

/// The /24 or /56 an address lies in; `unknown` without an address.
pub fn network(address: Option<IpAddr>) -> String {
    match address.map(|a| a.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(a)) => ipnet::Ipv4Net::new(a, 24).map_or_else(|_| a.to_string(), |n| n.trunc().to_string()),
        Some(IpAddr::V6(a)) => ipnet::Ipv6Net::new(a, 56).map_or_else(|_| a.to_string(), |n| n.trunc().to_string()),
    }
}

impl Throttle {
    /// Counts one refusal: is it to be a row of its own, and which summaries became due?
    pub fn count(&self, address: Option<IpAddr>, now: Timestamp) -> (bool, Vec<Summary>) {
        let minute = now.seconds().div_euclid(60);
        let mut windows = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = Self::finish(&mut windows, minute);
        let mut name = network(address);
        if windows.len() >= MAX_NETWORKS && !windows.contains_key(&name) {
            name = "others".to_owned();
        }
        let window = windows.entry(name).or_insert(Window { minute, count: 0 });
        window.count += 1;
        (window.count <= ROWS_PER_MINUTE, due)
    }

    /// Summaries of the minutes that are over.
    pub fn sweep(&self, now: Timestamp) -> Vec<Summary> {
        let mut windows = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Self::finish(&mut windows, now.seconds().div_euclid(60))
    }

    /// What could not be written goes back, into the minute that runs.
    fn put_back(&self, summaries: Vec<Summary>, now: Timestamp) {
        let minute = now.seconds().div_euclid(60);
        let mut windows = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for s in summaries {
            windows.entry(s.network).or_insert(Window { minute, count: ROWS_PER_MINUTE }).count += s.more;
        }
    }

    fn finish(windows: &mut HashMap<String, Window>, minute: i64) -> Vec<Summary> {
        let mut due = Vec::new();
        windows.retain(|network, w| {
            if w.minute == minute {
                return true;
            }
            if w.count > ROWS_PER_MINUTE {
                due.push(Summary { network: network.clone(), more: w.count - ROWS_PER_MINUTE });
            }
            false
        });
        due
    }
}

impl Keyharbor {
    /// Records the refusal of a caller nobody knows. Never fails the request it belongs to: it was refused already.
    pub async fn refuse_unknown(&self, kind: EventKind, detail: &str, request: &RequestInfo) {
        self.metrics.refused(Actor::Anonymous.kind());
        let (own_row, due) = self.throttle.count(request.address, self.env.now());
        let mut events: Vec<_> = due.iter().map(|s| self.summary(s)).collect();
        if own_row {
            let mut event = self.event(kind, Outcome::Refused, Actor::Anonymous, request);
            event.detail = detail.to_owned();
            events.push(event);
        }
        if !events.is_empty()
            && let Err(e) = self.record(&events).await
        {
            tracing::error!(error = %e, "a refusal could not be recorded");
            self.throttle.put_back(due, self.env.now());
        }
    }

    /// Writes the summaries that are due; called once a minute.
    pub async fn sweep_throttle(&self) {
        self.write_summaries(self.env.now()).await;
    }

    /// Writes every summary there is: called when the server stops.
    pub async fn finish_throttle(&self) {
        self.write_summaries(self.env.now().plus_seconds(60)).await;
    }

    async fn write_summaries(&self, until: Timestamp) {
        self.sweep_pace(until).await;
        self.sweep_bounds(until).await;
        let due = self.throttle.sweep(until);
        let events: Vec<_> = due.iter().map(|s| self.summary(s)).collect();
        if !events.is_empty()
            && let Err(e) = self.record(&events).await
        {
            tracing::error!(error = %e, "refusals could not be recorded; tried again");
            self.throttle.put_back(due, self.env.now());
        }
    }

    fn summary(&self, s: &Summary) -> crate::domain::Event {
        let mut event = self.event(EventKind::RefusedSummary, Outcome::Refused, Actor::Anonymous, &RequestInfo::none(&self.env));
        event.detail = format!("{} more refusals", s.more);
        event.personal.address = Some(s.network.clone());
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_rows_and_the_rest_one_summary() {
        let t = Throttle::default();
        let at = |s: i64| Timestamp::from_seconds(600 + s);
        let from = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        let rows = (0..20).filter(|i| t.count(from(*i), at(0)).0).count();
        assert_eq!(rows, 5, "one /24 shares its rows");
        assert!(t.count(Some(IpAddr::from([10, 0, 1, 1])), at(0)).0, "another /24 has its own");
        assert_eq!(t.sweep(at(59)), vec![]);
        assert_eq!(t.sweep(at(60)), vec![Summary { network: "10.0.0.0/24".into(), more: 15 }]);
        assert_eq!(network(Some("2001:db8:1:2ff::1".parse().unwrap())), "2001:db8:1:200::/56");
        assert_eq!(network(Some("::ffff:10.0.0.9".parse().unwrap())), "10.0.0.0/24");
    }
}
