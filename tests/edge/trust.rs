//! TLS on the operator's side: the admin listener with certificates of its clients, and the servers that
//! Zhamen asks and tells.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::Arc,
    thread,
};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivatePkcs8KeyDer};
use tokio::{io::copy_bidirectional, net::TcpStream, runtime};
use tokio_rustls::TlsAcceptor;

use crate::harness::{Origin, Setup, Zhamen, eventually, get, zhamen};

/// A certificate that is its own authority, as files `NAME.crt` and `NAME.key`.
pub fn certificate(directory: &Path, name: &str) -> CertifiedKey<KeyPair> {
    let made = generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    fs::write(directory.join(format!("{name}.crt")), made.cert.pem()).unwrap();
    fs::write(directory.join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    made
}

/// Speaks TLS for a server that does not.
pub fn in_front_of(plain: SocketAddr, made: &CertifiedKey<KeyPair>) -> SocketAddr {
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Who does not trust the certificate breaks off.
                    let Ok(mut tls) = acceptor.accept(stream).await else { return };
                    let mut plain = TcpStream::connect(plain).await.unwrap();
                    let _ = copy_bidirectional(&mut tls, &mut plain).await;
                });
            }
        });
    });
    address
}

/// Asks the admin listener with curl: the status, `000` if there is no connection.
fn curl(zhamen: &Zhamen, target: &str, arguments: &[&str]) -> String {
    let url = format!("https://{}{target}", zhamen.admin_address());
    let output = Command::new("curl")
        .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert", "server.crt"])
        .args(arguments)
        .arg(url)
        .current_dir(zhamen.path(""))
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok();
    if !found {
        println!("skipped: curl is not installed");
    }
    found
}

#[test]
fn the_admin_listener_speaks_tls_and_wants_to_see_certificates() {
    if !has_curl() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    for name in ["server", "client", "stranger"] {
        certificate(files.path(), name);
    }
    let path = |name: &str| format!("{:?}", files.path().join(name).display().to_string());
    let tls = Setup::new().set("admin.tls.certificate", &path("server.crt")).set("admin.tls.key", &path("server.key"));
    let zhamen_with = |setup: Setup| {
        let zhamen = setup.run();
        for name in ["server.crt", "client.crt", "client.key", "stranger.crt", "stranger.key"] {
            fs::copy(files.path().join(name), zhamen.path(name)).unwrap();
        }
        zhamen
    };
    let open = zhamen_with(tls);
    assert_eq!(curl(&open, "/healthz", &[]), "200");
    let plain = format!("http://{}/healthz", open.admin_address());
    let output = Command::new("curl").args(["--silent", "--max-time", "5", &plain]).output().unwrap();
    assert!(!output.status.success(), "no plain HTTP where there is TLS");

    let tls = Setup::new().set("admin.tls.certificate", &path("server.crt")).set("admin.tls.key", &path("server.key"));
    let closed = zhamen_with(tls.set("admin.tls.client_ca", &path("client.crt")));
    assert_eq!(curl(&closed, "/healthz", &[]), "000", "without a certificate");
    let stranger = ["--cert", "stranger.crt", "--key", "stranger.key"];
    assert_eq!(curl(&closed, "/healthz", &stranger), "000", "with somebody else's");
    let client = ["--cert", "client.crt", "--key", "client.key"];
    assert_eq!(curl(&closed, "/healthz", &client), "200");
    assert_eq!(curl(&closed, "/api/v1/units", &client), "401", "a certificate is no token");
    let made = zhamen(&closed.path(""), &["admin", "token", "create", "op", "--role", "operator"], b"");
    let token = format!("Authorization: Bearer {}", made.out.trim());
    let with_token = [&client[..], &["--header", &token]].concat();
    assert_eq!(curl(&closed, "/api/v1/units", &with_token), "200");
}

#[test]
fn a_registry_is_pulled_over_tls_from_who_shows_the_right_certificate() {
    let site = Origin::page("fine");
    let csv = format!(
        "host,origin,unit,service,kind,icp\npulled.cn,http://{},u1,s1,server,蜀ICP备12345678号\n",
        site.address()
    );
    let source = Origin::of_type("text/csv", csv);
    let files = tempfile::tempdir().unwrap();
    let front = in_front_of(source.address(), &certificate(files.path(), "source"));
    certificate(files.path(), "other");
    let pull = |ca: &str| {
        let ca = files.path().join(ca).display().to_string();
        format!("{{ url = \"https://{front}/sites\", every = \"1s\", timeout = \"5s\", ca = {ca:?} }}")
    };
    let wary = Setup::new().site("file.cn", site.address()).set("registry.pull", &pull("other.crt")).run();
    eventually("told", || wary.said().contains("the registry was not pulled"));
    assert_eq!((get(wary.http, "pulled.cn", "/").status(), source.asked()), (403, 0));
    let trusting = Setup::new().site("file.cn", site.address()).set("registry.pull", &pull("source.crt")).run();
    eventually("pulled", || get(trusting.http, "pulled.cn", "/").status() == 200);
}

#[test]
fn a_webhook_is_told_over_tls_only_to_who_shows_the_right_certificate() {
    let receiver = Origin::page("");
    let files = tempfile::tempdir().unwrap();
    let front = in_front_of(receiver.address(), &certificate(files.path(), "receiver"));
    certificate(files.path(), "other");
    let told = |ca: &str| {
        let ca = format!("{:?}", files.path().join(ca).display().to_string());
        let zhamen = Setup::new().site("filed.cn", receiver.address()).set("webhooks.ca", &ca).run();
        let made =
            crate::harness::zhamen(&zhamen.path(""), &["admin", "token", "create", "op", "--role", "operator"], b"");
        let body = format!("{{\"url\": \"https://{front}/hook\", \"events\": [\"notice\"]}}");
        let request = format!(
            "POST /api/v1/webhooks HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            made.out.trim(),
            body.len()
        );
        let answer = crate::harness::Client::connect(zhamen.admin_address()).send(request).response();
        assert_eq!(answer.status(), 201, "{}", answer.text());
        let notice = ["ledger", "notice", "--id", "n1", "--service", "s1", "--class", "vulgar"];
        let run = crate::harness::zhamen(&zhamen.path(""), &notice, b"");
        assert_eq!(run.status, 0, "{}", run.err);
        zhamen
    };
    let wary = told("other.crt");
    eventually("told", || wary.said().contains("a message did not arrive"));
    assert_eq!(receiver.asked(), 0);
    let _trusting = told("receiver.crt");
    eventually("arrived", || receiver.requests().iter().any(|head| head.field("zhamen-event") == Some("notice")));
}
