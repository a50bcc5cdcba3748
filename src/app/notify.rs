//! What systemd is told: that Zhamen serves, reloads, stops, and that its workers still answer.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

use crate::telemetry::Live;

/// Tells systemd, where there is one that listens.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// Zhamen serves; this process is the one to watch.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::MainPid(std::process::id()), NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload begins; [`ready`] ends it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd could not be told of the reload"),
    }
}

/// It stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Another process is the one to watch.
pub(super) fn handed_over_to(process: u32) {
    tell(&[NotifyState::MainPid(process), NotifyState::Status("handed over; draining")]);
}

/// Keeps the watchdog quiet for as long as every worker answers.
pub(super) async fn watch(live: Arc<Live>) {
    let Some(time) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = interval((time / 3).max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Vec::new();
    loop {
        ticks.tick().await;
        let beats = live.beats();
        // A worker that has not begun yet has no beat to be compared.
        let stuck = beats.iter().zip(&before).filter(|(now, before)| now == before).count();
        if stuck == 0 {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(workers = stuck, "workers do not answer; the watchdog is not kept quiet");
        }
        before = beats;
    }
}
