//! `audit verify`: is the trail whole?

use std::process::ExitCode;

use clap::Subcommand;

use super::{connect, say, tell};
use crate::config::Config;
use crate::crypto::Ring;
use crate::service::custody::{open_ring, root_key};
use crate::service::trail::{AtLeast, Verdict, verify};
use crate::store::Store;

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check every row of the chain; exits with 1 and names the first row that does not fit.
    Verify {
        /// A checkpoint from the log: the trail must reach that row and hold that MAC there.
        #[arg(long, value_name = "SEQ:MAC", value_parser = |s: &str| s.parse::<AtLeast>())]
        at_least: Option<AtLeast>,
    },
}

pub async fn run(command: AuditCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let AuditCommand::Verify { at_least } = command;
    let store = connect(config).await?;
    let ring = open_ring(&store, &root_key(&config.custody)?, true).await?;
    report(&store, &ring, at_least.as_ref()).await
}

/// Prints the verdict.
pub(crate) async fn report(store: &Store, ring: &Ring, at_least: Option<&AtLeast>) -> anyhow::Result<ExitCode> {
    Ok(match verify(store, ring, at_least).await? {
        Verdict::Whole { seq, mac, erased } => {
            say(format_args!("the trail is whole: {seq} rows, checkpoint {seq}:{mac}"));
            if let (count, Some(first)) = erased {
                say(format_args!("personal fields were erased in {count} rows, first in row {first}"));
            }
            ExitCode::SUCCESS
        }
        Verdict::Empty => {
            say("the trail is empty");
            ExitCode::SUCCESS
        }
        Verdict::Broken { seq, why } => {
            tell(format_args!("row {seq}: {why}; nothing from there on can be trusted"));
            ExitCode::FAILURE
        }
        Verdict::Unaccounted(rows) => {
            for row in rows {
                tell(format_args!("the chain is whole, but {} does not hold what it says: {}", row.table, row.id));
            }
            ExitCode::FAILURE
        }
        Verdict::Short { seq, why } => {
            tell(format_args!("row {seq}: {why}"));
            ExitCode::FAILURE
        }
    })
}
