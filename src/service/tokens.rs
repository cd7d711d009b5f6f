//! API tokens: made once, shown once, kept as a keyed hash; and who a caller with one is.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::lookup::TokenRow;
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::token::base62_secret;
use crate::crypto::{Purpose, Ring};
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::escrow::Trust;
use crate::domain::ids::{Timestamp, hex};
use crate::domain::integrity::{Attested, MacBytes};
use crate::domain::policy::{self, Action, Caller, Refusal, Relation};
use crate::domain::recovery_key::looks_like_key;
use crate::domain::source::SourceNote;
use crate::domain::token::{ApiToken, Door, Scope, Scopes, TokenText};
use crate::store::Tx;

/// What a new token is to be.
pub struct NewToken {
    pub name: String,
    pub scopes: Scopes,
    pub door: Door,
    pub device_pattern: Option<String>,
    pub trust: Trust,
    pub expires_at: Option<Timestamp>,
}

impl Keyharbor {
    /// Makes a token; the text is given out here and never again.
    ///
    /// # Errors
    /// [`ServiceError`]: a bad name, no scope, sealed, the database.
    pub async fn create_token(&self, new: NewToken, actor: Actor) -> Result<(ApiToken, zeroize::Zeroizing<String>)> {
        let ring = self.ring()?;
        let (token, text) = self.mint(&ring, self.new_token_id(), new)?;
        let mut event = self.event(EventKind::TokenCreated, Outcome::Ok, actor, &RequestInfo::none(&self.env));
        event.role = token.scopes.codes();
        event.detail = created(&token);
        self.retry(async || {
            let mut tx = self.store.write().await?;
            if !self.keep_token(&mut tx, &ring, &token).await? {
                return Err(ServiceError::Internal("a token's id came twice"));
            }
            self.conclude(tx, std::slice::from_ref(&event)).await.map(|_| ())
        })
        .await?;
        Ok((token, text))
    }

    /// The public part of a token to be: sixteen hexadecimal digits.
    pub(super) fn new_token_id(&self) -> String {
        let mut id = [0u8; 8];
        self.env.entropy.fill(&mut id);
        hex(id)
    }

    /// Checks what a token is to be, and makes it and its text; nothing is stored.
    pub(super) fn mint(&self, ring: &Ring, id: String, new: NewToken) -> Result<(ApiToken, zeroize::Zeroizing<String>)> {
        let name = crate::domain::device::clean(&new.name, 80).ok_or_else(|| ServiceError::invalid("name", "must not be empty"))?;
        if looks_like_key(&name) {
            return Err(ServiceError::invalid("name", "looks like a recovery key"));
        }
        if new.device_pattern.as_deref().is_some_and(looks_like_key) {
            return Err(ServiceError::invalid("devices", "looks like a recovery key"));
        }
        if new.scopes.bits() == 0 {
            return Err(ServiceError::invalid("scope", "give at least one"));
        }
        if new.expires_at.is_some_and(|t| t <= self.env.now()) {
            return Err(ServiceError::invalid("expires", "is in the past"));
        }
        let inner_star = |p: &String| p.trim().strip_suffix('*').unwrap_or(p.trim()).contains('*');
        if new.device_pattern.as_ref().is_some_and(inner_star) {
            return Err(ServiceError::invalid("devices", "takes a * at its end only"));
        }
        if new.device_pattern.as_ref().is_some_and(|p| p.trim().is_empty()) {
            // A script's empty variable must not make a token for all devices.
            return Err(ServiceError::invalid("devices", "must not be empty; leave it out for all"));
        }
        let secret = base62_secret(self.env.entropy.as_ref());
        let text = zeroize::Zeroizing::new(format!("kh_{id}_{}", secret.as_str()));
        let token = ApiToken {
            secret_hash: ring.token_hash(Purpose::ApiToken, format!("{id}_{}", secret.as_str()).as_bytes()),
            id,
            name,
            scopes: new.scopes,
            door: new.door,
            device_pattern: new.device_pattern.map(|p| p.trim().to_ascii_uppercase()),
            trust: new.trust,
            created_at: self.env.now(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used: None,
        };
        Ok((token, text))
    }

    /// Writes a new token, and the source that it may become. `false`: there is one of that id.
    pub(super) async fn keep_token(&self, tx: &mut Tx, ring: &Ring, token: &ApiToken) -> Result<bool> {
        if !tx.insert_token(&Attested::sign(token.clone(), ring)).await? {
            return Ok(false);
        }
        if token.scopes.has(Scope::EscrowWrite) {
            let note = SourceNote { token: token.id.clone(), deposits: 0, refused: 0, last_device: None, at: self.env.now() };
            tx.add(&[], &[], &[note]).await?;
        }
        Ok(true)
    }

    /// All tokens that verify, and how many do not.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn tokens(&self) -> Result<(Vec<ApiToken>, usize)> {
        let ring = self.ring()?;
        let mut rows = self.store.read().await?.tokens().await?;
        rows.retain(|row| !row.waits(ring.as_ref()));
        let all = rows.len();
        let good: Vec<_> = rows.into_iter().filter_map(|r| r.check(ring.as_ref()).ok()).collect();
        let bad = all - good.len();
        Ok((good, bad))
    }

