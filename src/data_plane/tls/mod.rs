//! Certificates for the TLS listeners: read from a directory, chosen by server name, swapped
//! without a handshake being lost. A name that no certificate covers fails the handshake.

mod handshake;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

pub(super) use handshake::shake_hands;

use crate::base::{HostName, Problem, Timestamp};

/// Days before its end from which a certificate is worth a warning.
const EXPIRY_WARNING_DAYS: i64 = 21;

/// Certificates by the names that they cover.
#[derive(Clone, Debug, Default)]
pub struct CertificateMap {
    exact: HashMap<String, Arc<Certificate>>,
    /// Without the leading `*.`: covers exactly one label in its place.
    wildcard: HashMap<String, Arc<Certificate>>,
}

/// A chain with its key.
#[derive(Debug)]
pub struct Certificate {
    /// The file that it was read from.
    pub path: PathBuf,
    /// From when on nobody accepts it.
    pub not_after: Timestamp,
    /// The names that it covers, lower case; `*.` in front stands for one label.
    pub names: Vec<String>,
    key: Arc<CertifiedKey>,
}

/// Chooses certificates for handshakes; what it chooses from can be swapped.
#[derive(Debug, Default)]
pub(super) struct Resolver(ArcSwap<CertificateMap>);

impl CertificateMap {
    /// The certificate for a host.
    pub fn look_up(&self, host: &str) -> Option<&Arc<Certificate>> {
        self.exact.get(host).or_else(|| self.wildcard.get(host.split_once('.')?.1))
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

impl Resolver {
    /// Puts other certificates in force, for handshakes from now on.
    pub(super) fn swap(&self, certificates: CertificateMap) {
        self.0.store(Arc::new(certificates));
    }

    /// The certificate that a handshake for this name chooses.
    pub(super) fn look_up(&self, name: &str) -> Option<Arc<Certificate>> {
        self.0.load().look_up(&name.to_ascii_lowercase()).cloned()
    }
}

impl Certificate {
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
        self.look_up(hello.server_name()?).map(|certificate| Arc::clone(&certificate.key))
    }
}

/// One configuration for all listeners and all reloads; tickets and sessions outlive a reload.
pub(super) fn server_config(resolver: Arc<Resolver>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The cryptography that all of TLS uses here.
pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// Reads `NAME.crt` with `NAME.key`, and `NAME.pem` with both. What cannot be used is reported and
/// left out; so is, as a warning, what has expired or soon will.
pub fn load_certificates(directory: &Path, now: Timestamp) -> (CertificateMap, Vec<Problem>) {
    let (mut map, mut problems) = (CertificateMap::default(), Vec::new());
    let mut paths: Vec<PathBuf> = match fs::read_dir(directory) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(error) => {
            let path = directory.display().to_string();
            let problem = Problem::error(&path, 0, 0, format!("the directory cannot be read: {error}"));
            problems.push(problem.help("set tls.certificates to a directory that Zhamen may read"));
            return (map, problems);
        }
    };
    paths.sort();
    for path in paths {
        let key_path = match path.extension().and_then(|extension| extension.to_str()) {
            Some("crt") => path.with_extension("key"),
            Some("pem") => path.clone(),
            Some(_) | None => continue,
        };
        match load_one(&path, &key_path) {
            Ok(certificate) => {
                problems.extend(expiry_problem(&certificate, now));
                map.insert(&Arc::new(certificate));
            }
            Err(problem) => problems.push(problem),
        }
    }
    (map, problems)
}

impl CertificateMap {
    /// Where two certificates cover a name, the one that ends later is taken.
    fn insert(&mut self, certificate: &Arc<Certificate>) {
        for name in &certificate.names {
            let (names, name) = match name.strip_prefix("*.") {
                Some(rest) => (&mut self.wildcard, rest),
                None => (&mut self.exact, name.as_str()),
            };
            let entry = names.entry(name.to_owned()).or_insert_with(|| Arc::clone(certificate));
            if entry.not_after < certificate.not_after {
                *entry = Arc::clone(certificate);
            }
        }
    }
}

fn load_one(path: &Path, key_path: &Path) -> Result<Certificate, Problem> {
    let problem =
        |at: &Path, message: String, help: &str| Problem::error(&at.display().to_string(), 0, 0, message).help(help);
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| {
            problem(
                path,
                format!("no certificate can be read: {error}"),
                "write the chain as PEM, the site's own certificate first",
            )
        })?;
    let Some(leaf) = chain.first() else {
        return Err(problem(
            path,
            "there is no certificate in this file".into(),
            "write the chain as PEM, the site's own certificate first",
        ));
    };
    let (names, not_after) = read_leaf(leaf).ok_or_else(|| {
        problem(
            path,
            "the first certificate cannot be parsed, or names no host".into(),
            "use an X.509 certificate with DNS names in subjectAltName",
        )
    })?;
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| {
        problem(
            key_path,
            format!("no private key can be read: {error}"),
            "put the key into NAME.key beside NAME.crt, or into NAME.pem",
        )
    })?;
    let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
        problem(
            key_path,
            format!("the key cannot be used with the certificate: {error}"),
            "put the key that the certificate was made for beside it",
        )
    })?;
    Ok(Certificate { path: path.to_owned(), not_after, names, key: Arc::new(key) })
}

