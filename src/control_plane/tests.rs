//! The room from its front door: files on a disk, and what is in force after a reload.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use arc_swap::ArcSwap;

use super::{
    registry::{Registrar, Shown},
    *,
};
use crate::{
    base::{Clock, HostName, MemoryBudget, Timestamp},
    config::Edge,
    domain::{registry::Filing, snapshot::Snapshot, standing::Ledger},
    store::Sqlite,
    telemetry::Metrics,
};

const PACK: &str = "[pack]\nid = \"p\"\ntitle = \"t\"\nclause = \"7.7\"\nclass = \"vulgar\"\naction = \"block\"\n\
                    threshold = 100\n\n[[rule]]\nid = \"p.a\"\nany = [\"百家乐\"]\n";
const SITES: &str = "host,origin,unit,service,kind,icp\na.cn,http://127.0.0.1:1,u,s,server,蜀ICP备12345678号\n";

/// Milliseconds of a moment on 2026-03-15 in Shanghai, and of a day.
const NOON_MILLIS: i64 = 1_773_547_200_000;
const DAY_MILLIS: i64 = 86_400_000;

/// Noon of a day, so many days after 2026-03-15.
#[derive(Default)]
struct Calendar(AtomicI64);

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        Timestamp(NOON_MILLIS + self.0.load(Ordering::Relaxed) * DAY_MILLIS)
    }
}

/// A house of its own on the disk.
struct House {
    dir: tempfile::TempDir,
    snapshot: Arc<ArcSwap<Snapshot>>,
    edge: Arc<ArcSwap<Edge>>,
    budget: MemoryBudget,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    calendar: Arc<Calendar>,
    reloader: Arc<Reloader>,
}

fn write(dir: &tempfile::TempDir, name: &str, text: &str) {
    fs::write(dir.path().join(name), text).unwrap();
}

fn files() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    write(&dir, "zhamen.toml", "");
    write(&dir, "rules/p.toml", PACK);
    write(&dir, "sites.csv", SITES);
    dir
}

impl House {
    fn new(dir: tempfile::TempDir) -> Self {
        let mut start =
            Start::load(&dir.path().join("zhamen.toml"), &Calendar::default()).unwrap_or_else(|it| panic!("{it:?}"));
        let store = Arc::new(Sqlite::open(&dir.path().join("zhamen.db")).unwrap());
        start.load_registry(&*store, &Calendar::default());
        let snapshot = Arc::new(ArcSwap::from_pointee(start.snapshot.clone()));
        let edge = Arc::new(ArcSwap::from_pointee(start.config.edge.clone()));
        let (budget, metrics) = (MemoryBudget::new(1), Arc::new(Metrics::new().unwrap()));
        let (health, calendar) = (Arc::new(Health::default()), Arc::new(Calendar::default()));
        let clock = Arc::clone(&calendar) as Arc<dyn Clock>;
        let publisher = Publisher::new(Arc::clone(&snapshot));
        let record = Arc::new(Record::open(store, Ledger::default(), None, None, Arc::clone(&clock)).unwrap());
        let shown = Shown { publisher, metrics: Arc::clone(&metrics), health: Arc::clone(&health) };
        let settings = start.config.registry.clone();
        let registrar = Arc::new(Registrar::new(record, settings, Arc::clone(&clock), Some(shown.clone())));
        let reloader = Reloader::new(start, shown, registrar, Arc::clone(&edge), budget.clone(), clock, None);
        Self { dir, snapshot, edge, budget, metrics, health, calendar, reloader: Arc::new(reloader) }
    }

    fn write(&self, name: &str, text: &str) {
        write(&self.dir, name, text);
    }

    fn generation(&self) -> u64 {
        self.snapshot.load().generation
    }

    fn knows(&self, host: &str) -> bool {
        matches!(self.snapshot.load().registry.look_up(&HostName::parse(host).unwrap()), Filing::Filed(_))
    }

    fn reloads(&self, what: &str, result: &str) -> u64 {
        self.metrics.reload_count(what, result)
    }
}

#[test]
fn what_did_not_change_is_not_swapped() {
    let house = House::new(files());
    house.reloader.reload(true);
    house.write("access.jsonl", "{}");
    house.reloader.reload(false);
    assert_eq!(house.generation(), 1);
    assert_eq!(house.reloads("rules", "success"), 1);
}

#[test]
fn each_part_is_taken_over_when_it_changed() {
    let house = House::new(files());
    house.write("sites.csv", &SITES.replace("a.cn", "b.cn"));
    house.reloader.reload(false);
    assert_eq!(house.generation(), 2);
    assert!(house.knows("b.cn") && !house.knows("a.cn"));

    house.write("rules/q.toml", &PACK.replace("\"p", "\"q"));
    house.write("zhamen.toml", "[scan]\nhold = \"1KiB\"\n[limits]\nheld = \"1MiB\"\n[workers]\nthreads = 9\n");
    house.reloader.reload(false);
    assert_eq!(house.generation(), 3, "one swap for all");
    let snapshot = house.snapshot.load_full();
    assert_eq!((snapshot.rules.rules(), snapshot.scan.hold_bytes), (2, 1_024));
    assert_eq!(house.budget.limit(), 1 << 20);
    assert_eq!(house.edge.load().workers, 0, "needs a restart");
}

