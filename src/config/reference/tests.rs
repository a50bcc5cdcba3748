//! That the reference is what the reader reads, and that people and editors are told the same.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Every key of `reference.toml`, tables within a line by their own keys.
fn written(prefix: &str, table: &toml::Table, free: &[&str], out: &mut BTreeSet<String>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) if !free.contains(&name.as_str()) => written(&name, inner, free, out),
            _ => drop(out.insert(name)),
        }
    }
}

#[test]
fn what_is_read_is_what_is_written_down() {
    let reference = Reference::new();
    let free: Vec<&str> =
        reference.keys().iter().filter(|key| key.kind == Kind::Table).map(|key| key.name.as_str()).collect();
    let mut written_down = BTreeSet::new();
    written("", &TEXT.parse().unwrap(), &free, &mut written_down);
    let document: toml::Table = TEXT.parse().unwrap();
    let asked = build::asked(TEXT);
    let missing: Vec<&Asked> = asked.iter().filter(|asked| default_of(&document, &asked.key).is_none()).collect();
    assert!(missing.is_empty(), "reference.toml does not say: {missing:?}");
    let read: BTreeSet<String> = asked.iter().map(|asked| default_of(&document, &asked.key).unwrap().0).collect();
    assert_eq!(written_down, read);
    assert_eq!(reference.keys().len(), asked.len());
}

#[test]
fn every_key_or_its_section_says_what_it_does() {
    let reference = Reference::new();
    for key in reference.keys() {
        assert!(!key.effect.is_empty(), "{}: reference.toml says nothing behind it", key.name);
    }
}

#[test]
fn what_needs_a_restart_is_what_the_configuration_says() {
    let reference = Reference::new();
    let key = |name: &str| reference.keys().iter().find(|key| key.name == name).unwrap();
    for (name, reloadable) in [
        ("listen.http", false),
        ("log.level", false),
        ("scan.hold", true),
        ("gate.statuses", true),
        ("store.url", false),
    ] {
        assert_eq!(key(name).reloadable, reloadable, "{name}");
    }
    for key in needing_restart() {
        let concerns = |name: &str| name == key || name.starts_with(&format!("{key}."));
        assert!(reference.keys().iter().any(|known| concerns(&known.name)), "{key} is no key");
    }
}

#[test]
fn types_and_ranges_are_those_that_the_reader_wants() {
    let reference = Reference::new();
    let takes = |name: &str| reference.keys().iter().find(|key| key.name == name).unwrap().takes();
    assert_eq!(takes("scan.hold"), "size, 0 to 1GiB");
    assert_eq!(takes("timeouts.connect"), "time, 1ms to 1d");
    assert_eq!(takes("workers.threads"), "number, 0 to 1024");
    assert_eq!(takes("log.format"), "one of \"text\", \"json\"");
    assert_eq!(takes("ledger.strikes"), "list of \"notice\", \"confirmed\", \"finding\"");
    assert_eq!(takes("incident.rules.*.findings"), "number, 1 to 100000");
    assert_eq!(takes("gate.statuses"), "table");
}

#[test]
fn the_manual_names_every_key_and_every_section() {
    let (reference, sections) = (Reference::new(), lines(TEXT));
    let (markdown, man) = (reference.markdown(), reference.man());
    assert!(
        markdown
            .contains("| `hold` | size, 0 to 1GiB | `\"64KiB\"` | of a response, before its head is sent | reload |")
    );
    assert!(markdown.contains("## [incident.rules.*]") && markdown.contains("| `political_vulgar.month` |"));
    for line in sections.iter().filter(|line| line.is_section && !line.name.contains("rules.")) {
        let has_keys = reference.keys().iter().any(|key| reference.section_of(&key.name) == line.name);
        assert!(!has_keys || man.contains(&format!(".SH \"[{}]\"", roff_name(&line.name))), "{}", line.name);
    }
    // No line begins with a command that was not meant.
    for line in man.lines().filter(|line| line.starts_with('.')) {
        assert!([".TH", ".SH", ".TP", ".ie", ".el"].iter().any(|command| line.starts_with(command)), "{line}");
    }
}

fn roff_name(name: &str) -> String {
    name.replace('-', "\\-")
}

proptest! {
    /// What the schema's patterns take as a quantity, the reader takes, and the other way round.
    #[test]
    fn the_schema_knows_durations_as_the_reader_does(text in "[0-9]{0,4} {0,1}(ms|s|m|h|d|w|KiB|MB|B|)") {
        let schema = Reference::new().schema();
        let matches = |path: &str| {
            let pattern = schema.pointer(path).and_then(serde_json::Value::as_str).unwrap().to_owned();
            regex_automata::meta::Regex::new(&pattern).unwrap().is_match(&text)
        };
        let duration = matches("/properties/timeouts/properties/connect/anyOf/0/pattern");
        prop_assert_eq!(duration, super::super::quantity::duration(&text).is_ok());
        let size = matches("/properties/scan/properties/hold/anyOf/1/pattern");
        prop_assert_eq!(size, super::super::quantity::size(&text).is_ok());
    }
}
