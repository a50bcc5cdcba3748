//! Verification: walks both chains and everything signed, and says what was altered, taken out, put in
//! or moved, and where.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use super::{
    GENESIS, Hash, HeadRow, Line, Link, PublicKey, Store, StoreError,
    about::About,
    evidence::{Piece, RETENTION, SEGMENT, Segment, Wrong, open_content, parse_head, removal, segments},
    seal::HEADS_FILE,
};
use crate::{base::Timestamp, domain::record::Fact};

/// Faults that are listed; what follows the first ones is mostly their consequence.
const FAULTS_MAX: usize = 100;

/// A line of a signed head is never shorter.
const HEAD_BYTES_MIN: usize = 231;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: an entry, a signed head, a segment and record.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// What was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries of the record.
    pub entries: u64,
    /// Signed heads, of both chains.
    pub heads: u64,
    /// The last entry that a signature covers.
    pub signed: u64,
    /// Segments of evidence, without those removed after their time.
    pub segments: u64,
    /// Segments removed after their time.
    pub removed: u64,
    /// Records in evidence.
    pub records: u64,
    /// Whether the last segment ends within a record, as a crash leaves it.
    pub torn: bool,
    /// What is wrong; empty: everything is as it was written.
    pub faults: Vec<Fault>,
}

/// Verifies a database and the store's directory beside it.
pub fn verify(store: &dyn Store, directory: &Path, key: &PublicKey) -> Result<Verified, StoreError> {
    let mut run = Run { key, found: Verified::default(), evidence: HashMap::new(), removed: HashSet::new() };
    if let Some(wrong) = store.integrity()? {
        run.fault("the database", wrong);
    }
    // Evidence first: what is appended meanwhile is in it before an entry names it.
    let (entry_heads, evidence_heads) = run.read_heads_file(&directory.join(HEADS_FILE))?;
    // Heads before what they cover: entries are put on the record meanwhile.
    let stored = heads_of(store)?;
    let chain = run.entries(store)?;
    run.heads(&stored, &chain, &entry_heads);
    run.segments(directory, &evidence_heads)?;
    run.named_evidence();
    Ok(run.found)
}

struct Run<'k> {
    key: &'k PublicKey,
    found: Verified,
    /// What entries say is in evidence: the record's hash and the entry's number.
    evidence: HashMap<Hash, u64>,
    /// Subjects of the removals on the record.
    removed: HashSet<String>,
}

