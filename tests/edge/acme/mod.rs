//! Certificates by ACME: from a row of the registry to the handshake, and what comes in between.

mod authority;

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::Duration,
};

use rcgen::generate_simple_self_signed;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};
use serde_json::Value;

use self::authority::Authority;
use crate::harness::{self, Origin, Setup, Zhamen, eventually, get, zhamen};

/// A proxy that asks this authority, before it runs.
fn asking(authority: &Authority, origin: &Origin, rows: &[&str]) -> Setup {
    let setup = Setup::new()
        .columns("acme")
        .set("listen.https", "[\"127.0.0.1:0\"]")
        .set("tls.certificates", "\"certs\"")
        .set("acme.server", &authority.server())
        .set("acme.ca", &authority.ca())
        .set("acme.terms_agreed", "true")
        .set("acme.contact", "[\"ops@dc.example\"]");
    fs::create_dir(setup.path("certs")).unwrap();
    rows.iter().fold(setup, |setup, row| {
        let (host, rest) = row.split_once(' ').unwrap();
        let (icp, acme) = rest.split_once(' ').unwrap();
        let icp = if icp == "filed" { "蜀ICP备12345678号" } else { "" };
        setup.row(format!("{host},http://{},u1,s1,server,{icp},,,{acme}", origin.address()))
    })
}

fn run(authority: &Authority, setup: Setup) -> Zhamen {
    let zhamen = setup.run();
    authority.looks_at(zhamen.http);
    zhamen
}

fn https(zhamen: &Zhamen) -> SocketAddr {
    let said = zhamen.said();
    let (_, rest) = said.split_once("https=[").unwrap();
    rest.split([']', ',']).next().unwrap().parse().unwrap()
}

/// The certificate that a handshake shows, if it is of a name and vouched for.
fn handshake(address: SocketAddr, name: &str, roots: &RootCertStore) -> Option<Vec<u8>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut tls = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    tls.conn.complete_io(&mut tls.sock).ok()?;
    Some(tls.conn.peer_certificates()?.first()?.to_vec())
}

/// What `zhamen acme show` says of a host.
fn shown(zhamen: &Zhamen, host: &str) -> Value {
    let run = harness::zhamen(&zhamen.path(""), &["acme", "show", "--json"], b"");
    let shown: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    shown["sites"].as_array().unwrap().iter().find(|site| site["host"] == host).cloned().unwrap_or_default()
}

