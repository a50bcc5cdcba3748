//! Certificate files: `NAME.crt` with `NAME.key`, and `NAME.pem` with both. Only files that changed are
//! read again, all cores read at once, and where a new file is broken the last good one stays in its place.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, available_parallelism},
};

use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use super::{Certificate, CertificateMap, provider};
use crate::{
    base::{Problem, Timestamp},
    domain::acme::Validity,
};

/// Days before its end from which a certificate is worth a warning.
pub(super) const EXPIRY_WARNING_DAYS: i64 = 21;
pub(super) const DAY_MILLIS: i64 = 86_400_000;

/// A directory of certificates, and what was read from it the last time.
#[derive(Debug)]
pub struct CertificateFiles {
    directory: PathBuf,
    files: BTreeMap<PathBuf, Read>,
}

/// What a file was when it was last read, and what came of it.
#[derive(Clone, Debug)]
struct Read {
    print: [Print; 2],
    /// The last good one.
    certificate: Option<Arc<Certificate>>,
    problem: Option<Problem>,
}

/// A file to be read.
struct Changed {
    path: PathBuf,
    print: [Print; 2],
    /// The last good one.
    before: Option<Arc<Certificate>>,
}

/// How a file is known to be as it was: its device and number, length and times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Print([i64; 7]);

/// What cannot be used is reported and left out; so is, as a warning, what has expired or soon will.
pub fn load_certificates(directory: &Path, now: Timestamp) -> (CertificateMap, Vec<Problem>) {
    CertificateFiles::new(directory).load(now)
}

impl CertificateFiles {
    /// A directory of which nothing has been read.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), files: BTreeMap::new() }
    }

    /// Reads what has changed. All that is good comes into the map, for a file that is broken what it was
    /// before; what is wrong is reported.
    pub fn load(&mut self, now: Timestamp) -> (CertificateMap, Vec<Problem>) {
        let mut problems = Vec::new();
        match self.changed() {
            Ok(changed) => self.files.extend(read_all(&changed)),
            Err(problem) => problems.push(problem),
        }
        let mut map = CertificateMap::default();
        for Read { certificate, problem, .. } in self.files.values() {
            if let Some(certificate) = certificate {
                problems.extend(expiry_problem(certificate, now));
                map.insert(certificate);
            }
            problems.extend(problem.clone());
        }
        (map, problems)
    }

    /// The files that are not as they were, with what they were; forgets those that are gone.
    fn changed(&mut self) -> Result<Vec<Changed>, Problem> {
        let entries = fs::read_dir(&self.directory).map_err(|error| {
            let path = self.directory.display().to_string();
            let problem = Problem::error(&path, 0, 0, format!("the directory cannot be read: {error}"));
            problem.help("set tls.certificates to a directory that Zhamen may read")
        })?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let found: BTreeMap<PathBuf, [Print; 2]> = paths
            .filter_map(|path| {
                let key = key_path(&path)?;
                let print = [Print::of(&path), Print::of(&key)];
                Some((path, print))
            })
            .collect();
        self.files.retain(|path, _| found.contains_key(path));
        let is_known = |path: &PathBuf, print| self.files.get(path).is_some_and(|read| read.print == print);
        let changed = found.into_iter().filter(|(path, print)| !is_known(path, *print));
        let before = |path: &PathBuf| self.files.get(path).and_then(|read| read.certificate.clone());
        Ok(changed.map(|(path, print)| Changed { before: before(&path), path, print }).collect())
    }
}

impl Print {
    fn of(path: &Path) -> Self {
        let of = |file: fs::Metadata| {
            Self([
                file.dev() as i64,
                file.ino() as i64,
                file.size() as i64,
                file.mtime(),
                file.mtime_nsec(),
                file.ctime(),
                file.ctime_nsec(),
            ])
        };
        fs::metadata(path).map(of).unwrap_or_default()
    }
}

/// Where the key of a certificate is; `None`: the file is no certificate.
fn key_path(path: &Path) -> Option<PathBuf> {
    match path.extension()?.to_str()? {
        "crt" => Some(path.with_extension("key")),
        "pem" => Some(path.to_owned()),
        _ => None,
    }
}

