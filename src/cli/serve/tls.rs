//! The public listener's own TLS: certificate and key from two files, read again when they change or at SIGHUP.
//!
//! What cannot be used (garbage, a key of another certificate, one that has ended) stops a start; later it only leaves the
//! one before in place, with a line in the log and a count. Nothing here ends TLS for the second listener.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use x509_cert::der::{Decode as _, SliceReader};

use crate::config::Server;
use crate::domain::Timestamp;
use crate::service::custody::private_mode;
use crate::telemetry::metrics::Metrics;

const DAY: i64 = 86400;
/// Days before its end from which on a certificate is warned of, and from which on louder.
const WARN_DAYS: i64 = 30;
const ALARM_DAYS: i64 = 7;

/// Why a certificate cannot be used. Names the setting and the file; nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{setting}: cannot read {path}: {why}")]
    Unreadable { setting: &'static str, path: String, why: String },
    #[error("server.tls_key: {0}")]
    TooOpen(String),
    #[error("server.tls_certificate: {path} holds no certificate in PEM, or one that cannot be read")]
    NoCertificate { path: String },
    #[error("server.tls_key: {path} holds no private key in PEM that can be used")]
    NoKey { path: String },
    #[error("server.tls_key: {path} is not the key of the first certificate in {certificate}")]
    OtherKey { path: String, certificate: String },
    #[error("server.tls_certificate: {path} ended at {end}")]
    Ended { path: String, end: String },
    #[error("server.tls_certificate: {path} begins only at {start}")]
    NotYet { path: String, start: String },
}

/// One certificate with its chain and key, ready to be served.
struct Served {
    key: Arc<CertifiedKey>,
    since: Timestamp,
    until: Timestamp,
    /// Over both files: which ones these are.
    digest: [u8; 32],
}

/// What is served now, and where the next one comes from. Connections that are open keep what they began with.
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    /// The name in `server.public_url`.
    host: String,
    served: RwLock<Arc<Served>>,
    noted: Mutex<Noted>,
}

/// What the log has said already.
#[derive(Default)]
struct Noted {
    /// Files that could not be used.
    bad: Option<[u8; 32]>,
    /// When the certificate's end was last spoken of.
    end: Option<Timestamp>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now().key.clone())
    }
}

impl Certificates {
    /// Reads what the settings name; `None` when they name nothing.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(settings: &Server, now: Timestamp) -> Result<Option<Arc<Self>>, TlsError> {
        let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) else { return Ok(None) };
        let (served, _) = read(certificate, key);
        let host = url::Url::parse(&settings.public_url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
        let served = RwLock::new(Arc::new(served?.at(now, certificate)?));
        Ok(Some(Arc::new(Self { certificate: certificate.clone(), key: key.clone(), host, served, noted: Mutex::default() })))
    }

    fn now(&self) -> Arc<Served> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The certificate that is served, without its chain.
    pub fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.now().key.cert.first().cloned()
    }

    /// Is the name of the public address in it?
    pub fn covers_its_name(&self) -> bool {
        let (served, name) = (self.now(), ServerName::try_from(self.host.as_str()));
        let parsed = served.key.end_entity_cert().and_then(ParsedCertificate::try_from);
        matches!((parsed, name), (Ok(parsed), Ok(name)) if rustls::client::verify_server_name(&parsed, &name).is_ok())
    }

    /// TLS 1.2 and 1.3, HTTP/1.1.
    pub fn server_config(self: &Arc<Self>) -> ServerConfig {
        ServerConfig::builder().with_no_client_auth().with_cert_resolver(self.clone())
    }

    /// Looks whether the files are others than before, and takes them over if they can be used. Says each thing once.
    pub fn look(&self, now: Timestamp, metrics: &Metrics) {
        let (read, digest) = read(&self.certificate, &self.key);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if digest == self.now().digest {
            noted.bad = None;
        } else if noted.bad != Some(digest) {
            match read.and_then(|served| served.at(now, &self.certificate)) {
                Ok(served) => {
                    *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
                    (noted.bad, noted.end) = (None, None);
                    metrics.certificate_taken(true);
                    tracing::info!(until = %self.now().until.rfc3339(), "a new TLS certificate is served");
                    self.check_name();
                }
                Err(why) => {
                    noted.bad = Some(digest);
                    metrics.certificate_taken(false);
                    tracing::error!(%why, "the new TLS certificate cannot be used: the one before is served on");
                }
            }
        }
        let until = self.now().until;
        metrics.certificate_until(until);
        let days = until.seconds_since(now).div_euclid(DAY);
        if days < WARN_DAYS && noted.end.is_none_or(|at| now.seconds_since(at) >= DAY) {
            noted.end = Some(now);
            let until = until.rfc3339();
            if days < ALARM_DAYS {
                tracing::error!(days, until, "the TLS certificate ends soon");
            } else {
                tracing::warn!(days, until, "the TLS certificate ends soon");
            }
        }
    }

    /// A certificate for another name may be meant (a proxy in between); browsers would refuse it.
    pub fn check_name(&self) {
        if !self.covers_its_name() {
            tracing::warn!(host = self.host, "the TLS certificate is not for the name in server.public_url");
        }
    }
}

