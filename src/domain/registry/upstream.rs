//! Where a site is served: its origins, and how they are spoken to.

use std::fmt;

use super::Origin;

/// Origins that one site may have.
pub const ORIGINS_MAX: usize = 16;

/// Whether the certificate of an origin is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginVerify {
    /// It is.
    #[default]
    On,
    /// Whoever answers is believed. Only where the operator writes so.
    Off,
}

/// Whether an origin is told the client's address before anything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyProtocol {
    /// No.
    #[default]
    Off,
    /// With a header of PROXY protocol version 2.
    V2,
}

/// How strictly an origin's answers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginHttp {
    /// As RFC 9112 says.
    #[default]
    Strict,
    /// Heads of old software are repaired: lines that end with LF alone, space before the colon, folded
    /// lines.
    Tolerant,
}

impl OriginVerify {
    /// Both.
    pub const ALL: [Self; 2] = [Self::On, Self::Off];

    /// The word in sites.csv.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

impl ProxyProtocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Off, Self::V2];

    /// The word in sites.csv.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::V2 => "v2",
        }
    }
}

impl OriginHttp {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Tolerant];

    /// The word in sites.csv.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Tolerant => "tolerant",
        }
    }
}

/// How the origins of a site are spoken to. The names are the columns of sites.csv.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct OriginOptions {
    /// A file with the certificates that vouch for the origins', relative to the configuration; empty for
    /// those that the configuration names.
    #[serde(rename = "origin_ca")]
    pub ca: String,
    /// The name that is asked for in the handshake (SNI) and must stand in the certificate; empty for the
    /// origin's host.
    #[serde(rename = "origin_name")]
    pub name: String,
    /// Whether certificates are verified.
    #[serde(rename = "origin_verify")]
    pub verify: OriginVerify,
    /// Whether origins are told the client's address below HTTP.
    pub proxy_protocol: ProxyProtocol,
    /// How strictly answers are read.
    #[serde(rename = "origin_http")]
    pub http: OriginHttp,
}

impl OriginOptions {
    /// The columns of sites.csv with their texts; a text is empty where nothing need be said.
    pub fn columns(&self) -> [(&'static str, String); 5] {
        let unless = |is_default: bool, word: &str| if is_default { String::new() } else { word.to_owned() };
        [
            ("origin_ca", self.ca.clone()),
            ("origin_name", self.name.clone()),
            ("origin_verify", unless(self.verify == OriginVerify::default(), self.verify.as_str())),
            ("proxy_protocol", unless(self.proxy_protocol == ProxyProtocol::default(), self.proxy_protocol.as_str())),
            ("origin_http", unless(self.http == OriginHttp::default(), self.http.as_str())),
        ]
    }
}

/// Two origins have the same key exactly where they may share connections: the same address, spoken to
/// in the same way. A hash of 128 bits, the same in every generation of the registry and every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginKey(pub u128);

/// The origins of a site, as a row says them. Rows that say the same share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    origins: Vec<Origin>,
    keys: Vec<OriginKey>,
    options: OriginOptions,
}

impl Upstream {
    /// Reads origins, `;` between them. The error says which of them is wrong, and why.
    pub fn parse(text: &str, options: OriginOptions) -> Result<Self, String> {
        let mut origins: Vec<Origin> = Vec::new();
        for one in text.split(';').map(str::trim) {
            let said = |what: &str| if one == text { what.to_owned() } else { format!("{one:?}: {what}") };
            if one.is_empty() && !origins.is_empty() {
                continue;
            }
            let origin = Origin::parse(one).map_err(|error| said(error.0))?;
            let is_http2 = origin.protocol.is_http2();
            if origins.first().is_some_and(|first: &Origin| first.protocol.is_http2() != is_http2) {
                return Err(said("all origins of a site speak HTTP/2, or none"));
            }
            if origins.contains(&origin) {
                return Err(said("the origin stands here twice"));
            }
            origins.push(origin);
        }
        if origins.len() > ORIGINS_MAX {
            return Err(format!("a site has at most {ORIGINS_MAX} origins"));
        }
        let keys = origins.iter().map(|origin| OriginKey::of(origin, &options)).collect();
        Ok(Self { origins, keys, options })
    }

