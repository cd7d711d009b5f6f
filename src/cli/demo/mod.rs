//! `demo`: the real server with an identity provider, people and devices of its own. No step of the real path is skipped.
//!
//! Its key ring is marked, so that `serve` refuses the data; it listens on 127.0.0.1 only.

mod fleet;
pub mod provider;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;

use super::out::{Unsaid, say, tell};
use super::serve::{Stops, background, start};
use super::{assemble, audit, connect};
use crate::config::Config;
use crate::crypto::token::base62_secret;
use crate::domain::audit::Actor;
use crate::domain::escrow::Trust;
use crate::domain::ids::Env;
use crate::domain::token::{Door, Scope, Scopes};
use crate::service::Keyharbor;
use crate::service::custody::{Custody, create_ring, open_ring, root_key};
use crate::service::tokens::NewToken;
use crate::store::Store;

#[derive(Args)]
pub struct Demo {
    /// Where the portal listens (127.0.0.1 only).
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the identity provider listens (127.0.0.1 only).
    #[arg(long, default_value = "127.0.0.1:8081")]
    idp_listen: SocketAddr,
    /// Keep the data here; without it a temporary folder is used and removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one line of JSON when ready, and nothing else, on standard output.
    #[arg(long)]
    json: bool,
    /// Change a row of the trail behind the server's back, show what `audit verify` says, and end.
    #[arg(long)]
    tamper: bool,
}

/// Somebody who can sign in at the demo.
struct DemoPerson {
    login: &'static str,
    name: &'static str,
    roles: &'static [&'static str],
}

const PEOPLE: [DemoPerson; 4] = [
    DemoPerson { login: "anna.berg", name: "Anna Berg", roles: &["employee"] },
    DemoPerson { login: "kim.lund", name: "Kim Lund", roles: &["employee", "helpdesk"] },
    DemoPerson { login: "eva.holm", name: "Eva Holm", roles: &["employee", "auditor"] },
    DemoPerson { login: "ola.nyman", name: "Ola Nyman", roles: &["employee", "admin"] },
];

/// A folder that goes away with the value, unless it is the user's own.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn folder(data: Option<PathBuf>, env: &Env) -> anyhow::Result<Folder> {
    let temporary = data.is_none();
    let path = data.unwrap_or_else(|| std::env::temp_dir().join(format!("keyharbor-demo-{}", env.uuid().simple())));
    use std::os::unix::fs::DirBuilderExt as _;
    // A folder that was there before keeps its mode: it may be somebody's home.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(Folder { path: path.canonicalize()?, temporary })
}

