//! The beginning of a connection, up to its first request. It is answered from here: who says no more than that
//! they speak HTTP/2 costs the bytes that they have sent, and not the buffers that `h2` owns from the start.
//! What came is kept, and read by `h2` once there is one; what was said is not said again ([`Echo`]).

use bytes::{Buf, BytesMut};
use tokio::{
    select,
    time::{Instant, timeout_at},
};

use super::{
    frames::PREFACE,
    parser::{ACK, SETTINGS, WINDOW_UPDATE},
};
use crate::{
    config::Edge,
    data_plane::{
        connection::{LINGER, linger},
        socket::{READ_BYTES, Socket},
        worker::Worker,
    },
};

/// Bytes of the beginning that are waited with.
const BYTES_MAX: usize = 256;
const HEADER_BYTES: usize = 9;
/// Acknowledges the client's SETTINGS.
const SETTINGS_ACK: [u8; HEADER_BYTES] = [0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0];
/// GOAWAY with NO_ERROR: no stream was looked at.
const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The window that a connection begins with, and the largest (RFC 9113 section 6.9.2).
const WINDOW_BYTES: u32 = 65_535;
const WINDOW_BYTES_MAX: u32 = u32::MAX >> 1;

/// How the beginning ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// Something has come, or happened, that wants a connection; so much has been said.
    Asked(Said),
    /// The client left.
    Gone,
    /// It said nothing for too long, and has been told.
    Idle,
}

/// What has been said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    settings: bool,
    /// The client's SETTINGS were acknowledged.
    acknowledged: bool,
}

/// What a beginning holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// Nothing beyond what every connection begins with; the client's SETTINGS are here, or are not yet.
    Plain { has_settings: bool },
    /// More than that, or something wrong.
    More,
}

/// Waits for the first frame that asks for something. `inbox` begins with the preface; all of it stays there.
pub(super) async fn wait(worker: &Worker, edge: &Edge, socket: &Socket, inbox: &mut BytesMut) -> Opened {
    let deadline = Instant::now() + edge.timeouts.keep_alive;
    let mut said = Said::default();
    loop {
        let Beginning::Plain { has_settings } = Beginning::of(inbox) else { return Opened::Asked(said) };
        if !answer(socket, &mut said, has_settings, edge).await {
            return Opened::Gone;
        }
        let read = select! {
            biased;
            () = worker.stop.cancelled() => return Opened::Asked(said),
            read = timeout_at(deadline, socket.read_late(inbox, READ_BYTES)) => read,
        };
        match read {
            Ok(Ok(count)) if count > 0 => {}
            Ok(Ok(_) | Err(_)) => return Opened::Gone,
            Err(_) => {
                let _ = socket.write(&GOAWAY, &[], &[], LINGER).await;
                linger(socket).await;
                return Opened::Idle;
            }
        }
    }
}

/// Says what is due. `false`: nobody hears it.
async fn answer(socket: &Socket, said: &mut Said, has_settings: bool, edge: &Edge) -> bool {
    let mut out = Vec::new();
    if !said.settings {
        out = super::connection::settings(edge);
    }
    if has_settings && !said.acknowledged {
        out.extend_from_slice(&SETTINGS_ACK);
    }
    *said = Said { settings: true, acknowledged: has_settings };
    out.is_empty() || socket.write(&out, &[], &[], edge.timeouts.client_idle).await.is_ok()
}

impl Beginning {
    fn of(inbox: &[u8]) -> Self {
        let mut rest = inbox.get(PREFACE.len()..).unwrap_or_default();
        let (mut has_settings, mut has_window) = (false, false);
        if rest.len() > BYTES_MAX {
            return Self::More;
        }
        while let [a, b, c, kind, flags, stream @ .., d] = rest.get(..HEADER_BYTES).unwrap_or_default() {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            let payload = rest.get(HEADER_BYTES..HEADER_BYTES + length);
            let is_of_connection = stream.iter().chain([d]).all(|&byte| byte == 0);
            let is_plain = is_of_connection
                && match (*kind, *flags, length) {
                    (SETTINGS, 0, _) if !has_settings => payload.is_none_or(are_settings),
                    (SETTINGS, ACK, 0) => has_settings,
                    (WINDOW_UPDATE, _, 4) if !has_window => payload.is_none_or(is_window_update) && has_settings,
                    (_, _, _) => false,
                };
            if !is_plain || length > BYTES_MAX {
                return Self::More;
            }
            let Some(payload) = payload else { break };
            has_settings = true;
            has_window |= *kind == WINDOW_UPDATE;
            rest = &rest[HEADER_BYTES + payload.len()..];
        }
        Self::Plain { has_settings }
    }
}

/// Whether `h2` has nothing to say against them (RFC 9113 section 6.5.2, RFC 8441 section 3).
fn are_settings(mut payload: &[u8]) -> bool {
    if !payload.len().is_multiple_of(6) {
        return false;
    }
    while payload.has_remaining() {
        let (name, value) = (payload.get_u16(), payload.get_u32());
        let is_valid = match name {
            2 | 8 => value <= 1,
            4 => value <= WINDOW_BYTES_MAX,
            5 => (1 << 14..1 << 24).contains(&value),
            _ => true,
        };
        if !is_valid {
            return false;
        }
    }
    true
}

fn is_window_update(payload: &[u8]) -> bool {
    let Ok(bytes) = <[u8; 4]>::try_from(payload) else { return false };
    (1..=WINDOW_BYTES_MAX - WINDOW_BYTES).contains(&u32::from_be_bytes(bytes))
}