#[test]
fn a_filed_site_that_asks_is_served_with_a_certificate_and_its_origin_hears_nothing_of_it() {
    let (authority, origin) = (Authority::start(), Origin::page("fine"));
    let rows = ["filed.cn filed filed.cn;www.filed.cn", "unfiled.cn unfiled on", "silent.cn filed "];
    let setup = asking(&authority, &origin, &rows);
    let zhamen = run(&authority, setup);
    let (address, roots) = (https(&zhamen), authority.roots());
    eventually("a certificate", || handshake(address, "www.filed.cn", &roots).is_some());
    assert!(handshake(address, "filed.cn", &roots).is_some(), "one certificate for both");
    assert_eq!(authority.orders(), [["filed.cn", "www.filed.cn"]]);
    assert_eq!(origin.targets(), Vec::<String>::new());

    let file = zhamen.path("certs/filed.cn.acme.pem");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let accounts: Vec<_> = fs::read_dir(zhamen.path("acme")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let account = accounts.iter().find(|path| path.extension().is_some_and(|it| it == "json")).unwrap();
    assert_eq!(fs::metadata(account).unwrap().permissions().mode() & 0o777, 0o600);

    zhamen.metric_becomes("zhamen_acme_sites{state=\"held\"}", 1.0);
    assert_eq!(zhamen.metric("zhamen_acme_sites{state=\"barred\"}"), 1.0);
    assert_eq!(zhamen.metric("zhamen_acme_orders_total{result=\"issued\"}"), 1.0);
    assert_eq!(zhamen.logged("/.well-known/acme-challenge/token-100")["outcome"], "proved");
    assert_eq!(
        (&shown(&zhamen, "filed.cn")["state"], &shown(&zhamen, "unfiled.cn")["state"]),
        (&"held".into(), &"barred".into())
    );

    // What no order of ours promised is the origin's, which may have orders of its own.
    for path in ["/.well-known/acme-challenge/token-100", "/.well-known/acme-challenge/another"] {
        assert_eq!(get(zhamen.http, "filed.cn", path).text(), "fine");
    }
    assert_eq!(get(zhamen.http, "unfiled.cn", "/.well-known/acme-challenge/token-100").status(), 403);
}

#[test]
fn what_fails_is_told_and_tried_again_later_or_when_an_operator_asks() {
    let (authority, origin) = (Authority::start(), Origin::page("fine"));
    authority.loses("lost.cn", true);
    let setup = asking(&authority, &origin, &["lost.cn filed on", "filed.cn filed on"]);
    let mut zhamen = run(&authority, setup);
    zhamen.metric_becomes("zhamen_acme_sites{state=\"failing\"}", 1.0);
    zhamen.metric_becomes("zhamen_acme_sites{state=\"held\"}", 1.0);
    assert!(zhamen.said().contains("A and AAAA"), "what to do");
    let failed = shown(&zhamen, "lost.cn");
    assert_eq!((&failed["state"], &failed["failed"]["failures"]), (&"failing".into(), &1.into()));

    zhamen.restart();
    zhamen.metric_becomes("zhamen_acme_sites{state=\"failing\"}", 1.0);
    assert_eq!(authority.orders().len(), 2, "a restart is no reason to try again");
    assert_eq!(authority.accounts(), 1, "nor to make another account");

    authority.loses("lost.cn", false);
    authority.looks_at(zhamen.http);
    let asked = harness::zhamen(&zhamen.path(""), &["acme", "renew", "lost.cn"], b"");
    assert_eq!(asked.status, 0, "{}", asked.err);
    zhamen.metric_becomes("zhamen_acme_sites{state=\"held\"}", 2.0);
    assert_eq!(authority.orders().len(), 3);
    assert_eq!(shown(&zhamen, "lost.cn")["state"], "held");
    let nobody = harness::zhamen(&zhamen.path(""), &["acme", "renew", "nobody.cn"], b"");
    assert_eq!(nobody.status, 1);
}

#[test]
fn an_operators_certificate_is_left_alone() {
    let (authority, origin) = (Authority::start(), Origin::page("fine"));
    let setup = asking(&authority, &origin, &["own.cn filed on", "taken.cn filed on"]);
    let made = generate_simple_self_signed(vec!["own.cn".to_owned()]).unwrap();
    let own = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    let made = generate_simple_self_signed(vec!["other.cn".to_owned()]).unwrap();
    let taken = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    let setup = setup.file("certs/own.cn.pem", &own).file("certs/taken.cn.acme.pem", &taken);
    let zhamen = run(&authority, setup);
    zhamen.metric_becomes("zhamen_acme_sites{state=\"held\"}", 1.0);
    zhamen.metric_becomes("zhamen_acme_sites{state=\"failing\"}", 1.0);
    assert_eq!(authority.orders(), Vec::<Vec<String>>::new(), "nobody is asked for what could not be used");
    assert_eq!(fs::read_to_string(zhamen.path("certs/own.cn.pem")).unwrap(), own);
    assert_eq!(fs::read_to_string(zhamen.path("certs/taken.cn.acme.pem")).unwrap(), taken, "not overwritten");
    assert!(zhamen.said().contains("move it away"));
}

#[test]
fn an_authority_that_has_had_enough_is_left_alone_for_as_long_as_it_says() {
    let (authority, origin) = (Authority::start(), Origin::page("fine"));
    authority.has_enough_of(1);
    let setup = asking(&authority, &origin, &["filed.cn filed on"]).set("acme.orders", "1");
    let zhamen = run(&authority, setup);
    eventually("told", || zhamen.said().contains("asked again in 2 s"));
    // The default would be ten minutes.
    zhamen.metric_becomes("zhamen_acme_orders_total{result=\"issued\"}", 1.0);
    assert_eq!(zhamen.metric("zhamen_acme_orders_total{result=\"authority\"}"), 1.0);
    assert_eq!(zhamen.metric("zhamen_acme_orders_total{result=\"failed\"}"), 0.0, "no fault of the site");
}

#[test]
fn a_certificate_is_renewed_before_its_end_and_an_account_that_is_lost_is_made_again() {
    let (authority, origin) = (Authority::start(), Origin::page("fine"));
    // Issued an hour ago: less than a third of it is left.
    authority.gives_for(Duration::from_secs(1_200));
    let setup = asking(&authority, &origin, &["filed.cn filed on"]).set("acme.retry", "\"1s\"");
    let zhamen = run(&authority, setup);
    let (address, roots) = (https(&zhamen), authority.roots());
    eventually("the first", || handshake(address, "filed.cn", &roots).is_some());
    let first = handshake(address, "filed.cn", &roots).unwrap();
    authority.forgets_accounts();
    authority.gives_for(Duration::from_secs(90 * 86_400));
    eventually("another", || handshake(address, "filed.cn", &roots).is_some_and(|now| now != first));
    zhamen.metric_becomes("zhamen_acme_sites{state=\"held\"}", 1.0);
    assert_eq!(authority.accounts(), 1);
}

#[test]
fn check_says_what_would_be_asked_for_and_what_is_missing_to_ask() {
    let (authority, origin) = (Authority::start(), Origin::page("fine"));
    let rows = ["filed.cn filed filed.cn;www.filed.cn", "unfiled.cn unfiled on"];
    let directory = asking(&authority, &origin, &rows).directory();
    let run = zhamen(directory.path(), &["check"], b"");
    assert_eq!(run.status, 0, "{}", run.out);
    assert!(run.out.contains("filed.cn: filed.cn www.filed.cn"), "{}", run.out);
    assert!(run.out.contains("unfiled.cn gets no certificate"), "{}", run.out);
    assert_eq!(authority.accounts(), 0, "nobody is asked");

    let setup = asking(&authority, &origin, &["filed.cn filed *.filed.cn"]).set("acme.terms_agreed", "false");
    let run = zhamen(setup.directory().path(), &["check"], b"");
    assert_eq!(run.status, 2);
    assert!(run.out.contains("acme.terms_agreed"), "{}", run.out);
    let setup = asking(&authority, &origin, &["filed.cn filed *.filed.cn"]).set("acme.server", "\"\"");
    let run = zhamen(setup.directory().path(), &["check"], b"");
    assert!(run.out.contains("wildcard"), "{}", run.out);
}
