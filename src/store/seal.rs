//! Signing: at intervals the ends of both chains are signed, and the signed heads are kept in the
//! database and in a file beside the evidence.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Evidence, Heads, SigningKey, StoreError,
    evidence::{head_line, parse_head, sign},
    key::{parent, sync_directory},
    ownership::belongs_to_its_directory,
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
    /// Whether the file has all heads that the database has.
    is_level: AtomicBool,
}

impl Sealer {
    /// For the store in a directory.
    pub fn new(directory: &Path, key: Arc<SigningKey>) -> Self {
        Self { key, path: directory.join(HEADS_FILE), is_level: AtomicBool::new(false) }
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
        if !self.is_level.load(Ordering::Relaxed) {
            self.level(heads)?;
        }
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
        // Where this fails, the file is behind the database until the next time.
        self.is_level.store(false, Ordering::Relaxed);
        self.append(&lines)?;
        self.is_level.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn append(&self, lines: &str) -> Result<(), StoreError> {
        let fail = |error| StoreError::file(&self.path, &error);
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path).map_err(fail)?;
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).map_err(fail)?;
        if !is_new {
            return Ok(());
        }
        belongs_to_its_directory(&self.path)?;
        sync_directory(parent(&self.path))
    }

    /// After a crash: cuts off a line that is not whole, and adds the heads that only the database has.
    fn level(&self, heads: &dyn Heads) -> Result<(), StoreError> {
        let fail = |error| StoreError::file(&self.path, &error);
        let mut last = 0;
        if self.path.exists() {
            let bytes = fs::read(&self.path).map_err(fail)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            if whole < bytes.len() {
                let file = OpenOptions::new().write(true).open(&self.path).map_err(fail)?;
                file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(fail)?;
            }
            let text = String::from_utf8_lossy(bytes.get(..whole).unwrap_or_default());
            let filed = text.split_inclusive('\n').filter_map(|line| parse_head("entries", line));
            last = filed.map(|head| head.seq).max().unwrap_or(0);
        }
        let mut lines = String::new();
        loop {
            let missing = heads.heads(last, 1_000)?;
            let Some(end) = missing.last() else { break };
            last = end.seq;
            missing.iter().for_each(|head| lines.push_str(&head_line("entries", head)));
        }
        if lines.is_empty() { Ok(()) } else { self.append(&lines) }
    }
}
