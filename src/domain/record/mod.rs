//! What is put on the record: the closed list of [`Fact`]s. The record is append-only; a fact is never
//! changed, only followed by another one. Everything else (standing, locks, incidents, queues) is
//! computed from it.
//!
//! As JSON a fact is one object with a `type`; `shared/formats.md` fixes the members of those that
//! `zhamen ledger replay` reads. Times are RFC 3339.

mod customer;
mod decision;
mod fact;
mod import;
mod incident;
mod violation;

pub use customer::{Commitment, CommitmentForm, Person, PersonRole, ServiceFact, SiteChange, UnitFact};
pub use decision::{
    Change, ControlPeriod, EvidenceView, LockFact, LockScope, PeriodEnd, Rectification, Reinstatement, Sealing,
    Suspension, Termination, Unlock, Unsealing,
};
pub use fact::{Brought, Entry, Fact};
pub use import::{CustomerFile, ImportedCustomers, import_customers};
pub use incident::{IncidentClose, IncidentKind, IncidentNote, IncidentOpen, IncidentScope};
pub use violation::{Decision, Finding, FindingOrigin, Notice, Review, Withdrawal};
