//! Signing: at intervals the ends of both chains are signed, and the signed heads are kept in the
//! database and in a file beside the evidence.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Evidence, Heads, SigningKey, StoreError,
    evidence::{head_line, sign},
};
use crate::base::Timestamp;

/// The file of signed heads.
pub(in crate::store) const HEADS_FILE: &str = "heads.log";

/// So many entries are not signed, at most, while Zhamen runs.
const ENTRIES_MAX: u64 = 1_000;
/// An entry waits for its signature so long, at most.
const UNSIGNED_MILLIS_MAX: i64 = 60_000;

/// Signs heads when it is time.
pub struct Sealer {
    key: Arc<SigningKey>,
    path: PathBuf,
}

impl Sealer {
    /// For the store in a directory.
    pub fn new(directory: &Path, key: Arc<SigningKey>) -> Self {
        Self { key, path: directory.join(HEADS_FILE) }
    }

    /// Signs the ends of the chains if there are 1,000 entries, or one and a minute, since the last
    /// time. To be called every second or so.
    pub fn seal_due(&self, heads: &dyn Heads, evidence: Option<&Evidence>, now: Timestamp) -> Result<(), StoreError> {
        let last = heads.last_head()?;
        let (signed, at) = last.map_or((0, Timestamp::default()), |head| (head.seq, head.at));
        let waiting = heads.head()?.0.saturating_sub(signed);
        let is_time = now >= at.plus_millis(UNSIGNED_MILLIS_MAX) || now < at;
        if waiting >= ENTRIES_MAX || (waiting > 0 && is_time) { self.seal(heads, evidence, now) } else { Ok(()) }
    }

    /// Signs the ends of the chains now.
    pub fn seal(&self, heads: &dyn Heads, evidence: Option<&Evidence>, now: Timestamp) -> Result<(), StoreError> {
        let mut lines = String::new();
        let (seq, hash) = heads.head()?;
        if seq > heads.last_head()?.map_or(0, |head| head.seq) {
            let head = sign(&self.key, "entries", seq, hash, now);
            heads.put_head(&head)?;
            lines.push_str(&head_line("entries", &head));
        }
        if let Some(head) = evidence.and_then(|evidence| evidence.signed_head(now)) {
            lines.push_str(&head_line("evidence", &head));
        }
        if lines.is_empty() {
            return Ok(());
        }
        let fail = |error| StoreError::file(&self.path, &error);
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path).map_err(fail)?;
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).map_err(fail)
    }
}
