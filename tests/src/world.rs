//! The machine as tests find it: gatekeeper installed, its daemon running, users, fixtures to act on.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::actor::Actor;
use crate::daemon::{Daemon, STATE};
use crate::failure::Late;
use crate::fixtures;

/// The folder of the tests' policies, found by name.
pub const POLICIES: &str = "/etc/gatekeeper/policies";
/// The folder of the suite's own files while it runs.
const RUN: &str = "/run/gatekeeper-suite";
/// Pauses between two looks at a condition: at first, and after a while. Looking takes the machine's time, too.
const LOOK: Duration = Duration::from_millis(10);
const LOOK_LATER: Duration = Duration::from_millis(200);
/// Time limit of anything that must come. Two emulated guests on a busy machine may stand still for many seconds. A wait
/// ends as soon as its condition holds.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// The users that act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Root,
    Dev,
    Alice,
}

impl User {
    pub fn home(self) -> &'static str {
        match self {
            Self::Root => "/root",
            Self::Dev => "/home/dev",
            Self::Alice => "/home/alice",
        }
    }

    /// Makes a command this user's.
    pub fn become_of(self, command: &mut Command) {
        let (name, uid) = match self {
            Self::Root => ("root", 0),
            Self::Dev => ("dev", 1000),
            Self::Alice => ("alice", 1001),
        };
        command.env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8").env("TERM", "dumb");
        command.env("HOME", self.home()).env("USER", name).env("LOGNAME", name);
        if uid != 0 {
            command.gid(uid).uid(uid);
        }
    }
}

/// The state that all tests share.
pub struct World {
    daemon: Mutex<Option<Daemon>>,
    /// Leaders of the process groups that a test started.
    groups: Mutex<Vec<u32>>,
    serial: AtomicU32,
}

impl World {
    /// Installs what tests need and starts the daemon.
    pub fn build() -> Result<Self> {
        for folder in [RUN, POLICIES] {
            fs::create_dir_all(folder).with_context(|| format!("making {folder}"))?;
        }
        fixtures::lay()?;
        let daemon = Daemon::start(true)?;
        Ok(Self { daemon: Mutex::new(Some(daemon)), groups: Mutex::default(), serial: AtomicU32::new(0) })
    }

    pub fn daemon(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the daemon where an earlier test failed with it stopped.
    pub fn need_daemon(&self) -> Result<()> {
        // A test that hangs may have it in its hands still.
        if let Ok(mut daemon) = self.daemon.try_lock()
            && daemon.is_none()
        {
            *daemon = Some(Daemon::start(true)?);
        }
        Ok(())
    }

    /// Returns the last lines of the daemon's log.
    pub fn daemon_words(&self) -> Option<String> {
        let text = crate::daemon::log();
        let mut lines: Vec<&str> = text.lines().rev().take(3).collect();
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join(" | "))
    }

    /// Returns a number that nothing else has.
    pub fn number(&self) -> u32 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the path of a new file for one run.
    pub fn run_file(&self, name: &str) -> PathBuf {
        Path::new(RUN).join(format!("{name}-{}", self.number()))
    }

    /// Writes a policy where it is found by name.
    pub fn policy(&self, name: &str, text: &str) -> Result<()> {
        let (path, part) = (format!("{POLICIES}/{name}.toml"), format!("{POLICIES}/{name}.part"));
        fs::write(&part, text).with_context(|| format!("writing {part}"))?;
        fs::rename(&part, &path).with_context(|| format!("writing {path}"))
    }

    /// Returns the command `gatekeeper` with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::daemon::GATEKEEPER);
        command.args(arguments);
        command
    }

    /// Runs `gatekeeper` as somebody outside any session: in the home folder, or where a session is to work.
    pub fn gatekeeper(&self, user: User, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(arguments);
        user.become_of(&mut command);
        // A home folder is no workspace.
        let opens = arguments.first() == Some(&"run") && !arguments.contains(&"--workspace");
        let at = if opens { fixtures::WORK } else { user.home() };
        command.current_dir(at).stdin(Stdio::null()).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().with_context(|| format!("starting gatekeeper {arguments:?}"))?;
        self.remember(child.id());
        child.wait_with_output().with_context(|| format!("waiting for gatekeeper {arguments:?}"))
    }

    /// Runs it as root, where it must succeed. Returns its output.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.gatekeeper(User::Root, arguments)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("gatekeeper {arguments:?} ended with {}: {words}", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it as root and parses its output: one JSON object a line.
    pub fn ask_json(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let text = self.ask(arguments)?;
        let parse = |line| serde_json::from_str(line).with_context(|| format!("gatekeeper wrote {line:?}"));
        text.lines().map(parse).collect()
    }

    /// Starts an actor outside any session.
    pub fn free(&self, user: User) -> Result<Actor> {
        let mut command = Command::new(fixtures::ACTOR);
        command.arg("actor").current_dir("/");
        Actor::start(self, command, user, None)
    }

    /// Has `clear_away` end a process, with its group.
    pub fn remember(&self, leader: u32) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).push(leader);
    }

    /// Ends what a test left running.
    pub fn clear_away(&self) {
        for group in self.groups.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // SAFETY: no pointers. The group is gone, or is one that a test started.
            unsafe { libc::kill(-(group as i32), libc::SIGKILL) };
        }
    }

    /// Ends all sessions and starts the daemon again without its state. Each start reads back the last records, which
    /// takes long after a storm of them.
    pub fn empty_state(&self) -> Result<()> {
        self.end_sessions()?;
        self.daemon().take().context("no daemon")?.stop();
        fs::remove_dir_all(STATE).context(STATE)?;
        *self.daemon() = Some(Daemon::start(true)?);
        Ok(())
    }

    /// Ends the daemon.
    pub fn end(&self) {
        if let Some(daemon) = self.daemon().take() {
            daemon.stop();
        }
    }
}

fn has_flag(what: &str) -> bool {
    std::env::args().any(|word| word == what)
}

/// Whether nothing is to be left out, however long it takes.
pub fn whole() -> bool {
    has_flag("--whole")
}

/// Whether the longest tests run in full. The matrix is five guests, emulated: on four of them what does not depend on
/// the kernel is left out or done less often, unless it is asked for. A list names all.
pub fn in_full() -> bool {
    if has_flag("--list") || whole() {
        return true;
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let is_other = ["6.1.", "6.18.", "7."].iter().any(|series| release.starts_with(series));
    !is_other && !has_flag("--no-bpf-lsm")
}

/// Polls for an answer, which must come within [`PATIENCE`].
pub fn until<T>(what: &str, look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    until_within(what, PATIENCE, look)
}

/// Polls for an answer within a limit, where the caller goes on without it.
pub fn until_within<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begun = Instant::now();
    let mut pause = LOOK;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if begun.elapsed() > limit {
            return Err(Late { what: what.to_owned(), limit }.into());
        }
        std::thread::sleep(pause);
        pause = (pause * 5 / 4).min(LOOK_LATER);
    }
}
