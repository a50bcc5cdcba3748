//! The reference for people: Markdown, and the manual page zhamen.toml(5).

use std::fmt::Write;

use super::{Key, Reference};

const ABOUT: &str = "Paths are relative to the file. Sizes are \"64KiB\", \"16MiB\" or plain bytes, times \"300ms\", \
                     \"5s\", \"10m\", \"1h\", \"1d\". ${NAME} in a string is the environment variable NAME, $${ is a literal ${. \
                     Unknown keys are errors. The file is watched: what is marked \"reload\" takes effect within \
                     a second or two after it was saved, without touching a connection; \"restart\" waits for one.";

impl Reference {
    /// A table a section.
    pub fn markdown(&self) -> String {
        let mut out = format!("# zhamen.toml\n\n{ABOUT}\n");
        for (section, comment, keys) in self.by_section() {
            // Writing to a String does not fail.
            let _ = write!(out, "\n## [{section}]\n\n");
            if !comment.is_empty() {
                let _ = write!(out, "{}.\n\n", capital(comment));
            }
            out.push_str("| key | takes | default | effect | change |\n| --- | --- | --- | --- | --- |\n");
            for key in keys {
                let [takes, default, effect] =
                    [&key.takes(), &key.default, &key.effect].map(|text| text.replace('|', "\\|"));
                let _ =
                    writeln!(out, "| `{}` | {takes} | `{default}` | {effect} | {} |", short(key, section), change(key));
            }
        }
        out
    }

    /// The manual page, in roff.
    pub fn man(&self) -> String {
        let mut out = String::from(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n.TH zhamen.toml 5\n.SH NAME\n");
        let _ = writeln!(out, "zhamen.toml \\- configuration of zhamen(1)\n.SH DESCRIPTION\n{}", roff(ABOUT));
        for (section, comment, keys) in self.by_section() {
            let _ = writeln!(out, ".SH \"[{}]\"", roff(section));
            if !comment.is_empty() {
                let _ = writeln!(out, "{}.", roff(&capital(comment)));
            }
            for key in keys {
                let _ = writeln!(out, ".TP\n\\fB{}\\fR = {}", roff(short(key, section)), roff(&key.default));
                let effect = if key.effect.is_empty() { String::new() } else { format!("{}. ", capital(&key.effect)) };
                let _ = writeln!(out, "{}", roff(&format!("{effect}Takes: {}. Change: {}.", key.takes(), change(key))));
            }
        }
        out.push_str(".SH \"SEE ALSO\"\nzhamen(1)\n");
        out
    }

    /// Sections in order, with what is said of them and their keys.
    fn by_section(&self) -> Vec<(&str, &str, Vec<&Key>)> {
        let mut sections: Vec<(&str, &str, Vec<&Key>)> = Vec::new();
        for key in &self.keys {
            let section = self.section_of(&key.name);
            match sections.iter_mut().find(|(name, ..)| *name == section) {
                Some((.., keys)) => keys.push(key),
                None => {
                    // A section with a free name stands in the reference under one that was chosen.
                    let plain = section.trim_end_matches(".*");
                    let said = self.sections.iter().find(|(name, _)| name.starts_with(plain));
                    sections.push((section, said.map_or("", |(_, comment)| comment), vec![key]));
                }
            }
        }
        sections
    }

    /// The section under which a key is written: the one that the reference has, or with a free name.
    pub(super) fn section_of<'k>(&self, key: &'k str) -> &'k str {
        let before = |at: usize| &key[..at];
        if let Some(star) = key.find(".*.") {
            return before(star + 2);
        }
        let is_section = |at: &usize| self.sections.iter().any(|(name, _)| name == before(*at));
        let places = || key.match_indices('.').map(|(at, _)| at);
        places().rfind(is_section).or_else(|| places().next()).map_or(key, before)
    }
}

fn short<'k>(key: &'k Key, section: &str) -> &'k str {
    key.name.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')).unwrap_or("*")
}

fn change(key: &Key) -> &'static str {
    if key.reloadable { "reload" } else { "restart" }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Escaped for roff: nothing at the beginning of a line is a command, no character is an escape.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\*(Aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