#[test]
fn a_broken_file_changes_nothing_and_is_counted() {
    let house = House::new(files());
    let before = house.snapshot.load_full();
    house.write("zhamen.toml", "[scan]\nhodl = 1\n");
    house.write("rules/p.toml", &PACK.replace("any = [", "any = "));
    house.write("sites.csv", "nonsense\n");
    house.reloader.reload(false);
    house.reloader.reload(false);
    assert!(Arc::ptr_eq(&before, &house.snapshot.load_full()));
    for what in ["config", "rules", "registry"] {
        assert_eq!((house.reloads(what, "error"), house.reloads(what, "success")), (1, 1), "{what}: told once");
    }
    house.reloader.reload(true);
    assert_eq!(house.reloads("rules", "error"), 2, "told again to who asks");

    house.write("rules/p.toml", PACK);
    house.write("rules/q.toml", &PACK.replace("\"p", "\"q"));
    house.reloader.reload(false);
    assert_eq!(house.snapshot.load().rules.rules(), 2, "one part works while another is broken");
    assert!(house.knows("a.cn"));
}

#[test]
fn a_rule_ends_with_its_last_day() {
    let dir = files();
    let second = "[[rule]]\nid = \"p.b\"\nany = [\"时时彩\"]\nexpires = 2026-03-16\n";
    write(&dir, "rules/p.toml", &format!("{PACK}\n{second}"));
    let house = House::new(dir);
    for (day, rules) in [(0, 2), (1, 2), (2, 1), (3, 1)] {
        house.calendar.0.store(day, Ordering::Relaxed);
        house.reloader.reload(false);
        assert_eq!(house.snapshot.load().rules.rules(), rules, "day {day}");
    }
    assert_eq!(house.generation(), 2, "compiled again once");
}

#[test]
fn files_that_come_back_as_they_were_are_in_force_without_a_swap() {
    let house = House::new(files());
    fs::remove_file(house.dir.path().join("sites.csv")).unwrap();
    house.reloader.reload(false);
    assert!(house.knows("a.cn"), "last known good");
    house.write("sites.csv", SITES);
    house.reloader.reload(false);
    assert!(house.knows("a.cn"));
    assert_eq!(house.reloads("registry", "success"), 2, "good again");
    assert_eq!(house.generation(), 1);
}

#[test]
fn a_registry_that_is_not_there_at_start_is_taken_up_later() {
    let dir = files();
    fs::remove_file(dir.path().join("sites.csv")).unwrap();
    let house = House::new(dir);
    let filing = house.snapshot.load().registry.look_up(&HostName::parse("a.cn").unwrap());
    assert!(matches!(filing, Filing::Unknown));
    assert_eq!(house.health.missing().len(), 1);
    house.write("sites.csv", SITES);
    house.reloader.reload(false);
    assert!(house.knows("a.cn") && house.health.missing().is_empty());
}

#[test]
fn broken_rules_or_a_broken_configuration_are_no_start() {
    for (name, text) in [("zhamen.toml", "[scan]\nx = 1"), ("rules/p.toml", "[pack")] {
        let dir = files();
        write(&dir, name, text);
        let problems = Start::load(&dir.path().join("zhamen.toml"), &Calendar::default()).err().unwrap();
        assert!(problems.iter().any(|problem| problem.path.ends_with(name) && problem.line > 0), "{problems:?}");
    }
    assert!(Start::load(&PathBuf::from("/nonexistent/zhamen.toml"), &Calendar::default()).is_err());
}

/// Waits until `done`, as long as it takes a slow machine.
fn wait_until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("not {what} within 30 s");
}

#[test]
fn a_changed_file_comes_into_force_by_itself() {
    let house = House::new(files());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let requests = ReloadHandle::default();
    runtime.spawn(serve(Arc::clone(&house.reloader), requests.clone()));

    // As editors do: written aside, then renamed over the old file.
    house.write("sites.csv.new", &SITES.replace("a.cn", "b.cn"));
    fs::rename(house.dir.path().join("sites.csv.new"), house.dir.path().join("sites.csv")).unwrap();
    wait_until("renamed over", || house.knows("b.cn"));

    // As Kubernetes does: a directory elsewhere, and a link to it that is swapped.
    let root = house.dir.path();
    for (version, host) in [("v1", "c.cn"), ("v2", "d.cn")] {
        fs::create_dir_all(root.join(version)).unwrap();
        house.write(&format!("{version}/sites.csv"), &SITES.replace("a.cn", host));
    }
    std::os::unix::fs::symlink("v1", root.join("..data")).unwrap();
    fs::remove_file(root.join("sites.csv")).unwrap();
    std::os::unix::fs::symlink("..data/sites.csv", root.join("sites.csv")).unwrap();
    wait_until("linked", || house.knows("c.cn"));
    std::os::unix::fs::symlink("v2", root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    wait_until("swapped", || house.knows("d.cn"));
    runtime.shutdown_background();
}
