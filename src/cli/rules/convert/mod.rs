//! `zhamen rules convert`: word lists and phrase lists of other filters, as a rule pack.

mod e2guardian;
mod encoding;
mod pack;
mod words;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

use self::pack::Written;
use super::{Exit, problems};
use crate::{
    base::Problem,
    cli::table::{Table, printable},
    engine::rules::{Action, Class, Mode},
};

/// Turn word lists and phrase lists of other filters into a rule pack.
///
/// The encoding of each file is guessed (UTF-8, UTF-16, GB18030, Big5 and the browser's others). What
/// could not be taken over, and why, is told on standard error, or with --json on standard output.
/// Each line of a list becomes a rule of its own with its own weight, so that sums are what they were.
///
/// words: a phrase a line, # comments; "phrase,30" or a tab instead of the comma gives a weight,
/// "phrase+phrase" wants both on the page.
///
/// e2guardian: `<phrase><30>`, `<phrase>,<phrase><-30>` for combinations, `<phrase>` alone for lists of
/// banned phrases; DansGuardian's lists are the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  everything was taken over\n  1  some lines were not; the report says \
                        which\n  2  an error: a file that cannot be read, no phrase at all")]
pub(in crate::cli) struct Args {
    /// What the files are.
    #[arg(long, value_enum)]
    from: From,
    /// The pack's id, and the beginning of its rules' ids [default: the first file's name].
    #[arg(long)]
    id: Option<String>,
    /// The pack's title [default: the list's own, or the id].
    #[arg(long)]
    title: Option<String>,
    /// The clause of the letter that the pack is about.
    #[arg(long, default_value = "7.9")]
    clause: String,
    /// What the ledger counts the pack as.
    #[arg(long, value_enum, default_value = "other")]
    class: ClassWord,
    /// What follows when the threshold is reached.
    #[arg(long, value_enum, default_value = "block")]
    action: ActionWord,
    /// The sum of weights at which it follows: E2Guardian's naughtynesslimit.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    threshold: i64,
    /// Whether the rules act. shadow: they are found and counted, and nothing follows.
    #[arg(long, value_enum, default_value = "on")]
    mode: ModeWord,
    /// The lists name exceptions: pages that hold one of the phrases pass [default: by the file's name].
    #[arg(long)]
    exceptions: bool,
    /// Write the pack here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the report as one JSON object; wants --out.
    #[arg(long, requires = "out")]
    json: bool,
    /// The lists.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum From {
    /// Plain word lists.
    Words,
    /// Phrase lists of E2Guardian and DansGuardian.
    E2guardian,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ClassWord {
    Political,
    Vulgar,
    Other,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ActionWord {
    Observe,
    Mask,
    Block,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModeWord {
    On,
    Shadow,
}

/// What one list holds.
#[derive(Debug, Default)]
struct List {
    /// What it calls itself.
    title: Option<String>,
    entries: Vec<Entry>,
    skipped: Vec<Skipped>,
}

/// A line that becomes a rule.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    line: usize,
    /// One, or several that must all be there.
    phrases: Vec<String>,
    /// `None`: found is enough, or with an exception: not found any more.
    weight: Option<i64>,
}

/// A line that does not.
#[derive(Clone, Debug, PartialEq)]
struct Skipped {
    line: usize,
    text: String,
    why: String,
}

/// What became of one file.
struct Taken {
    file: PathBuf,
    encoding: &'static str,
    rules: usize,
    combinations: usize,
    skipped: Vec<Skipped>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let mut head = pack::Head {
        id: args.id.clone().unwrap_or_else(|| pack::id_of(&args.files[0])),
        title: args.title.clone(),
        clause: args.clause.clone(),
        class: args.class.into(),
        action: args.action.into(),
        threshold: args.threshold,
        mode: args.mode.into(),
    };
    // Home-grown lists are Chinese; those of E2Guardian come from everywhere.
    let country: Option<&[u8]> = match args.from {
        From::Words => Some(b"cn"),
        From::E2guardian => None,
    };
    let (mut lists, mut unread) = (Vec::new(), Vec::new());
    for file in &args.files {
        match fs::read(file) {
            Ok(bytes) => {
                let (text, encoding) = encoding::decode(&bytes, country);
                let list = match args.from {
                    From::Words => words::read(&text),
                    From::E2guardian => e2guardian::read(&text),
                };
                lists.push((file.clone(), encoding, list));
            }
            Err(error) => {
                let file = file.display().to_string();
                unread.push(Problem::error(&file, 0, 0, format!("cannot be read: {error}")));
            }
        }
    }
    if !unread.is_empty() {
        return problems::give_up(&unread);
    }
    head.title = head.title.or_else(|| lists.iter().find_map(|(.., list)| list.title.clone()));
    let mut pack = pack::Pack::new(head);
    for (file, encoding, list) in lists {
        let is_exception = args.exceptions || names_exceptions(&file);
        pack.add(file, encoding, list, is_exception);
    }
    let written = match pack.finish() {
        Ok(written) => written,
        Err(found) => return problems::give_up(&found),
    };
    match &args.out {
        Some(path) => {
            if let Err(error) = fs::write(path, &written.text) {
                let path = path.display().to_string();
                return problems::give_up(&[Problem::error(&path, 0, 0, format!("cannot be written: {error}"))]);
            }
        }
        None => out.write_all(written.text.as_bytes())?,
    }
    if args.json {
        writeln!(out, "{}", to_json(&written))?;
    } else {
        report(&written, &mut io::stderr().lock())?;
    }
    Ok(if written.taken.iter().all(|taken| taken.skipped.is_empty()) { Exit::Ok } else { Exit::No })
}

fn report(written: &Written, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(["file", "encoding", "rules", "of them combinations", "not taken over"]);
    for taken in &written.taken {
        let counts = [taken.rules, taken.combinations, taken.skipped.len()].map(|count| count.to_string());
        let [rules, combinations, skipped] = counts;
        table.row([taken.file.display().to_string(), taken.encoding.into(), rules, combinations, skipped]);
    }
    table.write(out)?;
    for taken in &written.taken {
        for Skipped { line, text, why } in &taken.skipped {
            writeln!(out, "{}:{line}: {}: {why}", taken.file.display(), printable(text))?;
        }
    }
    for note in &written.notes {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

fn to_json(written: &Written) -> serde_json::Value {
    let skipped = |skipped: &Skipped| json!({"line": skipped.line, "text": skipped.text, "why": skipped.why});
    let files = written.taken.iter().map(|taken| {
        json!({
            "file": taken.file.display().to_string(), "encoding": taken.encoding, "rules": taken.rules,
            "combinations": taken.combinations, "skipped": taken.skipped.iter().map(skipped).collect::<Vec<_>>(),
        })
    });
    json!({"files": files.collect::<Vec<_>>(), "notes": written.notes})
}

/// `exceptionphraselist` and its like.
fn names_exceptions(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("exception"))
}

impl std::convert::From<ClassWord> for Class {
    fn from(word: ClassWord) -> Self {
        match word {
            ClassWord::Political => Self::Political,
            ClassWord::Vulgar => Self::Vulgar,
            ClassWord::Other => Self::Other,
        }
    }
}

impl std::convert::From<ActionWord> for Action {
    fn from(word: ActionWord) -> Self {
        match word {
            ActionWord::Observe => Self::Observe,
            ActionWord::Mask => Self::Mask,
            ActionWord::Block => Self::Block,
        }
    }
}

impl std::convert::From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::On => Self::On,
            ModeWord::Shadow => Self::Shadow,
        }
    }
}
