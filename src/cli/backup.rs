//! `backup` and `restore`.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::out::{Unsaid, say, tell};
use super::{audit, connect, open};
use crate::config::Config;
use crate::domain::Timestamp;
use crate::service::backup::file::Header;
use crate::service::backup::{Checked, Restored, check};
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
    let path = made.path.display();
    if made.found > 0 {
        for finding in &made.findings {
            tell(finding);
        }
        tell(format_args!("keyharbor: NOT proven, {} findings: what there is was kept as {path}", made.found));
        describe(&made.header, &made.counts, &made.digest)?;
        return Ok(ExitCode::FAILURE);
    }
    let proven = || -> Result<(), Unsaid> {
        describe(&made.header, &made.counts, &made.digest)?;
        say(format_args!("Proven: it was read back, its MAC fits, and every key in it opens. It is in {path}."))?;
        say(format_args!(
            "Keep the root key (its name is {}) in another place: it is not in the backup, and nothing opens without it.",
            root.name()
        ))
    };
    proven().with_context(|| format!("the backup is made and proven and is in {path}"))?;
    Ok(ExitCode::SUCCESS)
}

pub async fn restore(arguments: Restore, config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let checked = check(&arguments.from, &root)?;
    let described = describe(&checked.header, &checked.counts, &checked.digest);
    if arguments.check {
        described.context("the backup is whole, and the root key opens it")?;
        say("It is whole, and the root key opens it. Nothing was written.")?;
        return Ok(ExitCode::SUCCESS);
    }
    described.context("nothing was restored")?;
    into_database(checked, config).await
}

async fn into_database(checked: Checked<'_>, config: &Config) -> anyhow::Result<ExitCode> {
    let store = connect(config).await?;
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    let checkpoint = checked.header.checkpoint();
    let restored = checked.restore(&store, &env, &mut progress()).await?;
    let (rows, count) = &restored.unverified;
    for row in rows {
        tell(format_args!("did not verify before the backup either, and counts as absent: {row}"));
    }
    if *count > 0 {
        tell(format_args!("keyharbor: restored, but {count} rows do not verify"));
    }
    let done = || format!("everything is restored up to {checkpoint}; `keyharbor token list` names the tokens to approve");
    outcome(&restored, &checkpoint).with_context(done)?;
    let verdict = audit::report(&store, &restored.ring, None).await.with_context(done)?;
    Ok(if *count > 0 { ExitCode::FAILURE } else { verdict })
}

fn outcome(restored: &Restored, checkpoint: &impl Display) -> Result<(), Unsaid> {
    say(format_args!("Restored up to {checkpoint}; row {} of the trail says so.", restored.seq))?;
    say(format_args!("Epoch {} has ended, {} begins: nobody is signed in.", restored.old_epoch, restored.ring.epoch()))?;
    if !restored.waiting.is_empty() {
        say("These tokens are refused until you approve them (`keyharbor token approve ID`):")?;
    }
    for token in &restored.waiting {
        say(format_args!("  {}  {}  [{}]", token.id, token.name, token.scopes.codes()))?;
    }
    Ok(())
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
