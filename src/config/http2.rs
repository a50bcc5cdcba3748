//! `[http2]`: HTTP/2 with clients.

use super::raw::Section;

/// How HTTP/2 is spoken with clients, and what a connection may ask of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Plain listeners take a connection that begins with HTTP/2's preface; over TLS, ALPN decides.
    pub prior_knowledge: bool,
    /// Requests that one connection runs at a time.
    pub streams: u32,
    /// Bytes of a request's body that a client may send ahead of its origin; four times as many of all
    /// bodies of a connection.
    pub window_bytes: u32,
    /// Frames that carry nothing (PING, SETTINGS, PRIORITY, …) taken of a connection in ten seconds.
    pub control_frames: u32,
    /// Requests that a connection may take back in ten seconds.
    pub resets: u32,
}

impl Default for Http2 {
    fn default() -> Self {
        Self { prior_knowledge: false, streams: 100, window_bytes: 256 << 10, control_frames: 1_000, resets: 200 }
    }
}

pub(super) fn http2(root: &Section<'_, '_>) -> Http2 {
    let section = root.section("http2");
    let default = Http2::default();
    let count = |key, range, default: u32| section.number(key, range).map_or(default, |count| count as u32);
    let http2 = Http2 {
        prior_knowledge: section.boolean("prior_knowledge").unwrap_or(default.prior_knowledge),
        streams: count("streams", 1..=10_000, default.streams),
        window_bytes: section.size("window", 65_535..=64 << 20).map_or(default.window_bytes, |bytes| bytes as u32),
        control_frames: count("control_frames", 100..=1_000_000, default.control_frames),
        resets: count("resets", 10..=1_000_000, default.resets),
    };
    section.close();
    http2
}
