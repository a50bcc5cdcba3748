//! Export: a tar that an outsider can check with `sha256sum` and `openssl` alone. What is not asked for
//! is left out, but its links are not, so that the chain can be followed all the same.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    io::{self, BufWriter},
    path::Path,
};

use tar::{Builder, EntryType, Header};

use super::{
    Hash, HeadRow, Link, Query, SigningKey, Store, StoreError,
    evidence::{Piece, Segment, damaged, open_content, parse_head, read_line, segments, sign},
    seal::HEADS_FILE,
};
use crate::{
    base::Timestamp,
    domain::record::{Change, Fact},
};

/// The directory that everything in the tar stands in.
const TOP: &str = "zhamen-evidence";

/// Entries read at a time.
const BATCH: usize = 10_000;

/// What is exported.
#[derive(Clone, Debug, Default)]
pub struct ExportQuery {
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
    /// Only what is about this unit.
    pub unit: Option<String>,
    /// Only this incident, and what it came from.
    pub incident: Option<String>,
}

impl ExportQuery {
    /// The entry that has to be on the record before anybody has the export: bodies are in it.
    pub fn change(&self, at: Timestamp) -> Fact {
        let Self { from, to, unit, incident } = self;
        let times = [("from", from), ("to", to)].map(|(word, at)| at.map(|at| format!("{word} {at}")));
        let names = [("unit", unit), ("incident", incident)];
        let names = names.map(|(word, id)| id.as_ref().map(|id| format!("{word} {id}")));
        let detail = times.into_iter().chain(names).flatten().collect::<Vec<_>>().join(", ");
        Fact::Change(Change { what: "export".into(), subject: "evidence".into(), at, detail })
    }
}

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Entries shown.
    pub entries: u64,
    /// Entries of the range that only their links stand for.
    pub left_out: u64,
    /// Records in evidence.
    pub records: u64,
}

/// Writes an export to a file, which appears when it is whole.
pub fn export(
    store: &dyn Store,
    directory: &Path,
    key: &SigningKey,
    query: &ExportQuery,
    now: Timestamp,
    out: &Path,
) -> Result<Exported, StoreError> {
    let fail = |error| StoreError::file(out, &error);
    let aside = out.with_extension("partial");
    let file = BufWriter::new(File::create(&aside).map_err(fail)?);
    let mut tar = Tar { builder: Builder::new(file), sums: String::new(), now };
    let written = write(&mut tar, store, directory, key, query).and_then(|exported| {
        let file = tar.finish().map_err(fail)?;
        file.sync_all().map_err(fail)?;
        fs::rename(&aside, out).map_err(fail)?;
        Ok(exported)
    });
    if written.is_err() {
        // It is of no use; what went wrong is said.
        let _ = fs::remove_file(&aside);
    }
    written
}

fn write(
    tar: &mut Tar,
    store: &dyn Store,
    directory: &Path,
    key: &SigningKey,
    query: &ExportQuery,
) -> Result<Exported, StoreError> {
    let chosen = chosen(store, query)?;
    let (first, last) = range(store, query)?;
    let (mut lines, mut links) = (String::new(), String::new());
    let mut exported = Exported::default();
    let mut named = Named::default();
    let mut end = None;
    store.each_line(first, last, &mut |line| {
        let link = line.link();
        links.push_str(&link.line());
        end = Some((line.seq, link.hash()));
        if chosen.as_ref().is_some_and(|chosen| !chosen.contains(&line.seq)) {
            exported.left_out += 1;
            return Ok(());
        }
        exported.entries += 1;
        lines.push_str(&line.text);
        if let Ok(Fact::Finding(finding)) = serde_json::from_str(&line.fact) {
            named.hashes.extend(finding.evidence.parse::<Hash>());
            named.findings.insert(finding.id);
        }
        Ok(())
    })?;
    tar.file("verify.sh", 0o755, include_bytes!("verify.sh"))?;
    tar.file("public.pem", 0o644, key.public().to_pem().as_bytes())?;
    tar.file("entries.jsonl", 0o644, lines.as_bytes())?;
    tar.file("chain.txt", 0o644, links.as_bytes())?;
    if let Some((seq, hash)) = end {
        let mut heads = heads_between(store, first, seq)?;
        heads.push(sign(key, "entries", seq, hash, tar.now));
        tar.heads("entries", &heads)?;
    }
    exported.records = evidence(tar, directory, key, &named)?;
    Ok(exported)
}

