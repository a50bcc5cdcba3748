//! Who is told of what happens: subscriptions and their deliveries. What sends them is
//! `control_plane::webhooks`.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Call, Reply, location},
    problem::{Problem, Word},
    route::{Operation, PAGE},
    schema::{Kind, Member, Shape, may, must},
    secret::random_hex,
    spelling::URL,
};
use crate::{
    base::HttpUrl,
    control_plane::webhooks::EventKind,
    domain::record::{Change, Fact},
    store::{DeliveryState, Webhook},
};

/// Subscriptions, at most.
const WEBHOOKS_MAX: usize = 100;

const EVENTS: Kind = Kind::Word(&["finding", "incident", "lock", "notice", "registry", "reinstatement", "suspension"]);

const WEBHOOK: Shape = Shape {
    name: "Webhook",
    members: &[
        must("id", Kind::Text(1, 100), "its id"),
        must("url", Kind::Text(1, 4_000), "where to"),
        must("events", Kind::List(&EVENTS, 100), "what it is told of"),
        must("created", Kind::Time, "when it was made"),
        may("secret", Kind::Text(1, 1_000), "the key of the signatures: shown once, where it is made"),
    ],
};
const WEBHOOK_BODY: Shape = Shape {
    name: "WebhookNew",
    members: &[
        must("url", Kind::Spelt(&URL), "where to: http or https, without user and fragment"),
        may("events", Kind::List(&EVENTS, 7), "what it is told of; left out or empty: everything"),
        may("secret", Kind::Text(16, 200), "the key of the signatures; left out: one is made"),
    ],
};
const DELIVERY: Shape = Shape {
    name: "Delivery",
    members: &[
        must("id", Kind::Text(1, 200), "the same if it comes twice"),
        must("state", Kind::Word(&["pending", "done"]), "how far it is"),
        must("attempts", Kind::Integer(0, i64::MAX), "how often it was tried"),
        may("next", Kind::Time, "when it is tried again"),
        may("done", Kind::Time, "when it arrived or was given up"),
    ],
};

pub(super) const LIST: Operation = Operation::list("Subscriptions, by id", &WEBHOOK, &PAGE, list);
pub(super) const SHOW: Operation = Operation::show("A subscription", &WEBHOOK, show);
pub(super) const CREATE: Operation = Operation::create("Subscribe", &WEBHOOK_BODY, &WEBHOOK, create).secret("secret");
pub(super) const DELETE: Operation =
    Operation::delete("End a subscription; what it has not got is not sent any more", delete);
const LATEST: [Member; 1] = [may("limit", Kind::Integer(1, 1_000), "how many, 100 if it is not said")];
pub(super) const DELIVERIES: Operation = Operation::list(
    "What was sent in the last days and what is still to be sent, the latest first",
    &DELIVERY,
    &LATEST,
    deliveries,
);

fn list(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let after = call.asked("after").unwrap_or_default().to_owned();
    let behind = api.record.store().webhooks()?.into_iter().filter(|webhook| webhook.id > after);
    let items = behind.take(call.limit() + 1).map(|webhook| (webhook.id.clone(), shown(&webhook)));
    Ok(Reply::first_of(items.collect(), call.limit()))
}

fn show(api: &Api, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(shown(&find(api, call)?)))
}

fn create(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let target = HttpUrl::parse(call.text("url")).map_err(|why| Problem::member("/url", why.to_string()))?;
    let store = api.record.store();
    if store.webhooks()?.len() >= WEBHOOKS_MAX {
        return Err(Problem::new(Word::Conflict, format!("there are {WEBHOOKS_MAX} subscriptions: end one first")));
    }
    let mut kinds: Vec<String> =
        call.body.get("events").and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default();
    kinds.sort_unstable();
    kinds.dedup();
    let secret = match call.text("secret") {
        "" => random_hex()?,
        secret => secret.to_owned(),
    };
    let id = call.new_id("w")?;
    let url = call.text("url").to_owned();
    let webhook = Webhook { id: id.clone(), url, secret: secret.clone(), kinds, created: call.now };
    // Of the URL the host alone: what follows may be somebody's secret.
    let detail = format!("subscribed for {}, events {}", target.authority(), EventKind::list(&webhook.kinds));
    api.put(call, change(&id, call, detail))?;
    store.put_webhook(&webhook)?;
    let mut value = shown(&webhook);
    value["secret"] = secret.into();
    Ok(Reply::created(value, &location("/api/v1/webhooks", &id)))
}

fn delete(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let webhook = find(api, call)?;
    api.put(call, change(&webhook.id, call, "ended".into()))?;
    api.record.store().remove_webhook(&webhook.id)?;
    Ok(Reply::nothing())
}

fn deliveries(api: &Api, call: &Call) -> Result<Reply, Problem> {
    let webhook = find(api, call)?;
    let rows = api.record.store().deliveries(&webhook.id, call.limit())?;
    let items = rows.iter().map(|row| {
        let (state, next, done) = match row.state {
            DeliveryState::Pending(next) => ("pending", Some(next), None),
            DeliveryState::Done(at) => ("done", None, Some(at)),
        };
        json!({"id": row.id, "state": state, "attempts": row.attempts, "next": next, "done": done})
    });
    Ok(Reply::page(items.collect(), None))
}

fn find(api: &Api, call: &Call) -> Result<Webhook, Problem> {
    let id = call.place("webhook");
    let found = api.record.store().webhooks()?.into_iter().find(|webhook| webhook.id == id);
    found.ok_or_else(|| Problem::not_found("webhook", id))
}

fn change(id: &str, call: &Call, detail: String) -> Fact {
    Fact::Change(Change { what: "webhook".into(), subject: id.to_owned(), at: call.now, detail })
}

fn shown(webhook: &Webhook) -> Value {
    let events: Vec<&str> = if webhook.kinds.is_empty() {
        EventKind::ALL.map(EventKind::as_str).to_vec()
    } else {
        webhook.kinds.iter().map(String::as_str).collect()
    };
    json!({"id": webhook.id, "url": webhook.url, "events": events, "created": webhook.created})
}
