//! The one integration-test binary.
#![cfg(test)]

mod binding;
mod conformance;
mod demo_provider;
mod dump;
mod engines;
mod fixed;
mod idp;
mod locks;
mod oidc_answers;
mod oidc_tokens;
mod oidc_world;
mod roles;
mod sessions;
mod sign_in;
mod sign_in_pages;
mod smoke;
mod step_up;
mod step_up_roles;
mod tidy;
mod world;
