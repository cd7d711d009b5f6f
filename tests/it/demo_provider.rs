//! The demo's own provider: real sockets, the real sign-in code on the other side, a browser by hand.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use keyharbor::cli::demo::provider::{Person, Settings, start};
use keyharbor::config;
use keyharbor::domain::{Role, Subject, Timestamp};
use keyharbor::oidc::{Ask, Begun, Identity, Oidc, OidcError, RolesNote};
use reqwest::header::{HOST, LOCATION, ORIGIN, SET_COOKIE};
use url::form_urlencoded::Serializer;

use crate::fixed::{self, FixedClock, START};
use crate::oidc_world::{callback, parameter};

const PORTAL: &str = "http://localhost:8443";

fn settings(issuer: String) -> Settings {
    let person = |login: &str, groups: &[&str]| Person {
        login: login.into(),
        password: format!("pass of {login} & more").into(),
        name: format!("{login} <b>Demo</b>"),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        sub: format!("sub-{login}"),
    };
    Settings {
        issuer,
        client_id: "keyharbor-demo".into(),
        client_secret: "secret: of / the + demo".to_owned().into(),
        redirect_uri: format!("{PORTAL}/auth/callback"),
        post_logout_uris: vec![format!("{PORTAL}/")],
        people: vec![person("anna", &[]), person("kim", &["mac-helpdesk"])],
    }
}

struct Demo {
    issuer: String,
    clock: Arc<FixedClock>,
    oidc: Oidc,
    http: reqwest::Client,
    handle: actix_web::dev::ServerHandle,
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Demo {
    fn start() -> Self {
        let (clock, env) = fixed::env(9);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let settings = settings(issuer.clone());
        let oidc = config::Oidc {
            issuer: issuer.clone(),
            client_id: settings.client_id.clone(),
            client_secret: config::Secret::from("secret: of / the + demo".to_owned()),
            owner_claim: Some("preferred_username".into()),
            roles: [("helpdesk".to_owned(), vec!["mac-helpdesk".to_owned()])].into(),
            acr_values: vec!["2".into()],
            require_acr: true,
            algorithms: vec!["ES256".into()],
            ..config::Oidc::default()
        };
        let oidc = Oidc::new(&oidc, &config::Outbound::default(), PORTAL, env.clone()).unwrap();
        let server = start(listener, settings, env).unwrap();
        let handle = server.handle();
        std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
        Self { issuer, clock, oidc, http, handle }
    }

    async fn get(&self, url: &str, cookie: Option<&str>) -> reqwest::Response {
        let request = self.http.get(url);
        cookie.map_or(request.try_clone().unwrap(), |c| request.header("cookie", c)).send().await.unwrap()
    }

    async fn post(&self, fields: &[(&str, &str)], cookie: &str, origin: &str) -> reqwest::Response {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}/login", self.issuer)).header("cookie", cookie).header(ORIGIN, origin);
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap()
    }

    /// Opens the form, fills it in, comes back: the callback's address and the cookie then held.
    async fn form(&self, begun: &Begun, cookie: Option<&str>, login: &str) -> (String, String) {
        let page = self.get(&begun.url, cookie).await;
        assert_eq!(page.status(), 200, "a form was expected");
        let cookie = cookie_of(&page).unwrap();
        let request = hidden(&page.text().await.unwrap());
        let password = format!("pass of {login} & more");
        let back = self.post(&[("request", &request), ("login", login), ("password", &password)], &cookie, &self.issuer).await;
        assert_eq!(back.status(), 303);
        (location(&back), cookie_of(&back).unwrap())
    }

    async fn finish(&self, begun: &Begun, back: &str, step_up: bool) -> Result<Identity, OidcError> {
        let anna = Subject { issuer: self.issuer.clone(), subject: "sub-anna".into() };
        self.oidc.finish(callback(back), &begun.nonce, &begun.verifier, step_up.then_some(&anna)).await
    }
}

fn location(response: &reqwest::Response) -> String {
    response.headers()[LOCATION].to_str().unwrap().to_owned()
}

fn cookie_of(response: &reqwest::Response) -> Option<String> {
    let text = response.headers().get(SET_COOKIE)?.to_str().unwrap();
    assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax") && text.contains("Path=/") && !text.contains("Domain"), "{text}");
    Some(text.split(';').next().unwrap().to_owned())
}

