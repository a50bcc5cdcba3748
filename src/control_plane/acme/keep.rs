//! The duty: certificates are had and renewed, for ever.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use instant_acme::Account;
use tokio::{
    select,
    task::{JoinSet, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval},
};
use x509_parser::{parse_x509_certificate, pem::parse_x509_pem};

use super::{
    account,
    client::AcmeClient,
    files::{AcmeFiles, Failed, check_place, write_certificate},
    order::{Failure, Issued, order},
    plan::{Covering, Known, Wanted, WantedState, wanted},
};
use crate::{
    base::{Clock, HostName, HttpUrl, Timestamp},
    config,
    control_plane::{HttpClient, ReloadHandle, trouble::Trouble},
    domain::{
        acme::{Challenges, Validity, retry_after, spread},
        snapshot::Snapshot,
    },
    telemetry::Metrics,
};

/// How often it is looked whether something is new.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// As long as nothing is new, everything is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Looking takes at most one in so many parts of the time.
const LOOK_SHARE: u32 = 20;
/// An authority that cannot be asked, and does not say for how long, is asked again after this long, doubled
/// each time …
const AUTHORITY_RETRY: Duration = Duration::from_secs(30);
/// … up to this long.
const ENOUGH: Duration = Duration::from_secs(3_600);

/// What it takes to keep certificates.
pub struct AcmeKeeper {
    /// Who is asked.
    pub config: config::Acme,
    /// Where certificates are written.
    pub certificates: PathBuf,
    /// Who is filed and in good standing.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The proofs, for the data plane to show.
    pub challenges: Arc<ArcSwap<Challenges>>,
    /// What is in force.
    pub covering: Covering,
    /// Told when there is a new certificate.
    pub reload: ReloadHandle,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What is remembered between two looks.
struct Book {
    keeper: Arc<AcmeKeeper>,
    files: AcmeFiles,
    failed: HashMap<String, Failed>,
    /// What was had, until it is in force.
    issued: HashMap<String, Had>,
    running: HashSet<String>,
    due: VecDeque<Wanted>,
    /// The generation that was last looked at.
    seen: Option<u64>,
    looked: Option<Instant>,
    /// Before this nothing is looked at.
    rest: Option<Instant>,
    /// Before this the authority is left alone.
    resume: Option<Instant>,
    authority_failures: u32,
    trouble: Trouble,
}

/// What was had for a site.
struct Had {
    names: Vec<HostName>,
    validity: Validity,
    at: Instant,
    is_in_force: bool,
}

/// An order that came to its end.
type Ended = (Wanted, Result<Issued, Failure>);

/// Has certificates for ever; where no authority is named, not for a moment.
pub async fn keep_certificates(keeper: AcmeKeeper) {
    let Some(server) = keeper.config.server.clone() else { return };
    let http = match HttpClient::new(keeper.config.ca.as_deref()) {
        Ok(http) => http,
        Err(error) => {
            tracing::error!(%error, "no certificate can be asked for: acme.ca");
            return;
        }
    };
    let client = AcmeClient::new(http);
    let mut book = Book::open(Arc::new(keeper));
    let mut account: Option<Account> = None;
    let mut orders: JoinSet<Ended> = JoinSet::new();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        select! {
            _ = ticks.tick() => book.look().await,
            Some(ended) = orders.join_next() => match ended {
                Ok(ended) => {
                    if matches!(ended.1, Err(Failure::Account(_))) {
                        account = None;
                    }
                    book.note(ended, &server, client.take_wait()).await;
                }
                Err(error) => {
                    // Which one it was is not known; all of them are looked at again.
                    tracing::error!(%error, "an order broke off");
                    book.running.clear();
                    orders.abort_all();
                }
            },
        }
        while orders.len() < book.keeper.config.orders && book.may_order() {
            let known = match &account {
                Some(known) => known.clone(),
                None => match account::open(&book.keeper.config, &server, &book.files, &client).await {
                    Ok(opened) => account.insert(opened).clone(),
                    Err(failure) => {
                        book.leave_alone(failure, &server, client.take_wait());
                        break;
                    }
                },
            };
            let Some(site) = book.due.pop_front() else { break };
            book.running.insert(site.host.clone());
            orders.spawn(one(Arc::clone(&book.keeper), known, site));
        }
    }
}

