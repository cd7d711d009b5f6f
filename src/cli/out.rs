//! What a command says. Standard output is written in this file and nowhere else; only the log of `serve` goes there too.
//!
//! An answer that nobody got is no success: what cannot be written comes back as [`Unsaid`], and the command fails with it.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;

/// What a shell shows for a program that a closed pipe ended: 128 and the number of SIGPIPE.
const CLOSED_PIPE: u8 = 141;

/// Standard output takes nothing more: a full disk, or a pipe that nobody reads any longer.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}")]
pub(crate) struct Unsaid(io::Error);

/// Writes a line to standard output.
///
/// # Errors
/// [`Unsaid`].
pub(crate) fn say(line: impl Display) -> Result<(), Unsaid> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Unsaid)
}

/// Writes bytes to standard output.
///
/// # Errors
/// [`Unsaid`].
pub(super) fn put(bytes: &[u8]) -> Result<(), Unsaid> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Unsaid)
}

/// Does somebody look at standard output?
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes a line to standard error.
pub(crate) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// An error and what caused it, in one line. Many of ours name their cause already: nothing is said twice.
pub(super) fn plainly(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            line = if line.is_empty() { cause } else { format!("{line}: {cause}") };
        }
    }
    line
}

/// Tells why a command failed. A listing that is cut short by whoever reads it (`| head`) loses nothing, and ends without a word.
pub(super) fn failed(error: &anyhow::Error, listing: bool) -> ExitCode {
    let unsaid = error.chain().find_map(|cause| cause.downcast_ref::<Unsaid>());
    if listing && unsaid.is_some_and(|Unsaid(e)| e.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::from(CLOSED_PIPE);
    }
    tell(format_args!("keyharbor: {}", plainly(error)));
    ExitCode::FAILURE
}

/// Help, version, or what is wrong with the command line.
pub(super) fn not_run(why: &clap::Error) -> ExitCode {
    let said = why.print().and_then(|()| io::stdout().flush());
    match (why.use_stderr(), said) {
        (false, Err(e)) => failed(&Unsaid(e).into(), true),
        _ => u8::try_from(why.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_its_error_names_is_not_said_again() {
        let cause = || io::Error::other("the disk is full");
        let names = anyhow::Error::new(cause()).context("cannot write /x: the disk is full").context("--to");
        assert_eq!(plainly(&names), "--to: cannot write /x: the disk is full");
        assert_eq!(plainly(&anyhow::Error::new(cause()).context("cannot write /x")), "cannot write /x: the disk is full");
    }
}
