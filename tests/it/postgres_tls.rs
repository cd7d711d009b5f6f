//! PostgreSQL behind TLS with an authority of its own: a real server that takes nothing else.

use keyharbor::store::{Store, StoreError, StoreOptions};

use crate::certs::Authority;
use crate::cluster::Cluster;

async fn connect(cluster: &Cluster, host: &str, parameters: &str) -> Result<Store, StoreError> {
    let url = format!("postgres://postgres@{host}:{}/postgres?{parameters}", cluster.port);
    let options = StoreOptions::new(url.into(), 2);
    Store::check(&options)?;
    Store::connect(&options).await
}

#[actix_web::test]
async fn postgresql_is_spoken_to_over_tls_of_its_own_authority_and_no_other() {
    keyharbor::oidc::install_crypto_provider();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cluster = Cluster::with_tls(&authority.localhost());
    let file = |name: &str, authority: &Authority| {
        let path = cluster.folder().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path.display().to_string()
    };
    let (own, other) = (file("own.pem", &authority), file("other.pem", &stranger));

    let store = connect(&cluster, "localhost", &format!("sslmode=verify-full&sslrootcert={own}")).await.unwrap();
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
    store.close().await;
    // The name of the certificate is asked about in verify-full only.
    let by_address = connect(&cluster, "127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={own}")).await;
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
        match connect(&cluster, host, &parameters).await {
            Ok(_) => panic!("{host} {parameters}: it connects"),
            Err(e) => assert!(e.to_string().contains(why), "{host} {parameters}: {e}"),
        }
    }
}
