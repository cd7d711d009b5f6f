//! `login`: which person a login is bound to, and the one way to change it.

use anyhow::anyhow;
use clap::Subcommand;

use super::out::say;
use crate::domain::person::{Login, Subject};
use crate::service::Keyharbor;

#[derive(Subcommand)]
pub enum LoginCommand {
    /// Show the binding of a login.
    Show {
        /// The name of an owner as the source gives it, in any case.
        login: String,
    },
    /// Bind a login to another subject of the identity provider. Both lose what they were bound to before.
    Rebind {
        /// The name of an owner as the source gives it, in any case.
        login: String,
        /// The person as the identity provider names them (oidc.subject_claim), exactly so.
        subject: String,
    },
}

pub async fn run(command: LoginCommand, service: &Keyharbor) -> anyhow::Result<()> {
    match command {
        LoginCommand::Show { login } => {
            let login = Login::parse(&login).map_err(|why| anyhow!("the login {why}"))?;
            match service.binding_of(&login).await? {
                Some(b) => say(format_args!(
                    "{} is bound to {} at {} since {}",
                    login.as_str(),
                    b.who.subject,
                    b.who.issuer,
                    b.bound_at.rfc3339()
                ))?,
                None => say(format_args!("{} is not bound: its owner has not signed in yet", login.as_str()))?,
            }
        }
        LoginCommand::Rebind { login, subject } => {
            let login = Login::parse(&login).map_err(|why| anyhow!("the login {why}"))?;
            let who = Subject::parse(&service.rules().config.oidc.issuer, &subject).map_err(|why| anyhow!("the subject {why}"))?;
            service.rebind(&login, who).await?;
            say(format_args!("{} is bound to {subject} from the next sign-in on", login.as_str()))?;
        }
    }
    Ok(())
}
