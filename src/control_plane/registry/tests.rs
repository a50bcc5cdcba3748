//! The registrar over a real store.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use arc_swap::ArcSwap;

use super::{Feed, Registrar, Shown, UnfiledSeen, begin, compare_customers, read_customers};
use crate::{
    base::{Clock, HostName, Timestamp},
    config::Config,
    control_plane::{Health, Publisher, Record, Start},
    domain::{
        record::{CustomerFile, Fact},
        registry::{
            Filing, FilingState, Interactive, OriginHttp, OriginOptions, OriginVerify, ProxyProtocol, RowChange,
            ServiceKind, SiteRow,
        },
        snapshot::Snapshot,
        standing::Ledger,
    },
    store::{Entries, Query, SiteSource, Sites, Sqlite},
    telemetry::Metrics,
};

const ICP: &str = "蜀ICP备12345678号";

/// A clock that goes on by a second with every look.
#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(1_773_547_200_000 + self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

struct House {
    dir: tempfile::TempDir,
    store: Arc<Sqlite>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    registrar: Registrar,
}

fn registrar(dir: &Path, shown: Option<Shown>) -> (Arc<Sqlite>, Registrar) {
    let store = Arc::new(Sqlite::open(&dir.join("zhamen.db")).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(Ticking::default());
    let record = Record::open(Arc::clone(&store) as _, Ledger::default(), None, None, Arc::clone(&clock)).unwrap();
    let settings = Config::parse(&dir.join("zhamen.toml"), "", &|_| None).config.unwrap().registry;
    (store, Registrar::new(Arc::new(record), settings, clock, shown))
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("rules")).unwrap();
        let pack = "[pack]\nid = \"p\"\ntitle = \"t\"\nclause = \"7.7\"\nclass = \"vulgar\"\naction = \"block\"\nthreshold = 100\n\n\
                    [[rule]]\nid = \"p.a\"\nany = [\"百家乐\"]\n";
        std::fs::write(dir.path().join("rules/p.toml"), pack).unwrap();
        std::fs::write(dir.path().join("zhamen.toml"), "").unwrap();
        let start =
            Start::load(&dir.path().join("zhamen.toml"), &Ticking::default()).unwrap_or_else(|it| panic!("{it:?}"));
        let snapshot = Arc::new(ArcSwap::from_pointee(start.snapshot));
        let publisher = Publisher::new(Arc::clone(&snapshot));
        let metrics = Arc::new(Metrics::new().unwrap());
        let shown = Shown { publisher, metrics, health: Arc::new(Health::default()) };
        let (store, registrar) = registrar(dir.path(), Some(shown));
        Self { dir, store, snapshot, registrar }
    }

    fn take(&self, source: SiteSource, rows: &str) {
        let plan = self.registrar.plan(source, feed(rows)).unwrap();
        self.registrar.keep("test", plan, true).unwrap();
    }

    /// The server that a host is served at, if it is filed.
    fn server(&self, host: &str) -> Option<String> {
        match self.snapshot.load().registry.look_up(&HostName::parse(host).unwrap()) {
            Filing::Filed(site) => Some(site.upstream().host().to_owned()),
            Filing::Unfiled(_) | Filing::Elsewhere(_) | Filing::Unknown => None,
        }
    }

    fn facts(&self, kind: &'static str) -> Vec<Fact> {
        let query = Query { kinds: vec![kind], limit: 1_000, ..Query::default() };
        self.store.entries(&query).unwrap().into_iter().map(|entry| entry.fact).collect()
    }
}

/// Rows of `host server`.
fn feed(rows: &str) -> Feed {
    let row = |row: &str| {
        let (host, server) = row.split_once(' ').unwrap();
        format!("{host},http://{server},u-{host},s-{host},server,{ICP}\n")
    };
    let rows: String = rows.lines().map(row).collect();
    Feed::read("rows.csv", format!("host,origin,unit,service,kind,icp\n{rows}").as_bytes()).feed.unwrap()
}

