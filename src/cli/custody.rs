//! `init`: the root key is made once, written where only this user can read it, and typed back to prove that a copy exists.

use std::fs::OpenOptions;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::connect;
use super::out::{say, tell};
use crate::config::Config;
use crate::crypto::RootKey;
use crate::domain::ids::Env;
use crate::service::custody::{confirm_ring, create_ring, root_key};
use crate::store::Store;

#[derive(Args)]
pub struct Init {
    /// Where the new root key is written (mode 0600). Without it, custody.key_file.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Confirm later: only ask for the last eight characters of the root key that is configured.
    #[arg(long)]
    confirm: bool,
}

pub async fn init(arguments: Init, config: Config) -> anyhow::Result<ExitCode> {
    let store = connect(&config).await?;
    let (_, env) = crate::service::clock::system();
    if arguments.confirm {
        return confirm(&store, &root_key(&config.custody)?, &env).await;
    }
    store.migrate().await?;
    let path = arguments.key_file.or_else(|| config.custody.key_file.clone()).context("name a file: --key-file or custody.key_file")?;
    // The ring is looked at before any file is made: a second root key is never made beside an existing database.
    if store.read().await?.key_ring().await?.is_some() {
        bail!(crate::service::custody::CustodyError::AlreadyThere);
    }
    let root = RootKey::generate(env.entropy.as_ref());
    write(&path, &root)?;
    if let Err(e) = create_ring(&store, &root, false, &env).await {
        // Only a database that is known to hold no ring makes this file worthless: a commit whose answer was lost may have
        // made one that nothing else opens.
        let ring = async { store.read().await?.key_ring().await };
        if matches!(ring.await, Ok(None)) {
            let _ = std::fs::remove_file(&path);
        } else {
            tell(format_args!("{} is kept: the database may hold a ring that only it opens", path.display()));
        }
        bail!(e);
    }
    say(format_args!("The root key is in {}. Its name is {}.", path.display(), root.name()))
        .with_context(|| format!("the root key is made and is in {}; `keyharbor init --confirm` goes on", path.display()))?;
    say("Copy it to a second place now (a password manager, a sealed envelope). Without it no key can ever be opened again.")?;
    confirm(&store, &root, &env).await
}

/// Never over an existing file.
pub(super) fn write(path: &Path, root: &RootKey) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make {} (a file that is there is never written over)", path.display()))?;
    file.write_all(root.text().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    Ok(())
}

/// Writes a file that only this user can read, over what was there.
pub(super) fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

async fn confirm(store: &Store, root: &RootKey, env: &Env) -> anyhow::Result<ExitCode> {
    for _ in 0..3 {
        say("Type the last eight characters of your copy:")?;
        let mut typed = String::new();
        if std::io::stdin().lock().read_line(&mut typed)? == 0 {
            tell("Not confirmed. The server warns until `keyharbor init --confirm` has been done.");
            return Ok(ExitCode::SUCCESS);
        }
        if root.ends_with(&typed) {
            confirm_ring(store, root, env).await?;
            say("Confirmed.")?;
            return Ok(ExitCode::SUCCESS);
        }
        say("These are not its last eight characters.")?;
    }
    tell("Not confirmed. The key and its ring are made; the server warns until `keyharbor init --confirm` has been done.");
    Ok(ExitCode::FAILURE)
}
