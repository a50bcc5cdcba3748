//! One part: its transfer encoding undone, read as the document that it is, its places those of the
//! whole body.

use encoding_rs::Encoding;

use super::{
    super::{Edge, Media, Reader, Sink, Stream, base64::Digits, block::Block},
    Head,
};
use crate::base::ByteSpan;

/// A part that is being read.
pub(super) struct Part {
    /// `None`: it is not text.
    reader: Option<Box<Reader>>,
    transfer: Transfer,
    places: Places,
    decoded: Vec<u8>,
}

/// How the part's bytes are written (RFC 2045, section 6).
enum Transfer {
    Identity,
    Base64(Digits),
    Quoted {
        /// `=` and what followed it.
        held: Vec<u8>,
    },
}

/// Where the bytes of the part stand in the whole.
enum Places {
    /// One behind the other, from here.
    From(u64),
    /// Each somewhere: the places of the bytes from the index `first`, and the end of all so far.
    Each { first: u64, spans: Vec<ByteSpan>, end: u64 },
}

impl Part {
    /// What is no part, but stands beside them.
    pub(super) fn aside(at: u64) -> Self {
        Self::of(Some(Reader::new(Media::Plain, None, false)), Transfer::Identity, at)
    }

    /// A part that begins at an offset.
    pub(super) fn new(head: &Head, at: u64) -> Self {
        let (media, charset) = head.media();
        let reader = match media {
            Media::Opaque => None,
            Media::Multipart(_) => return Self::aside(at),
            media => Some(Reader::new(media, charset, false)),
        };
        let transfer = head.transfer.as_deref().unwrap_or_default();
        let transfer = match () {
            () if transfer.eq_ignore_ascii_case(b"base64") => Transfer::Base64(Digits::default()),
            () if transfer.eq_ignore_ascii_case(b"quoted-printable") => Transfer::Quoted { held: Vec::new() },
            () => Transfer::Identity,
        };
        Self::of(reader, transfer, at)
    }

    fn of(reader: Option<Reader>, transfer: Transfer, at: u64) -> Self {
        let places = match transfer {
            Transfer::Identity => Places::From(at),
            Transfer::Base64(_) | Transfer::Quoted { .. } => Places::Each { first: 0, spans: Vec::new(), end: at },
        };
        Self { reader: reader.map(Box::new), transfer, places, decoded: Vec::new() }
    }

    /// Its charset, once it is known.
    pub(super) fn encoding(&self) -> Option<&'static Encoding> {
        self.reader.as_ref().and_then(|reader| reader.encoding())
    }

    /// Offset in the whole of the first byte that has not been handed on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let reader = self.reader.as_ref()?;
        let written = match &self.transfer {
            Transfer::Identity => None,
            Transfer::Base64(digits) => digits.open_from(),
            Transfer::Quoted { held } => Some(self.places.end() - held.len() as u64).filter(|_| !held.is_empty()),
        };
        reader.open_from().map(|at| self.places.start(at)).into_iter().chain(written).min()
    }

    /// Takes the next bytes, which stand at an offset in the whole.
    pub(super) fn feed(&mut self, bytes: &[u8], at: u64, sink: &mut dyn Sink) {
        let Some(reader) = &mut self.reader else { return };
        let Places::Each { spans, end, .. } = &mut self.places else {
            return reader.feed(bytes, &mut Moved { places: &self.places, sink });
        };
        self.decoded.clear();
        for (&byte, start) in bytes.iter().zip(at..) {
            *end = start + 1;
            let span = ByteSpan { start, end: *end };
            self.transfer.push(byte, span, &mut |byte, span| {
                self.decoded.push(byte);
                spans.push(span);
            });
        }
        reader.feed(&self.decoded, &mut Moved { places: &self.places, sink });
        let open = reader.open_from();
        if let Places::Each { first, spans, .. } = &mut self.places {
            // What the reader still holds may come out with its place.
            let gone = open.map_or(spans.len(), |open| (open - *first) as usize).min(spans.len());
            // One is kept: the end of something is where the byte before it ends.
            let gone = gone.saturating_sub(1);
            spans.drain(..gone);
            *first += gone as u64;
        }
    }

    /// The part ends.
    pub(super) fn finish(mut self, sink: &mut dyn Sink) {
        let Some(reader) = &mut self.reader else { return };
        reader.finish(&mut Moved { places: &self.places, sink });
    }
}

