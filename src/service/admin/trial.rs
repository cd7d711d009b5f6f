//! "Test sign-in": an admin goes to the provider and comes back to a page that says what came, what is missing, and what that
//! will break. Nobody is signed in by it: session, roles and bindings stay as they are, and no token is kept.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::super::access::SignedIn;
use super::super::sign_in::{Finished, Memory, SignInError, Started};
use super::super::{Keyharbor, RequestInfo, Result};
use super::ForAdmin;
use crate::config::StepUp;
use crate::crypto::Ring;
use crate::domain::audit::{EventKind, Outcome};
use crate::domain::policy::{self, Action};
pub use crate::oidc::trial::ClaimSeen;
use crate::oidc::trial::Look;
use crate::oidc::{Ask, OidcError, RolesNote};

/// Seconds between the proof and the callback that still count as asked for now.
const JUST_NOW: i64 = 120;

/// How a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Weight {
    Good,
    /// Works, with less than could be.
    Note,
    /// Something will not work.
    Broken,
}

/// One thing that was looked at. `code` names the sentences that say what it means and what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    pub weight: Weight,
    pub code: String,
    /// A setting's value, the login, a role with its group: nothing else of what came.
    pub value: String,
}

/// What a test sign-in saw.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// It was the admin's own account.
    pub own_account: bool,
    pub findings: Vec<Finding>,
    pub claims: Vec<ClaimSeen>,
}

impl Keyharbor {
    /// Opens a test sign-in. It asks as a step-up does, so that what a reveal needs is seen too.
    ///
    /// # Errors
    /// As [`Self::begin_sign_in`]; refused.
    pub async fn begin_trial(&self, person: &SignedIn, browser: Option<&str>, request: &RequestInfo) -> Result<Started, SignInError> {
        self.permit(person, Action::TestSignIn, request).await?;
        let to = ("/admin/sign-in".to_owned(), None, Some(ForAdmin::Trial));
        self.begin(Ask::step_up(1), to, Some(person.line()), browser).await
    }

    /// The browser is back from a test sign-in: what came is kept for the page, and nothing else happens.
    pub(in crate::service) async fn tried(
        &self,
        ring: &Arc<Ring>,
        look: Result<Look, OidcError>,
        person: &SignedIn,
        request: &RequestInfo,
    ) -> Result<Finished, SignInError> {
        self.permit(person, Action::TestSignIn, request).await?;
        let report = match &look {
            Ok(look) => self.report(look, person),
            Err(error) => Report { findings: vec![failed(error)], ..Report::default() },
        };
        let broken = report.findings.iter().filter(|f| f.weight == Weight::Broken).map(|f| f.code.as_str()).collect::<Vec<_>>().join(" ");
        let mut event = self.person_event(EventKind::SignInTested, Outcome::Ok, person, request);
        if let Err(error) = &look {
            (event.outcome, event.detail) = (Outcome::Failed, error.code().to_owned());
        } else {
            event.detail = broken;
        }
        let (row, key) = self.keep_for_page(ring, Memory::kept(None, Some(ForAdmin::Report(Box::new(report)))), person)?;
        self.retry(async || {
            let mut tx = self.store.write().await?;
            tx.insert_sign_in(&row).await?;
            self.conclude(tx, std::slice::from_ref(&event)).await.map(|_| ())
        })
        .await?;
        Ok(Finished { cookie: None, to: format!("/admin/sign-in?report={}", key.expose_secret()), hitch: None })
    }

    /// The report of a test sign-in, once; and how the settings stand that are dangerous.
    ///
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn take_report(&self, person: &SignedIn, key: Option<&str>, request: &RequestInfo) -> Result<Option<Report>> {
        self.permit(person, Action::TestSignIn, request).await?;
        let Some(key) = key else { return Ok(None) };
        Ok(match self.take_kept(person, key).await?.and_then(|memory| memory.admin) {
            Some(ForAdmin::Report(report)) => Some(*report),
            _ => None,
        })
    }

    fn report(&self, look: &Look, person: &SignedIn) -> Report {
        let findings = [self.proof(look), self.owner(look), self.roles_found(look), self.acr(look), vec![profile(look)]];
        Report {
            own_account: look.identity.who == *person.who(),
            findings: findings.into_iter().flatten().collect(),
            claims: look.claims.clone(),
        }
    }

