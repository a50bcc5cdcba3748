//! UTF-8 or GB18030, as Excel in China writes it.

use std::borrow::Cow;

use encoding_rs::GB18030;

use super::{Complaints, Refused};

/// The text of a file, without BOM. What cannot be decoded becomes U+FFFD, which no column allows.
pub(super) fn decode<'a>(bytes: &'a [u8], complaints: &mut Complaints) -> Result<Cow<'a, str>, Refused> {
    let mut refuse = |message, help| {
        complaints.refuse(0, 0, message, help);
        Err(Refused)
    };
    if bytes.starts_with(b"PK\x03\x04") {
        return refuse("this is an Excel workbook, not a CSV file", "save it as \"CSV UTF-8\"");
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refuse("the file is in UTF-16", "save it as \"CSV UTF-8\"");
    }
    let (bytes, has_bom) = match bytes.strip_prefix(&[0xef, 0xbb, 0xbf]) {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if has_bom || is_mostly_utf8(bytes) => String::from_utf8_lossy(bytes),
        Err(_) => GB18030.decode_without_bom_handling(bytes).0,
    };
    if u32::try_from(text.len()).is_err() {
        return refuse("the file has more than 4 GiB", "");
    }
    Ok(text)
}

/// Whether one bad line spoils a file in UTF-8, or the file is in GB18030: by the majority of the lines
/// that are not plain ASCII. No character of GB18030 has a line feed among its bytes.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut utf8, mut other) = (0, 0);
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_ascii()) {
        match std::str::from_utf8(line) {
            Ok(_) => utf8 += 1,
            Err(_) => other += 1,
        }
    }
    utf8 > other
}
