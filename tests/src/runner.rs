//! Runs tests one after another, each within its time, and counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::failure::Breach;
use crate::suite;
use crate::world::World;

/// How long a test may take; under emulation everything is slow, and each thing that it waits for has a limit of its
/// own.
const LIMIT: Duration = Duration::from_mins(15);

/// How many tests of a run may pass at their second try. More of them is no accident.
const SECOND_TRIES: usize = 3;

/// How many tests the list at the end names.
const SLOWEST: usize = 10;

type Body = Arc<dyn Fn(&World) -> Result<()> + Send + Sync>;

/// One test.
pub struct Test {
    pub name: String,
    limit: Duration,
    body: Body,
}

impl Test {
    pub fn new(name: impl Into<String>, body: impl Fn(&World) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { name: name.into(), limit: LIMIT, body: Arc::new(body) }
    }

    /// The same with another limit, in seconds.
    pub fn within(self, seconds: u64) -> Self {
        Self { limit: Duration::from_secs(seconds), ..self }
    }
}

/// The outcome of a test.
enum Outcome {
    Passed,
    /// At its second try; what had come of the first.
    PassedLater(anyhow::Error),
    Failed(anyhow::Error),
}

/// Which tests run.
#[derive(Default)]
pub struct Choice {
    /// Parts of names; all tests where there are none.
    pub filters: Vec<String>,
    pub without_bpf: bool,
    pub list: bool,
}

impl Choice {
    /// Reads the choice from a command line; none where it makes no sense.
    pub fn of(words: impl Iterator<Item = String>) -> Option<Self> {
        let mut choice = Self::default();
        for word in words {
            match word.as_str() {
                "--no-bpf-lsm" => choice.without_bpf = true,
                "--list" => choice.list = true,
                // Read where it matters: `in_full`.
                "--whole" => {}
                word if word.starts_with('-') => return None,
                _ => choice.filters.push(word),
            }
        }
        Some(choice)
    }

    /// Whether a name is among those wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter))
    }
}

/// Runs those chosen; succeeds where all passed.
pub fn run(choice: &Choice) -> ExitCode {
    let mut tests = suite::all(choice.without_bpf);
    tests.retain(|test| choice.wants(&test.name));
    if choice.list {
        tests.iter().for_each(|test| println!("{}", test.name));
        return ExitCode::SUCCESS;
    }
    if tests.is_empty() {
        println!("0 passed, 0 failed");
        return ExitCode::SUCCESS;
    }
    let world = match World::build() {
        Ok(world) => Arc::new(world),
        Err(error) => {
            println!("FAILED set-up: {}", line(&error));
            println!("0 passed, {} failed", tests.len());
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed, mut later, mut times) = (0, 0, Vec::new(), Vec::new());
    for test in tests {
        let name = &test.name;
        let begun = Instant::now();
        let outcome = twice(&test, &world, later.len() < SECOND_TRIES);
        times.push((begun.elapsed(), name.clone()));
        match outcome {
            Outcome::Failed(error) => {
                failed += 1;
                println!("FAILED {name}: {}", line(&error));
                if let Some(words) = world.daemon_words() {
                    println!("  the daemon's last words: {words}");
                }
                continue;
            }
            Outcome::PassedLater(error) => later.push(format!("AGAIN {name}: {}", line(&error))),
            Outcome::Passed => {}
        }
        passed += 1;
        println!("ok {name} ({:.1} s)", begun.elapsed().as_secs_f64());
    }
    world.end();
    slowest(times).iter().for_each(|line| println!("{line}"));
    later.iter().for_each(|line| println!("{line}"));
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lines on the tests that took longest, the longest first, and on all.
fn slowest(mut times: Vec<(Duration, String)>) -> Vec<String> {
    let sum: Duration = times.iter().map(|(time, _)| *time).sum();
    times.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let mut lines = vec![format!("  {} tests took {:.0} s, the slowest:", times.len(), sum.as_secs_f64())];
    lines.extend(
        times.iter().take(SLOWEST).map(|(time, name)| format!("  {:6.1} s {name}", time.as_secs_f64())),
    );
    lines
}

/// Runs a test and, where it fails in a way that a busy machine can bring about, once more. What passed that must not is
/// no such way.
fn twice(test: &Test, world: &Arc<World>, may_try_again: bool) -> Outcome {
    let first = match one(test, world) {
        Ok(()) => return Outcome::Passed,
        Err(error) => error,
    };
    if !may_try_again || is_final(&first) {
        return Outcome::Failed(first);
    }
    println!("  {}, at its first try: {}", test.name, line(&first));
    match one(test, world) {
        Ok(()) => Outcome::PassedLater(first),
        Err(second) => Outcome::Failed(second.context(format!("at its second try, after {}", line(&first)))),
    }
}

fn is_final(error: &anyhow::Error) -> bool {
    error.is::<Breach>() || error.is::<Stuck>()
}

/// A test whose thread still runs.
#[derive(Debug)]
struct Stuck(Duration);

impl std::fmt::Display for Stuck {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "not done after {} s", self.0.as_secs())
    }
}

impl std::error::Error for Stuck {}

fn one(test: &Test, world: &Arc<World>) -> Result<()> {
    let (sender, heard) = channel();
    let (theirs, body) = (Arc::clone(world), Arc::clone(&test.body));
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| theirs.need_daemon().and_then(|()| body(&theirs))));
        let result = result.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            Err(anyhow!("panicked: {}", words.unwrap_or_default()))
        });
        // The runner may have given up on it.
        let _ = sender.send(result);
    });
    let result = match heard.recv_timeout(test.limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Stuck(test.limit).into()),
        Err(RecvTimeoutError::Disconnected) => Err(anyhow!("its thread ended early")),
    };
    world.clear_away();
    result
}

/// An error with its causes on one line.
pub fn line(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', " | ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::failure::{Late, must_not_pass};

    #[test]
    fn the_slowest_tests_come_first() {
        let times =
            [(3, "c"), (12, "a"), (4, "b")].map(|(s, name)| (Duration::from_secs(s), name.to_owned()));
        let lines = slowest(times.into());
        assert_eq!(
            lines,
            ["  3 tests took 19 s, the slowest:", "    12.0 s a", "     4.0 s b", "     3.0 s c"]
        );
    }

    #[test]
    fn a_breach_is_not_tried_again() {
        let breach = must_not_pass(false, "it was let").context("reading").context("the second case");
        assert!(breach.is_err_and(|error| is_final(&error)));
        assert!(is_final(&Stuck(LIMIT).into()));
        let late = Late { what: "the end".into(), limit: LIMIT };
        assert!(!is_final(&anyhow::Error::from(late).context("waiting")));
        assert!(must_not_pass(true, "").is_ok());
    }
}
