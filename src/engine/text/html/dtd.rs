//! Entities that an XML document declares in its own DOCTYPE (XML, section 4.2): `<!ENTITY x "…">`.
//!
//! A value is resolved when it is declared, by what was declared before, and cut: there is nothing
//! to expand again, and an entity never grows into more than a line.

use super::char_ref::numeric_character;

const ENTITIES_MAX: usize = 64;
const NAME_CHARACTERS_MAX: usize = 24;
const VALUE_CHARACTERS_MAX: usize = 64;

/// Declared entities, and the declaration that is being read.
#[derive(Debug, Default)]
pub(super) struct Entities {
    declared: Vec<(String, String)>,
    /// The declaration from its `<` on, without what is beyond the longest useful one.
    declaration: String,
    quote: Option<char>,
    comment: bool,
    /// Between `[` and `]`.
    subset: bool,
}

impl Entities {
    /// The value of an entity.
    pub(super) fn value(&self, name: impl Iterator<Item = char> + Clone) -> Option<&str> {
        let entity = self.declared.iter().find(|entity| entity.0.chars().eq(name.clone()))?;
        Some(&entity.1)
    }

    /// Whether a name of a declared entity may have this character.
    pub(super) fn names_have(&self, c: char) -> bool {
        !self.declared.is_empty() && (c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
    }

    /// Takes a character behind `<!DOCTYPE`; whether the declaration of the document type ends with
    /// it.
    pub(super) fn doctype(&mut self, c: char) -> bool {
        if self.comment {
            self.keep(c);
            if self.declaration.ends_with("-->") && self.declaration.len() > 6 {
                self.comment = false;
                self.declaration.clear();
            }
            return false;
        }
        match (c, self.quote) {
            (c, Some(quote)) => {
                self.keep(c);
                if c == quote {
                    self.quote = None;
                }
            }
            ('"' | '\'', None) => {
                self.keep(c);
                self.quote = Some(c);
            }
            ('[', None) if !self.subset => self.subset = true,
            (']', None) if self.subset && self.declaration.is_empty() => self.subset = false,
            ('>', None) if !self.subset => return true,
            ('>', None) => {
                self.declare();
                self.declaration.clear();
            }
            ('<', None) => {
                self.declaration.clear();
                self.keep(c);
            }
            _ if self.subset && !self.declaration.is_empty() => {
                self.keep(c);
                self.comment = self.declaration == "<!--";
            }
            _ => {}
        }
        false
    }

    fn keep(&mut self, c: char) {
        const BYTES_MAX: usize = 4 * (VALUE_CHARACTERS_MAX + NAME_CHARACTERS_MAX) * 8;
        if self.comment && self.declaration.len() > 16 {
            // Of a comment only its end is of interest.
            let from =
                self.declaration.len() - self.declaration.chars().rev().take(3).map(char::len_utf8).sum::<usize>();
            self.declaration.replace_range(4..from, "");
        }
        if self.subset && self.declaration.len() < BYTES_MAX {
            self.declaration.push(c);
        }
    }

    fn declare(&mut self) {
        let Some(rest) = self.declaration.strip_prefix("<!ENTITY") else { return };
        let Some((name, rest)) = rest.trim_start().split_once(|c: char| c.is_ascii_whitespace()) else { return };
        let rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return };
        let value = rest[1..].split(quote).next().unwrap_or("");
        let name: String = name.chars().take(NAME_CHARACTERS_MAX).collect();
        let value = self.resolve(value);
        let known = self.declared.iter().any(|entity| entity.0 == name);
        // The first declaration counts.
        if !known && self.declared.len() < ENTITIES_MAX {
            self.declared.push((name, value));
        }
    }

    /// Replaces references in a value.
    fn resolve(&self, value: &str) -> String {
        let mut resolved = String::new();
        let mut length = 0;
        let mut rest = value;
        while length < VALUE_CHARACTERS_MAX
            && let Some(c) = rest.chars().next()
        {
            rest = &rest[c.len_utf8()..];
            let reference = if c == '&' { rest.split_once(';') } else { None };
            let replaced = reference.and_then(|(name, behind)| {
                let text = match name.strip_prefix('#') {
                    Some(number) => {
                        let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
                        numeric_character(u32::from_str_radix(digits, radix).ok()?).to_string()
                    }
                    None => self.value(name.chars())?.to_owned(),
                };
                Some((text, behind))
            });
            match replaced {
                Some((text, behind)) => {
                    length += text.chars().count();
                    resolved.push_str(&text);
                    rest = behind;
                }
                None => {
                    length += 1;
                    resolved.push(c);
                }
            }
        }
        resolved.chars().take(VALUE_CHARACTERS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Entities;

    fn read(doctype: &str) -> (Entities, usize) {
        let mut entities = Entities::default();
        let end = doctype.chars().position(|c| entities.doctype(c)).unwrap_or(usize::MAX);
        (entities, end)
    }

    #[test]
    fn values_are_resolved_once_and_bounded() {
        let doctype = r#" x SYSTEM ">" [ <!-- <!ENTITY c "no"> > ] --> <!ENTITY a '赌&#21338;'><?x?>
            <!ENTITY b "&a;&a;>"> <!ENTITY a "other"> <!ENTITY % p "q"> <!ENTITY s SYSTEM "f"> ]>"#;
        let (entities, end) = read(doctype);
        assert_eq!(end, doctype.chars().count() - 1);
        assert_eq!(entities.value("a".chars()), Some("赌博"));
        assert_eq!(entities.value("b".chars()), Some("赌博赌博>"));
        assert_eq!(entities.value("c".chars()), None);
        let laughs: String = (1..40).map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};&l{0};\">", n - 1)).collect();
        let (entities, _) = read(&format!("[<!ENTITY l0 \"哈哈\">{laughs}]>"));
        assert!(entities.value("l39".chars()).is_some_and(|value| value.chars().count() <= 64));
    }
}
