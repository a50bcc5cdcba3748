//! TLS towards origins: what vouches for their certificates.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use super::spoken::Offer;
use crate::{
    base::Problem,
    config::Upstreams,
    data_plane::tls::provider,
    domain::registry::{OriginVerify, Registry},
};

/// After so long it is looked whether a file is another one by now.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How an origin is believed to be who it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Trust {
    /// The file with the certificates that vouch for it; `None` for those of the public Web.
    pub(super) ca: Option<PathBuf>,
    pub(super) verify: OriginVerify,
    pub(super) offer: Offer,
}

/// Configurations that are in use, one for each way to trust. What they remember of past sessions is
/// shared by all workers.
#[derive(Default)]
pub(super) struct TlsClients {
    made: Mutex<HashMap<Trust, Made>>,
}

#[derive(Clone)]
struct Made {
    config: Arc<ClientConfig>,
    modified: Option<SystemTime>,
    looked_at: Instant,
}

impl TlsClients {
    /// The configuration for a way to trust. The error names the file.
    pub(super) async fn get(&self, trust: &Trust) -> Result<Arc<ClientConfig>, String> {
        let known = self.made().get(trust).cloned();
        if let Some(made) = &known
            && (trust.ca.is_none() || made.looked_at.elapsed() < LOOK_EVERY)
        {
            return Ok(Arc::clone(&made.config));
        }
        let wanted = trust.clone();
        let made = tokio::task::spawn_blocking(move || make(&wanted, known)).await;
        let made = made.map_err(|_| "the file of trusted certificates could not be read".to_owned())??;
        self.made().insert(trust.clone(), made.clone());
        Ok(made.config)
    }

    /// Forgets files that were not asked for in a while; they are read again when they are.
    pub(super) fn sweep(&self) {
        self.made().retain(|trust, made| trust.ca.is_none() || made.looked_at.elapsed() < LOOK_EVERY * 60);
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Trust, Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the certificates of a file that are to vouch for others.
fn read_roots(file: &Path) -> Result<RootCertStore, String> {
    let shown = file.display();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| format!("{shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| format!("{shown}: {error}"))?;
        roots.add(certificate).map_err(|error| format!("{shown}: {error}"))?;
    }
    if roots.is_empty() {
        return Err(format!("{shown}: there is no certificate in the file"));
    }
    Ok(roots)
}

/// What is wrong with the files that are to vouch for origins: that of the configuration, and those of
/// rows, which stand in `file`.
pub fn check_trust(upstream: &Upstreams, registry: &Arc<Registry>, file: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(Err(why)) = upstream.ca.as_deref().map(read_roots) {
        problems.push(Problem::error("upstream.tls.ca", 0, 0, why).help("origins with TLS cannot be reached"));
    }
    let mut looked_at = HashSet::new();
    for site in registry.sites() {
        let ca = &site.upstream().options().ca;
        if ca.is_empty() || !looked_at.insert(ca.clone()) {
            continue;
        }
        if let Err(why) = read_roots(&upstream.directory.join(ca)) {
            let help = "the site's origins cannot be reached; write a PEM file, relative to the configuration";
            problems.push(Problem::error(file, site.line(), 0, why).help(help));
        }
    }
    problems
}

fn make(trust: &Trust, known: Option<Made>) -> Result<Made, String> {
    let looked_at = Instant::now();
    let modified = trust.ca.as_ref().and_then(|file| fs::metadata(file).and_then(|data| data.modified()).ok());
    if let Some(known) = known.filter(|known| known.modified == modified) {
        return Ok(Made { looked_at, ..known });
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = match (trust.verify, &trust.ca) {
        (OriginVerify::Off, _) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider()))).with_no_client_auth()
        }
        (OriginVerify::On, Some(file)) => builder.with_root_certificates(read_roots(file)?).with_no_client_auth(),
        (OriginVerify::On, None) => {
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    config.alpn_protocols = trust.offer.alpn();
    Ok(Made { config: Arc::new(config), modified, looked_at })
}

/// Believes anybody who holds the key of the certificate that it shows, because the operator said so.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
