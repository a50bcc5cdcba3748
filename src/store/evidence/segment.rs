//! A segment file: lines of text and bodies between them, in one order only and in one spelling only,
//! so that no byte can be another one unnoticed.
//!
//! ```text
//! zhamen-evidence 1 SEGMENT SEQ PREV            the link before the first one in here
//! PREV SEQ CONTENT HEADER_BYTES STORED_BYTES    a record: its link and two lengths,
//! {"url":…}                                     the header's line,
//! …                                             the body, zstd
//! zhamen evidence SEQ HASH TIME SIGNATURE       the seal, which is the last line
//! ```
//!
//! What was removed after its time leaves a file with the same lines, without headers and bodies.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take},
    path::Path,
};

use super::EvidenceHeader;
use crate::{
    base::Timestamp,
    store::{Hash, HeadRow, Link, heads::unhex},
};

/// A line of links and numbers is never longer.
const LINE_BYTES_MAX: u64 = 1024;
/// A header and a stored body are never longer.
const PART_BYTES_MAX: u64 = 256 << 20;

/// The suffix of a segment.
pub(in crate::store) const SEGMENT: &str = "seg";
/// The suffix of what a removed segment leaves.
pub(in crate::store) const GONE: &str = "gone";

/// Reads a segment from front to end, and checks every byte on the way.
pub(in crate::store) struct Segment {
    input: BufReader<Take<File>>,
    /// Whether it is what a removed segment left.
    gone: bool,
    pub(in crate::store) number: u64,
    /// The hash and number of the last link read.
    pub(in crate::store) prev: Hash,
    pub(in crate::store) seq: u64,
    /// Everything before is in order.
    pub(in crate::store) offset: u64,
}

/// What comes next in a segment.
pub(in crate::store) enum Piece {
    /// A record; a link alone where the segment was removed.
    Record { link: Link, content: Option<(String, Vec<u8>)> },
    /// The seal: nothing follows.
    Seal(HeadRow),
}

/// Why what comes next in a segment cannot be.
pub(in crate::store) enum Wrong {
    /// The file ends within it: a crash did that, or somebody who cut the file.
    NotWhole(String),
    /// Somebody or something altered it.
    Altered(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotWhole(what) | Self::Altered(what)) = self;
        f.write_str(what)
    }
}

impl Segment {
    /// Opens a segment, as long as it is now. `Err` holds what is wrong with its first line.
    pub(in crate::store) fn open(path: &Path) -> io::Result<Result<Self, String>> {
        let gone = path.extension().is_some_and(|suffix| suffix == GONE);
        let file = File::open(path)?;
        // Whoever appends holds the lock until what he appends is whole.
        let locked = file.lock_shared().is_ok();
        let length = file.metadata()?.len();
        if locked {
            file.unlock()?;
        }
        let mut input = BufReader::with_capacity(64 << 10, file.take(length));
        let Some(line) = read_line(&mut input)? else { return Ok(Err("its first line is not whole".to_owned())) };
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let read = || match words[..] {
            ["zhamen-evidence", "1", number, seq, prev] => {
                Some((number.parse().ok()?, seq.parse().ok()?, prev.parse().ok()?))
            }
            _ => None,
        };
        let Some((number, seq, prev)) = read().filter(|&(number, seq, prev)| first_line(number, seq, prev) == line)
        else {
            return Ok(Err("its first line was altered".to_owned()));
        };
        let offset = line.len() as u64;
        Ok(Ok(Self { input, gone, number, prev, seq, offset }))
    }

