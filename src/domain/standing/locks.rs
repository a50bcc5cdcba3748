//! Locks as they are on record: pages, directories and files, sites; how they grow, and when an owner may
//! take them off.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use super::policy::LockPolicy;
use crate::{
    base::Timestamp,
    domain::record::{LockFact, LockScope, Unlock},
};

/// What counts for the delay of an owner's unlock.
const RECENT_MILLIS: i64 = 2 * 86_400 * 1_000;

/// Everything locked now, per host.
#[derive(Clone, Debug, Default)]
pub(super) struct Locks {
    hosts: HashMap<String, HostLocks>,
    found: HashMap<String, Found>,
}

/// When something was found on a host: at least those of the last two days.
#[derive(Clone, Debug, Default)]
struct Found {
    times: Vec<Timestamp>,
    newest: Timestamp,
    /// At so many it is looked which are too old.
    full: usize,
}

/// What is locked on a host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostLocks {
    pages: BTreeMap<String, LockFact>,
    pub(super) directories: BTreeMap<String, LockFact>,
    pub(super) site: Option<LockFact>,
}

impl Locks {
    pub(super) fn lock(&mut self, lock: &LockFact) {
        let host = self.hosts.entry(lock.host.clone()).or_default();
        match lock.scope {
            LockScope::Page => host.pages.insert(lock.path.clone(), lock.clone()),
            LockScope::Directory => host.directories.insert(lock.path.clone(), lock.clone()),
            LockScope::Site => host.site.replace(lock.clone()),
        };
    }

    pub(super) fn unlock(&mut self, unlock: &Unlock) {
        let Some(host) = self.hosts.get_mut(&unlock.host) else { return };
        match unlock.scope {
            LockScope::Page => host.pages.remove(&unlock.path),
            LockScope::Directory => host.directories.remove(&unlock.path),
            LockScope::Site => host.site.take(),
        };
        if host.pages.is_empty() && host.directories.is_empty() && host.site.is_none() {
            self.hosts.remove(&unlock.host);
        }
    }

    pub(super) fn host(&self, host: &str) -> Option<&HostLocks> {
        self.hosts.get(host)
    }

