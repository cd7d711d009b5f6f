//! The one integration-test binary.
#![cfg(test)]

mod binding;
mod conformance;
mod cross_site;
mod demo_provider;
mod engines;
mod fixed;
mod forged_rows;
mod headers;
mod idp;
mod limits;
mod markup;
mod matrix;
mod oidc_answers;
mod oidc_tokens;
mod oidc_world;
mod panics;
mod quotas;
mod races;
mod recorded;
mod reveal_order;
mod roles;
mod sessions;
mod sign_in;
mod smoke;
mod socket;
mod sqltrace;
mod statements;
mod step_up;
mod step_up_roles;
mod sweep;
mod tidy;
mod trail;
mod who;
mod window;
mod world;
