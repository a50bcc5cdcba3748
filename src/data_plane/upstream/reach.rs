//! From a permitted request to a connection: an origin is chosen, the right to a connection waited for,
//! an unused one taken or a new one made. What fails before a byte was sent is tried with the next
//! origin.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;

use super::{
    Addresses,
    connect::connect,
    endpoint::Lease,
    http2,
    pool::{Choice, Places},
    spoken::Offer,
};
use crate::{
    config::Edge,
    data_plane::{
        record::Record,
        socket::{Socket, Stream},
        stop::Stop,
        worker::Worker,
    },
    domain::{
        event::OriginConnection,
        policy::{Permit, Reason, Refusal},
        registry::ProxyProtocol,
    },
};

/// A request that cannot be sent twice goes over a connection that was in use not longer ago than this:
/// it is old ones that origins close. Where an origin closed one lately and nobody had been told, it goes over a
/// new one.
const FRESH: Duration = Duration::from_secs(1);

/// What was used so lately is taken for open and silent if nothing else has been heard of it: under load, where
/// that happens, the runtime listens more often. Not for what cannot be sent twice.
const LATELY: Duration = Duration::from_millis(10);

/// Which connections will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Any that may be used again.
    Any,
    /// One that was in use a moment ago, or a new one.
    Fresh,
    /// A new one.
    New,
}

/// A connection.
pub(super) enum Connection {
    /// It has carried an exchange before.
    Kept(Socket),
    /// It has not.
    New(Stream),
    /// A place for one more stream; whether the connection was there before.
    Stream(SendRequest<Bytes>, bool),
}

/// Gets a connection to an origin that was permitted, of those that were not tried: a stream, for a request that
/// was made ready for HTTP/2. Refused only if none of them has one.
pub(super) async fn reach(
    permit: &Permit,
    (want, mut tried, is_for_http2): (Reach, Places, bool),
    addresses: Addresses,
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<(Lease, Connection), Stop> {
    let (upstream, policy) = (permit.site().upstream(), edge.upstream.eject);
    let (mut busy, mut why) = (None, None);
    loop {
        let lease = match worker.pool.choose(upstream, tried, policy) {
            Some(Choice { index, endpoint, is_probe }) => {
                tried.insert(index);
                match endpoint.lease_now(&edge.upstream) {
                    Some(lease) => lease.of(index, is_probe),
                    None => {
                        if is_probe {
                            endpoint.state.probe_was_lost(Instant::now());
                        }
                        busy = busy.or(Some((index, endpoint)));
                        continue;
                    }
                }
            }
            None => {
                // Those that can be reached have all their connections in use.
                let Some((index, endpoint)) = busy.take() else { break };
                let Some(lease) = Box::pin(endpoint.lease(&edge.upstream)).await else {
                    return Err(refused(permit, Reason::Overloaded, "all connections to the origin are in use"));
                };
                lease.of(index, false)
            }
        };
        let state = &lease.endpoint().state;
        let want = match state.options.proxy_protocol {
            ProxyProtocol::Off => want,
            // It is another client's.
            ProxyProtocol::V2 => Reach::New,
        };
        let age_max = edge.timeouts.origin_keep_alive;
        let kept = match want {
            _ if is_for_http2 => None,
            Reach::Any => worker.pool.take(lease.endpoint(), age_max, LATELY),
            Reach::Fresh if !lease.endpoint().keeps_connections() => None,
            Reach::Fresh => worker.pool.take(lease.endpoint(), age_max.min(FRESH), Duration::ZERO),
            Reach::New => None,
        };
        if let Some(socket) = kept {
            record.origin_connection = OriginConnection::Reused;
            return Ok((lease, Connection::Kept(socket)));
        }
        if is_for_http2 {
            let is_stale = want == Reach::New;
            match Box::pin(http2::sender(lease.endpoint(), addresses, (worker, edge), is_stale)).await {
                Ok((sender, was_there)) => {
                    record.origin_connection = if was_there { OriginConnection::Reused } else { OriginConnection::New };
                    return Ok((lease, Connection::Stream(sender, was_there)));
                }
                Err(error) => {
                    state.spoken.forget();
                    failed(&lease, permit, (worker, edge));
                    why = Some(error);
                    continue;
                }
            }
        }
        // In a box, as all that is seldom waited for: a request does not own the room for it.
        match Box::pin(connect(&worker.pool.origins, state, Some(addresses), edge, Offer::Http1)).await {
            Ok(stream) => {
                state.spoken.was_reached();
                record.origin_connection = OriginConnection::New;
                return Ok((lease, Connection::New(stream)));
            }
            Err(error) => {
                failed(&lease, permit, (worker, edge));
                why = Some(error);
            }
        }
    }
    record.origin_connection = OriginConnection::Failed;
    Err(refused(
        permit,
        Reason::OriginUnreachable,
        why.unwrap_or_else(|| "the origin closed the connection without an answer".to_owned()),
    ))
}

/// An origin failed: it may be left out from now on, if there is another.
pub(super) fn failed(lease: &Lease, permit: &Permit, (worker, edge): (&Worker, &Edge)) {
    let may_eject = worker.pool.has_other(permit.site().upstream(), lease.endpoint());
    if lease.failed(edge.upstream.eject, may_eject) {
        worker.pool.origins.count_ejection();
    }
}

/// A refusal because of a site's origins.
pub(super) fn refused(permit: &Permit, reason: Reason, detail: impl Into<String>) -> Stop {
    Stop::Refused(Refusal { reason, detail: detail.into(), site: Some(permit.site().clone()) })
}
