//! The runner's end of `inside`: it starts attacks, in a session or outside.
//!
//! Opening a session takes longer than most attacks do, so that some share one. What an attack started is
//! killed before the next begins; a session that an attack has ended, stopped or spoilt is not used again.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::attack::Attack;
use super::worker::{PROGRAM, Worker};
use crate::sys::hex;
use crate::world::{PATIENCE, User, until};

/// The number of attacks that share a session.
const SHARED: usize = 20;

/// Variables of an attack's environment.
pub type Environment = [(&'static str, String)];

pub struct Driver {
    child: Child,
    /// Further processes of the driver's: a peer's own.
    own: Vec<u32>,
    lines: Receiver<String>,
    user: User,
    policy: Option<&'static str>,
    /// Its session, where it is in one.
    pub session: Option<String>,
    cgroup: PathBuf,
    /// The file of all attacks' output, one after another.
    output: PathBuf,
    begins: u64,
    /// Those it has started.
    pub attacks: Vec<String>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.try_wait();
    }
}

impl Driver {
    /// Starts one: in a session under this policy, or outside.
    pub fn start(worker: &Worker, user: User, policy: Option<&'static str>, output: PathBuf) -> Result<Self> {
        let labelled = policy.is_some();
        let errors = File::options().create(true).append(true).open(&output);
        let errors = errors.with_context(|| format!("making {}", output.display()))?;
        let peer = worker.peer.filter(|_| labelled);
        let own = || {
            let mut command = Command::new(PROGRAM);
            command.args(["inside", policy.unwrap_or("-"), &worker.path("work")]);
            command
        };
        let mut command = peer.map_or_else(own, |peer| peer.command(user, worker));
        user.become_of(&mut command);
        command.current_dir(worker.path("work")).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let labelled = labelled && peer.is_none();
        let cgroup = worker.cgroup("free");
        if !labelled {
            // It goes there itself, before it starts others, by a file that was opened as root.
            let procs = File::options().write(true).open(cgroup.join("cgroup.procs"))?;
            // SAFETY: the child only makes a system call.
            unsafe { command.pre_exec(move || (&procs).write_all(b"0")) };
        }
        let mut child = command.spawn().context("starting what runs attacks")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            answers.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let (session, own) = (None, Vec::new());
        let attacks = Vec::new();
        let mut driver =
            Self { child, own, lines, user, policy, session, cgroup, output, begins: 0, attacks };
        let first = driver.hear(PATIENCE, |_| {});
        let first = first.with_context(|| driver.output())?;
        if labelled {
            let session = first.strip_prefix("session ").with_context(|| format!("it wrote {first:?}"))?;
            driver.session = Some(session.to_owned());
            let own = fs::read_to_string(format!("/proc/{}/cgroup", driver.child.id()))?;
            let own =
                own.lines().find_map(|line| line.strip_prefix("0::/")).context("no cgroup of version 2")?;
            driver.cgroup = Path::new("/sys/fs/cgroup").join(own);
        } else {
            ensure!(first == "free", "it wrote {first:?}");
        }
        driver.own = driver.others();
        Ok(driver)
    }

    /// Whether an attack may be started by it.
    pub fn serves(&mut self, attack: &Attack) -> bool {
        self.user == attack.user
            && self.policy == Some(attack.policy)
            && self.attacks.len() < SHARED
            && self.lives()
    }

    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Starts an attack, in this environment.
    pub fn attack(&mut self, name: &str, words: &[String], environment: &Environment) -> Result<()> {
        self.attacks.push(name.to_owned());
        self.begins = fs::metadata(&self.output).map_or(0, |meta| meta.len());
        let variables = environment.iter().map(|(key, value)| format!("{key}={value}"));
        let words: Vec<String> = variables.chain(["--".to_owned()]).chain(words.iter().cloned()).collect();
        self.send("attack", &words)
    }

    /// The attack's output so far.
    pub fn output(&self) -> String {
        let all = fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(all.get(self.begins as usize..).unwrap_or_default()).into_owned()
    }

    /// Does the work that a session must still be able to do: all of it, or the least.
    pub fn work(&mut self, all: bool) -> Result<()> {
        self.send(if all { "work" } else { "work-a-little" }, &[])?;
        let answer = self.hear(PATIENCE, |_| {})?;
        ensure!(answer == "worked", "{answer}");
        Ok(())
    }

    fn send(&mut self, verb: &str, words: &[String]) -> Result<()> {
        let words: String = words.iter().map(|word| format!(" {}", hex(word.as_bytes()))).collect();
        let input = self.child.stdin.as_mut().context("no input")?;
        writeln!(input, "{verb}{words}").context("sending a command to what runs attacks")
    }

    /// Its next line, looking about meanwhile.
    pub fn hear(&mut self, limit: Duration, mut meanwhile: impl FnMut(&mut Self)) -> Result<String> {
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Disconnected) => bail!("it ended with {:?}", self.child.wait()?),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() > limit => bail!("no word in time"),
                Err(RecvTimeoutError::Timeout) => meanwhile(self),
            }
        }
    }

    /// Returns all other processes in its cgroup.
    pub fn others(&self) -> Vec<u32> {
        let own = |pid: &u32| *pid == self.child.id() || self.own.contains(pid);
        processes(&self.cgroup).into_iter().filter(|pid| !own(pid)).collect()
    }

    pub fn kill_others(&self) {
        kill(&self.others());
    }

    /// Returns the processes that an attack has left, in any of the worker's cgroups.
    pub fn left(&self, worker: &Worker) -> Vec<u32> {
        [self.others(), processes(&worker.cgroup("other"))].concat()
    }

    /// Ends all that an attack started, but not the driver.
    pub fn clear(&self, worker: &Worker) -> Result<()> {
        // What forks meanwhile is killed in the next round. Not by `cgroup.kill`: a cgroup remembers that, and newer
        // kernels then kill what is born into it from one that was killed less often.
        until("the end of an attack", || {
            let left = self.left(worker);
            kill(&left);
            Ok(left.is_empty().then_some(()))
        })
    }

    /// Ends everything.
    pub fn end(mut self, worker: &Worker) -> Result<()> {
        kill(&[self.child.id()]);
        self.own.clear();
        until("the end of what ran attacks", || {
            kill(&self.others());
            Ok(self.child.try_wait()?.map(drop))
        })?;
        self.clear(worker)?;
        let _ = fs::remove_file(&self.output);
        Ok(())
    }
}

fn processes(cgroup: &Path) -> Vec<u32> {
    let list = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    // One of another namespace shows as 0, which would be everybody here.
    list.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid != 0).collect()
}

fn kill(processes: &[u32]) {
    for pid in processes {
        // SAFETY: no pointers.
        unsafe { libc::kill(*pid as i32, libc::SIGKILL) };
    }
}
