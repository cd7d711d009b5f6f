//! What follows a grant: its page, "Extend to five minutes", "I'm done".
//!
//! Session, person, role, owner and MACs are judged again each time, inside the transaction that records it.

use std::sync::Arc;

use super::access::SignedIn;
use super::escrow::{place_of, verified};
use super::owner_names::{NamedOwner, owners_of};
use super::reveal::{Renewal, Shown, View};
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::Ring;
use crate::domain::audit::{AuditReceipt, Event, EventKind, Outcome};
use crate::domain::device::Device;
use crate::domain::escrow::Standing;
use crate::domain::ids::GrantId;
use crate::domain::integrity::Attested;
use crate::domain::policy::{self, Action, Caller, Permit, Refusal};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};
use crate::domain::reveal::{Basis, Grant};
use crate::store::Tx;

/// Two presses of "Extend to five minutes" so close together are one.
const ONE_PRESS_SECONDS: i64 = 5;

/// What the transaction of a view read, for the page.
struct Seen {
    grant: Grant,
    device: Device,
    other: bool,
    owner: Option<String>,
}

/// Says in a refusal which grant it is about.
fn about(event: &mut Event, grant: &Grant) {
    (event.grant, event.device, event.version) = (Some(grant.id), Some(grant.device), Some(grant.version));
}

/// The grant once more, as it stands when no other transaction holds it, and held: renewing and hiding wait for each other.
/// Taken after the owner's row, as everywhere.
async fn held(tx: &mut Tx, ring: &Ring, grant: &Grant) -> Result<Grant> {
    let row = tx.grant_locked(grant.id).await?.and_then(|row| row.check(ring).ok());
    row.ok_or(ServiceError::Refused(Refusal::NotFound))
}

/// The grant of this row, if it verifies and is this person's.
fn mine(row: Option<Attested<Grant>>, ring: &Ring, person: &SignedIn) -> Option<Grant> {
    row.and_then(|r| r.check(ring).ok()).filter(|g| g.who == person.session.who)
}

impl Keyharbor {
    /// The page of a grant: whose is it, is it open, may the person still? Then a "viewed" row, and only then the key.
    ///
    /// # Errors
    /// [`ServiceError`]: refused (the one 404), sealed, the trail, the database.
    pub async fn view(&self, person: &SignedIn, id: Option<GrantId>, request: &RequestInfo) -> Result<View> {
        let ring = self.ring()?;
        // A malformed address does the same look-up as an unknown one.
        let id = id.unwrap_or(GrantId(uuid::Uuid::nil()));
        let seen = self
            .retry(async || {
                let mut tx = self.store.write().await?;
                let person = &self.still_in(&mut tx, &ring, person).await?;
                let grant = match self.own_grant(&mut tx, &ring, person, id, request).await? {
                    Ok(grant) => grant,
                    Err(events) => {
                        self.conclude(tx, &events).await?;
                        return Err(Refusal::NotFound.into());
                    }
                };
                let (device, permit) = match self.still(&mut tx, &ring, person, &grant, request).await? {
                    Ok(found) => found,
                    Err((refusal, mut events)) => {
                        let mut event = self.person_event(EventKind::RevealRefused, Outcome::Refused, person, request);
                        event.detail = "no_longer".into();
                        about(&mut event, &grant);
                        events.push(event);
                        self.conclude(tx, &events).await?;
                        return Err(refusal.into());
                    }
                };
                let grant = held(&mut tx, &ring, &grant).await?;
                if !grant.open(self.env.now()) || grant.line != person.session.line {
                    let until = grant.hidden_at.unwrap_or(grant.until).min(grant.until);
                    return Ok(Err(View::Hidden { device, basis: grant.basis, from: grant.from, until }));
                }
                let (versions, _) = verified(tx.candidates(device.id, SecretKind::RecoveryKey, None).await?, &ring);
                let other = match grant.basis {
                    Basis::Owner => Standing::of(&versions).and_then(|s| s.other).is_some_and(|o| o.id != grant.version),
                    Basis::Desk => versions.len() > 1,
                };
                let mut event = self.reveal_event(EventKind::RevealViewed, Outcome::Ok, person, permit.basis(), &device, request);
                (event.version, event.grant) = (Some(grant.version), Some(id));
                let owner = match grant.basis {
                    Basis::Owner => None,
                    Basis::Desk => {
                        let owners = owners_of(&mut tx, &ring, &[device.id]).await?.remove(&device.id).unwrap_or_default();
                        let called: Vec<_> = owners.iter().map(NamedOwner::called).collect();
                        (!called.is_empty()).then(|| called.join(", "))
                    }
                };
                let receipt = self.conclude(tx, &[event]).await?;
                Ok(Ok((receipt, Seen { grant, device, other, owner })))
            })
            .await?;
        match seen {
            Err(hidden) => Ok(hidden),
            Ok((receipt, seen)) => self.open(&ring, &receipt, seen, request).await,
        }
    }

