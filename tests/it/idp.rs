//! An identity provider that misbehaves on demand: real HTTP on 127.0.0.1, a port of its own.
//!
//! `Idp::start(clock)`; `idp.person("astrid", &["mac-helpdesk"])`; `idp.authorize(&begun.url, "astrid")` does what a browser
//! and a person would and gives the address that the browser is sent back to; over HTTP, `GET /authorize` does it for the
//! person of `idp.sign_in_as(..)`. `idp.set(|b| ..)` makes it misbehave from then on, `idp.fetches("/jwks")` counts calls.

pub mod keys;
pub mod logout;
pub mod wire;

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyharbor::config;
use keyharbor::domain::Clock;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use keys::{Keys, Sign, b64};
use wire::{Request, Response, Trouble};

pub const CLIENT_ID: &str = "keyharbor";
pub const CLIENT_SECRET: &str = "secret of the client, with = and %";
const METADATA: &str = "/.well-known/openid-configuration";

/// Claims, headers or fields that replace the right ones; `None` = left out.
pub type Overrides = BTreeMap<String, Option<Value>>;

/// What the provider does wrong. The default is an honest one.
#[derive(Clone)]
pub struct Behaviour {
    pub sign: Sign,
    pub header: Overrides,
    pub claims: Overrides,
    pub userinfo: Overrides,
    pub metadata: Overrides,
    /// Claims of the person that are in userinfo only.
    pub only_in_userinfo: Vec<&'static str>,
    /// By path, e.g. "/token".
    pub trouble: BTreeMap<&'static str, Trouble>,
    /// `iss` in the authorization response: the right one, another, or (`None`) none.
    pub response_iss: Option<String>,
    /// `error` and `error_description` in place of a code.
    pub error: Option<(String, String)>,
}

struct Grant {
    login: String,
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
    acr: Option<String>,
    auth_time: i64,
}

struct Inner {
    issuer: String,
    clock: Arc<dyn Clock>,
    keys: Mutex<Arc<Keys>>,
    behaviour: Mutex<Behaviour>,
    people: Mutex<BTreeMap<String, Map<String, Value>>>,
    current: Mutex<String>,
    grants: Mutex<BTreeMap<String, Grant>>,
    access: Mutex<BTreeMap<String, String>>,
    issued: Mutex<Vec<String>>,
    log: Mutex<Vec<String>>,
    arrived: Condvar,
    sent: AtomicUsize,
    counter: AtomicU64,
    stop: AtomicBool,
}

pub struct Idp(Arc<Inner>);

impl Drop for Idp {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.0.issuer.trim_start_matches("http://"));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

