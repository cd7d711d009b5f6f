//! A PostgreSQL of the bench's own, with the durability that it has by default: what is acknowledged is on disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::process::free_port;

pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

/// The newest one that is installed.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

impl Cluster {
    /// `None`: PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let cluster = Self {
            folder: tempfile::Builder::new().prefix("keyharbor-bench").tempdir().unwrap(),
            programs: programs()?,
            port: free_port(),
        };
        let folder = cluster.folder.path();
        if rustix::process::geteuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder).status().unwrap();
            assert!(owned.success(), "PostgreSQL refuses to run as root, and there is no user postgres");
        }
        let data = cluster.data();
        cluster.program("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200",
            cluster.port,
            folder.display()
        );
        let log = folder.join("log").display().to_string();
        cluster.program("pg_ctl", &["-w", "-D", &data, "-l", &log, "-o", &options, "start"]);
        Some(cluster)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Its first process, the parent of all others.
    pub fn pid(&self) -> u32 {
        let text = std::fs::read_to_string(Path::new(&self.data()).join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().trim().parse().unwrap()
    }

    /// Runs one of its programs as the user it demands.
    fn program(&self, name: &str, arguments: &[&str]) {
        let program = self.programs.join(name);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let folder: &Path = self.folder.path();
        // Not to a pipe: the server that it starts would hold it open.
        let log = std::fs::OpenOptions::new().create(true).append(true).open(std::env::temp_dir().join("keyharbor-bench-pg.log")).unwrap();
        let command = command.args(arguments).current_dir(folder).stdin(Stdio::null());
        let done = command.stdout(log.try_clone().unwrap()).stderr(log).status().unwrap();
        assert!(done.success(), "{name} failed; see {}", std::env::temp_dir().join("keyharbor-bench-pg.log").display());
    }

    /// An empty database of that name; the address of it.
    pub fn database(&self, name: &str) -> String {
        let address = |name: &str| format!("postgres://postgres@127.0.0.1:{}/{name}", self.port);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options: sqlx::postgres::PgConnectOptions = address("postgres").parse().unwrap();
            let mut conn = options.connect().await.unwrap();
            for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
                conn.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
            }
            conn.close().await.unwrap();
        });
        address(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if Path::new(&self.data()).join("postmaster.pid").is_file() {
            self.program("pg_ctl", &["-w", "-m", "immediate", "-D", &self.data(), "stop"]);
        }
    }
}
