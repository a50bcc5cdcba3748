//! Whether a refusal is for a person or for a program.

use super::fields::Fields;

/// Whether the client prefers JSON to HTML: Accept names JSON and not HTML, or JSON with the higher
/// weight (RFC 9110 section 12.5.1); or the request comes from a script (`X-Requested-With`, or
/// `Sec-Fetch-Dest: empty`) that does not exclude JSON.
pub(super) fn wants_json(fields: Fields<'_>) -> bool {
    let (mut any, mut json, mut html) = (None, None, None);
    for range in fields.members(b"accept") {
        let mut parts = range.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let media = parts.next().unwrap_or_default();
        let weight = parts.find_map(parse_weight).unwrap_or(1000);
        let is = |names: &[&[u8]]| names.iter().any(|name| media.eq_ignore_ascii_case(name));
        let has = |part: Option<&[u8]>, name: &[u8]| part.is_some_and(|part| part.eq_ignore_ascii_case(name));
        let seen = if is(&[b"*/*", b"application/*"]) {
            &mut any
        } else if is(&[b"text/html", b"application/xhtml+xml", b"text/*"]) {
            &mut html
        } else if is(&[b"application/json"])
            || (has(media.get(..12), b"application/") && has(media.last_chunk::<5>().map(|end| &end[..]), b"+json"))
        {
            &mut json
        } else {
            continue;
        };
        *seen = Some(weight.max(seen.unwrap_or(0)));
    }
    let says = |name, value: &[u8]| fields.values(name).any(|other| other.eq_ignore_ascii_case(value));
    if says(b"x-requested-with", b"XMLHttpRequest") {
        return true;
    }
    let accepts_json = match json.or(any) {
        Some(weight) => weight > 0,
        None => html.is_none() && fields.values(b"accept").next().is_none(),
    };
    let prefers_json = json.is_some_and(|json| json > html.unwrap_or(0));
    prefers_json || (says(b"sec-fetch-dest", b"empty") && accepts_json && json >= html)
}

/// `q=0.8` in thousandths.
fn parse_weight(parameter: &[u8]) -> Option<u16> {
    let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    let weight: f32 = std::str::from_utf8(value).ok()?.parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some((weight * 1000.0) as u16)
}
