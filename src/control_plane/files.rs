//! The files that the operator writes, read whole: what is parsed is what was hashed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    base::{Date, Problem, Severity},
    config::{Config, Parsed},
    engine::{
        body_filter::{BodyHead, ScanPolicy, scan_whole},
        rules::{self, ExampleOutcome, Lists, Pack, PackSource, RuleSet, lint, lint_examples, run_examples},
    },
};

/// Examples are read as pages, so that they may hold markup.
const EXAMPLE_HEAD: BodyHead<'static> =
    BodyHead { content_type: Some(b"text/html; charset=utf-8"), content_encoding: None };

/// A hash of names and contents: equal if nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// The text of every pack and word list of a directory.
#[derive(Clone, Debug)]
pub struct RuleFiles {
    packs: Vec<PackSource>,
    lists: WordLists,
    fingerprint: Fingerprint,
}

/// Packs that were parsed and compiled without an error.
#[derive(Clone)]
pub struct CompiledRules {
    /// As written.
    pub packs: Vec<Pack>,
    /// As matched.
    pub rules: Arc<RuleSet>,
    /// What is worth a look.
    pub warnings: Vec<Problem>,
}

/// The contents of `lists/*.txt`, by the name a rule calls them: `lists/NAME.txt`.
#[derive(Clone, Debug, Default)]
struct WordLists(BTreeMap<String, String>);

impl Lists for WordLists {
    fn read(&self, name: &str) -> Result<String, String> {
        self.0.get(name).cloned().ok_or_else(|| {
            let known = self.0.keys().cloned().collect::<Vec<_>>().join(", ");
            if known.is_empty() {
                format!("there is no word list {name:?}: the rules directory has no lists/*.txt")
            } else {
                format!("there is no word list {name:?}; there are: {known}")
            }
        })
    }
}

/// Reads zhamen.toml with the environment of this process.
pub fn read_config(path: &Path) -> (Parsed, Fingerprint) {
    let shown = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => {
            let print = fingerprint([(shown.as_str(), bytes.as_slice())]);
            let parsed = match utf8(&shown, bytes) {
                Ok(text) => Config::parse(path, &text, &|name| std::env::var(name).ok()),
                Err(problem) => Parsed { config: None, problems: vec![problem] },
            };
            (parsed, print)
        }
        Err(error) => {
            let problem = Problem::error(&shown, 0, 0, format!("cannot be read: {error}"))
                .help("name the configuration with --config FILE");
            (Parsed { config: None, problems: vec![problem] }, fingerprint([]))
        }
    }
}

impl RuleFiles {
    /// Reads the packs that a configuration names; if it names none that can be read, that is told of its line.
    pub fn of(config: &Config) -> Result<Self, Vec<Problem>> {
        let dir = &config.rules_dir;
        fs::read_dir(dir).map_err(|error| {
            let message = format!("rules.dir: {} cannot be read: {error}", dir.display());
            let problem = Problem::error(&config.path.display().to_string(), config.rules_line, 0, message);
            let help = "name the directory of the rule packs in [rules] dir: with its whole path, or from this file on";
            vec![problem.help(help)]
        })?;
        Self::read(dir)
    }

    /// Reads `dir/*.toml` and `dir/lists/*.txt`.
    pub fn read(dir: &Path) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let help = "name the directory of the packs: [rules] dir, or --rules DIR";
        let shown = dir.display().to_string();
        fs::read_dir(dir)
            .map_err(|error| vec![Problem::error(&shown, 0, 0, format!("cannot be read: {error}")).help(help)])?;
        let packs = texts(dir, "toml", &mut problems);
        if packs.is_empty() && problems.is_empty() {
            problems.push(Problem::error(&shown, 0, 0, "there is no rule pack (*.toml) here").help(help));
        }
        let list_dir = dir.join("lists");
        let lists = if list_dir.is_dir() { texts(&list_dir, "txt", &mut problems) } else { Vec::new() };
        if !problems.is_empty() {
            return Err(problems);
        }
        let fingerprint = fingerprint(packs.iter().chain(&lists).map(|(path, text)| (path.as_str(), text.as_bytes())));
        let lists = lists
            .into_iter()
            .filter_map(|(path, text)| Some((format!("lists/{}", Path::new(&path).file_name()?.to_str()?), text)))
            .collect();
        let packs = packs.into_iter().map(|(path, text)| PackSource { path, text }).collect();
        Ok(Self { packs, lists: WordLists(lists), fingerprint })
    }

    /// Whether something changed since another reading.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Parses the packs: what could be read, and every problem.
    pub fn parse(&self) -> rules::Parsed {
        rules::parse(&self.packs, &self.lists)
    }

    /// Parses and compiles; one error anywhere, and there is no rule set.
    pub fn compile(&self, today: Date) -> Result<CompiledRules, Vec<Problem>> {
        let parsed = self.parse();
        if parsed.problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(parsed.problems);
        }
        let rules = RuleSet::compile(&parsed.packs, today)?;
        Ok(CompiledRules { packs: parsed.packs, rules: Arc::new(rules), warnings: parsed.problems })
    }

    /// All problems of the packs, in order of place: of the text, of the whole, and of compiling.
    pub fn lint(&self, today: Date) -> Vec<Problem> {
        let parsed = self.parse();
        let mut found = parsed.problems;
        found.extend(lint(&parsed.packs, today));
        if found.iter().all(|problem| problem.severity != Severity::Error) {
            match RuleSet::compile(&parsed.packs, today) {
                Ok(rules) => {
                    let (rules, policy) = (Arc::new(rules), ScanPolicy::default());
                    let judge = |text: &str| scan_whole(&rules, EXAMPLE_HEAD, &policy, text.as_bytes());
                    found.extend(lint_examples(&parsed.packs, &judge));
                }
                Err(more) => found.extend(more),
            }
        }
        found.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        found.dedup();
        found
    }
}

