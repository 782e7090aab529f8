//! The daemon: starts up, takes over what runs, serves until told to stop. Enforcement outlives it.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use gatekeeper_common::verdict::Cause;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tracing::{error, info, warn};

use crate::api::server;
use crate::config::Config;
use crate::hold;
use crate::session::enforcer::Enforcer;
use crate::session::gate::Gate;
use crate::session::store::Store;
use crate::session::{adopt, cgroup, end, expire, hook, recordings, reload};
use crate::sys;
use gatekeeper_kernel::{EventStream, Kernel};
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::{DaemonChange, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::files;
use gatekeeper_trail::trail::Trail;

/// How often losses are looked for.
const SETTLING: Duration = Duration::from_secs(1);
/// How often sessions are looked at that no watch tells of: those whose tasks left their cgroup.
const SWEEPING: Duration = Duration::from_secs(5);
/// Time between looks for recordings that are too old.
const PRUNING: Duration = Duration::from_secs(3600);
/// The least time between two sweeps, however often cgroups change.
const PAUSE: Duration = Duration::from_millis(20);
/// How long to wait for the trail's writer where it is behind.
const CATCHING_UP: Duration = Duration::from_millis(5);
/// How long to wait after the kernel's events could not be read.
const READING: Duration = Duration::from_secs(1);

/// Why the daemon can't start.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct DaemonError {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl DaemonError {
    /// Something went wrong at this.
    pub(crate) fn at<E: Into<Box<dyn Error + Send + Sync>>>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self { what, source: source.into() }
    }
}

/// Runs until SIGTERM or SIGINT.
pub fn run(config: Config) -> Result<(), DaemonError> {
    let _lock = alone(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .map_err(DaemonError::at("starting the runtime"))?;
    runtime.block_on(LocalSet::new().run_until(serve(config)))
}

/// For root, and one at a time; held until what it returns is dropped.
pub(crate) fn alone(config: &Config) -> Result<File, DaemonError> {
    if sys::process::effective_uid() != 0 {
        let source =
            io::Error::new(io::ErrorKind::PermissionDenied, "only root can: try `sudo gatekeeper daemon`");
        return Err(DaemonError::at("starting the daemon")(source));
    }
    sys::fd::umask(0o022);
    let state = config.state.display().to_string();
    files::make_folder(&config.state, 0o700).map_err(DaemonError::at(state))?;
    lock(&config.state)
}

/// Two daemons would undo each other's work.
fn lock(state: &Path) -> Result<File, DaemonError> {
    let path = state.join("lock");
    let name = path.display().to_string();
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(DaemonError::at(name.clone()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            let source = io::Error::new(io::ErrorKind::AddrInUse, "another daemon is running");
            Err(DaemonError::at(name)(source))
        }
        Err(fs::TryLockError::Error(error)) => Err(DaemonError::at(name)(error)),
    }
}

/// Loads and proves the kernel side. What fails here is told by `status`, and no session is opened.
fn load(config: &Config) -> Result<(Kernel, EventStream), String> {
    let root = &config.cgroup;
    cgroup::make_root(root)
        .map_err(|error| format!("{}: {error}: is cgroup v2 mounted at {}?", root.display(), cgroup::ROOT))?;
    let mut kernel = Kernel::load(&config.pins).map_err(|error| error.to_string())?;
    let events = kernel.open_events().map_err(|error| error.to_string())?;
    if let Err(error) = Enforcer::prove(&mut kernel, config) {
        // The hooks stay unproved, which refuses sessions just as well.
        error!("proving the hooks: {error}");
    }
    Ok((kernel, events))
}

async fn serve(config: Config) -> Result<(), DaemonError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(DaemonError::at("SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(DaemonError::at("SIGINT"))?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(DaemonError::at("SIGHUP"))?;

    let boot = sys::process::boot_id().map_err(DaemonError::at("the boot's id"))?;
    let store = Store::open(&config.state).map_err(DaemonError::at("sessions"))?;
    let found = store.load().map_err(DaemonError::at("sessions"))?;
    let trail = Trail::open(&config.trail_settings(), &boot).map_err(DaemonError::at("the audit trail"))?;
    let (kernel, events) = match load(&config) {
        Ok((kernel, events)) => {
            let recording = kernel.recording().map_err(DaemonError::at("the switch of required records"))?;
            trail.tell_kernel(move |takes| recording.set(takes));
            (Ok(Box::new(kernel) as Box<dyn Enforcer>), Some(events))
        }
        Err(why) => (Err(why), None),
    };
    let (drain, draining) = mpsc::channel(64);
    let gate =
        Gate::new(config, boot, kernel, store, trail, drain).map_err(DaemonError::at("watching cgroups"))?;
    let gate = Rc::new(gate);
    if let Ok(counters) = gate.with_kernel(|kernel| kernel.counters()) {
        gate.trail.borrow_mut().begin(&counters);
    }
    note(&gate, true);
    gate.note_hooks();
    adopt::adopt(&gate, found).map_err(|error| DaemonError::at("taking over sessions")(error.to_string()))?;
    let socket = gate.config.socket.clone();
    let listener = server::bind(&socket).map_err(DaemonError::at(socket.display().to_string()))?;

    tokio::task::spawn_local(server::serve(Rc::clone(&gate), listener));
    match events {
        Some(events) => drop(tokio::task::spawn_local(pump(Rc::clone(&gate), events, draining))),
        // Nobody must wait for events that nobody reads.
        None => drop(draining),
    }
    tokio::task::spawn_local(watch(Rc::clone(&gate)));
    tokio::task::spawn_local(hold::serve::serve(Rc::clone(&gate)));
    tokio::task::spawn_local(tick(Rc::clone(&gate)));
    announce(&gate);

    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => {
                let gate = Rc::clone(&gate);
                tokio::task::spawn_local(async move { reload::reload(&gate).await });
            }
        }
    }
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    gate.freshen().await;
    note(&gate, false);
    if let Err(error) = fs::remove_file(&socket) {
        warn!("{}: {error}", socket.display());
    }
    info!("stopped; open sessions stay bound");
    Ok(())
}