    /// The origins: at least one, at most [`ORIGINS_MAX`], no two the same.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The keys of the origins, in the same order.
    pub fn keys(&self) -> &[OriginKey] {
        &self.keys
    }

    /// How they are spoken to.
    pub fn options(&self) -> &OriginOptions {
        &self.options
    }

    /// The host of the first origin.
    pub fn host(&self) -> &str {
        self.origins.first().map_or("", |origin| &origin.host)
    }
}

impl OriginKey {
    fn of(origin: &Origin, options: &OriginOptions) -> Self {
        let OriginOptions { ca, name, verify, proxy_protocol, http: _ } = options;
        let mut hasher = blake3::Hasher::new();
        // How TLS is verified matters where there is TLS.
        let (ca, name, verify) = match origin.protocol.is_tls() {
            true => (ca.as_str(), name.as_str(), verify.as_str()),
            false => ("", "", ""),
        };
        for text in [&*origin.to_string(), ca, name, verify, proxy_protocol.as_str()] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        Self(u128::from_le_bytes(key))
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, origin) in self.origins.iter().enumerate() {
            let between = if number == 0 { "" } else { ";" };
            write!(f, "{between}{origin}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{OriginHttp, OriginOptions, OriginVerify, ProxyProtocol, Upstream};

    fn upstream(text: &str, options: OriginOptions) -> Upstream {
        Upstream::parse(text, options).unwrap()
    }

    #[test]
    fn a_list_is_written_as_it_was_read() {
        let read = upstream("http://a.cn ; https://10.0.0.1:8443/;", OriginOptions::default());
        assert_eq!((read.to_string(), read.host()), ("http://a.cn;https://10.0.0.1:8443".into(), "a.cn"));
        for (bad, said) in [
            ("", "begins with"),
            (";http://a.cn", "begins with"),
            ("http://a.cn;b.cn", "\"b.cn\""),
            ("http://a.cn;HTTP://A.cn:80", "twice"),
            ("h2://a.cn;http://b.cn", "HTTP/2"),
        ] {
            let error = Upstream::parse(bad, OriginOptions::default()).unwrap_err();
            assert!(error.contains(said), "{bad}: {error}");
        }
        let many: Vec<_> = (0..17).map(|n| format!("http://10.0.0.{n}")).collect();
        assert!(Upstream::parse(&many.join(";"), OriginOptions::default()).unwrap_err().contains("at most 16"));
    }

    #[test]
    fn a_key_is_shared_where_connections_may_be() {
        let key = |text, options: &OriginOptions| upstream(text, options.clone()).keys()[0];
        let plain = OriginOptions::default();
        let tolerant = OriginOptions { http: OriginHttp::Tolerant, ..plain.clone() };
        assert_eq!(key("http://a.cn", &plain), key("http://A.cn:80/;http://b.cn", &tolerant));
        let other_ways = [
            OriginOptions { ca: "ca.pem".into(), ..plain.clone() },
            OriginOptions { name: "b.cn".into(), ..plain.clone() },
            OriginOptions { verify: OriginVerify::Off, ..plain.clone() },
            OriginOptions { proxy_protocol: ProxyProtocol::V2, ..plain.clone() },
        ];
        for (number, other) in other_ways.iter().enumerate() {
            assert_ne!(key("https://a.cn", &plain), key("https://a.cn", other));
            assert_eq!(key("http://a.cn", &plain) == key("http://a.cn", other), number < 3, "no TLS, no difference");
        }
        assert_ne!(key("http://a.cn", &plain), key("https://a.cn:80", &plain));
    }
}
