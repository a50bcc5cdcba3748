//! A client: sends exactly the bytes that it is told to.

use std::net::{SocketAddr, TcpStream};

use super::wire::{Head, Response, Wire};

/// A connection to the proxy.
pub struct Client {
    pub wire: Wire,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self { wire: Wire::new(TcpStream::connect(address).unwrap()) }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.wire.send(bytes).unwrap();
        self
    }

    /// Sends a GET.
    pub fn get(&mut self, host: &str, target: &str) -> &mut Self {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    /// The response to a request that was no HEAD.
    pub fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    pub fn response_to(&mut self, method: &str) -> Response {
        self.wire.read_response(method).unwrap()
    }

    /// The head alone; the body is read by hand.
    pub fn head(&mut self) -> Head {
        self.wire.read_head().unwrap().expect("a head")
    }

    /// Whether the proxy ends the connection; waits for it.
    pub fn is_closed(&mut self) -> bool {
        self.wire.is_closed()
    }
}

/// Asks once, on a connection of its own, and reads the answer.
pub fn get(address: SocketAddr, host: &str, target: &str) -> Response {
    Client::connect(address).get(host, target).response()
}

/// Sends these bytes on a connection of their own, and reads the answer.
pub fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    Client::connect(address).send(request).response()
}
