//! One's own Macs: the list, and one of them.

use askama::Template;
use askama_web::WebTemplate;

use super::{Facts, KeyState, Page, Shape};
use crate::domain::EventKind;
use crate::i18n::Moment;

/// `/devices`: also the empty list.
#[derive(Template, WebTemplate)]
#[template(path = "devices.html")]
pub struct DevicesPage {
    pub page: Page,
    pub devices: Vec<DeviceCard>,
    /// Macs that are no longer this person's: serial number, and when they were taken off.
    pub taken: Vec<(String, Moment)>,
}

/// A Mac in the list.
#[derive(Clone, Debug)]
pub struct DeviceCard {
    pub id: String,
    /// [`crate::domain::Device::label`].
    pub name: String,
    pub serial: String,
    /// What the locked Mac shows, when that is another number.
    pub lock_number: Option<String>,
    pub model: Option<String>,
    pub state: KeyState,
    pub last_seen: Option<Moment>,
}

impl DeviceCard {
    pub fn shape(&self) -> Shape {
        Shape::of(self.model.as_deref())
    }
}

/// `/devices/{id}` of one's own Mac. One without a key gets [`super::NoKeyPage`] instead.
#[derive(Template, WebTemplate)]
#[template(path = "device.html")]
pub struct OwnDevicePage {
    pub page: Page,
    pub id: String,
    pub name: String,
    pub serial: String,
    /// The number the locked Mac shows: its `DeviceKey`, or the serial number.
    pub lock_number: String,
    pub state: KeyState,
    /// The way back from a step-up for the other key: the button asks for that one.
    pub ask_other: bool,
    /// A personal Mac: nobody else sees its key.
    pub personal: bool,
    pub facts: Facts,
    /// Newest first; the latest only.
    pub viewings: Vec<Viewing>,
    /// There are older ones than these.
    pub more_viewings: bool,
    /// A key of it was shown, whatever the list holds.
    pub shown_before: bool,
    /// There are older changes than these.
    pub more_owner_changes: bool,
    /// Newest first; the latest only.
    pub owner_changes: Vec<OwnerChange>,
}

impl OwnDevicePage {
    pub fn other_number(&self) -> bool {
        self.lock_number != self.serial
    }
}

/// Somebody saw this key.
#[derive(Clone, Debug)]
pub struct Viewing {
    /// From [`crate::i18n::Formats::relative`].
    pub when: Moment,
    /// The reader.
    pub by_you: bool,
    /// Name, or a word for one whose details were erased.
    pub who: String,
    /// As helpdesk.
    pub desk: bool,
    pub ticket: Option<String>,
}

/// The owner became another.
#[derive(Clone, Debug)]
pub struct OwnerChange {
    pub when: Moment,
    /// Set, removed, or the login moved to another account.
    pub kind: EventKind,
    pub is_you: bool,
    /// Name or login.
    pub who: String,
    /// Who said so: a source's name.
    pub source: String,
}

impl OwnerChange {
    pub fn sentence(&self, page: &Page) -> String {
        match (self.kind, self.is_you) {
            (EventKind::OwnerSet, true) => page.t("device-owner-added-you"),
            (EventKind::OwnerSet, false) => page.tv("device-owner-added", "who", &self.who),
            (EventKind::LoginRebound, true) => page.t("device-owner-rebound-you"),
            (EventKind::LoginRebound, false) => page.tv("device-owner-rebound", "who", &self.who),
            (_, true) => page.t("device-owner-removed-you"),
            (_, false) => page.tv("device-owner-removed", "who", &self.who),
        }
    }
}
