//! People who sign in by the real way: an identity provider on loopback (the one that the demo has), its form, and back.

use std::net::TcpListener;

use keyharbor::cli::demo::provider::{Person, Settings, start};
use secrecy::SecretString;

use crate::client::Client;
use crate::process::Home;

const PEOPLE: [(&str, &[&str]); 3] = [("anna", &[]), ("kim", &["mac-helpdesk"]), ("eva", &["mac-auditor"])];
const PASSWORD: &str = "only-on-loopback";

pub struct Provider {
    pub issuer: String,
    pub secret: String,
    handle: actix_web::dev::ServerHandle,
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Provider {
    /// For the portal at that address.
    pub fn start(portal: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let secret = "of-the-bench".to_owned();
        let person = |(login, groups): &(&str, &[&str])| Person {
            login: (*login).into(),
            password: PASSWORD.to_owned().into(),
            name: (*login).into(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            sub: format!("sub-{login}"),
        };
        let settings = Settings {
            issuer: issuer.clone(),
            client_id: "bench".into(),
            client_secret: SecretString::from(secret.clone()),
            redirect_uri: format!("{portal}/auth/callback"),
            post_logout_uris: Vec::new(),
            people: PEOPLE.iter().map(person).collect(),
        };
        let (_, env) = keyharbor::service::clock::system();
        let server = start(listener, settings, env).unwrap();
        let handle = server.handle();
        std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
        Self { issuer, secret, handle }
    }
}

/// Path and query of an address on `host`.
fn path(address: &str) -> String {
    let rest = address.split_once("://").unwrap().1;
    rest.split_once('/').map(|(_, path)| format!("/{path}")).unwrap()
}

/// A browser with that person's session.
pub fn sign_in(home: &Home, login: &str) -> Client {
    let mut browser = Client::new(home.address(), &format!("localhost:{}", home.port));
    let leaves = browser.get("/sign-in");
    let authorize = leaves.header("location").unwrap_or_else(|| panic!("{} {}", leaves.status, leaves.body)).to_owned();
    let issuer = &home.provider.issuer;
    let host = issuer.strip_prefix("http://").unwrap();
    let mut there = Client::new(host.parse().unwrap(), host);
    let request = there.get(&path(&authorize)).hidden("request");
    let back = there.post("/login", issuer, &format!("request={request}&login={login}&password={PASSWORD}"));
    let back = back.header("location").unwrap_or_else(|| panic!("{} {}", back.status, back.body)).to_owned();
    let done = browser.get(&path(&back));
    assert_eq!(done.status, 303, "{}", done.body);
    browser
}
