//! Zhamen and the matchers that it is measured against, behind one call.
//!
//! The peers get raw phrases in the text's charset and raw bytes, in pieces of 16 KiB with the state
//! carried over; they only match. (daachorse's charwise automaton gets whole bodies as one string.)

use std::cell::RefCell;

use aho_corasick::{Anchored, MatchKind, StartKind, automaton::Automaton, dfa, nfa::contiguous};
use daachorse::{CharwiseDoubleArrayAhoCorasick, DoubleArrayAhoCorasick};

use super::{
    judge::{CHUNK, Judge, LANES_ALL, LANES_DEFAULT, rule_set},
    texts::{Charset, Text},
};

/// The matchers by the names that the command line and the tables use.
pub const NAMES: [&str; 7] =
    ["zhamen", "zhamen-default-lanes", "hyperscan", "ac-nfa", "ac-dfa", "daachorse-byte", "daachorse-char"];

/// The reference of all ratios.
pub const REFERENCE: &str = "hyperscan";

/// A DFA of more phrases than this does not fit any cache, and hardly the memory.
const DFA_PHRASES_MAX: usize = 10_000;

type Scan = Box<dyn Fn(&Text) -> u64>;

/// A built matcher.
pub struct Matcher {
    pub name: &'static str,
    /// What it says of its own size, bytes; Zhamen's is counted by the allocator.
    pub size_bytes: Option<usize>,
    scan: Scan,
}

impl Matcher {
    /// Builds one for the phrases, to be found in texts of a charset; `None` if there is none such.
    /// `encode` writes a phrase in that charset.
    pub fn build(name: &str, phrases: &[String], charset: Charset, encode: impl Fn(&str) -> Vec<u8>) -> Option<Self> {
        let name = NAMES.into_iter().find(|known| *known == name)?;
        let raw = || {
            let mut raw: Vec<Vec<u8>> = phrases.iter().map(|phrase| encode(phrase)).collect();
            raw.sort_unstable();
            raw.dedup();
            raw
        };
        let (scan, size_bytes) = match name {
            "zhamen" => (zhamen(phrases, LANES_ALL), None),
            "zhamen-default-lanes" => (zhamen(phrases, LANES_DEFAULT), None),
            "hyperscan" => hyperscan(&raw())?,
            "ac-nfa" => {
                let nfa = contiguous::Builder::new().match_kind(MatchKind::Standard).prefilter(false).build(raw());
                let nfa = nfa.expect("the NFA builds");
                let size = nfa.memory_usage();
                (automaton(nfa), Some(size))
            }
            "ac-dfa" if phrases.len() <= DFA_PHRASES_MAX => {
                let mut builder = dfa::Builder::new();
                builder.match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored).prefilter(false);
                let dfa = builder.build(raw()).expect("the DFA builds");
                let size = dfa.memory_usage();
                (automaton(dfa), Some(size))
            }
            "daachorse-byte" => daachorse_byte(&raw()),
            "daachorse-char" if charset == Charset::Utf8 => daachorse_char(phrases),
            _ => return None,
        };
        Some(Self { name, size_bytes, scan })
    }

    /// What it finds in a text, as it counts.
    pub fn hits(&self, text: &Text) -> u64 {
        (self.scan)(text)
    }
}

fn zhamen(phrases: &[String], lanes: &str) -> Scan {
    let judge = RefCell::new(Judge::new(rule_set(phrases, lanes), 0));
    Box::new(move |text| {
        let mut judge = judge.borrow_mut();
        text.bodies.iter().map(|body| judge.judge(text.content_type, None, body).findings.len() as u64).sum()
    })
}

fn automaton(automaton: impl Automaton + 'static) -> Scan {
    Box::new(move |text| {
        let mut hits = 0;
        for body in &text.bodies {
            let mut state = automaton.start_state(Anchored::No).expect("it looks everywhere");
            for chunk in body.chunks(CHUNK) {
                for &byte in chunk {
                    state = automaton.next_state(Anchored::No, state, byte);
                    if automaton.is_special(state) && automaton.is_match(state) {
                        hits += automaton.match_len(state) as u64;
                    }
                }
            }
        }
        hits
    })
}

fn daachorse_byte(raw: &[Vec<u8>]) -> (Scan, Option<usize>) {
    let automaton = DoubleArrayAhoCorasick::<u32>::new(raw).expect("daachorse builds");
    let size = automaton.heap_bytes();
    let scan: Scan = Box::new(move |text| {
        let mut hits = 0;
        for body in &text.bodies {
            let mut stepper = automaton.find_stepper();
            for chunk in body.chunks(CHUNK) {
                for &byte in chunk {
                    stepper.consume(byte);
                    hits += u64::from(stepper.matches().is_some());
                }
            }
        }
        hits
    });
    (scan, Some(size))
}

fn daachorse_char(phrases: &[String]) -> (Scan, Option<usize>) {
    let mut phrases: Vec<&String> = phrases.iter().collect();
    phrases.sort_unstable();
    phrases.dedup();
    let automaton = CharwiseDoubleArrayAhoCorasick::<u32>::new(phrases).expect("daachorse builds");
    let size = automaton.heap_bytes();
    let scan: Scan = Box::new(move |text| {
        // The texts are UTF-8 (checked once by the caller); a page that is not counts as empty.
        let bodies = text.bodies.iter().map(|body| std::str::from_utf8(body).unwrap_or_default());
        bodies.map(|body| automaton.find_iter(body).count() as u64).sum()
    });
    (scan, Some(size))
}

#[cfg(feature = "hyperscan")]
fn hyperscan(raw: &[Vec<u8>]) -> Option<(Scan, Option<usize>)> {
    let database = super::hyperscan::Database::build(raw);
    let size = database.size_bytes();
    let scan: Scan = Box::new(move |text| text.bodies.iter().map(|body| database.hits(body.chunks(CHUNK))).sum());
    Some((scan, Some(size)))
}

#[cfg(not(feature = "hyperscan"))]
fn hyperscan(_: &[Vec<u8>]) -> Option<(Scan, Option<usize>)> {
    None
}
