//! What an import would change.

use std::{collections::HashSet, sync::Arc};

/// Rows that may go without a question, whatever share of all they are.
const ROWS_ALWAYS_REMOVED: usize = 10;

use super::{FilingState, Registry, RowChange, Site, SiteRow};

/// What is said of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held<'a> {
    /// The host is refused, because its row could not be applied.
    Barred(&'a str),
    /// It has this row.
    Row(&'a SiteRow),
}

impl<'a> Held<'a> {
    /// The host.
    pub fn host(self) -> &'a str {
        match self {
            Self::Barred(host) => host,
            Self::Row(row) => &row.host,
        }
    }

    /// Says the same of the host in another place.
    pub fn to_change(self) -> RowChange {
        match self {
            Self::Barred(host) => RowChange::Bar(host.to_owned()),
            Self::Row(row) => RowChange::Put(Box::new(row.clone())),
        }
    }
}

/// What is different between the rows of a source and those that are to take their place.
#[derive(Default)]
pub struct Difference {
    /// Hosts that had no row.
    pub added: Vec<Site>,
    /// Hosts with another row than before.
    pub changed: Vec<(SiteRow, Site)>,
    /// Rows whose hosts have none any more.
    pub removed: Vec<SiteRow>,
    /// Hosts that are refused from now on because their rows cannot be applied, and the rows before.
    pub barred: Vec<(String, Option<SiteRow>)>,
    /// Hosts that were refused because of bad rows that are gone.
    pub unbarred: Vec<String>,
    /// Hosts that had no row and get none yet: nobody is admitted for their units for a time.
    pub waiting: Vec<Site>,
    /// Rows that stay as they are.
    pub unchanged: usize,
    /// Rows before.
    pub before: usize,
}

/// Compares the rows before, one by one, with a registry that was just read.
pub struct Comparison<'r> {
    new: &'r Arc<Registry>,
    /// Whether a row of the new registry was there before, by its place.
    met: Vec<bool>,
    /// Hosts that need not be said to be barred from now on: they were, or it is said already.
    barred_before: HashSet<String>,
    difference: Difference,
}

impl<'r> Comparison<'r> {
    /// With the rows that are to be.
    pub fn new(new: &'r Arc<Registry>) -> Self {
        let met = vec![false; new.rows.len_below()];
        Self { new, met, barred_before: HashSet::new(), difference: Difference::default() }
    }

    /// A host was there before. Each is given once.
    pub fn had(&mut self, held: Held<'_>) {
        let (host, old) = match held {
            Held::Barred(host) => {
                self.barred_before.insert(host.to_owned());
                (host, None)
            }
            Held::Row(row) => {
                self.difference.before += 1;
                (&*row.host, Some(row))
            }
        };
        if self.new.barred.contains(host) {
            self.barred_before.insert(host.to_owned());
            if let Some(row) = old {
                self.difference.barred.push((host.to_owned(), Some(row.clone())));
            }
            return;
        }
        let Some(place) = self.new.rows.find(host) else {
            match old {
                Some(row) => self.difference.removed.push(row.clone()),
                None => self.difference.unbarred.push(host.to_owned()),
            }
            return;
        };
        // A host that was only barred has its first row now; it is met below.
        let Some(old) = old else { return };
        if let Some(met) = self.met.get_mut(place.row.number()) {
            *met = true;
        }
        let site = Site::new(Arc::clone(self.new), place);
        if old.is_of(&site) {
            self.difference.unchanged += 1;
        } else {
            self.difference.changed.push((old.clone(), site));
        }
    }

    /// What is different.
    pub fn finish(self) -> Difference {
        let Self { new, met, barred_before, mut difference } = self;
        let is_new = |place: &super::Place| met.get(place.row.number()) != Some(&true);
        for place in new.rows.places().filter(is_new) {
            let site = Site::new(Arc::clone(new), place);
            // A row under a bar is never asked for.
            if !new.barred.contains(site.host()) {
                difference.added.push(site);
            }
        }
        let newly = new.barred.iter().filter(|host| !barred_before.contains(&***host));
        let newly: Vec<String> = newly.map(|host| host.to_string()).collect();
        difference.barred.extend(newly.into_iter().map(|host| (host, None)));
        difference
    }
}

