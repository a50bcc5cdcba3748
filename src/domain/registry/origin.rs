//! Where a site is served.

use std::fmt;

use crate::base::{HostError, HostName};

/// Scheme and address of an origin. `Display` writes it as in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// TLS to the origin.
    pub tls: bool,
    /// Host name or IP literal (IPv6 without brackets).
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`, with nothing behind but an optional `/`.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        let (tls, rest) = if lower.starts_with("http://") {
            (false, &text[7..])
        } else if lower == "https://" {
            (true, &text[8..])
        } else {
            return Err(HostError("an origin begins with http:// or https://"));
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(HostError("an origin has no path: requests keep their own"));
        }
        let (host, port) = HostName::parse_authority(authority)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        if port == 0 {
            return Err(HostError("nothing listens on port 0"));
        }
        Ok(Self { tls, host: host.as_str().into(), port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default_port) = if self.tls { ("https", 443) } else { ("http", 80) };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]", self.host)?,
            false => write!(f, "{scheme}://{}", self.host)?,
        }
        if self.port == default_port { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Origin;

    proptest! {
        #[test]
        fn what_is_written_can_be_read(tls: bool, v6: Option<std::net::Ipv6Addr>, port in 1u16..) {
            let host = v6.map_or("a.internal".into(), |v6| v6.to_string());
            let origin = Origin { tls, host, port };
            prop_assert_eq!(Origin::parse(&origin.to_string()), Ok(origin));
        }

        #[test]
        fn nothing_panics(text in "(?i:http)?s?:?/?/?\\PC{0,12}") {
            let _ = Origin::parse(&text);
        }
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let written = |text| Origin::parse(text).map(|origin| origin.to_string()).map_err(|error| error.0);
        assert_eq!(written("HTTP://10.0.0.5:8080/"), Ok("http://10.0.0.5:8080".into()));
        assert_eq!(written("https://Origin.Example.com.:443"), Ok("https://origin.example.com".into()));
        assert_eq!(written("http://[2001:DB8::1]"), Ok("http://[2001:db8::1]".into()));
        for bad in [
            "",
            "10.0.0.5",
            "//a",
            "ftp://a",
            "http://",
            "https:/a",
            "http://a/x",
            "http://a//",
            "http://a?x",
            "http://a#x",
            "http://u:p@a",
            "http://a:0",
            "http://a:99999",
            "http://::1",
            "http://a b",
            "http://127.1",
            "htt\u{fe}p://a",
        ] {
            assert!(written(bad).is_err(), "{bad:?}");
        }
    }
}
