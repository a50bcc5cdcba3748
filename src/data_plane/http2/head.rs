//! Heads of requests: from pseudo-headers and fields to what the session reads.

use h2::ext::Protocol;
use http::{HeaderMap, Method, header, request::Parts};

use crate::{
    data_plane::http1::{Fields, Gathering, HeadFault, HeadLimits, RequestHead},
    domain::message::StreamFacts,
};

/// Bytes of the first line, and what may be joined.
const SPARE_BYTES: usize = 128;
/// Bytes of a field line beside its name and value, and of a request line beside its parts, as HTTP/1.1 counts.
const LINE_BYTES: usize = 4;

/// The head of a request; `ends`: the stream ended with it. `:authority` becomes the authority of a
/// target in absolute-form, and cookie crumbs one field (RFC 9113 section 8.2.3).
pub(super) fn request(parts: &Parts, ends: bool, limits: HeadLimits) -> Result<RequestHead, HeadFault> {
    if parts.headers.len() > limits.fields {
        return Err(HeadFault::TooManyFields);
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    // Behind the authority anything else would be more of the authority.
    match path.as_bytes() {
        [b'/', ..] | b"" => {}
        b"*" if parts.method == Method::OPTIONS => {}
        _ => return Err(HeadFault::Syntax("the :path does not begin with a slash")),
    }
    if bytes(parts) > limits.bytes {
        return Err(HeadFault::TooLong);
    }
    let mut head = gather(&parts.headers);
    let mut cookies = parts.headers.get_all(header::COOKIE).iter();
    if let Some(first) = cookies.next() {
        let mut cookie = first.as_bytes().to_vec();
        for crumb in cookies {
            cookie.extend_from_slice(b"; ");
            cookie.extend_from_slice(crumb.as_bytes());
        }
        head.line(b"cookie", &cookie);
    }
    let protocol = parts.extensions.get::<Protocol>().map(|protocol| protocol.as_ref());
    let stream = StreamFacts { ends, protocol };
    let method = parts.method.as_str().as_bytes();
    let path = path.as_bytes();
    Ok(match (parts.uri.scheme_str(), parts.uri.authority()) {
        (Some(scheme), Some(authority)) => {
            let authority = [scheme, "://", authority.as_str()].map(str::as_bytes);
            head.request(method, (&authority, path), stream)
        }
        (None, Some(authority)) => head.request(method, (&[authority.as_str().as_bytes()], path), stream),
        (_, None) => head.request(method, (&[], path), stream),
    })
}

/// Bytes that a head has, and had in HTTP/1.1.
pub(super) fn bytes(parts: &Parts) -> usize {
    let fields = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + LINE_BYTES);
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let authority = parts.uri.authority().map_or("", |authority| authority.as_str());
    path.len() + authority.len() + LINE_BYTES + fields.sum::<usize>()
}

/// Trailers.
pub(super) fn fields(fields: &HeaderMap) -> Fields {
    gather(fields).fields()
}

fn gather(fields: &HeaderMap) -> Gathering {
    let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let mut gathering = Gathering::with_capacity(bytes + SPARE_BYTES, fields.len() + 1);
    for (name, value) in fields {
        if name != header::COOKIE {
            gathering.line(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    gathering
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{HeadFault, HeadLimits, request};

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 8 };

    fn parts(uri: &str, fields: &[(&str, &str)]) -> http::request::Parts {
        let mut builder = Request::builder().uri(uri);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn crumbs_are_joined_and_the_authority_stands_in_the_target() {
        let parts = parts("https://a.cn/x?y", &[("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2")]);
        let head = request(&parts, true, LIMITS).unwrap();
        assert_eq!((head.method(), head.target()), (&b"GET"[..], &b"https://a.cn/x?y"[..]));
        let lines: Vec<_> = head.fields.iter().collect();
        assert_eq!(lines, [(&b"accept"[..], &b"*/*"[..]), (b"cookie", b"a=1; b=2")]);
        assert!(head.stream().ends && head.stream().protocol.is_none());
    }

    #[test]
    fn fields_are_counted() {
        let parts = parts("https://a.cn/", &[("a", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(request(&parts, true, HeadLimits { fields: 2, ..LIMITS }).err(), Some(HeadFault::TooManyFields));
    }

    #[test]
    fn bytes_are_counted_wherever_they_stand() {
        let long = "a".repeat(1000);
        assert!(request(&parts("https://a.cn/", &[("a", &long)]), true, LIMITS).is_ok());
        for (uri, value) in [("https://a.cn/bcdefghijklmn", &*long), (&format!("https://a.cn/{long}bcde"), "b")] {
            let parts = parts(uri, &[("a", value), ("b", "c")]);
            assert_eq!(request(&parts, true, LIMITS).err(), Some(HeadFault::TooLong), "{uri}");
        }
    }
}
