//! A sign-in that is only looked at: the same code is redeemed, the same token checked, and then told what came, by names and
//! shapes. Of values only those that the settings ask for leave this room: the login, and the groups that make a role.

use secrecy::SecretString;
use serde_json::Value;

use super::claims::{at, identity, incomplete};
use super::verify::Claims;
use super::{Callback, Identity, Oidc, OidcError};
use crate::domain::Role;
use crate::domain::device::clean;

/// Claims that are named, at most; and how long a name is shown.
const MOST: usize = 80;
const LONGEST: usize = 120;

/// A claim that came, without its value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClaimSeen {
    pub name: String,
    /// `string`, `number`, `boolean`, `null`, `object`, `list`; `list-of-strings` when all its members are.
    pub shape: String,
    /// Members of a list.
    pub members: Option<usize>,
    /// It came with userinfo, not in the token.
    pub userinfo: bool,
}

/// What the provider sent about somebody, told apart from what it means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub identity: Identity,
    /// In the token's order of names, then userinfo's.
    pub claims: Vec<ClaimSeen>,
    /// The claim of the settings came, though perhaps not as something that can be a login.
    pub owner_claim_came: bool,
    /// Values of the claim of roles that make a role, with it.
    pub matched: Vec<(Role, String)>,
}

impl Oidc {
    /// Redeems the code and looks at what came; nothing is kept of the tokens.
    ///
    /// # Errors
    /// As [`Oidc::finish`], but whose token it is does not matter.
    pub async fn look_at(&self, callback: Callback, nonce: &SecretString, verifier: &SecretString) -> Result<Look, OidcError> {
        let (provider, verified, access_token) = self.redeemed(callback, nonce, verifier).await?;
        let settings = &self.0.settings;
        let mut more = Claims::new();
        if incomplete(settings, &verified.claims) {
            more = self.userinfo(&provider, access_token.as_deref().map(String::as_str), &verified.sub).await?;
        }
        let seen = |claims: &Claims, userinfo| claims.iter().map(move |(n, v)| seen(n, v, userinfo)).collect::<Vec<_>>();
        let claims = seen(&verified.claims, false).into_iter().chain(seen(&more, true)).take(MOST).collect();
        let value = |path: &str| at(&verified.claims, path).or_else(|| at(&more, path));
        let owner_claim_came = settings.owner_claim.as_deref().and_then(value).is_some();
        let members = value(&settings.roles_claim).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let held = |wanted: &str| members.iter().any(|m| m.as_str() == Some(wanted));
        let matched = settings.roles.iter().filter(|(_, wanted)| held(wanted)).cloned().collect();
        Ok(Look { identity: identity(settings, verified, &more)?, claims, owner_claim_came, matched })
    }
}

fn seen(name: &str, value: &Value, userinfo: bool) -> ClaimSeen {
    let (shape, members) = match value {
        Value::Null => ("null", None),
        Value::Bool(_) => ("boolean", None),
        Value::Number(_) => ("number", None),
        Value::String(_) => ("string", None),
        Value::Object(_) => ("object", None),
        Value::Array(all) if all.iter().all(Value::is_string) => ("list-of-strings", Some(all.len())),
        Value::Array(all) => ("list", Some(all.len())),
    };
    ClaimSeen { name: clean(name, LONGEST).unwrap_or_else(|| "?".to_owned()), shape: shape.to_owned(), members, userinfo }
}
