//! Bytes → the characters that a browser would show, lane by lane, folded, each with its place.
//!
//! [`Reader`] finds the charset by the browser's order, decodes, and takes the document apart into
//! lanes; a [`Sink`] takes the characters, each with the span of bytes in the body that it was
//! written with. [`fold`] says which characters count as the same.

mod base64;
mod bidi;
mod block;
mod css;
mod decode;
mod event_stream;
pub mod fold;
mod html;
mod js;
mod json;
mod markdown;
mod media;
mod multipart;
mod octets;
mod percent;
mod places;
mod plain;
mod prescan;
mod reader;
mod scan;
mod sniff;
mod stream;
mod string;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the suites are files")]
mod suites;
#[cfg(test)]
mod tests;
mod unescape;

pub use block::{Block, Edge, Sink, is_control};
pub use media::{Boundary, Media, media_type};
pub use places::{Places, Width};
pub use reader::{Reader, Unreadable};
pub use stream::{Lane, Stream};
