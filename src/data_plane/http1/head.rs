//! Heads of messages: found, bounded, parsed, kept as they came.

use std::{mem::MaybeUninit, ops::Range};

use bytes::{Buf, Bytes, BytesMut};

use crate::domain::{
    message::{NameSet, StreamFacts, Version},
    policy::Reason,
};

/// Empty lines before a request that are taken for what is left of the one before (RFC 9112 section 2.2).
const EMPTY_LINES_MAX: u8 = 4;
/// Field lines that can be configured at most.
const FIELDS_MAX: usize = 256;

/// Bounds on a head.
#[derive(Clone, Copy, Debug)]
pub(in crate::data_plane) struct HeadLimits {
    /// Bytes, first line included.
    pub(in crate::data_plane) bytes: usize,
    /// Field lines; never more than 256.
    pub(in crate::data_plane) fields: usize,
}

/// What is wrong with a head. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data_plane) enum HeadFault {
    /// A line ends with LF alone, or a CR stands in a line.
    BareLineFeed,
    /// What came does not begin like a head.
    NotHttp,
    /// It begins like a request, but not like one of HTTP/1.0 or HTTP/1.1.
    OtherVersion,
    /// A field line breaks the grammar (folded, space before the colon, control characters, …).
    Syntax(&'static str),
    /// More bytes than [`HeadLimits`] allow.
    TooLong,
    /// More field lines than [`HeadLimits`] allow.
    TooManyFields,
    /// It was begun, and did not come to its end in time.
    TooSlow,
}

/// Looks for the end of a head as bytes arrive; every byte is looked at once.
#[derive(Debug, Default)]
pub(in crate::data_plane) struct HeadScan {
    line_start: usize,
    scanned: usize,
    skipped_lines: u8,
}

/// Field lines, in order, names as received.
#[derive(Clone, Debug, Default)]
pub(in crate::data_plane) struct Fields {
    bytes: Bytes,
    lines: Vec<(Place, Place)>,
    names: NameSet,
}

/// A field line.
pub(in crate::data_plane) struct Line<'f> {
    pub(in crate::data_plane) name: &'f [u8],
    pub(in crate::data_plane) value: &'f [u8],
    /// All of it in its head, if it is written as we would write it.
    pub(in crate::data_plane) place: Option<Range<usize>>,
}

/// A request's head as received.
#[derive(Clone, Debug)]
pub(in crate::data_plane) struct RequestHead {
    /// The field lines.
    pub(in crate::data_plane) fields: Fields,
    /// The version of the request line.
    pub(in crate::data_plane) version: Version,
    method: Place,
    target: Place,
    /// Of the target what the client said to be one.
    path: Place,
    ends: bool,
    protocol: Option<Place>,
}

/// A response's head as received.
#[derive(Clone, Debug)]
pub(in crate::data_plane) struct ResponseHead {
    /// The field lines.
    pub(in crate::data_plane) fields: Fields,
    /// 100–599.
    pub(in crate::data_plane) status: u16,
    /// What the origin spoke.
    pub(in crate::data_plane) version: Version,
    phrase: Place,
}

impl ResponseHead {
    /// Keeps its own bytes, and not the room that it was read into.
    pub(in crate::data_plane) fn give_back(&mut self) {
        self.fields.bytes = Bytes::copy_from_slice(&self.fields.bytes);
    }
}

/// Puts a head together that came in another form than text.
#[derive(Debug, Default)]
pub(in crate::data_plane) struct Gathering {
    bytes: Vec<u8>,
    lines: Vec<(Place, Place)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: u32,
    end: u32,
}

impl HeadFault {
    /// What to say about it.
    pub(in crate::data_plane) const fn as_str(self) -> &'static str {
        match self {
            Self::BareLineFeed => "a line of the head does not end with CR LF",
            Self::NotHttp => "this is not HTTP/1.x",
            Self::OtherVersion => "the request line does not end with HTTP/1.0 or HTTP/1.1",
            Self::Syntax(what) => what,
            Self::TooLong => "the head has more bytes than are allowed",
            Self::TooManyFields => "the head has more field lines than are allowed",
            Self::TooSlow => "the head did not arrive in time",
        }
    }

    /// What a request with it is refused for.
    pub(in crate::data_plane) const fn reason(self) -> Reason {
        match self {
            Self::BareLineFeed
            | Self::NotHttp
            | Self::OtherVersion
            | Self::Syntax(_)
            | Self::TooLong
            | Self::TooManyFields => Reason::MalformedRequest,
            Self::TooSlow => Reason::RequestTimeout,
        }
    }
}