/// The names that a certificate covers, lower case, and its end. The common name counts only where
/// there is no subjectAltName.
fn read_leaf(leaf: &CertificateDer<'_>) -> Option<(Vec<String>, Timestamp)> {
    let (_, certificate) = parse_x509_certificate(leaf).ok()?;
    let mut names = Vec::new();
    match certificate.subject_alternative_name().ok()? {
        Some(alternatives) => names.extend(alternatives.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })),
        None => {
            let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
            names.extend(common.map(str::to_ascii_lowercase));
        }
    }
    let not_after = Timestamp(certificate.validity().not_after.timestamp().saturating_mul(1000));
    (!names.is_empty()).then_some((names, not_after))
}

fn expiry_problem(certificate: &Certificate, now: Timestamp) -> Option<Problem> {
    const DAY_MILLIS: i64 = 86_400_000;
    let left = certificate.not_after.0.saturating_sub(now.0);
    let message = if left <= 0 {
        "the certificate has expired: browsers refuse it".to_owned()
    } else if left < EXPIRY_WARNING_DAYS * DAY_MILLIS {
        format!("the certificate ends in {} days", left / DAY_MILLIS)
    } else {
        return None;
    };
    let path = certificate.path.display().to_string();
    Some(Problem::warning(&path, 0, 0, message).help("put a renewed certificate in its place"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Timestamp, load_certificates};
    use crate::base::Severity;

    const LONG_BEFORE: Timestamp = Timestamp(1_700_000_000_000);

    fn write(directory: &std::path::Path, name: &str, hosts: &[&str]) {
        let made =
            rcgen::generate_simple_self_signed(hosts.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        fs::write(directory.join(format!("{name}.crt")), made.cert.pem()).unwrap();
        fs::write(directory.join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn names_are_covered_by_one_label_of_wildcard_at_most() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "one", &["a.cn", "*.a.cn"]);
        let (map, problems) = load_certificates(directory.path(), LONG_BEFORE);
        assert_eq!(problems, []);
        let covered = |host| map.look_up(host).is_some();
        assert!(covered("a.cn") && covered("www.a.cn"));
        assert!(!covered("x.www.a.cn") && !covered("b.cn") && !covered("cn"));
    }

    #[test]
    fn what_cannot_be_used_is_named_and_the_rest_is_used() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "good", &["a.cn"]);
        write(directory.path(), "other", &["b.cn"]);
        write(directory.path(), "swapped", &["c.cn"]);
        fs::copy(directory.path().join("other.key"), directory.path().join("swapped.key")).unwrap();
        fs::write(directory.path().join("empty.pem"), "").unwrap();
        fs::remove_file(directory.path().join("other.key")).unwrap();
        let (map, problems) = load_certificates(directory.path(), LONG_BEFORE);
        assert!(map.look_up("a.cn").is_some() && map.len() == 1);
        let paths: Vec<_> =
            problems.iter().map(|problem| problem.path.rsplit('/').next().unwrap_or_default()).collect();
        assert_eq!(paths, ["empty.pem", "other.key", "swapped.key"]);
        assert!(problems.iter().all(|problem| problem.severity == Severity::Error && !problem.help.is_empty()));
    }

    #[test]
    fn an_expired_certificate_is_worth_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "one", &["a.cn"]);
        let (map, problems) = load_certificates(directory.path(), Timestamp(i64::MAX));
        assert_eq!((map.len(), problems.len(), problems[0].severity), (1, 1, Severity::Warning));
    }
}
