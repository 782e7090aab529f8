//! Counts the instructions that gatekeeper, Landlock and AppArmor add to everyday operations.

mod apparmor;
mod clock;
mod gatekeeper;
mod hold;
mod landlock;
mod policy;
mod process;
mod work;

use std::path::Path;

use anyhow::Result;

use self::work::{Figures, OPERATIONS};

pub fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        // A measured process; its figures go to standard output.
        Some("measure") => work::measure(),
        Some("hold") => hold::compare(),
        // Who is held meanwhile.
        Some("open") => hold::open(match arguments.get(1).map(String::as_str) {
            Some("filter") => hold::Way::Filter,
            _ => hold::Way::Plain,
        }),
        // Here, on a clock that runs as clocks do.
        Some("compile") => policy::time_compile(),
        // The verifier's counts, and nothing else.
        Some("verify") => gatekeeper::load(Path::new(PINS)).and_then(|_| gatekeeper::verified()),
        _ => compare(),
    }
}

const PINS: &str = "/sys/fs/bpf/gatekeeper";

/// One line of the table: who is measured, and the figures, or why there are none.
struct Line {
    name: &'static str,
    figures: Result<Figures>,
}

fn compare() -> Result<()> {
    clock::settle();
    work::prepare()?;
    let mut lines = vec![
        Line { name: "bare", figures: process::measured(|| Ok(())) },
        Line { name: "Landlock, 5 rules", figures: process::measured(landlock::restrict) },
        Line {
            name: "AppArmor",
            figures: apparmor::load().and_then(|()| process::measured(apparmor::change)),
        },
    ];
    let mut kernel = gatekeeper::load(Path::new(PINS))?;
    lines.push(Line { name: "gatekeeper, unlabelled", figures: process::measured(|| Ok(())) });
    for (name, rules) in [("gatekeeper, 10 rules", 10), ("gatekeeper, 10,000 rules", 10_000)] {
        let group = gatekeeper::session(&mut kernel, rules)?;
        lines.push(Line { name, figures: process::measured(move || group.enter()) });
    }
    table(&lines);
    gatekeeper::verified()
}

/// The first line as it is, the others as what they add to it.
fn table(lines: &[Line]) {
    print!("\n{:26}", "instructions added to");
    OPERATIONS.iter().for_each(|operation| print!("{operation:>14}"));
    println!();
    let bare = lines.first().and_then(|line| line.figures.as_ref().ok());
    for (number, line) in lines.iter().enumerate() {
        print!("{:26}", line.name);
        match &line.figures {
            Ok(figures) => {
                for (at, figure) in figures.iter().enumerate() {
                    let base = if number == 0 { 0 } else { bare.map_or(0, |bare| bare[at]) };
                    let (figure, base) = (*figure as i64, base as i64);
                    print!(
                        "{:>14}",
                        if number == 0 { format!("{figure}") } else { format!("{:+}", figure - base) }
                    );
                }
                println!();
            }
            Err(error) => println!("  not measured: {error:#}"),
        }
    }
}
