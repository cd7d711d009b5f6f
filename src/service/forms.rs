//! The form behind a reveal: what was asked for, checked, and able to survive a step-up.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Rules;
use crate::domain::device::clean;
use crate::domain::ids::{DeviceId, VersionId};
use crate::domain::recovery_key::looks_like_key;

/// Which key of the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The best candidate.
    Offered,
    /// "The key does not work? Show the other one."
    Other,
    /// Any version; the desk's choice.
    Version(Uuid),
}

impl Which {
    pub fn version(id: VersionId) -> Self {
        Self::Version(id.0)
    }
}

/// Why a key is shown to somebody who does not own the Mac. The codes are in the trail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    ForgotPassword,
    PasswordNotSynced,
    ReturnedDevice,
    Other,
}

impl Reason {
    pub const ALL: [Self; 4] = [Self::ForgotPassword, Self::PasswordNotSynced, Self::ReturnedDevice, Self::Other];

    pub fn code(self) -> &'static str {
        match self {
            Self::ForgotPassword => "forgot_password",
            Self::PasswordNotSynced => "password_not_synced",
            Self::ReturnedDevice => "returned_device",
            Self::Other => "other",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }
}

/// A form as it was typed. Kept as typed, so that it can be shown again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DeskText {
    pub ticket: String,
    pub reason: String,
    pub reason_text: String,
    pub identity: String,
}

/// What is wrong with one field; the codes name messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldError {
    pub field: &'static str,
    pub code: &'static str,
}

/// A checked reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeskReason {
    pub ticket: Option<String>,
    /// The code, and the words if there are any.
    pub reason: String,
    pub identity: String,
}

const LONGEST: usize = 500;

impl DeskText {
    /// # Errors
    /// Every field that is wrong.
    pub fn check(&self, rules: &Rules) -> Result<DeskReason, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |field, code| errors.push(FieldError { field, code });
        let all = [("ticket", &self.ticket), ("reason_text", &self.reason_text), ("identity", &self.identity)];
        for (field, text) in all {
            if text.chars().count() > LONGEST {
                wrong(field, "too_long");
            }
            if looks_like_key(text) {
                wrong(field, "holds_key");
            }
        }
        let ticket = clean(&self.ticket, LONGEST);
        match (&ticket, &rules.ticket) {
            (None, _) if rules.config.reveal.ticket_required => wrong("ticket", "required"),
            (Some(t), Some(pattern)) if !pattern.is_match(t) => wrong("ticket", "form"),
            _ => {}
        }
        let words = clean(&self.reason_text, LONGEST);
        let reason = Reason::parse(&self.reason);
        match (reason, &words) {
            (None, _) => wrong("reason", "required"),
            (Some(Reason::Other), None) => wrong("reason_text", "required"),
            _ => {}
        }
        let identity = clean(&self.identity, LONGEST);
        if identity.is_none() {
            wrong("identity", "required");
        }
        let (Some(reason), Some(identity), true) = (reason, identity, errors.is_empty()) else { return Err(errors) };
        let reason = words.map_or_else(|| reason.code().to_owned(), |w| format!("{}: {w}", reason.code()));
        Ok(DeskReason { ticket, reason, identity })
    }

    /// The form with everything that looks like a key taken out: what may be sealed and shown again.
    pub fn without_keys(mut self) -> Self {
        for text in [&mut self.ticket, &mut self.reason, &mut self.reason_text, &mut self.identity] {
            if looks_like_key(text) {
                text.clear();
            }
        }
        self
    }
}

/// One press of "Get recovery key" or "Show the key for five minutes".
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RevealForm {
    pub device: Uuid,
    pub which: Which,
    /// `None` = the owner's own Mac.
    pub desk: Option<DeskText>,
    /// What was searched for at the desk, which the way back leads to; empty for nothing.
    #[serde(default)]
    pub search: String,
}

impl RevealForm {
    pub fn own(device: DeviceId, which: Which) -> Self {
        Self { device: device.0, which, desk: None, search: String::new() }
    }

    /// A search that looks like a key is forgotten.
    pub fn desk(device: DeviceId, which: Which, text: DeskText, search: &str) -> Self {
        let search = if looks_like_key(search) { "" } else { search }.to_owned();
        Self { device: device.0, which, desk: Some(text), search }
    }

    pub fn device(&self) -> DeviceId {
        DeviceId(self.device)
    }
}
