//! Sign-in and step-up: the transaction with the provider, the binding of a login, the roles, the session.
//!
//! An open transaction is single use and ten minutes old at most; the first callback deletes it even if it fails. The
//! callback reveals nothing: a step-up leads back to the form, filled in, for one more press.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::access::{SignedIn, cookie_secret};
use super::forms::RevealForm;
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::{Place, Purpose, Ring};
use crate::domain::audit::{Actor, EventKind, Outcome};
use crate::domain::ids::{LineId, RowId, SessionId};
use crate::domain::integrity::Attested;
use crate::domain::person::{Person, Session, SignIn};
use crate::domain::policy;
use crate::oidc::{Ask, Callback, Identity, OidcError, RolesNote};

const LIFETIME_SECONDS: i64 = 600;
/// Open transactions at once, over all replicas; more are refused until some end.
const MOST_OPEN: i64 = 10_000;

/// Why a sign-in did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// `state` missing, unknown, used, expired, or of another browser.
    #[error("no such sign-in is open")]
    NoTransaction,
    /// The callback came without our cookie: another browser, or one that keeps none on this address.
    #[error("the browser sent no transaction cookie")]
    NoCookie,
    #[error(transparent)]
    Provider(#[from] OidcError),
    /// The step-up came back as somebody else.
    #[error("another person came back from the step-up")]
    OtherPerson,
    /// The provider did not ask again, though it was told to.
    #[error("the provider's proof of presence is too old")]
    StaleProof,
    #[error("too many sign-ins are open")]
    TooManyOpen,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Where to send the browser, and the transaction cookie's value.
pub struct Started {
    pub url: String,
    pub browser: SecretString,
}

/// A finished sign-in.
pub struct Finished {
    /// The new session cookie's value.
    pub cookie: SecretString,
    /// Where to go next, a path of ours.
    pub to: String,
    /// The provider's groups did not fit into the token: a page says so.
    pub overage: bool,
}

/// What an open transaction remembers, sealed.
#[derive(Serialize, Deserialize)]
struct Memory {
    nonce: String,
    verifier: String,
    return_to: String,
    form: Option<RevealForm>,
}

fn place(row: RowId) -> Place<'static> {
    Place { table: "sign_ins", row: row.0, device: Uuid::nil(), kind: "sign_in" }
}

/// A path of ours, or `/`: nothing that a browser could read as another site.
pub fn safe_return(text: &str) -> String {
    let fine = text.len() <= 512
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.?=&".contains(&b))
        && !text.contains("..");
    if fine { text.to_owned() } else { "/".to_owned() }
}

impl Keyharbor {
    /// Opens a sign-in.
    ///
    /// # Errors
    /// [`SignInError`]: provider unreachable, too many open, or the database.
    pub async fn begin_sign_in(&self, return_to: &str, browser: Option<&str>) -> Result<Started, SignInError> {
        let max_age = self.rules.config.sessions.absolute_hours * 3600;
        let ask = Ask::sign_in(max_age.min(self.rules.config.reveal.step_up_owner_seconds).max(1));
        self.begin(ask, safe_return(return_to), None, None, browser).await
    }

    /// Opens a step-up for a person whose sign-in is too old, the form kept with it.
    ///
    /// # Errors
    /// As [`Self::begin_sign_in`].
    pub async fn begin_step_up(&self, person: &SignedIn, form: RevealForm, browser: Option<&str>) -> Result<Started, SignInError> {
        let to = match &form.desk {
            None => format!("/devices/{}", form.device()),
            Some(_) => format!("/desk/devices/{}", form.device()),
        };
        let form = RevealForm { desk: form.desk.map(super::forms::DeskText::without_keys), ..form };
        let ask = Ask::step_up(1);
        self.begin(ask, to, Some(form), Some(person.line()), browser).await
    }