    /// Tokens of a restored backup that nobody has approved since: they are refused.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn waiting_tokens(&self) -> Result<Vec<ApiToken>> {
        let ring = self.ring()?;
        let rows = self.store.read().await?.tokens().await?;
        Ok(rows.into_iter().filter(|row| row.waits(ring.as_ref())).map(|row| row.parts().0.clone()).collect())
    }

    /// Lets a token of a restored backup work again, as it was; `false` when none of that id waits for it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn approve_token(&self, id: &str, actor: Actor) -> Result<bool> {
        let ring = self.ring()?;
        let mut event = self.event(EventKind::TokenApproved, Outcome::Ok, actor, &RequestInfo::none(&self.env));
        event.detail = id.to_owned();
        self.retry(async || {
            let mut tx = self.store.write().await?;
            let Some(row) = tx.token(id).await?.filter(|row| row.waits(ring.as_ref())) else { return Ok(false) };
            let token = row.parts().0.clone();
            if token.revoked_at.is_some() {
                return Ok(false);
            }
            if !tx.replace_token(id, row.mac(), &Attested::sign(token, ring.as_ref())).await? {
                return Err(ServiceError::Store(crate::store::StoreError::Conflict));
            }
            self.conclude(tx, std::slice::from_ref(&event)).await?;
            Ok(true)
        })
        .await
    }

    /// Revokes; `false` when there is no such live token.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn revoke_token(&self, id: &str, actor: Actor) -> Result<bool> {
        let ring = self.ring()?;
        let mut event = self.event(EventKind::TokenRevoked, Outcome::Ok, actor, &RequestInfo::none(&self.env));
        event.detail = id.to_owned();
        self.retry(async || {
            let mut tx = self.store.write().await?;
            if self.revoke_in(&mut tx, &ring, id).await? != Some(true) {
                return Ok(false);
            }
            self.conclude(tx, std::slice::from_ref(&event)).await?;
            Ok(true)
        })
        .await
    }

    /// Revokes within a transaction; `Some(false)`: it was revoked before, `None`: there is no such token.
    pub(super) async fn revoke_in(&self, tx: &mut Tx, ring: &Ring, id: &str) -> Result<Option<bool>> {
        let Some(row) = tx.token(id).await? else { return Ok(None) };
        let old = row.mac().to_vec();
        // One that waits for approval can be revoked too.
        let waits = row.waits(ring).then(|| row.parts().0.clone());
        let Some(mut token) = waits.or_else(|| row.check(ring).ok()) else { return Err(ServiceError::Integrity) };
        if token.revoked_at.is_some() {
            return Ok(Some(false));
        }
        token.revoked_at = Some(self.env.now());
        if !tx.replace_token(id, &old, &Attested::sign(token, ring)).await? {
            return Err(ServiceError::Store(crate::store::StoreError::Conflict));
        }
        Ok(Some(true))
    }

    /// Which live token is this, at this door? Everything else is the same refusal, recorded.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] with [`Refusal::NotSignedIn`]; sealed; the database.
    pub async fn authenticate_token(&self, text: Option<&str>, door: Door, request: &RequestInfo) -> Result<ApiToken> {
        Ok(self.let_in(text, door, request).await?.token)
    }

    pub(super) async fn let_in(&self, text: Option<&str>, door: Door, request: &RequestInfo) -> Result<LetIn> {
        self.ring()?;
        let refused = ServiceError::Refused(Refusal::NotSignedIn);
        let Some(parts) = text.and_then(TokenText::parse) else {
            self.refuse_unknown(EventKind::AccessRefused, "token", request).await;
            return Err(refused);
        };
        let row = self.look_up(TokenRow(parts.id.to_owned())).await?;
        let ring = self.ring()?;
        let stored = row.as_ref().map(|r| r.parts().0.secret_hash.clone()).unwrap_or_default();
        let Some(row) = row.filter(|_| fits(&ring, &parts, &stored)) else {
            self.refuse_unknown(EventKind::AccessRefused, "token", request).await;
            return Err(refused);
        };
        let now = self.env.now();
        let let_in = match judge(&ring, row, door, now) {
            Judged::In(let_in) => let_in,
            Judged::Out(token, why) => {
                self.refuse_token(&token, why, request).await?;
                return Err(refused);
            }
            Judged::Bent => {
                self.record_integrity("api_tokens", None, request).await?;
                return Err(refused);
            }
        };
        let token = &let_in.token;
        if token.touch_is_due(now)
            && let Some(_only_one) = self.touching.begin(&token.id)
        {
            self.retry(async || {
                let mut tx = self.store.write().await?;
                tx.touch_token(&token.id, now).await?;
                Ok(tx.commit_unrecorded().await?)
            })
            .await?;
        }
        Ok(let_in)
    }

    /// Records that a known token was refused something.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn refuse_token(&self, token: &ApiToken, detail: &str, request: &RequestInfo) -> Result<()> {
        self.record(&[self.token_refusal(token, detail, request)]).await
    }

    pub(super) fn token_refusal(&self, token: &ApiToken, detail: &str, request: &RequestInfo) -> Event {
        let mut event = self.event(EventKind::AccessRefused, Outcome::Refused, Actor::Token(token.id.clone()), request);
        event.role = token.scopes.codes();
        event.detail = detail.to_owned();
        event
    }

    /// Asks the policy for an act of a token; a refusal is a row.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn permit_token(&self, token: &ApiToken, action: Action, relation: Relation, request: &RequestInfo) -> Result<()> {
        match policy::decide(Caller::Token(token.scopes), action, relation) {
            Ok(_) => Ok(()),
            Err(refusal) => {
                self.refuse_token(token, action.code(), request).await?;
                Err(refusal.into())
            }
        }
    }
}

