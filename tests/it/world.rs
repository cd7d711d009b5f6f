//! A whole Keyharbor for one test: a fresh database, the misbehaving provider, a clock that stands still, and browsers,
//! API callers and agents that talk to the real application in process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::body::to_bytes;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::{test, web};
use keyharbor::config::{Config, Secret};
use keyharbor::crypto::RootKey;
use keyharbor::domain::audit::{Actor, TrailRow};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::Env;
use keyharbor::domain::person::Login;
use keyharbor::domain::token::{Door, Scope, Scopes};
use keyharbor::domain::{EventKind, Serial};
use keyharbor::formats::owners::Line;
use keyharbor::oidc::Oidc;
use keyharbor::service::custody::{Custody, create_ring};
use keyharbor::service::tokens::NewToken;
use keyharbor::service::{Keyharbor, Rules};
use keyharbor::store::Engine;
use keyharbor::web::{App, application};

use crate::engines::{self, Fresh};
use crate::fixed::{self, FixedClock};
use crate::idp::Idp;

pub const ORIGIN: &str = "https://keys.example.com";
pub const HOST: &str = "keys.example.com";
/// Synthetic keys.
pub const KEY: &str = "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2";
pub const OTHER_KEY: &str = "GGGG-HHHH-JJJJ-KKKK-LLLL-MMM3";
pub const MAC: &str = "C02TEST00001";

pub struct World {
    pub idp: Idp,
    pub clock: Arc<FixedClock>,
    pub env: Env,
    pub fresh: Fresh,
    pub root: RootKey,
    pub service: Keyharbor,
    pub app: web::Data<App>,
    browsers: AtomicU8,
}

