//! `[incident]`: clocks, and the incidents that open by themselves.

use std::time::Duration;

use super::raw::{Reader, Section};
use crate::{
    domain::{
        incident::{EmergencyLock, IncidentRule},
        record::IncidentKind,
    },
    engine::rules::Class,
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Clocks and rules of incidents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incidents {
    /// From notice to report, for prohibited content (both letters: 24 hours).
    pub clock_content: Duration,
    /// … for attacks on network security.
    pub clock_security: Duration,
    /// … where malware was served.
    pub clock_malware: Duration,
    /// The incidents that open by themselves.
    pub rules: Vec<IncidentRule>,
}

impl Incidents {
    /// The clock of a kind.
    pub fn clock(&self, kind: IncidentKind) -> Duration {
        match kind {
            IncidentKind::Content => self.clock_content,
            IncidentKind::Security => self.clock_security,
            IncidentKind::Malware => self.clock_malware,
        }
    }
}

impl Default for Incidents {
    fn default() -> Self {
        Self {
            clock_content: DAY,
            clock_security: DAY / 6,
            clock_malware: DAY,
            rules: vec![IncidentRule {
                name: "malware".to_owned(),
                kind: IncidentKind::Malware,
                class: None,
                category: Some("malware".to_owned()),
                confirmed: false,
                findings: 1,
                within_millis: millis(DAY),
                lock: EmergencyLock::Page,
            }],
        }
    }
}

pub(super) fn incident(reader: &Reader<'_>, root: &Section<'_, '_>) -> Incidents {
    let mut incidents = Incidents::default();
    let section = root.section("incident");
    let clock = section.section("clock");
    let time = |key| clock.duration(key, MINUTE..=DAY * 30);
    incidents.clock_content = time("content").unwrap_or(incidents.clock_content);
    incidents.clock_security = time("security").unwrap_or(incidents.clock_security);
    incidents.clock_malware = time("malware").unwrap_or(incidents.clock_malware);
    clock.close();
    if let Some(rules) = section.sections("rules") {
        incidents.rules = rules.into_iter().filter_map(|(name, section)| rule(reader, name, section)).collect();
    }
    section.close();
    incidents
}

fn rule(reader: &Reader<'_>, name: &str, section: Section<'_, '_>) -> Option<IncidentRule> {
    let kinds =
        [("content", IncidentKind::Content), ("malware", IncidentKind::Malware), ("security", IncidentKind::Security)];
    let classes = [
        ("any", None),
        ("political", Some(Class::Political)),
        ("vulgar", Some(Class::Vulgar)),
        ("other", Some(Class::Other)),
    ];
    let locks = [
        ("none", EmergencyLock::None),
        ("page", EmergencyLock::Page),
        ("site", EmergencyLock::Site),
        ("unit", EmergencyLock::Unit),
    ];
    let rule = IncidentRule {
        name: name.to_owned(),
        kind: section.word("kind", &kinds).unwrap_or(IncidentKind::Content),
        class: section.word("class", &classes).flatten(),
        category: section.string("category").map(|(category, _)| category),
        confirmed: section.boolean("confirmed").unwrap_or(true),
        findings: section.number("findings", 1..=100_000).map_or(1, |count| count as usize),
        within_millis: millis(section.duration("within", MINUTE..=DAY * 366).unwrap_or(DAY)),
        lock: section.word("lock", &locks).unwrap_or(EmergencyLock::None),
    };
    let at = section.at();
    section.close();
    if rule.class.is_none() && rule.category.is_none() {
        reader.error_with_help(
            at,
            format!("[incident.rules.{name}] says neither class nor category"),
            "for example class = \"political\", or category = \"malware\"",
        );
        return None;
    }
    Some(rule)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn parsed(text: &str) -> crate::config::Parsed {
        Config::parse(Path::new("zhamen.toml"), text, &|_| None)
    }

    #[test]
    fn clocks_and_rules_arrive() {
        let text = "[incident.clock]\nsecurity = \"1h\"\n[incident.rules.politics]\nclass = \"political\"\n\
                    findings = 3\nwithin = \"2h\"\nlock = \"site\"\n";
        let incidents = parsed(text).config.unwrap().incident;
        assert_eq!(incidents.clock(IncidentKind::Security), Duration::from_secs(3_600));
        assert_eq!(incidents.clock(IncidentKind::Content), DAY);
        let rule = &incidents.rules[0];
        assert_eq!((incidents.rules.len(), rule.name.as_str(), rule.findings), (1, "politics", 3));
        assert_eq!((rule.class, rule.lock, rule.confirmed), (Some(Class::Political), EmergencyLock::Site, true));
        assert_eq!(parsed("[incident]\nrules = {}\n").config.unwrap().incident.rules, []);
    }

    #[test]
    fn a_rule_that_would_hit_everything_is_refused_at_its_place() {
        let problems = parsed("[incident.rules.all]\nfindings = 3\n").problems;
        assert_eq!((problems.len(), problems[0].line), (1, 1), "{problems:?}");
        assert!(problems[0].message.contains("neither class nor category"));
        let problems = parsed("[incident.rules.a]\nclass = \"politcal\"\ncategory = \"x\"\nfinding = 1\n").problems;
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 4], "{problems:?}");
    }
}