/// Tokens whose last use is being noted: of many requests at a time one does it, and the others wait for nothing.
#[derive(Default)]
pub(super) struct Touching(Mutex<HashSet<String>>);

impl Touching {
    /// `None`: another one is at it.
    fn begin(&self, id: &str) -> Option<Touched<'_>> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        begun.then(|| Touched { all: self, id: id.to_owned() })
    }
}

struct Touched<'a> {
    all: &'a Touching,
    id: String,
}

impl Drop for Touched<'_> {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// A token that was let in, with the MAC of its row, and the change of the key ring under which that was believed.
#[derive(Clone, Debug)]
pub(super) struct LetIn {
    pub token: ApiToken,
    pub mac: MacBytes,
    pub generation: i64,
}

/// What a token's row says of whoever holds its secret.
pub(super) enum Judged {
    In(LetIn),
    /// It does not get in; the trail's word for why.
    Out(ApiToken, &'static str),
    /// The row was not written by this server.
    Bent,
}

pub(super) fn judge(ring: &Ring, row: Attested<ApiToken>, door: Door, now: Timestamp) -> Judged {
    if row.waits(ring) {
        return Judged::Out(row.parts().0.clone(), "waits_for_approval");
    }
    let mac = row.mac().to_vec();
    match row.check(ring) {
        Err(_) => Judged::Bent,
        Ok(token) if token.door != door => Judged::Out(token, "wrong_door"),
        Ok(token) if !token.live(now) => Judged::Out(token, "token_ended"),
        Ok(token) => Judged::In(LetIn { token, mac, generation: ring.generation() }),
    }
}

/// Is that the secret of this hash? Constant time.
pub(super) fn fits(ring: &Ring, text: &TokenText<'_>, hash: &[u8]) -> bool {
    let secret = zeroize::Zeroizing::new(format!("{}_{}", text.id, text.secret));
    ring.token_hash_ok(Purpose::ApiToken, secret.as_bytes(), hash)
}

/// What the trail says of a new token.
pub(super) fn created(token: &ApiToken) -> String {
    format!("{} {} {}", token.id, token.door.code(), token.trust.code())
}

/// An address in a form that fits a log field.
pub fn shown(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "-".to_owned(), |a| a.to_string())
}
