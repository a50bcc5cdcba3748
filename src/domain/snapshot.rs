//! Everything in force, one immutable generation. A request takes one and keeps it.

use std::sync::Arc;

use crate::{
    domain::{policy::Policy, registry::Registry, standing::Standing},
    engine::{body_filter::ScanPolicy, rules::RuleSet},
};

/// What goes down from the control plane to the data plane, swapped atomically.
#[derive(Clone)]
pub struct Snapshot {
    /// Grows by one with every swap.
    pub generation: u64,
    /// The compiled rules.
    pub rules: Arc<RuleSet>,
    /// Units, services, sites, filings.
    pub registry: Arc<Registry>,
    /// Who is suspended, what is locked.
    pub standing: Arc<Standing>,
    /// What the gate and the refusals do.
    pub policy: Arc<Policy>,
    /// How bodies are scanned.
    pub scan: Arc<ScanPolicy>,
}
