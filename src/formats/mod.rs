//! Other systems' bytes into our types. Pure: no database, no network, no clock; every reader is fit to be fuzzed.

pub mod crypt;
pub mod owners;
