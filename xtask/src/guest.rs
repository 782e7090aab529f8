//! One run of a guest: a script in, its output and exit status out.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build::Profile;
use crate::kernels::Kernel;
use crate::qemu::{self, Files};
use crate::runs::{self, WorkDir};
use crate::{kernels, payload, rootfs};

/// The order of the LSMs in a guest, bpf last.
pub const LSM: &str = "lockdown,capability,landlock,yama,apparmor,bpf";
/// The same without bpf.
pub const LSM_WITHOUT_BPF: &str = "lockdown,capability,landlock,yama,apparmor";

/// Our exit code for a guest that itself failed, whatever it was to run.
pub const GUEST_FAILED: i32 = 125;

/// A guest under emulation now and then loses a timer while it boots, and hangs there: past this
/// it is started afresh. It boots in 5 to 8 s on an idle machine, in 25 s on a very busy one.
const BOOT_LIMIT: Duration = Duration::from_secs(75);
const BOOTS: u32 = 3;

/// The way the output is shown while the guest runs (it is always kept, too).
#[derive(Clone)]
pub enum Echo {
    /// Shown as it comes.
    Plain,
    /// Shown line by line, each with this before it.
    Prefixed(String),
}

/// A script, and the guest that runs it.
#[derive(Clone)]
pub struct GuestRun {
    /// A series of the matrix, `6.12`.
    pub kernel: String,
    /// The kernel's `lsm=`.
    pub lsm: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Count instructions as time, on one CPU.
    pub icount: bool,
    /// In MiB.
    pub memory: u32,
    /// The profile of the programs in the guest.
    pub profile: Profile,
    /// Host files and folders to put in /mnt/copy.
    pub copies: Vec<PathBuf>,
    /// Bash, or anything with a `#!` line; runs as root in /root.
    pub script: String,
    /// Boot included.
    pub timeout: Duration,
    /// Where the output goes.
    pub echo: Echo,
}

/// How the run ended.
pub enum End {
    /// The script ended with this status.
    Exit(i32),
    /// The guest itself failed, and why.
    GuestFailed(String),
}

/// The result of a run.
pub struct GuestOutcome {
    /// Status or failure.
    pub end: End,
    /// The script's standard output and error.
    pub output: String,
    /// From the start of QEMU to the script's first instruction.
    pub boot: Option<Duration>,
    /// The whole run.
    pub wall: Duration,
}

/// Why we ended QEMU.
#[derive(Clone, Copy, PartialEq)]
enum Stop {
    TimeOut,
    Boot,
}

/// The observations of one boot.
struct Seen {
    boot: Option<Duration>,
    stop: Option<Stop>,
    output: String,
    errors: String,
}

impl GuestOutcome {
    /// The exit status to pass on.
    pub fn status(&self) -> i32 {
        match self.end {
            End::Exit(status) => status,
            End::GuestFailed(_) => GUEST_FAILED,
        }
    }
}

impl GuestRun {
    /// A run with the usual settings.
    pub fn new(kernel: &str, profile: Profile, script: impl Into<String>) -> GuestRun {
        GuestRun {
            kernel: kernel.to_owned(),
            lsm: LSM.to_owned(),
            cpus: 2,
            icount: false,
            memory: 2048,
            profile,
            copies: Vec::new(),
            script: script.into(),
            timeout: Duration::from_secs(600),
            echo: Echo::Plain,
        }
    }

    /// Boots, runs, powers off. An error means it could not even be tried.
    pub fn run(&self) -> Result<GuestOutcome> {
        let kernel = kernels::get(&self.kernel)?;
        let root = rootfs::image()?;
        if !root.is_file() {
            bail!("the guest's root file system is not built\n  help: cargo xtask setup");
        }
        let work = WorkDir::new()?;
        let payload = payload::build(&work.0, self)?;
        let start = Instant::now();
        for boot in 1.. {
            let outcome = self.boot(&kernel, &root, &payload, &work.0)?;
            match outcome {
                Some(outcome) => return Ok(GuestOutcome { wall: start.elapsed(), ..outcome }),
                None if boot < BOOTS => {
                    eprintln!("kernel {}: hung while booting, started afresh ({boot})", self.kernel);
                }
                None => break,
            }
        }
        let why = format!("hung {BOOTS} times while booting (console: {})", runs::dir()?.display());
        let (output, wall) = (String::new(), start.elapsed());
        Ok(GuestOutcome { end: End::GuestFailed(why), output, boot: None, wall })
    }

