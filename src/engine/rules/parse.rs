//! Rule packs, from TOML text to [`Pack`]s. Pure: files are read by the caller, word lists through
//! [`Lists`].
//!
//! Everything that is wrong is said at once, each at its line and column; a pack with an error is
//! not among the results.

mod fields;
mod list;
mod rule;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use toml::de::DeTable;

use crate::base::{Problem, Severity};

use super::{Action, Class, Pack, PackSource};
use fields::{Fields, File};
use list::ListCache;

/// The keys of a pack file itself.
const FILE_KEYS: &[&str] = &["pack", "rule"];
/// The keys of `[pack]`; all of them are required.
const PACK_KEYS: &[&str] = &["action", "class", "clause", "id", "threshold", "title"];
const ACTIONS: &[(&str, Action)] = &[
    (Action::Observe.as_str(), Action::Observe),
    (Action::Mask.as_str(), Action::Mask),
    (Action::Block.as_str(), Action::Block),
];
const CLASSES: &[(&str, Class)] = &[
    (Class::Political.as_str(), Class::Political),
    (Class::Vulgar.as_str(), Class::Vulgar),
    (Class::Other.as_str(), Class::Other),
    (Class::Filing.as_str(), Class::Filing),
];

/// Reads the word lists that `any_file` names.
pub trait Lists {
    /// The text of a list, named as in `any_file`: a relative path with `/`, never with `..`. The
    /// error says for a person why there is none.
    fn read(&self, name: &str) -> Result<String, String>;
}

/// What became of a set of pack files.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The packs without an error, in the order of the sources.
    pub packs: Vec<Pack>,
    /// What is wrong, file by file in the order of the sources, from top to bottom. If one of them
    /// is an error the set as a whole is not to be applied.
    pub problems: Vec<Problem>,
}

/// Reads a set of pack files and the word lists that they name.
pub fn parse(sources: &[PackSource], lists: &dyn Lists) -> Parsed {
    let mut parsed = Parsed { packs: Vec::new(), problems: Vec::new() };
    let mut known = Known::default();
    let mut lists = ListCache::new(lists);
    for source in sources {
        let mut file = File::new(&source.path, &source.text);
        let pack = pack(&mut file, &mut known, &mut lists);
        let problems = file.into_problems();
        let sound = problems.iter().all(|problem| problem.severity != Severity::Error);
        parsed.packs.extend(pack.filter(|_| sound));
        parsed.problems.extend(problems);
    }
    parsed
}

/// Ids that were seen, with the place of the first use, over all files.
#[derive(Default)]
struct Known {
    packs: BTreeMap<Arc<str>, String>,
    rules: BTreeMap<Arc<str>, String>,
}

fn pack(file: &mut File<'_>, known: &mut Known, lists: &mut ListCache<'_>) -> Option<Pack> {
    let (document, errors) = DeTable::parse_recoverable(file.text());
    let mut line_before = 0;
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, _) = file.place(offset);
        // One slip often makes a row of complaints; the first one of a line is about the slip.
        if line != line_before {
            file.error(offset, error.message(), "this is not TOML");
        }
        line_before = line;
    }
    if !errors.is_empty() {
        // What can still be read around a syntax error is a guess: complaints about it mislead.
        return None;
    }
    let document = Fields::new("the file", 0, document.get_ref());
    document.reject_unknown(file, FILE_KEYS);
    let rules = document.tables(file, "rule");
    let rules = rules.into_iter().map(|fields| rule::rule(file, &fields, &mut known.rules, lists)).collect::<Vec<_>>();

    let Some(fields) = document.table(file, "pack") else {
        if !document.has("pack") {
            file.error(
                0,
                "there is no [pack]",
                "begin the file with [pack] and its keys: id, title, clause, class, action, threshold",
            );
        }
        return None;
    };
    fields.reject_unknown(file, PACK_KEYS);
    for &key in PACK_KEYS {
        fields.require(file, key);
    }
    let id = fields.id(file, "id", &mut known.packs, "packs");
    let title = fields.text(file, "title");
    let clause = fields.text(file, "clause");
    let class = fields.word(file, "class", CLASSES);
    let action = fields.word(file, "action", ACTIONS);
    let threshold = fields.integer(file, "threshold", 1, 1_000_000);
    Some(Pack {
        id: id?.0,
        title: title?,
        clause: clause?,
        class: class?,
        action: action?,
        threshold: threshold?,
        rules: rules.into_iter().collect::<Option<Vec<_>>>()?,
        path: file.path(),
    })
}
