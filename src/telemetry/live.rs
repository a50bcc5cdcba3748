//! Numbers that go up and down while requests run; everything else is counted from events.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::base::Timestamp;

/// Live counts, shared by the data plane (which writes them) and the metrics (which read them).
#[derive(Debug, Default)]
pub struct Live {
    /// Open client connections without TLS.
    pub client_plain: AtomicI64,
    /// Open client connections that speak HTTP/2.
    pub client_http2: AtomicI64,
    /// Open client connections with TLS.
    pub client_tls: AtomicI64,
    /// Open connections to origins, busy or idle.
    pub origin: AtomicI64,
    /// Origins in use that are asked.
    pub origins_healthy: AtomicI64,
    /// Origins in use that are left out.
    pub origins_ejected: AtomicI64,
    /// How often one of several origins was left out.
    pub origin_ejections: AtomicU64,
    /// Connections that were turned away at a limit, or failed before a request was read.
    pub client_rejected: AtomicU64,
    /// Connections of HTTP/2 that have ended, by [`Http2End`].
    pub http2_ended: [AtomicU64; Http2End::ALL.len()],
    /// Requests of HTTP/2 that broke the protocol, or were too much for it, and were never read.
    pub http2_rejected: AtomicU64,
    /// Connections that were cut because the client was too slow.
    pub client_slow: AtomicU64,
    /// Tasks that panicked and were caught.
    pub panics: AtomicU64,
    certificates: Mutex<CertificateCounts>,
    shed: [AtomicU64; Shed::ALL.len()],
    pulses: Mutex<Vec<Arc<Pulse>>>,
}

/// The certificates in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateCounts {
    /// How many.
    pub count: usize,
    /// How many of them end soon, or have ended.
    pub expiring: usize,
    /// When the first of them ends.
    pub first_end: Option<Timestamp>,
}

/// Why a connection was turned away before anything was read from it. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// Its address has as many as it may have.
    Address,
    /// There are as many as there may be.
    Connections,
    /// The system gives no more descriptors.
    Descriptors,
    /// Zhamen is stopping.
    Draining,
    /// Too many handshakes wait for their turn.
    Handshakes,
}

/// What one worker says of itself, several times a second.
#[derive(Debug, Default)]
pub struct Pulse {
    beats: AtomicU64,
    lag_micros: AtomicU64,
}

impl Shed {
    /// All, alphabetical.
    pub const ALL: [Self; 5] = [Self::Address, Self::Connections, Self::Descriptors, Self::Draining, Self::Handshakes];

    /// The label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Connections => "connections",
            Self::Descriptors => "descriptors",
            Self::Draining => "draining",
            Self::Handshakes => "handshakes",
        }
    }
}

impl Live {
    /// A connection was turned away.
    pub fn shed(&self, why: Shed) {
        self.shed[why as usize].fetch_add(1, Ordering::Relaxed);
        self.client_rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections were turned away for this.
    pub fn shed_count(&self, why: Shed) -> u64 {
        self.shed[why as usize].load(Ordering::Relaxed)
    }

    /// Certificates came into force.
    pub fn set_certificates(&self, counts: CertificateCounts) {
        *self.certificates.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// The certificates in force.
    pub fn certificates(&self) -> CertificateCounts {
        *self.certificates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pulse of one more worker.
    pub fn new_pulse(&self) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse::default());
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pulse));
        pulse
    }

    /// How often each worker has said that it works.
    pub fn beats(&self) -> Vec<u64> {
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.iter().map(|pulse| pulse.beats.load(Ordering::Relaxed)).collect()
    }

    /// How late the latest worker was the last time.
    pub fn lag(&self) -> Duration {
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        let lags = pulses.iter().map(|pulse| pulse.lag_micros.load(Ordering::Relaxed));
        Duration::from_micros(lags.max().unwrap_or(0))
    }
}

impl Pulse {
    /// The worker works, and was so late.
    pub fn beat(&self, lag: Duration) {
        self.lag_micros.store(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
}

/// Why a client's connection of HTTP/2 ended. Alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2End {
    /// The client left, or its connection was lost.
    Client,
    /// It asked more of us than a connection may (GOAWAY with ENHANCE_YOUR_CALM).
    Flood,
    /// It was idle for too long.
    Idle,
    /// It broke the protocol, or did not speak it.
    Protocol,
    /// We stopped.
    Stop,
}

impl Http2End {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Client, Self::Flood, Self::Idle, Self::Protocol, Self::Stop];

    /// The label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Flood => "flood",
            Self::Idle => "idle",
            Self::Protocol => "protocol",
            Self::Stop => "stop",
        }
    }
}
