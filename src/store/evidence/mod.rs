//! Evidence: what was served, as it was served, in segment files beside the database. Each record goes
//! into the next one's hash, each segment ends with a signed seal, and what is too old goes in whole
//! segments.

mod record;
mod retention;
mod segment;

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use record::{EvidenceHeader, EvidenceRecord};
pub use retention::Expired;
pub(in crate::store) use retention::{RETENTION, subject as removal};
pub(in crate::store) use segment::{
    GONE, Piece, SEGMENT, Segment, Wrong, head_line, open_content, parse_head, read_line,
};

use segment::{first_line, link_line};

use super::{
    GENESIS, Hash, HeadRow, Link, Sighting, SigningKey, StoreError,
    key::{make_directory, numbered, sync_directory},
    ownership::belongs_to_its_directory,
};
use crate::base::Timestamp;

/// Findings of which it is remembered when evidence was last kept.
const REMEMBERED_MAX: usize = 65_536;

/// How evidence is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceLimits {
    /// Bytes of a body, as received.
    pub body_bytes: usize,
    /// A segment of this size is sealed, and followed by another.
    pub segment_bytes: u64,
    /// A segment of this age, too.
    pub segment_age: Duration,
    /// A finding that is seen again is kept again after this long.
    pub again: Duration,
}

/// The evidence of a store. One process appends at a time; others read.
pub struct Evidence {
    directory: PathBuf,
    key: Arc<SigningKey>,
    limits: EvidenceLimits,
    tail: Mutex<Tail>,
    /// Held as long as this process appends.
    _lock: File,
}

/// Where a record of evidence lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidencePlace {
    /// The hash that it is known by.
    pub hash: Hash,
    /// The segment's number.
    pub segment: u64,
    /// Where its link begins in the segment.
    pub offset: u64,
}

/// Where is appended.
struct Tail {
    /// `None`: the next record begins a segment.
    open: Option<Open>,
    /// The last segment's number.
    number: u64,
    prev: Hash,
    seq: u64,
    /// When each finding was last kept, and where.
    kept: HashMap<String, (Timestamp, EvidencePlace)>,
}

/// A segment that is not sealed.
struct Open {
    file: File,
    path: PathBuf,
    length: u64,
    began: Timestamp,
}

impl Evidence {
    /// Opens the evidence in a directory, which is made if it is not there. What stands behind the last
    /// whole record of the last segment is set aside in a file `.torn`: it was never acknowledged.
    pub fn open(directory: &Path, key: Arc<SigningKey>, limits: EvidenceLimits) -> Result<Self, StoreError> {
        make_directory(directory)?;
        let lock_path = directory.join("lock");
        let lock = File::create(&lock_path).map_err(|error| StoreError::file(&lock_path, &error))?;
        belongs_to_its_directory(&lock_path)?;
        if lock.try_lock().is_err() {
            return Err(StoreError::new(format!(
                "{}: another zhamen is writing here; stop it, or give this one a store.dir of its own",
                directory.display()
            )));
        }
        finish_removals(directory)?;
        let tail = Tail::find(directory)?;
        Ok(Self { directory: directory.to_owned(), key, limits, tail: Mutex::new(tail), _lock: lock })
    }

