//! The spool: what was seen is on disk here before anybody is told so, and stays until the database has
//! it. Append-only segments; each sighting with its length and a checksum, so that a torn end is known.
//!
//! How far it has been taken in is kept in the database, in the transaction that took it in: after a
//! crash nothing is taken in twice.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Sighting, SpoolPosition, StoreError,
    key::{make_directory, numbered, sync_directory},
    ownership::belongs_to_its_directory,
};

/// A segment of this size is followed by another.
const SEGMENT_BYTES_MAX: u64 = 8 << 20;
/// Sightings handed over at a time, at most.
const BATCH_MAX: usize = 256;
/// Bytes handed over at a time; one sighting may be larger.
const BATCH_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a sighting; a larger length is no length.
const SIGHTING_BYTES_MAX: u64 = 256 << 20;
/// Three lengths and the checksum.
const FRAME_HEAD_BYTES: usize = 20;

const SUFFIX: &str = "spool";

/// Sightings on their way to the database.
pub struct Spool {
    directory: PathBuf,
    tail: Mutex<Tail>,
    /// Everything before is in the database.
    taken: Mutex<SpoolPosition>,
}

/// Where is appended.
struct Tail {
    segment: u64,
    file: File,
    /// What is on disk and whole.
    length: u64,
    /// Something went wrong behind `length`: the next sighting goes into another segment.
    broken: bool,
}

impl Spool {
    /// Opens the spool in a directory, which is made if it is not there. `taken` is what the database
    /// says of it ([`Findings::spooled`](super::Findings::spooled)). What stands behind the last whole
    /// sighting was never acknowledged, and goes.
    pub fn open(directory: &Path, taken: Option<SpoolPosition>) -> Result<Self, StoreError> {
        make_directory(directory)?;
        let taken = taken.unwrap_or(SpoolPosition { segment: 0, offset: 0 });
        let mut segments = numbered(directory, SUFFIX)?;
        for (_, path) in segments.extract_if(.., |(number, _)| *number < taken.segment) {
            fs::remove_file(&path).map_err(|error| StoreError::file(&path, &error))?;
        }
        let tail = match segments.last() {
            Some((segment, path)) => {
                let fail = |error| StoreError::file(path, &error);
                let file = OpenOptions::new().read(true).append(true).open(path).map_err(fail)?;
                let length = whole(&file).map_err(fail)?;
                file.set_len(length).and_then(|()| file.sync_all()).map_err(fail)?;
                Tail { segment: *segment, file, length, broken: false }
            }
            None => Tail::new(directory, taken.segment + 1)?,
        };
        let first = segments.first().map_or(tail.segment, |(number, _)| *number);
        let taken = taken.max(SpoolPosition { segment: first, offset: 0 });
        Ok(Self { directory: directory.to_owned(), tail: Mutex::new(tail), taken: Mutex::new(taken) })
    }

    /// Appends sightings; when it returns, they are on disk. If it fails, none of them counts.
    pub fn append(&self, sightings: &[Sighting]) -> Result<(), StoreError> {
        if sightings.is_empty() {
            return Ok(());
        }
        let mut tail = self.tail();
        if tail.broken || tail.length >= SEGMENT_BYTES_MAX {
            *tail = Tail::new(&self.directory, tail.segment + 1)?;
        }
        let mut bytes = Vec::new();
        let framed = sightings.iter().try_for_each(|sighting| frame(sighting, &mut bytes));
        framed.and_then(|()| tail.write(&bytes)).map_err(|error| StoreError::file(&self.path(tail.segment), &error))
    }

    /// Hands over everything that is not in the database yet, in order, batch by batch, with the position
    /// behind each batch, which is to be stored with it. Segments that are taken in whole are removed.
    /// Returns how many sightings were handed over; if `take` fails, it is called with the same ones the
    /// next time.
    pub fn drain(
        &self,
        take: &mut dyn FnMut(Vec<Sighting>, SpoolPosition) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        loop {
            let (segment, length) = {
                let tail = self.tail();
                (tail.segment, tail.length)
            };
            let is_last = taken.segment == segment;
            let path = self.path(taken.segment);
            let limit = if is_last { length } else { u64::MAX };
            let (batch, offset) = match read_batch(&path, taken.offset, limit) {
                Ok(batch) => batch,
                Err(error) if error.kind() == io::ErrorKind::NotFound && !is_last => (Vec::new(), taken.offset),
                Err(error) => return Err(StoreError::file(&path, &error)),
            };
            if !batch.is_empty() {
                count += batch.len() as u64;
                let position = SpoolPosition { segment: taken.segment, offset };
                take(batch, position)?;
                *taken = position;
            } else if !is_last {
                remove(&path)?;
                *taken = SpoolPosition { segment: taken.segment + 1, offset: 0 };
            } else {
                self.begin_anew(&mut taken)?;
                return Ok(count);
            }
        }
    }

