//! Bodies on the wire: by length, in chunks (RFC 9112 section 7.1), or until the connection closes.

use bytes::{Buf, Bytes, BytesMut};

use super::{Fields, HeadFault};

/// Bytes of a chunk's size line, extensions included.
const SIZE_LINE_BYTES_MAX: usize = 256;
/// Bytes of a trailer section.
const TRAILER_BYTES_MAX: usize = 8 << 10;
/// Field lines of a trailer section.
const TRAILERS_MAX: usize = 32;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data_plane) enum Framing {
    /// There is none.
    None,
    /// Exactly so many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the connection closes; responses only.
    UntilClose,
}

/// What is wrong with a body. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data_plane) enum BodyFault {
    /// The chunked coding is broken.
    BadChunk,
    /// The trailer section is broken or too large.
    BadTrailer,
    /// The connection closed in the middle.
    CutShort,
}

/// What there is of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::data_plane) enum Piece {
    /// Some of it; never empty.
    Data(Bytes),
    /// Its end.
    End,
    /// More has to be read first.
    NeedInput,
}

/// Takes a body off the wire.
#[derive(Debug)]
pub(in crate::data_plane) struct BodyReader {
    state: State,
    trailers: Fields,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ChunkData(u64),
    ChunkEnd,
    ChunkSize,
    End,
    Length(u64),
    Trailers,
    UntilClose,
}

impl BodyFault {
    /// What to say about it.
    pub(in crate::data_plane) const fn as_str(self) -> &'static str {
        match self {
            Self::BadChunk => "the chunked body is broken",
            Self::BadTrailer => "the trailers are broken, or too many",
            Self::CutShort => "the body ends early",
        }
    }
}

impl BodyReader {
    /// A reader at the beginning of a body.
    pub(in crate::data_plane) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::End,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state, trailers: Fields::default() }
    }

    /// The next piece of what stands at the beginning of `buffer`, without a copy.
    pub(in crate::data_plane) fn next(&mut self, buffer: &mut BytesMut) -> Result<Piece, BodyFault> {
        loop {
            match self.state {
                State::End => return Ok(Piece::End),
                State::UntilClose if buffer.is_empty() => return Ok(Piece::NeedInput),
                State::UntilClose => return Ok(Piece::Data(buffer.split().freeze())),
                State::Length(left) => {
                    let (piece, left) = take(buffer, left);
                    self.state = if left == 0 { State::End } else { State::Length(left) };
                    return Ok(piece);
                }
                State::ChunkData(left) => {
                    let (piece, left) = take(buffer, left);
                    self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                    return Ok(piece);
                }
                State::ChunkEnd => {
                    let found = &buffer[..buffer.len().min(2)];
                    if !b"\r\n".starts_with(found) {
                        return Err(BodyFault::BadChunk);
                    }
                    if found.len() < 2 {
                        return Ok(Piece::NeedInput);
                    }
                    buffer.advance(2);
                    self.state = State::ChunkSize;
                }
                State::ChunkSize => {
                    let Some(end) = memchr::memchr(b'\n', buffer) else {
                        let too_long = buffer.len() >= SIZE_LINE_BYTES_MAX;
                        return if too_long { Err(BodyFault::BadChunk) } else { Ok(Piece::NeedInput) };
                    };
                    let size = chunk_size(&buffer[..end])?;
                    buffer.advance(end + 1);
                    self.state = if size == 0 { State::Trailers } else { State::ChunkData(size) };
                }
                State::Trailers => {
                    let Some(length) = trailer_section(buffer)? else { return Ok(Piece::NeedInput) };
                    let block = buffer.split_to(length).freeze();
                    if length > 2 {
                        self.trailers =
                            Fields::parse(block, TRAILERS_MAX).map_err(|_: HeadFault| BodyFault::BadTrailer)?;
                    }
                    self.state = State::End;
                }
            }
        }
    }

    /// The connection has closed: the end of the body, if nothing else says where that is.
    pub(in crate::data_plane) fn closed(&mut self) -> Result<(), BodyFault> {
        match self.state {
            State::End | State::UntilClose => {
                self.state = State::End;
                Ok(())
            }
            State::ChunkData(_) | State::ChunkEnd | State::ChunkSize | State::Length(_) | State::Trailers => {
                Err(BodyFault::CutShort)
            }
        }
    }

    /// Whether the body has ended.
    pub(in crate::data_plane) fn is_ended(&self) -> bool {
        self.state == State::End
    }

    /// The fields that followed a chunked body, taken out; empty until it has ended.
    pub(in crate::data_plane) fn take_trailers(&mut self) -> Fields {
        std::mem::take(&mut self.trailers)
    }
}