    async fn begin(
        &self,
        ask: Ask,
        return_to: String,
        form: Option<RevealForm>,
        line: Option<LineId>,
        browser: Option<&str>,
    ) -> Result<Started, SignInError> {
        let ring = self.ring()?;
        let begun = self.oidc.begin(ask).await?;
        // One browser secret is shared by its open transactions, so that two tabs both end well.
        let browser = browser.filter(|b| b.len() == 64).map_or_else(|| cookie_secret(&self.env), |b| b.to_owned().into());
        let memory =
            Memory { nonce: begun.nonce.expose_secret().to_owned(), verifier: begun.verifier.expose_secret().to_owned(), return_to, form };
        let row = self.sign_in_row(&ring, &memory, &begun.state, &browser, line)?;
        let mut tx = self.store.write().await.map_err(ServiceError::from)?;
        if tx.open_sign_ins().await.map_err(ServiceError::from)? >= MOST_OPEN {
            return Err(SignInError::TooManyOpen);
        }
        tx.insert_sign_in(&row).await.map_err(ServiceError::from)?;
        tx.commit_unrecorded().await.map_err(ServiceError::from)?;
        Ok(Started { url: begun.url, browser })
    }

    fn sign_in_row(
        &self,
        ring: &Ring,
        memory: &Memory,
        state: &SecretString,
        browser: &SecretString,
        line: Option<LineId>,
    ) -> Result<SignIn> {
        let id = RowId::new(&self.env);
        let plain =
            zeroize::Zeroizing::new(serde_json::to_vec(memory).map_err(|_| ServiceError::Internal("a sign-in could not be written"))?);
        let sealed = ring.seal(&place(id), &plain, self.env.entropy.as_ref()).map_err(|_| ServiceError::invalid("form", "is too long"))?;
        let now = self.env.now();
        Ok(SignIn {
            id,
            state_hash: ring.token_hash(Purpose::SignInState, state.expose_secret().as_bytes()),
            browser_hash: ring.token_hash(Purpose::SignInBrowser, browser.expose_secret().as_bytes()),
            sealed,
            line,
            created_at: now,
            expires_at: now.plus_seconds(LIFETIME_SECONDS),
        })
    }

    /// Takes an open transaction out of the database; whatever comes after, it is used.
    async fn take(&self, ring: &Arc<Ring>, state: &str, browser: Option<&str>) -> Result<(SignIn, Memory), SignInError> {
        let hash = ring.token_hash(Purpose::SignInState, state.as_bytes());
        let mut tx = self.store.write().await.map_err(ServiceError::from)?;
        let row = tx.take_sign_in(&hash).await.map_err(ServiceError::from)?;
        tx.commit_unrecorded().await.map_err(ServiceError::from)?;
        let row = row.ok_or(SignInError::NoTransaction)?;
        let browser = browser.ok_or(SignInError::NoCookie)?;
        if !ring.token_hash_ok(Purpose::SignInBrowser, browser.as_bytes(), &row.browser_hash) || self.env.now() >= row.expires_at {
            return Err(SignInError::NoTransaction);
        }
        let plain = ring.open(&place(row.id), &row.sealed).map_err(|_| SignInError::NoTransaction)?;
        let memory = serde_json::from_slice(&plain).map_err(|_| SignInError::NoTransaction)?;
        Ok((row, memory))
    }

    /// The provider sent the browser back.
    ///
    /// # Errors
    /// [`SignInError`]; each is recorded, throttled like every act of an unknown caller.
    pub async fn finish_sign_in(
        &self,
        callback: Callback,
        state: Option<&str>,
        browser: Option<&str>,
        current: Option<&SignedIn>,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        let result = self.finish(callback, state, browser, current, request).await;
        if let Err(e) = &result
            && !matches!(e, SignInError::Service(_))
        {
            let detail = match e {
                SignInError::Provider(e) => e.code(),
                SignInError::NoCookie => "no_cookie",
                SignInError::OtherPerson => "other_person",
                SignInError::StaleProof => "stale_proof",
                _ => "no_transaction",
            };
            tracing::warn!(error = %e, "a sign-in failed");
            self.refuse_unknown(EventKind::SignInFailed, detail, request).await;
        }
        result
    }

