//! `[ledger]`: how strikes are counted, what they suspend, when locks grow.

use std::{ops::RangeInclusive, time::Duration};

use toml::de::DeValue;

use super::{
    quantity::duration,
    raw::{Reader, Section},
};
use crate::domain::standing::{LedgerPolicy, LockPolicy, StrikeSources, SuspensionScope, Threshold};

const COUNTS: RangeInclusive<u64> = 1..=1_000_000;
const YEAR: Duration = Duration::from_secs(366 * 86_400);

pub(super) fn ledger(reader: &Reader<'_>, root: &Section<'_, '_>) -> LedgerPolicy {
    let mut policy = LedgerPolicy::default();
    let section = root.section("ledger");
    if let Some(words) = section.strings("strikes") {
        policy.strikes = StrikeSources { notices: false, confirmed: false, bare: false };
        for (text, at) in words {
            match reader.word("ledger.strikes", &text, at, &[("notice", 0), ("confirmed", 1), ("finding", 2)]) {
                Some(0) => policy.strikes.notices = true,
                Some(1) => policy.strikes.confirmed = true,
                Some(_) => policy.strikes.bare = true,
                None => {}
            }
        }
    }
    set(&mut policy.separate_counters, section.boolean("separate_counters"));
    let scopes = SuspensionScope::ALL.map(|scope| (scope.as_str(), scope));
    set(&mut policy.suspends, section.word("suspends", &scopes));
    set(&mut policy.require_commitment, section.boolean("require_commitment"));
    set(&mut policy.require_rectification, section.boolean("require_rectification"));

    let thresholds = section.section("thresholds");
    let (virtual_host, server) = (&mut policy.thresholds.virtual_host, &mut policy.thresholds.server);
    for (kind, rows) in [("virtual_host", virtual_host), ("server", server)] {
        let table = thresholds.section(kind);
        threshold(reader, &table, "political_vulgar", &mut rows.political_vulgar);
        threshold(reader, &table, "other", &mut rows.other);
        table.close();
    }
    thresholds.close();

    let locks = section.section("locks");
    set(&mut policy.locks.directory_after, locks.number("directory_after", 0..=1_000_000).map(|count| count as u32));
    set(&mut policy.locks.directory_window, locks.duration("directory_window", Duration::from_secs(1)..=YEAR));
    set(&mut policy.locks.site_after, locks.number("site_after", 0..=1_000_000).map(|count| count as u32));
    locks.close();
    unlock_delays(reader, &section, &mut policy.locks);
    section.close();
    policy
}

fn threshold(reader: &Reader<'_>, kind: &Section<'_, '_>, row: &'static str, threshold: &mut Threshold) {
    let section = kind.section(row);
    set(&mut threshold.month, section.number("month", COUNTS).map(|count| count as u32));
    set(&mut threshold.year, section.number("year", COUNTS).map(|count| count as u32));
    let at = section.at();
    section.close();
    if threshold.year < threshold.month {
        reader.warn(
            at,
            format!("{} strikes in a year suspend before {} in a month can", threshold.year, threshold.month),
            "the number of a year is usually the larger one",
        );
    }
}

/// `UP_TO = "DELAY"` for each number of findings, and `more = "DELAY"`.
fn unlock_delays(reader: &Reader<'_>, ledger: &Section<'_, '_>, locks: &mut LockPolicy) {
    let section = ledger.section("unlock_delays");
    let mut delays = Vec::new();
    for (key, key_at, value, at) in section.entries() {
        let delay = match value {
            DeValue::String(text) => duration(text).and_then(|delay| match delay <= YEAR {
                true => Ok(delay),
                false => Err("a delay must be at most a year".to_owned()),
            }),
            _ => Err("a delay must be a duration such as \"3h\"".to_owned()),
        };
        match (key, key.parse::<u32>(), delay) {
            (_, _, Err(message)) => reader.error(at, message),
            ("more", _, Ok(delay)) => locks.unlock_delay_max = delay,
            (_, Ok(findings), Ok(delay)) => delays.push((findings, delay)),
            (_, Err(_), Ok(_)) => reader.error_with_help(
                key_at,
                format!("{key:?} is no number of findings"),
                "write 6 = \"3h\" for up to six findings in two days, more = \"48h\" for the rest",
            ),
        }
    }
    if !delays.is_empty() {
        delays.sort_unstable();
        locks.unlock_delays = delays;
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use crate::{
        config::{Config, Parsed},
        domain::standing::{LedgerPolicy, SuspensionScope, Threshold},
    };

    fn parse(text: &str) -> Parsed {
        Config::parse(Path::new("zhamen.toml"), text, &|_| None)
    }

    fn ledger(text: &str) -> LedgerPolicy {
        let parsed = parse(text);
        parsed.config.unwrap_or_else(|| panic!("{:?}", parsed.problems)).ledger
    }

    #[test]
    fn nothing_said_is_the_letter() {
        let policy = ledger("");
        assert_eq!(policy, LedgerPolicy::default());
        let (host, server) = (policy.thresholds.virtual_host, policy.thresholds.server);
        assert_eq!(
            [host.political_vulgar, host.other, server.political_vulgar, server.other].map(|it| (it.month, it.year)),
            [(2, 5), (4, 10), (3, 6), (5, 10)]
        );
    }

    #[test]
    fn every_key_arrives() {
        let policy = ledger(
            r#"
[ledger]
strikes = ["finding"]
separate_counters = true
suspends = "service"
require_commitment = true
require_rectification = false
[ledger.thresholds.server]
other = { month = 7 }
[ledger.locks]
directory_after = 3
directory_window = "2h"
site_after = 9
[ledger.unlock_delays]
6 = "2h"
1 = "1h"
more = "3h"
"#,
        );
        assert!(policy.strikes.bare && !policy.strikes.notices && !policy.strikes.confirmed);
        assert!(policy.separate_counters && policy.require_commitment && !policy.require_rectification);
        assert_eq!(policy.suspends, SuspensionScope::Service);
        assert_eq!(policy.thresholds.server.other, Threshold { month: 7, year: 10 });
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let locks = policy.locks;
        assert_eq!((locks.directory_after, locks.directory_window, locks.site_after), (3, hours(2), 9));
        assert_eq!((locks.unlock_delays, locks.unlock_delay_max), (vec![(1, hours(1)), (6, hours(2))], hours(3)));
    }

    #[test]
    fn nonsense_is_told_at_its_place() {
        for (text, line, column, part) in [
            ("[ledger.thresholds.server]\nother = { month = 0 }", 2, 19, "must be 1 to"),
            ("[ledger.thresholds.vps]\n", 1, 20, "unknown key \"vps\""),
            ("[ledger]\nstrikes = [\"notices\"]", 2, 12, "one of"),
            ("[ledger.unlock_delays]\nmany = \"3h\"", 2, 1, "no number of findings"),
            ("[ledger.unlock_delays]\n3 = 4", 2, 5, "must be a duration"),
            ("[ledger]\nsuspends = \"all\"", 2, 12, "one of"),
        ] {
            let parsed = parse(text);
            assert!(parsed.config.is_none(), "{text}");
            let problem = &parsed.problems[0];
            assert_eq!((problem.line, problem.column), (line, column), "{problem}");
            assert!(problem.message.contains(part), "{problem}");
        }
        let parsed = parse("[ledger.thresholds.server]\nother = { month = 11 }");
        assert!(parsed.config.is_some() && parsed.problems[0].message.contains("10 strikes in a year"));
    }
}
