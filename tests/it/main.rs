//! The one integration-test binary.
#![cfg(test)]

mod conformance;
mod demo_provider;
mod engines;
mod fixed;
mod idp;
mod oidc_answers;
mod oidc_tokens;
mod oidc_world;
mod smoke;
mod tidy;
mod trail;
mod world;
