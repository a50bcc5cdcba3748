//! One origin: what is spoken, with whom.

use std::fmt;

use crate::base::{HostError, HostName};

/// What is spoken with an origin: the scheme of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/2 over TCP alone, without asking (RFC 9113 section 3.3).
    H2,
    /// HTTP/2 over TLS.
    H2s,
    /// HTTP/1.1.
    Http,
    /// HTTP over TLS: HTTP/2 if the origin chooses it, else HTTP/1.1.
    Https,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::H2, Self::H2s, Self::Http, Self::Https];

    /// The scheme.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::H2 => "h2",
            Self::H2s => "h2s",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Whether TLS is below it.
    pub const fn is_tls(self) -> bool {
        match self {
            Self::H2 | Self::Http => false,
            Self::H2s | Self::Https => true,
        }
    }

    /// Whether it is HTTP/2.
    pub const fn is_http2(self) -> bool {
        match self {
            Self::H2 | Self::H2s => true,
            Self::Http | Self::Https => false,
        }
    }

    /// The port where none is written.
    pub const fn default_port(self) -> u16 {
        if self.is_tls() { 443 } else { 80 }
    }
}

/// Scheme and address of an origin. `Display` writes it as in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// What is spoken.
    pub protocol: Protocol,
    /// Host name or IP literal (IPv6 without brackets).
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Origin {
    /// Reads `scheme://host[:port]`, with nothing behind but an optional `/`.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let protocol = text.split_once("://").and_then(|(scheme, rest)| {
            let is_it = |protocol: &Protocol| scheme.eq_ignore_ascii_case(protocol.as_str());
            Some((Protocol::ALL.into_iter().find(is_it)?, rest))
        });
        let (protocol, rest) = protocol.ok_or(HostError("an origin begins with http://, https://, h2:// or h2s://"))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(HostError("an origin has no path: requests keep their own"));
        }
        let (host, port) = HostName::parse_authority(authority)?;
        let port = port.unwrap_or(protocol.default_port());
        if port == 0 {
            return Err(HostError("nothing listens on port 0"));
        }
        Ok(Self { protocol, host: host.as_str().into(), port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.protocol.as_str();
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]", self.host)?,
            false => write!(f, "{scheme}://{}", self.host)?,
        }
        if self.port == self.protocol.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Origin, Protocol};

    proptest! {
        #[test]
        fn what_is_written_can_be_read(protocol in 0_usize..4, v6: Option<std::net::Ipv6Addr>, port in 1u16..) {
            let host = v6.map_or("a.internal".into(), |v6| v6.to_string());
            let origin = Origin { protocol: Protocol::ALL[protocol], host, port };
            prop_assert_eq!(Origin::parse(&origin.to_string()), Ok(origin));
        }

        #[test]
        fn nothing_panics(text in "(?i:http|h2)?s?:?/?/?\\PC{0,12}") {
            let _ = Origin::parse(&text);
        }
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let written = |text| Origin::parse(text).map(|origin| origin.to_string()).map_err(|error| error.0);
        assert_eq!(written("HTTP://10.0.0.5:8080/"), Ok("http://10.0.0.5:8080".into()));
        assert_eq!(written("https://Origin.Example.com.:443"), Ok("https://origin.example.com".into()));
        assert_eq!(written("http://[2001:DB8::1]"), Ok("http://[2001:db8::1]".into()));
        assert_eq!(written("h2://10.0.0.5:50051"), Ok("h2://10.0.0.5:50051".into()));
        assert_eq!(written("H2S://a.cn:443"), Ok("h2s://a.cn".into()));
        for bad in [
            "",
            "10.0.0.5",
            "//a",
            "ftp://a",
            "h2c://a",
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
