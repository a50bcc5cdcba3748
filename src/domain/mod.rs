//! Facts → decisions. Pure and synchronous; time is an argument.

pub mod acme;
pub mod apportion;
pub mod event;
pub mod incident;
pub mod message;
pub mod observation;
pub mod policy;
pub mod record;
pub mod registry;
pub mod report;
pub mod snapshot;
pub mod standing;
pub mod tabular;
