//! From files to what is in force: part by part, all or nothing for each part, one swap for all.
//!
//! A part whose files are broken stays as it was, and its problems are logged at their lines. A
//! part whose files did not change is not loaded again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use arc_swap::ArcSwap;

use super::{
    files::{CompiledRules, Fingerprint, RuleFiles, directory_fingerprint, read_config, read_registry},
    registry::{self, Feed, Plan, Registrar, Shown},
};
use crate::{
    base::{Clock, Date, MemoryBudget, Problem, Severity},
    config::{Config, Edge},
    domain::{registry::Registry, snapshot::Snapshot},
    store::{SiteSource, Store},
    telemetry::Part,
};

/// Sites whose storing a start waits for.
const SITES_SETTLED_MAX: usize = 20_000;

/// Who puts on the record what the registry's file says.
const BY: &str = "import";

/// Problems of one part that are logged one by one; the rest is counted.
const PROBLEMS_LOGGED_MAX: usize = 50;

/// Loads the certificates anew; the data plane knows how.
pub type CertificateReload = Box<dyn Fn() -> Result<(), Vec<Problem>> + Send + Sync>;

/// Everything loaded for the first time.
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// The first generation.
    pub snapshot: Snapshot,
    /// What is worth a look, and why the registry is not there if it is not.
    pub problems: Vec<Problem>,
    /// Whether a registry is in force.
    registry_loaded: bool,
    /// What the registry's file says, where the store does not have it yet.
    registry_news: Option<Feed>,
    loaded: Loaded,
}

/// Which files were last applied, and which were last refused.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    applied: Option<Fingerprint>,
    /// `Some(None)`: could not even be read.
    refused: Option<Option<Fingerprint>>,
}

/// What the last reload left behind.
struct Loaded {
    config: Config,
    config_files: Seen,
    rule_files: Seen,
    registry_files: Seen,
    certificate_files: Seen,
}

/// Swaps what is in force when files change.
pub struct Reloader {
    path: PathBuf,
    shown: Shown,
    registrar: Arc<Registrar>,
    edge: Arc<ArcSwap<Edge>>,
    budget: MemoryBudget,
    clock: Arc<dyn Clock>,
    certificates: Option<CertificateReload>,
    loaded: Mutex<Loaded>,
}

impl Start {
    /// Loads everything but the registry. A broken configuration or broken rules are an error: Zhamen does
    /// not start without them.
    pub fn load(path: &Path, clock: &dyn Clock) -> Result<Self, Vec<Problem>> {
        let (parsed, config_print) = read_config(path);
        let mut problems = parsed.problems;
        let Some(config) = parsed.config else { return Err(problems) };
        let compiled = RuleFiles::of(&config)
            .and_then(|files| Ok((files.compile(clock.now().local_date())?, files.fingerprint())));
        let (compiled, rules_print) = match compiled {
            Ok(compiled) => compiled,
            Err(rule_problems) => {
                problems.extend(rule_problems);
                return Err(problems);
            }
        };
        problems.extend(compiled.warnings);
        let snapshot = Snapshot {
            generation: 1,
            rules: compiled.rules,
            registry: Arc::new(Registry::unavailable()),
            standing: Arc::default(),
            policy: Arc::new(config.policy.clone()),
            scan: Arc::new(config.scan.clone()),
        };
        let loaded = Loaded {
            config: config.clone(),
            config_files: Seen { applied: Some(config_print), refused: None },
            rule_files: Seen { applied: Some(rules_print), refused: None },
            registry_files: Seen::default(),
            certificate_files: Seen { applied: certificate_print(&config).ok().flatten(), refused: None },
        };
        Ok(Self { config, snapshot, problems, registry_loaded: false, registry_news: None, loaded })
    }

    /// Loads the registry: the store's, or that of the file if it says something new. One that cannot be
    /// had is no error: every host is answered `registry_unavailable` until it can.
    pub fn load_registry(&mut self, store: &dyn Store, clock: &dyn Clock) {
        let begun = registry::begin(store, &self.config.registry, clock.now().local_date());
        self.problems.extend(begun.problems);
        self.registry_loaded = begun.registry.is_available();
        self.registry_news = begun.news;
        self.snapshot.registry = Arc::new(begun.registry);
        self.loaded.registry_files = if begun.file_applied {
            Seen { applied: begun.print, refused: None }
        } else {
            Seen { applied: None, refused: Some(begun.print) }
        };
    }
}