impl HeadScan {
    /// The number of bytes of the head at the beginning of `buffer`, once its last line is there.
    /// A few empty lines before a request are taken away.
    pub(in crate::data_plane) fn end(
        &mut self,
        buffer: &mut BytesMut,
        limits: HeadLimits,
    ) -> Result<Option<usize>, HeadFault> {
        let (mut skipped, begun) = (0, self.scanned.min(buffer.len()));
        for at in memchr::memchr_iter(b'\n', &buffer[begun..]).map(|found| begun + found) {
            if at == 0 || buffer[at - 1] != b'\r' {
                return Err(HeadFault::BareLineFeed);
            }
            let line_is_empty = at - 1 == self.line_start;
            if line_is_empty && at - 1 == skipped {
                if self.skipped_lines == EMPTY_LINES_MAX {
                    return Err(HeadFault::NotHttp);
                }
                self.skipped_lines += 1;
                skipped = at + 1;
            } else if at + 1 - skipped > limits.bytes {
                return Err(HeadFault::TooLong);
            } else if line_is_empty {
                buffer.advance(skipped);
                return Ok(Some(at + 1 - skipped));
            }
            self.line_start = at + 1;
        }
        buffer.advance(skipped);
        self.line_start -= skipped;
        self.scanned = buffer.len();
        if buffer.len() > limits.bytes { Err(HeadFault::TooLong) } else { Ok(None) }
    }
}

impl Fields {
    /// Reads a block of field lines that ends with an empty line, as trailers do.
    pub(in crate::data_plane) fn parse(block: Bytes, fields_max: usize) -> Result<Self, HeadFault> {
        let mut room = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let lines = match httparse::parse_headers(&block, &mut room[..fields_max.min(FIELDS_MAX)]) {
            Ok(httparse::Status::Complete((_, lines))) => places(&block, lines)?,
            Ok(httparse::Status::Partial) => return Err(HeadFault::Syntax("the head is cut short")),
            Err(error) => return Err(fault(error)),
        };
        Ok(Self::new(block, lines))
    }

    fn new(bytes: Bytes, lines: Vec<(Place, Place)>) -> Self {
        let names = lines.iter().map(|(name, _)| name.of(&bytes)).collect();
        Self { bytes, lines, names }
    }

    /// All lines: name and value.
    pub(in crate::data_plane) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|&(name, value)| (name.of(&self.bytes), value.of(&self.bytes)))
    }

    /// The same, and where each line stands in the head, where it came as we would write it.
    pub(in crate::data_plane) fn iter_whole(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|&(name, value)| {
            let (start, end) = (name.start as usize, value.end as usize + 2);
            // By patterns: a comparison of slices is a call.
            let is_plain = matches!(self.bytes.get(name.end as usize..value.start as usize), Some([b':', b' ']))
                && matches!(self.bytes.get(value.end as usize..end), Some([b'\r', b'\n']));
            let (name, value) = (name.of(&self.bytes), value.of(&self.bytes));
            Line { name, value, place: is_plain.then_some(start..end) }
        })
    }

    /// Some of the head, as it came.
    pub(in crate::data_plane) fn part(&self, place: Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or_default()
    }

    /// The values of all lines with this name (any case).
    pub(in crate::data_plane) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = if self.names.may_have(name.as_bytes()) { &self.lines[..] } else { &[] };
        // Most names are told apart by their length alone.
        let lines = lines.iter().filter(|(key, _)| key.length() == name.len());
        let lines = lines.filter(|(key, _)| key.of(&self.bytes).eq_ignore_ascii_case(name.as_bytes()));
        lines.map(|(_, value)| value.of(&self.bytes))
    }

    /// The members of a comma-separated list over all lines with this name, trimmed, empty ones left out.
    pub(in crate::data_plane) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|member| !member.is_empty())
    }

    /// Whether the list has this member (any case).
    pub(in crate::data_plane) fn lists(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|found| found.eq_ignore_ascii_case(member.as_bytes()))
    }

    /// Bytes that they came in, with what stood before them.
    pub(in crate::data_plane) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no line.
    pub(in crate::data_plane) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl RequestHead {
    /// Parses a whole head.
    pub(in crate::data_plane) fn parse(head: Bytes, limits: HeadLimits) -> Result<Self, HeadFault> {
        let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(&head, &mut room[..limits.fields.min(FIELDS_MAX)]);
        match parsed {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {}
            Ok(_) => return Err(HeadFault::Syntax("the head is cut short")),
            Err(httparse::Error::Version) if is_like_request(&head) => return Err(HeadFault::OtherVersion),
            Err(error) => return Err(fault(error)),
        }
        let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
            return Err(HeadFault::NotHttp);
        };
        let lines = places(&head, request.headers)?;
        let (method, target) = (Place::new(&head, method.as_bytes()), Place::new(&head, target.as_bytes()));
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        let fields = Fields::new(head, lines);
        Ok(Self { method, target, path: target, version, fields, ends: false, protocol: None })
    }

    /// The method.
    pub(in crate::data_plane) fn method(&self) -> &[u8] {
        self.method.of(&self.fields.bytes)
    }

    /// The request target.
    pub(in crate::data_plane) fn target(&self) -> &[u8] {
        self.target.of(&self.fields.bytes)
    }

    /// The same as it is logged: of HTTP/2 `:path`.
    pub(in crate::data_plane) fn path(&self) -> &[u8] {
        self.path.of(&self.fields.bytes)
    }

    /// What the stream says that it came on.
    pub(in crate::data_plane) fn stream(&self) -> StreamFacts<'_> {
        StreamFacts { ends: self.ends, protocol: self.protocol.map(|protocol| protocol.of(&self.fields.bytes)) }
    }
}

