//! What the trail says of owners, bindings, tokens and sessions, held against what the tables hold.
//!
//! A row that was edited shows by its MAC. One that was true once carries a MAC that verifies; put back after it was removed or
//! changed, it would decide again, and only the trail remembers that it ended. `keyharbor audit verify` replays the events and
//! names such rows, and rows that should be there and are not. Sealed values are not opened here.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::domain::RowMac;
use crate::domain::audit::{Event, EventKind};
use crate::domain::device::Ownership;
use crate::domain::ids::{DeviceId, GrantId, RowId, VersionId};
use crate::store::{StoreError, Tx};

/// A row that no event of the trail accounts for, or one that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unaccounted {
    pub table: &'static str,
    pub id: String,
}

/// What is alive after all events so far.
#[derive(Default)]
pub struct Replay {
    owners: HashSet<Uuid>,
    bindings: HashSet<Uuid>,
    versions: HashSet<Uuid>,
    /// Those that were shown to somebody.
    shown: HashSet<Uuid>,
    grants: HashSet<Uuid>,
    /// Devices whose ownership was set to something else than corporate, last.
    ownership: HashMap<Uuid, Ownership>,
    tokens: HashSet<String>,
    revoked: HashSet<String>,
    ended_lines: HashSet<Uuid>,
}

/// Rows that do not fit, at most so many: enough to see what happened.
const MOST_NAMED: usize = 100;
const PAGE: i64 = 1000;

/// The ids after a word in an event's detail: `row A`, `row A replaces B C`, `line L`.
fn ids(detail: &str, word: &str) -> Vec<Uuid> {
    let Some((_, rest)) = detail.split_once(word) else { return Vec::new() };
    rest.split_whitespace().map_while(|w| Uuid::try_parse(w).ok()).collect()
}

impl Replay {
    pub fn note(&mut self, event: &Event) {
        let detail = event.detail.as_str();
        match event.kind {
            EventKind::OwnerSet => self.owners.extend(ids(detail, "row ")),
            EventKind::OwnerRemoved => {
                for id in ids(detail, "row ") {
                    self.owners.remove(&id);
                }
            }
            EventKind::LoginBound | EventKind::LoginRebound => {
                for id in ids(detail, "replaces ") {
                    self.bindings.remove(&id);
                }
                self.bindings.extend(ids(detail, "row "));
            }
            EventKind::TokenCreated => self.tokens.extend(detail.split_whitespace().next().map(str::to_owned)),
            EventKind::TokenRevoked => {
                self.revoked.insert(detail.to_owned());
            }
            EventKind::SignOut | EventKind::SessionEnded => self.ended_lines.extend(ids(detail, "line ")),
            EventKind::DepositNew => self.versions.extend(event.version.map(|v| v.0)),
            EventKind::RevealGranted | EventKind::RevealRenewed | EventKind::RevealBreakGlass => {
                self.grants.extend(event.grant.map(|g| g.0));
                self.shown.extend(event.version.map(|v| v.0));
            }
            EventKind::DeviceCreated | EventKind::DeviceChanged => {
                let set = detail.strip_prefix("ownership ").and_then(Ownership::parse);
                if let (Some(device), Some(ownership)) = (event.device, set) {
                    self.ownership.insert(device.0, ownership);
                }
            }
            _ => {}
        }
    }

