//! The heads of the origin's answer: interim responses on the way, then the final one, or the
//! switch to another protocol.

use bytes::BytesMut;

use super::{
    downstream::Downstream,
    http1::ResponseHead,
    record::Record,
    session::of_site,
    stop::Stop,
    upload::Progress,
    upstream::{self, Link},
    websocket::Handshake,
    worker::Worker,
};
use crate::{
    config::Edge,
    domain::{
        message::{Facts, Version},
        policy::{Permit, Reason},
    },
};

/// Interim responses that an origin may send to one request.
const INTERIM_MAX: usize = 16;

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) facts: &'a Facts,
    pub(super) permit: &'a Permit,
    pub(super) link: &'a Link,
    /// What the client speaks: HTTP/1.0 knows no interim responses.
    pub(super) version: Version,
    /// The key that a WebSocket over HTTP/2 was asked for with.
    pub(super) websocket: Option<&'a Handshake>,
    pub(super) progress: &'a Progress,
    /// The body may be kept for a while: it is read.
    pub(super) is_kept: bool,
}

/// Receives heads until one is final, or is a 101 that was asked for; that one has been sent on.
pub(super) async fn receive(
    asked: &Asked<'_>,
    inbox: &mut BytesMut,
    downstream: &mut Downstream<'_>,
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<ResponseHead, Stop> {
    let Asked { facts, permit, link, version, websocket, progress, is_kept } = *asked;
    let has_interim = version != Version::Http10;
    for _ in 0..INTERIM_MAX {
        let outlet = downstream.outlet();
        let client = (&mut downstream.upload, progress, (outlet, is_kept));
        let reply = upstream::reply(link, permit, inbox, client, (worker, edge), record).await?;
        match reply.status {
            101 if progress.done.get() && is_asked_for(facts, &reply) => {
                if websocket.is_some_and(|handshake| !handshake.is_answered_by(&reply)) {
                    return Err(of_site(
                        permit,
                        Reason::OriginProtocol,
                        "the origin did not answer to the WebSocket's key",
                    ));
                }
                record.status = downstream.switch(&reply).await?;
                return Ok(reply);
            }
            101 => return Err(of_site(permit, Reason::OriginProtocol, "the origin switched protocols unasked")),
            100 if has_interim && facts.expects_continue => downstream.interim(&reply).await?,
            103 if has_interim => downstream.interim(&reply).await?,
            // Nobody waits for these.
            100..=199 => {}
            200..=299 if let Some(handshake) = websocket => {
                if let Some(switched) = handshake.switched(&reply) {
                    record.status = downstream.switch(&switched).await?;
                    return Ok(switched);
                }
                // On the client's stream it would begin a tunnel.
                return Err(of_site(permit, Reason::OriginProtocol, "the origin did not switch to a WebSocket"));
            }
            _ => return Ok(reply),
        }
    }
    Err(of_site(permit, Reason::OriginProtocol, "the origin sent interim responses without end"))
}

fn is_asked_for(facts: &Facts, reply: &ResponseHead) -> bool {
    let asked = facts.upgrade.as_deref().unwrap_or_default();
    let mut asked = asked.split(',').map(str::trim).filter(|protocol| !protocol.is_empty());
    asked.any(|protocol| reply.fields.lists("upgrade", protocol))
}
