//! Who hands keys in with a token. What this process knows of the token from before lets a request in, without a look-up of its
//! own; the deposit's transaction reads the token again and refuses what it does not allow any more (`escrow::again`).

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::tokens::{LetIn, fits};
use super::{Keyharbor, RequestInfo, Result};
use crate::domain::token::{ApiToken, Door, Scope, TokenText};

/// More tokens are not remembered.
const MOST: usize = 1_000;

/// A token that was let in to hand keys in. Whatever else it asks for is asked with [`Keyharbor::authenticate_token`].
#[derive(Clone, Debug)]
pub struct Depositor(pub(super) Arc<LetIn>);

impl Deref for Depositor {
    type Target = ApiToken;

    fn deref(&self) -> &ApiToken {
        &self.0.token
    }
}

/// Tokens that were let in, by id.
#[derive(Default)]
pub struct Known(Mutex<HashMap<String, Arc<LetIn>>>);

impl Known {
    fn get(&self, id: &str) -> Option<Arc<LetIn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(super) fn put(&self, let_in: &Arc<LetIn>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(let_in.token.id.clone(), Arc::clone(let_in));
    }

    /// What was known of it does not hold any more.
    pub(super) fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl Keyharbor {
    /// As `authenticate_token`, for a request that comes to nothing but deposits, taken or refused: whether the token is live is
    /// decided in their transaction.
    ///
    /// # Errors
    /// As `authenticate_token`.
    pub async fn authenticate_depositor(&self, text: Option<&str>, door: Door, request: &RequestInfo) -> Result<Depositor> {
        let ring = self.ring()?;
        if let Some(parts) = text.and_then(TokenText::parse)
            && let Some(known) = self.known.get(parts.id)
            && known.token.door == door
            && known.token.scopes.has(Scope::EscrowWrite)
            && fits(&ring, &parts, &known.token.secret_hash)
        {
            return Ok(Depositor(known));
        }
        self.authenticate_depositor_now(text, door, request).await
    }

    /// The same by a look-up, for a request that may be answered without a transaction of deposits.
    ///
    /// # Errors
    /// As `authenticate_token`.
    pub async fn authenticate_depositor_now(&self, text: Option<&str>, door: Door, request: &RequestInfo) -> Result<Depositor> {
        let let_in = Arc::new(self.let_in(text, door, request).await?);
        self.known.put(&let_in);
        Ok(Depositor(let_in))
    }
}
