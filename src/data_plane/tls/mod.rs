//! Certificates for the TLS listeners: read from a directory, chosen by server name, swapped
//! without a handshake being lost. A name that no certificate covers fails the handshake.

mod below;
mod certificates;
mod handshake;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig, SignatureAlgorithm, SignatureScheme, SupportedCipherSuite,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, cipher_suite},
    },
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

pub(super) use below::Below;
pub use certificates::{CertificateFiles, load_certificates};
pub(super) use handshake::shake_hands;

use self::certificates::{DAY_MILLIS, EXPIRY_WARNING_DAYS};
use crate::{
    base::{HostName, Timestamp},
    domain::acme::Validity,
    telemetry::CertificateCounts,
};

/// What is spoken, the first that a client knows: AES with 128 bits before 256, as browsers and Mozilla's
/// recommendation have it. Nobody breaks either, and SHA-256 is what processors do in hardware.
const CIPHER_SUITES: [SupportedCipherSuite; 9] = [
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// Certificates by the names that they cover.
#[derive(Clone, Debug, Default)]
pub struct CertificateMap {
    exact: HashMap<String, Choice>,
    /// Without the leading `*.`: covers exactly one label in its place.
    wildcard: HashMap<String, Choice>,
}

/// The certificates of one name.
#[derive(Clone, Debug, Default)]
struct Choice {
    /// With a key on an elliptic curve: fewer bytes, and a tenth of the work.
    small: Option<Arc<Certificate>>,
    /// For clients that know nothing else.
    rsa: Option<Arc<Certificate>>,
}

/// A chain with its key.
#[derive(Debug)]
pub struct Certificate {
    /// The file that it was read from.
    pub path: PathBuf,
    /// From when to when it is accepted.
    pub validity: Validity,
    /// The names that it covers, lower case; `*.` in front stands for one label.
    pub names: Vec<String>,
    key: Arc<CertifiedKey>,
}

/// Chooses certificates for handshakes; what it chooses from can be swapped.
#[derive(Debug, Default)]
pub(super) struct Resolver(ArcSwap<CertificateMap>);

impl CertificateMap {
    /// The certificate for a host, for a client that can do everything.
    pub fn look_up(&self, host: &str) -> Option<&Arc<Certificate>> {
        self.choice(host)?.in_order().next()
    }

    /// The certificate for a host, for a client that can check these signatures.
    pub(super) fn choose(&self, host: &str, schemes: &[SignatureScheme]) -> Option<&Arc<Certificate>> {
        let choice = self.choice(host)?;
        let fits = |it: &&Arc<Certificate>| it.key.key.choose_scheme(schemes).is_some();
        choice.in_order().find(fits).or_else(|| choice.in_order().next())
    }

    /// How long all of these names are covered: that of the certificate that ends first. `None`: one of them
    /// is not.
    pub fn covering(&self, names: &[HostName]) -> Option<Validity> {
        let each: Option<Vec<Validity>> =
            names.iter().map(|name| Some(self.look_up(name.as_str())?.validity)).collect();
        each?.into_iter().min_by_key(|validity| validity.not_after)
    }

    fn choice(&self, host: &str) -> Option<&Choice> {
        self.exact.get(host).or_else(|| self.wildcard.get(host.split_once('.')?.1))
    }

    /// How many certificates there are, and when they end.
    pub fn counts(&self, now: Timestamp) -> CertificateCounts {
        let choices = self.exact.values().chain(self.wildcard.values());
        let all: HashMap<&Path, Timestamp> =
            choices.flat_map(Choice::in_order).map(|it| (it.path.as_path(), it.validity.not_after)).collect();
        let soon = now.plus_millis(EXPIRY_WARNING_DAYS * DAY_MILLIS);
        CertificateCounts {
            count: all.len(),
            expiring: all.values().filter(|end| **end < soon).count(),
            first_end: all.values().min().copied(),
        }
    }

    /// The number of names covered.
    pub fn len(&self) -> usize {
        self.exact.len() + self.wildcard.len()
    }

    /// Whether no name is covered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Choice {
    fn in_order(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.small.iter().chain(&self.rsa)
    }
}

impl Resolver {
    /// Puts other certificates in force, for handshakes from now on.
    pub(super) fn swap(&self, certificates: CertificateMap) {
        self.0.store(Arc::new(certificates));
    }

    /// The certificate that a handshake with this hello chooses.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Option<Arc<Certificate>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        self.0.load().choose(&name, hello.signature_schemes()).cloned()
    }
}

impl Certificate {
    fn is_rsa(&self) -> bool {
        self.key.key.algorithm() == SignatureAlgorithm::RSA
    }

    /// Whether a connection with this certificate may carry requests for a host.
    pub(super) fn covers(&self, host: &HostName) -> bool {
        let rest = host.as_str().split_once('.').map(|(_, rest)| rest);
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(suffix) => rest == Some(suffix),
            None => name == host.as_str(),
        })
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(&hello).map(|certificate| Arc::clone(&certificate.key))
    }
}

/// One configuration for all listeners and all reloads; tickets and sessions outlive a reload. With
/// authorities, clients must have a certificate of one of them.
pub(super) fn server_config(
    resolver: Arc<Resolver>,
    client_ca: Option<&Path>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(client_verifier(path)?),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Of what a client takes the first of ours, whatever it says first.
    config.ignore_client_order = true;
    // Each connection that a ticket opens brings the next one.
    config.send_tls13_tickets = 1;
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

fn client_verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
    let general = |error: String| rustls::Error::General(format!("tls.client_ca: {}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    let authorities: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    for authority in authorities.map_err(|error| general(error.to_string()))? {
        roots.add(authority)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
        .build()
        .map_err(|error| general(error.to_string()))
}

/// The cryptography that all of TLS uses here.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: CIPHER_SUITES.to_vec(), ..aws_lc_rs::default_provider() }
}

impl CertificateMap {
    /// Where two certificates with keys of one kind cover a name, the one that ends later is taken.
    fn insert(&mut self, certificate: &Arc<Certificate>) {
        for name in &certificate.names {
            let (names, name) = match name.strip_prefix("*.") {
                Some(rest) => (&mut self.wildcard, rest),
                None => (&mut self.exact, name.as_str()),
            };
            let choice = names.entry(name.to_owned()).or_default();
            let place = if certificate.is_rsa() { &mut choice.rsa } else { &mut choice.small };
            if place.as_ref().is_none_or(|other| other.validity.not_after < certificate.validity.not_after) {
                *place = Some(Arc::clone(certificate));
            }
        }
    }
}
