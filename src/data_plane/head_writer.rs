//! A head on its way out: text for HTTP/1.1, fields for HTTP/2. Whoever writes one says what stands in
//! it, once for both.

use std::ops::Range;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::http1::{Fields, Line};

/// Bytes of the text that most heads fit into: one allocation instead of several.
const TEXT_BYTES: usize = 512;
/// Bytes of values that a head has more often than not.
const VALUES_BYTES: usize = 1024;
/// Lines, likewise.
const LINES: usize = 24;
/// Bytes that a head grows by on its way, mostly.
const ADDED_BYTES: usize = 320;

/// A head, or trailers, in the making.
pub(super) enum HeadWriter {
    /// As it goes onto the wire.
    Http1(Vec<u8>),
    /// To be compressed by the connection. In a box, so that HTTP/1.1 does not own the room for it.
    Http2(Box<Gathered>),
}

/// A head for HTTP/2.
#[derive(Clone, Default)]
pub(super) struct Gathered {
    /// Of a response.
    pub(super) status: StatusCode,
    /// Of a request.
    pub(super) method: Method,
    /// Of a request: `:authority`, and `:path`.
    pub(super) target: (String, String),
    /// Of a request: `:protocol`, of a stream that is to become something else.
    pub(super) protocol: Option<&'static str>,
    pub(super) fields: HeaderMap,
    /// Where the values are cut from, so that one allocation serves all.
    values: BytesMut,
    /// The name of the line that is being written.
    name: &'static [u8],
}

impl HeadWriter {
    /// An empty one.
    pub(super) fn http1() -> Self {
        Self::Http1(Vec::new())
    }

    /// An empty one.
    pub(super) fn http2() -> Self {
        Self::Http2(Box::default())
    }

    /// Whether it is one for HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Makes room for a head that came in so many bytes: more than it takes is taken from what others have in the
    /// processor's cache.
    pub(super) fn make_room(&mut self, bytes: usize) {
        match self {
            Self::Http1(out) => out.reserve(bytes + ADDED_BYTES),
            Self::Http2(_) => {}
        }
    }

    /// The first line.
    pub(super) fn status(&mut self, status: u16, phrase: &[u8]) {
        match self {
            Self::Http1(out) => {
                out.reserve(TEXT_BYTES);
                out.extend_from_slice(b"HTTP/1.1 ");
                let [hundreds, tens, ones] = [status / 100, status / 10 % 10, status % 10];
                out.extend([hundreds, tens, ones].map(|digit| b'0' + digit as u8));
                out.push(b' ');
                out.extend_from_slice(phrase);
                out.extend_from_slice(b"\r\n");
            }
            Self::Http2(out) => {
                // Every status that is parsed or configured is one; HTTP/2 has no phrase.
                out.status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                out.fields.reserve(LINES);
                out.values.reserve(VALUES_BYTES);
            }
        }
    }

    /// The first line of a request, and its host.
    pub(super) fn request(&mut self, method: &[u8], path: &str, authority: &str) {
        match self {
            Self::Http1(out) => {
                for piece in [method, b" ", path.as_bytes(), b" HTTP/1.1\r\nHost: ", authority.as_bytes(), b"\r\n"] {
                    out.extend_from_slice(piece);
                }
            }
            Self::Http2(out) => {
                // What was checked to be a token is one.
                out.method = Method::from_bytes(method).unwrap_or_default();
                out.target = (authority.to_owned(), path.to_owned());
                out.fields.reserve(LINES);
                out.values.reserve(VALUES_BYTES);
            }
        }
    }

    /// The first line of a request for a stream that is to become something else (RFC 8441 section 4).
    pub(super) fn connect(&mut self, protocol: &'static str, path: &str, authority: &str) {
        self.request(b"CONNECT", path, authority);
        match self {
            Self::Http1(_) => {}
            Self::Http2(out) => out.protocol = Some(protocol),
        }
    }

    /// Begins a field line whose value comes in pieces.
    pub(super) fn begin_line(&mut self, name: &'static [u8]) {
        match self {
            Self::Http1(out) => {
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
            }
            Self::Http2(out) => out.name = name,
        }
    }

    /// A piece of a value.
    pub(super) fn piece(&mut self, piece: &[u8]) {
        match self {
            Self::Http1(out) => out.extend_from_slice(piece),
            Self::Http2(out) => out.values.extend_from_slice(piece),
        }
    }

    /// Ends a field line that came in pieces.
    pub(super) fn end_line(&mut self) {
        match self {
            Self::Http1(out) => out.extend_from_slice(b"\r\n"),
            Self::Http2(out) => out.line(out.name, b""),
        }
    }

    /// A field line.
    pub(super) fn line(&mut self, name: &[u8], value: &[u8]) {
        match self {
            Self::Http1(out) => super::request::line(out, name, value),
            Self::Http2(out) => out.line(name, value),
        }
    }

    /// Bytes that are whole lines of HTTP/1.1.
    fn lines(&mut self, lines: &[u8]) {
        match self {
            Self::Http1(out) => out.extend_from_slice(lines),
            Self::Http2(_) => {}
        }
    }

    /// `Content-Length`.
    pub(super) fn length(&mut self, length: u64) {
        let mut room = [0; 20];
        self.line(b"Content-Length", super::request::decimal(length, &mut room));
    }

    /// The end of the lines.
    pub(super) fn end(&mut self) {
        match self {
            Self::Http1(out) => out.extend_from_slice(b"\r\n"),
            Self::Http2(_) => {}
        }
    }
}

/// Field lines that go on as they came, one behind the other: they are taken over together.
pub(super) struct Received<'f> {
    fields: &'f Fields,
    /// Those that have not been written yet.
    run: Range<usize>,
}

impl<'f> Received<'f> {
    /// None of these yet.
    pub(super) fn of(fields: &'f Fields) -> Self {
        Self { fields, run: 0..0 }
    }

    /// One more goes on.
    pub(super) fn pass(&mut self, out: &mut HeadWriter, line: Line<'_>) {
        match line.place.filter(|_| !out.is_http2()) {
            Some(place) if place.start == self.run.end => self.run.end = place.end,
            Some(place) => {
                self.write(out);
                self.run = place;
            }
            None => {
                self.write(out);
                out.line(line.name, line.value);
            }
        }
    }

    /// Writes what is left, before anything else is.
    pub(super) fn write(&mut self, out: &mut HeadWriter) {
        if !self.run.is_empty() {
            out.lines(self.fields.part(std::mem::take(&mut self.run)));
        }
    }
}

impl Gathered {
    /// A field line.
    pub(super) fn line(&mut self, name: &[u8], value: &[u8]) {
        self.values.extend_from_slice(value);
        let value = HeaderValue::from_maybe_shared(self.values.split().freeze());
        // What HTTP/2 cannot say was not valid in HTTP/1.1 either.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            let _ = self.fields.try_append(name, value);
        }
    }
}
