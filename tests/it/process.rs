//! The real binary, in a folder of its own: run to its end, or run beside the test and stopped by a signal.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A settings file, a place for the database and the root key.
pub struct Home {
    pub folder: TempDir,
    pub port: u16,
}

/// What a finished program said.
pub struct Said {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn ok(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }

    /// Fails, and says so.
    pub fn fails(self, with: &str) -> Self {
        assert_eq!(self.status.code(), Some(1), "{}\n{}", self.out, self.err);
        assert!(self.err.contains(with), "{with}: {}", self.err);
        self
    }
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyharbor"));
    command.env_clear();
    command
}

pub fn finish(mut command: Command) -> Said {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: done.status, out: text(done.stdout), err: text(done.stderr) }
}

/// A program that ends at once with that complaint; one that serves in spite of it, and so says it, fails the test.
pub fn refuses(mut command: Command, with: &str) {
    command.env("KEYHARBOR__LOG__LEVEL", "info");
    let mut program = Running::start(command);
    assert_eq!(program.says("\"serving\""), None, "it serves");
    program.end().fails(with);
}

impl Home {
    /// With this issuer; nothing is initialised yet.
    pub fn new(issuer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = Self { folder, port };
        home.settings(&format!(
            r#"[server]
public_url = "http://localhost:{port}"
listen = "127.0.0.1:{port}"
workers = 1
[database]
url = "sqlite://{}"
[custody]
key_file = "{}"
[oidc]
issuer = "{issuer}"
client_id = "keyharbor"
owner_claim = "preferred_username"
"#,
            home.path("keyharbor.db").display(),
            home.path("root.key").display()
        ));
        home
    }

    /// The same, with database, ring and root key.
    pub fn ready(issuer: &str) -> Self {
        let home = Self::new(issuer);
        home.run(&["init"]).ok();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn settings(&self, text: &str) {
        std::fs::write(self.path("keyharbor.toml"), text).unwrap();
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path("keyharbor.db").display())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.arg("--config").arg(self.path("keyharbor.toml")).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        finish(self.command(arguments))
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// A program that ends at once with that complaint; one that serves in spite of it fails the test.
    pub fn refuses(&self, arguments: &[&str], with: &str) {
        refuses(self.command(arguments), with);
    }

    /// A server that serves.
    pub fn serve(&self) -> Running {
        let mut server = self.start(&["serve"]);
        server.until("\"serving\"");
        server
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", self.port))
    }

    pub fn deposit(&self, token: &str, serial: &str, key: &str) -> (u16, String) {
        let body = serde_json::json!({ "serial": serial, "recovery_key": key }).to_string();
        self.ask(&format!("{}{body}", self.deposit_head(token, body.len())))
    }

    /// A Crypt client's check-in, the token in its path.
    pub fn check_in(&self, token: &str, serial: &str, key: &str) -> (u16, String) {
        let body = format!("serial={serial}&recovery_password={key}&username=u&macname=m");
        self.ask(&format!(
            "POST /compat/crypt/{token}/checkin/ HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        ))
    }

    pub fn deposit_head(&self, token: &str, length: usize) -> String {
        format!(
            "POST /api/v1/deposits HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n",
            self.port
        )
    }

    pub fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    }
}

/// Status and the rest, up to the end of the connection.
pub fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, text)
}

/// A program beside the test; killed when dropped.
pub struct Running {
    pub child: Child,
    out: BufReader<ChildStdout>,
    /// What it has printed so far.
    pub said: String,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawned(command)
    }

    /// The same, with what the command's own input and error output are.
    pub fn spawned(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out, said: String::new() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads its lines up to one that holds the text, or to the end.
    pub fn says(&mut self, text: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            self.said.push_str(&line);
            if line.contains(text) {
                return Some(line);
            }
        }
    }

    /// The same, and it must say so.
    pub fn until(&mut self, text: &str) -> String {
        self.says(text).unwrap_or_else(|| {
            let mut err = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            panic!("it ended before it said {text}:\n{}\n{err}", self.said)
        })
    }

    pub fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops a server; all that it has said.
    pub fn end_by_term(self) -> String {
        self.signal(Signal::TERM);
        let said = self.end();
        format!("{}{}", said.out, said.err)
    }

    /// Closes its input and waits for its end.
    pub fn end(mut self) -> Said {
        drop(self.child.stdin.take());
        let mut out = std::mem::take(&mut self.said);
        self.out.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut err).unwrap();
        }
        Said { status: self.child.wait().unwrap(), out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
