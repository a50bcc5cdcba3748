//! A client and an origin of HTTP/2 on the `h2` crate, over TCP or TLS; and frames written by hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::{RecvStream, client::SendRequest, server::SendResponse};
use http::{HeaderMap, Request, StatusCode, request::Parts};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedCipherSuite,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    runtime::Runtime,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::PATIENCE;

/// What a connection begins with, and a SETTINGS without settings.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Types of frames.
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

/// A certificate for some names, and what trusts it.
pub struct Authority {
    pub directory: tempfile::TempDir,
    roots: RootCertStore,
}

/// A connection, and the loop that drives it.
pub struct Http2 {
    runtime: Runtime,
    send: SendRequest<Bytes>,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub fields: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    /// The stream was reset before its end.
    pub reset: Option<h2::Reason>,
}

/// A frame as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A connection of frames written by hand.
pub struct Frames {
    pub tcp: TcpStream,
    buffer: Vec<u8>,
}

impl Authority {
    /// For these names.
    pub fn of(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("site.crt"), made.cert.pem()).unwrap();
        std::fs::write(directory.path().join("site.key"), made.signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        Self { directory, roots }
    }

    /// What trusts it.
    pub fn roots(&self) -> RootCertStore {
        self.roots.clone()
    }

    /// What `tls.certificates` is set to.
    pub fn setting(&self) -> String {
        format!("{:?}", self.directory.path().display().to_string())
    }

    /// A server that shows the certificate.
    pub fn acceptor(&self, alpn: &[&str]) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_file(self.directory.path().join("site.crt")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.directory.path().join("site.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    fn config(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// The cipher suite that a handshake with these, in this order, ends with.
    pub fn suite(&self, address: SocketAddr, name: &str, suites: &[SupportedCipherSuite]) -> SupportedCipherSuite {
        let provider =
            CryptoProvider { cipher_suites: suites.to_vec(), ..rustls::crypto::aws_lc_rs::default_provider() };
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        client.complete_io(&mut TcpStream::connect(address).unwrap()).unwrap();
        client.negotiated_cipher_suite().unwrap()
    }

    /// A TLS connection, and what ALPN agreed on.
    pub fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        alpn: &[&str],
    ) -> (StreamOwned<ClientConnection, TcpStream>, Option<Vec<u8>>) {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = StreamOwned::new(ClientConnection::new(self.config(alpn), name).unwrap(), tcp);
        tls.conn.complete_io(&mut tls.sock).unwrap();
        let agreed = tls.conn.alpn_protocol().map(<[u8]>::to_vec);
        (tls, agreed)
    }
}

impl Http2 {
    /// With prior knowledge.
    pub fn connect(address: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let send = runtime.block_on(async {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            tcp.set_nodelay(true).unwrap();
            let (send, connection) = h2::client::handshake(tcp).await.unwrap();
            tokio::spawn(connection);
            send
        });
        Self { runtime, send }
    }

    /// Over TLS.
    pub fn connect_tls(address: SocketAddr, name: &str, authority: &Authority) -> Self {
        let runtime = Runtime::new().unwrap();
        let (config, name) = (authority.config(&["h2"]), ServerName::try_from(name.to_owned()).unwrap());
        let send = runtime.block_on(async {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let tls = TlsConnector::from(config).connect(name, tcp).await.unwrap();
            let (send, connection) = h2::client::handshake(tls).await.unwrap();
            tokio::spawn(connection);
            send
        });
        Self { runtime, send }
    }

    /// Runs something that waits.
    #[track_caller]
    pub fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { timeout(PATIENCE, what).await }).expect("an answer in time")
    }

    pub fn sender(&self) -> SendRequest<Bytes> {
        self.send.clone()
    }

    /// Asks without a body.
    #[track_caller]
    pub fn get(&self, uri: &str) -> Answer {
        self.ask(Request::get(uri).body(()).unwrap(), &[], None)
    }

    /// Asks, and reads the answer to its end.
    #[track_caller]
    pub fn ask(&self, request: Request<()>, body: &[&'static [u8]], trailers: Option<HeaderMap>) -> Answer {
        self.wait(async {
            let mut send = self.sender().ready().await.unwrap();
            let is_bodiless = body.is_empty() && trailers.is_none();
            let (response, mut stream) = send.send_request(request, is_bodiless).unwrap();
            for (index, piece) in body.iter().enumerate() {
                let is_last = index + 1 == body.len() && trailers.is_none();
                // The answer may come, and end the stream, before all of the body.
                if stream.send_data(Bytes::from_static(piece), is_last).is_err() {
                    break;
                }
            }
            if let Some(trailers) = trailers {
                stream.send_trailers(trailers).unwrap();
            }
            read(response.await).await
        })
    }
}

/// Reads an answer to its end.
pub async fn read(response: Result<http::Response<h2::RecvStream>, h2::Error>) -> Answer {
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            let reset = Some(error.reason().unwrap_or_else(|| panic!("no answer: {error}")));
            return Answer { status: 0, fields: HeaderMap::new(), body: Vec::new(), trailers: None, reset };
        }
    };
    let (head, mut stream) = response.into_parts();
    let (mut body, mut reset) = (Vec::new(), None);
    while let Some(piece) = stream.data().await {
        match piece {
            Ok(piece) => {
                stream.flow_control().release_capacity(piece.len()).unwrap();
                body.extend_from_slice(&piece);
            }
            Err(error) => {
                reset = Some(error.reason().unwrap_or_else(|| panic!("no reset: {error}")));
                break;
            }
        }
    }
    let trailers = if reset.is_none() { stream.trailers().await.unwrap() } else { None };
    Answer { status: StatusCode::as_u16(&head.status), fields: head.headers, body, trailers, reset }
}

