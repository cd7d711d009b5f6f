//! The reveal grant: one person, one session line, one key version, until a fixed time.

use super::ids::{DeviceId, GrantId, LineId, Timestamp, VersionId};
use super::integrity::{Canonical, Deciding};
use super::person::Subject;

/// No window is longer, whatever a setting says.
pub const MAX_WINDOW_SECONDS: i64 = 300;

/// On whose behalf a key is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Own Mac.
    Owner,
    /// Helpdesk, with a reason.
    Desk,
}

impl Basis {
    pub fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Desk => "desk",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        [Self::Owner, Self::Desk].into_iter().find(|b| b.code() == code)
    }
}

/// A row of `reveal_grants`. Immutable, but for `hidden_at`.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub id: GrantId,
    pub who: Subject,
    pub line: LineId,
    pub device: DeviceId,
    pub version: VersionId,
    pub basis: Basis,
    pub from: Timestamp,
    pub until: Timestamp,
    /// The grant this one renews.
    pub renewed_from: Option<GrantId>,
    /// 0 for the first grant of a line of renewals.
    pub renewal: i64,
    /// Ended early by "I'm done". Outside the MAC: it only takes away.
    pub hidden_at: Option<Timestamp>,
}

impl Deciding for Grant {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new("reveal_grants")
            .uuid(self.id.0)
            .text(&self.who.issuer)
            .text(&self.who.subject)
            .uuid(self.line.0)
            .uuid(self.device.0)
            .uuid(self.version.0)
            .text(self.basis.code())
            .int(self.from.0)
            .int(self.until.0)
            .option_uuid(self.renewed_from.map(|g| g.0))
            .int(self.renewal)
            .done()
    }
}

impl Grant {
    /// Open at `now`: not hidden, deadline not reached. When it began is not asked: another replica made it, and its clock may
    /// be a little ahead of this one.
    pub fn open(&self, now: Timestamp) -> bool {
        self.hidden_at.is_none() && now < self.until
    }
}
