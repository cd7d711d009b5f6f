//! Back-channel logout: the identity provider says that somebody's session is over, and so it is here.
//!
//! The sessions' rows go, on every replica at once, and with them every grant of their session lines. A token is obeyed
//! once; its repeat changes nothing and is answered alike, so that a session begun since then lives on. A sign-in or step-up that
//! was open meanwhile makes no session: the provider's answer to it may be of before.

use super::sign_in::LIFETIME_SECONDS;
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::integrity::Attested;
use crate::domain::person::{LogoutRow, Session};
use crate::oidc::OidcError;
use crate::oidc::logout::{Logout, LogoutOf, REMEMBER_SECONDS};
use crate::store::Tx;

/// As long as the token could come again, and as long as a sign-in that was open may still end.
const KEPT_SECONDS: i64 = {
    let sign_in = LIFETIME_SECONDS + 60;
    if sign_in > REMEMBER_SECONDS { sign_in } else { REMEMBER_SECONDS }
};

/// Why nobody was signed out.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    #[error(transparent)]
    Provider(#[from] OidcError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Keyharbor {
    /// Obeys a logout token.
    ///
    /// # Errors
    /// [`LogoutError::Provider`]: the token is not good, which is recorded as every refusal of an unknown caller is; or the
    /// provider's keys are not known and cannot be fetched. [`LogoutError::Service`]: sealed, the trail, the database.
    pub async fn backchannel_logout(&self, token: &str, request: &RequestInfo) -> Result<(), LogoutError> {
        self.ring()?;
        let logout = match self.oidc.logout_token(token).await {
            Ok(logout) => logout,
            Err(e) => {
                tracing::warn!(error = %e, "a logout token was refused");
                if matches!(e, OidcError::TokenRejected(_)) {
                    self.refuse_unknown(EventKind::AccessRefused, "logout_token", request).await;
                }
                return Err(e.into());
            }
        };
        self.retry(async || {
            let mut tx = self.store.write().await?;
            let ring = self.ring_now(&mut tx).await?;
            if !tx.insert_logout(&self.remembered(&logout)).await? {
                return Ok(());
            }
            let ended = match &logout.of {
                LogoutOf::Session { sid, who } => tx.delete_sid(&logout.issuer, sid, who.as_ref().map(|who| who.subject.as_str())).await?,
                LogoutOf::Person(who) => tx.delete_sessions_of(who).await?,
            };
            let mut events = Vec::with_capacity(ended.len());
            for row in ended {
                events.push(self.signed_out(&mut tx, &ring, row, request).await?);
            }
            if events.is_empty() {
                // Nobody was here, or no longer: there is nothing to tell.
                tx.commit_unrecorded().await?;
                return Ok(());
            }
            self.conclude(tx, &events).await.map(drop)
        })
        .await?;
        Ok(())
    }

    /// A token's row: against its repeat, and for sign-ins that are open now.
    fn remembered(&self, logout: &Logout) -> LogoutRow {
        let now = self.env.now();
        let (sid, who) = match &logout.of {
            LogoutOf::Session { sid, who } => (Some(sid.clone()), who.as_ref()),
            LogoutOf::Person(who) => (None, Some(who)),
        };
        LogoutRow {
            issuer: logout.issuer.clone(),
            jti: logout.jti.clone(),
            sid,
            subject: who.map(|who| who.subject.clone()),
            obeyed_at: now,
            expires_at: now.plus_seconds(KEPT_SECONDS),
        }
    }

    /// The row about one session that was ended. One that does not verify ended too, and says only that.
    async fn signed_out(&self, tx: &mut Tx, ring: &Ring, row: Attested<Session>, request: &RequestInfo) -> Result<Event> {
        let Ok(session) = row.check(ring) else { return Ok(self.integrity_event("sessions", None, request)) };
        let person = tx.person(&session.who).await?;
        let mut event = self.event(EventKind::SessionEnded, Outcome::Ok, Actor::Person(session.who.clone()), request);
        event.detail = format!("backchannel_logout line {}", session.line);
        event.role = session.roles.codes();
        event.personal.name = person.and_then(|p| p.name);
        event.personal.login = session.login.map(|l| l.as_str().to_owned());
        Ok(event)
    }
}