impl Run<'_> {
    fn fault(&mut self, place: impl fmt::Display, what: impl fmt::Display) {
        if self.found.faults.len() < FAULTS_MAX {
            self.found.faults.push(Fault { place: place.to_string(), what: what.to_string() });
        }
    }

    /// The heads in the file, of the entries and of the evidence.
    fn read_heads_file(&mut self, path: &Path) -> Result<(Vec<HeadRow>, Vec<HeadRow>), StoreError> {
        let (mut entries, mut evidence) = (Vec::new(), Vec::new());
        if !path.exists() {
            return Ok((entries, evidence));
        }
        let fail = |error| StoreError::file(path, &error);
        let mut input = BufReader::new(File::open(path).map_err(fail)?);
        for number in 1_u64.. {
            let place = format!("{} line {number}", path.display());
            let line = match read_line_or_rest(&mut input).map_err(fail)? {
                Ok(line) => line,
                // A line that a crash tore: it is added again before the next one.
                Err(rest) if rest.len() < HEAD_BYTES_MIN && rest.is_ascii() && !rest.contains(&b'\n') => {
                    return Ok((entries, evidence));
                }
                Err(_) => {
                    self.fault(&place, "the line was altered");
                    continue;
                }
            };
            let (chain, heads) = match line.split(' ').nth(1) {
                Some("evidence") => ("evidence", &mut evidence),
                _ => ("entries", &mut entries),
            };
            match parse_head(chain, &line) {
                Some(head) if self.is_signed(chain, &head) => {
                    if heads.last().is_some_and(|last: &HeadRow| head.seq < last.seq) {
                        self.fault(&place, "it stands behind a later head");
                    }
                    heads.push(head);
                }
                Some(_) => self.fault(&place, "the signature is not the key's"),
                None => self.fault(&place, "the line was altered"),
            }
        }
        Ok((entries, evidence))
    }

    fn is_signed(&self, chain: &str, head: &HeadRow) -> bool {
        self.key.verifies(&HeadRow::signed_line(chain, head.seq, head.hash, head.at), &head.signature)
    }

    /// Walks the entries; returns the hash of each.
    fn entries(&mut self, store: &dyn Store) -> Result<Vec<Hash>, StoreError> {
        let mut hashes = Vec::new();
        let mut last = (0, GENESIS, Timestamp(i64::MIN));
        let walked = store.each_line(0, u64::MAX, &mut |line| {
            let place = format!("entry {}", line.seq);
            if line.seq != last.0 + 1 {
                let missing = if line.seq == last.0 + 2 {
                    format!("entry {} is missing", last.0 + 1)
                } else {
                    format!("entries {} to {} are missing", last.0 + 1, line.seq.saturating_sub(1))
                };
                self.fault(&place, missing);
                hashes.resize(usize::try_from(line.seq).unwrap_or(0).saturating_sub(1).min(1 << 32), GENESIS);
            } else if line.prev != last.1 {
                self.fault(&place, format!("it does not follow entry {}", last.0));
            }
            if line.link().hash() != line.hash {
                self.fault(&place, "it was altered: its hash is another one");
            }
            if line.recorded < last.2 {
                self.fault(&place, "it was recorded before the entry before it");
            }
            self.columns(&place, &line);
            self.found.entries += 1;
            last = (line.seq, line.hash, line.recorded);
            hashes.push(line.hash);
            Ok(())
        });
        if let Err(error) = walked {
            self.fault(format!("the entry behind {}", last.0), error);
        }
        Ok(hashes)
    }

    /// What an entry is looked up by must be what it says.
    fn columns(&mut self, place: &str, line: &Line) {
        let fact: Fact = match serde_json::from_str(&line.fact) {
            Ok(fact) => fact,
            Err(error) => return self.fault(place, format!("it cannot be read: {error}")),
        };
        let about = About::of(&fact);
        let differs = line.kind != fact.kind()
            || about.units.first().is_some_and(|&unit| line.unit.as_deref() != Some(unit))
            || line.subject.as_deref() != about.subject;
        if differs {
            self.fault(place, "it is filed under something else than what it says");
        }
        if let Fact::Finding(finding) = &fact
            && let Ok(hash) = finding.evidence.parse()
        {
            self.evidence.entry(hash).or_insert(line.seq);
        }
        if let Fact::Change(change) = fact
            && change.what == RETENTION
        {
            self.removed.insert(change.subject);
        }
    }

    /// Holds the signed heads against the chain.
    fn heads(&mut self, heads: &[HeadRow], chain: &[Hash], filed: &[HeadRow]) {
        let mut stored = HashMap::new();
        for head in heads {
            let place = format!("signed head {}", head.seq);
            if !self.is_signed("entries", head) {
                self.fault(&place, "the signature is not the key's");
            }
            self.hold(&place, head, chain);
            self.found.signed = self.found.signed.max(head.seq);
            stored.insert(head.seq, head.hash);
        }
        self.found.heads += stored.len() as u64;
        for head in filed {
            if stored.get(&head.seq) != Some(&head.hash) {
                let place = format!("signed head {} in {HEADS_FILE}", head.seq);
                self.fault(&place, "the database does not have it");
                self.hold(&place, head, chain);
            }
        }
        let last_filed = filed.last().map_or(0, |head| head.seq);
        let filed: HashSet<u64> = filed.iter().map(|head| head.seq).collect();
        let mut lost: Vec<u64> =
            stored.keys().copied().filter(|seq| *seq < last_filed && !filed.contains(seq)).collect();
        lost.sort_unstable();
        for seq in lost {
            self.fault(format!("signed head {seq}"), format!("{HEADS_FILE} does not have it"));
        }
    }

    fn hold(&mut self, place: &str, head: &HeadRow, chain: &[Hash]) {
        let index = usize::try_from(head.seq).unwrap_or(usize::MAX).wrapping_sub(1);
        match chain.get(index) {
            None => {
                let what = format!("it was signed over {} entries, but there are {}", head.seq, chain.len());
                self.fault(place, what);
            }
            Some(hash) if *hash != head.hash => {
                self.fault(place, format!("entry {} is another one than the one that was signed", head.seq));
            }
            Some(_) => {}
        }
    }

    /// Walks the segments of evidence.
    fn segments(&mut self, directory: &Path, heads: &[HeadRow]) -> Result<(), StoreError> {
        let wanted: HashMap<u64, Hash> = heads.iter().map(|head| (head.seq, head.hash)).collect();
        let mut end = End { number: 0, prev: GENESIS, seq: 0, is_sealed: true };
        for (number, path) in segments(directory)? {
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let place = format!("segment {name}");
            let is_gone = path.extension().is_none_or(|suffix| suffix != SEGMENT);
            if is_gone {
                self.found.removed += 1;
                if !self.removed.contains(&removal(number)) {
                    self.fault(&place, "it was removed, and no entry of the record says so");
                }
            } else {
                self.found.segments += 1;
            }
            let fail = |error| StoreError::file(&path, &error);
            let mut segment = match Segment::open(&path).map_err(fail)? {
                Ok(segment) => segment,
                Err(wrong) => {
                    self.fault(&place, wrong);
                    continue;
                }
            };
            if number != end.number + 1 || segment.number != number {
                self.fault(&place, format!("it follows segment {}: one is missing, or was moved", end.number));
            } else if segment.prev != end.prev || segment.seq != end.seq {
                self.fault(&place, format!("its first record does not follow record {}", end.seq));
            }
            if !end.is_sealed {
                self.fault(&place, format!("segment {} before it has no seal", end.number));
            }
            end.is_sealed = self.pieces(&place, &mut segment, &wanted).map_err(fail)?;
            (end.number, end.prev, end.seq) = (number, segment.prev, segment.seq);
        }
        self.found.heads += heads.len() as u64;
        if let Some(head) = heads.last().filter(|head| head.seq > end.seq) {
            let what = format!("{} records were signed, but there are {}", head.seq, end.seq);
            self.fault("the evidence", what);
        }
        Ok(())
    }

    /// Reads one segment to its end. Returns whether it is sealed.
    fn pieces(&mut self, place: &str, segment: &mut Segment, wanted: &HashMap<u64, Hash>) -> io::Result<bool> {
        loop {
            match segment.next_piece()? {
                Ok(Some(Piece::Record { link, content })) => {
                    self.record(place, &link, content, wanted);
                }
                Ok(Some(Piece::Seal(seal))) => {
                    if !self.is_signed("evidence", &seal) {
                        self.fault(place, "its seal is not signed with the key");
                    }
                    self.found.heads += 1;
                    return Ok(true);
                }
                Ok(None) => return Ok(false),
                // What a crash tore was never acknowledged. What was signed, or is named by an entry, is
                // missed all the same; and a segment that is followed by another has its seal.
                Err(Wrong::NotWhole(_)) => {
                    self.found.torn = true;
                    return Ok(false);
                }
                Err(wrong @ Wrong::Altered(_)) => {
                    self.fault(format!("{place}, byte {}", segment.offset), wrong);
                    return Ok(false);
                }
            }
        }
    }

    fn record(&mut self, place: &str, link: &Link, content: Option<(String, Vec<u8>)>, wanted: &HashMap<u64, Hash>) {
        let hash = link.hash();
        if wanted.get(&link.seq).is_some_and(|wanted| *wanted != hash) {
            self.fault(format!("{place}, record {}", link.seq), "it is another one than the one that was signed");
        }
        if let Some((line, stored)) = content {
            self.found.records += 1;
            if let Err(wrong) = open_content(&line, &stored) {
                self.fault(format!("{place}, record {}", link.seq), wrong);
            }
        }
        self.evidence.remove(&hash);
    }

    /// What entries name must have been found.
    fn named_evidence(&mut self) {
        let mut missing: Vec<(u64, Hash)> = self.evidence.drain().map(|(hash, seq)| (seq, hash)).collect();
        missing.sort_unstable();
        for (seq, hash) in missing {
            self.fault(format!("entry {seq}"), format!("the evidence that it names is missing: {hash}"));
        }
    }
}

