//! `keyring`: the recovery kit. The root key is printed in groups with checksums, typed back to prove the copy, and made into
//! a key file again when the first one is lost.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::out::{say, tell};
use super::screen::Screen;
use super::{connect, custody, rotation};
use crate::config::Config;
use crate::crypto::RootKey;
use crate::crypto::kit;
use crate::domain::EventKind;
use crate::service::custody::{confirm_ring, open_ring, record, root_key};

/// Longer than a recovery key: this one is copied by hand.
const KIT_SECONDS: i64 = 900;
const TRIES: usize = 3;

#[derive(Subcommand)]
pub enum KeyringCommand {
    /// Show the root key as a recovery kit: four lines with a checksum each, to be written down or printed. That it was shown is
    /// recorded in the trail.
    Kit {
        /// Print although standard output is no terminal, e.g. into a printer's pipe. Nothing clears it then.
        #[arg(long)]
        allow_redirect: bool,
    },
    /// Type the kit back, line by line: proves that the copy is whole, and ends the server's warning.
    Confirm,
    /// Write the key file again, from the kit. The typed key must open the database's key ring.
    Restore(Restore),
    /// List the keys of the key ring, since when each is in use, how many stored values need it, and whether the KEK is due.
    Status,
    /// Put a new key into use, while servers serve. Cut off, it goes on when it is run again.
    Rotate(rotation::Rotate),
    /// Bring everything stored under the active KEK and row key, while servers serve. Can be ended at any moment and run again.
    Rewrap,
    /// Take a former key out of the ring. Refused while anything stored needs it.
    Retire(rotation::Retire),
}

#[derive(Args)]
pub struct Restore {
    /// Where the root key is written (mode 0600), never over a file that is there. Without it, custody.key_file.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Do not try the key on the database, because that is not back yet. Compare the printed name with the kit's.
    #[arg(long)]
    without_database: bool,
}

pub async fn run(command: KeyringCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        KeyringCommand::Kit { allow_redirect } => print(allow_redirect, config).await,
        KeyringCommand::Confirm => confirm(config).await,
        KeyringCommand::Restore(restore) => write(restore, config).await,
        KeyringCommand::Status => rotation::status(config).await,
        KeyringCommand::Rotate(arguments) => rotation::rotate(arguments, config).await,
        KeyringCommand::Rewrap => rotation::rewrap(config).await,
        KeyringCommand::Retire(arguments) => rotation::retire(arguments, config).await,
    }
}

async fn print(allow_redirect: bool, config: &Config) -> anyhow::Result<ExitCode> {
    let screen = Screen::new("the root key", allow_redirect)?;
    let root = root_key(&config.custody)?;
    let store = connect(config).await?;
    // A key that does not open the ring is not worth a sheet of paper.
    let ring = open_ring(&store, &root, true).await?;
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    record(&store, &ring, &env, EventKind::KitShown, &root.name()).await?;
    let mut out = vec![
        Zeroizing::new("Keyharbor recovery kit".to_owned()),
        Zeroizing::new(format!("  portal      {}", config.server.public_url)),
        Zeroizing::new(format!("  root key    {}  (its name; not secret)", root.name())),
        Zeroizing::new(format!("  made        {}", env.now().to_utc().format("%Y-%m-%d"))),
        Zeroizing::new(String::new()),
    ];
    for (at, line) in kit::lines(&root).iter().enumerate() {
        out.push(Zeroizing::new(format!("  line {}:    {}", at + 1, line.as_str())));
    }
    for text in [
        "",
        "Whoever has this sheet and a copy of the database can read every recovery key. Keep it in a safe, away from backups.",
        "Check the copy with `keyharbor keyring confirm`; make a key file of it with `keyharbor keyring restore`.",
    ] {
        out.push(Zeroizing::new(text.to_owned()));
    }
    let lines: Vec<&str> = out.iter().map(|line| line.as_str()).collect();
    let shown = screen.show(&lines, KIT_SECONDS).await;
    shown.context("the kit was not printed whole and confirms nothing, though the trail says that it was shown")?;
    Ok(ExitCode::SUCCESS)
}

async fn confirm(config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let store = connect(config).await?;
    open_ring(&store, &root, true).await?;
    let typed = typed()?;
    if !same(&typed, &root) {
        bail!("this is a kit of another root key ({}); the configured one is {}", typed.name(), root.name());
    }
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    confirm_ring(&store, &root, &env).await?;
    say("Confirmed: the kit is whole.")?;
    Ok(ExitCode::SUCCESS)
}

async fn write(restore: Restore, config: &Config) -> anyhow::Result<ExitCode> {
    let path = restore.key_file.or_else(|| config.custody.key_file.clone()).context("name a file: --key-file or custody.key_file")?;
    if path.exists() {
        bail!("{} is there already, and is never written over", path.display());
    }
    if restore.without_database {
        let root = typed()?;
        custody::write(&path, &root)?;
        say(format_args!(
            "The root key {} is in {}. It was not tried on a database: compare the name with the kit.",
            root.name(),
            path.display()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = connect(config).await.context("the database cannot be opened; --without-database writes the file all the same")?;
    let ring = async { anyhow::Ok(store.read().await?.key_ring().await?) };
    if ring.await.context("the database cannot be read; --without-database writes the file all the same")?.is_none() {
        bail!("this database holds no key ring to try the key on: restore the database first, or use --without-database");
    }
    let root = typed()?;
    let ring = open_ring(&store, &root, true).await?;
    custody::write(&path, &root)?;
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    record(&store, &ring, &env, EventKind::RootKeyRestored, &root.name()).await?;
    say(format_args!("The root key {} opens the key ring and is in {}.", root.name(), path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn same(a: &RootKey, b: &RootKey) -> bool {
    use subtle::ConstantTimeEq as _;
    bool::from(a.text().as_bytes().ct_eq(b.text().as_bytes()))
}

/// Asks for the kit's lines, each until it is right, three times at most.
fn typed() -> anyhow::Result<RootKey> {
    let mut lines = Vec::with_capacity(kit::LINES);
    for number in 1..=kit::LINES {
        lines.push(typed_line(number)?);
    }
    Ok(kit::assemble(&lines)?)
}

fn typed_line(number: usize) -> anyhow::Result<Zeroizing<String>> {
    for _ in 0..TRIES {
        say(format_args!("Type line {number} of the kit:"))?;
        let mut line = Zeroizing::new(String::with_capacity(128));
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            bail!("the input ended before line {number}");
        }
        match kit::parse_line(number, &line) {
            Ok(digits) => return Ok(digits),
            Err(why) => tell(format_args!("Line {number}: {why}.")),
        }
    }
    bail!("line {number} was not right three times");
}
