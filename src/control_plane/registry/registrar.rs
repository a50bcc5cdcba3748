//! The one way by which rows of the registry change while something runs.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{
    begin::{APPLIED_FILE, beside, compare, effective, load},
    facts,
    feed::{Feed, sha256},
};
use crate::{
    base::{Clock, Date, HostName, Timestamp},
    config,
    control_plane::{Health, Publisher, PutError, Record, trouble::Trouble},
    domain::{
        record::{Change, Fact},
        registry::{Difference, FilingState, Held, Registry, RowChange, Site, SiteRow, Upstream},
    },
    store::{SiteSource, Store, StoreError},
    telemetry::{InForce, Metrics},
};

/// How often it is looked what other processes changed, and whether a day has passed.
const FRESH_EVERY: Duration = Duration::from_millis(500);
/// Rows that change in one transaction: beyond it, others may write in between.
const TRANSACTION_ROWS: usize = 20_000;
/// Who admits sites that waited.
const BY: &str = "policy";
/// Facts that are put on the record in one call.
const PUT_FACTS: usize = 5_000;

/// Where what is in force is shown.
#[derive(Clone)]
pub struct Shown {
    /// To the data plane.
    pub publisher: Publisher,
    /// To monitoring.
    pub metrics: Arc<Metrics>,
    /// To load balancers.
    pub health: Arc<Health>,
}

/// Changes rows: in the store, in force, on the record. One change at a time.
pub struct Registrar {
    record: Arc<Record>,
    clock: Arc<dyn Clock>,
    /// `None` on the command line, where no proxy runs.
    shown: Option<Shown>,
    settings: Mutex<config::Registry>,
    working: Mutex<Working>,
}

/// What is changed by one at a time.
struct Working {
    /// The store's, as far as it is in force.
    generation: u64,
    /// Rows that wait until their units are admitted again.
    waiting: Vec<(SiteSource, SiteRow)>,
}

/// A full feed that is about to be taken over. Nobody else changes rows while it lives.
pub struct Plan<'r> {
    working: MutexGuard<'r, Working>,
    source: SiteSource,
    feed: Feed,
    /// What is different from what the source had.
    pub difference: Difference,
    /// What will hold.
    pub registry: Arc<Registry>,
    /// Hosts of which another source said something else, at most 20.
    pub contested: Vec<String>,
}

impl Shown {
    /// Puts a registry in force.
    pub(in crate::control_plane) fn publish(&self, registry: Arc<Registry>) {
        self.health.set_registry_loaded(registry.is_available());
        self.publisher.publish(|next| next.registry = registry);
        self.show();
    }

    /// Shows monitoring what is in force.
    pub fn show(&self) {
        let snapshot = self.publisher.in_force();
        self.metrics.in_force(&InForce {
            generation: snapshot.generation,
            rules: snapshot.rules.rules(),
            sites: FilingState::ALL.into_iter().map(|filing| (filing, snapshot.registry.count(filing))).collect(),
        });
    }
}

impl Registrar {
    /// A registrar over a record. What the store has is in force already, or nothing runs.
    pub fn new(record: Arc<Record>, settings: config::Registry, clock: Arc<dyn Clock>, shown: Option<Shown>) -> Self {
        let generation = record.store().sites_generation().unwrap_or(0);
        let waiting = record.store().waiting_sites().unwrap_or_default();
        let (settings, working) = (Mutex::new(settings), Mutex::new(Working { generation, waiting }));
        Self { record, clock, shown, settings, working }
    }

