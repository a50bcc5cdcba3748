//! From a listener to clients: who is let in, who is turned away, and how. What is turned away costs a
//! short answer that does not wait for anybody, or, over TLS, nothing but a close.

use std::{
    fs::File,
    future::poll_fn,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use rustls::ServerConfig;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    select,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    client::Client,
    connection::{self, Spoken},
    forwarding::is_trusted,
    limits::{Pace, Place},
    proxy_protocol::{self, Announced},
    respond,
    socket::{Counted, Side, Socket, Stream},
    tls,
    worker::Worker,
};
use crate::{domain::policy::Reason, telemetry::Shed};

/// After an accept that failed, and for which nothing can be done.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes that the kernel queues for a client beyond what is in flight. Its own limit is megabytes: memory,
/// and a slow reader would seem to take nothing for a minute while it drains them.
const UNSENT_BYTES: u32 = 128 << 10;
/// How long somebody who is turned away may take to notice.
const GOODBYE: Duration = Duration::from_secs(1);
/// How many are told at a time why they are turned away, per listener; others are closed without a word.
const GOODBYES_MAX: usize = 256;
/// Bytes read and thrown away of somebody who is turned away.
const GOODBYE_BYTES_MAX: u64 = 64 << 10;

/// A listener at work.
struct Listener {
    worker: Rc<Worker>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    connections: JoinSet<()>,
    goodbyes: JoinSet<()>,
    /// A descriptor that is given up for a moment when there are no others.
    spare: Option<File>,
}

/// Accepts until told to stop, then waits for the connections.
pub(super) async fn accept(worker: Rc<Worker>, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
    let (connections, goodbyes) = (JoinSet::new(), JoinSet::new());
    let mut at_work = Listener { worker, listener, tls, connections, goodbyes, spare: spare() };
    at_work.accept_all().await;
    let Listener { worker, listener, mut connections, .. } = at_work;
    drop(listener);
    let deadline = {
        let edge = worker.shared.edge.load();
        let handed_over = worker.handed_over.load(Ordering::Acquire);
        // Otherwise the time for idle connections has passed already.
        let spent = if handed_over { Duration::ZERO } else { edge.pressure.drain_idle };
        Instant::now() + edge.timeouts.drain.saturating_sub(spent)
    };
    loop {
        select! {
            ended = connections.join_next() => match ended {
                Some(ended) => note_panic(&worker, ended),
                None => break,
            },
            () = sleep_until(deadline) => break,
        }
    }
}

