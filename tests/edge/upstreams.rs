//! Several origins for a site, their health, their names, their certificates, and who has to wait.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::harness::{Client, Exchange, Origin, Setup, Zhamen, eventually, get, zhamen};

/// The columns behind the usual ones.
const COLUMNS: &str = "origin_ca,origin_name,origin_verify,proxy_protocol,origin_http";

fn row(origins: &[SocketAddr]) -> String {
    let origins: Vec<_> = origins.iter().map(|origin| format!("http://{origin}")).collect();
    format!("filed.cn,{},u1,s1,server,蜀ICP备12345678号,,", origins.join(";"))
}

fn says(name: &'static str) -> impl Fn(&mut Exchange<'_>) -> std::io::Result<()> {
    move |exchange| exchange.respond("200 OK", &[("Content-Type", "text/plain")], name.as_bytes())
}

/// An origin that can be killed with all its connections.
struct Mortal {
    origin: Origin,
    is_dead: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Mortal {
    fn start() -> Self {
        let (is_dead, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (dead, opened) = (Arc::clone(&is_dead), Arc::clone(&connections));
        let origin = Origin::start(move |exchange| {
            opened.lock().unwrap().push(exchange.wire.stream.try_clone()?);
            if dead.load(Ordering::SeqCst) {
                return exchange.reset();
            }
            says("mortal")(exchange)
        });
        Self { origin, is_dead, connections }
    }

    /// Returns where it listened.
    fn kill(self) -> SocketAddr {
        let address = self.origin.address();
        self.is_dead.store(true, Ordering::SeqCst);
        drop(self.origin);
        eventually("the port is closed", || TcpStream::connect(address).is_err());
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = socket2::SockRef::from(&connection).set_linger(Some(Duration::ZERO));
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
        address
    }
}

/// Asks again and again on some connections until told to stop; counts, and complains of what fails.
fn load(address: SocketAddr, clients: usize, stop: &AtomicBool, count: &AtomicUsize) {
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while !stop.load(Ordering::SeqCst) {
                    client.send("GET / HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
                    let response = client.response();
                    assert_eq!(response.status(), 200, "{}", response.text());
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
}

#[test]
fn of_two_origins_one_may_die_under_load() {
    let (stays, dies) = (Origin::start(says("stays")), Mortal::start());
    let zhamen = Setup::new()
        .row(row(&[stays.address(), dies.origin.address()]))
        .set("upstream.eject.time", "\"300ms\"")
        .set("upstream.eject.time_max", "\"300ms\"")
        .run();
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let loading = scope.spawn(|| load(zhamen.http, 8, &stop, &count));
        eventually("both are asked", || stays.asked() > 50 && dies.origin.asked() > 50);
        let address = dies.kill();
        let died_at = count.load(Ordering::SeqCst);
        eventually("requests go on", || count.load(Ordering::SeqCst) > died_at + 200);
        eventually("it is left out", || zhamen.metric("zhamen_origin_ejections_total") >= 1.0);
        let back = Origin::on(address, says("back"));
        eventually("it is asked again when it is back", || back.asked() > 50);
        zhamen.metric_becomes("zhamen_origin_healthy", 2.0);
        stop.store(true, Ordering::SeqCst);
        loading.join().unwrap();
    });
    assert_eq!(zhamen.metric("zhamen_requests_total{outcome=\"refused\",protocol=\"http/1.1\"}"), 0.0);
}

#[test]
fn the_last_origin_is_asked_however_bad_it_is() {
    let closed = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (first, second) = (closed(), closed());
    let zhamen = Setup::new().row(row(&[first, second])).run();
    for _ in 0..10 {
        let response = get(zhamen.http, "filed.cn", "/");
        assert_eq!((response.status(), response.reason()), (502, "origin_unreachable"));
    }
    assert_eq!(zhamen.metric("zhamen_origin_ejections_total"), 1.0, "one is left out, and then the other is the last");
    let _back = Origin::on(second, says("back"));
    assert_eq!(get(zhamen.http, "filed.cn", "/").status(), 200, "at once, whichever was left out");
}

#[test]
fn requests_go_to_all_origins_and_to_the_idle_before_the_busy() {
    let origins = ["a", "b", "c"].map(|name| Origin::start(says(name)));
    let busy = Origin::start(|exchange| {
        thread::sleep(Duration::from_millis(300));
        says("busy")(exchange)
    });
    let mut addresses: Vec<_> = origins.iter().map(Origin::address).collect();
    addresses.push(busy.address());
    let zhamen = Setup::new().row(row(&addresses)).run();
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| load(zhamen.http, 8, &stop, &count));
        eventually("many have been asked", || count.load(Ordering::SeqCst) > 1_000);
        stop.store(true, Ordering::SeqCst);
    });
    let asked: Vec<_> = origins.iter().map(Origin::asked).collect();
    assert!(asked.iter().all(|&asked| asked > 200), "{asked:?}");
    assert!(busy.asked() < 100, "{} of the busy one, {asked:?}", busy.asked());
}

