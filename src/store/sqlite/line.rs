//! An entry as the line of JSON whose SHA-256 its link carries.

use crate::{
    base::Timestamp,
    store::{Hash, StoreError},
};

/// `{"seq":…,"recorded":"…","by":"…","fact":{…}}` and a line feed; `fact` is as it is stored, so that a
/// later version that writes other members still finds the same bytes.
pub(super) fn line(seq: u64, recorded: Timestamp, by: &str, fact: &str) -> Result<String, StoreError> {
    let by = serde_json::to_string(by).map_err(|error| StoreError::new(error.to_string()))?;
    Ok(format!("{{\"seq\":{seq},\"recorded\":\"{recorded}\",\"by\":{by},\"fact\":{fact}}}\n"))
}

pub(super) fn content(seq: u64, recorded: Timestamp, by: &str, fact: &str) -> Result<Hash, StoreError> {
    Ok(Hash::of(line(seq, recorded, by, fact)?.as_bytes()))
}
