//! Trail rows about deposits: what became of one, and what was refused and why.

use super::{Became, Receipt, Source};
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

    pub(super) fn refusal(&self, source: &Source, serial: Option<&Serial>, detail: &'static str, request: &RequestInfo) -> Event {
        let mut event = self.event(EventKind::DepositRefused, Outcome::Refused, source.actor.clone(), request);
        event.role = source.trust.code().to_owned();
        event.serial = serial.map(|s| s.as_str().to_owned());
        event.detail = detail.to_owned();
        event
    }

    /// Records deposits that a known source made and that could not be read. `details` name fields, never values.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn refuse_deposits(&self, source: &Source, details: &[(Option<Serial>, &'static str)], request: &RequestInfo) -> Result<()> {
        let events: Vec<_> = details.iter().map(|(serial, detail)| self.refusal(source, serial.as_ref(), detail, request)).collect();
        if events.is_empty() {
            return Ok(());
        }
        self.retry(async || {
            let mut tx = self.store.write().await?;
            self.note_source(&mut tx, source, &[], events.len()).await?;
            self.conclude(tx, &events).await.map(|_| ())
        })
        .await
    }
}