fn apply(onto: &mut Map<String, Value>, overrides: &Overrides) {
    for (name, value) in overrides {
        match value {
            Some(value) => onto.insert(name.clone(), value.clone()),
            None => onto.remove(name),
        };
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

impl Idp {
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        static FIRST: OnceLock<Arc<Keys>> = OnceLock::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Behaviour {
            sign: Sign::Rs256,
            header: Overrides::new(),
            claims: Overrides::new(),
            userinfo: Overrides::new(),
            metadata: Overrides::new(),
            only_in_userinfo: Vec::new(),
            trouble: BTreeMap::new(),
            response_iss: Some(issuer.clone()),
            error: None,
        };
        let inner = Arc::new(Inner {
            issuer,
            clock,
            keys: Mutex::new(Arc::clone(FIRST.get_or_init(|| Arc::new(Keys::new(1))))),
            behaviour: Mutex::new(behaviour),
            people: Mutex::default(),
            current: Mutex::default(),
            grants: Mutex::default(),
            access: Mutex::default(),
            issued: Mutex::default(),
            log: Mutex::default(),
            arrived: Condvar::new(),
            sent: AtomicUsize::new(0),
            counter: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let server = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.stop.load(Ordering::SeqCst) {
                    return;
                }
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(&stream));
            }
        });
        let idp = Self(inner);
        idp.person("astrid", &[]);
        idp
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Settings that fit this provider.
    pub fn config(&self) -> config::Oidc {
        config::Oidc {
            issuer: self.0.issuer.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: config::Secret::from(CLIENT_SECRET.to_owned()),
            owner_claim: Some("preferred_username".into()),
            roles: [("helpdesk", "mac-helpdesk"), ("auditor", "mac-audit"), ("admin", "mac-admin")]
                .map(|(role, group)| (role.to_owned(), vec![group.to_owned()]))
                .into(),
            ..config::Oidc::default()
        }
    }

    /// Adds or replaces a person; `sub` is `sub-<login>`. Whoever is added last signs in at `GET /authorize`.
    pub fn person(&self, login: &str, groups: &[&str]) {
        let claims = object(json!({
            "sub": format!("sub-{login}"), "name": format!("{login} Test"), "email": format!("{login}@example.com"),
            "preferred_username": login, "groups": groups, "sid": format!("sid-{login}"), "locale": "sv-SE",
        }));
        lock(&self.0.people).insert(login.to_owned(), claims);
        self.sign_in_as(login);
    }

    /// Changes one claim of a person.
    pub fn claim(&self, login: &str, name: &str, value: Value) {
        lock(&self.0.people).get_mut(login).unwrap().insert(name.to_owned(), value);
    }

    /// Who signs in at `GET /authorize`.
    pub fn sign_in_as(&self, login: &str) {
        *lock(&self.0.current) = login.to_owned();
    }

    /// Makes it misbehave, from now on.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.0.behaviour));
    }

    /// Overrides one claim of the ID token.
    pub fn token_claim(&self, name: &str, value: Option<Value>) {
        self.set(|b| drop(b.claims.insert(name.into(), value)));
    }

    /// Makes an address misbehave, or behave again.
    pub fn trouble(&self, path: &'static str, trouble: Option<Trouble>) {
        self.set(|b| match trouble {
            Some(trouble) => drop(b.trouble.insert(path, trouble)),
            None => drop(b.trouble.remove(path)),
        });
    }

    pub fn trouble_discovery(&self, trouble: Option<Trouble>) {
        self.trouble(METADATA, trouble);
    }

    /// New keys under new names; the old ones leave the set.
    pub fn rotate(&self) {
        let next = lock(&self.0.keys).generation + 1;
        *lock(&self.0.keys) = Arc::new(Keys::new(next));
    }

    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&lock(&self.0.keys))
    }

    /// How often a path was fetched.
    pub fn fetches(&self, path: &str) -> usize {
        lock(&self.0.log).iter().filter(|line| line.split(' ').nth(1) == Some(path)).count()
    }

    /// Waits for one more request.
    pub fn until_asked(&self) {
        let log = lock(&self.0.log);
        let before = log.len();
        let waited = self.0.arrived.wait_timeout_while(log, Duration::from_secs(90), |log| log.len() == before).unwrap();
        assert!(!waited.1.timed_out(), "nobody asked");
    }

    pub fn log(&self) -> Vec<String> {
        lock(&self.0.log).clone()
    }

    /// Every access token and ID token that was handed out.
    pub fn issued(&self) -> Vec<String> {
        lock(&self.0.issued).clone()
    }

    /// Bytes that big answers could get rid of.
    pub fn bytes_sent(&self) -> usize {
        self.0.sent.load(Ordering::SeqCst)
    }

    /// Follows an authorization request as that person: the address the browser is sent back to. Panics on a request that a
    /// real provider would refuse (wrong client, no PKCE, no state, max_age = 0).
    pub fn authorize(&self, url: &str, login: &str) -> String {
        self.0.authorize(&pairs(Url::parse(url).unwrap().query().unwrap()), login).unwrap()
    }
}

impl Inner {
    fn serve(&self, stream: &TcpStream) {
        let Some(request) = wire::read(stream) else { return };
        lock(&self.log).push(format!("{} {}", request.method, request.path));
        self.arrived.notify_all();
        let trouble = lock(&self.behaviour).trouble.get(request.path.as_str()).cloned();
        match trouble {
            Some(trouble) => wire::misbehave(stream, &trouble, &self.stop, |n| {
                self.sent.fetch_add(n, Ordering::SeqCst);
            }),
            None => wire::answer(stream, &self.route(&request)),
        }
    }