    async fn open(&self, ring: &Arc<Ring>, receipt: &AuditReceipt, seen: Seen, request: &RequestInfo) -> Result<View> {
        let Seen { grant, device, other, owner } = seen;
        let found = self.retry(async || Ok(self.store.sealed_key(receipt).await?)).await?;
        let opened = found.and_then(|(version, sealed)| {
            let version = version.check(ring.as_ref()).ok().filter(|v| v.id == grant.version && v.device == device.id)?;
            let plain = ring.open(&place_of(&version), &sealed).ok()?;
            Some((RecoveryKey::parse(std::str::from_utf8(&plain).ok()?).ok()?, version))
        });
        let Some((key, version)) = opened else {
            self.record_integrity("key_versions", Some(device.id), request).await?;
            return Ok(View::Broken { device, basis: grant.basis });
        };
        let left = grant.until.seconds_since(self.env.now()).min(grant.until.seconds_since(grant.from));
        if left < 1 {
            return Ok(View::Hidden { device, basis: grant.basis, from: grant.from, until: grant.until });
        }
        let renewals_left = self.max_renewals(grant.basis) - grant.renewal;
        Ok(View::Shown(Box::new(Shown {
            key,
            device,
            version,
            basis: grant.basis,
            from: grant.from,
            until: grant.until,
            owner,
            seconds_left: left,
            renewals_left,
            renewed: grant.renewal > 0,
            other,
        })))
    }

    fn max_renewals(&self, basis: Basis) -> i64 {
        match basis {
            Basis::Owner => self.rules.config.reveal.max_renewals_owner,
            Basis::Desk => self.rules.config.reveal.max_renewals_desk,
        }
    }

    /// The grant, if it verifies and is this person's; otherwise the rows that say what was tried.
    async fn own_grant(
        &self,
        tx: &mut Tx,
        ring: &Arc<Ring>,
        person: &SignedIn,
        id: GrantId,
        request: &RequestInfo,
    ) -> Result<Result<Grant, Vec<Event>>> {
        let mut events = Vec::new();
        let mut event = self.person_event(EventKind::AccessRefused, Outcome::Refused, person, request);
        event.detail = "reveal".into();
        match tx.grant(id).await?.map(|row| row.check(ring.as_ref())) {
            Some(Ok(grant)) if grant.who == person.session.who => return Ok(Ok(grant)),
            Some(Ok(grant)) => about(&mut event, &grant),
            Some(Err(_)) => {
                let mut event = self.integrity_event("reveal_grants", None, request);
                event.grant = Some(id);
                events.push(event);
            }
            None => {}
        }
        events.push(event);
        Ok(Err(events))
    }

    /// Role and owner, judged again inside the transaction that records the view; refused with the rows about what was edited.
    async fn still(
        &self,
        tx: &mut Tx,
        ring: &Arc<Ring>,
        person: &SignedIn,
        grant: &Grant,
        request: &RequestInfo,
    ) -> Result<Result<(Device, Permit), (Refusal, Vec<Event>)>> {
        let action = match grant.basis {
            Basis::Owner => Action::Reveal,
            Basis::Desk => Action::DeskReveal,
        };
        let stand = self.stand(tx, ring, person, grant.device, true).await?;
        Ok(match (policy::decide(Caller::Person(person.session.roles), action, stand.relation), stand.device) {
            (Ok(permit), Some(device)) => Ok((device, permit)),
            (refusal, _) => Err((refusal.err().unwrap_or(Refusal::NotFound), self.broken_event(stand.broken, grant.device, request))),
        })
    }

    /// The latest renewal of an open grant. Never more steps than can be: a bent row may lead in a circle.
    async fn latest(&self, tx: &mut Tx, ring: &Ring, person: &SignedIn, grant: Grant) -> Result<Grant> {
        let mut latest = grant;
        for _ in 0..self.max_renewals(latest.basis) {
            if !latest.open(self.env.now()) {
                break;
            }
            let Some(after) = mine(tx.grant_child(latest.id).await?, ring, person) else { break };
            latest = after;
        }
        Ok(latest)
    }

