//! The origins that a worker uses, and its unused connections to them. The youngest connection is used
//! first, so that the old ones die of age.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    balance::{Candidate, Standing, choose},
    endpoint::{Endpoint, Idle},
    origins::Origins,
};
use crate::{
    config::{Edge, Ejection},
    data_plane::socket::Socket,
    domain::registry::{OriginKey, Upstream},
};

/// The pool.
pub(in crate::data_plane) struct Pool {
    pub(super) origins: Arc<Origins>,
    endpoints: RefCell<HashMap<OriginKey, Rc<Endpoint>, BuildHasherDefault<KeyHasher>>>,
    /// Unused connections of all origins by serial, the oldest first; some have been taken meanwhile.
    order: RefCell<VecDeque<(Rc<Endpoint>, u64)>>,
    idle: Cell<usize>,
    serial: Cell<u64>,
    random: Cell<u64>,
}

/// A set of places in a site's list of origins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places(u16);

impl Places {
    pub(super) fn insert(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    pub(super) fn contains(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

/// A chosen origin.
pub(super) struct Choice {
    pub(super) index: usize,
    pub(super) endpoint: Rc<Endpoint>,
    /// It is tried again with this request.
    pub(super) is_probe: bool,
}

impl Pool {
    /// An empty pool; the seed makes workers choose differently.
    pub(in crate::data_plane) fn new(origins: Arc<Origins>, seed: u64) -> Self {
        Self {
            origins,
            endpoints: RefCell::default(),
            order: RefCell::default(),
            idle: Cell::new(0),
            serial: Cell::new(0),
            random: Cell::new(seed),
        }
    }

    /// Chooses an origin of a site that was not tried yet.
    pub(super) fn choose(&self, upstream: &Upstream, tried: Places, policy: Ejection) -> Option<Choice> {
        let count = upstream.keys().len();
        if count == 1 {
            let endpoint = self.endpoint(upstream, 0).filter(|_| !tried.contains(0))?;
            return Some(Choice { index: 0, endpoint, is_probe: false });
        }
        let now = Instant::now();
        let candidates = (0..count).filter(|&index| !tried.contains(index)).filter_map(|index| {
            let endpoint = self.endpoint(upstream, index)?;
            let standing = match endpoint.state.standing(now) {
                // Another request may have come first. The choice ends with one that is due, so that no
                // other is taken to be tried in vain.
                Standing::Due if !endpoint.state.probe(now, policy) => Standing::Out,
                standing => standing,
            };
            Some(Candidate { index, standing, outstanding: endpoint.outstanding() })
        });
        let chosen = choose(candidates, self.next_random())?;
        let endpoint = self.endpoint(upstream, chosen.index)?;
        Some(Choice { index: chosen.index, endpoint, is_probe: chosen.standing == Standing::Due })
    }

    /// Whether a site has another origin that may be asked.
    pub(super) fn has_other(&self, upstream: &Upstream, endpoint: &Rc<Endpoint>) -> bool {
        let now = Instant::now();
        (0..upstream.keys().len())
            .filter_map(|index| self.endpoint(upstream, index))
            .any(|other| !Rc::ptr_eq(&other, endpoint) && other.state.standing(now) == Standing::Available)
    }

    /// A connection that is still open and silent, and no older than `age_max`: what an origin said unasked must
    /// not become the answer to somebody else. The kernel is asked, but for what was put by less than `lately` ago:
    /// of that it knows hardly more than the runtime has heard.
    pub(super) fn take(&self, endpoint: &Rc<Endpoint>, age_max: Duration, lately: Duration) -> Option<Socket> {
        let mut idle = endpoint.idle.borrow_mut();
        loop {
            let age = idle.back()?.since.elapsed();
            if age >= age_max {
                return None;
            }
            let youngest = idle.pop_back()?;
            self.idle.set(self.idle.get() - 1);
            let mut order = self.order.borrow_mut();
            if order.back().is_some_and(|&(_, serial)| serial == youngest.serial) {
                order.pop_back();
            }
            if (age < lately && !youngest.socket.may_have_spoken()) || youngest.socket.is_quiet() {
                return Some(youngest.socket);
            }
            endpoint.was_surprised();
        }
    }

    /// Keeps a connection for the next request. Where there are too many, of this origin or in all, the
    /// oldest goes.
    pub(super) fn put(&self, endpoint: &Rc<Endpoint>, socket: Socket, edge: &Edge) {
        let (per_origin_max, total_max) = (edge.limits.origin_idle, edge.upstream.idle_total);
        if per_origin_max == 0 || total_max == 0 {
            return;
        }
        let is_full = endpoint.idle.borrow().len() >= per_origin_max;
        if is_full {
            endpoint.idle.borrow_mut().pop_front();
            self.idle.set(self.idle.get() - 1);
        } else if self.idle.get() >= total_max {
            self.close_oldest(|_| true);
        }
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        endpoint.idle.borrow_mut().push_back(Idle { socket, since: Instant::now(), serial });
        self.idle.set(self.idle.get() + 1);
        let mut order = self.order.borrow_mut();
        order.push_back((Rc::clone(endpoint), serial));
        if order.len() > 2 * self.idle.get() + 64 {
            order.retain(|(endpoint, serial)| endpoint.has(*serial));
        }
    }

    /// Closes what is too old, and forgets origins that are out of use.
    pub(in crate::data_plane) fn sweep(&self, age_max: Duration) {
        while self.close_oldest(|oldest| oldest.since.elapsed() >= age_max) {}
        self.endpoints.borrow_mut().retain(|_, endpoint| {
            self.idle.set(self.idle.get() - endpoint.inspect());
            if endpoint.outstanding() == 0 {
                endpoint.http2.sweep(age_max);
            }
            !endpoint.is_forgotten()
        });
    }

    /// Closes the oldest connection of all, if it is one to close. Whether it was.
    fn close_oldest(&self, is_one: impl Fn(&Idle) -> bool) -> bool {
        let mut order = self.order.borrow_mut();
        while let Some((endpoint, serial)) = order.front() {
            let mut idle = endpoint.idle.borrow_mut();
            // An origin's own connections stand in the same order.
            match idle.front().filter(|oldest| oldest.serial == *serial) {
                Some(oldest) if is_one(oldest) => {
                    idle.pop_front();
                    self.idle.set(self.idle.get() - 1);
                    drop(idle);
                    order.pop_front();
                    return true;
                }
                Some(_) => return false,
                None => {
                    drop(idle);
                    order.pop_front();
                }
            }
        }
        false
    }

    /// One of a site's origins.
    pub(super) fn endpoint(&self, upstream: &Upstream, index: usize) -> Option<Rc<Endpoint>> {
        let key = upstream.keys().get(index)?;
        if let Some(endpoint) = self.endpoints.borrow().get(key) {
            return Some(Rc::clone(endpoint));
        }
        let endpoint = Rc::new(Endpoint::new(self.origins.state(upstream, index)?));
        self.endpoints.borrow_mut().insert(*key, Rc::clone(&endpoint));
        Some(endpoint)
    }

    /// SplitMix64.
    fn next_random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Endpoint {
    fn has(&self, serial: u64) -> bool {
        self.idle.borrow().binary_search_by_key(&serial, |idle| idle.serial).is_ok()
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
