//! Tokens made and revoked in the portal, by the same code as on the command line. `owners:write` is not given here: nobody in
//! the portal makes anybody an owner.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::access::SignedIn;
use super::super::forms::FieldError;
use super::super::tokens::{NewToken, created};
use super::super::{Keyharbor, RequestInfo, Result, ServiceError};
use super::sources::{PAGE, PAGE_AND_ONE, Place};
use super::{AdminAct, ForAdmin, Fresh};
use crate::crypto::Ring;
use crate::domain::audit::{EventKind, Outcome};
use crate::domain::device::clean;
use crate::domain::escrow::Trust;
use crate::domain::ids::Timestamp;
use crate::domain::integrity::Attested;
use crate::domain::policy::{Action, Refusal};
use crate::domain::recovery_key::looks_like_key;
use crate::domain::token::{ApiToken, Door, Scope, Scopes};

const LONGEST_NAME: usize = 80;
/// How long a new token may live, in days; or "never".
pub const LIVES: [&str; 5] = ["30d", "90d", "365d", "730d", "never"];

/// The form of a new token as it was typed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TokenForm {
    /// The id of the token to be. It comes with the empty form, so that a form posted twice makes one token.
    pub id: String,
    pub name: String,
    /// Scope codes.
    pub scopes: Vec<String>,
    pub door: String,
    pub trust: String,
    /// Serial numbers it may touch; empty = all.
    pub devices: String,
    /// One of [`LIVES`].
    pub expires: String,
    /// Which kind of source it is for, when the page that connects one asked.
    pub way: String,
}

impl TokenForm {
    /// # Errors
    /// Every field that is wrong.
    fn check(&self, now: Timestamp) -> Result<NewToken, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |field, code| errors.push(FieldError { field, code });
        let name = clean(&self.name, LONGEST_NAME + 1);
        match &name {
            None => wrong("name", "required"),
            Some(n) if n.chars().count() > LONGEST_NAME => wrong("name", "too_long"),
            Some(n) if looks_like_key(n) => wrong("name", "holds_key"),
            Some(_) => {}
        }
        let scopes: Option<Vec<Scope>> = self.scopes.iter().map(|code| Scope::parse(code)).collect();
        let scopes = scopes.unwrap_or_default().into_iter().fold(Scopes::default(), Scopes::with);
        match scopes {
            s if s.bits() == 0 => wrong("scopes", "required"),
            s if s.has(Scope::OwnersWrite) => wrong("scopes", "owners_write"),
            _ => {}
        }
        let (door, trust) = (Door::parse(&self.door), Trust::parse(&self.trust));
        if door.is_none() {
            wrong("door", "required");
        }
        if trust.is_none() {
            wrong("trust", "required");
        }
        let devices = self.devices.trim();
        let stem = devices.strip_suffix('*').unwrap_or(devices);
        let is_pattern = (1..=40).contains(&stem.len()) && stem.bytes().all(|b| b.is_ascii_alphanumeric());
        if looks_like_key(devices) {
            wrong("devices", "holds_key");
        } else if !devices.is_empty() && !is_pattern {
            wrong("devices", "form");
        }
        if !LIVES.contains(&self.expires.as_str()) {
            wrong("expires", "required");
        }
        let days = self.expires.strip_suffix('d').and_then(|d| d.parse::<i64>().ok());
        let expires_at = days.map(|days| now.plus_seconds(days * 86400));
        let device_pattern = (!devices.is_empty()).then(|| devices.to_owned());
        match (name, door, trust, errors.is_empty()) {
            (Some(name), Some(door), Some(trust), true) => Ok(NewToken { name, scopes, door, device_pattern, trust, expires_at }),
            _ => Err(errors),
        }
    }

    /// The form with everything that looks like a key taken out: what may be shown again.
    pub fn without_keys(mut self) -> Self {
        for text in [&mut self.name, &mut self.devices] {
            if looks_like_key(text) {
                text.clear();
            }
        }
        self
    }
}

