//! `multipart/…` (RFC 2046, section 5.1; RFC 7578): each part is a document of its own, read by its
//! own Content-Type, charset and Content-Transfer-Encoding.
//!
//! What stands before the first part and behind the last is read as plain text. A multipart part
//! within is read in the same pass: its boundary joins those that are looked for.

mod head;
mod part;

use encoding_rs::Encoding;
use head::Head;
use part::Part;

use super::{Sink, media::Boundary};

/// Multipart bodies within one another, at most; boundaries of deeper ones are not looked for.
const BOUNDARIES_MAX: usize = 8;

/// Bytes of a line that may name the boundary, if nothing else does.
const LINE_BYTES_MAX: usize = 76;

/// Reads a multipart body.
pub(super) struct Multipart {
    /// From outside in.
    boundaries: Vec<Vec<u8>>,
    state: State,
    /// Bytes that may be a delimiter, or the line break before it.
    pending: Vec<u8>,
    /// Where in `pending` the line begins.
    line: usize,
    head: Head,
    part: Part,
    /// Offset behind the last byte that was taken.
    at: u64,
    encoding: Option<&'static Encoding>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// A line begins.
    LineStart,
    /// Within a line that is no delimiter.
    Middle,
    /// A carriage return was read.
    Return,
    /// Behind the boundary of this index: dashes or white space, and the line's end.
    Delimiter(usize),
    /// Header fields of a part.
    Head,
}

impl Multipart {
    /// A reader at the beginning of a body.
    pub(super) fn new(boundary: &Boundary) -> Self {
        let boundary = boundary.as_bytes();
        Self {
            boundaries: if boundary.is_empty() { Vec::new() } else { vec![boundary.to_vec()] },
            state: State::LineStart,
            pending: Vec::new(),
            line: 0,
            head: Head::default(),
            part: Part::aside(0),
            at: 0,
            encoding: None,
        }
    }