/// Reads files, on all cores.
fn read_all(files: &[Changed]) -> Vec<(PathBuf, Read)> {
    let read = |Changed { path, print, before }: &Changed| {
        let result = key_path(path).ok_or_else(|| unreadable(path)).and_then(|key| load_one(path, &key));
        let (certificate, problem) = match result {
            Ok(certificate) => (Some(Arc::new(certificate)), None),
            Err(problem) if before.is_some() => {
                let message = format!("{} (the last good certificate stays in use)", problem.message);
                (before.clone(), Some(Problem { message, ..problem }))
            }
            Err(problem) => (None, Some(problem)),
        };
        (path.clone(), Read { print: *print, certificate, problem })
    };
    let workers = available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> =
            files.chunks(share).map(|files| scope.spawn(move || files.iter().map(read).collect::<Vec<_>>())).collect();
        // A thread that panicked has read nothing: its files count as not read, and are tried again.
        shares.into_iter().flat_map(|share| share.join().unwrap_or_default()).collect()
    })
}

fn unreadable(path: &Path) -> Problem {
    Problem::error(&path.display().to_string(), 0, 0, "this is no certificate".to_owned())
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
    let (names, validity) = read_leaf(leaf).ok_or_else(|| {
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
    Ok(Certificate { path: path.to_owned(), validity, names, key: Arc::new(key) })
}

/// The names that a certificate covers, lower case, and from when to when it is good. The common name counts only where
/// there is no subjectAltName.
fn read_leaf(leaf: &CertificateDer<'_>) -> Option<(Vec<String>, Validity)> {
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
    let time = |seconds: i64| Timestamp(seconds.saturating_mul(1000));
    let x509_parser::certificate::Validity { not_before, not_after } = certificate.validity();
    let validity = Validity { not_before: time(not_before.timestamp()), not_after: time(not_after.timestamp()) };
    (!names.is_empty()).then_some((names, validity))
}

fn expiry_problem(certificate: &Certificate, now: Timestamp) -> Option<Problem> {
    let left = certificate.validity.not_after.0.saturating_sub(now.0);
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

    use super::{CertificateFiles, Timestamp, load_certificates};
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

    #[test]
    fn a_broken_new_file_leaves_the_last_good_one_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "one", &["a.cn"]);
        write(directory.path(), "two", &["b.cn"]);
        let mut files = CertificateFiles::new(directory.path());
        let (before, _) = files.load(LONG_BEFORE);
        fs::write(directory.path().join("one.crt"), "half of it").unwrap();
        write(directory.path(), "two", &["b.cn", "c.cn"]);
        let (map, problems) = files.load(LONG_BEFORE);
        assert!(map.look_up("a.cn").is_some() && map.look_up("c.cn").is_some());
        assert_eq!(problems.len(), 1);
        assert!(problems[0].path.ends_with("one.crt") && problems[0].message.contains("last good"), "{problems:?}");
        let same = |host| std::sync::Arc::ptr_eq(map.look_up(host).unwrap(), before.look_up(host).unwrap());
        assert!(same("a.cn") && !same("b.cn"));
        let (again, problems) = files.load(LONG_BEFORE);
        assert_eq!((again.len(), problems.len()), (3, 1), "told again, and not read again");
        fs::remove_file(directory.path().join("one.crt")).unwrap();
        let (map, problems) = files.load(LONG_BEFORE);
        assert!(map.look_up("a.cn").is_none() && problems.is_empty(), "what is gone is gone");
    }

    #[test]
    fn a_name_has_one_certificate_for_each_kind_of_key_and_the_small_one_is_preferred() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "small", &["a.cn"]);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["a.cn".to_owned(), "old.cn".to_owned()]).unwrap();
        fs::write(directory.path().join("large.crt"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(directory.path().join("large.key"), key.serialize_pem()).unwrap();
        let (map, problems) = load_certificates(directory.path(), LONG_BEFORE);
        assert_eq!(problems, []);
        let chosen = |host, schemes: &[rustls::SignatureScheme]| {
            map.choose(host, schemes).unwrap().path.file_stem().unwrap().to_str().unwrap().to_owned()
        };
        use rustls::SignatureScheme::{ECDSA_NISTP256_SHA256, RSA_PSS_SHA256};
        assert_eq!(chosen("a.cn", &[RSA_PSS_SHA256, ECDSA_NISTP256_SHA256]), "small");
        assert_eq!(chosen("a.cn", &[RSA_PSS_SHA256]), "large");
        assert_eq!(chosen("old.cn", &[ECDSA_NISTP256_SHA256]), "large", "there is no other");
        assert_eq!(map.counts(LONG_BEFORE).count, 2);
    }
}