/// A line; or the bytes that should be one, none at the end of the file.
fn read_line_or_rest(input: &mut impl BufRead) -> io::Result<Result<String, Vec<u8>>> {
    let mut line = Vec::new();
    input.by_ref().take(1 << 20).read_until(b'\n', &mut line)?;
    match String::from_utf8(line) {
        Ok(line) if line.ends_with('\n') => Ok(Ok(line)),
        Ok(rest) => Ok(Err(rest.into_bytes())),
        Err(error) => Ok(Err(error.into_bytes())),
    }
}

/// All signed heads of the entries.
fn heads_of(store: &dyn Store) -> Result<Vec<HeadRow>, StoreError> {
    let mut all: Vec<HeadRow> = Vec::new();
    loop {
        let heads = store.heads(all.last().map_or(0, |head| head.seq), 1_000)?;
        if heads.is_empty() {
            return Ok(all);
        }
        all.extend(heads);
    }
}

/// Where the segments read so far end.
struct End {
    number: u64,
    prev: Hash,
    seq: u64,
    is_sealed: bool,
}

impl Verified {
    /// As it is told to programs.
    pub fn to_json(&self) -> serde_json::Value {
        let Self { entries, heads, signed, segments, removed, records, torn, faults } = self;
        let faults: Vec<_> =
            faults.iter().map(|fault| serde_json::json!({"place": fault.place, "what": fault.what})).collect();
        serde_json::json!({
            "sound": self.is_sound(),
            "entries": entries,
            "signed_entries": signed,
            "heads": heads,
            "segments": segments,
            "segments_removed": removed,
            "records": records,
            "torn": torn,
            "faults": faults,
        })
    }

    /// Whether everything is as it was written.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
