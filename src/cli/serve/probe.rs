//! The server asks itself, through its own public socket, whether it still serves: what the watchdog hears depends on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::tls::Certificates;

/// Asks the public listener whether the process lives, as anybody outside would.
pub struct Probe {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Probe {
    /// # Errors
    /// The listener has no address.
    pub fn of(listener: &TcpListener, certificates: Option<&Arc<Certificates>>) -> std::io::Result<Self> {
        let mut address = listener.local_addr()?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(Self { address, tls: certificates.map(|c| TlsConnector::from(Arc::new(pinned(c.clone())))) })
    }

    /// Is `/healthz` answered with 200 within that time?
    pub async fn answers(&self, patience: Duration) -> bool {
        let ask = async {
            let stream = TcpStream::connect(self.address).await?;
            match &self.tls {
                Some(tls) => Self::ask(tls.connect(ServerName::from(self.address.ip()), stream).await?).await,
                None => Self::ask(stream).await,
            }
        };
        matches!(tokio::time::timeout(patience, ask).await, Ok(Ok(true)))
    }

    async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<bool> {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut start = [0u8; 12];
        stream.read_exact(&mut start).await?;
        Ok(&start == b"HTTP/1.1 200")
    }
}

/// A client that takes the server's own certificate and no other, whatever its names and whoever signed it.
fn pinned(certificates: Arc<Certificates>) -> ClientConfig {
    ClientConfig::builder().dangerous().with_custom_certificate_verifier(Arc::new(Own(certificates))).with_no_client_auth()
}

#[derive(Debug)]
struct Own(Arc<Certificates>);

fn algorithms() -> WebPkiSupportedAlgorithms {
    rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let own = self.0.leaf().is_some_and(|own| own == *leaf);
        if own { Ok(ServerCertVerified::assertion()) } else { Err(rustls::CertificateError::UnknownIssuer.into()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, leaf, signed, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, leaf, signed, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_server_that_does_not_answer_or_answers_otherwise_does_not_live() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!Probe::of(&silent, None).unwrap().answers(Duration::from_millis(50)).await, "it takes connections and says nothing");
        let gone = Probe::of(&silent, None).unwrap();
        drop(silent);
        assert!(!gone.answers(Duration::from_secs(5)).await);
        for (answer, lives) in
            [(&b"HTTP/1.1 200 OK\r\n\r\n"[..], true), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false), (b"HTTP", false)]
        {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let probe = Probe { address: listener.local_addr().unwrap(), tls: None };
            let serve = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(answer).await.unwrap();
            };
            assert_eq!(tokio::join!(probe.answers(Duration::from_secs(5)), serve).0, lives, "{answer:?}");
        }
    }
}
