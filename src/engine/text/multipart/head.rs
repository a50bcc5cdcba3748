//! The header fields of a part.

use encoding_rs::{Encoding, UTF_8};

use super::super::{Edge, Media, Sink, Stream, block::Block, media::media_type};

/// Bytes of a part's head, at most: what is longer is its body.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// A part's head.
#[derive(Default)]
pub(super) struct Head {
    /// The line that is being read.
    line: Vec<u8>,
    /// Offset of its first byte.
    start: u64,
    bytes: usize,
    /// The last line was a delimiter, or what looks like it.
    dashes: Option<Vec<u8>>,
    pub(super) content_type: Option<Vec<u8>>,
    pub(super) transfer: Option<Vec<u8>>,
}

impl Head {
    /// Offset of the line that is being read.
    pub(super) fn open_from(&self) -> Option<u64> {
        (!self.line.is_empty()).then_some(self.start)
    }

    /// Takes a byte; `at` is behind it. `false`: the head has ended with it.
    pub(super) fn push(&mut self, byte: u8, at: u64, sink: &mut dyn Sink) -> bool {
        if self.line.is_empty() {
            self.start = at - 1;
        }
        self.line.push(byte);
        self.bytes += 1;
        if byte != b'\n' {
            return self.bytes < HEAD_BYTES_MAX;
        }
        let line = std::mem::take(&mut self.line);
        let trimmed = line.trim_ascii();
        self.dashes = trimmed.starts_with(b"--").then(|| trimmed.to_vec());
        if trimmed.is_empty() {
            return false;
        }
        self.read(trimmed, line[0].is_ascii_whitespace());
        self.show(&line, at, sink);
        self.bytes < HEAD_BYTES_MAX
    }

    /// The last line, if it may be a delimiter.
    pub(super) fn delimiter(&self) -> Option<&[u8]> {
        self.dashes.as_deref()
    }

    /// How the part is read, and its charset.
    pub(super) fn media(&self) -> (Media, Option<&'static Encoding>) {
        media_type(self.content_type.as_deref())
    }

    /// The boundary within the part, if it consists of parts.
    pub(super) fn boundary(&self) -> Option<Vec<u8>> {
        match self.media().0 {
            Media::Multipart(boundary) if !boundary.as_bytes().is_empty() => Some(boundary.as_bytes().to_vec()),
            _ => None,
        }
    }

    fn read(&mut self, line: &[u8], folded: bool) {
        let colon = line.iter().position(|&byte| byte == b':');
        if folded {
            // A field that goes on: of interest is only the type's parameters.
            if let Some(value) = &mut self.content_type {
                value.extend_from_slice(line);
            }
        } else if let Some(colon) = colon {
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii().to_vec());
            if name.eq_ignore_ascii_case(b"content-type") {
                self.content_type = Some(value);
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                self.transfer = Some(value);
            }
        }
    }

    /// Names of fields and files are attributes.
    fn show(&self, line: &[u8], at: u64, sink: &mut dyn Sink) {
        let (text, _) = UTF_8.decode_without_bom_handling(line);
        if text.len() == line.len() {
            let block = Block::new(&text, at - line.len() as u64, None);
            sink.run(Stream::Attribute, &block, 0, text.len());
        }
        sink.edge(Stream::Attribute, Edge::Hard, at);
    }
}
