//! Plain word lists, as they grow beside home-grown scripts.

use super::{Entry, List, Skipped};
use crate::base::Problem;

/// Reads a list: a phrase a line, perhaps with a weight behind a comma or a tab, perhaps of parts that
/// are joined by `+`.
pub(super) fn read(text: &str) -> Result<List, Problem> {
    let mut list = List::default();
    let mut bracketed = Vec::new();
    for (line, whole) in (1..).zip(text.lines()) {
        let trimmed = without_comment(whole).trim();
        if trimmed.is_empty() {
            continue;
        }
        if is_bracketed(trimmed) {
            bracketed.push(line);
        }
        let (phrase, weight) = match weight(trimmed) {
            Ok((phrase, weight)) => (phrase, weight),
            Err(why) => {
                list.skipped.push(Skipped { line, text: trimmed.to_owned(), why });
                continue;
            }
        };
        list.entries.push(Entry { line, phrases: parts(phrase), weight });
    }
    let lines = list.entries.len() + list.skipped.len();
    match bracketed.first() {
        Some(&line) if 2 * bracketed.len() > lines => {
            let message = "phrases in < > are no plain words";
            Err(Problem::error("", u32::try_from(line).unwrap_or(0), 0, message).help("is this --from e2guardian?"))
        }
        Some(_) | None => Ok(list),
    }
}

/// `<phrase><10>` and `<phrase>,<phrase>`, as E2Guardian writes them.
fn is_bracketed(line: &str) -> bool {
    line.starts_with('<') && line.ends_with('>') || line.starts_with(".Include<")
}

fn without_comment(line: &str) -> &str {
    let begins = |&(at, _): &(usize, &str)| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

/// A number behind the last comma or tab is a weight.
fn weight(line: &str) -> Result<(&str, Option<i64>), String> {
    let Some(at) = line.rfind([',', '，', '\t']) else { return Ok((line, None)) };
    let (phrase, rest) = line.split_at(at);
    let number = rest.trim_start_matches([',', '，', '\t']).trim();
    match number.parse::<i64>() {
        Ok(_) if phrase.trim().is_empty() => Err("a weight without a phrase".to_owned()),
        Ok(weight) => Ok((phrase.trim(), Some(weight))),
        Err(_) if rest.starts_with('\t') => Err(format!("{number:?} behind the tab is no weight")),
        // Punctuation of the phrase itself.
        Err(_) => Ok((line, None)),
    }
}

/// The parts of a combination; a `+` at either end belongs to the phrase (C++).
fn parts(phrase: &str) -> Vec<String> {
    let parts: Vec<&str> = phrase.split(['+', '＋']).map(str::trim).collect();
    match parts.iter().any(|part| part.is_empty()) {
        true => vec![phrase.to_owned()],
        false => parts.into_iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: usize, phrases: &[&str], weight: Option<i64>) -> Entry {
        Entry { line, phrases: phrases.iter().map(|phrase| (*phrase).to_owned()).collect(), weight }
    }

    #[test]
    fn phrases_weights_and_combinations() {
        let list = read("# 词表\n百家乐\n\n时时彩,40\n  彩金 \t -20\n招聘+刷单,60\nC++\n先生，您好 # 问候\n").unwrap();
        let expected = [
            entry(2, &["百家乐"], None),
            entry(4, &["时时彩"], Some(40)),
            entry(5, &["彩金"], Some(-20)),
            entry(6, &["招聘", "刷单"], Some(60)),
            entry(7, &["C++"], None),
            entry(8, &["先生，您好"], None),
        ];
        assert_eq!((list.entries.as_slice(), list.skipped.len()), (&expected[..], 0));
    }

    #[test]
    fn what_is_no_weight_is_told() {
        let list = read("词\t高\n,30\n").unwrap();
        assert_eq!(list.entries, []);
        assert_eq!(list.skipped.iter().map(|skipped| skipped.line).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_list_of_another_kind_is_not_taken_for_words() {
        for other in ["<casino><40>\n", "# weights\n\n<bet>,<poker><30>  #both\n", ".Include</etc/lists/x>\n"] {
            assert!(read(other).unwrap_err().help.contains("--from e2guardian"), "{other}");
        }
        assert_eq!(read("a<b\n<3 爱心\n<script>\n一\n").unwrap().entries.len(), 4);
    }
}