fn site(host: &str, server: &str) -> SiteRow {
    SiteRow {
        host: host.into(),
        origin: format!("http://{server}"),
        unit: "u".into(),
        service: "s".into(),
        kind: ServiceKind::VirtualHost,
        icp: ICP.into(),
        filing: FilingState::Filed,
        filed_until: None,
        server_ip: String::new(),
        interactive: Interactive::Open,
        acme: String::new(),
        options: Default::default(),
    }
}

#[test]
fn of_several_sources_the_one_that_changed_a_host_last_holds() {
    let house = House::new();
    house.take(SiteSource::File, "a.cn 10.0.0.1\nb.cn 10.0.0.1");
    house.take(SiteSource::Pull, "b.cn 10.0.0.2\nc.cn 10.0.0.2");
    assert_eq!(["a.cn", "b.cn", "c.cn"].map(|host| house.server(host).unwrap()), ["10.0.0.1", "10.0.0.2", "10.0.0.2"]);
    assert!(house.registrar.put_site("test", site("b.cn", "10.0.0.3")).is_ok());
    assert_eq!(house.server("b.cn").as_deref(), Some("10.0.0.3"));
    // What a source says again is no change.
    house.take(SiteSource::File, "a.cn 10.0.0.1\nb.cn 10.0.0.1");
    assert_eq!(house.server("b.cn").as_deref(), Some("10.0.0.3"));
    let plan = house.registrar.plan(SiteSource::File, feed("a.cn 10.0.0.1\nb.cn 10.0.0.9")).unwrap();
    assert_eq!(plan.contested, ["b.cn"]);
    house.registrar.keep("test", plan, true).unwrap();
    assert_eq!(house.server("b.cn").as_deref(), Some("10.0.0.9"));
    // What one source removes another may still say.
    house.take(SiteSource::File, "a.cn 10.0.0.1");
    assert_eq!(house.server("b.cn").as_deref(), Some("10.0.0.3"));
    assert_eq!(house.registrar.remove_site("test", "b.cn"), Ok(true));
    assert_eq!(house.server("b.cn").as_deref(), Some("10.0.0.2"));
    assert_eq!(house.registrar.remove_site("test", "b.cn"), Ok(false));
    house.take(SiteSource::Pull, "");
    assert_eq!((house.server("b.cn"), house.server("a.cn").as_deref()), (None, Some("10.0.0.1")));
    // From the store it is the same.
    let begun = begin(&*house.store, &house.registrar.settings(), "2026-03-15".parse().unwrap());
    let registry = Arc::new(begun.registry);
    assert_eq!(registry.sites().map(|site| site.host().to_owned()).collect::<Vec<_>>(), ["a.cn"]);
}

#[test]
fn a_row_that_became_bad_bars_its_host_after_a_restart_too() {
    let house = House::new();
    let text = format!(
        "host,origin,unit,service,kind,icp\na.cn,http://10.0.0.1,u,s,server,{ICP}\nb.a.cn,x,u,s,server,{ICP}\n"
    );
    let feed = Feed::read("rows.csv", text.as_bytes()).feed.unwrap();
    let plan = house.registrar.plan(SiteSource::File, feed).unwrap();
    house.registrar.keep("test", plan, true).unwrap();
    assert_eq!((house.server("x.a.cn").as_deref(), house.server("b.a.cn")), (Some("10.0.0.1"), None));
    let begun = begin(&*house.store, &house.registrar.settings(), "2026-03-15".parse().unwrap());
    let registry = Arc::new(begun.registry);
    assert_eq!(registry.barred(&HostName::parse("y.b.a.cn").unwrap()), Some("b.a.cn"));
}

