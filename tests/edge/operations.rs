//! Started, reloaded, replaced and stopped under load: nobody who asks goes without an answer.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};

use zhamen::store::{FindingQuery, Findings, Sqlite};

use crate::harness::{Client, Origin, PHRASE, Setup, Zhamen, eventually, get, page_with, zhamen as command};

/// Clients that ask as fast as they are answered.
const CLIENTS: usize = 8;

/// Requests without a pause, over kept connections and new ones, until it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// `connect` makes a connection on which requests can be sent.
    fn start<C: Read + Write>(connect: impl Fn() -> std::io::Result<C> + Send + Sync + 'static) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (failures, connect) = (Arc::new(Mutex::new(Vec::new())), Arc::new(connect));
        let clients = (0..CLIENTS)
            .map(|number| {
                let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
                let (failures, connect) = (Arc::clone(&failures), Arc::clone(&connect));
                thread::spawn(move || {
                    let mut kept = None;
                    while !stop.load(Ordering::Relaxed) {
                        let asked = exchange(&*connect, &mut kept);
                        match asked {
                            Ok(()) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => failures.lock().unwrap().push(format!("client {number}: {error}")),
                        }
                        // Every other client makes a new connection for each request.
                        if number % 2 == 0 {
                            kept = None;
                        }
                    }
                })
            })
            .collect();
        Self { stop, answered, failures, clients }
    }

    /// Waits for so many more answers.
    #[track_caller]
    fn goes_on(&self, more: usize) {
        let before = self.answered.load(Ordering::Relaxed);
        eventually("more answers", || self.answered.load(Ordering::Relaxed) >= before + more);
    }

    /// Nobody went without an answer.
    #[track_caller]
    fn end_unharmed(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
        let failures = self.failures.lock().unwrap();
        assert!(failures.is_empty(), "{} failed: {:?}", failures.len(), &failures[..failures.len().min(5)]);
        assert!(self.answered.load(Ordering::Relaxed) > 0);
    }
}

fn exchange<C: Read + Write>(connect: &dyn Fn() -> std::io::Result<C>, kept: &mut Option<C>) -> std::io::Result<()> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => connect()?,
    };
    connection.write_all(b"GET / HTTP/1.1\r\nHost: filed.cn\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = connection.read(&mut bytes)?;
        if count == 0 {
            return Err(std::io::Error::other(format!("cut off after {} bytes", answer.len())));
        }
        answer.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if body.len() < "fine".len() {
            continue;
        }
        if !head.starts_with("HTTP/1.1 200 ") || body != "fine" {
            return Err(std::io::Error::other(text.into_owned()));
        }
        if !head.to_ascii_lowercase().contains("\r\nconnection: close") {
            *kept = Some(connection);
        }
        return Ok(());
    }
}

fn plain(address: SocketAddr) -> impl Fn() -> std::io::Result<TcpStream> + Send + Sync {
    move || {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn in_front_of(origin: &Origin) -> Setup {
    Setup::new().site("filed.cn", origin.address()).set("workers.threads", "2")
}

#[test]
fn one_process_takes_over_from_another_and_nobody_notices() {
    let origin = Origin::page("fine");
    let mut zhamen = in_front_of(&origin).set("timeouts.drain_idle", "\"500ms\"").run();
    let (address, admin) = (zhamen.http, zhamen.admin_address());
    let load = Load::start(plain(address));
    load.goes_on(100);
    for threads in ["1", "3", "2"] {
        // The sockets go over even where there are more or fewer workers than before.
        zhamen.set("workers.threads", threads);
        assert_eq!(zhamen.upgrade(), 0, "the old one ends in peace");
        assert_eq!((zhamen.http, zhamen.admin_address()), (address, admin));
        load.goes_on(100);
    }
    load.end_unharmed();
    assert!(zhamen.metric("zhamen_requests_total{outcome=\"forwarded\",protocol=\"http/1.1\"}") > 0.0);
    let log = zhamen.log();
    assert!(log.len() >= 400 && log.iter().all(|line| line["status"] == 200), "every line whole");
}

#[test]
fn findings_go_on_the_record_on_both_sides_of_an_upgrade() {
    let origin = Origin::start(|exchange| {
        let page = page_with(PHRASE, 10);
        exchange.respond("200 OK", &[("Content-Type", "text/html; charset=utf-8")], page.as_bytes())
    });
    let mut zhamen = in_front_of(&origin).run();
    // Keeps the old process from ending for a while.
    let mut slow = Client::connect(zhamen.http);
    slow.send("GET /slow HTTP/1.1\r\n");
    assert_eq!(get(zhamen.http, "filed.cn", "/before").reason(), "content_blocked");
    let old = zhamen.upgrade_begun();
    assert_eq!(get(zhamen.http, "filed.cn", "/after").reason(), "content_blocked");
    slow.send("Host: filed.cn\r\n\r\n");
    assert_eq!(slow.response().reason(), "content_blocked", "by the old one, which goes on until then");
    assert_eq!(old.wait(), 0);
    let store = Sqlite::open(&zhamen.path("zhamen.db")).unwrap();
    let found = || store.findings(&FindingQuery::default()).unwrap();
    eventually("all three on the record", || {
        let pages: Vec<String> = found().into_iter().map(|row| row.finding.page).collect();
        ["/before", "/after", "/slow"].iter().all(|target| pages.iter().any(|page| page.ends_with(target)))
    });
    let verified = command(&zhamen.path("."), &["evidence", "verify"], b"");
    assert_eq!(verified.status, 0, "{}{}", verified.out, verified.err);
}

#[test]
fn an_upgrade_that_fails_changes_nothing() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin).run();
    let good = fs::read(zhamen.path("rules/test.toml")).unwrap();
    fs::write(zhamen.path("rules/test.toml"), "[pack").unwrap();
    let tried = command(&zhamen.path("."), &["run", "--upgrade", "--config", "zhamen.toml"], b"");
    assert_eq!(tried.status, 2, "{}", tried.err);
    fs::write(zhamen.path("rules/test.toml"), good).unwrap();
    assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200);
}

