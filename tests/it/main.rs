//! The one integration-test binary.

mod fixed;
mod idp;
mod oidc_answers;
mod oidc_tokens;
mod oidc_world;
