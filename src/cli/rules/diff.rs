//! `zhamen rules diff`: what would change if other packs were in force, shown by pages.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    panic,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::{Exit, page, page::Page, problems, scan, silent_config, today};
use crate::{
    base::Problem,
    cli::{place::Place, table::Table},
    control_plane::files::RuleFiles,
    engine::{
        body_filter::{BodyHead, Judgement, ScanPolicy, scan_whole},
        rules::RuleSet,
    },
};

/// Replay a directory of pages under two directories of packs, and show what changes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Pages are read below DIR; what they are is told by their names (.html .json .txt … and .gz .br \
                  .zst behind), or else by what is in them.\n\nExit status:\n  0  nothing changes\n  1  something \
                  changes\n  2  an error"
)]
pub(in crate::cli) struct Args {
    /// The directory of the packs as they are.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The directory of the packs as they would be.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The directory of the pages.
    #[arg(long, value_name = "DIR")]
    against: PathBuf,
    /// Says how bodies are scanned.
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A page is read up to here.
const PAGE_BYTES_MAX: u64 = 64 << 20;

/// What changes on one page. The phrases say where a rule hits.
struct Change {
    page: String,
    verdicts: (&'static str, &'static str),
    /// Rules that hit only now, with the phrase.
    gained: Vec<(Arc<str>, Arc<str>)>,
    /// Rules that hit no longer.
    lost: Vec<(Arc<str>, Arc<str>)>,
    /// Categories whose score changes.
    scores: BTreeMap<Arc<str>, (i32, i32)>,
}

struct Replay {
    pages: usize,
    changes: Vec<Change>,
    unread: Vec<Problem>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let config = if args.place.is_named() { args.place.config() } else { silent_config() };
    let prepared = config.and_then(|config| {
        let compiled = |dir: &Path| Ok::<_, Vec<Problem>>(RuleFiles::read(dir)?.compile(today())?.rules);
        let pages = page::list(&args.against).map_err(|(path, error)| {
            vec![Problem::error(&path.display().to_string(), 0, 0, format!("cannot be read: {error}"))]
        })?;
        Ok((compiled(&args.old)?, compiled(&args.new)?, pages, ScanPolicy { enabled: true, ..config.scan }))
    });
    let (old, new, pages, policy) = match prepared {
        Ok(prepared) => prepared,
        Err(found) => return problems::give_up(&found),
    };
    let replay = replay(&args.against, &pages, [&old, &new], &policy);
    if args.json {
        writeln!(out, "{}", to_json(&replay))?;
    } else {
        write_for_people(&replay, out)?;
    }
    let exit = if replay.changes.is_empty() { Exit::Ok } else { Exit::No };
    if replay.unread.is_empty() { Ok(exit) } else { problems::give_up(&replay.unread) }
}

/// Judges all pages twice, on all cores.
fn replay(dir: &Path, pages: &[Page], rules: [&Arc<RuleSet>; 2], policy: &ScanPolicy) -> Replay {
    let bar = progress(pages.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, page)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            pages.get(index).map(|page| (index, page))
        } {
            done.push((index, compare(dir, page, rules, policy)));
            bar.inc(1);
        }
        done
    };
    let mut results = thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(pages.len().max(1));
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let joined =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|fault| panic::resume_unwind(fault)));
        joined.flatten().collect::<Vec<_>>()
    });
    bar.finish_and_clear();
    results.sort_by_key(|item| item.0);
    let mut replay = Replay { pages: results.len(), changes: Vec::new(), unread: Vec::new() };
    for (_, result) in results {
        match result {
            Ok(change) => replay.changes.extend(change),
            Err(problem) => replay.unread.push(problem),
        }
    }
    replay
}

fn progress(pages: usize) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(pages as u64), target);
    match ProgressStyle::with_template("{wide_bar} {pos}/{len} pages, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn compare(
    dir: &Path,
    page: &Page,
    [old, new]: [&Arc<RuleSet>; 2],
    policy: &ScanPolicy,
) -> Result<Option<Change>, Problem> {
    let shown = page.path.strip_prefix(dir).unwrap_or(&page.path).display().to_string();
    let body = page::read_bounded(&page.path, PAGE_BYTES_MAX)
        .map_err(|error| Problem::error(&page.path.display().to_string(), 0, 0, format!("cannot be read: {error}")))?;
    let head = BodyHead {
        content_type: page.content_type.map(str::as_bytes),
        content_encoding: page.content_encoding.map(str::as_bytes),
    };
    let judge = |rules: &Arc<RuleSet>| scan_whole(rules, head, policy, &body);
    Ok(change(shown, &judge(old), &judge(new)))
}

