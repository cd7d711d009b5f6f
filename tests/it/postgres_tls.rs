//! PostgreSQL behind TLS with an authority of its own: a real server that takes nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use keyharbor::store::{Store, StoreError, StoreOptions};

use crate::certs::{Authority, Pair, private};

/// A throw-away cluster; stopped when dropped.
struct Cluster {
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

fn newest() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|e| e.unwrap().path().join("bin")).collect();
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

impl Cluster {
    fn start(server: &Pair) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, bin: newest(), port };
        let (data, path) = (cluster.data(), cluster.folder.path().to_owned());
        if rustix::process::geteuid().is_root() {
            run({
                let mut chown = Command::new("chown");
                chown.arg("postgres").arg(&path);
                chown
            });
        }
        let mut initdb = program(&cluster.bin.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"]);
        run(initdb);
        std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        std::fs::write(data.join("server.crt"), &server.certificate).unwrap();
        private(&data.join("server.key"), &server.key);
        if rustix::process::geteuid().is_root() {
            run({
                let mut chown = Command::new("chown");
                chown.arg("postgres").arg(data.join("server.key")).arg(data.join("server.crt"));
                chown
            });
        }
        let mut start = program(&cluster.bin.join("pg_ctl"));
        start
            .args(["-s", "-w", "-t", "30", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(path.join("log"))
            .arg("-o")
            .arg(format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off -c ssl=on", path.display()));
        // The server keeps the outputs open: nothing may wait for their end.
        let started = start.arg("start").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap();
        assert!(started.success(), "{}", std::fs::read_to_string(path.join("log")).unwrap_or_default());
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn connect(&self, host: &str, parameters: &str) -> Result<Store, StoreError> {
        let url = format!("postgres://postgres@{host}:{}/postgres?{parameters}", self.port);
        Store::check(&url.clone().into())?;
        Store::connect(&StoreOptions { url: url.into(), max_connections: 2 }).await
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = program(&self.bin.join("pg_ctl"));
        let _ = stop.args(["-s", "-m", "immediate", "-D"]).arg(self.data()).arg("stop").current_dir("/").output();
    }
}

#[actix_web::test]
async fn postgresql_is_spoken_to_over_tls_of_its_own_authority_and_no_other() {
    keyharbor::oidc::install_crypto_provider();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cluster = Cluster::start(&authority.localhost());
    let file = |name: &str, authority: &Authority| {
        let path = cluster.folder.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path.display().to_string()
    };
    let (own, other) = (file("own.pem", &authority), file("other.pem", &stranger));

    let store = cluster.connect("localhost", &format!("sslmode=verify-full&sslrootcert={own}")).await.unwrap();
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
    store.close().await;
    // The name of the certificate is asked about in verify-full only.
    let by_address = cluster.connect("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={own}")).await;
    by_address.unwrap().close().await;

    for (host, parameters, why) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), "certificate"),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={own}"), "not valid for name"),
        ("localhost", "sslmode=verify-full".to_owned(), "certificate"),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}"), "certificate"),
        ("localhost", "sslmode=disable".to_owned(), "no encryption"),
        ("localhost", "sslmode=verify-full&sslrootcert=/nowhere/ca.pem".to_owned(), "/nowhere/ca.pem"),
        ("localhost", "sslmode=verify-all".to_owned(), "sslmode"),
        ("localhost", format!("sslmode=verify-full&sslrootcertificate={own}"), "unknown parameter `sslrootcertificate`"),
    ] {
        match cluster.connect(host, &parameters).await {
            Ok(_) => panic!("{host} {parameters}: it connects"),
            Err(e) => assert!(e.to_string().contains(why), "{host} {parameters}: {e}"),
        }
    }
}
