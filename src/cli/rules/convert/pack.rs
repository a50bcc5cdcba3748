//! The pack that comes of the lists. What the engine would refuse is left out, and told.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use super::{Entry, List, Skipped, Taken};
use crate::{
    base::{Problem, Severity},
    cli::rules::today,
    engine::rules::{self, Action, Brevity, Class, Lists, Mode, PackSource},
};

/// A rule weighs at most so much, either way.
const WEIGHT_MAX: i64 = 10_000;

/// What stands in `[pack]`.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) clause: String,
    pub(super) class: Class,
    pub(super) action: Action,
    pub(super) threshold: i64,
    pub(super) mode: Mode,
}

/// A pack in the making.
pub(super) struct Pack {
    head: Head,
    taken: Vec<Taken>,
    rules: Vec<Rule>,
    /// Rules by their phrases, to find what is listed twice.
    known: BTreeMap<Vec<String>, usize>,
    brevity: Brevity,
}

/// A pack as text, and what became of the lists.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) taken: Vec<Taken>,
    /// What means something else here than there.
    pub(super) notes: Vec<String>,
}

struct Rule {
    /// Which of the lists it came from.
    list: usize,
    entry: Entry,
    weight: i64,
}

/// Rules that come of lists name no word lists.
struct NoLists;

impl Lists for NoLists {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("there is no list {name:?}"))
    }
}

/// An id out of a file's name: `phraselists/gambling/weighted` is `gambling-weighted`.
pub(super) fn id_of(file: &Path) -> String {
    let name = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = file.parent().map(name).unwrap_or_default();
    let name = name(file);
    let generic = name.starts_with("weighted") || name.starts_with("banned");
    let whole = if generic && !parent.is_empty() { format!("{parent}-{name}") } else { name };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let id: String = whole.chars().map(plain).collect();
    let id = id.trim_matches('-');
    if id.is_empty() { "converted".to_owned() } else { id.to_owned() }
}

impl Pack {
    pub(super) fn new(head: Head) -> Self {
        Self { head, taken: Vec::new(), rules: Vec::new(), known: BTreeMap::new(), brevity: Brevity::default() }
    }

    /// Takes up a list.
    pub(super) fn add(&mut self, file: PathBuf, encoding: String, list: List, is_exception: bool) {
        let index = self.taken.len();
        let mut skipped = list.skipped;
        for entry in list.entries {
            let weight = entry.weight.unwrap_or(if is_exception { -WEIGHT_MAX } else { self.head.threshold });
            let mut skip = |why: String| {
                let text = entry.phrases.join(" + ");
                skipped.push(Skipped { line: entry.line, text, why });
            };
            if entry.phrases.iter().any(|phrase| phrase.contains(char::REPLACEMENT_CHARACTER)) {
                skip(format!("is not written in {encoding}; say --encoding NAME if that was guessed wrong"));
                continue;
            }
            if let Some(why) = self.brevity.found_everywhere(&entry.phrases) {
                skip(why);
                continue;
            }
            if weight == 0 {
                skip("weighs nothing".to_owned());
                continue;
            }
            let mut phrases: Vec<String> = entry.phrases.iter().map(|phrase| phrase.to_lowercase()).collect();
            phrases.sort_unstable();
            if let Some(&first) = self.known.get(&phrases) {
                let first = &self.rules[first];
                let (file, line) = (self.taken.get(first.list).map_or(&file, |taken| &taken.file), first.entry.line);
                skip(format!("is listed before, at {}:{line}, with weight {}", file.display(), first.weight));
                continue;
            }
            self.known.insert(phrases, self.rules.len());
            self.rules.push(Rule { list: index, weight: weight.clamp(-WEIGHT_MAX, WEIGHT_MAX), entry });
        }
        self.taken.push(Taken { file, encoding, rules: 0, combinations: 0, skipped });
    }

