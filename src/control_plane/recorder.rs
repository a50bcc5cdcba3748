//! From the queue to the record: one thread takes what the data plane saw, makes findings of it, and
//! puts them where they stay.

use std::{io, sync::Arc, thread, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

use super::record::Record;
use crate::{
    base::Timestamp,
    domain::{
        observation::{Found, HomePage, Observation},
        record::{Fact, Finding, LockFact, LockScope, Unlock},
        standing::PageKey,
    },
    engine::rules::{Action, Finding as Hit},
    telemetry::ObservationReceiver,
};

/// After the first observation so much time passes before the others are taken, so that one write to the
/// disk does for many.
const GATHER: Duration = Duration::from_millis(5);
/// Observations taken at once, at most.
const BATCH_MAX: usize = 512;
/// Between two attempts at a store that does not take anything.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Sees home pages as they come.
pub type HomePages = Box<dyn FnMut(HomePage) + Send>;

/// Starts the recorder. It ends when the data plane has, and everything is on the record.
pub fn start_recorder(
    mut observations: ObservationReceiver,
    record: Arc<Record>,
    mut home_pages: HomePages,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("recorder".into()).spawn(move || {
        while let Some(first) = observations.next_blocking() {
            thread::sleep(GATHER);
            let mut batch = Batch::default();
            let mut next = Some(first);
            while let Some(observation) = next {
                batch.take(observation, &mut home_pages);
                next = if batch.taken < BATCH_MAX { observations.next_if_any() } else { None };
            }
            batch.put(&record);
        }
    })
}

/// What is put on the record together.
#[derive(Default)]
struct Batch {
    taken: usize,
    findings: Vec<Finding>,
    locks: Vec<Fact>,
}

impl Batch {
    fn take(&mut self, observation: Observation, home_pages: &mut HomePages) {
        self.taken += 1;
        match observation {
            Observation::Found(found) => self.findings.extend(findings_of(&found)),
            Observation::HomePage(page) => home_pages(*page),
            Observation::Locked { page, rules, at } => self.locks.push(lock(&page, &rules, at)),
            Observation::Unlocked { page, at } => self.locks.push(unlock(&page, at)),
        }
    }

    /// Tries until it is on the record: what was found is not dropped because a disk is full.
    fn put(self, record: &Record) {
        let Self { findings, locks, .. } = self;
        let mut complained = false;
        loop {
            let put = record.put_findings(&findings).and_then(|()| record.put_seen(&locks));
            let Err(error) = put else { break };
            if !complained {
                tracing::error!(%error, "what was found waits for the record; tried again every second");
                complained = true;
            }
            thread::sleep(RETRY_AFTER);
        }
        if complained {
            tracing::info!("the record takes findings again");
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
    let action = match category.and_then(|score| score.action) {
        Some(Action::Observe) => "observe",
        Some(Action::Mask) => "mask",
        Some(Action::Block) => "block",
        None => "",
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
