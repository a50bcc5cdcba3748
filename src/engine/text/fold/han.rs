//! Which ideographs are one and the same character in another form.

/// Traditional → simplified, one character at a time.
pub(super) struct Simplified(Vec<(char, char)>);

impl Simplified {
    pub(super) fn new() -> Self {
        let mut pairs = Vec::with_capacity(4096);
        for line in include_str!("t2s.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut characters = line.chars().filter(|c| !c.is_whitespace());
            if let Some(simplified) = characters.next() {
                pairs.extend(characters.map(|traditional| (traditional, simplified)));
            }
        }
        pairs.sort_unstable();
        Self(pairs)
    }

    pub(super) fn of(&self, c: char) -> char {
        if (c as u32) < 0x3400 {
            return c;
        }
        self.0.binary_search_by_key(&c, |pair| pair.0).map_or(c, |at| self.0[at].1)
    }
}
