//! Idempotency keys: what was made once is answered again, and not made twice. Where a request puts
//! something on the record, the answer is stored in the same transaction.

use serde_json::{Value, json};

use super::{
    Api,
    call::{Body, Call, Reply},
    problem::{Problem, Word},
    secret::digest_hex,
};
use crate::store::Remembered;

/// How long an answer is given again.
const REMEMBERED_MILLIS: i64 = 86_400_000;

/// What the same request was answered before, if it was.
pub(super) fn recall(api: &Api, call: &Call) -> Result<Option<Reply>, Problem> {
    let Some(key) = key(call) else { return Ok(None) };
    let store = api.record.store();
    store.forget_answers(call.now.plus_millis(-REMEMBERED_MILLIS))?;
    let Some(known) = store.recall(&key)? else { return Ok(None) };
    if known.request != request(call) {
        let detail = "the key was used for another request within 24 hours; take a new one for each request";
        return Err(Problem::new(Word::KeyReused, detail));
    }
    let kept: Value = serde_json::from_slice(&known.body)
        .map_err(|error| Problem::new(Word::Internal, format!("the kept answer cannot be read: {error}")))?;
    Ok(Some(Reply {
        status: known.status,
        body: Body::Json(kept["body"].clone()),
        etag: kept["seq"].as_u64(),
        location: kept["location"].as_str().map(str::to_owned),
    }))
}

/// What is kept of an answer, without secrets, and under which key; `None` if the request has none.
pub(super) fn kept(call: &Call, reply: &Reply) -> Option<(String, Remembered)> {
    let key = key(call)?;
    let mut body = match &reply.body {
        Body::Json(value) => value.clone(),
        Body::Nothing | Body::Raw(..) | Body::File(..) => Value::Null,
    };
    if let (Some(secret), Some(members)) = (call.route.operation.secret, body.as_object_mut()) {
        members.remove(secret);
    }
    let kept = json!({"body": body, "location": reply.location, "seq": reply.etag});
    let body = kept.to_string().into_bytes();
    Some((key, Remembered { request: request(call), status: reply.status, body, at: call.now }))
}

/// Each token has its own keys.
fn key(call: &Call) -> Option<String> {
    call.idempotency_key.as_ref().map(|key| digest_hex(&[&call.caller.name, key]))
}

fn request(call: &Call) -> String {
    digest_hex(&[call.route.method.as_str(), &call.target, &Value::Object(call.body.clone()).to_string()])
}