    async fn finish(
        &self,
        callback: Callback,
        state: Option<&str>,
        browser: Option<&str>,
        current: Option<&SignedIn>,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        let ring = self.ring()?;
        let (row, memory) = self.take(&ring, state.ok_or(SignInError::NoTransaction)?, browser).await?;
        let (nonce, verifier) = (memory.nonce.clone().into(), memory.verifier.clone().into());
        let identity = self.oidc.finish(callback, &nonce, &verifier, row.line.is_some()).await?;
        match row.line {
            None => self.signed_in(&ring, identity, memory.return_to, current, request).await,
            Some(line) => {
                // The session that asked must be the one that comes back.
                let current =
                    current.filter(|c| bool::from(c.line().0.as_bytes().ct_eq(line.0.as_bytes()))).ok_or(SignInError::NoTransaction)?;
                self.stepped_up(&ring, identity, memory, current, request).await
            }
        }
    }

    async fn signed_in(
        &self,
        ring: &Arc<Ring>,
        identity: Identity,
        return_to: String,
        old: Option<&SignedIn>,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        let cookie = cookie_secret(&self.env);
        let now = self.env.now();
        let (roles, lost) = policy::reduce(identity.roles, &self.rules.exclusive);
        let (id, line, row, binding) = (SessionId::new(&self.env), LineId::new(&self.env), RowId::new(&self.env), RowId::new(&self.env));
        let overage = identity.roles_note == RolesNote::Overage;
        let made = self.retry(async || {
            let mut tx = self.store.write().await?;
            let mut events = Vec::new();
            let login = self.bind(&mut tx, ring, &identity, binding, request, &mut events).await?;
            let session = Session {
                id,
                secret_hash: ring.token_hash(Purpose::Session, cookie.expose_secret().as_bytes()),
                line,
                who: identity.who.clone(),
                login,
                roles,
                auth_time: identity.auth_time,
                acr: identity.acr.clone(),
                sid: identity.sid.clone(),
                created_at: now,
                last_seen: now,
            };
            tx.upsert_person(&Person {
                id: row,
                who: identity.who.clone(),
                name: identity.name.clone(),
                email: identity.email.clone(),
                language: identity.locale.clone(),
                updated_at: now,
            })
            .await?;
            if let Some(old) = old {
                tx.delete_line(old.line()).await?;
            }
            tx.insert_session(&Attested::sign(session.clone(), ring.as_ref())).await?;
            let event = |kind, outcome| {
                let mut event = self.event(kind, outcome, Actor::Person(identity.who.clone()), request);
                event.role = session.roles.codes();
                event.personal.name.clone_from(&identity.name);
                event.personal.login = session.login.as_ref().map(|l| l.as_str().to_owned());
                event
            };
            if lost.bits() != 0 {
                let mut reduced = event(EventKind::RolesReduced, Outcome::Refused);
                reduced.detail = lost.codes();
                events.push(reduced);
            }
            if let Some(note) = identity.roles_note.code() {
                let mut ignored = event(EventKind::RolesIgnored, Outcome::Refused);
                ignored.detail = note.to_owned();
                events.push(ignored);
            }
            events.push(event(EventKind::SignIn, Outcome::Ok));
            self.conclude(tx, &events).await.map(|_| ())
        });
        made.await?;
        Ok(Finished { cookie, to: return_to, overage })
    }

