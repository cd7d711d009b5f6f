//! From what the provider says to who a person is here: subject, login, name, roles.
//!
//! Only exact shapes count. A claim of another shape gives no role and is noted, so that the trail can say what came.

use serde_json::Value;

use super::verify::{Claims, Verified};
use super::{Identity, OidcError, RolesNote, Settings};
use crate::domain::device::clean;
use crate::domain::{Login, Role, Roles, Subject};

/// The value at a path: a claim of that very name (`https://example.com/groups`), or by dots (`realm_access.roles`).
pub(super) fn at<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}

/// Is one of the claims that decide missing, and not because there were too many groups?
pub(super) fn incomplete(settings: &Settings, claims: &Claims) -> bool {
    let roles = !settings.roles.is_empty() && at(claims, &settings.roles_claim).is_none() && !overage(settings, claims);
    roles || settings.owner_claim.as_deref().is_some_and(|path| at(claims, path).is_none())
}

/// Too many groups to fit: the claim is named in `_claim_names` instead. The address beside it is never fetched.
fn overage(settings: &Settings, claims: &Claims) -> bool {
    let first = settings.roles_claim.split('.').next().unwrap_or_default();
    claims.get("_claim_names").is_some_and(|names| names.get(&settings.roles_claim).or_else(|| names.get(first)).is_some())
}

/// Who this is. `more` is what userinfo added, already known to be of the same subject.
pub(super) fn identity(settings: &Settings, verified: Verified, more: &Claims) -> Result<Identity, OidcError> {
    let Verified { claims, sub, auth_time, acr } = verified;
    let who = subject(settings, &claims, &sub)?;
    let (roles, roles_note) = roles(settings, &claims, more);
    let value = |path: &str| at(&claims, path).or_else(|| at(more, path));
    let text = |path: &str, max| value(path).and_then(Value::as_str).and_then(|t| clean(t, max));
    let login = settings.owner_claim.as_deref().and_then(value).and_then(Value::as_str).and_then(|t| Login::parse(t).ok());
    let sid = claims.get("sid").and_then(Value::as_str).filter(|s| (1..=255).contains(&s.len()) && !s.chars().any(char::is_control));
    Ok(Identity {
        who,
        login,
        name: text("name", 200),
        email: text("email", 320),
        locale: text("locale", 35),
        roles,
        roles_note,
        auth_time,
        acr,
        sid: sid.map(str::to_owned),
    })
}

/// Who the token is about, by the claim of the settings.
pub(super) fn subject(settings: &Settings, claims: &Claims, sub: &str) -> Result<Subject, OidcError> {
    let id = match &settings.tenant_of_oid {
        None => sub,
        Some(tenant) => {
            let text = |name: &str| claims.get(name).and_then(Value::as_str);
            if text("tid") != Some(tenant) {
                return Err(OidcError::TokenRejected("tid"));
            }
            text("oid").ok_or(OidcError::TokenRejected("oid"))?
        }
    };
    Subject::parse(&settings.issuer, id).map_err(|_| OidcError::TokenRejected("sub"))
}

fn roles(settings: &Settings, claims: &Claims, more: &Claims) -> (Roles, RolesNote) {
    let base = if settings.everyone_is_employee { Roles::default().with(Role::Employee) } else { Roles::default() };
    let value = match at(claims, &settings.roles_claim) {
        None if overage(settings, claims) => return (base, RolesNote::Overage),
        None => at(more, &settings.roles_claim),
        found => found,
    };
    match value {
        None => (base, RolesNote::Absent),
        Some(Value::Array(members)) if members.iter().all(Value::is_string) => {
            let held = members.iter().filter_map(Value::as_str);
            let roles = held.flat_map(|m| settings.roles.iter().filter(move |(_, v)| v == m)).fold(base, |all, (role, _)| all.with(*role));
            (roles, RolesNote::Fine)
        }
        Some(other) => (base, RolesNote::WrongShape(shape(other))),
    }
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array with members that are not strings",
        Value::Object(_) => "object",
    }
}
