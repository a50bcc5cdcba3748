//! The operator's own address: metrics, health and status over HTTP/1.1. Small and bounded; it
//! changes nothing.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

use crate::{
    base::{Clock, Timestamp},
    domain::{registry::FilingState, snapshot::Snapshot},
    telemetry::{Metrics, Readings},
};

/// Connections at the same time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 64;
/// From the wait for a head to its last byte.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A connection's whole life.
const CONNECTION_TIME: Duration = Duration::from_secs(600);

/// Whether Zhamen is fit to take requests.
#[derive(Debug, Default)]
pub struct Health {
    registry_loaded: AtomicBool,
    draining: AtomicBool,
}

/// What the admin listener shows.
pub struct Admin {
    /// What is in force.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Where live numbers are read.
    pub readings: Readings,
    /// Whether Zhamen is ready.
    pub health: Arc<Health>,
    /// For the time of running.
    pub clock: Arc<dyn Clock>,
    /// When Zhamen started.
    pub started: Timestamp,
}

impl Health {
    /// A registry is in force.
    pub fn set_registry_loaded(&self, loaded: bool) {
        self.registry_loaded.store(loaded, Ordering::Relaxed);
    }

    /// Zhamen is stopping: load balancers should look elsewhere.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Why Zhamen is not ready; empty if it is.
    pub fn missing(&self) -> Vec<&'static str> {
        let registry = !self.registry_loaded.load(Ordering::Relaxed);
        let draining = self.draining.load(Ordering::Relaxed);
        [(registry, "the registry could not be read yet"), (draining, "Zhamen is stopping")]
            .into_iter()
            .filter_map(|(missing, why)| missing.then_some(why))
            .collect()
    }
}

impl Admin {
    /// Binds the listener.
    pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Answers for ever. Fails only if the listener cannot be used on this runtime.
    pub async fn serve(self: Arc<Self>, listener: std::net::TcpListener) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
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
            let admin = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = admin.answer(request.method(), request.uri().path());
                    async move { Ok::<_, Infallible>(answer) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIME)
                    .max_buf_size(16 << 10)
                    .serve_connection(TokioIo::new(stream), service);
                // A client that breaks off, or stays too long, is no news.
                let _ = timeout(CONNECTION_TIME, connection).await;
                drop(place);
            });
        }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = json_response(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": "only GET and HEAD"}));
            response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match path {
            "/metrics" => match self.metrics.text(&self.readings) {
                Ok(text) => response(StatusCode::OK, &Metrics::content_type(), text),
                Err(error) => json_response(StatusCode::INTERNAL_SERVER_ERROR, &json!({"error": error.to_string()})),
            },
            "/healthz" => json_response(StatusCode::OK, &json!({"status": "running"})),
            "/readyz" => match self.health.missing() {
                missing if missing.is_empty() => json_response(StatusCode::OK, &json!({"status": "ready"})),
                missing => {
                    json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "because": missing}))
                }
            },
            "/api/v1/status" => json_response(StatusCode::OK, &self.status()),
            _ => json_response(
                StatusCode::NOT_FOUND,
                &json!({"error": "not found", "known": ["/metrics", "/healthz", "/readyz", "/api/v1/status"]}),
            ),
        }
    }

    fn status(&self) -> Value {
        let snapshot = self.snapshot.load();
        let sites = |filing| snapshot.registry.count(filing);
        let uptime_millis = self.clock.now().0.saturating_sub(self.started.0);
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "generation": snapshot.generation,
            "uptime_seconds": uptime_millis / 1_000,
            "ready": self.health.missing().is_empty(),
            "rules": snapshot.rules.rules(),
            "phrases": snapshot.rules.phrases(),
            "sites": {
                "filed": sites(FilingState::Filed),
                "elsewhere": sites(FilingState::Elsewhere),
                "cancelled": sites(FilingState::Cancelled),
                "unfiled": sites(FilingState::Unfiled),
            },
            "locked_pages": (self.readings.locks)(),
            "held_bytes": self.readings.budget.used(),
            "events_dropped": self.readings.dropped.count(),
        })
    }
}

fn json_response(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    response(status, "application/json", format!("{value}\n"))
}

fn response(status: StatusCode, content_type: &str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(value) = header::HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
