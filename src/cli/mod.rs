//! The command line: the only place where rooms are put together.

mod audit;
mod backup;
mod custody;
pub mod demo;
mod doctor;
mod generate;
mod import;
mod keyring;
mod login;
mod moving;
mod oidc;
mod out;
mod report;
mod reveal;
mod rotation;
mod screen;
pub mod serve;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Database};
use crate::domain::finding::counted;
use crate::domain::ids::Env;
use crate::oidc::Oidc;
use crate::service::custody::{Custody, CustodyError, open_ring, root_key};
use crate::service::{Keyharbor, Rules};
use crate::store::{Store, StoreOptions};
use out::{say, tell};

/// Escrow portal for macOS FileVault recovery keys.
#[derive(Parser)]
#[command(name = "keyharbor", version, about, max_term_width = 100)]
struct Arguments {
    /// The settings file; without it /etc/keyharbor/keyharbor.toml, where that is there. The environment (KEYHARBOR__SECTION__NAME) goes
    /// over it.
    #[arg(long, short, global = true, value_name = "FILE", env = "KEYHARBOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the root key and the key ring of a new installation.
    Init(custody::Init),
    /// Serve the portal and the API.
    Serve,
    /// Bring the database's schema up to date, and nothing else.
    Migrate(Migrate),
    /// Look at settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The identity provider.
    #[command(subcommand)]
    Oidc(oidc::OidcCommand),
    /// Tokens for MDM servers, agents and scripts.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Which person a login is bound to.
    #[command(subcommand)]
    Login(login::LoginCommand),
    /// Who owns which device.
    #[command(subcommand)]
    Owners(import::OwnersCommand),
    /// Look at everything on this host and say what is well and what to do. Changes nothing; exits with 1 when something is wrong.
    Doctor(doctor::Doctor),
    /// The recovery kit of the root key, and the keys of the key ring.
    #[command(subcommand)]
    Keyring(keyring::KeyringCommand),
    /// Break-glass: show a Mac's key on this terminal when nobody can sign in. Recorded first, and loud.
    Reveal(reveal::Reveal),
    /// The trail.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Print the API's OpenAPI document (JSON).
    Openapi,
    /// Write all that is kept into one file, while the server serves, and prove that every key in it opens.
    Backup(backup::Backup),
    /// Put a backup into the configured database, which must be new. Needs the root key.
    Restore(backup::Restore),
    /// Move everything into another database, e.g. from SQLite to PostgreSQL. Can be ended at any moment and run again.
    Move(moving::Move),
    /// Try it: the real server with an identity provider, people and devices of its own.
    Demo(demo::Demo),
    /// Write the manual pages or the completions of the shells.
    #[command(subcommand, hide = true)]
    Generate(generate::GenerateCommand),
}

#[derive(Args)]
struct Migrate {
    /// PostgreSQL: give this role what the program needs, and nothing to change the trail with. To be run as the owner of the tables.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check the settings, read the files they name, and say what would be noticed at start. Calls nobody.
    Check,
    /// Print every setting with its default and what it means.
    Defaults,
}

/// Said where the database itself does not keep the server from changing the trail.
const CHANGES_TRAIL: &str = "the server's role at the database may change the trail; one that may not is made by `keyharbor migrate --role NAME`, see docs/postgresql.md";

/// The command line as it is described: what documents and man page are held against.
pub fn command_line() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

impl Command {
    /// It changes nothing, and what it says can be had again.
    fn only_lists(&self) -> bool {
        match self {
            Self::Openapi | Self::Config(_) | Self::Doctor(_) | Self::Oidc(_) => true,
            // An export is a row of the trail.
            Self::Audit(command) => matches!(command, audit::AuditCommand::Verify { .. }),
            Self::Token(command) => matches!(command, token::TokenCommand::List),
            Self::Keyring(command) => matches!(command, keyring::KeyringCommand::Status),
            Self::Login(command) => matches!(command, login::LoginCommand::Show { .. }),
            _ => false,
        }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    crate::oidc::install_crypto_provider();
    harden();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(why) => return out::not_run(&why),
    };
    let listing = arguments.command.only_lists();
    actix_web::rt::System::new().block_on(run(arguments)).unwrap_or_else(|e| out::failed(&e, listing))
}

/// No core dump and no debugger may show a key.
fn harden() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if setrlimit(Resource::Core, none).is_err() || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        tell("keyharbor: warning: core dumps could not be switched off");
    }
}

