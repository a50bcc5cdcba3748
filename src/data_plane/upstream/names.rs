//! Where the names of origins lead: asked for again when their time to live is over, remembered for the
//! whole process, and kept where the name servers fail. Looked up on a thread of their own, so that no
//! worker ever waits in the system's resolver.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::Notify, time::timeout};

use super::name_servers::NameServers;

/// What was known is used if the name servers are silent for so long.
const STALE_AFTER: Duration = Duration::from_millis(500);
/// After a failure it is asked again after this.
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// A time to live counts as at least this.
const TTL_MIN: Duration = Duration::from_secs(1);
/// A time to live counts as at most this.
const TTL_MAX: Duration = Duration::from_secs(3_600);
/// A name that nobody asks for is forgotten after as many sweeps, one a second.
const SWEEPS_MAX: u32 = 600;
/// Addresses of a name that are used.
const ADDRESSES_MAX: usize = 16;

/// Names that were looked up.
pub(super) struct Names {
    handle: Handle,
    names: Mutex<HashMap<String, Arc<Name>>>,
    servers: Arc<NameServers>,
}

/// One name.
struct Name {
    known: Mutex<Option<Known>>,
    is_asked: AtomicBool,
    answered: Notify,
    unused_sweeps: Mutex<u32>,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// May be empty: then `why` says what is wrong.
    addresses: Arc<[IpAddr]>,
    why: Arc<str>,
    until: Instant,
}

impl Known {
    /// A name was found.
    fn found(addresses: &[IpAddr], time_to_live: Duration, now: Instant) -> Self {
        let addresses = addresses.get(..ADDRESSES_MAX).unwrap_or(addresses).into();
        Self { addresses, why: Arc::default(), until: now + time_to_live.clamp(TTL_MIN, TTL_MAX) }
    }

    /// It could not be looked up: what was known before holds on.
    fn failed(before: Option<&Self>, why: &str, now: Instant) -> Self {
        let addresses = before.map(|before| Arc::clone(&before.addresses)).unwrap_or_default();
        Self { addresses, why: why.into(), until: now + RETRY_AFTER }
    }

    fn answer(self) -> Result<Arc<[IpAddr]>, String> {
        if self.addresses.is_empty() { Err(self.why.to_string()) } else { Ok(self.addresses) }
    }
}

impl Names {
    /// No names. They are looked up by tasks of this runtime.
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle, names: Mutex::default(), servers: Arc::default() }
    }

    /// The addresses of a name; at least one.
    pub(super) async fn look_up(&self, host: &str, resolver: &[SocketAddr]) -> Result<Arc<[IpAddr]>, String> {
        let name = self.name(host);
        let known = name.known();
        if let Some(known) = known.clone().filter(|known| Instant::now() < known.until) {
            return known.answer();
        }
        // Before the question, so that the answer cannot be missed.
        let answered = name.answered.notified();
        if !name.is_asked.swap(true, Ordering::AcqRel) {
            let asking = Asking(Arc::clone(&name));
            let (servers, host, resolver) = (Arc::clone(&self.servers), host.to_owned(), resolver.to_owned());
            self.handle.spawn(async move {
                let answer = servers.ask(&host, &resolver).await;
                asking.0.learn(answer, Instant::now());
            });
        }
        match known.filter(|known| !known.addresses.is_empty()) {
            Some(known) => match timeout(STALE_AFTER, answered).await {
                Ok(()) => name.latest(),
                Err(_) => known.answer(),
            },
            None => {
                answered.await;
                name.latest()
            }
        }
    }

    /// Forgets names that nobody asks for any more.
    pub(super) fn sweep(&self) {
        self.names().retain(|_, name| {
            let mut sweeps = name.unused_sweeps.lock().unwrap_or_else(PoisonError::into_inner);
            *sweeps += 1;
            *sweeps <= SWEEPS_MAX
        });
    }

    fn name(&self, host: &str) -> Arc<Name> {
        let mut names = self.names();
        let name = match names.get(host) {
            Some(name) => Arc::clone(name),
            None => Arc::clone(names.entry(host.to_owned()).or_default()),
        };
        *name.unused_sweeps.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        name
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Arc<Name>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Name {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            is_asked: AtomicBool::new(false),
            answered: Notify::new(),
            unused_sweeps: Mutex::default(),
        }
    }
}

impl Name {
    fn known(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn latest(&self) -> Result<Arc<[IpAddr]>, String> {
        self.known().map_or_else(|| Err("the look-up was given up".to_owned()), Known::answer)
    }

    fn learn(&self, answer: Result<(Vec<IpAddr>, Duration), String>, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(match answer {
            Ok((addresses, time_to_live)) => Known::found(&addresses, time_to_live, now),
            Err(why) => Known::failed(known.as_ref(), &why, now),
        });
    }
}

/// A question under way. However it ends, whoever waits for the answer goes on.
struct Asking(Arc<Name>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.is_asked.store(false, Ordering::Release);
        self.0.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Known, Name, RETRY_AFTER, TTL_MAX, TTL_MIN};

    #[test]
    fn the_last_good_addresses_outlive_a_failure() {
        let (name, now) = (Name::default(), Instant::now());
        let address = "192.0.2.1".parse().unwrap();
        name.learn(Err("no answer".to_owned()), now);
        assert_eq!(name.latest(), Err("no answer".to_owned()));
        name.learn(Ok((vec![address], Duration::from_secs(60))), now);
        assert_eq!(name.known().unwrap().until, now + Duration::from_secs(60));
        let later = now + Duration::from_secs(60);
        name.learn(Err("no answer".to_owned()), later);
        assert_eq!(name.latest().unwrap()[..], [address]);
        assert_eq!(name.known().unwrap().until, later + RETRY_AFTER);
    }

    #[test]
    fn a_time_to_live_is_bounded_both_ways() {
        let now = Instant::now();
        let until = |seconds| Known::found(&[], Duration::from_secs(seconds), now).until;
        assert_eq!((until(0), until(u64::from(u32::MAX))), (now + TTL_MIN, now + TTL_MAX));
    }
}
