//! The page's own style sheets, as far as they hide or show elements by simple selectors: `.x`,
//! `#x`, `tag`, `tag.x`, `.x.y`, and such a one within another: `.z .x`, `ul.z > .x`.
//!
//! What another selector shows again, or only some screens hide, is not taken for hidden.

use std::{collections::HashMap, hash::BuildHasher};

use foldhash::fast::FixedState;

use super::{
    look::{self, Look},
    name::Name,
    selector::{AROUND_MAX, Compound, Kind, Relation, Selector, both, hash, within},
};
use crate::engine::text::{css, scan::find_any};

const RULES_MAX: usize = 1024;
const PRELUDE_BYTES_MAX: usize = 1024;
const BLOCK_BYTES_MAX: usize = 4096;
const DEPTH_MAX: usize = 8;
const KNOWN_WORDS: usize = 32;
/// So many elements are remembered.
const SAID: usize = 128;
/// An element with longer names is not.
const NAMES_BYTES_MAX: usize = 128;
/// Classes of one element that are looked up.
const CLASSES_MAX: usize = 16;

/// What the style sheets of a page say about how elements look.
#[derive(Debug, Default)]
pub(super) struct StyleSheets {
    rules: HashMap<u64, Rule, FixedState>,
    /// A bit for each key of a rule: most names of a page have none.
    known: [u64; KNOWN_WORDS],
    /// Whether any rule asks for two classes, and for the tag's name.
    pairs: bool,
    /// What rules ask of the elements around: an element that is it has the bit of the index.
    around: Vec<u64>,
    parser: Parser,
    /// What was said of elements by these rules, by a hash of them: most are like others before.
    said: Vec<Said>,
    /// Room for an element.
    names: Vec<u8>,
}

/// What was said of an element.
#[derive(Clone, Debug, Default)]
struct Said {
    /// Its tag, classes and id, each behind its length; none, if nothing was said.
    names: Vec<u8>,
    around: Around,
    look: Look,
    marks: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rule {
    look: Look,
    /// What another selector may show again.
    unsure: u16,
}

/// The elements around one, as far as style sheets ask for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// A bit for each thing in [`StyleSheets::around`] that any of them is.
    pub(super) all: u64,
    /// That the innermost is.
    pub(super) parent: u64,
}

/// An element, as selectors see it.
#[derive(Clone, Copy)]
pub(super) struct Element<'e> {
    pub(super) tag: &'e Name,
    /// The value of `class`.
    pub(super) classes: &'e [u8],
    pub(super) id: &'e [u8],
}

/// The keys of an element's names.
struct Keys {
    tag: u64,
    /// The first `count` of them.
    classes: [u64; CLASSES_MAX],
    count: usize,
    id: Option<u64>,
}

impl Keys {
    fn of(Element { tag, classes, id }: Element<'_>) -> Self {
        let names = classes.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty());
        let mut keys = [0; CLASSES_MAX];
        let count = keys.iter_mut().zip(names).map(|(key, name)| *key = hash(Kind::Class, name)).count();
        Self {
            tag: hash(Kind::Tag, tag.as_bytes()),
            classes: keys,
            count,
            id: (!id.is_empty()).then(|| hash(Kind::Id, id.trim_ascii())),
        }
    }

    fn classes(&self) -> &[u64] {
        &self.classes[..self.count]
    }
}

/// Takes a style sheet apart into selectors and declarations.
#[derive(Debug, Default)]
struct Parser {
    state: State,
    /// The selectors, or the name of the at-rule.
    prelude: Vec<u8>,
    block: Vec<u8>,
    in_block: bool,
    /// The conditions of the at-rules around, and nested rules, which are passed over.
    around: Vec<Condition>,
    /// Deeper than is kept.
    deeper: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Plain,
    Slash,
    Comment,
    CommentStar,
    Quoted(u8),
    QuotedBackslash(u8),
    Backslash,
}

/// Whether the rules within an at-rule apply.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Condition {
    Always,
    /// On some screens.
    Sometimes,
    /// Not on screens, or they are no rules.
    Never,
}

