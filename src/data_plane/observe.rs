//! What goes up to the record of a response: its findings with what shows them, or its home page.

use std::{
    collections::{HashMap, VecDeque},
    hash::BuildHasher,
    time::Duration,
};

use bytes::Bytes;
use foldhash::quality::RandomState;

use super::{admission::Admission, body::Filter, http1::ResponseHead, stop::Stop};
use crate::{
    base::{Charge, MemoryBudget, Timestamp},
    domain::{
        event::Outcome,
        message::Version,
        observation::{Captured, Found, HomePage, Observation, Server},
        policy::Reason,
        record::FindingOrigin,
        registry::Interactive,
    },
    engine::{
        body_filter::{Inspection, Judgement},
        rules::Finding,
    },
};

/// The same finding on the same page is said once in so long, with how often it was found meanwhile.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The home page of a site is looked at once in so long.
const HOME_PAGE_AFTER: Duration = Duration::from_secs(3_600);
/// Pages remembered; beyond it all are forgotten, which costs saying something twice.
const REMEMBERED_MAX: usize = 16_384;

/// What was said lately, of one worker.
#[derive(Default)]
pub(super) struct Recent {
    hasher: RandomState,
    said: HashMap<u64, (Timestamp, u32), RandomState>,
}

/// The body of a response as it came, kept while it is not known whether it is worth it.
pub(super) struct Capture {
    pieces: Vec<Bytes>,
    is_whole: bool,
    charge: Charge,
}

impl Recent {
    /// How often `what` was seen since it was last said, if it is to be said again now.
    fn again(&mut self, what: impl std::hash::Hash, now: Timestamp, after: Duration) -> Option<u32> {
        let key = self.hasher.hash_one(what);
        if self.said.len() >= REMEMBERED_MAX && !self.said.contains_key(&key) {
            self.said.clear();
        }
        let (said_at, repeats) = self.said.entry(key).or_insert((Timestamp(i64::MIN), 0));
        if now.0.saturating_sub(said_at.0) < after.as_millis() as i64 {
            *repeats += 1;
            return None;
        }
        *said_at = now;
        Some(std::mem::take(repeats))
    }
}

impl Capture {
    pub(super) fn new(budget: &MemoryBudget) -> Self {
        Self { pieces: Vec::new(), is_whole: false, charge: budget.charge() }
    }

    /// Keeps what was held. Where the budget does not allow it, the finding has to do without.
    fn keep<'b>(&mut self, pieces: impl Iterator<Item = &'b Bytes> + Clone, is_whole: bool) {
        if self.charge.grow(pieces.clone().map(Bytes::len).sum()) {
            self.pieces = pieces.cloned().collect();
            self.is_whole = is_whole;
        }
    }

    fn take(&mut self, reply: &ResponseHead, budget: &MemoryBudget) -> Captured {
        let taken = std::mem::replace(self, Self::new(budget));
        Captured {
            status: reply.status,
            head: head_of(reply),
            body: taken.pieces,
            is_whole: taken.is_whole,
            charge: Some(taken.charge),
        }
    }
}

