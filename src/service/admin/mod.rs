//! What an admin may: look after tokens, sources and sessions, see what is missing, try the sign-in out. Never a key, never an
//! owner, never the root key. Whoever acts here is judged again inside the transaction, and each act is a trail row.

pub mod gaps;
pub mod overview;
pub mod sessions;
pub mod sources;
pub mod tokens;
pub mod trial;

use super::access::SignedIn;
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::config::StepUp;
use crate::crypto::Ring;
use crate::domain::policy::{self, Action, Caller, Refusal};
use crate::store::Tx;

/// The answer to an act that needs a fresh proof of presence.
#[derive(Debug, PartialEq, Eq)]
pub enum Fresh<T> {
    Done(T),
    /// The sign-in is older than such an act allows.
    StepUpDue,
    /// The provider does not say when the person proved who they are.
    NoAuthTime,
}

/// An act that a step-up leads back to.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum AdminAct {
    /// The form of a new token, as it was typed.
    NewToken(tokens::TokenForm),
    /// The token's id.
    Revoke(String),
}

/// Why an admin went to the provider, and what a page is to show on the way back.
#[derive(serde::Serialize, serde::Deserialize)]
pub(in crate::service) enum ForAdmin {
    /// A step-up before this act.
    Act(AdminAct),
    /// A sign-in that is only looked at: it signs nobody in.
    Trial,
    /// What was seen of it.
    Report(Box<trial::Report>),
}

impl AdminAct {
    /// The page that asks for it, which is where a step-up leads back to.
    pub fn page(&self) -> String {
        match self {
            Self::NewToken(_) => "/admin/tokens/new".to_owned(),
            Self::Revoke(id) => format!("/admin/tokens/{id}/revoke"),
        }
    }
}

impl Keyharbor {
    /// Is the proof of presence fresh enough for an admin's act? The measure is that of a reveal at the desk.
    ///
    /// # Errors
    /// [`ServiceError`]: the refusal could not be recorded.
    async fn fresh<T>(&self, person: &SignedIn, action: Action, request: &RequestInfo) -> Result<Option<Fresh<T>>> {
        let config = &self.rules.config;
        let session = &person.session;
        let acr_ok = !config.oidc.require_acr || session.acr.as_ref().is_some_and(|a| config.oidc.acr_values.contains(a));
        let recent = match session.auth_time {
            _ if config.oidc.danger_step_up == StepUp::Off => true,
            None => {
                self.refuse_person(person, "no_auth_time", None, request).await?;
                tracing::warn!(action = action.code(), "the provider sends no auth_time");
                return Ok(Some(Fresh::NoAuthTime));
            }
            Some(at) => self.env.now().seconds_since(at) < config.reveal.step_up_desk_seconds,
        };
        Ok((!recent || !acr_ok).then_some(Fresh::StepUpDue))
    }

    /// Passes an act's result on; that the person may not (any more), or that the thing is not there, becomes a row.
    async fn noted<T>(&self, result: Result<T>, person: &SignedIn, action: Action, request: &RequestInfo) -> Result<T> {
        if let Err(ServiceError::Refused(Refusal::Forbidden | Refusal::NotFound)) = &result {
            self.refuse_person(person, action.code(), None, request).await?;
        }
        result
    }

    /// The same person, as the session stands now, and still allowed; held until the end of the transaction.
    async fn still_may(&self, tx: &mut Tx, ring: &Ring, person: &SignedIn, action: Action) -> Result<SignedIn> {
        let person = self.still_in(tx, ring, person).await?;
        policy::decide(Caller::Person(person.session.roles), action, policy::Relation::NoDevice).map_err(ServiceError::from)?;
        Ok(person)
    }
}
