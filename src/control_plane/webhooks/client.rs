//! A small HTTP/1.1 client: one POST, bounded in time, that follows nobody elsewhere.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// From the look-up of the name to the answer's head.
const EXCHANGE_TIME: Duration = Duration::from_secs(10);
/// An answer's head, at most.
const HEAD_MAX: usize = 64 << 10;

/// Where messages are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    tls: bool,
    host: String,
    port: u16,
    /// Path and query.
    path: String,
}

/// Sends.
pub(super) struct Client {
    tls: TlsConnector,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("{url:?} cannot be a webhook: {why}; write it as https://example.cn/hook");
        let uri: hyper::Uri = url.parse().map_err(|error| bad(&format!("{error}")))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad("it is neither http nor https")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(bad("it has a user or no host"));
        }
        if url.contains('#') {
            return Err(bad("it has a fragment, which is never sent"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { tls, host: authority.host().to_owned(), port, path })
    }
}

impl Target {
    /// Host and port.
    pub fn authority(&self) -> String {
        let default = if self.tls { 443 } else { 80 };
        if self.port == default { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The host without the brackets of an IPv6 address.
    fn name(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

impl Client {
    /// A client that trusts the public roots.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends a body with some fields; the status of the answer.
    pub(super) async fn post(
        &self,
        target: &Target,
        fields: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, SendError> {
        match timeout(EXCHANGE_TIME, self.exchange(target, fields, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendError(format!("no answer within {} s", EXCHANGE_TIME.as_secs()))),
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        fields: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, SendError> {
        let mut request = Request::post(&target.path)
            .header(header::HOST, target.authority())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("zhamen/", env!("CARGO_PKG_VERSION")));
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(SendError::of)?;
        let stream = TcpStream::connect((target.name(), target.port)).await.map_err(SendError::of)?;
        if !target.tls {
            return talk(stream, request).await;
        }
        let name = ServerName::try_from(target.name().to_owned()).map_err(SendError::of)?;
        talk(self.tls.connect(name, stream).await.map_err(SendError::of)?, request).await
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    request: Request<Full<Bytes>>,
) -> Result<u16, SendError> {
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_MAX).handshake(TokioIo::new(stream)).await.map_err(SendError::of)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(SendError::of)?;
        // What the receiver has to say beyond the status is not read: it may be endless.
        Ok(answer.status().as_u16())
    };
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answer = exchange => answer,
        ended = &mut connection => match ended {
            Ok(()) => Err(SendError("the connection was closed without an answer".into())),
            Err(error) => Err(SendError::of(error)),
        },
    }
}

/// Why nothing was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SendError(String);

impl SendError {
    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SendError {}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_url_is_read_or_refused() {
        for (url, authority) in [
            ("http://a.cn", "a.cn"),
            ("https://a.cn:443/x?y", "a.cn"),
            ("http://127.0.0.1:8080/hook", "127.0.0.1:8080"),
            ("http://[::1]:80/", "[::1]"),
        ] {
            assert_eq!(url.parse::<Target>().map(|target| target.authority()), Ok(authority.to_owned()), "{url}");
        }
        for url in ["", "a.cn", "ftp://a.cn/", "http://u:p@a.cn/", "https:///x", "http://a.cn/#x", "http://a b/"] {
            assert!(url.parse::<Target>().is_err(), "{url}");
        }
        assert_eq!("http://[::1]:80/".parse::<Target>().unwrap().name(), "::1");
    }
}