impl Transfer {
    fn push(&mut self, byte: u8, span: ByteSpan, out: &mut impl FnMut(u8, ByteSpan)) {
        match self {
            Self::Identity => out(byte, span),
            Self::Base64(digits) => {
                if byte == b'=' {
                    *digits = Digits::default();
                } else if let Some((byte, span)) =
                    Digits::value(byte as char).and_then(|value| digits.push(value, span))
                {
                    out(byte, span);
                }
            }
            Self::Quoted { held } => {
                let begun = span.start - held.len() as u64;
                let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
                match (held.as_slice(), byte) {
                    ([], b'=') => held.push(byte),
                    ([], _) => out(byte, span),
                    // A soft line break.
                    ([b'='] | [b'=', b'\r'], b'\n') => held.clear(),
                    ([b'='], b'\r') => held.push(byte),
                    ([b'='], _) if digit(byte).is_some() => held.push(byte),
                    (&[b'=', high], _) if digit(byte).is_some() && digit(high).is_some() => {
                        let value = digit(high).unwrap_or(0) << 4 | digit(byte).unwrap_or(0);
                        held.clear();
                        out(value, ByteSpan { start: begun, end: span.end });
                    }
                    _ => {
                        let kept = std::mem::take(held);
                        for (&byte, start) in kept.iter().zip(begun..) {
                            out(byte, ByteSpan { start, end: start + 1 });
                        }
                        if byte == b'=' {
                            held.push(byte);
                        } else {
                            out(byte, span);
                        }
                    }
                }
            }
        }
    }
}

impl Places {
    /// Where the byte with this index begins.
    fn start(&self, at: u64) -> u64 {
        match self {
            Self::From(base) => base + at,
            Self::Each { first, spans, end } => {
                let index = usize::try_from(at.saturating_sub(*first)).unwrap_or(usize::MAX);
                spans.get(index).map_or(*end, |span| span.start)
            }
        }
    }

    /// Where the byte before this index ends.
    fn end_of(&self, at: u64) -> u64 {
        match self {
            Self::From(base) => base + at,
            Self::Each { first, spans, end } => {
                let index = usize::try_from(at.saturating_sub(*first)).unwrap_or(usize::MAX);
                index.checked_sub(1).and_then(|index| spans.get(index)).map_or(*end, |span| span.end)
            }
        }
    }

    fn end(&self) -> u64 {
        match self {
            Self::From(base) => *base,
            Self::Each { end, .. } => *end,
        }
    }
}

/// Gives a part's places those of the whole.
struct Moved<'s> {
    places: &'s Places,
    sink: &'s mut dyn Sink,
}

impl Moved<'_> {
    fn span(&self, span: ByteSpan) -> ByteSpan {
        let start = self.places.start(span.start);
        ByteSpan { start, end: if span.end > span.start { self.places.end_of(span.end) } else { start } }
    }
}

impl Sink for Moved<'_> {
    fn wants(&self, stream: Stream) -> bool {
        self.sink.wants(stream)
    }

    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        if let Places::From(base) = self.places {
            return self.sink.run(stream, &Block { base: block.base + base, ..*block }, from, to);
        }
        for (at, c) in block.text[from..to].char_indices() {
            let span = self.span(block.span(from + at, from + at + c.len_utf8()));
            self.sink.character(stream, c, span, span.end);
        }
    }

    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        let seen = self.places.end_of(seen);
        self.sink.character(stream, c, self.span(span), seen);
    }

    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        self.sink.edge(stream, edge, self.places.end_of(seen));
    }
}