    /// Does the provider say when the person proved who they are, and does it ask again when told to?
    fn proof(&self, look: &Look) -> Vec<Finding> {
        let off = self.rules.config.oidc.danger_step_up == StepUp::Off;
        let recent = look.identity.auth_time.map(|at| self.env.now().seconds_since(at) < JUST_NOW);
        let mut found = vec![match recent {
            Some(true) => finding(Weight::Good, "auth-time", ""),
            Some(false) => finding(Weight::Broken, "auth-time-old", ""),
            None if off => finding(Weight::Note, "auth-time-off", ""),
            None => finding(Weight::Broken, "auth-time-missing", ""),
        }];
        if off {
            found.push(finding(Weight::Broken, "step-up-off", ""));
        }
        found
    }

    fn owner(&self, look: &Look) -> Vec<Finding> {
        let claim = self.rules.config.oidc.owner_claim.as_deref().filter(|c| !c.is_empty());
        vec![match (claim, &look.identity.login) {
            (None, _) => finding(Weight::Broken, "owner-unset", ""),
            (Some(_), Some(login)) => finding(Weight::Good, "owner", login.as_str()),
            (Some(claim), None) if look.owner_claim_came => finding(Weight::Broken, "owner-shape", claim),
            (Some(claim), None) => finding(Weight::Broken, "owner-missing", claim),
        }]
    }

    fn roles_found(&self, look: &Look) -> Vec<Finding> {
        let oidc = &self.rules.config.oidc;
        let claim = oidc.roles_claim.as_str();
        if oidc.roles.is_empty() {
            return vec![finding(Weight::Broken, "roles-unset", "")];
        }
        match look.identity.roles_note {
            RolesNote::Absent => return vec![finding(Weight::Broken, "roles-missing", claim)],
            RolesNote::WrongShape(_) => return vec![finding(Weight::Broken, "roles-shape", claim)],
            RolesNote::Overage => return vec![finding(Weight::Broken, "roles-overage", claim)],
            RolesNote::Fine => {}
        }
        let (_, lost) = policy::reduce(look.identity.roles, &self.rules.exclusive);
        let mut found: Vec<_> =
            look.matched.iter().map(|(role, group)| finding(Weight::Good, &format!("role-{}", role.code()), group)).collect();
        if found.is_empty() {
            found.push(finding(Weight::Note, "roles-none", claim));
        }
        found.extend(lost.iter().map(|role| finding(Weight::Note, "role-lost", role.code())));
        found
    }

    fn acr(&self, look: &Look) -> Vec<Finding> {
        let oidc = &self.rules.config.oidc;
        if oidc.acr_values.is_empty() {
            return Vec::new();
        }
        let good = look.identity.acr.as_ref().is_some_and(|acr| oidc.acr_values.contains(acr));
        let wanted = oidc.acr_values.join(" ");
        vec![match (good, oidc.require_acr) {
            (true, _) => finding(Weight::Good, "acr", &wanted),
            (false, true) => finding(Weight::Broken, "acr-missing", &wanted),
            (false, false) => finding(Weight::Note, "acr-not-asked", &wanted),
        }]
    }
}

fn profile(look: &Look) -> Finding {
    match (&look.identity.name, &look.identity.sid) {
        (None, _) => finding(Weight::Note, "name-missing", ""),
        (Some(_), None) => finding(Weight::Note, "sid-missing", ""),
        (Some(_), Some(_)) => finding(Weight::Good, "name", ""),
    }
}

fn finding(weight: Weight, code: &str, value: &str) -> Finding {
    Finding { weight, code: code.to_owned(), value: value.to_owned() }
}

fn failed(error: &OidcError) -> Finding {
    let (code, value) = match error {
        OidcError::ProviderError(code) => ("said-no", code.as_str()),
        OidcError::TokenRejected(check) => ("token", *check),
        OidcError::BadResponse(what) => ("answer", *what),
        _ => ("unreachable", ""),
    };
    finding(Weight::Broken, code, value)
}
