//! Certificates by ACME (RFC 8555) for the filed sites that ask for them: one order a site, proved by HTTP-01,
//! which the data plane answers from the proofs that are [swapped](crate::domain::acme::Challenges) down to it.
//! What comes of an order is a file in the directory of certificates, which is watched: there is one way by
//! which certificates come into force.
//!
//! `plan` says whose certificate is due, `order` has it, `keep` does both for ever, one process at a time.

mod account;
mod client;
mod files;
mod keep;
mod order;
mod plan;

pub use files::{AcmeFiles, Failed};
pub use keep::{AcmeKeeper, keep_certificates};
pub use plan::{Covering, Known, Wanted, WantedState, wanted};
