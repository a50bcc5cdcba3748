//! Says when a file changed. Watches the directories that hold the files, so that an editor's
//! rename over the old file and Kubernetes' swap of a symbolic link are seen too.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf, absolute},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};

use super::ReloadHandle;

/// A watch on files and directories; ends when dropped.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches `paths` and asks for a reload when one of them may have changed. What cannot be
    /// watched is logged: SIGHUP works all the same.
    pub(super) fn start(paths: &[PathBuf], requests: &ReloadHandle) -> Self {
        let watched = with_link_targets(paths);
        let (directories, trees) = places(&watched);
        let requests = requests.clone();
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) => {
                if matters(&event, &watched) {
                    requests.changed();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "watching files had a hiccup; everything is looked at");
                requests.changed();
            }
        };
        let watcher = notify::recommended_watcher(handler).and_then(|mut watcher| {
            for directory in &directories {
                watcher.watch(directory, RecursiveMode::NonRecursive)?;
            }
            for tree in &trees {
                watcher.watch(tree, RecursiveMode::Recursive)?;
            }
            Ok(watcher)
        });
        let watcher = watcher
            .inspect_err(|error| tracing::error!(%error, "files cannot be watched; send SIGHUP after a change"))
            .ok();
        Self { paths: paths.to_vec(), _watcher: watcher }
    }

    /// What is watched, as it was given.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

/// The paths, absolute, and what they lead to where they are symbolic links.
fn with_link_targets(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let named = paths.iter().filter_map(|path| absolute(path).ok());
    let targets = paths.iter().filter_map(|path| fs::canonicalize(path).ok());
    named.chain(targets).collect()
}

/// The directories to watch, and those to watch with everything below.
fn places(watched: &BTreeSet<PathBuf>) -> (BTreeSet<PathBuf>, BTreeSet<PathBuf>) {
    let trees: BTreeSet<PathBuf> = watched.iter().filter(|path| path.is_dir()).cloned().collect();
    let parents = watched.iter().filter_map(|path| path.parent()).filter(|parent| parent.is_dir());
    let directories = parents.filter(|parent| !trees.contains(*parent)).map(Path::to_owned).collect();
    (directories, trees)
}

/// Whether an event can mean that one of the watched paths leads to something new.
fn matters(event: &Event, watched: &BTreeSet<PathBuf>) -> bool {
    // Our own reading opens files, too.
    let looked_only = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => false,
    };
    if looked_only {
        return false;
    }
    let concerns = |path: &PathBuf| {
        let swapped = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."));
        swapped || watched.iter().any(|watched| path.starts_with(watched) || watched.starts_with(path))
    };
    event.need_rescan() || event.paths.iter().any(concerns)
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, ModifyKind};

    use super::*;

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    #[test]
    fn only_what_changes_a_watched_path_matters() {
        let watched = ["/etc/z/zhamen.toml", "/etc/z/rules"].map(PathBuf::from).into();
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        for (kind, path, expected) in [
            (modified, "/etc/z/zhamen.toml", true),
            (modified, "/etc/z/rules/lists/a.txt", true),
            (EventKind::Create(CreateKind::Any), "/etc/z", true),
            (EventKind::Create(CreateKind::Any), "/etc/z/..data", true),
            (modified, "/etc/z/access.jsonl", false),
            (modified, "/etc/z/rules.old", false),
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), "/etc/z/zhamen.toml", false),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), "/etc/z/zhamen.toml", true),
        ] {
            assert_eq!(matters(&event(kind, path), &watched), expected, "{kind:?} {path}");
        }
    }

    #[test]
    fn parents_are_watched_and_what_links_lead_to() {
        let dir = tempfile::tempdir().unwrap();
        let dir = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(dir.join("real/rules")).unwrap();
        fs::create_dir(dir.join("etc")).unwrap();
        fs::write(dir.join("real/a.toml"), "").unwrap();
        std::os::unix::fs::symlink(dir.join("real/a.toml"), dir.join("etc/a.toml")).unwrap();
        let watched = with_link_targets(&[dir.join("etc/a.toml"), dir.join("real/rules")]);
        let (directories, trees) = places(&watched);
        assert_eq!(directories, [dir.join("etc"), dir.join("real")].into());
        assert_eq!(trees, [dir.join("real/rules")].into());
    }
}
