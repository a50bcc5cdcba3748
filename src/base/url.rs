//! The address of something that is asked for over HTTP.

use std::fmt;

use super::{HostError, HostName};

/// `http://host[:port]/path?query` or `https://…`, without user information and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl {
    /// Whether it is `https`.
    pub tls: bool,
    /// The host.
    pub host: HostName,
    /// The port; that of the scheme if none is written.
    pub port: u16,
    /// Path and query, in visible ASCII characters; begins with `/`.
    pub target: String,
}

impl HttpUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let (scheme, rest) = text.split_once("://").ok_or(HostError("a URL begins with http:// or https://"))?;
        let tls = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err(HostError("a URL begins with http:// or https://")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = HostName::parse_authority(authority)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        if port == 0 {
            return Err(HostError("nothing listens on port 0"));
        }
        if target.contains('#') {
            return Err(HostError("a URL that is asked for has no fragment"));
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(HostError("other than visible ASCII characters are percent-encoded in a URL"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { tls, host, port, target })
    }

    /// Host and port as in a Host header: the port only where it is not the scheme's.
    pub fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.bracketed().into_owned(),
            (_, port) => format!("{}:{port}", self.host.bracketed()),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::HttpUrl;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("https://a.cn", "https://a.cn/"),
            ("HTTP://A.cn:8080/x?y=1", "http://a.cn:8080/x?y=1"),
            ("http://[::1]:80?q", "http://[::1]/?q"),
            ("https://a.cn:443/x", "https://a.cn/x"),
        ] {
            assert_eq!(HttpUrl::parse(text).unwrap().to_string(), written);
        }
        for bad in [
            "",
            "a.cn",
            "ftp://a.cn",
            "http://",
            "http://u:p@a.cn/",
            "http://a.cn/#x",
            "http://a.cn:0/",
            "http://a.cn/例",
        ] {
            assert!(HttpUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
