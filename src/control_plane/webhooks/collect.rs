//! From the record to messages: which subscriptions are told what.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{EventKind, suspended};
use crate::{
    base::Timestamp,
    control_plane::Record,
    domain::record::{Entry, Fact, LockScope},
    store::{NewDelivery, Query, Store, StoreError, Webhook},
};

/// The name under which the store keeps how far the record was read.
const READ_UP_TO: &str = "webhooks.read_up_to";
/// Entries read at a time.
const BATCH: usize = 1_000;
/// Entries in one message, at most.
const ENTRIES_MAX: usize = 100;
/// Messages waiting for one subscription, at most: beyond it the newest are not queued, and the log says so.
const WAITING_MAX: u64 = 10_000;

/// Reads the record behind what was told already.
#[derive(Default)]
pub(super) struct Collector {
    progress: Option<Progress>,
}

/// How far the record was read, and up to where it was being read when that was said.
#[derive(Clone, Copy)]
struct Progress {
    after: u64,
    to: u64,
}

impl Collector {
    /// Queues what is to be told of everything new on the record. Blocks.
    pub(super) fn collect(&mut self, record: &Record, now: Timestamp) -> Result<(), StoreError> {
        let store = record.store();
        loop {
            let progress = self.progress(store)?;
            let mut entries =
                store.entries(&Query { after: Some(progress.after), limit: BATCH, ..Query::default() })?;
            let more = entries.len() == BATCH || progress.to > progress.after;
            if progress.to > progress.after {
                entries.retain(|entry| entry.seq <= progress.to);
            }
            let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
            let webhooks = with_room(store)?;
            if !webhooks.is_empty() {
                // Said first, so that after a crash the same entries make the same messages, which then
                // have the same ids and are queued once.
                store.set_meta(READ_UP_TO, &format!("{} {last}", progress.after))?;
                store.queue_deliveries(&deliveries(&webhooks, &entries, now))?;
                suspended::queue(record, &webhooks, &entries, now)?;
            }
            store.set_meta(READ_UP_TO, &format!("{last} {last}"))?;
            self.progress = Some(Progress { after: last, to: last });
            if !more {
                return Ok(());
            }
        }
    }

    fn progress(&mut self, store: &dyn Store) -> Result<Progress, StoreError> {
        if let Some(progress) = self.progress {
            return Ok(progress);
        }
        let kept = store.meta(READ_UP_TO)?.and_then(|text| {
            let (after, to) = text.split_once(' ')?;
            Some(Progress { after: after.parse().ok()?, to: to.parse().ok()? })
        });
        // On a record that nobody was told of yet, what was there before is no news.
        let progress = match kept {
            Some(progress) => progress,
            None => {
                let (head, _) = store.head()?;
                store.set_meta(READ_UP_TO, &format!("{head} {head}"))?;
                Progress { after: head, to: head }
            }
        };
        self.progress = Some(progress);
        Ok(progress)
    }
}

/// Subscriptions that do not have too much waiting already.
fn with_room(store: &dyn Store) -> Result<Vec<Webhook>, StoreError> {
    let mut webhooks = Vec::new();
    for webhook in store.webhooks()? {
        if store.waiting_deliveries(&webhook.id)? < WAITING_MAX {
            webhooks.push(webhook);
        } else {
            tracing::error!(
                webhook = webhook.id,
                "it takes nothing, and too much waits for it: news of now are not queued"
            );
        }
    }
    Ok(webhooks)
}

/// One message a kind and subscription, of at most [`ENTRIES_MAX`] entries.
fn deliveries(webhooks: &[Webhook], entries: &[Entry], now: Timestamp) -> Vec<NewDelivery> {
    let mut by_kind: BTreeMap<EventKind, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(kind) = kind_of(&entry.fact) {
            by_kind.entry(kind).or_default().push(entry);
        }
    }
    let mut deliveries = Vec::new();
    for (kind, entries) in by_kind {
        let wanting = || webhooks.iter().filter(|webhook| wants(webhook, kind));
        for entries in entries.chunks(ENTRIES_MAX) {
            deliveries.extend(wanting().filter_map(|webhook| delivery(webhook, kind, entries, now)));
        }
    }
    deliveries
}

pub(super) fn wants(webhook: &Webhook, kind: EventKind) -> bool {
    webhook.kinds.is_empty() || webhook.kinds.iter().any(|wanted| wanted == kind.as_str())
}

/// What an entry is told as; `None`: it is not told.
fn kind_of(fact: &Fact) -> Option<EventKind> {
    match fact {
        Fact::Finding(_) => Some(EventKind::Finding),
        Fact::IncidentClose(_) | Fact::IncidentNote(_) | Fact::IncidentOpen(_) => Some(EventKind::Incident),
        Fact::Lock(lock) => (lock.scope != LockScope::Page).then_some(EventKind::Lock),
        Fact::Unlock(lock) => (lock.scope != LockScope::Page).then_some(EventKind::Lock),
        Fact::Notice(_) | Fact::Withdrawal(_) => Some(EventKind::Notice),
        Fact::Site(_) => Some(EventKind::Registry),
        Fact::Reinstatement(_) | Fact::Unsealing(_) => Some(EventKind::Reinstatement),
        Fact::Sealing(_) | Fact::Suspension(_) | Fact::Termination(_) => Some(EventKind::Suspension),
        Fact::Change(_)
        | Fact::Commitment(_)
        | Fact::ControlPeriod(_)
        | Fact::EvidenceView(_)
        | Fact::PeriodEnd(_)
        | Fact::Person(_)
        | Fact::Rectification(_)
        | Fact::Review(_)
        | Fact::Service(_)
        | Fact::Unit(_) => None,
    }
}

fn delivery(webhook: &Webhook, kind: EventKind, entries: &[&Entry], now: Timestamp) -> Option<NewDelivery> {
    let (first, last) = (entries.first()?.seq, entries.last()?.seq);
    let shown: Vec<Value> = entries.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
    Some(message(webhook, kind, &format!("{first} {last}"), json!({"entries": shown}), now))
}

/// A message whose id follows from what it tells: made again it has the same.
pub(super) fn message(webhook: &Webhook, kind: EventKind, tells: &str, mut body: Value, now: Timestamp) -> NewDelivery {
    let digest = digest(&SHA256, format!("{} {} {tells}", webhook.id, kind.as_str()).as_bytes());
    let digits: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let id = format!("d-{digits}");
    body["id"] = id.clone().into();
    body["webhook"] = webhook.id.clone().into();
    body["event"] = kind.as_str().into();
    NewDelivery { id, webhook: webhook.id.clone(), body: body.to_string(), at: now }
}
