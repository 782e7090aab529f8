//! Policies of any size that allow what is measured.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use gatekeeper_policy::links::NoLinks;
use gatekeeper_policy::source::Source;
use gatekeeper_policy::{Compiled, Policy, SearchPath, Vars};

/// The rules that the measured operations need.
const NEEDED: &str = include_str!("../../policies-guest/bench.toml");
const NEEDED_RULES: usize = 6;
/// One rule in so many floats.
const FLOATING: usize = 2000;

/// A policy of so many rules.
pub fn text(rules: usize) -> String {
    let mut text = NEEDED.to_owned();
    for number in NEEDED_RULES..rules {
        let path = match number {
            _ if number % FLOATING == FLOATING - 1 => format!("**/secret-{number}"),
            _ if number % 2 == 0 => format!("/srv/project-{}/src/module-{number}.rs", number % 97),
            _ => format!("/home/user-{}/work/package-{number}/**", number % 89),
        };
        let verdict = if number % 3 == 0 { "deny" } else { "allow" };
        let _ = write!(text, "[[file]]\nverdict = \"{verdict}\"\npath = [\"{path}\"]\n");
    }
    text
}

/// Compiles a policy of so many rules.
pub fn compile(rules: usize) -> Result<Compiled> {
    let vars =
        Vars::new(Path::new("/home/dev/work"), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s");
    let source = Source::new("bench", None, text(rules));
    Policy::from_source(source, &SearchPath { directories: Vec::new() })
        .and_then(|policy| policy.resolve(&vars, &NoLinks))
        .and_then(gatekeeper_policy::Resolved::compile)
        .map_err(|error| anyhow!("{error}"))
}

/// Prints how long compiling takes.
pub fn time_compile() -> Result<()> {
    for rules in [10, 1000, 10_000] {
        let start = Instant::now();
        let image = compile(rules)?.image;
        println!(
            "compiling {rules:6} rules: {:?}, {} edges, {} rows",
            start.elapsed(),
            image.edges(),
            image.rows()
        );
    }
    Ok(())
}
