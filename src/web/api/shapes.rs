//! What the API takes and gives, as types: answers are made of them, and the OpenAPI document is made from them. The shapes of
//! requests are for the document alone: requests are read field by field, so that an error names its field. A test holds both
//! together.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::device::{Device, Serial};
use crate::domain::escrow::KeyVersion;
use crate::domain::ids::Timestamp;
use crate::service::escrow::{Receipt, Refused};
use crate::service::fleet::{KeyState, Listed};
use crate::service::status::EscrowStatus;

/// A Mac's serial number. Letter case does not matter; answers have it in capitals. What looks like a recovery key is refused, and
/// what no Mac has: `=`, `+`, `-` or `@` at the beginning, quotation marks, angle brackets.
#[derive(ToSchema)]
#[schema(value_type = String, example = "C02XL0AAJGH5", min_length = 1, max_length = 200, pattern = "^[!#-&(-*,./0-;?A-_a-~]([ !#-&(-;=?-_a-~]*[!#-&(-;=?-_a-~])?$")]
pub struct SerialNumber(#[expect(dead_code, reason = "a shape")] String);

/// One hand-in of a recovery key. Optional fields may be left out, `null` or empty.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a request that is read field by field")]
pub struct Deposit {
    #[schema(value_type = SerialNumber)]
    serial: String,
    /// Six groups of four letters or digits, with hyphens, spaces or nothing between them. Never repeated in any answer.
    #[schema(
        example = "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2",
        min_length = 24,
        max_length = 64,
        pattern = "^[A-Za-z0-9]{4}(-[A-Za-z0-9]{4}){4}-[A-Za-z0-9]{3}[2-9]$"
    )]
    recovery_key: String,
    /// What the secret is; `recovery_key` when it is left out.
    #[schema(value_type = Option<SecretKindName>)]
    kind: Option<String>,
    /// When the source took the key, RFC 3339, for what was kept elsewhere before. Left out: now, and the Mac was there.
    #[schema(format = DateTime, example = "2026-11-22T07:30:00Z")]
    escrowed_at: Option<String>,
    /// The computer's name.
    #[schema(example = "Astrid’s MacBook Pro")]
    hostname: Option<String>,
    /// Who was signed in. A hint: it makes nobody the owner.
    #[schema(example = "astrid")]
    user: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SecretKindName {
    RecoveryKey,
}

/// One deposit, or up to 1,000.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Deposits {
    #[schema(title = "One")]
    One(Deposit),
    #[schema(title = "Many")]
    Many(Vec<Deposit>),
}

/// What became of a deposit.
#[derive(Clone, Serialize, ToSchema)]
pub struct DepositResult {
    #[schema(value_type = SerialNumber)]
    pub serial: String,
    /// `new`: a key that was not known. `same`: it was there already. `promoted`: an older key is the current one again.
    #[schema(value_type = Became)]
    pub status: &'static str,
    /// Which version of this Mac's key it is; the first is 1.
    #[schema(minimum = 1)]
    pub version: i64,
    /// It is the key that the portal shows first.
    pub current: bool,
    /// Two sources disagree about which key is current.
    pub contested: bool,
    /// The key was shown to somebody: the Mac should get a new one.
    pub rotation_required: bool,
    /// `unseen_letters`: letters stand in it that such keys never have. It is kept all the same.
    #[schema(value_type = Vec<String>)]
    pub warnings: Vec<&'static str>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Became {
    New,
    Same,
    Promoted,
}

/// A deposit of several that was not stored.
#[derive(Clone, Serialize, ToSchema)]
pub struct DepositRefused {
    /// `refused`; at the end of a stream also `aborted`: nothing is said of the lines from this one on.
    pub status: &'static str,
    /// As in a problem document.
    #[schema(example = "invalid_field")]
    pub code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One result of several.
#[derive(Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OneResult {
    Stored(DepositResult),
    Refused(DepositRefused),
}

/// The answer to several deposits: one result each, in their order.
#[derive(Serialize, ToSchema)]
pub struct DepositResults {
    pub results: Vec<OneResult>,
}

/// The answer to one deposit, or to several.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum DepositAnswer {
    #[schema(title = "One")]
    One(DepositResult),
    #[schema(title = "Many")]
    Many(DepositResults),
}

/// A line of the answer to a stream.
#[derive(Serialize, ToSchema)]
pub struct LineResult {
    /// Number of the line that it is about, blank ones counted; the first is 1.
    pub line: u64,
    #[serde(flatten)]
    pub result: OneResult,
}

impl DepositResult {
    pub fn new(serial: &Serial, receipt: &Receipt) -> Self {
        Self {
            serial: serial.as_str().to_owned(),
            status: receipt.became.code(),
            version: receipt.version,
            current: receipt.current,
            contested: receipt.contested,
            rotation_required: receipt.rotation_required,
            warnings: if receipt.unseen_letters { vec!["unseen_letters"] } else { Vec::new() },
        }
    }
}

impl OneResult {
    pub fn of(serial: &Serial, answer: &Result<Receipt, Refused>) -> Self {
        match answer {
            Ok(receipt) => Self::Stored(DepositResult::new(serial, receipt)),
            Err(refused) => {
                let code = match refused {
                    Refused::OutOfScope => "forbidden",
                    Refused::DeviceRow => "integrity",
                    Refused::TooManyChanges => "too_many_requests",
                };
                let serial = Some(serial.as_str().to_owned());
                Self::Refused(DepositRefused { status: "refused", code, serial, field: None, detail: None })
            }
        }
    }
}

