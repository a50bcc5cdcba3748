//! A registry that was changed is one that was built so; what an import would change, applied, gives
//! what was imported.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use crate::{
    base::{Date, HostName},
    domain::registry::{
        Comparison, Filing, FilingState, Held, Interactive, Registry, RegistryBuilder, RowChange, ServiceKind, SiteRow,
    },
};

fn any_host() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a.cn", "x.a.cn", "y.x.a.cn", "b.com.cn", "w.b.com.cn", "c.net", "10.0.0.1"])
        .prop_map(str::to_owned)
}

fn any_row() -> impl Strategy<Value = SiteRow> {
    (any_host(), 1u8..4, 0usize..4, prop::option::of(-3i64..4), any::<bool>()).prop_map(
        |(host, server, filing, until, closed)| {
            let filing = FilingState::ALL[filing];
            SiteRow {
                host,
                origin: format!("http://10.0.0.{server}"),
                unit: format!("u{server}"),
                service: "s".into(),
                kind: ServiceKind::Server,
                icp: if filing == FilingState::Unfiled {
                    String::new()
                } else {
                    format!("蜀ICP备1234567{server}号")
                },
                filing,
                filed_until: until.map(|days| Date::from_days(20_000 + days)),
                server_ip: String::new(),
                interactive: if closed { Interactive::Closed } else { Interactive::Open },
                acme: if until.is_some() { "on".into() } else { String::new() },
                options: Default::default(),
            }
        },
    )
}

fn any_change() -> impl Strategy<Value = RowChange> {
    prop_oneof![
        4 => any_row().prop_map(|row| RowChange::Put(Box::new(row))),
        2 => any_host().prop_map(RowChange::Remove),
        1 => any_host().prop_map(RowChange::Bar),
    ]
}

/// What is said of each host, the naive way.
#[derive(Default)]
struct Model(BTreeMap<String, Option<SiteRow>>);

impl Model {
    fn apply(&mut self, change: &RowChange) {
        match change {
            RowChange::Bar(host) => drop(self.0.insert(host.clone(), None)),
            RowChange::Put(row) => drop(self.0.insert(row.host.clone(), Some((**row).clone()))),
            RowChange::Remove(host) => drop(self.0.remove(host)),
        }
    }

    fn build(&self, today: Date) -> Arc<Registry> {
        let mut builder = RegistryBuilder::default();
        for (host, row) in &self.0 {
            match row {
                Some(row) => assert!(builder.add(row, 0)),
                None => builder.bar(host),
            }
        }
        Arc::new(builder.finish().on(today))
    }
}

/// Everything that can be asked of a registry.
fn answers(registry: &Arc<Registry>) -> (Vec<String>, Vec<usize>, Vec<SiteRow>, Vec<String>) {
    let hosts = ["a.cn", "x.a.cn", "y.x.a.cn", "z.y.x.a.cn", "b.com.cn", "v.w.b.com.cn", "c.net", "d.net", "10.0.0.1"];
    let asked = hosts.map(|host| {
        let host = HostName::parse(host).unwrap();
        let (word, site) = match registry.look_up(&host) {
            Filing::Filed(site) => ("filed", Some(site)),
            Filing::Unfiled(site) => ("unfiled", site),
            Filing::Elsewhere(site) => ("elsewhere", Some(site)),
            Filing::Unknown => ("unknown", None),
        };
        format!("{word} {:?} {:?}", site.map(|site| site.to_row()), registry.barred(&host))
    });
    let mut rows: Vec<SiteRow> = registry.sites().map(|site| site.to_row()).collect();
    rows.sort_by(|a, b| a.host.cmp(&b.host));
    let mut barred: Vec<String> = registry.barred_hosts().map(str::to_owned).collect();
    barred.sort();
    let counts = FilingState::ALL.map(|filing| registry.count(filing)).to_vec();
    assert_eq!(rows.len(), registry.len());
    (asked.to_vec(), counts, rows, barred)
}