impl Filter<'_> {
    /// Keeps the body of a response that was judged while it was held, if it is to be shown to anybody.
    pub(super) fn capture_judged(&mut self, held: &VecDeque<Bytes>, is_whole: bool, judgement: &Judgement) {
        if self.is_home_page() || judgement.findings_against().next().is_some() {
            self.capture.keep(held.iter(), is_whole);
        }
    }

    /// Keeps the beginning of a response that goes on its way, for what may be found in it. It costs what
    /// was held once more, so only while there is plenty of room.
    pub(super) fn capture_beginning(&mut self, held: &VecDeque<Bytes>) {
        let budget = &self.worker.shared.budget;
        if budget.used() < budget.limit() / 2 {
            self.capture.keep(held.iter(), false);
        }
    }

    /// Hands up what was found. An error means that it could not be, and that nothing of the response may
    /// leave.
    pub(super) fn observe(&mut self, judgement: &Judgement) -> Result<(), Stop> {
        let shared = &self.worker.shared;
        let mut rules = judgement.findings_against().map(|finding| (&finding.rule, &finding.excerpt)).peekable();
        if rules.peek().is_none() {
            return self.observe_home_page(judgement);
        }
        let url = self.url();
        let page = (&url, judgement.verdict.is_some(), rules.collect::<Vec<_>>());
        let now = shared.clock.now();
        let Some(repeats) = self.worker.recent.borrow_mut().again(page, now, AGAIN_AFTER) else { return Ok(()) };
        let found = Found {
            at: self.record.at,
            request: self.record.id,
            server: Server::of(self.permit.site()),
            url,
            response: self.capture.take(self.reply, &shared.budget),
            origins: judgement.findings_against().map(|finding| self.origin_of(finding)).collect(),
            judgement: judgement.clone(),
            generation: self.snapshot.generation,
            packs: *self.snapshot.rules.fingerprint(),
            repeats,
        };
        match shared.observations.send(Observation::Found(Box::new(found))) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.refusal(Reason::Overloaded, "what was found cannot be recorded now")),
        }
    }

    /// Where the text of a finding came from, as far as it can be told (domain.md section 7.7).
    fn origin_of(&self, finding: &Finding) -> FindingOrigin {
        let (shared, site) = (&self.worker.shared, self.permit.site());
        let (rule, phrase, window) = (&finding.rule, &finding.phrase, self.edge.posted_for);
        match site.interactive() {
            Interactive::Closed | Interactive::Review => FindingOrigin::Published,
            Interactive::Filtered | Interactive::Open
                if shared.posted.was_posted(site.host(), rule, phrase, self.record.at, window) =>
            {
                FindingOrigin::UserPosted
            }
            Interactive::Filtered | Interactive::Open => FindingOrigin::Unknown,
        }
    }

    fn observe_home_page(&mut self, judgement: &Judgement) -> Result<(), Stop> {
        let shared = &self.worker.shared;
        if !self.is_home_page() || !self.capture.is_whole || judgement.inspection != Inspection::Inspected {
            return Ok(());
        }
        let joined = |name| self.reply.fields.all(name).collect::<Vec<_>>().join(&b", "[..]);
        let (site, now) = (self.permit.site(), shared.clock.now());
        if self.worker.recent.borrow_mut().again(("home", site.host()), now, HOME_PAGE_AFTER).is_none() {
            return Ok(());
        }
        let page = HomePage {
            at: self.record.at,
            server: Server::of(site),
            host: self.facts.host.as_str().to_owned(),
            icp: site.icp().to_owned(),
            content_type: joined("content-type"),
            content_encoding: joined("content-encoding"),
            response: self.capture.take(self.reply, &shared.budget),
        };
        // A home page that finds no place will be seen again.
        let _ = shared.observations.send(Observation::HomePage(Box::new(page)));
        Ok(())
    }

    /// Whether what has come into force since the request began lets the rest of the response pass.
    pub(super) fn still_admitted(&self) -> Result<(), Stop> {
        let Self { worker, snapshot, permit, facts, .. } = *self;
        match (Admission { worker, snapshot, permit, facts }).stands() {
            true => Ok(()),
            false => Err(Stop::Cut(Outcome::Aborted)),
        }
    }

    fn is_home_page(&self) -> bool {
        self.facts.target == "/"
            && self.reply.status == 200
            && self.reply.fields.all("content-type").last().is_some_and(is_html)
    }

    fn url(&self) -> String {
        let scheme = if self.record.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.facts.authority, self.facts.target)
    }
}

/// The head as received, without what belongs to a visitor (domain.md section 8).
fn head_of(reply: &ResponseHead) -> Vec<u8> {
    let version = match reply.version {
        Version::Http10 => "1.0",
        Version::Http11 => "1.1",
        Version::H2 => "2",
    };
    let mut head = format!("HTTP/{version} {} ", reply.status).into_bytes();
    head.extend_from_slice(reply.phrase());
    head.extend_from_slice(b"\r\n");
    for (name, value) in reply.fields.iter() {
        if name.eq_ignore_ascii_case(b"set-cookie") {
            continue;
        }
        for part in [name, b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head
}

fn is_html(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"text/html") || essence.eq_ignore_ascii_case(b"application/xhtml+xml")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{REMEMBERED_MAX, Recent};
    use crate::base::Timestamp;

    #[test]
    fn the_same_is_said_once_in_so_long_with_how_often() {
        let mut recent = Recent::default();
        let mut again = |what: &str, at| recent.again(what, Timestamp(at), Duration::from_secs(1));
        assert_eq!(again("a", 0), Some(0));
        assert_eq!(again("a", 10), None);
        assert_eq!(again("b", 20), Some(0));
        assert_eq!(again("a", 999), None);
        assert_eq!(again("a", 1_000), Some(2));
        assert_eq!(again("a", 2_000), Some(0));
        for page in 0..2 * REMEMBERED_MAX {
            again(&page.to_string(), 2_000);
        }
        assert!(recent.said.len() <= REMEMBERED_MAX);
    }
}
