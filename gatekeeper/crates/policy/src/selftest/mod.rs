//! The policy's own tests, checked whenever it is compiled: one that fails refuses the policy.

mod read;
mod test;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use crate::compiled::Compiled;
use crate::error::PolicyError;
use crate::rules::Rule;
use crate::view::{default_of, default_text};

pub use read::tests_of;
pub use test::{Test, follows_last};

/// Asks every test; the first that fails refuses the policy.
///
/// # Errors
/// Where a test gets another verdict than it expects.
pub fn run(compiled: &Compiled, tests: &[Test]) -> Result<(), PolicyError> {
    tests.iter().try_for_each(|test| ask(compiled, test))
}

/// Asks one test.
///
/// # Errors
/// Where it gets another verdict than it expects.
pub fn ask(compiled: &Compiled, test: &Test) -> Result<(), PolicyError> {
    let (operation, cell) = compiled.judge(&test.question);
    match cell.verdict().unwrap_or(Verdict::Deny) {
        verdict if verdict == test.expect => Ok(()),
        verdict => Err(failed(test, operation, verdict, compiled.rules.get(cell.rule()))),
    }
}

fn failed(test: &Test, operation: Operation, verdict: Verdict, rule: Option<&Rule>) -> PolicyError {
    let decided_by = match rule {
        Some(rule) if rule.line > 0 => format!("rule {} ({}:{})", rule.id, rule.file, rule.line),
        Some(rule) => format!("rule {}", rule.id),
        None => format!("no matching rule ({})", default_text(default_of(operation))),
    };
    let (shown, got, expect) = (&test.shown, verdict.name(), test.expect.name());
    let problem = format!("test failed: {shown} gives {got}, expected {expect}; decided by {decided_by}");
    let help = "change the rules until it holds, or correct what the test expects".to_owned();
    PolicyError { file: test.file.clone(), line: test.line, column: test.column, problem, help }
}
