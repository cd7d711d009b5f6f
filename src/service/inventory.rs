//! Lists for programs: devices by serial number, the trail by its own numbers. Read by key set, in bounded steps.

use super::fleet::{KeyState, Listed};
use super::{Keyharbor, RequestInfo, Result};
use crate::domain::audit::{Actor, EventKind, Outcome, TrailRow};
use crate::domain::policy::{Action, Relation};
use crate::domain::token::ApiToken;

/// Devices read at a time, and the most that one request looks at.
const STEP: usize = 250;
const MOST_READ: usize = 2500;

/// A part of the list of devices.
pub struct Inventory {
    pub devices: Vec<Listed>,
    /// The serial number after which the next part begins; `None` at the end.
    pub next: Option<String>,
}

/// A part of the trail.
pub struct Feed {
    pub rows: Vec<TrailRow>,
    /// The number after which the next part begins: that of the last row read, or where it was asked to begin.
    pub next: i64,
    /// There are more rows already.
    pub more: bool,
}

/// The serial numbers that a token's pattern covers: from the first one on, before the second. All of them are printable
/// ASCII, so that the next character after the last is DEL.
fn range(pattern: Option<&str>) -> (String, String) {
    match pattern.map(|p| p.strip_suffix('*').ok_or(p)) {
        None | Some(Ok("")) => (String::new(), "\u{7f}".to_owned()),
        Some(Ok(prefix)) => (prefix.to_owned(), format!("{prefix}\u{7f}")),
        Some(Err(one)) => (one.to_owned(), format!("{one} ")),
    }
}

impl Keyharbor {
    /// The devices that a token covers, by serial number, those after one. With `has_key` only those with or without a key that
    /// can be shown: such a part may be short, or empty, although more follow.
    ///
    /// # Errors
    /// [`super::ServiceError`].
    pub async fn list_devices(
        &self,
        token: &ApiToken,
        after: &str,
        limit: usize,
        has_key: Option<bool>,
        request: &RequestInfo,
    ) -> Result<Inventory> {
        self.permit_token(token, Action::ReadDevice, Relation::NoDevice, request).await?;
        let ring = self.ring()?;
        let (from, until) = range(token.device_pattern.as_deref());
        let mut at = after.to_owned();
        let mut devices = Vec::new();
        let mut tx = self.store.read().await?;
        let step = if has_key.is_none() { limit.min(STEP) } else { STEP };
        let mut read = 0;
        while read < MOST_READ {
            let rows = tx.devices_by_serial(&at, &from, &until, i64::try_from(step + 1).unwrap_or(i64::MAX)).await?;
            let (whole, rows) = (rows.len() <= step, rows.into_iter().take(step));
            // A row that does not verify is in no list; opening it would record that.
            let sound: Vec<_> = rows.inspect(|(serial, _)| at.clone_from(serial)).filter(|(_, d)| d.verifies(ring.as_ref())).collect();
            read += step;
            for listed in self.listed(&mut tx, &ring, sound.into_iter().map(|(_, d)| d).collect()).await? {
                if has_key.is_some_and(|wanted| wanted != matches!(listed.key, KeyState::Available { .. })) {
                    continue;
                }
                if devices.len() == limit {
                    let next = devices.last().map(|l: &Listed| l.device.serial.as_str().to_owned());
                    return Ok(Inventory { devices, next });
                }
                devices.push(listed);
            }
            if whole {
                return Ok(Inventory { devices, next: None });
            }
            if devices.len() == limit {
                break;
            }
        }
        Ok(Inventory { devices, next: Some(at) })
    }

    /// The rows of the trail after a number, oldest first. That they were read is a row itself, unless they are nothing but this
    /// token's own earlier reading: who asks every minute would for ever read of nothing else.
    ///
    /// # Errors
    /// [`super::ServiceError`].
    pub async fn feed(&self, token: &ApiToken, after: i64, limit: i64, request: &RequestInfo) -> Result<Feed> {
        self.permit_token(token, Action::ReadTrail, Relation::NoDevice, request).await?;
        let mut rows = self.store.read().await?.trail_feed(after, limit + 1).await?;
        let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
        if more {
            rows.pop();
        }
        let reader = Actor::Token(token.id.clone());
        if rows.iter().any(|r| r.event.kind != EventKind::TrailRead || r.event.actor != reader) {
            let mut event = self.event(EventKind::TrailRead, Outcome::Ok, reader, request);
            event.role = token.scopes.codes();
            event.detail = format!("after {after}");
            self.record(&[event]).await?;
        }
        let next = rows.last().map_or(after, |r| r.seq);
        Ok(Feed { rows, next, more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_range_of_serial_numbers() {
        let covers = |pattern: Option<&str>, serial: &str| {
            let (from, until) = range(pattern);
            serial >= from.as_str() && serial < until.as_str()
        };
        for (pattern, inside, outside) in [
            (None, &["!", "C02", "~~~"][..], &[][..]),
            (Some("*"), &["!", "~"], &[]),
            (Some("C02*"), &["C02", "C02 X", "C02~~"], &["C01~", "C03", "C0"]),
            (Some("C02"), &["C02"], &["C02 X", "C02!", "C0", "C020"]),
            (Some("~*"), &["~", "~~"], &["}"]),
        ] {
            assert!(inside.iter().all(|s| covers(pattern, s)), "{pattern:?}");
            assert!(!outside.iter().any(|s| covers(pattern, s)), "{pattern:?}");
        }
    }
}
