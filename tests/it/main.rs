//! The one integration-test binary.
#![cfg(test)]

mod binding;
mod conformance;
mod demo_provider;
mod dump;
mod engines;
mod fixed;
mod forged_rows;
mod idp;
mod locks;
mod matrix;
mod oidc_answers;
mod oidc_tokens;
mod oidc_world;
mod quotas;
mod races;
mod recorded;
mod reveal_order;
mod roles;
mod sessions;
mod sign_in;
mod sign_in_pages;
mod smoke;
mod sqltrace;
mod statements;
mod step_up;
mod step_up_roles;
mod tidy;
mod trail;
mod who;
mod world;
