//! Which elements are open, and whether what stands in them is hidden.
//!
//! The tree builder's rules as far as they decide that: implied end tags, scopes, formatting
//! elements that open again, void elements. Linear in the input: the stack is as deep as browsers
//! let it become, and what is not open is not searched for.

use super::{elements::Facts, name::Key, style_sheet::Around};

/// Browsers nest no deeper; what would be deeper stands beside.
const DEPTH_MAX: usize = 512;
const NAMES_BITS: u32 = 6;

/// How an element hides what stands in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hides {
    /// Whatever its descendants say.
    pub(super) firmly: bool,
    /// By properties that descendants inherit and may set otherwise, as bits.
    pub(super) inherited: u8,
    /// The inherited bits that this element takes back.
    pub(super) shows: u8,
    /// Displayed from right to left, whatever the characters are.
    pub(super) turns: bool,
    /// What it is to the style sheets' rules about what stands in it.
    pub(super) marks: u64,
}

/// The open elements.
#[derive(Debug)]
pub(super) struct OpenElements {
    stack: Vec<Open>,
    /// How many of them hide firmly.
    hiding: u32,
    /// How many of them turn their text round.
    turning: u32,
    /// How many are open whose names fall on a place.
    names: [u16; 1 << NAMES_BITS],
}

#[derive(Clone, Copy, Debug)]
struct Open {
    name: Key,
    facts: Facts,
    hides: Hides,
    /// Bits in force for the text in it.
    inherited: u8,
    /// Marks of this element and all around it.
    marks: u64,
}

impl Default for OpenElements {
    fn default() -> Self {
        Self { stack: Vec::new(), hiding: 0, turning: 0, names: [0; 1 << NAMES_BITS] }
    }
}

const A: Key = Key::of("a");
const BUTTON: Key = Key::of("button");
const DD: Key = Key::of("dd");
const DIV: Key = Key::of("div");
const DT: Key = Key::of("dt");
const LI: Key = Key::of("li");
const OPTION: Key = Key::of("option");
const P: Key = Key::of("p");
const RP: Key = Key::of("rp");
const RT: Key = Key::of("rt");
const TABLE: Key = Key::of("table");
const TEMPLATE: Key = Key::of("template");
const TR: Key = Key::of("tr");
const CELLS: [Key; 3] = [Key::of("td"), Key::of("th"), Key::of("caption")];
const GROUPS: [Key; 4] = [Key::of("tbody"), Key::of("thead"), Key::of("tfoot"), Key::of("colgroup")];
const HEADINGS: [Key; 6] = [Key::of("h1"), Key::of("h2"), Key::of("h3"), Key::of("h4"), Key::of("h5"), Key::of("h6")];

/// What ends the search for an open element.
#[derive(Clone, Copy)]
enum Scope {
    /// "Has an element in scope".
    Usual,
    /// "In button scope".
    Button,
    /// "In table scope".
    Table,
    /// Any special element, except `<address>`, `<div>` and `<p>` where `lists` says so.
    Special { lists: bool },
}

impl OpenElements {
    /// Whether text that stood here would be hidden.
    #[inline]
    pub(super) fn hidden(&self) -> bool {
        self.hiding > 0 || self.stack.last().is_some_and(|top| top.inherited != 0)
    }

    /// Whether text that stood here would be displayed from right to left.
    #[inline]
    pub(super) fn turned(&self) -> bool {
        self.turning > 0
    }

    /// What an element would stand in that began here.
    pub(super) fn around(&self) -> Around {
        self.stack.last().map_or(Around::default(), |top| Around { all: top.marks, parent: top.hides.marks })
    }

    /// A start tag of HTML; whether it does anything to what is around it.
    #[inline]
    pub(super) fn start(&mut self, name: Key, facts: Facts, hides: Hides) -> bool {
        if facts.has(Facts::IN_TABLE) && !self.is_open(TABLE) {
            return false;
        }
        self.imply_ends(name, facts);
        if !facts.has(Facts::VOID) {
            self.push(name, facts, hides);
        }
        true
    }

