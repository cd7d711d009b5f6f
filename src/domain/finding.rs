//! What a check of the installation found: one line each, for people and, as JSON, for whatever watches the host.

use serde::Serialize;

/// How it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    /// It works, and somebody should know or do something.
    Warning,
    /// It does not work.
    Wrong,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

/// `1 key`, `2 keys`.
pub fn counted(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// One line. `text` says what was found and, unless all is well, what to do; it never holds a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    pub state: State,
    pub text: String,
}

impl Finding {
    pub fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Ok, text: text.into() }
    }

    pub fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Warning, text: text.into() }
    }

    pub fn wrong(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Wrong, text: text.into() }
    }
}
