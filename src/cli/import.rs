//! `owners import`: who owns which device, from a list. Shows what it would do; `--apply` does it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use super::out::{say, tell};
use crate::formats::owners;
use crate::service::Keyharbor;

#[derive(Subcommand)]
pub enum OwnersCommand {
    /// Read a CSV file whose first line names the columns "serial" and "login".
    Import {
        /// The list, in UTF-8; commas or semicolons between the columns.
        file: PathBuf,
        /// Write; without it only the counts are shown. A file with a line that cannot be used is not written at all.
        #[arg(long)]
        apply: bool,
        /// The listed devices lose every owner that the file does not name.
        #[arg(long)]
        replace: bool,
    },
}

pub async fn run(command: OwnersCommand, service: &Keyharbor) -> anyhow::Result<ExitCode> {
    let OwnersCommand::Import { file, apply, replace } = command;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let (lines, bad) = owners::read(&bytes)?;
    for line in &bad {
        tell(format_args!("line {}: {}", line.number, line.why));
    }
    // With --replace a line that was mistyped would cost its owner the Mac: a file is applied whole or not at all.
    let apply_now = apply && bad.is_empty();
    let report = service.import_owners(&lines, apply_now, replace).await?;
    let word = if apply && !apply_now {
        "nothing written: mend the lines first"
    } else if apply {
        "done"
    } else {
        "dry run, nothing written; --apply does it"
    };
    say(format_args!(
        "{} set, {} as before, {} removed, {} devices new, {} lines not usable ({word})",
        report.set,
        report.same,
        report.removed,
        report.new_devices,
        bad.len()
    ))?;
    if report.unverified > 0 {
        tell(format_args!("{} owner rows in the database did not verify", report.unverified));
    }
    if report.bent_devices > 0 {
        tell(format_args!("{} devices were passed over: their rows in the database do not verify", report.bent_devices));
    }
    Ok(if bad.is_empty() && report.bent_devices == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
