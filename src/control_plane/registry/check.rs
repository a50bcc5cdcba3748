//! What is odd about customers and filings: what ends soon, what is missing, what contradicts.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    base::{Date, Problem},
    domain::{
        record::PersonRole,
        registry::{FilingState, Registry},
        standing::{Ledger, Unit},
    },
};

/// Problems of one kind that are told; the rest is counted.
const PROBLEMS_MAX: usize = 100;

/// Services without a site that are named.
const UNUSED_SHOWN: usize = 3;

/// Where problems that stand in no file are said to be.
const RECORD: &str = "record";

/// What is worth a look at a day. `warn_days`: so long before something ends it is warned of;
/// `file`: the registry's name; `require_commitment`: sites of units without one are refused.
pub fn check_customers(
    ledger: &Ledger,
    registry: &Arc<Registry>,
    file: &str,
    today: Date,
    warn_days: i64,
    require_commitment: bool,
) -> Vec<Problem> {
    let soon = Date::from_days(today.days() + warn_days);
    let (mut served, mut used) = (BTreeSet::new(), BTreeSet::new());
    let mut filings = Few::new(file);
    for site in registry.sites() {
        served.insert(site.unit().to_string());
        used.insert(site.service().to_owned());
        let place = |message: String, help: &str| Problem::warning(file, site.line(), 0, message).help(help);
        if let Some(until) = site.filed_until().filter(|_| site.filing_said() == FilingState::Filed) {
            if until < today {
                let message = format!("the filing of {} ended on {until}; the site is refused", site.host());
                filings.add(place(message, "renew it, and write the new day"));
            } else if until <= soon {
                filings.add(place(format!("the filing of {} ends on {until}", site.host()), "renew it in time"));
            }
        }
        if let Some(service) = ledger.service(site.service())
            && (service.unit != **site.unit() || service.kind != site.kind())
        {
            let message = format!(
                "the row of {} has the service {} as {} of {}, the record as {} of {}",
                site.host(),
                site.service(),
                site.kind().as_str(),
                site.unit(),
                service.kind.as_str(),
                service.unit,
            );
            filings.add(place(message, "correct one of them; strikes count for the unit on the record"));
        }
    }
    let mut problems = filings.finish("rows");
    let (mut units, mut unused) = (Few::new(RECORD), Vec::new());
    for unit in ledger.units() {
        let has_sites = served.contains(&unit.fact.unit);
        check_commitment(unit, has_sites, today, soon, require_commitment, &mut units);
        check_persons(unit, today, soon, &mut units);
        for service in ledger.services_of(&unit.fact.unit).filter(|service| !used.contains(&service.service)) {
            unused.push(format!("{} of {}", service.service, unit.fact.unit));
        }
    }
    problems.extend(units.finish("units and services"));
    problems.extend(without_sites(&unused));
    problems
}

/// Services without a site are often many, and rarely wrong: one line for all.
fn without_sites(services: &[String]) -> Option<Problem> {
    let shown = services.iter().take(UNUSED_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = match services.len() {
        0 => return None,
        1 => format!("the service {shown} has no site"),
        count if count <= UNUSED_SHOWN => format!("{count} services have no site: {shown}"),
        count => format!("{count} services have no site, for example {shown}"),
    };
    Some(Problem::warning(RECORD, 0, 0, message).help("import their sites, if they have any"))
}

fn check_commitment(unit: &Unit, has_sites: bool, today: Date, soon: Date, is_required: bool, problems: &mut Few<'_>) {
    let id = &unit.fact.unit;
    let in_force = unit
        .commitments
        .iter()
        .filter(|letter| letter.signed <= today && letter.until.is_none_or(|until| until >= today));
    // The one that holds longest; one without an end is never the least.
    let ends: Option<Option<Date>> =
        in_force.map(|letter| letter.until).max_by_key(|until| until.map_or(i64::MAX, Date::days));
    match ends {
        None if has_sites && is_required => problems.add(
            Problem::warning(RECORD, 0, 0, format!("the unit {id} has no commitment in force; its sites are refused"))
                .help("import the letter it signed: `zhamen registry import commitments FILE`"),
        ),
        Some(Some(until)) if until <= soon => problems.add(
            Problem::warning(RECORD, 0, 0, format!("the commitment of {id} ends on {until}"))
                .help("have the unit sign the next one in time"),
        ),
        None | Some(_) => {}
    }
}

fn check_persons(unit: &Unit, today: Date, soon: Date, problems: &mut Few<'_>) {
    for person in &unit.persons {
        let Some(expires) = person.expires.filter(|&expires| expires <= soon) else { continue };
        let role = match person.role {
            PersonRole::Principal => "principal",
            PersonRole::Reviewer => "reviewer",
        };
        let ends = if expires < today { "expired on" } else { "expires on" };
        let message = format!("the certificate of {} ({role} of {}) {ends} {expires}", person.name, unit.fact.unit);
        problems.add(Problem::warning(RECORD, 0, 0, message).help("import the new certificate, or another person"));
    }
}

/// The first problems of a kind, and how many more there are.
struct Few<'a> {
    path: &'a str,
    problems: Vec<Problem>,
    more: usize,
}

impl<'a> Few<'a> {
    fn new(path: &'a str) -> Self {
        Self { path, problems: Vec::new(), more: 0 }
    }

    fn add(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self, what: &str) -> Vec<Problem> {
        if self.more > 0 {
            let message = format!("{} more problems of {what} are not shown", self.more);
            self.problems.push(Problem::warning(self.path, 0, 0, message));
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::without_sites;

    #[test]
    fn services_without_a_site_take_one_line() {
        let services: Vec<String> = (0..4_000).map(|number| format!("s{number} of u{number}")).collect();
        assert_eq!(without_sites(&[]), None);
        for (count, expected) in [
            (1, "the service s0 of u0 has no site"),
            (2, "2 services have no site: s0 of u0, s1 of u1"),
            (4_000, "4000 services have no site, for example s0 of u0, s1 of u1, s2 of u2"),
        ] {
            assert_eq!(without_sites(&services[..count]).unwrap().message, expected);
        }
    }
}
