//! `cargo xtask vm`: one command in a guest, on one kernel or all.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::build::Profile;
use crate::guest::{Echo, End, GUEST_FAILED, GuestOutcome, GuestRun, LSM};
use crate::{build, kernels, setup};

/// Where and how a guest runs.
#[derive(Args)]
pub struct Vm {
    /// Kernel series: 6.1, 6.12, 6.18, 7.3, or all
    #[arg(long, default_value = "6.12")]
    kernel: String,
    /// The guest's LSM list, in order
    #[arg(long, default_value = LSM)]
    lsm: String,
    /// Virtual CPUs
    #[arg(long, default_value_t = 2)]
    cpus: u32,
    /// Memory in MiB
    #[arg(long, default_value_t = 2048)]
    memory: u32,
    /// Count instructions as time (1 ns each) on one CPU, for figures that repeat
    #[arg(long)]
    icount: bool,
    /// Seconds until the guest is stopped, boot included
    #[arg(long, default_value_t = 600)]
    timeout: u64,
    /// A file or folder to put in the guest's /mnt/copy (may be given several times)
    #[arg(long, value_name = "PATH")]
    copy: Vec<PathBuf>,
    /// A script to run as root in the guest
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,
    /// Say on standard error how long the boot and the run took
    #[arg(long)]
    times: bool,
    /// A command to run as root in the guest
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Runs it; the exit status is the command's, or 125 when the guest itself failed.
pub fn run(vm: Vm, profile: Profile) -> Result<i32> {
    let script = match &vm.script {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the script {}", file.display()))?,
        None if vm.command.is_empty() => bail!("nothing to run: give --script FILE or -- CMD…"),
        None => format!("exec {}", quote(&vm.command)),
    };
    setup::build()?;
    setup::guest()?;
    build::run(profile)?;
    let all = vm.kernel == "all";
    let series = if all { kernels::SERIES.map(str::to_owned).to_vec() } else { vec![vm.kernel.clone()] };
    let (mut worst, mut summary) = (0, Vec::new());
    for kernel in series {
        let echo = if all { Echo::Prefixed(format!("{kernel} | ")) } else { Echo::Plain };
        let outcome = GuestRun {
            lsm: vm.lsm.clone(),
            cpus: vm.cpus,
            icount: vm.icount,
            memory: vm.memory,
            copies: vm.copy.clone(),
            timeout: Duration::from_secs(vm.timeout),
            echo,
            ..GuestRun::new(&kernel, profile, script.clone())
        }
        .run()?;
        report(&kernel, &outcome);
        if vm.times {
            eprintln!("kernel {kernel}: {}", times(&outcome));
        }
        if outcome.status() != 0 && worst != GUEST_FAILED {
            worst = outcome.status();
        }
        let end = match &outcome.end {
            End::Exit(0) => "ok".to_owned(),
            End::Exit(status) => format!("exit status {status}"),
            End::GuestFailed(_) => "the guest itself failed".to_owned(),
        };
        summary.push(format!("kernel {kernel}: {end}, {}", times(&outcome)));
    }
    if all {
        println!("{}", summary.join("\n"));
    }
    Ok(worst)
}

/// Says on standard error when the guest itself failed.
pub fn report(kernel: &str, outcome: &GuestOutcome) {
    if let End::GuestFailed(why) = &outcome.end {
        eprintln!("kernel {kernel}: the guest itself failed: {why}");
    }
}

fn times(outcome: &GuestOutcome) -> String {
    let boot =
        outcome.boot.map_or_else(|| "no boot".to_owned(), |t| format!("boot {:.1} s", t.as_secs_f64()));
    format!("{boot}, {:.1} s in all", outcome.wall.as_secs_f64())
}

/// Words for a shell.
pub fn quote(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    quoted.join(" ")
}