impl Gathering {
    /// Nothing, and room for so many bytes.
    pub(in crate::data_plane) fn with_capacity(bytes: usize, lines: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), lines: Vec::with_capacity(lines) }
    }

    /// One more field line.
    pub(in crate::data_plane) fn line(&mut self, name: &[u8], value: &[u8]) {
        let line = (self.put(&[name]), self.put(&[value]));
        self.lines.push(line);
    }

    /// The lines alone: trailers.
    pub(in crate::data_plane) fn fields(self) -> Fields {
        Fields::new(self.bytes.into(), self.lines)
    }

    /// The head of an HTTP/2 request: scheme and authority, where there is one, and path.
    pub(in crate::data_plane) fn request(
        mut self,
        method: &[u8],
        (authority, path): (&[&[u8]], &[u8]),
        stream: StreamFacts<'_>,
    ) -> RequestHead {
        let method = self.put(&[method]);
        let (authority, path) = (self.put(authority), self.put(&[path]));
        // The server as a whole is asked for by an absolute-form without a path.
        let is_whole = authority.start < authority.end && self.bytes.get(path.start as usize..) == Some(&b"*"[..]);
        let target = Place { start: authority.start, end: if is_whole { authority.end } else { path.end } };
        let protocol = stream.protocol.map(|protocol| self.put(&[protocol]));
        let ends = stream.ends;
        RequestHead { method, target, path, version: Version::H2, ends, protocol, fields: self.fields() }
    }

    /// The head of an HTTP/2 response.
    pub(in crate::data_plane) fn response(self, status: u16) -> ResponseHead {
        ResponseHead { status, version: Version::H2, phrase: Place::default(), fields: self.fields() }
    }

    fn put(&mut self, parts: &[&[u8]]) -> Place {
        let start = self.bytes.len() as u32;
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        Place { start, end: self.bytes.len() as u32 }
    }
}

impl ResponseHead {
    /// Whether bytes can be the beginning of a response.
    pub(in crate::data_plane) fn may_begin_with(bytes: &[u8]) -> bool {
        let start = b"HTTP/1.";
        let length = bytes.len().min(start.len());
        bytes[..length] == start[..length]
    }

    /// Parses a whole head.
    pub(in crate::data_plane) fn parse(head: Bytes, limits: HeadLimits) -> Result<Self, HeadFault> {
        let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            &head,
            &mut room[..limits.fields.min(FIELDS_MAX)],
        );
        match parsed {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {}
            Ok(_) => return Err(HeadFault::Syntax("the head is cut short")),
            Err(error) => return Err(fault(error)),
        }
        let (Some(minor), Some(status @ 100..=599)) = (response.version, response.code) else {
            return Err(HeadFault::Syntax("the status is not one of HTTP"));
        };
        let lines = places(&head, response.headers)?;
        let phrase = response.reason.map_or(Place::default(), |phrase| Place::new(&head, phrase.as_bytes()));
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        Ok(Self { status, version, phrase, fields: Fields::new(head, lines) })
    }

    /// The reason phrase; may be empty.
    pub(in crate::data_plane) fn phrase(&self) -> &[u8] {
        self.phrase.of(&self.fields.bytes)
    }
}

