//! Unfiled hosts seen: who asks for hosts that are not in the registry is counted, server by server, and
//! written to the store every few seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::Registrar;
use crate::{
    base::Timestamp,
    domain::{
        event::{Event, Outcome},
        policy::Reason,
    },
    store::{UnfiledHost, UnfiledHosts},
};

/// How often what was seen is written.
const WRITE_EVERY: Duration = Duration::from_secs(2);
/// Hosts that are counted between two writings; strangers choose the names.
const HOSTS_MAX: usize = 2_000;
/// The host under which further ones are counted together.
const OTHERS: &str = "(others)";

/// Counts sightings. Cheap to clone; never waits for the store.
#[derive(Clone, Default)]
pub struct UnfiledSeen {
    seen: Arc<Mutex<HashMap<(String, String), Sightings>>>,
}

#[derive(Clone, Copy)]
struct Sightings {
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

impl UnfiledSeen {
    /// Counts a request that was refused because its host is not filed.
    pub fn note(&self, event: &Event) {
        if let Event::Exchange(exchange) = event
            && exchange.outcome == Outcome::Refused(Reason::Unfiled)
        {
            let server = exchange.server.map_or_else(String::new, |address| address.to_string());
            self.count(server, &exchange.host, exchange.at);
        }
    }

    fn count(&self, server: String, host: &str, at: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (server, host.to_owned());
        if seen.len() >= HOSTS_MAX && !seen.contains_key(&key) {
            key.1 = OTHERS.into();
        }
        let sightings = seen.entry(key).or_insert(Sightings { first: at, last: at, count: 0 });
        sightings.first = sightings.first.min(at);
        sightings.last = sightings.last.max(at);
        sightings.count += 1;
    }

    /// Writes what was seen since the last time. What cannot be written is counted again later.
    pub fn write(&self, store: &dyn UnfiledHosts) {
        let taken = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        let rows = taken.into_iter().map(|((server_ip, host), Sightings { first, last, count })| UnfiledHost {
            server_ip,
            host,
            first,
            last,
            count,
        });
        let rows: Vec<UnfiledHost> = rows.collect();
        if let Err(error) = store.saw_unfiled(&rows) {
            tracing::error!(%error, hosts = rows.len(), "unfiled hosts could not be written down");
        }
    }

    /// Writes what was seen every few seconds, for ever.
    pub async fn keep_writing(self, registrar: Arc<Registrar>) {
        let mut ticks = interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (seen, registrar) = (self.clone(), Arc::clone(&registrar));
            // A panic is told where it happens; the next time is another.
            let _ = spawn_blocking(move || seen.write(registrar.record().store())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_does_not_grow() {
        let seen = UnfiledSeen::default();
        for n in 0..10_000 {
            seen.count("10.0.0.1".into(), &format!("h{n}.cn"), Timestamp(n));
        }
        seen.count("10.0.0.1".into(), "h5.cn", Timestamp(20_000));
        let map = seen.seen.lock().unwrap();
        assert_eq!(map.len(), HOSTS_MAX + 1);
        let of = |host: &str| map[&("10.0.0.1".to_owned(), host.to_owned())];
        assert_eq!((of("h5.cn").count, of("h5.cn").first, of("h5.cn").last), (2, Timestamp(5), Timestamp(20_000)));
        assert_eq!(of(OTHERS).count, 10_000 - HOSTS_MAX as u64);
    }
}