fn note(gate: &Gate, started: bool) {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let before = gate.trail.borrow().version_before().map(str::to_owned);
    gate.trail.borrow_mut().note(Record::Daemon(DaemonChange {
        time: Moment::now(),
        started,
        version: VERSION.to_owned(),
        replaces: before.filter(|version| started && version != VERSION),
        boot: gate.boot.clone(),
    }));
}

/// Says whether sessions can be opened: to whoever looks at the output, and to systemd. For systemd the
/// daemon has started either way: it answers, and says what is wrong.
fn announce(gate: &Gate) {
    let status = match gate.ready() {
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
        warn!("telling systemd: {error}");
    }
}

/// Reads the kernel's events for ever.
async fn pump(gate: Rc<Gate>, mut events: EventStream, mut draining: mpsc::Receiver<oneshot::Sender<()>>) {
    loop {
        // What waits to be written is bounded: the kernel's buffer waits with it, and counts what it can't hold.
        let behind = gate.trail.borrow().is_behind();
        tokio::select! {
            () = tokio::time::sleep(CATCHING_UP), if behind => {}
            batch = events.next(), if !behind => match batch {
                Ok(batch) => take_in(&gate, &batch),
                Err(error) => {
                    error!("{error}");
                    tokio::time::sleep(READING).await;
                }
            },
            Some(done) = draining.recv() => {
                loop {
                    let batch = events.ready();
                    if batch.is_empty() {
                        break;
                    }
                    take_in(&gate, &batch);
                }
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
        // A flood of events must not keep the rest of the daemon waiting.
        tokio::task::yield_now().await;
    }
}

fn take_in(gate: &Gate, batch: &[RawEvent]) {
    gate.trail.borrow_mut().events(batch);
    for RawEvent { header, .. } in batch {
        if header.cause == Cause::TooManyHolds as u8
            && let Some(session) = SessionId::from_kernel(header.session)
        {
            let session = gate.outermost(session);
            gate.holds.borrow_mut().floods.denied(session, Duration::from_nanos(header.time));
        }
    }
    if batch.iter().any(|event| event.header.hold != 0) {
        gate.bell.0.notify_one();
    }
}

/// Ends sessions as their cgroups become empty.
async fn watch(gate: Rc<Gate>) {
    let changes = match gatekeeper_kernel::sys::watch::watch(Rc::clone(&gate.watch)) {
        Ok(changes) => changes,
        Err(error) => return error!("watching cgroups: {error}"),
    };
    loop {
        // An error would mean that the runtime is shutting down.
        let Ok(mut guard) = changes.readable().await else { return };
        guard.clear_ready();
        if let Err(error) = gate.watch.drain() {
            error!("watching cgroups: {error}");
        }
        // Its last events come before its end.
        gate.freshen().await;
        end::sweep(&gate);
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is due from time to time.
async fn tick(gate: Rc<Gate>) {
    let mut settling = tokio::time::interval(SETTLING);
    let mut sweeping = tokio::time::interval(SWEEPING);
    let mut pruning = tokio::time::interval(PRUNING);
    loop {
        tokio::select! {
            _ = settling.tick() => {
                gate.settle();
                hook::settle(&gate);
                expire::expire(&gate);
            }
            _ = sweeping.tick() => end::sweep(&gate),
            _ = pruning.tick() => recordings::prune(&gate),
        }
    }
}
