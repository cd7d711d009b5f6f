//! A token that was let in is looked at again in the transaction that stores what it brings: one that had ended by then stores
//! nothing, whoever let it in, and whenever.

use std::sync::Arc;

use super::{Keyharbor, RequestInfo, Work};
use crate::crypto::Ring;
use crate::domain::audit::Event;
use crate::domain::ids::Timestamp;
use crate::domain::integrity::{Attested, Deciding as _};
use crate::domain::policy::Refusal;
use crate::domain::token::ApiToken;
use crate::service::tokens::{Judged, LetIn, judge};
use crate::service::{Result, ServiceError};
use crate::store::Tx;

/// What a token is now.
enum Now {
    /// As it was when it was let in.
    In,
    /// The same, but signed anew or under other keys.
    Renewed(Arc<LetIn>),
    Out(&'static str),
    Bent,
    /// It may still do something, but perhaps not what it was let in for: the caller comes again. No act of today does that to a token.
    Changed,
}

/// Each token of a batch once, with what it is now.
pub(super) struct Again(Vec<(Arc<LetIn>, Now)>);

/// The ids of the tokens that have to be looked at again.
pub(super) fn ids<'a>(work: &[&'a Work]) -> Vec<&'a str> {
    let mut ids: Vec<&str> = work.iter().filter_map(|w| w.source.let_in.as_ref()).map(|let_in| let_in.token.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Now {
    fn is_in(&self) -> bool {
        matches!(self, Self::In | Self::Renewed(_))
    }
}

impl Again {
    pub fn of(work: &[&Work], rows: &[Attested<ApiToken>], ring: &Ring, now: Timestamp) -> Self {
        let mut all: Vec<(Arc<LetIn>, Now)> = Vec::new();
        for let_in in work.iter().filter_map(|w| w.source.let_in.as_ref()) {
            if !all.iter().any(|(seen, _)| Arc::ptr_eq(seen, let_in)) {
                let row = rows.iter().find(|row| row.parts().0.id == let_in.token.id);
                all.push((Arc::clone(let_in), compared(let_in, row, ring, now)));
            }
        }
        Self(all)
    }

    /// Writes down that tokens are in use, where that is due.
    pub async fn touch(&self, tx: &mut Tx, rows: &[Attested<ApiToken>], now: Timestamp) -> Result<()> {
        let mut due: Vec<&str> = rows.iter().map(|row| row.parts().0).filter(|t| t.touch_is_due(now)).map(|t| t.id.as_str()).collect();
        due.retain(|id| self.0.iter().any(|(let_in, now)| let_in.token.id == *id && now.is_in()));
        due.sort_unstable();
        for id in due {
            tx.touch_token(id, now).await?;
        }
        Ok(())
    }

    /// What is known of them from now on.
    pub fn remember(&self, house: &Keyharbor) {
        for (let_in, now) in &self.0 {
            match now {
                Now::In => {}
                Now::Renewed(renewed) => house.known.put(renewed),
                Now::Out(_) | Now::Bent | Now::Changed => house.known.forget(&let_in.token.id),
            }
        }
    }

    /// What a work is refused with, and the row that says so.
    pub fn refusal(&self, work: &Work, house: &Keyharbor) -> Option<(ServiceError, Option<Event>)> {
        let let_in = work.source.let_in.as_ref()?;
        let (_, now) = self.0.iter().find(|(seen, _)| Arc::ptr_eq(seen, let_in))?;
        let refused = ServiceError::Refused(Refusal::NotSignedIn);
        let request: &RequestInfo = &work.request;
        match now {
            Now::In | Now::Renewed(_) => None,
            Now::Out(why) => Some((refused, Some(house.token_refusal(&let_in.token, why, request)))),
            Now::Bent => Some((refused, Some(house.integrity_event("api_tokens", None, request)))),
            Now::Changed => Some((ServiceError::Busy { retry_after: 1 }, None)),
        }
    }
}

fn compared(let_in: &LetIn, row: Option<&Attested<ApiToken>>, ring: &Ring, now: Timestamp) -> Now {
    let Some(row) = row else { return Now::Out("token_ended") };
    let known = let_in.token.canonical();
    let same = row.mac() == let_in.mac && row.parts().0.canonical() == known;
    // What was believed under keys that are gone is not believed for having been seen.
    if same && let_in.generation == ring.generation() && let_in.token.live(now) {
        return Now::In;
    }
    match judge(ring, row.clone(), let_in.token.door, now) {
        Judged::In(judged) if judged.token.canonical() == known => Now::Renewed(Arc::new(judged)),
        Judged::In(_) => Now::Changed,
        Judged::Out(_, why) => Now::Out(why),
        Judged::Bent => Now::Bent,
    }
}
