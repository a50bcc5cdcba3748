//! Zhamen (闸门): the filtering reverse proxy that a hosting datacenter puts in front of
//! everything it hosts.
//!
//! Read the rooms in this order; each may use only the rooms above it, and `tests/architecture.rs`
//! holds it to that:
//!
//! 1. [`base`]: the words that every room shares.
//! 2. [`engine`]: bytes → findings → verdict. Pure and synchronous.
//! 3. [`domain`]: facts → decisions. Pure and synchronous; time is an argument.
//! 4. `config`, `telemetry`, `store`: what the operator says, what the operator sees, what stays.
//! 5. `data_plane`: carries requests. `control_plane`: decides what is in force.
//! 6. `app` names every room; `cli` has one file a command.
//!
//! The [`manual`] is the place to begin reading about why.

#![deny(unsafe_code)]
#![warn(missing_docs, rust_2018_idioms, unreachable_pub)]

#[deny(clippy::disallowed_methods)]
pub mod base;
#[deny(clippy::disallowed_methods)]
pub mod engine;

#[deny(clippy::disallowed_methods)]
pub mod domain;

#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
#[deny(clippy::disallowed_methods)]
pub mod config;
#[cfg(feature = "server")]
pub mod control_plane;
#[cfg(feature = "server")]
pub mod data_plane;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;

#[cfg_attr(not(feature = "server"), allow(rustdoc::broken_intra_doc_links, reason = "it links to the planes, too"))]
pub mod manual;
