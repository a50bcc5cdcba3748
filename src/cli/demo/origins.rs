//! The origins of the demonstration: a web server for each site, on loopback, on a port that the
//! system chooses.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use super::{
    pages::{self, Page},
    sites::{FILES, LIVE, WITH_ORIGIN},
};

/// The event stream that goes by the clock.
pub(super) const EVENTS: &str = "/events";
/// The event stream in which the reader has to ask for each event ([`Origins::let_an_event_go`]).
pub(super) const PACED_EVENTS: &str = "/paced-events";
/// The WebSocket that says again what it is told.
pub(super) const CHAT: &str = "/chat";
/// What is posted here comes back.
pub(super) const ECHO: &str = "/echo";

/// Between two events that go by the clock.
const EVENT_EVERY: Duration = Duration::from_millis(200);
/// Events of a stream.
pub(super) const EVENT_COUNT: usize = 10;
/// Bytes of a chunk, where a page is sent in chunks.
const CHUNK_BYTES: usize = 16 << 10;

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// The running origins. They end with the runtime.
pub(super) struct Origins {
    addresses: Vec<(&'static str, SocketAddr)>,
    state: Arc<State>,
}

struct State {
    pages: Vec<Page>,
    asked: AtomicU64,
    events: Semaphore,
}

impl Origins {
    /// Starts an origin for each site that has one.
    pub(super) async fn start() -> io::Result<Self> {
        let state = Arc::new(State { pages: pages::all()?, asked: AtomicU64::new(0), events: Semaphore::const_new(0) });
        let mut addresses = Vec::with_capacity(WITH_ORIGIN.len());
        for site in WITH_ORIGIN {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            addresses.push((site, listener.local_addr()?));
            tokio::spawn(accept(listener, site, Arc::clone(&state)));
        }
        Ok(Self { addresses, state })
    }

    /// Where the origin of a site listens.
    pub(super) fn address(&self, site: &str) -> Option<SocketAddr> {
        self.addresses.iter().find(|(name, _)| *name == site).map(|(_, address)| *address)
    }

    /// The page that a site has at a path.
    pub(super) fn page(&self, site: &str, path: &str) -> Option<&Page> {
        self.state.page(site, path)
    }

    /// Requests that have reached any origin.
    pub(super) fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Lets a paced event stream send its next event.
    pub(super) fn let_an_event_go(&self) {
        self.state.events.add_permits(1);
    }
}

impl State {
    fn page(&self, site: &str, path: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.host == site && page.path == path)
    }
}

async fn accept(listener: TcpListener, site: &'static str, state: Arc<State>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, site, Arc::clone(&state)));
            }
            // Out of descriptors, for example: it passes.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, site: &'static str, state: Arc<State>) {
    let service = service_fn(move |request| {
        let answer = answer(request, site, &state);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A connection that breaks is the other side's business.
    let _ = connection.with_upgrades().await;
}

fn answer(request: Request<Incoming>, site: &str, state: &Arc<State>) -> Response<Body> {
    state.asked.fetch_add(1, Ordering::SeqCst);
    match (site, request.uri().path()) {
        (LIVE, EVENTS) => event_stream(stream::unfold(0, async |number| {
            if number > 0 {
                sleep(EVENT_EVERY).await;
            }
            (number < EVENT_COUNT).then(|| (event(number), number + 1))
        })),
        (LIVE, PACED_EVENTS) => {
            let state = Arc::clone(state);
            event_stream(stream::unfold((0, state), async |(number, state)| {
                state.events.acquire().await.ok()?.forget();
                (number < EVENT_COUNT).then(|| (event(number), (number + 1, state)))
            }))
        }
        (LIVE, CHAT) => chat(request),
        (FILES, ECHO) => {
            let media_type = request.headers().get(header::CONTENT_TYPE).cloned();
            let media_type = media_type.unwrap_or(HeaderValue::from_static("text/plain; charset=utf-8"));
            response(StatusCode::OK, media_type, request.into_body().boxed_unsync())
        }
        (_, path) => state.page(site, path).map_or_else(not_found, show),
    }
}

/// The text of an event; its data is what [`event_data`] tells.
fn event(number: usize) -> Bytes {
    format!("id: {number}\ndata: {}\n\n", event_data(number)).into()
}

/// The data of an event.
pub(super) fn event_data(number: usize) -> String {
    format!("第{}局：白方落子", number + 1)
}

fn event_stream(events: impl stream::Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    let body = StreamBody::new(events.map(|event| Ok(Frame::data(event))));
    response(StatusCode::OK, HeaderValue::from_static("text/event-stream"), body.boxed_unsync())
}

fn show(page: &Page) -> Response<Body> {
    let body = if page.chunked {
        let mut rest = page.body.clone();
        let chunks = std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| Ok(Frame::data(rest.split_to(rest.len().min(CHUNK_BYTES)))))
        });
        StreamBody::new(stream::iter(chunks)).boxed_unsync()
    } else {
        whole(page.body.clone())
    };
    let mut response = response(StatusCode::OK, HeaderValue::from_static(page.content_type), body);
    if let Some(coding) = page.content_encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// RFC 6455 section 4.2, and then an echo.
fn chat(mut request: Request<Incoming>) -> Response<Body> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let Some(Ok(accept)) = key.map(|key| HeaderValue::from_str(&key)) else {
        return plain(StatusCode::UPGRADE_REQUIRED, "这里是 WebSocket。\n");
    };
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn not_found() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "没有这个页面。\n")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    response(status, HeaderValue::from_static("text/plain; charset=utf-8"), whole(text))
}

fn response(status: StatusCode, media_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}
