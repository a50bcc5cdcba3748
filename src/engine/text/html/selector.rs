//! Selectors, as far as they are followed: what they ask of an element, and of one around it, as keys.

/// Names of one selector's subject that are looked at.
const NAMES_MAX: usize = 4;

/// Things that rules ask of the elements around, a bit each.
pub(super) const AROUND_MAX: usize = 64;

/// The subject of a selector.
pub(super) struct Selector {
    names: [u64; NAMES_MAX],
    count: usize,
    /// What an element around it has to be, and whether that has to be its parent.
    pub(super) around: Option<(Compound, bool)>,
    /// Nothing but these decides whether it matches.
    pub(super) sure: bool,
}

/// One or two names that an element has to have.
#[derive(Clone, Copy)]
pub(super) struct Compound {
    pub(super) key: u64,
    pub(super) is_pair: bool,
}

impl Selector {
    /// Reads a selector in lower case; `None` if it says nothing about elements at rest.
    pub(super) fn parse(selector: &str) -> Option<Self> {
        const DYNAMIC: [&str; 9] =
            [":hover", ":active", ":focus", ":target", ":checked", ":visited", ":before", ":after", ":first-l"];
        if selector.as_bytes().contains(&b':')
            && (selector.contains("::") || DYNAMIC.iter().any(|pseudo| selector.contains(pseudo)))
        {
            return None;
        }
        let mut sure = !selector.contains([':', '[', '(', '+', '~']);
        let mut compounds = selector.split(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '+' | '~'));
        let subject = compounds.next_back()?;
        let outside = &selector[..selector.len() - subject.len()];
        let mut outer = compounds.filter(|around| !matches!(*around, "" | "html" | "body" | "*"));
        let nearest = outer.next_back();
        let around = nearest.and_then(|around| {
            let (names, count) = names(around);
            let key = key(&names[..count])?;
            Some((Compound { key, is_pair: count == 2 }, outside.trim_end().ends_with('>')))
        });
        // A chain of several is not followed.
        sure &= outer.next().is_none() && nearest.is_some() == around.is_some();
        sure &= around.is_none() || !outside.contains('*');
        let subject = subject.split([':', '[', '(']).next().unwrap_or(subject);
        let (names, count) = names(subject);
        (count > 0).then_some(Self { names, count, around, sure })
    }

    /// The keys of the names that the subject has to have.
    pub(super) fn names(&self) -> &[u64] {
        &self.names[..self.count]
    }

    /// The key of the subject, if it has one or two names.
    pub(super) fn key(&self) -> Option<u64> {
        key(&self.names[..self.count])
    }
}

/// The names that a compound selector asks for, and how many there are.
fn names(compound: &str) -> ([u64; NAMES_MAX], usize) {
    let (mut names, mut count) = ([0; NAMES_MAX], 0);
    let mut rest = compound;
    while !rest.is_empty() && count < NAMES_MAX {
        let (kind, name) = match rest.as_bytes()[0] {
            b'.' => (Kind::Class, &rest[1..]),
            b'#' => (Kind::Id, &rest[1..]),
            _ => (Kind::Tag, rest),
        };
        let end = name.find(['.', '#']).unwrap_or(name.len());
        if !name[..end].is_empty() && &name[..end] != "*" {
            names[count] = hash(kind, &name.as_bytes()[..end]);
            count += 1;
        }
        rest = &name[end..];
    }
    (names, count)
}

/// The key of one or two names; rules that ask for more are passed over.
fn key(names: &[u64]) -> Option<u64> {
    match *names {
        [one] => Some(one),
        [one, other] => Some(both(one, other)),
        _ => None,
    }
}

/// How an element stands in what a rule asks for around it, by index.
#[derive(Clone, Copy)]
pub(super) enum Relation {
    /// For any index: that there is such a rule.
    Any,
    Descendant(u8),
    Child(u8),
}

/// The key of a rule about an element in others.
pub(super) fn within(key: u64, relation: Relation) -> u64 {
    let number = match relation {
        Relation::Any => 1,
        Relation::Descendant(index) => 2 + u64::from(index),
        Relation::Child(index) => 2 + (AROUND_MAX as u64) + u64::from(index),
    };
    (key ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

/// What kind of name it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Class,
    Id,
    Tag,
}

/// FNV-1a; names that fall together harm only the page that invents them.
pub(super) fn hash(kind: Kind, name: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64 ^ (kind as u64);
    for byte in name {
        hash = (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01B3);
    }
    hash
}

/// The key of two names together, in either order.
pub(super) fn both(one: u64, other: u64) -> u64 {
    one.wrapping_add(other).rotate_left(1)
}
