//! What a client's windows let through, as its frames say. Before the head of an answer is sent, `h2` cannot be
//! asked; and what is read of an answer then waits here for as long as the client likes.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    task::Waker,
};

use super::parser::{ACK, DATA, Header, Parser, SETTINGS, Seen, WINDOW_UPDATE};

/// Bytes of a window that are worth an answer: what comes first of it, and its frames.
pub(super) const WORTH_BYTES: u64 = 16 << 10;
/// What a window begins with (RFC 9113 section 6.9.2).
const INITIAL_BYTES: u32 = 65_535;
/// The parameter of SETTINGS that says what a stream's begins with.
const INITIAL_WINDOW_SIZE: u16 = 4;
/// Streams whose windows are known to have been opened, where they begin with next to nothing.
const OPENED_MAX: usize = 256;

/// The windows of a connection.
pub(super) struct Windows {
    /// A stream's, to begin with.
    initial: Cell<u32>,
    /// What is left of the connection's.
    connection: Cell<i64>,
    /// By how much those of streams were opened that had not been worth much.
    opened: RefCell<VecDeque<(u32, u64)>>,
    item: Cell<Item>,
    out: RefCell<Parser>,
    waiting: RefCell<Vec<Waker>>,
}

/// A part of a payload that is being read: a parameter, or an increment.
#[derive(Clone, Copy, Debug, Default)]
struct Item {
    what: What,
    bytes: [u8; 6],
    have: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum What {
    #[default]
    Nothing,
    Parameter,
    Increment(u32),
}

impl Windows {
    /// Those that every connection begins with.
    pub(super) fn new() -> Self {
        Self {
            initial: Cell::new(INITIAL_BYTES),
            connection: Cell::new(i64::from(INITIAL_BYTES)),
            opened: RefCell::default(),
            item: Cell::default(),
            out: RefCell::new(Parser::default()),
            waiting: RefCell::default(),
        }
    }

    /// Bytes of an answer of which nothing was sent that this stream would let through.
    pub(super) fn left(&self, stream: u32) -> u64 {
        let opened = self.opened.borrow().iter().find(|(number, _)| *number == stream).map_or(0, |(_, bytes)| *bytes);
        let of_stream = u64::from(self.initial.get()) + opened;
        of_stream.min(u64::try_from(self.connection.get()).unwrap_or(0))
    }

    /// Wakes this waiter once a window has been opened.
    pub(super) fn wait(&self, waker: &Waker) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// What came in.
    pub(super) fn received(&self, seen: &Seen<'_>) {
        match seen {
            Seen::Frame(Header { kind: SETTINGS, flags, .. }) if flags & ACK == 0 => self.begin(What::Parameter),
            Seen::Frame(Header { kind: WINDOW_UPDATE, stream, .. }) => self.begin(What::Increment(*stream)),
            Seen::Frame(_) => self.begin(What::Nothing),
            Seen::Payload(bytes) => self.payload(bytes),
        }
    }

    /// What went out.
    pub(super) fn sent(&self, bytes: &[u8]) {
        self.out.borrow_mut().read(bytes, |seen| {
            if let Seen::Frame(Header { kind: DATA, length, .. }) = seen {
                self.connection.set(self.connection.get() - length as i64);
            }
        });
    }

    fn begin(&self, what: What) {
        self.item.set(Item { what, ..Item::default() });
    }

    fn payload(&self, bytes: &[u8]) {
        let mut item = self.item.get();
        let length = match item.what {
            What::Nothing => return,
            What::Parameter => 6,
            What::Increment(_) => 4,
        };
        for &byte in bytes {
            if let Some(place) = item.bytes.get_mut(item.have) {
                *place = byte;
            }
            item.have += 1;
            if item.have == length {
                item.have = 0;
                self.take(&item);
            }
        }
        self.item.set(item);
    }

    fn take(&self, item: &Item) {
        let [a, b, c, d, e, f] = item.bytes;
        match item.what {
            What::Nothing => return,
            What::Parameter if u16::from_be_bytes([a, b]) == INITIAL_WINDOW_SIZE => {
                self.initial.set(u32::from_be_bytes([c, d, e, f]));
            }
            What::Parameter => return,
            What::Increment(0) => {
                self.connection.set(self.connection.get().saturating_add(i64::from(u32::from_be_bytes([a, b, c, d]))));
            }
            What::Increment(stream) => {
                if u64::from(self.initial.get()) >= WORTH_BYTES {
                    return;
                }
                let (mut opened, bytes) = (self.opened.borrow_mut(), u64::from(u32::from_be_bytes([a, b, c, d])));
                match opened.iter_mut().find(|(number, _)| *number == stream) {
                    Some((_, all)) => *all = all.saturating_add(bytes),
                    None => opened.push_back((stream, bytes)),
                }
                if opened.len() > OPENED_MAX {
                    opened.pop_front();
                }
            }
        }
        self.waiting.borrow_mut().drain(..).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::parser::Parser, INITIAL_BYTES, Windows};

    fn frame(kind: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, payload.len() as u8, kind, 0, 0, 0, 0, stream][..], payload].concat()
    }

    #[test]
    fn windows_are_what_the_frames_say_wherever_they_are_cut() {
        let received = [
            frame(4, 0, &[0, 3, 0, 0, 0, 9, 0, 4, 0, 0, 0, 0]),
            frame(8, 3, &[0, 0, 0, 7]),
            frame(8, 3, &[0, 0, 0, 1]),
            frame(8, 0, &[0, 0, 1, 0]),
        ];
        for step in 1..20 {
            let (windows, mut parser) = (Windows::new(), Parser::default());
            assert_eq!(windows.left(1), u64::from(INITIAL_BYTES));
            received.concat().chunks(step).for_each(|piece| parser.read(piece, |seen| windows.received(&seen)));
            assert_eq!((windows.left(1), windows.left(3)), (0, 8), "{step}");
            assert_eq!(windows.connection.get(), i64::from(INITIAL_BYTES) + 256);
            let sent = [frame(1, 3, &[1; 30]), frame(0, 3, &[1; 200]), frame(0, 3, &[1; 50])].concat();
            sent.chunks(step).for_each(|piece| windows.sent(piece));
            assert_eq!(windows.connection.get(), i64::from(INITIAL_BYTES) + 6, "{step}");
        }
    }

    #[test]
    fn a_connection_without_a_window_lets_nothing_through() {
        let windows = Windows::new();
        for _ in 0..257 {
            windows.sent(&frame(0, 1, &[1; 255]));
        }
        assert_eq!(windows.left(3), 0);
    }
}