    /// Writes the pack without the rules that the engine refuses.
    pub(super) fn finish(mut self) -> Result<Written, Vec<Problem>> {
        let (text, lines) = self.text();
        let mut refused = BTreeMap::new();
        let mut elsewhere = Vec::new();
        for problem in errors(&text) {
            // The rule whose lines hold the problem.
            match lines.partition_point(|line| *line <= problem.line as usize).checked_sub(1) {
                Some(rule) => drop(refused.insert(rule, problem.message)),
                None => elsewhere.push(problem),
            }
        }
        if !elsewhere.is_empty() {
            return Err(elsewhere);
        }
        let mut kept = Vec::new();
        for (index, rule) in self.rules.into_iter().enumerate() {
            let taken = &mut self.taken[rule.list];
            if let Some(why) = refused.remove(&index) {
                taken.skipped.push(Skipped { line: rule.entry.line, text: rule.entry.phrases.join(" + "), why });
                continue;
            }
            taken.rules += 1;
            taken.combinations += usize::from(rule.entry.phrases.len() > 1);
            kept.push(rule);
        }
        self.rules = kept;
        for taken in &mut self.taken {
            taken.skipped.sort_by_key(|skipped| skipped.line);
        }
        if self.rules.is_empty() {
            let file = self.taken.first().map(|taken| taken.file.display().to_string()).unwrap_or_default();
            let problem = Problem::error(&file, 0, 0, "no phrase in it can become a rule");
            return Err(vec![problem.help("is it what --from says?")]);
        }
        let text = self.text().0;
        let left = errors(&text);
        if !left.is_empty() {
            return Err(left);
        }
        Ok(Written { text, notes: notes(&self.head, &self.rules), taken: self.taken })
    }

    /// The text, and the line on which each rule begins.
    fn text(&self) -> (String, Vec<usize>) {
        let Head { id, title, clause, class, action, threshold, mode } = &self.head;
        let title = title.as_deref().unwrap_or(id);
        let mut out = format!(
            "[pack]\nid        = {}\ntitle     = {}\nclause    = {}\nclass     = \"{}\"\naction    = \"{}\"\n\
             threshold = {threshold}\n",
            quoted(id),
            quoted(title),
            quoted(clause),
            class.as_str(),
            action.as_str()
        );
        let mut lines = Vec::new();
        let mode = if *mode == Mode::On { String::new() } else { format!("mode   = \"{}\"\n", mode.as_str()) };
        let mut line = out.lines().count() + 1;
        for (index, rule) in self.rules.iter().enumerate() {
            lines.push(line + 1);
            let phrases = rule.entry.phrases.iter().map(|phrase| quoted(phrase)).collect::<Vec<_>>().join(", ");
            let how = if rule.entry.phrases.len() > 1 { "all" } else { "any" };
            let source = format!("{}:{}", self.taken[rule.list].file.display(), rule.entry.line);
            let text = format!(
                "\n[[rule]]\nid     = {}\n{how}    = [{phrases}]\nweight = {}\n{mode}source = {}\n",
                quoted(&format!("{id}.{:04}", index + 1)),
                rule.weight,
                quoted(&source)
            );
            line += text.matches('\n').count();
            out.push_str(&text);
        }
        (out, lines)
    }
}

/// What keeps the engine from taking a pack.
fn errors(text: &str) -> Vec<Problem> {
    let source = PackSource { path: "the new pack".to_owned(), text: text.to_owned() };
    let parsed = rules::parse(&[source], &NoLists);
    let found = if parsed.packs.is_empty() { parsed.problems } else { rules::lint(&parsed.packs, today()) };
    found.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
}

/// What means something else here than where it came from.
fn notes(head: &Head, rules: &[Rule]) -> Vec<String> {
    let latin = |phrase: &str| phrase.is_ascii() && phrase.chars().any(|c| c.is_ascii_alphabetic());
    let words = rules.iter().flat_map(|rule| &rule.entry.phrases).filter(|phrase| latin(phrase)).count();
    let mut notes = Vec::new();
    if head.mode == Mode::On && head.action != Action::Observe {
        notes.push(
            "these rules act as soon as the pack is in force, and none has an example; with --mode shadow they are \
             found and counted, and nothing follows: begin with that"
                .to_owned(),
        );
    }
    if words > 0 {
        notes.push(format!(
            "{words} Latin phrases are found as whole words; E2Guardian finds those without spaces in the brackets \
             within longer words, too"
        ));
    }
    notes
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a String does not fail.
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
