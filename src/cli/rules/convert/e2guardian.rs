//! Phrase lists of E2Guardian and DansGuardian, as their manual describes them: `<phrase>` alone,
//! `<phrase><weight>`, and combinations `<phrase>,<phrase><weight>`. White space within the brackets
//! belongs to the phrase: it stands for the edge of a word, which Zhamen demands of Latin words anyway.

use super::{Entry, List, Skipped};
use crate::base::Problem;

/// Reads a list.
pub(super) fn read(text: &str) -> Result<List, Problem> {
    let mut list = List::default();
    for (line, whole) in (1..).zip(text.lines()) {
        let trimmed = whole.trim();
        if let Some(rest) = trimmed.strip_prefix("#listcategory:") {
            list.title = Some(rest.trim().trim_matches('"').to_owned()).filter(|title| !title.is_empty());
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        list.includes.extend(included(trimmed));
        match entry(trimmed, line) {
            Ok(entry) => list.entries.push(entry),
            Err(why) => list.skipped.push(Skipped { line, text: trimmed.to_owned(), why }),
        }
    }
    Ok(list)
}

/// The file that a line includes.
fn included(line: &str) -> Option<String> {
    Some(line.strip_prefix(".Include<")?.split('>').next()?.to_owned())
}

fn entry(text: &str, line: usize) -> Result<Entry, String> {
    if text.starts_with(".Include<") {
        return Err("names another file: give that one on the command line, too".to_owned());
    }
    let (mut phrases, mut weight, mut rest) = (Vec::new(), None, text);
    loop {
        let (inner, behind) = bracketed(rest)?;
        phrases.push(inner);
        match behind.strip_prefix(',') {
            Some(next) if next.trim_start().starts_with('<') => rest = next.trim_start(),
            Some(_) | None => {
                rest = behind;
                break;
            }
        }
    }
    if rest.starts_with('<') {
        let (inner, behind) = bracketed(rest)?;
        // E2Guardian reads with atoi: what stands behind the digits does not count.
        let digits = inner.trim();
        let end = digits.char_indices().find(|&(at, c)| !(c.is_ascii_digit() || at == 0 && "+-".contains(c)));
        let number = digits[..end.map_or(digits.len(), |(at, _)| at)].parse::<i64>();
        weight = Some(number.map_err(|_| format!("{inner:?} is no weight"))?);
        rest = behind;
    }
    let _comment = rest;
    let phrases: Vec<String> = phrases.into_iter().map(|phrase| phrase.trim().to_owned()).collect();
    if phrases.iter().any(String::is_empty) {
        return Err("an empty phrase".to_owned());
    }
    Ok(Entry { line, phrases, weight })
}

/// What stands within `<…>` at the beginning, and what follows.
fn bracketed(text: &str) -> Result<(&str, &str), String> {
    let behind = text.strip_prefix('<').ok_or("no phrase in < >")?;
    behind.split_once('>').ok_or_else(|| "a < without >".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phrases(entry: &Entry) -> Vec<&str> {
        entry.phrases.iter().map(String::as_str).collect()
    }

    #[test]
    fn all_kinds_of_lines_are_read() {
        let read_list = read(
            "#listcategory: \"Gambling\"\n# a comment\n< bet >,<poker><40>\n<casino><30> # behind\n<free>, <spin>,<-x-><-30>\n\
             <banned>\n<star><30>3 #odd\n.Include</etc/x>\nplain\n<open\n<a><x>\n< ><10>\n",
        );
        let list = read_list.unwrap();
        assert_eq!(list.includes, ["/etc/x"]);
        assert_eq!(list.title.as_deref(), Some("Gambling"));
        let read: Vec<(usize, Vec<&str>, Option<i64>)> =
            list.entries.iter().map(|entry| (entry.line, phrases(entry), entry.weight)).collect();
        let expected = [
            (3, vec!["bet", "poker"], Some(40)),
            (4, vec!["casino"], Some(30)),
            (5, vec!["free", "spin", "-x-"], Some(-30)),
            (6, vec!["banned"], None),
            (7, vec!["star"], Some(30)),
        ];
        assert_eq!(read, expected);
        assert_eq!(list.skipped.iter().map(|skipped| skipped.line).collect::<Vec<_>>(), [8, 9, 10, 11, 12]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            phrases in prop::collection::vec("[a-z百家乐][a-z 百家乐]{0,6}[a-z百]", 1..4),
            weight in prop::option::of(-500_i64..500),
        ) {
            let line = phrases.iter().map(|phrase| format!("<{phrase}>")).collect::<Vec<_>>().join(",")
                + &weight.map_or_else(String::new, |weight| format!("<{weight}>"));
            let list = read(&line).unwrap();
            prop_assert_eq!(&list.entries, &[Entry { line: 1, phrases, weight }]);
        }

        #[test]
        fn nothing_is_lost_without_a_word(text in "([<>,#a-z0-9 -]{0,12}\n){0,8}") {
            let list = read(&text).unwrap();
            let counts = text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).count();
            prop_assert_eq!(list.entries.len() + list.skipped.len(), counts);
        }
    }
}
