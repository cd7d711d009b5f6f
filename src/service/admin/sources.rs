//! Sources: the tokens that hand keys in, with what came of each. The counts are kept beside every deposit.

use std::collections::HashMap;

use super::super::access::SignedIn;
use super::super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::domain::device::{Ownership, Serial};
use crate::domain::ids::Timestamp;
use crate::domain::policy::{Action, Refusal};
use crate::domain::source::SourceRow;
use crate::domain::token::ApiToken;

/// Most lines of an admin's list; one more says that there are more.
pub const PAGE: usize = 50;
pub(super) const PAGE_AND_ONE: i64 = 51;

/// The Mac of the last deposit, as far as an admin may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastMac {
    Serial(Serial),
    /// Its owner's business alone.
    Personal,
}

/// A source in the list.
#[derive(Clone, Debug)]
pub struct ListedSource {
    /// `None`: its row does not verify, and it is refused.
    pub token: Option<ApiToken>,
    pub row: SourceRow,
    pub last_mac: Option<LastMac>,
}

/// A place in a list that is read newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: Timestamp,
    pub id: String,
}

impl Place {
    /// Before the first.
    pub fn start() -> Self {
        Self { at: Timestamp(i64::MAX), id: String::new() }
    }

    /// As it stands in an address: `1700000000000000-0123456789abcdef`.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('-')?;
        let good = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
        Some(Self { at: Timestamp(at.parse().ok()?), id: id.to_owned() }).filter(|_| good)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.at.0, self.id)
    }
}

impl Keyharbor {
    /// Sources, newest first: at most [`PAGE`], and where the next page begins.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn sources(&self, person: &SignedIn, before: &Place, request: &RequestInfo) -> Result<(Vec<ListedSource>, Option<Place>)> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let mut rows = tx.sources_page(before.at, &before.id, PAGE_AND_ONE).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| more).map(|r| Place { at: r.added_at, id: r.token.clone() });
        let mut tokens = HashMap::new();
        for row in &rows {
            if let Some(token) = tx.token(&row.token).await?.and_then(|t| t.check(ring.as_ref()).ok()) {
                tokens.insert(token.id.clone(), token);
            }
        }
        let listed = |row: SourceRow| ListedSource { token: tokens.remove(&row.token), last_mac: last_mac(&row), row };
        Ok((rows.into_iter().map(listed).collect(), next))
    }

    /// One token and what it has handed in, for the page that waits for its first key.
    ///
    /// # Errors
    /// [`super::super::ServiceError`]: no such token is the one 404.
    pub async fn source(&self, person: &SignedIn, id: &str, request: &RequestInfo) -> Result<(ApiToken, Option<SourceRow>)> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let row = tx.source(id).await?;
        let token = tx.token(id).await?.and_then(|t| t.check(ring.as_ref()).ok());
        drop(tx);
        self.noted(token.map(|token| (token, row)).ok_or(ServiceError::Refused(Refusal::NotFound)), person, Action::Administer, request)
            .await
    }
}

/// A personal Mac is named to nobody but its owner.
pub fn last_mac(row: &SourceRow) -> Option<LastMac> {
    row.last_device.as_ref().map(|(serial, ownership)| match ownership {
        Ownership::Corporate => LastMac::Serial(serial.clone()),
        Ownership::Personal => LastMac::Personal,
    })
}
