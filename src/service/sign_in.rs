//! Sign-in: the transaction with the provider, the binding of a login, the roles, the session.
//!
//! An open transaction is single use and ten minutes old at most; the first callback deletes it even if it fails. What
//! follows a callback that was a step-up stands in `step_up`.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::{SignedIn, cookie_secret};
use super::admin::ForAdmin;
use super::forms::RevealForm;
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::{Place, Purpose, Ring};
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::ids::{LineId, RowId, SessionId, Timestamp};
use crate::domain::integrity::Attested;
use crate::domain::person::{Person, Roles, Session, SignIn};
use crate::domain::policy;
use crate::domain::recovery_key::looks_like_key;
pub use crate::oidc::{Callback, OidcError};

use crate::oidc::{Ask, Identity, RolesNote};

pub(super) const LIFETIME_SECONDS: i64 = 600;
/// Open first sign-ins at once, over all replicas; more are refused until some end.
const MOST_OPEN: i64 = 10_000;
/// Open step-ups and kept forms of one session line; the oldest make room.
const MOST_PER_LINE: i64 = 9;

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
    /// The provider signed the person out while this was open: its answer may be of before.
    #[error("the provider signed the person out meanwhile")]
    SignedOut,
    /// The provider did not ask again, though it was told to.
    #[error("the provider's proof of presence is too old")]
    StaleProof,
    #[error("too many sign-ins are open")]
    TooManyOpen,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl SignInError {
    /// The provider does not answer, or is another than the settings name.
    pub fn provider_is_down(&self) -> bool {
        matches!(self, Self::Provider(OidcError::Unreachable(_) | OidcError::Mismatch { .. } | OidcError::Trouble))
    }

    /// The person proved who they are in a weaker way than the settings ask for.
    pub fn too_weak(&self) -> bool {
        matches!(self, Self::Provider(OidcError::TokenRejected("acr")))
    }

    /// The provider said no, or the person cancelled there.
    pub fn provider_refused(&self) -> bool {
        matches!(self, Self::Provider(OidcError::ProviderError(_)))
    }
}

/// Where to send the browser, and the transaction cookie's value.
pub struct Started {
    pub url: String,
    pub browser: SecretString,
}

/// A finished sign-in.
pub struct Finished {
    /// The new session cookie's value; `None`: the session stays as it is.
    pub cookie: Option<SecretString>,
    /// Where to go next, a path of ours.
    pub to: String,
    /// Signed in, with less than the person may expect: a page says so.
    pub hitch: Option<Hitch>,
}

/// Why a person who has signed in sees less than expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hitch {
    /// The provider's groups did not fit into the token.
    Overage,
    /// The login is bound to another subject.
    LoginConflict,
}

/// What an open transaction remembers, sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    /// Empty in a kept form, which is no transaction.
    pub nonce: String,
    pub verifier: String,
    pub return_to: String,
    pub form: Option<RevealForm>,
    /// What an admin's transaction is for; in the others nothing.
    #[serde(default)]
    pub admin: Option<ForAdmin>,
}

impl Memory {
    /// A form or a report that is kept for a page, and is no transaction.
    pub fn kept(form: Option<RevealForm>, admin: Option<ForAdmin>) -> Self {
        Self { nonce: String::new(), verifier: String::new(), return_to: String::new(), form, admin }
    }
}

fn place(row: RowId) -> Place<'static> {
    Place { table: "sign_ins", row: row.0, device: Uuid::nil(), kind: "sign_in" }
}

