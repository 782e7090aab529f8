//! The cost of a hold without its human: one open of a file, decided by a program as soon as it is noticed. The same for
//! gatekeeper, for a seccomp filter that notifies, and for permission events of fanotify.

mod fanotify;
mod opener;
mod ours;
mod seccomp;

use std::fs;
use std::io::Error;
use std::path::Path;

use anyhow::{Context, Result, ensure};

pub use opener::{Way, open};

/// The file that is opened.
const FILE: &str = "/srv/bench/asked";
/// Opens that count, and those before them that don't.
const COUNT: usize = 1000;
const WARM: usize = 50;

/// Nanoseconds since boot: the same clock in every process.
fn now() -> Result<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to what lives here.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    ensure!(failed == 0, "clock_gettime: {}", Error::last_os_error());
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// The times when one open was noticed, and when its decision was sent.
#[derive(Clone, Copy, Debug)]
struct Notice {
    noticed: u64,
    decided: u64,
}

/// The times when one open was begun, and when it was through.
#[derive(Clone, Copy, Debug)]
struct Opened {
    called: u64,
    returned: u64,
}

/// Decides so many opens; the last notice may come when all are through.
type Decide<'a> = &'a mut dyn FnMut() -> Result<Notice>;

/// Of one way: from the call to the notice, and from the decision to the call's return.
struct Figures {
    notice: Vec<u64>,
    rest: Vec<u64>,
}

impl Figures {
    fn of(notices: &[Notice], opened: &[Opened]) -> Result<Self> {
        ensure!(notices.len() == opened.len(), "{} notices of {} opens", notices.len(), opened.len());
        let (mut notice, mut rest) = (Vec::new(), Vec::new());
        for (seen, opened) in notices.iter().zip(opened).skip(WARM) {
            let ordered = opened.called <= seen.noticed
                && seen.noticed <= seen.decided
                && seen.decided <= opened.returned;
            ensure!(ordered, "out of order: {seen:?}, {opened:?}");
            notice.push(seen.noticed - opened.called);
            rest.push(opened.returned - seen.decided);
        }
        notice.sort_unstable();
        rest.sort_unstable();
        Ok(Self { notice, rest })
    }
}

/// The smallest figure that so many of a hundred don't exceed.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// Measures all three and prints the table.
pub fn compare() -> Result<()> {
    super::clock::settle();
    let folder = Path::new(FILE).parent().context("a file without folder")?;
    fs::create_dir_all(folder).context("making a folder")?;
    fs::write(FILE, "x").context(FILE)?;
    let lines = [
        ("seccomp, user notification", seccomp::measure()),
        ("fanotify, permission event", fanotify::measure()),
        ("gatekeeper, by its control socket", ours::measure()),
    ];
    println!("\n{COUNT} opens of a file each, in instructions (`-icount`, 1 ns of guest time each)\n");
    println!("| | call to notice, p50 | p99 | decision to return, p50 | p99 |\n|---|---:|---:|---:|---:|");
    let mut failed = None;
    for (name, figures) in lines {
        match figures {
            Ok(Figures { notice, rest }) => println!(
                "| {name} | {} | {} | {} | {} |",
                percentile(&notice, 50),
                percentile(&notice, 99),
                percentile(&rest, 50),
                percentile(&rest, 99)
            ),
            Err(error) => {
                println!("| {name} | not measured: {error:#} |");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