impl CompiledRules {
    /// Every `hit` and `pass` example, read as a page is.
    pub fn run_examples(&self, policy: &ScanPolicy) -> Vec<ExampleOutcome> {
        let policy = ScanPolicy { enabled: true, ..policy.clone() };
        run_examples(&self.packs, &|text| scan_whole(&self.rules, EXAMPLE_HEAD, &policy, text.as_bytes()))
    }
}

/// Reads the registry's bytes.
pub fn read_registry(path: &Path) -> Result<(Vec<u8>, Fingerprint), Problem> {
    let shown = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => {
            let print = fingerprint([(shown.as_str(), bytes.as_slice())]);
            Ok((bytes, print))
        }
        Err(error) => Err(Problem::error(&shown, 0, 0, format!("cannot be read: {error}"))
            .help("the registry is named by [registry] file")),
    }
}

/// The fingerprint of all files of a directory, below it too.
pub fn directory_fingerprint(dir: &Path) -> Result<Fingerprint, Problem> {
    let mut files = Vec::new();
    let mut dirs = vec![(dir.to_owned(), 0)];
    while let Some((dir, depth)) = dirs.pop() {
        for path in listing(&dir)? {
            if path.is_dir() {
                // Deep enough for a directory a certificate; bounded, should a link lead in a circle.
                if depth < 4 {
                    dirs.push((path, depth + 1));
                }
            } else if let Ok(bytes) = fs::read(&path) {
                files.push((path.display().to_string(), bytes));
            }
        }
    }
    files.sort();
    Ok(fingerprint(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))))
}

/// The files of a directory with an extension, sorted by name; hidden files are left out.
fn texts(dir: &Path, extension: &str, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let paths = match listing(dir) {
        Ok(paths) => paths,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let mut texts = Vec::new();
    for path in paths {
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || path.extension().is_none_or(|it| it != extension) || path.is_dir() {
            continue;
        }
        let shown = path.display().to_string();
        let text = fs::read(&path)
            .map_err(|error| Problem::error(&shown, 0, 0, format!("cannot be read: {error}")))
            .and_then(|bytes| utf8(&shown, bytes));
        match text {
            Ok(text) => texts.push((shown, text)),
            Err(problem) => problems.push(problem),
        }
    }
    texts
}

fn listing(dir: &Path) -> Result<Vec<PathBuf>, Problem> {
    let problem = |error| Problem::error(&dir.display().to_string(), 0, 0, format!("cannot be read: {error}"));
    let mut paths = fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(problem)?;
    paths.sort();
    Ok(paths)
}

fn utf8(path: &str, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        let (line, column) = Problem::place(&text, valid);
        Problem::error(path, line, column, "not UTF-8").help("save the file as UTF-8")
    })
}

fn fingerprint<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    for (name, bytes) in files {
        // Lengths keep one file's end from passing for the next one's beginning.
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    Fingerprint(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_list_changes_the_fingerprint_and_an_unrelated_file_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        fs::create_dir(dir.path().join("lists")).unwrap();
        put("a.toml", "");
        put("lists/x.txt", "一");
        let first = RuleFiles::read(dir.path()).unwrap();
        put("a.toml~", "editor's copy");
        put(".a.toml.swp.toml", "hidden");
        assert_eq!(RuleFiles::read(dir.path()).unwrap().fingerprint(), first.fingerprint());
        put("lists/x.txt", "二");
        assert_ne!(RuleFiles::read(dir.path()).unwrap().fingerprint(), first.fingerprint());
        assert_eq!(first.lists.read("lists/x.txt"), Ok("一".to_owned()));
        assert!(first.lists.read("../../etc/passwd").is_err());
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_at_its_place() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(RuleFiles::read(dir.path()).unwrap_err().len(), 1, "no pack");
        assert!(RuleFiles::read(&dir.path().join("absent")).is_err());
        fs::write(dir.path().join("a.toml"), b"ok\n\xb0\xd9").unwrap();
        let problems = RuleFiles::read(dir.path()).unwrap_err();
        assert_eq!((problems[0].line, problems[0].column), (2, 1));
        let (parsed, _) = read_config(&dir.path().join("none.toml"));
        assert!(parsed.config.is_none() && parsed.problems.len() == 1);
    }
}
