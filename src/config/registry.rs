//! `[registry]`: where the registry of sites comes from, besides the admin API and `registry import`.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::raw::{Reader, Section};
use crate::base::HttpUrl;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const MIB: u64 = 1 << 20;

/// Where the registry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The watched file.
    pub file: PathBuf,
    /// An import or pull that would remove more than this share of the rows needs `--force`, percent.
    pub remove_max_percent: u8,
    /// So long before they end filings, certificates and commitments are warned of.
    pub warn_before: Duration,
    /// The pull from the operator's own system, if there is one.
    pub pull: Option<Pull>,
}

/// A registry that is asked for over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Where it is: CSV or XLSX, the whole registry.
    pub url: HttpUrl,
    /// How often it is asked for.
    pub every: Duration,
    /// From the connecting to the last byte.
    pub timeout: Duration,
    /// Bytes of an answer, at most.
    pub bytes_max: u64,
    /// Certificates that are trusted, in PEM; `None`: those of the public Web.
    pub ca: Option<PathBuf>,
    /// Sent as `Authorization: Bearer`; empty: none.
    pub token: Secret,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "secret" })
    }
}

pub(super) fn registry(reader: &Reader<'_>, root: &Section<'_, '_>, base: &Path) -> Registry {
    let section = root.section("registry");
    let file = match section.string("file") {
        Some((text, at)) if text.is_empty() => {
            reader.error(at, "registry.file is empty");
            base.join("sites.csv")
        }
        Some((text, _)) => base.join(text),
        None => base.join("sites.csv"),
    };
    let remove_max_percent = section.number("remove_max", 0..=100).map_or(20, |percent| percent as u8);
    let warn_before = section.duration("warn_before", Duration::ZERO..=DAY * 3_660).unwrap_or(DAY * 30);
    let pull = pull(reader, &section, base);
    section.close();
    Registry { file, remove_max_percent, warn_before, pull }
}

fn pull(reader: &Reader<'_>, registry: &Section<'_, '_>, base: &Path) -> Option<Pull> {
    let section = registry.section("pull");
    let url = section.string("url").filter(|(text, _)| !text.is_empty());
    let every = section.duration("every", SECOND..=DAY * 31).unwrap_or(Duration::from_secs(300));
    let timeout = section.duration("timeout", SECOND / 1_000..=DAY).unwrap_or(Duration::from_secs(60));
    let bytes_max = section.size("max", 1..=4_096 * MIB).unwrap_or(256 * MIB);
    let ca = section.string("ca").filter(|(text, _)| !text.is_empty()).map(|(text, _)| base.join(text));
    let token = section.string("token").filter(|(text, _)| !text.is_empty());
    section.close();
    let (text, at) = url?;
    let url = match HttpUrl::parse(&text) {
        Ok(url) => url,
        Err(error) => {
            let message = format!("registry.pull.url {text:?}: {}", error.0);
            reader.error_with_help(at, message, "for example \"https://crm.example.com/sites.csv\"");
            return None;
        }
    };
    let token = match token {
        Some((text, at)) if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            reader.error(at, "registry.pull.token must be one word of ASCII characters");
            return None;
        }
        Some((text, at)) => {
            if !url.tls {
                let help = "use https, or a network in which nobody listens";
                reader.warn(at, "registry.pull.token is sent unencrypted", help);
            }
            text
        }
        None => String::new(),
    };
    Some(Pull { url, every, timeout, bytes_max, ca, token: Secret(token) })
}