#[test]
fn it_replaces_itself_when_asked_by_signal() {
    let origin = Origin::page("fine");
    let mut zhamen = in_front_of(&origin).set("timeouts.drain_idle", "\"100ms\"").run();
    let load = Load::start(plain(zhamen.http));
    load.goes_on(50);
    zhamen.signal("USR2");
    assert_eq!(zhamen.wait(), 0, "the old one ends");
    load.goes_on(50);
    load.end_unharmed();
    zhamen.kill_next();
}

#[test]
fn reloads_one_after_another_cost_nobody_an_answer() {
    let origin = Origin::page("fine");
    let mut zhamen = in_front_of(&origin).run();
    let load = Load::start(plain(zhamen.http));
    for round in 0..20 {
        zhamen.set("timeouts.keep_alive", &format!("\"{}s\"", 30 + round));
        zhamen.signal("HUP");
        load.goes_on(20);
        thread::sleep(Duration::from_millis(50));
    }
    load.end_unharmed();
    assert!(zhamen.metric("zhamen_reload_total{result=\"success\",what=\"config\"}") >= 2.0);
}

#[test]
fn sockets_that_systemd_has_bound_are_served() {
    let origin = Origin::page("fine");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // Somebody who came before Zhamen did.
    let mut early = Client::connect(address);
    early.get("filed.cn", "/");
    let zhamen = in_front_of(&origin).set("listen.http", &format!("[\"{address}\"]")).socket(socket).run();
    assert_eq!(zhamen.http, address);
    assert_eq!(early.response().status(), 200);
    for _ in 0..10 {
        assert_eq!(get(address, "filed.cn", "/").status(), 200);
    }
}

#[test]
fn a_socket_that_systemd_names_stands_in_the_place_of_what_is_configured() {
    let origin = Origin::page("fine");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let setup =
        in_front_of(&origin).set("listen.http", "[\"192.0.2.1:80\"]").environment("LISTEN_FDNAMES", Path::new("http"));
    let mut zhamen = setup.socket(socket).run();
    assert_eq!(get(address, "filed.cn", "/").status(), 200);
    assert_eq!(zhamen.upgrade(), 0);
    assert_eq!((zhamen.http, get(address, "filed.cn", "/").status()), (address, 200), "and it is handed on");
}

#[test]
fn systemd_is_told_of_start_reload_and_stop() {
    let origin = Origin::page("fine");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let heard = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    heard.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let next = |wanted: &str| {
        let mut bytes = [0; 4096];
        loop {
            let count = heard.recv(&mut bytes).unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return text;
            }
        }
    };
    let setup = in_front_of(&origin).environment("NOTIFY_SOCKET", &path);
    let mut zhamen = setup.environment("WATCHDOG_USEC", Path::new("600000")).run();
    assert!(next("READY=1").contains("STATUS=serving"));
    next("WATCHDOG=1");
    next("WATCHDOG=1");
    zhamen.signal("HUP");
    assert!(next("RELOADING=1").contains("MONOTONIC_USEC="));
    next("READY=1");
    zhamen.signal("TERM");
    next("STOPPING=1");
    assert_eq!(zhamen.wait(), 0);
}

/// A certificate in the files of a name, and the certificate itself.
fn certify(directory: &Path, name: &str, hosts: &[&str]) -> Vec<u8> {
    let hosts = hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let made = rcgen::generate_simple_self_signed(hosts).unwrap();
    let put = |suffix: &str, text: String| {
        fs::write(directory.join("aside"), text).unwrap();
        fs::rename(directory.join("aside"), directory.join(format!("{name}.{suffix}"))).unwrap();
    };
    // In one file, so that certificate and key are replaced at once.
    put("pem", format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem()));
    made.cert.der().to_vec()
}

