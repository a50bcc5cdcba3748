//! `zhamen registry import`: sites or customers from a file, with a look before.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Place, by, failed, read, with_spinner};
use crate::{
    base::{Problem, Severity},
    cli::{Exit, problems, table::Table},
    config::Config,
    control_plane::{
        PutError,
        files::read_registry,
        registry::{
            CustomerDifference, Feed, FileKind, Plan, Registrar, compare_customers, compare_feeds, kind_of,
            read_customers, sha256,
        },
    },
    domain::{
        record::{Change, CustomerFile, Fact},
        registry::{Difference, SiteRow},
    },
    store::SiteSource,
};

/// Changes of one kind that people are shown.
const SHOWN_MAX: usize = 200;

/// Import sites, units, services, commitments or persons; with --dry-run only say what would change.
///
/// The file of sites is the whole registry: hosts that are not in it lose the row that they have from
/// files. Rows of the pull and of the admin API stay. Files of customers add and change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  every row is good\n  1  some rows are refused; the others are applied\n  \
                        2  nothing is applied")]
pub(in crate::cli) struct Args {
    /// What the file lists (sites, units, services, commitments, persons; by its header if it is left
    /// out), and the file: CSV in UTF-8 or GB18030, or .xlsx.
    #[arg(value_names = ["KIND", "FILE"], num_args = 1..=2, required = true)]
    what: Vec<String>,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Apply it although it removes more rows than registry.remove_max allows.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What an import came to.
struct Outcome {
    rows_good: usize,
    rows_bad: usize,
    problems: Vec<Problem>,
    /// What is different; `None` if the file cannot be used at all.
    shown: Option<Shown>,
    /// Why it was not applied although it can be read.
    objection: Option<String>,
}

/// A difference as people and programs see it.
#[derive(Default)]
struct Shown {
    added: Vec<Value>,
    changed: Vec<Value>,
    removed: Vec<Value>,
    /// New sites that wait for the end of a control period.
    waiting: Vec<Value>,
    unchanged: usize,
    warnings: Vec<Problem>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let (kind, path) = match args.what.as_slice() {
        [file] => (None, PathBuf::from(file)),
        [kind, file, ..] => (Some(kind.as_str()), PathBuf::from(file)),
        [] => (None, PathBuf::new()),
    };
    let outcome = prepare(args, kind, &path).and_then(|(config, kind, bytes)| match kind {
        FileKind::Sites => import_sites(args, &config, &path, &bytes),
        FileKind::Customers(kind) => import_customers(args, &config, kind, &path, &bytes),
    });
    match outcome {
        Ok(outcome) => say(args, &path, &outcome, out),
        Err(found) => problems::give_up(&found),
    }
}

fn prepare(args: &Args, kind: Option<&str>, path: &Path) -> Result<(Config, FileKind, Vec<u8>), Vec<Problem>> {
    let shown = path.display().to_string();
    let config = args.place.config()?;
    let words = || CustomerFile::ALL.map(|kind| (kind.as_str(), FileKind::Customers(kind)));
    let kind = match kind {
        None => None,
        Some("sites") => Some(FileKind::Sites),
        Some(word) => match words().into_iter().find(|(known, _)| *known == word) {
            Some((_, kind)) => Some(kind),
            None => {
                let message = "is not a kind of file that can be imported";
                return Err(vec![
                    Problem::error(word, 0, 0, message).help("sites, units, services, commitments or persons"),
                ]);
            }
        },
    };
    let bytes = read(path)?;
    // A file whose header fits nothing is said to be a bad file of sites.
    let kind = kind.or_else(|| kind_of(&shown, &bytes)).unwrap_or(FileKind::Sites);
    Ok((config, kind, bytes))
}

fn import_sites(args: &Args, config: &Config, path: &Path, bytes: &[u8]) -> Result<Outcome, Vec<Problem>> {
    // The watched file keeps the name under which it is watched.
    let watched = &config.registry.file;
    let same = |a: &Path, b: &Path| matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b);
    let is_watched = same(path, watched);
    let name = if is_watched { watched.display().to_string() } else { path.display().to_string() };
    let what = format!("reading {name} ({} MiB)", bytes.len() >> 20);
    let read = with_spinner(&what, bytes.len(), || Feed::read(&name, bytes));
    let mut outcome = Outcome {
        rows_good: read.rows_good,
        rows_bad: read.rows_bad,
        problems: read.problems,
        shown: None,
        objection: None,
    };
    let Some(feed) = read.feed else { return Ok(outcome) };
    let registrar = args.place.registrar(config)?;
    let mut shown = Shown::default();
    // What the watched file says and nobody has taken over yet comes first: the import is compared with
    // it, and follows it.
    let pending = if is_watched { None } else { pending(&registrar, watched) };
    if let Some(pending) = &pending {
        if args.dry_run {
            let mut difference = compare_feeds(&pending.registry, &feed.registry);
            registrar.hold_back(&mut difference);
            shown.take(&difference);
            outcome.shown = Some(shown);
            return Ok(outcome);
        }
        let plan = registrar.plan(SiteSource::File, pending.clone()).map_err(failed("the store"))?;
        registrar.keep(&by(), plan, false).map_err(refused)?;
    }
    let plan = registrar.plan(SiteSource::File, feed).map_err(failed("the store"))?;
    shown.take(&plan.difference);
    shown.contest(&name, &plan);
    outcome.shown = Some(shown);
    let is_emptied = (outcome.rows_good == 0 && plan.difference.before > 0).then(|| "there is no row in it".to_owned());
    let objection = is_emptied.or_else(|| plan.difference.objection(config.registry.remove_max_percent));
    outcome.objection = objection.filter(|_| !args.force);
    if !args.dry_run && outcome.objection.is_none() {
        let what = format!("writing {} changes", plan.difference.len());
        with_spinner(&what, bytes.len(), || registrar.keep(&by(), plan, false)).map_err(refused)?;
        if !is_watched && watched.exists() {
            let shown = watched.display().to_string();
            let message = format!("{shown} says something else now, and holds again as soon as somebody changes it");
            let help = format!("make it say the same: `zhamen registry export -o {shown}`");
            outcome.shown.get_or_insert_default().warnings.push(Problem::warning(&shown, 0, 0, message).help(help));
        }
    }
    Ok(outcome)
}

