//! A login is bound to one (issuer, subject), one each way, at that person's first sign-in.
//!
//! Another subject with a bound login, or a bound person with another login, gains nothing by it and is recorded. Only
//! `keyharbor login rebind` changes a binding.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::ids::RowId;
use crate::domain::integrity::Attested;
use crate::domain::person::{Binding, Login, Subject};
use crate::oidc::Identity;
use crate::store::Tx;

/// Devices of one login that are told of a rebinding.
const MOST_DEVICES: i64 = 1000;

impl Keyharbor {
    /// The login this person owns devices by. Bound once, one each way; a conflict owns nothing and is recorded.
    pub(super) async fn bind(
        &self,
        tx: &mut Tx,
        ring: &Arc<Ring>,
        identity: &Identity,
        id: RowId,
        request: &RequestInfo,
        events: &mut Vec<Event>,
    ) -> Result<Option<Login>> {
        let mut note = |kind, outcome, detail: &str, login: &Login| {
            let mut event = self.event(kind, outcome, Actor::Person(identity.who.clone()), request);
            event.detail = detail.to_owned();
            event.personal.login = Some(login.as_str().to_owned());
            event.personal.name.clone_from(&identity.name);
            events.push(event);
        };
        if let Some(row) = tx.binding_by_subject(&identity.who).await? {
            let stored = row.parts().0.login.clone();
            let Ok(bound) = row.check(ring.as_ref()) else {
                note(EventKind::IntegrityFailure, Outcome::Failed, "login_bindings", &stored);
                return Ok(None);
            };
            if let Some(claimed) = identity.login.as_ref().filter(|l| **l != bound.login) {
                // Renamed at the provider: the first binding stays, the new login brings nothing.
                note(EventKind::LoginConflict, Outcome::Refused, "second_login", claimed);
            }
            return Ok(Some(bound.login));
        }
        let Some(login) = &identity.login else { return Ok(None) };
        let binding = Binding { id, login: login.clone(), who: identity.who.clone(), bound_at: self.env.now() };
        let theirs = tx.binding_by_login(&identity.who.issuer, login).await?.map(|row| row.check(ring.as_ref()));
        if let Some(Err(_)) = theirs {
            // Somebody wrote it to keep this person out: it is nobody's binding, and no conflict with anybody.
            note(EventKind::IntegrityFailure, Outcome::Failed, "login_bindings", login);
            return Ok(None);
        }
        if theirs.is_none() && tx.insert_binding(&Attested::sign(binding, ring.as_ref())).await? {
            note(EventKind::LoginBound, Outcome::Ok, &format!("row {id}"), login);
            return Ok(Some(login.clone()));
        }
        // Another tab of the same person's may have been faster.
        let faster = tx.binding_by_subject(&identity.who).await?.and_then(|row| row.check(ring.as_ref()).ok());
        if faster.is_some_and(|bound| bound.login == *login) {
            return Ok(Some(login.clone()));
        }
        note(EventKind::LoginConflict, Outcome::Refused, "login_of_another", login);
        Ok(None)
    }

    /// Rebinds a login to another subject (command line only); what both were bound to before ends. A row for each of the login's
    /// devices says so on that device's page.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn rebind(&self, login: &Login, who: Subject) -> Result<()> {
        let ring = self.ring()?;
        let id = RowId::new(&self.env);
        let request = RequestInfo::none(&self.env);
        self.retry(async || {
            let mut tx = self.store.write().await?;
            let mut replaced = String::new();
            for old in [tx.binding_by_login(&who.issuer, login).await?, tx.binding_by_subject(&who).await?].into_iter().flatten() {
                let old = old.parts().0.id;
                tx.delete_binding(old).await?;
                let _ = write!(replaced, " {old}");
            }
            let binding = Binding { id, login: login.clone(), who: who.clone(), bound_at: self.env.now() };
            if !tx.insert_binding(&Attested::sign(binding, ring.as_ref())).await? {
                return Err(ServiceError::invalid("login", "could not be bound"));
            }
            let mut event = self.event(EventKind::LoginRebound, Outcome::Ok, Actor::Operator, &request);
            // The subject stands in the chain itself: who could see the Macs from now on must not be erasable.
            let replaces = if replaced.is_empty() { String::new() } else { format!(" replaces{replaced}") };
            event.detail = format!("row {id}{replaces} subject {}", who.subject);
            event.personal.login = Some(login.as_str().to_owned());
            let mut events = vec![event.clone()];
            for (device, _) in tx.owned_devices(&who.issuer, login, MOST_DEVICES).await? {
                let mut about = self.event(EventKind::LoginRebound, Outcome::Ok, Actor::Operator, &request);
                (about.detail, about.personal) = (event.detail.clone(), event.personal.clone());
                (about.device, about.serial) = (Some(device.id), Some(device.serial.as_str().to_owned()));
                events.push(about);
            }
            self.conclude(tx, &events).await.map(|_| ())
        })
        .await
    }

    /// Who a login is bound to.
    ///
    /// # Errors
    /// [`ServiceError::Integrity`] when the row does not verify.
    pub async fn binding_of(&self, login: &Login) -> Result<Option<Binding>> {
        let ring = self.ring()?;
        let row = self.store.read().await?.binding_by_login(&self.rules.config.oidc.issuer, login).await?;
        row.map(|r| r.check(ring.as_ref())).transpose().map_err(|_| ServiceError::Integrity)
    }
}
