//! From the outbox to the receivers.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Full;
use hyper::{Request, header};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{
    base::{Clock, HttpUrl, Timestamp},
    control_plane::{HttpClient, Record},
    store::{Delivery, Store, StoreError},
};

/// From the look-up of the name to the end of the answer.
const EXCHANGE_TIME: Duration = Duration::from_secs(10);
/// Bytes of an answer's body, which says nothing to us, at most.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Messages sent at the same time.
const AT_ONCE: usize = 16;
/// The wait after the first failure; it doubles with each …
const WAIT_MILLIS: i64 = 1_000;
/// … up to this.
const WAIT_MILLIS_MAX: i64 = 3_600_000;
/// After so many attempts, which take about a day, a message is given up.
const ATTEMPTS_MAX: u32 = 36;
/// How long it is remembered what arrived.
const REMEMBERED_MILLIS: i64 = 7 * 86_400_000;

/// What is to be sent now. Blocks.
pub(super) fn due(store: &dyn Store, now: Timestamp) -> Result<Vec<Delivery>, StoreError> {
    let due = store.due_deliveries(now, AT_ONCE)?;
    if !due.is_empty() {
        store.forget_deliveries(now.plus_millis(-REMEMBERED_MILLIS))?;
    }
    Ok(due)
}

/// Sends all of these, and notes what became of each.
pub(super) async fn all(record: &Arc<Record>, client: &HttpClient, clock: &Arc<dyn Clock>, due: Vec<Delivery>) {
    let outcomes = join_all(due.into_iter().map(|delivery| async {
        let outcome = one(client, &delivery, clock.now()).await;
        (delivery, outcome)
    }));
    let (outcomes, now, record) = (outcomes.await, clock.now(), Arc::clone(record));
    let noted = spawn_blocking(move || {
        outcomes.iter().try_for_each(|(delivery, outcome)| note(record.store(), delivery, outcome, now))
    });
    match noted.await {
        Ok(Ok(())) => {}
        // What was not noted is sent again, under the same id.
        Ok(Err(error)) => tracing::error!(%error, "what became of a webhook's message was not kept"),
        Err(error) => tracing::error!(%error, "what became of a webhook's message was not kept"),
    }
}

async fn one(client: &HttpClient, delivery: &Delivery, now: Timestamp) -> Result<(), String> {
    let url = HttpUrl::parse(&delivery.webhook.url).map_err(|error| error.to_string())?;
    let event = serde_json::from_str::<Value>(&delivery.body).ok();
    let event = event.as_ref().and_then(|body| body["event"].as_str()).unwrap_or_default().to_owned();
    let request = Request::post("/")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("zhamen/", env!("CARGO_PKG_VERSION")))
        .header("zhamen-delivery", &delivery.id)
        .header("zhamen-event", event)
        .header("zhamen-signature", signature(&delivery.webhook.secret, now, &delivery.body))
        .body(Full::new(Bytes::from(delivery.body.clone())))
        .map_err(|error| error.to_string())?;
    let answer = client.send(&url, request, EXCHANGE_TIME, ANSWER_BYTES_MAX).await;
    match answer.map(|answer| answer.status().as_u16()) {
        Ok(200..=299) => Ok(()),
        Ok(status @ 300..=399) => Err(format!("status {status}: redirects are not followed")),
        Ok(status) => Err(format!("status {status}")),
        Err(error) => Err(error.to_string()),
    }
}

fn note(
    store: &dyn Store,
    delivery: &Delivery,
    outcome: &Result<(), String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, webhook, attempt) = (&delivery.id, &delivery.webhook.id, delivery.attempts.saturating_add(1));
    match outcome {
        Ok(()) => store.delivered(id, now),
        Err(why) if attempt >= ATTEMPTS_MAX => {
            tracing::error!(webhook, delivery = id, why, "a message was given up");
            store.not_delivered(id, None)
        }
        Err(why) => {
            tracing::warn!(webhook, delivery = id, attempt, why, "a message did not arrive, and is sent again");
            store.not_delivered(id, Some(now.plus_millis(wait_millis(attempt))))
        }
    }
}

/// How long to wait after so many failures.
fn wait_millis(failures: u32) -> i64 {
    let doubled = WAIT_MILLIS.saturating_mul(1 << failures.saturating_sub(1).min(30));
    doubled.min(WAIT_MILLIS_MAX)
}

/// `t=SECONDS,v1=HEX`: the time is under the signature, so that an old message cannot be sent anew.
fn signature(secret: &str, now: Timestamp, body: &str) -> String {
    let seconds = now.0.div_euclid(1_000);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_end_after_about_a_day() {
        let waits: Vec<i64> = (1..ATTEMPTS_MAX).map(wait_millis).collect();
        assert_eq!(waits[..3], [1_000, 2_000, 4_000]);
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1] && pair[1] <= WAIT_MILLIS_MAX));
        let hours = waits.iter().sum::<i64>() / 3_600_000;
        assert!((20..30).contains(&hours), "{hours}");
    }

    #[test]
    fn the_signature_is_that_of_openssl() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let signed = signature("key", Timestamp(1_700_000_000_999), "{}");
        assert_eq!(signed, "t=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
    }
}