/// One answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The recovery key that this page shows, if any: the tiles' text.
    pub fn key(&self) -> Option<String> {
        let (_, rest) = self.text.split_once(r#"<p class="key secret""#)?;
        let (tiles, _) = rest.split_once("</p>")?;
        let text: String = tiles.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
        Some(text.split_whitespace().collect::<Vec<_>>().join("-"))
    }

    /// The value of the first hidden csrf field.
    pub fn csrf(&self) -> Option<String> {
        let (_, rest) = self.text.split_once(r#"name="csrf" value=""#)?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    }
}

impl World {
    pub async fn new() -> Self {
        Self::on(Engine::Sqlite, |_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Engine::Sqlite, change).await
    }

    /// One world on each engine.
    pub async fn both() -> [Self; 2] {
        [Self::on(Engine::Sqlite, |_| {}).await, Self::on(Engine::Postgres, |_| {}).await]
    }

    pub async fn on(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let (clock, env) = fixed::env(7);
        let idp = Idp::start(env.clock.clone());
        for (login, groups) in
            [("astrid", vec![]), ("berit", vec![]), ("kim", vec!["mac-helpdesk"]), ("eva", vec!["mac-auditor"]), ("ola", vec!["mac-admin"])]
        {
            idp.person(login, &groups);
        }
        let mut config = Config { oidc: idp.config(), ..Config::default() };
        config.server.public_url = ORIGIN.into();
        config.oidc.roles = [("helpdesk", "mac-helpdesk"), ("auditor", "mac-auditor"), ("admin", "mac-admin")]
            .into_iter()
            .map(|(role, group)| (role.to_owned(), vec![group.to_owned()]))
            .collect();
        config.oidc.owner_claim = Some("preferred_username".into());
        change(&mut config);
        let fresh = match engine {
            Engine::Sqlite => engines::sqlite().await,
            Engine::Postgres => engines::postgres().await,
        };
        let root = RootKey::generate(env.entropy.as_ref());
        let ring = create_ring(&fresh.store, &root, false, &env).await.unwrap();
        config.custody.key = Secret::from(root.text().as_str().to_owned());
        Self::assemble(idp, clock, env, fresh, root, config, Custody::open(ring))
    }

    fn assemble(idp: Idp, clock: Arc<FixedClock>, env: Env, fresh: Fresh, root: RootKey, config: Config, custody: Custody) -> Self {
        let oidc = Oidc::new(&config.oidc, &config.outbound, ORIGIN, env.clone()).unwrap();
        let service = Keyharbor::new(fresh.store.clone(), env.clone(), Rules::new(config).unwrap(), oidc, custody);
        let app = web::Data::new(App::new(service.clone()).unwrap());
        Self { idp, clock, env, fresh, root, service, app, browsers: AtomicU8::new(0) }
    }

    /// The same world, restarted with other settings or custody (the database stays).
    pub fn restarted(self, change: impl FnOnce(&mut Config), custody: Custody) -> Self {
        let mut config = self.service.rules().config.clone();
        change(&mut config);
        let Self { idp, clock, env, fresh, root, .. } = self;
        Self::assemble(idp, clock, env, fresh, root, config, custody)
    }

    /// The same world on another database, under the ring that lies there; and the database of before.
    pub async fn over(self, fresh: Fresh) -> (Self, Fresh) {
        let ring = keyharbor::service::custody::open_ring(&fresh.store, &self.root, false).await.unwrap();
        let config = self.service.rules().config.clone();
        let Self { idp, clock, env, fresh: before, root, .. } = self;
        (Self::assemble(idp, clock, env, fresh, root, config, Custody::open(ring)), before)
    }

    /// After fifty browsers the next fifty come from another network, since each may begin only so many sign-ins.
    pub fn browser(&self) -> Browser {
        let peer = match self.browsers.fetch_add(1, Ordering::Relaxed) / 50 {
            0 => "192.0.2.10:40000".parse().unwrap(),
            n => SocketAddr::from(([198, 18, n, 10], 40000)),
        };
        Browser { app: self.app.clone(), jar: BTreeMap::new(), peer, headers: Vec::new(), csrf: None }
    }

    /// A browser with that person signed in.
    pub async fn signed_in(&self, login: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(self, login).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    pub async fn token(&self, scopes: &[Scope], door: Door, trust: Trust) -> String {
        let scopes = scopes.iter().copied().fold(Scopes::default(), Scopes::with);
        let new = NewToken { name: "test".into(), scopes, door, device_pattern: None, trust, expires_at: None };
        self.service.create_token(new, Actor::Operator).await.unwrap().1.as_str().to_owned()
    }

    /// A key handed in through the JSON door with a token of that trust.
    pub async fn deposit(&self, serial: &str, key: &str, trust: Trust) -> Answer {
        let token = self.token(&[Scope::EscrowWrite], Door::Header, trust).await;
        self.api(Method::POST, "/api/v1/deposits", &token, Some(serde_json::json!({ "serial": serial, "recovery_key": key }))).await
    }

    pub async fn api(&self, method: Method, path: &str, token: &str, body: Option<serde_json::Value>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.raw(method, path, &headers, body.map(|b| b.to_string()).unwrap_or_default()).await
    }

    /// A Crypt client's check-in.
    pub async fn check_in(&self, token: &str, serial: &str, key: &str) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("macname", "Test’s Mac\n"), ("recovery_password", key), ("serial", serial), ("username", "astrid")])
            .finish();
        self.raw(Method::POST, &format!("/compat/crypt/{token}/checkin/"), &[("content-type", "application/x-www-form-urlencoded")], body)
            .await
    }

    /// A request with these headers (and `Host`) and nothing else.
    pub async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<web::Bytes>) -> Answer {
        let mut request =
            test::TestRequest::with_uri(path).method(method).peer_addr("192.0.2.20:50000".parse().unwrap()).set_payload(body.into());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.insert_header(("host", HOST));
        }
        for (name, value) in headers {
            request = with_header(request, name, value);
        }
        send(&self.app, request).await
    }

    pub async fn own(&self, serial: &str, login: &str) {
        let line = Line { number: 2, serial: Serial::parse(serial).unwrap(), login: Login::parse(login).unwrap() };
        self.service.import_owners(&[line], true, false).await.unwrap();
    }

    /// A Mac of Astrid's with a key: its id.
    pub async fn astrids_mac(&self) -> String {
        self.own(MAC, "astrid").await;
        let answer = self.deposit(MAC, KEY, Trust::Observed).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        self.device_id(MAC).await
    }

    pub async fn device_id(&self, serial: &str) -> String {
        let mut tx = self.fresh.store.read().await.unwrap();
        tx.device_by_serial(&Serial::parse(serial).unwrap()).await.unwrap().unwrap().id.to_string()
    }

    /// Every trail row, oldest first.
    pub async fn trail(&self) -> Vec<TrailRow> {
        self.fresh.store.read().await.unwrap().trail_after(0, 100_000).await.unwrap()
    }

    pub async fn count(&self, kind: EventKind) -> usize {
        self.trail().await.iter().filter(|r| r.event.kind == kind).count()
    }

    /// The newest trail row.
    pub async fn last(&self) -> TrailRow {
        self.trail().await.pop().unwrap()
    }

    /// One statement behind the server's back.
    pub async fn sql(&self, text: &str) -> u64 {
        use sqlx::Connection as _;
        let text = sqlx::AssertSqlSafe(text.to_owned());
        if self.fresh.url.starts_with("sqlite") {
            let mut conn = sqlx::SqliteConnection::connect(&self.fresh.url).await.unwrap();
            sqlx::query(text).execute(&mut conn).await.unwrap().rows_affected()
        } else {
            let mut conn = sqlx::PgConnection::connect(&self.fresh.url).await.unwrap();
            sqlx::query(text).execute(&mut conn).await.unwrap().rows_affected()
        }
    }
}