    /// Whether an element of this name is open.
    pub(super) fn is_open(&self, name: Key) -> bool {
        self.may_be_open(name) && self.stack.iter().any(|open| open.name == name)
    }

    /// Begins afresh.
    pub(super) fn clear(&mut self) {
        if !self.stack.is_empty() {
            self.stack.clear();
            (self.hiding, self.turning) = (0, 0);
            self.names = [0; 1 << NAMES_BITS];
        }
    }

    /// A start tag where nothing is implied: in XML, SVG and MathML.
    pub(super) fn start_foreign(&mut self, name: Key, hides: Hides) {
        if !Facts::of(name).has(Facts::ALWAYS_OPEN) {
            self.push(name, Facts::default(), hides);
        }
    }

    /// An end tag; whether an element ends that was not itself hidden.
    #[inline]
    pub(super) fn end(&mut self, name: Key, facts: Facts) -> bool {
        match self.stack.last() {
            Some(top) if top.name == name => {
                let shown = !top.hides.firmly;
                self.pop();
                shown
            }
            _ if self.may_be_open(name) || HEADINGS.contains(&name) => self.end_below(name, facts),
            // `</p>` alone is an empty paragraph, and `</br>` a line break.
            _ => name == P || name == const { Key::of("br") },
        }
    }

    fn end_below(&mut self, name: Key, facts: Facts) -> bool {
        if HEADINGS.contains(&name) {
            let heading = self.find(&HEADINGS, Scope::Usual);
            return heading.is_some_and(|at| self.close_from(at));
        }
        let in_table =
            name == TABLE || name == TR || name == TEMPLATE || CELLS.contains(&name) || GROUPS.contains(&name);
        let scope = match () {
            () if in_table => Scope::Table,
            () if name == P => Scope::Button,
            () if facts.has(Facts::FORMATTING) || facts.has(Facts::SPECIAL) => Scope::Usual,
            () => Scope::Special { lists: false },
        };
        let Some(at) = self.find(&[name], scope) else { return name == P };
        // The "adoption agency": blocks that began in a formatting element stay open without it.
        if facts.has(Facts::FORMATTING) && self.stack[at..].iter().any(|open| open.facts.has(Facts::SPECIAL)) {
            let gone = self.stack.remove(at);
            self.leave(gone);
            self.inherit_from(at);
            return !gone.hides.firmly;
        }
        self.close_from(at)
    }

    /// `<svg>` or `<math>` ends, whatever is open in it.
    pub(super) fn leave_foreign(&mut self, root: Key) {
        if let Some(at) = self.stack.iter().rposition(|open| open.name == root) {
            self.close_from(at);
        }
    }

    #[inline]
    fn imply_ends(&mut self, name: Key, facts: Facts) {
        if facts.has(Facts::CLOSES_P)
            && self.may_be_open(P)
            && let Some(at) = self.find(&[P], Scope::Button)
        {
            self.close_from(at);
        }
        if facts.has(Facts::IMPLIES_ENDS) {
            self.imply_ends_of_its_kind(name);
        }
    }

    fn imply_ends_of_its_kind(&mut self, name: Key) {
        let top = self.stack.last().map(|open| open.name);
        let found = if name == LI {
            self.find_open(&[LI], Scope::Special { lists: true })
        } else if name == DD || name == DT {
            self.find_open(&[DD, DT], Scope::Special { lists: true })
        } else if CELLS.contains(&name) {
            self.find_open(&CELLS, Scope::Table)
        } else if name == TR {
            let row = self.find_open(&[TR], Scope::Table);
            row.or_else(|| self.find_open(&CELLS, Scope::Table))
        } else if GROUPS.contains(&name) {
            self.find_open(&GROUPS, Scope::Table)
        } else if name == BUTTON {
            self.find_open(&[BUTTON], Scope::Usual)
        } else if name == A {
            self.find_open(&[A], Scope::Usual)
        } else if top == Some(OPTION) && (name == OPTION || name == const { Key::of("optgroup") })
            || (top == Some(RT) || top == Some(RP)) && (name == RT || name == RP)
            || top.is_some_and(|top| HEADINGS.contains(&top)) && HEADINGS.contains(&name)
        {
            Some(self.stack.len() - 1)
        } else {
            None
        };
        if let Some(at) = found {
            self.close_from(at);
        }
    }