/// What is to be said of a Mac. A field that is left out stays as it is; `null` or an empty text clears it. What looks like a
/// recovery key is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a request that is read field by field")]
pub struct DevicePatch {
    #[schema(example = "Reception iMac")]
    name: Option<String>,
    hostname: Option<String>,
    #[schema(example = "MacBook Pro (14-inch, 2026)")]
    model: Option<String>,
    #[schema(example = "26.1")]
    os_version: Option<String>,
    #[schema(example = "A-1042")]
    asset_tag: Option<String>,
    /// The name that the recovery screen shows.
    device_key: Option<String>,
    udid: Option<String>,
    /// A personal Mac is shown to its owner only.
    #[schema(value_type = Option<Ownership>)]
    ownership: Option<String>,
    #[schema(value_type = Option<DeviceState>)]
    state: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Ownership {
    Corporate,
    Personal,
}

/// `key_elsewhere`: the MDM says that there is a key which was never handed in here. `unmanaged`: left management.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum DeviceState {
    Managed,
    KeyElsewhere,
    Unmanaged,
}

/// What is known of a Mac. Never a key.
#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    #[schema(value_type = SerialNumber)]
    pub serial: String,
    pub name: Option<String>,
    pub hostname: Option<String>,
    pub model: Option<String>,
    pub os_version: Option<String>,
    pub asset_tag: Option<String>,
    pub device_key: Option<String>,
    pub udid: Option<String>,
    #[schema(value_type = Ownership)]
    pub ownership: &'static str,
    #[schema(value_type = DeviceState)]
    pub state: &'static str,
    /// Who was signed in when a source last said so.
    pub user_hint: Option<String>,
    /// When it last handed a key in, RFC 3339.
    #[schema(format = DateTime)]
    pub last_seen: Option<String>,
}

impl DeviceView {
    pub fn new(device: &Device) -> Self {
        let device = device.clone();
        Self {
            serial: device.serial.as_str().to_owned(),
            name: device.name,
            hostname: device.host_name,
            model: device.model,
            os_version: device.os_version,
            asset_tag: device.asset_tag,
            device_key: device.device_key,
            udid: device.udid,
            ownership: device.ownership.code(),
            state: device.state.code(),
            user_hint: device.user_hint,
            last_seen: device.last_seen.map(Timestamp::rfc3339),
        }
    }
}

/// A Mac in a list.
#[derive(Serialize, ToSchema)]
pub struct ListedDevice {
    #[serde(flatten)]
    pub device: DeviceView,
    /// There is a key that can be shown.
    pub has_key: bool,
    /// Two sources disagree about which key is current.
    pub contested: bool,
}

impl ListedDevice {
    pub fn new(listed: &Listed) -> Self {
        let (has_key, contested) = match listed.key {
            KeyState::Available { contested } => (true, contested),
            KeyState::None(_) => (false, false),
        };
        Self { device: DeviceView::new(&listed.device), has_key, contested }
    }
}

/// A part of the list of Macs.
#[derive(Serialize, ToSchema)]
pub struct DeviceList {
    pub devices: Vec<ListedDevice>,
    /// The address of the next part; `null` at the end. With `has_key` a part may be short, or empty, although more follow.
    #[schema(format = Uri)]
    pub next: Option<String>,
}

/// Which part of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the shape of parameters that are read one by one")]
pub struct DeviceListParameters {
    /// Where the part begins: taken from `next`, never made.
    #[param(pattern = "^d(2[0-9a-f]|[3-6][0-9a-f]|7[0-9a-e]){0,200}$")]
    after: Option<String>,
    /// The most Macs in the answer; 100 when it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Only those with, or only those without, a key that can be shown.
    has_key: Option<bool>,
}

/// Which part of the trail.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the shape of parameters that are read one by one")]
pub struct EventListParameters {
    /// Where the part begins: taken from `next`, never made. Left out: at the first row.
    #[param(pattern = "^e[0-9]{1,18}$")]
    after: Option<String>,
    /// The most rows in the answer; 100 when it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Is a key escrowed? Never the key.
#[derive(Serialize, ToSchema)]
pub struct EscrowStatusView {
    #[schema(value_type = SerialNumber)]
    pub serial: String,
    pub escrowed: bool,
    /// Of the current key.
    pub version: Option<i64>,
    /// How many keys there are of this Mac.
    pub versions: i64,
    #[schema(value_type = Option<TrustName>)]
    pub trust: Option<&'static str>,
    /// The name of the source that handed the current key in first.
    pub source: Option<String>,
    #[schema(format = DateTime)]
    pub escrowed_at: Option<String>,
    /// When a source last handed the current key in.
    #[schema(format = DateTime)]
    pub confirmed_at: Option<String>,
    pub contested: bool,
    /// The current key was shown to somebody: the Mac should get a new one.
    pub rotation_required: bool,
}

/// How far a source is believed, from least to most.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum TrustName {
    Typed,
    Observed,
    Proven,
}

impl EscrowStatusView {
    pub fn new(status: &EscrowStatus) -> Self {
        let current: Option<&KeyVersion> = status.current.as_ref();
        Self {
            serial: status.serial.as_str().to_owned(),
            escrowed: current.is_some(),
            version: current.map(|v| v.version),
            versions: status.versions,
            trust: current.map(|v| v.trust.code()),
            source: current.map(|v| v.source.clone()),
            escrowed_at: current.map(|v| v.escrowed_at.rfc3339()),
            confirmed_at: current.map(|v| v.confirmed_at.rfc3339()),
            contested: status.contested,
            rotation_required: status.rotation_required,
        }
    }
}