/// One more header line; a length takes the place of the true one.
fn with_header(request: test::TestRequest, name: &str, value: &str) -> test::TestRequest {
    if name == "content-length" { request.insert_header((name, value)) } else { request.append_header((name, value)) }
}

/// Sends one request through the real application.
pub async fn send(app: &web::Data<App>, request: test::TestRequest) -> Answer {
    use actix_web::dev::Service as _;
    let service = test::init_service(application(app.clone())).await;
    let request = request.to_request();
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    let response = match service.call(request).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        // What the server's dispatcher does with an error of the outermost middleware.
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.unwrap_or_default();
    let answer = Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() };
    crate::openapi::hold(&method, &path, answer.status, answer.header("content-type"), &answer.text);
    answer
}

/// Keeps cookies as a browser would, sends what a browser sends with navigation and with forms.
pub struct Browser {
    pub app: web::Data<App>,
    pub jar: BTreeMap<String, String>,
    pub peer: SocketAddr,
    /// More headers for every request.
    pub headers: Vec<(String, String)>,
    csrf: Option<String>,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], String::new()).await
    }

    /// Posts a form of ours from a page of ours, with the csrf token of this browser's last page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = match &self.csrf {
            Some(csrf) => csrf.clone(),
            None => {
                self.get("/help").await;
                self.csrf.clone().unwrap_or_default()
            }
        };
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("csrf", &csrf).extend_pairs(fields).finish();
        self.post_raw(path, body).await
    }

    /// Posts exactly this body, with a browser's headers.
    pub async fn post_raw(&mut self, path: &str, body: String) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
        self.request(Method::POST, path, &headers, body).await
    }

    pub async fn request(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = test::TestRequest::with_uri(path).method(method).peer_addr(self.peer).set_payload(body);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.insert_header(("host", HOST));
        }
        for (name, value) in headers.iter().copied().chain(self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()))) {
            request = with_header(request, name, value);
        }
        if !self.jar.is_empty() {
            let line = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            request = request.insert_header(("cookie", line));
        }
        let answer = send(&self.app, request).await;
        for line in answer.headers.get_all("set-cookie").filter_map(|v| v.to_str().ok()) {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap_or_default();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(csrf) = answer.csrf() {
            self.csrf = Some(csrf);
        }
        answer
    }

    /// Signs in through the provider; the answer is the callback's.
    pub async fn sign_in(&mut self, world: &World, login: &str) -> Answer {
        let leave = self.get("/sign-in").await;
        assert_eq!(leave.status, StatusCode::SEE_OTHER, "{}", leave.text);
        let back = world.idp.authorize(leave.location(), login);
        self.csrf = None;
        self.get(path_of(&back)).await
    }

    /// Goes through a step-up page as that person; the answer is the callback's.
    pub async fn step_up(&mut self, world: &World, page: &Answer, login: &str) -> Answer {
        let url = link_to_provider(page, world.idp.issuer());
        let back = world.idp.authorize(&url, login);
        self.get(path_of(&back)).await
    }

    /// Presses "Get recovery key" on one's own Mac.
    pub async fn reveal(&mut self, device: &str) -> Answer {
        self.post(&format!("/devices/{device}/reveal"), &[]).await
    }

    /// Fills in the desk's form.
    pub async fn desk_reveal(&mut self, device: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields =
            vec![("ticket", "INC001"), ("reason", "forgot_password"), ("reason_text", ""), ("identity", "called back"), ("version", "")];
        for (name, value) in more {
            fields.retain(|(n, _)| n != name);
            fields.push((name, value));
        }
        self.post(&format!("/desk/devices/{device}/reveal"), &fields).await
    }
}

/// Path and query of an absolute address of ours.
pub fn path_of(url: &str) -> &str {
    url.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{url} is not ours"))
}

/// The link on a page that leads to the provider.
pub fn link_to_provider(page: &Answer, issuer: &str) -> String {
    let start = format!(r#"href="{issuer}"#);
    let (_, rest) = page.text.split_once(&start).unwrap_or_else(|| panic!("no link to the provider: {}", page.text));
    let (tail, _) = rest.split_once('"').unwrap();
    format!("{issuer}{tail}").replace("&#38;", "&").replace("&amp;", "&")
}

/// The public part of an API token.
pub fn token_id(text: &str) -> &str {
    text.split('_').nth(1).unwrap()
}
