//! The daemon's state, shared by all its tasks on one thread. No borrow lasts over an `await`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

use gatekeeper_common::label::Label;
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::error;

use super::enforcer::{Enforcer, not_enforcing};
use super::permits::Permits;
use super::policy_cache::PolicyCache;
use super::rate::HookReportQuotas;
use super::record::Session;
use super::store::Store;
use crate::config::Config;
use crate::hold::check::Permits as Checking;
use crate::hold::notify::Notifier;
use crate::hold::queue::{Bell, Queue};
use crate::sys::inotify::{Inotify, Watch};
use crate::sys::process;
use gatekeeper_kernel::{Hook, Liveness};
use gatekeeper_record::record::{Change, HookChange, PolicyRefused, Record, SessionChange};
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::explain::Facts;
use gatekeeper_trail::trail::Trail;

/// The state.
#[derive(Debug)]
pub struct Gate {
    /// The configuration.
    pub config: Config,
    /// The kernel's id of this boot.
    pub boot: String,
    /// The kernel side, or why it is not there.
    pub kernel: RefCell<Result<Box<dyn Enforcer>, String>>,
    /// The sessions that are open.
    pub sessions: RefCell<BTreeMap<SessionId, Session>>,
    /// The same on disk.
    pub store: Store,
    /// The audit trail.
    pub trail: RefCell<Trail>,
    /// What waits for a decision.
    pub holds: RefCell<Queue>,
    /// Rung when holds have to be looked at.
    pub bell: Bell,
    /// Leave to check holds.
    pub checking: Checking,
    /// Tells people that something waits.
    pub notifier: Notifier,
    /// Tells when a session's cgroup changes.
    pub watch: Rc<Inotify>,
    /// What is watched, by session.
    pub watches: RefCell<BTreeMap<SessionId, Watch>>,
    /// Leave to compile a policy.
    pub compiling: Permits,
    /// Policies compiled for being asked.
    pub judges: PolicyCache,
    /// How much each session may still tell through its assistant's hooks.
    pub tellings: RefCell<HookReportQuotas>,
    /// Leave to reload: one at a time.
    pub reloading: Mutex<()>,
    /// Which hooks enforce, as the trail was last told.
    pub hooks_told: RefCell<BTreeMap<String, bool>>,
    /// Asks whoever reads the kernel's events to take in all that are there; see [`Gate::freshen`].
    pub drain: mpsc::Sender<oneshot::Sender<()>>,
}

impl Gate {
    /// Puts the parts together.
    pub fn new(
        config: Config,
        boot: String,
        kernel: Result<Box<dyn Enforcer>, String>,
        store: Store,
        trail: Trail,
        drain: mpsc::Sender<oneshot::Sender<()>>,
    ) -> io::Result<Self> {
        let holds = RefCell::new(Queue::open(&config.state, &boot)?);
        Ok(Self {
            holds,
            bell: Bell::default(),
            checking: Checking::default(),
            notifier: Notifier::start(&config.notify)?,
            config,
            boot,
            kernel: RefCell::new(kernel),
            sessions: RefCell::default(),
            store,
            trail: RefCell::new(trail),
            watch: Rc::new(Inotify::new()?),
            watches: RefCell::default(),
            compiling: Permits::default(),
            judges: PolicyCache::default(),
            tellings: RefCell::default(),
            reloading: Mutex::new(()),
            hooks_told: RefCell::default(),
            drain,
        })
    }

    /// Does something with the kernel side, where there is one.
    pub fn with_kernel<T, E: std::fmt::Display>(
        &self,
        act: impl FnOnce(&mut dyn Enforcer) -> Result<T, E>,
    ) -> Result<T, Refusal> {
        match &mut *self.kernel.borrow_mut() {
            Ok(kernel) => {
                act(kernel.as_mut()).map_err(|error| Refusal::new(Reason::Failed, error.to_string()))
            }
            Err(why) => Err(not_loaded(why)),
        }
    }

    /// Whether sessions can be opened; if not, why and what to do.
    pub fn ready(&self) -> Result<(), Refusal> {
        match &*self.kernel.borrow() {
            Err(why) => Err(not_loaded(why)),
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

    /// The label of a process; an error where it is gone. Without that, nothing could be told of a process that has
    /// ended and one that is free, and what it left behind would be taken for free.
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
        match self.watch.watch(&super::cgroup::events_file(&session.cgroup)) {
            Ok(watch) => drop(self.watches.borrow_mut().insert(session.id, watch)),
            // It is also looked at from time to time.
            Err(error) => error!("{}: {error}", session.cgroup.display()),
        }
        self.sessions.borrow_mut().insert(session.id, session);
    }

    /// Writes a change of a session into the trail.
    pub fn note(&self, session: &Session, change: Change, note: Option<String>) {
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
            ends: session.ends.map(|ends| Moment::at_boot_time(Duration::from_nanos(ends))),
            command: if change == Change::Opened { session.command.clone() } else { Vec::new() },
            note,
        }));
    }

    /// Writes into the trail which hooks enforce, as far as that changed since it was last told.
    pub fn note_hooks(&self) {
        let changes: Vec<HookChange> = match &*self.kernel.borrow() {
            Err(_) => return,
            Ok(kernel) => kernel.hooks().iter().map(hook_change).collect(),
        };
        for change in changes {
            let before = self.hooks_told.borrow_mut().insert(change.hook.clone(), change.live);
            if before != Some(change.live) {
                self.trail.borrow_mut().note(Record::Hook(change));
            }
        }
    }

    /// Writes into the trail that a policy was refused, if that is what went wrong.
    pub fn note_refused<T>(&self, uid: u32, asked: &str, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = &result
            && refusal.reason == Reason::Policy
        {
            self.trail.borrow_mut().note(Record::Refused(PolicyRefused {
                time: Moment::now(),
                owner: uid,
                policy: asked.to_owned(),
                why: refusal.message.clone(),
            }));
        }
        result
    }

    /// Takes in every event that the kernel has sent by now, and reports what it lost.
    pub async fn freshen(&self) {
        let (done, told) = oneshot::channel();
        // Without the kernel side nobody reads, and there is nothing to read.
        if self.drain.send(done).await.is_ok() {
            let _ = told.await;
        }
        self.settle();
    }

    /// Reports what the kernel lost since the last time.
    pub fn settle(&self) {
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
    HookChange { time, hook: hook.name.to_owned(), live, why }
}

fn not_loaded(why: &str) -> Refusal {
    let message = format!("no session can be opened: the kernel side is not loaded: {why}");
    Refusal::new(Reason::NotEnforcing, message).help("`gatekeeper doctor` says what to change")
}
