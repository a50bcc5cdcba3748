//! "Prescan a byte stream to determine its encoding" (HTML, section 13.2.3.2), and the same for an
//! XML declaration.

use encoding_rs::Encoding;

/// The charset that a `<meta>` in these bytes names.
pub(super) fn meta(bytes: &[u8]) -> Option<&'static Encoding> {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"<!--") {
            // The two dashes that open may be the two that close.
            at += 2 + find(&rest[2..], b"-->")? + 3;
        } else if starts_with_tag(rest, b"<meta") {
            let mut attributes = Attributes { bytes, at: at + 5 };
            if let Some(encoding) = meta_attributes(&mut attributes) {
                return Some(encoding);
            }
            at = attributes.at + 1;
        } else if rest.len() > 1
            && rest[0] == b'<'
            && (rest[1].is_ascii_alphabetic() || (rest[1] == b'/' && rest.get(2).is_some_and(u8::is_ascii_alphabetic)))
        {
            let name = rest.iter().position(|&byte| is_space(byte) || byte == b'>')?;
            let mut attributes = Attributes { bytes, at: at + name };
            while attributes.next().is_some() {}
            at = attributes.at + 1;
        } else if rest.starts_with(b"<!") || rest.starts_with(b"</") || rest.starts_with(b"<?") {
            at += rest.iter().position(|&byte| byte == b'>')? + 1;
        } else {
            at += 1 + memchr::memchr(b'<', rest.get(1..)?).unwrap_or(rest.len());
        }
    }
    None
}

/// The charset that an XML declaration names.
pub(super) fn xml(bytes: &[u8]) -> Option<&'static Encoding> {
    if !bytes.starts_with(b"<?xml") {
        return None;
    }
    let declaration = &bytes[..bytes.iter().position(|&byte| byte == b'>')?];
    let value =
        declaration[find(declaration, b"encoding")? + 8..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let quote = *value.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let value = &value[1..];
    Encoding::for_label(&value[..value.iter().position(|&byte| byte == quote)?])
}

/// The charset that a style sheet names (CSS Syntax, section 3.2).
pub(super) fn css(bytes: &[u8]) -> Option<&'static Encoding> {
    let label = bytes.strip_prefix(b"@charset \"")?;
    Encoding::for_label(&label[..find(label, b"\";")?])
}

fn starts_with_tag(rest: &[u8], tag: &[u8]) -> bool {
    rest.len() > tag.len()
        && rest[..tag.len()].eq_ignore_ascii_case(tag)
        && (is_space(rest[tag.len()]) || rest[tag.len()] == b'/')
}

fn meta_attributes(attributes: &mut Attributes<'_>) -> Option<&'static Encoding> {
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut got_pragma = false;
    let mut need_pragma = None;
    let mut charset: Option<Option<&'static Encoding>> = None;
    while let Some((name, value)) = attributes.next() {
        if seen.contains(&name) {
            continue;
        }
        match name.as_slice() {
            b"http-equiv" => got_pragma |= value == b"content-type",
            b"content" if charset.is_none() => {
                if let Some(label) = label_in_content(&value) {
                    charset = Encoding::for_label(label).map(Some);
                    if charset.is_some() {
                        need_pragma = Some(true);
                    }
                }
            }
            b"charset" => {
                charset = Some(Encoding::for_label(&value));
                need_pragma = Some(false);
            }
            _ => {}
        }
        seen.push(name);
    }
    match need_pragma? {
        true if !got_pragma => None,
        _ => charset.flatten(),
    }
}

/// "Extracting a character encoding from a meta element" (section 2.5.4).
fn label_in_content(value: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    loop {
        let at = from + find(&value[from..], b"charset")? + 7;
        let rest = value[at..].trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b"=") else {
            from = at;
            continue;
        };
        let rest = rest.trim_ascii_start();
        return match rest.first()? {
            &quote @ (b'"' | b'\'') => {
                let rest = &rest[1..];
                Some(&rest[..rest.iter().position(|&byte| byte == quote)?])
            }
            _ => Some(&rest[..rest.iter().position(|&byte| is_space(byte) || byte == b';').unwrap_or(rest.len())]),
        };
    }
}

/// "Get an attribute": names and values in lower case.
struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Attributes<'_> {
    fn next(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        while self.peek().is_some_and(|byte| is_space(byte) || byte == b'/') {
            self.at += 1;
        }
        if self.peek()? == b'>' {
            return None;
        }
        let (mut name, mut value) = (Vec::new(), Vec::new());
        loop {
            match self.peek()? {
                b'=' if !name.is_empty() => break,
                byte if is_space(byte) => {
                    while self.peek().is_some_and(is_space) {
                        self.at += 1;
                    }
                    if self.peek()? != b'=' {
                        return Some((name, value));
                    }
                    break;
                }
                b'/' | b'>' => return Some((name, value)),
                byte => name.push(byte.to_ascii_lowercase()),
            }
            self.at += 1;
        }
        self.at += 1;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        match self.peek()? {
            quote @ (b'"' | b'\'') => loop {
                self.at += 1;
                let byte = self.peek()?;
                if byte == quote {
                    self.at += 1;
                    return Some((name, value));
                }
                value.push(byte.to_ascii_lowercase());
            },
            b'>' => Some((name, value)),
            _ => loop {
                match self.peek()? {
                    b'>' => return Some((name, value)),
                    byte if is_space(byte) => return Some((name, value)),
                    byte => value.push(byte.to_ascii_lowercase()),
                }
                self.at += 1;
            },
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, needle)
}
