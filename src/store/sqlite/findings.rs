//! Findings as they stand.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    Sqlite,
    entries::{Appender, Row4, entry},
    meta,
    pages::{Page, Walk, seq_at},
    set_meta, text,
};
use crate::{
    base::Timestamp,
    domain::record::{Decision, Entry, Fact, Finding},
    engine::rules::Class,
    store::{EvidencePlace, FindingQuery, FindingRow, Findings, Hash, ReviewState, Seen, SpoolPosition, StoreError},
};

/// Where it is kept how far the spool has been taken in.
const SPOOLED: &str = "spooled";

impl Findings for Sqlite {
    fn record_findings(
        &self,
        by: &str,
        recorded: Timestamp,
        seen: &Seen,
        spooled: Option<SpoolPosition>,
    ) -> Result<Vec<Entry>, StoreError> {
        self.write(|transaction| {
            let mut appender = Appender::new(transaction, by, recorded)?;
            let mut entries = Vec::new();
            for finding in &seen.findings {
                if !see_again(transaction, finding)? {
                    let entry = appender.append(&Fact::Finding(finding.clone()))?;
                    follow(transaction, &entry)?;
                    entries.push(entry);
                }
            }
            for EvidencePlace { hash, segment, offset } in &seen.evidence {
                transaction.prepare_cached("insert or replace into evidence values (?, ?, ?)")?.execute(params![
                    hash.0,
                    *segment as i64,
                    *offset as i64
                ])?;
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

    fn each_settled_finding(&self, take: &mut dyn FnMut(&Finding, Timestamp)) -> Result<(), StoreError> {
        self.read(|reader| {
            for state in ReviewState::ALL.into_iter().filter(|&state| state != ReviewState::Pending) {
                let mut statement = reader.prepare_cached(
                    "select seq, recorded, by, fact from finding join entry using (seq) where state = ? order by seq",
                )?;
                let mut rows = statement.query([state.as_str()])?;
                while let Some(row) = rows.next()? {
                    let entry = entry(Row4::read(row)?)?;
                    if let Fact::Finding(finding) = &entry.fact {
                        take(finding, entry.recorded);
                    }
                }
            }
            Ok(())
        })
    }

    fn each_finding_since(&self, since: Timestamp, take: &mut dyn FnMut(&str, Timestamp)) -> Result<(), StoreError> {
        self.read(|reader| {
            let from = seq_at(reader, since)?;
            let mut statement = reader.prepare_cached("select site, first from finding where seq >= ?")?;
            let mut rows = statement.query([from])?;
            while let Some(row) = rows.next()? {
                take(text(row, 0)?, Timestamp(row.get(1)?));
            }
            Ok(())
        })
    }

    fn each_finding_class(
        &self,
        from: Timestamp,
        to: Timestamp,
        unit: Option<&str>,
        take: &mut dyn FnMut(&str, Class),
    ) -> Result<(), StoreError> {
        /// Of a million, nothing else is read.
        #[derive(serde::Deserialize)]
        struct Classed {
            class: Class,
        }
        self.read(|reader| {
            let (least, behind) = (seq_at(reader, from)?, seq_at(reader, to)?);
            let of_unit = if unit.is_some() { "and unit = ?3" } else { "and ?3 is null" };
            let mut statement = reader.prepare_cached(&format!(
                "select coalesce(unit, ''), fact from entry where kind = 'finding' and seq >= ?1 and seq < ?2 {of_unit}"
            ))?;
            let mut rows = statement.query(params![least, behind, unit])?;
            while let Some(row) = rows.next()? {
                let read: Classed =
                    serde_json::from_str(text(row, 1)?).map_err(|error| StoreError::new(error.to_string()))?;
                take(text(row, 0)?, read.class);
            }
            Ok(())
        })
    }

    fn count_findings(&self, state: ReviewState) -> Result<u64, StoreError> {
        self.read(|reader| {
            let count: i64 = reader
                .prepare_cached("select count from finding_count where state = ?")?
                .query_row([state.as_str()], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    fn evidence_place(&self, hash: Hash) -> Result<Option<EvidencePlace>, StoreError> {
        self.read(|reader| {
            let place = reader
                .prepare_cached("select segment, offset from evidence where hash = ?")?
                .query_row([hash.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
                .optional()?;
            let of = |(segment, offset): (i64, i64)| (segment.unsigned_abs(), offset.unsigned_abs());
            Ok(place.map(of).map(|(segment, offset)| EvidencePlace { hash, segment, offset }))
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
    if let Fact::Finding(finding) = &entry.fact
        && !see_again(transaction, finding)?
    {
        let Finding { id, unit, site, at, .. } = finding;
        transaction.prepare_cached("insert into finding values (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)")?.execute(params![
            entry.seq as i64,
            id,
            unit,
            site,
            ReviewState::Pending.as_str(),
            at.0
        ])?;
    } else if let Fact::Review(review) = &entry.fact {
        let state = match review.decision {
            Decision::Confirmed => ReviewState::Confirmed,
            Decision::Dismissed => ReviewState::Dismissed,
        };
        set(&review.finding, state)?;
    } else if let Fact::Withdrawal(withdrawal) = &entry.fact {
        set(&withdrawal.of, ReviewState::Withdrawn)?;
    }
    Ok(())
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
