//! The keys of `[limits]` and `[timeouts]` that say what the edge does under pressure: how much one
//! address or one site may ask for, how slow a client may be, and when newcomers are turned away.

use std::time::Duration;

use super::raw::Section;

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What is done under pressure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// Client connections of one address (IPv6: of one /64).
    pub connections_per_address: usize,
    /// Requests of one address (IPv6: of one /64).
    pub requests_per_address: Rate,
    /// Requests to one site.
    pub requests_per_site: Rate,
    /// Bytes of a request's target.
    pub uri_bytes: usize,
    /// TLS handshakes that wait for their turn, per worker; beyond it connections are closed.
    pub handshake_queue: usize,
    /// How late a worker may be before new requests are refused; zero: never.
    pub lag: Duration,
    /// Bytes a second that a client sends of a body, or takes of a response, at least; 0: any.
    pub min_rate: u64,
    /// How long a client may be slower than that.
    pub slow: Duration,
    /// From a request's head to the end of its response; zero: as long as it takes.
    pub request: Duration,
    /// How long idle connections stay open after the signal to stop, for requests that are on their way.
    pub drain_idle: Duration,
}

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; 0: no limit.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            connections_per_address: 32_768,
            requests_per_address: Rate { per_second: 50_000, burst: 100_000 },
            requests_per_site: Rate { per_second: 0, burst: 1 },
            uri_bytes: 32 << 10,
            handshake_queue: 1_024,
            lag: Duration::from_secs(1),
            min_rate: 256,
            slow: Duration::from_secs(30),
            request: Duration::ZERO,
            drain_idle: Duration::from_secs(2),
        }
    }
}

/// The keys of `[limits]`.
pub(super) fn limits(section: &Section<'_, '_>, pressure: &mut Pressure) {
    let count = |key, most| section.number(key, 1..=most).map(|number| number as usize);
    if let Some(connections) = count("connections_per_address", 10_000_000) {
        pressure.connections_per_address = connections;
    }
    rate(section, "requests_per_address", &mut pressure.requests_per_address);
    rate(section, "requests_per_site", &mut pressure.requests_per_site);
    if let Some(bytes) = section.size("uri", 64..=1 << 20) {
        pressure.uri_bytes = bytes as usize;
    }
    if let Some(queue) = count("handshake_queue", 1_000_000) {
        pressure.handshake_queue = queue;
    }
    if let Some(lag) = section.duration("lag", Duration::ZERO..=DAY) {
        pressure.lag = lag;
    }
    if let Some(bytes) = section.size("min_rate", 0..=1 << 30) {
        pressure.min_rate = bytes;
    }
}

/// The keys of `[timeouts]`.
pub(super) fn timeouts(section: &Section<'_, '_>, pressure: &mut Pressure) {
    if let Some(slow) = section.duration("slow", MILLISECOND..=DAY) {
        pressure.slow = slow;
    }
    if let Some(request) = section.duration("request", Duration::ZERO..=DAY) {
        pressure.request = request;
    }
    if let Some(idle) = section.duration("drain_idle", Duration::ZERO..=DAY) {
        pressure.drain_idle = idle;
    }
}

/// `{ rate = …, burst = … }`; without a burst, a second's worth.
fn rate(section: &Section<'_, '_>, key: &'static str, rate: &mut Rate) {
    let table = section.section(key);
    let per_second = table.number("rate", 0..=1_000_000);
    let burst = table.number("burst", 1..=10_000_000);
    table.close();
    match (per_second, burst) {
        (Some(number), None) => *rate = Rate { per_second: number as u32, burst: number.max(1) as u32 },
        (Some(number), Some(burst)) => *rate = Rate { per_second: number as u32, burst: burst as u32 },
        (None, Some(burst)) => rate.burst = burst as u32,
        (None, None) => {}
    }
}
