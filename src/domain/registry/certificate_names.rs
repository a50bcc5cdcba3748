//! The column `acme`: the names that a site wants a certificate for.

use crate::base::HostName;

/// Names of one certificate, at most: what the public authorities allow.
const NAMES_MAX: usize = 100;

/// Stands for the host of the row alone.
const HOST_ALONE: &str = "on";

/// The names that a certificate is asked for, in their one form: nothing for none, `on` for the row's host
/// alone, or a list with `;` between the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames(String);

impl CertificateNames {
    /// Reads the column of a host's row. The error says what is wrong with it.
    pub fn parse(host: &HostName, text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("off") {
            return Ok(Self::default());
        }
        if host.ip().is_some() {
            return Err("a certificate is asked for by name, and this host is an address".to_owned());
        }
        if text.eq_ignore_ascii_case(HOST_ALONE) {
            return Ok(Self(HOST_ALONE.to_owned()));
        }
        let mut names: Vec<String> = Vec::new();
        for one in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
            if one.starts_with('*') {
                return Err(format!("{one}: HTTP-01 proves no wildcard; name the hosts"));
            }
            let name = HostName::parse(one).map_err(|error| format!("{one:?}: {}", error.0))?;
            let name = name.as_str();
            let is_below = name.strip_suffix(host.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            if !is_below {
                return Err(format!("{name} is neither {} nor below it", host.as_str()));
            }
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        match names.len() {
            0 => Err("there is no name in it".to_owned()),
            1 if names.iter().all(|name| name == host.as_str()) => Ok(Self(HOST_ALONE.to_owned())),
            1..=NAMES_MAX => Ok(Self(names.join(";"))),
            _ => Err(format!("a certificate has at most {NAMES_MAX} names")),
        }
    }

    /// As it stands in the registry.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names, by a host and the one form of its column.
    pub(super) fn of(host: &str, text: &str) -> Vec<HostName> {
        let names: Vec<&str> = match text {
            "" => Vec::new(),
            HOST_ALONE => vec![host],
            list => list.split(';').collect(),
        };
        names.into_iter().filter_map(|name| HostName::parse(name).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str, text: &str) -> Result<String, String> {
        CertificateNames::parse(&HostName::parse(host).unwrap(), text).map(|names| names.as_str().to_owned())
    }

    #[test]
    fn a_row_names_its_host_and_what_is_below_it() {
        for (text, form, names) in [
            ("", "", &[][..]),
            ("off", "", &[]),
            ("ON", "on", &["a.cn"]),
            ("a.cn", "on", &["a.cn"]),
            ("A.cn; www.a.cn;;a.cn", "a.cn;www.a.cn", &["a.cn", "www.a.cn"]),
            ("例.a.cn", "xn--fsq.a.cn", &["xn--fsq.a.cn"]),
        ] {
            assert_eq!(read("a.cn", text).unwrap(), form, "{text}");
            let found = CertificateNames::of("a.cn", form);
            assert_eq!(found.iter().map(HostName::as_str).collect::<Vec<_>>(), names, "{text}");
            assert_eq!(read("a.cn", form).unwrap(), form, "its one form is read as itself");
        }
    }

    #[test]
    fn nobody_elses_name_and_no_wildcard() {
        let many: Vec<String> = (0..101).map(|n| format!("n{n}.a.cn")).collect();
        for (host, text, said) in [
            ("a.cn", "b.cn", "neither"),
            ("a.cn", "xa.cn", "neither"),
            ("a.cn", "*.a.cn", "wildcard"),
            ("a.cn", "a b", "a b"),
            ("a.cn", ";", "no name"),
            ("192.0.2.1", "on", "address"),
            ("a.cn", &many.join(";"), "at most"),
        ] {
            let error = read(host, text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
