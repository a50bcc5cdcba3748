//! The server's half of a TLS handshake: a name that no certificate covers is refused by its name
//! (RFC 6066 section 3), and the costly step waits for its turn.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use rustls::{ServerConfig, server::Acceptor};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{LazyConfigAcceptor, TlsStream};

use super::{Below, Certificate};
use crate::{data_plane::worker::Worker, telemetry::Shed};

/// A fatal alert of the record layer: unrecognized_name (112).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Shakes hands within `timeouts.request_head`; `None`: it came to nothing, and was counted.
pub(in crate::data_plane) async fn shake_hands(
    worker: &Worker,
    tcp: TcpStream,
    config: Arc<ServerConfig>,
) -> Option<(Box<TlsStream<Below>>, Option<Arc<Certificate>>)> {
    let edge = worker.shared.edge.load_full();
    let deadline = Instant::now() + edge.timeouts.request_head;
    let live = &worker.shared.live;
    let failed = || live.client_rejected.fetch_add(1, Ordering::Relaxed);
    let hello = timeout_at(deadline, LazyConfigAcceptor::new(Acceptor::default(), Below::server(tcp))).await;
    let Ok(Ok(mut hello)) = hello else {
        failed();
        return None;
    };
    let certificate = worker.certificates.choose(&hello.client_hello());
    if certificate.is_none() {
        failed();
        // Whoever does not read it learns it from the close.
        let _ = timeout_at(deadline, hello.io.write_all(&UNRECOGNIZED_NAME)).await;
        let _ = timeout_at(deadline, hello.io.shutdown()).await;
        return None;
    }
    let mut accept = pin!(hello.into_stream(config));
    // The first step signs and derives keys; what follows waits for the client.
    let first = worker.turns.take(edge.pressure.handshake_queue, async {
        poll_fn(|context| Poll::Ready(accept.as_mut().poll(context))).await
    });
    let stream = match timeout_at(deadline, first).await {
        Ok(Some(Poll::Ready(done))) => done.ok(),
        Ok(Some(Poll::Pending)) => timeout_at(deadline, accept).await.ok().and_then(Result::ok),
        Ok(None) => {
            live.shed(Shed::Handshakes);
            return None;
        }
        Err(_) => None,
    };
    let Some(mut stream) = stream else {
        failed();
        return None;
    };
    stream.get_mut().0.shook_hands();
    Some((Box::new(TlsStream::from(stream)), certificate))
}