/// What the watched file says, if that is news to the store.
fn pending(registrar: &Registrar, watched: &Path) -> Option<Feed> {
    let (bytes, _) = read_registry(watched).ok()?;
    if registrar.has_applied(&bytes) {
        return None;
    }
    Feed::read(&watched.display().to_string(), &bytes).feed
}

fn import_customers(
    args: &Args,
    config: &Config,
    kind: CustomerFile,
    path: &Path,
    bytes: &[u8],
) -> Result<Outcome, Vec<Problem>> {
    let name = path.display().to_string();
    let read = read_customers(kind, &name, bytes);
    let (mut rows_good, mut rows_bad, mut problems) = (read.rows_good, read.rows_bad, read.problems);
    let Some(rows) = read.facts else {
        return Ok(Outcome { rows_good, rows_bad, problems, shown: None, objection: None });
    };
    let registrar = args.place.registrar(config)?;
    // Units of a file of sites that nobody has taken over yet are there, too.
    if !args.dry_run
        && let Some(pending) = pending(&registrar, &config.registry.file)
    {
        let plan = registrar.plan(SiteSource::File, pending).map_err(failed("the store"))?;
        registrar.keep(&by(), plan, false).map_err(refused)?;
    }
    let record = registrar.record();
    let difference = record.with_ledger(|ledger| compare_customers(ledger, &name, rows));
    let CustomerDifference { added, changed, unchanged, problems: unknown } = &difference;
    rows_bad += unknown.len();
    rows_good -= unknown.len();
    problems.extend(unknown.iter().cloned());
    let value = |fact: &Fact| serde_json::to_value(fact).unwrap_or_default();
    let shown = Shown {
        added: added.iter().map(value).collect(),
        changed: changed.iter().map(value).collect(),
        unchanged: *unchanged,
        ..Shown::default()
    };
    let is_good = rows_bad <= rows_good;
    let objection =
        (!is_good).then(|| format!("{rows_bad} rows are bad and only {rows_good} are good: nothing is applied"));
    if !args.dry_run && is_good {
        let by = by();
        // What names a unit comes after it.
        let (units, rest): (Vec<Fact>, Vec<Fact>) =
            difference.facts().cloned().partition(|fact| matches!(fact, Fact::Unit(_)));
        for unit in units {
            record.put(&by, &[unit]).map_err(refused)?;
        }
        let mut rest = rest;
        if !added.is_empty() || !changed.is_empty() {
            let detail = format!(
                "{} added, {} changed, {rows_bad} refused; sha256 {}",
                added.len(),
                changed.len(),
                sha256(bytes),
            );
            let at = registrar.now();
            rest.push(Fact::Change(Change { what: kind.as_str().into(), subject: name, at, detail }));
        }
        for facts in rest.chunks(5_000) {
            record.put(&by, facts).map_err(refused)?;
        }
    }
    Ok(Outcome { rows_good, rows_bad, problems, shown: Some(shown), objection })
}

fn refused(error: PutError) -> Vec<Problem> {
    vec![Problem::error("record", 0, 0, error.to_string())]
}

impl Shown {
    fn take(&mut self, difference: &Difference) {
        let row = |row: &SiteRow| {
            let columns = row.columns().into_iter().map(|(name, text)| (name.to_owned(), Value::String(text)));
            Value::Object(columns.collect())
        };
        self.unchanged = difference.unchanged;
        self.added = difference.added.iter().map(|site| row(&site.to_row())).collect();
        self.waiting = difference.waiting.iter().map(|site| row(&site.to_row())).collect();
        self.changed = difference
            .changed
            .iter()
            .map(|(was, is)| {
                let columns = was.differences(&is.to_row());
                let columns = columns.into_iter().map(|(name, was, is)| json!({"column": name, "from": was, "to": is}));
                json!({"host": was.host, "columns": columns.collect::<Vec<_>>()})
            })
            .collect();
        self.removed = difference.removed.iter().map(row).collect();
        // A row that was good and now is bad does not serve any more: that is a change, too.
        for (host, was) in &difference.barred {
            if was.is_some() {
                let columns = json!([{"column": "row", "from": "good", "to": "refused"}]);
                self.changed.push(json!({"host": host, "columns": columns}));
            }
        }
    }

