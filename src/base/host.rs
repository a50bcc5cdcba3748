//! A host name in the one form in which Zhamen compares it.

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use psl::Type;

/// Bytes of a label at most (RFC 1035 section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;
/// Bytes of a name at most, as text without trailing dot (RFC 1035 section 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// A host: lower case, punycode, without port and trailing dot; or an IP literal in canonical form
/// (IPv6 without brackets).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName {
    text: Arc<str>,
    ip: Option<IpAddr>,
}

/// Why something is not a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError(pub &'static str);

impl HostName {
    /// Reads a host without port: Unicode or punycode, any case, one trailing dot allowed, an IP
    /// literal (IPv6 with or without brackets, without zone id).
    ///
    /// Unicode is mapped as browsers map it (UTS 46, non-transitional). Underscores are allowed:
    /// hosted sites have them. What a browser would read as an IPv4 address in another spelling
    /// (`127.1`, `0x7f.1`, `2130706433`; WHATWG URL, "ends in a number") is an error, so that no
    /// address passes for a name.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(inside) = text.strip_prefix('[') {
            let inside = inside.strip_suffix(']').ok_or(HostError("an IPv6 address lacks its closing bracket"))?;
            return Self::parse_ipv6(inside);
        }
        if text.contains(':') {
            return Self::parse_ipv6(text);
        }
        let ascii = to_ascii(text)?;
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
        check_name(name)?;
        let ip = if ends_in_number(name) {
            let address = name.parse::<Ipv4Addr>();
            Some(IpAddr::V4(address.map_err(|_| HostError("an IPv4 address is written as four decimal numbers"))?))
        } else {
            None
        };
        Ok(Self { text: name.into(), ip })
    }

    /// Reads `host[:port]` as in a Host header (RFC 9110 section 7.2). The port may be empty; user
    /// information is refused, and so is an IPv6 address without brackets.
    pub fn parse_authority(authority: &str) -> Result<(Self, Option<u16>), HostError> {
        if is_plain(authority) {
            return Ok((Self { text: authority.into(), ip: None }, None));
        }
        if authority.as_bytes().contains(&b'@') {
            return Err(HostError("user information has no place before a host"));
        }
        if authority.starts_with('[') {
            let end = authority.find(']').ok_or(HostError("an IPv6 address lacks its closing bracket"))?;
            let (host, rest) = authority.split_at(end + 1);
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => None,
                None => return Err(HostError("only a port may follow an IPv6 address")),
            };
            return Ok((Self::parse(host)?, port));
        }
        let (host, port) = match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(HostError("an IPv6 address stands in brackets where a port may follow"));
            }
            Some((host, port)) => (host, parse_port(port)?),
            None => (authority, None),
        };
        Ok((Self::parse(host)?, port))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The canonical text, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The address, if the host is an IP literal.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The host as it stands in an authority: an IPv6 address in brackets.
    pub fn bracketed(&self) -> Cow<'_, str> {
        match self.ip {
            Some(IpAddr::V6(_)) => Cow::Owned(format!("[{}]", self.text)),
            Some(IpAddr::V4(_)) | None => Cow::Borrowed(&self.text),
        }
    }

    /// The registrable domain by the ICANN part of the Public Suffix List; `None` for an IP literal or
    /// a public suffix.
    ///
    /// The list's private part (`github.io` and its like) says where one company lets strangers register
    /// names. A filing knows nothing of it: the ministry files what a registrar sold, so for
    /// `someone.github.io` the domain to be filed is `github.io`.
    pub fn registrable(&self) -> Option<&str> {
        if self.ip.is_some() {
            return None;
        }
        let above = self.text.len().checked_sub(icann_suffix(&self.text).len() + 1)?;
        let start = self.text[..above].rfind('.').map_or(0, |dot| dot + 1);
        Some(&self.text[start..])
    }

    /// Whether the name is on the Public Suffix List among the ICANN suffixes: nobody can register or
    /// file it.
    pub fn is_public_suffix(&self) -> bool {
        self.ip.is_none()
            && icann_suffix(&self.text).len() == self.text.len()
            && psl::suffix(self.text.as_bytes()).is_some_and(|suffix| suffix.is_known())
    }

    fn parse_ipv6(text: &str) -> Result<Self, HostError> {
        let address = text.parse::<Ipv6Addr>().map_err(|_| HostError("this is not an IPv6 address"))?;
        Ok(Self { text: address.to_string().into(), ip: Some(IpAddr::V6(address)) })
    }
}

/// Lower case and punycode; what is so already is not looked at twice.
fn to_ascii(text: &str) -> Result<Cow<'_, str>, HostError> {
    // A name beyond this cannot map to a valid one, and IDNA's cost should not be a stranger's to choose.
    if text.len() > 4 * NAME_BYTES_MAX {
        return Err(HostError("a host name has at most 253 characters"));
    }
    let bytes = text.as_bytes();
    // Without an early end, so that many bytes are looked at at once.
    let has_hyphen = bytes.iter().fold(false, |any, &byte| any | (byte == b'-'));
    let punycode = has_hyphen
        && bytes
            .split(|&byte| byte == b'.')
            .any(|label| label.split_at_checked(4).is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case(b"xn--")));
    if text.is_ascii() && !punycode {
        return Ok(match bytes.iter().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        });
    }
    Uts46::new()
        .to_ascii(bytes, AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| HostError("this is not a valid internationalised name"))
}

