//! The data of the reports, from record and registry.
