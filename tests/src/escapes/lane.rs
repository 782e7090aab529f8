//! Where one attack at a time is run: a workspace, a guarded folder, helpers, a victim, each the lane's own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::attack::{Attack, Goal, Kind};
use super::driver::{Driver, PATIENCE};
use super::guard::Guard;
use super::outside::{self, OPEN_PORT, PORT, Seen};
use super::peer::Peer;
use super::{KIT, hold, inside, victim};
use crate::ground::{file_with, folder, give};
use crate::random::Random;
use crate::world::{User, World};

/// This very program, where a guest has it.
pub const PROGRAM: &str = "/usr/libexec/gatekeeper-tests/gatekeeper-escapes";
/// The policy of labelled runs.
pub const POLICY: &str = "escapes";
/// What arrives from helpers and over the wire may take this long at most, and is given this at least.
const LATEST: Duration = Duration::from_secs(4);
const EARLIEST: Duration = Duration::from_millis(150);
/// How often a peer is started until it runs.
const PEER_TRIES: usize = 3;

pub struct Lane {
    number: usize,
    base: PathBuf,
    seen: Seen,
    /// What stands in gatekeeper's place.
    pub peer: Option<Peer>,
    /// The session that the next attacks share.
    shared: Mutex<Option<Driver>>,
}

/// What came of one run.
pub struct Outcome {
    /// What shows that the goal is reached.
    pub reached: Option<String>,
    pub ended: String,
    pub said: String,
    /// The session, how many of its refusals came before, and whether work went on in it.
    pub session: Option<String>,
    pub told: usize,
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
    pub fn lay(number: usize, seen: &Seen, peer: Option<Peer>) -> Result<Self> {
        let base = PathBuf::from(format!("/srv/escapes/{number}"));
        let lane = Self { number, base, seen: seen.clone(), peer, shared: Mutex::new(None) };
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

    pub fn path(&self, name: &str) -> String {
        self.base.join(name).to_string_lossy().into_owned()
    }

    pub fn cgroup(&self, name: &str) -> PathBuf {
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
        file_with(&format!("{at}/asked"), b"as it was\n")?;
        file_with(&format!("{at}/shown"), b"for all to read\n")?;
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

    /// One run of an attack, in a session or outside, on ground laid anew. In a session it is given thrice the time to take
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

        let mut driver = self.driver(world, attack, labelled)?;
        let told = driver
            .session
            .as_deref()
            .map_or(Ok(0), |session| super::denials(session).map(|all| all.len()))?;
        let mut reached = None;
        let laid = start.elapsed();
        driver.attack(&words(attack), &environment)?;
        let ended = driver.hear(inside::LIMIT + PATIENCE, |driver| {
            // Killed once it is found, and not looked for again.
            if let Goal::Hold(what) = &attack.goal
                && reached.is_none()
                && driver.said().contains("holding")
            {
                reached = hold::find(&driver.others(), &expand(what, &environment));
                driver.kill_others();
            }
        });
        // What the attack did comes to light now, or never.
        let backwards: String = mark.chars().rev().collect();
        let look = || match &attack.goal {
            Goal::Read => driver.said().contains(&token).then(|| "it has read the token".to_owned()),
            Goal::Run => driver.said().contains(&backwards).then(|| "its program ran".to_owned()),
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
        // The attack may have taken the driver with it.
        let spoilt = ended.is_err();
        let ended = match ended {
            Ok(ended) => ended.strip_prefix("ended ").unwrap_or(&ended).to_owned(),
            Err(error) => format!("without a word: {error:#}"),
        };
        let (said, session) = (driver.said(), driver.session.clone());
        let attacked = start.elapsed();
        let mut work = Ok(());
        if labelled {
            driver.clear(self)?;
            if spoilt || !driver.lives() {
                driver.end(self)?;
                driver = self.open(world, attack.user, true)?;
            }
            work = driver.work(false);
        }
        let took = [laid, attacked - laid, start.elapsed() - attacked];
        // Who has lost the daemon once is not asked to go on; of a peer each attack gets one of its own.
        if labelled && self.peer.is_none() && work.is_ok() && attack.goal != Goal::Daemon && !attack.last {
            *self.shared() = Some(driver);
        } else {
            driver.end(self)?;
        }
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
        Ok(Outcome { reached, ended, said, session, told, work, took, arrival })
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Option<Driver>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, world: &World, user: User, labelled: bool) -> Result<Driver> {
        let start = || Driver::start(self, user, labelled, world.run_file("attack"));
        // firejail gives up where something else is mounted while it looks at its mounts.
        let again = if labelled && self.peer.is_some() { PEER_TRIES - 1 } else { 0 };
        (0..again).find_map(|_| start().ok()).map_or_else(start, Ok)
    }

    /// What runs the next attack: outside, or in the shared session where it may go on.
    fn driver(&self, world: &World, attack: &Attack, labelled: bool) -> Result<Driver> {
        if !labelled {
            return self.open(world, attack.user, false);
        }
        let shared = self.shared().take();
        if let Some(mut shared) = shared {
            if shared.serves(attack.user) {
                return Ok(shared);
            }
            self.close(shared)?;
        }
        self.open(world, attack.user, true)
    }

    /// Ends the shared session, once all work has been seen to go on in it.
    pub fn finish(&self) -> Result<()> {
        let shared = self.shared().take();
        shared.map_or(Ok(()), |shared| self.close(shared))
    }

    fn close(&self, mut driver: Driver) -> Result<()> {
        // What runs outside may have killed it: there are attacks that kill everybody.
        let worked = if driver.lives() { driver.work(true) } else { Ok(()) };
        driver.end(self)?;
        worked.context("the work of the attacks before this one does not go on")
    }

    /// What attacks are told.
    fn environment(&self, world: &World, mark: &str) -> Result<Vec<(&'static str, String)>> {
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
        let _ = chown(self.path("work"), Some(1000), Some(1000));
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