/// Whether this is a name, alone and in the form that we compare, as most clients send it: one look instead of
/// several. What is none in its eyes (punycode, a last label that begins with a digit) may be one all the same.
fn is_plain(text: &str) -> bool {
    let (mut label_bytes, mut begins_with_letter, mut may_be_punycode) = (0, false, false);
    for &byte in text.as_bytes() {
        match byte {
            b'.' if label_bytes == 0 => return false,
            b'.' => label_bytes = 0,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {
                if label_bytes == 0 {
                    begins_with_letter = byte.is_ascii_lowercase();
                    may_be_punycode |= byte == b'x';
                }
                label_bytes += 1;
                if label_bytes > LABEL_BYTES_MAX {
                    return false;
                }
            }
            _ => return false,
        }
    }
    label_bytes > 0 && begins_with_letter && text.len() <= NAME_BYTES_MAX && !(may_be_punycode && text.contains("xn--"))
}

/// Checks labels and lengths of a name in ASCII and lower case.
fn check_name(name: &str) -> Result<(), HostError> {
    if name.is_empty() {
        return Err(HostError("the host is empty"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(HostError("a host name has at most 253 characters"));
    }
    let mut label_bytes = 0;
    for byte in name.bytes() {
        match byte {
            b'.' if label_bytes == 0 => return Err(HostError("a host name has no empty part between its dots")),
            b'.' => label_bytes = 0,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {
                label_bytes += 1;
                if label_bytes > LABEL_BYTES_MAX {
                    return Err(HostError("a part of a host name has at most 63 characters"));
                }
            }
            _ => return Err(HostError("a host name has only letters, digits, hyphens, underscores and dots")),
        }
    }
    match label_bytes {
        0 => Err(HostError("a host name has no empty part between its dots")),
        _ => Ok(()),
    }
}

/// Whether a browser would take the name for an IPv4 address (WHATWG URL, "ends in a number checker").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_port(digits: &str) -> Result<Option<u16>, HostError> {
    if digits.is_empty() {
        return Ok(None);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostError("a port is a decimal number"));
    }
    digits.parse().map(Some).map_err(|_| HostError("a port is at most 65535"))
}

