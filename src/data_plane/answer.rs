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
    worker::Worker,
};
use crate::{
    config::Edge,
    domain::{
        message::Facts,
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
    /// The client speaks HTTP/1.1: it can be sent interim responses.
    pub(super) is_http11: bool,
    pub(super) progress: &'a Progress,
}

/// Receives heads until one is final, or is a 101 that was asked for; that one has been sent on.
pub(super) async fn receive(
    asked: &Asked<'_>,
    inbox: &mut BytesMut,
    downstream: &mut Downstream<'_>,
    (worker, edge): (&Worker, &Edge),
    record: &mut Record,
) -> Result<ResponseHead, Stop> {
    let Asked { facts, permit, link, is_http11, progress } = *asked;
    for _ in 0..INTERIM_MAX {
        let client = (&mut downstream.upload, progress);
        let reply = upstream::reply(link, permit, inbox, client, (worker, edge), record).await?;
        match reply.status {
            101 if progress.done.get() && is_asked_for(facts, &reply) => {
                record.status = 101;
                downstream.interim(&reply).await?;
                return Ok(reply);
            }
            101 => return Err(of_site(permit, Reason::OriginProtocol, "the origin switched protocols unasked")),
            100 if is_http11 && facts.expects_continue => downstream.interim(&reply).await?,
            103 if is_http11 => downstream.interim(&reply).await?,
            // Nobody waits for these.
            100..=199 => {}
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
