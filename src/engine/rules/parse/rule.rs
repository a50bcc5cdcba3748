//! One `[[rule]]`.

use std::{collections::BTreeMap, sync::Arc};

use regex_automata::meta;

use crate::engine::rules::{Lane, LaneSet, Mode, Phrase, Rule};

use super::{
    fields::{Fields, File},
    list::{ListCache, is_contained},
};

const RULE_KEYS: &[&str] = &[
    "all",
    "any",
    "any_file",
    "expires",
    "gap",
    "hit",
    "id",
    "lanes",
    "leet",
    "mode",
    "near",
    "none",
    "pass",
    "regex",
    "sounds",
    "sounds_weight",
    "source",
    "weight",
];
const LANES: &[(&str, Lane)] = &[
    (Lane::Text.as_str(), Lane::Text),
    (Lane::Attribute.as_str(), Lane::Attribute),
    (Lane::Script.as_str(), Lane::Script),
    (Lane::Comment.as_str(), Lane::Comment),
];
const MODES: &[(&str, Mode)] =
    &[(Mode::On.as_str(), Mode::On), (Mode::Shadow.as_str(), Mode::Shadow), (Mode::Off.as_str(), Mode::Off)];

const WEIGHT_DEFAULT: i32 = 100;
const WEIGHT_MAX: i64 = 10_000;
const NEAR_MAX: i64 = 100_000;
const GAP_DEFAULT: u8 = 3;
const GAP_MAX: i64 = 16;
/// Compiled size of one regular expression, at most.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Reads one rule; `None` if something is wrong with what makes it a rule. Other errors are with
/// the file's problems, too.
pub(super) fn rule(
    file: &mut File<'_>,
    fields: &Fields<'_, '_>,
    known: &mut BTreeMap<Arc<str>, String>,
    lists: &mut ListCache<'_>,
) -> Option<Rule> {
    let problems_before = file.problem_count();
    fields.reject_unknown(file, RULE_KEYS);
    fields.require(file, "id");
    let id = fields.id(file, "id", known, "rules");
    let mut any = fields.phrases(file, "any");
    any.extend(list(file, fields, lists));
    let all = fields.phrases(file, "all");
    let regex = regex(file, fields);
    if !["any", "all", "any_file"].into_iter().any(|key| fields.has(key)) {
        if fields.has("regex") {
            let help = "add `any` or `all`: a regex only confirms what a phrase has found";
            file.error(fields.place_of("regex"), "a regex without phrases", help);
        } else {
            file.error(fields.at(), "the rule has no phrases", "add `any`, `all` or `any_file`");
        }
    } else if any.is_empty() && all.is_empty() && file.problem_count() == problems_before {
        let help = "its lists are empty: add a phrase or remove the rule";
        file.error(fields.at(), "the rule has no phrases", help);
    }
    let lanes = fields.words(file, "lanes", LANES);
    let weight = fields.integer(file, "weight", -WEIGHT_MAX, WEIGHT_MAX).unwrap_or(WEIGHT_DEFAULT);
    let sounds = fields.flag(file, "sounds").unwrap_or(false);
    if fields.has("sounds_weight") && !sounds {
        let help = "add `sounds = true`, or remove `sounds_weight`";
        file.error(fields.place_of("sounds_weight"), "a weight for sounds that nobody looks for", help);
    }
    let rule = Rule {
        line: file.place(id.as_ref().map_or(fields.at(), |&(_, at)| at)).0,
        id: id.map_or_else(|| "".into(), |(id, _)| id),
        any,
        all,
        none: fields.phrases(file, "none"),
        near: fields.integer(file, "near", 0, NEAR_MAX),
        regex,
        weight,
        sounds,
        sounds_weight: fields.integer(file, "sounds_weight", -WEIGHT_MAX, WEIGHT_MAX).unwrap_or(weight / 2),
        leet: fields.flag(file, "leet").unwrap_or(false),
        mode: fields.word(file, "mode", MODES).unwrap_or(Mode::On),
        lanes: lanes.map_or(LaneSet::DEFAULT, |lanes| lanes.into_iter().fold(LaneSet::NONE, LaneSet::with)),
        gap: fields.integer(file, "gap", 0, GAP_MAX).unwrap_or(GAP_DEFAULT),
        expires: fields.date(file, "expires"),
        source: fields.text(file, "source"),
        hit: fields.phrases(file, "hit"),
        pass: fields.phrases(file, "pass"),
    };
    (!rule.id.is_empty()).then_some(rule)
}

/// The phrases of the word list that the rule names.
fn list(file: &mut File<'_>, fields: &Fields<'_, '_>, lists: &mut ListCache<'_>) -> Vec<Phrase> {
    let Some(name) = fields.text(file, "any_file") else { return Vec::new() };
    let at = fields.place_of("any_file");
    if !is_contained(&name) {
        let help = "name it as \"lists/NAME.txt\", relative to the directory of the rules";
        file.error(at, format!("{name:?} does not stay within the directory of the rules"), help);
        return Vec::new();
    }
    match lists.phrases(&file.path(), &name) {
        Ok(phrases) => phrases,
        Err(reason) => {
            file.error(at, format!("the list {name:?} cannot be read: {reason}"), "");
            Vec::new()
        }
    }
}

/// The regular expression, if it is one that can be matched in linear time and bounded memory.
fn regex(file: &mut File<'_>, fields: &Fields<'_, '_>) -> Option<Phrase> {
    let pattern = fields.text(file, "regex")?;
    let at = fields.place_of("regex");
    if let Err(error) = regex_syntax::parse(&pattern) {
        let (offset, what) = match &error {
            regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
            regex_syntax::Error::Translate(error) => (error.span().start.offset, error.kind().to_string()),
            other => (0, other.to_string()),
        };
        let help = "look-around and back-references cannot be matched in linear time; the rest is as in Rust's regex";
        file.error(within_literal(file.text(), at, &pattern, offset), format!("in the regex: {what}"), help);
        return None;
    }
    let config = meta::Config::new().nfa_size_limit(Some(REGEX_BYTES_MAX)).onepass(false);
    if meta::Builder::new().configure(config).build(&pattern).is_err() {
        file.error(at, "the regex is too large when compiled", "count less far: \\w{1000} is a thousand states");
        return None;
    }
    Some(file.phrase(at, &pattern))
}

/// Where a place in a string's value stands in the file; where it begins, if escapes move it.
fn within_literal(text: &str, at: usize, value: &str, offset: usize) -> usize {
    let literal = text.get(at..).unwrap_or_default();
    let marks = ["'''", "\"\"\"", "'", "\""].into_iter().find(|marks| literal.starts_with(marks));
    let marks = marks.map_or(0, str::len);
    match literal.get(marks..) {
        Some(inner) if inner.starts_with(value) => at + marks + offset,
        Some(_) | None => at,
    }
}
