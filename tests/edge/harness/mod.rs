//! What the tests are made of: [`Zhamen`] is the proxy as a process, [`Origin`] a server that counts
//! who asks it, [`Client`] a client that sees every byte. All waits are bounded.

pub mod client;
pub mod http2;
pub mod origin;
pub mod servers;
pub mod texts;
pub mod wire;
pub mod zhamen;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

pub use client::{Client, ask, get};
pub use origin::{Exchange, Origin};
pub use servers::Server;
pub use texts::{PHRASE, page_of, page_with, text_of};
pub use wire::{End, Response};
pub use zhamen::{Run, Setup, Zhamen, zhamen};

/// As long as anything may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not {what} within {PATIENCE:?}");
        sleep(Duration::from_millis(10));
    }
}
