//! Sockets that listen: one a worker and address, all on one port, and the kernel spreads the
//! connections over them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Binds every address once for each of `workers`. Returns the addresses as bound, and for each
/// worker its listeners.
pub(super) fn bind_all(
    addresses: &[SocketAddr],
    workers: usize,
) -> io::Result<(Vec<SocketAddr>, Vec<Vec<TcpListener>>)> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut listeners: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for &wanted in addresses {
        let explain = |error| explain(wanted, error);
        probe(wanted).map_err(explain)?;
        let mut address = wanted;
        for listeners in &mut listeners {
            let listener = bind(address, true).map_err(explain)?;
            listener.listen(BACKLOG).map_err(explain)?;
            let listener = TcpListener::from(listener);
            address = listener.local_addr()?;
            listeners.push(listener);
        }
        bound.push(address);
    }
    Ok((bound, listeners))
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
        io::ErrorKind::AddrInUse => "another process listens there: stop it, or choose another port in [listen]",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: choose one of its own in [listen]",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need CAP_NET_BIND_SERVICE: grant it, or choose a port from 1024 up in [listen]"
        }
        _ => "see [listen]",
    };
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error} ({advice})"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::bind_all;

    #[test]
    fn workers_share_a_port_and_strangers_do_not() {
        let any = "127.0.0.1:0".parse().unwrap();
        let (bound, listeners) = bind_all(&[any], 3).unwrap();
        assert_ne!(bound[0].port(), 0);
        assert!(listeners.iter().flatten().all(|listener| listener.local_addr().unwrap() == bound[0]));
        let error = bind_all(&bound, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&bound[0].to_string()));
    }
}