#[test]
fn origins_that_close_kept_connections_at_random_cost_no_request() {
    let turn = AtomicUsize::new(0);
    let origin = Origin::start(move |exchange| {
        // With and without warning, after an answer and instead of one.
        match turn.fetch_add(1, Ordering::SeqCst) % 7 {
            2 => {
                says("x")(exchange)?;
                exchange.close()
            }
            4 => {
                exchange.respond("200 OK", &[("Connection", "close")], b"x")?;
                exchange.close()
            }
            _ => says("x")(exchange),
        }
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| load(zhamen.http, 8, &stop, &count));
        eventually("many have been asked", || count.load(Ordering::SeqCst) > 2_000);
        stop.store(true, Ordering::SeqCst);
    });
    assert!(origin.connections() > 100, "it did close connections");
}

#[test]
fn what_cannot_be_sent_twice_goes_over_new_connections_where_kept_ones_die() {
    let posts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&posts);
    let origin = Origin::start(move |exchange| {
        let body = exchange.body()?;
        if exchange.method() == "POST" {
            seen.lock().unwrap().push(String::from_utf8(body).unwrap());
        }
        says("x")(exchange)?;
        // Nobody is told.
        exchange.close()
    });
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    let mut client = Client::connect(zhamen.http);
    // From the first on, of which nothing can have been learnt.
    let sent: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    for body in &sent {
        let length = body.len();
        client.send(format!("POST / HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: {length}\r\n\r\n{body}"));
        assert_eq!(client.response().status(), 200);
    }
    assert_eq!(*posts.lock().unwrap(), sent, "each of them once");
}

#[test]
fn an_origin_that_fails_its_checks_is_not_asked() {
    let is_well = Arc::new(AtomicBool::new(true));
    let well = Arc::clone(&is_well);
    let checked = Origin::start(move |exchange| match exchange.target() {
        "/health" if !well.load(Ordering::SeqCst) => exchange.respond("503 No", &[], b""),
        _ => says("checked")(exchange),
    });
    let other = Origin::start(says("other"));
    let zhamen = Setup::new()
        .row(row(&[checked.address(), other.address()]))
        .set("upstream.check.path", "\"/health\"")
        .set("upstream.check.every", "\"100ms\"")
        .run();
    let answers = |name: &str| get(zhamen.http, "filed.cn", "/").text() == name;
    eventually("both are asked", || answers("checked"));
    is_well.store(false, Ordering::SeqCst);
    zhamen.metric_becomes("zhamen_origin_ejected", 1.0);
    for _ in 0..20 {
        assert!(answers("other"));
    }
    is_well.store(true, Ordering::SeqCst);
    eventually("it is asked again", || answers("checked"));
}

#[test]
fn beyond_the_limit_of_connections_requests_wait_and_not_for_ever() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let origin = Origin::start(move |exchange| {
        if exchange.target() == "/slow" {
            released.lock().unwrap().recv().unwrap();
        }
        says("x")(exchange)
    });
    let zhamen = Setup::new()
        .site("filed.cn", origin.address())
        .set("upstream.connections", "1")
        .set("upstream.queue", "1")
        .set("upstream.queue_time", "\"10s\"")
        .run();
    let mut slow = Client::connect(zhamen.http);
    slow.send("GET /slow HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
    eventually("the slow one has come", || origin.asked() == 1);
    let mut waiting = Client::connect(zhamen.http);
    waiting.send("GET /waits HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
    // The second that waits finds the queue full, as soon as the first is in it.
    let refused = || {
        let response = get(zhamen.http, "filed.cn", "/refused");
        (response.status(), response.reason().to_owned()) == (503, "overloaded".to_owned())
    };
    eventually("a third is refused", refused);
    release.send(()).unwrap();
    assert_eq!((slow.response().status(), waiting.response().status()), (200, 200));
    assert_eq!(origin.connections(), 1);
}

/// A name server that knows one name, and answers only as long as it should.
struct NameServer {
    address: SocketAddr,
    answer: Arc<Mutex<Option<IpAddr>>>,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    fn start(answer: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(Some(answer.parse().unwrap())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (answers, count) = (Arc::clone(&answer), Arc::clone(&asked));
        thread::spawn(move || {
            let mut room = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut room) {
                count.fetch_add(1, Ordering::SeqCst);
                let Some(IpAddr::V4(address)) = *answers.lock().unwrap() else { continue };
                let question_end = 12 + room[12..length].iter().position(|&byte| byte == 0).unwrap() + 5;
                let is_a = room[question_end - 3] == 1;
                let mut reply = room[..question_end].to_vec();
                // An answer, recursion available, no error; one question, one answer for an A.
                reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
                if is_a {
                    // The name as in the question, A, IN, one second, four bytes.
                    reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
                    reply.extend_from_slice(&address.octets());
                }
                socket.send_to(&reply, from).unwrap();
            }
        });
        Self { address, answer, asked }
    }

    fn answers(&self, address: Option<&str>) {
        *self.answer.lock().unwrap() = address.map(|address| address.parse().unwrap());
    }
}

#[test]
fn a_name_leads_where_it_leads_now_or_led_last() {
    let once = |name: &'static str| {
        move |exchange: &mut Exchange<'_>| {
            exchange.respond("200 OK", &[("Connection", "close")], name.as_bytes())?;
            exchange.close()
        }
    };
    let first = Origin::start(once("first"));
    let port = first.address().port();
    let _second = Origin::on(SocketAddr::new("127.0.0.2".parse().unwrap(), port), once("second"));
    let names = NameServer::start("127.0.0.1");
    let zhamen = Setup::new()
        .row(format!("filed.cn,http://origin.test:{port},u1,s1,server,蜀ICP备12345678号,,"))
        .set("upstream.resolver", &format!("[\"{}\"]", names.address))
        .run();
    let answer = || get(zhamen.http, "filed.cn", "/").text();
    assert_eq!(answer(), "first");
    names.answers(Some("127.0.0.2"));
    eventually("the new address is used", || answer() == "second");
    names.answers(None);
    let asked = names.asked.load(Ordering::SeqCst);
    eventually("the name server is asked in vain", || {
        assert_eq!(answer(), "second", "what was known holds");
        names.asked.load(Ordering::SeqCst) > asked
    });
    assert_eq!(answer(), "second");
}

