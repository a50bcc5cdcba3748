//! The chapters of the manual, as they are printed: the documentation of `src/manual`, without what only
//! rustdoc understands.

/// Names and sources, in the order in which an operator wants them.
const SOURCES: [(&str, &str); 29] = [
    ("operations", include_str!("../../manual/operations/mod.rs")),
    ("install", include_str!("../../manual/operations/install.rs")),
    ("first_site", include_str!("../../manual/operations/first_site.rs")),
    ("excel", include_str!("../../manual/operations/excel.rs")),
    ("rule_update", include_str!("../../manual/operations/rule_update.rs")),
    ("complaint", include_str!("../../manual/operations/complaint.rs")),
    ("incident_drill", include_str!("../../manual/operations/incident_drill.rs")),
    ("backup", include_str!("../../manual/operations/backup.rs")),
    ("moving", include_str!("../../manual/operations/moving.rs")),
    ("logs", include_str!("../../manual/operations/logs.rs")),
    ("capacity", include_str!("../../manual/operations/capacity.rs")),
    ("runbook", include_str!("../../manual/operations/runbook.rs")),
    ("acme", include_str!("../../manual/acme.rs")),
    ("admin_api", include_str!("../../manual/admin_api.rs")),
    ("architecture", include_str!("../../manual/architecture.rs")),
    ("evasions", include_str!("../../manual/evasions.rs")),
    ("failure_modes", include_str!("../../manual/failure_modes.rs")),
    ("glossary", include_str!("../../manual/glossary.rs")),
    ("http2", include_str!("../../manual/http2.rs")),
    ("incidents", include_str!("../../manual/incidents.rs")),
    ("ledger", include_str!("../../manual/ledger.rs")),
    ("life_of_a_request", include_str!("../../manual/life_of_a_request.rs")),
    ("limits", include_str!("../../manual/limits.rs")),
    ("origins", include_str!("../../manual/origins.rs")),
    ("registry", include_str!("../../manual/registry.rs")),
    ("rules", include_str!("../../manual/rules.rs")),
    ("speed", include_str!("../../manual/speed.rs")),
    ("store", include_str!("../../manual/store.rs")),
    ("threat_model", include_str!("../../manual/threat_model.rs")),
];

/// A chapter of the manual.
pub(super) struct Chapter {
    /// What it is called for.
    pub(super) name: &'static str,
    /// Markdown.
    pub(super) text: String,
}

/// All chapters.
pub(super) fn chapters() -> impl Iterator<Item = Chapter> {
    SOURCES.iter().map(|(name, source)| Chapter { name, text: markdown(name, source) })
}

impl Chapter {
    /// What it is about.
    pub(super) fn title(&self) -> &str {
        let paragraph = self.text.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
        paragraph.split_once(". ").map_or(paragraph, |(sentence, _)| sentence).trim_end_matches('.')
    }

    /// Its sections, each with its heading.
    pub(super) fn sections(&self) -> Vec<&str> {
        let begins: Vec<usize> = self.text.match_indices("\n## ").map(|(at, _)| at + 1).collect();
        let ends = begins.iter().skip(1).copied().chain([self.text.len()]);
        begins.iter().zip(ends).filter_map(|(&begin, end)| self.text.get(begin..end)).collect()
    }

    /// The sections about something: those that have it in their heading, else those that name it.
    pub(super) fn about(&self, what: &str) -> Vec<&str> {
        let what = what.to_lowercase();
        let holds = |text: &str, what: &str| text.to_lowercase().contains(what);
        let (named, mut found) = (format!("`{what}`"), self.sections());
        if found.iter().any(|section| holds(heading(section), &what)) {
            found.retain(|section| holds(heading(section), &what));
        } else {
            found.retain(|section| holds(section, &named));
        }
        found
    }
}

/// The heading of a section.
pub(super) fn heading(section: &str) -> &str {
    section.lines().next().unwrap_or_default().trim_start_matches('#').trim()
}

/// The documentation at the beginning of a source file.
fn markdown(name: &str, source: &str) -> String {
    let mut text = format!("# {name}\n\n");
    let mut in_code = false;
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.starts_with("```") {
            in_code = !in_code;
        }
        // The chapter's own name is the first heading.
        if !in_code && line.starts_with('#') {
            text.push('#');
        }
        text.push_str(&if in_code { line.to_owned() } else { without_links(line) });
        text.push('\n');
    }
    text
}

/// A line in which links to items are their names; links to other places stay.
fn without_links(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        let Some((name, after)) = behind.split_once(']') else {
            rest = &rest[before.len()..];
            break;
        };
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        let is_code = name.starts_with('`') && name.ends_with('`');
        match target {
            Some((target, after)) if target.contains("::") => {
                out.push_str(name);
                rest = after;
            }
            None if is_code => {
                out.push_str(name);
                rest = after;
            }
            Some(_) | None => {
                out.push('[');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_manual_is_a_chapter() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
        let mut files = 0;
        for directory in [root.clone(), root.join("operations")] {
            for entry in fs::read_dir(directory).unwrap() {
                files += usize::from(entry.unwrap().path().extension().is_some_and(|extension| extension == "rs"));
            }
        }
        // Its own front page names the chapters, which is what the command does.
        assert_eq!(files - 1, SOURCES.len());
    }

    #[test]
    fn nothing_is_left_that_only_rustdoc_understands() {
        for Chapter { name, text } in chapters() {
            for mark in ["](super", "](crate", "](self", "[`"] {
                assert!(!text.contains(mark), "{name}: {mark}");
            }
            assert!(text.lines().count() > 10 && !text.lines().any(|line| line.starts_with("pub mod")), "{name}");
        }
    }

    #[test]
    fn code_stays_and_links_become_names() {
        let source = "//! About [`x`](super::x) and [`Y`], [a]\n//! [z](https://z.cn).\n//!\n//! # One\n//!\n//! ```sh\n//! # → [`x`]\n//! ```\n\npub mod y;\n";
        let chapter = Chapter { name: "n", text: markdown("n", source) };
        assert_eq!(
            chapter.text,
            "# n\n\nAbout `x` and `Y`, [a]\n[z](https://z.cn).\n\n## One\n\n```sh\n# → [`x`]\n```\n"
        );
        assert_eq!(chapter.about("one"), ["## One\n\n```sh\n# → [`x`]\n```\n"]);
    }
}
