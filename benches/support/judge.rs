//! Zhamen's engine as the proxy drives it: rules made of a list, bodies that come in pieces.

use std::sync::Arc;

use bytes::Bytes;
use zhamen::{
    base::{Date, MemoryBudget},
    engine::{
        body_filter::{BodyHead, Judged, Judgement, Plan, ScanPolicy, Step, VerdictCache, plan},
        coding::{Coding, DecodeLimits, Decoder},
        rules::{Lists, PackSource, RuleSet, parse},
    },
};

/// A body comes in pieces of so many bytes.
pub const CHUNK: usize = 16 << 10;

struct OneList(String);

impl Lists for OneList {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

/// Where rules look that name no lane, and where they look if they name all that pages show or run.
pub const LANES_DEFAULT: &str = "[\"text\", \"attribute\"]";
pub const LANES_ALL: &str = "[\"text\", \"attribute\", \"script\"]";

/// One rule that is hit by any phrase of a list and only observes.
pub fn rule_set(phrases: &[String], lanes: &str) -> Arc<RuleSet> {
    let pack = format!(
        "[pack]\nid='bench'\ntitle='B'\nclause='7.7'\nclass='other'\naction='observe'\nthreshold=100\n\
         [[rule]]\nid='bench.list'\nany_file='lists/bench.txt'\nlanes={lanes}\n"
    );
    compile(pack, &phrases.join("\n"))
}

/// A pack, and what the only list says that it may name.
pub fn compile(pack: String, list: &str) -> Arc<RuleSet> {
    let parsed = parse(&[PackSource { path: "bench.toml".into(), text: pack }], &OneList(list.to_owned()));
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let today = Date { year: 2026, month: 11, day: 21 };
    Arc::new(RuleSet::compile(&parsed.packs, today).expect("the bench's rules compile"))
}

/// Judges bodies one after the other, as a worker does.
pub struct Judge {
    rules: Arc<RuleSet>,
    policy: ScanPolicy,
    budget: MemoryBudget,
    cache: VerdictCache,
    out: Vec<Bytes>,
}

impl Judge {
    /// `verdicts` are remembered; 0 for none.
    pub fn new(rules: Arc<RuleSet>, verdicts: usize) -> Self {
        Self {
            rules,
            policy: ScanPolicy::default(),
            budget: MemoryBudget::new(usize::MAX),
            cache: VerdictCache::new(verdicts, [7; 32]),
            out: Vec::new(),
        }
    }

    /// Judges one body that comes in pieces of [`CHUNK`] bytes.
    pub fn judge(&mut self, content_type: &str, content_encoding: Option<&str>, body: &Bytes) -> Judgement {
        let head = BodyHead {
            content_type: Some(content_type.as_bytes()),
            content_encoding: content_encoding.map(str::as_bytes),
        };
        let Plan::Hold(mut held) = plan(&self.rules, head, &self.policy, &self.budget) else {
            panic!("{content_type} is not scanned")
        };
        let mut chunks = (0..body.len()).step_by(CHUNK).map(|from| body.slice(from..body.len().min(from + CHUNK)));
        let mut judging = loop {
            match chunks.next() {
                None => break held.finish(&mut self.cache),
                Some(chunk) => {
                    if !held.push(chunk) {
                        break held.commit(&mut self.cache);
                    }
                }
            }
        };
        let mut committed = loop {
            match judging.step(&mut self.cache) {
                None => {}
                Some(Judged::Deliver(_, _, judgement, _) | Judged::Block(judgement)) => return judgement,
                Some(Judged::Commit(committed)) => break committed,
            }
        };
        loop {
            let step = committed.step(&mut self.out, &mut self.cache);
            self.out.clear();
            match step {
                Step::Again => {}
                Step::NeedInput => match chunks.next() {
                    Some(chunk) => committed.push(chunk),
                    None => committed.finish(),
                },
                Step::Done(judgement) | Step::Abort(judgement) => return judgement,
            }
        }
    }
}

/// Undoes gzip as the engine does, and nothing else; the bytes that come out.
pub fn inflate(zipped: &Bytes) -> usize {
    let limits = DecodeLimits { decoded_bytes_max: 1 << 30, ratio_max: 1000 };
    let mut decoder = Decoder::new(&[Coding::Gzip], limits);
    decoder.feed(zipped.clone());
    let mut bytes = 0;
    loop {
        match decoder.read().expect("gzip").len() {
            0 => return bytes,
            more => bytes += more,
        }
    }
}