    /// Keeps the responses of sightings, and returns when they are on disk: where each lies, `None` for one whose findings were all kept not long ago.
    pub fn append(&self, now: Timestamp, sightings: &[Sighting]) -> Result<Vec<Option<EvidencePlace>>, StoreError> {
        let mut tail = self.tail();
        self.roll(&mut tail, now)?;
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(sightings.len()));
        let (mut prev, mut seq) = (tail.prev, tail.seq);
        let mut kept: HashMap<&str, (Timestamp, EvidencePlace)> = HashMap::new();
        let (segment, begins) = tail.next_place();
        for sighting in sightings {
            let again = self.limits.again.as_millis() as i64;
            let known = |id: &str| kept.get(id).or_else(|| tail.kept.get(id)).copied();
            let is_recent = |id: &str| known(id).is_some_and(|(last, _)| sighting.at < last.plus_millis(again));
            // The very same one comes again where the database did not take it in.
            let first = sighting.findings.first().and_then(|finding| known(&finding.id));
            if let Some((_, place)) = first.filter(|&(at, _)| at == sighting.at) {
                places.push(Some(place));
                continue;
            }
            if sighting.findings.iter().all(|finding| is_recent(&finding.id)) {
                places.push(None);
                continue;
            }
            let (header, stored) = EvidenceHeader::encode(sighting, self.limits.body_bytes)?;
            seq += 1;
            let link = Link { prev, seq, content: Hash::of(header.as_bytes()) };
            prev = link.hash();
            let place = EvidencePlace { hash: prev, segment, offset: begins + bytes.len() as u64 };
            bytes.extend(link_line(&link, Some((header.len() as u64, stored.len() as u64))).as_bytes());
            bytes.extend(header.as_bytes());
            bytes.extend(&stored);
            kept.extend(sighting.findings.iter().map(|finding| (finding.id.as_str(), (sighting.at, place))));
            places.push(Some(place));
        }
        if bytes.is_empty() {
            return Ok(places);
        }
        let mut open = match tail.open.take() {
            Some(open) => open,
            None => self.begin(&mut tail, now)?,
        };
        let written = open.write(&bytes);
        tail.open = Some(open);
        written?;
        (tail.prev, tail.seq) = (prev, seq);
        if tail.kept.len() > REMEMBERED_MAX {
            tail.kept.clear();
        }
        tail.kept.extend(kept.into_iter().map(|(id, last)| (id.to_owned(), last)));
        Ok(places)
    }

    /// Signs the present end of the chain of evidence; `None` if nothing is kept yet.
    pub fn signed_head(&self, now: Timestamp) -> Option<HeadRow> {
        let tail = self.tail();
        (tail.seq > 0).then(|| sign(&self.key, "evidence", tail.seq, tail.prev, now))
    }

    /// Seals a segment that is old or large enough.
    pub fn seal_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut tail = self.tail();
        self.roll(&mut tail, now)
    }

    fn roll(&self, tail: &mut Tail, now: Timestamp) -> Result<(), StoreError> {
        let age = self.limits.segment_age.as_millis() as i64;
        let Some(open) = &mut tail.open else { return Ok(()) };
        if open.length < self.limits.segment_bytes && now < open.began.plus_millis(age) {
            return Ok(());
        }
        let seal = sign(&self.key, "evidence", tail.seq, tail.prev, now);
        open.write(head_line("evidence", &seal).as_bytes())?;
        tail.open = None;
        Ok(())
    }

    fn begin(&self, tail: &mut Tail, now: Timestamp) -> Result<Open, StoreError> {
        let number = tail.number + 1;
        let path = self.directory.join(format!("{number:08}.{SEGMENT}"));
        let fail = |error| StoreError::file(&path, &error);
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(fail)?;
        file.set_len(0).map_err(fail)?;
        belongs_to_its_directory(&path)?;
        let mut open = Open { file, path, length: 0, began: now };
        open.write(first_line(number, tail.seq, tail.prev).as_bytes())?;
        sync_directory(&self.directory)?;
        tail.number = number;
        Ok(open)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signs a head of a chain.
pub(in crate::store) fn sign(key: &SigningKey, chain: &str, seq: u64, hash: Hash, at: Timestamp) -> HeadRow {
    let signature = key.sign(&HeadRow::signed_line(chain, seq, hash, at));
    HeadRow { seq, hash, at, signature }
}

impl Open {
    /// Appends, all or nothing, and returns when it is on disk.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let fail = |error| StoreError::file(&self.path, &error);
        // Others read only what is whole; where there are no locks, they may see a part.
        let locked = self.file.lock().is_ok();
        // What an attempt before left.
        let cut = self.file.set_len(self.length);
        let written = cut.and_then(|()| self.file.write_all(bytes)).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // It is tried again before the next attempt.
            let _ = self.file.set_len(self.length);
        }
        if locked {
            self.file.unlock().map_err(fail)?;
        }
        match written {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => Err(fail(error)),
        }
    }
}

impl Tail {
    /// The segment and the offset at which the next record begins.
    fn next_place(&self) -> (u64, u64) {
        match &self.open {
            Some(open) => (self.number, open.length),
            None => (self.number + 1, first_line(self.number + 1, self.seq, self.prev).len() as u64),
        }
    }

