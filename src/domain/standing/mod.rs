//! Strikes, windows, locks, suspension: pure functions of the record and the time.

mod in_force;
mod ledger;
mod lock;

pub use in_force::{Ground, Standing};
pub use ledger::{Ledger, Unit};
pub use lock::{Lock, PageKey};
