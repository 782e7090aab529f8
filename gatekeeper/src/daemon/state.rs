//! The daemon's state: one owner on the one thread. No borrow lasts over an `await`.
//!
//! Fields are private; the rest of the daemon goes through the methods here. Other threads ask through a
//! `daemon::handle::Handle`.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

use gatekeeper_common::label::Label;
use gatekeeper_kernel::{Hook, Liveness};
use gatekeeper_record::record::{Change, HookChange, PolicyRefused, Record, SessionChange};
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::safe_text::cut;
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::explain::Facts;
use gatekeeper_trail::trail::Trail;
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::error;

use super::policy_cache::PolicyCache;
use crate::config::Config;
use crate::hold::check::Permits as CheckPermits;
use crate::hold::notify::Notifier;
use crate::hold::queue::{Bell, Queue};
use crate::session::cgroup;
use crate::session::enforcer::{Enforcer, not_enforcing};
use crate::session::permits::Permits;
use crate::session::rate::HookReportQuotas;
use crate::session::record::Session;
use crate::session::store::Store;
use crate::sys::inotify::{Inotify, Watch};
use crate::sys::process;

/// Open sessions, by their ids.
pub type Sessions = BTreeMap<SessionId, Session>;

/// The reason that there is no kernel side, for people.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotLoaded(pub String);

impl From<&str> for NotLoaded {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// The kernel side, or why it is not there.
pub type KernelSide = Result<Box<dyn Enforcer>, NotLoaded>;

/// Characters of a refused policy's name and of the reason that are recorded: whoever asked chose them.
const REFUSED: usize = 1024;

/// The state.
#[derive(Debug)]
pub struct State {
    config: Config,
    /// The kernel's id of this boot.
    boot: String,
    kernel: RefCell<KernelSide>,
    sessions: RefCell<Sessions>,
    /// The same on disk.
    store: Store,
    trail: RefCell<Trail>,
    holds: RefCell<Queue>,
    /// Rung when holds have to be looked at.
    bell: Bell,
    check_permits: CheckPermits,
    notifier: Notifier,
    cgroup_changes: Rc<Inotify>,
    cgroup_watches: RefCell<BTreeMap<SessionId, Watch>>,
    compile_permits: Permits,
    policies: PolicyCache,
    report_quotas: RefCell<HookReportQuotas>,
    /// One reload at a time.
    reload_lock: Mutex<()>,
    /// The hooks that enforce, as the trail has them.
    hooks_recorded: RefCell<BTreeMap<String, bool>>,
    /// Asks whoever reads the kernel's events to take in all that are there; see [`State::freshen`].
    drain: mpsc::Sender<oneshot::Sender<()>>,
}

impl State {
    /// The parts put together.
    ///
    /// # Errors
    /// Where a damaged journal of holds can't be renamed, or cgroups can't be watched.
    pub fn new(
        config: Config,
        boot: String,
        kernel: KernelSide,
        store: Store,
        mut trail: Trail,
        drain: mpsc::Sender<oneshot::Sender<()>>,
    ) -> io::Result<Self> {
        let mut set_aside = Vec::new();
        let holds = RefCell::new(Queue::open(&config.state, &boot, &mut set_aside)?);
        trail.set_aside(&set_aside);
        Ok(Self {
            holds,
            bell: Bell::default(),
            check_permits: CheckPermits::default(),
            notifier: Notifier::start(&config.notify)?,
            config,
            boot,
            kernel: RefCell::new(kernel),
            sessions: RefCell::default(),
            store,
            trail: RefCell::new(trail),
            cgroup_changes: Rc::new(Inotify::new()?),
            cgroup_watches: RefCell::default(),
            compile_permits: Permits::default(),
            policies: PolicyCache::default(),
            report_quotas: RefCell::default(),
            reload_lock: Mutex::new(()),
            hooks_recorded: RefCell::default(),
            drain,
        })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The kernel's id of this boot.
    #[must_use]
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// The kernel side, or why it is not there.
    pub fn kernel(&self) -> Ref<'_, KernelSide> {
        self.kernel.borrow()
    }

    /// The sessions that are open.
    pub fn sessions(&self) -> Ref<'_, Sessions> {
        self.sessions.borrow()
    }

