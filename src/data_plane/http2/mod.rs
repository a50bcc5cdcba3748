//! HTTP/2 with clients (RFC 9113): the `h2` crate reads and writes the frames; what a request is, who may
//! make it and what becomes of it is the session's, as for HTTP/1.1. One task drives a connection and all
//! its streams.

mod connection;
mod frames;
mod head;
mod opening;
mod parser;
mod pressure;
mod stream;
mod text_turn;
mod transport;
mod windows;

pub(super) use connection::{Arrival, serve};
pub(super) use stream::{Reset, Stream};
pub(super) use text_turn::TextTurn;