/// A path of ours, or `/`: nothing that a browser could read as another site, and no key that somebody pasted.
pub fn safe_return(text: &str) -> String {
    let fine = text.len() <= 512
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.?=&".contains(&b))
        && !text.contains("..")
        && !looks_like_key(text);
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
        self.begin(ask, (safe_return(return_to), None, None), None, browser).await
    }

    pub(super) async fn begin(
        &self,
        ask: Ask,
        (return_to, form, admin): (String, Option<RevealForm>, Option<ForAdmin>),
        line: Option<LineId>,
        browser: Option<&str>,
    ) -> Result<Started, SignInError> {
        let ring = self.retry(async || self.ring_now(&mut self.store.read().await?).await).await?;
        let begun = self.oidc.begin(ask).await?;
        // One browser secret is shared by its open transactions, so that two tabs both end well.
        let ours = |b: &&str| b.len() == 64 && b.bytes().all(|c| c.is_ascii_hexdigit());
        let browser = browser.filter(ours).map_or_else(|| cookie_secret(&self.env), |b| b.to_owned().into());
        let (nonce, verifier) = (begun.nonce.expose_secret().to_owned(), begun.verifier.expose_secret().to_owned());
        let memory = Memory { nonce, verifier, return_to, form, admin };
        let row = self.sign_in_row(&ring, &memory, &begun.state, &browser, line)?;
        let kept = self.retry(async || {
            let mut tx = self.store.write().await?;
            match line {
                // A person's own are bounded by person, so that nobody's presses take the room of others' sign-ins.
                Some(line) => drop(tx.trim_sign_ins(line, MOST_PER_LINE).await?),
                None if tx.open_sign_ins().await? >= MOST_OPEN => {
                    // Those that time has ended do not count, whether or not they have been swept.
                    tx.sweep_sign_ins(self.env.now()).await?;
                    if tx.open_sign_ins().await? >= MOST_OPEN {
                        return Ok(false);
                    }
                }
                None => {}
            }
            tx.insert_sign_in(&row).await?;
            tx.commit_unrecorded().await?;
            Ok(true)
        });
        if !kept.await? {
            tracing::warn!("too many sign-ins are open");
            return Err(SignInError::TooManyOpen);
        }
        Ok(Started { url: begun.url, browser })
    }

    pub(super) fn sign_in_row(
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
    pub(super) async fn take(&self, state: &str, browser: Option<&str>) -> Result<(SignIn, Memory), SignInError> {
        self.ring()?;
        let taken = self.retry(async || {
            let mut tx = self.store.write().await?;
            let ring = self.ring_now(&mut tx).await?;
            for hash in ring.token_hashes(Purpose::SignInState, state.as_bytes()) {
                if let Some(row) = tx.take_sign_in(&hash).await? {
                    return Ok((ring, tx, Some(row)));
                }
            }
            Ok((ring, tx, None))
        });
        let (ring, tx, row) = taken.await?;
        // Not tried again: what was taken out once is used, though nobody heard of it.
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
    /// [`SignInError`]; each is recorded: as the signed-in person's own, or throttled like every act of an unknown caller.
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
                SignInError::SignedOut => "signed_out",
                SignInError::StaleProof => "stale_proof",
                _ => "no_transaction",
            };
            tracing::warn!(error = %e, "a sign-in failed");
            match current {
                None => self.refuse_unknown(EventKind::SignInFailed, detail, request).await,
                Some(person) => {
                    let mut event = self.person_event(EventKind::SignInFailed, Outcome::Refused, person, request);
                    event.detail = detail.to_owned();
                    if let Err(e) = self.record(&[event]).await {
                        tracing::error!(error = %e, "a refusal could not be recorded");
                    }
                }
            }
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
        let (row, memory) = self.take(state.ok_or(SignInError::NoTransaction)?, browser).await?;
        if memory.nonce.is_empty() {
            // A form that a step-up kept lies in the same table; its address opens no door.
            return Err(SignInError::NoTransaction);
        }
        let ring = self.ring()?;
        let (nonce, verifier) = (memory.nonce.clone().into(), memory.verifier.clone().into());
        let Some(line) = row.line else {
            let identity = self.oidc.finish(callback, &nonce, &verifier, None).await?;
            return self.signed_in(&ring, (identity, row.created_at), memory.return_to, current, request).await;
        };
        // The session that asked must be the one that comes back.
        let current = current.filter(|c| c.line() == line).ok_or(SignInError::NoTransaction)?;
        if matches!(memory.admin, Some(ForAdmin::Trial)) {
            return self.tried(&ring, self.oidc.look_at(callback, &nonce, &verifier).await, current, request).await;
        }
        match self.oidc.finish(callback, &nonce, &verifier, Some(current.who())).await {
            Ok(identity) => self.stepped_up(&ring, (identity, row.created_at), memory, current, request).await,
            Err(OidcError::OtherSubject) => {
                self.end_for_other(current, request).await?;
                Err(SignInError::OtherPerson)
            }
            Err(e) => Err(e.into()),
        }
    }

    async fn signed_in(
        &self,
        ring: &Arc<Ring>,
        (identity, begun): (Identity, Timestamp),
        return_to: String,
        old: Option<&SignedIn>,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        let cookie = cookie_secret(&self.env);
        let now = self.env.now();
        let (roles, lost) = policy::reduce(identity.roles, &self.rules.exclusive);
        let (id, line, row, binding) = (SessionId::new(&self.env), LineId::new(&self.env), RowId::new(&self.env), RowId::new(&self.env));
        let person = Person {
            id: row,
            who: identity.who.clone(),
            name: identity.name.clone(),
            email: identity.email.clone(),
            language: identity.locale.clone(),
            updated_at: now,
        };
        let made = self.retry(async || {
            let mut tx = self.store.write().await?;
            if tx.signed_out_since(&identity.who, identity.sid.as_deref(), begun).await? {
                return Ok(None);
            }
            let mut events = Vec::new();
            let login = self.bind(&mut tx, ring, &identity, binding, request, &mut events).await?;
            let conflict = login.is_none() && events.iter().any(|e| e.kind == EventKind::LoginConflict);
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
            tx.upsert_person(&person).await?;
            if let Some(old) = old {
                tx.delete_line(old.line()).await?;
                let mut ended = self.person_event(EventKind::SessionEnded, Outcome::Ok, old, request);
                ended.detail = format!("signed_in_again line {}", old.line());
                events.push(ended);
            }
            tx.insert_session(&Attested::sign(session.clone(), ring.as_ref())).await?;
            events.extend(self.sign_in_events(&identity, &session, lost, request));
            self.conclude(tx, &events).await?;
            Ok(Some(conflict))
        });
        let conflict = made.await?.ok_or(SignInError::SignedOut)?;
        let overage = identity.roles_note == RolesNote::Overage;
        let hitch = if overage { Some(Hitch::Overage) } else { conflict.then_some(Hitch::LoginConflict) };
        Ok(Finished { cookie: Some(cookie), to: return_to, hitch })
    }

    /// The sign-in, and before it what of the provider's roles did not count.
    fn sign_in_events(&self, identity: &Identity, session: &Session, lost: Roles, request: &RequestInfo) -> Vec<Event> {
        let event = |kind, outcome, detail: String| {
            let mut event = self.event(kind, outcome, Actor::Person(identity.who.clone()), request);
            event.detail = detail;
            event.role = session.roles.codes();
            event.personal.name.clone_from(&identity.name);
            event.personal.login = session.login.as_ref().map(|l| l.as_str().to_owned());
            event
        };
        let reduced = (lost.bits() != 0).then(|| event(EventKind::RolesReduced, Outcome::Refused, lost.codes()));
        let ignored = identity.roles_note.code().map(|note| event(EventKind::RolesIgnored, Outcome::Refused, note.to_owned()));
        reduced.into_iter().chain(ignored).chain([event(EventKind::SignIn, Outcome::Ok, String::new())]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::safe_return;

    #[test]
    fn s20_only_paths_of_ours_are_returned_to() {
        let bad = "//e /\\e https:e https://e /%09/e @e /..//e javascript:alert(1) /a//b@e:c".split(' ');
        for text in bad.chain(["\t//e", "/a\r\nb", "/\u{2025}/e", ""]) {
            assert_eq!(safe_return(text), "/", "{text:?}");
        }
        assert_eq!(safe_return(&format!("/{}", "a".repeat(8192))), "/");
        assert_eq!(safe_return("/desk?q=C02"), "/desk?q=C02");
    }
}
