//! Runs tests one after another, each within its time, and counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::suite;
use crate::world::World;

/// How long a test may take that does not say otherwise; under emulation everything is slow.
const USUAL: Duration = Duration::from_secs(120);

type Body = Box<dyn FnOnce(&World) -> Result<()> + Send>;

/// One test.
pub struct Test {
    pub name: String,
    limit: Duration,
    body: Body,
}

impl Test {
    pub fn new(name: impl Into<String>, body: impl FnOnce(&World) -> Result<()> + Send + 'static) -> Self {
        Self { name: name.into(), limit: USUAL, body: Box::new(body) }
    }

    /// The same with another limit, in seconds.
    pub fn within(self, seconds: u64) -> Self {
        Self { limit: Duration::from_secs(seconds), ..self }
    }
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
    /// What a command line asks for; nothing where it makes no sense.
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
    let (mut passed, mut failed) = (0, 0);
    for test in tests {
        let name = test.name.clone();
        let begun = Instant::now();
        match one(test, &world) {
            Ok(()) => {
                passed += 1;
                println!("ok {name} ({:.1} s)", begun.elapsed().as_secs_f64());
            }
            Err(error) => {
                failed += 1;
                println!("FAILED {name}: {}", line(&error));
                if let Some(words) = world.daemon_words() {
                    println!("  the daemon's last words: {words}");
                }
            }
        }
    }
    world.end();
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(test: Test, world: &Arc<World>) -> Result<()> {
    let (told, heard) = channel();
    let theirs = Arc::clone(world);
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| (test.body)(&theirs)));
        let result = result.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            Err(anyhow!("panicked: {}", words.unwrap_or_default()))
        });
        // The runner may have given up on it.
        let _ = told.send(result);
    });
    let result = match heard.recv_timeout(test.limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(anyhow!("not done after {} s", test.limit.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err(anyhow!("its thread ended early")),
    };
    world.clear_away();
    result
}

/// An error with its causes on one line.
pub fn line(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', " | ")
}
