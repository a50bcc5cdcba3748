//! Strikes, windows, locks, suspension: pure functions of the record and the time.

mod cases;
mod check;
mod in_force;
mod ledger;
mod lock;
mod locks;
mod periods;
mod policy;
mod publish;
mod replay;
mod strikes;
mod unit_standing;
mod units;
mod window;

pub use in_force::{Ground, Standing};
pub use ledger::{Ledger, StrikeSource};
pub use lock::{Lock, PageKey};
pub use policy::{LedgerPolicy, LockPolicy, Rows, StrikeSources, SuspensionScope, Threshold, Thresholds};
pub use replay::{Replay, replay};
pub use strikes::{Counts, Strike};
pub use unit_standing::{Below, StandingWord, UnitStanding};
pub use units::{Numbered, Unit};
pub use window::Window;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
