//! Other systems’ bytes into our types, and the trail into files. Pure: no database, no network, no clock; every reader is fit
//! to be fuzzed.

pub mod crypt;
pub mod owners;
pub mod trail;