proptest! {
    #[test]
    fn what_lies_over_the_rows_is_as_if_they_were_built_so(
        base in prop::collection::vec(any_row(), 0..6),
        changes in prop::collection::vec(prop::collection::vec(any_change(), 1..4), 0..6),
    ) {
        let today = Date::from_days(20_000);
        let mut model = Model::default();
        for row in base {
            model.apply(&RowChange::Put(Box::new(row)));
        }
        let mut registry = model.build(today);
        for changes in changes {
            changes.iter().for_each(|change| model.apply(change));
            registry = Arc::new(registry.with(changes));
            prop_assert_eq!(answers(&registry), answers(&model.build(today)));
        }
    }

    #[test]
    fn a_difference_applied_gives_what_was_imported(
        before in prop::collection::vec(any_change(), 0..8),
        after in prop::collection::vec(any_change(), 0..8),
    ) {
        let today = Date::from_days(20_000);
        let (mut old, mut new) = (Model::default(), Model::default());
        before.iter().for_each(|change| old.apply(change));
        after.iter().for_each(|change| new.apply(change));
        let (old_registry, new_registry) = (old.build(today), new.build(today));
        let mut comparison = Comparison::new(&new_registry);
        for (host, row) in &old.0 {
            comparison.had(row.as_ref().map_or(Held::Barred(host), Held::Row));
        }
        let difference = comparison.finish();
        let rows = |model: &Model| model.0.values().flatten().count();
        prop_assert_eq!(difference.before, rows(&old));
        let same = old.0.iter().filter(|(host, row)| row.is_some() && new.0.get(*host) == Some(row)).count();
        prop_assert_eq!(difference.unchanged, same);
        prop_assert_eq!(difference.added.len() + difference.changed.len() + same, rows(&new));
        prop_assert_eq!(difference.is_empty(), old.0 == new.0);
        let applied = Arc::new(old_registry.with(difference.changes()));
        prop_assert_eq!(answers(&applied), answers(&new_registry));
    }
}

#[test]
fn many_changes_make_it_built_anew_and_nothing_else() {
    let row = |n: usize, icp: &str| SiteRow {
        host: format!("h{n}.cn"),
        origin: "http://10.0.0.1".into(),
        unit: "u".into(),
        service: "s".into(),
        kind: ServiceKind::VirtualHost,
        icp: icp.into(),
        filing: if icp.is_empty() { FilingState::Unfiled } else { FilingState::Filed },
        filed_until: None,
        server_ip: String::new(),
        interactive: Interactive::Open,
        acme: String::new(),
        options: Default::default(),
    };
    let mut registry = Arc::new(RegistryBuilder::default().finish());
    for batch in 0..10 {
        let changes = (0..1_000).map(|n| RowChange::Put(Box::new(row(batch * 500 + n, "蜀ICP备12345678号"))));
        registry = Arc::new(registry.with(changes));
    }
    assert_eq!((registry.len(), registry.count(FilingState::Filed)), (5_500, 5_500));
    registry = Arc::new(registry.with((0..5_500).map(|n| RowChange::Put(Box::new(row(n, ""))))));
    assert_eq!((registry.len(), registry.count(FilingState::Unfiled)), (5_500, 5_500));
    assert!(registry.site("h5499.cn").is_some() && registry.site("h5500.cn").is_none());
}

#[test]
fn a_filing_that_is_over_does_not_hold() {
    let text =
        "域名,源站,单位,服务,类型,备案号,备案有效期\na.cn,http://10.0.0.1,u,s,虚拟主机,蜀ICP备12345678号,2026/3/15\n";
    let imported = crate::domain::registry::import_csv("sites.csv", text.as_bytes());
    assert_eq!(imported.problems, []);
    let registry = imported.registry.unwrap();
    let host = HostName::parse("a.cn").unwrap();
    for (today, is_filed) in [("2026-03-14", true), ("2026-03-15", true), ("2026-03-16", false)] {
        let registry = Arc::new(registry.on(today.parse().unwrap()));
        assert_eq!(matches!(registry.look_up(&host), Filing::Filed(_)), is_filed, "{today}");
        assert_eq!(registry.count(FilingState::Filed), usize::from(is_filed));
        assert_eq!(registry.count(FilingState::Cancelled), usize::from(!is_filed));
        assert_eq!(registry.site("a.cn").unwrap().filing_said(), FilingState::Filed);
    }
}