    /// The rows that no event accounts for, that were edited, or that are missing although an event made them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn compare(&self, tx: &mut Tx, key: &dyn RowMac) -> Result<Vec<Unaccounted>, StoreError> {
        let mut found = Findings::default();
        self.devices(tx, key, &mut found).await?;
        self.owners_and_bindings(tx, key, &mut found).await?;
        self.versions_and_grants(tx, key, &mut found).await?;
        for token in tx.tokens().await? {
            let id = token.parts().0.id.clone();
            let live = token.parts().0.revoked_at.is_none();
            let waits = token.waits(key);
            match token.check(key) {
                Err(_) if !waits => found.add("api_tokens", format!("{id} (edited)")),
                _ if live && self.revoked.contains(&id) => found.add("api_tokens", format!("{id} (revoked, and put back)")),
                _ if !self.tokens.contains(&id) => found.add("api_tokens", id),
                _ => {}
            }
        }
        for session in tx.sessions().await? {
            let line = session.parts().0.line;
            match session.check(key) {
                Err(_) => found.add("sessions", format!("{line} (edited)")),
                Ok(_) if self.ended_lines.contains(&line.0) => found.add("sessions", format!("{line} (ended, and put back)")),
                Ok(_) => {}
            }
        }
        Ok(found.0)
    }

    async fn devices(&self, tx: &mut Tx, key: &dyn RowMac, found: &mut Findings) -> Result<(), StoreError> {
        let mut after = DeviceId(Uuid::nil());
        loop {
            let page = tx.devices_after(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for device in page {
                let set = self.ownership.get(&device.id.0).copied().unwrap_or(Ownership::Corporate);
                if !device.verifies(key) {
                    found.add("devices", format!("{} (edited)", device.id));
                } else if device.ownership != set {
                    found.add("devices", format!("{} (an earlier ownership, put back)", device.id));
                }
            }
        }
    }

    async fn owners_and_bindings(&self, tx: &mut Tx, key: &dyn RowMac, found: &mut Findings) -> Result<(), StoreError> {
        let (mut owners, mut bindings) = (Seen::of(&self.owners), Seen::of(&self.bindings));
        let mut after = RowId(Uuid::nil());
        loop {
            let page = tx.owners_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.parts().0.id;
            for row in page {
                let id = row.parts().0.id.0;
                owners.one(id, row.check(key).is_ok(), "device_owners", found);
            }
        }
        let mut after = RowId(Uuid::nil());
        loop {
            let page = tx.bindings_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.parts().0.id;
            for row in page {
                let id = row.parts().0.id.0;
                bindings.one(id, row.check(key).is_ok(), "login_bindings", found);
            }
        }
        owners.missing("device_owners", found);
        bindings.missing("login_bindings", found);
        Ok(())
    }

    async fn versions_and_grants(&self, tx: &mut Tx, key: &dyn RowMac, found: &mut Findings) -> Result<(), StoreError> {
        let (mut versions, mut grants) = (Seen::of(&self.versions), Seen::of(&self.grants));
        let mut after = VersionId(Uuid::nil());
        loop {
            let page = tx.versions_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.parts().0.id;
            for row in page {
                let (id, revealed) = (row.parts().0.id.0, row.parts().0.revealed_at.is_some());
                let good = row.check(key).is_ok();
                versions.one(id, good, "key_versions", found);
                if good && !revealed && self.shown.contains(&id) {
                    found.add("key_versions", format!("{id} (as it was before it was shown, put back)"));
                }
            }
        }
        let mut after = GrantId(Uuid::nil());
        loop {
            let page = tx.grants_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.parts().0.id;
            for row in page {
                let id = row.parts().0.id.0;
                grants.one(id, row.check(key).is_ok(), "reveal_grants", found);
            }
        }
        versions.missing("key_versions", found);
        Ok(())
    }
}

#[derive(Default)]
struct Findings(Vec<Unaccounted>);

impl Findings {
    fn add(&mut self, table: &'static str, id: String) {
        if self.0.len() < MOST_NAMED {
            self.0.push(Unaccounted { table, id });
        }
    }
}

/// A table's rows against those that the trail knows.
struct Seen<'a> {
    live: &'a HashSet<Uuid>,
    there: HashSet<Uuid>,
}

impl<'a> Seen<'a> {
    fn of(live: &'a HashSet<Uuid>) -> Self {
        Self { live, there: HashSet::with_capacity(live.len()) }
    }

    fn one(&mut self, id: Uuid, good: bool, table: &'static str, found: &mut Findings) {
        if !self.live.contains(&id) {
            found.add(table, id.to_string());
        } else if !good {
            found.add(table, format!("{id} (edited)"));
        }
        self.there.insert(id);
    }

    fn missing(&self, table: &'static str, found: &mut Findings) {
        let mut missing: Vec<_> = self.live.difference(&self.there).collect();
        missing.sort();
        for id in missing {
            found.add(table, format!("{id} (missing)"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_name_rows() {
        let (a, b, c) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let text = format!("row {a} replaces {b} {c}");
        assert_eq!(ids(&text, "row "), [a]);
        assert_eq!(ids(&text, "replaces "), [b, c]);
        assert_eq!(ids("step_up_other_person", "line "), Vec::<Uuid>::new());
    }
}
