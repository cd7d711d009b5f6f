//! Taking keys in: every door hands one [`Deposit`] here, and only here does a key version come to be.
//!
//! Deposits that come at a time share a transaction (`queue`); it holds the devices, the versions and the trail rows (`batch`,
//! `rows`), looks at the callers' tokens once more (`again`), and each caller is answered after its commit. The same key again makes no version; a key of lower trust never hides
//! one of higher trust; nothing is ever deleted; a deposit's user is a hint and sets no owner.

mod again;
mod batch;
pub mod bounds;
mod queue;
mod rows;
mod shelf;

use std::sync::Arc;

use super::depositor::Depositor;
use super::once::{Answer, Done, Once};
use super::tokens::LetIn;
use super::{Keyharbor, RequestInfo, Result, ServiceError};
use crate::crypto::{Place, Ring};
use crate::domain::Serial;
use crate::domain::audit::Actor;
use crate::domain::escrow::{KeyVersion, Standing, Trust};
use crate::domain::ids::{DeviceId, Timestamp, VersionId};
use crate::domain::integrity::Attested;
use crate::domain::policy::{self, Action, Caller, Relation};
use crate::domain::recovery_key::{RecoveryKey, SecretKind};
use crate::domain::token::{ApiToken, Scopes};

pub use queue::Queue;

/// What a source says of the device besides the key. Hints: they fill what is empty or follow the agent, and own nothing.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The computer's name as people see it (Crypt's `macname`).
    pub host_name: Option<String>,
    pub user: Option<String>,
}

/// One hand-in of a key.
pub struct Deposit {
    pub serial: Serial,
    pub kind: SecretKind,
    pub key: RecoveryKey,
    /// When the source says it was escrowed; `None` = live, now.
    pub escrowed_at: Option<Timestamp>,
    pub hints: Hints,
}

/// Who hands keys in.
#[derive(Clone, Debug)]
pub struct Source {
    pub actor: Actor,
    pub name: String,
    pub trust: Trust,
    pub scopes: Scopes,
    pub device_pattern: Option<String>,
    /// The token's row by which it was let in, if its transaction has to look at it again.
    let_in: Option<Arc<LetIn>>,
}

impl Source {
    /// For whoever answers for the token: it is not looked at again.
    pub fn answered_for(t: &ApiToken) -> Self {
        Self {
            actor: Actor::Token(t.id.clone()),
            name: t.name.clone(),
            trust: t.trust,
            scopes: t.scopes,
            device_pattern: t.device_pattern.clone(),
            let_in: None,
        }
    }
}

impl From<&Depositor> for Source {
    fn from(depositor: &Depositor) -> Self {
        Self { let_in: Some(Arc::clone(&depositor.0)), ..Self::answered_for(depositor) }
    }
}

impl Source {
    /// May this source make this deposit?
    fn may_make(&self, deposit: &Deposit) -> bool {
        let covered = crate::domain::token::covers(self.device_pattern.as_deref(), &deposit.serial);
        let relation = if covered { Relation::NoDevice } else { Relation::Unknown };
        policy::decide(Caller::Token(self.scopes), Action::Deposit, relation).is_ok()
    }
}

/// What became of a deposit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Became {
    /// A new version.
    New,
    /// The key was there already.
    Same,
    /// A superseded key is current again.
    Promoted,
}

impl Became {
    pub fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Promoted => "promoted",
        }
    }
}

/// The answer to one deposit, made after its commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub device: DeviceId,
    pub version: i64,
    pub became: Became,
    /// It is the key that the portal shows first.
    pub current: bool,
    pub contested: bool,
    /// The matched key was shown to somebody: a new one is due.
    pub rotation_required: bool,
    /// Letters never seen in such keys stand in it; kept all the same.
    pub unseen_letters: bool,
}

impl Receipt {
    fn of(row: &KeyVersion, became: Became, standing: &Standing<'_>) -> Self {
        Self {
            device: row.device,
            version: row.version,
            became,
            current: standing.current.id == row.id,
            contested: standing.contested,
            rotation_required: became != Became::New && row.revealed_at.is_some(),
            unseen_letters: row.unseen_letters,
        }
    }
}

/// Why one deposit of a batch was not stored; its trail row says so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// This source may not make it.
    OutOfScope,
    /// The device's own row was bent: a key that was put there would be shown to somebody else. The source keeps its key.
    DeviceRow,
    /// This source changed the Mac's key too often in this minute. The source keeps its key.
    TooManyChanges,
}

/// One answer for each deposit of a batch, in order.
pub type Answers = Vec<Result<Receipt, Refused>>;

/// Makes the answer to all deposits of a request; `None` when the request comes to nothing.
pub type Whole = dyn Fn(&[Result<Receipt, Refused>]) -> Option<Answer> + Send + Sync;

