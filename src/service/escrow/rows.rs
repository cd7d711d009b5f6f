//! Trail rows about deposits: what became of one, and what was refused and why.

use super::{Became, Receipt, Source};
use crate::domain::Serial;
use crate::domain::audit::{Event, EventKind, Outcome};
use crate::domain::ids::VersionId;
use crate::service::{Keyharbor, RequestInfo};

impl Keyharbor {
    pub(super) fn deposited(
        &self,
        source: &Source,
        serial: &Serial,
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
        event.device = Some(receipt.device);
        event.serial = Some(serial.as_str().to_owned());
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
}
