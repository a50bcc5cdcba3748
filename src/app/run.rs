//! `zhamen run`: from the first look at the configuration to the last connection.

use std::{env, os::unix::net::UnixStream, path::Path, process::Command, sync::Arc, thread};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    net::UnixListener,
    select,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use super::{
    App, check_places, current_thread_runtime, failed, load, notify, privileges,
    sockets::{Sockets, of_systemd},
    takeover::{self, Door, Predecessor, Successor},
};
use crate::{
    base::{Problem, Severity},
    config::Config,
    control_plane::log_problems,
    data_plane::Listeners,
    telemetry,
};

/// How this process came to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// By itself.
    Fresh,
    /// To take over from the one that runs, if one does.
    Upgrade,
}

/// The signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user1: Signal,
    user2: Signal,
}

/// Runs until a signal says otherwise, or another process has taken over. An error means that nothing was
/// started.
pub fn run(path: &Path, beginning: Beginning) -> Result<(), Vec<Problem>> {
    let start = load(path)?;
    let config = start.config.clone();
    telemetry::init_operational_log(config.log.level, config.log.format);
    use_small_pages();
    let mut inherited = of_systemd()?;
    let mut predecessor = None;
    if let (Beginning::Upgrade, Some(socket)) = (beginning, &config.process.upgrade_socket) {
        match takeover::ask(socket).map_err(failed("the process that runs"))? {
            Some((other, sockets)) => {
                tracing::info!(process = other.process, "taking over");
                inherited.extend(sockets);
                predecessor = Some(other);
            }
            None => tracing::info!(socket = %socket.display(), "no process to take over from"),
        }
    }
    raise_descriptors(config.edge.limits.connections);
    let sockets = Sockets::with(&config, inherited)?;
    // Before any thread runs: what is given up here is given up by all of them.
    privileges::give_up(&config)?;
    // As the user that is to write.
    let found = check_places(&config);
    if found.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(found);
    }
    log_problems(&found);
    let runtime = current_thread_runtime().map_err(failed("no runtime for signals"))?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let app = App::start_on(sockets, predecessor.as_ref(), start, None)?;
        tokio::spawn(notify::watch(Arc::clone(&app.live)));
        let (listeners, door) = serve(&app, &config, path, &mut signals, predecessor).await;
        tracing::info!("stopping: draining connections");
        // A second signal does not wait for the drain.
        let stopping = tokio::task::spawn_blocking(move || app.stop(listeners));
        select! {
            _ = stopping => tracing::info!("stopped"),
            _ = signals.terminate.recv() => tracing::warn!("stopped at once"),
            _ = signals.interrupt.recv() => tracing::warn!("stopped at once"),
        }
        if let (Listeners::Closing, Some(door)) = (listeners, door) {
            door.remove();
        }
        Ok::<(), Vec<Problem>>(())
    })?;
    runtime.shutdown_background();
    Ok(())
}

/// Memory comes in the processor's small pages from now on. A large one is resident as a whole once a byte of it
/// is touched: ten thousand connections with some bytes each would cost what their buffers could hold.
fn use_small_pages() {
    if let Err(error) = nix::sys::prctl::set_thp_disable(true) {
        tracing::debug!(%error, "transparent huge pages stay as the system has them");
    }
}

/// Takes all descriptors that the system grants, and says so if they are too few.
fn raise_descriptors(connections: usize) {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        }
        Ok(hard)
    });
    match raised {
        // One for the client, and one for the origin.
        Ok(most) if most < 2 * connections as u64 => tracing::warn!(
            descriptors = most,
            connections,
            "limits.connections is more than the system grants descriptors for; raise LimitNOFILE, or lower it"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the number of descriptors could not be raised"),
    }
}

