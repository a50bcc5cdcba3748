//! A connection that became something else than HTTP (101): bytes both ways, unread.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use tokio::time::timeout_at;

use super::client::{Inlet, Outlet};

/// One end of a tunnel, and where the bytes that come from it are counted.
pub(super) struct End<'a> {
    pub(super) inlet: Inlet<'a>,
    pub(super) outlet: Outlet<'a>,
    pub(super) bytes: &'a mut u64,
}

/// Copies both ways until both ends have ended, one fails, or neither has sent a byte for `idle`; `false`:
/// it was not by an orderly end. What was read before goes first. Bytes are counted as they come, so that a
/// tunnel that is dropped has been counted, too.
pub(super) async fn run(left: End<'_>, right: End<'_>, idle: Duration) -> bool {
    let moved_at = Cell::new(Instant::now());
    let (to_left, to_right) = (left.outlet, right.outlet);
    // The first error on either side ends the other side too.
    let ended = tokio::try_join!(
        copy(left.inlet, to_right, idle, (&moved_at, left.bytes)),
        copy(right.inlet, to_left, idle, (&moved_at, right.bytes)),
    );
    ended.is_ok()
}

async fn copy(
    mut from: Inlet<'_>,
    to: Outlet<'_>,
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