pub async fn run(demo: Demo) -> anyhow::Result<ExitCode> {
    let here = |at: &SocketAddr| at.ip() == std::net::Ipv4Addr::LOCALHOST;
    if !here(&demo.listen) || !here(&demo.idp_listen) {
        bail!("the demo listens on 127.0.0.1 only");
    }
    // From here on a signal ends the demo in order, so that no folder stays behind.
    let mut stops = Stops::new();
    let (clock, env) = crate::service::clock::system();
    let bind = |at: SocketAddr| {
        TcpListener::bind(at).with_context(|| format!("cannot listen on {at}; choose another with --listen or --idp-listen"))
    };
    let (portal, idp) = (bind(demo.listen)?, bind(demo.idp_listen)?);
    let folder = folder(demo.data, &env)?;
    // Two names, so that the portal and the provider share no cookies.
    let origin = format!("http://localhost:{}", portal.local_addr()?.port());
    let issuer = format!("http://127.0.0.1:{}", idp.local_addr()?.port());
    let client_secret = base62_secret(env.entropy.as_ref()).as_str().to_owned();
    let config = settings(&folder.path, &origin, &issuer, &client_secret, &portal)?;
    crate::telemetry::start(&config.log.level, std::io::stderr, None);
    let (store, custody) = data(&folder.path, &config, &env).await?;
    clock.measure(&store).await?;
    let service = assemble(config, store.clone(), env.clone(), custody)?;
    let people: Vec<provider::Person> = PEOPLE.iter().map(|p| person(p, &env)).collect();
    let logins: Vec<_> = people.iter().map(|p| (p.login.clone(), p.password.expose_secret().to_owned())).collect();
    let provider = provider::start(
        idp,
        provider::Settings {
            issuer: issuer.clone(),
            client_id: "keyharbor-demo".into(),
            client_secret: client_secret.into(),
            redirect_uri: format!("{origin}/auth/callback"),
            post_logout_uris: vec![format!("{origin}/signed-out")],
            people,
        },
        env,
    )?;
    let server = start(service.clone(), portal, None)?;
    let (server_handle, provider_handle) = (server.handle(), provider.handle());
    let (running, beside) = (actix_web::rt::spawn(server), actix_web::rt::spawn(provider));
    service.discover_provider().await?;
    let token = token(&service).await?;
    fleet::fill(&service, &origin, &token).await?;
    let mut code = ExitCode::SUCCESS;
    if demo.tamper {
        code = tamper(&service, &store, &folder.path).await?;
    } else {
        let tasks = background(&service, clock, &store);
        announce(demo.json, !folder.temporary, &origin, &issuer, &token, &logins)?;
        stops.next().await;
        tasks.iter().for_each(actix_web::rt::task::JoinHandle::abort);
    }
    tokio::join!(server_handle.stop(true), provider_handle.stop(true));
    let _ = (running.await, beside.await);
    store.close().await;
    Ok(code)
}

fn person(p: &DemoPerson, env: &Env) -> provider::Person {
    let password: String = base62_secret(env.entropy.as_ref()).chars().take(12).collect();
    let groups = p.roles.iter().filter(|r| **r != "employee").map(|r| format!("mac-{r}")).collect();
    provider::Person { login: p.login.into(), password: password.into(), name: p.name.into(), groups, sub: format!("demo-{}", p.login) }
}

/// The demo's settings file. The environment goes over what a visitor may want to try, never over where data and keys lie.
fn settings(dir: &Path, origin: &str, issuer: &str, secret: &str, portal: &TcpListener) -> anyhow::Result<Config> {
    let file = dir.join("keyharbor.toml");
    let text = format!(
        r#"[server]
public_url = "{origin}"
listen = "{listen}"
workers = 2
drain_seconds = 2
[database]
url = "sqlite://{db}"
[custody]
key_file = "{key}"
[oidc]
issuer = "{issuer}"
client_id = "keyharbor-demo"
client_secret = "{secret}"
scopes = ["profile", "email", "groups"]
algorithms = ["ES256"]
owner_claim = "preferred_username"
roles = {{ helpdesk = ["mac-helpdesk"], auditor = ["mac-auditor"], admin = ["mac-admin"] }}
[portal]
brand = "Acme Keys"
organisation = "Acme"
it_phone = "08-465 004 00"
it_email = "it@acme.example"
it_hours = "weekdays 8–17"
time_zone = "Europe/Stockholm"
[portal.texts.sv]
it_hours = "vardagar 8–17"
[portal.texts.nb]
it_hours = "hverdager 8–17"
[log]
level = "warn"
"#,
        listen = portal.local_addr()?,
        db = dir.join("keyharbor.db").display(),
        key = dir.join("root.key").display(),
    );
    super::custody::private(&file, &text)?;
    Ok(Config::load_within(&file, &["reveal", "sessions", "portal", "log"])?)
}

