//! Bytes → findings → verdict. Pure and synchronous: no socket, no file, no clock.
//!
//! [`coding`] undoes Content-Encoding on a copy, [`text`] turns bytes into the characters that a
//! browser would show (lane by lane, folded, each with its place in the original),
//! [`matcher`] finds phrases in them, [`rules`] says what the phrases mean, and [`body_filter`]
//! holds, passes, masks or stops the body.

pub mod body_filter;
pub mod coding;
pub mod matcher;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
pub mod rules;
pub mod text;