    /// The charset of the last part that has one.
    pub(super) fn encoding(&self) -> Option<&'static Encoding> {
        self.part.encoding().or(self.encoding)
    }

    /// Offset of the first byte that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let pending = (!self.pending.is_empty()).then(|| self.at - self.pending.len() as u64);
        let head = if self.state == State::Head { self.head.open_from() } else { None };
        self.part.open_from().into_iter().chain(pending).chain(head).min()
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        let mut index = 0;
        while index < bytes.len() {
            if self.state == State::Middle {
                let rest = &bytes[index..];
                let stop = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                self.part.feed(&rest[..stop], self.at, sink);
                self.at += stop as u64;
                index += stop;
                if stop == rest.len() {
                    return;
                }
            }
            self.at += 1;
            self.push(bytes[index], sink);
            index += 1;
        }
    }

    /// The body ends.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        match self.state {
            State::Head => {}
            State::Delimiter(_) => self.pending.clear(),
            State::LineStart | State::Middle | State::Return => self.flush(self.pending.len(), sink),
        }
        self.end_part(sink);
    }

    /// Takes one byte; `at` is behind it.
    fn push(&mut self, byte: u8, sink: &mut dyn Sink) {
        match self.state {
            State::Middle | State::Return => self.middle(byte, sink),
            State::LineStart => {
                self.pending.push(byte);
                if self.boundaries.is_empty() {
                    self.first_line(byte, sink);
                } else {
                    self.longer_delimiter(sink);
                }
            }
            State::Delimiter(index) => {
                self.pending.push(byte);
                let rest = &self.pending[self.line + 2 + self.boundaries[index].len()..];
                let rest = rest.strip_prefix(b"--").unwrap_or(rest);
                // Behind one dash the other one may still come.
                let fits = rest == b"-" || rest.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
                if byte == b'\n' && fits {
                    self.delimiter(index, sink);
                } else if !fits || self.pending.len() > 4 * LINE_BYTES_MAX {
                    self.longer_delimiter(sink);
                }
            }
            State::Head => {
                let in_head = self.head.push(byte, self.at, sink);
                let boundaries = &self.boundaries;
                if let Some((index, closes)) = self.head.delimiter().and_then(|line| delimiter_index(line, boundaries))
                {
                    // A part without a body.
                    self.follow(index, closes);
                } else if !in_head {
                    self.begin_part();
                }
            }
        }
    }

    /// Whether the line is `--` and a boundary, or may become it.
    fn longer_delimiter(&mut self, sink: &mut dyn Sink) {
        let line = &self.pending[self.line..];
        let delimiter = |boundary: &Vec<u8>| line.strip_prefix(b"--") == Some(boundary);
        if let Some(index) = self.boundaries.iter().position(delimiter) {
            self.state = State::Delimiter(index);
        } else if self.boundaries.iter().any(|boundary| begins_delimiter(line, boundary)) {
            self.state = State::LineStart;
        } else {
            self.no_delimiter(sink);
        }
    }

    fn middle(&mut self, byte: u8, sink: &mut dyn Sink) {
        if self.state == State::Return && byte != b'\n' {
            self.flush(self.pending.len(), sink);
            self.state = State::Middle;
        }
        match byte {
            b'\r' => {
                self.pending.push(byte);
                self.state = State::Return;
            }
            b'\n' => {
                self.pending.push(byte);
                self.line = self.pending.len();
                self.state = State::LineStart;
            }
            _ => {
                self.pending.push(byte);
                self.flush(self.pending.len(), sink);
            }
        }
    }

    /// A line at the beginning, while no boundary is known: the first that begins with dashes names it.
    fn first_line(&mut self, byte: u8, sink: &mut dyn Sink) {
        let line = &self.pending[self.line..];
        if byte == b'\n' && line.starts_with(b"--") && line.trim_ascii().len() > 2 {
            self.boundaries.push(line.trim_ascii()[2..].to_vec());
            self.delimiter(0, sink);
        } else if byte == b'\n' || line.len() > LINE_BYTES_MAX || !(line.starts_with(b"--") || line == b"-") {
            self.no_delimiter(sink);
        }
    }

    /// The pending line is none: all of it belongs to the part, but for the line break it may end with.
    fn no_delimiter(&mut self, sink: &mut dyn Sink) {
        let Some(last) = self.pending.pop() else { return };
        self.at -= 1;
        // Only a first line may have a line break in it, and it stands at the end.
        let returned = self.pending.last() == Some(&b'\r') && self.pending.len() > self.line;
        self.flush(self.pending.len() - usize::from(returned), sink);
        self.state = if returned { State::Return } else { State::Middle };
        self.at += 1;
        self.middle(last, sink);
    }

    /// A delimiter's line is complete.
    fn delimiter(&mut self, index: usize, sink: &mut dyn Sink) {
        let closes = self.pending[self.line + 2 + self.boundaries[index].len()..].starts_with(b"--");
        self.pending.clear();
        self.end_part(sink);
        self.follow(index, closes);
    }

    /// Behind the delimiter of this boundary.
    fn follow(&mut self, index: usize, closes: bool) {
        self.line = 0;
        if closes {
            // Of the outermost, more parts may follow all the same.
            self.boundaries.truncate(index.max(1));
            self.part = Part::aside(self.at);
            self.state = State::LineStart;
        } else {
            self.boundaries.truncate(index + 1);
            self.head = Head::default();
            self.state = State::Head;
        }
    }

    fn begin_part(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.line = 0;
        self.state = State::LineStart;
        if let Some(boundary) = head.boundary()
            && self.boundaries.len() < BOUNDARIES_MAX
        {
            self.boundaries.push(boundary);
        }
        self.part = Part::new(&head, self.at);
    }

    fn end_part(&mut self, sink: &mut dyn Sink) {
        self.encoding = self.encoding();
        std::mem::replace(&mut self.part, Part::aside(self.at)).finish(sink);
    }

    /// Gives the first pending bytes to the part.
    fn flush(&mut self, count: usize, sink: &mut dyn Sink) {
        let start = self.at - self.pending.len() as u64;
        self.part.feed(&self.pending[..count], start, sink);
        self.pending.drain(..count);
        self.line = 0;
    }
}

/// Which boundary a line is the delimiter of, and whether it closes.
fn delimiter_index(line: &[u8], boundaries: &[Vec<u8>]) -> Option<(usize, bool)> {
    let rest = line.strip_prefix(b"--")?;
    boundaries.iter().enumerate().find_map(|(index, boundary)| match rest.strip_prefix(boundary.as_slice())? {
        b"" => Some((index, false)),
        b"--" => Some((index, true)),
        _ => None,
    })
}

/// Whether a line may become a delimiter.
fn begins_delimiter(line: &[u8], boundary: &[u8]) -> bool {
    match line.strip_prefix(b"--") {
        Some(rest) => boundary.starts_with(rest),
        None => line == b"-",
    }
}
