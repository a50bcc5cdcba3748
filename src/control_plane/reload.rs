//! From files to what is in force: part by part, all or nothing for each part, one swap for all.
//!
//! A part whose files are broken stays as it was, and its problems are logged at their lines. A
//! part whose files did not change is not loaded again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

use super::{
    Health, Publisher,
    files::{CompiledRules, Fingerprint, RuleFiles, directory_fingerprint, read_config, read_registry},
};
use crate::{
    base::{Clock, Date, MemoryBudget, Problem, Severity},
    config::{Config, Edge},
    domain::{
        registry::{FilingState, Registry, import_csv},
        snapshot::Snapshot,
    },
    telemetry::{InForce, Metrics, Part},
};

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
    registry_loaded: bool,
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
    publisher: Publisher,
    edge: Arc<ArcSwap<Edge>>,
    budget: MemoryBudget,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    clock: Arc<dyn Clock>,
    certificates: Option<CertificateReload>,
    loaded: Mutex<Loaded>,
}

impl Start {
    /// Loads everything. A broken configuration or broken rules are an error: Zhamen does not start
    /// without them. A registry that cannot be read is not: every host is answered
    /// `registry_unavailable` until it can.
    pub fn load(path: &Path, clock: &dyn Clock) -> Result<Self, Vec<Problem>> {
        let (parsed, config_print) = read_config(path);
        let mut problems = parsed.problems;
        let Some(config) = parsed.config else { return Err(problems) };
        let compiled = RuleFiles::read(&config.rules_dir)
            .and_then(|files| Ok((files.compile(clock.now().local_date())?, files.fingerprint())));
        let (registry, registry_print, registry_problems) = load_registry(&config.registry.file);
        problems.extend(registry_problems);
        let (compiled, rules_print) = match compiled {
            Ok(compiled) => compiled,
            Err(rule_problems) => {
                problems.extend(rule_problems);
                return Err(problems);
            }
        };
        problems.extend(compiled.warnings);
        let registry_loaded = registry.is_some();
        let snapshot = Snapshot {
            generation: 1,
            rules: compiled.rules,
            registry: Arc::new(registry.unwrap_or_else(Registry::unavailable)),
            standing: Arc::default(),
            policy: Arc::new(config.policy.clone()),
            scan: Arc::new(config.scan.clone()),
        };
        let registry_files = if registry_loaded {
            Seen { applied: registry_print, refused: None }
        } else {
            Seen { applied: None, refused: Some(registry_print) }
        };
        let loaded = Loaded {
            config: config.clone(),
            config_files: Seen { applied: Some(config_print), refused: None },
            rule_files: Seen { applied: Some(rules_print), refused: None },
            registry_files,
            certificate_files: Seen { applied: certificate_print(&config).ok().flatten(), refused: None },
        };
        Ok(Self { config, snapshot, problems, registry_loaded, loaded })
    }
}

impl Reloader {
    /// Takes over what [`Start::load`] loaded; what `publisher` publishes and `edge` must hold the same.
    #[expect(clippy::too_many_arguments, reason = "the composition root hands over each part once")]
    pub fn new(
        start: Start,
        publisher: Publisher,
        edge: Arc<ArcSwap<Edge>>,
        budget: MemoryBudget,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
        clock: Arc<dyn Clock>,
        certificates: Option<CertificateReload>,
    ) -> Self {
        let now = clock.now();
        for part in Part::ALL {
            let loaded = match part {
                Part::Config | Part::Rules => Some(true),
                Part::Registry => Some(start.registry_loaded),
                Part::Certificates => certificates.as_ref().map(|_| true),
            };
            if let Some(success) = loaded {
                metrics.reloaded(part, success, now);
            }
        }
        health.set_registry_loaded(start.registry_loaded);
        log_problems(&start.problems);
        let path = start.config.path.clone();
        let reloader = Self {
            path,
            publisher,
            edge,
            budget,
            metrics,
            health,
            clock,
            certificates,
            loaded: Mutex::new(start.loaded),
        };
        reloader.show_in_force();
        reloader
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
        let mut next = Snapshot::clone(&self.publisher.in_force());
        let mut changed = self.reload_config(&mut loaded, &mut next, again);
        changed |= self.reload_rules(&mut loaded, &mut next, again);
        changed |= self.reload_registry(&mut loaded, &mut next, again);
        if changed {
            let generation = self.publisher.publish(|live| {
                live.rules = next.rules;
                live.registry = next.registry;
                live.policy = next.policy;
                live.scan = next.scan;
            });
            tracing::info!(generation, "a new generation is in force");
            self.show_in_force();
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
        loaded.config = config;
        true
    }

    fn reload_rules(&self, loaded: &mut Loaded, next: &mut Snapshot, again: bool) -> bool {
        let today = self.clock.now().local_date();
        let files = RuleFiles::read(&loaded.config.rules_dir);
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

    fn reload_registry(&self, loaded: &mut Loaded, next: &mut Snapshot, again: bool) -> bool {
        let path = &loaded.config.registry.file;
        let read = read_registry(path);
        let print = read.as_ref().ok().map(|&(_, print)| print);
        if !self.is_news(Part::Registry, &mut loaded.registry_files, print, again) {
            return false;
        }
        let (registry, problems) = match read {
            Ok((bytes, _)) => {
                let imported = import_csv(&path.display().to_string(), &bytes);
                (imported.registry, imported.problems)
            }
            Err(problem) => (None, vec![problem]),
        };
        log_problems(&problems);
        let result = registry.ok_or_else(Vec::new);
        let Some(registry) = self.outcome(Part::Registry, &mut loaded.registry_files, print, result) else {
            return false;
        };
        next.registry = Arc::new(registry);
        self.health.set_registry_loaded(true);
        true
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
                self.metrics.reloaded(part, true, self.clock.now());
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
        self.metrics.reloaded(part, result.is_ok(), self.clock.now());
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

    fn show_in_force(&self) {
        let snapshot = self.publisher.in_force();
        self.metrics.in_force(&InForce {
            generation: snapshot.generation,
            rules: snapshot.rules.rules(),
            sites: FilingState::ALL.into_iter().map(|filing| (filing, snapshot.registry.count(filing))).collect(),
        });
    }
}

/// Logs each problem with its place; of very many, the first.
pub fn log_problems(problems: &[Problem]) {
    for problem in problems.iter().take(PROBLEMS_LOGGED_MAX) {
        let (path, line, column, help) = (&problem.path, problem.line, problem.column, &problem.help);
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

fn load_registry(path: &Path) -> (Option<Registry>, Option<Fingerprint>, Vec<Problem>) {
    match read_registry(path) {
        Ok((bytes, print)) => {
            let imported = import_csv(&path.display().to_string(), &bytes);
            (imported.registry, Some(print), imported.problems)
        }
        Err(problem) => (None, None, vec![problem]),
    }
}

fn certificate_print(config: &Config) -> Result<Option<Fingerprint>, Problem> {
    config.edge.certificates.as_deref().map(directory_fingerprint).transpose()
}
