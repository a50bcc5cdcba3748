//! The access log's file: never in the way of a request, whatever the disk does.
//!
//! What holds after a failed write: whole lines only. A line of which a part was written is kept
//! and finished first; every other line of the batch is dropped and counted, and the next batch
//! tries again. The operator hears of it once a minute.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::Metrics;
use crate::config::AccessTarget;

/// How often the log looks whether its file was renamed, and how often it complains.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Asks the access log to open its file anew (SIGUSR1). Clones ask the same log.
#[derive(Clone, Debug, Default)]
pub struct Reopen(Arc<AtomicBool>);

impl Reopen {
    /// Before the next line is written, the file is opened anew.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lines on their way to the access log.
pub(super) struct AccessLog {
    target: AccessTarget,
    file: Option<File>,
    /// Whole lines that wait for [`AccessLog::write`].
    lines: Vec<u8>,
    /// The rest of a line whose beginning is in `file`.
    unfinished: Vec<u8>,
    reopen: Reopen,
    metrics: Arc<Metrics>,
    looked: Option<Instant>,
    complained: Option<Instant>,
}

impl AccessLog {
    pub(super) fn new(target: AccessTarget, reopen: Reopen, metrics: Arc<Metrics>) -> Self {
        Self {
            target,
            file: None,
            lines: Vec::new(),
            unfinished: Vec::new(),
            reopen,
            metrics,
            looked: None,
            complained: None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.target != AccessTarget::Off
    }

    /// Takes a line with its line feed.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.lines.len()
    }

    /// Writes what was pushed, or drops and counts it.
    pub(super) fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let mut lines = std::mem::take(&mut self.lines);
        let mut written = 0;
        if let Err(error) = self.try_write(&lines, &mut written) {
            self.drop_rest(&lines[written..], written > 0 && lines[written - 1] != b'\n', &error);
        }
        lines.clear();
        self.lines = lines;
    }

    fn try_write(&mut self, lines: &[u8], written: &mut usize) -> io::Result<()> {
        let AccessTarget::File(path) = self.target.clone() else {
            let mut stdout = io::stdout().lock();
            stdout.write_all(lines)?;
            return stdout.flush();
        };
        self.close_if_moved(&path);
        if self.file.is_none() {
            self.unfinished.clear();
            self.file = Some(open(&path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        while !self.unfinished.is_empty() {
            let count = write_some(file, &self.unfinished)?;
            self.unfinished.drain(..count);
        }
        while *written < lines.len() {
            *written += write_some(file, &lines[*written..])?;
        }
        Ok(())
    }

    /// Drops the lines in `rest`; if it begins within a line, that line is kept to be finished.
    fn drop_rest(&mut self, rest: &[u8], begins_within_line: bool, error: &io::Error) {
        let line_end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (unfinished, dropped) = rest.split_at(if begins_within_line { line_end } else { 0 });
        if begins_within_line {
            self.unfinished = unfinished.to_vec();
        }
        let count = dropped.iter().filter(|&&byte| byte == b'\n').count();
        self.metrics.access_log_dropped(count as u64);
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            self.complained = Some(Instant::now());
            let target = match &self.target {
                AccessTarget::File(path) => path.display().to_string(),
                AccessTarget::Stdout | AccessTarget::Off => "standard output".to_owned(),
            };
            tracing::error!(%error, target, "the access log cannot be written; lines are dropped and counted");
        }
    }

    fn close_if_moved(&mut self, path: &Path) {
        let asked = self.reopen.0.swap(false, Ordering::Relaxed);
        let look = self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if look {
            self.looked = Some(Instant::now());
        }
        if asked || (look && self.file.as_ref().is_some_and(|file| !is_at(file, path))) {
            self.file = None;
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Holds addresses of visitors: not for everybody on the machine.
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

/// Whether `path` still names the open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn write_some(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(path: &Path) -> (AccessLog, Arc<Metrics>, Reopen) {
        let metrics = Arc::new(Metrics::new().unwrap());
        let reopen = Reopen::default();
        (AccessLog::new(AccessTarget::File(path.into()), reopen.clone(), Arc::clone(&metrics)), metrics, reopen)
    }

    #[test]
    fn a_full_disk_drops_lines_and_counts_them() {
        let (mut log, metrics, _) = log(Path::new("/dev/full"));
        for _ in 0..3 {
            log.push(b"one\n");
            log.push(b"two\n");
            log.write();
        }
        assert_eq!(metrics.access_log_dropped_count(), 6);
        assert_eq!(log.buffered_bytes(), 0, "nothing piles up");
    }

    #[test]
    fn a_directory_that_is_not_there_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("later/access.jsonl");
        let (mut log, metrics, _) = log(&path);
        log.push(b"lost\n");
        log.write();
        fs::create_dir(dir.path().join("later")).unwrap();
        log.push(b"kept\n");
        log.write();
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept\n");
        assert_eq!(metrics.access_log_dropped_count(), 1);
    }

    #[test]
    fn a_renamed_file_is_left_and_a_new_one_begun_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.jsonl");
        let (mut log, _, reopen) = log(&path);
        log.push(b"one\n");
        log.write();
        fs::rename(&path, dir.path().join("access.jsonl.1")).unwrap();
        reopen.ask();
        log.push(b"two\n");
        log.write();
        assert_eq!(fs::read_to_string(dir.path().join("access.jsonl.1")).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        assert!(is_at(&File::open(&path).unwrap(), &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(log.file.as_ref().unwrap(), &path), "found out without being asked");
    }

    #[test]
    fn a_torn_line_is_finished_before_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.jsonl");
        let (mut log, metrics, _) = log(&path);
        log.push(b"first\n");
        log.write();
        // As if the disk had filled up in the middle of a line of three.
        log.file.as_mut().unwrap().write_all(b"sec").unwrap();
        log.drop_rest(b"ond\nthird\n", true, &io::ErrorKind::StorageFull.into());
        log.push(b"fourth\n");
        log.write();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\nsecond\nfourth\n");
        assert_eq!(metrics.access_log_dropped_count(), 1);
    }
}
