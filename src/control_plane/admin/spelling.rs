//! How hosts, addresses and numbers are written in bodies and queries: read by the function that the
//! registry itself uses, described by a pattern for those who generate requests from the OpenAPI document.
//! The patterns are narrower where a language of patterns has no words for it (IDNs, IPv6 literals).

use std::net::IpAddr;

use crate::{
    base::{HostName, HttpUrl},
    domain::registry::{OriginOptions, Upstream, normalise_icp},
};

const LABEL: &str = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/// No top-level domain begins with a digit: what does is an address, or nothing (WHATWG URL, 3.5).
const LAST_LABEL: &str = "[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const PORT: &str = "(?::[1-9][0-9]{0,3})?";

/// A way of writing.
pub(super) struct Spelling {
    /// Checks a text; says what is wrong with it.
    pub(super) read: fn(&str) -> Result<(), String>,
    /// The regular expression (ECMA-262) for the JSON Schema.
    pub(super) pattern: fn() -> String,
    /// The format of JSON Schema, if there is one.
    pub(super) format: Option<&'static str>,
}

/// A host name or an address.
pub(super) const HOST: Spelling = Spelling {
    read: |text| said(HostName::parse(text)),
    pattern: || format!("^{}$", host()),
    format: Some("hostname"),
};

/// The same, or nothing.
pub(super) const HOST_OR_NONE: Spelling = Spelling {
    read: |text| if text.is_empty() { Ok(()) } else { said(HostName::parse(text)) },
    pattern: || format!("^(?:{})?$", host()),
    format: None,
};

/// `http://` or `https://`, without user and fragment.
pub(super) const URL: Spelling = Spelling {
    read: |text| said(HttpUrl::parse(text)),
    pattern: || format!("^https?://{}{PORT}(?:[/?][A-Za-z0-9/?=&._~-]*)?$", host()),
    format: Some("uri"),
};

/// One origin, or several of one protocol with `;` between them.
pub(super) const ORIGINS: Spelling = Spelling {
    read: |text| said(Upstream::parse(text, OriginOptions::default())),
    pattern: || {
        let of = |scheme: &str| format!("{scheme}://{0}{PORT}(?:;{scheme}://{0}{PORT}){{0,2}}", host());
        format!("^(?:{})$", ["http", "https", "h2", "h2s"].map(of).join("|"))
    },
    format: None,
};

/// A filing or licence number, or nothing.
pub(super) const ICP_OR_NONE: Spelling = Spelling {
    read: |text| if text.is_empty() { Ok(()) } else { said(normalise_icp(text)) },
    pattern: || {
        "^(?:[京沪粤浙苏蜀鲁豫鄂湘闽皖赣陕渝津冀晋辽吉黑桂琼贵云藏甘青宁新蒙]ICP[备证][0-9]{8}号(?:-[1-9][0-9]?)?)?$"
            .into()
    },
    format: None,
};

/// An IP address, or nothing.
pub(super) const ADDRESS_OR_NONE: Spelling = Spelling {
    read: |text| match text.is_empty() || text.parse::<IpAddr>().is_ok() {
        true => Ok(()),
        false => Err("must be an IP address".into()),
    },
    pattern: || format!("^(?:{})?$", address()),
    format: None,
};

/// What a certificate is asked for: nothing, `on`, or names with `;` between them. Whether they belong to the
/// host is for the one who knows the host.
pub(super) const CERTIFICATE_NAMES: Spelling = Spelling {
    read: |text| {
        let mut names = text.split(';').map(str::trim).filter(|name| !name.is_empty());
        names.try_for_each(|name| said(HostName::parse(name)).map_err(|why| format!("{name:?}: {why}")))
    },
    pattern: || format!("^(?:on|{0}(?:;{0}){{0,2}})?$", host()),
    format: None,
};

fn host() -> String {
    format!("(?:{}|(?:{LABEL}[.]){{0,3}}{LAST_LABEL})", address())
}

fn address() -> String {
    format!("(?:{OCTET}[.]){{3}}{OCTET}")
}

fn said<T, E: std::fmt::Display>(read: Result<T, E>) -> Result<(), String> {
    read.map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, string::string_regex};

    use super::*;

    /// What is written as the pattern says can be read.
    #[test]
    fn no_pattern_promises_what_is_refused() {
        for spelling in [HOST, HOST_OR_NONE, URL, ORIGINS, ICP_OR_NONE, ADDRESS_OR_NONE, CERTIFICATE_NAMES] {
            let pattern = (spelling.pattern)();
            let texts = string_regex(pattern.trim_start_matches('^').trim_end_matches('$')).unwrap();
            let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
            runner
                .run(&texts, |text| {
                    // Two letters and two hyphens are kept for what IDNs become (RFC 5891, 4.2.3.1).
                    prop_assume!(!text.contains("--"));
                    (spelling.read)(&text).map_err(|why| TestCaseError::fail(format!("{text:?}: {why}")))
                })
                .unwrap();
        }
    }
}