impl Place {
    /// Where `part` stands in `whole`. Both ends are clamped, so that a part of something else is
    /// merely the wrong bytes.
    fn new(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len());
        let end = (start + part.len()).min(whole.len());
        Self { start: start as u32, end: end as u32 }
    }

    const fn length(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    fn of(self, bytes: &Bytes) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Takes the head out of a buffer that begins with it. Where there is nothing else, nothing is divided.
pub(in crate::data_plane) fn split_head(buffer: &mut BytesMut, end: usize) -> Bytes {
    match end == buffer.len() {
        true => std::mem::take(buffer).freeze(),
        false => buffer.split_to(end).freeze(),
    }
}

fn places(whole: &[u8], lines: &[httparse::Header<'_>]) -> Result<Vec<(Place, Place)>, HeadFault> {
    if lines.iter().any(|line| line.name.is_empty()) {
        return Err(HeadFault::Syntax("a field has no name"));
    }
    Ok(lines.iter().map(|line| (Place::new(whole, line.name.as_bytes()), Place::new(whole, line.value))).collect())
}

/// Whether the first line has something of a request: a target or a version. The preface of HTTP/2 has, and is
/// none.
fn is_like_request(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    line.contains(&b'/') && !line.starts_with(b"PRI ")
}

fn fault(error: httparse::Error) -> HeadFault {
    match error {
        httparse::Error::HeaderName => HeadFault::Syntax("a field name has a character that is not allowed there"),
        httparse::Error::HeaderValue => HeadFault::Syntax("a field value has a character that is not allowed there"),
        httparse::Error::NewLine => HeadFault::BareLineFeed,
        httparse::Error::Status => HeadFault::Syntax("the status line is not one of HTTP"),
        httparse::Error::Token => HeadFault::Syntax("the request line is not one of HTTP"),
        httparse::Error::TooManyHeaders => HeadFault::TooManyFields,
        httparse::Error::Version => HeadFault::NotHttp,
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    use super::{HeadFault, HeadLimits, HeadScan, RequestHead, ResponseHead, Version};

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 8 };

    fn request(bytes: &[u8]) -> Result<RequestHead, HeadFault> {
        let mut buffer = BytesMut::from(bytes);
        let end = HeadScan::default().end(&mut buffer, LIMITS)?.expect("a whole head");
        RequestHead::parse(buffer.split_to(end).freeze(), LIMITS)
    }

    #[test]
    fn a_head_is_kept_as_it_came() {
        let head = request(b"\r\n\r\nPoST /a?b HTTP/1.1\r\nHost: x\r\nX-A:  b c \r\nx-a: d\r\n\r\n").unwrap();
        assert_eq!((head.method(), head.target()), (&b"PoST"[..], &b"/a?b"[..]));
        let lines: Vec<_> = head.fields.iter().collect();
        assert_eq!(lines, [(&b"Host"[..], &b"x"[..]), (b"X-A", b"b c"), (b"x-a", b"d")]);
        assert_eq!(head.fields.all("x-A").collect::<Vec<_>>(), [&b"b c"[..], b"d"]);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for bad in [
            &b"GET / HTTP/1.1\nHost: x\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: x\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
            b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost\r\n\r\n",
            b"GET / HTTP/1.1\r\n: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHo\x00st: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\x00y\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n",
            b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
            b"GET /\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\r\n\r\n",
            b"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ] {
            assert!(request(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn heads_are_bounded() {
        let mut long = BytesMut::from(&b"GET / HTTP/1.1\r\nX: "[..]);
        long.extend_from_slice(&[b'a'; 1024]);
        assert_eq!(HeadScan::default().end(&mut long, LIMITS), Err(HeadFault::TooLong));
        let mut many = b"GET / HTTP/1.1\r\n".to_vec();
        many.extend_from_slice(&b"a: b\r\n".repeat(9));
        many.extend_from_slice(b"\r\n");
        assert_eq!(request(&many).unwrap_err(), HeadFault::TooManyFields);
    }

    #[test]
    fn a_response_may_lack_its_phrase() {
        let head = ResponseHead::parse(Bytes::from_static(b"HTTP/1.0 404\r\n\r\n"), LIMITS).unwrap();
        assert_eq!((head.status, head.version, head.phrase()), (404, Version::Http10, &b""[..]));
        assert!(ResponseHead::parse(Bytes::from_static(b"HTTP/1.1 999 x\r\n\r\n"), LIMITS).is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            if let Ok(Some(end)) = HeadScan::default().end(&mut buffer, LIMITS) {
                let head = buffer.split_to(end).freeze();
                let _ = RequestHead::parse(head.clone(), LIMITS);
                let _ = ResponseHead::parse(head, LIMITS);
            }
        }

        #[test]
        fn where_a_head_is_cut_does_not_matter(
            text in "(\r\n){0,6}GET /[a-z]{0,5} HTTP/1\\.[01]\r\n([A-Za-z ]{1,4}: ?[a-z\n]{0,4}\r\n){0,4}\r\nrest",
            step in 1_usize..9,
        ) {
            let whole = HeadScan::default().end(&mut BytesMut::from(text.as_bytes()), LIMITS);
            let (mut scan, mut buffer, mut found) = (HeadScan::default(), BytesMut::new(), Ok(None));
            for piece in text.as_bytes().chunks(step) {
                buffer.extend_from_slice(piece);
                found = scan.end(&mut buffer, LIMITS);
                if found != Ok(None) {
                    break;
                }
            }
            prop_assert_eq!(found, whole);
        }
    }
}