    /// "Extend to five minutes": a new grant at a new address, open for its whole time from the press. Pressed twice at once, both
    /// lead to the same one; pressed in a tab that was left behind, it renews what that one's renewals came to.
    ///
    /// # Errors
    /// [`ServiceError`]: refused (the one 404), sealed, the trail, the database.
    pub async fn renew(&self, person: &SignedIn, id: Option<GrantId>, request: &RequestInfo) -> Result<Renewal> {
        let ring = self.ring()?;
        let id = id.unwrap_or(GrantId(uuid::Uuid::nil()));
        let new = GrantId::new(&self.env);
        self.retry(async || {
            let mut tx = self.store.write().await?;
            let person = &self.still_in(&mut tx, &ring, person).await?;
            let checked = match self.own_grant(&mut tx, &ring, person, id, request).await? {
                Ok(grant) => match self.still(&mut tx, &ring, person, &grant, request).await? {
                    Ok(found) => Ok((grant, found)),
                    Err((_, events)) => Err(events),
                },
                Err(events) => Err(events),
            };
            let (grant, (device, permit)) = match checked {
                Ok(found) => found,
                Err(mut events) => {
                    let mut event = self.person_event(EventKind::RevealRefused, Outcome::Refused, person, request);
                    (event.detail, event.grant) = ("renewal".into(), Some(id));
                    events.push(event);
                    self.conclude(tx, &events).await?;
                    return Err(Refusal::NotFound.into());
                }
            };
            let latest = self.latest(&mut tx, &ring, person, grant).await?;
            let grant = held(&mut tx, &ring, &latest).await?;
            let mut refused = self.reveal_event(EventKind::RevealRefused, Outcome::Refused, person, permit.basis(), &device, request);
            refused.grant = Some(id);
            if !grant.open(self.env.now()) || grant.line != person.session.line {
                refused.detail = "renewal_over".into();
                self.conclude(tx, &[refused]).await?;
                return Ok(Renewal::Over);
            }
            if grant.id != id && self.env.now().seconds_since(grant.from) < ONE_PRESS_SECONDS {
                return Ok(Renewal::Renewed(grant.id));
            }
            if grant.renewal >= self.max_renewals(grant.basis) {
                refused.detail = "renewals_used_up".into();
                self.conclude(tx, &[refused]).await?;
                return Ok(Renewal::UsedUp { device: device.id, basis: grant.basis });
            }
            let (rows, bad) = verified(tx.version(grant.version).await?.into_iter().collect(), &ring);
            let Some(version) = rows.into_iter().find(|v| v.device == device.id) else {
                let mut events: Vec<_> = bad.iter().map(|v| self.bad_version_event(device.id, *v, request)).collect();
                refused.detail = "no_key".into();
                events.push(refused);
                self.conclude(tx, &events).await?;
                return Ok(Renewal::Over);
            };
            let next = self.new_grant(new, person, permit.basis(), &version, Some(&grant));
            if !tx.insert_grant(&Attested::sign(next, ring.as_ref())).await? {
                let child = tx.grant_child(grant.id).await?.map(|g| g.parts().0.id);
                return Ok(child.map_or(Renewal::Over, Renewal::Renewed));
            }
            let mut event = self.reveal_event(EventKind::RevealRenewed, Outcome::Ok, person, permit.basis(), &device, request);
            (event.version, event.grant) = (Some(version.id), Some(new));
            event.detail = format!("from {}", grant.id);
            self.conclude(tx, &[event]).await?;
            Ok(Renewal::Renewed(new))
        })
        .await
    }

    /// "I'm done": ends this grant, every one that it renewed, and every one that renewed it.
    ///
    /// # Errors
    /// [`ServiceError`]: refused (the one 404), sealed, the trail, the database.
    pub async fn hide(&self, person: &SignedIn, id: Option<GrantId>, request: &RequestInfo) -> Result<()> {
        let ring = self.ring()?;
        let id = id.unwrap_or(GrantId(uuid::Uuid::nil()));
        self.retry(async || {
            let mut tx = self.store.write().await?;
            let grant = match self.own_grant(&mut tx, &ring, person, id, request).await? {
                Ok(grant) => grant,
                Err(events) => {
                    self.conclude(tx, &events).await?;
                    return Err(Refusal::NotFound.into());
                }
            };
            let grant = held(&mut tx, &ring, &grant).await?;
            let now = self.env.now();
            // Up to what it renewed, down to what renewed it: another tab may have been quicker to ask for more time than this
            // one to end it. Only this person's own rows that verify, and never more than can be: a bent row may lead in a circle.
            let most = self.max_renewals(grant.basis) + 1;
            let mut ended = tx.hide_grant(grant.id, now).await?;
            let (mut up, mut down) = (grant.renewed_from, Some(grant.id));
            for _ in 0..most {
                if let Some(id) = up {
                    let before = mine(tx.grant(id).await?, &ring, person);
                    up = before.as_ref().and_then(|g| g.renewed_from);
                    if let Some(before) = before {
                        ended |= tx.hide_grant(before.id, now).await?;
                    }
                }
                if let Some(id) = down {
                    let after = mine(tx.grant_child(id).await?, &ring, person);
                    down = after.as_ref().map(|g| g.id);
                    if let Some(after) = after {
                        ended |= tx.hide_grant(after.id, now).await?;
                    }
                }
            }
            // All of it was over already: nothing changes, and the trail does not say that something did.
            if !ended {
                return Ok(());
            }
            let device = tx.device(grant.device).await?.ok_or(ServiceError::Internal("a device vanished"))?;
            let mut event = self.reveal_event(EventKind::RevealHidden, Outcome::Ok, person, grant.basis, &device, request);
            (event.version, event.grant) = (Some(grant.version), Some(id));
            self.conclude(tx, &[event]).await.map(|_| ())
        })
        .await
    }
}
