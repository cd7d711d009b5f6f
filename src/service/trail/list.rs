//! The trail as auditors read it: filtered pages, and all that concerns one device or one person. What is shown comes from the
//! row and is held against the chain; that somebody read it is a row itself.

use std::collections::{BTreeSet, HashMap};

use super::super::access::SignedIn;
use super::super::admin::tokens::known;
use super::super::{Keyharbor, RequestInfo, Result, ServiceError};
use super::asked::{Criteria, DeviceRef, Who};
use crate::crypto::Ring;
use crate::domain::audit::{Actor, EventKind, Outcome, TrailRow};
use crate::domain::device::fold;
use crate::domain::ids::Timestamp;
use crate::domain::integrity::ChainMac;
use crate::domain::person::Subject;
use crate::domain::policy::{Action, Refusal};
use crate::domain::trail::{AboutDevice, AboutPerson, CheckpointRow, Cursor, Linked, TrailFilter};
use crate::domain::{Event, hex};
use crate::formats::trail::Check;
use crate::store::Tx;

/// Where in the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Newest,
    Before(Cursor),
    After(Cursor),
}

/// A row and what the chain says of it.
#[derive(Debug)]
pub struct Listed {
    pub row: TrailRow,
    pub check: Check,
}

/// One page of the trail, newest first.
#[derive(Debug)]
pub struct Page {
    pub rows: Vec<Listed>,
    /// Where the neighbouring pages begin; `None` = there is none.
    pub newer: Option<Cursor>,
    pub older: Option<Cursor>,
    /// The last row there is, as `audit verify --at-least` takes it.
    pub head: String,
    /// Checkpoints that servers wrote to their logs, the latest first.
    pub checkpoints: Vec<Checkpoint>,
    /// The device or person that was asked for, as the trail has it.
    pub about: About,
    /// Names of the tokens that the rows are about, by their ids. One whose row does not verify has no name here.
    pub tokens: HashMap<String, String>,
}

/// What is known of the device or the person of a timeline.
#[derive(Debug, Default)]
pub struct About {
    pub serial: Option<String>,
    pub who: Option<Subject>,
}

/// A checkpoint as it was logged.
#[derive(Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// `SEQ:MAC`.
    pub text: String,
    pub logged_at: Timestamp,
    /// The trail holds that row with that MAC.
    pub fits: bool,
}

/// Checkpoints on a page.
const SHOWN: i64 = 5;

/// What a row says of itself, held against the chain.
pub(super) fn check(ring: &Ring, linked: &Linked) -> Check {
    let row = &linked.row;
    if row.event.kind == EventKind::Unreadable {
        return Check::Unknown;
    }
    let personal = match &row.personal_text {
        Some(text) => ring.personal(&row.event.salt, text) == row.personal_mac,
        None => row.erased,
    };
    let sound = personal && ring.chain_ok(&linked.previous, &row.event.canonical(row.seq, &row.personal_mac), &row.mac);
    if sound { Check::Sound } else { Check::Broken }
}

impl Keyharbor {
    /// A page for the auditor.
    ///
    /// # Errors
    /// [`ServiceError`]: without the role it is refused, and that is a row.
    pub async fn trail_page(&self, person: &SignedIn, asked: &Criteria, place: Place, limit: usize, request: &RequestInfo) -> Result<Page> {
        self.permit(person, Action::ReadTrail, request).await?;
        let event = self.reading(EventKind::TrailRead, person, asked, request);
        self.record_reading(event, place).await?;
        self.page(asked, place, limit, request).await
    }

    /// All that concerns one device or one person. Nothing recorded is the same answer as nothing known.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] and the store's.
    pub async fn timeline(
        &self,
        person: &SignedIn,
        asked: Option<&Criteria>,
        place: Place,
        limit: usize,
        request: &RequestInfo,
    ) -> Result<Page> {
        self.permit(person, Action::ReadTrail, request).await?;
        let Some(asked) = asked else { return Err(ServiceError::Refused(Refusal::NotFound)) };
        let event = self.reading(EventKind::TrailRead, person, asked, request);
        self.record_reading(event, place).await?;
        let page = self.page(asked, place, limit, request).await?;
        if page.rows.is_empty() && place == Place::Newest { Err(ServiceError::Refused(Refusal::NotFound)) } else { Ok(page) }
    }

    /// The row about somebody who reads or exports.
    pub(super) fn reading(&self, kind: EventKind, person: &SignedIn, asked: &Criteria, request: &RequestInfo) -> Event {
        let mut event = self.person_event(kind, Outcome::Ok, person, request);
        event.detail = asked.words().join(" ");
        event.personal.person = asked.person();
        event
    }

    async fn record_reading(&self, mut event: Event, place: Place) -> Result<()> {
        let place = match place {
            Place::Newest if event.detail.is_empty() => Some("newest".to_owned()),
            Place::Newest => None,
            Place::Before(cursor) => Some(format!("before={cursor}")),
            Place::After(cursor) => Some(format!("after={cursor}")),
        };
        event.detail = [Some(event.detail), place].into_iter().flatten().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        self.record(&[event]).await
    }

