//! Behind nginx, Caddy and HAProxy: the files in `packaging/proxy`, run by the real programs in front of the real server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use rustls::version::TLS13;

use crate::certs::{Authority, head_and_body, open, private};
use crate::probe::part;
use crate::process::{Home, Running};
use crate::world::{KEY, MAC};

/// Where the callers come from: no proxy's address, so nobody believes what they say of themselves.
const CALLER: &str = "127.0.0.2";

struct Ports {
    https: u16,
    http: u16,
}

/// A proxy in front of a server.
struct Front {
    home: Home,
    authority: Authority,
    ports: Ports,
    server: Running,
    proxy: Child,
    token: String,
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The shipped file with names and places of this test; what it replaces must be there.
fn adapted(file: &str, changes: &[(&str, String)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/proxy").join(file);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has no {from}");
        text = text.replace(from, to);
    }
    text
}

impl Front {
    fn start(proxy: impl FnOnce(&Home, &Ports) -> Command) -> Self {
        let home = Home::ready("http://127.0.0.1:9");
        let ports = Ports { https: free(), http: free() };
        let settings = std::fs::read_to_string(home.path("keyharbor.toml")).unwrap();
        home.settings(
            &settings.replace(&format!("http://localhost:{}", home.port), &format!("https://localhost:{}", ports.https)).replace(
                "workers = 1\n",
                "workers = 1\nbehind_proxy = true\ntrusted_proxies = [\"127.0.0.1/32\"]\nnotice_seconds = 3600\n",
            ),
        );
        let token = home.run(&["token", "create", "--name", "t", "--scope", "escrow:write", "--door", "crypt-path"]).ok().out;
        let token = token.trim().to_owned();
        let authority = Authority::new();
        let pair = authority.localhost();
        pair.write(home.folder.path());
        private(&home.path("keyharbor.pem"), &format!("{}{}", pair.certificate, pair.key));
        std::fs::write(home.path("ca.pem"), authority.pem()).unwrap();
        let server = home.serve();
        let mut command = proxy(&home, &ports);
        let output = std::fs::File::create(home.path("proxy.out")).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let proxy = command.spawn().unwrap();
        let front = Self { home, authority, ports, server, proxy, token };
        front.until("/readyz", 200);
        front
    }

    /// Status and all else that `curl` shows of one request to the TLS side.
    fn curl(&self, path: &str, more: &[&str]) -> (u16, String) {
        self.fetch(&format!("https://localhost:{}{path}", self.ports.https), more)
    }