fn hidden(page: &str) -> String {
    page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[actix_web::test]
async fn a_person_signs_in_and_keyharbor_knows_who_it_is() {
    let demo = Demo::start();
    let begun = demo.oidc.begin(Ask::sign_in(1800)).await.ok().unwrap();
    let (back, cookie) = demo.form(&begun, None, "kim").await;
    assert!(back.starts_with(&format!("{PORTAL}/auth/callback?code=")));
    assert_eq!(parameter(&back, "state").as_deref(), Some(secrecy::ExposeSecret::expose_secret(&begun.state)));
    assert_eq!(parameter(&back, "iss").as_ref(), Some(&demo.issuer));
    let kim = demo.finish(&begun, &back, false).await.unwrap();
    assert_eq!((kim.who.subject.as_str(), kim.login.as_ref().unwrap().as_str()), ("sub-kim", "kim"));
    assert_eq!((kim.email.as_deref(), kim.roles_note), (Some("kim@example.com"), RolesNote::Fine));
    assert!(kim.roles.has(Role::Helpdesk) && kim.sid.is_some());
    assert_eq!((kim.auth_time, kim.acr.as_deref()), (Some(START), Some("1")));
    assert_eq!(demo.finish(&begun, &back, false).await, Err(OidcError::ProviderError("invalid_grant".into())), "a code works once");

    // Single sign-on while the session is fresh enough, the form again when it is not.
    demo.clock.advance_seconds(600);
    let begun = demo.oidc.begin(Ask::sign_in(1800)).await.ok().unwrap();
    let at_once = demo.get(&begun.url, Some(&cookie)).await;
    assert_eq!(at_once.status(), 303);
    assert_eq!(demo.finish(&begun, &location(&at_once), false).await.unwrap().auth_time, Some(START));
    let begun = demo.oidc.begin(Ask::sign_in(300)).await.ok().unwrap();
    assert_eq!(demo.get(&begun.url, Some(&cookie)).await.status(), 200);

    // A code is good for a minute.
    let begun = demo.oidc.begin(Ask::sign_in(1800)).await.ok().unwrap();
    let late = location(&demo.get(&begun.url, Some(&cookie)).await);
    demo.clock.advance_seconds(60);
    assert_eq!(demo.finish(&begun, &late, false).await, Err(OidcError::ProviderError("invalid_grant".into())));
}

#[actix_web::test]
async fn a_step_up_is_a_new_sign_in_at_the_level_that_was_asked_for() {
    let demo = Demo::start();
    let begun = demo.oidc.begin(Ask::sign_in(1800)).await.ok().unwrap();
    let (_, cookie) = demo.form(&begun, None, "anna").await;
    demo.clock.advance_seconds(10);
    let begun = demo.oidc.begin(Ask::step_up(300)).await.ok().unwrap();
    let (back, newer) = demo.form(&begun, Some(&cookie), "anna").await;
    assert_ne!(cookie, newer, "the session's name changes");
    let anna = demo.finish(&begun, &back, true).await.unwrap();
    assert_eq!((anna.auth_time, anna.acr.as_deref()), (Some(Timestamp(START.0 + 10_000_000)), Some("2")));
    // A low session never satisfies a request for the higher level.
    let low = demo.oidc.begin(Ask { max_age: 300, prompt_login: false, acr: true }).await.ok().unwrap();
    assert_eq!(demo.get(&low.url, Some(&cookie)).await.status(), 200);
    assert_eq!(demo.get(&low.url, Some(&newer)).await.status(), 303);
}

#[actix_web::test]
async fn wrong_passwords_foreign_forms_and_other_browsers_get_nothing() {
    let demo = Demo::start();
    let begun = demo.oidc.begin(Ask::sign_in(60)).await.ok().unwrap();
    let page = demo.get(&begun.url, None).await;
    let cookie = cookie_of(&page).unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("form-action 'self' {PORTAL};")) && policy.contains("default-src 'none'"), "{policy}");
    let text = page.text().await.unwrap();
    assert!(text.contains("Demo sign-in") && text.contains("<code>kim</code>"));
    assert!(!text.contains("<b>Demo") && !text.contains("pass of"), "names are escaped, passwords are not there");
    let request = hidden(&text);
    let good = [("request", request.as_str()), ("login", "anna"), ("password", "pass of anna & more")];
    assert_eq!(demo.post(&good, "", &demo.issuer).await.status(), 400, "no cookie");
    assert_eq!(demo.post(&good, "demo_provider=x", &demo.issuer).await.status(), 400, "another browser");
    for origin in [PORTAL, "null", "http://127.0.0.1"] {
        assert_eq!(demo.post(&good, &cookie, origin).await.status(), 400, "{origin}");
    }
    let script = "\"><script>alert(1)</script>";
    for (login, password) in [("anna", "pass of kim & more"), ("nobody", "pass of anna & more"), (script, ""), ("anna", "")] {
        let wrong = demo.post(&[("request", &request), ("login", login), ("password", password)], &cookie, &demo.issuer).await;
        assert_eq!(wrong.status(), 422);
        assert!(!wrong.text().await.unwrap().contains("<script>"));
    }
    for _ in 0..6 {
        demo.post(&[("request", &request), ("login", "anna"), ("password", "x")], &cookie, &demo.issuer).await;
    }
    assert_eq!(demo.post(&good, &cookie, &demo.issuer).await.status(), 400, "ten tries, then the form is spent");
}

