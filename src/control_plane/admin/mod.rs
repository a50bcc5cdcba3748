//! The operator's own address: metrics, health, status, and the admin API with which everything that the
//! record holds can be read, and everything that a person decides can be decided.
//!
//! A request goes through [`dispatch`], which does what is the same for all routes, to the operation of
//! its line in [`routes::ROUTES`]. Operations block; they run on threads for that.
//!
//! Without any token the address tells what it always told to whoever is on the machine, and nothing
//! more. With the first token made, everything but health wants one. See [`role`] for who may do what.

mod archive;
mod ask;
mod call;
mod catalogue;
mod client;
mod customers;
mod decisions;
mod dispatch;
mod evidence;
mod explain;
mod findings;
mod health;
mod idempotency;
mod incidents;
mod inspection;
mod listener;
mod locks;
mod notices;
mod openapi;
mod periods;
mod problem;
mod records;
mod reports;
mod role;
mod route;
mod routes;
mod rules;
mod schema;
mod secret;
mod sites;
mod spelling;
mod standing;
mod status;
mod tokens;
mod webhooks;

use std::{
    borrow::Cow,
    io,
    ops::Deref,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;

pub use ask::{AdminRequest, AdminRoute};
pub use client::AdminClient;
pub use health::Health;
pub use listener::AdminListener;
pub use role::Role;
pub use tokens::{TokenError, create_token, revoke_token};

use self::{
    call::{Call, Reply},
    catalogue::Catalogues,
    inspection::Inspections,
    problem::Problem,
    tokens::Gatekeeper,
};
use super::{Record, registry::Registrar, report::Letterhead};
use crate::{
    base::{Clock, Timestamp},
    config::Incidents,
    domain::{
        record::{Entry, Fact},
        snapshot::Snapshot,
    },
    store::SigningKey,
    telemetry::{Metrics, Readings},
};

/// What the admin listener shows and changes.
pub struct Admin {
    /// What is in force.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The record.
    pub record: Arc<Record>,
    /// The rows of the registry.
    pub registrar: Arc<Registrar>,
    /// How incidents are opened.
    pub incidents: Incidents,
    /// The directory with the evidence.
    pub evidence: PathBuf,
    /// Signs what is exported.
    pub key: Arc<SigningKey>,
    /// Who sends letters.
    pub letterhead: Letterhead,
    /// The font of PDFs, as the configuration names it.
    pub font: String,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Where live numbers are read.
    pub readings: Readings,
    /// Whether Zhamen is ready.
    pub health: Arc<Health>,
    /// Says where the rule packs are.
    pub rules_dir: Box<dyn Fn() -> PathBuf + Send + Sync>,
    /// For the time of running.
    pub clock: Arc<dyn Clock>,
    /// When Zhamen started.
    pub started: Timestamp,
}

/// [`Admin`] at work.
struct Api {
    admin: Admin,
    /// Whether only who is on the machine can reach the listener.
    loopback: bool,
    gatekeeper: Gatekeeper,
    catalogue: Catalogues,
    inspections: Inspections,
    /// Held through every request that changes something.
    changes: Mutex<()>,
    /// Held by what reads the whole record.
    reading_all: Mutex<()>,
}

impl Admin {
    /// Answers for ever. Fails only if the listener cannot be used on this runtime.
    pub async fn serve(self, listener: AdminListener) -> io::Result<()> {
        let loopback = listener.address().is_some_and(|address| address.ip().is_loopback());
        listener.serve(dispatch::router(&Arc::new(self.at_work(loopback)))).await
    }

    fn at_work(self, loopback: bool) -> Api {
        Api {
            admin: self,
            loopback,
            gatekeeper: Gatekeeper::default(),
            catalogue: Catalogues::default(),
            inspections: Inspections::default(),
            changes: Mutex::default(),
            reading_all: Mutex::default(),
        }
    }
}

impl Deref for Api {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.admin
    }
}

impl Api {
    /// Puts a fact on the record in the name of who asks.
    fn put(&self, call: &Call, fact: Fact) -> Result<Entry, Problem> {
        let entries = self.record.put(&call.caller.name, &[fact])?;
        entries.into_iter().next().ok_or_else(no_entry)
    }

    /// Puts a fact on the record in the name of who asks, and in the same transaction what is answered,
    /// which is made of its entry: asked again with the same Idempotency-Key, it is not put there twice.
    fn enter(&self, call: &Call, fact: Fact, answer: impl Fn(&Entry) -> Reply) -> Result<Reply, Problem> {
        let facts = [fact];
        let keep = |entries: &[Entry]| idempotency::kept(call, &answer(entries.first()?));
        let entries = self.record.put_drawn(&call.caller.name, &|| Ok(Cow::Borrowed(&facts)), Some(&keep))?;
        entries.first().map(answer).ok_or_else(no_entry)
    }
}

fn no_entry() -> Problem {
    Problem::new(problem::Word::Internal, "the record gave no entry back")
}

#[cfg(test)]
mod tests;