impl Reloader {
    /// Takes over what [`Start::load`] loaded; what `shown` publishes and `edge` must hold the same.
    pub fn new(
        start: Start,
        shown: Shown,
        registrar: Arc<Registrar>,
        edge: Arc<ArcSwap<Edge>>,
        budget: MemoryBudget,
        clock: Arc<dyn Clock>,
        certificates: Option<CertificateReload>,
    ) -> Self {
        let now = clock.now();
        for part in Part::ALL {
            let loaded = match part {
                Part::Config | Part::Rules => Some(true),
                Part::Registry => Some(start.loaded.registry_files.applied.is_some()),
                Part::Certificates => certificates.as_ref().map(|_| true),
            };
            if let Some(success) = loaded {
                shown.metrics.reloaded(part, success, now);
            }
        }
        shown.health.set_registry_loaded(start.registry_loaded);
        log_problems(&start.problems);
        settle(&registrar, start.registry_news, start.snapshot.registry.len());
        shown.show();
        let (path, loaded) = (start.config.path.clone(), Mutex::new(start.loaded));
        Self { path, shown, registrar, edge, budget, clock, certificates, loaded }
    }

    /// The directory of the rule packs.
    pub fn rules_dir(&self) -> PathBuf {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).config.rules_dir.clone()
    }

    /// Files and directories whose change calls for a reload.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let config = &loaded.config;
        let mut paths = vec![self.path.clone(), config.registry.file.clone(), config.rules_dir.clone()];
        paths.extend(config.edge.certificates.clone());
        paths
    }

    /// Looks at every file and applies what changed. `again`: files that were refused before are
    /// tried and complained about once more, even if they did not change. Blocks: reads and compiles.
    pub fn reload(&self, again: bool) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.shown.publisher.in_force());
        let mut changed = self.reload_config(&mut loaded, &mut next, again);
        changed |= self.reload_rules(&mut loaded, &mut next, again);
        // While the plan lives nobody else changes the registry.
        let plan = self.reload_registry(&mut loaded, again);
        if changed || plan.is_some() {
            let generation = self.shown.publisher.publish(|live| {
                live.rules = next.rules;
                live.policy = next.policy;
                live.scan = next.scan;
                if let Some(plan) = &plan {
                    live.registry = Arc::clone(&plan.registry);
                }
            });
            tracing::info!(generation, "a new generation is in force");
            self.shown.show();
        }
        if let Some(plan) = plan {
            self.shown.health.set_registry_loaded(true);
            keep(&self.registrar, plan);
        }
        self.reload_certificates(&mut loaded, again);
    }

    fn reload_config(&self, loaded: &mut Loaded, next: &mut Snapshot, again: bool) -> bool {
        let (parsed, print) = read_config(&self.path);
        if !self.is_news(Part::Config, &mut loaded.config_files, Some(print), again) {
            return false;
        }
        let result = parsed.config.ok_or_else(Vec::new);
        log_problems(&parsed.problems);
        let Some(mut config) = self.outcome(Part::Config, &mut loaded.config_files, Some(print), result) else {
            return false;
        };
        let waiting = config.keys_needing_restart(&loaded.config);
        if !waiting.is_empty() {
            tracing::warn!(keys = waiting.join(", "), "these keys changed and take effect after a restart");
        }
        config.keep_until_restart(&loaded.config);
        self.budget.set_limit(config.edge.limits.held_bytes);
        self.edge.store(Arc::new(config.edge.clone()));
        next.policy = Arc::new(config.policy.clone());
        next.scan = Arc::new(config.scan.clone());
        self.registrar.configure(config.registry.clone());
        loaded.config = config;
        true
    }

    fn reload_rules(&self, loaded: &mut Loaded, next: &mut Snapshot, again: bool) -> bool {
        let today = self.clock.now().local_date();
        let files = RuleFiles::of(&loaded.config);
        let print = files.as_ref().ok().map(RuleFiles::fingerprint);
        let expired = next.rules.next_expiry().is_some_and(|last_day: Date| today > last_day);
        if !self.is_news(Part::Rules, &mut loaded.rule_files, print, again) && !expired {
            return false;
        }
        let compiled = files.and_then(|files| files.compile(today));
        let Some(compiled) = self.outcome::<CompiledRules>(Part::Rules, &mut loaded.rule_files, print, compiled) else {
            return false;
        };
        log_problems(&compiled.warnings);
        next.rules = compiled.rules;
        true
    }

    fn reload_registry(&self, loaded: &mut Loaded, again: bool) -> Option<Plan<'_>> {
        let path = &loaded.config.registry.file;
        let read = read_registry(path);
        let print = read.as_ref().ok().map(|&(_, print)| print);
        if !self.is_news(Part::Registry, &mut loaded.registry_files, print, again) {
            return None;
        }
        let (feed, problems) = match read {
            Ok((bytes, _)) => {
                let read = Feed::read(&path.display().to_string(), &bytes);
                (read.feed, read.problems)
            }
            Err(problem) => (None, vec![problem]),
        };
        log_problems(&problems);
        let plan = feed.ok_or_else(Vec::new).and_then(|feed| {
            self.registrar.plan(SiteSource::File, feed).map_err(|error| {
                vec![Problem::error("store", 0, 0, format!("the registry in it cannot be read: {error}"))]
            })
        });
        let plan = plan.and_then(|plan| match registry::cut_off(&plan.difference, &loaded.config.registry) {
            None => Ok(plan),
            Some(problem) => Err(vec![problem]),
        });
        self.outcome(Part::Registry, &mut loaded.registry_files, print, plan)
    }

    fn reload_certificates(&self, loaded: &mut Loaded, again: bool) {
        let Some(reload) = &self.certificates else { return };
        let read = certificate_print(&loaded.config);
        let print = read.as_ref().ok().copied().flatten();
        if !self.is_news(Part::Certificates, &mut loaded.certificate_files, print, again) {
            return;
        }
        let result = read.map_err(|problem| vec![problem]).and_then(|_| reload());
        self.outcome(Part::Certificates, &mut loaded.certificate_files, print, result);
    }

    /// Whether a part's files hold something to apply or to complain about. Files that are again as
    /// they were applied are good again, and need not be loaded.
    fn is_news(&self, part: Part, seen: &mut Seen, print: Option<Fingerprint>, again: bool) -> bool {
        if print.is_some() && seen.applied == print {
            if seen.refused.take().is_some() {
                tracing::info!(what = part.as_str(), "good again, as it was");
                self.shown.metrics.reloaded(part, true, self.clock.now());
            }
            return false;
        }
        again || seen.refused != Some(print)
    }

    /// Logs, counts and remembers how loading a part went.
    fn outcome<T>(
        &self,
        part: Part,
        seen: &mut Seen,
        print: Option<Fingerprint>,
        result: Result<T, Vec<Problem>>,
    ) -> Option<T> {
        self.shown.metrics.reloaded(part, result.is_ok(), self.clock.now());
        match result {
            Ok(value) => {
                *seen = Seen { applied: print, refused: None };
                tracing::info!(what = part.as_str(), "loaded");
                Some(value)
            }
            Err(problems) => {
                seen.refused = Some(print);
                log_problems(&problems);
                tracing::error!(what = part.as_str(), "not loaded; what was in force before stays in force");
                None
            }
        }
    }
}

