//! A worker: one attack at a time, with a workspace, a guarded folder, helpers and a victim of its own.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Error, Result, bail, ensure};

use super::KIT;
use super::attack::Attack;
use super::driver::Driver;
use super::outside::{self, OPEN_PORT, PORT, Seen};
use super::peer::Peer;
use super::shell::Shell;
use super::victim::Victim;
use crate::fixtures::{file_with, folder, give};
use crate::world::{User, World};

/// This very program, where a guest has it.
pub const PROGRAM: &str = "/usr/libexec/gatekeeper-tests/gatekeeper-escapes";
/// The policy of labelled runs.
pub const POLICY: &str = "escapes";
/// The policy of root's: every capability is allowed, so that only built-in limits and other rules are left.
pub const ROOT_POLICY: &str = "escapes-root";
/// Attempts to start a peer until it runs.
const PEER_TRIES: usize = 3;

pub struct Worker {
    number: usize,
    base: PathBuf,
    pub seen: Seen,
    /// The sandbox in gatekeeper's place, if any.
    pub peer: Option<Peer>,
    /// The session that the next attacks share.
    shared: Mutex<Option<Driver>>,
    /// Errors of sessions that have ended, which are not the next attack's.
    complaints: Mutex<Vec<Error>>,
}

impl Worker {
    pub fn lay(number: usize, seen: &Seen, peer: Option<Peer>) -> Result<Self> {
        let base = PathBuf::from(format!("/srv/escapes/{number}"));
        let (seen, complaints) = (seen.clone(), Mutex::default());
        let worker = Self { number, base, seen, peer, shared: Mutex::new(None), complaints };
        for name in ["", "guarded", "sockets", "work"] {
            folder(&worker.path(name))?;
        }
        for cgroup in [worker.cgroup("free"), worker.cgroup("other")] {
            fs::create_dir_all(&cgroup).with_context(|| format!("making {}", cgroup.display()))?;
        }
        let mut git = Command::new("/usr/bin/git");
        User::Dev.become_of(&mut git);
        let made =
            git.args(["init", "-q", "."]).current_dir(worker.path("work")).status().context("git init")?;
        ensure!(made.success(), "git init ended with {made}");
        folder(&worker.path("work/.git/hooks"))?;
        file_with(&format!("{}/README", worker.path("work")), b"A workspace.\n")?;
        let (guarded, sockets) = (worker.base.join("guarded"), worker.base.join("sockets"));
        outside::help(&sockets, &guarded, &worker.base.join("work/hand.sock"), number, &worker.seen)
            .context("the helpers")?;
        Ok(worker)
    }

    pub fn path(&self, name: &str) -> String {
        self.base.join(name).to_string_lossy().into_owned()
    }

    pub fn cgroup(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/sys/fs/cgroup/escapes-{name}-{}", self.number))
    }

