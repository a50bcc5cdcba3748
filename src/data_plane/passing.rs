//! The bytes of a committed body between the engine and the client.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::{downstream::Downstream, record::Record, stop::Stop};
use crate::engine::body_filter::Output;

/// The bytes of a committed body that are on their way: inside the engine, or let go and not yet
/// written. A fault in the engine loses none of them where they pass unchanged.
pub(super) struct Passing {
    /// What goes out is what came in.
    pub(super) is_original: bool,
    inside: VecDeque<Bytes>,
    /// Let go, and not yet written.
    pub(super) out: Vec<Bytes>,
    /// Bytes of `out` that have been taken from `inside`.
    pub(super) counted: usize,
}

impl Passing {
    /// `inside` is what the engine has been given already.
    pub(super) fn new(output: Output, inside: VecDeque<Bytes>) -> Self {
        let is_original = output == Output::Original;
        let inside = if is_original { inside } else { VecDeque::new() };
        Self { is_original, inside, out: Vec::new(), counted: 0 }
    }

    /// The engine is given a piece.
    pub(super) fn enter(&mut self, piece: &Bytes) {
        if self.is_original {
            self.inside.push_back(piece.clone());
        }
    }

    /// Takes from `inside` what has been let go since the last time.
    pub(super) fn count(&mut self) {
        let total: usize = self.out.iter().map(Bytes::len).sum();
        let mut released = total - self.counted.min(total);
        self.counted = total;
        while let Some(front) = self.inside.front_mut() {
            if front.len() > released {
                front.advance(released);
                break;
            }
            released -= front.len();
            self.inside.pop_front();
        }
    }

    /// Sends what was let go.
    pub(super) async fn write(&mut self, downstream: &mut Downstream<'_>, record: &mut Record) -> Result<(), Stop> {
        self.counted = 0;
        downstream.write(&mut self.out, record).await
    }

    /// Everything that has not been written, in order.
    pub(super) fn rest(self) -> VecDeque<Bytes> {
        self.out.into_iter().chain(self.inside).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Output, Passing};

    #[test]
    fn nothing_is_lost_between_the_engine_and_the_wire() {
        let mut passing = Passing::new(Output::Original, [Bytes::from_static(b"abc")].into());
        passing.enter(&Bytes::from_static(b"defg"));
        passing.out.push(Bytes::from_static(b"ab"));
        passing.count();
        passing.out.push(Bytes::from_static(b"cd"));
        passing.count();
        passing.count();
        let rest: Vec<u8> = passing.rest().into_iter().flatten().collect();
        assert_eq!(rest, b"abcdefg");
    }
}
