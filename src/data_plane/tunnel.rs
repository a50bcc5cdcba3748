//! A connection that became something else than HTTP (101): bytes both ways, unread.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::time::timeout_at;

use super::socket::{READ_BYTES, Socket};

/// Copies both ways until both ends have ended, one fails, or neither has sent a byte for `idle`.
/// What stands in the inboxes goes first. Bytes are counted as they come, so that a tunnel that is
/// dropped has been counted, too.
pub(super) async fn run(
    (left, left_inbox, from_left): (&Socket, &mut BytesMut, &mut u64),
    (right, right_inbox, from_right): (&Socket, &mut BytesMut, &mut u64),
    idle: Duration,
) {
    let moved_at = Cell::new(Instant::now());
    // The first error on either side ends the other side too.
    let _ = tokio::try_join!(
        copy(left, left_inbox, right, idle, (&moved_at, from_left)),
        copy(right, right_inbox, left, idle, (&moved_at, from_right)),
    );
}

async fn copy(
    from: &Socket,
    inbox: &mut BytesMut,
    to: &Socket,
    idle: Duration,
    (moved_at, bytes): (&Cell<Instant>, &mut u64),
) -> Result<(), ()> {
    loop {
        if !inbox.is_empty() {
            let piece = inbox.split().freeze();
            *bytes += piece.len() as u64;
            to.write(&[], &[piece], &[], idle).await.map_err(|_| ())?;
            moved_at.set(Instant::now());
        }
        let moved_before = moved_at.get();
        match timeout_at((moved_before + idle).into(), from.read(inbox, READ_BYTES)).await {
            Ok(Ok(0)) => return to.shutdown().await.map_err(|_| ()),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(()),
            Err(_) if moved_at.get() > moved_before => {}
            Err(_) => return Err(()),
        }
    }
}
