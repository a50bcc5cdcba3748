//! How an authority is asked: the library's requests over the house's own client.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, header};
use instant_acme::{BodyWrapper, BytesResponse, Error};

use crate::{base::HttpUrl, control_plane::HttpClient};

/// For one answer.
const TIME: Duration = Duration::from_secs(30);
/// Of one answer; a chain of certificates is the largest.
const BYTES_MAX: usize = 1 << 20;
/// No authority keeps us waiting for longer than this, whatever it says.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

/// Asks an authority.
#[derive(Clone)]
pub(super) struct AcmeClient {
    http: HttpClient,
    wait: Arc<Mutex<Option<Duration>>>,
}

impl AcmeClient {
    pub(super) fn new(http: HttpClient) -> Self {
        Self { http, wait: Arc::default() }
    }

    /// How long the authority told us to wait when it last had enough (RFC 8555 section 6.6); asked once.
    pub(super) fn take_wait(&self) -> Option<Duration> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl instant_acme::HttpClient for AcmeClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let Self { http, wait } = self.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let url = HttpUrl::parse(&head.uri.to_string()).map_err(|error| other(error.0))?;
            if !url.tls {
                return Err(other("the authority names a URL that is not https"));
            }
            let agent =
                header::HeaderValue::from_static(concat!("zhamen/", env!("CARGO_PKG_VERSION"), " instant-acme"));
            head.headers.insert(header::USER_AGENT, agent);
            let Ok(body) = body.collect().await;
            let request = Request::from_parts(head, Full::new(body.to_bytes()));
            let answer = http.send(&url, request, TIME, BYTES_MAX).await.map_err(|error| Error::Other(error.into()))?;
            if matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                *wait.lock().unwrap_or_else(PoisonError::into_inner) = retry_after(&answer);
            }
            Ok(BytesResponse::from(answer.map(Full::new)))
        })
    }
}

/// RFC 9110 section 10.2.3.
fn retry_after(answer: &Response<Bytes>) -> Option<Duration> {
    let text = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            SystemTime::from(until).duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(wait.min(WAIT_MAX))
}

fn other(what: &'static str) -> Error {
    Error::Other(what.into())
}
