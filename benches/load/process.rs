//! The real program with real settings, beside the bench: how it is started, what it costs.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::people::Provider;

/// Settings, a database, tokens, and an identity provider.
pub struct Home {
    folder: TempDir,
    pub port: u16,
    pub token: String,
    pub crypt_token: String,
    pub provider: Provider,
    url: String,
    /// Lines of the settings' `[server]`.
    tls: String,
    /// Of a PostgreSQL of the bench's own: its first process.
    database: Option<u32>,
}

/// Of one process, in MB (10^6 bytes).
pub struct Memory {
    pub rss: f64,
    pub pss: f64,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Home {
    pub fn new(cluster: Option<&Cluster>) -> Self {
        Self::with(cluster, None)
    }

    /// With a certificate and its key, PEM, for `localhost`.
    pub fn with(cluster: Option<&Cluster>, certificate: Option<(&str, &str)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let url = match cluster {
            Some(cluster) => cluster.database("keyharbor"),
            None => format!("sqlite://{}", folder.path().join("keyharbor.db").display()),
        };
        let mut home = Self {
            provider: Provider::start(&format!("{scheme}://localhost:{port}")),
            folder,
            port,
            token: String::new(),
            crypt_token: String::new(),
            url,
            tls: String::new(),
            database: cluster.map(Cluster::pid),
        };
        if let Some((certificate, key)) = certificate {
            let (at, key_at) = (home.path("tls.crt"), home.path("tls.key"));
            fs::write(&at, certificate).unwrap();
            private(&key_at, key);
            home.tls = format!("tls_certificate = \"{}\"\ntls_key = \"{}\"\n", at.display(), key_at.display());
        }
        home.settings(&home.provider.issuer);
        home.run(&["init"]);
        let scopes = "escrow:write,status:read,devices:read,devices:write";
        home.token = home.run(&["token", "create", "--name", "Bench", "--scope", scopes]).trim().to_owned();
        home.crypt_token =
            home.run(&["token", "create", "--name", "Crypt", "--scope", "escrow:write", "--door", "crypt-path"]).trim().to_owned();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// What a site would have, but that nothing is throttled and a sign-in lasts for the whole bench.
    pub fn settings(&self, issuer: &str) {
        let scheme = if self.tls.is_empty() { "http" } else { "https" };
        let text = format!(
            r#"[server]
public_url = "{scheme}://localhost:{port}"
listen = "127.0.0.1:{port}"
{tls}[database]
url = "{url}"
[custody]
key_file = "{key}"
[oidc]
issuer = "{issuer}"
client_id = "bench"
client_secret = "{secret}"
algorithms = ["ES256"]
owner_claim = "preferred_username"
roles = {{ helpdesk = ["mac-helpdesk"], auditor = ["mac-auditor"] }}
[reveal]
step_up_owner_seconds = 86400
per_minute = 100000
per_hour = 100000
per_day = 100000
[api]
requests_per_minute = 0
agent_requests_per_minute = 0
"#,
            port = self.port,
            tls = self.tls,
            url = self.url,
            key = self.path("root.key").display(),
            secret = self.provider.secret,
        );
        fs::write(self.path("keyharbor.toml"), text).unwrap();
    }

    /// Processor time of the database's own processes so far; SQLite has none.
    pub fn database_cpu(&self) -> Duration {
        let Some(first) = self.database else { return Duration::ZERO };
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        processes.filter_map(|process| Stat::of(&process)).filter(|stat| stat.parent == first).map(|stat| stat.cpu).sum()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let ours = || env!("CARGO_BIN_EXE_keyharbor").into();
        let mut command = Command::new(std::env::var_os("KEYHARBOR_BENCH_PROGRAM").unwrap_or_else(ours));
        command.env_clear().arg("--config").arg(self.path("keyharbor.toml")).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let done = self.command(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Starts the server and does not wait; its log goes to a file, as a service's would.
    pub fn start(&self) -> Server {
        let log = File::create(self.path("server.log")).unwrap();
        let child = self.command(&["serve"]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Server { child, log: self.path("server.log") }
    }

    /// A server that answers.
    pub fn serve(&self) -> Server {
        let mut server = self.start();
        let end = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(self.address()).is_err() || (self.tls.is_empty() && !self.is_live()) {
            assert!(server.child.try_wait().unwrap().is_none() && Instant::now() < end, "{}", server.said());
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    pub fn is_live(&self) -> bool {
        Client::try_new(self.address(), &format!("localhost:{}", self.port))
            .is_some_and(|mut c| c.try_ask("GET", "/healthz", &[], "").is_some_and(|a| a.status == 200))
    }
}

fn private(path: &PathBuf, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Lets what a start sets off come to its end.
    pub fn settle(&self) {
        std::thread::sleep(Duration::from_secs(2));
    }

    /// Processor time so far.
    pub fn cpu(&self) -> Duration {
        cpu(&self.child.id().to_string())
    }

    /// How often its threads were put aside so far.
    pub fn switches(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let status = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
        let of = |text: String| {
            text.lines()
                .filter(|l| l.contains("ctxt_switches"))
                .filter_map(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
                .sum::<u64>()
        };
        status.map(of).sum()
    }

    pub fn memory(&self) -> Memory {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = text.lines().find(|l| l.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
        };
        Memory { rss: of("Rss:"), pss: of("Pss:") }
    }

    pub fn stop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        if self.child.try_wait().unwrap().is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
            self.child.wait().unwrap();
        }
    }
}

/// Of `/proc/…/stat`.
struct Stat {
    parent: u32,
    /// User and system time, which stand there in hundredths of a second.
    cpu: Duration,
}

impl Stat {
    /// Of a process: `self`, or its id. `None`: there is none.
    fn of(process: &str) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before may hold anything.
        let fields: Vec<&str> = text.rsplit(") ").next()?.split(' ').collect();
        let ticks = |n: usize| fields.get(n)?.parse::<u64>().ok();
        Some(Self { parent: fields.get(1)?.parse().ok()?, cpu: Duration::from_millis((ticks(11)? + ticks(12)?) * 10) })
    }
}

/// Processor time of a process so far.
pub fn cpu(process: &str) -> Duration {
    Stat::of(process).unwrap().cpu
}
