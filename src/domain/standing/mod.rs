//! Strikes, windows, locks. This version has page locks; the ledger comes with the record.

mod lock;

pub use lock::{Lock, PageKey};
