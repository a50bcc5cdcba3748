//! Calls into the engine: a panic there costs one response, not a worker.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::Instant,
};

use super::record::Record;
use crate::{
    engine::{
        body_filter::{Inspection, Judgement, Reason},
        rules::Action,
    },
    telemetry::Live,
};

/// The engine panicked. What it was working on is lost and must not be used again.
#[derive(Clone, Copy, Debug)]
pub(super) struct EngineFault;

/// Calls the engine, and counts its time.
pub(super) fn guarded<T>(live: &Live, record: &mut Record, call: impl FnOnce() -> T) -> Result<T, EngineFault> {
    let started = Instant::now();
    // What the call touched is dropped by every caller that gets a fault.
    let result = catch_unwind(AssertUnwindSafe(call));
    record.scan_time += started.elapsed();
    result.map_err(|_| {
        live.panics.fetch_add(1, Ordering::Relaxed);
        EngineFault
    })
}

/// What is to be said of a body that the engine did not judge.
pub(super) fn unjudged(inspection: Inspection, raw_bytes: u64, verdict: Option<Action>) -> Judgement {
    Judgement { inspection, raw_bytes, verdict, ..Judgement::uninspected(Reason::EngineFault) }
}

/// A body of which nothing was read.
pub(super) fn unread(reason: Reason, raw_bytes: u64, verdict: Option<Action>) -> Judgement {
    unjudged(Inspection::Uninspected(reason), raw_bytes, verdict)
}
