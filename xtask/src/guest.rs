//! One run of a guest: a script in, its output and exit status out.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::qemu::{self, Files};
use crate::{kernels, paths, payload, rootfs};

/// The order of the LSMs in a guest, bpf last.
pub const LSM: &str = "lockdown,capability,landlock,yama,apparmor,bpf";
/// The same without bpf.
pub const LSM_WITHOUT_BPF: &str = "lockdown,capability,landlock,yama,apparmor";

/// Our exit code for a guest that itself failed, whatever it was to run.
pub const GUEST_FAILED: i32 = 125;

/// What becomes of the output while the guest runs (it is always kept, too).
#[derive(Clone)]
pub enum Echo {
    /// Nothing.
    Silent,
    /// Shown as it comes.
    Plain,
    /// Shown line by line, each with this before it.
    Prefixed(String),
}

/// What to run, and in what guest.
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

/// What came of it.
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
    pub fn new(kernel: &str, script: impl Into<String>) -> GuestRun {
        GuestRun {
            kernel: kernel.to_owned(),
            lsm: LSM.to_owned(),
            cpus: 2,
            icount: false,
            memory: 2048,
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
            bail!("the guest's root file system is not built\n  mend: cargo xtask setup");
        }
        let work = WorkDir::new()?;
        let payload = payload::build(&work.0, &self.script, &self.copies)?;
        let (log, status) = (log_file(&kernel.name())?, work.0.join("status"));
        let files = Files { root: &root, payload: &payload, log: &log, status: &status };

        let start = Instant::now();
        let mut child = qemu::command(self, &kernel, &files)?
            .spawn()
            .context("cannot start QEMU through setpriv\n  mend: cargo xtask setup")?;
        let (boot, timed_out, output, said) = self.watch(&mut child, &status, start)?;
        let wall = start.elapsed();

        let report = fs::read_to_string(&status).unwrap_or_default();
        let field = |key: &str| report.lines().find_map(|line| line.strip_prefix(key));
        if let Some(have) = field("lsm ") {
            for name in self.lsm.split(',').filter(|name| !have.split(',').any(|other| other == *name)) {
                eprintln!(
                    "kernel {}: LSM {name} was asked for and is not there (there are: {have})",
                    self.kernel
                );
            }
        }
        let end = match field("exit ").and_then(|status| status.trim().parse().ok()) {
            Some(status) => End::Exit(status),
            None => End::GuestFailed(why(&log, timed_out.then_some(self.timeout), &said)),
        };
        Ok(GuestOutcome { end, output, boot, wall })
    }

    /// Waits for QEMU's end or the time-out, while the output is read.
    fn watch(
        &self,
        child: &mut Child,
        status: &Path,
        start: Instant,
    ) -> Result<(Option<Duration>, bool, String, String)> {
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
            let (mut boot, mut timed_out) = (None, false);
            while child.try_wait().context("cannot wait for QEMU")?.is_none() {
                if boot.is_none() && fs::read_to_string(status).is_ok_and(|text| text.contains("ready ")) {
                    boot = Some(start.elapsed());
                }
                if start.elapsed() > self.timeout && !timed_out {
                    timed_out = true;
                    child.kill().context("cannot stop QEMU")?;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let output = reader.join().unwrap_or_default();
            Ok((boot, timed_out, output, errors.join().unwrap_or_default()))
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
                Echo::Silent => Ok(()),
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
fn why(log: &Path, timed_out: Option<Duration>, qemu_said: &str) -> String {
    let console = fs::read(log).unwrap_or_default();
    let console = String::from_utf8_lossy(&console);
    let panicked = console.contains("Kernel panic");
    let what = match timed_out {
        Some(limit) => format!("timed out after {} s", limit.as_secs()),
        None if panicked => "kernel panic".to_owned(),
        None if !qemu_said.trim().is_empty() => format!("QEMU: {}", qemu_said.trim()),
        None => "it ended before the command did".to_owned(),
    };
    let lines: Vec<&str> = console.lines().collect();
    let tail = lines[lines.len().saturating_sub(40)..].join("\n  ");
    let shown = if tail.is_empty() { String::new() } else { format!("\n  {tail}") };
    format!("{what} (console: {}){shown}", log.display())
}

fn log_file(kernel: &str) -> Result<PathBuf> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let name = format!("{kernel}-{}-{run}.log", std::process::id());
    let dir = paths::guest("logs")?;
    // The last twenty are enough to look back on.
    let mut logs: Vec<_> = fs::read_dir(&dir).context("cannot list the logs")?.flatten().collect();
    logs.sort_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
    for old in logs.iter().rev().skip(20) {
        let _ = fs::remove_file(old.path());
    }
    Ok(dir.join(name))
}

/// A folder for one run, gone when it ends.
struct WorkDir(PathBuf);

impl WorkDir {
    fn new() -> Result<WorkDir> {
        static RUN: AtomicU32 = AtomicU32::new(0);
        let runs = paths::guest("runs")?;
        // Those of runs that were killed.
        for old in fs::read_dir(&runs).context("cannot list the runs")?.flatten() {
            let name = old.file_name().to_string_lossy().into_owned();
            let pid = name.split('-').next().unwrap_or_default().to_owned();
            if !Path::new("/proc").join(pid).exists() {
                let _ = fs::remove_dir_all(old.path());
            }
        }
        let dir = runs.join(format!("{}-{}", std::process::id(), RUN.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(WorkDir(dir))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