    fn fetch(&self, url: &str, more: &[&str]) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.env_clear().args(["-s", "-i", "--http1.1", "--path-as-is", "--interface", CALLER, "--cacert"]).arg(self.home.path("ca.pem"));
        let done = curl.args(more).arg(url).output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        (text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0), text)
    }

    /// Until the proxy answers so; what it has noticed comes a little later than what happened.
    fn until(&self, path: &str, status: u16) {
        let since = Instant::now();
        loop {
            let (got, text) = self.curl(path, &[]);
            if got == status {
                return;
            }
            let tail = || self.said().lines().rev().take(20).map(|l| format!("{l}\n")).collect::<String>();
            assert!(since.elapsed() < Duration::from_secs(20), "{path}: {text}\n{}", tail());
        }
    }

    /// Everything that the proxy wrote anywhere.
    fn said(&self) -> String {
        let mut all = String::new();
        for name in ["proxy.out", "access.log", "access-http.log", "error.log", "main-error.log"] {
            all += &std::fs::read(self.home.path(name)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
        }
        all
    }

    /// All that must be so behind every proxy.
    fn holds(mut self, checks_health: bool, answers_early: bool) {
        let (status, page) = self.curl("/help", &[]);
        assert_eq!(status, 200, "the host is passed on: {page}");
        assert!(page.to_lowercase().contains("strict-transport-security: max-age=63072000"), "{page}");
        assert!(self.curl("/", &["-H", "X-Forwarded-Host: evil.example"]).0 == 200);
        self.addresses();
        self.limits();
        self.in_the_clear();
        self.passes_at_once(answers_early);
        let token = self.token.clone();
        if checks_health {
            self.server.signal(Signal::TERM);
            self.server.until("not ready any more");
            assert_eq!(self.home.get("/healthz").0, 200);
            self.until("/healthz", 503);
        }
        self.server.signal(Signal::KILL);
        while std::net::TcpStream::connect(("127.0.0.1", self.home.port)).is_ok() {}
        let down = self.curl(&format!("/compat/crypt/{token}/checkin/"), &["-d", "serial=x"]);
        assert!((502..=504).contains(&down.0), "{}", down.1);
        self.traces();
        self.stop();
        let said = self.said();
        let hidden = |text: &str| assert!(!said.contains(text), "{text} is in the proxy's log: {said}");
        [token.as_str(), part(&token, ..20), "a-code", "198.51.100"].into_iter().for_each(hidden);
        assert!(said.contains(CALLER), "it does log: {said}");
    }

    /// S35: who asks is who the proxy sees, whatever is said.
    fn addresses(&mut self) {
        let path = format!("/compat/crypt/{}/checkin", self.token);
        let form = format!("serial={MAC}&recovery_password={KEY}&username=u&macname=m");
        let lies = ["-H", "X-Forwarded-For: 198.51.100.66", "-H", "X-Forwarded-For: 198.51.100.67", "-H", "Forwarded: for=198.51.100.68"];
        for address in [path.clone(), format!("{path}/")] {
            let (status, text) = self.curl(&address, &[&["-d", form.as_str()][..], &lies].concat());
            assert_eq!(status, 200, "no redirect, no other address: {text}");
        }
        assert_eq!(self.curl("/auth/callback?code=a-code&state=a-state", &lies).0, 400);
        let line = self.server.until("\"route\":\"/auth/callback\"");
        assert!(line.contains(&format!("\"address\":\"{CALLER}\"")), "{line}");
        assert!(!self.server.said.contains("198.51.100"), "{}", self.server.said);
        let checked_in = self.server.said.lines().filter(|l| l.contains("/checkin") && l.contains(CALLER)).count();
        assert_eq!(checked_in, 2, "{}", self.server.said);
    }

    /// What is too large is refused: by the server what it takes no more of, by the proxy what nobody needs.
    fn limits(&self) {
        for size in [70 * 1024, 17 * 1024 * 1024] {
            let file = self.home.path("large");
            std::fs::write(&file, vec![b'a'; size]).unwrap();
            let body = format!("@{}", file.display());
            // Who is still sending when the connection closes may lose the answer: 0, and so it is asked again.
            let send = || self.curl(&format!("/compat/crypt/{}/checkin/", self.token), &["--data-binary", &body, "-H", "Expect:"]);
            let (status, text) = (0..5).map(|_| send()).find(|(status, _)| *status != 0).unwrap();
            assert_eq!(status, 413, "{size}: {text}");
        }
    }

    /// Port 80 leads people to TLS, and tells machines that they are wrong.
    fn in_the_clear(&self) {
        let plain = |path: &str| self.fetch(&format!("http://localhost:{}{path}", self.ports.http), &[]);
        let (status, text) = plain("/devices");
        assert_eq!(status, 301, "{text}");
        assert!(text.to_lowercase().contains("location: https://localhost"), "{text}");
        for path in [format!("/compat/crypt/{}/checkin/", self.token), "/api/v1/deposits".to_owned()] {
            assert_eq!(plain(&path).0, 404);
        }
    }

    /// A request is passed on before its body has ended, and the answer comes back at once, but where the proxy itself waits
    /// for the body's end before it answers (Go's HTTP server does).
    fn passes_at_once(&mut self, answers_early: bool) {
        let mut stream = open(self.ports.https, &self.authority, &[&TLS13], &["http/1.1"]).unwrap();
        let head = format!(
            "POST /api/v1/deposits HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer kh_no\r\nContent-Type: application/x-ndjson\r\n\
             Content-Length: 50000\r\n\r\n{{\"serial\":",
            self.ports.https
        );
        stream.write_all(head.as_bytes()).unwrap();
        let line = self.server.until("\"route\":\"/api/v1/deposits\"");
        assert!(line.contains("\"status\":401"), "{line}");
        if answers_early {
            let answer = head_and_body(&mut stream);
            assert!(answer.starts_with("http/1.1 401"), "{answer}");
        }
    }

    /// What a stranger says of traces is dropped: in the server's place stands one that hands back each head.
    fn traces(&self) {
        let upstream = TcpListener::bind(("127.0.0.1", self.home.port)).unwrap();
        std::thread::spawn(move || {
            for stream in upstream.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                    head.push(byte[0]);
                }
                let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", head.len());
                let _ = stream.write_all(&[answer.as_bytes(), &head].concat());
            }
        });
        self.until("/help", 200);
        let (_, text) = self.curl("/help", &["-H", "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00"]);
        assert!(text.contains("GET /help HTTP/1.1"), "{text}");
        assert!(!text.contains("0123456789abcdef") && !text.to_lowercase().contains("traceparent"), "{text}");
    }

    fn stop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.proxy), Signal::TERM);
        let _ = self.proxy.wait();
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.proxy), Signal::KILL);
        let _ = self.proxy.wait();
    }
}

