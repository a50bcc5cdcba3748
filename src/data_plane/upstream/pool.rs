//! Unused connections to origins, one pool a worker. The youngest is used first, so that the old
//! ones die of age.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use crate::{data_plane::socket::Socket, domain::registry::Origin};

/// The pool.
#[derive(Default)]
pub(in crate::data_plane) struct Pool {
    idle: RefCell<HashMap<Origin, VecDeque<Idle>>>,
}

struct Idle {
    socket: Socket,
    since: Instant,
}

impl Pool {
    /// A connection that is still open and silent, and no older than `age_max`. What is `replayable` may find
    /// it closed after all, and saves asking the kernel.
    pub(in crate::data_plane) fn take(&self, origin: &Origin, age_max: Duration, replayable: bool) -> Option<Socket> {
        let mut idle = self.idle.borrow_mut();
        let connections = idle.get_mut(origin)?;
        while let Some(youngest) = connections.pop_back() {
            if youngest.since.elapsed() >= age_max {
                connections.clear();
                return None;
            }
            let is_quiet = if replayable { youngest.socket.seems_quiet() } else { youngest.socket.is_quiet() };
            if is_quiet {
                return Some(youngest.socket);
            }
        }
        None
    }

    /// Keeps a connection for the next request; at most `connections_max` per origin, the oldest goes.
    pub(in crate::data_plane) fn put(&self, origin: &Origin, socket: Socket, connections_max: usize) {
        if connections_max == 0 {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let entry = Idle { socket, since: Instant::now() };
        match idle.get_mut(origin) {
            Some(connections) => {
                if connections.len() >= connections_max {
                    connections.pop_front();
                }
                connections.push_back(entry);
            }
            None => {
                idle.insert(origin.clone(), VecDeque::from([entry]));
            }
        }
    }

    /// Closes what is too old, and forgets origins without connections.
    pub(in crate::data_plane) fn sweep(&self, age_max: Duration) {
        self.idle.borrow_mut().retain(|_, connections| {
            while connections.front().is_some_and(|oldest| oldest.since.elapsed() >= age_max) {
                connections.pop_front();
            }
            !connections.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
    };

    use super::Pool;
    use crate::{
        data_plane::socket::{Counted, Side, Socket, Stream},
        domain::registry::Origin,
        telemetry::Live,
    };

    const AGE_MAX: Duration = Duration::from_secs(3600);

    async fn connection(listener: &TcpListener) -> (Socket, TcpStream) {
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let counted = Counted::new(&Arc::new(Live::default()), Side::Origin);
        (Socket::new(Stream::Plain(ours.unwrap()), counted), theirs.unwrap().0)
    }

    #[tokio::test]
    async fn only_open_and_silent_connections_are_reused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin { tls: false, host: "127.0.0.1".into(), port: 1 };
        let (pool, mut peers) = (Pool::default(), Vec::new());
        for _ in 0..3 {
            let (socket, peer) = connection(&listener).await;
            pool.put(&origin, socket, 8);
            peers.push(peer);
        }
        drop(peers.pop());
        peers[1].write_all(b"unasked").await.unwrap();
        // Loopback delivers at once, but a moment is allowed for.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(pool.take(&origin, AGE_MAX, false).is_some(), "the first is fine");
        assert!(pool.take(&origin, AGE_MAX, false).is_none(), "the others were closed, or spoke unasked");
    }

    #[tokio::test]
    async fn the_pool_is_bounded_and_ages() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin { tls: false, host: "127.0.0.1".into(), port: 1 };
        let (pool, mut peers) = (Pool::default(), Vec::new());
        for _ in 0..3 {
            let (socket, peer) = connection(&listener).await;
            pool.put(&origin, socket, 2);
            peers.push(peer);
        }
        assert!(pool.take(&origin, AGE_MAX, false).is_some());
        assert!(pool.take(&origin, Duration::ZERO, false).is_none());
        assert!(pool.take(&origin, AGE_MAX, false).is_none(), "at most two were kept, and age took the other");
    }
}
