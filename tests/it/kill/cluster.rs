//! A PostgreSQL of the harness's own, with `fsync` on, that can be killed with all its processes and started again.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

pub struct Cluster {
    folder: TempDir,
    port: u16,
    programs: PathBuf,
    /// User and group that it runs as, where the tests run as root, which it refuses.
    owner: Option<(u32, u32)>,
    postmaster: Mutex<Option<Child>>,
}

fn id_of(kind: &str, user: &str) -> u32 {
    let said = Command::new("id").args([kind, user]).output().unwrap().stdout;
    String::from_utf8(said).unwrap().trim().parse().unwrap_or_else(|_| panic!("there is no user {user}"))
}

impl Cluster {
    pub fn start() -> Self {
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|e| e.unwrap().path().join("bin")).collect();
        found.retain(|programs| programs.join("initdb").exists());
        found.sort();
        let owner = getuid().is_root().then(|| (id_of("-u", "postgres"), id_of("-g", "postgres")));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let cluster = Self { folder, port, programs: found.pop().unwrap(), owner, postmaster: Mutex::new(None) };
        let mut initdb = cluster.program("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-D"]).arg(cluster.data());
        let done = initdb.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        cluster.again();
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where it writes what it is about to acknowledge.
    pub fn wal(&self) -> PathBuf {
        self.data().join("pg_wal")
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it, and waits until it answers.
    pub fn again(&self) {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut postgres = self.program("postgres");
        postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=on", "-c", "full_page_writes=on", "-c"]);
        postgres.arg(format!("unix_socket_directories={}", self.folder.path().display()));
        postgres.args(["-p", &self.port.to_string(), "-D"]).arg(self.data());
        *self.postmaster.lock().unwrap() = Some(postgres.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let since = Instant::now();
        let answers =
            || self.program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status().unwrap().success();
        while !answers() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(since.elapsed() < Duration::from_secs(60), "{}", log());
        }
    }

    /// SIGKILL, to the postmaster and to each of its processes.
    pub fn kill(&self) {
        let Some(mut postmaster) = self.postmaster.lock().unwrap().take() else { return };
        let children = children(postmaster.id());
        let _ = postmaster.kill();
        for child in &children {
            if let Some(pid) = i32::try_from(*child).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        postmaster.wait().unwrap();
        // One that lives on would hold the shared memory, and the next postmaster would refuse to start.
        let since = Instant::now();
        while children.iter().any(|child| lives(*child)) {
            assert!(since.elapsed() < Duration::from_secs(20), "a killed process lives on");
            std::thread::yield_now();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

fn children(of: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
    listed.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Neither gone nor waiting for its parent to notice.
fn lives(pid: u32) -> bool {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