    /// Bytes that are not in the database yet, about.
    pub fn waiting_bytes(&self) -> u64 {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = self.tail();
        if taken.segment == tail.segment {
            tail.length.saturating_sub(taken.offset)
        } else {
            (tail.segment - taken.segment) * SEGMENT_BYTES_MAX + tail.length
        }
    }

    /// Removes the last segment, if it is large and nothing in it is waiting.
    fn begin_anew(&self, taken: &mut SpoolPosition) -> Result<(), StoreError> {
        let mut tail = self.tail();
        if tail.length < SEGMENT_BYTES_MAX || taken.offset < tail.length || taken.segment < tail.segment {
            return Ok(());
        }
        let old = self.path(tail.segment);
        *tail = Tail::new(&self.directory, tail.segment + 1)?;
        *taken = SpoolPosition { segment: tail.segment, offset: 0 };
        remove(&old)
    }

    fn path(&self, segment: u64) -> PathBuf {
        segment_path(&self.directory, segment)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    /// Puts bytes at the end, and on disk.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            // After a failed sync nobody knows what is on disk: this segment is not written any more.
            Err(_) => self.broken = self.file.set_len(self.length).and_then(|()| self.file.sync_data()).is_err(),
        }
        written
    }

    fn new(directory: &Path, segment: u64) -> Result<Self, StoreError> {
        let path = segment_path(directory, segment);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.and_then(|file| file.set_len(0).map(|()| file));
        let file = file.map_err(|error| StoreError::file(&path, &error))?;
        belongs_to_its_directory(&path)?;
        sync_directory(directory)?;
        Ok(Self { segment, file, length: 0, broken: false })
    }
}

fn segment_path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("{segment:08}.{SUFFIX}"))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::file(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Lengths of the JSON, the head and the body; eight bytes of BLAKE3 of those and these; these.
fn frame(sighting: &Sighting, out: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(sighting)?;
    let parts = [&json[..], &sighting.head, &sighting.body];
    let mut head = [0; FRAME_HEAD_BYTES];
    for (part, length) in parts.iter().zip(head.as_chunks_mut::<4>().0) {
        *length = u32::try_from(part.len()).map_err(io::Error::other)?.to_le_bytes();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head[..12]);
    for part in parts {
        hasher.update(part);
    }
    head[12..].copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    out.extend_from_slice(&head);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(())
}

/// One sighting and its length in the file; `None` where no whole one stands.
fn unframe(input: &mut impl Read) -> io::Result<Option<(Sighting, u64)>> {
    let mut head = [0; FRAME_HEAD_BYTES];
    if !fill(input, &mut head)? {
        return Ok(None);
    }
    let lengths = head.as_chunks::<4>().0.iter().take(3).map(|length| u64::from(u32::from_le_bytes(*length)));
    let [json, response_head, _] = match lengths.collect::<Vec<_>>()[..] {
        [json, head, body] if json + head + body <= SIGHTING_BYTES_MAX => [json, head, body],
        _ => return Ok(None),
    };
    let total: u64 = head.as_chunks::<4>().0.iter().take(3).map(|length| u64::from(u32::from_le_bytes(*length))).sum();
    // What is there is read, not what a torn length promises.
    let mut payload = Vec::new();
    input.by_ref().take(total).read_to_end(&mut payload)?;
    if payload.len() as u64 != total {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head[..12]).update(&payload);
    if hasher.finalize().as_bytes()[..8] != head[12..] {
        return Ok(None);
    }
    let Some((json, rest)) = payload.split_at_checked(json as usize) else { return Ok(None) };
    let Some((response_head, body)) = rest.split_at_checked(response_head as usize) else { return Ok(None) };
    let mut sighting: Sighting = serde_json::from_slice(json)?;
    sighting.head = response_head.to_vec();
    sighting.body = body.to_vec();
    Ok(Some((sighting, FRAME_HEAD_BYTES as u64 + total)))
}

/// Whether the buffer could be filled.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// How far the file consists of whole sightings.
fn whole(file: &File) -> io::Result<u64> {
    let mut input = BufReader::new(file);
    let mut length = 0;
    while let Some((_, bytes)) = unframe(&mut input)? {
        length += bytes;
    }
    Ok(length)
}

fn read_batch(path: &Path, offset: u64, limit: u64) -> io::Result<(Vec<Sighting>, u64)> {
    let mut batch = Vec::new();
    let mut end = offset;
    if offset >= limit {
        return Ok((batch, end));
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut input = BufReader::new(file);
    while end < limit && batch.len() < BATCH_MAX && end - offset < BATCH_BYTES_MAX {
        let Some((sighting, bytes)) = unframe(&mut input)? else { break };
        batch.push(sighting);
        end += bytes;
    }
    Ok((batch, end))
}
