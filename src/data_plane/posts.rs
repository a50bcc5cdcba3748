//! What visitors send to a site: read before it goes to the origin where the site is `filtered`, and in
//! passing elsewhere, so that a finding on a page can be told to have been planted (domain.md section
//! 7.7). Nothing of it goes on the record: Zhamen watches hosted content, not visitors.

use std::{
    hash::{BuildHasher, Hash},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use dashmap::DashMap;
use foldhash::quality::RandomState;

use super::{
    client::Client,
    guard::{EngineFault, guarded},
    http1::{Piece, RequestHead},
    record::Record,
    session::{Session, of_site},
    stop::Stop,
    worker::Worker,
};
use crate::{
    base::Timestamp,
    domain::{
        message::{Facts, Framing},
        policy::{Permit, Reason},
        registry::Interactive,
        snapshot::Snapshot,
    },
    engine::{
        body_filter::{self, BodyHead, Consequence, Judgement, scan_whole},
        rules::Action,
    },
};

/// Hits remembered; beyond it the map starts anew, and what was posted before can no longer be told.
const POSTED_MAX: usize = 65_536;

/// Which rules hit on what was posted to which site, lately. Shared by all workers.
#[derive(Debug, Default)]
pub struct Posted {
    hasher: RandomState,
    hits: DashMap<u64, Timestamp, RandomState>,
    count: AtomicUsize,
}

/// By what a post is read, and where the time for it is counted.
type Context<'a> = (&'a Worker, &'a Snapshot, &'a mut Record);

impl Posted {
    fn note(&self, site: &str, rule: &str, phrase: &str, now: Timestamp) {
        if self.count.load(Ordering::Relaxed) >= POSTED_MAX {
            self.hits.clear();
            self.count.store(0, Ordering::Relaxed);
        }
        if self.hits.insert(self.key(site, rule, phrase), now).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the rule hit with this phrase on what was posted to the site within the time `window`.
    pub(super) fn was_posted(&self, site: &str, rule: &str, phrase: &str, now: Timestamp, window: Duration) -> bool {
        let is_recent = |at: Timestamp| (now.0.saturating_sub(at.0) as u128) <= window.as_millis();
        self.hits.get(&self.key(site, rule, phrase)).is_some_and(|at| is_recent(*at))
    }

    fn key(&self, site: &str, rule: &str, phrase: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (site, rule, phrase).hash(&mut hasher);
        std::hash::Hasher::finish(&hasher)
    }
}

impl Session<'_> {
    /// Reads what is posted to a site that is `filtered`, up to what is held of a response, before
    /// anything of it goes on.
    pub(super) async fn read_post(
        &mut self,
        client: &mut Client,
        head: &RequestHead,
        facts: &Facts,
        permit: &Permit,
    ) -> Result<(), Stop> {
        let is_read = self.snapshot.scan.enabled && facts.state_changing && facts.framing != Framing::None;
        if !is_read || permit.site().interactive() != Interactive::Filtered {
            return Ok(());
        }
        if facts.expects_continue {
            let invited = client.outlet().invite(self.edge.timeouts.client_idle).await;
            invited.map_err(|_| Stop::ClientGone)?;
        }
        let (body, is_whole) = self.gather(client).await?;
        let judged = judge((self.worker, &self.snapshot, &mut self.record), head, permit, &body);
        let fault = body_filter::Reason::EngineFault.as_str();
        let judgement = judged.map_err(|EngineFault| of_site(permit, Reason::ContentBlocked, fault))?;
        if judgement.verdict == Some(Action::Block) {
            let titles = |id| self.snapshot.rules.category_title(id).unwrap_or(id).to_owned();
            let blocking = judgement.categories.iter().filter(|category| category.action == Some(Action::Block));
            let named = blocking.map(|category| titles(&category.category)).collect::<Vec<_>>().join("、");
            return Err(of_site(permit, Reason::ContentBlocked, &named));
        }
        let unread = judgement.inspection.reason().or((!is_whole).then_some(body_filter::Reason::OverBudget));
        match unread {
            Some(reason) if self.snapshot.scan.consequences.of(reason) == Consequence::Block => {
                Err(of_site(permit, Reason::ContentBlocked, reason.as_str()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The body, which is put back for whoever sends it on; at most what is held of a response. `false`:
    /// there is more of it.
    async fn gather(&mut self, client: &mut Client) -> Result<(Bytes, bool), Stop> {
        let bytes_max = self.snapshot.scan.hold_bytes;
        let (mut inlet, _) = client.halves();
        let mut body = Vec::new();
        let is_whole = loop {
            match self.body.next(&mut inlet, self.edge.timeouts.client_idle).await? {
                Piece::Data(piece) => body.extend_from_slice(&piece),
                Piece::End | Piece::NeedInput => break true,
            }
            if body.len() > bytes_max {
                break false;
            }
        };
        let body = Bytes::from(body);
        self.body.put_back(body.clone());
        Ok((body, is_whole))
    }
}

/// Reads what has passed of a post to a site that is open, for what may later be found on its pages.
pub(super) fn note_post(context: Context<'_>, head: &RequestHead, permit: &Permit, passed: &[u8]) {
    if !passed.is_empty() && permit.site().interactive() == Interactive::Open && context.1.scan.enabled {
        // A fault costs a note, and has been counted.
        let _ = judge(context, head, permit, passed);
    }
}

/// Scans what was posted, and remembers which rules hit.
fn judge(
    (worker, snapshot, record): Context<'_>,
    head: &RequestHead,
    permit: &Permit,
    body: &[u8],
) -> Result<Judgement, EngineFault> {
    let shared = &worker.shared;
    let call = || scan_whole(&snapshot.rules, body_head(head), &snapshot.scan, body);
    let judgement = guarded(&shared.live, record, call)?;
    for finding in judgement.findings_against() {
        shared.posted.note(permit.site().host(), &finding.rule, &finding.phrase, record.at);
    }
    Ok(judgement)
}

/// What the head says of the body; of several lines the last, as for responses.
fn body_head(head: &RequestHead) -> BodyHead<'_> {
    BodyHead {
        content_type: head.fields.all("content-type").last(),
        content_encoding: head.fields.all("content-encoding").last(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{POSTED_MAX, Posted};
    use crate::base::Timestamp;

    #[test]
    fn what_was_posted_is_known_for_a_while() {
        let posted = Posted::default();
        posted.note("a.cn", "r", "百家乐", Timestamp(1_000));
        let was = |site, phrase, at| posted.was_posted(site, "r", phrase, Timestamp(at), Duration::from_secs(60));
        assert!(was("a.cn", "百家乐", 61_000));
        assert!(!was("a.cn", "百家乐", 61_001));
        assert!(!was("b.cn", "百家乐", 2_000) && !was("a.cn", "时时彩", 2_000));
        for phrase in 0..2 * POSTED_MAX {
            posted.note("a.cn", "r", &phrase.to_string(), Timestamp(2_000));
        }
        assert!(posted.hits.len() <= POSTED_MAX);
    }
}
