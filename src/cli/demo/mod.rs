//! `keyharbor demo`: the real server with a provider and people of its own.

pub mod provider;
