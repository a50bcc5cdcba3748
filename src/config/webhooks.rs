//! `[webhooks]`: by what certificates receivers are known.

use std::path::{Path, PathBuf};

use super::raw::Section;

/// How webhooks are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// The authorities whose certificates receivers are trusted by, PEM; `None`: those of the public Web.
    pub ca: Option<PathBuf>,
}

pub(super) fn webhooks(root: &Section<'_, '_>, base: &Path) -> Webhooks {
    let section = root.section("webhooks");
    let ca = section.string("ca").filter(|(text, _)| !text.is_empty()).map(|(file, _)| base.join(file));
    section.close();
    Webhooks { ca }
}
