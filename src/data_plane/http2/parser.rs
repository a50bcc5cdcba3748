//! Frames in a stream of bytes, wherever that is cut.

/// Types of frames (RFC 9113 section 6).
pub(super) const DATA: u8 = 0;
pub(super) const SETTINGS: u8 = 4;
pub(super) const WINDOW_UPDATE: u8 = 8;
/// The flag of SETTINGS that are acknowledged.
pub(super) const ACK: u8 = 1;

const HEADER_BYTES: usize = 9;
/// A stream's number; the first bit is reserved.
const STREAM_BITS: u32 = u32::MAX >> 1;

/// Where in a frame a stream of bytes stands.
#[derive(Debug, Default)]
pub(super) struct Parser {
    header: [u8; HEADER_BYTES],
    have: usize,
    /// Bytes that belong to no header.
    skip: usize,
}

/// What every frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of what follows.
    pub(super) length: usize,
    pub(super) stream: u32,
}

/// What is seen of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen<'b> {
    Frame(Header),
    /// Some of what follows the header that was seen last.
    Payload(&'b [u8]),
}

impl Parser {
    /// Behind so many bytes that belong to no frame.
    pub(super) fn behind(skip: usize) -> Self {
        Self { skip, ..Self::default() }
    }

    /// Calls `see` with each header, and with what of payloads is here.
    pub(super) fn read<'b>(&mut self, mut bytes: &'b [u8], mut see: impl FnMut(Seen<'b>)) {
        while !bytes.is_empty() {
            let (skipped, rest) = bytes.split_at(self.skip.min(bytes.len()));
            if !skipped.is_empty() {
                self.skip -= skipped.len();
                see(Seen::Payload(skipped));
            }
            let (taken, rest) = rest.split_at((HEADER_BYTES - self.have).min(rest.len()));
            self.header[self.have..self.have + taken.len()].copy_from_slice(taken);
            self.have += taken.len();
            bytes = rest;
            if self.have == HEADER_BYTES {
                let [a, b, c, kind, flags, stream @ ..] = self.header;
                self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
                self.have = 0;
                see(Seen::Frame(Header {
                    kind,
                    flags,
                    length: self.skip,
                    stream: u32::from_be_bytes(stream) & STREAM_BITS,
                }));
            }
        }
    }
}
