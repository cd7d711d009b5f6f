//! The demo's identity provider: small, honest, and on loopback only.
//!
//! OpenID Connect with the code flow, PKCE S256, ES256, a login form and a session of its own. It refuses to listen
//! anywhere but on loopback, requests for another host and requests that came through a proxy. It cannot misbehave; what
//! misbehaves lives in the tests. Nothing is kept when it stops.

mod authorize;
mod guard;
mod pages;
mod state;
mod tokens;

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, middleware, web};
use secrecy::SecretString;
use serde_json::json;
use url::{Host, Url};

use crate::domain::Env;
use state::Book;
use tokens::Signer;

/// Someone who can sign in.
#[derive(Clone)]
pub struct Person {
    pub login: String,
    pub password: SecretString,
    pub name: String,
    pub groups: Vec<String>,
    pub sub: String,
}

/// One client, and who can sign in to it.
#[derive(Clone)]
pub struct Settings {
    /// `http://127.0.0.1:<port>`, without a path.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: SecretString,
    pub redirect_uri: String,
    pub post_logout_uris: Vec<String>,
    pub people: Vec<Person>,
}

/// What the handlers share.
struct Provider {
    settings: Settings,
    env: Env,
    /// `host:port`, the one `Host` that is answered.
    host: String,
    /// Where the client lives, for links and the content policy.
    portal: String,
    signer: Signer,
    book: Book,
}

/// Serves on `listener` until the server's handle stops it; signals are left to the caller.
///
/// # Errors
/// A listener or an issuer that is not on loopback, a redirect address that is none, or what actix says.
pub fn start(listener: TcpListener, settings: Settings, env: Env) -> io::Result<Server> {
    let refuse = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    if !listener.local_addr()?.ip().is_loopback() {
        return Err(refuse("the demo's provider listens on loopback only"));
    }
    let issuer = Url::parse(&settings.issuer).map_err(|_| refuse("the issuer is not an address"))?;
    let loopback = match issuer.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    if !loopback || issuer.origin().ascii_serialization() != settings.issuer {
        return Err(refuse("the issuer must be http://127.0.0.1:<port>"));
    }
    let portal = Url::parse(&settings.redirect_uri).map_err(|_| refuse("the redirect address is not an address"))?;
    let provider = web::Data::new(Provider {
        host: issuer.authority().to_owned(),
        portal: portal.origin().ascii_serialization(),
        signer: Signer::new(&env).map_err(|_| refuse("no signing key can be made"))?,
        book: Book::new(env.clone()),
        settings,
        env,
    });
    let app = move || App::new().app_data(provider.clone()).wrap(middleware::from_fn(guard::guard)).configure(routes);
    Ok(HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

fn routes(app: &mut web::ServiceConfig) {
    app.app_data(web::FormConfig::default().limit(16 * 1024))
        .app_data(web::PayloadConfig::new(16 * 1024))
        .service(web::resource("/.well-known/openid-configuration").get(discovery))
        .service(web::resource("/jwks").get(jwks))
        .service(web::resource("/authorize").get(authorize::authorize))
        .service(web::resource("/login").post(authorize::login))
        .service(web::resource("/token").post(tokens::token))
        .service(web::resource("/userinfo").get(tokens::userinfo))
        .service(web::resource("/end-session").get(authorize::end_session))
        .service(web::resource("/sign-in.css").get(pages::css))
        .service(web::resource("/icon.svg").get(pages::icon))
        .service(web::resource("/").get(pages::home));
}

async fn discovery(provider: web::Data<Provider>) -> HttpResponse {
    let issuer = &provider.settings.issuer;
    let at = |path: &str| format!("{issuer}{path}");
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "end_session_endpoint": at("/end-session"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "scopes_supported": ["openid", "profile", "email", "groups"],
        "prompt_values_supported": ["none", "login"],
        "acr_values_supported": ["1", "2"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "acr", "sid", "name", "email", "preferred_username", "groups"
        ],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

async fn jwks(provider: web::Data<Provider>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "keys": [provider.signer.jwk()] }))
}
