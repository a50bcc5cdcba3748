//! Frames, counted as they come in. Most floods of HTTP/2 are frames that cost their sender nothing and
//! carry nothing; `h2` bounds what they make us keep, and this what they make us do.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use super::{
    parser::{Header, Parser, Seen},
    windows::Windows,
};
use crate::config::Http2;

/// What a client sends first (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is counted is counted within this time.
const WINDOW: Duration = Duration::from_secs(10);
/// Bytes that we send, for each of which a client may send one frame more: it has to open windows.
const BYTES_PER_FRAME: usize = 1024;
/// Frames that a client may send more for each request.
const FRAMES_PER_REQUEST: u32 = 4;

/// The frames of a connection, as they come in.
pub(super) struct Frames {
    parser: RefCell<Parser>,
    control: Count,
    resets: Count,
    sent_bytes: Cell<usize>,
    has_excess: Cell<bool>,
    opened: Cell<u64>,
    last_stream: Cell<u32>,
}

/// So many within the time.
struct Count {
    max: u32,
    seen: Cell<u32>,
    since: Cell<Instant>,
}

/// What a frame is to the counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Carries something.
    Content,
    /// Carries nothing.
    Control,
    /// Begins a request, or ends its body.
    Headers,
    /// Takes a request back.
    Reset,
}

impl Frames {
    /// Of a connection that begins with the preface.
    pub(super) fn new(limits: &Http2) -> Self {
        Self {
            parser: RefCell::new(Parser::behind(PREFACE.len())),
            control: Count::new(limits.control_frames),
            resets: Count::new(limits.resets),
            sent_bytes: Cell::new(0),
            has_excess: Cell::new(false),
            opened: Cell::new(0),
            last_stream: Cell::new(0),
        }
    }

    /// Bytes that came in; what they say of windows is `windows`' to know.
    pub(super) fn received(&self, bytes: &[u8], windows: &Windows) {
        self.parser.borrow_mut().read(bytes, |seen| {
            windows.received(&seen);
            if let Seen::Frame(header) = seen {
                self.count(&header);
            }
        });
    }

    /// Bytes that went out.
    pub(super) fn sent(&self, bytes: usize) {
        let sent = self.sent_bytes.get() + bytes;
        self.control.forgive(u32::try_from(sent / BYTES_PER_FRAME).unwrap_or(u32::MAX));
        self.sent_bytes.set(sent % BYTES_PER_FRAME);
    }

    /// Requests that were begun, those that nobody got to see among them.
    pub(super) fn opened(&self) -> u64 {
        self.opened.get()
    }

    /// Whether more came than is taken.
    pub(super) fn has_excess(&self) -> bool {
        self.has_excess.get()
    }

    fn count(&self, header: &Header) {
        match Kind::of(header) {
            Kind::Content => {}
            Kind::Control if self.control.is_excess() => self.has_excess.set(true),
            Kind::Reset if self.resets.is_excess() => self.has_excess.set(true),
            Kind::Control | Kind::Reset => {}
            Kind::Headers => {
                self.control.forgive(FRAMES_PER_REQUEST);
                if header.stream > self.last_stream.replace(header.stream.max(self.last_stream.get())) {
                    self.opened.set(self.opened.get() + 1);
                }
            }
        }
    }
}

impl Kind {
    /// RFC 9113 section 6.
    fn of(header: &Header) -> Self {
        const END_STREAM: u8 = 1;
        match header.kind {
            0 if header.length > 0 || header.flags & END_STREAM != 0 => Self::Content,
            1 => Self::Headers,
            3 => Self::Reset,
            // Empty DATA, PRIORITY, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, others.
            _ => Self::Control,
        }
    }
}

impl Count {
    fn new(max: u32) -> Self {
        Self { max, seen: Cell::new(0), since: Cell::new(Instant::now()) }
    }

    /// One more. The clock is looked at only when it decides.
    fn is_excess(&self) -> bool {
        self.seen.set(self.seen.get() + 1);
        if self.seen.get() <= self.max {
            return false;
        }
        if self.since.get().elapsed() < WINDOW {
            return true;
        }
        self.seen.set(1);
        self.since.set(Instant::now());
        false
    }

    fn forgive(&self, count: u32) {
        self.seen.set(self.seen.get().saturating_sub(count));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            parser::{Parser, Seen},
            windows::Windows,
        },
        Frames, PREFACE,
    };
    use crate::config::Http2;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let [_, a, b, c] = (length as u32).to_be_bytes();
        let mut frame = vec![a, b, c, kind, flags, 0, 0, 0, 1];
        frame.resize(9 + length, 7);
        frame
    }

    proptest! {
        #[test]
        fn where_reads_are_cut_does_not_matter(
            frames in proptest::collection::vec((0_u8..12, 0_u8..2, 0_usize..40), 0..20),
            step in 1_usize..60,
        ) {
            let mut wire = PREFACE.to_vec();
            let mut expected = Vec::new();
            for &(kind, flags, length) in &frames {
                wire.extend(frame(kind, flags, length));
                expected.push((kind, flags, length, 1));
            }
            let (mut parser, mut seen, mut bytes) = (Parser::behind(PREFACE.len()), Vec::new(), 0);
            for piece in wire.chunks(step) {
                parser.read(piece, |part| match part {
                    Seen::Frame(header) => seen.push((header.kind, header.flags, header.length, header.stream)),
                    Seen::Payload(payload) => bytes += payload.len(),
                });
            }
            let payloads: usize = frames.iter().map(|(_, _, length)| length).sum();
            prop_assert_eq!((seen, bytes), (expected, PREFACE.len() + payloads));
        }
    }

    #[test]
    fn what_carries_nothing_is_bounded_and_what_it_answers_is_not() {
        let limits = Http2 { control_frames: 10, resets: 3, ..Http2::default() };
        let (ping, windows) = (frame(6, 0, 8), Windows::new());
        let frames = Frames::new(&limits);
        frames.received(PREFACE, &windows);
        frames.received(&ping.repeat(10), &windows);
        assert!(!frames.has_excess());
        frames.sent(5 * 1024);
        frames.received(&ping.repeat(5), &windows);
        assert!(!frames.has_excess());
        frames.received(&ping, &windows);
        assert!(frames.has_excess());

        let frames = Frames::new(&limits);
        frames.received(PREFACE, &windows);
        frames.received(&[frame(1, 5, 20), frame(3, 0, 4)].concat().repeat(3), &windows);
        assert!(!frames.has_excess());
        frames.received(&frame(3, 0, 4), &windows);
        assert!(frames.has_excess());
    }
}