    /// The record that it writes to.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What the configuration says of the registry.
    pub fn settings(&self) -> config::Registry {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration changed.
    pub fn configure(&self, settings: config::Registry) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// Everything that holds, by the store.
    pub fn registry(&self) -> Result<Arc<Registry>, StoreError> {
        match &self.shown {
            Some(shown) => Ok(Arc::clone(&shown.publisher.in_force().registry)),
            None => Ok(Arc::new(load(self.store(), self.today())?)),
        }
    }

    /// What a full feed of a source would change.
    pub fn plan(&self, source: SiteSource, feed: Feed) -> Result<Plan<'_>, StoreError> {
        let working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let mut difference = compare(self.store(), source, &feed.registry)?;
        self.hold_back(&mut difference);
        let is_beside = self.store().has_sites_beside(source)?;
        let (registry, contested) = if is_beside || !difference.waiting.is_empty() {
            let mut changes = effective(self.store(), source, &difference)?;
            let contested = self.contested(source, &changes)?;
            // At a start the whole file is in force already: what waits is put back as the store has it.
            for site in &difference.waiting {
                changes.push(self.stored(site.host())?);
            }
            let before = self.registry()?;
            let before = if before.is_available() { before } else { Arc::new(load(self.store(), self.today())?) };
            (before.with(changes), contested)
        } else {
            (feed.registry.on(self.today()), Vec::new())
        };
        Ok(Plan { working, source, feed, difference, registry: Arc::new(registry), contested })
    }

    /// Leaves out what a control period wants left out: new sites of the units that it is for.
    pub fn hold_back(&self, difference: &mut Difference) {
        let standing = self.record.standing();
        if standing.freezes_admissions() {
            difference.hold_back(|unit| standing.admissions_frozen(unit));
        }
    }

    /// Whether a control period keeps new sites out now.
    pub fn is_frozen(&self) -> bool {
        self.record.standing().freezes_admissions()
    }

    /// Stores what was planned, puts it in force (unless the caller does), and puts on the record what
    /// follows.
    pub fn keep(&self, by: &str, mut plan: Plan<'_>, publish: bool) -> Result<(), PutError> {
        let at = self.clock.now();
        if publish && let Some(shown) = &self.shown {
            shown.publish(Arc::clone(&plan.registry));
        }
        let mut changes = plan.difference.changes().peekable();
        let mut expected = plan.working.generation;
        let mut stored = expected;
        while changes.peek().is_some() {
            let batch = &mut changes.by_ref().take(TRANSACTION_ROWS);
            stored = self.store().change_sites(plan.source, at, batch).map_err(PutError::Store)?;
            expected += 1;
        }
        drop(changes);
        let waits = &plan.difference.waiting;
        let mut rows = waits.iter().map(Site::to_row);
        stored = stored.max(self.store().set_waiting_sites(plan.source, &mut rows).map_err(PutError::Store)?);
        if !waits.is_empty() || !plan.working.waiting.is_empty() {
            expected += 1;
            plan.working.waiting = self.store().waiting_sites().map_err(PutError::Store)?;
            tracing::warn!(hosts = waits.len(), "new hosts wait: a control period keeps them out");
        }
        // Where another process wrote in between, `refresh` finds a generation that it does not know.
        if stored == expected {
            plan.working.generation = stored;
        }
        let Difference { added, changed, .. } = &plan.difference;
        let sites = added.iter().chain(changed.iter().map(|(_, site)| site)).cloned();
        let (units, services) = self.record.with_ledger(|ledger| facts::of_customers(ledger, sites, true));
        self.put(by, &units)?;
        self.put(by, &services)?;
        if !plan.difference.is_empty() {
            self.put(by, &facts::of_import(&plan.feed, &plan.difference, at))?;
        }
        // An import from another file leaves the watched one as applied as it was.
        if plan.source == SiteSource::File && plan.feed.name == self.settings().file.display().to_string() {
            self.store().set_meta(APPLIED_FILE, &plan.feed.sha256).map_err(PutError::Store)?;
        }
        Ok(())
    }

    /// Whether a watched file with these bytes was taken over already.
    pub fn has_applied(&self, bytes: &[u8]) -> bool {
        self.store().meta(APPLIED_FILE).ok().flatten() == Some(sha256(bytes))
    }

    /// Puts the units and services of the registry in force on the record that are not there.
    pub fn introduce_customers(&self, by: &str) -> Result<(), PutError> {
        let registry = self.registry().map_err(PutError::Store)?;
        let (units, services) = self.record.with_ledger(|ledger| facts::of_customers(ledger, registry.sites(), false));
        self.put(by, &units)?;
        self.put(by, &services)
    }

