//! The suites that others wrote, and every trick with markup.

mod html5lib;
mod tricks;
