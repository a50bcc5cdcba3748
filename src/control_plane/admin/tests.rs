//! The API from its router: every route with every role, and the document.

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;
use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Admin, Api, Role, create_token, dispatch, openapi, role::Scope, routes::ROUTES};
use crate::{
    base::{Clock, MemoryBudget, Timestamp},
    config::Config,
    control_plane::{Health, Record, registry::Registrar, report::Letterhead},
    domain::{policy::Policy, registry::Registry, snapshot::Snapshot, standing::Ledger},
    engine::rules::RuleSet,
    store::{Query, SigningKey, Sqlite},
    telemetry::{Metrics, Readings},
};

const NOON: Timestamp = Timestamp(1_773_547_200_000);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOON
    }
}

/// The API over a store of its own.
struct Desk {
    runtime: Runtime,
    router: Router,
    api: Arc<Api>,
    _dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::parse(Path::new("zhamen.toml"), "", &|_| None).config.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Noon);
        let store = Arc::new(Sqlite::open(&dir.path().join("zhamen.db")).unwrap());
        let record = Record::open(store, Ledger::default(), None, None, Arc::clone(&clock)).unwrap();
        let record = Arc::new(record);
        let (_, receiver) = crate::telemetry::queue(1);
        let snapshot = Snapshot {
            generation: 1,
            rules: Arc::new(RuleSet::compile(&[], NOON.local_date()).unwrap()),
            registry: Arc::new(Registry::unavailable()),
            standing: Arc::default(),
            policy: Arc::new(Policy::default()),
            scan: Arc::default(),
        };
        let admin = Admin {
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
            record: Arc::clone(&record),
            registrar: Arc::new(Registrar::new(record, config.registry.clone(), Arc::clone(&clock), None)),
            incidents: config.incident.clone(),
            evidence: dir.path().join("evidence"),
            key: Arc::new(SigningKey::open(&dir.path().join("evidence")).unwrap()),
            letterhead: Letterhead::default(),
            font: String::new(),
            metrics: Arc::new(Metrics::new().unwrap()),
            readings: Readings {
                live: Arc::default(),
                budget: MemoryBudget::new(1),
                locks: Box::new(|| 0),
                dropped: receiver.dropped(),
                lost: Arc::default(),
                record: Box::new(Default::default),
            },
            health: Arc::new(Health::default()),
            rules_dir: Box::new(|| "nowhere".into()),
            clock,
            started: NOON,
        };
        let api = Arc::new(admin.at_work(true));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, router: dispatch::router(&api), api, _dir: dir }
    }

    fn token(&self, role: Role) -> String {
        create_token(&self.api.record, "test", role.as_str(), role, None, NOON).unwrap()
    }

    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let service = TowerToHyperService::new(self.router.clone());
        self.runtime.block_on(async {
            let response = service.call(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    fn entries(&self) -> Vec<crate::domain::record::Entry> {
        self.api.record.store().entries(&Query { limit: 1_000, ..Query::default() }).unwrap()
    }
}

/// A path with a name in every place.
fn path_of(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "x.cn" } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn every_role_may_do_what_the_table_says_and_no_more() {
    let desk = Desk::new();
    for role in Role::ALL {
        let token = desk.token(role);
        for route in ROUTES {
            let (status, text) = desk.ask(route.method.as_str(), &path_of(route.path), Some(&token), "{}");
            let which = format!("{} {} as {}: {status} {text}", route.method.as_str(), route.path, role.as_str());
            assert_eq!(status == 403, !role.may(route.scope), "{which}");
            assert!(status != 401 && status != 500, "{which}");
        }
    }
    for route in ROUTES.iter().filter(|route| route.scope != Scope::Health) {
        let (status, _) = desk.ask(route.method.as_str(), &path_of(route.path), None, "{}");
        assert_eq!(status, 401, "{} without a token", route.path);
    }
}

#[test]
fn an_inspector_changes_nothing() {
    let desk = Desk::new();
    let token = desk.token(Role::Inspector);
    let before = desk.entries().len();
    for route in ROUTES {
        // With every member that any body has, so that only the role stands in the way.
        for body in ["{}", r#"{"unit":"u","why":"w"}"#, r#"{"name":"n","role":"rules"}"#, r#"{"url":"http://a.cn/"}"#] {
            desk.ask(route.method.as_str(), &format!("{}?why=x", path_of(route.path)), Some(&token), body);
            desk.ask(route.method.as_str(), &path_of(route.path), Some(&token), body);
        }
    }
    for entry in desk.entries().iter().skip(before) {
        let text = serde_json::to_string(&entry.fact).unwrap();
        let told = ["inspection", "export"].iter().any(|what| text.contains(&format!("\"what\":\"{what}\"")));
        assert!(told && entry.by == "inspector", "{text}");
    }
    assert!(desk.entries().len() > before, "what it read is on the record");
}

#[test]
fn the_document_is_that_of_the_snapshot() {
    let document = format!("{:#}\n", openapi::document());
    if std::env::var_os("ZHAMEN_WRITE_SNAPSHOTS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/control_plane/admin/openapi.json");
        std::fs::write(path, &document).unwrap();
        return;
    }
    assert!(document == include_str!("openapi.json"), "the API changed: run with ZHAMEN_WRITE_SNAPSHOTS=1, and look");
}

#[test]
fn the_document_has_every_route_once() {
    let document = openapi::document();
    let mut ids = std::collections::BTreeSet::new();
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation}");
    }
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["components"]["schemas"].get(reference).is_some(), "{reference}");
    }
}

#[test]
fn health_is_told_to_everybody() {
    let desk = Desk::new();
    assert_eq!(desk.ask("GET", "/healthz", None, "").0, 200);
    assert_eq!(desk.ask("GET", "/readyz", None, "").0, 503, "no registry yet");
    desk.api.health.set_registry_loaded(true);
    assert_eq!(desk.ask("GET", "/readyz", None, "").0, 200);
    desk.api.health.set_draining();
    let (status, text) = desk.ask("GET", "/readyz", None, "");
    let text: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &text["because"][0]), (503, &"Zhamen is stopping".into()));
}
