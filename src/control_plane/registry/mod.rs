//! The registry at work: rows come from a watched file, an import, a pull and the admin API, are kept in
//! the store, and are in force without being built anew.
//!
//! A full feed (file or pull) is the whole of its source: [`Registrar::plan`] finds what is different
//! from what the source had, [`Registrar::keep`] stores that, and puts on the record what follows: one
//! entry about the import, one for every filing that changed, and the units and services that the
//! ledger did not know. Where two sources say something of one host, the one that changed it last
//! holds.

mod begin;
mod check;
mod customers;
mod facts;
mod feed;
mod footer;
mod pull;
mod registrar;
mod unfiled;

pub(super) use begin::cut_off;
pub use begin::{Begun, begin, compare_feeds, in_force};
pub use check::check_customers;
pub use customers::{CustomerDifference, compare_customers};
pub use feed::{Feed, FileKind, ReadFeed, kind_of, read_customers, sha256};
pub use footer::FooterChecks;
pub use pull::keep_pulling;
pub use registrar::{Plan, Registrar, Shown, keep_registry_fresh};
pub use unfiled::UnfiledSeen;

#[cfg(test)]
mod tests;
