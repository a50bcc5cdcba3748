//! Asks the running Zhamen on its admin listener, as the configuration names it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};

use crate::{
    base::HttpUrl,
    config,
    control_plane::{HttpClient, HttpError},
};

/// Bytes of an answer: an export of a large record is made on the machine instead.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// The admin listener of this machine.
pub struct AdminClient {
    http: HttpClient,
    /// Where it is reached.
    address: SocketAddr,
    tls: bool,
}

impl AdminClient {
    /// The listener that the configuration names.
    pub fn new(admin: &config::Admin) -> Result<Self, HttpError> {
        let http = match &admin.tls {
            None => HttpClient::new(None)?,
            Some(tls) => HttpClient::over(client_config(tls)?),
        };
        Ok(Self { http, address: reachable(admin.listen), tls: admin.tls.is_some() })
    }

    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request for `target` and waits for the answer. Blocks; has a runtime of its own.
    pub fn ask(
        &self,
        target: &str,
        request: Request<Full<Bytes>>,
        time: Duration,
    ) -> Result<Response<Bytes>, HttpError> {
        let scheme = if self.tls { "https" } else { "http" };
        let url = HttpUrl::parse(&format!("{scheme}://{}{target}", self.address)).map_err(HttpError::new)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(HttpError::new)?;
        runtime.block_on(self.http.send(&url, request, time, ANSWER_BYTES_MAX))
    }
}

/// Where an address that is listened on is reached from this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen,
    }
}

/// Speaks to nobody but the holder of the very certificate that the configuration names, and shows that
/// one itself where clients must show one.
fn client_config(tls: &config::AdminTls) -> Result<ClientConfig, HttpError> {
    let unreadable =
        |path: &Path, error: &dyn std::fmt::Display| HttpError::new(format!("{}: {error}", path.display()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(&tls.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| unreadable(&tls.key, &error))?;
    let expected = chain.first().cloned().ok_or_else(|| unreadable(&tls.certificate, &"no certificate"))?;
    let provider = Arc::new(default_provider());
    let verifier = Arc::new(OneCertificate { expected, provider: Arc::clone(&provider) });
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(HttpError::new)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, key)
        .map_err(HttpError::new)
}

/// Takes one certificate and no other: who we ask is on this machine, and its certificate is in our hands.
#[derive(Debug)]
struct OneCertificate {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.expected {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General("somebody else's certificate".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