    /// One boot; nothing when it hung before the script began.
    fn boot(
        &self,
        kernel: &Kernel,
        root: &Path,
        payload: &Path,
        work: &Path,
    ) -> Result<Option<GuestOutcome>> {
        let (log, status) = (runs::log_file(&kernel.name())?, work.join("status"));
        let _ = fs::remove_file(&status);
        let start = Instant::now();
        let mut child = qemu::command(self, kernel, &Files { root, payload, log: &log, status: &status })?
            .spawn()
            .context("cannot start QEMU through setpriv\n  help: cargo xtask setup")?;
        let seen = self.watch(&mut child, &status, start)?;
        if seen.stop == Some(Stop::Boot) {
            return Ok(None);
        }

        let report = fs::read_to_string(&status).unwrap_or_default();
        let field = |key: &str| report.lines().find_map(|line| line.strip_prefix(key));
        if let Some(have) = field("lsm ") {
            let missing = self.lsm.split(',').filter(|name| !have.split(',').any(|other| other == *name));
            for name in missing {
                eprintln!("kernel {}: LSM {name} was asked for, there are only {have}", self.kernel);
            }
        }
        let end = match field("exit ").and_then(|status| status.trim().parse().ok()) {
            Some(status) => End::Exit(status),
            None => End::GuestFailed(why(&log, seen.stop.map(|_| self.timeout), &seen.errors)),
        };
        Ok(Some(GuestOutcome { end, output: seen.output, boot: seen.boot, wall: start.elapsed() }))
    }

    /// Reads the output until QEMU ends, or has to be ended.
    fn watch(&self, child: &mut Child, status: &Path, start: Instant) -> Result<Seen> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| stdout.map(|out| self.read(out)).unwrap_or_default());
            let errors = scope.spawn(|| {
                let mut text = String::new();
                if let Some(mut err) = stderr {
                    let _ = err.read_to_string(&mut text);
                }
                text
            });
            let (mut boot, mut stop) = (None, None);
            while child.try_wait().context("cannot wait for QEMU")?.is_none() {
                let passed = start.elapsed();
                if boot.is_none() && fs::read_to_string(status).is_ok_and(|text| text.contains("ready ")) {
                    boot = Some(passed);
                }
                if stop.is_none() {
                    stop = match passed {
                        _ if passed > self.timeout => Some(Stop::TimeOut),
                        _ if passed > BOOT_LIMIT && boot.is_none() => Some(Stop::Boot),
                        _ => None,
                    };
                    if stop.is_some() {
                        child.kill().context("cannot stop QEMU")?;
                    }
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let (output, errors) = (reader.join().unwrap_or_default(), errors.join().unwrap_or_default());
            Ok(Seen { boot, stop, output, errors })
        })
    }

    fn read(&self, out: impl Read) -> String {
        let mut out = BufReader::new(out);
        let mut all = Vec::new();
        loop {
            let chunk = match (&self.echo, out.fill_buf()) {
                (_, Err(_)) | (_, Ok([])) => break,
                (Echo::Prefixed(_), Ok(_)) => {
                    let mut line = Vec::new();
                    let _ = out.read_until(b'\n', &mut line);
                    line
                }
                (_, Ok(chunk)) => {
                    let chunk = chunk.to_vec();
                    out.consume(chunk.len());
                    chunk
                }
            };
            let mut stdout = std::io::stdout().lock();
            let _ = match &self.echo {
                Echo::Plain => stdout.write_all(&chunk),
                Echo::Prefixed(prefix) => {
                    let text = String::from_utf8_lossy(&chunk);
                    writeln!(stdout, "{prefix}{}", text.trim_end_matches('\n'))
                }
            };
            let _ = stdout.flush();
            all.extend_from_slice(&chunk);
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Why a guest ended without a status: its console knows.
fn why(log: &Path, timed_out: Option<Duration>, qemu_errors: &str) -> String {
    let console = fs::read(log).unwrap_or_default();
    let console = String::from_utf8_lossy(&console);
    let panicked = console.contains("Kernel panic");
    let what = match timed_out {
        Some(limit) => format!("timed out after {} s", limit.as_secs()),
        None if panicked => "kernel panic".to_owned(),
        None if !qemu_errors.trim().is_empty() => format!("QEMU: {}", qemu_errors.trim()),
        None => "it ended before the command did".to_owned(),
    };
    let lines: Vec<&str> = console.lines().collect();
    let tail = lines[lines.len().saturating_sub(40)..].join("\n  ");
    let shown = if tail.is_empty() { String::new() } else { format!("\n  {tail}") };
    format!("{what} (console: {}){shown}", log.display())
}
