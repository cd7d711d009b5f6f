//! What the trail says of owners, bindings, tokens and sessions, held against what the tables hold.
//!
//! A row that was true once carries a MAC that verifies. Put back after it was removed, it would decide again; only the
//! trail remembers that it ended. `keyharbor audit verify` replays the events and names such a row, and a row that should be
//! there and is not.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::audit::{Event, EventKind};
use crate::domain::ids::{RowId, VersionId};
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
    tokens: HashSet<String>,
    revoked: HashSet<String>,
    ended_lines: HashSet<Uuid>,
}

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
            _ => {}
        }
    }

    /// The first row that no event accounts for, or that is missing although one does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn compare(&self, tx: &mut Tx) -> Result<Option<Unaccounted>, StoreError> {
        let found = |table, id: String| Ok(Some(Unaccounted { table, id }));
        for (table, live) in [("device_owners", &self.owners), ("login_bindings", &self.bindings), ("key_versions", &self.versions)] {
            let mut there = HashSet::with_capacity(live.len());
            let mut after = Uuid::nil();
            loop {
                let page: Vec<Uuid> = match table {
                    "device_owners" => tx.owner_ids(RowId(after), 1000).await?.into_iter().map(|id| id.0).collect(),
                    "login_bindings" => tx.binding_ids(RowId(after), 1000).await?.into_iter().map(|id| id.0).collect(),
                    _ => tx.version_ids(VersionId(after), 1000).await?.into_iter().map(|id| id.0).collect(),
                };
                if let Some(id) = page.iter().find(|id| !live.contains(*id)) {
                    return found(table, id.to_string());
                }
                let Some(last) = page.last() else { break };
                after = *last;
                there.extend(page);
            }
            if let Some(id) = live.difference(&there).next() {
                return found(table, format!("{id} (missing)"));
            }
        }
        for token in tx.tokens().await? {
            let row = token.parts().0;
            let put_back = row.revoked_at.is_none() && self.revoked.contains(&row.id);
            if put_back || !self.tokens.contains(&row.id) {
                return found("api_tokens", row.id.clone());
            }
        }
        let lines = tx.session_lines().await?;
        match lines.iter().find(|line| self.ended_lines.contains(&line.0)) {
            Some(line) => found("sessions", line.to_string()),
            None => Ok(None),
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