/// How the answer to a request is kept for when it comes again.
#[derive(Clone)]
pub struct Keep {
    pub once: Arc<Once>,
    pub answer: Arc<Whole>,
}

/// A deposit that could not be read: its serial number, if that could, and the trail's word for why. Names fields, never values.
pub type Unread = (Option<Serial>, &'static str);

/// What one request brings, or a part of it: all of it is stored in one transaction, or nothing.
struct Work {
    source: Source,
    deposits: Vec<Deposit>,
    /// One for each deposit, made before the first try, so that a second one writes the same rows.
    ids: Vec<Ids>,
    unread: Vec<Unread>,
    keep: Option<Keep>,
    request: RequestInfo,
}

#[derive(Clone, Copy)]
struct Ids {
    device: DeviceId,
    version: VersionId,
}

/// What becomes of a request for which the queue has no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// It is refused at once: [`ServiceError::Busy`].
    Refuse,
    /// It waits: a sender that is answered line by line slows down with its answers.
    Wait,
}

/// Deposits of one request in one transaction.
pub const PART: usize = 100;

impl Keyharbor {
    /// Takes in deposits; one answer each, in the order given. Many go in parts, so that others come in between and no part
    /// runs out of time.
    ///
    /// # Errors
    /// [`ServiceError`]: sealed, busy, the database or the trail. What parts before had stored stays: handing them in again
    /// is harmless.
    pub async fn deposit(&self, source: &Source, deposits: Vec<Deposit>, full: Full, request: &RequestInfo) -> Result<Answers> {
        match self.deposit_once(source, deposits, None, full, request).await? {
            Done::Now(answers) => Ok(answers),
            Done::Before(_) => Err(ServiceError::Internal("an answer to another request")),
        }
    }

    /// The same for a request that may come again: its answer is kept together with the last part.
    ///
    /// # Errors
    /// As `deposit`, and [`ServiceError::KeyReused`].
    pub async fn deposit_once(
        &self,
        source: &Source,
        mut deposits: Vec<Deposit>,
        keep: Option<Keep>,
        mut full: Full,
        request: &RequestInfo,
    ) -> Result<Done<Answers>> {
        let mut answers: Answers = Vec::with_capacity(deposits.len());
        let mut source = source.clone();
        while !deposits.is_empty() {
            let rest = deposits.split_off(deposits.len().min(PART));
            let keep = keep.as_ref().filter(|_| rest.is_empty()).map(|keep| after(keep, &answers));
            let mut work = self.work(&source, request);
            work.ids = deposits.iter().map(|_| Ids { device: DeviceId::new(&self.env), version: VersionId::new(&self.env) }).collect();
            (work.deposits, work.keep) = (deposits, keep);
            match self.enqueue(work, full).await? {
                Done::Now(more) => answers.extend(more),
                before => return Ok(before),
            }
            // What is begun is brought to its end, whatever becomes of the token meanwhile.
            (deposits, full, source.let_in) = (rest, Full::Wait, None);
        }
        Ok(Done::Now(answers))
    }

    /// Records deposits that a known source made and that could not be read.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn refuse_deposits(&self, source: &Source, unread: &[Unread], request: &RequestInfo) -> Result<()> {
        for part in unread.chunks(PART) {
            let mut work = self.work(source, request);
            work.unread = part.to_vec();
            self.enqueue(work, Full::Wait).await?;
        }
        Ok(())
    }

    fn work(&self, source: &Source, request: &RequestInfo) -> Work {
        let (source, request) = (source.clone(), request.clone());
        Work { source, deposits: Vec::new(), ids: Vec::new(), unread: Vec::new(), keep: None, request }
    }
}

/// The keeping of a request whose first answers are there already.
fn after(keep: &Keep, before: &[Result<Receipt, Refused>]) -> Keep {
    let (before, whole) = (before.to_vec(), Arc::clone(&keep.answer));
    Keep { once: Arc::clone(&keep.once), answer: Arc::new(move |answers| whole(&[before.as_slice(), answers].concat())) }
}

/// Where a version's sealed bytes lie.
pub(super) fn place_of(version: &KeyVersion) -> Place<'static> {
    Place { table: "key_versions", row: version.id.0, device: version.device.0, kind: version.kind.code() }
}

/// Splits rows into those that verify and the ids of those that do not.
pub(super) fn verified(rows: Vec<Attested<KeyVersion>>, ring: &Ring) -> (Vec<KeyVersion>, Vec<VersionId>) {
    let mut good = Vec::with_capacity(rows.len());
    let mut bad = Vec::new();
    for row in rows {
        let id = row.parts().0.id;
        match row.check(ring) {
            Ok(version) => good.push(version),
            Err(_) => bad.push(id),
        }
    }
    (good, bad)
}
