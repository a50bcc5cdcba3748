//! The suites that others wrote, and every trick with markup.

#[expect(clippy::disallowed_methods, reason = "the suites are files")]
mod html5lib;
mod tricks;
