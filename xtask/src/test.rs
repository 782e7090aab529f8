//! `cargo xtask test`: unit and host tests, then the guest suite on every kernel.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::cmd::{cmd, have};
use crate::guest::{Echo, End, GuestOutcome, GuestRun, LSM_WITHOUT_BPF};
use crate::{build, kernels, paths, setup, tally::Tally, vm};

/// The program that runs inside the guest.
const SUITE: &str = "gatekeeper-suite";

/// Which tests run, and where.
#[derive(Args)]
pub struct Test {
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Only on this kernel (may be given several times)
    #[arg(long)]
    kernel: Vec<String>,
    /// Leave out the tests of the host
    #[arg(long)]
    guest_only: bool,
    /// Leave out the guests
    #[arg(long, conflicts_with = "guest_only")]
    host_only: bool,
    /// How many guests run at a time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Seconds that one guest may take
    #[arg(long, default_value_t = 1500)]
    timeout: u64,
}

/// One guest to run a suite in.
pub struct Place {
    /// For people.
    pub name: String,
    kernel: String,
    without_bpf: bool,
}

impl Place {
    /// A kernel, with bpf in its LSM list or without.
    pub fn new(kernel: &str, without_bpf: bool) -> Place {
        let mark = if without_bpf { " without bpf in its LSM list" } else { "" };
        Place { name: format!("kernel {kernel}{mark}"), kernel: kernel.to_owned(), without_bpf }
    }
}

/// Runs them; 0 when all passed.
pub fn run(test: &Test) -> Result<i32> {
    setup::build()?;
    let (mut total, mut summary) = (Tally::default(), Vec::new());
    if !test.guest_only {
        let host = host(test.filter.as_deref())?;
        summary.push(format!("host: {host}"));
        total += host;
    }
    if !test.host_only {
        setup::guest()?;
        build::run()?;
        if !build::binaries()?.iter().any(|name| name == SUITE) {
            bail!("the tests package declares no program `{SUITE}` to run in the guest");
        }
        let mut ran = Tally::default();
        for (line, tally) in guests(test)? {
            summary.push(line);
            ran += tally;
        }
        if ran.count() == 0 && test.filter.is_none() {
            bail!("no test ran in any guest");
        }
        total += ran;
    }
    println!("\n{}", summary.join("\n"));
    println!("{total}");
    if total.count() == 0 {
        bail!("no test ran");
    }
    Ok(i32::from(total.failed > 0))
}

/// Unit and integration tests, with nextest where it is.
fn host(filter: Option<&str>) -> Result<Tally> {
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
    Ok(tally)
}

/// The suite in each guest, some at a time; a summary line for each.
fn guests(test: &Test) -> Result<Vec<(String, Tally)>> {
    let places = places(&test.kernel)?;
    let mut done = Vec::new();
    for some in places.chunks(test.jobs.max(1)) {
        let outcomes: Vec<Result<GuestOutcome>> = std::thread::scope(|scope| {
            let runs: Vec<_> = some.iter().map(|place| scope.spawn(|| guest(test, place).run())).collect();
            let lost = || Err(anyhow::anyhow!("the guest's thread ended early"));
            runs.into_iter().map(|run| run.join().unwrap_or_else(|_| lost())).collect()
        });
        for (place, outcome) in some.iter().zip(outcomes) {
            let outcome = outcome.with_context(|| format!("guest {}", place.name))?;
            vm::report(&place.name, &outcome);
            done.push(judge(place, &outcome));
        }
    }
    Ok(done)
}

fn places(only: &[String]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for kernel in kernels::choose(only)? {
        places.push(Place::new(kernel, false));
        if kernel == "6.12" {
            places.push(Place::new(kernel, true));
        }
    }
    Ok(places)
}

fn guest(test: &Test, place: &Place) -> GuestRun {
    let mut words = vec![SUITE.to_owned()];
    if place.without_bpf {
        words.push("--no-bpf-lsm".to_owned());
    }
    words.extend(test.filter.clone());
    let mark = if place.without_bpf { "-bpf" } else { "" };
    let mut run = GuestRun {
        copies: vec![paths::root().join("tests")],
        timeout: Duration::from_secs(test.timeout),
        echo: Echo::Prefixed(format!("{}{mark} | ", place.kernel)),
        ..GuestRun::new(&place.kernel, format!("exec {}", vm::quote(&words)))
    };
    if place.without_bpf {
        run.lsm = LSM_WITHOUT_BPF.to_owned();
    }
    run
}

/// Believes the suite's closing line only when its exit status agrees.
pub fn judge(place: &Place, outcome: &GuestOutcome) -> (String, Tally) {
    let (mut tally, mut note) = (Tally::default(), "");
    match (Tally::of_closing_line(&outcome.output), &outcome.end) {
        (_, End::GuestFailed(_)) => note = " (the guest itself failed)",
        (None, _) => note = " (the suite did not finish)",
        (Some(said), end) => {
            tally = said;
            if !matches!(end, End::Exit(0)) && said.failed == 0 {
                note = " (the suite's exit status is not 0)";
            }
        }
    }
    if !note.is_empty() {
        tally.failed += 1;
    }
    let failures = outcome.output.lines().filter(|line| line.starts_with("FAILED "));
    let failures: String = failures.map(|line| format!("\n    {line}")).collect();
    (format!("{}: {tally}, {:.0} s{note}{failures}", place.name, outcome.wall.as_secs_f64()), tally)
}