/// The settings file of a package. One that may not be looked at counts as there: reading it says why it cannot be used.
fn installed_settings() -> Option<PathBuf> {
    let path = PathBuf::from("/etc/keyharbor/keyharbor.toml");
    path.try_exists().unwrap_or(true).then_some(path)
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let file = arguments.config.or_else(installed_settings);
    let file = file.as_deref();
    match arguments.command {
        Command::Openapi => say(crate::web::api::document::text().trim_end())?,
        Command::Demo(demo) => return demo::run(demo).await,
        Command::Generate(command) => generate::run(&command)?,
        Command::Config(ConfigCommand::Defaults) => say(Config::reference())?,
        Command::Config(ConfigCommand::Check) => check(&Config::load(file)?)?,
        Command::Init(init) => return custody::init(init, Config::read(file, None)?).await,
        Command::Migrate(arguments) => migrate(arguments, &Config::read(file, None)?).await?,
        Command::Oidc(command) => return oidc::run(command, &Config::load(file)?).await,
        Command::Serve => return serve::run(file).await,
        Command::Token(command) => token::run(command, &open(Config::read(file, None)?).await?).await?,
        Command::Login(command) => login::run(command, &open(Config::load(file)?).await?).await?,
        Command::Owners(command) => return import::run(command, &open(Config::load(file)?).await?).await,
        Command::Doctor(arguments) => return doctor::run(arguments, file).await,
        Command::Keyring(command) => return keyring::run(command, &Config::read(file, None)?).await,
        Command::Reveal(arguments) => return reveal::run(arguments, &Config::read(file, None)?).await,
        Command::Backup(arguments) => return backup::backup(arguments, Config::read(file, None)?).await,
        Command::Restore(arguments) => return backup::restore(arguments, &Config::read(file, None)?).await,
        Command::Move(arguments) => return moving::run(arguments, Config::read(file, None)?).await,
        Command::Audit(command) => return audit::run(command, Config::read(file, None)?).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn migrate(arguments: Migrate, config: &Config) -> anyhow::Result<()> {
    let store = connect(config).await?;
    let missing = store.pending_migrations().await?;
    store.migrate().await?;
    say(format_args!("{} applied", counted(missing.len(), "migration")))?;
    if let Some(role) = arguments.role {
        store.grant_role(&role).await.context("--role")?;
        say(format_args!("{role} may do what the program does, and cannot change the trail"))?;
    }
    Ok(())
}

/// `config check`: all that a start reads before it calls anybody. What leaves a server sealed is an error here: such a server shows
/// nothing and takes nothing in.
fn check(config: &Config) -> anyhow::Result<()> {
    let (_, env) = crate::service::clock::system();
    // Reads the client's secret, the certificate authorities and the proxy.
    Oidc::new(&config.oidc, &config.outbound, &config.public_origin()?, env.clone())?;
    let database = database(config)?;
    Store::check(&StoreOptions::new(database.url.clone(), 1)).context("database.url")?;
    Store::check(&database).context("database")?;
    // Reads logo and alphabets.
    crate::web::brand::Brand::of(&config.portal)?;
    serve::traces::check(config)?;
    serve::tls::Certificates::load(&config.server, env.now())?;
    for warning in config.warnings() {
        say(format_args!("warning: {warning}"))?;
    }
    match root_key(&config.custody) {
        Ok(_) => {}
        // The service may well have it.
        Err(why @ CustodyError::NoCredentials { .. }) => say(format_args!("warning: the root key was not looked at: {why}"))?,
        Err(why) => return Err(why).context("the server would be sealed"),
    }
    say("the settings can be used")?;
    Ok(())
}

/// Connects to the configured database.
async fn connect(config: &Config) -> anyhow::Result<Store> {
    open_store(&database(config)?).await
}

fn database(config: &Config) -> anyhow::Result<StoreOptions> {
    let Database { other_hosts, max_connections, .. } = config.database.clone();
    Ok(StoreOptions { url: config.database_url()?, other_hosts, max_connections })
}

/// Connects to a database, and names it if that fails; never what is secret in its address.
async fn open_store(options: &StoreOptions) -> anyhow::Result<Store> {
    let name = Store::name(&options.url);
    Store::connect(options).await.with_context(|| match name.as_str() {
        "?" => "cannot open the database".to_owned(),
        name => format!("cannot open {name}"),
    })
}

/// The services for a command at the machine: database and key ring, no server.
async fn open(config: Config) -> anyhow::Result<Keyharbor> {
    let store = connect(&config).await?;
    let ring = open_ring(&store, &root_key(&config.custody)?, true).await?;
    let missing = store.pending_migrations().await?;
    if !missing.is_empty() {
        anyhow::bail!("the database lacks {}: run `keyharbor migrate`", counted(missing.len(), "migration"));
    }
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    assemble(config, store, env, Custody::open(ring))
}

/// Puts the services together.
pub(crate) fn assemble(mut config: Config, store: Store, env: Env, custody: Custody) -> anyhow::Result<Keyharbor> {
    if config.server.public_url.is_empty() {
        // Commands at the machine make no links.
        config.server.public_url = "http://localhost".to_owned();
    }
    let oidc = Oidc::new(&config.oidc, &config.outbound, &config.public_origin()?, env.clone())?;
    Ok(Keyharbor::new(store, env, Rules::new(config)?, oidc, custody))
}
