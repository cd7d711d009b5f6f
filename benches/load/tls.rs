//! Deposits over the server's own TLS (1.3, connections that are kept), against the same without it.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore};

use crate::Plan;
use crate::figures::Figures;
use crate::generator::{Kind, Load};
use crate::process::Home;

pub fn measure(plan: &Plan, figures: &mut Figures) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
    let (pem, key) = (certificate.pem(), key.serialize_pem());
    let load = Load { plan, connections: 64, kind: Kind::Json, from: 0, cycle: None };
    let rates = [None, Some((pem.as_str(), key.as_str()))].map(|pair| {
        let home = Home::with(None, pair);
        let server = home.serve();
        let done = load.run_over(&home, &server, pair.map(|_| Arc::clone(&client)));
        figures.load(if pair.is_some() { "tls.on" } else { "tls.off" }, &done);
        done.rate()
    });
    figures.row("tls", rates[1], rates[0], "/s");
}