/// The numbers of the entries asked for; `None`: all of the range. Of a unit and an incident: what is about
/// both.
fn chosen(store: &dyn Store, query: &ExportQuery) -> Result<Option<HashSet<u64>>, StoreError> {
    let of_unit = query.unit.as_ref().map(|unit| about_unit(store, unit)).transpose()?;
    let of_incident = query.incident.as_ref().map(|incident| about_incident(store, incident)).transpose()?;
    Ok(match (of_unit, of_incident) {
        (Some(mut seqs), Some(others)) => {
            seqs.retain(|seq| others.contains(seq));
            Some(seqs)
        }
        (one, None) => one,
        (None, other) => other,
    })
}

fn about_unit(store: &dyn Store, unit: &str) -> Result<HashSet<u64>, StoreError> {
    let mut seqs = HashSet::new();
    each(store, Query { unit: Some(unit.to_owned()), ..Query::default() }, &mut |seq, _| {
        seqs.insert(seq);
    })?;
    Ok(seqs)
}

fn about_incident(store: &dyn Store, incident: &str) -> Result<HashSet<u64>, StoreError> {
    let (mut seqs, mut because) = (HashSet::new(), BTreeSet::new());
    each(store, Query { subject: Some(incident.to_owned()), ..Query::default() }, &mut |seq, fact| {
        seqs.insert(seq);
        if let Fact::IncidentOpen(open) = fact {
            because.extend(open.because.iter().cloned());
        }
    })?;
    if seqs.is_empty() {
        return Err(StoreError::new(format!("there is no incident {incident:?} on the record")));
    }
    for id in because {
        each(store, Query { subject: Some(id), ..Query::default() }, &mut |seq, _| {
            seqs.insert(seq);
        })?;
    }
    Ok(seqs)
}

/// Shows every entry that a query asks for.
fn each(store: &dyn Store, mut query: Query, take: &mut dyn FnMut(u64, &Fact)) -> Result<(), StoreError> {
    query.limit = BATCH;
    loop {
        let entries = store.entries(&query)?;
        for entry in &entries {
            take(entry.seq, &entry.fact);
        }
        match entries.last() {
            Some(last) if entries.len() == BATCH => query.after = Some(last.seq),
            Some(_) | None => return Ok(()),
        }
    }
}

/// The first and last number of the range of times.
fn range(store: &dyn Store, query: &ExportQuery) -> Result<(u64, u64), StoreError> {
    let one = |descending| -> Result<Option<u64>, StoreError> {
        let query = Query { from: query.from, to: query.to, descending, limit: 1, ..Query::default() };
        Ok(store.entries(&query)?.first().map(|entry| entry.seq))
    };
    Ok((one(false)?.unwrap_or(1), one(true)?.unwrap_or(0)))
}

fn heads_between(store: &dyn Store, first: u64, last: u64) -> Result<Vec<HeadRow>, StoreError> {
    let mut all: Vec<HeadRow> = Vec::new();
    loop {
        let after = all.last().map_or(first.saturating_sub(1), |head| head.seq);
        let heads = store.heads(after, BATCH)?;
        let found = heads.len();
        all.extend(heads.into_iter().filter(|head| head.seq < last));
        if found < BATCH || all.last().is_none_or(|head| head.seq == after) {
            return Ok(all);
        }
    }
}

/// What exported entries name.
#[derive(Default)]
struct Named {
    hashes: HashSet<Hash>,
    findings: HashSet<String>,
}

