//! A power cut: what was written and not synced may be lost, any part of it. A preloaded library writes
//! down what the writer does to its files; from that, states are made that a disk may have been in.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Dice, Writer, check, disk::preloaded};

/// States that are looked at.
const STATES: u64 = 60;

/// One thing that the writer did.
#[derive(Debug)]
enum Deed {
    /// It said this on standard error.
    Said(Vec<u8>),
    Opened {
        path: PathBuf,
        inode: u64,
    },
    Written {
        inode: u64,
        offset: usize,
        data: Vec<u8>,
    },
    Truncated {
        inode: u64,
        length: usize,
    },
    Synced {
        inode: u64,
    },
    Unlinked {
        path: PathBuf,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Linked {
        from: PathBuf,
        to: PathBuf,
    },
}

fn read_journal(bytes: &[u8]) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 25 {
        let number = |at: usize, size: usize| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(&rest[at..at + size]);
            u64::from_le_bytes(bytes)
        };
        let (path_length, length) = (number(1, 4) as usize, number(5, 4) as usize);
        let (inode, offset) = (number(9, 8), number(17, 8) as usize);
        if rest.len() < 25 + path_length + length {
            break;
        }
        let text = |bytes: &[u8]| PathBuf::from(String::from_utf8(bytes.to_vec()).unwrap());
        let path = || text(&rest[25..25 + path_length]);
        let data = &rest[25 + path_length..25 + path_length + length];
        deeds.push(match rest[0] {
            b'a' => Deed::Said(data.to_vec()),
            b'o' => Deed::Opened { path: path(), inode },
            b'w' => Deed::Written { inode, offset, data: data.to_vec() },
            b't' => Deed::Truncated { inode, length: offset },
            b's' => Deed::Synced { inode },
            b'u' => Deed::Unlinked { path: path() },
            b'r' => Deed::Renamed { from: path(), to: text(data) },
            b'l' => Deed::Linked { from: path(), to: text(data) },
            other => panic!("no deed: {other}"),
        });
        rest = &rest[25 + path_length + length..];
    }
    deeds
}

/// A change of a file's content that may not be on the disk yet.
#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// A change of names that may not be on the disk yet.
#[derive(Clone)]
enum Naming {
    Bind(PathBuf, usize),
    Unbind(PathBuf),
}

/// A disk behind a cache.
#[derive(Default)]
struct Disk {
    contents: Vec<Vec<u8>>,
    changes: Vec<Vec<Change>>,
    names: HashMap<PathBuf, usize>,
    /// As they are on the disk, and what is not there yet, in order.
    names_synced: HashMap<PathBuf, usize>,
    namings: Vec<Naming>,
    files: HashMap<u64, usize>,
    directories: HashMap<u64, PathBuf>,
    said: String,
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
enum Left {
    Nothing,
    Everything,
    /// Each change by chance, whole or its beginning.
    Some,
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                content.resize(content.len().max(offset + data.len()), 0);
                content[*offset..offset + data.len()].copy_from_slice(data);
            }
            Self::Length(length) => content.resize(*length, 0),
        }
    }
}

impl Naming {
    fn apply(self, names: &mut HashMap<PathBuf, usize>) {
        match self {
            Self::Bind(path, file) => drop(names.insert(path, file)),
            Self::Unbind(path) => drop(names.remove(&path)),
        }
    }

    fn directory(&self) -> Option<&Path> {
        let (Self::Bind(path, _) | Self::Unbind(path)) = self;
        path.parent()
    }
}

impl Disk {
    fn after(deeds: &[Deed]) -> Self {
        let mut disk = Self::default();
        deeds.iter().for_each(|deed| disk.take(deed));
        disk
    }

    fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Said(text) => self.said.push_str(&String::from_utf8_lossy(text)),
            Deed::Opened { path, inode } if is_directory(path) => {
                self.directories.insert(*inode, path.clone());
            }
            Deed::Opened { path, inode } => {
                let known = self.names.get(path).copied();
                if known.is_none() || known != self.files.get(inode).copied() {
                    self.contents.push(Vec::new());
                    self.changes.push(Vec::new());
                    self.files.insert(*inode, self.contents.len() - 1);
                    self.name(Naming::Bind(path.clone(), self.contents.len() - 1));
                }
            }
            Deed::Written { inode, offset, data } => self.change(*inode, Change::Write(*offset, data.clone())),
            Deed::Truncated { inode, length } => self.change(*inode, Change::Length(*length)),
            Deed::Synced { inode } => {
                if let Some(directory) = self.directories.get(inode) {
                    let (synced, waiting): (Vec<_>, Vec<_>) =
                        self.namings.drain(..).partition(|naming| naming.directory() == Some(directory));
                    self.namings = waiting;
                    synced.into_iter().for_each(|naming| naming.apply(&mut self.names_synced));
                } else if let Some(&file) = self.files.get(inode) {
                    for change in self.changes[file].drain(..) {
                        change.apply(&mut self.contents[file]);
                    }
                }
            }
            Deed::Unlinked { path } => self.name(Naming::Unbind(path.clone())),
            Deed::Renamed { from, to } => {
                self.link(from, to);
                self.name(Naming::Unbind(from.clone()));
            }
            Deed::Linked { from, to } => self.link(from, to),
        }
    }

    fn link(&mut self, from: &Path, to: &Path) {
        if let Some(&file) = self.names.get(from) {
            self.name(Naming::Bind(to.to_owned(), file));
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.clone().apply(&mut self.names);
        self.namings.push(naming);
    }

    fn change(&mut self, inode: u64, change: Change) {
        if let Some(&file) = self.files.get(&inode) {
            self.changes[file].push(change);
        }
    }

    /// Writes what is left after the power cut into a directory, in the place of `from`.
    fn cut(mut self, left: Left, dice: &mut Dice, from: &Path, to: &Path) {
        let kept = match left {
            Left::Nothing => 0,
            Left::Everything => self.namings.len(),
            Left::Some => dice.below(self.namings.len() as u64 + 1) as usize,
        };
        self.namings.drain(..kept).for_each(|naming| naming.apply(&mut self.names_synced));
        for (content, changes) in self.contents.iter_mut().zip(self.changes) {
            for change in changes {
                match (left, change) {
                    (Left::Nothing, _) => {}
                    (Left::Everything, change) => change.apply(content),
                    (Left::Some, change) => match (dice.below(3), change) {
                        (0, _) => {}
                        (1, Change::Write(offset, data)) => {
                            let length = dice.below(data.len() as u64 + 1) as usize;
                            Change::Write(offset, data[..length].to_vec()).apply(content);
                        }
                        (_, change) => change.apply(content),
                    },
                }
            }
        }
        for (path, file) in &self.names_synced {
            // Memory that processes share, not a file of the store.
            if path.extension().is_some_and(|suffix| suffix == "db-shm") {
                continue;
            }
            let path = to.join(path.strip_prefix(from).unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &self.contents[*file]).unwrap();
        }
    }
}

/// Directories of the store have no dot in their name, files do (but for the lock).
fn is_directory(path: &Path) -> bool {
    path.extension().is_none() && path.file_name().is_none_or(|name| name != "lock")
        || path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".tmp"))
}

#[test]
fn whatever_was_acknowledged_survives_a_power_cut() {
    let aside = tempfile::tempdir().unwrap();
    let Some(library) = preloaded(aside.path()) else { return };
    let mut dice = Dice::new("power cut");
    let (house, journal) = (tempfile::tempdir().unwrap(), aside.path().join("journal"));
    let environment =
        [("LD_PRELOAD", library), ("FILES_BELOW", house.path().to_owned()), ("FILES_JOURNAL", journal.clone())];
    let writer = Writer::start(house.path(), 0, &environment);
    let mut acks = 0;
    while acks < 400 {
        acks += writer.until("ack ").len();
    }
    writer.kill();
    let deeds = read_journal(&fs::read(&journal).unwrap());
    assert!(deeds.len() > 1_000, "hardly anything was written down: {}", deeds.len());
    let mut most = 0;
    for state in 0..STATES {
        let moment = dice.below(deeds.len() as u64 + 1) as usize;
        let left = [Left::Nothing, Left::Some, Left::Some, Left::Everything][(state % 4) as usize];
        let disk = Disk::after(&deeds[..moment]);
        let said: Vec<String> = disk.said.lines().map(str::to_owned).collect();
        let acknowledged = super::acknowledged(&said);
        most = most.max(acknowledged.len());
        let after = tempfile::tempdir().unwrap();
        disk.cut(left, &mut dice, house.path(), after.path());
        println!("cut after {moment} of {} deeds, left {left:?}: {} acknowledged", deeds.len(), acknowledged.len());
        check(after.path(), &acknowledged);
    }
    assert!(most > 100, "the cuts came before anything was acknowledged");
}
