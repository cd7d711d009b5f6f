//! The one integration-test binary.
#![cfg(test)]

mod api;
mod cli;
mod conformance;
mod crypt;
mod custody;
mod demo_provider;
mod docs;
mod docs_titles;
mod engines;
mod fixed;
mod idp;
mod ingest;
mod oidc_answers;
mod oidc_tokens;
mod oidc_world;
mod owners;
mod probe;
mod process;
mod serving;
mod smoke;
mod thief;
mod tokens;
mod world;
