//! Where one attack at a time is run: a workspace, a guarded folder, helpers, a victim, each the lane's own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::attack::{Attack, Goal, Kind};
use super::guard::Guard;
use super::outside::{self, OPEN_PORT, PORT, Seen};
use super::{KIT, hold, inside, victim};
use crate::ground::{file_with, folder, give};
use crate::random::Random;
use crate::sys::hex;
use crate::world::{User, World, until};

/// This very program, where a guest has it.
const PROGRAM: &str = "/usr/libexec/gatekeeper-tests/gatekeeper-escapes";
/// The policy of labelled runs.
pub const POLICY: &str = "escapes";
/// What arrives from helpers and over the wire may take this long at most, and is given this at least.
const LATEST: Duration = Duration::from_secs(4);
const EARLIEST: Duration = Duration::from_millis(150);
/// Opening a session and starting a program, on a busy machine under emulation.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Lane {
    number: usize,
    base: PathBuf,
    seen: Seen,
}

/// What came of one run.
pub struct Outcome {
    /// What shows that the goal is reached.
    pub reached: Option<String>,
    pub ended: String,
    pub said: String,
    /// The session, and whether work went on in it.
    pub session: Option<String>,
    pub work: Result<()>,
    /// Laying the ground, the attack, the work: how long each took.
    pub took: [Duration; 3],
    /// What the attack did came to light so long after its end.
    pub arrival: Duration,
}

