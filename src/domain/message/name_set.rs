//! Which field names a head has, roughly, in one word: most look-ups are for names that are not there.

/// A set of field names, in any case. It may claim a name that was never put in, and never denies one that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameSet(u64);

impl NameSet {
    /// The set of these names.
    pub const fn of(names: &[&[u8]]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < names.len() {
            bits |= bit(names[at]);
            at += 1;
        }
        Self(bits)
    }

    /// The set of what is in either.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Puts a name in.
    pub fn insert(&mut self, name: &[u8]) {
        self.0 |= bit(name);
    }

    /// Whether a name may be in the set.
    pub fn may_have(self, name: &[u8]) -> bool {
        self.0 & bit(name) != 0
    }
}

impl<'a> FromIterator<&'a [u8]> for NameSet {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(names: I) -> Self {
        let mut set = Self::default();
        names.into_iter().for_each(|name| set.insert(name));
        set
    }
}

/// One of 64, by the length and both ends: they tell the usual names apart.
const fn bit(name: &[u8]) -> u64 {
    match name {
        [first, .., last] => {
            let ends = (*first | 0x20).wrapping_mul(5).wrapping_add((*last | 0x20).wrapping_mul(3));
            1 << (ends.wrapping_add((name.len() as u8).wrapping_mul(21)) & 63)
        }
        [] | [_] => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NameSet;

    proptest! {
        #[test]
        fn what_was_put_in_is_never_denied(names in proptest::collection::vec("[!-~]{0,20}", 0..20)) {
            let set: NameSet = names.iter().map(|name| name.as_bytes()).collect();
            for name in &names {
                prop_assert!(set.may_have(name.to_ascii_uppercase().as_bytes()));
                prop_assert!(set.may_have(name.to_ascii_lowercase().as_bytes()));
            }
        }
    }

    #[test]
    fn a_browser_s_head_has_no_other_field_that_decides_about_it() {
        let set: NameSet = [
            "Host",
            "User-Agent",
            "Accept",
            "Accept-Language",
            "Accept-Encoding",
            "Referer",
            "Cookie",
            "Upgrade-Insecure-Requests",
            "Sec-Fetch-Dest",
            "Sec-Fetch-Mode",
            "Sec-Fetch-Site",
            "Priority",
        ]
        .iter()
        .map(|name| name.as_bytes())
        .collect();
        for absent in ["connection", "content-length", "transfer-encoding", "expect", "upgrade", "te", "range"] {
            assert!(!set.may_have(absent.as_bytes()), "{absent}");
        }
    }
}
