//! `move`: everything into another database.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;

use super::backup::progress;
use super::out::{Unsaid, say};
use super::{open, open_store};
use crate::config::Config;
use crate::store::{Store, StoreOptions};

#[derive(Args)]
pub struct Move {
    /// Address of the new, empty database. KEYHARBOR_MOVE_TO says it too, and keeps a password out of the list of processes.
    #[arg(long, value_name = "URL", env = "KEYHARBOR_MOVE_TO", hide_env_values = true, required_unless_present = "give_up")]
    to: Option<String>,
    /// End a move that is not finished: the old database is used on.
    #[arg(long)]
    give_up: bool,
}

pub async fn run(arguments: Move, config: Config) -> anyhow::Result<ExitCode> {
    let max_connections = config.database.max_connections;
    let service = open(config).await?;
    if arguments.give_up {
        let to = service.give_up_move().await?;
        say(format_args!("The move to {to} is given up. What was copied there is of no use: empty that database."))?;
        return Ok(ExitCode::SUCCESS);
    }
    let url = SecretString::from(arguments.to.context("say where: --to URL")?);
    let name = Store::name(&url);
    let options = StoreOptions::new(url, max_connections);
    Store::check(&options).context("--to")?;
    let to = open_store(&options).await?;
    to.migrate().await.context("the new database")?;
    service.move_to(&to, &name, &mut progress()).await?;
    to.close().await;
    moved(&name).with_context(|| format!("moved to {name}: set database.url to the new address; the old database refuses to serve"))?;
    Ok(ExitCode::SUCCESS)
}

fn moved(name: &str) -> Result<(), Unsaid> {
    say(format_args!(
        "Moved to {name}: every row is there and the trail is whole. Sign-ins and tokens live on; key pages that were open end."
    ))?;
    say("Set database.url to the new address now. The old database refuses to serve.")
}