    async fn stepped_up(
        &self,
        ring: &Arc<Ring>,
        identity: Identity,
        memory: Memory,
        current: &SignedIn,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        if identity.who != current.session.who {
            self.end_for_other(current, request).await?;
            return Err(SignInError::OtherPerson);
        }
        let limits = &self.rules.config.reveal;
        let age =
            if memory.form.as_ref().is_some_and(|f| f.desk.is_some()) { limits.step_up_desk_seconds } else { limits.step_up_owner_seconds };
        if identity.auth_time.is_some_and(|t| self.env.now().seconds_since(t) >= age.max(60)) {
            return Err(SignInError::StaleProof);
        }
        let cookie = cookie_secret(&self.env);
        let form = match memory.form.filter(|f| f.desk.is_some()) {
            Some(form) => Some(self.kept_form(ring, form, current)?),
            None => None,
        };
        let event = self.person_event(EventKind::StepUp, Outcome::Ok, current, request);
        let done = self.retry(async || {
            let mut tx = self.store.write().await?;
            // Another tab may have moved `last_seen` since this request began: what is replaced is what is stored now.
            let Some(row) = tx.session_by_hash(&current.session.secret_hash).await? else { return Ok(false) };
            let old = row.mac().to_vec();
            let mut session = row.check(ring.as_ref()).map_err(|_| ServiceError::Integrity)?;
            session.secret_hash = ring.token_hash(Purpose::Session, cookie.expose_secret().as_bytes());
            (session.auth_time, session.acr, session.last_seen) = (identity.auth_time, identity.acr.clone(), self.env.now());
            if !tx.replace_session(session.id, &old, &Attested::sign(session, ring.as_ref())).await? {
                return Err(ServiceError::Store(crate::store::StoreError::Conflict));
            }
            if let Some((row, _)) = &form {
                tx.insert_sign_in(row).await?;
            }
            self.conclude(tx, std::slice::from_ref(&event)).await?;
            Ok(true)
        });
        if !done.await? {
            return Err(SignInError::NoTransaction);
        }
        let to = match form {
            Some((_, key)) => format!("{}?form={}", memory.return_to, key.expose_secret()),
            None => memory.return_to,
        };
        Ok(Finished { cookie, to, overage: false })
    }

    async fn end_for_other(&self, current: &SignedIn, request: &RequestInfo) -> Result<()> {
        let mut event = self.person_event(EventKind::SessionEnded, Outcome::Refused, current, request);
        event.detail = "step_up_other_person".into();
        self.retry(async || {
            let mut tx = self.store.write().await?;
            tx.delete_line(current.line()).await?;
            self.conclude(tx, std::slice::from_ref(&event)).await.map(|_| ())
        })
        .await
    }

    /// Seals a form once more, for the page that the step-up leads back to.
    fn kept_form(&self, ring: &Ring, form: RevealForm, person: &SignedIn) -> Result<(SignIn, SecretString)> {
        let key = cookie_secret(&self.env);
        let memory = Memory { nonce: String::new(), verifier: String::new(), return_to: String::new(), form: Some(form) };
        let row = self.sign_in_row(ring, &memory, &key, &key, Some(person.line()))?;
        Ok((row, key))
    }

    /// The form that a step-up kept; once, and for the same session line only.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn take_form(&self, person: &SignedIn, key: &str) -> Result<Option<RevealForm>> {
        let ring = self.ring()?;
        match self.take(&ring, key, Some(key)).await {
            Ok((row, memory)) if row.line == Some(person.line()) => Ok(memory.form),
            Ok(_) | Err(SignInError::NoTransaction | SignInError::NoCookie) => Ok(None),
            Err(SignInError::Service(e)) => Err(e),
            Err(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::safe_return;

    #[test]
    fn s20_only_paths_of_ours_are_returned_to() {
        let bad = [
            "//e",
            "/\\e",
            "https:e",
            "https://e",
            "/%09/e",
            "\t//e",
            "@e",
            "/a\r\nb",
            "/\u{2025}/e",
            "/..//e",
            "",
            "javascript:alert(1)",
            "/a//b@e:c",
        ];
        for text in bad {
            assert_eq!(safe_return(text), "/", "{text:?}");
        }
        assert_eq!(safe_return(&format!("/{}", "a".repeat(8192))), "/");
        assert_eq!(safe_return("/desk?q=C02"), "/desk?q=C02");
    }
}
