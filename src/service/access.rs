//! Sessions: who sits behind a cookie, how the owner relation is judged, how a session ends.
//!
//! Nothing in a cookie is believed: it is looked up by its keyed hash, its row's MAC is checked, and idle and absolute
//! limits are the server's own.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::{Purpose, Ring};
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::device::Device;
use crate::domain::ids::{DeviceId, Env, hex};
use crate::domain::integrity::Attested;
use crate::domain::person::{Login, Session};
use crate::domain::policy::{self, Action, Caller, Permit, Refusal, Relation};
use crate::store::Tx;

/// Somebody who is signed in; made by [`Keyharbor::authenticate`] alone.
#[derive(Clone)]
pub struct SignedIn {
    pub(super) session: Session,
    pub name: Option<String>,
    /// Goes into every form of this session line.
    pub csrf: String,
}

impl SignedIn {
    pub fn roles(&self) -> crate::domain::Roles {
        self.session.roles
    }

    pub fn login(&self) -> Option<&Login> {
        self.session.login.as_ref()
    }

    pub fn who(&self) -> &crate::domain::Subject {
        &self.session.who
    }

    pub fn line(&self) -> crate::domain::ids::LineId {
        self.session.line
    }

    /// How a person is named on pages: name, login, or the subject.
    pub fn label(&self) -> String {
        self.name
            .clone()
            .or_else(|| self.session.login.as_ref().map(|l| l.as_str().to_owned()))
            .unwrap_or_else(|| self.session.who.subject.clone())
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::Person(self.session.who.clone())
    }
}

/// 32 random bytes as 64 hexadecimal digits: the value of a session or transaction cookie.
pub(super) fn cookie_secret(env: &Env) -> SecretString {
    hex(env.secret()).into()
}

impl Keyharbor {
    /// Who holds this cookie? `None` for nobody: unknown, ended, idle, too old, or a row that does not verify.
    ///
    /// # Errors
    /// [`ServiceError`]: sealed, or the database.
    pub async fn authenticate(&self, cookie: &str, request: &RequestInfo) -> Result<Option<SignedIn>> {
        self.ring()?;
        if cookie.len() != 64 {
            return Ok(None);
        }
        let found = self.retry(async || {
            let mut tx = self.store.read().await?;
            let ring = self.ring_now(&mut tx).await?;
            for hash in ring.token_hashes(Purpose::Session, cookie.as_bytes()) {
                if let Some(row) = tx.session_by_hash(&hash).await? {
                    let person = tx.person(&row.parts().0.who).await?;
                    return Ok(Some((ring, row, person)));
                }
            }
            Ok(None)
        });
        let Some((ring, row, person)) = found.await? else { return Ok(None) };
        let old_mac = row.mac().to_vec();
        let Ok(session) = row.check(ring.as_ref()) else {
            self.record_integrity("sessions", None, request).await?;
            return Ok(None);
        };
        if session.who.issuer != self.rules.config.oidc.issuer {
            // A provider that the settings no longer name vouches for nobody.
            return Ok(None);
        }
        let now = self.env.now();
        let limits = &self.rules.config.sessions;
        if now.seconds_since(session.last_seen) >= limits.idle_minutes * 60
            || now.seconds_since(session.created_at) >= limits.absolute_hours * 3600
        {
            self.retry(async || {
                let mut tx = self.store.write().await?;
                tx.delete_session(session.id).await?;
                Ok(tx.commit_unrecorded().await?)
            })
            .await?;
            return Ok(None);
        }
        let session = if now.seconds_since(session.last_seen) >= 60 {
            let Some(session) = self.touch(&ring, session, &old_mac).await? else { return Ok(None) };
            session
        } else {
            session
        };
        let csrf = self.csrf_of(&ring, &session);
        Ok(Some(SignedIn { name: person.and_then(|p| p.name), csrf, session }))
    }