    pub(super) fn is_locked(&self, host: &str, path: &str, scope: LockScope) -> bool {
        self.host(host).is_some_and(|host| match scope {
            LockScope::Page => host.pages.contains_key(path),
            LockScope::Directory => host.directories.contains_key(path),
            LockScope::Site => host.site.is_some(),
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &LockFact> {
        self.hosts.values().flat_map(|host| host.pages.values().chain(host.directories.values()).chain(&host.site))
    }

    pub(super) fn found(&mut self, host: &str, at: Timestamp) {
        if host.is_empty() {
            return;
        }
        if !self.found.contains_key(host) {
            self.found.insert(host.to_owned(), Found::default());
        }
        let Some(found) = self.found.get_mut(host) else { return };
        found.times.push(at);
        found.newest = found.newest.max(at);
        if found.times.len() > found.full {
            let since = found.newest.plus_millis(-RECENT_MILLIS);
            found.times.retain(|at| *at > since);
            found.full = 2 * found.times.len() + 16;
        }
    }

    /// Findings on a host in the last two days.
    pub(super) fn recent(&self, host: &str, now: Timestamp) -> usize {
        let times = self.found.get(host).map_or(&[][..], |found| &found.times);
        times.iter().filter(|&&at| at > now.plus_millis(-RECENT_MILLIS) && at <= now).count()
    }

    /// The locks that follow from one more locked page.
    pub(super) fn escalation(&self, page: &LockFact, policy: &LockPolicy) -> Vec<LockFact> {
        let LockScope::Page = page.scope else { return Vec::new() };
        let none = HostLocks::default();
        let host = self.host(&page.host).unwrap_or(&none);
        if policy.directory_after == 0 || host.covers(&page.path) {
            return Vec::new();
        }
        let window = i64::try_from(policy.directory_window.as_millis()).unwrap_or(i64::MAX);
        let since = page.at.plus_millis(-window);
        let counts = |lock: &&LockFact| lock.at >= since && lock.at <= page.at && !host.covers(&lock.path);
        let mut pages: BTreeSet<&str> = host.pages.values().filter(counts).map(|lock| lock.path.as_str()).collect();
        pages.insert(&page.path);
        let full =
            |path: &&str| pages.iter().filter(|page| covers(path, page)).count() >= policy.directory_after as usize;
        let Some(path) = above(&page.path).into_iter().find(full) else { return Vec::new() };
        let grown = |path: &str, scope, why| LockFact {
            host: page.host.clone(),
            path: path.to_owned(),
            scope,
            at: page.at,
            rules: page.rules.clone(),
            why,
        };
        let count = pages.iter().filter(|page| covers(path, page)).count();
        let mut locks = vec![grown(path, LockScope::Directory, format!("{count} pages locked under {path}"))];
        let directories = host.directories.len() + 1;
        if policy.site_after > 0 && directories >= policy.site_after as usize && host.site.is_none() {
            let why = format!("{directories} directories and files locked");
            locks.push(grown("", LockScope::Site, why));
        }
        locks
    }
}

impl HostLocks {
    /// Whether a lock on a directory or file covers a path with its query.
    fn covers(&self, path: &str) -> bool {
        self.directories.keys().any(|directory| covers(directory, path))
    }
}

/// What may be locked instead of a page, the narrowest first: its file with every query, then its
/// directories. The root is not among them: the home page stays up.
fn above(page: &str) -> Vec<&str> {
    let file = page.split('?').next().unwrap_or(page);
    let directories = file.rmatch_indices('/').map(|(at, _)| &file[..=at]).filter(|directory| *directory != "/");
    let file = (!file.ends_with('/') && page.len() > file.len()).then_some(file);
    file.into_iter().chain(directories).collect()
}

/// Whether a directory (ends in `/`) holds a page, or a file is the page's.
fn covers(locked: &str, page: &str) -> bool {
    let file = page.split('?').next().unwrap_or(page);
    if locked.ends_with('/') { file.starts_with(locked) } else { file == locked }
}

/// When an owner's unlock takes effect who asked for it at `asked`: the page is read again then, and stays
/// locked if what was found is still there. The delay grows with the findings of the last two days.
pub(super) fn unlock_at(asked: Timestamp, findings: usize, policy: &LockPolicy) -> Timestamp {
    let step = policy.unlock_delays.iter().find(|(up_to, _)| findings <= *up_to as usize);
    let delay: Duration = step.map_or(policy.unlock_delay_max, |(_, delay)| *delay);
    asked.plus_millis(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
}

/// A path as all its spellings are compared: percent-encoding undone, `\` is `/`, no empty or dot
/// segments, ASCII letters small (many origins do not tell them apart).
pub(super) fn canonical(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let decoded = match (byte, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        rest = if decoded.is_some() { &behind[2..] } else { behind };
        bytes.push(match decoded.unwrap_or(byte) {
            b'\\' => b'/',
            byte => byte.to_ascii_lowercase(),
        });
    }
    let text = String::from_utf8_lossy(&bytes);
    let is_directory = text.ends_with('/') || text.ends_with("/.") || text.ends_with("/..");
    let mut segments: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut path = String::with_capacity(text.len() + 1);
    for segment in &segments {
        path.push('/');
        path.push_str(segment);
    }
    if is_directory || segments.is_empty() {
        path.push('/');
    }
    path
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn page(path: &str, hour: i64) -> LockFact {
        let (host, rules) = ("a.cn".to_owned(), vec!["r".to_owned()]);
        let at = Timestamp(hour * 3_600_000);
        LockFact { host, path: path.to_owned(), scope: LockScope::Page, at, rules, why: String::new() }
    }

    /// Locks pages an hour apart, with what follows: the paths of the locks that grew.
    fn grow(policy: &LockPolicy, pages: &[&str]) -> Vec<String> {
        let mut locks = Locks::default();
        let mut grown = Vec::new();
        for (hour, path) in (0..).zip(pages) {
            let page = page(path, hour);
            let more = locks.escalation(&page, policy);
            locks.lock(&page);
            more.iter().for_each(|lock| locks.lock(lock));
            grown.extend(more.into_iter().map(|lock| lock.path));
        }
        grown
    }

    #[test]
    fn hits_under_a_directory_lock_it_and_the_home_page_stays_up() {
        let policy = LockPolicy { directory_after: 3, ..LockPolicy::default() };
        assert_eq!(grow(&policy, &["/a/1", "/a/2", "/b/1", "/a/3", "/a/4"]), ["/a/"]);
        assert_eq!(grow(&policy, &["/1", "/2", "/3", "/?a", "/?b", "/?c"]), [""; 0], "never the root");
        assert_eq!(grow(&policy, &["/t.php?1", "/t.php?2", "/t.php?3", "/t.php?4"]), ["/t.php"], "the file");
        assert_eq!(grow(&policy, &["/a/1/x", "/a/2/x", "/a/3/x"]), ["/a/"], "the deepest that holds them");
        assert_eq!(grow(&policy, &["/a/1/x", "/a/1/y", "/a/1/z", "/a/2", "/a/3"]), ["/a/1/"], "each counts once");
        assert_eq!(grow(&policy, &["/a/1", "/a/1", "/a/1"]), [""; 0], "one page is one page");
    }

    #[test]
    fn only_what_is_in_the_window_counts_and_sites_only_if_wanted() {
        let policy =
            LockPolicy { directory_after: 2, directory_window: Duration::from_secs(3_600), ..LockPolicy::default() };
        assert_eq!(grow(&policy, &["/a/1", "/b", "/a/2"]), [""; 0]);
        assert_eq!(grow(&policy, &["/a/1", "/a/2"]), ["/a/"]);
        let policy = LockPolicy { site_after: 2, ..policy };
        assert_eq!(grow(&policy, &["/a/1", "/a/2", "/b/1", "/b/2"]), ["/a/", "/b/", ""]);
        assert_eq!(grow(&LockPolicy { directory_after: 0, ..policy }, &["/a/1", "/a/2"]), [""; 0]);
    }

    #[test]
    fn the_delay_of_an_unlock_grows() {
        let policy = LockPolicy::default();
        for (findings, hours) in [(0, 0), (2, 0), (3, 3), (6, 3), (7, 12), (20, 12), (21, 24), (30, 24), (31, 48)] {
            assert_eq!(unlock_at(Timestamp(5), findings, &policy), Timestamp(5 + hours * 3_600_000), "{findings}");
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for (path, expected) in [
            ("/a/b", "/a/b"),
            ("//A/./%62", "/a/b"),
            ("/x/../a\\b/", "/a/b/"),
            ("/a/b/.", "/a/b/"),
            ("/../..", "/"),
            ("", "/"),
            ("/%e4%b8%ad%", "/中%"),
            ("/a%2fb", "/a/b"),
        ] {
            assert_eq!(canonical(path), expected, "{path}");
        }
    }
}
