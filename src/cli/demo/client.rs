//! The visitor of the demonstration: HTTP/1.1 on real sockets.

use std::{
    io::{self, Error},
    net::SocketAddr,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What is read at most of an answer by hand.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// A request without the rest that a browser sends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) host: &'a str,
    pub(super) target: &'a str,
    /// `Accept`, if any.
    pub(super) accept: Option<&'a str>,
}

/// A response, read to its end or to where it was cut.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the body came to the end that its framing promised.
    pub(super) whole: bool,
}

/// A connection.
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::other)?;
        // Its errors come to us with the request that they break.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Asks for a page and reads the answer.
    pub(super) async fn get(&mut self, ask: Ask<'_>) -> io::Result<Answer> {
        read(self.open(ask).await?).await
    }

    /// Asks for a page and reads the head of the answer.
    pub(super) async fn open(&mut self, ask: Ask<'_>) -> io::Result<Response<Incoming>> {
        let mut request = Request::get(ask.target).header(header::HOST, ask.host);
        if let Some(accept) = ask.accept {
            request = request.header(header::ACCEPT, accept);
        }
        self.send(request.body(Full::default()).map_err(Error::other)?).await
    }

    /// Sends a body and reads the answer.
    pub(super) async fn post(&mut self, ask: Ask<'_>, body: Bytes) -> io::Result<Answer> {
        let request = Request::post(ask.target).header(header::HOST, ask.host);
        read(self.send(request.body(Full::new(body)).map_err(Error::other)?).await?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        self.sender.ready().await.map_err(Error::other)?;
        self.sender.send_request(request).await.map_err(Error::other)
    }
}

impl Answer {
    /// A field as text; empty if it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Asks on a connection of its own.
pub(super) async fn get(address: SocketAddr, ask: Ask<'_>) -> io::Result<Answer> {
    Client::connect(address).await?.get(ask).await
}

/// Sends bytes that no HTTP library would send, and reads until the other side closes.
pub(super) async fn send_bytes(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await {
        // What came before a reset is an answer.
        Err(error) if answer.is_empty() => Err(error),
        Ok(_) | Err(_) => Ok(answer),
    }
}

async fn read(response: Response<Incoming>) -> io::Result<Answer> {
    let (head, mut body) = response.into_parts();
    let (mut received, mut whole) = (BytesMut::new(), true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => received.extend(frame.data_ref().into_iter().flatten()),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Ok(Answer { status: head.status.as_u16(), fields: head.headers, body: received.freeze(), whole })
}