/// Writes the size line of a chunk.
pub(in crate::data_plane) fn put_chunk_size(out: &mut Vec<u8>, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    out.extend((0..digits).rev().map(|digit| DIGITS[length >> (4 * digit) & 15]));
    out.extend_from_slice(b"\r\n");
}

fn take(buffer: &mut BytesMut, left: u64) -> (Piece, u64) {
    if buffer.is_empty() {
        return (Piece::NeedInput, left);
    }
    let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
    (Piece::Data(buffer.split_to(length).freeze()), left - length as u64)
}

/// Reads a size line without its LF. Extensions are ignored, but held to their grammar: another reader may
/// see the end of the line elsewhere in what is none.
fn chunk_size(line: &[u8]) -> Result<u64, BodyFault> {
    let line = line.strip_suffix(b"\r").filter(|line| line.len() < SIZE_LINE_BYTES_MAX).ok_or(BodyFault::BadChunk)?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if !(1..=16).contains(&digits) || !are_extensions(&line[digits..]) {
        return Err(BodyFault::BadChunk);
    }
    let digit = |byte: u8| u64::from(char::from(byte).to_digit(16).unwrap_or_default());
    Ok(line[..digits].iter().fold(0, |size, &byte| size << 4 | digit(byte)))
}

/// Any number of `;name`, `;name=token` and `;name="string"` (RFC 9112 section 7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some(behind) = without_blanks(rest).strip_prefix(b";").and_then(without_token) else { return false };
        rest = match without_blanks(behind).strip_prefix(b"=").map(without_blanks) {
            None => behind,
            Some([b'"', string @ ..]) => match without_string(string) {
                Some(behind) => behind,
                None => return false,
            },
            Some(value) => match without_token(value) {
                Some(behind) => behind,
                None => return false,
            },
        };
    }
    true
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    text.get(blanks..).unwrap_or_default()
}

/// What stands behind a token, with or without blanks before it.
fn without_token(text: &[u8]) -> Option<&[u8]> {
    let text = without_blanks(text);
    let is_of_token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match text.iter().take_while(is_of_token).count() {
        0 => None,
        length => text.get(length..),
    }
}

