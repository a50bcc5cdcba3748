//! What all workers know of origins together: whether they are well, where their names lead, what
//! vouches for them. Workers come here when a connection is made or an origin fails, not with every
//! request.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use arc_swap::ArcSwap;

use super::{balance::Standing, health::Health, keeper, names::Names, spoken::Spoken, trust::TlsClients};
use crate::{
    config::{Edge, Ejection},
    domain::registry::{Origin, OriginKey, OriginOptions, Upstream},
    telemetry::Live,
};

/// The origins that are in use, or were lately.
pub(in crate::data_plane) struct Origins {
    states: Mutex<HashMap<OriginKey, Arc<State>>>,
    pub(super) names: Names,
    pub(super) tls: TlsClients,
    pub(super) edge: Arc<ArcSwap<Edge>>,
    live: Arc<Live>,
}

/// One origin.
pub(super) struct State {
    pub(super) origin: Origin,
    pub(super) options: OriginOptions,
    /// What it speaks.
    pub(super) spoken: Spoken,
    /// Nothing bad is known: all that most requests look at.
    is_well: AtomicBool,
    health: Mutex<Health>,
    /// It is one of several of a site.
    has_company: AtomicBool,
}

impl Origins {
    /// Nothing is known yet. Starts the thread that looks names up and checks origins; it ends with the
    /// last reference to what this returns.
    pub(in crate::data_plane) fn start(edge: Arc<ArcSwap<Edge>>, live: Arc<Live>) -> io::Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let names = Names::new(runtime.handle().clone());
        let origins = Arc::new(Self { states: Mutex::default(), names, tls: TlsClients::default(), edge, live });
        let weak = Arc::downgrade(&origins);
        thread::Builder::new().name("origins".to_owned()).spawn(move || runtime.block_on(keeper::run(weak)))?;
        Ok(origins)
    }

    /// What is known of an origin of a site.
    pub(super) fn state(&self, upstream: &Upstream, index: usize) -> Option<Arc<State>> {
        let (&key, origin) = (upstream.keys().get(index)?, upstream.origins().get(index)?);
        let mut states = self.states();
        let state = states.entry(key).or_insert_with(|| Arc::new(State::new(origin, upstream.options())));
        if upstream.origins().len() > 1 {
            state.has_company.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(state))
    }

    /// Forgets origins that nobody uses and of which nothing is known that matters. Then counts those
    /// that are well, and those that are left out.
    pub(super) fn sweep(&self, now: Instant, policy: Ejection) {
        let (mut healthy, mut ejected) = (0, 0);
        self.states().retain(|_, state| {
            match state.standing(now) {
                Standing::Available => healthy += 1,
                Standing::Due | Standing::Out => ejected += 1,
            }
            Arc::strong_count(state) > 1 || !state.health().is_forgettable(now, policy)
        });
        self.live.origins_healthy.store(healthy, Ordering::Relaxed);
        self.live.origins_ejected.store(ejected, Ordering::Relaxed);
    }

    /// The origins that have others beside them.
    pub(super) fn with_company(&self) -> Vec<Arc<State>> {
        self.states().values().filter(|state| state.has_company()).cloned().collect()
    }

    /// An origin was left out.
    pub(super) fn count_ejection(&self) {
        self.live.origin_ejections.fetch_add(1, Ordering::Relaxed);
    }

    fn states(&self) -> MutexGuard<'_, HashMap<OriginKey, Arc<State>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(origin: &Origin, options: &OriginOptions) -> Self {
        Self {
            origin: origin.clone(),
            options: options.clone(),
            spoken: Spoken::of(origin.protocol, options.proxy_protocol),
            is_well: AtomicBool::new(true),
            health: Mutex::new(Health::GOOD),
            has_company: AtomicBool::new(false),
        }
    }

    /// Whether there are others to ask in its place.
    pub(super) fn has_company(&self) -> bool {
        self.has_company.load(Ordering::Relaxed)
    }

    /// Nothing speaks against it.
    pub(super) fn is_well(&self) -> bool {
        self.is_well.load(Ordering::Relaxed)
    }

    /// How it stands.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        if self.is_well() { Standing::Available } else { self.health().standing(now) }
    }

    /// A request is about to try it again; see [`Health::probe`].
    pub(super) fn probe(&self, now: Instant, policy: Ejection) -> bool {
        self.change(|health| health.probe(now, policy))
    }

    /// See [`Health::probe_was_lost`].
    pub(super) fn probe_was_lost(&self, now: Instant) {
        self.change(|health| health.probe_was_lost(now));
    }

    /// It answered.
    pub(super) fn succeeded(&self) {
        if !self.is_well() {
            self.change(|health| health.succeeded(Instant::now()));
        }
    }

    /// It failed; see [`Health::failed`].
    pub(super) fn failed(&self, now: Instant, policy: Ejection, may_eject: bool) -> bool {
        self.change(|health| health.failed(now, policy, may_eject))
    }

    /// A check passed, or did not.
    pub(super) fn checked(&self, passed: bool) {
        if !(passed && self.is_well()) {
            self.change(|health| health.checked(passed));
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Health) -> T) -> T {
        let mut health = self.health();
        let result = change(&mut health);
        self.is_well.store(health.is_well(), Ordering::Relaxed);
        result
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
