//! The words of the house: what a device, a recovery key, a person, a permit and a trail event *are*.
//!
//! Everything here is pure: no clock, no randomness, no I/O, no SQL, no HTTP. Every other room may import this one, it
//! imports none of ours. Values that cannot be valid cannot be made: parse at the door, then pass the parsed type on.

pub mod audit;
pub mod device;
pub mod escrow;
pub mod finding;
pub mod ids;
pub mod integrity;
pub mod once;
pub mod person;
pub mod policy;
pub mod recovery_key;
pub mod reveal;
pub mod source;
pub mod token;
pub mod trail;

pub use audit::{Event, EventKind, Outcome};
pub use device::{Device, DeviceState, Ownership, Serial};
pub use escrow::{KeyVersion, Standing, Trust};
pub use ids::{Clock, Entropy, Env, Timestamp, hex};
pub use integrity::{Attested, ChainMac, Deciding, RowMac, Sealed};
pub use person::{Login, Role, Roles, Session, Subject};
pub use policy::{Action, Permit};
pub use recovery_key::{RecoveryKey, SecretKind};
pub use reveal::Grant;
pub use token::{ApiToken, Scope, Scopes};
