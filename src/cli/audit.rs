//! `audit verify`: is the trail whole? `audit export`: the trail as a file.

use std::process::ExitCode;

use clap::Subcommand;

use super::out::{put, say, tell};
use super::{connect, open};
use crate::config::Config;
use crate::crypto::Ring;
use crate::domain::EventKind;
use crate::formats::trail::Format;
use crate::service::custody::{open_ring, root_key};
use crate::service::trail::asked::{Asked, Wrong};
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
    /// Write the rows that fit, the oldest first, to standard output. A row of the trail says so. A whole file ends with a line
    /// whose kind is `end`.
    Export(Export),
}

#[derive(clap::Args)]
pub struct Export {
    /// `csv` for spreadsheets, `jsonl` for machines.
    #[arg(long, value_parser = |code: &str| Format::parse(code).ok_or("must be csv or jsonl"))]
    format: Format,
    /// `2026-11-22` or `2026-11-22T14:30`, in the portal's time zone.
    #[arg(long, default_value = "", hide_default_value = true)]
    from: String,
    /// The same; that day or minute belongs to it.
    #[arg(long, default_value = "", hide_default_value = true)]
    to: String,
    /// An event's code, e.g. `reveal.granted`.
    #[arg(long, default_value = "", hide_default_value = true)]
    event: String,
    /// A whole login or name, a subject, or the id of a token.
    #[arg(long, default_value = "", hide_default_value = true)]
    who: String,
    /// A whole serial number.
    #[arg(long, default_value = "", hide_default_value = true)]
    serial: String,
}

pub async fn run(command: AuditCommand, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Verify { at_least } => {
            let store = connect(&config).await?;
            let ring = open_ring(&store, &root_key(&config.custody)?, true).await?;
            report(&store, &ring, at_least.as_ref()).await
        }
        AuditCommand::Export(wanted) => export(wanted, config).await,
    }
}

async fn export(wanted: Export, config: Config) -> anyhow::Result<ExitCode> {
    let Export { format, from, to, event, who, serial } = wanted;
    let asked = Asked { from, to, event, who, serial, ..Asked::default() };
    let criteria = match asked.criteria(config.time_zone()?, &config.oidc.issuer) {
        Ok(criteria) => criteria,
        Err(errors) => {
            for error in &errors {
                tell(format_args!("keyharbor: --{error}"));
            }
            if errors.iter().any(|e| e.wrong == Wrong::Unknown) {
                let codes: Vec<_> = EventKind::ALL.iter().map(|kind| kind.code()).collect();
                tell(format_args!("known events: {}", codes.join(", ")));
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut export = open(config).await?.export_here(&criteria, format).await?;
    while let Some(part) = export.part().await? {
        put(&part)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the verdict.
pub(crate) async fn report(store: &Store, ring: &Ring, at_least: Option<&AtLeast>) -> anyhow::Result<ExitCode> {
    Ok(match verify(store, ring, at_least).await? {
        Verdict::Whole { seq, mac, erased } => {
            say(format_args!("the trail is whole: {seq} rows, checkpoint {seq}:{mac}"))?;
            if let (count, Some(first)) = erased {
                say(format_args!("personal fields were erased in {count} rows, first in row {first}"))?;
            }
            ExitCode::SUCCESS
        }
        Verdict::Empty => {
            say("the trail is empty")?;
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
