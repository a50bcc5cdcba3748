//! The registry at start, before anything runs: of the store, unless the file says something new.

use std::sync::Arc;

use super::feed::{Feed, sha256};
use crate::{
    base::{Date, Problem},
    config,
    control_plane::files::{Fingerprint, read_registry},
    domain::registry::{Comparison, Difference, Held, Registry, RegistryBuilder, RowChange},
    store::{SiteSource, Store, StoreError},
};

/// Under which name the store keeps which file was applied last.
pub(super) const APPLIED_FILE: &str = "registry.file";

/// What is in force at first.
pub struct Begun {
    /// The registry; unavailable if there never was one.
    pub registry: Registry,
    /// Whether the file was read and is in force.
    pub file_applied: bool,
    /// The file as it was read; `None` if it could not be.
    pub print: Option<Fingerprint>,
    /// What the file says, if the store does not have it yet: to be kept as soon as there is a record.
    pub news: Option<Feed>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Reads the file, and the store where that is enough or all that is left.
pub fn begin(store: &dyn Store, settings: &config::Registry, today: Date) -> Begun {
    let file = &settings.file;
    let name = file.display().to_string();
    let mut begun =
        Begun { registry: Registry::unavailable(), file_applied: false, print: None, news: None, problems: Vec::new() };
    let read = read_registry(file);
    begun.print = read.as_ref().ok().map(|&(_, print)| print);
    let applied = store.meta(APPLIED_FILE).ok().flatten();
    match read {
        Ok((bytes, _)) if applied.is_some() && applied == Some(sha256(&bytes)) => begun.file_applied = true,
        Ok((bytes, _)) => {
            let read = Feed::read(&name, &bytes);
            begun.problems.extend(read.problems);
            begun.news = read.feed.filter(|feed| {
                let difference = compare(store, SiteSource::File, &feed.registry).ok();
                let objection = difference.and_then(|it| cut_off(&it, settings));
                let is_meant = objection.is_none();
                begun.problems.extend(objection);
                is_meant
            });
            begun.file_applied = begun.news.is_some();
        }
        Err(problem) => begun.problems.push(problem),
    }
    match of_store(store, begun.news.as_ref(), today) {
        Ok(Some(registry)) => begun.registry = registry,
        Ok(None) => {}
        Err(error) => {
            begun.problems.push(Problem::error("store", 0, 0, format!("the registry cannot be read from it: {error}")));
            // What the file says holds all the same.
            match &begun.news {
                Some(news) => begun.registry = news.registry.on(today),
                None => begun.file_applied = false,
            }
        }
    }
    if begun.registry.is_available() && !begun.file_applied {
        let message = format!("the {} sites of the last good registry apply", begun.registry.len());
        begun.problems.push(Problem::warning(&name, 0, 0, message));
    }
    begun
}

/// Why the watched file is not taken over as it is: it looks like one that was cut off.
pub(in crate::control_plane) fn cut_off(difference: &Difference, settings: &config::Registry) -> Option<Problem> {
    let objection = difference.objection(settings.remove_max_percent)?;
    let name = settings.file.display().to_string();
    let help = format!("if it is meant: `zhamen registry import --force {name}`");
    Some(Problem::error(&name, 0, 0, format!("is it whole? {objection} (registry.remove_max)")).help(help))
}

/// What is in force by the store and the file, for commands that only look: nothing is written, and no
/// database is made. With the file's problems.
pub fn in_force(store: Option<&dyn Store>, settings: &config::Registry, today: Date) -> Begun {
    if let Some(store) = store {
        return begin(store, settings, today);
    }
    let file = &settings.file;
    let name = file.display().to_string();
    let (read, print) = match read_registry(file) {
        Ok((bytes, print)) => (Feed::read(&name, &bytes), Some(print)),
        Err(problem) => {
            let problems = vec![problem];
            return Begun { registry: Registry::unavailable(), file_applied: false, print: None, news: None, problems };
        }
    };
    let registry = read.feed.as_ref().map_or_else(Registry::unavailable, |feed| feed.registry.on(today));
    Begun { registry, file_applied: read.feed.is_some(), print, news: read.feed, problems: read.problems }
}

/// What holds by the store, and by news of the file that are not stored yet; `None` if neither ever was.
fn of_store(store: &dyn Store, news: Option<&Feed>, today: Date) -> Result<Option<Registry>, StoreError> {
    if let Some(news) = news
        && !store.has_sites_beside(SiteSource::File)?
    {
        return Ok(Some(news.registry.on(today)));
    }
    if store.sites_generation()? == 0 {
        return Ok(None);
    }
    let registry = load(store, today)?;
    let Some(news) = news else { return Ok(Some(registry)) };
    let difference = compare(store, SiteSource::File, &news.registry)?;
    let changes = effective(store, SiteSource::File, &difference)?;
    Ok(Some(Arc::new(registry).with(changes)))
}

/// Everything that holds.
pub(super) fn load(store: &dyn Store, today: Date) -> Result<Registry, StoreError> {
    let mut builder = RegistryBuilder::default();
    store.each_site(&mut |_, _, held| match held {
        Held::Barred(host) => builder.bar(host),
        Held::Row(row) => {
            // A row that this version cannot use must not leave its host to a domain above it.
            if !builder.add(row, 0) {
                builder.bar(&row.host);
            }
        }
    })?;
    Ok(builder.finish().on(today))
}

/// What a full feed changes of its source.
pub(super) fn compare(store: &dyn Store, source: SiteSource, new: &Arc<Registry>) -> Result<Difference, StoreError> {
    let mut comparison = Comparison::new(new);
    store.each_site_of(source, &mut |_, held| comparison.had(held))?;
    Ok(comparison.finish())
}

/// What one full feed changes of another.
pub fn compare_feeds(old: &Arc<Registry>, new: &Arc<Registry>) -> Difference {
    let mut comparison = Comparison::new(new);
    for site in old.sites() {
        comparison.had(Held::Row(&site.to_row()));
    }
    old.barred_hosts().for_each(|host| comparison.had(Held::Barred(host)));
    comparison.finish()
}

/// What holds after a source has changed: what it removes may still stand in another one.
pub(super) fn effective(
    store: &dyn Store,
    source: SiteSource,
    difference: &Difference,
) -> Result<Vec<RowChange>, StoreError> {
    difference.changes().map(|change| beside(store, source, change)).collect()
}

/// What holds after one change of a source.
pub(super) fn beside(store: &dyn Store, source: SiteSource, change: RowChange) -> Result<RowChange, StoreError> {
    let RowChange::Remove(host) = &change else { return Ok(change) };
    let mut holds = None;
    store.each_site_at(host, &mut |other, _, held| {
        if other != source && holds.is_none() {
            holds = Some(held.to_change());
        }
    })?;
    Ok(holds.unwrap_or(change))
}
