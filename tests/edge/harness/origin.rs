//! An origin: a server on loopback that does whatever a test tells it to, and counts.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::wire::{Head, Wire};

/// A running origin; stops when dropped.
pub struct Origin {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What an origin has seen.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    ended: AtomicUsize,
    requests: Mutex<Vec<Head>>,
    stopped: AtomicBool,
}

/// One request, and the connection to answer it on.
pub struct Exchange<'a> {
    pub head: Head,
    pub wire: &'a mut Wire,
    body_read: bool,
    keep: bool,
}

impl Origin {
    /// Starts an origin. A handler that returns an error ends the connection.
    pub fn start(handler: impl Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), handler)
    }

    /// Starts an origin at an address.
    pub fn on(
        address: SocketAddr,
        handler: impl Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (shared, handler) = (Arc::clone(&seen), Arc::new(handler));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, handler) = (Arc::clone(&shared), Arc::clone(&handler));
                thread::spawn(move || {
                    // Ended by the handler, by the proxy, or by the clock: all the same here.
                    let _ = serve(Wire::new(stream), &seen, &*handler);
                    seen.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen }
    }

    /// An origin that answers everything with the same page.
    pub fn page(body: impl Into<Vec<u8>>) -> Self {
        Self::of_type("text/html; charset=utf-8", body)
    }

    /// An origin that answers everything with the same body.
    pub fn of_type(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::start(move |exchange| exchange.respond("200 OK", &[("Content-Type", content_type)], &body))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have been read.
    pub fn asked(&self) -> usize {
        self.seen.requests.lock().unwrap().len()
    }

    /// The heads of all requests.
    pub fn requests(&self) -> Vec<Head> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The targets of all requests.
    pub fn targets(&self) -> Vec<String> {
        self.requests().iter().map(|head| head.first_line.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many of them have ended.
    pub fn ended(&self) -> usize {
        self.seen.ended.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.seen.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut wire: Wire, seen: &Seen, handler: &dyn Fn(&mut Exchange<'_>) -> io::Result<()>) -> io::Result<()> {
    while let Some(head) = wire.read_head()? {
        seen.requests.lock().unwrap().push(head.clone());
        let mut exchange = Exchange { head, wire: &mut wire, body_read: false, keep: true };
        handler(&mut exchange)?;
        if !exchange.body_read {
            exchange.body()?;
        }
        if !exchange.keep {
            break;
        }
    }
    wire.stream.shutdown(Shutdown::Both)
}

impl Exchange<'_> {
    /// Reads the request's body.
    pub fn body(&mut self) -> io::Result<Vec<u8>> {
        self.body_read = true;
        self.wire.read_request_body(&self.head)
    }

    pub fn method(&self) -> &str {
        self.head.first_line.split(' ').next().unwrap_or_default()
    }

    pub fn target(&self) -> &str {
        self.head.first_line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes)
    }

    /// Answers with a length.
    pub fn respond(&mut self, status: &str, fields: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let mut out = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in fields {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        out.push_str("\r\n");
        let body = if self.method() == "HEAD" { &[][..] } else { body };
        self.send([out.as_bytes(), body].concat())
    }

    /// Begins an answer in chunks.
    pub fn begin_chunked(&mut self, fields: &[(&str, &str)]) -> io::Result<()> {
        let mut out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n".to_owned();
        for (name, value) in fields {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(out + "\r\n")
    }

    pub fn chunk(&mut self, data: &[u8]) -> io::Result<()> {
        self.send([format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat())
    }

    /// Ends the answer and the connection.
    pub fn close(&mut self) -> io::Result<()> {
        self.keep = false;
        self.body_read = true;
        Ok(())
    }

    /// Ends the connection with a reset instead of an orderly close.
    pub fn reset(&mut self) -> io::Result<()> {
        socket2::SockRef::from(&self.wire.stream).set_linger(Some(std::time::Duration::ZERO))?;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}