impl Listener {
    /// Until nobody is to be accepted any more: where somebody else has the socket, at once; otherwise
    /// those who still come are told to come back.
    async fn accept_all(&mut self) {
        let worker = Rc::clone(&self.worker);
        loop {
            let draining = worker.stop.is_cancelled();
            if draining && worker.handed_over.load(Ordering::Acquire) {
                return;
            }
            let accepted = select! {
                biased;
                () = worker.idle_end.cancelled() => return,
                () = worker.stop.cancelled(), if !draining => continue,
                Some(ended) = self.connections.join_next(), if !self.connections.is_empty() => {
                    note_panic(&worker, ended);
                    continue;
                }
                Some(_) = self.goodbyes.join_next(), if !self.goodbyes.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((tcp, _)) if draining => self.turn_away(tcp, Shed::Draining),
                Ok((tcp, peer)) => match room(&worker, peer) {
                    Ok(place) => {
                        let begun = begin(Rc::clone(&worker), tcp, peer, place, self.tls.clone());
                        self.connections.spawn_local(begun);
                    }
                    Err(why) => self.turn_away(tcp, why),
                },
                // One client's failed handshake of TCP is nothing; anything else gets worse by haste.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if is_out_of_descriptors(&error) => self.shed().await,
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    /// Says why, where there is somebody to read it, without waiting for anybody.
    fn turn_away(&mut self, tcp: TcpStream, why: Shed) {
        self.worker.shared.live.shed(why);
        if self.tls.is_none() && self.goodbyes.len() < GOODBYES_MAX {
            self.goodbyes.spawn_local(say_goodbye(tcp, self.answer(why)));
        }
    }

    /// There is no descriptor for who comes next: with the spare one they are accepted, told, and closed,
    /// instead of waiting in a queue that nobody looks at.
    async fn shed(&mut self) {
        if self.spare.take().is_none() {
            sleep(ACCEPT_PAUSE).await;
            self.spare = spare();
            return;
        }
        if let Poll::Ready(Ok((tcp, _))) = poll_fn(|context| Poll::Ready(self.listener.poll_accept(context))).await {
            self.worker.shared.live.shed(Shed::Descriptors);
            if self.tls.is_none()
                && let Ok(tcp) = tcp.into_std()
            {
                // A fresh connection has room for it; one that has not is closed all the same.
                let _ = SockRef::from(&tcp).send(&self.answer(Shed::Descriptors));
            }
        }
        self.spare = spare();
    }

    fn answer(&self, why: Shed) -> Vec<u8> {
        let reason = match why {
            Shed::Address => Reason::RateLimited,
            Shed::Draining => Reason::Draining,
            Shed::Connections | Shed::Descriptors | Shed::Handshakes => Reason::Overloaded,
        };
        let shared = &self.worker.shared;
        respond::short(reason, &shared.snapshot.load().policy, shared.clock.now())
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Of this process, or of the whole machine.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// A place for one more connection, or why there is none. Who comes by a proxy that will announce them is
/// not known yet.
fn room(worker: &Worker, peer: SocketAddr) -> Result<Option<Place>, Shed> {
    let live = &worker.shared.live;
    let open = [&live.client_http2, &live.client_plain, &live.client_tls].map(|count| count.load(Ordering::Relaxed));
    let edge = worker.shared.edge.load();
    if usize::try_from(open.iter().sum::<i64>()).unwrap_or(0) >= edge.limits.connections {
        return Err(Shed::Connections);
    }
    if is_trusted(peer.ip(), &edge.proxy_protocol_from) {
        return Ok(None);
    }
    worker.limits.connect(peer.ip(), &edge).map(Some).ok_or(Shed::Address)
}

/// What the client has sent is read and thrown away: a close with unread bytes would be a reset, and take
/// the answer with it.
async fn say_goodbye(mut tcp: TcpStream, answer: Vec<u8>) {
    let goodbye = async {
        tcp.write_all(&answer).await?;
        tcp.shutdown().await?;
        tokio::io::copy(&mut (&mut tcp).take(GOODBYE_BYTES_MAX), &mut tokio::io::sink()).await
    };
    // Whoever does not take it does without.
    let _ = timeout(GOODBYE, goodbye).await;
}

fn note_panic(worker: &Worker, ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        worker.shared.live.panics.fetch_add(1, Ordering::Relaxed);
    }
}

/// Makes a client of a TCP connection, and serves it.
async fn begin(
    worker: Rc<Worker>,
    mut tcp: TcpStream,
    mut peer: SocketAddr,
    mut place: Option<Place>,
    tls: Option<Arc<ServerConfig>>,
) {
    let side = if tls.is_some() { Side::ClientTls } else { Side::ClientPlain };
    let counted = Counted::new(&worker.shared.live, side);
    // Where the system refuses either, answers are slower and queues longer, no more.
    let _ = tcp.set_nodelay(true);
    let mut server = tcp.local_addr().ok();
    let _ = SockRef::from(&tcp).set_tcp_notsent_lowat(UNSENT_BYTES);
    if place.is_none() {
        let wait = worker.shared.edge.load().timeouts.request_head;
        match timeout(wait, proxy_protocol::receive(&mut tcp)).await {
            Ok(Ok(Announced::Client { source, destination })) => (peer, server) = (source, Some(destination)),
            Ok(Ok(Announced::Local)) => {}
            Ok(Err(_)) | Err(_) => {
                worker.shared.live.client_rejected.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        place = worker.limits.connect(peer.ip(), &worker.shared.edge.load());
        if place.is_none() {
            worker.shared.live.shed(Shed::Address);
            return;
        }
    }
    let pace = {
        let edge = worker.shared.edge.load();
        Pace::new(edge.pressure.min_rate, edge.pressure.slow)
    };
    let (stream, certificate, spoken) = match tls {
        None => (Stream::Plain(tcp), None, Spoken::Unsaid),
        Some(config) => {
            // Boxed, so that connections do not own the room of their handshake for life.
            let Some((tls, certificate)) = Box::pin(tls::shake_hands(&worker, tcp, config)).await else { return };
            let spoken = Spoken::by_alpn(tls.get_ref().1.alpn_protocol());
            (Stream::Tls(tls), certificate, spoken)
        }
    };
    let is_tls = matches!(side, Side::ClientTls);
    let client = Client::new(Socket::paced(stream, counted, pace), peer, server, is_tls, certificate);
    connection::serve(&worker, client, spoken).await;
    drop(place);
}
