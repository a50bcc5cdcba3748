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

use encoding_rs::Encoding;
use serde_json::json;

use self::pack::Written;
use super::{Exit, problems};
use crate::{
    base::Problem,
    cli::table::{Table, printable},
    engine::rules::{Action, Class, Mode},
};

/// Included files that are named in a message.
const INCLUDES_SHOWN: usize = 8;

/// Turn word lists and phrase lists of other filters into a rule pack.
///
/// The encoding of each file is guessed (UTF-8, UTF-16, GB18030, Big5, Shift_JIS, EUC-JP and the browser's
/// others; of a file in several, each part). What was not taken over, and why, is told on standard error, or
/// with --json on standard output: so is a phrase that would be found everywhere. Each line of a list becomes a rule of its own with its own weight, so that sums are what they were.
///
/// words: a phrase a line, # comments; "phrase,30" or a tab instead of the comma gives a weight,
/// "phrase+phrase" wants both on the page.
///
/// e2guardian: `<phrase><30>`, `<phrase>,<phrase><-30>` for combinations, `<phrase>` alone for lists of
/// banned phrases; DansGuardian's lists are the same. Files that a list includes are not followed: name them.
///
/// Begin with --mode shadow: the rules are found and counted, and nothing follows.
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
    /// The encoding of all files, if it is guessed wrong: gbk, big5, shift_jis, euc-jp, windows-1251 …
    #[arg(long, value_name = "NAME", value_parser = encoding_named)]
    encoding: Option<&'static Encoding>,
    /// The lists name exceptions: pages that hold one of the phrases pass [default: by the file's name].
    #[arg(long)]
    exceptions: bool,
    /// Write the pack here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over the file of --out if it is there.
    #[arg(long, requires = "out")]
    force: bool,
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
    /// Files that it names instead of holding their lines.
    includes: Vec<String>,
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
    encoding: String,
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
    if let Some(path) = args.out.as_deref().filter(|path| !args.force && path.exists()) {
        let problem = Problem::error(&path.display().to_string(), 0, 0, "is there already");
        return problems::give_up(&[problem.help("name another file, or write over this one with --force")]);
    }
    let (mut lists, mut unusable) = (Vec::new(), Vec::new());
    for file in &args.files {
        let shown = file.display().to_string();
        match fs::read(file) {
            Ok(bytes) => {
                let (text, encoding) = encoding::decode(&bytes, args.encoding, country);
                let list = match args.from {
                    From::Words => words::read(&text),
                    From::E2guardian => e2guardian::read(&text),
                };
                match list {
                    Ok(list) => lists.push((file.clone(), encoding, list)),
                    Err(problem) => unusable.push(Problem { path: shown, ..problem }),
                }
            }
            Err(error) => unusable.push(Problem::error(&shown, 0, 0, format!("cannot be read: {error}"))),
        }
    }
    unusable.extend(only_includes(&lists));
    if !unusable.is_empty() {
        return problems::give_up(&unusable);
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
        table.row([taken.file.display().to_string(), taken.encoding.clone(), rules, combinations, skipped]);
    }
    table.write(out)?;
    if written.taken.iter().any(|taken| !taken.skipped.is_empty()) {
        writeln!(out, "NOT TAKEN OVER:")?;
    }
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

/// Lists that hold nothing but the names of others, where no other list holds anything.
fn only_includes(lists: &[(PathBuf, String, List)]) -> Vec<Problem> {
    if lists.iter().any(|(.., list)| !list.entries.is_empty()) {
        return Vec::new();
    }
    let including = lists.iter().filter(|(.., list)| !list.includes.is_empty());
    let problem = |(file, _, list): &(PathBuf, String, List)| {
        let names: Vec<&str> = list.includes.iter().take(INCLUDES_SHOWN).map(String::as_str).collect();
        let more = if list.includes.len() > names.len() { " …" } else { "" };
        let message = "has no phrase of its own, only .Include lines, and those are not followed";
        let help = format!("give the files that it names on the command line: {}{more}", names.join(" "));
        Problem::error(&file.display().to_string(), 0, 0, message).help(help)
    };
    including.map(problem).collect()
}

fn encoding_named(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes())
        .ok_or_else(|| "no browser knows it; gbk, big5, shift_jis, euc-jp, euc-kr, windows-1251 are some".to_owned())
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
