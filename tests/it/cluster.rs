//! PostgreSQL servers of a test's own: started, killed and promoted by it. Every one listens on 127.0.0.1 only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::certs::{Pair, private};

/// A throw-away cluster; stopped when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
    bin: PathBuf,
    pub port: u16,
}

fn newest() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql").unwrap().map(|e| e.unwrap().path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().unwrap()
}

/// The program as a user that PostgreSQL runs under: never root.
fn program(path: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(path);
    command
}

fn run(mut command: Command) {
    let done = command.current_dir("/").output().unwrap();
    assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
}

fn give_to_postgres(path: &Path) {
    if rustix::process::geteuid().is_root() {
        let mut chown = Command::new("chown");
        chown.arg("postgres").arg(path);
        run(chown);
    }
}

fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

impl Cluster {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        give_to_postgres(folder.path());
        Self { folder, bin: newest(), port }
    }

    fn initialised() -> Self {
        let cluster = Self::new();
        let mut initdb = program(&cluster.bin.join("initdb"));
        initdb.arg("-D").arg(cluster.data()).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"]);
        run(initdb);
        cluster
    }

    /// One that speaks TLS and nothing else.
    pub fn with_tls(server: &Pair) -> Self {
        let cluster = Self::initialised();
        let data = cluster.data();
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        fs::write(data.join("server.crt"), &server.certificate).unwrap();
        private(&data.join("server.key"), &server.key);
        give_to_postgres(&data.join("server.key"));
        give_to_postgres(&data.join("server.crt"));
        cluster.start("-c fsync=off -c ssl=on");
        cluster
    }

    pub fn primary() -> Self {
        let cluster = Self::initialised();
        cluster.start("");
        cluster
    }

    /// A copy of this one that follows it under that name.
    pub fn standby(&self, name: &str) -> Self {
        let standby = Self::new();
        let mut copy = program(&self.bin.join("pg_basebackup"));
        copy.args(["-R", "--no-sync", "-c", "fast", "-D"]).arg(standby.data());
        copy.arg("-d").arg(format!("host=127.0.0.1 port={} user=postgres application_name={name}", self.port));
        run(copy);
        // One that is promoted in the moment in which its primary dies waits so long before it obeys: five seconds by default.
        standby.start("-c wal_retrieve_retry_interval=200ms");
        standby
    }

    fn start(&self, more: &str) {
        let path = self.folder();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_wal_senders=4 -c shared_buffers=16MB {more}",
            self.port,
            path.display()
        );
        let mut start = program(&self.bin.join("pg_ctl"));
        start.args(["-s", "-w", "-t", "30", "-D"]).arg(self.data()).arg("-l").arg(path.join("log")).arg("-o").arg(options).arg("start");
        // The server keeps the outputs open: nothing may wait for their end.
        let started = start.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(started.success(), "{}", fs::read_to_string(path.join("log")).unwrap_or_default());
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    pub async fn sql(&self, text: &str) {
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut self.connect().await).await.unwrap();
    }

    /// One number.
    pub async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// Every process of it, as a machine that loses power.
    pub fn kill(&self) {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let postmaster: i32 = text.lines().next().unwrap().parse().unwrap();
        for pid in [vec![postmaster], children(postmaster)].concat() {
            kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).ok();
        }
    }

    pub fn promote(&self) {
        let mut promote = program(&self.bin.join("pg_ctl"));
        promote.args(["-s", "-w", "-D"]).arg(self.data()).arg("promote");
        run(promote);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = program(&self.bin.join("pg_ctl"));
        let _ = stop.args(["-s", "-m", "immediate", "-D"]).arg(self.data()).arg("stop").current_dir("/").output();
    }
}
