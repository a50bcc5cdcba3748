//! `[acme]`: from whom certificates are had for the sites that ask for them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::raw::{Reader, Section};
use crate::base::HttpUrl;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// How certificates are asked for (RFC 8555).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// The authority's directory; `None`: nothing is asked for.
    pub server: Option<HttpUrl>,
    /// Whom it may write to: `mailto:` URLs.
    pub contact: Vec<String>,
    /// Certificates that the authority's own server is trusted by, PEM; `None`: those of the public Web.
    pub ca: Option<PathBuf>,
    /// The directory with the account's key and what failed.
    pub directory: PathBuf,
    /// A certificate is renewed so long before its end; a short-lived one when a third of its life is left.
    pub renew_before: Duration,
    /// What failed is tried again after this long; doubled with each failure, up to a day.
    pub retry: Duration,
    /// Orders under way at a time.
    pub orders: usize,
}

pub(super) fn acme(
    reader: &Reader<'_>,
    root: &Section<'_, '_>,
    (base, database): (&Path, &Path),
    has_certificates: bool,
) -> Acme {
    let section = root.section("acme");
    let server = section.string("server").filter(|(text, _)| !text.is_empty());
    let contact = section.strings("contact").unwrap_or_default();
    let is_agreed = section.boolean("terms_agreed").unwrap_or(false);
    let ca = section.string("ca").filter(|(text, _)| !text.is_empty());
    let directory = section.string("dir").filter(|(text, _)| !text.is_empty());
    let renew_before = section.duration("renew_before", MINUTE..=DAY * 3_660);
    let retry = section.duration("retry", Duration::from_secs(1)..=DAY);
    let orders = section.number("orders", 1..=64);
    section.close();
    let server = server.and_then(|(text, at)| {
        let url = match HttpUrl::parse(&text) {
            Ok(url) if url.tls => url,
            Ok(_) => {
                reader.error_with_help(
                    at,
                    format!("acme.server {text:?} is not https"),
                    "an authority is asked over TLS",
                );
                return None;
            }
            Err(error) => {
                let help = "the URL of the authority's directory, for example \"https://ca.example.com/directory\"";
                reader.error_with_help(at, format!("acme.server {text:?}: {}", error.0), help);
                return None;
            }
        };
        if !is_agreed {
            let help = "read them, and set acme.terms_agreed = true";
            reader.error_with_help(at, "the terms of the authority are not agreed to", help);
        } else if !has_certificates {
            let help = "set tls.certificates to the directory that certificates are written to and read from";
            reader.error_with_help(at, "there is no place for certificates", help);
        }
        Some(url)
    });
    let contact = contact.into_iter().filter_map(|(text, at)| match text.trim() {
        plain if plain.starts_with("mailto:") && plain.contains('@') => Some(plain.to_owned()),
        plain if plain.contains('@') && !plain.contains(':') => Some(format!("mailto:{plain}")),
        _ => {
            reader.error_with_help(at, format!("{text:?} in acme.contact is no mail address"), "\"ops@example.com\"");
            None
        }
    });
    Acme {
        contact: contact.collect(),
        server,
        ca: ca.map(|(file, _)| base.join(file)),
        directory: directory.map_or_else(|| database.with_file_name("acme"), |(text, _)| base.join(text)),
        renew_before: renew_before.unwrap_or(DAY * 30),
        retry: retry.unwrap_or(MINUTE * 10),
        orders: orders.unwrap_or(4) as usize,
    }
}
