//! `gzip` (RFC 1952) and `deflate` (RFC 1950 or 1951): the framing around one raw deflate decoder.

use flate2::{Decompress, FlushDecompress, Status};

use super::{DecodeFault, Progress};

/// A stream that begins like zlib and breaks within this many bytes, before its first output, is
/// read again as raw deflate.
const ZLIB_TRIAL_BYTES: usize = 1024;
/// Two magic bytes, and deflate as the method.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const GZIP_FIXED_BYTES: u8 = 10;
const GZIP_TRAILER_BYTES: u8 = 8;

/// Decodes gzip members or one deflate stream; what follows them is ignored.
pub(super) struct Inflater {
    /// Only while there is a deflate stream to read.
    inflate: Option<Decompress>,
    stage: Stage,
}

enum Stage {
    /// In a member's header.
    GzipHeader(GzipHeader),
    /// In a member's deflate stream.
    GzipBody,
    /// Behind a member's deflate stream: its checksum and length, this many bytes still. They are
    /// not compared, and may be missing.
    GzipTrailer(u8),
    /// Behind a member, with so many bytes of another one's magic number seen.
    GzipNext(u8),
    /// Before the two bytes that tell zlib from raw deflate.
    DeflateHead(Option<u8>),
    /// It looks like zlib, and gave no output yet: all that was read, for the case that it is raw.
    ZlibTrial(Vec<u8>),
    /// It is raw: these bytes come before the input, from this place on.
    RawReplay(Vec<u8>, usize),
    /// In a deflate stream that nothing follows.
    DeflateBody,
    Ended,
}

/// How far a member's header has been read.
struct GzipHeader {
    part: HeaderPart,
    flags: u8,
}

enum HeaderPart {
    /// Magic, method, flags, time, system: ten bytes, so many of them read.
    Fixed(u8),
    ExtraLength(Option<u8>),
    Extra(u16),
    Name,
    Comment,
    Checksum(u8),
}

/// What one call of the deflate decoder did.
struct Inflated {
    consumed: usize,
    written: usize,
    end: Result<bool, DecodeFault>,
}

impl Inflater {
    pub(super) fn gzip() -> Self {
        Self { inflate: None, stage: Stage::GzipHeader(GzipHeader::begun(0)) }
    }

    pub(super) fn deflate() -> Self {
        Self { inflate: None, stage: Stage::DeflateHead(None) }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::GzipTrailer(_) | Stage::GzipNext(_) | Stage::Ended)
    }

    /// Takes input until there is output, a fault, or no input.
    pub(super) fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let mut progress = Progress::default();
        while progress.written == 0 && progress.fault.is_none() {
            let Some(step) = self.step(&input[progress.consumed..], output) else { break };
            progress.consumed += step.consumed;
            progress.written = step.written;
            progress.fault = step.fault;
        }
        progress
    }

    /// One step within one stage; `None` if there is nothing to be done without more input.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Option<Progress> {
        match &mut self.stage {
            Stage::GzipBody => {
                let inflated = inflate(&mut self.inflate, input, output);
                if inflated.end == Ok(true) {
                    self.stage = Stage::GzipTrailer(GZIP_TRAILER_BYTES);
                }
                inflated.progress()
            }
            Stage::DeflateBody => {
                let inflated = inflate(&mut self.inflate, input, output);
                if inflated.end == Ok(true) {
                    self.stage = Stage::Ended;
                }
                inflated.progress()
            }
            Stage::ZlibTrial(read) => {
                let input = &input[..input.len().min(ZLIB_TRIAL_BYTES.saturating_sub(read.len()))];
                let inflated = inflate(&mut self.inflate, input, output);
                if inflated.end == Ok(true) {
                    self.stage = Stage::Ended;
                } else if inflated.written > 0 {
                    self.stage = Stage::DeflateBody;
                } else {
                    read.extend_from_slice(&input[..inflated.consumed]);
                    if inflated.end.is_err() {
                        begin_again(&mut self.inflate);
                        self.stage = Stage::RawReplay(std::mem::take(read), 0);
                        return Some(Progress { consumed: inflated.consumed, ..Progress::default() });
                    }
                    if read.len() >= ZLIB_TRIAL_BYTES {
                        self.stage = Stage::DeflateBody;
                    }
                }
                inflated.progress()
            }
            Stage::RawReplay(read, from) => {
                let inflated = inflate(&mut self.inflate, &read[*from..], output);
                *from += inflated.consumed;
                if inflated.end == Ok(true) {
                    self.stage = Stage::Ended;
                } else if *from == read.len() {
                    self.stage = Stage::DeflateBody;
                }
                Some(Progress { consumed: 0, written: inflated.written, fault: inflated.end.err() })
            }
            Stage::Ended if input.is_empty() => None,
            Stage::Ended => Some(Progress { consumed: input.len(), ..Progress::default() }),
            Stage::GzipHeader(_) | Stage::GzipTrailer(_) | Stage::GzipNext(_) | Stage::DeflateHead(_) => {
                let fault = self.framing(*input.first()?).err();
                Some(Progress { consumed: 1, written: 0, fault })
            }
        }
    }

    /// Takes one byte outside of the deflate streams.
    fn framing(&mut self, byte: u8) -> Result<(), DecodeFault> {
        match &mut self.stage {
            Stage::GzipHeader(header) => {
                if header.push(byte)? {
                    begin_again(&mut self.inflate);
                    self.stage = Stage::GzipBody;
                }
            }
            Stage::GzipTrailer(left) => {
                *left -= 1;
                if *left == 0 {
                    self.stage = Stage::GzipNext(0);
                }
            }
            Stage::GzipNext(matched) => {
                self.stage = match GZIP_MAGIC.get(usize::from(*matched)) {
                    Some(&expected) if expected != byte => Stage::Ended,
                    Some(_) if usize::from(*matched) + 1 < GZIP_MAGIC.len() => Stage::GzipNext(*matched + 1),
                    Some(_) | None => Stage::GzipHeader(GzipHeader::begun(GZIP_MAGIC.len() as u8)),
                };
            }
            Stage::DeflateHead(first) => match *first {
                None => *first = Some(byte),
                Some(first) if is_zlib_header(first, byte) => self.stage = Stage::ZlibTrial(vec![first, byte]),
                Some(first) => self.stage = Stage::RawReplay(vec![first, byte], 0),
            },
            Stage::GzipBody | Stage::ZlibTrial(_) | Stage::RawReplay(..) | Stage::DeflateBody | Stage::Ended => {}
        }
        Ok(())
    }
}

