//! The policy's own tests, checked whenever it is compiled: one that fails refuses the policy.

mod read;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use super::compile::Compiled;
use super::error::PolicyError;
use super::question::Question;
use super::rules::Rule;
use super::view::{default_of, default_text};

pub use read::tests_of;

/// A test, ready to be asked.
#[derive(Debug, Clone)]
pub struct Test {
    /// What is asked.
    pub question: Question,
    /// The verdict it must get.
    pub expect: Verdict,
    /// The question as written.
    pub shown: String,
    /// The file the test stands in.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// Its column.
    pub column: usize,
}

/// Whether an operation on a path follows a link in the path's last component.
#[must_use]
pub fn follows_last(operation: Operation) -> bool {
    !matches!(operation, Operation::Create | Operation::Delete | Operation::Rename | Operation::Link)
}

/// Asks every test; the first that fails refuses the policy.
pub fn run(compiled: &Compiled, tests: &[Test]) -> Result<(), PolicyError> {
    tests.iter().try_for_each(|test| ask(compiled, test))
}

/// Asks one test.
pub fn ask(compiled: &Compiled, test: &Test) -> Result<(), PolicyError> {
    let (operation, cell) = compiled.judge(&test.question);
    match cell.verdict().unwrap_or(Verdict::Deny) {
        verdict if verdict == test.expect => Ok(()),
        verdict => Err(failed(test, operation, verdict, compiled.rules.get(cell.rule()))),
    }
}

fn failed(test: &Test, operation: Operation, verdict: Verdict, rule: Option<&Rule>) -> PolicyError {
    let spoke = match rule {
        Some(rule) if rule.line > 0 => format!("rule {} ({}:{})", rule.id, rule.file, rule.line),
        Some(rule) => format!("rule {}", rule.id),
        None => format!("no rule, and {}", default_text(default_of(operation))),
    };
    let (shown, got, expect) = (&test.shown, verdict.name(), test.expect.name());
    let problem = format!("test failed: {shown} gives {got}, expected {expect}; {spoke} spoke");
    let help = "change the rules until it holds, or correct what the test expects".to_owned();
    PolicyError { file: test.file.clone(), line: test.line, column: test.column, problem, help }
}