    fn route(&self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", METADATA) => Response::json(200, &Value::Object(self.metadata())),
            ("GET", "/jwks" | "/evil/jwks") => Response::json(200, &lock(&self.keys).set()),
            ("GET", "/authorize") => {
                let login = lock(&self.current).clone();
                match self.authorize(&pairs(&request.query), &login) {
                    Ok(back) => Response::redirect(back),
                    Err(why) => Response::json(400, &json!({"error": "invalid_request", "error_description": why})),
                }
            }
            ("POST", "/token") => self.token(request),
            ("GET", "/userinfo") => self.userinfo(request),
            ("GET", "/end-session") => Response::json(200, &json!({"signed_out": true})),
            _ => Response::json(404, &json!({})),
        }
    }

    fn metadata(&self) -> Map<String, Value> {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut metadata = object(json!({
            "issuer": self.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"), "userinfo_endpoint": at("/userinfo"), "end_session_endpoint": at("/end-session"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "code_challenge_methods_supported": ["plain", "S256"], "authorization_response_iss_parameter_supported": true,
        }));
        apply(&mut metadata, &lock(&self.behaviour).metadata);
        metadata
    }

    fn authorize(&self, query: &BTreeMap<String, String>, login: &str) -> Result<String, &'static str> {
        let get = |name: &str| query.get(name).map(String::as_str);
        let behaviour = lock(&self.behaviour).clone();
        let needed = [("response_type", "code"), ("client_id", CLIENT_ID), ("code_challenge_method", "S256")];
        if needed.iter().any(|(name, value)| get(name) != Some(value)) {
            return Err("response_type, client_id or code_challenge_method");
        }
        if get("max_age").and_then(|n| n.parse::<i64>().ok()).is_none_or(|n| n < 1) {
            return Err("max_age");
        }
        let scopes: Vec<&str> = get("scope").unwrap_or_default().split(' ').collect();
        let (Some(state), true) = (get("state"), scopes.contains(&"openid")) else { return Err("state or scope") };
        let mut back = Url::parse(get("redirect_uri").ok_or("redirect_uri")?).map_err(|_| "redirect_uri")?;
        if let Some((error, description)) = &behaviour.error {
            back.query_pairs_mut().append_pair("error", error).append_pair("error_description", description);
        } else {
            let code = self.fresh("code");
            let grant = Grant {
                login: login.to_owned(),
                redirect_uri: get("redirect_uri").unwrap_or_default().to_owned(),
                challenge: get("code_challenge").ok_or("code_challenge")?.to_owned(),
                nonce: get("nonce").map(str::to_owned),
                acr: get("acr_values").and_then(|v| v.split(' ').next()).map(str::to_owned),
                auth_time: self.clock.now().seconds(),
            };
            lock(&self.grants).insert(code.clone(), grant);
            back.query_pairs_mut().append_pair("code", &code);
        }
        back.query_pairs_mut().append_pair("state", state);
        if let Some(iss) = &behaviour.response_iss {
            back.query_pairs_mut().append_pair("iss", iss);
        }
        Ok(back.into())
    }

    fn fresh(&self, kind: &str) -> String {
        format!("{kind}-{}", self.counter.fetch_add(1, Ordering::SeqCst))
    }

    fn token(&self, request: &Request) -> Response {
        let refuse = |why: &str| Response::json(400, &json!({"error": why}));
        let coded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", coded(CLIENT_ID), coded(CLIENT_SECRET))));
        let form = pairs(&request.body);
        let get = |name: &str| form.get(name).map(String::as_str);
        let posted = get("client_id") == Some(CLIENT_ID) && get("client_secret") == Some(CLIENT_SECRET);
        if request.authorization.as_deref() != Some(&basic) && !posted {
            return Response::json(401, &json!({"error": "invalid_client"}));
        }
        let Some(grant) = get("code").and_then(|code| lock(&self.grants).remove(code)) else { return refuse("invalid_grant") };
        let proof = get("code_verifier").filter(|v| (43..=128).contains(&v.len())).map(|v| b64(&Sha256::digest(v)));
        if proof.as_deref() != Some(&grant.challenge) || get("redirect_uri") != Some(&grant.redirect_uri) {
            return refuse("invalid_grant");
        }
        let access = b64(&Sha256::digest(self.fresh("access")));
        lock(&self.access).insert(access.clone(), grant.login.clone());
        let id_token = self.id_token(&grant);
        lock(&self.issued).extend([access.clone(), id_token.clone()]);
        Response::json(
            200,
            &json!({
                "access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
            }),
        )
    }

    fn id_token(&self, grant: &Grant) -> String {
        let behaviour = lock(&self.behaviour).clone();
        let keys = Arc::clone(&lock(&self.keys));
        let now = self.clock.now().seconds();
        let mut claims = object(json!({
            "iss": self.issuer, "aud": CLIENT_ID, "exp": now + 300, "iat": now, "auth_time": grant.auth_time,
            "nonce": grant.nonce, "acr": grant.acr.as_deref().unwrap_or("1"),
        }));
        claims.extend(lock(&self.people).get(&grant.login).cloned().unwrap_or_default());
        claims.retain(|name, _| !behaviour.only_in_userinfo.contains(&name.as_str()));
        apply(&mut claims, &behaviour.claims);
        let (alg, kid) = keys.header(behaviour.sign);
        let mut header = object(json!({"alg": alg, "kid": kid, "typ": "JWT"}));
        apply(&mut header, &behaviour.header);
        let part = |map: Map<String, Value>| b64(Value::Object(map).to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = b64(&keys.sign(behaviour.sign, &input, CLIENT_SECRET));
        format!("{input}.{signature}")
    }

    fn userinfo(&self, request: &Request) -> Response {
        let token = request.authorization.as_deref().and_then(|a| a.strip_prefix("Bearer ")).unwrap_or_default();
        let login = lock(&self.access).get(token).cloned();
        let Some(mut claims) = login.and_then(|login| lock(&self.people).get(&login).cloned()) else {
            return Response::json(401, &json!({"error": "invalid_token"}));
        };
        apply(&mut claims, &lock(&self.behaviour).userinfo);
        Response::json(200, &Value::Object(claims))
    }
}