#[test]
fn the_record_knows_customers_and_filings() {
    let house = House::new();
    house.take(SiteSource::File, "a.cn 10.0.0.1\nb.cn 10.0.0.2");
    let ledger = house.registrar.record().with_ledger(Ledger::clone);
    let service = ledger.service("s-a.cn").unwrap();
    assert_eq!((&*service.unit, service.kind), ("u-a.cn", ServiceKind::Server));
    assert_eq!(service.server_ips, ["10.0.0.1"]);
    assert!(ledger.unit("u-b.cn").is_some());
    assert_eq!((house.facts("change").len(), house.facts("site").len()), (1, 2));
    house.take(SiteSource::File, "a.cn 10.0.0.1\nb.cn 10.0.0.2");
    assert_eq!((house.facts("change").len(), house.facts("service").len()), (1, 2), "nothing changed, nothing is said");
    house.take(SiteSource::File, "a.cn 10.0.0.5");
    assert_eq!((house.facts("change").len(), house.facts("site").len(), house.facts("service").len()), (2, 3, 3));
    let Fact::Change(change) = &house.facts("change")[1] else { panic!("it is a change") };
    assert!(
        change.detail.starts_with("0 added, 1 changed, 1 removed, 0 refused; 1 sites; sha256 "),
        "{}",
        change.detail
    );
    let Fact::Site(gone) = &house.facts("site")[2] else { panic!("it is a site") };
    assert_eq!((&*gone.host, &*gone.was, &*gone.is), ("b.cn", "蜀ICP备12345678号 filed", ""));
}

#[test]
fn what_another_process_changed_is_taken_in() {
    let house = House::new();
    house.take(SiteSource::File, "a.cn 10.0.0.1");
    let (_, other) = registrar(house.dir.path(), None);
    other.put_site("test", site("z.cn", "10.0.0.7")).unwrap();
    assert_eq!(house.server("z.cn"), None);
    house.registrar.refresh().unwrap();
    assert_eq!(
        (house.server("z.cn").as_deref(), house.server("a.cn").as_deref()),
        (Some("10.0.0.7"), Some("10.0.0.1"))
    );
}

#[test]
fn rows_of_the_api_are_in_one_form() {
    let house = House::new();
    for bad in ["", "A.cn", "com.cn", "a b.cn"] {
        assert!(house.registrar.put_site("test", site(bad, "10.0.0.1")).is_err(), "{bad}");
    }
    assert!(house.registrar.put_site("test", SiteRow { origin: "x".into(), ..site("a.cn", "") }).is_err());
    assert_eq!(house.registrar.registry().unwrap().len(), 0);
}

#[test]
fn how_origins_are_reached_is_stored_with_their_row() {
    let house = House::new();
    let options = OriginOptions {
        ca: "ca.pem".into(),
        name: "a.cn".into(),
        verify: OriginVerify::Off,
        proxy_protocol: ProxyProtocol::V2,
        http: OriginHttp::Tolerant,
    };
    let row = SiteRow { origin: "http://10.0.0.1;https://b.cn".into(), options, ..site("a.cn", "") };
    house.registrar.put_site("test", row.clone()).unwrap();
    let mut stored = Vec::new();
    house.store.each_site(&mut |_, _, held| stored.push(held.to_change())).unwrap();
    assert_eq!(stored, [RowChange::Put(Box::new(row))]);
}

#[test]
fn units_come_before_those_below_them() {
    let house = House::new();
    let read =
        read_customers(CustomerFile::Units, "units.csv", "unit,parent\nc,b\nb,a\na,\nx,y\ny,x\nz,nobody\n".as_bytes());
    let rows = read.facts.unwrap();
    let difference = compare_customers(&house.registrar.record().with_ledger(Ledger::clone), "units.csv", rows);
    let units = difference.added.iter().filter_map(|fact| match fact {
        Fact::Unit(unit) => Some(unit.unit.clone()),
        _ => None,
    });
    assert_eq!(units.collect::<Vec<_>>(), ["a", "b", "c", "x", "y"]);
    assert_eq!(difference.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [7]);
}

#[test]
fn nothing_is_written_where_nothing_was_seen() {
    let house = House::new();
    UnfiledSeen::default().write(&*house.store);
    let query = crate::store::UnfiledQuery::default();
    assert_eq!(crate::store::UnfiledHosts::unfiled_hosts(&*house.store, &query), Ok(Vec::new()));
}
