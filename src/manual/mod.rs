//! The manual: why Zhamen is as it is, and how to run it.
//!
//! Read [`architecture`] first if you are about to change something, [`operations`] if you are about
//! to run it. What is written here names symbols, tests, metrics and configuration keys; the links
//! are checked by rustdoc, and the names by `tests/architecture.rs`.
//!
//! | chapter | answers |
//! | --- | --- |
//! | [`architecture`] | Which rooms are there, what may use what, and what is deliberately absent? |
//! | [`http2`] | What is taken of HTTP/2, and what may a connection cost? |
//! | [`life_of_a_request`] | What happens to a request, in which order, and what can refuse it? |
//! | [`registry`] | Where do sites, filings and customers come from, and what is checked of them? |
//! | [`origins`] | Which origin is asked, over which connection, and how is it believed? |
//! | [`acme`] | How does a site get a certificate, and keep one? |
//! | [`store`] | Where is the record, what makes it hold up, and how does an outsider check it? |
//! | [`rules`] | When does a rule hit, what follows, and how is a rule written and tested? |
//! | [`ledger`] | What is a strike, what suspends, what is locked, and what if the numbers were others? |
//! | [`evasions`] | Which tricks are seen through, which are not yet? |
//! | [`failure_modes`] | What happens when something breaks? |
//! | [`threat_model`] | Who is kept from doing what, and who is not? |
//! | [`operations`] | How is it installed, fed, changed and watched? |
//! | [`limits`] | What is done under pressure, and how is Zhamen replaced while it serves? |
//! | [`incidents`] | What is done when something happens, and how are the letters written? |
//! | [`admin_api`] | How is the record read, and decided, over HTTP? |
//! | [`speed`] | How fast is the engine, and how is that measured? |
//! | [`glossary`] | What do the words mean? |

#![allow(rustdoc::private_intra_doc_links, reason = "the manual is for those who change the private parts, too")]

pub mod acme;
pub mod admin_api;
pub mod architecture;
pub mod evasions;
pub mod failure_modes;
pub mod glossary;
pub mod http2;
pub mod incidents;
pub mod ledger;
pub mod life_of_a_request;
pub mod limits;
pub mod operations;
pub mod origins;
pub mod registry;
pub mod rules;
pub mod speed;
pub mod store;
pub mod threat_model;