/// Has one certificate, if there is a place for it.
async fn one(keeper: Arc<AcmeKeeper>, account: Account, site: Wanted) -> Ended {
    let result = match check_place(&keeper.certificates, &site.host) {
        Ok(()) => order(account, site.names.clone(), Arc::clone(&keeper.challenges)).await,
        Err(error) => Err(Failure::Site(error.to_string())),
    };
    (site, result)
}

impl Book {
    fn open(keeper: Arc<AcmeKeeper>) -> Self {
        let files = AcmeFiles::new(&keeper.config.directory);
        let failed = files.failed().unwrap_or_else(|error| {
            tracing::warn!(%error, "what failed before is not known");
            Vec::new()
        });
        Self {
            keeper,
            files,
            failed: failed.into_iter().collect(),
            issued: HashMap::new(),
            running: HashSet::new(),
            due: VecDeque::new(),
            seen: None,
            looked: None,
            rest: None,
            resume: None,
            authority_failures: 0,
            trouble: Trouble::with("no certificate can be had from the authority"),
        }
    }

    fn may_order(&self) -> bool {
        !self.due.is_empty() && self.resume.is_none_or(|resume| Instant::now() >= resume)
    }

    /// Looks who is due, where something may have changed.
    async fn look(&mut self) {
        let asked = self.files.take_asked().unwrap_or_else(|error| {
            self.trouble.tell(&error);
            Vec::new()
        });
        if !asked.is_empty() {
            // Somebody who has mended it does not wait.
            self.resume = None;
        }
        let generation = self.keeper.snapshot.load().generation;
        let waits = self.issued.values().any(|had| !had.is_in_force);
        let is_new = waits || !asked.is_empty() || self.seen != Some(generation);
        let again = LOOK_AGAIN.min(self.keeper.config.retry);
        let is_time = self.looked.is_none_or(|looked| looked.elapsed() >= again);
        let may_look = !asked.is_empty() || self.rest.is_none_or(|rest| Instant::now() >= rest);
        if !may_look || !(is_new || is_time) {
            return;
        }
        let began = Instant::now();
        (self.seen, self.looked) = (Some(generation), Some(began));
        let (keeper, failed, now) = (Arc::clone(&self.keeper), self.failed.clone(), self.keeper.clock.now());
        let planned = spawn_blocking(move || {
            let snapshot = keeper.snapshot.load();
            wanted(&Known {
                registry: &snapshot.registry,
                standing: Some(&snapshot.standing),
                covering: &keeper.covering,
                failed: &failed,
                renew_before: keeper.config.renew_before,
                now,
            })
        });
        let Ok(planned) = planned.await else { return };
        self.rest = Some(Instant::now() + began.elapsed() * LOOK_SHARE);
        self.count(&planned);
        self.take(planned, &asked);
    }

    fn count(&self, planned: &[Wanted]) {
        for word in WantedState::WORDS {
            let count = planned.iter().filter(|site| site.state.as_str() == word).count();
            self.keeper.metrics.set_acme_sites(word, count);
        }
    }

    /// Puts the due ones in a row: what ends first comes first, and what was never had before that.
    fn take(&mut self, planned: Vec<Wanted>, asked: &[String]) {
        // What is in force need not be remembered, and what nobody asks for any more must not be.
        let covered: HashMap<&str, Option<Validity>> =
            planned.iter().map(|site| (site.host.as_str(), site.validity)).collect();
        let retry = self.keeper.config.retry;
        self.issued.retain(|host, had| {
            let Some(held) = covered.get(host.as_str()) else { return false };
            had.is_in_force = held.is_some_and(|held| held.not_after >= had.validity.not_after);
            !had.is_in_force || had.at.elapsed() < retry
        });
        let is_due = |site: &Wanted| match &site.state {
            WantedState::Barred(_) => false,
            WantedState::Due => !self.is_issued(site) || asked.contains(&site.host),
            WantedState::Failing(_) | WantedState::Held(_) => asked.contains(&site.host),
        };
        let mut due: Vec<Wanted> =
            planned.into_iter().filter(|site| is_due(site) && !self.running.contains(&site.host)).collect();
        due.sort_by_key(|site| {
            (!asked.contains(&site.host), site.validity.map_or(Timestamp(0), |held| held.not_after))
        });
        self.due = due.into();
    }

    /// It was had just now, or is not in force yet: nobody is to be asked for the same again and again.
    fn is_issued(&self, site: &Wanted) -> bool {
        self.issued.get(&site.host).is_some_and(|had| had.names == site.names)
    }

