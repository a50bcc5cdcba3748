//! What one address, one site and one worker may ask for. A request pays two looks at one cache line
//! each, without a lock; a connection pays an entry in a table that is as long as there are connections.

mod buckets;
mod connections;
mod handshakes;
mod pace;

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) use connections::Place;
pub(super) use handshakes::Turns;
pub(super) use pace::Pace;

use self::{buckets::Buckets, connections::Connections};
use super::{stop::Stop, worker::Worker};
use crate::{
    config::Edge,
    domain::policy::{Permit, Reason, Refusal},
};

/// Sets of addresses and of sites whose requests are counted: the ones in debt among eight times as many.
const ADDRESS_SETS: usize = 1 << 14;
const SITE_SETS: usize = 1 << 12;

/// The limits that all workers share.
pub(super) struct Limits {
    started: Instant,
    addresses: Buckets,
    sites: Buckets,
    connections: Arc<Connections>,
}

/// What an address is counted by: itself, or the /64 that one customer has of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ClientKey {
    V4(u32),
    V6(u64),
}

impl Limits {
    /// Nobody has asked for anything.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            addresses: Buckets::new(ADDRESS_SETS),
            sites: Buckets::new(SITE_SETS),
            connections: Arc::default(),
        }
    }

    /// A place for one more connection of this address, until it is dropped; `None`: it has its share.
    pub(super) fn connect(&self, address: IpAddr, edge: &Edge) -> Option<Place> {
        Connections::enter(&self.connections, ClientKey::of(address), edge.pressure.connections_per_address)
    }
}

/// Whether a request may go on as far as the worker and the client's address are concerned.
pub(super) fn check_client(worker: &Worker, edge: &Edge, address: IpAddr) -> Result<(), Stop> {
    let lag = edge.pressure.lag;
    if lag > Duration::ZERO && worker.lag.get() > lag {
        return Err(Stop::refused(Reason::Overloaded, "requests wait too long for their turn"));
    }
    let (limits, rate) = (&worker.limits, edge.pressure.requests_per_address);
    if rate.per_second > 0 && !limits.addresses.take(&ClientKey::of(address), rate, limits.started.elapsed()) {
        return Err(Stop::refused(Reason::RateLimited, "limits.requests_per_address"));
    }
    Ok(())
}

/// Whether a request may go on as far as its site is concerned.
pub(super) fn check_site(worker: &Worker, edge: &Edge, permit: &Permit) -> Result<(), Stop> {
    let (limits, rate) = (&worker.limits, edge.pressure.requests_per_site);
    if rate.per_second > 0 && !limits.sites.take(&permit.site().host(), rate, limits.started.elapsed()) {
        return Err(Stop::Refused(Refusal {
            reason: Reason::RateLimited,
            detail: "limits.requests_per_site".to_owned(),
            site: Some(permit.site().clone()),
        }));
    }
    Ok(())
}

/// Runs an exchange for as long as it may take; zero is as long as it likes. `None`: it is over.
pub(super) async fn within<T>(time: Duration, exchange: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    if time.is_zero() {
        return Some(exchange.await);
    }
    tokio::time::timeout(time, exchange).await.ok()
}

impl ClientKey {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientKey;

    #[test]
    fn an_address_of_ipv6_is_counted_with_its_neighbours() {
        let of = |text: &str| ClientKey::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }
}