    /// Opens a segment at the link that begins at an offset; `None` if none does. Everything from there on
    /// is checked, that before is not.
    pub(in crate::store) fn open_at(path: &Path, offset: u64) -> io::Result<Option<Self>> {
        let Ok(mut segment) = Self::open(path)? else { return Ok(None) };
        let mut file = File::open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut input = BufReader::with_capacity(1 << 10, (&file).take(length.saturating_sub(offset)));
        let Some(line) = read_line(&mut input)? else { return Ok(None) };
        let mut words = line.split_ascii_whitespace();
        let link = words.next().and_then(|prev| prev.parse().ok()).zip(words.next().and_then(|seq| seq.parse().ok()));
        let Some((prev, Some(before))) = link.map(|(prev, seq): (Hash, u64)| (prev, seq.checked_sub(1))) else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(offset))?;
        segment.input = BufReader::with_capacity(64 << 10, file.take(length.saturating_sub(offset)));
        (segment.prev, segment.seq, segment.offset) = (prev, before, offset);
        Ok(Some(segment))
    }

    /// The next piece; `None` at the end of the file. `Err(Err(…))` says what is wrong with it.
    pub(in crate::store) fn next_piece(&mut self) -> io::Result<Result<Option<Piece>, Wrong>> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(Ok(None));
        }
        let Some(line) = read_line(&mut self.input)? else {
            let is_end = self.input.fill_buf()?.is_empty();
            let what = "a line is not whole".to_owned();
            return Ok(Err(if is_end { Wrong::NotWhole(what) } else { Wrong::Altered(what) }));
        };
        if line.starts_with("zhamen ") {
            return Ok(self.seal(&line).map(|seal| Some(Piece::Seal(seal))).map_err(Wrong::Altered));
        }
        let (link, lengths) = match self.link(&line) {
            Ok(read) => read,
            Err(wrong) => return Ok(Err(Wrong::Altered(wrong))),
        };
        let mut bytes = line.len() as u64;
        let mut content = None;
        if let Some((header_bytes, stored_bytes)) = lengths {
            let (mut header, mut stored) = (Vec::new(), Vec::new());
            self.input.by_ref().take(header_bytes).read_to_end(&mut header)?;
            self.input.by_ref().take(stored_bytes).read_to_end(&mut stored)?;
            if header.len() as u64 != header_bytes || stored.len() as u64 != stored_bytes {
                return Ok(Err(Wrong::NotWhole(format!("record {} is not whole", link.seq))));
            }
            if Hash::of(&header) != link.content {
                return Ok(Err(Wrong::Altered(format!("record {}: its header was altered", link.seq))));
            }
            let Ok(header) = String::from_utf8(header) else {
                return Ok(Err(Wrong::Altered(format!("record {}: its header is no text", link.seq))));
            };
            bytes += header_bytes + stored_bytes;
            content = Some((header, stored));
        }
        self.prev = link.hash();
        self.seq = link.seq;
        self.offset += bytes;
        Ok(Ok(Some(Piece::Record { link, content })))
    }

    fn link(&self, line: &str) -> Result<(Link, Option<(u64, u64)>), String> {
        let wrong = || format!("the link behind record {} was altered", self.seq);
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (&[prev, seq, content], lengths) = words.split_first_chunk().ok_or_else(wrong)?;
        let link = Link {
            prev: prev.parse().map_err(|_| wrong())?,
            seq: seq.parse().map_err(|_| wrong())?,
            content: content.parse().map_err(|_| wrong())?,
        };
        let lengths = match lengths {
            [] if self.gone => None,
            [header, stored] if !self.gone => {
                let length = |text: &str| text.parse::<u64>().ok().filter(|&bytes| bytes <= PART_BYTES_MAX);
                Some((length(header).ok_or_else(wrong)?, length(stored).ok_or_else(wrong)?))
            }
            _ => return Err(wrong()),
        };
        if link_line(&link, lengths) != line {
            return Err(wrong());
        }
        if link.seq != self.seq + 1 || link.prev != self.prev {
            return Err(format!(
                "record {} follows record {}: something was taken out, put in, or moved",
                link.seq, self.seq
            ));
        }
        Ok((link, lengths))
    }

    fn seal(&mut self, line: &str) -> Result<HeadRow, String> {
        let seal = parse_head("evidence", line).ok_or("its seal was altered")?;
        if seal.seq != self.seq || seal.hash != self.prev {
            return Err(format!("its seal is for record {}, but the last one is {}", seal.seq, self.seq));
        }
        self.offset += line.len() as u64;
        match self.input.fill_buf() {
            Ok([]) => Ok(seal),
            Ok(_) => Err("something follows the seal".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The header and body of a record that was read.
pub(in crate::store) fn open_content(line: &str, stored: &[u8]) -> Result<(EvidenceHeader, Vec<u8>), String> {
    EvidenceHeader::open(line, stored)
}

pub(super) fn first_line(number: u64, seq: u64, prev: Hash) -> String {
    format!("zhamen-evidence 1 {number} {seq} {prev}\n")
}

pub(super) fn link_line(link: &Link, lengths: Option<(u64, u64)>) -> String {
    let line = link.line();
    match lengths {
        Some((header, stored)) => format!("{} {header} {stored}\n", line.trim_end()),
        None => line,
    }
}

/// A signed head as a line.
pub(in crate::store) fn head_line(chain: &str, head: &HeadRow) -> String {
    let signature: String = head.signature.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {signature}\n", HeadRow::signed_line(chain, head.seq, head.hash, head.at).trim_end())
}

/// The reverse; `None` where a byte is another one than would be written.
pub(in crate::store) fn parse_head(chain: &str, line: &str) -> Option<HeadRow> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let ["zhamen", of, seq, hash, at, signature] = words[..] else { return None };
    let at: Timestamp = at.parse().ok()?;
    let head = HeadRow { seq: seq.parse().ok()?, hash: hash.parse().ok()?, at, signature: unhex(signature)? };
    (of == chain && head_line(chain, &head) == line).then_some(head)
}

/// A line with its line feed; `None` if it is too long, has none, or is no ASCII.
pub(in crate::store) fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8(line).ok().filter(|line| line.ends_with('\n') && line.is_ascii()))
}