impl Answer {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Frames {
    /// Connects and says the preface.
    pub fn connect(address: SocketAddr) -> Self {
        let mut frames = Self::silent(address);
        frames.write(PREFACE);
        frames
    }

    /// Connects.
    pub fn silent(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        Self { tcp, buffer: Vec::new() }
    }

    /// Whether all went out; a connection that was ended takes no more.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.tcp.write_all(bytes).is_ok()
    }

    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.write(&frame(kind, flags, stream, payload))
    }

    /// The next frame; none at the end.
    pub fn next(&mut self) -> Option<Frame> {
        let head = self.exactly(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.exactly(length)?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Frames up to one of a kind; none if the connection ends before.
    pub fn until(&mut self, kind: u8) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| frame.kind == kind)
    }

    /// The error of the GOAWAY that ends the connection; none if it ends without one.
    pub fn goaway(&mut self) -> Option<u32> {
        let errors = std::iter::from_fn(|| self.next()).filter(|frame| frame.kind == GOAWAY);
        errors.map(|frame| u32::from_be_bytes(frame.payload[4..8].try_into().unwrap())).last()
    }

    fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut room = [0; 16 << 10];
        while self.buffer.len() < length {
            match self.tcp.read(&mut room) {
                Ok(count) if count > 0 => self.buffer.extend_from_slice(&room[..count]),
                Err(error) if super::wire::is_timeout(&error) => panic!("neither a frame nor an end: {error}"),
                Ok(_) | Err(_) => return None,
            }
        }
        let rest = self.buffer.split_off(length);
        Some(std::mem::replace(&mut self.buffer, rest))
    }
}

/// A frame's bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// A block of fields without compression: literals without indexing.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let mut out = Vec::new();
        // A length in seven bits, then in septets (RFC 7541 section 5.1).
        if text.len() < 127 {
            out.push(text.len() as u8);
        } else {
            out.push(127);
            let mut left = text.len() - 127;
            while left >= 128 {
                out.push((left % 128) as u8 | 128);
                left /= 128;
            }
            out.push(left as u8);
        }
        out.extend_from_slice(text.as_bytes());
        out
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// The block of a GET.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    block(&[(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path)])
}

/// An origin that speaks HTTP/2 with prior knowledge, and counts.
pub struct Http2Origin {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Parts>>>,
    connections: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Http2Origin {
    /// Each request is handled in a task of its own; `goaway_after` so many of a connection it is told to go.
    pub fn start<F>(
        goaway_after: usize,
        handler: impl Fn(RecvStream, SendResponse<Bytes>, Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_with(None, goaway_after, handler)
    }

    /// The same behind TLS. Who does not agree on HTTP/2 is told so in HTTP/1.1.
    pub fn start_with<F>(
        acceptor: Option<TlsAcceptor>,
        goaway_after: usize,
        handler: impl Fn(RecvStream, SendResponse<Bytes>, Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (seen, count, handler) = (Arc::clone(&asked), Arc::clone(&connections), Arc::new(handler));
        runtime.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (seen, handler, acceptor) = (Arc::clone(&seen), Arc::clone(&handler), acceptor.clone());
                tokio::spawn(async move {
                    let Some(acceptor) = acceptor else { return serve(tcp, goaway_after, &seen, &*handler).await };
                    let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                    if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                        return serve(tls, goaway_after, &seen, &*handler).await;
                    }
                    let mut head = Vec::new();
                    while !head.windows(4).any(|four| four == b"\r\n\r\n")
                        && tls.read_buf(&mut head).await.is_ok_and(|count| count > 0)
                    {}
                    let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nHTTP/1.1").await;
                    let _ = tls.read_buf(&mut head).await;
                });
            }
        });
        Self { address, asked, connections, _runtime: runtime }
    }

    /// The row of a site that it serves.
    pub fn row(&self, host: &str) -> String {
        format!("{host},h2://{},u1,s1,server,蜀ICP备12345678号,,", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of all requests.
    pub fn requests(&self) -> Vec<Parts> {
        self.asked.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    goaway_after: usize,
    seen: &Mutex<Vec<Parts>>,
    handler: &impl Fn(RecvStream, SendResponse<Bytes>, Parts) -> F,
) {
    let mut builder = h2::server::Builder::new();
    let Ok(mut connection) = builder.enable_connect_protocol().handshake(stream).await else { return };
    let mut left = goaway_after;
    while let Some(Ok((request, answer))) = connection.accept().await {
        let (parts, body) = request.into_parts();
        seen.lock().unwrap().push(parts.clone());
        tokio::spawn(handler(body, answer, parts));
        left -= 1;
        if left == 0 {
            connection.graceful_shutdown();
        }
    }
}

/// Answers whole.
pub fn respond(mut answer: SendResponse<Bytes>, content_type: &str, body: impl Into<Bytes>) {
    let response = http::Response::builder().header("content-type", content_type).body(()).unwrap();
    // Who asked may be gone.
    let _ = answer.send_response(response, false).and_then(|mut stream| stream.send_data(body.into(), true));
}
