//! Requests that a caller may send again (`Idempotency-Key`): the answer lies in the same transaction as the act, so it
//! survives a restart and is every replica's. Asked again, it is given again, and nothing is done.
//!
//! Two that come at a time wait for each other at the row's unique key. What an act refused as a whole is not kept: the same
//! key may carry the mended request.

use zeroize::Zeroizing;

use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::{Purpose, Ring};
use crate::domain::Event;
use crate::domain::integrity::{Attested, Canonical};
use crate::domain::once::{Answered, KEPT_SECONDS};
use crate::domain::token::ApiToken;
use crate::store::{StoreError, Tx};

/// One request with a key. Has no `Debug`: what was asked may hold a recovery key.
pub struct Once {
    token: ApiToken,
    key: Vec<u8>,
    asked: Zeroizing<Vec<u8>>,
}

/// An answer as it is kept: HTTP status and JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// What became of an act that may have been done before.
pub enum Done<T> {
    Now(T),
    /// By an earlier request: its answer.
    Before(Answer),
}

/// The place of an answer in an open transaction.
pub(super) struct Claim {
    blank: Answered,
    old_mac: Vec<u8>,
}

impl Once {
    /// `key` is the header's value, `act` the method and the resource, `body` the bytes as they came.
    pub fn new(token: &ApiToken, key: &str, act: &str, body: &[u8]) -> Self {
        let key = Canonical::default().text(&token.id).text(key).done();
        let asked = Zeroizing::new(Canonical::default().text(act).bytes(body).done());
        Self { token: token.clone(), key, asked }
    }

    pub(super) fn token(&self) -> &ApiToken {
        &self.token
    }

    /// Names token and key.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Both carry the same key of the same token.
    pub(super) fn same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Keyharbor {
    /// The answer that was given to this request before.
    ///
    /// # Errors
    /// [`ServiceError::KeyReused`]: the key came with another request; recorded.
    pub async fn answered(&self, once: &Once, request: &RequestInfo) -> Result<Option<Answer>> {
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let (mut found, mut hashes) = (None, ring.token_hashes(Purpose::OnceKey, &once.key).into_iter());
        while let (None, Some(hash)) = (&found, hashes.next()) {
            found = tx.answer_by_key(&hash).await?;
        }
        drop(tx);
        let Some(row) = found.and_then(|row| row.check(ring.as_ref()).ok()) else { return Ok(None) };
        let answer = self.answer_of(&ring, once, row);
        if matches!(answer, Err(ServiceError::KeyReused)) {
            self.refuse_token(&once.token, "idempotency_key", request).await?;
        }
        answer
    }

    fn answer_of(&self, ring: &Ring, once: &Once, row: Answered) -> Result<Option<Answer>> {
        if !row.counts(self.env.now()) {
            return Ok(None);
        }
        if !ring.token_hash_ok(Purpose::OnceBody, &once.asked, &row.body_hash) {
            return Err(ServiceError::KeyReused);
        }
        let status = u16::try_from(row.status).map_err(|_| ServiceError::Integrity)?;
        Ok(Some(Answer { status, body: row.answer }))
    }

    /// Takes the key for this transaction, or finds the answer that another one has left meanwhile. A row that does not verify
    /// is as good as none, and is recorded.
    pub(super) async fn claim(
        &self,
        tx: &mut Tx,
        ring: &Ring,
        once: &Once,
        events: &mut Vec<Event>,
        request: &RequestInfo,
    ) -> Result<Result<Claim, Answer>> {
        let blank = Answered {
            key_hash: ring.token_hash(Purpose::OnceKey, &once.key),
            body_hash: ring.token_hash(Purpose::OnceBody, &once.asked),
            status: 0,
            answer: String::new(),
            created_at: self.env.now(),
        };
        // What was left under a former token key counts as long as it would have.
        for hash in ring.token_hashes(Purpose::OnceKey, &once.key).into_iter().skip(1) {
            match tx.answer_by_key(&hash).await?.map(|row| row.check(ring)) {
                None => {}
                Some(Err(_)) => events.push(self.integrity_event("idempotency_keys", None, request)),
                Some(Ok(row)) => {
                    if let Some(answer) = self.answer_of(ring, once, row)? {
                        return Ok(Err(answer));
                    }
                }
            }
        }
        let row = Attested::sign(blank.clone(), ring);
        if tx.claim_answer(&row).await? {
            return Ok(Ok(Claim { blank, old_mac: row.mac().to_vec() }));
        }
        // Swept in between: the next try claims it.
        let found = tx.answer_by_key(&blank.key_hash).await?.ok_or(ServiceError::Store(StoreError::Conflict))?;
        let old_mac = found.mac().to_vec();
        match found.check(ring) {
            Err(_) => events.push(self.integrity_event("idempotency_keys", None, request)),
            Ok(row) => {
                if let Some(answer) = self.answer_of(ring, once, row)? {
                    return Ok(Err(answer));
                }
            }
        }
        Ok(Ok(Claim { blank, old_mac }))
    }

    /// Puts the answer into its place.
    pub(super) async fn settle(&self, tx: &mut Tx, ring: &Ring, claim: Claim, answer: Option<Answer>) -> Result<()> {
        let mut row = claim.blank;
        if let Some(answer) = answer {
            (row.status, row.answer) = (i64::from(answer.status), answer.body);
        }
        if tx.settle_answer(&claim.old_mac, &Attested::sign(row, ring)).await? { Ok(()) } else { Err(StoreError::Conflict.into()) }
    }

    /// Removes answers that count no longer.
    pub(super) async fn sweep_answers(&self, tx: &mut Tx) -> Result<()> {
        tx.sweep_answers(self.env.now().plus_seconds(-KEPT_SECONDS)).await?;
        Ok(())
    }
}
