//! What is a strike, what suspends, what is locked, and what if the numbers were others?
//!
//! The ledger computes; it stores nothing. What is on the record (notices, findings, reviews, decisions)
//! and a moment give the standing of every unit: [`Ledger`](crate::domain::standing::Ledger). The gate asks
//! the [`Standing`](crate::domain::standing::Standing) that follows from it. Both can be thrown away and
//! computed again.
//!
//! # Strikes
//!
//! A notice by an authority is a strike. A finding is one if a reviewer confirmed it last; the machine's
//! opinion alone locks pages and suspends nobody, unless `ledger.strikes` says so. Findings of one page,
//! rule and content are one strike, the earliest that counts. Class `filing` is never one. A strike that was
//! withdrawn is none from then on; nothing is deleted.
//!
//! Each strike has two times: when the violation was, which decides the windows it falls in, and when it
//! became known (a notice when it was recorded, a finding when it was reviewed), which decides whether a
//! reinstatement was before or after it.
//!
//! A strike belongs to the service that it is about, and counts for the unit that has the service now, under
//! the kind that it is now. Who hands a service to another customer hands its past on with it: give the new
//! customer a new service. On the units above, strikes are shown and suspend nobody.
//!
//! # Windows and thresholds
//!
//! The window of a strike reaches back to 00:00 in Asia/Shanghai of the same day one month (one year)
//! earlier, the day clamped to the month's end, both ends included:
//! [`Window`](crate::domain::standing::Window). If it holds as many strikes of a row as
//! `ledger.thresholds` says, the unit is suspended for that kind of service, until a person lifts it. After
//! a reinstatement, a window counts only if a strike in it became known later. Political and vulgar strikes
//! share a counter unless `ledger.separate_counters` is set.
//!
//! `ledger.suspends` says what of the unit is refused: its services of that kind, all of them, only the
//! services or only the hosts that the strikes came from.
//!
//! # What if?
//!
//! ```text
//! zhamen ledger replay events.jsonl                          # by the letter
//! zhamen ledger replay --config stricter.toml events.jsonl   # by another table
//! zhamen ledger replay --at 2026-03-31T00:00:00+08:00 events.jsonl
//! ```
//!
//! The file may name units and services in any line; the last word on each holds. What names something that
//! is in no line, an id that is taken, or parents that go in a circle, is an error with its line.
//!
//! # Decisions of persons
//!
//! A suspension by a person is lifted like one by the table, by a reinstatement, which wants a
//! rectification report on file that is younger than the last reinstatement
//! (`ledger.require_rectification`). A terminated contract stays so until a new letter of commitment is on
//! record. A sealed server serves nothing, whoever is on it. With `ledger.require_commitment`, who has no
//! letter in force is refused.
//!
//! Where the clock is set back, nothing is undone: the present is never before the last entry.
//!
//! # Locks
//!
//! A page that was hit is locked (see [`failure_modes`](super::failure_modes)). So many locked pages under
//! a directory (`ledger.locks.directory_after`) within a time lock the deepest directory that holds them, or
//! the file if they are one file's queries. The root is never locked that way, so the home page stays up.
//! Paths are compared in one spelling: escapes undone, case folded. A site is locked by a person, or where
//! `ledger.locks.site_after` says so. An owner who unlocks waits as `ledger.unlock_delays` says, and the
//! page is read again before it is served.
//!
//! # Control periods
//!
//! `zhamen ledger period declare` freezes admissions, closes interactive sections or divides thresholds
//! from a time to another, for some units with those below them or for all. Afterwards all of it reverts by
//! itself, suspensions by the divided thresholds included.
//!
//! Where admissions are frozen, a site that is not in the registry yet stays out, whether the watched file,
//! an import or a pull brings it: the dry run and the result list it as waiting, and it is admitted by
//! itself when the period is over (by a proxy that runs, or by the next import). What the sources say of it
//! meanwhile holds: a row that is gone from the next import waits no longer. The admin API refuses such a
//! site with 409. Sites that are there may change, and new sites of other units are admitted.