/// Opens the folder's data, or makes it.
async fn data(dir: &Path, config: &Config, env: &Env) -> anyhow::Result<(Store, Custody)> {
    let store = connect(config).await?;
    store.migrate().await?;
    if !dir.join("root.key").exists() {
        let root = crate::crypto::RootKey::generate(env.entropy.as_ref());
        let ring = create_ring(&store, &root, true, env).await?;
        super::custody::private(&dir.join("root.key"), &root.text())?;
        return Ok((store, Custody::open(ring)));
    }
    let ring = open_ring(&store, &root_key(&config.custody)?, true).await?;
    if !ring.is_demo() {
        bail!("{} holds a real installation, not a demo", dir.display());
    }
    Ok((store, Custody::open(ring)))
}

async fn token(service: &Keyharbor) -> anyhow::Result<String> {
    let scopes =
        [Scope::EscrowWrite, Scope::StatusRead, Scope::DevicesRead, Scope::DevicesWrite].into_iter().fold(Scopes::default(), Scopes::with);
    let expires_at = Some(service.env().now().plus_seconds(86400));
    let new = NewToken { name: "Demo fleet".into(), scopes, door: Door::Header, device_pattern: None, trust: Trust::Observed, expires_at };
    let (_, text) = service.create_token(new, Actor::Operator).await?;
    Ok(text.as_str().to_owned())
}

/// The one line of `--json`, its members in this order.
#[derive(serde::Serialize)]
struct Announced<'a> {
    portal: &'a str,
    issuer: &'a str,
    api_token: &'a str,
    people: Vec<Login<'a>>,
}

#[derive(serde::Serialize)]
struct Login<'a> {
    login: &'a str,
    password: &'a str,
    roles: &'a [&'a str],
}

fn announce(as_json: bool, kept: bool, origin: &str, issuer: &str, token: &str, logins: &[(String, String)]) -> Result<(), Unsaid> {
    if as_json {
        let people = PEOPLE.iter().zip(logins).map(|(p, (login, password))| Login { login, password, roles: p.roles }).collect();
        let line = Announced { portal: origin, issuer, api_token: token, people };
        return say(serde_json::to_string(&line).unwrap_or_default());
    }
    say(format_args!(
        "\nKeyharbor demo\n\n  Portal   {origin}\n           (Chromium or Firefox; Safari keeps no secure cookies on plain http)\n"
    ))?;
    say("  Sign in as            password       may")?;
    for (p, (login, password)) in PEOPLE.iter().zip(logins) {
        let may = match p.roles {
            [_, "helpdesk"] => "find any Mac, show its key with a reason",
            [_, "auditor"] => "read the trail",
            [_, "admin"] => "look after tokens, sources and sessions; see no key but their own",
            _ => "own Macs",
        };
        say(format_args!("  {login:<20}  {password}   {may}"))?;
    }
    say(format_args!(
        "\n  Hand a key in:\n    curl {origin}/api/v1/deposits -H 'Authorization: Bearer {token}' \\\n      -H 'Content-Type: application/json' -d '{{\"serial\":\"C02NEW00001\",\"recovery_key\":\"ABCD-EFGH-2345-JKLM-6789-NPQR\"}}'"
    ))?;
    say("\n  On a phone: press F12 in the browser and switch on the device toolbar (390 px wide).\n")?;
    say(format_args!("  Ctrl-C ends the demo{}.\n", if kept { ". Its data stay in the folder" } else { " and removes its data" }))
}

/// What somebody with the database in his hands would do, and what the trail says to it.
async fn tamper(service: &Keyharbor, store: &Store, dir: &Path) -> anyhow::Result<ExitCode> {
    let config = &service.rules().config;
    let ring = open_ring(store, &root_key(&config.custody)?, true).await?;
    say("before:")?;
    audit::report(store, &ring, None).await?;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("keyharbor.db"));
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::query("UPDATE audit_events SET detail = 'nothing to see here' WHERE seq = 7").execute(&pool).await?;
    pool.close().await;
    say("row 7 is changed behind the server's back; audit verify says:")?;
    let code = audit::report(store, &ring, None).await?;
    if code == ExitCode::SUCCESS {
        tell("the change was not noticed");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
