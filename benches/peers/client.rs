//! Loads: HTTP/1.1, the same over TLS, HTTP/2, and handshakes. They cost more than the proxies do, which
//! does not matter: only the proxies are measured.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsConnector;

use crate::{
    servers::{HOST, Identity, Server},
    support,
};

const CONNECTIONS: usize = 64;
const HTTP2_CONNECTIONS: usize = 16;
const HTTP2_STREAMS: usize = 4;

/// What is asked for, and how.
#[derive(Clone, Copy, Debug)]
pub enum Client {
    /// A page over HTTP/1.1, again and again.
    Plain(&'static str),
    /// The same over TLS.
    Tls(&'static str),
    /// A page over HTTP/2 and TLS.
    Http2(&'static str),
    /// A connection with a full handshake, and one small page.
    Handshake,
}

/// Asks for a time; the number of requests answered in full, or of handshakes made.
pub fn load(server: &Server, client: Client, identity: &Identity, time: Duration) -> u64 {
    match client {
        Client::Plain(path) => support::load(server.http, HOST, path, CONNECTIONS, time).requests,
        Client::Tls(path) => {
            let config = tls(identity, b"http/1.1");
            // One thread: the handshakes are over before the first request is counted against anybody.
            let mut streams: Vec<_> = (0..CONNECTIONS).map(|_| connect(server.https, &config)).collect();
            let until = Instant::now() + time;
            let mut requests = 0;
            while requests == 0 || Instant::now() < until {
                for stream in &mut streams {
                    ask(stream, path);
                }
                for stream in &mut streams {
                    read_page(stream);
                    requests += 1;
                }
            }
            requests
        }
        Client::Http2(_) if !server.http2 => 0,
        Client::Http2(path) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, http2(server.https, tls(identity, b"h2"), path, time))
        }
        Client::Handshake => {
            let mut config = ClientConfig::clone(&tls(identity, b"http/1.1"));
            config.resumption = rustls::client::Resumption::disabled();
            let config = Arc::new(config);
            let until = Instant::now() + time;
            let mut handshakes = 0;
            while handshakes == 0 || Instant::now() < until {
                let mut stream = connect(server.https, &config);
                ask(&mut stream, "/1.html");
                read_page(&mut stream);
                handshakes += 1;
            }
            handshakes
        }
    }
}

/// Connections that have carried a request each and wait.
pub fn idle(server: &Server, count: usize) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.http)).ok()?;
        ask(&mut stream, "/1.html");
        read_page(&mut stream);
        Some(stream)
    };
    (0..count).map_while(open).collect()
}

fn tls(identity: &Identity, protocol: &[u8]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(identity.certificate.clone())).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = builder.expect("TLS 1.3").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

fn connect(port: u16, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    tcp.set_nodelay(true).expect("no delay");
    let name = ServerName::try_from(HOST).expect("a name");
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(config), name).expect("a client"), tcp);
    stream.flush().expect("a handshake");
    stream
}

fn ask(stream: &mut impl Write, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).expect("a request");
}

fn read_page(stream: &mut impl Read) {
    let mut buffer = vec![0; 64 << 10];
    support::read_response(stream, &mut buffer);
}

async fn http2(port: u16, config: Arc<ClientConfig>, path: &'static str, time: Duration) -> u64 {
    let until = Instant::now() + time;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..HTTP2_CONNECTIONS {
        let tcp = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
        tcp.set_nodelay(true).expect("no delay");
        let name = ServerName::try_from(HOST).expect("a name");
        let stream = TlsConnector::from(Arc::clone(&config)).connect(name, tcp).await.expect("a handshake");
        let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::task::spawn_local(async move { drop(connection.await) });
        for _ in 0..HTTP2_STREAMS {
            let mut sender = sender.clone().ready().await.expect("room for a stream");
            tasks.spawn_local(async move {
                let mut requests = 0;
                while requests == 0 || Instant::now() < until {
                    let uri = format!("https://{HOST}{path}");
                    let request = http::Request::builder().uri(uri).body(()).expect("a request");
                    let (response, _) = sender.send_request(request, true).expect("a stream");
                    let response = response.await.expect("a response");
                    assert_eq!(response.status(), 200);
                    let mut body = response.into_body();
                    while let Some(data) = body.data().await {
                        let data = data.expect("a whole body");
                        body.flow_control().release_capacity(data.len()).expect("capacity");
                    }
                    requests += 1;
                    sender = sender.ready().await.expect("room for a stream");
                }
                requests
            });
        }
    }
    tasks.join_all().await.into_iter().sum()
}
