//! A small HTTP/1.1 client for the operator's own systems: one request a connection, bounded in time and
//! in bytes. No redirect is followed: a request goes where the configuration says, and nowhere else.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::base::HttpUrl;

/// Bytes of a response's head, at most.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Asks over HTTP and HTTPS.
#[derive(Clone)]
pub struct HttpClient {
    tls: Arc<ClientConfig>,
}

/// Why there is no answer; says what and, where it can be told, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError(String);

impl HttpClient {
    /// A client that trusts the certificates of a PEM file, or those of the public Web.
    pub fn new(ca: Option<&Path>) -> Result<Self, HttpError> {
        let mut roots = RootCertStore::empty();
        match ca {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(path) => {
                let fail = |why: &dyn fmt::Display| HttpError(format!("{}: {why}", path.display()));
                for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fail(&error))? {
                    roots.add(certificate.map_err(|error| fail(&error))?).map_err(|error| fail(&error))?;
                }
                if roots.is_empty() {
                    return Err(fail(&"there is no certificate in it; it is a PEM file"));
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| HttpError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self::over(config))
    }

    /// A client that trusts whom this configuration trusts.
    pub(super) fn over(tls: ClientConfig) -> Self {
        Self { tls: Arc::new(tls) }
    }

    /// Sends a request and reads the answer to its end, within `time`; the body has at most `bytes_max`.
    /// The request's URI and `Host` are made from `url`.
    pub async fn send(
        &self,
        url: &HttpUrl,
        request: Request<Full<Bytes>>,
        time: Duration,
        bytes_max: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        let asking = async {
            let tcp = connect(url).await?;
            if !url.tls {
                return exchange(tcp, url, request, bytes_max).await;
            }
            let name = match url.host.ip() {
                Some(address) => ServerName::from(address),
                None => {
                    ServerName::try_from(url.host.as_str().to_owned()).map_err(|error| HttpError(error.to_string()))?
                }
            };
            let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await;
            exchange(tls.map_err(|error| HttpError(format!("TLS: {error}")))?, url, request, bytes_max).await
        };
        match timeout(time, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError(format!("no whole answer within {time:?}"))),
        }
    }
}

async fn connect(url: &HttpUrl) -> Result<TcpStream, HttpError> {
    let fail = |error: io::Error| HttpError(format!("{} cannot be reached: {error}", url.authority()));
    if let Some(address) = url.host.ip() {
        return TcpStream::connect(SocketAddr::new(IpAddr::to_canonical(&address), url.port)).await.map_err(fail);
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((url.host.as_str(), url.port)).await.map_err(fail)? {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(fail(last))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &HttpUrl,
    mut request: Request<Full<Bytes>>,
    bytes_max: usize,
) -> Result<Response<Bytes>, HttpError> {
    let fail = |error: hyper::Error| HttpError(format!("the answer cannot be read: {error}"));
    *request.uri_mut() = url.target.parse().map_err(|error| HttpError(format!("{error}")))?;
    let host = url.authority().parse().map_err(|_| HttpError("the host does not fit into a field".into()))?;
    request.headers_mut().insert(header::HOST, host);
    request.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    let mut builder = hyper::client::conn::http1::Builder::new();
    let (mut sender, connection) =
        builder.max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await.map_err(fail)?;
    let answer = async {
        let (head, body) = sender.send_request(request).await.map_err(fail)?.into_parts();
        let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
            match error.downcast_ref::<LengthLimitError>() {
                Some(_) => HttpError(format!("the answer has more than {bytes_max} bytes")),
                None => HttpError(format!("the answer breaks off: {error}")),
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    // The connection is driven by this task, and ends with it.
    tokio::pin!(answer, connection);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(fail(error)),
        },
    }
}

impl HttpError {
    pub(super) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HttpError {}
