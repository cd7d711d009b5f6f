//! Trail rows about deposits: what became of one, and what was refused and why.

use super::bounds::Rows;
use super::{Became, Deposit, Receipt, Refused, Source};
use crate::domain::audit::{Event, EventKind, Outcome};
use crate::domain::ids::VersionId;
use crate::domain::{Device, Serial};
use crate::service::{Keyharbor, RequestInfo, Result};

impl Keyharbor {
    pub(super) fn deposited(
        &self,
        source: &Source,
        device: &Device,
        version: VersionId,
        receipt: &Receipt,
        request: &RequestInfo,
    ) -> Event {
        let kind = match receipt.became {
            Became::New => EventKind::DepositNew,
            Became::Same => EventKind::DepositSame,
            Became::Promoted => EventKind::DepositPromoted,
        };
        let mut event = self.event(kind, Outcome::Ok, source.actor.clone(), request);
        event.role = source.trust.code().to_owned();
        event.device = Some(device.id);
        event.serial = Some(device.serial.as_str().to_owned());
        event.version = Some(version);
        event.detail = match (receipt.current, receipt.contested) {
            (_, true) => "contested",
            (true, false) => "current",
            (false, false) => "kept",
        }
        .to_owned();
        event
    }

    /// Records that a deposit of a batch is refused, and answers so.
    pub(super) fn refuse(&self, rows: &mut Rows, source: &Source, deposit: &Deposit, why: Refused, request: &RequestInfo) -> Refused {
        let reason = match why {
            Refused::OutOfScope => "out_of_scope",
            Refused::DeviceRow => "integrity",
            Refused::TooManyChanges => "too_many_changes",
        };
        if rows.refused(reason) {
            rows.events.push(self.refusal(source, Some(&deposit.serial), reason, request));
        }
        why
    }

    fn refusal(&self, source: &Source, serial: Option<&Serial>, detail: &'static str, request: &RequestInfo) -> Event {
        let mut event = self.event(EventKind::DepositRefused, Outcome::Refused, source.actor.clone(), request);
        event.role = source.trust.code().to_owned();
        event.serial = serial.map(|s| s.as_str().to_owned());
        event.detail = detail.to_owned();
        event
    }

    /// Records deposits that a known source made and that could not be read: within its bounds one by one, then their number.
    /// `details` name fields, never values.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn refuse_deposits(&self, source: &Source, details: &[(Option<Serial>, &'static str)], request: &RequestInfo) -> Result<()> {
        if details.is_empty() {
            return Ok(());
        }
        let mut rows = self.bounds.begin(&source.actor, self.env.now(), std::iter::empty());
        for (serial, detail) in details {
            if rows.refused(detail) {
                rows.events.push(self.refusal(source, serial.as_ref(), detail, request));
            }
        }
        self.retry(async || {
            let mut tx = self.store.write().await?;
            self.note_source(&mut tx, source, &[], details.len()).await?;
            self.conclude_rows(tx, &rows).await
        })
        .await?;
        self.bounds.end(rows);
        Ok(())
    }
}