struct Victim {
    child: Child,
    environment: Vec<(&'static str, String)>,
    ids: Vec<i32>,
    was: String,
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lane {
    pub fn lay(number: usize, seen: &Seen) -> Result<Self> {
        let base = PathBuf::from(format!("/srv/escapes/{number}"));
        let lane = Self { number, base, seen: seen.clone() };
        for name in ["", "guarded", "sockets", "work"] {
            folder(&lane.path(name))?;
        }
        for cgroup in [lane.cgroup("free"), lane.cgroup("other")] {
            fs::create_dir_all(&cgroup).with_context(|| format!("making {}", cgroup.display()))?;
        }
        let mut git = Command::new("/usr/bin/git");
        User::Dev.become_of(&mut git);
        let made =
            git.args(["init", "-q", "."]).current_dir(lane.path("work")).status().context("git init")?;
        ensure!(made.success(), "git init ended with {made}");
        folder(&lane.path("work/.git/hooks"))?;
        file_with(&format!("{}/README", lane.path("work")), b"A workspace.\n")?;
        let (guarded, sockets) = (lane.base.join("guarded"), lane.base.join("sockets"));
        outside::help(&sockets, &guarded, &lane.base.join("work/hand.sock"), number, &lane.seen)
            .context("the helpers")?;
        Ok(lane)
    }

    fn path(&self, name: &str) -> String {
        self.base.join(name).to_string_lossy().into_owned()
    }

    fn cgroup(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/sys/fs/cgroup/escapes-{name}-{}", self.number))
    }

    /// The guarded folder, fresh: a secret, a target, a folder with something in it.
    fn lay_guarded(&self, token: &str) -> Result<()> {
        let at = self.path("guarded");
        for entry in fs::read_dir(&at)?.flatten() {
            let path = entry.path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        file_with(&format!("{at}/secret"), format!("the token is {token}\n").as_bytes())?;
        fs::set_permissions(format!("{at}/secret"), fs::Permissions::from_mode(0o600))?;
        file_with(&format!("{at}/target"), b"as it was\n")?;
        folder(&format!("{at}/folder"))?;
        file_with(&format!("{at}/folder/inner"), b"as it was\n")?;
        fs::copy(format!("{KIT}/payload"), format!("{at}/payload"))?;
        give(Path::new(&format!("{at}/payload")))
    }

    fn victim(&self, token: &str) -> Result<Victim> {
        let mut command = Command::new(PROGRAM);
        User::Dev.become_of(&mut command);
        command.args(["victim", &self.path("guarded"), &self.number.to_string()]).env("TOKEN", token);
        command
            .current_dir(self.path("guarded"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("starting the victim")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[pid, address, fd, shared, queue, semaphore] = words.as_slice() else {
            let _ = child.kill();
            bail!("the victim said {line:?}");
        };
        let environment = [
            ("VICTIM", pid),
            ("VICTIM_ADDRESS", address),
            ("VICTIM_FD", fd),
            ("VICTIM_SHM", shared),
            ("VICTIM_QUEUE", queue),
            ("VICTIM_SEM", semaphore),
        ];
        let environment = environment.map(|(key, value)| (key, value.to_owned())).to_vec();
        let ids = [shared, queue, semaphore].iter().filter_map(|id| id.parse().ok()).collect();
        let was = health(child.id());
        Ok(Victim { child, environment, ids, was })
    }

    /// One run of an attack, in a session or outside. In a session it is given thrice the time to take
    /// effect that it took outside.
    pub fn run(
        &self,
        world: &World,
        attack: &Attack,
        labelled: bool,
        before: Option<&Outcome>,
    ) -> Result<Outcome> {
        let start = Instant::now();
        let mut random = Random::new(Random::seed());
        let mut letters =
            || -> String { (0..16).map(|_| *random.pick(b"abcdefghkmnpqrtuwxyz") as char).collect() };
        let (token, mark) = (letters(), letters());
        self.lay_guarded(&token)?;
        let mut victim = attack.victim.then(|| self.victim(&token)).transpose()?;
        let mut environment = self.environment(world, &mark)?;
        if let Some(victim) = &mut victim {
            environment.append(&mut victim.environment);
        }
        if let Some(command) = &attack.first {
            self.shell(command, &environment, &token).context("what comes first")?;
        }
        let mut places: Vec<PathBuf> =
            attack.watch.iter().map(|path| PathBuf::from(expand(path, &environment))).collect();
        places.push(self.base.join("guarded"));
        let guard = Guard::set(places);
        self.seen.wait_for(&mark);

        let output = world.run_file("attack");
        let mut driver = Driver::start(self, attack.user, labelled, &environment, &output)?;
        let mut reached = None;
        let laid = start.elapsed();
        driver.tell("attack", &words(attack))?;
        let ended = driver.hear(inside::LIMIT + PATIENCE, |driver| {
            // Killed once it is found, and not looked for again.
            if let Goal::Hold(what) = &attack.goal
                && reached.is_none()
                && fs::read_to_string(&output).is_ok_and(|said| said.contains("holding"))
            {
                reached = hold::find(&driver.others(), &expand(what, &environment));
                driver.kill_others();
            }
        });
        // What the attack did comes to light now, or never.
        let said = || String::from_utf8_lossy(&fs::read(&output).unwrap_or_default()).into_owned();
        let backwards: String = mark.chars().rev().collect();
        let look = || match &attack.goal {
            Goal::Read => said().contains(&token).then(|| "it has read the token".to_owned()),
            Goal::Run => said().contains(&backwards).then(|| "its program ran".to_owned()),
            Goal::Change => guard.difference(),
            Goal::Reach => self.seen.who_saw(&mark).map(|who| format!("{who} saw it")),
            Goal::Harm => victim.as_ref().and_then(|victim| {
                let is = health(victim.child.id());
                (is != victim.was).then(|| format!("the victim was {}, is {is}", victim.was))
            }),
            Goal::Daemon => super::trouble(world),
            Goal::Hold(_) => None,
        };
        let begun = Instant::now();
        let patience = match before {
            Some(before) => (before.arrival * 3).clamp(EARLIEST, LATEST),
            None => LATEST,
        };
        while reached.is_none() {
            reached = look();
            // Helpers, servers and the victim take their time; what an attack has printed is there.
            if begun.elapsed() > patience || matches!(attack.goal, Goal::Read | Goal::Run | Goal::Hold(_)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let arrival = begun.elapsed();
        let ended = match ended {
            Ok(ended) => ended.strip_prefix("ended ").unwrap_or(&ended).to_owned(),
            // The attack may have taken the driver with it.
            Err(error) => format!("without a word: {error:#}"),
        };
        let attacked = start.elapsed();
        let mut work = Ok(());
        if labelled {
            driver.kill_others();
            if driver.tell("work", &[]).is_err() || driver.child.try_wait()?.is_some() {
                let fresh = world.run_file("work");
                driver = Driver::start(self, attack.user, true, &environment, &fresh)?;
                driver.tell("work", &[])?;
            }
            work = match driver.hear(PATIENCE, |_| {}) {
                Ok(told) if told == "worked" => Ok(()),
                Ok(told) => Err(anyhow::anyhow!("{told}")),
                Err(error) => Err(error),
            };
        }
        let took = [laid, attacked - laid, start.elapsed() - attacked];
        let session = driver.session.clone();
        driver.end(self)?;
        let said = said();
        let _ = fs::remove_file(&output);
        if let Some(mut victim) = victim {
            let _ = victim.child.kill();
            victim::bury(self.number, &victim.ids);
        }
        if let Some(command) = &attack.undo {
            // There may be nothing to undo.
            let _ = self.shell(command, &environment, &token);
        }
        guard.restore()?;
        self.clean_workspace()?;
        Ok(Outcome { reached, ended, said, session, work, took, arrival })
    }

    /// What attacks are told.
    fn environment(&self, world: &World, mark: &str) -> Result<Vec<(&'static str, String)>> {
        let daemon = world.daemon().as_ref().context("no daemon")?.pid().to_string();
        Ok(vec![
            ("SECRET", self.path("guarded/secret")),
            ("TARGET", self.path("guarded/target")),
            ("GUARDED", self.path("guarded")),
            ("SOCKETS", self.path("sockets")),
            ("WORK", self.path("work")),
            ("HAND", self.path("work/hand.sock")),
            ("KIT", KIT.to_owned()),
            ("PAYLOAD", format!("{KIT}/payload")),
            ("PAYLOAD_LIBRARY", format!("{KIT}/payload-library")),
            ("OTHER_CGROUP", self.cgroup("other").to_string_lossy().into_owned()),
            ("LANE", self.number.to_string()),
            ("PORT", PORT.to_string()),
            ("OPEN_PORT", OPEN_PORT.to_string()),
            ("MARK", mark.to_owned()),
            ("DAEMON", daemon),
        ])
    }

    /// A command of root's outside any session; it alone is told the token.
    fn shell(&self, command: &str, environment: &[(&'static str, String)], token: &str) -> Result<()> {
        let mut shell = Command::new("/usr/bin/bash");
        User::Root.become_of(&mut shell);
        shell.envs(environment.iter().map(|(key, value)| (*key, value))).env("TOKEN", token);
        shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        shell.args(["-c", command]).current_dir(self.path("guarded")).stdin(Stdio::null());
        // Into a file: what a command leaves running would hold a pipe open.
        let words = self.base.join("words");
        shell.stdout(File::create(&words)?).stderr(File::options().append(true).open(&words)?);
        let status = shell.status().context("starting a shell")?;
        ensure!(status.success(), "{command:?} ended with {status}: {}", fs::read_to_string(&words)?.trim());
        Ok(())
    }

    /// What attacks leave in the workspace and in /tmp under the lane's name.
    fn clean_workspace(&self) -> Result<()> {
        for entry in fs::read_dir(self.path("work"))?.flatten() {
            let name = entry.file_name();
            if ![".git", "README", "hand.sock"].iter().any(|kept| name == *kept) {
                let path = entry.path();
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
        }
        let _ = fs::remove_dir_all(format!("/tmp/escape-{}", self.number));
        Ok(())
    }
}

/// `$NAME` becomes what attacks are told under that name.
fn expand(text: &str, environment: &[(&'static str, String)]) -> String {
    let names = environment.iter().rev();
    names.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}

/// What is to be started for an attack.
fn words(attack: &Attack) -> Vec<String> {
    let file = |ending: &str| format!("{KIT}/attacks/{}.{ending}", attack.name);
    match attack.kind {
        Kind::C => vec![format!("{KIT}/kit"), attack.name.clone()],
        Kind::Python => vec!["/usr/bin/python3".into(), "-S".into(), "-E".into(), file("py")],
        Kind::Bash => vec!["/usr/bin/bash".into(), file("sh")],
    }
}

/// All of a process that somebody else could change, in a few words.
fn health(pid: u32) -> String {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return "gone".into() };
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or("-").to_owned();
    let state = match field(3).as_str() {
        "T" | "t" => "stopped",
        "Z" | "X" => "gone",
        _ => "running",
    };
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = read("status");
    let of_status = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
    };
    let files = read("limits").lines().find(|line| line.starts_with("Max open files")).map(str::to_owned);
    // SAFETY: no pointers.
    let priority = unsafe { libc::syscall(libc::SYS_ioprio_get, 1, pid) };
    format!(
        "{state}, nice {}, policy {}, group {}, processors {}, oom {}, I/O {priority}, {}, in {}",
        field(19),
        field(41),
        field(5),
        of_status("Cpus_allowed:"),
        read("oom_score_adj").trim(),
        files.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        read("cgroup").trim()
    )
}

/// The runner's end of `inside`.
struct Driver {
    child: Child,
    lines: Receiver<String>,
    session: Option<String>,
    cgroup: PathBuf,
}

impl Driver {
    fn start(
        lane: &Lane,
        user: User,
        labelled: bool,
        environment: &[(&'static str, String)],
        output: &Path,
    ) -> Result<Self> {
        let errors = File::create(output).with_context(|| format!("making {}", output.display()))?;
        let mut command = Command::new(PROGRAM);
        user.become_of(&mut command);
        command.envs(environment.iter().map(|(key, value)| (*key, value)));
        command.args(["inside", if labelled { POLICY } else { "-" }, &lane.path("work")]);
        command.current_dir(lane.path("work")).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().context("starting what runs attacks")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let (told, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        let mut driver = Self { child, lines, session: None, cgroup: lane.cgroup("free") };
        let first = driver.hear(PATIENCE, |_| {})?;
        if labelled {
            let session = first.strip_prefix("session ").with_context(|| format!("it said {first:?}"))?;
            driver.session = Some(session.to_owned());
            let own = fs::read_to_string(format!("/proc/{}/cgroup", driver.child.id()))?;
            let own =
                own.lines().find_map(|line| line.strip_prefix("0::/")).context("no cgroup of version 2")?;
            driver.cgroup = Path::new("/sys/fs/cgroup").join(own);
        } else {
            ensure!(first == "free", "it said {first:?}");
            fs::write(driver.cgroup.join("cgroup.procs"), driver.child.id().to_string())?;
        }
        Ok(driver)
    }

    fn tell(&mut self, verb: &str, words: &[String]) -> Result<()> {
        let words: String = words.iter().map(|word| format!(" {}", hex(word.as_bytes()))).collect();
        let input = self.child.stdin.as_mut().context("no input")?;
        writeln!(input, "{verb}{words}").context("telling what runs attacks")
    }

    /// Its next line, looking about meanwhile.
    fn hear(&mut self, limit: Duration, mut meanwhile: impl FnMut(&mut Self)) -> Result<String> {
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

    /// Whatever else is in its cgroup.
    fn others(&self) -> Vec<u32> {
        let list = fs::read_to_string(self.cgroup.join("cgroup.procs")).unwrap_or_default();
        list.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid != self.child.id()).collect()
    }

    fn kill_others(&self) {
        for pid in self.others() {
            // SAFETY: no pointers.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
    }

    /// Ends all that an attack started, wherever it has got to.
    fn end(mut self, lane: &Lane) -> Result<()> {
        for cgroup in [self.cgroup.clone(), lane.cgroup("other")] {
            let _ = fs::write(cgroup.join("cgroup.kill"), "1");
        }
        until("the end of what ran attacks", PATIENCE, || Ok(self.child.try_wait()?.map(drop)))?;
        until("the end of an attack", PATIENCE, || Ok(self.others().is_empty().then_some(())))?;
        let _ = chown(lane.path("work"), Some(1000), Some(1000));
        Ok(())
    }
}
