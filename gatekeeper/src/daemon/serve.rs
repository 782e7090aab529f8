//! The daemon's start, its tasks, and its end.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use gatekeeper_kernel::{EventStream, Kernel, KernelError};
use gatekeeper_record::record::{DaemonChange, Record};
use gatekeeper_record::time::Moment;
use gatekeeper_trail::trail::{Others, Trail};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::control::server;
use super::session::{adopt, reload};
use super::state::{NotLoaded, State};
use super::supervise::Tasks;
use super::{DaemonError, events, handle, tick, watchdog};
use crate::config::Config;
use crate::session::cgroup;
use crate::session::enforcer::{Enforcer, prove};
use crate::session::store::Store;
use crate::sys;

/// A kernel side that can't be loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    /// The folder of the sessions' cgroups can't be made.
    #[error("{root}: {source}: is cgroup v2 mounted at {mounted}?", root = root.display(), mounted = cgroup::ROOT)]
    Cgroup {
        /// Its path.
        root: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The kernel refuses the programs.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// Loads and proves the kernel side. What fails here is shown by `status`, and no session is opened.
fn load(config: &Config) -> Result<(Kernel, EventStream), LoadError> {
    let root = &config.cgroup;
    cgroup::make_root(root).map_err(|source| LoadError::Cgroup { root: root.clone(), source })?;
    let mut kernel = Kernel::load(&config.pins)?;
    let events = kernel.open_events()?;
    if let Err(error) = prove(&mut kernel, config) {
        // The hooks stay unproved, which refuses sessions just as well.
        error!("proving the hooks: {error}");
    }
    Ok((kernel, events))
}

/// Starts the daemon and serves until a signal stops it.
///
/// # Errors
/// Where a step of the start fails; see each cause.
pub(super) async fn serve(config: Config) -> Result<(), DaemonError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(DaemonError::at("SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(DaemonError::at("SIGINT"))?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(DaemonError::at("SIGHUP"))?;

    let boot = sys::process::boot_id().map_err(DaemonError::at("the boot's id"))?;
    let store = Store::open(&config.state).map_err(DaemonError::at("sessions"))?;
    let mut set_aside = Vec::new();
    let found = store.load(&mut set_aside).map_err(DaemonError::at("sessions"))?;
    let open = found.iter().filter(|session| session.boot == boot).map(|session| session.id);
    let mut trail =
        Trail::resume(&config.trail_settings(), &boot, open).map_err(DaemonError::at("the audit trail"))?;
    trail.set_aside(&set_aside);
    let damaged = store.damaged().map_err(DaemonError::at("sessions"))?;
    let others = if damaged.is_empty() { Others::Remove } else { Others::Keep };
    let (kernel, events) = match load(&config) {
        Ok((kernel, events)) => {
            let recording = kernel.recording().map_err(DaemonError::at("the switch of required records"))?;
            trail.tell_kernel(move |takes| recording.set(takes));
            (Ok(Box::new(kernel) as Box<dyn Enforcer>), Some(events))
        }
        Err(why) => (Err(NotLoaded(why.to_string())), None),
    };
    let (drain, draining) = mpsc::channel(64);
    let daemon =
        State::new(config, boot, kernel, store, trail, drain).map_err(DaemonError::at("watching cgroups"))?;
    let daemon = Rc::new(daemon);
    if let Ok(counters) = daemon.with_kernel(|kernel| kernel.counters()) {
        daemon.trail_mut().begin(&counters);
    }
    note(&daemon, true, None);
    daemon.record_hooks();
    let adopted = adopt::adopt(&daemon, found, others).map_err(DaemonError::at("taking over sessions"))?;
    if adopted.rules_lost {
        // Before their events are read: without them, secrets that only a policy names would go on record.
        reload::reload(&daemon).await;
    }
    let socket = daemon.config().socket.clone();
    let listener = server::bind(&socket).map_err(DaemonError::at(socket.display().to_string()))?;

    let mut tasks = Tasks::default();
    tasks.start("connections", server::serve(Rc::clone(&daemon), listener));
    match events {
        Some(stream) => tasks.start("events", events::pump(Rc::clone(&daemon), stream, draining)),
        // Nobody must wait for events that nobody reads.
        None => drop(draining),
    }
    tasks.start("cgroups", tick::watch(Rc::clone(&daemon)));
    tasks.start("holds", super::hold::serve::serve(Rc::clone(&daemon)));
    tasks.start("timers", tick::tick(Rc::clone(&daemon)));
    let (handle, requests) = handle::channel();
    tasks.start("requests", handle::answer_all(Rc::clone(&daemon), requests));
    watchdog::start(handle.clone()).map_err(DaemonError::at("the watchdog's thread"))?;
    announce(&daemon);

    let failure = loop {
        tokio::select! {
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            ended = tasks.ended(&daemon) => break Some(ended),
            _ = hang_up.recv() => {
                let daemon = Rc::clone(&daemon);
                tokio::task::spawn_local(async move { reload::reload(&daemon).await });
            }
        }
    };
    drop(handle);
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    // Without the task that reads events, nobody would answer.
    if failure.is_none() {
        daemon.freshen().await;
    }
    note(&daemon, false, failure.as_ref().map(ToString::to_string));
    if let Err(error) = fs::remove_file(&socket) {
        warn!("{}: {error}", socket.display());
    }
    if let Some(ended) = failure {
        error!("{ended}; stopped, open sessions stay bound");
        return Err(DaemonError::at("stopped")(ended));
    }
    info!("stopped; open sessions stay bound");
    Ok(())
}

fn note(daemon: &State, started: bool, failure: Option<String>) {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let before = daemon.trail().version_before().map(str::to_owned);
    daemon.trail_mut().note(Record::Daemon(DaemonChange {
        time: Moment::now(),
        started,
        version: VERSION.to_owned(),
        replaces: before.filter(|version| started && version != VERSION),
        boot: daemon.boot().to_owned(),
        failure,
    }));
}

/// Says whether sessions can be opened: to whoever looks at the output, and to systemd. For systemd the
/// daemon has started either way: it answers, and says what is wrong.
fn announce(daemon: &State) {
    let status = match daemon.ready() {
        Ok(()) => {
            // Whoever waits for this line reads a pipe, and may have closed it.
            let _ = writeln!(io::stdout(), "ready").and_then(|()| io::stdout().flush());
            "ready: sessions can be opened".to_owned()
        }
        Err(refusal) => {
            error!("not ready: {refusal}");
            format!("not ready: {}", refusal.message)
        }
    };
    let line = status.replace('\n', " ");
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&line)]) {
        warn!("notifying systemd: {error}");
    }
}
