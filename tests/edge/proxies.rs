//! Proxies before us and origins behind that are told whose connection it is: the PROXY protocol, and
//! what stands in `X-Forwarded-*` and `Forwarded`.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use crate::harness::{Client, Origin, PATIENCE, Setup, eventually};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n";

fn v2() -> Vec<u8> {
    [SIGNATURE, b"\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x00\x50"].concat()
}

fn request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: filed.cn\r\nConnection: close\r\n\r\n")
}

#[test]
fn a_balancer_says_whose_connection_it_is() {
    let origin = Origin::page("x");
    let zhamen = Setup::new()
        .site("filed.cn", origin.address())
        .set("listen.proxy_protocol_from", "[\"127.0.0.0/8\"]")
        .set("timeouts.request_head", "\"500ms\"")
        .run();
    for (target, header) in [("/v1", V1.to_vec()), ("/v2", v2())] {
        for cut in [0, 1, 7, 14, header.len()] {
            let mut client = Client::connect(zhamen.http);
            client.send(&header[..cut]);
            client.send([&header[cut..], request(target).as_bytes()].concat());
            assert_eq!(client.response().status(), 200, "{target}, cut at {cut}");
        }
        assert_eq!(zhamen.logged(target)["client"], "192.0.2.7");
    }
    assert_eq!(origin.requests()[0].field("x-forwarded-for"), Some("192.0.2.7"));
    let mut own = Client::connect(zhamen.http);
    own.send([SIGNATURE, b"\x20\x00\x00\x00", request("/local").as_bytes()].concat());
    assert_eq!(own.response().status(), 200);
    assert_eq!(zhamen.logged("/local")["client"], "127.0.0.1");
    let asked = origin.asked();
    for bad in
        [request("/none").as_bytes(), b"PROXY TCP4 1 2 3 4\r\n", &[SIGNATURE, b"\x31\x11\0\x0c"].concat(), &V1[..9]]
    {
        let mut client = Client::connect(zhamen.http);
        client.send(bad);
        assert!(client.is_closed(), "{}", bad.escape_ascii());
    }
    assert_eq!(origin.asked(), asked);
}

#[test]
fn nobody_else_can_say_so() {
    let origin = Origin::page("x");
    let zhamen = Setup::new()
        .site("filed.cn", origin.address())
        .set("listen.proxy_protocol_from", "[\"10.0.0.0/8\", \"::1\"]")
        .run();
    let mut client = Client::connect(zhamen.http);
    client.send([V1, request("/").as_bytes()].concat());
    assert_eq!(client.response().reason(), "malformed_request");
    assert_eq!(origin.asked(), 0);
}

#[test]
fn trusted_proxies_name_the_client() {
    let origin = Origin::page("x");
    let forwarded = "GET /f HTTP/1.1\r\nHost: filed.cn\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.7, 127.0.0.9\r\n\
                     X-Forwarded-Proto: https\r\nForwarded: for=192.0.2.7\r\nConnection: close\r\n\r\n";
    for (trusted, client, list, proto, other) in [
        (
            "[\"127.0.0.0/8\"]",
            "192.0.2.7",
            "203.0.113.9, 192.0.2.7, 127.0.0.9, 127.0.0.1",
            "https",
            "for=192.0.2.7, for=",
        ),
        ("[]", "127.0.0.1", "127.0.0.1", "http", "for=127.0.0.1;"),
    ] {
        let zhamen = Setup::new().site("filed.cn", origin.address()).set("listen.trusted_proxies", trusted).run();
        let mut own = Client::connect(zhamen.http);
        own.send(forwarded);
        assert_eq!(own.response().status(), 200);
        assert_eq!(zhamen.logged("/f")["client"], client);
        let head = origin.requests().pop().unwrap();
        assert_eq!((head.field("x-forwarded-for"), head.count("x-forwarded-for")), (Some(list), 1));
        assert_eq!((head.field("x-forwarded-proto"), head.field("x-real-ip")), (Some(proto), Some(client)));
        assert!(head.field("forwarded").unwrap().starts_with(other), "{head:?}");
    }
}

/// The row of a site whose origin is told.
fn told(origin: SocketAddr) -> Setup {
    Setup::new().columns("proxy_protocol").row(format!("filed.cn,http://{origin},u1,s1,server,蜀ICP备12345678号,,,v2"))
}

#[test]
fn an_origin_is_told_once_a_connection_and_shares_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = listener.local_addr().unwrap();
    let (sender, told_of) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut tcp in listener.incoming().map_while(Result::ok) {
            let mut room = [0; 4096];
            let (mut seen, mut answered) = (Vec::new(), 0);
            while let Ok(count @ 1..) = tcp.read(&mut room) {
                seen.extend_from_slice(&room[..count]);
                if seen.ends_with(b"\r\n\r\n") && seen.len() > 28 {
                    answered += 1;
                    tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx").unwrap();
                }
            }
            sender.send((seen, answered)).unwrap();
        }
    });
    let zhamen = told(origin).run();
    let mut client = Client::connect(zhamen.http);
    let port = client.wire.stream.local_addr().unwrap().port();
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: filed.cn\r\n\r\n");
        assert_eq!(client.response().status(), 200);
        let (seen, answered) = told_of.recv_timeout(PATIENCE).unwrap();
        let http = zhamen.http.port().to_be_bytes();
        let from = port.to_be_bytes();
        let expected =
            [SIGNATURE, b"\x21\x11\x00\x0c\x7f\0\0\x01\x7f\0\0\x01", &from, &http, b"GET / HTTP/1.1\r\n"].concat();
        assert!(seen.starts_with(&expected), "{}", seen.escape_ascii());
        assert_eq!(answered, 1);
    }
}

/// A stock nginx; killed when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_understands_what_it_is_told() {
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
        .into_iter()
        .find(|path| fs::metadata(path).is_ok());
    let Some(program) = program else { return println!("skipped: there is no nginx") };
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let configuration = format!(
        "daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log; events {{}}\n\
         http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;\n\
         uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;\n\
         server {{ listen 127.0.0.1:{port} proxy_protocol; location / {{ return 200 $proxy_protocol_addr; }} }} }}\n",
        dir = dir.path().display(),
    );
    let file = dir.path().join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let child = Command::new(program).arg("-c").arg(&file).stderr(Stdio::null()).spawn().unwrap();
    let _nginx = Nginx(child);
    eventually("nginx listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let zhamen =
        told(SocketAddr::from(([127, 0, 0, 1], port))).set("listen.proxy_protocol_from", "[\"127.0.0.1\"]").run();
    for (header, address) in
        [(V1.to_vec(), "192.0.2.7"), (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n".to_vec(), "2001:db8::1")]
    {
        let mut client = Client::connect(zhamen.http);
        client.send([&header[..], request("/").as_bytes()].concat());
        let response = client.response();
        assert_eq!((response.status(), response.text().as_str()), (200, address));
    }
}