    async fn touch(&self, ring: &Arc<Ring>, session: Session, old_mac: &[u8]) -> Result<Option<Session>> {
        let mut moved = session.clone();
        moved.last_seen = self.env.now();
        let signed = Attested::sign(moved.clone(), ring.as_ref());
        let won = self.retry(async || {
            let mut tx = self.store.write().await?;
            let won = tx.replace_session(session.id, old_mac, &signed).await?;
            tx.commit_unrecorded().await?;
            Ok(won)
        });
        if won.await? {
            return Ok(Some(moved));
        }
        // Another request moved it first, or it ended meanwhile: what stands there now counts.
        let row = self.retry(async || Ok(self.store.read().await?.session_by_hash(&session.secret_hash).await?)).await?;
        Ok(row.and_then(|row| row.check(ring.as_ref()).ok()))
    }

    /// The same person as the session stands now, held until the end of the transaction: it may have ended or lost a role since
    /// the request was let in.
    pub(super) async fn still_in(&self, tx: &mut Tx, ring: &Ring, person: &SignedIn) -> Result<SignedIn> {
        let row = tx.session_shared(&person.session.secret_hash).await?.and_then(|row| row.check(ring).ok());
        let session = row.filter(|s| s.line == person.session.line).ok_or(ServiceError::Refused(Refusal::NotSignedIn))?;
        Ok(SignedIn { session, ..person.clone() })
    }

    /// Under the token key that the session itself is under, so that a new one spoils no form on the screen.
    fn csrf_of(&self, ring: &Ring, session: &Session) -> String {
        let hashes = ring.token_hashes(Purpose::Csrf, session.line.0.as_bytes());
        let same_key = |hash: &&Vec<u8>| hash.get(..5) == session.secret_hash.get(..5);
        hex(hashes.iter().find(same_key).or(hashes.first()).map_or(&[][..], Vec::as_slice))
    }

    /// Does this form belong to this session line? Constant time.
    pub fn csrf_ok(&self, person: &SignedIn, token: &str) -> bool {
        use subtle::ConstantTimeEq;
        bool::from(person.csrf.as_bytes().ct_eq(token.as_bytes()))
    }

