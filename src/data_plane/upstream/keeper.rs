//! What is done for origins beside requests, on a thread of its own: what is out of use is forgotten,
//! and those that have others beside them are asked whether they are well.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    connect::connect,
    origins::{Origins, State},
    spoken::Offer,
};
use crate::config::{Check, Edge};

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(100);
/// Rounds between two sweeps.
const ROUNDS_PER_SWEEP: u32 = 10;
/// Checks under way at a time.
const CHECKS_MAX: usize = 256;
/// Bytes of an answer in which its status must stand.
const STATUS_BYTES: usize = 12;

/// Runs until nobody uses the origins any more.
pub(super) async fn run(origins: Weak<Origins>) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut until_sweep, mut checked_at, mut checks) = (0, None::<Instant>, JoinSet::new());
    loop {
        rounds.tick().await;
        while checks.try_join_next().is_some() {}
        let Some(origins) = origins.upgrade() else { return };
        let (edge, now) = (origins.edge.load_full(), Instant::now());
        if until_sweep == 0 {
            until_sweep = ROUNDS_PER_SWEEP;
            origins.names.sweep();
            origins.tls.sweep();
            origins.sweep(now, edge.upstream.eject);
        }
        until_sweep -= 1;
        let Some(check) = &edge.upstream.check else { continue };
        if checked_at.is_none_or(|at| now.duration_since(at) >= check.every) && checks.is_empty() {
            checked_at = Some(now);
            begin(&origins, &edge, &mut checks);
        }
    }
}

/// Begins to check all that have company, so many at a time.
fn begin(origins: &Arc<Origins>, edge: &Arc<Edge>, checks: &mut JoinSet<()>) {
    let states = origins.with_company();
    let each = states.len().div_ceil(CHECKS_MAX).max(1);
    for some in states.chunks(each) {
        let (origins, edge, some) = (Arc::clone(origins), Arc::clone(edge), some.to_vec());
        checks.spawn(async move {
            for state in some {
                let Some(check) = &edge.upstream.check else { return };
                let passed = timeout(check.timeout, is_well(&origins, &state, &edge, check)).await;
                state.checked(passed.unwrap_or(false));
            }
        });
    }
}

/// Whether an origin gives the status that it should.
async fn is_well(origins: &Origins, state: &State, edge: &Edge, check: &Check) -> bool {
    let is_http2 = state.origin.protocol.is_http2();
    let offer = if is_http2 { Offer::Http2 } else { Offer::Http1 };
    let Ok(mut stream) = connect(origins, state, None, edge, offer).await else { return false };
    if is_http2 {
        // That it can be reached must do.
        return true;
    }
    let host = if state.options.name.is_empty() { &state.origin.host } else { &state.options.name };
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: zhamen-check\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        check.path
    );
    if stream.write_all(request.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return false;
    }
    let mut answer = BytesMut::with_capacity(512);
    while answer.len() < STATUS_BYTES {
        match stream.read_buf(&mut answer).await {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(_) => return false,
        }
    }
    status(&answer).is_some_and(|status| check.status.contains(&status))
}

/// The status in the first line of an answer.
fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.1 ").or_else(|| answer.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn a_status_is_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 500\r\n"), Some(500));
        for bad in [&b"HTTP/1.1 2"[..], b"HTTP/2 200 \r\n", b"SSH-2.0-OpenSSH", b"HTTP/1.1 abc "] {
            assert_eq!(status(bad), None);
        }
    }
}