    fn find_open(&self, names: &[Key], scope: Scope) -> Option<usize> {
        if names.iter().any(|&name| self.may_be_open(name)) { self.find(names, scope) } else { None }
    }

    /// Index of the innermost open element of one of these names.
    fn find(&self, names: &[Key], scope: Scope) -> Option<usize> {
        for (at, open) in self.stack.iter().enumerate().rev() {
            if names.contains(&open.name) {
                return Some(at);
            }
            let ends = match scope {
                Scope::Usual => open.facts.has(Facts::SCOPE),
                Scope::Button => open.facts.has(Facts::SCOPE) || open.name == BUTTON,
                Scope::Table => open.name == TABLE || open.name == TEMPLATE,
                Scope::Special { lists } => {
                    let passes =
                        lists && (open.name == DIV || open.name == P || open.name == const { Key::of("address") });
                    open.facts.has(Facts::SPECIAL) && !passes
                }
            };
            if ends {
                return None;
            }
        }
        None
    }

    #[inline]
    fn may_be_open(&self, name: Key) -> bool {
        self.names[name.place(NAMES_BITS)] > 0
    }

    #[inline]
    fn push(&mut self, name: Key, facts: Facts, hides: Hides) {
        // They end with the document, and a page that hides its whole body has a script to show it.
        if facts.has(Facts::ALWAYS_OPEN) {
            return;
        }
        if self.stack.len() >= DEPTH_MAX {
            self.pop();
        }
        let (above, marks) = self.stack.last().map_or((0, 0), |top| (top.inherited, top.marks));
        let (inherited, marks) = (above & !hides.shows | hides.inherited, marks | hides.marks);
        self.stack.push(Open { name, facts, hides, inherited, marks });
        self.hiding += u32::from(hides.firmly);
        self.turning += u32::from(hides.turns);
        self.names[name.place(NAMES_BITS)] += 1;
    }

    #[inline]
    fn pop(&mut self) {
        if let Some(gone) = self.stack.pop() {
            self.leave(gone);
        }
    }

    #[inline]
    fn leave(&mut self, gone: Open) {
        self.hiding -= u32::from(gone.hides.firmly);
        self.turning -= u32::from(gone.hides.turns);
        self.names[gone.name.place(NAMES_BITS)] -= 1;
    }

    /// Closes an element and all within. Formatting elements within that hide were not closed by
    /// their own end tags: browsers open them again, except behind a cell and its like. Whether the
    /// element was not itself hidden.
    fn close_from(&mut self, at: usize) -> bool {
        let shown = !self.stack[at].hides.firmly;
        let forgets = self.stack[at].facts.has(Facts::SCOPE);
        let own_end = self.stack[at].facts.has(Facts::FORMATTING);
        let within = at + usize::from(own_end);
        let mut kept = at;
        for index in at..self.stack.len() {
            let open = self.stack[index];
            let hides = open.hides.firmly || open.hides.inherited != 0;
            if index >= within && hides && !forgets && open.facts.has(Facts::FORMATTING) {
                self.stack[kept] = open;
                kept += 1;
            } else {
                self.leave(open);
            }
        }
        self.stack.truncate(kept);
        self.inherit_from(at);
        shown
    }

    /// Computes the bits and the marks in force, from an element of the stack on.
    #[inline]
    fn inherit_from(&mut self, at: usize) {
        let (mut above, mut marks) = match at.checked_sub(1).and_then(|at| self.stack.get(at)) {
            Some(open) => (open.inherited, open.marks),
            None => (0, 0),
        };
        for open in self.stack.iter_mut().skip(at) {
            open.inherited = above & !open.hides.shows | open.hides.inherited;
            open.marks = marks | open.hides.marks;
            (above, marks) = (open.inherited, open.marks);
        }
    }
}
