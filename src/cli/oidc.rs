//! `oidc check`: does the identity provider fit the settings, and what is to be registered there?

use std::process::ExitCode;

use clap::Subcommand;

use super::out::say;
use super::report::report;
use crate::config::Config;
use crate::oidc::Oidc;
use crate::oidc::check::Addresses;

#[derive(Subcommand)]
pub enum OidcCommand {
    /// Fetch the provider's metadata and keys, try the client with a made-up code, and say what fits the settings and what does
    /// not. Exits with 1 when sign-in could not work.
    Check {
        /// One JSON object in place of lines.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: OidcCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let OidcCommand::Check { json } = command;
    let origin = config.public_origin()?;
    let oidc = Oidc::new(&config.oidc, &config.outbound, &origin, crate::service::clock::system().1)?;
    let fine = report(&oidc.check().await, json)?;
    if !json {
        let Addresses { redirect, post_logout, backchannel_logout } = Addresses::new(&origin);
        say("\nTo be registered at the provider, exactly so:")?;
        say(format_args!("  redirect address           {redirect}"))?;
        say(format_args!("  after signing out there    {post_logout}"))?;
        say(format_args!("  back-channel logout        {backchannel_logout}"))?;
        say(if fine { "\nSign-in can work." } else { "\nSign-in cannot work like this: see what is wrong above." })?;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