    /// The guarded folder, fresh: a secret, a target, a folder with something in it.
    pub fn lay_guarded(&self, token: &str) -> Result<()> {
        let at = self.path("guarded");
        for entry in fs::read_dir(&at)?.flatten() {
            let path = entry.path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        file_with(&format!("{at}/secret"), format!("the token is {token}\n").as_bytes())?;
        fs::set_permissions(format!("{at}/secret"), fs::Permissions::from_mode(0o600))?;
        file_with(&format!("{at}/target"), b"as it was\n")?;
        file_with(&format!("{at}/asked"), b"as it was\n")?;
        file_with(&format!("{at}/shown"), b"for all to read\n")?;
        folder(&format!("{at}/folder"))?;
        file_with(&format!("{at}/folder/inner"), b"as it was\n")?;
        fs::copy(format!("{KIT}/payload"), format!("{at}/payload"))?;
        give(Path::new(&format!("{at}/payload")))
    }

    pub fn victim(&self, token: &str) -> Result<Victim> {
        let mut command = Command::new(PROGRAM);
        User::Dev.become_of(&mut command);
        command.args(["victim", &self.path("guarded"), &self.number.to_string()]).env("TOKEN", token);
        command.current_dir(self.path("guarded")).process_group(0).stdin(Stdio::null());
        Victim::start(command, self.number)
    }

    pub fn shared(&self) -> std::sync::MutexGuard<'_, Option<Driver>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a driver: in a session under this policy, or outside.
    pub fn open(&self, world: &World, user: User, policy: Option<&'static str>) -> Result<Driver> {
        let start = || Driver::start(self, user, policy, world.run_file("attack"));
        // firejail gives up where something else is mounted while it looks at its mounts.
        let again = if policy.is_some() && self.peer.is_some() { PEER_TRIES - 1 } else { 0 };
        (0..again).find_map(|_| start().ok()).map_or_else(start, Ok)
    }

    /// Returns the driver of the next attack: outside, or in the shared session where it may go on.
    pub fn driver(&self, world: &World, attack: &Attack, labelled: bool) -> Result<Driver> {
        if !labelled {
            return self.open(world, attack.user, None);
        }
        let shared = self.shared().take();
        if let Some(mut shared) = shared {
            if shared.serves(attack) {
                return Ok(shared);
            }
            self.close(shared);
        }
        self.open(world, attack.user, Some(attack.policy))
    }

    /// Ends the shared session, once all work has been seen to go on in it.
    pub fn finish(&self) {
        let shared = self.shared().take();
        if let Some(shared) = shared {
            self.close(shared);
        }
    }

    fn close(&self, mut driver: Driver) {
        // What runs outside may have killed it: there are attacks that kill everybody.
        let worked = if driver.lives() { driver.work(true) } else { Ok(()) };
        let after = driver.attacks.join(", ");
        let ended = driver.end(self);
        if let Err(error) = worked.and(ended) {
            let error = error.context(format!("the work does not go on after {after}"));
            self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        }
    }

    /// Takes the errors of sessions that have ended since the last call.
    pub fn complaints(&self) -> Vec<Error> {
        std::mem::take(&mut *self.complaints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the variables of an attack's environment.
    pub fn environment(&self, world: &World, mark: &str) -> Result<Vec<(&'static str, String)>> {
        let daemon = world.daemon().as_ref().context("no daemon")?.pid().to_string();
        Ok(vec![
            ("SECRET", self.path("guarded/secret")),
            ("TARGET", self.path("guarded/target")),
            ("ASKED", self.path("guarded/asked")),
            ("SHOWN", self.path("guarded/shown")),
            ("GUARDED", self.path("guarded")),
            ("SOCKETS", self.path("sockets")),
            ("WORK", self.path("work")),
            ("HAND", self.path("work/hand.sock")),
            ("KIT", KIT.to_owned()),
            ("PAYLOAD", format!("{KIT}/payload")),
            ("PAYLOAD_LIBRARY", format!("{KIT}/payload-library")),
            ("OTHER_CGROUP", self.cgroup("other").to_string_lossy().into_owned()),
            ("WORKER", self.number.to_string()),
            ("PORT", PORT.to_string()),
            ("OPEN_PORT", OPEN_PORT.to_string()),
            ("MARK", mark.to_owned()),
            ("DAEMON", daemon),
        ])
    }

    /// A command of root's outside any session; it alone gets the token. What it leaves running ends with what this
    /// returns.
    pub fn shell(&self, command: &str, environment: &[(&'static str, String)], token: &str) -> Result<Shell> {
        let mut shell = Command::new("/usr/bin/bash");
        User::Root.become_of(&mut shell);
        shell.envs(environment.iter().map(|(key, value)| (*key, value))).env("TOKEN", token);
        shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        shell.args(["-c", command]).current_dir(self.path("guarded")).stdin(Stdio::null());
        // Into a file: what a command leaves running would hold a pipe open.
        let words = self.base.join("words");
        shell.stdout(File::create(&words)?).stderr(File::options().append(true).open(&words)?);
        let (shell, failed) = Shell::run(shell).context("running a shell")?;
        if let Some(failed) = failed {
            bail!("{command:?} ended with {failed}: {}", fs::read_to_string(&words)?.trim());
        }
        Ok(shell)
    }

    /// Removes what attacks leave in the workspace and in /tmp under the worker's name.
    pub fn clean_workspace(&self) -> Result<()> {
        for entry in fs::read_dir(self.path("work"))?.flatten() {
            let name = entry.file_name();
            if ![".git", "README", "hand.sock"].iter().any(|kept| name == *kept) {
                let path = entry.path();
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
        }
        let _ = fs::remove_dir_all(format!("/tmp/escape-{}", self.number));
        let _ = chown(self.path("work"), Some(1000), Some(1000));
        Ok(())
    }
}