    fn contest(&mut self, name: &str, plan: &Plan<'_>) {
        for host in &plan.contested {
            let message =
                format!("another source (pull or api) says something else of {host}; this file is newer, and holds");
            self.warnings.push(Problem::warning(name, 0, 0, message).help("let one source say it"));
        }
    }
}

fn say(args: &Args, path: &Path, outcome: &Outcome, out: &mut dyn Write) -> io::Result<Exit> {
    let Outcome { rows_good, rows_bad, problems: found, shown, objection } = outcome;
    let applies = shown.is_some() && objection.is_none();
    let exit = match (applies, *rows_bad) {
        (false, _) => Exit::Error,
        (true, 0) => Exit::Ok,
        (true, _) => Exit::No,
    };
    let empty = Shown::default();
    let shown = shown.as_ref().unwrap_or(&empty);
    if args.json {
        let refused = found.iter().filter(|problem| problem.severity == Severity::Error);
        let warnings = found.iter().filter(|problem| problem.severity == Severity::Warning).chain(&shown.warnings);
        let object = json!({
            "file": path.display().to_string(),
            "dry_run": args.dry_run,
            "applied": applies && !args.dry_run,
            "rows_good": rows_good,
            "rows_bad": rows_bad,
            "added": shown.added,
            "changed": shown.changed,
            "removed": shown.removed,
            "waiting": shown.waiting,
            "unchanged": shown.unchanged,
            "refused": refused.map(problems::to_json).collect::<Vec<_>>(),
            "warnings": warnings.map(problems::to_json).collect::<Vec<_>>(),
            "objection": objection,
        });
        writeln!(out, "{object}")?;
        return Ok(exit);
    }
    problems::write(found, out)?;
    problems::write(&shown.warnings, out)?;
    write_difference(shown, out)?;
    let waits = match shown.waiting.len() {
        0 => String::new(),
        count => format!(", {count} wait for the end of a control period"),
    };
    let counts = format!(
        "{} added, {} changed, {} removed, {} unchanged, {rows_bad} refused{waits}",
        shown.added.len(),
        shown.changed.len(),
        shown.removed.len(),
        shown.unchanged,
    );
    match (objection, applies, args.dry_run) {
        (Some(objection), ..) => {
            writeln!(out, "{counts}")?;
            writeln!(out, "Nothing was changed: {objection}; --force applies a removal all the same.")?;
        }
        (None, false, _) => {
            writeln!(out, "This file would change nothing: it has no usable header, or more bad rows than good ones.")?
        }
        (None, true, true) => writeln!(out, "{counts}\nNothing was changed: this was a dry run.")?,
        (None, true, false) => writeln!(out, "{counts}")?,
    }
    Ok(exit)
}

fn write_difference(shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let all =
        [("added", &shown.added), ("changed", &shown.changed), ("removed", &shown.removed), ("waits", &shown.waiting)];
    if all.iter().all(|(_, values)| values.is_empty()) {
        return Ok(());
    }
    let mut table = Table::new(["change", "what", "how"]);
    let mut more = 0;
    for (word, values) in all {
        for value in values.iter().take(SHOWN_MAX) {
            table.row([word.to_owned(), subject(value), details(value)]);
        }
        more += values.len().saturating_sub(SHOWN_MAX);
    }
    table.write(out)?;
    if more > 0 {
        writeln!(out, "… and {more} more; --json lists them all")?;
    }
    Ok(())
}

/// The host of a row, or what a customer's row is about.
fn subject(value: &Value) -> String {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    match value["type"].as_str() {
        None => text("host"),
        Some("service") => format!("service {}", text("service")),
        Some("person") => format!("{} {} of {}", text("role"), text("name"), text("unit")),
        Some(kind) => format!("{kind} {}", text("unit")),
    }
}

/// What stands in a row, or which columns are others.
fn details(value: &Value) -> String {
    if let Some(columns) = value["columns"].as_array() {
        let told = columns
            .iter()
            .map(|column| format!("{}: {} → {}", text_of(column, "column"), column["from"], column["to"]));
        return told.collect::<Vec<_>>().join(", ");
    }
    let skipped = ["type", "host", "role", "name"];
    let members = value.as_object().into_iter().flatten();
    let told = members.filter(|(name, _)| !skipped.contains(&name.as_str())).filter_map(|(name, value)| match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(format!("{name} {text}")),
        Value::Null => None,
        other => Some(format!("{name} {other}")),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