impl GzipHeader {
    /// A header of which so many bytes of the magic number were read.
    fn begun(read: u8) -> Self {
        Self { part: HeaderPart::Fixed(read), flags: 0 }
    }

    /// Takes one byte; `true` if it was the header's last.
    fn push(&mut self, byte: u8) -> Result<bool, DecodeFault> {
        let next = match &mut self.part {
            HeaderPart::Fixed(read) => {
                if GZIP_MAGIC.get(usize::from(*read)).is_some_and(|&expected| expected != byte) {
                    return Err(DecodeFault::Corrupt);
                }
                if *read == 3 {
                    self.flags = byte;
                }
                *read += 1;
                if *read < GZIP_FIXED_BYTES {
                    return Ok(false);
                }
                Some(HeaderPart::ExtraLength(None))
            }
            HeaderPart::ExtraLength(low @ None) => {
                *low = Some(byte);
                return Ok(false);
            }
            HeaderPart::ExtraLength(Some(low)) => match u16::from_le_bytes([*low, byte]) {
                0 => Some(HeaderPart::Name),
                length => {
                    self.part = HeaderPart::Extra(length);
                    return Ok(false);
                }
            },
            HeaderPart::Extra(left) => {
                *left -= 1;
                (*left == 0).then_some(HeaderPart::Name)
            }
            HeaderPart::Name => (byte == 0).then_some(HeaderPart::Comment),
            HeaderPart::Comment => (byte == 0).then_some(HeaderPart::Checksum(2)),
            HeaderPart::Checksum(left) => {
                *left -= 1;
                return Ok(*left == 0);
            }
        };
        match next {
            Some(part) => Ok(self.enter(part)),
            None => Ok(false),
        }
    }

    /// Goes on with the first part from this one on that the flags say is there; `true` if none is.
    fn enter(&mut self, part: HeaderPart) -> bool {
        let mut part = part;
        loop {
            let (flag, following) = match &part {
                HeaderPart::ExtraLength(_) => (4, HeaderPart::Name),
                HeaderPart::Name => (8, HeaderPart::Comment),
                HeaderPart::Comment => (16, HeaderPart::Checksum(2)),
                HeaderPart::Checksum(_) if self.flags & 2 == 0 => return true,
                HeaderPart::Checksum(_) | HeaderPart::Fixed(_) | HeaderPart::Extra(_) => break,
            };
            if self.flags & flag != 0 {
                break;
            }
            part = following;
        }
        self.part = part;
        false
    }
}

impl Inflated {
    /// `None` if nothing happened.
    fn progress(self) -> Option<Progress> {
        let Self { consumed, written, end } = self;
        let moved = consumed > 0 || written > 0 || end != Ok(false);
        moved.then_some(Progress { consumed, written, fault: end.err() })
    }
}

/// Whether two bytes are a zlib header (RFC 1950, 2.2) without a preset dictionary.
fn is_zlib_header(cmf: u8, flags: u8) -> bool {
    cmf & 0x0f == 8 && cmf >> 4 <= 7 && u16::from_be_bytes([cmf, flags]).is_multiple_of(31) && flags & 0x20 == 0
}

/// Forgets the stream that was read, and keeps its memory.
fn begin_again(decompress: &mut Option<Decompress>) {
    if let Some(decompress) = decompress {
        decompress.reset(false);
    }
}

fn inflate(decompress: &mut Option<Decompress>, input: &[u8], output: &mut [u8]) -> Inflated {
    let decompress = decompress.get_or_insert_with(|| Decompress::new(false));
    let (in_before, out_before) = (decompress.total_in(), decompress.total_out());
    let end = match decompress.decompress(input, output, FlushDecompress::None) {
        Ok(status) => Ok(status == Status::StreamEnd),
        Err(_) => Err(DecodeFault::Corrupt),
    };
    // Both are at most the length of a slice.
    let consumed = (decompress.total_in() - in_before) as usize;
    let written = (decompress.total_out() - out_before) as usize;
    Inflated { consumed, written, end }
}