impl StyleSheets {
    /// Whether nothing is hidden or shown by any rule.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Takes the next characters of a style element.
    pub(super) fn feed(&mut self, text: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match self.parser.state {
                State::Plain => {
                    let end = at + self.parser.plain(&text[at..]);
                    self.parser.keep(&text[at..end]);
                    at = end;
                    let Some(&special) = text.get(at) else { return };
                    self.special(special);
                }
                State::Slash if byte == b'*' => self.parser.state = State::Comment,
                State::Slash => {
                    self.parser.keep(b"/");
                    self.parser.state = State::Plain;
                    continue;
                }
                State::Comment if byte == b'*' => self.parser.state = State::CommentStar,
                State::Comment => {
                    at = memchr::memchr(b'*', &text[at..]).map_or(text.len(), |found| at + found);
                    continue;
                }
                State::CommentStar => {
                    self.parser.state = match byte {
                        b'/' => State::Plain,
                        b'*' => State::CommentStar,
                        _ => State::Comment,
                    };
                }
                State::Quoted(quote) => {
                    let end = at + find_any(&text[at..], [quote, b'\n', b'\\']);
                    self.parser.keep(&text[at..text.len().min(end + 1)]);
                    at = end;
                    let Some(&byte) = text.get(at) else { return };
                    if byte == quote || byte == b'\n' {
                        self.parser.state = State::Plain;
                    } else if byte == b'\\' {
                        self.parser.state = State::QuotedBackslash(quote);
                    }
                }
                State::QuotedBackslash(quote) => {
                    self.parser.keep(&[byte]);
                    self.parser.state = State::Quoted(quote);
                }
                State::Backslash => {
                    self.parser.keep(&[byte]);
                    self.parser.state = State::Plain;
                }
            }
            at += 1;
        }
    }

    /// The style element ends.
    pub(super) fn finish_sheet(&mut self) {
        if self.parser.in_block {
            self.end_block();
        }
        self.parser = Parser::default();
    }

    /// How the rules make an element look that stands in others, and what it is to those in it, as bits.
    pub(super) fn look_and_marks(&mut self, element: Element<'_>, around: Around) -> (Look, u64) {
        let mut names = std::mem::take(&mut self.names);
        names.clear();
        for name in [element.tag.as_bytes(), element.classes, element.id] {
            names.extend_from_slice(&(name.len() as u32).to_le_bytes());
            names.extend_from_slice(name);
        }
        let place = FixedState::default().hash_one((&names, around.all, around.parent)) as usize % SAID;
        let known = self.said.get(place).filter(|said| said.names == names && said.around == around);
        let found = match known {
            Some(said) => (said.look, said.marks),
            None => {
                let keys = Keys::of(element);
                let (look, marks) = (self.look(&keys, around), self.marks(&keys));
                if names.len() <= NAMES_BYTES_MAX {
                    self.said.resize(SAID, Said::default());
                    let said = &mut self.said[place];
                    (said.around, said.look, said.marks) = (around, look, marks);
                    said.names.clone_from(&names);
                }
                (look, marks)
            }
        };
        self.names = names;
        found
    }

    /// How the rules make an element look that stands in others.
    fn look(&self, keys: &Keys, around: Around) -> Look {
        let mut found = Rule::default();
        let mut take = |key: u64| {
            if let Some(rule) = self.rule(key) {
                found.look = found.look.then(rule.look);
                found.unsure |= rule.unsure;
            }
        };
        self.each_key(keys, &mut take);
        if around.all != 0 {
            self.each_key(keys, &mut |key| {
                if !self.is_known(within(key, Relation::Any)) {
                    return;
                }
                for index in (0..AROUND_MAX as u8).filter(|index| around.all >> index & 1 != 0) {
                    take(within(key, Relation::Descendant(index)));
                    if around.parent >> index & 1 != 0 {
                        take(within(key, Relation::Child(index)));
                    }
                }
            });
        }
        found.look.hides &= !found.unsure;
        found.look.shows |= found.unsure;
        found.look
    }

    /// What an element is to those in it, as bits.
    fn marks(&self, keys: &Keys) -> u64 {
        let mut marks = 0;
        if !self.around.is_empty() {
            self.each_key(keys, &mut |key| {
                if self.is_known(key)
                    && let Some(index) = self.around.iter().position(|&around| around == key)
                {
                    marks |= 1 << index;
                }
            });
        }
        marks
    }

    /// The keys of an element's names, alone and two together; those that count more come later.
    fn each_key(&self, keys: &Keys, take: &mut impl FnMut(u64)) {
        take(keys.tag);
        keys.classes().iter().copied().for_each(&mut *take);
        if self.pairs {
            let all = || keys.classes().iter().copied().chain(keys.id).chain([keys.tag]);
            for (index, one) in all().enumerate() {
                all().skip(index + 1).for_each(|other| take(both(one, other)));
            }
        }
        keys.id.into_iter().for_each(take);
    }

    fn rule(&self, key: u64) -> Option<&Rule> {
        if self.is_known(key) { self.rules.get(&key) } else { None }
    }

    /// Whether a key may be one of a rule; of most names of a page it is known that they are not.
    fn is_known(&self, key: u64) -> bool {
        let (word, bit) = known_bit(key);
        self.known[word] & bit != 0
    }

    fn note(&mut self, key: u64) {
        let (word, bit) = known_bit(key);
        self.known[word] |= bit;
    }

    fn special(&mut self, byte: u8) {
        let parser = &mut self.parser;
        match byte {
            b'/' => parser.state = State::Slash,
            b'"' | b'\'' => {
                parser.keep(&[byte]);
                parser.state = State::Quoted(byte);
            }
            b'\\' => {
                parser.keep(b"\\");
                parser.state = State::Backslash;
            }
            b';' if !parser.in_block => parser.prelude.clear(),
            b'{' if parser.in_block || parser.deeper > 0 => {
                // A nested rule, passed over; what stands before it belongs to the rule around.
                let end = parser.block.iter().rposition(|&byte| byte == b';').map_or(0, |at| at + 1);
                parser.block.truncate(end);
                parser.deeper += 1;
            }
            b'{' => match condition(&parser.prelude) {
                Some(condition) if parser.around.len() < DEPTH_MAX => {
                    parser.around.push(condition);
                    parser.prelude.clear();
                }
                Some(_) => parser.deeper += 1,
                None => {
                    parser.in_block = true;
                    parser.block.clear();
                }
            },
            b'}' if parser.deeper > 0 => parser.deeper -= 1,
            b'}' if parser.in_block => self.end_block(),
            b'}' => {
                parser.around.pop();
                parser.prelude.clear();
            }
            _ => parser.keep(&[byte]),
        }
    }

    fn end_block(&mut self) {
        self.parser.in_block = false;
        let (prelude, block) = (std::mem::take(&mut self.parser.prelude), std::mem::take(&mut self.parser.block));
        let condition =
            self.parser.around.iter().copied().fold(Condition::Always, |all, one| if one > all { one } else { all });
        if condition != Condition::Never && prelude.len() < PRELUDE_BYTES_MAX && block.len() < BLOCK_BYTES_MAX {
            let look = look::look(&css::lossy(&block));
            if !look.is_empty() {
                let prelude = css::lossy(&prelude);
                for selector in css::plain(&prelude).split(',') {
                    self.add(selector.trim(), look, condition == Condition::Always);
                }
            }
        }
        self.parser.prelude = prelude;
        self.parser.prelude.clear();
        self.parser.block = block;
        self.parser.block.clear();
    }

    fn add(&mut self, selector: &str, look: Look, mut sure: bool) {
        let Some(mut parsed) = Selector::parse(selector) else { return };
        if let (Some((around, child)), Some(key)) = (parsed.around, parsed.key())
            && sure
            && parsed.sure
            && let Some(index) = self.index_around(around)
        {
            self.pairs |= parsed.names().len() == 2 || around.is_pair;
            self.note(within(key, Relation::Any));
            let relation = if child { Relation::Child(index) } else { Relation::Descendant(index) };
            return self.change(within(key, relation), |rule| rule.look = rule.look.then(look));
        }
        parsed.sure &= parsed.around.is_none();
        sure &= parsed.sure;
        match (parsed.key(), sure) {
            (Some(key), true) => {
                self.pairs |= parsed.names().len() == 2;
                self.change(key, |rule| rule.look = rule.look.then(look));
            }
            (_, false) if look.shows != 0 => {
                for &name in parsed.names() {
                    self.change(name, |rule| rule.unsure |= look.shows);
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, key: u64, change: impl FnOnce(&mut Rule)) {
        self.said.clear();
        if self.rules.len() < RULES_MAX || self.rules.contains_key(&key) {
            self.note(key);
            change(self.rules.entry(key).or_default());
        }
    }

    /// The index of what a rule asks of the elements around; `None` if there is no room for it.
    fn index_around(&mut self, Compound { key, .. }: Compound) -> Option<u8> {
        let index = match self.around.iter().position(|&around| around == key) {
            Some(index) => index,
            None if self.around.len() == AROUND_MAX => return None,
            None => {
                self.said.clear();
                self.note(key);
                self.around.push(key);
                self.around.len() - 1
            }
        };
        u8::try_from(index).ok()
    }
}

impl Parser {
    /// Length of what is kept as it stands.
    #[inline]
    fn plain(&self, rest: &[u8]) -> usize {
        if self.in_block {
            find_any(rest, [b'{', b'}', b'/', b'"', b'\'', b'\\'])
        } else {
            find_any(rest, [b'{', b'}', b'/', b'"', b'\'', b'\\', b';'])
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.deeper > 0 {
            return;
        }
        let (kept, bytes_max) =
            if self.in_block { (&mut self.block, BLOCK_BYTES_MAX) } else { (&mut self.prelude, PRELUDE_BYTES_MAX) };
        kept.extend_from_slice(&bytes[..bytes.len().min(bytes_max.saturating_sub(kept.len()))]);
    }
}

/// Word and bit of a key among those that are known.
#[inline]
fn known_bit(key: u64) -> (usize, u64) {
    (key as usize % KNOWN_WORDS, 1 << (key >> 32 & 63))
}

/// What the prelude of an at-rule with a block of rules says; `None` of a rule.
fn condition(prelude: &[u8]) -> Option<Condition> {
    // Almost all are rules.
    let rest = prelude.trim_ascii_start().strip_prefix(b"@")?;
    let rest = String::from_utf8_lossy(rest.trim_ascii_end()).to_ascii_lowercase();
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or("");
    let query = rest[name.len()..].trim();
    Some(match name {
        "media" if matches!(query, "" | "all" | "screen" | "only screen") => Condition::Always,
        "media" if query.starts_with("print") || query.starts_with("speech") => Condition::Never,
        "layer" | "supports" => Condition::Always,
        "media" | "container" | "scope" | "starting-style" | "document" => Condition::Sometimes,
        _ => Condition::Never,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Around, Element, Keys, Name, StyleSheets};

    fn sheets(sheet: &str, cut: usize) -> StyleSheets {
        let mut sheets = StyleSheets::default();
        let cut = cut.min(sheet.len());
        sheets.feed(&sheet.as_bytes()[..cut]);
        sheets.feed(&sheet.as_bytes()[cut..]);
        sheets.finish_sheet();
        sheets
    }

    fn name(tag: &str) -> Name {
        let mut name = Name::default();
        tag.bytes().for_each(|byte| name.push(byte));
        name
    }

    fn hides(sheet: &str, cut: usize, tag: &str, classes: &str, id: &str) -> bool {
        let element = Element { tag: &name(tag), classes: classes.as_bytes(), id: id.as_bytes() };
        sheets(sheet, cut).look_and_marks(element, Around::default()).0.hides != 0
    }

    #[test]
    fn selectors_ask_for_what_is_around() {
        for (sheet, outer, inner, expected) in [
            (".z .x{display:none}", "z", "", true),
            (".z .x{display:none}", "z", "y", true),
            (".z .x{display:none}", "y", "y", false),
            (".z > .x{display:none}", "y", "z", true),
            (".z>.x{display:none}", "z", "y", false),
            ("div.z .x{display:none}", "y z", "", true),
            ("p.z .x{display:none}", "y z", "", false),
            ("body .z b.x{display:none}", "z", "", true),
            (".y .z .x{display:none}", "y", "z", false),
            (".z ~ .x{display:none}", "z", "z", false),
            (".x{display:none} .z .x{display:inline}", "z", "y", false),
            (".x{display:none} .z .x{display:inline}", "y", "y", true),
            (".x{display:none} .y .z .x{display:inline}", "a", "a", false),
        ] {
            let sheets = sheets(sheet, 0);
            let div = name("div");
            let marks = |classes: &str| {
                let element = Element { tag: &div, classes: classes.as_bytes(), id: b"" };
                sheets.marks(&Keys::of(element))
            };
            let around = Around { all: marks(outer) | marks(inner), parent: marks(inner) };
            let element = Element { tag: &name("b"), classes: b"x", id: b"" };
            assert_eq!(sheets.look(&Keys::of(element), around).hides != 0, expected, "{sheet} in {outer}, {inner}");
        }
    }

    proptest! {
        #[test]
        fn what_was_said_of_an_element_is_what_would_be_said(
            elements in proptest::collection::vec(("[ab]", "[xyz]?( [xyz]){0,2}", "[xy]?", 0..4_u64), 1..40),
            later in 0..40_usize,
        ) {
            let mut sheets = sheets(".x{display:none} a.y{display:none} .z #x{font-size:0} .x > .y{opacity:0}", 0);
            for (index, (tag, classes, id, around)) in elements.iter().enumerate() {
                if index == later {
                    sheets.feed(b"b.z{display:none} .y .z{display:none}");
                    sheets.finish_sheet();
                }
                let element = Element { tag: &name(tag), classes: classes.as_bytes(), id: id.as_bytes() };
                let around = Around { all: *around, parent: around & 1 };
                let keys = Keys::of(element);
                let expected = (sheets.look(&keys, around), sheets.marks(&keys));
                prop_assert_eq!(sheets.look_and_marks(element, around), expected);
            }
        }
    }

    #[test]
    fn simple_selectors_hide() {
        for (sheet, tag, classes, id, expected) in [
            (".x{display:none}", "i", "a x b", "", true),
            (".x{display:none}", "i", "xx", "", false),
            ("#x{display:none}", "i", "", "x", true),
            ("em{display:none}", "em", "", "", true),
            ("i.x , b{display:none}", "i", "x", "", true),
            ("i.x{display:none}", "b", "x", "", false),
            (".x.y{display:none}", "b", "y x", "", true),
            ("body .x{display:none}", "b", "x", "", true),
            (".z .x{display:none}", "b", "x", "", false),
            ("/* { */ .x /**/ {dis\\70lay:none}", "b", "x", "", true),
            (".y:before{content:\"}\"} .x{display:none", "b", "x", "", true),
            ("@charset \"utf-8\"; .x{display:none}", "b", "x", "", true),
            ("@font-face{src:x} .x{display:none}", "b", "x", "", true),
            ("@media screen{.x{display:none}}", "b", "x", "", true),
            ("@media print{.x{display:none}}", "b", "x", "", false),
            ("@media (max-width:9px){.x{display:none}} .y{display:none}", "b", "x", "", false),
            ("@media (max-width:9px){.x{display:none}} .y{display:none}", "b", "y", "", true),
            (".x{display:none} .x{display:inline}", "b", "x", "", false),
            (".x{display:none} .z .x{display:inline}", "b", "x", "", true),
            (".x{display:none} .y .z .x{display:inline}", "b", "x", "", false),
            (".x{display:none} @media print{.x{display:inline}}", "b", "x", "", true),
            (".x{display:none} .x:hover{display:inline}", "b", "x", "", true),
            (".a{color:red;.x{y:z}display:none}", "b", "a", "", true),
        ] {
            for cut in 0..=sheet.len() {
                assert_eq!(hides(sheet, cut, tag, classes, id), expected, "{sheet} cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(sheet in "[.#x{};:'\"/*@a \\\\-]{0,80}", cut in 0..80_usize) {
            let whole = hides(&sheet, 0, "x", "x a", "x");
            prop_assert_eq!(whole, hides(&sheet, cut, "x", "x a", "x"));
        }
    }
}
