//! What must hold on any input. The fuzz targets and the tests call the same functions; each panics
//! where something does not hold.

mod coding;
mod reading;
mod rules;
mod whole_filter;

pub use coding::{coding, cut, decode_pieces, same_however_cut};
pub use reading::{Subject, reading};
pub use rules::{folding, rule_parser};
pub use whole_filter::whole_filter;
