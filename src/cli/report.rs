//! How findings are told: a line each for people, or one JSON object.

use serde_json::json;

use super::out::{Unsaid, say};
use crate::domain::finding::{Finding, State};

/// Prints them. `false`: something is wrong.
///
/// # Errors
/// [`Unsaid`].
pub(super) fn report(findings: &[Finding], as_json: bool) -> Result<bool, Unsaid> {
    let fine = findings.iter().all(|f| f.state != State::Wrong);
    if as_json {
        say(json!({ "ok": fine, "checks": findings }))?;
        return Ok(fine);
    }
    let width = findings.iter().map(|f| f.check.len()).max().unwrap_or_default();
    for Finding { check, state, text } in findings {
        say(format_args!("{:<7}  {check:<width$}  {text}", state.word()))?;
    }
    Ok(fine)
}
