//! A connection that became something else than HTTP (101): bytes both ways, unread.

use std::{
    cell::Cell,
    io,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{
    client::{Inlet, Outlet},
    http1::{Fields, Piece},
    socket::WriteFault,
    upstream::Exchange,
};

/// One end of a tunnel, and where the bytes that come from it are counted.
pub(super) struct End<'a> {
    pub(super) from: From<'a>,
    pub(super) to: To<'a>,
    pub(super) bytes: &'a mut u64,
}

/// Where bytes come from.
pub(super) enum From<'a> {
    /// A client, or an origin's connection of its own.
    Client(Inlet<'a>),
    /// A stream of an origin's connection.
    Origin(&'a Exchange),
}

/// Where bytes go.
#[derive(Clone, Copy)]
pub(super) enum To<'a> {
    /// A client, or an origin's connection of its own.
    Client(Outlet<'a>),
    /// A stream of an origin's connection.
    Origin(&'a Exchange),
}

/// Copies both ways until both ends have ended, one fails, or neither has sent a byte for `idle`; `false`:
/// it was not by an orderly end. What was read before goes first. Bytes are counted as they come, so that a
/// tunnel that is dropped has been counted, too.
pub(super) async fn run(left: End<'_>, right: End<'_>, idle: Duration) -> bool {
    let moved_at = Cell::new(Instant::now());
    let (to_left, to_right) = (left.to, right.to);
    // The first error on either side ends the other side too.
    let ended = tokio::try_join!(
        copy(left.from, to_right, idle, (&moved_at, left.bytes)),
        copy(right.from, to_left, idle, (&moved_at, right.bytes)),
    );
    ended.is_ok()
}

async fn copy(
    mut from: From<'_>,
    to: To<'_>,
    idle: Duration,
    (moved_at, bytes): (&Cell<Instant>, &mut u64),
) -> Result<(), ()> {
    loop {
        let moved_before = moved_at.get();
        match timeout_at((moved_before + idle).into(), from.bytes()).await {
            Ok(Ok(Some(piece))) => {
                *bytes += piece.len() as u64;
                to.pass(piece, idle).await.map_err(|_| ())?;
                moved_at.set(Instant::now());
            }
            Ok(Ok(None)) => return to.end(idle).await.map_err(|_| ()),
            Ok(Err(_)) => return Err(()),
            Err(_) if moved_at.get() > moved_before => {}
            Err(_) => return Err(()),
        }
    }
}

impl From<'_> {
    async fn bytes(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Client(inlet) => inlet.bytes().await,
            Self::Origin(exchange) => match exchange.next().await {
                Some(Piece::Data(piece)) => Ok(Some(piece)),
                Some(Piece::End | Piece::NeedInput) => Ok(None),
                None => Err(io::ErrorKind::ConnectionReset.into()),
            },
        }
    }
}

impl To<'_> {
    async fn pass(self, piece: Bytes, idle: Duration) -> Result<(), WriteFault> {
        match self {
            Self::Client(outlet) => outlet.pass(piece, idle).await,
            Self::Origin(exchange) => exchange.data(piece, idle).await,
        }
    }

    async fn end(self, idle: Duration) -> Result<(), WriteFault> {
        match self {
            Self::Client(outlet) => outlet.end(idle).await,
            Self::Origin(exchange) => exchange.end(&Fields::default()),
        }
    }
}