    /// Puts one row (of the admin API) in the place of the host's row.
    pub fn put_site(&self, by: &str, row: SiteRow) -> Result<(), PutError> {
        let host = HostName::parse(&row.host).map_err(|error| PutError::Refused(error.0.into()))?;
        Upstream::parse(&row.origin, row.options.clone()).map_err(PutError::Refused)?;
        if host.as_str() != row.host || host.is_public_suffix() {
            return Err(PutError::Refused(format!("{} is no host that can be filed in its one form", row.host)));
        }
        self.change_one(by, RowChange::Put(Box::new(row))).map(drop)
    }

    /// Takes the row of the admin API for a host out. `false` if it has none.
    pub fn remove_site(&self, by: &str, host: &str) -> Result<bool, PutError> {
        self.change_one(by, RowChange::Remove(host.to_owned()))
    }

    fn change_one(&self, by: &str, change: RowChange) -> Result<bool, PutError> {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let store = self.store();
        let (mut was, mut had) = (None, false);
        let look = &mut |source, _, held: Held<'_>| {
            if was.is_none()
                && let Held::Row(row) = held
            {
                was = Some(row.clone());
            }
            had |= source == SiteSource::Api;
        };
        store.each_site_at(change.host(), look).map_err(PutError::Store)?;
        if matches!(change, RowChange::Remove(_)) && !had {
            return Ok(false);
        }
        if let (None, RowChange::Put(row)) = (&was, &change)
            && self.record.standing().admissions_frozen(&row.unit)
        {
            let unit = &row.unit;
            return Err(PutError::Refused(format!(
                "a control period keeps new sites of unit {unit:?} out; put it in when the period is over"
            )));
        }
        let at = self.clock.now();
        let mut one = std::iter::once(change.clone());
        let generation = store.change_sites(SiteSource::Api, at, &mut one).map_err(PutError::Store)?;
        let holds = beside(store, SiteSource::Api, change).map_err(PutError::Store)?;
        let is = match &holds {
            RowChange::Put(row) => Some((**row).clone()),
            RowChange::Bar(_) | RowChange::Remove(_) => None,
        };
        let registry = Arc::new(self.registry().map_err(PutError::Store)?.with([holds]));
        if let Some(shown) = &self.shown {
            shown.publish(Arc::clone(&registry));
        }
        if generation == working.generation + 1 {
            working.generation = generation;
        }
        let sites = is.iter().filter_map(|row| registry.site(&row.host));
        let (units, services) = self.record.with_ledger(|ledger| facts::of_customers(ledger, sites, true));
        self.put(by, &units)?;
        self.put(by, &services)?;
        if let Some(row) = is.as_ref().or(was.as_ref()) {
            let detail = match (&was, &is) {
                (Some(was), Some(is)) => {
                    let differences = was.differences(is);
                    let told = differences.iter().map(|(column, was, is)| format!("{column} {was:?} → {is:?}"));
                    told.collect::<Vec<_>>().join(", ")
                }
                (None, _) => "added".into(),
                (Some(_), None) => "removed".into(),
            };
            let mut entries = vec![Fact::Change(Change { what: "site".into(), subject: row.host.clone(), at, detail })];
            entries.extend(facts::of_site(was.as_ref(), is.as_ref(), at));
            self.put(by, &entries)?;
        }
        Ok(true)
    }

    /// Takes in what other processes changed, and that a day has passed.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let Some(shown) = &self.shown else { return Ok(()) };
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.store().sites_generation()?;
        let in_force = Arc::clone(&shown.publisher.in_force().registry);
        if generation != working.generation {
            let registry = Arc::new(load(self.store(), self.today())?);
            working.generation = generation;
            working.waiting = self.store().waiting_sites()?;
            tracing::info!(sites = registry.len(), "the registry was changed by another process");
            shown.publish(registry);
        } else if in_force.is_available() && in_force.today() != self.today() {
            shown.publish(Arc::new(in_force.on(self.today())));
        }
        self.admit(&mut working, shown)
    }

    /// Puts the rows in force that waited and need not wait any more.
    fn admit(&self, working: &mut Working, shown: &Shown) -> Result<(), StoreError> {
        let standing = &shown.publisher.in_force().standing;
        let is_admitted = |row: &SiteRow| !standing.admissions_frozen(&row.unit);
        if !working.waiting.iter().any(|(_, row)| is_admitted(row)) {
            return Ok(());
        }
        let (rows, waiting): (Vec<_>, Vec<_>) = working.waiting.drain(..).partition(|(_, row)| is_admitted(row));
        working.waiting = waiting;
        let at = self.clock.now();
        for source in SiteSource::ALL {
            let rows: Vec<&SiteRow> = rows.iter().filter(|(of, _)| *of == source).map(|(_, row)| row).collect();
            if rows.is_empty() {
                continue;
            }
            let changes = || rows.iter().map(|&row| RowChange::Put(Box::new(row.clone())));
            let generation = self.store().change_sites(source, at, &mut changes())?;
            let registry = Arc::new(self.registry()?.with(changes()));
            shown.publish(Arc::clone(&registry));
            if generation == working.generation + 1 {
                working.generation = generation;
            }
            tracing::info!(sites = rows.len(), source = source.as_str(), "sites that waited are admitted");
            let detail = format!("{} added that waited for the end of a control period", rows.len());
            let subject = source.as_str().to_owned();
            let mut facts = vec![Fact::Change(Change { what: "registry".into(), subject, at, detail })];
            facts.extend(rows.iter().filter_map(|row| facts::of_site(None, Some(row), at)));
            let sites = rows.iter().filter_map(|row| registry.site(&row.host));
            let (units, services) = self.record.with_ledger(|ledger| facts::of_customers(ledger, sites, true));
            let put = [units, services, facts].iter().try_for_each(|facts| self.put(BY, facts));
            if let Err(error) = put {
                tracing::error!(%error, "that sites were admitted could not be put on the record");
            }
        }
        Ok(())
    }

    /// What the store says of a host.
    fn stored(&self, host: &str) -> Result<RowChange, StoreError> {
        let mut holds = None;
        self.store().each_site_at(host, &mut |_, _, held: Held<'_>| {
            holds.get_or_insert_with(|| held.to_change());
        })?;
        Ok(holds.unwrap_or_else(|| RowChange::Remove(host.to_owned())))
    }

    /// Hosts of changes for which another source has a row that says something else.
    fn contested(&self, source: SiteSource, changes: &[RowChange]) -> Result<Vec<String>, StoreError> {
        let mut contested = Vec::new();
        for change in changes {
            if contested.len() == 20 {
                break;
            }
            if !matches!(change, RowChange::Put(_)) {
                continue;
            }
            let mut is_contested = false;
            self.store().each_site_at(change.host(), &mut |other, _, held| {
                is_contested |= other != source && held.to_change() != *change;
            })?;
            if is_contested {
                contested.push(change.host().to_owned());
            }
        }
        Ok(contested)
    }

    fn put(&self, by: &str, facts: &[Fact]) -> Result<(), PutError> {
        for facts in facts.chunks(PUT_FACTS) {
            self.record.put(by, facts)?;
        }
        Ok(())
    }

    fn store(&self) -> &dyn Store {
        self.record.store()
    }

    fn today(&self) -> Date {
        self.now().local_date()
    }

    /// The time by the clock of the record.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(in crate::control_plane) fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }
}

impl fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("source", &self.source).field("changes", &self.difference.len()).finish()
    }
}

/// Keeps the registry up with other processes and with the days, for ever.
pub async fn keep_registry_fresh(registrar: Arc<Registrar>) {
    let mut ticks = interval(FRESH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = Trouble::with("the registry could not be read");
    loop {
        ticks.tick().await;
        let registrar = Arc::clone(&registrar);
        trouble.note(spawn_blocking(move || registrar.refresh()).await);
    }
}
