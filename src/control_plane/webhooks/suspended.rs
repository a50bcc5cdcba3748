//! What the thresholds suspend is no entry of the record: it follows from the entries. So it is looked at
//! after entries that can change it, and compared with what was told before.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    EventKind,
    collect::{message, wants},
};
use crate::{
    base::Timestamp,
    control_plane::Record,
    domain::{
        record::{Entry, Fact},
        standing::{Ledger, UnitStanding},
    },
    store::{StoreError, Webhook},
};

/// The name under which the store keeps who was suspended by the thresholds when it was last told.
const TOLD: &str = "webhooks.suspended";

/// The strikes that suspend, by unit and kind.
type Suspended = BTreeMap<String, Vec<String>>;

/// Queues what the thresholds suspended, or no longer suspend, since the last time. Blocks.
pub(super) fn queue(
    record: &Record,
    webhooks: &[Webhook],
    entries: &[Entry],
    now: Timestamp,
) -> Result<(), StoreError> {
    let standings: Option<Vec<UnitStanding>> = record.with_ledger(|ledger| {
        let concerns = entries.iter().any(|entry| may_suspend(&entry.fact, ledger));
        concerns
            .then(|| ledger.standings(ledger.present(now)).into_iter().filter(|it| !it.because.is_empty()).collect())
    });
    let Some(standings) = standings else { return Ok(()) };
    let store = record.store();
    let before: Suspended = store.meta(TOLD)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let key = |it: &UnitStanding| format!("{} {}", it.kind.as_str(), it.unit);
    let after: Suspended = standings.iter().map(|it| (key(it), it.because.clone())).collect();
    let mut deliveries = Vec::new();
    let mut tell = |kind, tells: &str, body: serde_json::Value| {
        let wanting = webhooks.iter().filter(|webhook| wants(webhook, kind));
        deliveries.extend(wanting.map(|webhook| message(webhook, kind, tells, body.clone(), now)));
    };
    for standing in standings.iter().filter(|it| !before.contains_key(&key(it))) {
        let tells = format!("{} {}", key(standing), standing.because.join(" "));
        tell(EventKind::Suspension, &tells, json!({"entries": [], "standing": standing}));
    }
    for (gone, because) in before.iter().filter(|(gone, _)| !after.contains_key(*gone)) {
        let (kind, unit) = gone.split_once(' ').unwrap_or_default();
        let tells = format!("{gone} {}", because.join(" "));
        let body = json!({"entries": [], "unit": unit, "kind": kind, "because": because});
        tell(EventKind::Reinstatement, &tells, body);
    }
    if before != after {
        // In this order: after a crash in between the same messages are made again, with the same ids.
        store.queue_deliveries(&deliveries)?;
        store.set_meta(TOLD, &serde_json::to_string(&after).unwrap_or_default())?;
    }
    Ok(())
}

/// Whether an entry may change what the thresholds say.
fn may_suspend(fact: &Fact, ledger: &Ledger) -> bool {
    match fact {
        Fact::Finding(_) => ledger.policy().strikes.bare,
        Fact::ControlPeriod(_)
        | Fact::Notice(_)
        | Fact::PeriodEnd(_)
        | Fact::Reinstatement(_)
        | Fact::Review(_)
        | Fact::Service(_)
        | Fact::Withdrawal(_) => true,
        Fact::Change(_)
        | Fact::Commitment(_)
        | Fact::EvidenceView(_)
        | Fact::IncidentClose(_)
        | Fact::IncidentNote(_)
        | Fact::IncidentOpen(_)
        | Fact::Lock(_)
        | Fact::Person(_)
        | Fact::Rectification(_)
        | Fact::Sealing(_)
        | Fact::Site(_)
        | Fact::Suspension(_)
        | Fact::Termination(_)
        | Fact::Unit(_)
        | Fact::Unlock(_)
        | Fact::Unsealing(_) => false,
    }
}
