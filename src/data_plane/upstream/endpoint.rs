//! One origin as one worker uses it: who has a connection, who waits for one, which are unused.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use super::{http2, origins::State};
use crate::{
    config::{Ejection, Upstreams},
    data_plane::socket::Socket,
};

/// Sweeps of the pool that an origin without company stays known for, unused.
const SWEEPS_ALONE: u32 = 5;
/// The same for one of several, whose checks go on meanwhile.
const SWEEPS_IN_COMPANY: u32 = 600;

/// For so long after an origin closed a kept connection without a word, it is expected to do so again.
const DISTRUST: Duration = Duration::from_secs(60);

/// For so long after it was first asked it is not known whether an origin keeps connections.
const TRIAL: Duration = Duration::from_secs(2);

/// An origin.
pub(super) struct Endpoint {
    pub(super) state: Arc<State>,
    /// Unused connections, the youngest last.
    pub(super) idle: RefCell<VecDeque<Idle>>,
    first_asked_at: Instant,
    /// When it last closed a kept connection without saying so before.
    surprised_at: Cell<Option<Instant>>,
    /// The connection of an origin that speaks HTTP/2.
    pub(super) http2: http2::Shared,
    in_use: Cell<usize>,
    waiting: Cell<usize>,
    freed: Notify,
    unused_sweeps: Cell<u32>,
}

/// An unused connection.
pub(super) struct Idle {
    pub(super) socket: Socket,
    pub(super) since: Instant,
    /// Grows with every connection that is put by.
    pub(super) serial: u64,
}

/// The right to use one connection to an origin, while it lives.
pub(super) struct Lease {
    endpoint: Rc<Endpoint>,
    /// The origin's place in the site's list.
    index: usize,
    /// The request is the one that tries an origin again.
    is_probe: Cell<bool>,
}

impl Endpoint {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self {
            state,
            idle: RefCell::default(),
            first_asked_at: Instant::now(),
            surprised_at: Cell::new(None),
            http2: http2::Shared::default(),
            in_use: Cell::new(0),
            waiting: Cell::new(0),
            freed: Notify::new(),
            unused_sweeps: Cell::new(0),
        }
    }

    /// Requests that it has to do.
    pub(super) fn outstanding(&self) -> usize {
        self.in_use.get() + self.waiting.get()
    }

    /// The origin closed a kept connection, which nobody had been told.
    pub(super) fn was_surprised(&self) {
        self.surprised_at.set(Some(Instant::now()));
    }

    /// Whether kept connections will do for what cannot be sent twice.
    pub(super) fn keeps_connections(&self) -> bool {
        self.first_asked_at.elapsed() >= TRIAL && !self.is_distrusted()
    }

    pub(super) fn is_distrusted(&self) -> bool {
        self.surprised_at.get().is_some_and(|at| at.elapsed() < DISTRUST)
    }

    /// Looks after the kept connections, where they are not trusted: how many had been closed, and are gone.
    pub(super) fn inspect(&self) -> usize {
        if self.keeps_connections() {
            return 0;
        }
        let mut idle = self.idle.borrow_mut();
        let count = idle.len();
        idle.retain(|idle| idle.socket.is_quiet());
        let gone = count - idle.len();
        if gone > 0 {
            self.was_surprised();
        }
        gone
    }

    /// A connection may be used, at once. Who waits goes first.
    pub(super) fn lease_now(self: &Rc<Self>, limits: &Upstreams) -> Option<Lease> {
        (self.waiting.get() == 0 && self.in_use.get() < limits.connections).then(|| self.grant())
    }

    /// Waits until a connection may be used; `None` if too many wait already, or it took too long.
    pub(super) async fn lease(self: &Rc<Self>, limits: &Upstreams) -> Option<Lease> {
        if self.waiting.get() >= limits.queue {
            return None;
        }
        // Who comes goes behind those who wait, even where one of them is about to be served.
        let mut is_behind = self.waiting.get() > 0;
        let waiting = Waiting::new(self);
        let freed = async {
            while is_behind || self.in_use.get() >= limits.connections {
                self.freed.notified().await;
                is_behind = false;
            }
        };
        timeout(limits.queue_time, freed).await.ok()?;
        drop(waiting);
        Some(self.grant())
    }

    /// Counts a sweep of the pool. Whether the origin has been out of use for long enough to be forgotten.
    pub(super) fn is_forgotten(&self) -> bool {
        let sweeps = self.unused_sweeps.get();
        self.unused_sweeps.set(sweeps.saturating_add(1));
        let sweeps_max = if self.state.has_company() { SWEEPS_IN_COMPANY } else { SWEEPS_ALONE };
        // What is known of it is worth more than its place.
        sweeps >= sweeps_max
            && !self.is_distrusted()
            && self.outstanding() == 0
            && self.idle.borrow().is_empty()
            && self.http2.is_closed()
    }

    fn grant(self: &Rc<Self>) -> Lease {
        self.in_use.set(self.in_use.get() + 1);
        self.unused_sweeps.set(0);
        Lease { endpoint: Rc::clone(self), index: 0, is_probe: Cell::new(false) }
    }
}

/// One more that waits, until it is dropped.
struct Waiting<'e>(&'e Endpoint);

impl<'e> Waiting<'e> {
    fn new(endpoint: &'e Endpoint) -> Self {
        endpoint.waiting.set(endpoint.waiting.get() + 1);
        Self(endpoint)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
    }
}

impl Lease {
    /// The origin.
    pub(super) fn endpoint(&self) -> &Rc<Endpoint> {
        &self.endpoint
    }

    /// The origin's place in the site's list.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Says which of a site's origins it is, and whether the request is the one that tries it again.
    pub(super) fn of(mut self, index: usize, is_probe: bool) -> Self {
        self.index = index;
        self.is_probe.set(is_probe);
        self
    }

    /// The origin answered.
    pub(super) fn succeeded(&self) {
        self.is_probe.set(false);
        self.endpoint.state.succeeded();
    }

    /// The origin could not be reached, broke the protocol, or was silent for too long. Whether it is
    /// left out from now on.
    pub(super) fn failed(&self, policy: Ejection, may_eject: bool) -> bool {
        self.is_probe.set(false);
        self.endpoint.state.failed(Instant::now(), policy, may_eject)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let endpoint = &self.endpoint;
        endpoint.in_use.set(endpoint.in_use.get() - 1);
        if endpoint.waiting.get() > 0 {
            endpoint.freed.notify_one();
        }
        if self.is_probe.get() {
            endpoint.state.probe_was_lost(Instant::now());
        }
    }
}