/// Takes what has been said out of what `h2` says: its first SETTINGS, and its first acknowledgement.
pub(super) struct Echo {
    said: Said,
    /// Bytes of the frame at hand that are still to come.
    left: usize,
    is_dropped: bool,
}

impl Echo {
    /// `None` where nothing was said.
    pub(super) fn of(said: Said) -> Option<Self> {
        (said != Said::default()).then_some(Self { said, left: 0, is_dropped: false })
    }

    /// Of these bytes, which `h2` writes next, so many are of one frame; `true`: they have been said.
    pub(super) fn next(&mut self, bytes: &[u8]) -> (usize, bool) {
        if self.left == 0 {
            self.begin(bytes);
        }
        (self.left.min(bytes.len()), self.is_dropped)
    }

    /// So many of them are gone. `false`: nothing more is to be taken out.
    pub(super) fn passed(&mut self, bytes: usize) -> bool {
        self.left -= bytes.min(self.left);
        self.left > 0 || self.said != Said::default()
    }

    /// `h2` writes the header of a frame in one piece.
    fn begin(&mut self, bytes: &[u8]) {
        let Some([a, b, c, kind, flags, ..]) = bytes.get(..HEADER_BYTES) else {
            *self = Self { said: Said::default(), left: bytes.len(), is_dropped: false };
            return;
        };
        self.left = HEADER_BYTES + u32::from_be_bytes([0, *a, *b, *c]) as usize;
        self.is_dropped = match (*kind, flags & ACK != 0) {
            (SETTINGS, true) => std::mem::take(&mut self.said.acknowledged),
            (SETTINGS, false) => std::mem::take(&mut self.said.settings),
            (_, _) => false,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Beginning, Echo, PREFACE, SETTINGS_ACK, Said};

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream][..], payload].concat()
    }

    fn beginning(frames: &[Vec<u8>]) -> Beginning {
        Beginning::of(&[&PREFACE[..], &frames.concat()].concat())
    }

    #[test]
    fn what_every_connection_begins_with_is_waited_with_and_nothing_else_is() {
        let settings = frame(4, 0, 0, &[0, 4, 0, 0, 1, 0]);
        let update = frame(8, 0, 0, &[0, 0, 1, 0]);
        let plain = |has_settings| Beginning::Plain { has_settings };
        assert_eq!(beginning(&[]), plain(false));
        assert_eq!(beginning(&[settings[..7].to_vec()]), plain(false));
        assert_eq!(beginning(&[settings[..12].to_vec()]), plain(false));
        assert_eq!(beginning(std::slice::from_ref(&settings)), plain(true));
        assert_eq!(beginning(&[settings.clone(), SETTINGS_ACK.to_vec(), update.clone()]), plain(true));
        for more in [
            frame(1, 5, 1, b"x"),
            frame(6, 0, 0, &[0; 8]),
            frame(2, 0, 1, &[0; 5]),
            frame(4, 0, 0, &[]),
            frame(4, 0, 1, &[]),
            frame(8, 0, 0, &[0; 4]),
            frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
            frame(8, 0, 1, &[0, 0, 0, 1]),
            [update.clone(), update.clone()].concat(),
        ] {
            assert_eq!(beginning(&[settings.clone(), more.clone()]), Beginning::More, "{more:?}");
        }
        for bad in [
            frame(4, 0, 0, &[0]),
            frame(4, 0, 0, &[0, 2, 0, 0, 0, 2]),
            frame(4, 0, 0, &[0, 4, 0x80, 0, 0, 0]),
            frame(4, 0, 0, &[0, 5, 0, 0, 0, 1]),
            SETTINGS_ACK.to_vec(),
            update,
        ] {
            assert_eq!(beginning(std::slice::from_ref(&bad)), Beginning::More, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_has_been_said_is_said_once(
            other in proptest::collection::vec((0_u8..10, 0_usize..30), 0..6),
            place in 0_usize..6,
            step in 1_usize..40,
            acknowledged in any::<bool>(),
        ) {
            let others: Vec<Vec<u8>> =
                other.iter().filter(|(kind, _)| *kind != 4).map(|&(kind, length)| frame(kind, 0, 1, &vec![7; length])).collect();
            let (settings, ack) = (frame(4, 0, 0, &[0, 3, 0, 0, 0, 1]), SETTINGS_ACK.to_vec());
            let mut frames = others.clone();
            frames.insert(0, settings);
            frames.insert(1 + place.min(others.len()), ack.clone());
            let wire = frames.concat();
            let mut expected = others.clone();
            if !acknowledged {
                expected.insert(place.min(others.len()), ack);
            }
            let (mut echo, mut out, mut at) = (Echo::of(Said { settings: true, acknowledged }), Vec::new(), 0);
            while at < wire.len() {
                let Some(all) = &mut echo else {
                    out.extend_from_slice(&wire[at..]);
                    break;
                };
                let (length, is_said) = all.next(&wire[at..]);
                // The socket takes as much as it likes; what goes nowhere goes whole.
                let count = if is_said { length } else { length.min(step) };
                if !is_said {
                    out.extend_from_slice(&wire[at..at + count]);
                }
                at += count;
                if !all.passed(count) {
                    echo = None;
                }
            }
            prop_assert_eq!(out, expected.concat());
        }
    }
}