/// Writes what is in evidence of the entries, and the links from the first to the last of it.
fn evidence(tar: &mut Tar, directory: &Path, key: &SigningKey, named: &Named) -> Result<u64, StoreError> {
    let (mut links, mut waiting): (String, Vec<Link>) = (String::new(), Vec::new());
    let mut count = 0;
    let mut seals = Vec::new();
    let mut ends: Option<(u64, u64, Hash)> = None;
    for (_, path) in segments(directory)? {
        let fail = |error| StoreError::file(&path, &error);
        let mut segment = Segment::open(&path).map_err(fail)?.map_err(|wrong| damaged(&path, wrong))?;
        while let Some(piece) = segment.next_piece().map_err(fail)?.map_err(|wrong| damaged(&path, wrong))? {
            let (link, content) = match piece {
                Piece::Record { link, content } => (link, content),
                Piece::Seal(seal) => {
                    seals.push(seal);
                    continue;
                }
            };
            waiting.push(link);
            let hash = link.hash();
            let Some((line, stored)) = content else {
                // Its time is over, and its link is all that is left.
                if named.hashes.contains(&hash) {
                    flush(&mut waiting, &mut links, &mut ends);
                }
                continue;
            };
            let (header, body) = open_content(&line, &stored).map_err(|wrong| damaged(&path, wrong))?;
            let is_named = named.hashes.contains(&hash)
                || header.findings.iter().any(|finding| named.findings.contains(&finding.id));
            if is_named {
                flush(&mut waiting, &mut links, &mut ends);
                tar.file(&format!("evidence/{hash}.json"), 0o644, line.as_bytes())?;
                tar.file(&format!("evidence/{hash}.body"), 0o644, &body)?;
                count += 1;
            } else if ends.is_none() {
                waiting.clear();
            }
        }
    }
    tar.file("evidence/chain.txt", 0o644, links.as_bytes())?;
    if let Some((first, last, hash)) = ends {
        let mut heads = filed_heads(&directory.join(HEADS_FILE))?;
        heads.extend(seals);
        heads.retain(|head| (first..last).contains(&head.seq));
        heads.sort_by_key(|head| head.seq);
        heads.dedup_by_key(|head| head.seq);
        heads.push(sign(key, "evidence", last, hash, tar.now));
        tar.heads("evidence", &heads)?;
    }
    Ok(count)
}

/// Links become part of the export up to the last one.
fn flush(waiting: &mut Vec<Link>, links: &mut String, ends: &mut Option<(u64, u64, Hash)>) {
    for link in waiting.drain(..) {
        links.push_str(&link.line());
        let first = ends.map_or(link.seq, |(first, _, _)| first);
        *ends = Some((first, link.seq, link.hash()));
    }
}

/// Heads of the evidence in the file of heads.
fn filed_heads(path: &Path) -> Result<Vec<HeadRow>, StoreError> {
    let mut heads = Vec::new();
    if path.exists() {
        let fail = |error| StoreError::file(path, &error);
        let mut input = io::BufReader::new(File::open(path).map_err(fail)?);
        while let Some(line) = read_line(&mut input).map_err(fail)? {
            heads.extend(parse_head("evidence", &line));
        }
    }
    Ok(heads)
}

/// A tar in the making, and the sums of what is in it.
struct Tar {
    builder: Builder<BufWriter<File>>,
    sums: String,
    now: Timestamp,
}

impl Tar {
    fn file(&mut self, name: &str, mode: u32, bytes: &[u8]) -> Result<(), StoreError> {
        if name != "SHA256SUMS" {
            self.sums.push_str(&format!("{}  {name}\n", Hash::of(bytes)));
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        header.set_mtime(u64::try_from(self.now.0 / 1_000).unwrap_or(0));
        self.builder
            .append_data(&mut header, format!("{TOP}/{name}"), bytes)
            .map_err(|error| StoreError::new(format!("the export: {error}")))
    }

    fn heads(&mut self, chain: &str, heads: &[HeadRow]) -> Result<(), StoreError> {
        for head in heads {
            let line = HeadRow::signed_line(chain, head.seq, head.hash, head.at);
            self.file(&format!("heads/{chain}-{}.txt", head.seq), 0o644, line.as_bytes())?;
            self.file(&format!("heads/{chain}-{}.sig", head.seq), 0o644, &head.signature)?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<File> {
        let sums = std::mem::take(&mut self.sums);
        self.file("SHA256SUMS", 0o644, sums.as_bytes()).map_err(io::Error::other)?;
        Ok(self.builder.into_inner()?.into_inner()?)
    }
}
