//! Calls to the provider through a proxy, and to one whose certificate a company's own authority signed. The certificates
//! beside this file were made for it and stand for nothing.

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use keyharbor::config;
use keyharbor::oidc::{Oidc, OidcError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fixed;

fn beside(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/outbound").join(name)
}

fn oidc(issuer: &str, outbound: &config::Outbound) -> Oidc {
    let settings = config::Oidc { issuer: issuer.into(), client_id: "keyharbor".into(), ..config::Oidc::default() };
    Oidc::new(&settings, outbound, "https://keys.example.com", fixed::env(3).1).unwrap()
}

#[tokio::test]
async fn calls_go_through_the_proxy_of_the_settings_but_for_loopback() {
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outbound = config::Outbound { proxy: Some(format!("http://{}", proxy.local_addr().unwrap())), ..config::Outbound::default() };
    let asked = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let away = oidc("https://id.example.invalid", &outbound).discover().await;
    assert!(matches!(away, Err(OidcError::Unreachable(_))), "{away:?}");
    assert!(asked.await.unwrap().starts_with("CONNECT id.example.invalid:443 HTTP/1.1"));
    // The proxy is gone by now; who calls this machine does not ask it.
    let idp = crate::idp::Idp::start(fixed::env(3).1.clock);
    oidc(idp.issuer(), &outbound).discover().await.unwrap();
}

#[actix_web::test]
async fn a_companys_own_authority_is_trusted_when_the_settings_name_it() {
    keyharbor::oidc::http::install_crypto_provider();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let keys = json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
    }] });
    let document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
    });
    let certificates = CertificateDer::pem_file_iter(beside("server.pem")).unwrap().map(Result::unwrap).collect();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(beside("server.key")).unwrap())
        .unwrap();
    let server = HttpServer::new(move || {
        let (document, keys) = (document.clone(), keys.clone());
        App::new()
            .route("/.well-known/openid-configuration", web::get().to(move || std::future::ready(HttpResponse::Ok().json(&document))))
            .route("/jwks", web::get().to(move || std::future::ready(HttpResponse::Ok().json(&keys))))
    })
    .workers(1)
    .disable_signals()
    .listen_rustls_0_23(listener, tls)
    .unwrap()
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let named = config::Outbound { ca_file: Some(beside("ca.pem")), ..config::Outbound::default() };
    oidc(&issuer, &named).discover().await.unwrap();
    let refused = oidc(&issuer, &config::Outbound::default()).discover().await;
    assert!(matches!(refused, Err(OidcError::Unreachable(_))), "{refused:?}");
    handle.stop(false).await;
}
