//! `cargo xtask escapes`: the escape suite in a guest, on one kernel or all.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::guest::{Echo, GuestRun};
use crate::tally::Tally;
use crate::test::{Place, judge};
use crate::{build, kernels, paths, setup, vm};

/// The program that runs inside the guest.
pub const ESCAPES: &str = "gatekeeper-escapes";

/// Which attacks run, and where.
#[derive(Args)]
pub struct Escapes {
    /// Only attacks whose name contains one of these
    filter: Vec<String>,
    /// Only on this kernel (may be given several times)
    #[arg(long)]
    kernel: Vec<String>,
    /// Seconds that one guest may take
    #[arg(long, default_value_t = 1200)]
    timeout: u64,
    /// Show how long each part of an attack takes
    #[arg(long)]
    times: bool,
}

/// Runs them; 0 when none came out otherwise than it must.
pub fn run(escapes: &Escapes) -> Result<i32> {
    setup::build()?;
    setup::guest()?;
    build::run()?;
    let (mut total, mut summary) = (Tally::default(), Vec::new());
    for kernel in kernels::choose(&escapes.kernel)? {
        let place = Place::new(kernel, false);
        let mut words = vec!["env".to_owned()];
        if escapes.times {
            words.push("GATEKEEPER_ESCAPES_TIMES=1".to_owned());
        }
        words.push(ESCAPES.to_owned());
        words.extend(escapes.filter.clone());
        let run = GuestRun {
            copies: vec![paths::root().join("tests")],
            timeout: Duration::from_secs(escapes.timeout),
            echo: Echo::Prefixed(format!("{kernel} | ")),
            ..GuestRun::new(kernel, format!("exec {}", vm::quote(&words)))
        };
        let outcome = run.run().with_context(|| format!("guest {}", place.name))?;
        vm::report(&place.name, &outcome);
        let (line, tally) = judge(&place, &outcome);
        summary.push(line);
        total += tally;
    }
    println!("\n{}", summary.join("\n"));
    println!("{total}");
    if total.count() == 0 {
        bail!("no attack ran");
    }
    Ok(i32::from(total.failed > 0))
}
