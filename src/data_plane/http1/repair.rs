//! Heads of old software, repaired: for origins of which the operator said so, and for nobody else.
//! What comes out is as strict as any other head, and is parsed as one.

use bytes::{Buf, Bytes, BytesMut};

use super::head::{HeadFault, HeadLimits};

/// The head at the beginning of `buffer`, taken out of it and repaired, once its last line is there:
/// lines may end with LF alone, white space may stand before a colon, and a line that begins with white
/// space goes on where the one before ended (RFC 9112 sections 2.2, 5.1 and 5.2).
pub(in crate::data_plane) fn take_repaired(
    buffer: &mut BytesMut,
    limits: HeadLimits,
) -> Result<Option<Bytes>, HeadFault> {
    let within = &buffer[..buffer.len().min(limits.bytes)];
    let Some(end) = end_of(within) else {
        return if buffer.len() < limits.bytes { Ok(None) } else { Err(HeadFault::TooLong) };
    };
    let mut repaired = Vec::with_capacity(end + 64);
    for (number, line) in within[..end].split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            None if number == 0 => return Err(HeadFault::NotHttp),
            None => continue,
            Some(b' ' | b'\t') if number > 1 => {
                repaired.truncate(repaired.len() - 2);
                repaired.push(b' ');
                repaired.extend_from_slice(line.trim_ascii());
            }
            Some(_) if number == 0 => repaired.extend_from_slice(line),
            Some(_) => match line.iter().position(|&byte| byte == b':') {
                Some(colon) => {
                    repaired.extend_from_slice(line[..colon].trim_ascii_end());
                    repaired.extend_from_slice(&line[colon..]);
                }
                None => repaired.extend_from_slice(line),
            },
        }
        repaired.extend_from_slice(b"\r\n");
    }
    repaired.extend_from_slice(b"\r\n");
    buffer.advance(end);
    Ok(Some(repaired.into()))
}

/// Where the head ends: behind the first empty line.
fn end_of(bytes: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let line = bytes.get(line_start..end).unwrap_or_default();
        if line_start > 0 && (line.is_empty() || line == b"\r") {
            return Some(end + 1);
        }
        line_start = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::{super::ResponseHead, HeadFault, HeadLimits, take_repaired};

    const LIMITS: HeadLimits = HeadLimits { bytes: 256, fields: 8 };

    fn repaired(text: &str) -> Result<Option<(String, String)>, HeadFault> {
        let mut buffer = BytesMut::from(text);
        let head = take_repaired(&mut buffer, LIMITS)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(head.map(|head| (text(&head), text(&buffer))))
    }

    #[test]
    fn old_heads_are_repaired() {
        for (head, becomes) in [
            ("HTTP/1.1 200 OK\nA: b\n\nrest", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\nrest", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
            ("HTTP/1.0 200\r\nA\t: b\r\n\t c\n\nrest", "HTTP/1.0 200\r\nA: b c\r\n\r\n"),
            ("HTTP/1.1 200 OK\r\n\nrest", "HTTP/1.1 200 OK\r\n\r\n"),
        ] {
            assert_eq!(repaired(head), Ok(Some((becomes.to_owned(), "rest".to_owned()))));
        }
        assert_eq!(repaired("HTTP/1.1 200 OK\nA: b\n"), Ok(None));
        assert_eq!(repaired(&"x".repeat(256)), Err(HeadFault::TooLong));
    }

    proptest! {
        #[test]
        fn a_good_head_stays_as_it_is(fields in "([A-Z][a-z]{0,4}: [a-z ,;=]{0,9}\r\n){0,6}", rest in "\\PC{0,9}") {
            let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
            prop_assert_eq!(repaired(&format!("{head}{rest}")), Ok(Some((head, rest))));
        }

        #[test]
        fn nothing_panics_and_what_comes_out_ends_once(text in "(HTTP/1.1 200\r?\n)?([a-zA-Z:\r\n\t ]{0,60})") {
            if let Ok(Some((head, _))) = repaired(&text) {
                prop_assert_eq!(head.matches("\r\n\r\n").count(), 1);
                prop_assert!(head.ends_with("\r\n\r\n"));
                let _ = ResponseHead::parse(head.into_bytes().into(), LIMITS);
            }
        }
    }
}