    /// The end of the chain as it stands on disk.
    fn find(directory: &Path) -> Result<Self, StoreError> {
        let mut tail = Self { open: None, number: 0, prev: GENESIS, seq: 0, kept: HashMap::new() };
        let mut segments = numbered(directory, SEGMENT)?;
        segments.extend(numbered(directory, GONE)?);
        segments.sort();
        let Some((number, path)) = segments.pop() else { return Ok(tail) };
        let fail = |error| StoreError::file(&path, &error);
        tail.number = number;
        let mut segment = match Segment::open(&path).map_err(fail)? {
            Ok(segment) => segment,
            // Power failed before the first line was on disk: the segment before it ends the chain.
            Err(_) if path.metadata().map_err(fail)?.len() == 0 || !is_whole_line(&path)? => {
                fs::remove_file(&path).map_err(fail)?;
                return Self::find(directory);
            }
            Err(wrong) => return Err(damaged(&path, wrong)),
        };
        let mut began = None;
        let torn = loop {
            match segment.next_piece().map_err(fail)? {
                Ok(Some(Piece::Record { content, .. })) => {
                    let Some((header, _)) = content else { continue };
                    if began.is_none()
                        && let Ok(header) = serde_json::from_str::<EvidenceHeader>(&header)
                    {
                        began = Some(header.at);
                    }
                }
                Ok(Some(Piece::Seal(_))) => {
                    (tail.prev, tail.seq) = (segment.prev, segment.seq);
                    return Ok(tail);
                }
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        (tail.prev, tail.seq) = (segment.prev, segment.seq);
        let length = segment.offset;
        if torn {
            set_aside(&path, length)?;
        }
        let file = OpenOptions::new().append(true).open(&path).map_err(fail)?;
        file.set_len(length).and_then(|()| file.sync_all()).map_err(fail)?;
        // An empty one is as old as can be, and is sealed at once: that is no harm.
        tail.open = Some(Open { file, path, length, began: began.unwrap_or_default() });
        Ok(tail)
    }
}

/// Copies what stands behind `length` into a file of its own.
fn set_aside(path: &Path, length: u64) -> Result<(), StoreError> {
    let bytes = fs::read(path).map_err(|error| StoreError::file(path, &error))?;
    let torn = path.with_extension(format!("{length}.torn"));
    let rest = bytes.get(length as usize..).unwrap_or_default();
    fs::write(&torn, rest).map_err(|error| StoreError::file(&torn, &error))
}

fn is_whole_line(path: &Path) -> Result<bool, StoreError> {
    let mut input = std::io::BufReader::new(File::open(path).map_err(|error| StoreError::file(path, &error))?);
    Ok(read_line(&mut input).map_err(|error| StoreError::file(path, &error))?.is_some())
}

pub(in crate::store) fn damaged(path: &Path, wrong: impl std::fmt::Display) -> StoreError {
    StoreError::new(format!(
        "{}: {wrong}; keep the file as it is, and look at `zhamen evidence verify`",
        path.display()
    ))
}

/// Where a crash came between the two steps of a removal, takes the second.
fn finish_removals(directory: &Path) -> Result<(), StoreError> {
    for (_, gone) in numbered(directory, GONE)? {
        let path = gone.with_extension(SEGMENT);
        if path.exists() {
            fs::remove_file(&path).map_err(|error| StoreError::file(&path, &error))?;
        }
    }
    Ok(())
}

/// All segments of a directory, removed ones too, in order.
pub(in crate::store) fn segments(directory: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut segments = numbered(directory, SEGMENT)?;
    segments.extend(numbered(directory, GONE)?);
    segments.sort();
    Ok(segments)
}

/// Shows every record that a chooser wants, in order of the chain. A segment that is damaged is shown up
/// to the damage; `verify` says where that is.
pub fn each_evidence(
    directory: &Path,
    wants: &mut dyn FnMut(&Link, &EvidenceHeader) -> bool,
    take: &mut dyn FnMut(EvidenceRecord) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for (_, path) in segments(directory)? {
        let fail = |error| StoreError::file(&path, &error);
        let Ok(mut segment) = Segment::open(&path).map_err(fail)? else { continue };
        while let Ok(Some(piece)) = segment.next_piece().map_err(fail)? {
            let Piece::Record { link, content: Some((line, stored)) } = piece else { continue };
            let Ok(header) = serde_json::from_str::<EvidenceHeader>(&line) else { continue };
            if !wants(&link, &header) {
                continue;
            }
            let (header, body) = open_content(&line, &stored).map_err(|wrong| damaged(&path, wrong))?;
            take(EvidenceRecord { hash: link.hash(), link, header, header_line: line, body })?;
        }
    }
    Ok(())
}

/// The record at a place; `None` if it is not there: its time was over.
pub fn read_evidence(directory: &Path, place: EvidencePlace) -> Result<Option<EvidenceRecord>, StoreError> {
    let path = directory.join(format!("{:08}.{SEGMENT}", place.segment));
    let fail = |error| StoreError::file(&path, &error);
    if !path.exists() {
        return Ok(None);
    }
    let Some(mut segment) = Segment::open_at(&path, place.offset).map_err(fail)? else { return Ok(None) };
    let Ok(Some(Piece::Record { link, content: Some((line, stored)) })) = segment.next_piece().map_err(fail)? else {
        return Ok(None);
    };
    if link.hash() != place.hash {
        return Ok(None);
    }
    let (header, body) = open_content(&line, &stored).map_err(|wrong| damaged(&path, wrong))?;
    Ok(Some(EvidenceRecord { hash: place.hash, link, header, header_line: line, body }))
}

/// The record with this hash, wherever it lies: reads all segments.
pub fn find_evidence(directory: &Path, hash: Hash) -> Result<Option<EvidenceRecord>, StoreError> {
    let mut found = None;
    each_evidence(directory, &mut |link, _| link.hash() == hash, &mut |record| {
        found = Some(record);
        Ok(())
    })?;
    Ok(found)
}