/// What became of the form of a new token.
pub enum Made {
    /// The token and its text, given out here and never again.
    Token(Box<ApiToken>, Zeroizing<String>),
    /// This form has made its token before. It is not shown again.
    Already,
    Invalid(Vec<FieldError>),
}

/// What became of a wish to revoke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Revoked {
    Now,
    Before,
}

fn is_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A token whose row verifies, and whether it waits for approval since a restore.
pub(in crate::service) fn known(ring: &Ring, row: Attested<ApiToken>) -> Option<(ApiToken, bool)> {
    if row.waits(ring) { Some((row.parts().0.clone(), true)) } else { row.check(ring).ok().map(|token| (token, false)) }
}

impl Keyharbor {
    /// Tokens, newest first: at most [`PAGE`], how many of the page do not verify, and where the next begins. With each: does it
    /// wait for approval since a restore?
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn tokens_page(
        &self,
        person: &SignedIn,
        before: &Place,
        request: &RequestInfo,
    ) -> Result<(Vec<(ApiToken, bool)>, usize, Option<Place>)> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let mut rows = self.store.read().await?.tokens_page(before.at, &before.id, PAGE_AND_ONE).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().map(|r| r.parts().0).filter(|_| more).map(|t| Place { at: t.created_at, id: t.id.clone() });
        let all = rows.len();
        let good: Vec<_> = rows.into_iter().filter_map(|row| known(&ring, row)).collect();
        let bad = all - good.len();
        Ok((good, bad, next))
    }

    /// An empty form: the id of a token that does not exist yet.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn empty_token_form(&self, person: &SignedIn, request: &RequestInfo) -> Result<TokenForm> {
        self.permit(person, Action::ManageTokens, request).await?;
        Ok(TokenForm { id: self.new_token_id(), ..TokenForm::default() })
    }

    /// What was typed before a step-up; once, and for the same session line only.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn take_token_form(&self, person: &SignedIn, key: &str) -> Result<Option<TokenForm>> {
        Ok(match self.take_kept(person, key).await?.and_then(|memory| memory.admin) {
            Some(ForAdmin::Act(AdminAct::NewToken(form))) => Some(form),
            _ => None,
        })
    }

    /// Makes the token of a form, once, for an admin with a fresh proof of presence.
    ///
    /// # Errors
    /// [`ServiceError`]: refused, sealed, the trail, the database.
    pub async fn make_token(&self, person: &SignedIn, form: &TokenForm, request: &RequestInfo) -> Result<Fresh<Made>> {
        self.permit(person, Action::ManageTokens, request).await?;
        if !is_id(&form.id) {
            return Err(ServiceError::invalid("form", "has other fields than ours"));
        }
        let new = match form.check(self.env.now()) {
            Ok(new) => new,
            Err(errors) => {
                let detail = errors.iter().find(|e| e.code == "owners_write").or(errors.first()).map_or("form", |e| e.code);
                self.refuse_person(person, detail, None, request).await?;
                return Ok(Fresh::Done(Made::Invalid(errors)));
            }
        };
        if let Some(answer) = self.fresh(person, Action::ManageTokens, request).await? {
            return Ok(answer);
        }
        let ring = self.ring()?;
        let (token, text) = self.mint(&ring, form.id.clone(), new)?;
        let made = self
            .retry(async || {
                let mut tx = self.store.write().await?;
                let person = self.still_may(&mut tx, &ring, person, Action::ManageTokens).await?;
                if !self.keep_token(&mut tx, &ring, &token).await? {
                    return Ok(false);
                }
                let mut event = self.person_event(EventKind::TokenCreated, Outcome::Ok, &person, request);
                event.detail = format!("{} {}", created(&token), token.scopes.codes());
                self.conclude(tx, &[event]).await?;
                Ok(true)
            })
            .await;
        let made = self.noted(made, person, Action::ManageTokens, request).await?;
        Ok(Fresh::Done(if made { Made::Token(Box::new(token), text) } else { Made::Already }))
    }

    /// One token, for the page that asks before it is revoked.
    ///
    /// # Errors
    /// [`ServiceError::Refused`]: no such token is the one 404.
    pub async fn token_of(&self, person: &SignedIn, id: &str, request: &RequestInfo) -> Result<ApiToken> {
        self.permit(person, Action::ManageTokens, request).await?;
        let ring = self.ring()?;
        let row = self.store.read().await?.token(id).await?;
        let token = row.and_then(|row| known(&ring, row)).map(|(token, _)| token).ok_or(ServiceError::Refused(Refusal::NotFound));
        self.noted(token, person, Action::ManageTokens, request).await
    }

    /// Revokes a token, for an admin with a fresh proof of presence.
    ///
    /// # Errors
    /// [`ServiceError`]: refused (no such token is the one 404), sealed, the trail, the database.
    pub async fn revoke_as(&self, person: &SignedIn, id: &str, request: &RequestInfo) -> Result<Fresh<Revoked>> {
        self.permit(person, Action::ManageTokens, request).await?;
        if let Some(answer) = self.fresh(person, Action::ManageTokens, request).await? {
            return Ok(answer);
        }
        let ring = self.ring()?;
        let done = self
            .retry(async || {
                let mut tx = self.store.write().await?;
                let person = self.still_may(&mut tx, &ring, person, Action::ManageTokens).await?;
                let done = self.revoke_in(&mut tx, &ring, id).await?;
                if done == Some(true) {
                    let mut event = self.person_event(EventKind::TokenRevoked, Outcome::Ok, &person, request);
                    event.detail = id.to_owned();
                    self.conclude(tx, &[event]).await?;
                }
                done.ok_or(ServiceError::Refused(Refusal::NotFound))
            })
            .await;
        let now = self.noted(done, person, Action::ManageTokens, request).await?;
        Ok(Fresh::Done(if now { Revoked::Now } else { Revoked::Before }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(change: impl FnOnce(&mut TokenForm)) -> Vec<(&'static str, &'static str)> {
        let text = |t: &str| t.to_owned();
        let mut form = TokenForm {
            id: text("0123456789abcdef"),
            name: text("Crypt"),
            scopes: vec![text("escrow:write")],
            door: text("header"),
            trust: text("observed"),
            devices: text(" c02* "),
            expires: text("365d"),
            way: String::new(),
        };
        change(&mut form);
        form.check(Timestamp(0)).err().unwrap_or_default().iter().map(|e| (e.field, e.code)).collect()
    }

    #[test]
    fn each_field_is_checked_and_named() {
        assert_eq!(form(|_| {}), []);
        assert_eq!(form(|f| f.name = "\u{200b} ".into()), [("name", "required")]);
        assert_eq!(form(|f| f.name = "x".repeat(81)), [("name", "too_long")]);
        assert_eq!(form(|f| f.name = "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2".into()), [("name", "holds_key")]);
        assert_eq!(form(|f| f.scopes.clear()), [("scopes", "required")]);
        assert_eq!(form(|f| f.scopes.push("everything".into())), [("scopes", "required")]);
        assert_eq!(form(|f| f.scopes.push("owners:write".into())), [("scopes", "owners_write")]);
        assert_eq!(form(|f| f.door = "window".into()), [("door", "required")]);
        assert_eq!(form(|f| f.trust.clear()), [("trust", "required")]);
        for devices in ["*", "C0*2", "C02 1", "C02-1", "é"] {
            assert_eq!(form(|f| f.devices = devices.into()), [("devices", "form")], "{devices}");
        }
        assert_eq!(form(|f| f.expires = "9999d".into()), [("expires", "required")]);
        assert_eq!(form(|f| f.expires = "never".into()), []);
    }
}
