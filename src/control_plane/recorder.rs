//! From the queue to the record: one thread takes what the data plane saw, makes findings of it, and
//! puts them where they stay.

use std::{io, sync::Arc, thread, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

use super::{record::Record, trouble::Trouble};
use crate::{
    base::Timestamp,
    domain::{
        observation::{Found, HomePage, Observation},
        record::{Fact, Finding, LockFact, LockScope, Unlock},
        standing::PageKey,
    },
    engine::rules::{Action, Finding as Hit, Mode},
    store::{Evidence, Seen, Sighting, Spool},
    telemetry::ObservationReceiver,
};

/// After the first observation so much time passes before the others are taken, so that one write to the
/// disk does for many.
const GATHER: Duration = Duration::from_millis(5);
/// Observations taken at once, at most.
const BATCH_MAX: usize = 512;
/// Locks that wait for the record, at most: they are not in the spool.
const LOCKS_MAX: usize = 100_000;
/// Between two attempts at a store that does not take anything.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Sees home pages as they come.
pub type HomePages = Box<dyn FnMut(HomePage) + Send>;

/// Takes what the data plane saw to where it stays: first to the spool, where it is on disk, then to
/// evidence and record, which may be slow or away for a while.
pub struct Recorder {
    /// Where findings and locks are put.
    pub record: Arc<Record>,
    /// Where they wait for it.
    pub spool: Spool,
    /// Where the responses are kept.
    pub evidence: Arc<Evidence>,
    /// Who sees home pages.
    pub home_pages: HomePages,
    /// The name of this edge.
    pub edge: String,
}

impl Recorder {
    /// Starts the recorder's thread. It ends when the data plane has, and everything is on disk.
    pub fn start(mut self, mut observations: ObservationReceiver) -> io::Result<thread::JoinHandle<()>> {
        thread::Builder::new().name("recorder".into()).spawn(move || {
            // What waits in the spool since the last time goes first.
            let mut locks = Vec::new();
            let mut trouble = Trouble::with("what was found waits for the record");
            self.settle(&mut locks, &mut trouble);
            loop {
                let mut next = if trouble.lasts() {
                    thread::sleep(RETRY_AFTER);
                    if locks.len() < LOCKS_MAX { observations.next_if_any() } else { None }
                } else {
                    let first = observations.next_blocking();
                    thread::sleep(GATHER);
                    first
                };
                if next.is_none() && observations.is_ended() {
                    return;
                }
                let (mut sightings, mut taken) = (Vec::new(), 0);
                while let Some(observation) = next {
                    self.take(observation, &mut sightings, &mut locks);
                    taken += 1;
                    let more = taken < BATCH_MAX && locks.len() < LOCKS_MAX;
                    next = if more { observations.next_if_any() } else { None };
                }
                self.spool(&sightings, &mut trouble);
                self.settle(&mut locks, &mut trouble);
            }
        })
    }

    fn take(&mut self, observation: Observation, sightings: &mut Vec<Sighting>, locks: &mut Vec<Fact>) {
        match observation {
            Observation::Found(found) => sightings.push(self.sighting(*found)),
            Observation::HomePage(page) => (self.home_pages)(*page),
            Observation::Locked { page, rules, at } => locks.push(lock(&page, &rules, at)),
            Observation::Unlocked { page, at } => locks.push(unlock(&page, at)),
        }
    }

    /// Tries until it is on disk: what was found is not dropped because a disk is full. Meanwhile the
    /// queue fills, and what then happens is the operator's choice.
    fn spool(&self, sightings: &[Sighting], trouble: &mut Trouble) {
        while let Err(error) = self.spool.append(sightings) {
            trouble.tell(&error);
            self.record.is_not_written();
            thread::sleep(RETRY_AFTER);
        }
    }

    /// Puts what waits on the record. What cannot be put waits on; findings do so on disk. Locks go first: once
    /// a finding is to be seen, a power cut does not open its page.
    fn settle(&self, locks: &mut Vec<Fact>, trouble: &mut Trouble) {
        let locked = self.record.put_seen(locks);
        if locked.is_ok() {
            locks.clear();
        }
        let drained = self.spool.drain(&mut |sightings, position| {
            // Each sighting alone has its time, so one will do for all.
            let kept = self.evidence.append(self.record.now(), &sightings)?;
            self.record.put_findings(&Seen::of(sightings, kept), position)
        });
        match locked.and_then(|()| drained.map(|_| ())) {
            Ok(()) => trouble.end(),
            Err(error) => trouble.tell(&error),
        }
    }

    fn sighting(&self, found: Found) -> Sighting {
        Sighting {
            findings: findings_of(&found),
            status: found.response.status,
            at: found.at,
            edge: self.edge.clone(),
            packs: format!("{} generation {}", hexadecimal(&found.packs), found.generation),
            head: found.response.head,
            body: found.response.body.concat(),
            body_complete: found.response.is_whole,
            url: found.url,
        }
    }
}

/// One finding for each rule that hit.
fn findings_of(found: &Found) -> Vec<Finding> {
    let hits = found.judgement.findings_against();
    hits.zip(&found.origins).map(|(hit, &origin)| Finding { origin, ..finding_of(found, hit) }).collect()
}

fn finding_of(found: &Found, hit: &Hit) -> Finding {
    let content = hexadecimal(digest(&SHA256, hit.excerpt.as_bytes()).as_ref());
    let page = found.url.clone();
    let key = format!("{page}\n{}\n{content}", hit.rule);
    let id = format!("f-{}", &hexadecimal(digest(&SHA256, key.as_bytes()).as_ref())[..20]);
    let category = found.judgement.categories.iter().find(|score| score.category == hit.category);
    let action = match (hit.mode, category.and_then(|score| score.action)) {
        // Nothing was done because of it, whatever was done because of others.
        (Mode::Shadow, _) => "shadow",
        (Mode::On | Mode::Off, Some(Action::Observe)) => "observe",
        (Mode::On | Mode::Off, Some(Action::Mask)) => "mask",
        (Mode::On | Mode::Off, Some(Action::Block)) => "block",
        (Mode::On | Mode::Off, None) => "",
    };
    Finding {
        id,
        service: found.server.service.clone(),
        class: hit.class,
        page,
        rule: hit.rule.to_string(),
        content,
        at: found.at,
        unit: found.server.unit.to_string(),
        site: found.server.site.clone(),
        server_ip: found.server.server_ip.clone(),
        category: hit.category.to_string(),
        phrase: hit.phrase.to_string(),
        excerpt: hit.excerpt.clone(),
        start: hit.span.start,
        end: hit.span.end,
        action: action.to_owned(),
        origin: Default::default(),
        evidence: String::new(),
    }
}

fn lock(page: &PageKey, rules: &[Arc<str>], at: Timestamp) -> Fact {
    Fact::Lock(LockFact {
        host: page.host.to_string(),
        path: page.target.to_string(),
        scope: LockScope::Page,
        at,
        rules: rules.iter().map(ToString::to_string).collect(),
        why: String::new(),
    })
}

fn unlock(page: &PageKey, at: Timestamp) -> Fact {
    Fact::Unlock(Unlock {
        host: page.host.to_string(),
        path: page.target.to_string(),
        scope: LockScope::Page,
        at,
        why: "found clean".to_owned(),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