/// Serves until it is time to stop.
async fn serve(
    app: &App,
    config: &Config,
    path: &Path,
    signals: &mut Signals,
    predecessor: Option<Predecessor>,
) -> (Listeners, Option<Door>) {
    drop(predecessor);
    let status = format!("serving http {:?} https {:?}", app.http_addresses(), app.https_addresses());
    notify::ready(&status);
    let door = open_door(config);
    let listener = door.as_ref().and_then(|door| door.listener.try_clone().ok());
    let listener = listener.and_then(|listener| UnixListener::from_std(listener).ok());
    // What comes of an offer; one at a time.
    let (tell, mut offers) = mpsc::channel::<Option<Successor>>(1);
    let (mut offering, mut reloading) = (false, false);
    loop {
        select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hang_up.recv() => {
                notify::reloading();
                reloading = true;
                app.reload();
            }
            () = app.reloaded(), if reloading => {
                reloading = false;
                notify::ready(&status);
            }
            _ = signals.user1.recv() => app.reopen_log(),
            _ = signals.user2.recv() => start_next(path),
            asked = accept(listener.as_ref()), if !offering => {
                let Some(stream) = asked else { continue };
                offering = offer(app, stream, tell.clone());
            }
            Some(came_of_it) = offers.recv() => {
                offering = false;
                if let Some(successor) = came_of_it {
                    app.let_go();
                    notify::handed_over_to(successor.process);
                    // Where it does not hear this it serves all the same: it has the sockets.
                    let heard = successor.yours().is_ok();
                    tracing::info!(process = successor.process, heard, "handed over");
                    return (Listeners::HandedOver, door);
                }
            }
        }
    }
    notify::stopping();
    (Listeners::Closing, door)
}

/// The socket for the next process. Without it Zhamen serves all the same.
fn open_door(config: &Config) -> Option<Door> {
    let path = config.process.upgrade_socket.as_deref()?;
    let opened = Door::open(path);
    opened
        .inspect_err(|error| {
            tracing::warn!(%error, socket = %path.display(), "no process can take over from this one");
        })
        .ok()
}

async fn accept(listener: Option<&UnixListener>) -> Option<UnixStream> {
    match listener {
        Some(listener) => match listener.accept().await {
            Ok((stream, _)) => stream.into_std().ok(),
            Err(error) => {
                tracing::warn!(%error, "the socket for the next process could not be read");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                None
            }
        },
        None => std::future::pending().await,
    }
}

/// Offers the sockets, on a thread of its own: the other one may take its time. `false`: it does not.
fn offer(app: &App, stream: UnixStream, tell: mpsc::Sender<Option<Successor>>) -> bool {
    let listeners = match app.listeners() {
        Ok(listeners) => listeners,
        Err(error) => {
            tracing::error!(%error, "the sockets cannot be offered");
            return false;
        }
    };
    let offer = move || {
        let successor = takeover::offer(stream, &listeners);
        let successor = successor.inspect_err(|error| tracing::warn!(%error, "nobody took over")).ok();
        // Where nobody listens any more, this process is stopping.
        let _ = tell.blocking_send(successor);
    };
    thread::Builder::new().name("takeover".into()).spawn(offer).is_ok()
}

/// Starts this binary, as it is on disk now, to take over from this process.
fn start_next(path: &Path) {
    let binary = env::args_os().next().unwrap_or_else(|| "zhamen".into());
    let started = Command::new(binary)
        .args(["run", "--upgrade", "--config"])
        .arg(path)
        // These are about this process alone.
        .env_remove("WATCHDOG_PID")
        .env_remove("LISTEN_PID")
        .env_remove("LISTEN_FDS")
        .env_remove("LISTEN_FDNAMES")
        .spawn();
    match started {
        Ok(mut child) => {
            tracing::info!(process = child.id(), "started the next process");
            // It stays when this one goes; until then somebody has to hear how it ends.
            let waiting = thread::Builder::new().name("next".into()).spawn(move || match child.wait() {
                Ok(status) if !status.success() => tracing::error!(%status, "the next process gave up"),
                Ok(_) | Err(_) => {}
            });
            drop(waiting);
        }
        Err(error) => tracing::error!(%error, "the next process could not be started"),
    }
}

impl Signals {
    fn listen() -> Result<Self, Vec<Problem>> {
        let listen = |kind| signal(kind).map_err(failed("no handler for signals"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
            user1: listen(SignalKind::user_defined1())?,
            user2: listen(SignalKind::user_defined2())?,
        })
    }
}
