//! `cargo xtask test`: unit and host tests, then the guest suite and the escape suite on every kernel, and meanwhile a
//! minute of each fuzz target.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::cmd::{cmd, have};
use crate::suites::{Job, SUITE, jobs};
use crate::{build, doors, paths, promises, setup, tally::Tally, vm};

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
pub fn run(test: &Test) -> Result<i32> {
    setup::build()?;
    let (mut total, mut summary, mut passed) = (Tally::default(), Vec::new(), BTreeSet::new());
    // Most of what makes a guest is fetched: it waits for others, while the tests of the host keep the machine busy.
    let (host, made) = std::thread::scope(|scope| {
        let making = (!test.host_only).then(|| scope.spawn(setup::guest));
        let host = (!test.guest_only).then(|| host(test.filter.as_deref()));
        let lost = || Err(anyhow::anyhow!("the thread that sets up guests ended early"));
        (host, making.map_or(Ok(()), |run| run.join().unwrap_or_else(|_| lost())))
    });
    if let Some(host) = host {
        let (host, names) = host?;
        passed.extend(names);
        summary.push(format!("host: {host}"));
        total += host;
    }
    made?;
    if !test.host_only {
        build::run()?;
        if !build::binaries()?.iter().any(|name| name == SUITE) {
            bail!("the tests package declares no program `{SUITE}` to run in the guest");
        }
        let mut ran = Tally::default();
        let (guests, fuzzed) = std::thread::scope(|scope| {
            let fuzzing = (!test.guest_only && test.filter.is_none()).then(|| scope.spawn(fuzz));
            let lost = || Err(anyhow::anyhow!("the fuzz targets' thread ended early"));
            (guests(test), fuzzing.map(|run| run.join().unwrap_or_else(|_| lost())))
        });
        let guests = guests?;
        passed.extend(guests.passed);
        for (line, tally) in guests.suites {
            summary.push(line);
            ran += tally;
        }
        if let Some(fuzzed) = fuzzed {
            let (line, tally) = fuzzed?;
            summary.push(line);
            total += tally;
        }
        if ran.count() == 0 && test.filter.is_none() {
            bail!("no test ran in any guest");
        }
        total += ran;
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

/// Unit and integration tests, with nextest where it is; the names of those that passed.
fn host(filter: Option<&str>) -> Result<(Tally, Vec<String>)> {
    let nextest = have("cargo-nextest");
    let tests = match nextest {
        true => cmd("cargo").args(["nextest", "run", "--workspace", "--no-tests=pass", "--no-fail-fast"]),
        false => cmd("cargo").args(["test", "--workspace", "--no-fail-fast"]),
    };
    let (text, passed) = tests.args(filter).dir(paths::root()).tee()?;
    let mut tally = if nextest { Tally::of_nextest(&text) } else { Tally::of_cargo_test(&text) };
    // It did not compile, or ended before it could count.
    if !passed && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok((tally, promises::passed(&text).collect()))
}

/// Seconds for each fuzz target.
const FUZZ: u32 = 60;

/// The fuzz targets, one after another, while guests keep the machine busy: what they are built from is built by the
/// tests of the host.
fn fuzz() -> Result<(String, Tally)> {
    let tests = cmd("cargo").args(["test", "-q", "--workspace", "--test", "fuzz", "--", "--test-threads=1"]);
    let (text, passed) = tests.env("GATEKEEPER_FUZZ_SECONDS", FUZZ.to_string()).dir(paths::root()).tee()?;
    let mut tally = Tally::of_cargo_test(&text);
    if !passed && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok((format!("fuzz targets, {FUZZ} s each: {tally}"), tally))
}

/// What came of the suites in guests.
struct Ran {
    /// A summary line for each.
    suites: Vec<(String, Tally)>,
    /// The names of the tests that passed.
    passed: BTreeSet<String>,
}

/// The suites in each guest, some guests at a time.
fn guests(test: &Test) -> Result<Ran> {
    let jobs: Mutex<VecDeque<Job>> = Mutex::new(jobs(test)?.into());
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
            let found = doors::printed(&outcome.output).ok().map(|found| (name.clone(), found));
            let names: Vec<String> = promises::passed(&outcome.output).collect();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((job, judged, found, names));
        }
    };
    std::thread::scope(|scope| -> Result<()> {
        let runs: Vec<_> = (0..test.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        let lost = || Err(anyhow::anyhow!("the guest's thread ended early"));
        runs.into_iter().try_for_each(|run| run.join().unwrap_or_else(|_| lost()))
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
        println!("\n{}", doors::table(&columns));
    }
    Ok(Ran { suites: judged, passed })
}
