//! Step-up: a person whose proof of presence is too old for a reveal gives a fresh one, and comes back to the same form.
//!
//! The callback reveals nothing: it renews the session and leads back to the form, filled in, for one more press. The
//! session line stays, its cookie changes, and nobody gains a role by it.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::access::{SignedIn, cookie_secret};
use super::admin::{AdminAct, ForAdmin};
use super::forms::{DeskText, RevealForm, Which};
use super::sign_in::{Finished, Memory, SignInError, Started};
use super::{Keyharbor, RequestInfo, Result};
use crate::crypto::{Purpose, Ring};
use crate::domain::audit::{EventKind, Outcome};
use crate::domain::ids::Timestamp;
use crate::domain::integrity::Attested;
use crate::domain::person::{Roles, Session, SignIn};
use crate::oidc::{Ask, Identity};

impl Keyharbor {
    /// Opens a step-up for a person whose sign-in is too old, the form kept with it.
    ///
    /// # Errors
    /// As [`Self::begin_sign_in`].
    pub async fn begin_step_up(&self, person: &SignedIn, form: RevealForm, browser: Option<&str>) -> Result<Started, SignInError> {
        let to = match &form.desk {
            None => format!("/devices/{}", form.device()),
            Some(_) => format!("/desk/devices/{}", form.device()),
        };
        let form = RevealForm { desk: form.desk.map(DeskText::without_keys), ..form };
        self.begin(Ask::step_up(1), (to, Some(form), None), Some(person.line()), browser).await
    }

    /// The same before an act of an admin.
    ///
    /// # Errors
    /// As [`Self::begin_sign_in`].
    pub async fn begin_admin_step_up(&self, person: &SignedIn, act: AdminAct, browser: Option<&str>) -> Result<Started, SignInError> {
        self.begin(Ask::step_up(1), (act.page(), None, Some(ForAdmin::Act(act))), Some(person.line()), browser).await
    }

    /// The same person came back, freshly proven: a new cookie for the same session line.
    pub(super) async fn stepped_up(
        &self,
        ring: &Arc<Ring>,
        (identity, begun): (Identity, Timestamp),
        memory: Memory,
        current: &SignedIn,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        let limits = &self.rules.config.reveal;
        let desk = memory.form.as_ref().is_some_and(|f| f.desk.is_some());
        let age = if desk || memory.admin.is_some() { limits.step_up_desk_seconds } else { limits.step_up_owner_seconds };
        if identity.auth_time.is_some_and(|t| self.env.now().seconds_since(t) >= age.max(60)) {
            return Err(SignInError::StaleProof);
        }
        let cookie = cookie_secret(&self.env);
        // An owner's plain press is on the device's page anyway; the other key is asked for by the form alone.
        let form = memory.form.filter(|f| desk || f.which == Which::Other);
        let typed = memory.admin.filter(|a| matches!(a, ForAdmin::Act(AdminAct::NewToken(_))));
        let form = match (&form, &typed) {
            (None, None) => None,
            _ => Some(self.keep_for_page(ring, Memory::kept(form, typed), current)?),
        };
        let kept = form.as_ref().map(|(row, _)| row);
        self.renew_session(ring, (&identity, begun), current, &cookie, kept, request).await??;
        let to = match form {
            Some((_, key)) => format!("{}?form={}", memory.return_to, key.expose_secret()),
            None => memory.return_to,
        };
        Ok(Finished { cookie: Some(cookie), to, hitch: None })
    }

