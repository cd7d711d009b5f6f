//! `backup` and `restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::out::{Unsaid, say, tell};
use super::{audit, connect, open};
use crate::config::Config;
use crate::domain::Timestamp;
use crate::service::backup::file::Header;
use crate::service::backup::{Checked, check};
use crate::service::custody::root_key;

#[derive(Args)]
pub struct Backup {
    /// The file to make (mode 0600). A file that is there is never written over.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Args)]
pub struct Restore {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Only read the backup through: is it whole, and does the root key open it? Writes nothing.
    #[arg(long)]
    check: bool,
}

pub async fn backup(arguments: Backup, config: Config) -> anyhow::Result<ExitCode> {
    if arguments.to.as_os_str() == "-" {
        bail!("--to - is no place for a backup: it proves itself by being read back, which a pipe cannot be; name a file");
    }
    let root = root_key(&config.custody)?;
    let service = open(config).await?;
    let made = service.backup(&arguments.to, &root, &mut progress()).await?;
    describe(&made.header, &made.counts, &made.digest)?;
    if made.found == 0 {
        say(format_args!("Proven: it was read back, its MAC fits, and every key in it opens. It is in {}.", made.path.display()))?;
        say(format_args!(
            "Keep the root key (its name is {}) in another place: it is not in the backup, and nothing opens without it.",
            root.name()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &made.findings {
        tell(finding);
    }
    tell(format_args!("keyharbor: NOT proven, {} findings: what there is was kept as {}", made.found, made.path.display()));
    Ok(ExitCode::FAILURE)
}

pub async fn restore(arguments: Restore, config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let checked = check(&arguments.from, &root)?;
    describe(&checked.header, &checked.counts, &checked.digest)?;
    if arguments.check {
        say("It is whole, and the root key opens it. Nothing was written.")?;
        return Ok(ExitCode::SUCCESS);
    }
    into_database(checked, config).await
}

async fn into_database(checked: Checked<'_>, config: &Config) -> anyhow::Result<ExitCode> {
    let store = connect(config).await?;
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    let checkpoint = checked.header.checkpoint();
    let restored = checked.restore(&store, &env, &mut progress()).await?;
    say(format_args!("Restored up to {checkpoint}; row {} of the trail says so.", restored.seq))?;
    say(format_args!("Epoch {} has ended, {} begins: nobody is signed in.", restored.old_epoch, restored.ring.epoch()))?;
    if !restored.waiting.is_empty() {
        say("These tokens are refused until you approve them (`keyharbor token approve ID`):")?;
        for token in &restored.waiting {
            say(format_args!("  {}  {}  [{}]", token.id, token.name, token.scopes.codes()))?;
        }
    }
    for row in &restored.unverified.0 {
        tell(format_args!("did not verify before the backup either, and counts as absent: {row}"));
    }
    let verdict = audit::report(&store, &restored.ring, None).await?;
    if restored.unverified.1 > 0 {
        tell(format_args!("keyharbor: restored, but {} rows do not verify", restored.unverified.1));
        return Ok(ExitCode::FAILURE);
    }
    Ok(verdict)
}

fn describe(header: &Header, counts: &[(String, u64)], digest: &str) -> Result<(), Unsaid> {
    say(format_args!(
        "Backup by Keyharbor {} on {}, made {}, epoch {}",
        header.keyharbor,
        header.engine,
        Timestamp(header.made_at).rfc3339(),
        header.epoch
    ))?;
    for (table, rows) in counts {
        say(format_args!("  {table:<15} {rows:>9}"))?;
    }
    say(format_args!("Trail up to {}", header.checkpoint()))?;
    say(format_args!("SHA-256 {digest}"))
}

/// Tells of every ten thousand rows.
pub(super) fn progress() -> impl FnMut(&str, u64) {
    let mut last = (String::new(), 0);
    move |table: &str, rows: u64| {
        let step = rows / 10_000;
        if step > 0 && (last.0 != table || last.1 != step) {
            tell(format_args!("{table}: {rows} rows"));
            last = (table.to_owned(), step);
        }
    }
}
