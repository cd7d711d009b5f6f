//! The admin's first page: what wants attention. Every figure comes from an index and is bounded, but for the tokens, which are all
//! looked at: people make them one by one. What only a walk of the whole chain can say is left to `audit verify`.

use super::super::access::SignedIn;
use super::super::trail::{Verdict, verify_tail};
use super::super::{Keyharbor, RequestInfo, Result};
use super::gaps::GapCounts;
use crate::crypto::Ring;
use crate::domain::audit::{EventKind, Outcome};
use crate::domain::ids::Timestamp;
use crate::domain::policy::{self, Action, Caller, Relation};
use crate::domain::token::ApiToken;
use crate::domain::trail::{Cursor, TrailFilter};
use crate::store::{StoreError, Tx};

const DAY: i64 = 86_400;
/// A token that ends within so many days is named; one that has ended, when it was used so many days ago or less.
const TOKEN_DAYS: i64 = 14;
const BREAK_GLASS_DAYS: i64 = 7;
/// The last rows and checkpoints of the trail that are looked at, and rows of break-glass that are counted at most.
const LOOKED_AT: i64 = 100;

/// What the first page says.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Each begins with the setting it is about.
    pub warnings: Vec<&'static str>,
    /// Nobody has confirmed a copy of the root key.
    pub root_key_unconfirmed: bool,
    pub provider_down: bool,
    pub counts: GapCounts,
    pub tokens: TokenCounts,
    /// The last rows verify, and the last checkpoints name rows that are there.
    pub trail_sound: bool,
    /// Keys that were shown at the host in the last seven days.
    pub break_glass: usize,
    /// The reader may look into the trail.
    pub reads_trail: bool,
}

/// How many tokens somebody should do something about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TokenCounts {
    /// Live, and ending within [`TOKEN_DAYS`].
    pub ending: usize,
    /// Ended by time and not revoked, and in use less than [`TOKEN_DAYS`] ago.
    pub ended: usize,
    /// Refused since a restore, until somebody approves them.
    pub waiting: usize,
}

impl Keyharbor {
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn overview(&self, person: &SignedIn, request: &RequestInfo) -> Result<Overview> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let now = self.env.now();
        let mut tx = self.store.read().await?;
        let counts = self.gap_counts(&mut tx, &ring).await?;
        let tokens = token_counts(&mut tx, &ring, now).await?;
        let break_glass = break_glass_since(&mut tx, now.plus_seconds(-BREAK_GLASS_DAYS * DAY)).await?;
        let fit = checkpoints_fit(&mut tx).await?;
        // The last rows are read with a connection of their own, and there may be only one.
        drop(tx);
        Ok(Overview {
            warnings: self.rules.config.warnings(),
            root_key_unconfirmed: self.root_key_unconfirmed(),
            provider_down: self.provider_is_down(),
            counts,
            tokens,
            break_glass,
            trail_sound: fit && self.tail_verifies(&ring).await?,
            reads_trail: policy::decide(Caller::Person(person.session.roles), Action::ReadTrail, Relation::NoDevice).is_ok(),
        })
    }

    async fn tail_verifies(&self, ring: &Ring) -> Result<bool> {
        match verify_tail(&self.store, ring, LOOKED_AT).await {
            Ok(verdict) => Ok(matches!(verdict, Verdict::Whole { .. } | Verdict::Empty)),
            // A row that cannot be read does not verify either.
            Err(StoreError::Decode(_)) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

/// Will a live token have ended within [`TOKEN_DAYS`]?
pub fn ends_soon(token: &ApiToken, now: Timestamp) -> bool {
    token.expires_at.is_some_and(|end| end <= now.plus_seconds(TOKEN_DAYS * DAY))
}

async fn token_counts(tx: &mut Tx, ring: &Ring, now: Timestamp) -> Result<TokenCounts> {
    let rows = tx.tokens().await?;
    let waiting = rows.iter().filter(|row| row.waits(ring) && row.parts().0.revoked_at.is_none()).count();
    let mut counts = TokenCounts { waiting, ..TokenCounts::default() };
    for token in rows.into_iter().filter_map(|row| row.check(ring).ok()).filter(|t| t.revoked_at.is_none()) {
        let Some(end) = token.expires_at else { continue };
        if now < end {
            counts.ending += usize::from(ends_soon(&token, now));
        } else {
            counts.ended += usize::from(token.last_used.is_some_and(|used| used > now.plus_seconds(-TOKEN_DAYS * DAY)));
        }
    }
    Ok(counts)
}

async fn checkpoints_fit(tx: &mut Tx) -> Result<bool> {
    Ok(tx.checkpoints_before(i64::MAX, LOOKED_AT).await?.iter().all(|c| c.fits))
}

async fn break_glass_since(tx: &mut Tx, since: Timestamp) -> Result<usize> {
    let filter = TrailFilter { from: Some(since), kind: Some(EventKind::RevealBreakGlass), ..TrailFilter::default() };
    let [_, end] = Cursor::ENDS;
    let rows = tx.trail_older(&filter, end, LOOKED_AT).await?;
    // What was refused is a row of that kind too.
    Ok(rows.iter().filter(|l| l.row.event.outcome == Outcome::Ok).count())
}
