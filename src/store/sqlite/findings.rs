//! Findings as they stand.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    Sqlite,
    entries::Appender,
    meta,
    pages::{Page, Walk},
    set_meta,
};
use crate::{
    base::Timestamp,
    domain::record::{Decision, Entry, Fact, Finding},
    store::{FindingQuery, FindingRow, Findings, ReviewState, SpoolPosition, StoreError},
};

/// Where it is kept how far the spool has been taken in.
const SPOOLED: &str = "spooled";

impl Findings for Sqlite {
    fn record_findings(
        &self,
        by: &str,
        recorded: Timestamp,
        findings: &[Finding],
        spooled: Option<SpoolPosition>,
    ) -> Result<Vec<Entry>, StoreError> {
        self.write(|transaction| {
            let mut appender = Appender::new(transaction, by, recorded)?;
            let mut entries = Vec::new();
            for finding in findings {
                if !see_again(transaction, finding)? {
                    let entry = appender.append(&Fact::Finding(finding.clone()))?;
                    follow(transaction, &entry)?;
                    entries.push(entry);
                }
            }
            if let Some(SpoolPosition { segment, offset }) = spooled {
                set_meta(transaction, SPOOLED, &format!("{segment} {offset}"))?;
            }
            Ok(entries)
        })
    }

    fn finding(&self, id: &str) -> Result<Option<FindingRow>, StoreError> {
        self.read(|reader| {
            let seq: Option<i64> = reader
                .prepare_cached("select seq from finding where id = ?")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            seq.map(|seq| finding_row(reader, seq)).transpose()
        })
    }

    fn findings(&self, query: &FindingQuery) -> Result<Vec<FindingRow>, StoreError> {
        self.read(|reader| {
            let states = query.state.map_or(ReviewState::ALL.to_vec(), |state| vec![state]);
            let mut equal = Vec::new();
            equal.extend(query.site.clone().map(|site| ("site", site)));
            equal.extend(query.unit.clone().map(|unit| ("unit", unit)));
            let walks: Vec<Walk> = if equal.is_empty() && query.state.is_none() {
                vec![Walk { table: "finding", equal, also: None }]
            } else {
                let of = |state: &ReviewState| {
                    let equal = equal.iter().cloned().chain([("state", state.as_str().to_owned())]).collect();
                    Walk { table: "finding", equal, also: None }
                };
                states.iter().map(of).collect()
            };
            let page =
                Page { least: 0, most: i64::MAX, after: query.after, descending: query.descending, limit: query.limit };
            page.walk(reader, &walks)?.into_iter().map(|seq| finding_row(reader, seq)).collect()
        })
    }

    fn count_findings(&self, state: ReviewState) -> Result<u64, StoreError> {
        self.read(|reader| {
            let count: i64 = reader
                .prepare_cached("select count(*) from finding where state = ?")?
                .query_row([state.as_str()], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    fn spooled(&self) -> Result<Option<SpoolPosition>, StoreError> {
        let Some(text) = self.read(|reader| meta(reader, SPOOLED))? else { return Ok(None) };
        let numbers = text.split_once(' ').and_then(|(segment, offset)| {
            Some(SpoolPosition { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
        });
        numbers.map(Some).ok_or_else(|| StoreError::new(format!("the spool's position {text:?} is none")))
    }
}

/// Counts a finding that is on the record already. `false`: it is not.
fn see_again(transaction: &Transaction<'_>, finding: &Finding) -> Result<bool, StoreError> {
    let changed = transaction
        .prepare_cached(
            "update finding set count = count + 1, first = min(first, ?2), last = max(last, ?2) where id = ?1",
        )?
        .execute(params![finding.id, finding.at.0])?;
    Ok(changed > 0)
}

/// What an entry changes of the findings.
pub(super) fn follow(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), StoreError> {
    let set = |id: &str, state: ReviewState| -> Result<(), StoreError> {
        transaction
            .prepare_cached("update finding set state = ?2 where id = ?1 and state <> 'withdrawn'")?
            .execute(params![id, state.as_str()])?;
        Ok(())
    };
    match &entry.fact {
        Fact::Finding(finding) => {
            if !see_again(transaction, finding)? {
                transaction.prepare_cached("insert into finding values (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)")?.execute(
                    params![
                        entry.seq as i64,
                        finding.id,
                        finding.unit,
                        finding.site,
                        ReviewState::Pending.as_str(),
                        finding.at.0
                    ],
                )?;
            }
            Ok(())
        }
        Fact::Review(review) => match review.decision {
            Decision::Confirmed => set(&review.finding, ReviewState::Confirmed),
            Decision::Dismissed => set(&review.finding, ReviewState::Dismissed),
        },
        Fact::Withdrawal(withdrawal) => set(&withdrawal.of, ReviewState::Withdrawn),
        Fact::Change(_)
        | Fact::Commitment(_)
        | Fact::ControlPeriod(_)
        | Fact::EvidenceView(_)
        | Fact::IncidentClose(_)
        | Fact::IncidentNote(_)
        | Fact::IncidentOpen(_)
        | Fact::Lock(_)
        | Fact::Notice(_)
        | Fact::PeriodEnd(_)
        | Fact::Person(_)
        | Fact::Rectification(_)
        | Fact::Reinstatement(_)
        | Fact::Sealing(_)
        | Fact::Service(_)
        | Fact::Site(_)
        | Fact::Suspension(_)
        | Fact::Termination(_)
        | Fact::Unit(_)
        | Fact::Unlock(_)
        | Fact::Unsealing(_) => Ok(()),
    }
}

fn finding_row(reader: &Connection, seq: i64) -> Result<FindingRow, StoreError> {
    type Columns = (String, String, i64, i64, i64);
    let read = |row: &Row<'_>| -> rusqlite::Result<Columns> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    };
    let (fact, state, first, last, count) = reader
        .prepare_cached("select fact, state, first, last, count from finding join entry using (seq) where seq = ?")?
        .query_row([seq], read)?;
    let unreadable = |what: &str| StoreError::new(format!("finding {seq}: {what}"));
    let finding = match serde_json::from_str(&fact) {
        Ok(Fact::Finding(finding)) => finding,
        Ok(_) => return Err(unreadable("its entry is about something else")),
        Err(error) => return Err(unreadable(&error.to_string())),
    };
    let state = ReviewState::ALL
        .into_iter()
        .find(|known| known.as_str() == state)
        .ok_or_else(|| unreadable(&format!("{state:?} is no state")))?;
    Ok(FindingRow {
        seq: seq.unsigned_abs(),
        finding,
        first: Timestamp(first),
        last: Timestamp(last),
        count: count.unsigned_abs(),
        state,
    })
}