/// An origin with TLS: answers every connection once.
fn tls_origin(names: &[&str], issuer: &CertifiedIssuer<'_, KeyPair>) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), tcp);
            let mut room = [0; 4096];
            if tls.read(&mut room).is_ok() {
                let sni = tls.conn.server_name().unwrap_or("none").to_owned();
                let _ =
                    write!(tls, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{sni}", sni.len());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    address
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn an_origin_is_who_its_certificate_says() {
    let issuer = authority();
    let origin = tls_origin(&["origin.test"], &issuer);
    let row = |host: &str, rest: &str| format!("{host},https://{origin},u1,s1,server,蜀ICP备12345678号,,,{rest}");
    let setup = Setup::new()
        .columns(COLUMNS)
        .row(row("public.cn", ",,,,"))
        .row(row("good.cn", "ca.pem,origin.test,,,"))
        .row(row("named.cn", "ca.pem,other.test,,,"))
        .row(row("gone.cn", "nothing.pem,origin.test,,,"))
        .row(row("anybody.cn", ",,off,,"));
    let zhamen: Zhamen = setup.run();
    zhamen.write("ca.pem", issuer.pem());
    for (host, status, said) in [
        ("good.cn", 200, "origin.test"),
        ("anybody.cn", 200, "none"),
        ("public.cn", 502, "UnknownIssuer"),
        ("named.cn", 502, "other.test"),
        ("gone.cn", 502, "nothing.pem"),
    ] {
        let response = get(zhamen.http, host, &format!("/{host}"));
        let detail = || zhamen.logged(&format!("/{host}"))["detail"].to_string();
        let text = if status == 200 { response.text() } else { detail() };
        assert_eq!(response.status(), status, "{host}: {text}");
        assert!(text.contains(said), "{host}: {text}");
    }
}

#[test]
fn who_believes_anybody_is_warned() {
    let directory = Setup::new()
        .columns(COLUMNS)
        .row("a.cn,https://10.0.0.1,u1,s1,server,蜀ICP备12345678号,,,,,off,,")
        .row("b.cn,https://10.0.0.1,u1,s1,server,蜀ICP备12345678号,,,missing.pem,,,,")
        .directory();
    let run = zhamen(directory.path(), &["check"], b"");
    let shown = run.out + &run.err;
    assert!(shown.contains("sites.csv:2:") && shown.contains("is believed"), "{shown}");
    assert!(shown.contains("missing.pem"), "{shown}");
}

#[test]
fn old_software_is_understood_where_the_row_says_so() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.0 200\nContent-Type : text/plain\nX-Old: a\n\tb\nContent-Length : 3\n\nold")?;
        exchange.close()
    });
    let row = |host: &str, http: &str| {
        format!("{host},http://{},u1,s1,server,蜀ICP备12345678号,,,,,,,{http}", origin.address())
    };
    let zhamen = Setup::new().columns(COLUMNS).row(row("strict.cn", "")).row(row("old.cn", "tolerant")).run();
    assert_eq!(get(zhamen.http, "strict.cn", "/").reason(), "origin_protocol");
    let response = get(zhamen.http, "old.cn", "/");
    assert_eq!((response.status(), response.text().as_str(), response.field("X-Old")), (200, "old", Some("a b")));
    assert_eq!(response.head.fields.iter().filter(|(name, _)| name == "Content-Type").count(), 1, "its case is kept");
}
