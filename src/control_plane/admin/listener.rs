//! The admin listener: plain on loopback, TLS elsewhere. Small and bounded.

use std::{convert::Infallible, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs::default_provider, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{base::Problem, config::AdminTls};

/// Connections at the same time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 64;
/// Bytes of a head: a query of 4,000 Chinese characters, percent-encoded, is 36 KB.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// From the wait for a head to its last byte; also for the handshake.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A connection's whole life.
const CONNECTION_TIME: Duration = Duration::from_secs(600);

/// Where the admin API listens, and how.
pub struct AdminListener {
    listener: std::net::TcpListener,
    tls: Option<TlsAcceptor>,
}

impl AdminListener {
    /// Listens on a socket that is bound, and reads the certificate if there is to be TLS.
    pub fn on(listener: std::net::TcpListener, tls: Option<&AdminTls>) -> Result<Self, Vec<Problem>> {
        let failed = |error: io::Error| vec![Problem::error("admin.listen", 0, 0, error.to_string())];
        let tls = tls.map(server_config).transpose().map_err(|problem| vec![problem])?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { listener, tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))) })
    }

    /// The address, with the port that the system chose.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers for ever. Fails only if the listener cannot be used on this runtime.
    pub(super) async fn serve(self, router: Router) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the admin listener could not accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (router, tls) = (router.clone(), self.tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => converse(stream, router).await,
                    Some(tls) => {
                        // Who cannot shake hands is no news.
                        if let Ok(Ok(stream)) = timeout(HEAD_TIME, tls.accept(stream)).await {
                            converse(stream, router).await;
                        }
                    }
                }
                drop(place);
            });
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = hyper::service::Service::call(&router, request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off, or stays too long, is no news.
    let _ = timeout(CONNECTION_TIME, connection).await;
}

fn server_config(tls: &AdminTls) -> Result<ServerConfig, Problem> {
    let at = |path: &Path, message: String| Problem::error(&path.display().to_string(), 0, 0, message);
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| at(&tls.key, format!("no private key can be read: {error}")))?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| at(&tls.certificate, error.to_string()))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| at(path, error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| at(path, error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| at(&tls.key, format!("the key cannot be used with the certificate: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(Problem::error(&path.display().to_string(), 0, 0, "there is no certificate in this file")),
        Err(error) => {
            Err(Problem::error(&path.display().to_string(), 0, 0, format!("no certificate can be read: {error}"))
                .help("write the chain as PEM, the server's own certificate first"))
        }
    }
}