/// Connects with TLS; whom it trusts can change.
fn tls(address: SocketAddr, trusted: Arc<Mutex<Vec<Vec<u8>>>>) -> impl Fn() -> std::io::Result<Tls> + Send + Sync {
    move || {
        let mut roots = RootCertStore::empty();
        for certificate in trusted.lock().unwrap().iter() {
            roots.add(certificate.clone().into()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("filed.cn").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = plain(address)()?;
        let mut tls = StreamOwned::new(connection, stream);
        tls.flush()?;
        Ok(tls)
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn with_tls(origin: &Origin) -> (Zhamen, SocketAddr, Vec<u8>) {
    let setup = in_front_of(origin).set("listen.https", "[\"127.0.0.1:0\"]").set("tls.certificates", "\"certs\"");
    let certs = setup.path("certs");
    fs::create_dir(&certs).unwrap();
    let first = certify(&certs, "filed", &["filed.cn"]);
    let zhamen = setup.run();
    let said = zhamen.said();
    let (_, rest) = said.split_once("https=[").unwrap();
    let address = rest.split(']').next().unwrap().parse().unwrap();
    (zhamen, address, first)
}

#[test]
fn certificates_are_replaced_under_load() {
    let origin = Origin::page("fine");
    let (zhamen, address, first) = with_tls(&origin);
    let trusted = Arc::new(Mutex::new(vec![first]));
    let load = Load::start(tls(address, Arc::clone(&trusted)));
    load.goes_on(20);
    for round in 1..4 {
        // Trusted before it is there.
        let aside = tempfile::tempdir().unwrap();
        trusted.lock().unwrap().push(certify(aside.path(), "filed", &["filed.cn"]));
        fs::copy(aside.path().join("filed.pem"), zhamen.path("certs/aside")).unwrap();
        fs::rename(zhamen.path("certs/aside"), zhamen.path("certs/filed.pem")).unwrap();
        let loads = 1.0 + f64::from(round);
        eventually("loaded", || {
            zhamen.metric("zhamen_reload_total{result=\"success\",what=\"certificates\"}") >= loads
        });
        load.goes_on(20);
    }
    zhamen.write("certs/filed.pem", "half of it");
    eventually("refused", || zhamen.metric("zhamen_reload_total{result=\"error\",what=\"certificates\"}") >= 1.0);
    load.goes_on(20);
    load.end_unharmed();
    assert_eq!(zhamen.metric("zhamen_certificates"), 1.0);
    assert!(zhamen.metric("zhamen_certificate_expiry_timestamp_seconds") > 1.7e9);
}

#[test]
fn a_name_that_no_certificate_covers_is_refused_by_its_name() {
    let origin = Origin::page("fine");
    let (_zhamen, address, first) = with_tls(&origin);
    let mut roots = RootCertStore::empty();
    roots.add(first.into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("other.cn").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut tls = StreamOwned::new(connection, plain(address)().unwrap());
    let error = tls.write_all(b"x").and_then(|()| tls.flush()).unwrap_err();
    assert!(error.to_string().contains("UnrecognisedName"), "{error}");
}

#[test]
fn what_is_given_up_is_said_and_what_is_needed_still_works() {
    let origin = Origin::page("fine");
    let mut zhamen = in_front_of(&origin).set("process.landlock", "\"auto\"").run();
    assert!(zhamen.said().contains("landlock"), "{}", zhamen.said());
    assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200);
    zhamen.set("gate.statuses.unfiled", "404");
    eventually("reloaded", || get(zhamen.http, "nobody.cn", "/").status() == 404);
    let status = zhamen.status("NoNewPrivs");
    assert_eq!(status, "1");
    assert_eq!(zhamen.upgrade(), 0, "and another can take over");
}

#[test]
fn the_superuser_binds_and_somebody_else_serves() {
    const NOBODY: u32 = 65_534;
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if !is_root || !passwd.lines().any(|line| line.starts_with("nobody:x:65534:")) {
        println!("skipped: only root can become nobody");
        return;
    }
    let origin = Origin::page(format!("{PHRASE} and more"));
    let mut zhamen = Setup::new()
        .site("filed.cn", origin.address())
        // Below 1024: a port that only the superuser may have.
        .set("listen.http", "[\"127.0.71.83:83\"]")
        .set("process.user", "\"nobody\"")
        .run_for(NOBODY);
    let ids = format!("{NOBODY}\t").repeat(4);
    assert_eq!((zhamen.status("Uid"), zhamen.status("Gid")), (ids.trim_end().to_owned(), ids.trim_end().to_owned()));
    assert_eq!(u64::from_str_radix(&zhamen.status("CapEff"), 16), Ok(0), "none of the superuser's privileges");
    assert_eq!(u64::from_str_radix(&zhamen.status("CapPrm"), 16), Ok(0));
    assert_eq!(zhamen.status("NoNewPrivs"), "1");
    let groups = zhamen.status("Groups");
    assert!(groups.split_ascii_whitespace().all(|group| group != "0"), "{groups}");
    assert_eq!(zhamen.http.port(), 83);
    assert_eq!(get(zhamen.http, "filed.cn", "/").reason(), "content_blocked");
    eventually("logged and on the record", || {
        let owner = |name: &str| fs::metadata(zhamen.path(name)).map(|file| std::os::unix::fs::MetadataExt::uid(&file));
        zhamen.logged("/")["outcome"] == "refused" && owner("access.jsonl").is_ok_and(|owner| owner == NOBODY)
    });
    zhamen.signal("TERM");
    assert_eq!(zhamen.wait(), 0);
}