fn place(home: &Home, name: &str) -> String {
    home.path(name).display().to_string()
}

#[test]
fn s35_s50_nginx_passes_on_what_must_be_and_logs_no_path() {
    let front = Front::start(|home, ports| {
        let snippet = adapted(
            "nginx.conf",
            &[
                ("server_name keys.example.com", "server_name localhost".into()),
                ("listen 443 ssl", format!("listen 127.0.0.1:{} ssl", ports.https)),
                ("listen 80", format!("listen 127.0.0.1:{}", ports.http)),
                ("127.0.0.1:8080", format!("127.0.0.1:{}", home.port)),
                ("/etc/keyharbor/tls.", place(home, "tls.")),
                ("/var/log/nginx/keyharbor.log", place(home, "access.log")),
                ("/var/log/nginx/keyharbor-error.log", place(home, "error.log")),
            ],
        );
        std::fs::write(home.path("snippet.conf"), snippet).unwrap();
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {};", place(home, kind)))
            .collect();
        let main = format!(
            "{user} daemon off; pid {}; error_log {} info; events {{}} http {{ access_log off; {temporary} include {}; }}",
            place(home, "nginx.pid"),
            place(home, "main-error.log"),
            place(home, "snippet.conf")
        );
        std::fs::write(home.path("nginx.conf"), main).unwrap();
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-p").arg(home.folder.path()).arg("-e").arg(home.path("main-error.log")).arg("-c").arg(home.path("nginx.conf"));
        nginx
    });
    front.holds(false, true);
}

#[test]
fn s35_s50_caddy_passes_on_what_must_be_and_logs_no_path() {
    let front = Front::start(|home, ports| {
        let text = adapted(
            "Caddyfile",
            &[
                ("https://keys.example.com:443", format!("https://localhost:{}", ports.https)),
                ("http://keys.example.com:80", format!("http://localhost:{}", ports.http)),
                ("127.0.0.1:8080", format!("127.0.0.1:{}", home.port)),
                ("/etc/keyharbor/tls.", place(home, "tls.")),
                ("/var/log/caddy/keyharbor.log", place(home, "access.log")),
                ("/var/log/caddy/keyharbor-http.log", place(home, "access-http.log")),
                ("health_interval 5s", "health_interval 100ms".into()),
                ("\tauto_https", "\tadmin off\n\tauto_https".into()),
            ],
        );
        std::fs::write(home.path("Caddyfile"), text).unwrap();
        let mut caddy = Command::new("/usr/bin/caddy");
        caddy.env_clear().env("HOME", home.folder.path()).args(["run", "--adapter", "caddyfile", "--config"]).arg(home.path("Caddyfile"));
        caddy
    });
    front.holds(true, false);
}

#[test]
fn s35_s50_haproxy_passes_on_what_must_be_and_logs_no_path() {
    let front = Front::start(|home, ports| {
        let text = adapted(
            "haproxy.cfg",
            &[
                ("hdr Host keys.example.com", "hdr Host localhost".into()),
                ("bind :443", format!("bind 127.0.0.1:{}", ports.https)),
                ("bind :80", format!("bind 127.0.0.1:{}", ports.http)),
                ("127.0.0.1:8080", format!("127.0.0.1:{}", home.port)),
                ("/etc/haproxy/keyharbor.pem", place(home, "keyharbor.pem")),
                ("check inter 5s", "check inter 100".into()),
            ],
        );
        std::fs::write(home.path("haproxy.cfg"), text).unwrap();
        let mut haproxy = Command::new("/usr/sbin/haproxy");
        haproxy.env_clear().arg("-db").arg("-f").arg(home.path("haproxy.cfg"));
        haproxy
    });
    front.holds(true, true);
}
