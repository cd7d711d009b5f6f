//! Keyharbor: an escrow portal for macOS FileVault recovery keys.
//!
//! The rooms, from the ground up: `domain` (words), `i18n`, `formats`, `crypto`, `store`, `config`, `telemetry`, `oidc`,
//! `service` (what may happen), `web` (HTTP), `cli` (the composition root). A room stands above all that it imports;
//! `tests/it/tidy.rs` holds the table.

pub mod cli;
pub mod config;
pub mod domain;
pub mod oidc;