#[actix_web::test]
async fn a_request_that_is_not_right_goes_nowhere_or_back_with_an_error() {
    let demo = Demo::start();
    let good = demo.oidc.begin(Ask::sign_in(60)).await.ok().unwrap().url;
    let portal = "http%3A%2F%2Flocalhost%3A8443%2Fauth%2Fcallback";
    assert!(good.contains(portal));
    for bad in [
        good.replace(portal, "http%3A%2F%2Flocalhost%3A8443%2Fauth%2Fcallback%2F"),
        good.replace(portal, "https%3A%2F%2Fevil.example.com"),
        good.replace("client_id=keyharbor-demo", "client_id=other"),
        format!("{good}&redirect_uri=https%3A%2F%2Fevil.example.com"),
    ] {
        let answer = demo.get(&bad, None).await;
        assert_eq!(answer.status(), 400, "{bad}");
        assert!(answer.headers().get(LOCATION).is_none());
    }
    for (from, to, error) in [
        ("code_challenge_method=S256", "code_challenge_method=plain", "invalid_request"),
        ("code_challenge=", "no_challenge=", "invalid_request"),
        ("max_age=60", "max_age=x", "invalid_request"),
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("scope=openid", "scope=other", "invalid_scope"),
        ("max_age=60", "max_age=60&prompt=none", "login_required"),
    ] {
        assert!(good.contains(from), "{good}");
        let answer = demo.get(&good.replace(from, to), None).await;
        let back = location(&answer);
        assert!(back.starts_with(PORTAL) && parameter(&back, "iss").is_some() && parameter(&back, "state").is_some());
        assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{to}");
    }
}

#[actix_web::test]
async fn the_code_needs_its_verifier_and_the_client_its_secret() {
    let demo = Demo::start();
    let (one, two) = (demo.oidc.begin(Ask::sign_in(60)).await.ok().unwrap(), demo.oidc.begin(Ask::sign_in(60)).await.ok().unwrap());
    let (back, _) = demo.form(&one, None, "anna").await;
    let swapped = demo.oidc.finish(callback(&back), &one.nonce, &two.verifier, None).await;
    assert_eq!(swapped, Err(OidcError::ProviderError("invalid_grant".into())));
    let token =
        demo.http.post(format!("{}/token", demo.issuer)).header("authorization", "Basic eDp5").body("grant_type=authorization_code");
    assert_eq!(token.send().await.unwrap().status(), 401);
    let userinfo = demo.http.get(format!("{}/userinfo", demo.issuer)).header("authorization", "Bearer x");
    assert_eq!(userinfo.send().await.unwrap().status(), 401);
}

#[actix_web::test]
async fn it_answers_on_loopback_under_its_own_name_and_never_through_a_proxy() {
    let demo = Demo::start();
    let discovery = format!("{}/.well-known/openid-configuration", demo.issuer);
    assert_eq!(demo.get(&discovery, None).await.status(), 200);
    let port = demo.issuer.rsplit(':').next().unwrap();
    for host in ["evil.example.com".to_owned(), "127.0.0.1".to_owned(), format!("localhost:{port}"), format!("127.0.0.1.evil:{port}")] {
        assert_eq!(demo.http.get(&discovery).header(HOST, &host).send().await.unwrap().status(), 421, "{host}");
    }
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"] {
        assert_eq!(demo.http.get(&discovery).header(name, "x").send().await.unwrap().status(), 421, "{name}");
    }
    let (_, env) = fixed::env(1);
    let issuer = "http://127.0.0.1:1".to_owned();
    let everywhere = start(TcpListener::bind("0.0.0.0:0").unwrap(), settings(issuer), env.clone());
    assert_eq!(everywhere.err().map(|e| e.kind()), Some(io::ErrorKind::InvalidInput));
    for issuer in ["http://id.example.com:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/x", "http://192.0.2.1:1", "x"] {
        let refused = start(TcpListener::bind("127.0.0.1:0").unwrap(), settings(issuer.into()), env.clone());
        assert!(refused.is_err(), "{issuer}");
    }
}

#[actix_web::test]
async fn signing_out_ends_the_session_and_leads_back_to_registered_addresses_only() {
    let demo = Demo::start();
    let begun = demo.oidc.begin(Ask::sign_in(60)).await.ok().unwrap();
    let (_, cookie) = demo.form(&begun, None, "anna").await;
    assert_eq!(demo.get(&begun.url, Some(&cookie)).await.status(), 303);
    let url = demo.oidc.end_session_url(&format!("{PORTAL}/")).unwrap();
    let out = demo.get(&url, Some(&cookie)).await;
    assert_eq!((out.status().as_u16(), location(&out)), (303, format!("{PORTAL}/?state=there")));
    assert_eq!(demo.get(&begun.url, Some(&cookie)).await.status(), 200, "the session is gone");
    for elsewhere in ["https://evil.example.com/", "http://localhost:8443/other"] {
        let page = demo.get(&demo.oidc.end_session_url(elsewhere).unwrap(), None).await;
        assert_eq!(page.status(), 200);
        assert!(page.text().await.unwrap().contains(&format!("href=\"{PORTAL}/\"")));
    }
}