/// What changes between two judgements of one page, if anything does.
fn change(page: String, old: &Judgement, new: &Judgement) -> Option<Change> {
    let only = |these: &Judgement, those: &Judgement| {
        let mut only: Vec<_> = these
            .findings
            .iter()
            .filter(|finding| !those.findings.iter().any(|other| other.rule == finding.rule))
            .map(|finding| (Arc::clone(&finding.rule), Arc::clone(&finding.phrase)))
            .collect();
        only.sort();
        only
    };
    let mut scores: BTreeMap<Arc<str>, (i32, i32)> = BTreeMap::new();
    for score in &old.categories {
        scores.entry(Arc::clone(&score.category)).or_default().0 = score.score;
    }
    for score in &new.categories {
        scores.entry(Arc::clone(&score.category)).or_default().1 = score.score;
    }
    scores.retain(|_, (old, new)| old != new);
    let verdicts = (scan::verdict(old), scan::verdict(new));
    let change = Change { page, verdicts, gained: only(new, old), lost: only(old, new), scores };
    let same =
        verdicts.0 == verdicts.1 && change.gained.is_empty() && change.lost.is_empty() && change.scores.is_empty();
    (!same).then_some(change)
}

/// By rule: on how many pages it hits only now, and on how many no longer.
fn by_rule(changes: &[Change]) -> BTreeMap<&str, (usize, usize)> {
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for change in changes {
        change.gained.iter().for_each(|(rule, _)| rules.entry(rule).or_default().0 += 1);
        change.lost.iter().for_each(|(rule, _)| rules.entry(rule).or_default().1 += 1);
    }
    rules
}

fn write_for_people(replay: &Replay, out: &mut dyn Write) -> io::Result<()> {
    let rules = by_rule(&replay.changes);
    if !rules.is_empty() {
        let mut table = Table::new(["rule", "newly hits", "no longer hits"]);
        for (rule, (gained, lost)) in rules {
            table.row([rule.to_owned(), pages(gained), pages(lost)]);
        }
        table.write(out)?;
        writeln!(out)?;
    }
    if !replay.changes.is_empty() {
        let mut table = Table::new(["page", "verdict", "scores", "rules"]);
        for change in &replay.changes {
            let (old, new) = change.verdicts;
            let scores = change.scores.iter().map(|(category, (old, new))| format!("{category} {old} → {new}"));
            let gained = change.gained.iter().map(|(rule, phrase)| format!("+{rule} ({phrase})"));
            let lost = change.lost.iter().map(|(rule, phrase)| format!("-{rule} ({phrase})"));
            table.row([
                change.page.clone(),
                if old == new { old.to_owned() } else { format!("{old} → {new}") },
                scores.collect::<Vec<_>>().join(", "),
                gained.chain(lost).collect::<Vec<_>>().join(" "),
            ]);
        }
        table.write(out)?;
        writeln!(out)?;
    }
    let verdicts = replay.changes.iter().filter(|change| change.verdicts.0 != change.verdicts.1).count();
    let changed = replay.changes.len();
    writeln!(out, "{}, {changed} changed, {verdicts} with another verdict", pages(replay.pages))
}

fn pages(count: usize) -> String {
    match count {
        1 => "1 page".to_owned(),
        _ => format!("{count} pages"),
    }
}

fn to_json(replay: &Replay) -> Value {
    let rules = by_rule(&replay.changes);
    let rules = rules.into_iter().map(|(rule, (gained, lost))| json!({"rule": rule, "gained": gained, "lost": lost}));
    let hits = |hits: &[(Arc<str>, Arc<str>)]| -> Vec<Value> {
        hits.iter().map(|(rule, phrase)| json!({"rule": &**rule, "phrase": &**phrase})).collect()
    };
    let changes = replay.changes.iter().map(|change| {
        let scores: BTreeMap<&str, Value> =
            change.scores.iter().map(|(id, (old, new))| (&**id, json!({"old": old, "new": new}))).collect();
        json!({
            "page": change.page,
            "verdict": {"old": change.verdicts.0, "new": change.verdicts.1},
            "scores": scores,
            "gained": hits(&change.gained),
            "lost": hits(&change.lost),
        })
    });
    json!({
        "pages": replay.pages,
        "changed": replay.changes.len(),
        "unread": problems::all_to_json(&replay.unread),
        "rules": rules.collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
    })
}
