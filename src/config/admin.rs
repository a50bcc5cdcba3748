//! `[admin]`: the operator's own address.

use std::{
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};

use super::raw::{Reader, Section};

/// The operator's own address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// With TLS; beyond loopback it has it, unless `allow_plain` says otherwise.
    pub tls: Option<AdminTls>,
}

/// The certificate of the admin listener, and whose certificates it wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminTls {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
    /// Clients must have a certificate of one of these authorities, PEM.
    pub client_ca: Option<PathBuf>,
}

/// Reads the section; `address` reads where to listen.
pub(super) fn admin(
    reader: &Reader<'_>,
    root: &Section<'_, '_>,
    base: &Path,
    address: &mut dyn FnMut(&str, Range<usize>) -> Option<SocketAddr>,
) -> Option<Admin> {
    let section = root.section("admin");
    let listen = section.string("listen");
    let allow_plain = section.boolean("allow_plain").unwrap_or(false);
    let tls = tls(reader, &section, base);
    let section_at = section.at();
    section.close();
    let (listen, at) = match listen {
        None => (Some(SocketAddr::from(([127, 0, 0, 1], 9900))), section_at),
        Some((text, at)) if text.is_empty() => (None, at),
        Some((text, at)) => (address(&text, at.clone()), at),
    };
    let listen = listen?;
    if !listen.ip().is_loopback() && tls.is_none() && !allow_plain {
        reader.error_with_help(
            at,
            format!("admin.listen is {listen}, which others can reach, and [admin.tls] names no certificate"),
            "set admin.tls.certificate and admin.tls.key; or listen on 127.0.0.1; or set admin.allow_plain = true \
             where something else protects the connection",
        );
    }
    Some(Admin { listen, tls })
}

fn tls(reader: &Reader<'_>, section: &Section<'_, '_>, base: &Path) -> Option<AdminTls> {
    let tls = section.section("tls");
    let file = |key| tls.string(key).filter(|(text, _)| !text.is_empty());
    let (certificate, key, client_ca) = (file("certificate"), file("key"), file("client_ca"));
    tls.close();
    match (certificate, key) {
        (Some((certificate, _)), Some((key, _))) => Some(AdminTls {
            certificate: base.join(certificate),
            key: base.join(key),
            client_ca: client_ca.map(|(file, _)| base.join(file)),
        }),
        (None, None) => {
            if let Some((_, at)) = client_ca {
                reader.error(at, "admin.tls.client_ca wants admin.tls.certificate and admin.tls.key beside it");
            }
            None
        }
        (Some((_, at)), None) => {
            reader.error(at, "admin.tls.certificate wants admin.tls.key beside it");
            None
        }
        (None, Some((_, at))) => {
            reader.error(at, "admin.tls.key wants admin.tls.certificate beside it");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{
        base::Problem,
        config::{Config, Parsed},
    };

    fn parse(text: &str) -> Parsed {
        Config::parse(Path::new("/etc/zhamen/zhamen.toml"), text, &|_| None)
    }

    fn config(text: &str) -> Config {
        let parsed = parse(text);
        parsed.config.unwrap_or_else(|| panic!("{:?}", parsed.problems))
    }

    fn problem(text: &str) -> Problem {
        let found = parse(text).problems;
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    #[test]
    fn an_admin_listener_that_others_reach_has_tls() {
        let found = problem("[admin]\nlisten = \"0.0.0.0:9900\"\n");
        assert_eq!((found.line, found.column), (2, 10));
        assert!(config("[admin]\nlisten = \"0.0.0.0:9900\"\nallow_plain = true").admin.unwrap().tls.is_none());
        let tls = "[admin]\nlisten = \"[::]:9900\"\n[admin.tls]\ncertificate = \"a.crt\"\n";
        assert!(problem(&tls.replace("[::]", "[::1]")).message.contains("admin.tls.key"));
        let admin = config(&format!("{tls}key = \"a.key\"\nclient_ca = \"ca.crt\"\n")).admin.unwrap();
        let tls = admin.tls.unwrap();
        assert_eq!(tls.certificate, Path::new("/etc/zhamen/a.crt"));
        assert_eq!(tls.client_ca.as_deref(), Some(Path::new("/etc/zhamen/ca.crt")));
        assert!(problem("[admin.tls]\nclient_ca = \"ca.crt\"").message.contains("beside it"));
    }
}