/// What stands behind a string whose opening quote has been read.
fn without_string(text: &[u8]) -> Option<&[u8]> {
    let mut is_escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if byte != b'\t' && byte.is_ascii_control() => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// The length of the trailer section at the beginning of the buffer, its empty line included.
fn trailer_section(buffer: &[u8]) -> Result<Option<usize>, BodyFault> {
    let mut line_start = 0;
    for at in memchr::memchr_iter(b'\n', buffer) {
        if at == 0 || buffer[at - 1] != b'\r' {
            return Err(BodyFault::BadTrailer);
        }
        if at - 1 == line_start {
            return if at < TRAILER_BYTES_MAX { Ok(Some(at + 1)) } else { Err(BodyFault::BadTrailer) };
        }
        line_start = at + 1;
    }
    if buffer.len() > TRAILER_BYTES_MAX { Err(BodyFault::BadTrailer) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::{BodyFault, BodyReader, Framing, Piece, put_chunk_size};

    /// Feeds `wire` in steps; what came out, what was left behind the body.
    fn read(framing: Framing, wire: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, BodyReader), BodyFault> {
        let (mut reader, mut buffer, mut out) = (BodyReader::new(framing), BytesMut::new(), Vec::new());
        let mut input = wire.chunks(step);
        loop {
            match reader.next(&mut buffer)? {
                Piece::Data(piece) => out.extend_from_slice(&piece),
                Piece::End => break,
                Piece::NeedInput => match input.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => {
                        reader.closed()?;
                        break;
                    }
                },
            }
        }
        buffer.extend_from_slice(&input.collect::<Vec<_>>().concat());
        Ok((out, buffer.to_vec(), reader))
    }

    #[test]
    fn trailers_are_kept() {
        let wire = b"3 ; x = \"y;\\\"\" ;z;a=b\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\nnext";
        let (out, rest, mut reader) = read(Framing::Chunked, wire, 1).unwrap();
        assert_eq!((&out[..], &rest[..]), (&b"abc"[..], &b"next"[..]));
        assert_eq!(reader.take_trailers().iter().collect::<Vec<_>>(), [(&b"A"[..], &b"b"[..]), (b"C", b"d")]);
    }

    #[test]
    fn broken_chunks_are_refused() {
        for bad in [
            &b"\r\nabc\r\n0\r\n\r\n"[..],
            b"3\nabc\r\n0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc0\r\n\r\n",
            b"-3\r\nabc\r\n0\r\n\r\n",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b" 3\r\nabc\r\n0\r\n\r\n",
            b"3 4\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"3;\ra\r\nabc\r\n0\r\n\r\n",
            b"3\r\r;a\r\nabc\r\n0\r\n\r\n",
            b"3\x0c;a\r\nabc\r\n0\r\n\r\n",
            b"3;\r\nabc\r\n0\r\n\r\n",
            b"3;;a\r\nabc\r\n0\r\n\r\n",
            b"3;a=\r\nabc\r\n0\r\n\r\n",
            b"3;a=\"b\r\nabc\r\n0\r\n\r\n",
            b"3;a=\"b\"c\r\nabc\r\n0\r\n\r\n",
            b"3;a b\r\nabc\r\n0\r\n\r\n",
            b"10000000000000000\r\nabc\r\n0\r\n\r\n",
            b"0\r\nA b\r\n\r\n",
            b"0\r\n\n",
            b"3\r\nabc",
            b"0\r\n",
        ] {
            assert!(read(Framing::Chunked, bad, 1).is_err(), "{}", bad.escape_ascii());
            assert!(read(Framing::Chunked, bad, 99).is_err(), "{}", bad.escape_ascii());
        }
        let mut long = b"3;".to_vec();
        long.extend_from_slice(&[b'a'; 300]);
        assert_eq!(read(Framing::Chunked, &long, 7).err(), Some(BodyFault::BadChunk));
    }

    #[test]
    fn a_body_that_is_cut_short_is_not_whole() {
        assert_eq!(read(Framing::Length(4), b"abc", 2).err(), Some(BodyFault::CutShort));
        assert!(read(Framing::UntilClose, b"abc", 2).is_ok());
    }

    proptest! {
        #[test]
        fn where_chunks_are_cut_does_not_matter(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1_usize..50,
        ) {
            let mut wire = Vec::new();
            for piece in &pieces {
                put_chunk_size(&mut wire, piece.len());
                wire.extend_from_slice(piece);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\nGET");
            let (out, rest, _) = read(Framing::Chunked, &wire, step).unwrap();
            prop_assert_eq!(out, pieces.concat());
            prop_assert_eq!(rest, b"GET");
        }

        #[test]
        fn the_same_verdict_on_garbage_however_it_is_cut(
            wire in "[0-3a;\r\n: ]{0,24}",
            step in 1_usize..9,
        ) {
            let whole = read(Framing::Chunked, wire.as_bytes(), 99).map(|(out, rest, _)| (out, rest));
            let cut = read(Framing::Chunked, wire.as_bytes(), step).map(|(out, rest, _)| (out, rest));
            prop_assert_eq!(whole.is_ok(), cut.is_ok());
            if let (Ok(whole), Ok(cut)) = (whole, cut) {
                prop_assert_eq!(whole, cut);
            }
        }

        #[test]
        fn sizes_are_written_in_hexadecimal(length in any::<u32>()) {
            let mut out = Vec::new();
            put_chunk_size(&mut out, length as usize);
            prop_assert_eq!(out, format!("{length:x}\r\n").into_bytes());
        }
    }
}