    /// Notes what came of an order.
    async fn note(&mut self, (site, result): Ended, server: &HttpUrl, wait: Option<Duration>) {
        self.running.remove(&site.host);
        let why = match result {
            Ok(issued) => match self.write(&site, issued).await {
                Ok(validity) => {
                    self.trouble.end();
                    self.authority_failures = 0;
                    self.keeper.metrics.acme_ordered("issued");
                    let names = site.names.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ");
                    tracing::info!(host = site.host, names, until = %validity.not_after, "a certificate was had");
                    let had = Had { names: site.names, validity, at: Instant::now(), is_in_force: false };
                    self.issued.insert(site.host.clone(), had);
                    if self.failed.remove(&site.host).is_some() {
                        self.keep(&site.host, None);
                    }
                    self.keeper.reload.changed();
                    self.look_soon();
                    return;
                }
                Err(why) => why,
            },
            Err(Failure::Site(why)) => why,
            Err(failure) => {
                self.due.push_front(site);
                self.leave_alone(failure, server, wait);
                return;
            }
        };
        self.trouble.end();
        self.authority_failures = 0;
        self.keeper.metrics.acme_ordered("failed");
        let failures = self.failed.get(&site.host).map_or(0, |failed| failed.failures).saturating_add(1);
        let now = self.keeper.clock.now();
        // Another one each time, so that what failed together is not tried together.
        let jitter = spread(&format!("{} {}", site.host, now.0));
        let wait = retry_after(self.keeper.config.retry, failures, jitter);
        let next = now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        tracing::warn!(host = site.host, failures, %next, "no certificate: {why}");
        let failed = Failed { failures, at: now, next, why };
        self.keep(&site.host, Some(&failed));
        self.failed.insert(site.host, failed);
        self.look_soon();
    }

    fn look_soon(&mut self) {
        self.seen = None;
    }

    fn keep(&mut self, host: &str, failed: Option<&Failed>) {
        if let Err(error) = self.files.note(host, failed) {
            tracing::error!(%error, host, "what failed is not kept in acme.dir; it is forgotten by a restart");
        }
    }

    /// The authority cannot be asked for a while.
    fn leave_alone(&mut self, failure: Failure, server: &HttpUrl, wait: Option<Duration>) {
        self.keeper.metrics.acme_ordered("authority");
        self.authority_failures = self.authority_failures.saturating_add(1);
        let config = &self.keeper.config;
        let why = match failure {
            Failure::Account(why) => match self.files.retire_account(&server.to_string()) {
                Ok(()) => format!("{why}: the account is not known any more, and another one is made"),
                Err(error) => format!("{why}: the account is not known any more, and cannot be put aside: {error}"),
            },
            Failure::Authority(why) | Failure::Site(why) => why,
        };
        let jitter = spread(&format!("{server} {}", self.keeper.clock.now().0));
        let backoff = retry_after(AUTHORITY_RETRY.min(config.retry), self.authority_failures, jitter).min(ENOUGH);
        let wait = wait.unwrap_or(backoff).max(LOOK_EVERY);
        self.resume = Some(Instant::now() + wait);
        self.trouble.tell(&format!("{server}: {why}; asked again in {} s", wait.as_secs()));
    }

    /// Writes what was had; the error says why it cannot be used.
    async fn write(&self, site: &Wanted, issued: Issued) -> Result<Validity, String> {
        let validity = validity(&issued.chain).ok_or("what the authority gave is no certificate")?;
        let (directory, host) = (self.keeper.certificates.clone(), site.host.clone());
        let written = spawn_blocking(move || write_certificate(&directory, &host, &issued.key, &issued.chain)).await;
        match written {
            Ok(Ok(())) => Ok(validity),
            Ok(Err(error)) => Err(format!("the certificate cannot be written into tls.certificates: {error}")),
            Err(error) => Err(format!("the certificate was not written: {error}")),
        }
    }
}

/// From when to when the first certificate of a chain is good.
fn validity(chain: &str) -> Option<Validity> {
    let (_, pem) = parse_x509_pem(chain.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(&pem.contents).ok()?;
    let time = |seconds: i64| Timestamp(seconds.saturating_mul(1_000));
    let validity = certificate.validity();
    Some(Validity {
        not_before: time(validity.not_before.timestamp()),
        not_after: time(validity.not_after.timestamp()),
    })
}
