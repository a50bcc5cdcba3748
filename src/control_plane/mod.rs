//! What is in force, and how it gets there: files are read, checked, and swapped in as one
//! immutable [`Snapshot`](crate::domain::snapshot::Snapshot) a generation. Never touches a
//! connection of the data plane.
//!
//! [`files`] reads, a [`Reloader`] decides and swaps, [`serve()`] watches the files and says when, and
//! [`Admin`] shows.

pub mod acme;
mod admin;
mod clock;
pub mod files;
mod http_client;
mod incidents;
mod keeper;
mod publish;
mod record;
mod recorder;
pub mod registry;
mod reload;
pub mod report;
mod serve;
mod trouble;
mod watch;
pub mod webhooks;

pub use admin::{
    Admin, AdminClient, AdminListener, AdminRequest, AdminRoute, Health, Role, TokenError, create_token, revoke_token,
};
pub use clock::SystemClock;
pub use http_client::{HttpClient, HttpError};
pub use incidents::{
    IncidentDesk, NewIncident, close_incident, incident, incidents, keep_incidents, note_incident, open_incident,
};
pub use keeper::{Keeper, evidence_limits};
pub use publish::Publisher;
pub use record::{PageHook, PageOrder, PutError, Record, keep_fresh};
pub use recorder::{HomePages, Recorder};
pub use reload::{CertificateReload, Reloader, Start, log_problems};
pub use serve::{ReloadHandle, serve};

#[cfg(test)]
mod tests;
