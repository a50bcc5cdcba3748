//! Handshakes of TLS: who must show a certificate, which certificate is shown to whom, and who waits for a turn.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256, PublicKeyData};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs::default_provider},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName},
};

use crate::harness::{Origin, PATIENCE, Setup, Zhamen, eventually};

type Tls = StreamOwned<ClientConnection, TcpStream>;
type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The files of a certificate for this name, with a key of this kind.
fn certify(directory: &Path, file: &str, host: &str, key: &KeyPair, issuer: &Issuer) -> CertificateDer<'static> {
    let made = CertificateParams::new([host.to_owned()]).unwrap().signed_by(key, issuer).unwrap();
    std::fs::write(directory.join(format!("{file}.crt")), made.pem()).unwrap();
    std::fs::write(directory.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    made.der().clone()
}

/// A proxy with certificates for `a.cn`, and where it speaks TLS.
fn with_certificates(setup: Setup, directory: &Path) -> (Zhamen, SocketAddr) {
    let certificates = format!("{:?}", directory.display().to_string());
    let zhamen = setup.set("listen.https", "[\"127.0.0.1:0\"]").set("tls.certificates", &certificates).run();
    let said = zhamen.said();
    let (_, rest) = said.split_once("https=[").unwrap();
    let https = rest.split([']', ',']).next().unwrap().parse().unwrap();
    (zhamen, https)
}

/// A client that trusts this authority, and checks the signatures that it is told to know.
fn client(trusted: &Issuer, known: fn(&str) -> bool, own: Option<(&Issuer, &str)>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let all = default_provider();
    let algorithms = all.signature_verification_algorithms;
    let mapping: Vec<_> =
        algorithms.mapping.iter().filter(|(scheme, _)| known(&format!("{scheme:?}"))).copied().collect();
    let signature_verification_algorithms = WebPkiSupportedAlgorithms { mapping: mapping.leak(), ..algorithms };
    let provider = CryptoProvider { signature_verification_algorithms, ..all };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match own {
        None => builder.with_no_client_auth(),
        Some((issuer, name)) => {
            let key = KeyPair::generate().unwrap();
            let made = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            builder.with_client_auth_cert(vec![made.der().clone()], key.into()).unwrap()
        }
    })
}

fn connect(https: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Tls> {
    let tcp = TcpStream::connect(https)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from("a.cn").unwrap();
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), tcp);
    tls.conn.complete_io(&mut tls.sock)?;
    Ok(tls)
}

/// The first line of an answer.
fn asks(tls: io::Result<Tls>) -> io::Result<String> {
    let mut tls = tls?;
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a.cn\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let read = tls.read_to_end(&mut answer);
    match String::from_utf8_lossy(&answer).lines().next() {
        Some(line) => Ok(line.to_owned()),
        None => Err(read.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())),
    }
}

const ANY: fn(&str) -> bool = |_| true;
const RSA: fn(&str) -> bool = |scheme| scheme.starts_with("RSA");

#[test]
fn who_must_have_a_certificate_shows_one_of_the_right_authority() {
    let (origin, directory) = (Origin::page("fine"), tempfile::tempdir().unwrap());
    let (ours, theirs) = (authority("ours.cn"), authority("theirs.cn"));
    certify(directory.path(), "site", "a.cn", &KeyPair::generate().unwrap(), &ours);
    let setup = Setup::new().site("a.cn", origin.address());
    let ca = setup.path("clients.pem");
    std::fs::write(&ca, ours.pem()).unwrap();
    let (zhamen, https) = with_certificates(setup.set("tls.client_ca", &format!("{ca:?}")), directory.path());

    assert!(asks(connect(https, &client(&ours, ANY, None))).is_err(), "without a certificate");
    assert!(asks(connect(https, &client(&ours, ANY, Some((&theirs, "visitor.cn"))))).is_err(), "with somebody else's");
    assert_eq!(origin.asked(), 0);
    let answer = asks(connect(https, &client(&ours, ANY, Some((&ours, "visitor.cn"))))).unwrap();
    assert_eq!(answer, "HTTP/1.1 200 OK");
    assert_eq!(origin.asked(), 1);
    assert_eq!(zhamen.metric("zhamen_connections{protocol=\"https\",side=\"client\"}"), 0.0);
}

#[test]
fn of_two_certificates_for_a_name_each_client_sees_the_one_that_it_can_check() {
    let (origin, directory) = (Origin::page("fine"), tempfile::tempdir().unwrap());
    let ours = authority("ours.cn");
    let rsa_key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let small = certify(directory.path(), "small", "a.cn", &KeyPair::generate().unwrap(), &ours);
    // One that comes behind the other by its name, and one that comes before it.
    for file in ["a-large", "z-large"] {
        certify(directory.path(), file, "a.cn", &rsa_key, &ours);
    }
    let (_zhamen, https) = with_certificates(Setup::new().site("a.cn", origin.address()), directory.path());

    let shown = |known| {
        let tls = connect(https, &client(&ours, known, None)).unwrap();
        tls.conn.peer_certificates().unwrap()[0].clone().into_owned()
    };
    assert_eq!(shown(ANY), small, "the small one, where both would do");
    let public_key = rsa_key.subject_public_key_info();
    let holds = |certificate: &CertificateDer<'_>| certificate.windows(public_key.len()).any(|part| part == public_key);
    assert!(!holds(&small) && holds(&shown(RSA)), "RSA, for who knows nothing else");
    assert_eq!(asks(connect(https, &client(&ours, RSA, None))).unwrap(), "HTTP/1.1 200 OK");
}

#[test]
fn of_a_crowd_of_handshakes_some_are_taken_and_the_rest_is_shed() {
    let (origin, directory) = (Origin::page("fine"), tempfile::tempdir().unwrap());
    let ours = authority("ours.cn");
    certify(directory.path(), "site", "a.cn", &KeyPair::generate().unwrap(), &ours);
    let setup = Setup::new().site("a.cn", origin.address()).set("limits.handshake_queue", "2");
    let (zhamen, https) = with_certificates(setup, directory.path());
    let config = client(&ours, ANY, None);
    assert_eq!(asks(connect(https, &config)).unwrap(), "HTTP/1.1 200 OK");

    // While it stands still, all say hello.
    zhamen.signal("STOP");
    let mut crowd: Vec<Tls> = (0..50)
        .map(|_| {
            let tcp = TcpStream::connect(https).unwrap();
            tcp.set_read_timeout(Some(PATIENCE)).unwrap();
            let name = ServerName::try_from("a.cn").unwrap();
            let mut tls = StreamOwned::new(ClientConnection::new(Arc::clone(&config), name).unwrap(), tcp);
            tls.conn.write_tls(&mut tls.sock).unwrap();
            tls
        })
        .collect();
    zhamen.signal("CONT");
    let served = crowd.iter_mut().filter_map(|tls| tls.conn.complete_io(&mut tls.sock).ok()).count();
    assert!((1..50).contains(&served), "{served} of 50");
    zhamen.metric_becomes("zhamen_connections_shed_total{reason=\"handshakes\"}", (50 - served) as f64);
    drop(crowd);
    eventually("the next one is served", || asks(connect(https, &config)).is_ok());
}