    /// Ends a session line by its own person's wish.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn sign_out(&self, person: &SignedIn, request: &RequestInfo) -> Result<()> {
        let mut event = self.person_event(EventKind::SignOut, Outcome::Ok, person, request);
        event.detail = format!("line {}", person.session.line);
        self.retry(async || {
            let mut tx = self.store.write().await?;
            tx.delete_line(person.session.line).await?;
            self.conclude(tx, std::slice::from_ref(&event)).await.map(|_| ())
        })
        .await
    }

    /// An event of a signed-in person: roles, name and login filled in.
    pub(crate) fn person_event(&self, kind: EventKind, outcome: Outcome, person: &SignedIn, request: &RequestInfo) -> Event {
        let mut event = self.event(kind, outcome, person.actor(), request);
        event.role = person.session.roles.codes();
        event.personal.name.clone_from(&person.name);
        event.personal.login = person.session.login.as_ref().map(|l| l.as_str().to_owned());
        event
    }

    /// Records that a known person was refused something.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn refuse_person(&self, person: &SignedIn, detail: &str, device: Option<&Device>, request: &RequestInfo) -> Result<()> {
        let mut event = self.person_event(EventKind::AccessRefused, Outcome::Refused, person, request);
        event.detail = detail.to_owned();
        event.device = device.map(|d| d.id);
        event.serial = device.map(|d| d.serial.as_str().to_owned());
        self.record(&[event]).await
    }

    /// Asks the policy for an act that is about no device; a refusal is a row.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn permit(&self, person: &SignedIn, action: Action, request: &RequestInfo) -> Result<Permit> {
        match policy::decide(Caller::Person(person.session.roles), action, Relation::NoDevice) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                self.refuse_person(person, action.code(), None, request).await?;
                Err(refusal.into())
            }
        }
    }

    /// Finds a device and judges how the person stands to it. The same statements run whether it exists or not.
    pub(super) async fn stand(&self, tx: &mut Tx, ring: &Ring, person: &SignedIn, id: DeviceId, lock: bool) -> Result<Stand> {
        let mut device = tx.device(id).await?;
        let mut broken = None;
        let mut own = false;
        if let Some(login) = &person.session.login {
            let issuer = &person.session.who.issuer;
            let owner = if lock {
                tx.owner_locked(id, issuer, login).await?
            } else {
                tx.owned_device(issuer, login, id).await?.map(|(_, owner)| owner)
            };
            let binding = tx.binding_by_login(issuer, login).await?;
            let owner = owner.map(|o| o.check(ring).map_err(|_| "device_owners"));
            let binding = binding.map(|b| b.check(ring).map_err(|_| "login_bindings"));
            match (owner, binding) {
                (Some(Err(table)), _) | (_, Some(Err(table))) => broken = Some(table),
                (Some(Ok(owner)), Some(Ok(binding))) => {
                    own = owner.device == id && owner.login == *login && binding.who == person.session.who
                }
                _ => {}
            }
        }
        if device.as_ref().is_some_and(|d| !d.verifies(ring)) {
            (broken, device) = (Some("devices"), None);
        }
        let relation = match &device {
            None => Relation::Unknown,
            Some(d) if own => Relation::Own(d.ownership),
            Some(d) => Relation::Other(d.ownership),
        };
        Ok(Stand { device, relation, broken })
    }

    /// Decides about one device: the answer is the device and the permit, or the one refusal for unknown and foreign ones.
    /// A refusal and a row that does not verify are recorded.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] and the store's.
    pub(super) async fn judge(&self, person: &SignedIn, id: DeviceId, action: Action, request: &RequestInfo) -> Result<(Device, Permit)> {
        let ring = self.ring()?;
        let stand = self.retry(async || self.stand(&mut self.store.read().await?, &ring, person, id, false).await).await?;
        if let Some(table) = stand.broken {
            self.record_integrity(table, Some(id), request).await?;
        }
        match (policy::decide(Caller::Person(person.session.roles), action, stand.relation), stand.device) {
            (Ok(permit), Some(device)) => Ok((device, permit)),
            (refusal, device) => {
                // One row for each of the three cases (unknown, foreign, malformed), so that they cost the same.
                self.refuse_person(person, action.code(), device.as_ref(), request).await?;
                Err(refusal.err().unwrap_or(Refusal::NotFound).into())
            }
        }
    }

    /// Whether this person may do this with this device at all, asked before what else came with the request is looked at.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] and the store's.
    pub async fn may(&self, person: &SignedIn, id: DeviceId, action: Action, request: &RequestInfo) -> Result<()> {
        self.judge(person, id, action, request).await.map(drop)
    }

    /// A malformed id costs what an unknown one costs and gets the same answer.
    ///
    /// # Errors
    /// Always [`ServiceError::Refused`] with [`Refusal::NotFound`], or the store's.
    pub async fn judge_malformed(&self, person: &SignedIn, action: Action, request: &RequestInfo) -> ServiceError {
        let nobody = DeviceId(uuid::Uuid::nil());
        self.judge(person, nobody, action, request).await.err().unwrap_or(ServiceError::Refused(Refusal::NotFound))
    }

    /// Removes what time has ended. Called every few minutes.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn sweep(&self) -> Result<()> {
        let now = self.env.now();
        let limits = &self.rules.config.sessions;
        // By itself: sign-ins wait for whoever writes this table.
        let mut tx = self.store.write().await?;
        tx.sweep_logouts(now).await?;
        tx.commit_unrecorded().await?;
        let mut tx = self.store.write().await?;
        tx.sweep_sessions(now.plus_seconds(-limits.absolute_hours * 3600), now.plus_seconds(-limits.idle_minutes * 60)).await?;
        tx.sweep_sign_ins(now).await?;
        self.sweep_answers(&mut tx).await?;
        tx.sweep_quotas(now.plus_seconds(-2 * 86400).0).await?;
        tx.commit_unrecorded().await?;
        Ok(())
    }
}

/// How a person stands to a device, and the table whose row did not verify.
pub(super) struct Stand {
    pub device: Option<Device>,
    pub relation: Relation,
    pub broken: Option<&'static str>,
}

/// The value of a cookie, for the one place that sets it.
pub fn expose(secret: &SecretString) -> &str {
    secret.expose_secret()
}