impl Difference {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len() + self.barred.len() + self.unbarred.len()
    }

    /// Leaves out the new rows of units for which nobody is admitted now.
    pub fn hold_back(&mut self, is_frozen: impl Fn(&str) -> bool) {
        let (waiting, added) = self.added.drain(..).partition(|site| is_frozen(site.unit()));
        (self.waiting, self.added) = (waiting, added);
    }

    /// Rows that go, in percent of those that were there.
    pub fn removed_percent(&self) -> f64 {
        if self.before == 0 { 0.0 } else { self.removed.len() as f64 * 100.0 / self.before as f64 }
    }

    /// Why this needs a person who says so; `None` if it does not: it would remove a larger share of the
    /// rows than `remove_max_percent`, as an export that was cut off does. Ten rows may always go.
    pub fn objection(&self, remove_max_percent: u8) -> Option<String> {
        let (removed, percent) = (self.removed.len(), self.removed_percent());
        (removed > ROWS_ALWAYS_REMOVED && percent > f64::from(remove_max_percent)).then(|| {
            let before = self.before;
            format!(
                "it would remove {removed} of {before} rows ({percent:.0} %), and at most {remove_max_percent} % may go"
            )
        })
    }

    /// What is to be done.
    pub fn changes(&self) -> impl Iterator<Item = RowChange> + '_ {
        let put = self.added.iter().chain(self.changed.iter().map(|(_, site)| site));
        let gone = self.removed.iter().map(|row| &row.host).chain(&self.unbarred);
        put.map(|site| RowChange::Put(Box::new(site.to_row())))
            .chain(self.barred.iter().map(|(host, _)| RowChange::Bar(host.clone())))
            .chain(gone.map(|host| RowChange::Remove(host.clone())))
    }
}

impl SiteRow {
    /// Whether a site is this row.
    fn is_of(&self, site: &Site) -> bool {
        self.host == site.host()
            && *self.unit == **site.unit()
            && self.service == site.service()
            && self.kind == site.kind()
            && self.icp == site.icp()
            && self.filing == site.filing_said()
            && self.filed_until == site.filed_until()
            && self.server_ip == site.server_ip_said().unwrap_or_default()
            && self.interactive == site.interactive()
            && self.acme == site.acme()
            && self.options == *site.upstream().options()
            && self.origin == site.upstream().to_string()
    }

    /// `number state`, as the record says of a filing: `蜀ICP备12345678号-1 filed`.
    pub fn filing_text(&self) -> String {
        let until = self.filed_until.map_or_else(String::new, |day| format!(" until {day}"));
        match (self.icp.as_str(), self.filing) {
            ("", FilingState::Unfiled) => "unfiled".into(),
            ("", state) => format!("{}{until}", state.as_str()),
            (number, state) => format!("{number} {}{until}", state.as_str()),
        }
    }

    /// The columns in which another row for the host differs: name, text here, text there.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let (mine, theirs) = (self.columns(), other.columns());
        let different = mine.into_iter().zip(theirs).filter(|((_, mine), (_, theirs))| mine != theirs);
        different.map(|((name, mine), (_, theirs))| (name, mine, theirs)).collect()
    }

    /// The columns of sites.csv, in the order in which they are written, with their texts.
    pub fn columns(&self) -> Vec<(&'static str, String)> {
        // What an empty number means has no word of its own.
        let filing = if self.filing == FilingState::Unfiled { "" } else { self.filing.as_str() };
        let columns = [
            ("host", self.host.clone()),
            ("origin", self.origin.clone()),
            ("unit", self.unit.clone()),
            ("service", self.service.clone()),
            ("kind", self.kind.as_str().into()),
            ("icp", self.icp.clone()),
            ("filing", filing.into()),
            ("filed_until", self.filed_until.map_or_else(String::new, |day| day.to_string())),
            ("server_ip", self.server_ip.clone()),
            ("interactive", self.interactive.as_str().into()),
        ];
        columns.into_iter().chain(self.options.columns()).chain([("acme", self.acme.clone())]).collect()
    }
}