/// The longest suffix of a name that the ICANN part of the Public Suffix List knows; where it knows
/// none, the last label (the list's default rule).
fn icann_suffix(name: &str) -> &str {
    let mut rest = name;
    loop {
        // The list answers with its longest rule. Where that one is private, a shorter rule decides: it
        // matches within the private suffix less its first label.
        let Some(suffix) = psl::suffix(rest.as_bytes()) else { return rest };
        let text = &rest[rest.len() - suffix.as_bytes().len().min(rest.len())..];
        match (suffix.typ(), text.split_once('.')) {
            (Some(Type::Private), Some((_, shorter))) => rest = shorter,
            (Some(Type::Private), None) | (Some(Type::Icann), _) | (None, _) => return text,
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HostName, is_plain};

    fn name(text: &str) -> String {
        HostName::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).to_string()
    }

    proptest! {
        #[test]
        fn anything_either_fails_or_is_canonical(text in "\\PC{0,40}") {
            if let Ok(host) = HostName::parse(&text) {
                prop_assert_eq!(HostName::parse(host.as_str()), Ok(host));
            }
            let _ = HostName::parse_authority(&text);
        }

        #[test]
        fn nearly_hosts_either_fail_or_are_canonical(text in "[a-zA-Z0-9._:\\[\\]@%/ 。．．ａＡß例子中国-]{0,24}|xn--[a-z0-9-]{0,9}") {
            if let Ok(host) = HostName::parse(&text) {
                prop_assert_eq!(HostName::parse(host.as_str()), Ok(host.clone()));
                prop_assert!(host.registrable().is_none_or(|domain| host.as_str().ends_with(domain)));
                let (again, port) = HostName::parse_authority(&format!("{}:80", host.bracketed())).unwrap();
                prop_assert_eq!((again, port), (host, Some(80)));
            }
            let _ = HostName::parse_authority(&text);
        }

        #[test]
        fn what_is_plain_is_what_it_is_by_every_look(text in "([a-z0-9_-]{0,4}\\.){0,3}([a-z0-9_-]{0,4}|x?n?--[a-z]{0,2}|[0-9x]{0,3})") {
            // The port, empty as it is, has it looked at the long way.
            let looked_at = HostName::parse_authority(&format!("{text}:"));
            prop_assert!(!is_plain(&text) || looked_at.is_ok());
            prop_assert_eq!(HostName::parse_authority(&text), looked_at);
        }

        #[test]
        fn good_names_are_taken_in_any_case(text in "([a-z0-9_-]{1,20}\\.){0,4}[a-z][a-z0-9]{0,9}\\.?") {
            prop_assume!(!text.split('.').any(|label| label.starts_with("xn--")));
            let host = HostName::parse(&text).unwrap();
            prop_assert_eq!(host.as_str(), text.trim_end_matches('.'));
            prop_assert_eq!(HostName::parse(&text.to_uppercase()), Ok(host));
        }

        #[test]
        fn addresses_are_canonical(v4: std::net::Ipv4Addr, v6: std::net::Ipv6Addr) {
            prop_assert_eq!(HostName::parse(&v4.to_string()).unwrap().ip(), Some(v4.into()));
            let host = HostName::parse(&format!("[{v6}]")).unwrap();
            prop_assert_eq!(host.ip(), Some(v6.into()));
            prop_assert_eq!(HostName::parse(host.as_str()), Ok(host));
        }
    }

    #[test]
    fn what_a_browser_would_ask_for_is_one_name() {
        for text in ["例子.中国", "例子。中国", "例子．中国.", "xn--fsqu00a.xn--fiqs8s", "XN--FSQU00A.xn--fiqs8s"]
        {
            assert_eq!(name(text), "xn--fsqu00a.xn--fiqs8s");
        }
        assert_eq!(name("Ｗｗｗ．Ｅｘａｍｐｌｅ．ｃｏｍ"), "www.example.com");
        assert_eq!(name("faß.de"), "xn--fa-hia.de", "non-transitional");
        assert_eq!(name("a_b.Example.COM."), "a_b.example.com");
        assert_eq!(name("axn--b.com"), "axn--b.com");
        assert_eq!(name("１２７.０.０.１"), "127.0.0.1");
        assert_eq!(name("[2001:DB8:0:0::1]"), "2001:db8::1");
        assert_eq!(name("2001:db8::1"), "2001:db8::1");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let label = "a".repeat(64);
        let long = vec!["a".repeat(63); 4].join(".");
        for text in [
            "",
            ".",
            "..",
            ".a.com",
            "a..com",
            "a.com..",
            "a b.com",
            "a\0b.com",
            "a%62.com",
            "u@a.com",
            "a.com/",
            "a.com:80",
            "a,b.com",
            "a.com\\",
            "例子 .中国",
            "％.com",
            "[::1",
            "[]",
            "::1]",
            "[fe80::1%eth0]",
            "fe80::1%25eth0",
            "xn--a",
            "xn--.com",
            "a\u{200e}.com",
            &label,
            &long,
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_address_passes_for_a_name() {
        for text in [
            "127.1",
            "0x7f.1",
            "2130706433",
            "0x7f000001",
            "0x",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "010.0.0.1",
            "a.1",
            "a.0xf",
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(name("1.com"), "1.com");
        assert_eq!(name("0x7f.com"), "0x7f.com");
        assert_eq!(name("127.0.0.1."), "127.0.0.1");
    }

    #[test]
    fn authorities_have_ports() {
        let read = |text| HostName::parse_authority(text).map(|(host, port)| (host.to_string(), port));
        assert_eq!(read("a.com"), Ok(("a.com".into(), None)));
        assert_eq!(read("a.com:"), Ok(("a.com".into(), None)));
        assert_eq!(read("A.com.:0"), Ok(("a.com".into(), Some(0))));
        assert_eq!(read("[::1]:65535"), Ok(("::1".into(), Some(65535))));
        assert_eq!(read("[::1]"), Ok(("::1".into(), None)));
        for text in [
            "a.com:65536",
            "a.com:+80",
            "a.com:8 0",
            "u:p@a.com",
            "@a.com",
            "::1",
            "[::1]80",
            "[::1]x:80",
            ":80",
            "a:b:c",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_registrable_domain_is_what_can_be_filed() {
        let domain = |text| HostName::parse(text).unwrap().registrable().map(str::to_owned);
        for (host, expected) in [
            ("example.com", Some("example.com")),
            ("a.b.example.com", Some("example.com")),
            ("com", None),
            ("com.cn", None),
            ("a.com.cn", Some("a.com.cn")),
            ("b.a.gov.cn", Some("a.gov.cn")),
            ("a.公司.cn", Some("a.xn--55qx5d.cn")),
            ("公司.cn", None),
            ("www.例子.中国", Some("xn--fsqu00a.xn--fiqs8s")),
            ("someone.github.io", Some("github.io")),
            ("github.io", Some("github.io")),
            ("a.s3.cn-north-1.amazonaws.com.cn", Some("amazonaws.com.cn")),
            ("b.a.ck", Some("b.a.ck")),
            ("a.ck", None),
            ("b.www.ck", Some("www.ck")),
            ("a.internal-name", Some("a.internal-name")),
            ("localhost", None),
            ("127.0.0.1", None),
            ("[::1]", None),
        ] {
            assert_eq!(domain(host).as_deref(), expected, "{host}");
        }
        let is_public_suffix = |text| HostName::parse(text).unwrap().is_public_suffix();
        assert!(is_public_suffix("com.cn") && is_public_suffix("cn") && is_public_suffix("中国"));
        assert!(!is_public_suffix("github.io") && !is_public_suffix("localhost") && !is_public_suffix("1.2.3.4"));
    }
}
