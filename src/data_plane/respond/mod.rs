//! Answers of our own. The one place where a refusal becomes a response: status, fields, page.

mod page;
mod short;
mod words;

pub(super) use short::short;

use bytes::Bytes;
use tokio::time::timeout;

use super::{
    client::{Client, Inlet},
    connection::{After, LINGER},
    head_writer::HeadWriter,
    http1::http_date,
    request::VIA,
    response::put_connection,
    session::Session,
};
use crate::domain::{
    event::Outcome,
    message::{Facts, Framing, Version},
    policy::{Reason, Refusal},
};

/// Seconds after which a client may try again.
const RETRY_AFTER_SECONDS: &[u8] = b"5";
/// The same where it asks too often: a token comes back within a second.
const NEXT_TOKEN_SECONDS: &[u8] = b"1";

/// Answers a request ourselves. What the client still sends of its body is thrown away, within
/// bounds, or the connection ends: it is never read as a request.
pub(super) async fn refuse(mut session: Session<'_>, client: &mut Client, refusal: Refusal) -> After {
    let facts = session.facts.take();
    let status = session.snapshot.policy.status(refusal.reason);
    let record = &mut session.record;
    record.status = status;
    record.outcome = Outcome::Refused(refusal.reason);
    record.detail.clone_from(&refusal.detail);
    if let Some(site) = &refusal.site {
        record.unit = Some(site.unit().clone());
    }
    let keeps = !session.worker.stop.is_cancelled()
        && can_go_on(facts.as_deref(), refusal.reason, session.body.is_ended(), session.edge.limits.drain_bytes);

    let policy = &session.snapshot.policy;
    let wants_json = facts.as_ref().is_some_and(|facts| facts.wants_json);
    let shown = page::Shown {
        reason: refusal.reason,
        status,
        host: record.host.as_deref().unwrap_or_default(),
        detail: if words::shows_detail(refusal.reason) { &refusal.detail } else { "" },
        policy,
        request: format!("{:016x}", record.id),
        at: http_date(record.at),
    };
    let (media_type, body) = if wants_json {
        ("application/json", page::json(&shown))
    } else {
        ("text/html; charset=utf-8", page::html(&shown))
    };

    let mut head = client.outlet().head();
    head.status(status, phrase(status).as_bytes());
    head.line(b"Date", shown.at.as_bytes());
    head.line(b"Content-Type", media_type.as_bytes());
    head.length(body.len() as u64);
    head.line(b"Cache-Control", b"no-store");
    head.line(b"X-Content-Type-Options", b"nosniff");
    head.line(b"Vary", b"Accept");
    head.line(b"Via", VIA);
    head.line(b"Zhamen-Reason", refusal.reason.as_str().as_bytes());
    head.line(b"Zhamen-Request", shown.request.as_bytes());
    if status == 451 {
        head.line(b"Link", format!("<{}>; rel=\"blocked-by\"", page::blocked_by(policy)).as_bytes());
    }
    if refusal.reason == Reason::RateLimited {
        head.line(b"Retry-After", NEXT_TOKEN_SECONDS);
    } else if matches!(status, 429 | 503) {
        head.line(b"Retry-After", RETRY_AFTER_SECONDS);
    }
    put_connection(&mut head, version_of(record.protocol), !keeps);
    head.end();
    let body = if record.method == "HEAD" { Bytes::new() } else { Bytes::from(body) };
    deliver(session, client, (head, body), keeps).await
}

/// Answers an authority of certificates with the proof that it asks for (RFC 8555 section 8.3).
pub(super) async fn prove(mut session: Session<'_>, client: &mut Client, proof: &str) -> After {
    let facts = session.facts.take();
    let record = &mut session.record;
    (record.status, record.outcome) = (200, Outcome::Proved);
    let keeps = !session.worker.stop.is_cancelled()
        && facts.as_ref().is_some_and(|facts| facts.keep_alive)
        && session.body.is_ended();
    let mut head = client.outlet().head();
    head.status(200, b"OK");
    head.line(b"Date", http_date(record.at).as_bytes());
    head.line(b"Content-Type", b"application/octet-stream");
    head.length(proof.len() as u64);
    head.line(b"Cache-Control", b"no-store");
    put_connection(&mut head, version_of(record.protocol), !keeps);
    head.end();
    let body = if record.method == "HEAD" { Bytes::new() } else { Bytes::copy_from_slice(proof.as_bytes()) };
    deliver(session, client, (head, body), keeps).await
}

/// Sends an answer of our own. What becomes of the connection depends on the rest of the request's body.
async fn deliver(mut session: Session<'_>, client: &mut Client, answer: (HeadWriter, Bytes), keeps: bool) -> After {
    let (head, body) = answer;
    let length = body.len() as u64;
    let (mut inlet, outlet) = client.halves();
    let idle = session.edge.timeouts.client_idle;
    if outlet.answer(head, body, idle).await.is_err() {
        return After::Cut;
    }
    session.record.response_bytes = length;
    match inlet {
        // What is left of the body is the connection's to ignore.
        Inlet::Http2(_) => After::Close,
        Inlet::Http1(..) if !keeps => After::Linger,
        Inlet::Http1(..) => {
            let drain = session.body.drain(&mut inlet, idle, session.edge.limits.drain_bytes);
            if timeout(LINGER, drain).await.unwrap_or(false) { After::KeepAlive } else { After::Linger }
        }
    }
}

fn version_of(protocol: &str) -> Version {
    match protocol {
        "http/1.0" => Version::Http10,
        "h2" => Version::H2,
        _ => Version::Http11,
    }
}

/// Whether the connection can carry another request after this answer.
fn can_go_on(facts: Option<&Facts>, reason: Reason, body_is_ended: bool, drain_bytes: u64) -> bool {
    let Some(facts) = facts else { return false };
    let drains = match facts.framing {
        Framing::None => true,
        // A client that was promised an answer before its body may send it or not.
        Framing::Length(length) => body_is_ended || (length <= drain_bytes && !facts.expects_continue),
        Framing::Chunked => body_is_ended,
    };
    facts.keep_alive && drains && !matches!(reason, Reason::MalformedRequest | Reason::RequestTimeout)
}

fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        410 => "Gone",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        // The operator may choose any status; the phrase says nothing that the number does not.
        _ => "Refused",
    }
}
