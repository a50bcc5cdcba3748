//! Certificates by ACME (RFC 8555): when one is due, how long to wait after a failure, and what proves that a
//! host is served here (HTTP-01).

mod challenges;
mod renewal;

pub use challenges::{CHALLENGE_PATH, Challenges};
pub use renewal::{Validity, renewal_due, retry_after, spread};
