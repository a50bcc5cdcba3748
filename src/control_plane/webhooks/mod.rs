//! Telling others what happened: subscriptions by URL, each event signed, sent again until it arrives.
//!
//! What is told is read off the record (`collect`), so nothing is told that is not on disk, and
//! nothing is forgotten when Zhamen stops in between: how far the record was read stands in the store, as
//! does every message until it has arrived (`send`). A message may arrive twice; it has the same
//! `Zhamen-Delivery` then.
//!
//! | field | is |
//! | --- | --- |
//! | `Zhamen-Delivery` | the message's id |
//! | `Zhamen-Event` | what it tells of ([`EventKind`]) |
//! | `Zhamen-Signature` | `t=SECONDS,v1=HEX`: HMAC-SHA256 with the subscription's secret over `SECONDS.BODY` |

mod collect;
mod event;
mod send;
mod suspended;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

pub use event::EventKind;

use self::collect::Collector;
use super::{HttpClient, Record, trouble::Trouble};
use crate::base::Clock;

/// How often it is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Tells for ever. `ca`: the certificates that receivers are trusted by; `None`: those of the public Web.
pub async fn tell(record: Arc<Record>, clock: Arc<dyn Clock>, ca: Option<PathBuf>) {
    let client = match HttpClient::new(ca.as_deref()) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no webhook can be sent");
            return;
        }
    };
    let mut collector = Collector::default();
    let mut trouble = Trouble::with("the outbox of the webhooks cannot be used");
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (reading, now) = (Arc::clone(&record), clock.now());
        let collected = spawn_blocking(move || {
            let due = collector.collect(&reading, now).and_then(|()| send::due(reading.store(), now));
            (collector, due)
        });
        match collected.await {
            Ok((used, due)) => {
                collector = used;
                match due {
                    Ok(due) => {
                        trouble.end();
                        send::all(&record, &client, &clock, due).await;
                    }
                    Err(error) => trouble.tell(&error),
                }
            }
            Err(error) => {
                tracing::error!(%error, "looking for what is to be told broke off");
                collector = Collector::default();
            }
        }
    }
}