    async fn page(&self, asked: &Criteria, place: Place, limit: usize, request: &RequestInfo) -> Result<Page> {
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let filter = self.filter(&mut tx, asked).await?;
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = match place {
            Place::Newest => tx.trail_older(&filter, Cursor::ENDS[1], one_more).await?,
            Place::Before(cursor) => tx.trail_older(&filter, cursor, one_more).await?,
            Place::After(cursor) => tx.trail_newer(&filter, cursor, one_more).await?,
        };
        let more = rows.len() > limit;
        rows.truncate(limit);
        let upwards = matches!(place, Place::After(_));
        if upwards {
            rows.reverse();
        }
        let ends = (rows.first().map(|l| Cursor::of(&l.row)), rows.last().map(|l| Cursor::of(&l.row)));
        let (newer, older) = match place {
            Place::Newest => (None, ends.1.filter(|_| more)),
            Place::Before(_) => (ends.0, ends.1.filter(|_| more)),
            Place::After(_) => (ends.0.filter(|_| more), ends.1),
        };
        let rows: Vec<_> = rows.into_iter().map(|linked| Listed { check: check(&ring, &linked), row: linked.row }).collect();
        let (head, checkpoints) = self.checkpoints(&mut tx).await?;
        let tokens = names(&mut tx, &ring, &rows).await?;
        drop(tx);
        if rows.iter().any(|l| l.check == Check::Broken) {
            self.record_integrity("audit_events", None, request).await?;
        }
        let about = About {
            serial: filter.device.map(|d| d.serial).filter(|s| !s.is_empty()),
            who: filter.person.map(|p| Subject { issuer: p.issuer, subject: p.subject }),
        };
        Ok(Page { rows, newer, older, head, checkpoints, about, tokens })
    }

    async fn checkpoints(&self, tx: &mut Tx) -> Result<(String, Vec<Checkpoint>)> {
        let text = |seq: i64, mac: &[u8]| format!("{seq}:{}", hex(mac));
        let (seq, mac) = tx.head().await?;
        let head = text(seq, &mac);
        let rows = tx.checkpoints_before(i64::MAX, SHOWN).await?;
        let checkpoints =
            rows.into_iter().map(|CheckpointRow { seq, mac, logged_at, fits }| Checkpoint { text: text(seq, &mac), logged_at, fits });
        Ok((head, checkpoints.collect()))
    }

    /// What is asked for, as the store looks for it.
    pub(super) async fn filter(&self, tx: &mut Tx, asked: &Criteria) -> Result<TrailFilter> {
        let device = match &asked.device {
            None => None,
            Some(DeviceRef::Serial(serial)) => {
                let id = tx.device_by_serial(serial).await?.map(|d| d.id);
                Some(AboutDevice { serial: serial.as_str().to_owned(), id })
            }
            Some(DeviceRef::Id(id)) => {
                let serial = tx.device(*id).await?.map(|d| d.serial.as_str().to_owned()).unwrap_or_default();
                Some(AboutDevice { serial, id: Some(*id) })
            }
        };
        let person = match &asked.who {
            None => None,
            Some(Who::Called(text)) => Some(called(text)),
            Some(Who::Person(who)) => {
                // An owner's rows name a login; whose it is, the binding says.
                let login = tx.binding_by_subject(who).await?.map(|b| b.parts().0.login.as_str().to_owned());
                let Subject { issuer, subject } = who.clone();
                Some(AboutPerson { subject, issuer, login: login.unwrap_or_default(), names: Default::default() })
            }
        };
        Ok(TrailFilter { from: asked.from, until: asked.until, kind: asked.kind, device, person, upto: None })
    }
}

/// What the tokens of these rows are called.
async fn names(tx: &mut Tx, ring: &Ring, rows: &[Listed]) -> Result<HashMap<String, String>> {
    let ids: BTreeSet<&str> = rows.iter().filter_map(|listed| token_of(&listed.row.event)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let found = if ids.is_empty() { Vec::new() } else { tx.tokens_by_ids(&ids).await?.rows };
    let sound = found.into_iter().filter_map(|row| known(ring, row));
    Ok(sound.map(|(token, _)| (token.id, token.name)).collect())
}

/// The token that acted, or that was made, approved or revoked.
fn token_of(event: &Event) -> Option<&str> {
    match (&event.actor, event.kind) {
        (Actor::Token(id), _) => Some(id),
        (_, EventKind::TokenCreated | EventKind::TokenApproved | EventKind::TokenRevoked) => event.detail.split(' ').next(),
        _ => None,
    }
}

/// Somebody by any of the words that rows have for them.
fn called(text: &str) -> AboutPerson {
    // A name is found as it was written, or with its words begun in capitals.
    let capitals = text.split(' ').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    let names = [text.to_owned(), capitals.collect::<Vec<String>>().join(" ")];
    AboutPerson { subject: text.to_owned(), issuer: String::new(), login: fold(text), names }
}
