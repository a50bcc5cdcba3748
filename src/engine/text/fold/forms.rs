//! Which ideographs are one and the same character in another form: traditional and simplified,
//! variants, Japanese forms, radicals, and what 火星文 writes for a character.

/// By ideograph, the one that stands for all its forms.
pub(super) struct Forms {
    /// By code point from [`FIRST`]; 0 is "itself".
    basic: Vec<u16>,
    /// The few with a form outside the basic plane, in order.
    rare: Vec<(char, char)>,
}

/// The first character with another form (U+2E80, the radicals).
const FIRST: usize = 0x2E80;

/// Each line: what stands for all, then the others.
const TABLES: [&str; 3] = [include_str!("t2s.txt"), include_str!("variants.txt"), include_str!("mars.txt")];

impl Forms {
    pub(super) fn new() -> Self {
        let mut forms = Self { basic: vec![0; 0x1_0000 - FIRST], rare: Vec::new() };
        for line in TABLES.iter().flat_map(|table| lines(table)) {
            let mut characters = line.chars().filter(|c| !c.is_whitespace());
            let Some(to) = characters.next() else { continue };
            for from in characters {
                match (forms.basic.get_mut((from as usize).wrapping_sub(FIRST)), u16::try_from(to as u32)) {
                    (Some(slot), Ok(to)) => *slot = to,
                    (Some(_), Err(_)) | (None, _) => forms.rare.push((from, to)),
                }
            }
        }
        forms.rare.sort_unstable();
        forms
    }

    /// The ideographs beyond the basic plane that have another form, in order.
    pub(super) fn beyond_basic(&self) -> impl Iterator<Item = char> {
        self.rare.iter().map(|pair| pair.0).filter(|&from| from > '\u{FFFF}')
    }

    /// The ideograph that stands for all forms of `c`.
    pub(super) fn of(&self, c: char) -> char {
        let mut form = c;
        // A form may have a form of its own: a Japanese one that is traditional.
        for _ in 0..3 {
            let basic = self.basic.get((form as usize).wrapping_sub(FIRST)).copied().unwrap_or(0);
            form = match basic {
                0 if (form as usize) < FIRST => return form,
                0 => match self.rare.binary_search_by_key(&form, |pair| pair.0) {
                    Ok(at) => self.rare[at].1,
                    Err(_) => return form,
                },
                to => char::from_u32(u32::from(to)).unwrap_or(form),
            };
        }
        form
    }
}

/// The lines of a data file without its comments.
pub(super) fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}
