//! Sockets that listen: one a worker and address, all on one port, and the kernel spreads the connections
//! over them. Or those that somebody else has bound: systemd, or the process that ran before.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// The sockets of one address.
#[derive(Debug)]
pub struct Bound {
    /// What the configuration says.
    pub wanted: SocketAddr,
    /// With the port that the system chose, where none was named.
    pub address: SocketAddr,
    /// Whoever bound them named them for their purpose, whatever the configuration says.
    pub named: bool,
    /// All of them listen.
    pub sockets: Vec<TcpListener>,
}

impl Bound {
    /// Binds an address once for each of `workers`.
    pub fn bind(wanted: SocketAddr, workers: usize) -> io::Result<Self> {
        let explain = |error| explain(wanted, error);
        probe(wanted).map_err(explain)?;
        let (mut address, mut sockets) = (wanted, Vec::with_capacity(workers));
        for _ in 0..workers {
            let socket = bind(address, true).map_err(explain)?;
            socket.listen(BACKLOG).map_err(explain)?;
            let socket = TcpListener::from(socket);
            address = socket.local_addr()?;
            sockets.push(socket);
        }
        Ok(Self { wanted, address, named: false, sockets })
    }

    /// One of the sockets once more.
    pub fn share(&self) -> io::Result<TcpListener> {
        self.sockets.first().ok_or(io::ErrorKind::NotFound)?.try_clone()
    }

    /// Takes over sockets that listen already.
    pub fn adopt(wanted: SocketAddr, sockets: Vec<TcpListener>) -> io::Result<Self> {
        let mut address = wanted;
        for socket in &sockets {
            socket.set_nonblocking(true)?;
            address = socket.local_addr()?;
            // One that was bound and does not listen yet.
            if !SockRef::from(socket).is_listener()? {
                SockRef::from(socket).listen(BACKLOG)?;
            }
        }
        Ok(Self { wanted, address, named: false, sockets })
    }
}

/// Gives each worker its sockets of all addresses. Every worker gets one at least, and every socket goes to
/// one at least: a connection that waits at a socket nobody looks at would be lost.
pub(super) fn spread(bound: &[Bound], workers: usize) -> io::Result<Vec<Vec<TcpListener>>> {
    let mut shares: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for Bound { sockets, .. } in bound {
        let places = if sockets.is_empty() { 0 } else { sockets.len().max(workers) };
        for (place, socket) in (0..places).zip(sockets.iter().cycle()) {
            shares[place % workers].push(socket.try_clone()?);
        }
    }
    Ok(shares)
}

/// With a shared port, a second process on it would not fail but take half of the connections. So
/// the port is first asked for without sharing.
fn probe(address: SocketAddr) -> io::Result<()> {
    bind(address, false)?.listen(1)
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn explain(address: SocketAddr, error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process listens there: stop it, take over from it with --upgrade, or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: choose one of its own",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need CAP_NET_BIND_SERVICE: grant it, or choose a port from 1024 up"
        }
        _ => "choose another address",
    };
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error} ({advice})"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::{Bound, spread};

    #[test]
    fn workers_share_a_port_and_strangers_do_not() {
        let any = "127.0.0.1:0".parse().unwrap();
        let bound = Bound::bind(any, 3).unwrap();
        assert_ne!(bound.address.port(), 0);
        assert!(bound.sockets.iter().all(|socket| socket.local_addr().unwrap() == bound.address));
        let error = Bound::bind(bound.address, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&bound.address.to_string()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn no_worker_is_without_a_socket_and_no_socket_without_a_worker(sockets in 1_usize..6, workers in 1_usize..6) {
            let bound = Bound::bind("127.0.0.1:0".parse().unwrap(), sockets).unwrap();
            let shares = spread(&[bound], workers).unwrap();
            prop_assert!(shares.len() == workers && shares.iter().all(|share| !share.is_empty()));
            prop_assert_eq!(shares.iter().map(Vec::len).sum::<usize>(), sockets.max(workers));
        }
    }
}
