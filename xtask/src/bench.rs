//! `cargo xtask bench`: instructions that gatekeeper adds, counted in guests.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::build::Profile;
use crate::guest::{Echo, GuestRun};
use crate::{build, kernels, setup, verified, vm};

/// The program that measures, inside the guest.
const BENCH: &str = "gatekeeper-bench";

/// The measurement, and the kernels.
#[derive(Args)]
pub struct Bench {
    /// Only on this kernel (may be given several times)
    #[arg(long)]
    kernel: Vec<String>,
    /// Seconds that one guest may take
    #[arg(long, default_value_t = 1800)]
    timeout: u64,
    /// Write the table of verified instructions, docs/verified.md, anew
    #[arg(long)]
    write: bool,
    /// Arguments for the program that measures
    #[arg(last = true)]
    args: Vec<String>,
}

/// Runs it on each kernel in turn; the worst exit status.
pub fn run(bench: &Bench) -> Result<i32> {
    if !build::binaries()?.iter().any(|name| name == BENCH) {
        bail!("the tests package declares no program `{BENCH}`");
    }
    setup::build()?;
    setup::guest()?;
    build::run(Profile::Release)?;
    let (mut worst, mut counts) = (0, BTreeMap::new());
    for kernel in kernels::choose(&bench.kernel)? {
        let words = [vec![BENCH.to_owned()], bench.args.clone()].concat();
        println!("== kernel {kernel}");
        let outcome = GuestRun {
            icount: true,
            timeout: Duration::from_secs(bench.timeout),
            echo: Echo::Plain,
            ..GuestRun::new(kernel, Profile::Release, format!("exec {}", vm::quote(&words)))
        }
        .run()?;
        vm::report(kernel, &outcome);
        worst = worst.max(outcome.status());
        let counted = verified::printed(&outcome.output);
        if outcome.status() == 0 && !counted.is_empty() {
            counts.insert(kernel, counted);
        }
    }
    verified::compare(&counts, bench.write)?;
    Ok(worst)
}
