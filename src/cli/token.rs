//! `token`: made, shown once, listed, revoked.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::out::{Unsaid, say, tell};
use crate::domain::audit::Actor;
use crate::domain::escrow::Trust;
use crate::domain::ids::Timestamp;
use crate::domain::token::{ApiToken, Door, Scope, Scopes};
use crate::service::Keyharbor;
use crate::service::tokens::NewToken;

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is printed once and never again.
    Create(Create),
    /// List tokens (never the secret).
    List,
    /// Let tokens of a restored backup work again.
    Approve {
        /// The sixteen characters after "kh_", of one or several.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Revoke a token: it is refused from now on.
    Revoke {
        /// The sixteen characters after "kh_".
        id: String,
    },
}

#[derive(Args)]
pub struct Create {
    /// What it is for, e.g. "Crypt clients".
    #[arg(long)]
    name: String,
    /// escrow:write, status:read, devices:read, devices:write, audit:read; several with commas. owners:write opens no door yet.
    #[arg(long, value_delimiter = ',', required = true)]
    scope: Vec<String>,
    /// How much its word weighs: "proven" for an MDM server or a token of one Mac, "observed" for a token that a fleet shares,
    /// "typed" where people type keys in.
    #[arg(long, default_value = "observed")]
    trust: String,
    /// "header" (Authorization), or "crypt-path" for the address of Crypt clients.
    #[arg(long, default_value = "header")]
    door: String,
    /// Serial numbers it may touch: one, or a prefix ending in *.
    #[arg(long, value_name = "PATTERN")]
    devices: Option<String>,
    /// Days until it ends (e.g. 365d), or an RFC 3339 time, or "never".
    #[arg(long, default_value = "365d")]
    expires: String,
}

pub async fn run(command: TokenCommand, service: &Keyharbor) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create(create) => {
            let (token, text) = service.create_token(new_token(&create, service)?, Actor::Operator).await?;
            tell(format_args!(
                "{}: {} ({}), trust {}. It is shown this once:",
                token.id,
                token.name,
                token.scopes.codes(),
                token.trust.code()
            ));
            if let Err(unsaid) = say(text.as_str()) {
                return Err(lost(service, &token.id, unsaid).await);
            }
        }
        TokenCommand::List => list(service).await?,
        TokenCommand::Approve { ids } => {
            for id in ids.iter().map(|id| id_of(id)) {
                if !service.approve_token(&id, Actor::Operator).await? {
                    bail!("no token with the id {id} waits for approval");
                }
                say(format_args!("{id} works again"))?;
            }
        }
        TokenCommand::Revoke { id } => {
            let id = id_of(&id);
            if !service.revoke_token(&id, Actor::Operator).await? {
                bail!("no live token has that id");
            }
            say(format_args!("{id} is revoked"))?;
        }
    }
    Ok(())
}

/// A token that could not be shown is of no use to anybody who may have it, and is ended.
async fn lost(service: &Keyharbor, id: &str, unsaid: Unsaid) -> anyhow::Error {
    let end = match service.revoke_token(id, Actor::Operator).await {
        Ok(_) => "it is revoked, make another one".to_owned(),
        Err(e) => format!("run `keyharbor token revoke {id}`, which failed just now ({e})"),
    };
    anyhow::Error::new(unsaid).context(format!("the token {id} was made and could not be shown; {end}"))
}

/// The public part, of whatever part of a token was given.
fn id_of(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix("kh_").unwrap_or(text).split('_').next().unwrap_or_default().to_owned()
}

fn new_token(create: &Create, service: &Keyharbor) -> anyhow::Result<NewToken> {
    let mut scopes = Scopes::default();
    for code in &create.scope {
        scopes = scopes.with(Scope::parse(code.trim()).with_context(|| format!("\"{code}\" is no scope"))?);
    }
    Ok(NewToken {
        name: create.name.clone(),
        scopes,
        door: Door::parse(&create.door).context("--door must be header or crypt-path")?,
        device_pattern: create.devices.clone(),
        trust: Trust::parse(&create.trust).context("--trust must be typed, observed or proven")?,
        expires_at: expiry(&create.expires, service.env().now())?,
    })
}

fn expiry(text: &str, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    if text == "never" {
        return Ok(None);
    }
    if let Some(days) = text.strip_suffix('d').and_then(|d| d.parse::<i64>().ok()).filter(|d| (1..=3650).contains(d)) {
        return Ok(Some(now.plus_seconds(days * 86400)));
    }
    Timestamp::parse_rfc3339(text).map(Some).context("--expires must be like 365d, an RFC 3339 time, or never")
}

async fn list(service: &Keyharbor) -> anyhow::Result<()> {
    let (tokens, bad) = service.tokens().await?;
    let now = service.env().now();
    let state = |t: &ApiToken| match (t.revoked_at, t.live(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "live",
        (None, false) => "expired",
    };
    let listed = tokens.iter().map(|t| (t, state(t)));
    let waiting = service.waiting_tokens().await?;
    for (t, state) in waiting.iter().map(|t| (t, "waiting for approval")).chain(listed) {
        let time = |t: Option<Timestamp>| t.map_or_else(|| "-".to_owned(), |t| t.to_utc().format("%Y-%m-%d").to_string());
        say(format_args!(
            "{}  {state:<7}  {:<8}  {:<10}  devices {:<12}  until {:<10}  used {:<10}  {}  [{}]",
            t.id,
            t.trust.code(),
            t.door.code(),
            t.device_pattern.as_deref().unwrap_or("all"),
            time(t.expires_at),
            time(t.last_used),
            t.name,
            t.scopes.codes()
        ))?;
    }
    if bad > 0 {
        bail!("{bad} of the tokens in the database do not verify; they are refused");
    }
    Ok(())
}
