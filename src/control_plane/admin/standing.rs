//! Standing: placeholder until the ledger is merged.
use super::{Api, call::{Call, Reply}, problem::Problem, route::Operation, schema::{Shape}, status};
