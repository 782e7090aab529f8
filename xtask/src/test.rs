//! `cargo xtask test`: the guest suite and the escape suite on every kernel, and meanwhile the tests of the host and a
//! few seconds of each fuzz target.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::build::Profile;
use crate::cmd::{cmd, have};
use crate::suites::{Job, SUITE, jobs};
use crate::{build, escape_families, paths, promises, setup, tally::Tally, vm};

/// Which tests run, and where.
#[derive(Args)]
pub struct Test {
    /// Only tests whose name contains this
    pub filter: Option<String>,
    /// Only on this kernel (may be given several times)
    #[arg(long)]
    pub kernel: Vec<String>,
    /// Leave out the tests of the host
    #[arg(long)]
    guest_only: bool,
    /// Leave out the guests
    #[arg(long, conflicts_with = "guest_only")]
    host_only: bool,
    /// All tests and all attacks on every kernel: it takes hours where guests are emulated
    #[arg(long)]
    pub whole: bool,
    /// How many guests run at a time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Seconds that one guest may take
    #[arg(long, default_value_t = 3000)]
    pub timeout: u64,
}

impl Test {
    /// Whether nothing is left out.
    fn is_all(&self) -> bool {
        self.filter.is_none() && self.kernel.is_empty() && !self.guest_only && !self.host_only
    }
}

/// Runs them; 0 when all passed.
pub fn run(test: &Test, profile: Profile) -> Result<i32> {
    setup::build()?;
    // Most of a guest's files are downloaded, which leaves the processors to the compiler.
    std::thread::scope(|scope| -> Result<()> {
        let files = (!test.host_only).then(|| scope.spawn(setup::guest));
        let built = if test.host_only { Ok(()) } else { build::run(profile) };
        files.map_or(Ok(()), |thread| joined(thread))?;
        built
    })?;
    if !test.host_only && !build::binaries()?.iter().any(|name| name == SUITE) {
        bail!("the tests package declares no program `{SUITE}` to run in the guest");
    }
    // A guest waits often enough to leave time for the tests of the host.
    let (guests, host) = std::thread::scope(|scope| {
        let host = (!test.guest_only).then(|| scope.spawn(|| host(test)));
        let guests = (!test.host_only).then(|| guests(test, profile));
        (guests, host.map(joined))
    });
    let (mut total, mut summary, mut passed) = (Tally::default(), Vec::new(), BTreeSet::new());
    for ran in [host, guests].into_iter().flatten() {
        let ran = ran?;
        passed.extend(ran.passed);
        for (line, tally) in ran.suites {
            summary.push(line);
            total += tally;
        }
    }
    if test.is_all() {
        let (line, tally) = promises::check(&passed)?;
        summary.push(line);
        // Each has been counted where it ran.
        total.failed += tally.failed;
    }
    println!("\n{}", summary.join("\n"));
    println!("{total}");
    if total.count() == 0 {
        bail!("no test ran");
    }
    Ok(i32::from(total.failed > 0))
}

/// The result of a thread.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked")))
}

/// The tests of the host, and then the fuzz targets.
fn host(test: &Test) -> Result<Ran> {
    let begun = Instant::now();
    let (tally, passed) = units(test.filter.as_deref())?;
    let line = format!("host: {tally}; it took {:.0} s", begun.elapsed().as_secs_f64());
    let mut suites = vec![(line, tally)];
    if !test.host_only && test.filter.is_none() {
        suites.push(fuzz()?);
    }
    Ok(Ran { suites, passed: passed.into_iter().collect() })
}

/// Unit and integration tests, with nextest where it is; the names of those that passed.
fn units(filter: Option<&str>) -> Result<(Tally, Vec<String>)> {
    let nextest = have("cargo-nextest");
    let tests = match nextest {
        true => cmd("cargo").args(["nextest", "run", "--no-tests=pass", "--cargo-profile"]),
        // What it writes to standard error says whose tests follow.
        false => cmd("sh").args(["-c", "exec cargo \"$@\" 2>&1", "cargo", "test", "--profile"]),
    };
    // The release profile has no checks of overflows and no assertions.
    let tests = tests.args([Profile::Quick.name(), "--workspace", "--no-fail-fast"]);
    let (text, passed) = tests.args(filter).dir(paths::root()).tee()?;
    let mut tally = if nextest { Tally::of_nextest(&text) } else { Tally::of_cargo_test(&text) };
    // It did not compile, or ended before it could count.
    if !passed && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok((tally, promises::passed(&text)))
}

/// Seconds for each fuzz target.
const FUZZ: u32 = 20;

/// The fuzz targets, one after another; the tests of the host have built them.
fn fuzz() -> Result<(String, Tally)> {
    let tests = cmd("cargo").args([
        "test",
        "-q",
        "--profile",
        Profile::Quick.name(),
        "--workspace",
        "--test",
        "fuzz",
    ]);
    let tests = tests.args(["--", "--test-threads=1"]);
    let (text, passed) = tests.env("GATEKEEPER_FUZZ_SECONDS", FUZZ.to_string()).dir(paths::root()).tee()?;
    let mut tally = Tally::of_cargo_test(&text);
    if !passed && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok((format!("fuzz targets, {FUZZ} s each: {tally}"), tally))
}

/// The results of suites.
struct Ran {
    /// A summary line for each.
    suites: Vec<(String, Tally)>,
    /// The names of the tests that passed.
    passed: BTreeSet<String>,
}

/// The suites in each guest, some guests at a time.
fn guests(test: &Test, profile: Profile) -> Result<Ran> {
    let jobs: Mutex<VecDeque<Job>> = Mutex::new(jobs(test, profile)?.into());
    let done = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        loop {
            let Some(job) = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else {
                return Ok(());
            };
            let name = &job.place.name;
            let outcome = job.guest(test).run().with_context(|| format!("guest {name}"))?;
            vm::report(name, &outcome);
            let judged = job.judge(&outcome);
            let found = escape_families::printed(&outcome.output).ok().map(|found| (name.clone(), found));
            let names = promises::passed(&outcome.output);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((job, judged, found, names));
        }
    };
    std::thread::scope(|scope| -> Result<()> {
        let runs: Vec<_> = (0..test.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        runs.into_iter().try_for_each(joined)
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by(|(one, ..), (other, ..)| one.place.name.cmp(&other.place.name));
    let (mut judged, mut columns, mut passed) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (_, suites, found, names) in done {
        judged.extend(suites);
        columns.extend(found);
        passed.extend(names);
    }
    if !columns.is_empty() {
        println!("\n{}", escape_families::table(&columns));
    }
    if test.filter.is_none() && judged.iter().map(|(_, tally)| tally.count()).sum::<u64>() == 0 {
        bail!("no test ran in any guest");
    }
    Ok(Ran { suites: judged, passed })
}