impl Served {
    /// The same, if it holds at that time.
    fn at(self, now: Timestamp, path: &Path) -> Result<Self, TlsError> {
        let path = path.display().to_string();
        if self.until <= now {
            return Err(TlsError::Ended { path, end: self.until.rfc3339() });
        }
        if self.since > now {
            return Err(TlsError::NotYet { path, start: self.since.rfc3339() });
        }
        Ok(self)
    }
}

/// Reads both files. Tells also which they are, when they cannot be used.
fn read(certificate: &Path, key: &Path) -> (Result<Served, TlsError>, [u8; 32]) {
    let bytes = |path: &Path| std::fs::read(path).map(zeroize::Zeroizing::new);
    let (chain, secret) = (bytes(certificate), bytes(key));
    let mut digest = Sha256::new();
    for part in [&chain, &secret] {
        match part {
            Ok(bytes) => digest.update([&(bytes.len() as u64).to_be_bytes()[..], bytes].concat()),
            Err(e) => digest.update(e.to_string()),
        }
    }
    let digest = digest.finalize().into();
    let unreadable = |setting, path: &Path| {
        let path = path.display().to_string();
        move |e: std::io::Error| TlsError::Unreadable { setting, path, why: e.to_string() }
    };
    let served = || {
        let chain = chain.map_err(unreadable("server.tls_certificate", certificate))?;
        let secret = secret.map_err(unreadable("server.tls_key", key))?;
        private_mode(key).map_err(|e| TlsError::TooOpen(e.to_string()))?;
        parse(&chain, &secret, certificate, key, digest)
    };
    (served(), digest)
}

fn parse(chain: &[u8], secret: &[u8], certificate: &Path, key: &Path, digest: [u8; 32]) -> Result<Served, TlsError> {
    let (path, key_path) = (certificate.display().to_string(), key.display().to_string());
    let none = || TlsError::NoCertificate { path: path.clone() };
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().map_err(|_| none())?;
    let (since, until) = chain.first().and_then(validity).ok_or_else(none)?;
    let no_key = || TlsError::NoKey { path: key_path.clone() };
    let secret = PrivateKeyDer::from_pem_slice(secret).map_err(|_| no_key())?;
    let provider = CryptoProvider::get_default().ok_or_else(no_key)?;
    let signer = provider.key_provider.load_private_key(secret).map_err(|_| no_key())?;
    let pair = CertifiedKey::new(chain, signer);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => return Err(TlsError::OtherKey { path: key_path, certificate: path }),
        Err(_) => return Err(none()),
    }
    Ok(Served { key: Arc::new(pair), since, until, digest })
}

/// From when until when a certificate holds.
fn validity(der: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let mut reader = SliceReader::new(der).ok()?;
    let parsed = x509_cert::Certificate::decode(&mut reader).ok()?;
    let validity = parsed.tbs_certificate().validity();
    let at = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok().map(Timestamp::from_seconds);
    Some((at(validity.not_before)?, at(validity.not_after)?))
}
