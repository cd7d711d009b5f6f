//! `keyring status`, `rotate`, `rewrap` and `retire`: keys of the ring come and go while servers serve.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::out::{say, tell};
use super::{backup::progress, connect};
use crate::config::Config;
use crate::crypto::keyring::Use;
use crate::crypto::rotation::Standing;
use crate::domain::finding::counted;
use crate::domain::ids::Env;
use crate::service::custody::rotate::KeyState;
use crate::service::custody::{follow, open_ring, rewrap, root_key, rotate};
use crate::store::Store;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// The KEK, under which recovery keys are sealed.
    Kek,
    /// The key of the trail's chain.
    Audit,
    /// The key under which secrets of tokens and sessions are hashed.
    Token,
    /// The key of the MACs of rows that decide something.
    Row,
}

impl From<Purpose> for Use {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Kek => Self::Kek,
            Purpose::Audit => Self::Audit,
            Purpose::Token => Self::Token,
            Purpose::Row => Self::Row,
        }
    }
}

#[derive(Args)]
pub struct Rotate {
    /// Which key to make anew.
    #[arg(long, value_enum, default_value = "kek")]
    purpose: Purpose,
    /// Seconds between adding the key and using it, so that every request that is under way knows it. 0 only when no server runs.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    wait: u64,
}

#[derive(Args)]
pub struct Retire {
    /// What the key was for.
    purpose: Purpose,
    /// Its number, as `keyring status` says.
    id: u32,
}

pub async fn status(config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let (store, env) = database(config).await?;
    let ring = open_ring(&store, &root, true).await?;
    say(format_args!("Key ring, generation {}, wrapped by the root key {}", ring.generation(), root.name()))?;
    for KeyState { key, needed, sealed } in rotate::status(&store, &ring).await? {
        let standing = match key.standing {
            Standing::Waiting => "waiting",
            Standing::Active => "active",
            Standing::Former => "former",
        };
        let (purpose, id, since) = (key.purpose.word(), key.id, key.since.rfc3339());
        let needed = needed.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let sealed = sealed.map_or_else(String::new, |n| format!("  ever sealed: {n}"));
        let age = counted(usize::try_from(env.now().seconds_since(key.since) / 86_400).unwrap_or_default(), "day");
        say(format_args!("  {purpose:<12} {id:>3}  {standing:<8} since {since} ({age})  stored values under it: {needed}{sealed}"))?;
    }
    say(format_args!("A KEK should be new every {} days, and before it has sealed {} values.", follow::OLD_DAYS, follow::MANY_SEALED))?;
    let limits = follow::beyond_limits(&store, &ring, env.now()).await?;
    for limit in &limits {
        tell(format_args!("keyharbor: {}", limit.text));
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn rotate(arguments: Rotate, config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let (store, env) = database(config).await?;
    let purpose = Use::from(arguments.purpose);
    let id = rotate::add_key(&store, &root, &env, purpose).await?;
    if arguments.wait > 0 {
        tell(format_args!("{} {id} waits {} seconds, until every running server knows it.", purpose.word(), arguments.wait));
        tokio::time::sleep(Duration::from_secs(arguments.wait)).await;
    }
    rotate::activate(&store, &root, &env, purpose, id).await?;
    say(format_args!("{} {id} is in use. The root key and its recovery kit stay as they are.", purpose.word()))?;
    if matches!(purpose, Use::Kek | Use::Row) {
        say("Bring what is stored under it, too: `keyharbor keyring rewrap`.")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn rewrap(config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let (store, env) = database(config).await?;
    let done = rewrap::rewrap(&store, &root, &env, &mut progress()).await?;
    say(format_args!("{} keys were sealed anew, and {} other rows signed anew.", done.sealed, done.signed))?;
    for row in &done.broken {
        tell(format_args!("does not verify or does not open, and was left as it is: {row}"));
    }
    if done.broken_count > 0 {
        tell(format_args!("keyharbor: {} rows could not be renewed", done.broken_count));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn retire(arguments: Retire, config: &Config) -> anyhow::Result<ExitCode> {
    let root = root_key(&config.custody)?;
    let (store, env) = database(config).await?;
    let purpose = Use::from(arguments.purpose);
    rotate::retire(&store, &root, &env, purpose, arguments.id).await?;
    say(format_args!("{} {} is retired. Backups made before still hold it, and restore.", purpose.word(), arguments.id))?;
    Ok(ExitCode::SUCCESS)
}

async fn database(config: &Config) -> anyhow::Result<(Store, Env)> {
    let store = connect(config).await?;
    let missing = store.pending_migrations().await?;
    if !missing.is_empty() {
        anyhow::bail!("the database lacks {}: run `keyharbor migrate`", counted(missing.len(), "migration"));
    }
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    Ok((store, env))
}