    /// The same, to be changed.
    pub fn sessions_mut(&self) -> RefMut<'_, Sessions> {
        self.sessions.borrow_mut()
    }

    /// The sessions on disk.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The audit trail.
    pub fn trail(&self) -> Ref<'_, Trail> {
        self.trail.borrow()
    }

    /// The same, to be written to.
    pub fn trail_mut(&self) -> RefMut<'_, Trail> {
        self.trail.borrow_mut()
    }

    /// The holds that wait for a decision.
    pub fn holds(&self) -> Ref<'_, Queue> {
        self.holds.borrow()
    }

    /// The same, to be changed.
    pub fn holds_mut(&self) -> RefMut<'_, Queue> {
        self.holds.borrow_mut()
    }

    /// The bell that is rung when holds have to be looked at.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Permits to check holds.
    #[must_use]
    pub fn check_permits(&self) -> &CheckPermits {
        &self.check_permits
    }

    /// The notices to people.
    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Changes of sessions' cgroups.
    #[must_use]
    pub fn cgroup_changes(&self) -> &Rc<Inotify> {
        &self.cgroup_changes
    }

    /// Permits to compile a policy.
    #[must_use]
    pub fn compile_permits(&self) -> &Permits {
        &self.compile_permits
    }

    /// Policies compiled for questions in user space.
    #[must_use]
    pub fn policies(&self) -> &PolicyCache {
        &self.policies
    }

    /// The remaining quota of hook reports of each session.
    pub fn report_quotas(&self) -> RefMut<'_, HookReportQuotas> {
        self.report_quotas.borrow_mut()
    }

    /// The lock of reloads: one at a time.
    #[must_use]
    pub fn reload_lock(&self) -> &Mutex<()> {
        &self.reload_lock
    }

    /// Runs `act` on the kernel side, where there is one.
    ///
    /// # Errors
    /// The error of `act`; [`Reason::NotEnforcing`] where there is no kernel side.
    pub fn with_kernel<T, E: std::fmt::Display>(
        &self,
        act: impl FnOnce(&mut dyn Enforcer) -> Result<T, E>,
    ) -> Result<T, Refusal> {
        match &mut *self.kernel.borrow_mut() {
            Ok(kernel) => {
                act(kernel.as_mut()).map_err(|error| Refusal::new(Reason::Failed, error.to_string()))
            }
            Err(why) => Err(not_loaded(&why.0)),
        }
    }

    /// Whether sessions can be opened; if not, why and what to do.
    ///
    /// # Errors
    /// [`Reason::NotEnforcing`] where the kernel side is not loaded or would not enforce.
    pub fn ready(&self) -> Result<(), Refusal> {
        match &*self.kernel.borrow() {
            Err(why) => Err(not_loaded(&why.0)),
            Ok(kernel) => match not_enforcing(kernel.hooks()) {
                None => Ok(()),
                Some(why) => {
                    let message =
                        format!("no session can be opened: the kernel would not enforce its policy: {why}");
                    Err(Refusal::new(Reason::NotEnforcing, message)
                        .help("`gatekeeper doctor` says what to change"))
                }
            },
        }
    }

    /// The label of a process; an error where it is gone. Without that error, a process that has
    /// ended would look like one that is free, and so would those it left behind.
    ///
    /// # Errors
    /// [`Reason::Failed`] where the process is gone; [`Reason::NotEnforcing`] where there is no kernel side.
    pub fn label_of(&self, pidfd: BorrowedFd<'_>) -> Result<Option<Label>, Refusal> {
        let label = self.with_kernel(|kernel| kernel.label_of(pidfd))?;
        // Alive afterwards means that the look-up found it.
        match process::is_alive(pidfd) {
            Ok(true) => Ok(label),
            Ok(false) => Err(Refusal::new(Reason::Failed, "the caller is gone")),
            Err(error) => Err(Refusal::new(Reason::Failed, format!("looking after the caller: {error}"))),
        }
    }

    /// The session that this one is in, and that one, and so on: the outermost. Itself where it is in none.
    #[must_use]
    pub fn outermost(&self, session: SessionId) -> SessionId {
        let sessions = self.sessions.borrow();
        let around = |id: &SessionId| sessions.get(id).and_then(|session| session.parent);
        // Each is opened in one that is there already, so there is no circle.
        std::iter::successors(Some(session), around).last().unwrap_or(session)
    }

    /// Makes a session known to the rest of the daemon.
    pub fn enroll(&self, session: Session) {
        let facts = Facts {
            name: session.name.clone(),
            owner: session.owner.uid,
            workspace: session.workspace.clone(),
            purpose: session.purpose.clone(),
            container: session.container.clone(),
        };
        let mut trail = self.trail.borrow_mut();
        trail.layers(session.id, session.serials());
        trail.session(session.id, facts);
        drop(trail);
        match self.cgroup_changes.watch(&cgroup::events_file(&session.cgroup)) {
            Ok(watch) => drop(self.cgroup_watches.borrow_mut().insert(session.id, watch)),
            // It is also looked at from time to time.
            Err(error) => error!("{}: {error}", session.cgroup.display()),
        }
        self.sessions.borrow_mut().insert(session.id, session);
    }

    /// Forgets a session that has ended: nothing of it is known to the rest of the daemon any more.
    pub fn forget(&self, session: SessionId) {
        self.sessions.borrow_mut().remove(&session);
        if let Some(watch) = self.cgroup_watches.borrow_mut().remove(&session) {
            self.cgroup_changes.unwatch(watch);
        }
        self.report_quotas.borrow_mut().forget(session);
    }

    /// Writes a change of a session into the trail.
    pub fn record_change(&self, session: &Session, change: Change, note: Option<String>) {
        self.trail.borrow_mut().note(Record::Session(SessionChange {
            time: Moment::now(),
            session: session.id,
            session_name: session.name.clone(),
            owner: session.owner.uid,
            change,
            policies: session.policies(),
            purpose: session.purpose.clone(),
            container: session.container.clone(),
            parent: session.parent,
            workspace: Some(session.workspace.to_string_lossy().into_owned()),
            user: Some(session.owner.name.clone()),
            expires: session.ends.map(|ends| Moment::at_boot_time(Duration::from_nanos(ends))),
            command: if change == Change::Opened { session.command.clone() } else { Vec::new() },
            note,
        }));
    }

    /// Writes into the trail which hooks enforce, as far as that changed since the last time.
    pub fn record_hooks(&self) {
        let changes: Vec<HookChange> = match &*self.kernel.borrow() {
            Err(_) => return,
            Ok(kernel) => kernel.hooks().iter().map(hook_change).collect(),
        };
        for change in changes {
            let before = self.hooks_recorded.borrow_mut().insert(change.hook.clone(), change.live);
            if before != Some(change.live) {
                self.trail.borrow_mut().note(Record::Hook(change));
            }
        }
    }

    /// Writes into the trail that a policy was refused, if that is what went wrong.
    ///
    /// # Errors
    /// The error of `result`, unchanged.
    pub fn record_refused<T>(&self, uid: u32, asked: &str, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = &result
            && refusal.reason == Reason::Policy
        {
            self.trail.borrow_mut().note(Record::PolicyRefused(PolicyRefused {
                time: Moment::now(),
                owner: uid,
                policy: cut(asked, REFUSED),
                reason: cut(&refusal.message, REFUSED),
            }));
        }
        result
    }

    /// Takes in every event that the kernel has sent by now, and reports what it lost.
    pub async fn freshen(&self) {
        let (done, drained) = oneshot::channel();
        // Without the kernel side nobody reads, and there is nothing to read.
        if self.drain.send(done).await.is_ok() {
            let _ = drained.await;
        }
        self.record_losses();
    }

    /// Reports what the kernel lost since the last time.
    pub fn record_losses(&self) {
        match self.with_kernel(|kernel| kernel.counters()) {
            Ok(counters) => self.trail.borrow_mut().settle(&counters),
            Err(error) if error.reason == Reason::NotEnforcing => {}
            Err(error) => error!("{error}"),
        }
    }
}

fn hook_change(hook: &Hook) -> HookChange {
    let (live, why) = match &hook.liveness {
        Liveness::Live | Liveness::Attached => (true, None),
        Liveness::Unproved => (false, Some("attached, not proved".to_owned())),
        Liveness::Dead(why) => (false, Some(why.clone())),
    };
    let time = Moment::now();
    HookChange { time, hook: hook.name.to_owned(), live, reason: why }
}

fn not_loaded(why: &str) -> Refusal {
    let message = format!("no session can be opened: the kernel side is not loaded: {why}");
    Refusal::new(Reason::NotEnforcing, message).help("`gatekeeper doctor` says what to change")
}
