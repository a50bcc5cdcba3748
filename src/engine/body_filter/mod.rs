//! One response body on its way through: held, judged, committed, masked or stopped.
//!
//! Two states, two types. While a body is [`Held`] nothing of it has been sent, and a verdict can
//! still become a page of our own. Once it is [`Committed`] its head is on the wire, and a verdict
//! can only cut it off.
//!
//! All work is cut into slices: [`Judging::step`] and [`Committed::step`] each cost at most about
//! a millisecond, and the caller yields between them.
//!
//! What holds, whatever the chunks in which a body arrives: the findings, the verdict, and the
//! bytes passed on are the same. Three things are outside of that: time (`hold_time`, `tail_flush`);
//! where a *coded* body is cut off, the exact byte at which it is (never so late that a byte of the
//! match could be decoded from what was sent); and how much is decoded of a br or zstd stream's last
//! block before a fault in it is noticed.

mod cache;
mod committed;
mod flow;
mod held;
mod judgement;
mod outbox;
mod plan;
mod policy;
mod scan;

pub use cache::VerdictCache;
pub use committed::{Committed, Step};
pub use held::{Held, Judged, Judging};
pub use judgement::{Inspection, Judgement, Reason};
pub use outbox::Output;
pub use plan::{BodyHead, Plan, plan, scan_whole, trace_whole};
pub use policy::{Consequence, Consequences, ScanPolicy};

#[cfg(test)]
mod tests;
