//! Keys that protect keys: the root key, the ring it unwraps, sealing, MACs, keyed hashes.
//!
//! The bytes written here are frozen from the first release; the golden vectors in `keyring` hold them.
//! This room decides nothing and stores nothing.

mod backup;
pub mod envelope;
pub mod keyring;
pub mod kit;
mod root;
pub mod rotation;
pub mod token;

pub use envelope::Place;
pub use keyring::Ring;
pub use root::RootKey;
pub use token::Purpose;
