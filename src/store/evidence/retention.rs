//! Retention: evidence goes after its time, in whole segments; what must stay keeps its segment. What is
//! left of one is its links and its seal, so that the chain can still be followed.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    time::Duration,
};

use super::{Evidence, EvidenceHeader, GONE, Piece, SEGMENT, Segment, damaged, first_line, head_line, link_line};
use crate::{
    base::Timestamp,
    domain::record::{Change, Fact},
    store::{
        StoreError,
        key::{numbered, sync_directory},
    },
};

/// What the entry that tells of a removal says was changed.
pub(in crate::store) const RETENTION: &str = "retention";

/// A segment whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its number.
    pub segment: u64,
    /// Its records' numbers, first and last.
    pub records: (u64, u64),
    /// When it was sealed.
    pub sealed: Timestamp,
    path: PathBuf,
}

impl Expired {
    /// The entry that has to be on the record before this is removed.
    pub fn change(&self, now: Timestamp) -> Fact {
        let (first, last) = self.records;
        Fact::Change(Change {
            what: RETENTION.to_owned(),
            subject: subject(self.segment),
            at: now,
            detail: format!("records {first} to {last}, sealed {}: their time is over", self.sealed),
        })
    }
}

/// What the removal of a segment has as its subject on the record.
pub(in crate::store) fn subject(segment: u64) -> String {
    format!("evidence/{segment:08}")
}

impl Evidence {
    /// Sealed segments that are older than `retention` and hold nothing that is held (legal hold). What is
    /// removed goes on the record first: then [`Evidence::remove`].
    pub fn expired(
        &self,
        now: Timestamp,
        retention: Duration,
        is_held: &dyn Fn(&EvidenceHeader) -> bool,
    ) -> Result<Vec<Expired>, StoreError> {
        let before = now.plus_millis(-(retention.as_millis() as i64));
        let mut expired = Vec::new();
        for (number, path) in numbered(&self.directory, SEGMENT)? {
            let fail = |error| StoreError::file(&path, &error);
            let mut segment = Segment::open(&path).map_err(fail)?.map_err(|wrong| damaged(&path, wrong))?;
            let first = segment.seq + 1;
            let mut held = false;
            let sealed = loop {
                match segment.next_piece().map_err(fail)?.map_err(|wrong| damaged(&path, wrong))? {
                    Some(Piece::Record { content, .. }) => {
                        let header = content.and_then(|(line, _)| serde_json::from_str(&line).ok());
                        held |= header.is_none_or(|header| is_held(&header));
                    }
                    Some(Piece::Seal(seal)) => break Some(seal.at),
                    None => break None,
                }
            };
            // Segments are in order of time: those behind one that is not sealed, or young, are younger.
            let Some(sealed) = sealed.filter(|&sealed| sealed < before) else { break };
            if !held {
                expired.push(Expired { segment: number, records: (first, segment.seq), sealed, path });
            }
        }
        Ok(expired)
    }

    /// Removes the records of a segment; their links and the seal stay.
    pub fn remove(&self, expired: &Expired) -> Result<(), StoreError> {
        let path = &expired.path;
        let fail = |error| StoreError::file(path, &error);
        let mut segment = Segment::open(path).map_err(fail)?.map_err(|wrong| damaged(path, wrong))?;
        let mut left = first_line(segment.number, segment.seq, segment.prev);
        while let Some(piece) = segment.next_piece().map_err(fail)?.map_err(|wrong| damaged(path, wrong))? {
            match piece {
                Piece::Record { link, .. } => left.push_str(&link_line(&link, None)),
                Piece::Seal(seal) => left.push_str(&head_line("evidence", &seal)),
            }
        }
        let (gone, aside) = (path.with_extension(GONE), path.with_extension("new"));
        let mut file = File::create(&aside).map_err(fail)?;
        file.write_all(left.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
        fs::rename(&aside, &gone).map_err(fail)?;
        sync_directory(&self.directory)?;
        fs::remove_file(path).map_err(fail)?;
        sync_directory(&self.directory)
    }
}