/// Logs each problem with its place; of very many, the first.
pub fn log_problems(problems: &[Problem]) {
    for problem in problems.iter().take(PROBLEMS_LOGGED_MAX) {
        let Problem { path, line, column, severity: _, message: _, help } = problem;
        // What is not known is no field.
        let (line, column) = ((*line > 0).then_some(*line), (*column > 0).then_some(*column));
        let help = (!help.is_empty()).then_some(help.as_str());
        match problem.severity {
            Severity::Error => tracing::error!(path, line, column, help, "{}", problem.message),
            Severity::Warning => tracing::warn!(path, line, column, help, "{}", problem.message),
        }
    }
    if problems.len() > PROBLEMS_LOGGED_MAX {
        let more = problems.len() - PROBLEMS_LOGGED_MAX;
        tracing::warn!(more, "and more problems; `zhamen check` lists them all");
    }
}

/// Stores what the file said at start, and puts the units and services of the registry on the record: at
/// once, unless it is so large that the start would wait for it.
fn settle(registrar: &Arc<Registrar>, news: Option<Feed>, sites: usize) {
    let is_frozen = registrar.is_frozen();
    let registrar = Arc::clone(registrar);
    let settle = move || {
        if let Some(news) = news {
            keep_news(&registrar, news);
        }
        if let Err(error) = registrar.introduce_customers(BY) {
            tracing::error!(%error, "units and services of the registry could not be put on the record");
        }
    };
    // What a control period keeps out must not be in force for a moment.
    if sites <= SITES_SETTLED_MAX || is_frozen {
        settle();
    } else if let Err(error) = thread::Builder::new().name("registry".into()).spawn(settle) {
        tracing::error!(%error, "the registry is in force, and there is no thread to store it");
    }
}

/// Stores what the file said at start, and what follows from it.
fn keep_news(registrar: &Registrar, news: Feed) {
    match registrar.plan(SiteSource::File, news) {
        Ok(plan) => {
            if let (Some(shown), false) = (registrar.shown(), plan.difference.waiting.is_empty()) {
                shown.publish(Arc::clone(&plan.registry));
            }
            keep(registrar, plan);
        }
        Err(error) => tracing::error!(%error, "the registry is in force, and could not be stored"),
    }
}

fn keep(registrar: &Registrar, plan: Plan<'_>) {
    for host in &plan.contested {
        tracing::warn!(host, "another source says something else of this host; the file changed it last, and holds");
    }
    if let Err(error) = registrar.keep(BY, plan, false) {
        tracing::error!(%error, "the registry is in force, and could not be stored");
    }
}

fn certificate_print(config: &Config) -> Result<Option<Fingerprint>, Problem> {
    config.edge.certificates.as_deref().map(directory_fingerprint).transpose()
}
