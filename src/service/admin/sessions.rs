//! Open sessions, and ending them. A session is a row that every request reads, so what is deleted here is refused by every
//! replica at once; the grants of its line end with it.

use super::super::access::SignedIn;
use super::super::{Keyharbor, RequestInfo, Result};
use super::sources::{PAGE, PAGE_AND_ONE};
use crate::domain::audit::{EventKind, Outcome};
use crate::domain::ids::{LineId, SessionId};
use crate::domain::person::Session;
use crate::domain::policy::Action;

/// A session in the list.
#[derive(Clone, Debug)]
pub struct OpenSession {
    pub session: Session,
    /// The person's name as the provider gave it.
    pub name: Option<String>,
    /// It is the reader's own.
    pub own: bool,
}

impl Keyharbor {
    /// Open sessions, newest first: at most [`PAGE`], and where the next page begins. Those that time has ended, that do not
    /// verify or that another provider vouched for are nobody's, and are left out.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn open_sessions(
        &self,
        person: &SignedIn,
        before: Option<SessionId>,
        request: &RequestInfo,
    ) -> Result<(Vec<OpenSession>, Option<SessionId>)> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let before = before.unwrap_or(SessionId(uuid::Uuid::max()));
        let mut rows = self.store.read().await?.sessions_page(before, PAGE_AND_ONE).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| more).map(|(row, _)| row.parts().0.id);
        let sound = rows.into_iter().filter_map(|(row, name)| Some((row.check(ring.as_ref()).ok()?, name)));
        let open = sound.filter(|(session, _)| self.is_open(session)).map(|(session, name)| OpenSession {
            own: session.line == person.line(),
            session,
            name,
        });
        Ok((open.collect(), next))
    }

    fn is_open(&self, session: &Session) -> bool {
        let (now, limits) = (self.env.now(), &self.rules.config.sessions);
        session.who.issuer == self.rules.config.oidc.issuer
            && now.seconds_since(session.last_seen) < limits.idle_minutes * 60
            && now.seconds_since(session.created_at) < limits.absolute_hours * 3600
    }

    /// Ends a session line, or with `all` every session of its person but the one that asks. `false`: it had ended already.
    ///
    /// # Errors
    /// [`super::super::ServiceError`]: refused, the trail, the database.
    pub async fn end_sessions(&self, person: &SignedIn, line: LineId, all: bool, request: &RequestInfo) -> Result<bool> {
        self.permit(person, Action::EndSessions, request).await?;
        let ring = self.ring()?;
        let ended = self.retry(async || {
            let mut tx = self.store.write().await?;
            let person = self.still_may(&mut tx, &ring, person, Action::EndSessions).await?;
            let rows = tx.line_locked(line).await?;
            // A row that does not verify names whom it likes: it ends with its line, and nobody else's does.
            let Some(first) = rows.first() else { return Ok(false) };
            let sound = first.clone().check(ring.as_ref()).ok().map(|s| s.who);
            let mut lines = vec![line];
            if let Some(who) = sound.as_ref().filter(|_| all) {
                lines.extend(tx.sessions_of_locked(who).await?.iter().map(|row| row.parts().0.line).filter(|l| *l != line));
                lines.retain(|l| *l != person.line());
                if lines.is_empty() {
                    return Ok(false);
                }
            }
            for line in &lines {
                tx.delete_line(*line).await?;
            }
            let mut event = self.person_event(EventKind::SessionEnded, Outcome::Ok, &person, request);
            let whose = sound.map_or_else(|| "-".to_owned(), |who| who.subject);
            event.detail = format!("line {} subject {whose}", lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
            self.conclude(tx, &[event]).await?;
            Ok(true)
        });
        self.noted(ended.await, person, Action::EndSessions, request).await
    }
}