    /// Writes the fresh proof into the session. Refused when, while the provider was asked, it ended or was renewed elsewhere, or
    /// the provider signed the person out.
    async fn renew_session(
        &self,
        ring: &Arc<Ring>,
        (identity, begun): (&Identity, Timestamp),
        current: &SignedIn,
        cookie: &SecretString,
        form: Option<&SignIn>,
        request: &RequestInfo,
    ) -> Result<Result<(), SignInError>> {
        self.retry(async || {
            let mut tx = self.store.write().await?;
            if tx.signed_out_since(&identity.who, identity.sid.as_deref(), begun).await? {
                return Ok(Err(SignInError::SignedOut));
            }
            // Another tab may move `last_seen` at this very moment: then what was read is not there any more, and is read again.
            let mut renewed = None;
            for _ in 0..3 {
                let Some(row) = tx.session_by_hash(&current.session.secret_hash).await? else { return Ok(Err(SignInError::NoTransaction)) };
                let old_mac = row.mac().to_vec();
                let Ok(old) = row.check(ring.as_ref()) else { return Ok(Err(SignInError::NoTransaction)) };
                let (session, lost) = self.renewed(ring, old, identity, cookie);
                if tx.replace_session(session.id, &old_mac, &Attested::sign(session, ring.as_ref())).await? {
                    renewed = Some(lost);
                    break;
                }
            }
            let Some(lost) = renewed else { return Ok(Err(SignInError::NoTransaction)) };
            if let Some(form) = form {
                tx.insert_sign_in(form).await?;
            }
            let mut events = Vec::new();
            if lost.bits() != 0 {
                let mut reduced = self.person_event(EventKind::RolesReduced, Outcome::Refused, current, request);
                reduced.detail = lost.codes();
                events.push(reduced);
            }
            events.push(self.person_event(EventKind::StepUp, Outcome::Ok, current, request));
            self.conclude(tx, &events).await?;
            Ok(Ok(()))
        })
        .await
    }

    /// The session with the fresh proof, and the roles it loses by it.
    fn renewed(&self, ring: &Ring, mut session: Session, identity: &Identity, cookie: &SecretString) -> (Session, Roles) {
        session.secret_hash = ring.token_hash(Purpose::Session, cookie.expose_secret().as_bytes());
        (session.auth_time, session.acr, session.last_seen) = (identity.auth_time, identity.acr.clone(), self.env.now());
        // The provider may have begun a session of its own anew: a logout will name that one.
        session.sid = identity.sid.clone().or(session.sid);
        // A role that the provider no longer gives is gone at once; a new one waits for the next sign-in.
        let lost = Roles::from_bits(session.roles.bits() & !identity.roles.bits());
        session.roles = Roles::from_bits(session.roles.bits() & identity.roles.bits());
        (session, lost)
    }

    /// Somebody else came back from the step-up: the session that asked for it ends.
    pub(super) async fn end_for_other(&self, current: &SignedIn, request: &RequestInfo) -> Result<()> {
        let mut event = self.person_event(EventKind::SessionEnded, Outcome::Refused, current, request);
        event.detail = format!("step_up_other_person line {}", current.line());
        self.retry(async || {
            let mut tx = self.store.write().await?;
            tx.delete_line(current.line()).await?;
            self.conclude(tx, std::slice::from_ref(&event)).await.map(|_| ())
        })
        .await
    }

    /// Seals what a page is to show when the browser comes back; answers the row and the key of its address.
    pub(super) fn keep_for_page(&self, ring: &Ring, memory: Memory, person: &SignedIn) -> Result<(SignIn, SecretString)> {
        let key = cookie_secret(&self.env);
        let row = self.sign_in_row(ring, &memory, &key, &key, Some(person.line()))?;
        Ok((row, key))
    }

    /// The form that a step-up kept; once, and for the same session line only.
    ///
    /// # Errors
    /// [`super::ServiceError`].
    pub async fn take_form(&self, person: &SignedIn, key: &str) -> Result<Option<RevealForm>> {
        Ok(self.take_kept(person, key).await?.and_then(|memory| memory.form))
    }

    /// What was kept under this key for this session line, taken out.
    pub(super) async fn take_kept(&self, person: &SignedIn, key: &str) -> Result<Option<Memory>> {
        match self.take(key, Some(key)).await {
            Ok((row, memory)) if row.line == Some(person.line()) => Ok(Some(memory)),
            Ok(_) => Ok(None),
            Err(SignInError::Service(e)) => Err(e),
            Err(_) => Ok(None),
        }
    }
}
